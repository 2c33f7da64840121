"""Partial dependence and individual curves, from the same answers."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.inspection import partial_dependence as of_scikit_learn

from probes import CallableModel, Store
from probes.errors import InputError
from surrogates import Dependence, partial_dependence

QUIET = {"store": None, "progress": False}
WINE, KIND = load_wine(return_X_y=True, as_frame=True)
X = WINE.drop(columns="alcohol")
FOREST = RandomForestRegressor(20, random_state=0).fit(X, WINE["alcohol"])
GRID = [400.0, 700.0, 1000.0, 1500.0]


def test_mean_and_curves_are_scikit_learns():
    found = partial_dependence(FOREST, "proline", background=X, grid=GRID, rows=len(X), **QUIET)
    theirs = of_scikit_learn(FOREST, X, ["proline"], kind="both", custom_values={"proline": GRID})
    np.testing.assert_allclose(found.table["mean"], theirs["average"][0])
    np.testing.assert_allclose(found.curves, theirs["individual"][0])
    np.testing.assert_allclose(found.table["low"], found.table["mean"])  # all rows are used


def test_a_class_is_answered_as_scikit_learn_answers_it():
    model = RandomForestClassifier(20, random_state=0).fit(WINE, KIND == 0)
    found = partial_dependence(model, "proline", background=WINE, grid=GRID, rows=len(WINE), **QUIET)
    theirs = of_scikit_learn(model, WINE, ["proline"], custom_values={"proline": GRID})
    np.testing.assert_allclose(found.table["mean"], theirs["average"][0])
    assert found.unit == "probability" and found.output == "True"


def test_intervals_cover_the_mean_over_all_rows():
    def bent(rows):
        return rows["a"] * rows["b"] + np.abs(rows["b"])

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(800, 2)), columns=["a", "b"])
    whole = partial_dependence(bent, "a", background=frame, grid=[-1.0, 2.0], rows=800, **QUIET).table["mean"]
    covered = []
    for seed in range(40):
        part = partial_dependence(bent, "a", background=frame, grid=[-1.0, 2.0], rows=40, random_state=seed, **QUIET)
        covered.append(part.table["low"].le(whole) & whole.le(part.table["high"]))
    assert 0.86 <= np.mean(covered) <= 1.0  # 95%, less three standard errors


def test_the_row_has_its_own_curve():
    found = partial_dependence(FOREST, "proline", background=X, row=X.iloc[7], grid=GRID, rows=10, **QUIET)
    rows = pd.concat([X.iloc[[7]]] * 4).assign(proline=GRID)
    np.testing.assert_allclose(found.instance, FOREST.predict(rows))
    assert found.held == "1295" and found.curves.shape == (10, 4)


def test_values_are_those_of_the_background_with_its_types():
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=40),
            "city": pd.Categorical(["Rome", "Bonn"] * 20),
            "count": pd.array([1, 2, 3, None] * 10, dtype="Int64"),
        }
    )
    seen = []

    def model(rows):
        seen.append(rows.dtypes)
        return rows["count"].fillna(0).astype(float) + 10.0 * (rows["city"] == "Rome")

    for name, expected in (("city", {"Rome", "Bonn"}), ("count", {"1", "2", "3"})):
        found = partial_dependence(model, name, background=frame, **QUIET)
        assert set(found.table["value"]) == expected
    days = partial_dependence(model, "day", background=frame, grid=5, **QUIET)
    assert days.table["value"].tolist()[0] == "2024-01-01" and len(days.table) == 5 and days.ordered
    assert all(dtypes.equals(frame.dtypes) for dtypes in seen)


def test_a_category_without_rows_is_no_value_of_the_background():
    X = pd.DataFrame({"a": pd.Categorical(["x", "y"] * 5, categories=["w", "x", "y", "z"]), "b": np.arange(10.0)})
    curve = partial_dependence(lambda rows: rows["b"].to_numpy(), "a", background=X, store=None)
    assert curve.table["value"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("column", "grid"),
    [
        (pd.Series(pd.date_range("2024", periods=10)), [2024]),
        (pd.Series([True, False] * 5), [2]),
        (pd.Series(range(10)), ["1"]),
        (pd.Series(range(10), dtype="int8"), [300]),
        (pd.Series(range(10), dtype="float16"), [1e6]),
    ],
    ids=["date", "truth", "number", "int8", "float16"],
)
def test_a_grid_of_another_kind_is_refused_and_not_made_to_fit(column, grid):
    X = pd.DataFrame({"a": column, "b": np.arange(10.0)})
    with pytest.raises(InputError, match=r"^grid must (fit|hold values of) the column's type"):
        partial_dependence(lambda rows: pytest.fail("asked"), "a", background=X, grid=grid, store=None)


def test_answers_are_kept():
    asked, store = [], Store()

    def count(rows):
        asked.append(len(rows))
        return FOREST.predict(rows)

    model = CallableModel(count, "counted")
    options = {"background": X, "rows": 10, "store": store, "progress": False}
    partial_dependence(model, "proline", grid=GRID, **options)
    before = sum(asked)
    more = partial_dependence(model, "proline", grid=[*GRID, 500.0], **options)
    assert more.cost["rows"] == 10 and sum(asked) - before <= 14


def test_arrays_are_asked_as_arrays():
    found = partial_dependence(lambda A: A[:, 0] * 2, "x0", background=X.to_numpy(), grid=[1, 2], **QUIET)
    np.testing.assert_allclose(found.table["mean"], [2.0, 4.0])


def test_it_is_read_again_from_its_file_and_drawn():
    found = partial_dependence(FOREST, "proline", background=X, row=X.iloc[7], rows=5, **QUIET)
    again = Dependence.from_json(found.to_json())
    assert again.to_json() == found.to_json() and str(again) == str(found)
    np.testing.assert_allclose(again.plot("dependence").lines[-1].get_ydata(), found.instance)


@pytest.mark.parametrize("column", ["near", "days"])
def test_labels_along_the_axis_of_its_plot_do_not_overlap(column):
    near = np.r_[np.linspace(-0.3, 0.3, 37) / 7, -100 / 7, 90 / 7, 91 / 7]
    frame = pd.DataFrame({"near": near, "days": pd.date_range("2024-01-01", periods=40)})
    ax = partial_dependence(lambda rows: rows["near"], column, background=frame, **QUIET).plot("dependence")
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(boxes) > 1 and all(a.x1 < b.x0 for a, b in pairwise(boxes))


@pytest.mark.parametrize(
    ("feature", "options", "words"),
    [
        ("age", {}, "feature must be a column of the background"),
        (["proline", "hue"], {}, "feature must be a column of the background"),
        ("proline", {"grid": 1}, "grid must be"),
        ("proline", {"grid": []}, "grid must be a number of values"),
        ("proline", {"grid": "all"}, "grid must be a number of values"),
        ("proline", {"grid": ["much"]}, "grid must fit the column's type"),
        ("proline", {"rows": 1}, "rows must be"),
    ],
)
def test_bad_input_is_refused_before_any_call(feature, options, words):
    def never(rows):
        raise AssertionError("it was asked")

    with pytest.raises(InputError, match=words):
        partial_dependence(never, feature, background=X, **options, **QUIET)


def test_an_unseen_category_is_refused():
    frame = pd.DataFrame({"city": pd.Categorical(["Rome", "Bonn"]), "x": [1.0, 2.0]})
    with pytest.raises(InputError, match="be one of the column's categories"):
        partial_dependence(lambda rows: rows["x"], "city", background=frame, grid=["Paris"], **QUIET)


def test_of_several_outputs_one_is_named():
    model = RandomForestClassifier(5, random_state=0).fit(WINE, KIND)
    with pytest.raises(InputError, match="target must be one of the outputs 0, 1, 2"):
        partial_dependence(model, "proline", background=WINE, grid=GRID, rows=5, **QUIET)
    assert partial_dependence(model, "proline", background=WINE, grid=GRID, rows=5, target="1", **QUIET).output == "1"


@pytest.mark.parametrize("target", [None, "all"])
def test_several_outputs_are_refused_before_more_than_one_row_is_asked(target):
    asked = []

    def three(rows):
        asked.append(len(rows))
        return np.tile(rows[["hue"]].to_numpy(), 3)

    with pytest.raises(InputError, match="target"):
        partial_dependence(three, "proline", background=X, grid=GRID, target=target, **QUIET)
    assert sum(asked) < len(GRID)


def test_where_nothing_changes_no_value_is_called_the_least():
    found = partial_dependence(lambda rows: rows["hue"] * 0 + 2, "proline", background=X, grid=GRID, rows=5, **QUIET)
    assert "is on average 2 at each of 4 values" in " ".join(str(found).split())
