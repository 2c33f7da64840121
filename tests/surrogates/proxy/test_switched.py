"""Predictions for rows with one feature changed, for all features at once, without a prediction for each."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.switched import Moved, switched_on


@pytest.mark.parametrize("d", [5, 80], ids=["all features enter", "some are screened out"])
def test_it_predicts_what_the_proxy_predicts_for_the_switched_rows(d):
    rng = np.random.default_rng(d)
    Z = rng.integers(0, 2, (60, d))
    proxy = CubeProxy().fit(Z, 2.0 * Z[:, 1] * Z[:, 3] - Z[:, 2] + 0.1 * rng.normal(size=60))
    rows = rng.integers(0, 2, (7, d)).astype(float)
    expected = np.empty((7, d))
    for i in range(d):
        switched = rows.copy()
        switched[:, i] = 1
        expected[:, i] = proxy.predict(switched)
    np.testing.assert_allclose(switched_on(proxy, rows), expected, atol=1e-9)
    assert np.ptp(expected) > 1


@pytest.mark.parametrize(
    ("d", "sharp"), [(4, 1), (80, 1), (4, 60)], ids=["all enter", "some are screened out", "factors would overflow"]
)
def test_moved_rows_are_predicted_as_the_proxy_predicts_them(d, sharp):
    rng = np.random.default_rng(d)
    Z, rows = 1000 * rng.normal(size=(2, 60, d))
    near = 0.3 * rows
    Z[:, 1], rows[:, 1], near[:, 1] = rng.integers(0, 2, 60), 0, 1
    proxy = CubeProxy().fit(Z, np.sin(Z[:, 0] / 300) + Z[:, 1] + Z[:, 2] / 1000)
    if sharp > 1:  # length-scales so short that distances from a row leave the range of floats
        rows, near = sharp * rows, sharp * near
    moved = Moved(proxy, rows, near)
    for members in ((), (1, 3)):
        expected = np.empty((60, d))
        for i in range(d):
            there = rows.copy()
            there[:, [*members, i]] = near[:, [*members, i]]
            expected[:, i] = proxy.predict(there)
        np.testing.assert_allclose(moved(members, range(d)), expected, atol=1e-9)
        np.testing.assert_allclose(moved(members, [2]), expected[:, [2]], atol=1e-9)
    assert np.ptp(expected) > 1
