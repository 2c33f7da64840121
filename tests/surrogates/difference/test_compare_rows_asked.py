"""compare_rows(): what models are given, and what is refused before all rows are asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import InputError, ModelError
from surrogates import compare_rows

TABLE = pd.DataFrame({"x": np.arange(300) % 50, "kind": np.arange(300).astype(str)})


class Counted:
    """A function of rows that counts them."""

    def __init__(self, answer=lambda rows: rows["x"] * 1.0):
        self.answer, self.rows = answer, 0

    def __call__(self, rows):
        self.rows += len(rows)
        return self.answer(rows)


def broken(rows):
    raise ValueError("no")


@pytest.mark.parametrize(
    ("after", "options", "error", "match"),
    [
        (Counted(broken), {}, ModelError, "no"),
        (Counted(lambda rows: np.zeros((len(rows), 2))), {}, InputError, "after must have the 1 output of the first"),
        (Counted(), {"target": "other"}, InputError, "target must be one of the model's outputs"),
        (Counted(), {"target": lambda raw: 5}, ModelError, "The target function must return one row of numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused_after_the_first_rows(after, options, error, match):
    before = Counted()
    with pytest.raises(error, match=match):
        compare_rows(before, after, TABLE, store=None, progress=False, **options)
    assert before.rows < 100


def test_the_first_rows_are_not_asked_twice():
    before = Counted()
    d = compare_rows(before, before, TABLE, store=None, progress=False)
    again = 2 * 32  # rows that a function is asked a second time, as it may answer differently
    assert (d.cost["rows"], d.cost["reused"], before.rows) == (600 + again, 0, 600 + again + d.cost["checks"])


@pytest.mark.parametrize("random_state", [-1, "one"])
def test_a_random_state_that_is_none_is_refused_before_a_question(random_state):
    before = Counted()
    with pytest.raises(InputError, match="random_state must be a non-negative integer"):
        compare_rows(before, before, TABLE, store=None, random_state=random_state)
    assert not before.rows


def test_a_model_of_arrays_is_given_arrays():
    rows = np.random.default_rng(0).normal(size=(200, 2))
    d = compare_rows(lambda X: X[:, 0], lambda X: X[:, 0] + (X[:, 1] > 0), rows, store=None, progress=False)
    assert d.rows["differs"].sum() == (rows[:, 1] > 0).sum()


def test_of_no_rows_none_is_said_to_differ():
    mixed = TABLE.assign(mixed=[1 if i % 2 else "a" for i in range(300)])
    moved = lambda rows: rows["x"] + 9.0 * (rows["mixed"] == "a")  # noqa: E731
    d = compare_rows(lambda rows: rows["x"] * 1.0, moved, mixed, store=None, progress=False)
    assert d.predict(mixed.head(0)).shape == (0,)


@pytest.mark.parametrize("odd", ["unknown", "2024-13-45"])
@pytest.mark.parametrize("at", range(0, 300, 60))
def test_one_cell_that_is_no_date_makes_a_column_of_levels_whatever_part_it_is_in(odd, at):
    days = pd.date_range("2024-01-01", periods=300).strftime("%Y-%m-%d").to_numpy(dtype=object)
    days[at] = odd
    d = compare_rows(*[lambda rows: rows["x"] * 1.0] * 2, TABLE.assign(when=days), store=None, progress=False)
    assert {column.kind for column in d.columns if column.name == "when"} == {"level"}


def test_dates_that_are_texts_may_be_missing():
    days = pd.Series(pd.date_range("2024-01-01", periods=300).strftime("%Y-%m-%d"), dtype=object)
    table = TABLE.assign(when=days.where(np.arange(300) % 10 > 0))
    late = lambda rows: rows["x"] + 99.0 * (rows["when"].fillna("") > "2024-06-01")  # noqa: E731
    d = compare_rows(lambda rows: rows["x"] * 1.0, late, table, store=None, progress=False)
    assert d.rules["rule"].str.startswith("when > 2024-0").tolist() == [True]


def test_what_is_no_date_is_shown_where_dates_are_asked_for():
    table = TABLE.assign(when=pd.date_range("2024-01-01", periods=300).strftime("%Y-%m-%d"))
    d = compare_rows(*[lambda rows: rows["x"] * 1.0] * 2, table, store=None, progress=False)
    asked = table.head(3).assign(when=[None, "2024-02-01", "soon"])
    with pytest.raises(InputError, match="rows must have dates in the column when; got 'soon'"):
        d.predict(asked)


ARRAY = np.column_stack([np.arange(400) % 50, np.arange(400) % 7, np.arange(400) % 3]).astype(float)


def compared_arrays(**options):
    return compare_rows(
        lambda X: X[:, 0] * 1.0, lambda X: X[:, 0] + 9.0 * (X[:, 1] > 4), ARRAY, store=None, progress=False, **options
    )


@pytest.mark.parametrize("names", [None, ["age", "days", "kind"]])
def test_an_array_is_told_apart_as_the_table_of_its_columns(names):
    d = compared_arrays(feature_names=names)
    fresh = ARRAY[::-3][:40]
    np.testing.assert_array_equal(d.predict(fresh), fresh[:, 1] > 4)  # exact: truth values
    frame = pd.DataFrame(fresh, columns=names or ["x0", "x1", "x2"])
    np.testing.assert_array_equal(d.predict(frame), d.predict(fresh))  # exact: truth values
    np.testing.assert_array_equal(
        type(d).from_json(d.to_json()).predict(fresh), d.predict(fresh)
    )  # exact: truth values


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (ARRAY[:, :2], "rows must have the columns x0, x1, x2; got"),
        (ARRAY[0], "rows must"),
        (ARRAY.astype(str), "rows must"),
    ],
    ids=["columns", "one", "texts"],
)
def test_another_array_is_refused(rows, match):
    with pytest.raises(InputError, match=match):
        compared_arrays().predict(rows)


def test_an_array_where_a_table_was_compared_is_refused():
    d = compare_rows(Counted(), Counted(lambda rows: rows["x"] + 9.0 * (rows["x"] > 40)), TABLE, store=None)
    with pytest.raises(InputError, match="rows must be a table, a DataFrame"):
        d.predict(ARRAY)


@pytest.mark.parametrize("more", [0, 30])
def test_groups_as_a_series_belong_to_the_rows_that_its_index_names(more):
    rows = TABLE.set_index(TABLE.index + 100)
    who = pd.Series([f"g{i % 20}" for i in range(300 + more)], index=np.arange(300 + more) + 100)
    d = compare_rows(Counted(), Counted(), rows, groups=who.sample(frac=1, random_state=0), store=None, progress=False)
    assert d.rows["group"].tolist() == who.to_numpy()[:300].tolist()


def test_groups_as_a_series_of_another_index_are_refused():
    before, who = Counted(), pd.Series([f"g{i % 20}" for i in range(300)], index=np.arange(300) + 1)
    with pytest.raises(InputError, match="groups must have the index of rows, as a Series"):
        compare_rows(before, before, TABLE, groups=who, store=None)
    assert not before.rows
    named = compare_rows(before, Counted(), TABLE, groups=who.to_numpy(), store=None, progress=False)
    assert named.rows["group"].tolist() == who.tolist()


def test_groups_as_a_series_are_refused_where_the_index_of_rows_repeats():
    who = pd.Series([f"g{i % 20}" for i in range(300)])
    with pytest.raises(InputError, match="groups must have the index of rows, as a Series"):
        compare_rows(Counted(), Counted(), TABLE.set_index(TABLE.index % 50), groups=who, store=None)
