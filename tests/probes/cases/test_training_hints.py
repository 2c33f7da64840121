"""Explained beside how well groups are predicted without them, effects of training data take fewer trainings."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from probes import TrainingProbe
from surrogates import Explanation, explain

BAD = tuple(range(2, 60, 6))


@cache
def hinted_and_plain(turned, budget=32):
    """Explanations of one metric by both models, and the effects on it by many trainings."""
    rng = np.random.default_rng(3)
    X_all = rng.normal(size=(1000, 6))
    y_all = (X_all @ rng.normal(size=6) + 0.5 * rng.normal(size=1000) > 0).astype(int)
    source = np.arange(300) % 60
    labels = np.where(np.isin(source, turned), 1 - y_all[:300], y_all[:300])
    told = (X_all[300:], y_all[300:])
    probe = TrainingProbe(LogisticRegression(), X_all[:300], labels, source, told, metric="right_label")
    Z = np.random.default_rng(4).integers(0, 2, (500, 60)).astype(float)
    truth = np.linalg.lstsq(np.column_stack([Z, np.ones(500)]), probe.model(Z)[:, 0], rcond=None)[0][:-1]
    models = {"target": 0, "budget": budget, "store": None}
    return probe, truth, explain(probe.by_group, probe, **models), explain(probe.model, probe, **models)


def missed(ex, truth, column="attribution"):
    shown = ex.attributions.set_index("feature")[column]
    return np.sqrt(np.mean([(shown[str(k)] - value) ** 2 for k, value in enumerate(truth)]))


def test_effects_begin_with_how_well_groups_are_predicted_without_them():
    probe, truth, hinted, plain = hinted_and_plain(BAD)
    assert missed(hinted, truth, "surrogate") < missed(plain, truth, "surrogate") / 2
    assert missed(hinted, truth) < missed(plain, truth) / 1.5
    assert "begins with how well each group" in str(hinted) and "begins with" not in str(plain)
    assert hinted.fidelity.r2[0] > plain.fidelity.r2[0] + 0.2 and hinted.fidelity.permuted[0] < 0.1
    fresh = np.random.default_rng(5).integers(0, 2, (200, 60)).astype(float)
    seen = probe.model(fresh)[:, 0]
    assert 1 - np.mean((seen - hinted.predict(fresh)) ** 2) / seen.var() > hinted.fidelity.r2_low[0]
    shown = hinted.attributions.set_index("feature")
    inside = [shown["low"][str(k)] <= value <= shown["high"][str(k)] for k, value in enumerate(truth)]
    assert np.mean(inside) >= 0.85


def test_hints_are_read_from_files_too(tmp_path):
    _, _, hinted, _ = hinted_and_plain(BAD)
    hinted.to_json(tmp_path / "ex.json")
    curve = Explanation.from_json(tmp_path / "ex.json").fidelity_curve([20])
    pd.testing.assert_frame_equal(curve, hinted.fidelity_curve([20]))
    assert curve["r2"][0] > 0.5


def test_without_bad_groups_hints_do_no_harm():
    _, truth, hinted, plain = hinted_and_plain(())
    assert missed(hinted, truth, "surrogate") < 1.1 * missed(plain, truth, "surrogate")
    assert missed(hinted, truth) < 1.1 * missed(plain, truth)
