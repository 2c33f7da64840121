"""Situations of docs/situations.md: columns of a table."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from probes import InputError, LocalGaussian, TabularProbe
from surrogates import explain, shapley_values
from tests.helpers.effects import effects

PEOPLE = pd.DataFrame(
    {
        "age": [20.0, 30.0, 40.0, 50.0],
        "city": ["Bonn", "Rome", "Bonn", "Oslo"],
        "member": [True, False, False, True],
    }
)


def about(model, frame, place=0):
    """An explanation of one row of a frame against all of them."""
    return explain(model, frame.iloc[[place]], background=frame, store=None)


def values(ex):
    """What each feature of an explained row holds."""
    return dict(zip(ex.attributions["feature"], ex.attributions["value"], strict=True))


def index_of(found):
    """The Shapley value of each feature."""
    return dict(zip(found.table["features"], found.table["index"], strict=True))


def test_text_columns_go_in_as_they_are():
    ex = about(lambda d: 4.0 * (d["city"] == "Rome"), PEOPLE, 1)
    assert effects(ex) == pytest.approx({"city": 3.0, "age": 0.0, "member": 0.0})
    assert ex.attributions.loc[0, "value"] == "Rome"


def test_no_encoder_is_wrapped_by_hand():
    cities = OneHotEncoder().fit(PEOPLE[["city"]])
    model = make_pipeline(make_column_transformer((cities, ["city"]), remainder="passthrough"), LinearRegression())
    model.fit(PEOPLE, [1.0, 5.0, 1.0, 2.0])
    ex = about(model, PEOPLE, 1)
    assert [f.name for f in ex.features] == ["age", "city", "member"]
    assert ex.y[0, 0] == pytest.approx(5.0)


def test_a_dummy_shows_the_rows_value():
    dummies = pd.DataFrame({"region_B": [1, 0, 0, 1], "region_N": [0, 1, 0, 0], "region_S": [0, 0, 1, 0]})
    ex = about(lambda d: d["region_B"] * 2.0 - d["region_N"], dummies)
    assert values(ex) == {
        "region_B": "1",
        "region_N": "0",
        "region_S": "0",
    }
    assert effects(ex) == pytest.approx({"region_B": 1.0, "region_N": 0.25, "region_S": 0.0})


def test_dummies_of_one_column_are_one_feature():
    dummies = pd.DataFrame(np.eye(3), columns=["is_a", "is_b", "is_c"]).assign(x=[1.0, 2.0, 3.0])

    def impossible(d):  # a model that goes astray where two dummies are 1, which no row of the data has
        return d["is_a"] * 6 + 100.0 * (d[["is_a", "is_b", "is_c"]].sum(axis=1) > 1) + d["x"]

    probe = TabularProbe(dummies.iloc[[0]], dummies, groups={"kind": ["is_a", "is_b", "is_c"]})
    assert index_of(shapley_values(impossible, probe, store=None)) == pytest.approx({"kind": 4.0, "x": -1.0})
    apart = index_of(shapley_values(impossible, dummies.iloc[[0]], background=dummies, store=None))
    assert apart["is_a"] + apart["is_b"] + apart["is_c"] == pytest.approx(4.0)  # the same in sum, but
    assert apart["is_a"] > 10  # singly about rows with two dummies, which do not exist


def test_a_pipeline_is_explained_in_the_columns_that_it_takes():
    many = pd.concat([PEOPLE, PEOPLE.assign(age=[55.0, 21.0, 33.0, 38.0]), PEOPLE.assign(member=True)])
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["age"]), remainder="passthrough"),
        LinearRegression(),
    ).fit(many, 0.5 * many["age"] + 3.0 * (many["city"] == "Bonn"))
    ex = about(model, PEOPLE)
    assert effects(ex) == pytest.approx({"age": -7.5, "city": 1.5, "member": 0.0}, abs=1e-9)


def test_components_of_a_pipeline_are_no_features():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["a", "b", "c"])
    model = make_pipeline(StandardScaler(), PCA(3), LinearRegression()).fit(X, 2 * X["a"] - X["c"])
    ex = explain(model, TabularProbe(X.iloc[[0]], X, background_rows=40), store=None)
    found = effects(ex)
    assert found == pytest.approx({"a": 2 * (X.a[0] - X.a.mean()), "b": 0, "c": X.c.mean() - X.c[0]}, abs=1e-9)


def test_the_model_is_given_the_names_it_was_fitted_with():
    model = LinearRegression().fit(PEOPLE[["age", "member"]], [1.0, 2.0, 3.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ex = about(model, PEOPLE[["age", "member"]])
    assert ex.fidelity.r2[0] == pytest.approx(1.0)


def test_columns_chosen_by_name_inside_a_model_are_found():
    model = make_pipeline(make_column_transformer(("passthrough", ["age"])), LinearRegression())
    model.fit(PEOPLE[["age", "member"]], 2 * PEOPLE["age"])
    assert effects(about(model, PEOPLE[["age", "member"]])) == (pytest.approx({"age": -30.0, "member": 0.0}, abs=1e-9))


def test_a_row_in_another_order_is_matched_by_name():
    numbers = pd.DataFrame({"a": [0.0, 0.0, 8.0], "b": [0.0, 0.0, 4.0]})
    turned = numbers.loc[[2], ["b", "a"]]
    ex = explain(lambda d: d["a"] + 10 * d["b"], turned, background=numbers, store=None)
    assert effects(ex) == pytest.approx({"a": 16 / 3, "b": 80 / 3})
    for name, row in {"c": turned.assign(c=1), "b": turned[["a"]]}.items():
        with pytest.raises(InputError, match=f"only one of the two: {name}"):
            explain(lambda d: d["a"], row, background=numbers, store=None)


def test_missing_values_among_text_are_values():
    mixed = pd.DataFrame({"x": [1.0, np.nan, 3.0, 5.0], "s": ["u", None, "v", "u"], "ok": [True, False, True, True]})
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    model = make_pipeline(
        make_column_transformer((numbers, ["x"]), (OneHotEncoder(handle_unknown="ignore"), ["s"]), remainder="drop"),
        LinearRegression(),
    ).fit(mixed, [1.0, 2.0, 3.0, 4.0])
    ex = about(model, mixed, 1)
    assert values(ex) == {
        "x": "missing",
        "s": "missing",
        "ok": "False",
    }
    assert ex.y[0, 0] == pytest.approx(float(model.predict(mixed.iloc[[1]])[0]))


def test_a_background_of_missing_values_switches_features_off():
    off = np.full((1, 3), np.nan)
    ex = explain(lambda X: np.where(np.isnan(X), 0.0, X) @ [1.0, 2.0, 3.0], np.ones(3), background=off, store=None)
    assert effects(ex) == pytest.approx({"x0": 1.0, "x1": 2.0, "x2": 3.0})


def test_a_missing_value_is_shown_as_missing():
    gaps = pd.DataFrame({"a": [np.nan, 1.0, 3.0], "b": [1.0, 2.0, 3.0]})
    ex = about(lambda d: d["a"].isna() * 3.0, gaps)
    assert effects(ex) == pytest.approx({"a": 2.0, "b": 0.0})
    assert ex.attributions.loc[0, "value"] == "missing"
    assert "a = missing" in str(ex)


def test_categories_may_be_numbers():
    codes = pd.DataFrame({"grade": pd.Categorical([1, 2, 5]), "x": [1.0, 2.0, 3.0]})
    seen = []

    def model(d):
        seen.append(d["grade"].dtype)
        return (d["grade"] == 5) * 3.0

    ex = about(model, codes, 2)
    assert effects(ex) == pytest.approx({"grade": 2.0, "x": 0.0})
    assert set(seen) == {codes["grade"].dtype}


def test_a_number_beyond_the_data_is_no_error_an_unknown_category_is():
    codes = pd.DataFrame({"kind": pd.Categorical(["a", "b", "a"]), "x": [1.0, 2.0, 3.0]})
    ex = explain(lambda d: d["x"], {"kind": "a", "x": 1000.0}, background=codes, store=None)
    assert effects(ex)["x"] == pytest.approx(998.0)
    with pytest.raises(InputError, match=r"row\['kind'\] must be one of the column's categories \['a', 'b'\]; got 'z'"):
        explain(lambda d: d["x"], {"kind": "z", "x": 1.0}, background=codes, store=None)


def test_a_table_of_categories_alone_is_enough():
    words = pd.DataFrame({"a": ["x", "y", "z"], "b": ["p", "q", "p"]})
    ex = about(lambda d: (d["a"] == "x") * 3.0 + (d["b"] == "p") * 3.0, words)
    assert effects(ex) == pytest.approx({"a": 2.0, "b": 1.0})


def test_a_column_that_never_changes_gets_zero_and_a_note():
    still = pd.DataFrame({"a": [1.0, 2.0, 3.0], "same": [7.0, 7.0, 7.0]})
    ex = about(lambda d: d["a"] * d["same"], still)
    assert effects(ex) == pytest.approx({"a": -7.0, "same": 0.0})
    assert np.isfinite(ex.attributions[["attribution", "low", "high"]].to_numpy()).all()
    assert any("same: all background rows hold the instance's value" in note for note in ex.warnings)


def test_numbers_are_not_cut_into_bins():
    steps = pd.DataFrame({"a": np.arange(101.0), "b": np.zeros(101)})
    for a in (3.0, 24.0):  # both in the first quarter
        ex = explain(lambda d: d["a"], TabularProbe({"a": a, "b": 1.0}, steps, background_rows=101), store=None)
        assert effects(ex) == pytest.approx({"a": a - 50.0, "b": 0.0})
        assert ex.attributions.loc[0, "value"] == f"{a:g}"


def test_a_value_that_the_background_shares_still_counts():
    shared = pd.DataFrame({"a": [5.0, 5.0, 5.0], "b": [0.0, 1.0, 2.0]})
    ex = explain(lambda d: d["a"] * d["b"], {"a": 5.0, "b": 4.0}, background=shared, store=None)
    assert effects(ex) == pytest.approx({"b": 15.0, "a": 0.0})


def test_names_values_and_numbers_stand_in_columns_of_their_own():
    named = pd.DataFrame({"V58 <= 2.00": [1.0, 2.0], "a=b": [0.0, 3.0]})
    ex = about(lambda d: d["V58 <= 2.00"] - d["a=b"], named)
    assert ex.attributions[["feature", "value"]].to_numpy().tolist() == [["a=b", "0"], ["V58 <= 2.00", "1"]]
    assert effects(ex) == pytest.approx({"a=b": 1.5, "V58 <= 2.00": -0.5})


def test_small_numbers_are_not_rounded_away():
    small = pd.DataFrame({"a": [0.000123456, 0.0], "b": [0.0, 1.0]})
    ex = about(lambda d: 1e6 * d["a"], small)
    assert ex.attributions.loc[0, "value"] == "0.000123456"


def test_a_function_may_fill_in_columns_that_are_not_explained():
    three = pd.DataFrame({"a": [1.0, 3.0], "b": [2.0, 4.0], "embedding": [5.0, 9.0]})
    fixed = three.loc[0, "embedding"]
    readable = three[["a", "b"]]
    ex = about(lambda d: d.assign(embedding=fixed).sum(axis=1), readable)
    assert effects(ex) == pytest.approx({"a": -1.0, "b": -1.0})
    assert ex.y[0, 0] == pytest.approx(8.0)


def test_an_array_in_a_cell_is_refused():
    cells = pd.DataFrame({"a": [np.zeros(3), np.ones(3)], "b": [1.0, 2.0]})
    with pytest.raises(InputError, match=r"background\['a'\] must hold a single value .* columns of its own"):
        about(lambda d: d["b"], cells)
    plain = pd.DataFrame({"a": ["u", "v"], "b": [1.0, 2.0]})
    with pytest.raises(InputError, match=r"row\['a'\] must hold a single value"):
        explain(lambda d: d["b"], {"a": [1, 2], "b": 1.0}, background=plain, store=None)


def test_whole_numbers_and_dummies_stay_what_they_are():
    codes = pd.DataFrame({"code": [1, 2, 3, 4] * 5, "flag": [0, 1] * 10, "x": np.linspace(0, 1, 20)})
    asked = []

    def model(d):
        asked.append(d)
        return d["x"] + d["code"]

    explain(model, TabularProbe(codes.iloc[[0]], codes, law=LocalGaussian(1.0)), budget=200, store=None)
    asked = pd.concat(asked)
    assert set(asked["code"]) <= {1, 2, 3, 4}
    assert set(asked["flag"]) <= {0, 1}
