"""The unit of answers and of columns means nothing to a family."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from probes import cube
from surrogates import (
    AdditiveSurrogate,
    CubeProxy,
    InteractionSurrogate,
    RuleSurrogate,
    SparseLinear,
    StackedProxy,
    TreeSurrogate,
)
from surrogates.proxy import distillation, stacked_proxy

FAMILIES = [
    SparseLinear(),
    InteractionSurrogate(),
    TreeSurrogate(),
    RuleSurrogate(n_trees=2, folds=2),
    AdditiveSurrogate(),
    InteractionSurrogate(proxy=CubeProxy(4.0)),
    TreeSurrogate(proxy=CubeProxy(4.0)),
    RuleSurrogate(n_trees=5, proxy=CubeProxy(4.0)),
]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_unit_of_answers_breaks_no_ties(family):
    full = cube(5)
    for seed in range(6):
        Z = full[np.random.default_rng(seed).permutation(32)[:16]]
        y = Z[:, 0] + Z[:, 1] * Z[:, 2]
        expected = clone(family).fit(Z, y).predict(full)
        for unit, shift in ((0.001, 0), (1000, 0), (0.1, -0.7), (1, 1000)):
            predicted = clone(family).fit(Z, unit * y + shift).predict(full)
            np.testing.assert_allclose((predicted - shift) / unit, expected, atol=1e-6, err_msg=f"{unit}, {shift}")


@pytest.mark.parametrize("family", [*FAMILIES, StackedProxy(folds=2, n_trees=5)], ids=str)
def test_the_unit_of_columns_means_nothing(family, monkeypatch):
    monkeypatch.setattr(distillation, "LAW_ROWS", 256)
    monkeypatch.setattr(stacked_proxy, "PENALTIES", 3)
    Z = np.random.default_rng(0).normal(size=(60, 3))
    y = np.sin(2 * Z[:, 0]) + Z[:, 1] * Z[:, 2]
    expected = clone(family).fit(Z, y).predict(Z)
    assert np.ptp(expected) > 1
    for units, zero in (([1000, 1, 1e-9], 0), ([1e-15, 1, 1], 0), ([1, 1, 1], [1.6e9, 0, 0])):
        there = zero + Z * units
        predicted = clone(family).fit(there, y).predict(there)
        # 1.6e9, a time in seconds: seven digits of 1 are left
        np.testing.assert_allclose(predicted, expected, atol=1e-5, err_msg=f"{units}, {zero}")
