"""TabularProbe: every value is rendered as it is or refused."""

import numpy as np
import pandas as pd
import pytest

from probes import InputError, LocalGaussian, TabularProbe
from tests.helpers.mixed_table import instance_and_background

# exact: values of the user's table are handed through

MISSING = [np.nan, None, pd.NA]


@pytest.mark.parametrize("missing", MISSING, ids=["NaN", "None", "NA"])
@pytest.mark.parametrize(
    "column", ["age", "weight", "city", "grade", "visits", "score", "insured", "day", "instant", "length"]
)
def test_missing_value_in_a_column_that_can_hold_one(column, missing):
    row, background = instance_and_background()
    probe = TabularProbe({**row.to_dict(), column: missing}, background)
    frame = probe.render(np.ones((1, 13)))
    assert frame[column].isna().all()
    pd.testing.assert_series_equal(frame.dtypes, background.dtypes)
    feature = next(f for f in probe.features if f.name == column)
    assert feature.value == "missing"


@pytest.mark.parametrize("missing", MISSING, ids=["NaN", "None", "NA"])
@pytest.mark.parametrize("column", ["children", "small"])
def test_missing_value_in_a_column_of_integers_is_kept_as_missing(column, missing):
    row, background = instance_and_background()
    probe = TabularProbe({**row.to_dict(), column: missing}, background)
    assert probe.render(np.ones((1, 13)))[column].isna().all()


@pytest.mark.parametrize("missing", MISSING, ids=["NaN", "None", "NA"])
def test_missing_value_in_a_boolean_column_is_never_taken_for_true_or_false(missing):
    row, background = instance_and_background()
    try:
        probe = TabularProbe({**row.to_dict(), "smoker": missing}, background)
    except InputError as error:
        assert "smoker" in str(error)
    else:
        assert probe.render(np.ones((1, 13)))["smoker"].isna().all()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("children", 2.5),
        ("children", "many"),
        ("children", 2**70),
        ("small", 300),
        ("small", -1),
        ("smoker", "no"),
        ("smoker", 0.5),
        ("smoker", 7),
        ("age", "old"),
        ("day", "someday"),
        ("insured", "perhaps"),
    ],
)
def test_a_value_is_rendered_as_it_is_or_refused(column, value):
    """Never cut, wrapped or read as something else: 2.5 children are not 2, -1 is not 255, "no" is not True."""
    row, background = instance_and_background()
    try:
        probe = TabularProbe({**row.to_dict(), column: value}, background)
    except InputError as error:
        assert column in error.parameter
        assert "must" in str(error)
    else:
        assert (probe.render(np.ones((1, 13)))[column] == value).all()


def test_a_fraction_in_a_nullable_column_of_integers_stays():
    row, background = instance_and_background()
    probe = TabularProbe({**row.to_dict(), "visits": 2.5}, background)
    assert (probe.render(np.ones((1, 13)))["visits"] == 2.5).all()


def test_missing_values_in_the_background_are_passed_on():
    background = pd.DataFrame({"a": [np.nan, 1.0, np.nan], "b": pd.array([1, None, 3], dtype="Int64")})
    frame = TabularProbe({"a": 5.0, "b": 9}, background).render(np.zeros((1, 2)))
    assert frame["a"].isna().tolist() == [True, False, True]
    assert frame["b"].isna().tolist() == [False, True, False]


def test_booleans_stay_booleans():
    background = pd.DataFrame({"a": [True, False], "b": [1.0, 2.0]})
    frame = TabularProbe({"a": np.True_, "b": 0.0}, background).render(np.array([[1, 1], [0, 0]]))
    assert frame["a"].tolist() == [True, True, True, False]
    assert frame["a"].dtype == bool


def test_dates_written_as_text_are_read():
    row, background = instance_and_background()
    frame = TabularProbe({**row.to_dict(), "day": "2023-05-06"}, background).render(np.ones((1, 13)))
    assert frame["day"].iloc[0] == pd.Timestamp("2023-05-06")
    assert frame["day"].dtype == background["day"].dtype


FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})


ARRAYS = pd.DataFrame({"a": [1.0, 2.0], "b": [np.zeros(2), np.ones(2)]})


COLOURS = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["red", "blue"])})


@pytest.mark.parametrize(
    ("row", "background", "options", "parameter", "rule", "received"),
    [
        ({"a": 1, "b": "x"}, [[1, "x"], [2, "y"]], {}, "background", "be a DataFrame when columns hold", "[[1, 'x']"),
        ({"a": 1, "b": "x"}, FRAME.to_numpy(), {}, "background", "be a DataFrame when columns hold", "shape (2, 2)"),
        ({"a": 1, "b": "x"}, None, {}, "background", "be a DataFrame", "None"),
        ([1, 2], np.ones(4), {}, "background", "two-dimensional", "shape (4,)"),
        ([1, 2], np.ones((0, 2)), {}, "background", "at least one row", "shape (0, 2)"),
        ({"a": 1, "b": "x"}, FRAME.iloc[:0], {}, "background", "at least one row", "shape (0, 2)"),
        ([1, 2], pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), {}, "background", "not repeat", "['a', 'a']"),
        ({"a": 1, "c": 2}, FRAME, {}, "row", "only one of the two: b, c", "{'a': 1, 'c': 2}"),
        ({"a": 1}, FRAME, {}, "row", "only one of the two: b", "{'a': 1}"),
        ({"a": 1, "b": "x", "z": 0}, FRAME, {}, "row", "only one of the two: z", "'z'"),
        (FRAME, FRAME, {}, "row", "be a single row", "DataFrame of shape (2, 2)"),
        (FRAME.iloc[:0], FRAME, {}, "row", "be a single row", "DataFrame of shape (0, 2)"),
        ([1, 2, 3], np.ones((4, 2)), {}, "row", "hold 2 values", "[1, 2, 3]"),
        (np.ones((2, 2)), np.ones((4, 2)), {}, "row", "hold 2 values", "shape (2, 2)"),
        ("ab", np.ones((4, 2)), {}, "row", "hold 2 values", "'ab'"),
        (ARRAYS.loc[0], ARRAYS, {}, "background['b']", "hold a single value in each cell", "shape (2,)"),
        ({"a": 1, "b": [1, 2]}, FRAME, {}, "row['b']", "put an array into columns of its own", "[1, 2]"),
        (
            {"a": 1, "b": {}},
            FRAME.assign(b=[{"x": i} for i in range(len(FRAME))]),
            {},
            "background['b']",
            "hold a single value in each cell",
            "{'x': 0}",
        ),
        ({"a": 1, "b": "green"}, COLOURS, {}, "row['b']", "be one of the column's categories", "'green'"),
        ({"a": 1, "b": ["red"]}, COLOURS, {}, "row['b']", "be one of the column's categories", "['red']"),
        ({"a": "one", "b": "x"}, FRAME, {}, "row['a']", "fit the column's type float64", "'one'"),
        ([1, "two"], np.ones((4, 2)), {}, "row['x1']", "fit the column's type float64", "'two'"),
        ([1, 2], np.ones((4, 2)), {"feature_names": ["a"]}, "feature_names", "name all 2 columns", "['a']"),
        (
            {"a": 1, "b": "x"},
            FRAME,
            {"law": 0.5},
            "law",
            "Background(replicates), Conditional(by) or LocalGaussian(width)",
            "0.5",
        ),
        ({"a": 1, "b": "x"}, FRAME, {"law": LocalGaussian}, "law", "LocalGaussian(width)", "LocalGaussian"),
        ({"a": 1}, FRAME[["a"]], {}, "row", "at least two features", "{'a': 1}"),
    ],
)
def test_errors(row, background, options, parameter, rule, received):
    with pytest.raises(InputError) as caught:
        TabularProbe(row, background, **options)
    message = str(caught.value)
    assert caught.value.parameter == parameter
    assert rule in message
    assert received in message
