"""The paired design, and Shapley values from its answers: exactness, invariances, and how often intervals hold."""

from __future__ import annotations

import os
from itertools import permutations
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import cho_solve

from probes import InputError, cube
from probes.design import paired
from probes.sampling.pairs import pair_shares
from surrogates.proxy.averaging import SHRINKAGES
from surrogates.proxy.path_integrals import with_rows
from surrogates.shapley.indices import indices
from surrogates.shapley.odd_process import Objective, fit_odd
from surrogates.shapley.paired_estimate import from_pairs, odd_parts
from surrogates.shapley.quadrature import rule
from tests.helpers.checkout import SHARED

GAMES = Path(os.environ.get("IOMAP_DATA") or SHARED / "data") / "games"


def rng(seed=0):
    return np.random.default_rng(seed)


def smooth_game(n, seed):
    """Main effects, interactions and an output between bounds that are not known, ±1.7."""
    draw = rng(seed)
    main, pair = draw.normal(size=n), draw.normal(size=(n, n)) / n
    Z = cube(n)
    return 1.7 * np.tanh(Z @ main / 2 + np.einsum("ij,jk,ik->i", Z, pair, Z))


def ask(table, Z):
    return table[(Z @ (1 << np.arange(Z.shape[1]))).astype(int)]


def brute(table):
    n = len(table).bit_length() - 1
    values = np.zeros(n)
    orders = list(permutations(range(n)))
    for arrival in orders:
        here = 0
        for i in arrival:
            values[i] += table[here | 1 << i] - table[here]
            here |= 1 << i
    return values / len(orders)


def least_squares(Z, y, shared=True):
    """Leverage-score KernelSHAP on the same rows, endpoints exact; rows of a size share its weight."""
    n, size = Z.shape[1], Z.sum(axis=1)
    inner = (size > 0) & (size < n)
    rows = np.bincount(size.astype(int))[size.astype(int)] if shared else 1
    gap, root = y[0] - y[1], (rows * size * (n - size))[inner] ** -0.5
    X, target = Z[inner] - Z[inner].mean(axis=1, keepdims=True), y[inner] - y[1] - size[inner] / n * gap
    slopes = np.linalg.lstsq(root[:, None] * X, root * target, rcond=1e-9)[0]
    return slopes - slopes.mean() + gap / n


@pytest.mark.parametrize(
    ("n", "rows"),
    [(2, 4), (3, 8), (4, 12), (5, 31), (6, 64), (9, 100), (14, 255), (16, 64), (40, 90), (120, 60), (1100, 30)],
)
def test_a_design_holds_endpoints_and_distinct_pairs(n, rows):
    Z = paired(n, rows, rng(n))
    assert len(Z) == (2**n if 2**n <= rows else rows // 2 * 2)
    assert (Z[0] == 1).all() and (Z[1] == 0).all()  # exact: rows of zeros and ones, and their counts
    np.testing.assert_array_equal(Z[::2] + Z[1::2], 1)  # exact: rows of zeros and ones, and their counts
    assert len(np.unique(Z, axis=0)) == len(Z)
    np.testing.assert_array_equal(paired(n, rows, rng(n)), Z)  # exact: rows of zeros and ones, and their counts
    assert len(Z) == 2**n or (paired(n, rows, rng(n + 1)) != Z).any()


@pytest.mark.parametrize(("n", "pairs"), [(14, 31), (14, 127), (9, 49), (16, 255), (60, 7)])
def test_sizes_are_shared_evenly_and_rows_alike(n, pairs):
    counts = np.array([pair_shares(n, pairs, rng(seed)) for seed in range(400)])
    assert (counts.sum(axis=1) == pairs).all()  # exact: rows of zeros and ones, and their counts
    room = np.array([comb(n, s) / (2 if 2 * s == n else 1) for s in range(1, n // 2 + 1)])
    assert (counts <= room).all()
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    # on average, proportional to 2 (1 for the middle) up to what there is: one level fits all sizes that are not full
    want = np.where(2 * np.arange(1, n // 2 + 1) == n, 1.0, 2.0)
    level = (counts.mean(axis=0) / want)[counts.mean(axis=0) < room - 0.5]
    np.testing.assert_allclose(level, level.mean(), atol=0.11)
    assert (room / want >= level.mean() - 0.11)[counts.mean(axis=0) < room - 0.5].all()


def test_every_row_of_a_size_is_as_likely():
    counts = np.zeros(2**6)
    for seed in range(600):
        counts[(paired(6, 20, rng(seed)) @ (1 << np.arange(6))).astype(int)] += 1
    size = cube(6).sum(axis=1)
    for s in range(1, 6):
        share = counts[size == s]
        assert np.abs(share - share.mean()).max() < 4.5 * np.sqrt(share.mean())
    assert counts[0] == counts[-1] == 600


@pytest.mark.parametrize("n", [2, 4, 6])
def test_the_whole_cube_gives_exact_values(n):
    table = rng(n).normal(size=2**n)
    Z = paired(n, 2**n, rng())
    result = from_pairs(Z, ask(table, Z))
    np.testing.assert_allclose(result.values[0], brute(table), atol=1e-12)
    np.testing.assert_array_equal(result.se, 0)  # exact: what is exact has an error of zero by definition
    assert result.subsets == [(i,) for i in range(n)]


@pytest.mark.parametrize("budget", [14, 40, 200])
def test_values_add_up_exactly(budget):
    tables = np.column_stack([smooth_game(10, 1), 1e4 + 1e3 * rng(2).normal(size=2**10)])
    Z = paired(10, budget, rng(3))
    y = ask(tables, Z)
    result = from_pairs(Z, y)
    assert result.values.shape == result.se.shape == (2, 10)
    np.testing.assert_allclose(result.values.sum(axis=1), y[0] - y[1], rtol=1e-11, atol=1e-12)
    assert (result.se > 0).all()


def test_an_additive_game_is_recovered():
    slopes = np.arange(12.0) - 4
    Z = paired(12, 60, rng())
    result = from_pairs(Z, 7 + Z @ slopes)
    np.testing.assert_allclose(result.values[0], slopes, atol=0.01)


def test_known_interactions_are_shared():
    Z = paired(12, 400, rng())
    result = from_pairs(Z, Z[:, 0] - 3 * Z[:, 1] * Z[:, 2] * Z[:, 3] + 2 * Z[:, 4] * (1 - Z[:, 5]))
    np.testing.assert_allclose(result.values[0], [1, -1, -1, -1, 1, -1, 0, 0, 0, 0, 0, 0], atol=0.05)


def test_units_and_order_of_rows_mean_nothing():
    table = smooth_game(9, 4)
    Z = paired(9, 80, rng(5))
    y, shuffle = ask(table, Z), rng(6).permutation(80)
    result = from_pairs(Z, y)
    scaled = from_pairs(Z, 5 - 300 * y)
    np.testing.assert_allclose(scaled.values, -300 * result.values, rtol=1e-3, atol=0.05)
    np.testing.assert_allclose(scaled.se, 300 * result.se, rtol=1e-2)
    mixed = from_pairs(Z[shuffle], y[shuffle])
    np.testing.assert_allclose(mixed.values, result.values, atol=2e-3)
    turned = from_pairs(Z[:, ::-1], y)
    np.testing.assert_allclose(turned.values, result.values[:, ::-1], atol=2e-3)


def test_an_even_part_has_no_values():
    table = smooth_game(9, 4)
    Z = paired(9, 80, rng(5))
    y = ask(table, Z)
    uneven, even = y, y + np.cos(Z.sum(axis=1) - 4.5) + (Z[:, 0] == Z[:, 1])
    (X, odd), (X2, odd2) = odd_parts(Z, uneven[:, None]), odd_parts(Z, even[:, None])
    np.testing.assert_allclose(fit_odd(X2, odd2).values, fit_odd(X, odd).values, atol=2e-3)
    both = from_pairs(Z, uneven), from_pairs(Z, even)  # the proxy sees it, and joins less
    assert (np.abs(both[0].values - both[1].values) < 2 * both[1].se).all()


def test_a_constant_game_has_no_values():
    Z = paired(8, 40, rng())
    result = from_pairs(Z, np.full(40, 0.1))
    np.testing.assert_allclose(result.values, 0, atol=1e-15)


def test_gradient_matches_finite_differences():
    draw = rng(1)
    X = 2 * paired(6, 40, draw)[::2] - 1
    objective = Objective(X, draw.normal(size=(len(X), 2)), 3.0)
    p = np.append([-0.5, 0.3, -1.0], draw.normal(-1, 0.5, 6))
    step = 1e-5 * np.eye(9)
    numeric = [(objective(p + e)[0] - objective(p - e)[0]) / 2e-5 for e in step]
    np.testing.assert_allclose(objective(p)[1], numeric, rtol=1e-5, atol=1e-5)


def test_the_fit_is_the_posterior_of_the_odd_part():
    """Values, errors and leave-one-out residuals against a posterior that is written out on the whole cube."""
    n, draw = 5, rng(2)
    X = 2 * paired(n, 24, draw)[::2] - 1
    y = (X @ draw.normal(size=n) + X[:, :3].prod(axis=1))[:, None]
    result = fit_odd(X, y)
    scale, functional = np.sqrt((y**2).mean()), indices(np.eye(2**n)).values.T
    full, means, variances, left, start = np.vstack([2 * cube(n) - 1, X]), [], [], [], None
    for shrinkage in SHRINKAGES:
        objective = Objective(X, y / scale, shrinkage)
        start = objective.optimum(start)
        kernel, _ = objective.condition(start)
        agree, differ = ((full[:, None] != sign * full[None]) @ kernel.theta for sign in (1, -1))
        K = kernel.linear * full @ full.T / n + kernel.product / 2 * (np.exp(-agree) - np.exp(-differ))
        size = (X > 0).sum(axis=1)
        noisy = K[2**n :, 2**n :] + np.diag(kernel.noise * 4 * size * (n - size) / n**2 + 1e-9)
        cross = K[: 2**n, 2**n :]
        means.append(functional @ cross @ np.linalg.solve(noisy, y / scale))
        posterior = K[: 2**n, : 2**n] - cross @ np.linalg.solve(noisy, cross.T)
        inverse = np.linalg.inv(noisy)
        standardised = (inverse @ y / scale)[1:, 0] ** 2 / np.diag(inverse)[1:]
        variances.append(standardised.sum() / (len(X) - 5) * np.diag(functional @ posterior @ functional.T))
        others = [np.delete(np.arange(len(X)), j) for j in range(len(X))]
        left.append(
            [
                y[j] / scale - noisy[j, o] @ np.linalg.solve(noisy[np.ix_(o, o)], y[o] / scale)
                for j, o in enumerate(others)
            ]
        )
    np.testing.assert_allclose(result.values.T, scale * np.mean(means, axis=0), atol=1e-6)
    spread = np.sqrt(np.mean(variances, axis=0) + np.var(means, axis=0)[:, 0])
    np.testing.assert_allclose(result.se[0], scale * spread, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(result.left, scale * np.mean(left, axis=0), atol=1e-5)


def test_the_process_predicts_odd_parts():
    X, y = odd_parts(Z := paired(8, 120, rng(3)), (Z[:, 0] - 2 * Z[:, 1] * Z[:, 2])[:, None])
    new = 2 * cube(8) - 1
    truth = ((new[:, 0] > 0) * 1.0 - (new[:, 0] < 0)) / 2 - (
        (new[:, 1:3] > 0).all(axis=1) * 1.0 - (new[:, 1:3] < 0).all(axis=1)
    )
    np.testing.assert_allclose(fit_odd(X, y).predict(new)[:, 0], truth, atol=0.05)


def test_values_of_a_saturated_game_take_the_curve():
    """The proxy passes its sum through a curve, of which the odd part alone knows nothing."""
    draw, errors = rng(0), []
    for seed in range(8):
        table = 1 / (1 + np.exp(-6 - cube(11) @ draw.normal(-1, 2, 11)))
        truth, Z = indices(table).values[0], paired(11, 96, rng(seed))
        X, odd = odd_parts(Z, ask(table, Z)[:, None])
        both = from_pairs(Z, ask(table, Z)).values[0], fit_odd(X, odd).values[0]
        errors.append([((values - truth) ** 2).sum() / (truth**2).sum() for values in both])
    averaged, alone = np.mean(errors, axis=0)
    assert averaged < 0.8 * alone


def test_of_many_features_the_curve_is_sampled():
    weights = rng(1).normal(0, 2, 40)
    Z = paired(40, 200, rng(2))
    result = from_pairs(Z, np.tanh(Z @ weights / 3))
    assert result.values.sum() == pytest.approx(np.tanh(weights.sum() / 3), abs=1e-9)
    assert np.corrcoef(result.values[0], weights)[0, 1] > 0.95 and (result.se > 0).all()


def test_features_that_the_proxy_leaves_out_are_in_doubt_where_it_misses_answers():
    draw, weights = rng(100), np.zeros(100)
    weights[draw.permutation(100)[:8]] = [3, -2.5, 2, 1.5, -1, 1, 0.7, -0.5]
    weights += 0.1 * draw.normal(size=100)
    Z = paired(100, 160, rng())
    estimate = from_pairs(Z, Z @ weights)
    assert (np.abs(estimate.values[0] - weights) <= 1.96 * estimate.se[0]).mean() > 0.88


def test_without_a_product_it_is_kernel_shap():
    """The limit that the design of the noise promises: a strong linear part and nothing else."""
    Z = paired(9, 100, rng())
    y = ask(smooth_game(9, 3), Z)
    X, halved = 2 * Z[::2] - 1, (y[::2] - y[1::2])[:, None] / 2
    objective = Objective(X, halved, 4.0)
    kernel, factor = objective.condition(np.append([9.0, -60.0, 0.0], np.zeros(9)))
    quadrature = rule("shapley", 1, 9)
    cross = with_rows(kernel, X, [(i,) for i in range(9)], quadrature.nodes, quadrature.weights)
    np.testing.assert_allclose((cross @ cho_solve(factor, halved))[:, 0], least_squares(Z, y, shared=False), atol=2e-4)


@pytest.mark.parametrize("budget", [48, 128])
def test_intervals_cover_simulated_games(budget):
    hits = []
    for seed in range(30):
        table = smooth_game(9, seed)
        Z = paired(9, budget, rng(seed + 1))
        result = from_pairs(Z, ask(table, Z))
        hits.append(np.abs(result.values - indices(table).values)[0] <= 1.96 * result.se[0])
    assert 0.9 <= np.mean(hits) <= 0.99  # 270 intervals


@pytest.mark.skipif(not GAMES.is_dir(), reason="the games are not here")
@pytest.mark.parametrize(("budget", "every"), [(256, 1), (512, 8)])
def test_real_games_need_half_the_error_of_kernel_shap(budget, every):
    """The mean relative squared error, and the coverage of 95% intervals, over real models' games."""
    errors, hits = [], []
    for j, path in enumerate(sorted(GAMES.glob("*.npy"))[::every]):
        table = np.load(path).astype(float)
        truth = indices(table).values[0]
        Z = paired(len(truth), budget, rng(j))
        y = ask(table, Z)
        result = from_pairs(Z, y)
        both = result.values[0], least_squares(Z, y)
        errors.append([((values - truth) ** 2).sum() / (truth**2).sum() for values in both])
        hits.append(np.mean(np.abs(result.values[0] - truth) <= 1.96 * result.se[0]))
    ours, theirs = np.mean(errors, axis=0)
    assert ours <= theirs / 2
    assert 0.9 <= np.mean(hits) <= 0.99


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        (lambda: paired(1, 20, rng()), "n"),
        (lambda: paired(10, 11, rng()), "rows"),
        (lambda: from_pairs(np.eye(4), np.zeros(3)), "Z"),
        (lambda: from_pairs(paired(6, 20, rng())[1:], np.zeros(19)), "Z"),
        (lambda: from_pairs(paired(6, 20, rng())[:-1], np.zeros(19)), "Z"),
        (lambda: from_pairs(paired(6, 20, rng()) / 2, np.zeros(20)), "Z"),
        (lambda: from_pairs(np.repeat(paired(6, 20, rng()), 2, axis=0), np.zeros(40)), "Z"),
        (lambda: from_pairs(paired(6, 20, rng()), np.full(20, np.nan)), "y"),
    ],
)
def test_errors_name_the_parameter(call, parameter):
    with pytest.raises(InputError, match=f"^{parameter} must "):
        call()
