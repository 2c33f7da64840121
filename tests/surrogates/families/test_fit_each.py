import numpy as np
import pytest
from sklearn.base import clone

from surrogates import SparseLinear
from surrogates.families.registry import FAMILIES
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.surrogate import predict_each
from tests.helpers.counting import peak_bytes

rng = np.random.default_rng(0)
Z = rng.integers(0, 2, (90, 6)).astype(float)
Z[:60, 5] = 0
y = np.column_stack([np.tanh(2 * Z[:, 0] + Z[:, 1] - 2 * Z[:, 2]), rng.normal(size=90)])
PARTS = [np.arange(80), np.arange(60), np.arange(10, 90), np.r_[0:30, 40:90]]


@pytest.mark.parametrize("name", FAMILIES)
def test_several_selections_of_rows_are_fitted_as_each_alone(name):
    family = FAMILIES[name]()
    for fitted, rows in zip(family.fit_each(Z, y, PARTS), PARTS, strict=True):
        alone = clone(family).fit(Z[rows], y[rows])
        np.testing.assert_allclose(fitted.predict(Z), alone.predict(Z), atol=1e-9)
        assert [link.kind for link in fitted.links_] == [link.kind for link in alone.links_]


@pytest.mark.parametrize("link", ["identity", "auto", "logistic", "log", "learned"])
def test_so_are_rows_that_differ_through_every_link(link):
    every, family = np.unique(Z, axis=0, return_index=True)[1], SparseLinear(link=link)
    parts = [every[: len(every) // 2], every[len(every) // 2 :], every[3:]]
    for fitted, rows in zip(family.fit_each(Z, y, parts), parts, strict=True):
        alone = clone(family).fit(Z[rows], y[rows])
        np.testing.assert_allclose(fitted.predict(Z), alone.predict(Z), atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "columns", "folds"), [(21, 4, 30), (401, 12, 5), (1001, 6, 5), (40, 60, 5), (30, 150, 5)]
)
def test_so_are_sets_of_which_one_has_a_row_less(rows, columns, folds):
    X = np.random.default_rng(rows).normal(size=(rows, columns))
    Y = np.column_stack([np.tanh(X[:, 0] - X[:, 1]), np.random.default_rng(1).normal(size=rows)])
    family = SparseLinear(folds=folds, link="logistic")
    parts = [np.arange(rows), np.arange(rows - 1), np.arange(1, rows)]
    for fitted, part in zip(family.fit_each(X, Y, parts), parts, strict=True):
        np.testing.assert_allclose(fitted.predict(X), clone(family).fit(X[part], Y[part]).predict(X), atol=1e-9)


@pytest.mark.parametrize("link", ["auto", "learned", "log"])
@pytest.mark.parametrize(
    ("rows", "columns"),
    [(20, 3), (55, 17), (400, 4), (192, 60), (60, 26), (25, 85)],
    ids=["choice", "least angles", "fewer folds", "enough rows", "knots", "wide"],
)
def test_so_are_sets_on_both_sides_of_a_limit(rows, columns, link):
    X = np.random.default_rng(rows).normal(size=(rows, columns))
    Y = 1 / (1 + np.exp(-3 * X[:, :3] @ [[1.0, 2.0], [-1.0, 0.0], [0.5, 1.0]]))
    family, parts = SparseLinear(link=link), [np.arange(rows), np.arange(rows - 1), np.arange(1, rows)]
    for fitted, part in zip(family.fit_each(X, Y, parts), parts, strict=True):
        alone = clone(family).fit(X[part], Y[part])
        assert [link.kind for link in fitted.links_] == [link.kind for link in alone.links_]
        np.testing.assert_allclose(fitted.predict(X), alone.predict(X), atol=1e-8)


def test_an_output_that_least_angles_do_not_move_is_fitted_as_alone():
    X, weight = np.array([[0.0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]]), np.array([114.0, 102, 101, 1])
    Y, family = np.column_stack([X[:, 0], [0.1, -0.1, 0.6, 0.1]]), SparseLinear(folds=2)
    together = family.fit(X, Y, weight).predict(X)[:, 0]
    np.testing.assert_allclose(together, family.fit(X, Y[:, 0], weight).predict(X), atol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("link", ["identity", "auto"], ids=["plain", "curve"])
def test_an_output_that_never_varies_changes_nothing(name, link):
    """Classes that a model never decides for, beside the label of one that it does."""
    rng = np.random.default_rng(2)
    X = rng.integers(0, 2, (64, 10)).astype(float)
    family, label = FAMILIES[name](), (X @ rng.normal(size=10) + X[:, 0] * X[:, 1] > 0.5) * 1.0
    proxy = {"proxy": CubeProxy(link=link)} if "proxy" in family.get_params() else {}
    curve = {"link": link} if "link" in family.get_params() else {}
    family.set_params(**proxy, **curve)
    alone = clone(family).fit(X, label).predict(X)
    for others in ([0.0], [0.3, 0.0]):
        beside = clone(family).fit(X, np.column_stack([label, *(np.full(64, value) for value in others)])).predict(X)
        np.testing.assert_allclose(beside[:, 0], alone, atol=1e-6)
        np.testing.assert_allclose(beside[:, 1:], np.broadcast_to(others, (64, len(others))), atol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_surrogates_predict_together_as_each_alone(name):
    fits = [*FAMILIES[name]().fit_each(Z, y, PARTS), FAMILIES[name]().fit(Z, np.zeros((90, 2)))]
    together = predict_each(fits, Z)
    for predicted, fitted in zip(together, fits, strict=True):
        np.testing.assert_allclose(predicted, fitted.predict(Z), atol=1e-12)


def test_a_family_with_predictions_of_its_own_is_asked_for_them():
    class Halved(SparseLinear):
        def predict(self, Z):
            return super().predict(Z) / 2

    fitted = Halved().fit(Z, y)
    np.testing.assert_allclose(predict_each([fitted], Z)[0], fitted.predict(Z), atol=1e-12)


def test_fits_to_many_rows_take_little_more_memory_than_one(monkeypatch):
    """Ten sets of 1,350 rows and 150 columns are worked on in blocks, and come out the same."""
    rng = np.random.default_rng(0)
    Z = rng.integers(0, 2, (1500, 150)).astype(float)
    y = (Z[:, :8] @ rng.normal(size=8) + 0.3 * rng.normal(size=1500))[:, None]
    parts = [np.setdiff1d(np.arange(1500), np.arange(i, 1500, 10)) for i in range(10)]
    fits = SparseLinear().fit_each(Z, y, parts)
    in_blocks = peak_bytes(lambda: SparseLinear().fit_each(Z, y, parts))
    monkeypatch.setattr("surrogates.families.linear._AT_ONCE", 10**9)
    at_once = peak_bytes(lambda: SparseLinear().fit_each(Z, y, parts))
    assert in_blocks < at_once / 2
    for one, other in zip(fits, SparseLinear().fit_each(Z, y, parts), strict=True):
        assert one.terms_ == other.terms_
        assert np.allclose(one.coef_, other.coef_, rtol=1e-12, atol=1e-12)
