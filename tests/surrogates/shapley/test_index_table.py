"""Tables of indices of an explanation, with their errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from probes import InputError, LocalGaussian, MaskProbe, TabularProbe
from surrogates import (
    AdditiveSurrogate,
    CubeProxy,
    Explanation,
    InteractionSurrogate,
    RuleSurrogate,
    SparseLinear,
    StackedProxy,
    TreeSurrogate,
    anchor,
    explain,
    shapley_values,
)
from surrogates.proxy import kernel, stacked_proxy
from surrogates.shapley.indices import indices
from surrogates.shapley.quadrature import INDICES, Rule, rule


def polynomial(Z):
    return Z @ np.arange(1.0, Z.shape[1] + 1) + 4 * Z[:, 0] * Z[:, 1]


@pytest.mark.parametrize(
    "family",
    [
        SparseLinear(),
        InteractionSurrogate(proxy=CubeProxy(4.0)),
        TreeSurrogate(),
        RuleSurrogate(n_trees=5),
        AdditiveSurrogate(),
        TreeSurrogate(folds=2, proxy=StackedProxy(folds=2, n_trees=2)),
    ],
    ids=repr,
)
def test_every_family_has_indices_that_add_up(family, monkeypatch):
    monkeypatch.setattr(stacked_proxy, "PENALTIES", 3)  # indices add up whatever the fit is worth
    monkeypatch.setattr(kernel, "MAX_ITER", 5)
    ex = explain(polynomial, MaskProbe(7), family, budget=32, store=None)
    frame = ex.indices()
    gap = ex.predict(np.ones((1, 7))) - ex.predict(np.zeros((1, 7)))
    assert frame["index"].sum() == pytest.approx(gap[0], abs=1e-9)
    np.testing.assert_allclose(np.sort(ex.shapley()[0]), np.sort(frame["index"]), atol=1e-12)
    assert (frame["se"] >= 0).all() and (frame["low"] <= frame["index"]).all()
    assert set(frame["exact"]) == {"for the surrogate"}


def test_a_proxys_indices_hold_for_the_model():
    ex = explain(polynomial, MaskProbe(9), InteractionSurrogate(proxy=CubeProxy(4.0)), budget=100, store=None)
    frame = ex.indices(order=2, of="proxy").set_index("features")
    assert len(frame) == 9 + 36
    assert frame.loc["x0 × x1", "low"] <= 4 <= frame.loc["x0 × x1", "high"]
    assert frame.loc["x8", "index"] == pytest.approx(9, abs=0.3)


def test_jackknife_errors_cover_the_sampling_of_a_right_family():
    """A linear game with noise that no family can know: intervals should hold the truth about 95% of the time."""
    hits = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        noise = dict[bytes, float]()

        def noisy(Z, noise=noise, rng=rng):
            return [row @ [1, 2, 3, 4, 0, 0, -2] + noise.setdefault(row.tobytes(), rng.normal()) for row in Z]

        frame = explain(noisy, MaskProbe(7), SparseLinear(folds=2), budget=60, store=None, random_state=seed).indices()
        frame = frame.set_index("features").loc[["x0", "x1", "x2", "x3", "x6"]]
        hits += list((frame["low"] <= [1, 2, 3, 4, -2]) & (frame["high"] >= [1, 2, 3, 4, -2]))
    assert np.mean(hits) >= 0.85


def test_several_outputs_and_a_round_trip():
    ex = explain(
        lambda Z: np.column_stack([polynomial(Z), -2 * polynomial(Z)]),
        MaskProbe(7),
        TreeSurrogate(proxy=CubeProxy(4.0)),
        budget=32,
    )
    frame = ex.indices("banzhaf", 2)
    first, second = (part.set_index("features")["index"] for _, part in frame.groupby("output", sort=False))
    np.testing.assert_allclose(second[first.index], -2 * first, atol=1e-9)
    back = Explanation.from_json(ex.to_json())
    pd.testing.assert_frame_equal(back.indices("banzhaf", 2), frame)


def test_real_features_go_from_reference_to_instance():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    ex = explain(lambda rows: rows[:, 0] * 2 - rows[:, 1], TabularProbe(X[0], X, law=LocalGaussian(0.3)), store=None)
    values = ex.indices().set_index("features")["index"]
    spread = 0.3 * X.std(axis=0, ddof=1)
    np.testing.assert_allclose(values[["x0", "x1", "x2"]], [2 * spread[0], -spread[1], 0], atol=1e-9)
    with pytest.raises(InputError, match=r"^of must be another source"):
        ex.indices(of="proxy")


@pytest.mark.parametrize("kind", INDICES)
def test_weights_of_a_rule_add_up_to_one(kind):
    quadrature = rule(kind, {"leave-one-out": 1, "k-sii": 2}.get(kind, 3), 12)
    assert isinstance(quadrature, Rule)
    np.testing.assert_allclose(quadrature.weights.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        (lambda: indices(np.zeros(8), "owen"), "kind"),
        (lambda: indices(np.zeros(8), ["shapley"]), "kind"),
        (lambda: indices(np.zeros(8), "shapley", 4), "order"),
        (lambda: indices(np.zeros(8), "shapley", 0), "order"),
        (lambda: indices(np.zeros(8), "leave-one-out", 2), "order"),
        (lambda: indices(np.zeros(7)), "source"),
        (lambda: indices(np.zeros((2, 2, 2))), "source"),
        (lambda: indices([0.0, 1.0]), "source"),
        (lambda: indices(np.full(8, np.nan)), "source"),
        (lambda: indices(SparseLinear().fit(np.eye(4), np.arange(4.0)), instance=np.ones(9)), "instance"),
        (lambda: indices(SparseLinear().fit(np.eye(4), np.arange(4.0)), reference=np.full(4, np.inf)), "reference"),
        (lambda: indices(CubeProxy(4.0).fit(np.eye(4) / 2, np.arange(4.0))), "source"),
        (lambda: explain(polynomial, MaskProbe(4), store=None).indices(of="stack"), "of"),
        (lambda: explain(polynomial, MaskProbe(4), store=None).indices("owen"), "kind"),
    ],
)
def test_errors_name_the_parameter(call, parameter):
    with pytest.raises(InputError, match=f"^{parameter} must "):
        call()


@pytest.mark.parametrize("source", [SparseLinear(), CubeProxy()], ids=repr)
def test_what_is_not_fitted_says_so(source):
    with pytest.raises(NotFittedError):
        indices(source)


def test_leave_one_out_is_the_models_own_where_it_was_asked():
    ex = explain(polynomial, MaskProbe(9), budget=120, store=None)
    frame = ex.indices("leave-one-out").set_index("features")
    # exact: what is exact has an error of zero by definition
    assert set(frame["exact"]) == {"for the model"} and (frame["se"] == 0).all()
    np.testing.assert_allclose(frame.loc[[f"x{i}" for i in range(9)], "index"], [5, 6, *range(3, 10)], atol=1e-12)
    assert set(ex.indices("leave-one-out", of="surrogate")["source"]) == {"surrogate"}
    few = explain(polynomial, MaskProbe(9), budget=20, store=None)  # too few answers to ask these as well
    assert set(few.indices("leave-one-out")["source"]) == {"surrogate"}


class Mine(SparseLinear):
    """A family of the user's own, which a file cannot bring back."""


def test_a_family_from_a_file_that_cannot_be_fitted_has_no_error():
    ex = Explanation.from_json(explain(polynomial, MaskProbe(9), Mine(), budget=60, store=None).to_json())
    frame = ex.indices()
    assert frame[["se", "low", "high"]].isna().all(axis=None)
    np.testing.assert_allclose(np.sort(frame["index"]), np.sort(ex.shapley()[0]))


def test_names_of_features_are_joined():
    ex = explain(lambda Z: Z[:, 0] * Z[:, 1], MaskProbe(3), store=None)
    assert ex.indices(order=2).loc[0, "features"] == "x0 × x1"


def test_where_background_rows_are_a_sample_each_result_says_that_it_is_for_these(tmp_path):
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 4)), columns=list("abcd"))

    def model(frame):
        return frame["a"] * frame["b"] + frame["c"]

    probe, complete = TabularProbe(rows.iloc[0], rows), TabularProbe(rows.iloc[0], rows.iloc[:8])
    ex = explain(model, probe, budget=400, store=None)
    used = "for the model, with the background rows used"
    for loaded in (ex, Explanation.from_json(ex.to_json())):
        assert set(loaded.indices("shapley")["exact"]) == {used}
        said = "indices and Shapley values are for these rows alone"
        assert said in " ".join(str(loaded).split()) and said in " ".join(
            loaded.report(tmp_path / "e.html").read_text().split()
        )
    values, rule = shapley_values(model, probe, budget=400, store=None), anchor(model, probe, budget=400, store=None)
    assert set(values.table["exact"]) == {used}
    for result in (values, rule):
        said = "All numbers are for the 10 background rows used, of 300."
        assert said in str(result) and said in result.report(tmp_path / "r.html").read_text()
    assert set(explain(model, complete, budget=400, store=None).indices("shapley")["exact"]) == {"for the model"}
    assert set(shapley_values(model, complete, budget=400, store=None).table["exact"]) == {"for the model"}


def test_only_what_passes_through_a_curve_is_said_to_be_on_its_line():
    def model(Z):
        return np.column_stack([1 / (1 + np.exp(-4 * (Z @ np.ones(8) - 4))), Z[:, 0] - Z[:, 1] / 2])

    ex = explain(model, MaskProbe(8), SparseLinear(link=["logistic", "identity"]), budget=64, target="all", store=None)
    said = ex.indices(unit="link").groupby("output")["exact"].unique()
    assert said["output 0"].tolist() == ["for the surrogate, on the line of its curve"]
    assert said["output 1"].tolist() == ["for the surrogate"]
