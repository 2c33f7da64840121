import numpy as np
import pytest

from surrogates.link import Link, Stacked
from surrogates.numerics.gauss_newton import moved, normal_of

rng = np.random.default_rng(0)


@pytest.mark.parametrize("columns", [3, 40])
@pytest.mark.parametrize("sets", [1, 8])
def test_normal_matrices_are_sums_over_rows(columns, sets):
    X1, weight = rng.normal(size=(2, 30, columns)), rng.uniform(size=(2, sets, 1, 30))
    expected = np.einsum("bnc,bfrn,bnd->bfrcd", X1, weight, X1)
    np.testing.assert_allclose(normal_of(X1, weight), expected, atol=1e-12)


def test_steps_miss_less_than_where_they_start():
    X1 = np.dstack([rng.integers(0, 2, (2, 80, 3)), np.ones((2, 80))])
    links = [Link("logistic", 0.0, 1.0), Link("logistic", -1.0, 3.0)]
    truth = np.array([[2.0, -3.0, 1.0, 0.5], [1.0, 1.0, -2.0, 0.0]])
    y = np.stack([link.answers(X @ w) for link, X, w in zip(links, X1, truth, strict=True)])
    start, weight = truth[:, None, None] + 0.5, np.ones((2, 1, 1, 80))
    misses = [
        (moved(X1, y, weight, np.zeros((2, 1, 1, 4)), start, Stacked.of(links, 4), steps)[1] ** 2).sum(axis=3)
        for steps in (0, 1, 5)
    ]
    assert (misses[1] < misses[0]).all()
    np.testing.assert_allclose(misses[2], 0, atol=1e-8)
