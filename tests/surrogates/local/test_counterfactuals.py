"""Counterfactuals: found, answered by the model, sparse, near, and within what is allowed."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from probes import CallableModel, Store
from probes.errors import InputError
from surrogates import Counterfactuals, counterfactuals

QUIET = {"store": None, "progress": False}
WINE, KIND = load_wine(return_X_y=True, as_frame=True)
KIND = KIND.map({0: "barolo", 1: "grignolino", 2: "barbera"})
FOREST = RandomForestClassifier(30, random_state=0).fit(WINE, KIND)
LINE = make_pipeline(StandardScaler(), LogisticRegression()).fit(WINE, KIND)
RNG = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "income": RNG.integers(10, 90, 300),
        "debt": RNG.integers(0, 50, 300),
        "city": pd.Categorical(RNG.choice(["Rome", "Bonn", "Oslo"], 300)),
        "since": pd.to_datetime("2020-01-01") + pd.to_timedelta(RNG.integers(0, 1000, 300), unit="D"),
        "member": pd.array(RNG.random(300) < 0.5, dtype="boolean"),
    }
)
ROW = pd.DataFrame(
    {"income": [40], "debt": [20], "city": ["Bonn"], "since": [pd.Timestamp("2021-01-01")], "member": [False]}
).astype(PEOPLE.dtypes)


def loan(rows):
    points = rows["income"] - rows["debt"] + 5 * (rows["city"] == "Rome") + 3 * rows["member"].astype(float)
    granted = (points + 2 * (rows["since"] < pd.Timestamp("2020-06-01")) > 30).to_numpy(dtype=float)
    return pd.DataFrame({"refused": 1 - granted, "granted": granted})


@pytest.mark.parametrize("model", [FOREST, LINE], ids=["forest", "line"])
@pytest.mark.parametrize("row", [3, 70])
def test_the_model_called_directly_decides_otherwise(model, row):
    found = counterfactuals(model, WINE.iloc[row], background=WINE, n=2, **QUIET)
    assert len(found) == 2
    rows = found.rows[WINE.columns]
    assert (model.predict(rows) != model.predict(WINE.iloc[[row]])[0]).all()
    assert list(model.predict(rows)) == list(found.answers["decision"])
    np.testing.assert_allclose(model.predict_proba(rows).max(axis=1), found.answers["answer"])
    changed = (rows != WINE.iloc[row]).sum(axis=1)  # exact: values of the background, or the row's own
    assert list(changed) == list(found.answers["changed"])


def test_no_part_of_the_changes_would_do():
    """By brute force: every proper subset of the changes, asked of the model itself."""
    for row in (3, 70):
        found = counterfactuals(FOREST, WINE.iloc[row], background=WINE, **QUIET)
        changed = list(found.changes["column"])
        for count in range(len(changed)):
            for kept in combinations(changed, count):
                part = WINE.iloc[[row]].copy()
                part[list(kept)] = found.rows[list(kept)].to_numpy()
                assert FOREST.predict(part)[0] == FOREST.predict(WINE.iloc[[row]])[0]


def test_the_fewest_changes_and_the_nearest_value_are_found():
    found = counterfactuals(loan, ROW, background=PEOPLE, **QUIET)
    assert list(found.changes["column"]) == ["income"] or list(found.changes["column"]) == ["debt"]
    only = counterfactuals(loan, ROW, background=PEOPLE, immutable=["debt", "city", "member", "since"], **QUIET)
    enough = PEOPLE.loc[PEOPLE["income"] > 50, "income"].min()
    assert only.rows["income"].tolist() == [enough]


def test_several_change_different_columns():
    found = counterfactuals(LINE, WINE.iloc[3], background=WINE, n=3, **QUIET)
    sets = [frozenset(found.changed(i + 1)["column"]) for i in range(len(found))]
    assert len(set(sets)) == 3
    assert not any(one < other for one in sets for other in sets)
    assert found.answers["changed"].is_monotonic_increasing
    assert (LINE.predict(found.rows) != "barolo").all()


def test_fewer_than_wanted_are_said_to_be_fewer():
    found = counterfactuals(loan, ROW, background=PEOPLE, n=5, **QUIET)  # income or debt, nothing else will do
    assert {tuple(found.changed(i + 1)["column"]) for i in range(len(found))} == {("income",), ("debt",)}
    assert found.warnings[0].startswith("2 of 5 were found") and "no proof that there are no more" in found.warnings[0]


def test_changes_of_a_counterfactual_that_is_not_there_are_refused():
    found = counterfactuals(loan, ROW, background=PEOPLE, **QUIET)
    with pytest.raises(InputError, match="number must be the number of a counterfactual, from 1 to 1; got 2"):
        found.changed(2)


def test_values_are_those_of_the_background_with_its_types():
    found = counterfactuals(loan, ROW, background=PEOPLE, immutable=["income", "debt"], n=2, max_changes=3, **QUIET)
    assert found.rows.dtypes.equals(PEOPLE.dtypes)
    tight = ROW.assign(income=pd.Series([46], dtype=PEOPLE["income"].dtype))
    found = counterfactuals(loan, tight, background=PEOPLE, immutable=["income", "debt"], **QUIET)
    assert len(found) == 1 and set(found.changes["column"]) <= {"city", "since", "member"}
    for name in found.changes["column"]:
        assert found.rows[name].iloc[0] in set(PEOPLE[name])


def test_bounds_and_immutable_columns_are_kept():
    bounds = {"income": (30, 45), "since": (pd.Timestamp("2021-01-01"), None), "city": ["Oslo"]}
    found = counterfactuals(loan, ROW, background=PEOPLE, bounds=bounds, immutable=["member"], n=2, **QUIET)
    assert len(found) >= 1
    assert found.rows["income"].between(30, 45).all()
    assert (found.rows["since"] >= pd.Timestamp("2021-01-01")).all()
    assert found.rows["city"].isin(["Bonn", "Oslo"]).all()
    assert not found.rows["member"].any()


def test_a_class_of_several_can_be_wanted():
    for wanted in ("barolo", "barbera"):
        found = counterfactuals(LINE, WINE.iloc[70], background=WINE, desired=wanted, **QUIET)
        assert LINE.predict(found.rows)[0] == wanted
    number = counterfactuals(LINE, WINE.iloc[70], background=WINE, desired=0, **QUIET)
    assert number.answers["decision"].tolist() == [LINE.classes_[0]]


def test_a_number_can_be_wanted_in_a_range():
    model = LinearRegression().fit(WINE.drop(columns="alcohol"), WINE["alcohol"])
    X = WINE.drop(columns="alcohol")
    here = model.predict(X.iloc[[100]])[0]
    for desired in ((here + 0.5, None), (None, here - 0.3), (here + 0.3, here + 0.4)):
        found = counterfactuals(model, X.iloc[100], background=X, desired=desired, **QUIET)
        low, high = (end if end is not None else fallback for end, fallback in zip(desired, (-9, 99), strict=True))
        assert low <= model.predict(found.rows)[0] <= high


def test_the_sign_of_a_margin_decides():
    model = LinearSVC().fit(WINE, KIND == "barolo")
    found = counterfactuals(model, WINE.iloc[0], background=WINE, **QUIET)
    assert not model.predict(found.rows)[0]


def test_what_the_users_object_decides_counts():
    strict = FixedThresholdClassifier(LogisticRegression(max_iter=5000), threshold=0.9, response_method="predict_proba")
    strict.fit(WINE, KIND == "barolo")
    row = next(i for i in range(178) if not strict.predict(WINE.iloc[[i]])[0])
    found = counterfactuals(strict, WINE.iloc[row], background=WINE, n=3, **QUIET)
    assert strict.predict(found.rows).all() if len(found) else "decided otherwise" in found.warnings[0]


def test_none_is_claimed_where_there_is_none():
    always = counterfactuals(lambda rows: np.tile([0.9, 0.1], (len(rows), 1)), WINE.iloc[0], background=WINE, **QUIET)
    assert len(always) == 0 and always.rows.empty
    assert "No row was found" in always.warnings[-1] and "no proof" in always.warnings[-1]
    assert "No row was found" in str(always)


def test_a_rare_decision_is_found_in_the_background():
    frame = pd.DataFrame(RNG.normal(size=(600, 4)), columns=list("abcd"))
    frame.loc[500] = [9.0, 9.0, 0.0, 0.0]

    def rare(rows):
        hit = ((rows["a"] > 8) & (rows["b"] > 8)).to_numpy(dtype=float)
        return np.column_stack([1 - hit, hit])

    found = counterfactuals(rare, frame.iloc[0], background=frame, budget=800, **QUIET)
    assert set(found.changes["column"]) == {"a", "b"}


def test_the_budget_is_kept_and_known_answers_are_not_paid_again():
    asked, store = [], Store()

    def count(rows):
        asked.append(len(rows))
        return LINE.predict_proba(rows)

    model = CallableModel(count, "counted")
    first = counterfactuals(model, WINE.iloc[3], background=WINE, budget=60, store=store, progress=False)
    assert first.asked <= 60 and first.cost["rows"] <= 60
    before = sum(asked)
    again = counterfactuals(model, WINE.iloc[3], background=WINE, budget=60, store=store, progress=False)
    assert sum(asked) - before <= 4  # the model is checked, nothing is asked again
    pd.testing.assert_frame_equal(again.changes, first.changes)


def test_a_search_asks_in_few_calls():
    calls = []
    table = pd.DataFrame({"a": np.arange(200.0), "b": np.arange(200.0)[::-1]})

    def model(rows):
        calls.append(len(rows))
        high = (rows["a"] > 123).to_numpy(dtype=float)
        return pd.DataFrame({"no": 1 - high, "yes": high})

    found = counterfactuals(model, {"a": 10.0, "b": 10.0}, background=table, store=None, progress=False)
    assert found.rows["a"].tolist() == [124.0]  # exact: a value of the background
    assert len(calls) <= 14  # those of first contact are among them


def test_of_many_values_two_hundred_are_tried():
    table = pd.DataFrame({"a": np.arange(1000.0), "b": np.arange(1000.0)})
    asked = []

    def model(rows):
        asked.extend(rows["a"])
        return rows["a"].to_numpy()

    counterfactuals(
        model, {"a": 10.0, "b": 10.0}, background=table, desired=(5000.0, None), budget=2000, store=None, progress=False
    )
    assert 150 < len(set(asked)) <= 201  # the row's own, too


def test_the_same_seed_finds_the_same():
    one, two = (counterfactuals(LINE, WINE.iloc[3], background=WINE, random_state=7, **QUIET) for _ in range(2))
    pd.testing.assert_frame_equal(one.rows, two.rows)


def test_arrays_are_asked_as_arrays():
    model = LogisticRegression(max_iter=5000).fit(WINE.to_numpy(), KIND)
    found = counterfactuals(model, WINE.to_numpy()[3], background=WINE.to_numpy(), **QUIET)
    assert model.predict(found.rows.to_numpy())[0] != model.predict(WINE.to_numpy()[[3]])[0]


def test_missing_values_may_stay_and_may_be_filled():
    frame = pd.DataFrame(
        {"a": np.where(RNG.random(200) < 0.3, np.nan, RNG.normal(size=200)), "b": RNG.normal(size=200)}
    )

    def known(rows):
        p = np.where(rows["a"].isna(), 0.1, 0.9)
        return np.column_stack([1 - p, p])

    row = pd.Series({"a": np.nan, "b": 0.0})
    found = counterfactuals(known, row, background=frame, **QUIET)
    assert found.changes[["column", "before"]].to_numpy().tolist() == [["a", "missing"]]


def test_it_is_read_again_from_its_file():
    found = counterfactuals(loan, ROW, background=PEOPLE, n=2, **QUIET)
    again = Counterfactuals.from_json(found.to_json())
    pd.testing.assert_frame_equal(again.changes, found.changes)
    assert again.to_json() == found.to_json() and str(again) == str(found)


def test_names_and_values_of_the_user_are_escaped():
    frame = PEOPLE.rename(columns={"income": "<script>alert(1)</script>"}).astype({"city": str})

    def model(rows):
        return loan(rows.rename(columns={"<script>alert(1)</script>": "income"}))

    row = ROW.rename(columns={"income": "<script>alert(1)</script>"}).astype({"city": str})
    page = counterfactuals(model, row, background=frame, **QUIET)._repr_html_()
    assert "<script>alert" not in page and "could not be drawn" not in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"immutable": ["age"]}, "immutable must name columns of the background"),
        ({"immutable": "debt"}, "immutable must be a list of columns"),
        ({"immutable": list(PEOPLE.columns)}, "immutable must leave a column"),
        ({"bounds": {"age": (1, 2)}}, "bounds must name columns"),
        ({"bounds": [("debt", 1)]}, "bounds must be a dict"),
        ({"bounds": {"debt": (9, 1)}}, "low ≤ high"),
        ({"bounds": {"debt": 9}}, "low ≤ high"),
        ({"bounds": {"debt": ("x", 9)}}, "low ≤ high"),
        ({"bounds": {"since": (2020, None)}}, "low ≤ high"),
        ({"bounds": {"debt": (900, 1000)}}, "leave a value of the background"),
        ({"bounds": {"city": ["Paris"]}}, "be a list of values that the background holds"),
        ({"bounds": {"debt": (1, 9)}, "immutable": ["debt"]}, "not for immutable ones"),
        ({"n": 0}, "n must be a positive integer"),
        ({"budget": 3}, "budget must be"),
        ({"max_changes": 0}, "max_changes must be"),
        ({"desired": (2, 1)}, "low ≤ high"),
        ({"desired": (float("inf"), None)}, "desired must be \\(low, high\\)"),
    ],
)
def test_bad_input_is_refused_before_any_call(options, words):
    def never(rows):
        raise AssertionError("it was asked")

    with pytest.raises(InputError, match=words):
        counterfactuals(never, ROW, background=PEOPLE, **options, **QUIET)


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        ("refused", "be another decision than the row's own, refused"),
        ("maybe", "be one of the decisions refused, granted"),
        (7, "be one of the decisions"),
        ((None, None), "be \\(low, high\\)"),
        ((2, 1), "low ≤ high"),
        ((0.0, 0.5), "0, is not in"),
    ],
)
def test_what_cannot_be_wanted_is_refused(desired, words):
    target = "granted" if isinstance(desired, tuple) else None
    with pytest.raises(InputError, match=words):
        counterfactuals(loan, ROW, background=PEOPLE, desired=desired, target=target, **QUIET)


def test_a_number_needs_a_range():
    with pytest.raises(InputError, match="the model's answer is a number, not a class"):
        counterfactuals(lambda rows: rows["debt"].to_numpy(), ROW, background=PEOPLE, **QUIET)


def test_two_columns_are_changed_by_the_mix_that_is_nearest_in_sum():
    """Brought nearer one after another they end 6% farther, where the second can no longer move."""
    X = pd.DataFrame(np.random.default_rng(5).integers(0, 100, (400, 3)).astype(float), columns=list("abc"))

    def within(rows):
        inside = ((rows["a"] - 50) ** 2 + (rows["b"] - 50) ** 2 < 900).to_numpy(dtype=float)
        return np.column_stack([1 - inside, inside])

    def far(a, b):
        spread = (X - X.median()).abs().median()
        return np.abs(a - 10) / spread["a"] + np.abs(b - 10) / spread["b"]

    found = counterfactuals(
        within, {"a": 10.0, "b": 10.0, "c": 50.0}, background=X, immutable=["c"], random_state=5, **QUIET
    )
    a, b = np.meshgrid(*(np.unique(X[name]) for name in "ab"))
    nearest = far(a, b)[(a - 50) ** 2 + (b - 50) ** 2 < 900].min()
    assert far(*found.rows.iloc[0][["a", "b"]]) < 1.03 * nearest


MANY = pd.DataFrame({"a": np.arange(250.0), "code": [f"c{i:03}" for i in range(250)]})


@pytest.mark.parametrize("seed", range(4))
def test_a_column_that_is_nearer_than_the_first_that_does_is_found(seed):
    """Long tails do it, from far away; the last column, which reaches no further than 1, from near."""
    rng = np.random.default_rng(seed)
    tails, steep = rng.standard_t(3, size=(400, 23)), rng.uniform(-1, 1, size=(400, 1))
    people = pd.DataFrame(np.hstack([tails, steep]), columns=[f"c{i}" for i in range(24)])

    def model(rows):
        yes = 1 / (1 + np.exp(2 - rows.iloc[:, :23].sum(axis=1) - 3 * rows["c23"]))
        return pd.DataFrame({"no": 1 - yes, "yes": yes})

    found = counterfactuals(model, people.iloc[[0]] * 0, background=people, desired="yes", **QUIET)
    assert found.changes["column"].tolist() == ["c23"]


def test_it_is_said_that_of_many_levels_some_were_not_tried():
    found = counterfactuals(
        lambda rows: (rows["code"] > "c239") * 1.0, MANY.iloc[0], background=MANY, desired=(0.5, None), **QUIET
    )
    assert not len(found.rows) and any("50 of the values of code were not tried" in note for note in found.warnings)


def test_bounds_may_list_any_level_that_the_background_holds():
    found = counterfactuals(
        lambda rows: (rows["code"] > "c239") * 1.0,
        MANY.iloc[0],
        background=MANY,
        desired=(0.5, None),
        bounds={"code": ["c100", "c245"]},
        **QUIET,
    )
    assert found.rows["code"].tolist() == ["c245"]
