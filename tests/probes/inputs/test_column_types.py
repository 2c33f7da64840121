"""Columns of every type reach the user's model as they are in the user's frame."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from probes import Conditional, LocalGaussian, TabularProbe
from probes.errors import InputError
from probes.inputs.table_rows import fitted
from surrogates import explain

N = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N).round(3)
DAYS = pd.date_range("2024-01-01", periods=N)
WORDS = ["a", "b", None, "c"] * (N // 4)
COLUMNS = {
    "float": pd.Series(NUMBERS),
    "float32": pd.Series(NUMBERS, dtype="float32"),
    "Float64": pd.Series([*NUMBERS[:-1], None], dtype="Float64"),
    "int8": pd.Series(np.arange(N), dtype="int8"),
    "Int64": pd.Series([*range(N - 1), None], dtype="Int64"),
    "bool": pd.Series(NUMBERS > 0),
    "boolean": pd.Series([True, False, None, True] * (N // 4), dtype="boolean"),
    "string": pd.Series(WORDS, dtype="string"),
    "object": pd.Series(["a", 1, None, 2.5] * (N // 4), dtype=object),
    "category": pd.Series(pd.Categorical(WORDS)),
    "ordered": pd.Series(pd.Categorical(["lo", "hi"] * (N // 2), categories=["lo", "mid", "hi"], ordered=True)),
    "interval": pd.Series(pd.cut(NUMBERS, 4)),
    "date": pd.Series(DAYS),
    "date with zone": pd.Series(DAYS.tz_localize("Europe/Rome")),
    "duration": pd.Series(pd.to_timedelta(np.arange(N), unit="h")),
    "period": pd.Series(pd.period_range("2024-01", periods=N, freq="M")),
    "sparse": pd.Series(pd.arrays.SparseArray(np.where(NUMBERS > 0, NUMBERS, 0.0))),
}
ARROW = {
    "int64[pyarrow]": range(N),
    "double[pyarrow]": NUMBERS,
    "bool[pyarrow]": NUMBERS > 0,
    "string[pyarrow]": WORDS,
    "timestamp[ns, tz=UTC][pyarrow]": DAYS.tz_localize("UTC"),
    "date32[day][pyarrow]": [day.date() for day in DAYS],
    "duration[ns][pyarrow]": pd.to_timedelta(np.arange(N), unit="h"),
    "decimal128(5, 2)[pyarrow]": [1, 2] * (N // 2),
}
LAWS = {"background": None, "conditional": Conditional(), "leaves": Conditional("forest"), "local": LocalGaussian(0.5)}


def frame_of(name):
    if name in ARROW:
        pytest.importorskip("pyarrow")
        import pyarrow

        special = {"decimal": pyarrow.decimal128(5, 2), "timestamp": pyarrow.timestamp("ns", tz="UTC")}
        kind = next((kind for start, kind in special.items() if name.startswith(start)), None)
        column = pd.Series(list(ARROW[name]), dtype=name if kind is None else pd.ArrowDtype(kind))
    else:
        column = COLUMNS[name]
    return pd.DataFrame({"column": column, "x": NUMBERS})


def coded(frame):
    """A number for any value, of the first column's own type."""
    return frame["x"] + pd.util.hash_pandas_object(frame["column"], index=False).to_numpy() % 97 / 97


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", [*COLUMNS, *ARROW])
def test_the_model_sees_the_type_of_the_frame(name, law):
    frame = frame_of(name)
    probe = TabularProbe(frame.iloc[[4]], frame, law=LAWS[law])
    rows = probe.render(np.vstack([probe.instance, probe.reference]))
    assert rows["column"].dtype == frame["column"].dtype or (law == "local" and name in ("int8", "sparse"))
    pd.testing.assert_series_equal(rows["column"].iloc[:1], frame["column"].iloc[4:5].reset_index(drop=True))


@pytest.mark.parametrize("name", [*COLUMNS, *ARROW])
@pytest.mark.parametrize("row_as", ["frame", "series", "dict"])
def test_the_instance_is_answered_as_by_the_model_called_directly(name, row_as):
    frame = frame_of(name)
    row = {"frame": frame.iloc[[4]], "series": frame.iloc[4], "dict": frame.iloc[4].to_dict()}[row_as]
    ex = explain(coded, row, background=frame, store=None)
    assert ex.y[0, 0] == pytest.approx(coded(frame.iloc[[4]]).iloc[0])
    assert ex.view["rows"][0]["value"] == TabularProbe(frame.iloc[[4]], frame).view()["rows"][0]["value"]
    if row_as == "frame":  # what is shown of the others is the same
        assert "could not be drawn" not in ex._repr_html_()


def test_dates_are_shown_as_people_write_them():
    frame = pd.DataFrame({"day": DAYS, "noon": DAYS + pd.Timedelta("12h"), "for": DAYS - DAYS[0], "x": NUMBERS})
    view = TabularProbe(frame.iloc[4], frame).view()["rows"]
    assert [row["value"] for row in view[:3]] == ["2024-01-05", "2024-01-05 12:00", "4 days"]
    assert view[0]["background"] == "2024-01-01 to 2024-02-29, median 2024-01-31"


def test_dates_are_near_by_time():
    frame = pd.DataFrame({"day": DAYS, "month": DAYS.month.astype(float)})
    for by in ("nearest", "forest"):
        probe = TabularProbe({"day": pd.Timestamp("2024-02-20"), "month": 2.0}, frame, law=Conditional(by))
        assert probe.render(np.array([[1, 0]]))["month"].mean() > 1.8, by


def test_dates_near_the_row_are_said_to_be_replaced():
    frame = pd.DataFrame({"day": DAYS, "x": NUMBERS})
    notes = TabularProbe(frame.iloc[4], frame, law=LocalGaussian(0.5)).notes
    assert "day: dates or durations, kept or replaced by background rows." in notes


def test_an_unseen_word_is_noted_and_an_unseen_category_refused():
    frame = pd.DataFrame({"city": ["Rome", "Bonn"] * 30, "x": NUMBERS})
    notes = TabularProbe({"city": "Paris", "x": 0.0}, frame).notes
    assert any("Not in the background: city 'Paris'" in note for note in notes)
    assert not any("Not in the background" in note for note in TabularProbe(frame.iloc[0], frame).notes)
    with pytest.raises(InputError, match="one of the column's categories"):
        TabularProbe({"city": "Paris", "x": 0.0}, frame.astype({"city": "category"}))


def test_a_column_without_repeats_has_no_note_on_unseen_words():
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(N)], "x": NUMBERS})
    assert not any("Not in the background" in note for note in TabularProbe({"name": "new", "x": 0.0}, frame).notes)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("date", 2024),
        ("date with zone", 1.5),
        ("duration", 5),
        ("string", 5),
        ("string", b"a"),
        ("float", 1 + 2j),
        ("int8", 1 + 2j),
        ("int8", 10**400),
    ],
)
def test_a_value_of_another_kind_is_refused_and_not_made_to_fit(column, value):
    table = pd.DataFrame({column: COLUMNS[column], "x": NUMBERS})
    with pytest.raises(InputError, match=rf"^row\['{column}'\] must fit the column's type .*; got "):
        TabularProbe({column: value, "x": 1.0}, table)


@pytest.mark.parametrize(("dtype", "value"), [("float16", 1e6), ("float32", 1e300)])
def test_a_number_too_large_for_its_column_stays_the_number(dtype, value):
    table = pd.DataFrame({"x": NUMBERS.astype(dtype), "y": NUMBERS})
    rows = TabularProbe({"x": value, "y": 1.0}, table).render(np.ones((1, 2)))
    assert (rows["x"] == value).all()  # exact: copied


def test_a_nullable_truth_value_has_a_typical_row():
    table = pd.DataFrame({"flag": COLUMNS["boolean"], "x": NUMBERS})
    typical = TabularProbe(table.iloc[[0]], table).variants()["typical row"].render(np.zeros((1, 2)))
    assert typical["flag"].tolist() == [True]
    assert typical["flag"].dtype == "boolean"


def test_complex_numbers_are_refused():
    frame = pd.DataFrame({"z": np.full(5, 1j), "x": np.arange(5.0)})
    with pytest.raises(InputError, match="real numbers"):
        TabularProbe(frame.iloc[0], frame)


def customers():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "since": pd.Series(pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, 300), unit="D")),
            "city": pd.Categorical(rng.choice(["Rome", "Bonn", "Oslo"], 300)),
            "orders": pd.Series(rng.integers(0, 20, 300)).astype("Int64").mask(rng.random(300) < 0.1),
            "grade": pd.Categorical(rng.choice(["lo", "hi"], 300), categories=["lo", "hi"], ordered=True),
        }
    )
    return frame, (frame["city"] == "Rome") & (frame["grade"] == "hi")


def days(frame):
    return (frame - pd.Timestamp("2020-01-01")) / pd.Timedelta("1D")


def transformed():
    frame, bought = customers()
    columns = make_column_transformer(
        (make_pipeline(FunctionTransformer(days), StandardScaler()), ["since"]),
        (OneHotEncoder(), ["city", "grade"]),
        (FunctionTransformer(lambda X: X.astype(float).fillna(0.0)), ["orders"]),
    )
    return make_pipeline(columns, LogisticRegression()).fit(frame, bought), frame


def boosted():
    frame, bought = customers()
    frame = frame.drop(columns="since")
    return HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=2).fit(frame, bought), frame


@pytest.mark.parametrize(("make", "law"), [(transformed, "conditional"), (boosted, "background")])
def test_real_pipelines_are_explained(make, law):
    model, frame = make()
    row = frame[(frame["city"] == "Rome") & (frame["grade"] == "hi")].iloc[[0]]
    ex = explain(model, row, background=frame, law=LAWS[law], target=1, store=None)
    assert ex.y[0, 0] == pytest.approx(model.predict_proba(row)[0, 1])
    assert set(ex.attributions["feature"][:2]) == {"city", "grade"}


def test_lightgbm_takes_its_categories():
    lightgbm = pytest.importorskip("lightgbm")
    frame, bought = customers()
    frame = frame.drop(columns="since").astype({"orders": float})
    model = lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(frame, bought)
    ex = explain(model, frame.iloc[[0]], background=frame, target=1, store=None)
    assert ex.y[0, 0] == pytest.approx(model.predict_proba(frame.iloc[[0]])[0, 1])


@pytest.mark.parametrize(
    ("value", "dtype", "kept"),
    [
        (np.timedelta64(1, "D"), "timedelta64[ns]", pd.Timedelta(days=1)),
        (1e300, "Int64", 1e300),
        (np.timedelta64(1, "D"), "int64", None),
        (np.timedelta64(1, "D"), "bool", None),
        (np.ones(2), "bool", None),
        (np.ones(1), "boolean", None),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("error")
def test_durations_of_numpy_are_no_numbers_and_arrays_no_truth_values(value, dtype, kept):
    if kept is None:
        with pytest.raises(InputError, match="fit the column's type"):
            fitted("row", value, pd.Series(dtype=dtype).dtype)
    else:
        assert fitted("row", value, pd.Series(dtype=dtype).dtype).iloc[0] == kept
