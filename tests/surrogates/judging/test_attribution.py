"""Attributions against brute force over the whole cube, against shap, and their intervals by simulation."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from scipy import stats

from probes import Feature, LocalGaussian, MaskProbe, TabularProbe, cube, sample
from surrogates import Box, CubeProxy, Product, SparseLinear, TreeSurrogate, explain
from surrogates.judging import cross_fit
from surrogates.judging.analysis import analyse
from surrogates.judging.attribution import average_effects
from surrogates.judging.problem import Problem
from surrogates.link import IDENTITY, Link
from surrogates.shapley.indices import indices
from surrogates.surrogate import FixedTerms
from surrogates.terms import evaluate

N = 5
FEATURES = [Feature(f"x{i}") for i in range(N)]


def game(table):
    def value(Z):
        return table[(np.asarray(Z, dtype=int) @ (1 << np.arange(Z.shape[1])))]

    return value


def brute_shapley(v, n):
    values = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for chosen in combinations(others, size):
                row = np.zeros((2, n))
                row[:, list(chosen)] = 1
                row[1, i] = 1
                low, high = v(row)
                values[i] += weight * (high - low)
    return values


def random_terms(rng):
    products = [Product(tuple(sorted(rng.choice(N, rng.integers(1, 4), replace=False)))) for _ in range(4)]
    boxes = []
    for _ in range(6):
        members = sorted(rng.choice(N, rng.integers(1, 5), replace=False))
        boxes.append(Box(tuple((int(i), *((-np.inf, 0.5) if rng.random() < 0.5 else (0.5, np.inf))) for i in members)))
    return [*products, *boxes, Box(())]


def fixed(terms, coef, links, n_features):
    """A surrogate of given terms ``(t,)`` and weights ``(k, t)`` through a link for each output."""
    surrogate = FixedTerms()
    surrogate.terms_, surrogate.coef_, surrogate.intercept_ = terms, coef, np.zeros(len(coef))
    surrogate.links_, surrogate.n_features_in_ = links, n_features
    return surrogate


@pytest.mark.parametrize("link", [IDENTITY, Link("logistic", -1.0, 2.0), Link("log", high=3.0)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_shapley_and_banzhaf_agree_with_brute_force(seed, link):
    rng = np.random.default_rng(seed)
    terms = random_terms(rng)
    coef = rng.normal(size=(2, len(terms)))
    surrogate = fixed(terms, coef, (link, IDENTITY), N)

    def v(Z):
        return link.answers(evaluate(terms, Z) @ coef[0])

    np.testing.assert_allclose(indices(surrogate).values[0], brute_shapley(v, N), atol=1e-12)
    Z = cube(N)
    banzhaf = [v(Z[Z[:, i] == 1]).mean() - v(Z[Z[:, i] == 0]).mean() for i in range(N)]
    np.testing.assert_allclose(average_effects(surrogate, FEATURES)[0], banzhaf, atol=1e-12)


@pytest.mark.parametrize("link", [IDENTITY, Link("logistic", -1.0, 2.0)], ids=str)
def test_average_effects_of_real_features_agree_with_sampling(link):
    features = [Feature("a", "real", loc=2.0, scale=0.5), Feature("b", "real", loc=-1.0, scale=2.0), Feature("c")]
    terms = [Product((0, 1)), Box(((0, 1.8, np.inf), (1, -2.0, 1.0), (2, 0.5, np.inf))), Product((2,))]
    coef = np.array([[1.0, 3.0, -2.0]])
    rng = np.random.default_rng(0)
    m = 1_500_000
    Z = np.column_stack([rng.normal(2, 0.5, m), rng.normal(-1, 2, m), rng.integers(0, 2, m)])
    y = link.answers(evaluate(terms, Z) @ coef[0])
    step = [0.5, 2.0, 1.0]
    sampled = [np.cov(Z[:, j], y)[0, 1] / Z[:, j].var() * step[j] for j in range(3)]
    np.testing.assert_allclose(average_effects(fixed(terms, coef, (link,), 3), features)[0], sampled, atol=0.03)


@pytest.mark.xdist_group("shap")
def test_tree_shapley_agrees_with_shap():
    shap = pytest.importorskip("shap", reason="shap is not installed")
    from sklearn.tree import DecisionTreeRegressor

    rng = np.random.default_rng(3)
    X = rng.integers(0, 2, (300, 8)).astype(float)
    y = rng.normal(size=8) @ X.T + 2 * X[:, 0] * X[:, 1]
    ours = TreeSurrogate(max_leaves=16).fit(X, y)
    tree = DecisionTreeRegressor(max_leaf_nodes=len(ours.terms_), min_weight_fraction_leaf=0.02, random_state=0)
    order = np.lexsort(X.T[::-1])
    rows, which = np.unique(X[order], axis=0, return_inverse=True)
    weight = np.bincount(which)
    tree.fit(rows, np.bincount(which, y[order]) / weight, sample_weight=weight)
    np.testing.assert_allclose(tree.predict(X), ours.predict(X), atol=1e-9)
    theirs = shap.TreeExplainer(tree, np.zeros((1, 8)), feature_perturbation="interventional")
    np.testing.assert_allclose(indices(ours).values[0], theirs.shap_values(np.ones((1, 8)))[0], atol=1e-6)


@pytest.mark.parametrize("family", ["linear", "tree"])
def test_whole_cube_gives_exact_effects_without_width(family):
    table = np.random.default_rng(4).normal(size=2**6)
    ex = explain(game(table), MaskProbe(6), family, store=None)
    Z, effects = cube(6), ex.attributions.set_index("feature")
    for i in range(6):
        truth = table[Z[:, i] == 1].mean() - table[Z[:, i] == 0].mean()
        assert effects.loc[f"x{i}", "attribution"] == pytest.approx(truth, abs=1e-12)
    # exact: an interval without width is the effect itself
    assert (ex.attributions["low"] == ex.attributions["high"]).all()
    assert ex.fidelity.exact
    predicted = ex.predict(Z)
    assert ex.fidelity.r2[0] == pytest.approx(
        1 - ((table - predicted) ** 2).sum() / ((table - table.mean()) ** 2).sum()
    )


def smooth_game(n, rng):
    """A game with main effects, interactions and a bounded output, like a classifier's."""
    main, pair = rng.normal(size=n), rng.normal(size=(n, n)) / n
    Z = cube(n)
    return np.tanh(Z @ main / 2 + np.einsum("ij,jk,ik->i", Z, pair, Z))


@pytest.mark.parametrize(
    ("family", "runs", "n", "budget", "folds"),
    [(SparseLinear(folds=3), 60, 9, 80, 10), (TreeSurrogate(proxy=CubeProxy(4.0)), 30, 7, 48, 4)],
    ids=["linear", "tree"],
)
def test_intervals_cover_the_truth(family, runs, n, budget, folds, monkeypatch):
    """95% intervals of attributions and of fidelity, over runs on known games."""
    monkeypatch.setattr(cross_fit, "FOLDS", folds)
    hits, inside = [], []
    features = MaskProbe(n).features
    Z = cube(n)
    for trial in range(runs):
        table = smooth_game(n, np.random.default_rng(trial))
        truth = [table[Z[:, i] == 1].mean() - table[Z[:, i] == 0].mean() for i in range(n)]
        design = sample(features, budget, np.random.default_rng(trial))
        problem = Problem(design, game(table)(design.Z)[:, None], ("y",), features, trial)
        judged = analyse(family, problem, control=False)
        rows = judged.attributions.set_index("feature").loc[[f.name for f in features]]
        hits += list((rows["low"] <= truth) & (truth <= rows["high"]))
        true_r2 = 1 - ((table - judged.surrogate.predict(Z)) ** 2).mean() / table.var()
        inside.append(judged.fidelity.r2_low[0] <= true_r2 <= judged.fidelity.r2_high[0])
    assert 0.91 <= np.mean(hits) <= 0.985  # n effects a run
    # reject coverage below 90%
    assert stats.binomtest(int(np.sum(inside)), len(inside), 0.9, alternative="less").pvalue > 0.01


def test_local_law_finds_slopes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) * [1.0, 10.0, 0.1]
    probe = TabularProbe(X[0], X, law=LocalGaussian(0.3))
    ex = explain(lambda rows: 2 * rows[:, 0] - 0.5 * rows[:, 1], probe, store=None)
    slopes = ex.attributions.set_index("feature")["attribution"]
    spread = X.std(axis=0, ddof=1)
    # the effect of one standard deviation of the law
    np.testing.assert_allclose(slopes[["x0", "x1", "x2"]], [2 * 0.3 * spread[0], -0.5 * 0.3 * spread[1], 0], atol=1e-9)


@pytest.mark.parametrize(("features", "seed"), [(120, 4), (120, 22), (400, 9)])
def test_what_an_iterated_fit_leaves_is_no_effect(features, seed):
    weights = np.zeros(features)
    weights[np.random.default_rng(seed).choice(features, 5, replace=False)] = 3, -2, 1.5, 1, -0.8
    ex = explain(lambda Z: Z @ weights, MaskProbe(features), "linear", budget=64, random_state=seed, store=None)
    assert np.count_nonzero(ex.attributions["attribution"]) == 5


def test_equal_effects_stay_tied_where_an_iterated_fit_leaves_them_apart():
    weights = np.array([3.0, 0, 0, 0, 0, 0, 0, 0.3, 0.3, 0.3, 0.3, 0.3, 0, 0])

    def model(Z):
        return Z @ weights - 2 * Z[:, 1] * Z[:, 5]

    ex = explain(model, MaskProbe(14), "interactions", budget=200, random_state=3, store=None)
    assert (ex.fidelity.clear, ex.fidelity.ordered) == ((8,), (1,))
