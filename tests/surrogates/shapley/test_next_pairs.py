"""Which pairs are asked next: the choice against one written out on the whole cube."""

from __future__ import annotations

import numpy as np
import pytest

from probes import MaskProbe, cube
from probes.design import paired
from surrogates import indices, shapley_values
from surrogates.shapley.next_pairs import next_pairs
from surrogates.shapley.odd_process import OddProcess
from surrogates.shapley.paired_estimate import from_pairs, odd_parts


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_first_pair_narrows_the_values_most():
    """The sum of posterior variances of all Shapley values after each pair, from covariances over the whole cube."""
    n = 6
    Z = paired(n, 24, rng(1))
    X, y = odd_parts(Z, (Z[:, 0] * Z[:, 1] + Z[:, 2] - 2 * Z[:, 3] * Z[:, 4] * Z[:, 5])[:, None])
    chosen = 2 * next_pairs(Z, (X, y), 3, rng(2)) - 1
    process, _ = OddProcess.fit(X, y / np.sqrt((y**2).mean()), 4.0, None)
    full, functional = 2 * cube(n) - 1, indices(np.eye(2**n)).values.T
    K = process.covariance(full, full)

    def doubt(rows):
        cross = process.covariance(full, rows)
        known = process.covariance(rows, rows) + np.diag(process.noise(rows) + 1e-9)
        return np.trace(functional @ (K - cross @ np.linalg.solve(known, cross.T)) @ functional.T)

    asked = {row.tobytes() for row in np.vstack([X, -X])}
    left = [row for row in full if row.tobytes() not in asked]
    for place in range(3):
        before = np.vstack([X, chosen[:place]])
        assert doubt(np.vstack([before, chosen[place]])) == pytest.approx(
            min(doubt(np.vstack([before, row])) for row in left), rel=1e-6
        )


@pytest.mark.parametrize(("n", "rows", "count"), [(5, 12, 40), (8, 40, 20), (30, 60, 50), (200, 40, 30)])
def test_pairs_are_new_and_distinct(n, rows, count):
    Z = paired(n, rows, rng(n))
    found = next_pairs(Z, odd_parts(Z, (Z[:, 0] + Z[:, 1] * Z[:, 2])[:, None]), count, rng(1))
    assert len(found) == min(count, 2 ** (n - 1) - rows // 2)
    assert len(np.unique(np.vstack([Z, found, 1 - found]), axis=0)) == rows + 2 * len(found)


def test_without_answers_pairs_are_drawn():
    Z = paired(9, 20, rng(3))
    found = next_pairs(Z, None, 7, rng(4))
    assert found.shape == (7, 9) and len(np.unique(np.vstack([Z, found, 1 - found]), axis=0)) == 34


def test_a_model_of_no_odd_part_can_be_asked_on():
    found = shapley_values(lambda Z: np.ones(len(Z)), MaskProbe(12), budget=100, store=None)
    np.testing.assert_allclose(found.values, 0, atol=1e-12)


def smooth_game(n, seed):
    draw = rng(seed)
    few = draw.random(n) < 0.6
    main, pair = draw.normal(size=n) * few, draw.normal(size=(n, n)) * np.outer(few, few)
    Z = cube(n)
    return np.tanh(Z @ main / 2 + np.einsum("ij,jk,ik->i", Z, pair, Z) / n)


def test_chosen_pairs_leave_smaller_errors_and_honest_intervals():
    errors, hits = [], []
    for seed in range(24):
        table = smooth_game(9, seed)
        truth = indices(table).values[0]

        def model(Z, table=table):
            return table[(Z @ (1 << np.arange(9))).astype(int)]

        Z = paired(9, 58, rng(seed))
        found = shapley_values(model, MaskProbe(9), budget=64, random_state=seed, store=None)
        drawn = from_pairs(Z, model(Z)).values[0]
        errors.append([((values - truth) ** 2).sum() / (truth**2).sum() for values in (found.values[0], drawn)])
        hits.append(np.abs(found.values[0] - truth) <= 1.96 * found.se[0])
    chosen, drawn = np.mean(errors, axis=0)
    assert chosen < 0.8 * drawn
    assert 0.9 <= np.mean(hits) <= 0.99  # 216 intervals
