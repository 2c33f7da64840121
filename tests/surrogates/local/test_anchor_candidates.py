"""What a search for an anchor computes by itself, in counts: predictions of the proxy, never time."""

from __future__ import annotations

import numpy as np

from probes import LocalGaussian, MaskProbe, TabularProbe
from surrogates import anchor
from surrogates.local.anchor_candidates import proposed
from surrogates.proxy.cube_proxy import CubeProxy


def predictions(monkeypatch) -> list[int]:
    """Count the rows of each prediction of a proxy."""
    predicted, predict = [], CubeProxy.predict

    def counting(self, Z, return_std=False):
        predicted.append(len(Z))
        return predict(self, Z, return_std)

    monkeypatch.setattr(CubeProxy, "predict", counting)
    return predicted


def test_a_search_predicts_all_features_of_a_rule_at_once(monkeypatch):
    predicted = predictions(monkeypatch)
    rule = anchor(lambda Z: np.sin(Z @ np.arange(1, 21)), MaskProbe(20), budget=96, max_length=4, store=None)
    assert not rule.proved
    assert len(predicted) < 100  # one for each of at most 8 rules of a length that are grown, and for each candidate


def test_a_search_among_real_features_predicts_all_features_of_a_rule_at_once(monkeypatch):
    predicted = predictions(monkeypatch)
    rows = np.random.default_rng(0).normal(size=(50, 8))
    near = TabularProbe(rows[0], rows, law=LocalGaussian(1.0))
    rule = anchor(lambda X: np.sin(9 * np.asarray(X).sum(axis=1)), near, budget=80, max_length=3, store=None)
    assert not rule.proved
    assert len(predicted) < 20


def test_each_rule_is_predicted_once():
    seen = []

    def precisions(members, added):
        rules = [tuple(sorted((*members, i))) for i in added]
        seen.extend(rules)
        return np.array([sum(rule) / 1000 for rule in rules])

    assert proposed(precisions, 9, set(), 0.95, 3) == (6, 7, 8)
    assert len(seen) == len(set(seen))
    assert all(len(set(rule)) == len(rule) for rule in seen)
