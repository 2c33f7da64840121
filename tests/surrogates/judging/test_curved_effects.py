"""Average effects through a curve: sampled ones against enumerated ones, and intervals against the truth."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from probes import MaskProbe, cube, sample
from surrogates import SparseLinear
from surrogates.judging import cross_fit, curved_effects
from surrogates.judging.analysis import analyse
from surrogates.judging.problem import Problem
from surrogates.link import Link
from surrogates.surrogate import FixedTerms
from surrogates.terms import Product


def test_sampled_slopes_are_the_enumerated_ones_as_closely_as_they_say(monkeypatch):
    rng, features = np.random.default_rng(0), MaskProbe(9).features
    surrogate = FixedTerms()
    surrogate.terms_ = [Product((i,)) for i in range(9)] + [Product((i, i + 1), (0.5, 0.5)) for i in range(4)]
    surrogate.coef_, surrogate.intercept_ = rng.normal(size=(1, 13)) * 2, np.zeros(1)
    surrogate.links_, surrogate.n_features_in_ = (Link("logistic", 0.0, 1.0),), 9
    exact, none = curved_effects.curved_slopes([surrogate], np.ones(1), features, rng)
    assert not none.any()
    monkeypatch.setattr(curved_effects, "_ENUMERATED", 4)
    monkeypatch.setattr(curved_effects, "_ROWS", 512)
    drawn = [curved_effects.curved_slopes([surrogate], np.ones(1), features, rng) for _ in range(200)]
    off = np.array([slopes - exact for slopes, _ in drawn])[:, 0]
    said = np.sqrt(np.mean([variance for _, variance in drawn], axis=0))[0]
    assert (np.abs(off.mean(axis=0)) < 4 * said / np.sqrt(200)).all()
    np.testing.assert_allclose(off.std(axis=0), said, rtol=0.25)


def test_with_and_without_a_curve_intervals_cover_the_truth(monkeypatch):
    """320 intervals of a kind, 95% nominal."""
    monkeypatch.setattr(cross_fit, "FOLDS", 4)  # the same estimate, whatever their number
    d, weights = 8, np.array([2.0, -1.5, 1.0, 1.0, -1.0, 0.5, 0.25, 0.0])
    features, rows = MaskProbe(d).features, cube(d)
    y = expit(rows @ weights + rows[:, 0] * rows[:, 1] - 0.5)
    truth = [y[rows[:, j] == 1].mean() - y[rows[:, j] == 0].mean() for j in range(d)]
    widths = {}
    for link in ("identity", "auto"):
        covered, width = [], []
        for seed in range(40):
            design = sample(features, 80, np.random.default_rng(seed))
            answers = y[(design.Z @ (1 << np.arange(d))).astype(int), None]
            problem = Problem(design, answers, ("y",), features, seed)
            table = analyse(SparseLinear(folds=2, link=link), problem, control=False).attributions
            table = table.set_index("feature").loc[[f.name for f in features]]
            covered.append((table["low"] <= truth) & (truth <= table["high"]))
            width.append((table["high"] - table["low"]).mean())
        assert 0.92 <= np.mean(covered) <= 0.99
        widths[link] = np.mean(width)
    assert widths["auto"] < 0.7 * widths["identity"]
