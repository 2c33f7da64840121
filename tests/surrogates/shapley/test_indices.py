"""Indices agree with their definitions, by brute force and by other libraries."""

from __future__ import annotations

from itertools import combinations, permutations
from math import comb, factorial

import numpy as np
import pytest

from probes import InputError, MaskProbe, cube
from surrogates import (
    Box,
    CubeProxy,
    Product,
    explain,
)
from surrogates.proxy.path_integrals import posterior
from surrogates.shapley.indices import indices
from surrogates.shapley.quadrature import INDICES, rule
from surrogates.surrogate import FixedTerms
from surrogates.terms import evaluate
from tests.helpers.checkout import ROOT

MOST = {"leave-one-out": 1, "k-sii": 2}
KINDS = [(kind, order) for kind in INDICES for order in range(1, MOST.get(kind, 3) + 1)]


def sets(n, order):
    return [s for size in range(1, order + 1) for s in combinations(range(n), size)]


def number(members):
    return sum(1 << i for i in members)


def derivative(table, S, T):
    """Σ over subsets L of S of (−1)^(|S|−|L|) v(T ∪ L)."""
    parts = [L for size in range(len(S) + 1) for L in combinations(S, size)]
    return sum((-1.0) ** (len(S) - len(L)) * table[number(T) + number(L)] for L in parts)


def leave_one_out(order, table, n):
    return np.array([table[-1] - table[-1 - (1 << i)] for i in range(n)])


def shapley(order, table, n):
    """Mean marginal contribution over all orders of arrival; for more features the interaction index."""
    if order > 1:
        return averaged(order, table, n, lambda s, t: factorial(n - t - s) * factorial(t) / factorial(n - s + 1))
    values = np.zeros((n, table.shape[1]))
    for arrival in permutations(range(n)):
        here = 0
        for i in arrival:
            values[i] += (table[here | 1 << i] - table[here]) / factorial(n)
            here |= 1 << i
    return values


def banzhaf(order, table, n):
    return averaged(order, table, n, lambda s, t: 0.5 ** (n - s))


def averaged(order, table, n, share):
    """Derivatives at all sets T of t features outside of S, a set of s, each weighted by share(s, t)."""
    totals = []
    for S in sets(n, order):
        rest, s, total = [i for i in range(n) if i not in S], len(S), 0.0
        for t in range(n - s + 1):
            total = total + share(s, t) * sum(derivative(table, S, T) for T in combinations(rest, t))
        totals.append(total)
    return np.array(totals)


def polynomial(order, n):
    """All products ``(2ⁿ, t)`` of up to `order` features, the empty one first."""
    return np.column_stack([cube(n)[:, list(s)].prod(axis=1) for s in [(), *sets(n, order)]])


def k_sii(order, table, n):
    """Shapley interactions, half of each pair taken from the values of its two features."""
    values = dict(zip(sets(n, order), shapley(order, table, n), strict=True))
    halves = [sum((values[s] / 2 for s in values if len(s) == 2 and i in s), 0.0 * table[0]) for i in range(n)]
    return np.array([value - (halves[s[0]] if len(s) == 1 else 0.0) for s, value in values.items()])


def faith_banzhaf(order, table, n):
    """The best fit by a polynomial of this order."""
    return np.linalg.lstsq(polynomial(order, n), table, rcond=None)[0][1:]


def faith_shapley(order, table, n):
    """The best weighted fit by a polynomial of this order that is exact at nothing and at all."""
    X = polynomial(order, n)
    size = cube(n).sum(axis=1).astype(int)
    weight = np.array([0.0 if t in (0, n) else (n - 1) / (comb(n, t) * t * (n - t)) for t in size])
    ends, t = X[[0, -1]], X.shape[1]
    normal = np.block([[X.T @ (weight[:, None] * X), ends.T], [ends, np.zeros((2, 2))]])
    right = np.vstack([X.T @ (weight[:, None] * table), table[[0, -1]]])
    return np.linalg.lstsq(normal, right, rcond=None)[0][1:t]


#: the definitions in the papers: (order, table (2ⁿ, k), n) → indices (t, k) of all sets of up to `order` features
DEFINITIONS = {
    "shapley": shapley,
    "k-sii": k_sii,
    "banzhaf": banzhaf,
    "leave-one-out": leave_one_out,
    "faith-shapley": faith_shapley,
    "faith-banzhaf": faith_banzhaf,
}


def by_definition(kind, order, table):
    assert kind in DEFINITIONS, f"add the definition of {kind} to DEFINITIONS in {__file__}"
    return DEFINITIONS[kind](order, table, len(table).bit_length() - 1)


def test_every_index_has_a_definition():
    assert set(INDICES) == set(DEFINITIONS), "DEFINITIONS of this file needs one definition of every index"


def test_every_index_is_named_in_the_guide():
    page = (ROOT / "docs" / "attribution.md").read_text(encoding="utf-8")
    lacking = [kind for kind in INDICES if f'`"{kind}"`' not in page]
    assert not lacking, "docs/attribution.md names every kind of index"


def random_surrogate(rng, n, outputs=2):
    products = [Product(tuple(sorted(rng.choice(n, rng.integers(1, 4), replace=False).tolist()))) for _ in range(3)]
    centred = [Product(tuple(sorted(rng.choice(n, k, replace=False).tolist())), (0.5,) * k) for k in (1, 2, 3)]
    boxes = []
    for size in (1, 2, 3, 4, 4):
        members = sorted(rng.choice(n, size, replace=False).tolist())
        boxes.append(Box(tuple((i, *((-np.inf, 0.5) if rng.random() < 0.5 else (0.5, np.inf))) for i in members)))
    surrogate = FixedTerms()
    surrogate.terms_ = [*products, *centred, *boxes, Box(())]
    surrogate.coef_ = rng.normal(size=(outputs, len(surrogate.terms_)))
    surrogate.n_features_in_ = n
    return surrogate


def dense(result, wanted):
    """Values (t, k) for all wanted sets; those not listed are zero."""
    place = dict(zip(result.subsets, result.values.T, strict=True))
    return np.array([place.get(s, np.zeros(len(result.values))) for s in wanted])


@pytest.mark.parametrize(("kind", "order"), KINDS)
@pytest.mark.parametrize("n", [3, 5, 6])
def test_tables_agree_with_the_definitions(kind, order, n):
    table = np.random.default_rng(n).normal(size=(2**n, 3))
    result = indices(table, kind, order)
    assert result.subsets == sets(n, order)
    np.testing.assert_allclose(result.values.T, by_definition(kind, order, table), atol=1e-10)
    assert not result.se.any()
    np.testing.assert_allclose(indices(table[:, 1], kind, order).values, result.values[1:2], atol=1e-12)


@pytest.mark.parametrize(("kind", "order"), KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_surrogates_agree_with_the_definitions(kind, order, seed):
    n, rng = 5, np.random.default_rng(seed)
    surrogate = random_surrogate(rng, n)
    x, reference = rng.normal(0.5, 1, (2, n)) if seed else (np.ones(n), np.zeros(n))
    rows = np.where(cube(n) > 0, x, reference)
    table = evaluate(surrogate.terms_, rows) @ surrogate.coef_.T
    result = indices(surrogate, kind, order, instance=x, reference=reference)
    np.testing.assert_allclose(dense(result, sets(n, order)), by_definition(kind, order, table), atol=1e-10)


@pytest.mark.parametrize(("kind", "order"), KINDS)
def test_proxies_agree_with_the_definitions(kind, order):
    """Posterior means, standard deviations and covariances against functionals of the posterior on the whole cube."""
    n, rng = 5, np.random.default_rng(1)
    Z = rng.integers(0, 2, (24, n)).astype(float)
    y = np.column_stack([Z @ rng.normal(size=n) + 2 * Z[:, 0] * Z[:, 1], 10 * Z[:, 2] * Z[:, 3] * Z[:, 4] + Z[:, 0]])
    proxy = CubeProxy(4.0).fit(Z, y + 0.1 * rng.normal(size=y.shape))
    result = indices(proxy, kind, order)
    functional = by_definition(kind, order, np.eye(2**n))
    assert result.subsets == sets(n, order)
    np.testing.assert_allclose(result.values.T, functional @ proxy.predict(cube(n)), atol=1e-8)
    # the posterior written out afresh, from the definition of the kernel
    (process,), rows, times = proxy.states(), *np.unique(Z, axis=0, return_counts=True)
    kernel = process.kernel
    full = np.vstack([cube(n), rows])
    K = kernel.constant + kernel.linear * np.mean((2 * full[:, None] - 1) * (2 * full[None] - 1), axis=2)
    K += kernel.product * np.exp(-((full[:, None] != full[None]) @ kernel.theta))
    noisy = K[2**n :, 2**n :] + np.diag(kernel.noise / times)
    cross = K[: 2**n, 2**n :]
    covariance = functional @ (K[: 2**n, : 2**n] - cross @ np.linalg.solve(noisy, cross.T)) @ functional.T
    for j in range(2):
        np.testing.assert_allclose(result.se[j], process.scale[j] * np.sqrt(np.diag(covariance)), rtol=1e-4, atol=1e-7)
    q = rule(kind, order, n)
    subsets, mean, joint = posterior(proxy, q.nodes, q.weights, q.transform, covariance=True)
    assert subsets == result.subsets
    np.testing.assert_allclose(mean, result.values)
    for j in range(2):
        scale = process.scale[j] ** 2
        np.testing.assert_allclose(joint[j] / scale, covariance, atol=1e-6 * np.abs(covariance).max())


def test_banzhaf_of_a_proxy_is_twice_its_walsh_coefficient():
    rng = np.random.default_rng(0)
    Z = rng.integers(0, 2, (80, 9))
    proxy = CubeProxy(4.0).fit(Z, Z @ rng.normal(size=9) + Z[:, 0] * Z[:, 1])
    result = indices(proxy, "banzhaf", 2)
    coef, cov = proxy.walsh(result.subsets)
    times = 2.0 ** np.array([len(s) for s in result.subsets])
    np.testing.assert_allclose(result.values[0], times * coef, atol=1e-10)
    np.testing.assert_allclose(result.se[0], times * np.sqrt(np.diag(cov)), rtol=1e-5, atol=1e-8)


def test_screened_features_have_no_index():
    rng = np.random.default_rng(0)
    Z = rng.integers(0, 2, (128, 80)).astype(float)
    proxy = CubeProxy(4.0).fit(Z, 3 * Z[:, 3] + 2 * Z[:, 40] * Z[:, 79] + 0.1 * rng.normal(size=128))
    assert len(proxy.features_) == 3
    result = indices(proxy, "shapley", 2)
    place = {s: j for j, s in enumerate(result.subsets)}
    out = sorted(set(range(80)) - set(proxy.features_.tolist()))
    # exact: what no term holds is set to zero
    assert all(result.values[0, place[i,]] == result.se[0, place[i,]] == 0 for i in out)
    assert len(result.subsets) == 80 + 3 * 2 // 2
    assert result.subsets == sorted(result.subsets, key=lambda s: (len(s), s))
    assert result.values[0, place[3,]] == pytest.approx(3, abs=0.3)
    assert result.values[0, place[40, 79]] == pytest.approx(2, abs=0.4)


@pytest.mark.parametrize("kind", INDICES)
def test_many_features_keep_their_accuracy(kind):
    """Parities and conjunctions of up to 40 of 50 features, whose indices are known."""
    n, order = 50, 1 if kind == "leave-one-out" else 2
    surrogate = FixedTerms()
    surrogate.terms_ = [Product(tuple(range(40)))]
    surrogate.coef_, surrogate.n_features_in_ = np.ones(1), n
    result = indices(surrogate, kind, order)
    conjunction = {"shapley": 1 / 40, "banzhaf": 0.5**39, "leave-one-out": 1.0}
    if kind in conjunction:
        np.testing.assert_allclose(result.values[0, :40], conjunction[kind], rtol=1e-9)
        np.testing.assert_array_equal(result.values[0, 40:50], 0)  # exact: what no term holds is set to zero
    if kind == "shapley":
        np.testing.assert_allclose(result.values[0, 50:], 1 / 39, rtol=1e-9)
    if (
        kind == "faith-shapley"
    ):  # order 2: g(40) = −(1/3) C(2, 1) C(39, 2) / C(41, 3), (2/4) C(2, 2) C(39, 2) / C(41, 4)
        np.testing.assert_allclose(result.values[0, :40], -2 / 3 * comb(39, 2) / comb(41, 3), rtol=1e-9)
        np.testing.assert_allclose(result.values[0, 50:], 0.5 * comb(39, 2) / comb(41, 4), rtol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_faith_shapley_adds_up(order):
    table = np.random.default_rng(0).normal(size=2**6)
    assert indices(table, "faith-shapley", order).values.sum() == pytest.approx(table[-1] - table[0], abs=1e-12)


@pytest.mark.parametrize("table", [np.array(["a", "b"]), np.array([1j, 2]), np.array([None, 2])])
def test_a_table_of_anything_but_real_numbers_is_refused(table):
    with pytest.raises(InputError, match=r"^source must hold real numbers"):
        indices(table)


@pytest.mark.parametrize("kind", ["k-sii", "shapley", "banzhaf"])
def test_pairs_of_a_table_that_do_not_interact_are_zero_and_not_a_rounding_error(kind):
    found = indices(0.1 * cube(7).sum(axis=1) + 100.3, kind, 2)
    assert not found.values[0, 7:].any()


def test_small_indices_of_a_table_are_not_taken_for_rounding_errors():
    Z = cube(6)
    found = indices(Z[:, 0] + 1e-12 * Z[:, 1] * Z[:, 2], "shapley", 2)
    assert found.values[0, found.subsets.index((1, 2))] == pytest.approx(1e-12, rel=1e-2)


def test_tables_up_to_twenty_features_agree_with_a_known_game():
    n = 18
    Z = cube(n)
    table = Z @ np.arange(n) + 5 * Z[:, 2] * Z[:, 3] * Z[:, 17]
    values = indices(table, "shapley", 1).values[0]
    np.testing.assert_allclose(values, np.arange(n) + 5 / 3 * np.isin(np.arange(n), [2, 3, 17]), atol=1e-8)


@pytest.mark.parametrize(
    ("kind", "theirs", "order"),
    [
        ("shapley", "SV", 1),
        ("banzhaf", "BV", 1),
        ("shapley", "SII", 2),
        ("shapley", "SII", 3),
        ("k-sii", "k-SII", 2),
        ("banzhaf", "BII", 2),
        ("faith-shapley", "FSII", 2),
        ("faith-shapley", "FSII", 3),
        ("faith-banzhaf", "FBII", 2),
    ],
)
def test_tables_agree_with_shapiq(kind, theirs, order):
    shapiq = pytest.importorskip("shapiq", reason="shapiq is not installed")
    n = 8
    table = np.random.default_rng(2).normal(size=2**n)

    def game(coalitions):
        return table[np.asarray(coalitions, dtype=int) @ (1 << np.arange(n))]

    exact = shapiq.ExactComputer(n_players=n, game=game)(theirs, order=order)
    result = indices(table, kind, order)
    np.testing.assert_allclose(result.values[0], [exact[s] for s in result.subsets], atol=1e-6)


@pytest.mark.xdist_group("shap")
@pytest.mark.parametrize("leaves", [4, 16, 64])
def test_trees_agree_with_shap(leaves):
    """Present/absent features and real ones, several outputs' worth of trees in one."""
    shap = pytest.importorskip("shap", reason="shap is not installed")
    from sklearn.tree import DecisionTreeRegressor

    from surrogates.families.tree import leaves as as_boxes

    rng = np.random.default_rng(leaves)
    for X in (rng.integers(0, 2, (400, 7)).astype(float), rng.normal(size=(400, 7))):
        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0).fit(
            X, X[:, 0] * X[:, 1] + rng.normal(size=400)
        )
        ours = FixedTerms()
        ours.terms_, values = as_boxes(tree, np.array([np.zeros(7), np.ones(7)]))
        ours.coef_, ours.n_features_in_ = values.T, 7
        theirs = shap.TreeExplainer(tree, X[1:2], feature_perturbation="interventional").shap_values(X[:1])
        np.testing.assert_allclose(indices(ours, instance=X[0], reference=X[1]).values, theirs, atol=1e-6)


@pytest.mark.parametrize("noisy", [False, True])
def test_an_exact_design_gives_the_models_own_indices(noisy):
    rng = np.random.default_rng(0)
    table = rng.normal(size=2**5)
    ex = explain(lambda Z: table[(Z @ (1 << np.arange(5))).astype(int)], MaskProbe(5), store=None)
    if noisy:  # a model that does not repeat itself has no exact index
        ex = explain(lambda Z: rng.normal(size=len(Z)), MaskProbe(5), store=None)
        assert set(ex.indices()["source"]) == {"surrogate"}
        with pytest.raises(InputError, match=r"^of must"):
            ex.indices(of="model")
        return
    frame = ex.indices("faith-shapley", 2)
    assert list(frame) == ["output", "features", "index", "se", "low", "high", "exact", "source"]
    assert set(frame["exact"]) == {"for the model"} and set(frame["source"]) == {"model"}
    # exact: what is exact has an error of zero by definition
    assert (frame["se"] == 0).all() and (frame["low"] == frame["high"]).all()
    assert frame["index"].abs().is_monotonic_decreasing
    truth = by_definition("faith-shapley", 2, table[:, None])[:, 0]
    names = [" × ".join(f"x{i}" for i in s) for s in sets(5, 2)]
    np.testing.assert_allclose(frame.set_index("features").loc[names, "index"], truth, atol=1e-10)
    surrogate = ex.indices("banzhaf", of="surrogate")
    assert (surrogate["se"] == 0).all()  # exact: what is exact has an error of zero by definition
    assert set(surrogate["exact"]) == {"for the surrogate"}
    assert ex.indices("banzhaf", of="proxy")["exact"].eq("no").all()
