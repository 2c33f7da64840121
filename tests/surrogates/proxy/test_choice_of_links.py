"""Which curve a process takes of those offered."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates.link import Link
from surrogates.proxy.cube_proxy import CubeProxy


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another output"])
def test_known_bounds_are_found_where_few_answers_are_more_than_nothing(seed, beside):
    rng = np.random.default_rng(seed)
    Z, others = (rng.integers(0, 2, (rows, 18)).astype(float) for rows in (64, 4096))
    weights = 1.5 * rng.normal(size=18)
    y, truth = (np.exp(rows @ weights - np.maximum(weights, 0).sum() - 3) for rows in (Z, others))
    proxy = CubeProxy(link="auto").fit(Z, np.column_stack([y, Z[:, 0] + 2 * Z[:, 1]]) if beside else y)
    missed = proxy.predict(others).reshape(len(others), -1)[:, 0] - truth
    assert (missed**2).mean() < 0.1 * truth.var()
    assert [link.curved for link in proxy.links_] == [True, False][: 1 + beside]


def test_the_bounds_that_are_chosen_are_fitted_as_given_ones_are():
    rng = np.random.default_rng(0)
    Z, others = (rng.integers(0, 2, (rows, 18)).astype(float) for rows in (64, 4096))
    weights = rng.normal(size=18)
    p = 1 / (1 + np.exp(6 - 5 * Z[:, 0] - 4 * Z[:, 1] - 3 * Z[:, 2] * Z[:, 3] + Z[:, 4:10] @ weights[4:10]))
    chosen = CubeProxy(link="auto").fit(Z, p)
    given = CubeProxy(link=chosen.links_[0]).fit(Z, p)
    assert (chosen.links_[0].low, chosen.links_[0].high) == (0.0, 1.0)  # exact: known ones
    np.testing.assert_allclose(chosen.predict(others), given.predict(others), atol=1e-6)
    assert chosen.shares_ == pytest.approx(given.shares_, abs=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("answers", ["constant", "tiny"])
@pytest.mark.parametrize("link", ["auto", "learned", Link("logistic", 0.0, 1.0)], ids=str)
def test_answers_that_vary_by_nothing_that_is_a_number_have_finite_predictions(answers, link):
    Z = np.random.default_rng(0).integers(0, 2, (30, 5)).astype(float)
    y = np.zeros(30) if answers == "constant" else 1e-300 * (1 + Z @ np.arange(5.0))
    predicted = CubeProxy(link=link).fit(Z, y).predict(Z, return_std=True)
    assert np.isfinite(predicted).all()
