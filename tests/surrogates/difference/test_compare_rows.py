"""compare_rows(): where two models differ, found on half of the rows and tested on the rest."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from probes import CallableModel, InputError, Model, ModelError, Store
from probes.model import Identity
from surrogates import RowDifference, compare_rows
from surrogates.results.plain import Damaged
from surrogates.statements.entity_effects import wilson

REGION = "age > 50 and job is clerk"


def people(n=600, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": rng.lognormal(10, 0.5, n).round(2),
            "job": rng.choice(["clerk", "nurse", "cook"], n),
            "member": rng.random(n) < 0.5,
        }
    )


def inside(X):
    return ((X["age"] > 50) & (X["job"] == "clerk")).to_numpy()


def old(X):
    p = 1 / (1 + np.exp(-(np.log(X["income"].to_numpy()) - 10)))
    return np.column_stack([1 - p, p])


def new(X):
    return np.where(inside(X)[:, None], old(X)[:, ::-1], old(X))


def compared(before=old, after=new, rows=None, **options):
    return compare_rows(
        before, after, people() if rows is None else rows, **{"store": None, "progress": False} | options
    )


def test_a_planted_rule_is_found_and_its_numbers_are_those_of_held_out_rows():
    d = compared()
    assert d.rules["rule"].tolist() == ["age > 50 and job is clerk"] and d.rules["verdict"].tolist() == ["supported"]
    assert d.rows["differs"].sum() == inside(people()).sum()
    held = d.rows[d.rows["part"] == "test"]
    there, differs = held["rule"] > 0, held["differs"] > 0
    row = d.rules.iloc[0]
    assert row["rows"] == there.sum() and row["share"] == pytest.approx(there.mean())
    assert row["precision"] == pytest.approx(differs[there].mean())
    assert (row["low"], row["high"]) == pytest.approx(wilson(differs[there].mean(), there.sum()))
    assert row["elsewhere"] == pytest.approx(differs[~there].mean())
    assert row["recall"] == pytest.approx(there[differs].mean())
    assert row["change"] == pytest.approx(held["change"][there].mean())
    cross = pd.crosstab(~there, ~differs).to_numpy()
    assert row["p"] == pytest.approx(stats.fisher_exact(cross, alternative="greater").pvalue)
    whole = d.together.iloc[0]
    assert whole["f1"] == pytest.approx(f1_score(differs, there)) and whole["low"] < whole["f1"] <= whole["high"]
    assert whole["shuffled"] < 0.3
    fresh = people(3000, seed=9)
    np.testing.assert_array_equal(d.predict(fresh), inside(fresh))  # exact: truth values
    share, low, high = d.differ
    assert low < share < high and share == pytest.approx(inside(people()).mean())
    assert "One rule holds for 100% of these; where it holds, the two differ in 100%." in d.verdict


def test_a_long_rule_is_broken_under_its_heading():
    d = compared()
    text = str(replace(d, rules=d.rules.assign(rule="age > 50 and job is clerk and income > 20000")))
    heading, first, second = text.partition("\n\n")[2].splitlines()[:3]
    assert first[heading.index("rows with") :].startswith("age > 50 and job is clerk")
    assert second == " " * heading.index("rows with") + "and income > 20000"


def test_exchanging_the_models_changes_signs_alone():
    one, other = compared(), compared(new, old)
    assert one.regions == other.regions
    np.testing.assert_allclose(one.rows["change"], -other.rows["change"])
    assert (
        one.flips.rename(columns={"before": "after", "after": "before"})["rows"].tolist()
        == other.flips["rows"].tolist()
    )


def test_models_that_do_not_differ_have_no_rule():
    d = compared(after=lambda X: old(X))
    assert not len(d.rules) and not len(d.leaves) and not d.differ[0]
    assert "for 0% of the rows" in d.verdict and str(d)
    assert not d.predict(people(20)).any()
    read = RowDifference.from_json(d.to_json())
    assert list(read.rules) == list(d.rules) and str(read) == str(d)


def test_differences_by_chance_are_called_supported_no_more_often_than_said():
    supported = 0
    for seed in range(24):
        chance = np.random.default_rng(seed).random(160) < 0.25

        def noisy(X, chance=chance):
            return X["a"].to_numpy() + 5.0 * chance[X["number"].to_numpy()]

        rng = np.random.default_rng([seed, 1])
        rows = pd.DataFrame({"number": np.arange(160), "a": rng.normal(size=160), "b": rng.normal(size=160)})
        d = compared(
            lambda X: X["a"].to_numpy(),
            noisy,
            rows,
            by=rows[["a", "b"]].assign(c=rng.random(160) < 0.5),
            random_state=seed,
        )
        supported += (d.rules["verdict"] == "supported").any()
    assert stats.binomtest(int(supported), 24, 0.05, alternative="greater").pvalue > 0.01


def test_numbers_differ_by_more_than_the_margin():
    def moved(X):
        return X["age"] * 1.0 + 3.0 * (X["job"] == "cook")

    wide = compared(lambda X: X["age"] * 1.0, moved, margin=5)
    assert not wide.rows["differs"].any()
    d = compared(lambda X: X["age"] * 1.0, moved, margin=2)
    assert d.rules["rule"].tolist() == ["job is cook"] and d.rules.loc[0, "change"] == pytest.approx(3.0)
    assert "differ by more than 2 in" in d.verdict and len(d.flips) == 0
    by_itself = compared(lambda X: X["age"] * 1.0, moved)
    assert by_itself.margin == pytest.approx(0.1 * people()["age"].std(ddof=0))
    leaves = d.leaves.set_index("rule")["change"]
    assert leaves["job is cook"] == pytest.approx(3.0) and leaves["job is not cook"] == pytest.approx(0.0)
    scores = d.surrogates.set_index("surrogate")
    assert scores.loc["rules", "r2"] == pytest.approx(1.0) and scores.loc["rules", "permuted"] < 0.1


def test_a_target_names_the_number():
    d = compared(target="output 0", margin=0.01)
    assert d.number == "output 0" and not np.isnan(d.margin)
    by_function = compared(target=lambda raw: raw[:, 0] - raw[:, 1], margin=0.01)
    np.testing.assert_allclose(by_function.rows["before"], (lambda raw: raw[:, 0] - raw[:, 1])(old(people())))


class Strict(LogisticRegression):
    """Decides for the second class from .8 on."""

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.8).astype(int)]


def test_decisions_are_those_of_the_users_own_predict():
    X = people()[["age", "income"]]
    y = np.where(X["age"] + np.random.default_rng(0).normal(0, 8, len(X)) > 48, "yes", "no")
    plain, strict = (kind(max_iter=1000).fit(X, y) for kind in (LogisticRegression, Strict))
    d = compared(plain, strict, X)
    expected = plain.predict(X) != strict.predict(X)
    assert expected.any()
    np.testing.assert_array_equal(d.rows["differs"] > 0, expected)  # exact: truth values
    assert d.flips[["before", "after"]].values.tolist()[-1] == ["yes", "no"]
    assert d.number == "yes"


class Wrapped:
    """A classifier of nobody's package: a user's object with probabilities and decisions of its own."""

    def __init__(self, inner, classes):
        self.inner, self.classes_ = inner, classes

    def predict_proba(self, X):
        return self.inner.predict_proba(X)

    def predict(self, X):
        return self.inner.predict(X)


@pytest.mark.parametrize("kind", [np.array, list, tuple])
def test_decisions_of_objects_that_are_no_estimators_are_those_of_their_predict(kind):
    X = people()[["age", "income"]]
    y = np.where(X["age"] + np.random.default_rng(0).normal(0, 8, len(X)) > 48, "yes", "no")
    plain, strict = (one(max_iter=1000).fit(X, y) for one in (LogisticRegression, Strict))
    d = compared(plain, Wrapped(strict, kind(["no", "yes"])), X)
    expected = plain.predict(X) != strict.predict(X)
    np.testing.assert_array_equal(d.rows["differs"] > 0, expected)  # exact: truth values


def test_the_sign_of_a_single_margin_is_a_decision():
    X = people()[["age", "income"]].apply(lambda c: (c - c.mean()) / c.std())
    y = np.where(X["age"] > 0, "old", "young")
    one, other = LinearSVC().fit(X, y), RidgeClassifier().fit(X, np.where(X["age"] > 0.4, "old", "young"))
    d = compared(one, other, X)
    np.testing.assert_array_equal(d.rows["differs"] > 0, one.predict(X) != other.predict(X))  # exact: truth values
    assert set(d.flips["before"]) == {"old", "young"}
    assert d.rows["said_before"].tolist() == one.predict(X).tolist()


@pytest.mark.parametrize(
    ("values", "inside", "rule"),
    [
        (np.arange(2000, 2025), lambda v: v >= 2020, "when > 2019"),
        (1.6e9 + np.arange(25) * 3600.0, lambda v: v >= 1.6e9 + 20 * 3600, "when > 1600070200"),
        (pd.date_range("2020-01-01", periods=25), lambda v: v >= pd.Timestamp("2020-01-21"), "when > 2020-01-20"),
        (pd.date_range("2020-01-01", periods=25, tz="UTC"), lambda v: v.dt.day >= 21, "when > 2020-01-20"),
        (pd.to_timedelta(np.arange(25), "D"), lambda v: v.dt.days >= 21, "when > 20"),
        (np.linspace(0, 1, 25), lambda v: v > 0.8, "when > 0.8"),
    ],
    ids=["years", "seconds", "dates", "zoned", "spans", "shares"],
)
def test_a_rule_reads_as_it_holds(values, inside, rule):
    rows = pd.DataFrame(
        {"when": np.resize(values, 500) if isinstance(values, np.ndarray) else values[np.arange(500) % 25]}
    )
    rows["number"] = np.random.default_rng(0).normal(size=500)
    d = compared(lambda X: X["number"] * 0.0, lambda X: inside(X["when"]) * 1.0, rows)
    assert d.rules["rule"].tolist() == [rule]
    np.testing.assert_array_equal(d.predict(rows), inside(rows["when"]))  # exact: truth values
    again = RowDifference.from_json(d.to_json())
    np.testing.assert_array_equal(again.predict(rows), inside(rows["when"]))  # exact: truth values


def test_columns_of_any_name_and_levels_of_any_kind_are_taken():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({0: rng.normal(size=400), 1: rng.normal(size=400)})
    d = compared(lambda X: X[0] * 0.0, lambda X: (X[1] > 0.5) * 1.0, rows)
    assert len(d.rules) == 1 and d.rules.loc[0, "rule"].startswith("1 > ")
    by = pd.DataFrame({"bin": pd.cut(rows[1], [-9, 0, 9]), "grade": pd.Categorical(np.resize(["a", "b"], 400))})
    d = compared(lambda X: X[0] * 0.0, lambda X: (X[1] > 0) * 1.0, rows, by=by)
    assert len(d.rules) == 1 and "bin is" in d.rules.loc[0, "rule"]
    assert RowDifference.from_json(d.to_json()).predict(by).tolist() == d.predict(by).tolist()
    with pytest.raises(InputError, match="rows must be a table, a DataFrame"):
        d.predict(["a text"])


def test_1_and_true_are_two_levels_of_a_column():
    rng = np.random.default_rng(0)
    flags = np.array([1, True, "no"], dtype=object)[rng.integers(0, 3, 300)]
    rows = pd.DataFrame({"flag": flags, "z": rng.normal(size=300)})
    inside = np.array([flag is True for flag in flags])
    d = compared(lambda X: X["z"] * 0.0, lambda X: np.array([1.0 * (f is True) for f in X["flag"]]), rows)
    assert d.rules["rule"].tolist() == ["flag is True"]
    np.testing.assert_array_equal(d.predict(rows), inside)  # exact: truth values


def test_where_most_rows_differ_and_no_rule_is_better_than_all_of_them_the_tree_is_named():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=900), "y": rng.normal(size=900), "z": rng.normal(size=900)})
    d = compared(lambda X: X["z"], lambda X: X["z"] + 5.0 * ((X["x"] > 0) | (X["y"] > 0.3)), rows)
    assert len(d.rules) or "the tree of the change does (R² " in d.verdict
    assert not d.rules.empty or d.surrogates.set_index("surrogate").loc["tree", "r2"] > 0.8


def test_rows_are_shown_as_a_table_would():
    days = pd.date_range("2024-03-01", periods=60, freq="D")
    rows = pd.DataFrame({"day": days, "pay": [100.0, None, 0.1 + 0.2] * 20})
    d = compare_rows(lambda r: r["pay"].fillna(0), lambda r: 2 * r["pay"].fillna(0), rows, store=None)
    assert d.rows["input"].head(3).tolist() == [
        "day=2024-03-01, pay=100",
        "day=2024-03-02, pay=missing",
        "day=2024-03-03, pay=0.3",
    ]


def test_rows_that_read_alike_are_two_rows_and_what_moves_a_row_is_said():
    rows = pd.DataFrame({"x": np.arange(60) * 1e-9 + 1.0})
    d = compare_rows(lambda r: r["x"], lambda r: r["x"] + 1.0, rows, names=("old", "new"), store=None, progress=False)
    assert len(d.rows) == 60 and d.verdict.startswith("“old” and “new” differ")
    assert any("a tenth of the standard deviation of the answers of “old”, 1.73×10⁻⁹; margin=" in n for n in d.notes)
    d = compare_rows(lambda r: r["x"], lambda r: r["x"] + 1.0, rows, margin=0.5, store=None, progress=False)
    assert not any("margin=" in note for note in d.notes)


def test_dates_that_are_texts_are_dates_to_rules_and_texts_to_the_models():
    days = pd.date_range("2024-01-01", periods=300).strftime("%Y-%m-%d")
    rows = pd.DataFrame({"joined": days, "z": np.random.default_rng(0).normal(size=300)})
    d = compared(lambda X: X["z"] * 0.0, lambda X: (X["joined"] > "2024-06-30") * 1.0, rows)
    [rule] = d.rules["rule"]
    assert rule.startswith("joined > 2024-0")
    np.testing.assert_array_equal(RowDifference.from_json(d.to_json()).predict(rows), d.predict(rows))  # exact: rules
    assert d.predict(rows)[-1] and not d.predict(rows)[0]
    with pytest.raises(InputError, match="rows must have dates in the column joined"):
        d.predict(rows.assign(joined="soon"))
    odd = rows.assign(joined=["2024-02-31", *days[1:]])  # no date of any calendar: levels, as before
    d = compared(lambda X: X["z"] * 0.0, lambda X: (X["z"] > 0.5) * 1.0, odd)
    assert d.rules["rule"].str.startswith("z > ").all()


def test_rare_levels_and_words_may_say_where_and_what_is_left_out_is_said():
    rng = np.random.default_rng(0)
    names = np.array([f"c{i}" for i in range(80)])
    rows = pd.DataFrame({"city": rng.choice(names, 4000), "z": rng.normal(size=4000)})
    d = compared(lambda X: X["z"] * 0.0, lambda X: (X["city"] == "c13") * 1.0, rows)
    assert d.rules["rule"].tolist() == ["city is c13"]
    assert any(note.startswith("Counted as other:") and note.endswith("levels of city.") for note in d.notes)
    words = np.array([f"w{i}" for i in range(900)])
    texts = [" ".join(rng.choice(words, 12)) for _ in range(2000)]
    d = compared(lambda b: [0.0 for _ in b], lambda b: [1.0 * ("w7" in t.split()) for t in b], texts)
    assert d.rules["rule"].tolist() == ["contains “w7”"] and any(note.startswith("In no rule:") for note in d.notes)


def test_noise_of_a_model_is_said():
    rng = np.random.default_rng(0)

    def noisy(X):
        return X["age"] + 20 * rng.normal(size=len(X))

    d = compared(noisy, noisy, margin=5)
    assert sum("answers the same row differently each time: it differs from itself in" in n for n in d.notes) == 2
    assert not any("differently" in n for n in compared().notes)


def test_more_than_two_classes_change_by_the_first_models_decision():
    def three(shift):
        return lambda X: pd.DataFrame(
            np.exp(Z := np.column_stack([X["age"] / 10.0, np.full(len(X), 5.0), shift * (X["job"] == "cook")]))
            / np.exp(Z).sum(axis=1, keepdims=True),
            columns=["old", "middle", "cook"],
        )

    d = compared(three(0.0), three(20.0))
    assert d.rules["rule"].tolist() == ["job is cook"] and d.number == "the first's decision"
    assert (d.rows["change"][d.rows["differs"] > 0] < 0).all()


def test_words_say_where_models_of_texts_differ():
    rng = np.random.default_rng(0)
    words = [
        "the",
        "a",
        "film",
        "story",
        "was",
        "very",
        "good",
        "bad",
        "great",
        "dull",
        "long",
        "and",
        "of",
        "in",
        "refund",
    ]
    texts = [" ".join(rng.choice(words, rng.integers(4, 12))) for _ in range(500)]

    def model(extra):
        return lambda batch: [1.0 * ("good" in t.split()) + extra * ("refund" in t.split()) for t in batch]

    d = compared(model(0.0), model(2.0), texts, margin=0.5)
    assert d.rules["rule"].tolist() == ["contains “refund”"]
    np.testing.assert_array_equal(
        d.predict(["A Refund, please", "no money back"]), [True, False]
    )  # exact: truth values
    length = compared(lambda b: [0.0 for _ in b], lambda b: [1.0 * (len(t.split()) > 8) for t in b], texts, margin=0.5)
    assert length.rules["rule"].tolist() == ["number of words > 8"]


def test_properties_of_inputs_may_be_what_rules_are_about():
    texts = [f"text {i}" for i in range(300)]
    by = pd.DataFrame({"source": np.resize(["web", "book", "mail"], 300), "length": np.arange(300) % 7})

    def later(batch):
        return [1.0 * (int(t.split()[1]) % 3 == 2) for t in batch]

    d = compared(lambda batch: [0.0 for _ in batch], later, texts, by=by, margin=0.5)
    assert d.rules["rule"].tolist() == ["source is mail"]
    assert d.predict(by.iloc[:3]).tolist() == [False, False, True]
    with pytest.raises(InputError, match="rows must have the columns"):
        d.predict(by[["length"]])


def test_missing_values_are_features():
    rows = people()
    rows.loc[::3, "income"] = np.nan
    d = compared(lambda X: X["age"] * 0.0, lambda X: 1.0 * X["income"].isna(), rows, margin=0.5, most=1)
    assert d.rules["rule"].tolist() == ["income is missing"]


@pytest.mark.parametrize("further", [0, 200])
def test_a_rule_about_a_number_does_not_hold_where_it_is_missing(further):
    rows = people()
    rows.loc[::5, "income"] = np.nan
    high = rows["income"].quantile(0.7)
    d = compared(
        lambda X: X["age"] * 0.0,
        lambda X: 1.0 * (X["income"].isna() | (X["income"] > high)),
        rows, margin=0.5, further=further,
    )  # fmt: skip
    said = sorted(d.rules["rule"])
    assert len(said) == 2 and said[0].startswith("income > ") and said[1] == "income is missing"
    assert " and " not in said[0]
    assert d.together["f1"].iloc[-1] > 0.97
    assert d.predict(rows).mean() == pytest.approx(d.differ[0], abs=0.02)


def test_rows_that_repeat_count_once_and_it_is_said():
    rows = pd.concat([people(), people().iloc[:100]])
    d = compared(rows=rows)
    assert len(d.rows) == 600 and "Repeats of earlier inputs are left out: 100." in d.notes
    pd.testing.assert_frame_equal(d.rules, compared().rules)


class Partial(Model):
    """Leaves some rows unanswered."""

    fallible = True

    def identity(self):
        return Identity("partial", True)

    def __call__(self, inputs):
        y = inputs["age"].to_numpy(dtype=float) + 30.0 * (inputs["job"] == "cook").to_numpy()
        y[inputs["age"].to_numpy() % 10 == 0] = np.nan
        return y[:, None]


def test_rows_that_were_not_answered_are_left_out_and_counted():
    rows = people()
    d = compared(lambda X: X["age"].to_numpy(dtype=float), Partial(), rows)
    lost = int((rows["age"] % 10 == 0).sum())
    assert len(d.rows) == 600 - lost and f"Not answered by both models, and left out: {lost} of 600 rows." in d.notes
    assert d.rules["rule"].tolist() == ["job is cook"]


def test_the_same_comparison_again_asks_nothing():
    store = Store()
    one, other = (CallableModel(f, n) for f, n in ((old, "old"), (new, "new")))
    assert compared(one, other, store=store).cost["rows"] == 1200
    again = compared(one, other, store=store, most=2)
    assert again.cost["rows"] == 0 and again.cost["calls"] == 0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"rows": people(30)}, "rows must be at least 40 different inputs; got 30"),
        ({"rows": people().iloc[[0] * 80]}, "rows must be at least 40 different inputs; got 1"),
        ({"rows": 3}, "rows must be a DataFrame, an array, or a list of texts or chats"),
        ({"rows": "one text"}, "rows must be a DataFrame, an array, or a list of texts or chats"),
        ({"rows": ["text", 3]}, r"rows\[1\] must be a text or a chat, as others are; got 3"),
        ({"rows": people().assign(age=np.inf)}, r"rows\['age'\] must hold finite or missing numbers"),
        ({"rows": people().set_axis(["a", "1", 1, "b"], axis=1)}, "rows must have column names that do not read alike"),
        ({"by": people().assign(tags=[["a"]] * 600)}, r"by\['tags'\] must hold a single value in each cell"),
        ({"rows": np.zeros(5)}, "rows must be two-dimensional"),
        ({"rows": people().describe()}, "rows must be"),
        ({"by": people(10)}, "by must be a table with a row for each of the 600 inputs"),
        ({"by": [1]}, "by must be a table with a row for each"),
        ({"names": ("a", "a")}, "names must be two different texts"),
        ({"most": 0}, "most must be a whole number above 0"),
        ({"length": 1.5}, "length must be a whole number above 0"),
        ({"margin": -1}, "margin must be a number of at least 0"),
        ({"choices": ["yes", "no"]}, "choices must be left out: this model does not continue text"),
    ],
)
def test_bad_input_is_refused_before_a_question(options, match):
    def never(X):
        raise AssertionError("asked")

    with pytest.raises(InputError, match=match):
        compared(never, never, **options)


def test_models_that_do_not_compare_are_refused():
    with pytest.raises(InputError, match="after must have the 2 outputs of the first, in their order; number 1 there"):
        compared(after=lambda X: X["age"] * 1.0)

    def broken(X):
        raise ValueError("no")

    with pytest.raises(ModelError) as caught:
        compared(after=broken, names=("3.3", "3.4"))
    assert "(while 3.4 was compared)" in "".join(caught.value.__notes__)


class Turned(ClassifierMixin, BaseEstimator):
    """A fitted classifier with its classes in another order."""

    def __init__(self, inner, order):
        self.inner, self.order = inner, order

    @property
    def classes_(self):
        return self.inner.classes_[self.order]

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.inner.predict(X)

    def predict_proba(self, X):
        return self.inner.predict_proba(X)[:, self.order]


def test_of_two_equal_classes_both_models_take_the_same_in_whatever_order():
    X = pd.DataFrame({"a": np.arange(60) - 30.0})

    def tied(frame):
        yes = 1 / (1 + np.exp(-np.minimum(frame["a"].to_numpy(), 0)))  # a half where a is 0 or more
        return pd.DataFrame({"no": 1 - yes, "yes": yes})

    d = compare_rows(tied, lambda frame: tied(frame)[["yes", "no"]], X, store=None)
    assert not d.rows["differs"].any()


@pytest.mark.parametrize("order", [[1, 0], [2, 0, 1]])
@pytest.mark.parametrize("margin", [None, 0.05])
def test_classes_in_another_order_are_taken_by_their_names(order, margin):
    X = np.random.default_rng(0).normal(size=(400, 2))
    y = np.array(["no", "perhaps", "yes"][-len(order) :])[np.digitize(X.sum(axis=1), [0, 1][: len(order) - 1])]
    old = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    new = DecisionTreeClassifier(max_depth=6, random_state=0).fit(X, y)
    plain, turned = (compare_rows(old, other, X, margin=margin, store=None) for other in (new, Turned(new, order)))
    pd.testing.assert_frame_equal(plain.rows, turned.rows)
    assert plain.rules.equals(turned.rules) and (plain.number, plain.unit) == (turned.number, turned.unit)
    if margin is None:
        np.testing.assert_array_equal(turned.rows["differs"] > 0, old.predict(X) != new.predict(X))  # exact: copies
        assert turned.rows["said_after"].tolist() == new.predict(X).tolist()
    by_name = compare_rows(Turned(old, order), new, X, target="yes", margin=0.05, store=None).rows["after"]
    place = list(new.classes_).index("yes")
    np.testing.assert_allclose(by_name, new.predict_proba(X)[:, place])


def test_numbers_of_which_one_models_sum_to_1_are_compared_as_numbers():
    def share(X):
        return np.column_stack([X["age"], 100 - X["age"]]) / 100

    def moved(X):
        return share(X) + np.where(inside(X), 0.5, 0.0)[:, None]

    for pair in ((share, moved), (moved, share)):
        d = compare_rows(*pair, people(), store=None)
        assert (d.unit, len(d.others)) == ("output", 1)
        np.testing.assert_array_equal(d.rows["differs"] > 0, inside(people()))  # exact: counts
        assert sum("sum to 1 as probabilities do" in note for note in d.notes) == 1
    both = compare_rows(share, share, people(), store=None)
    assert both.unit == "probability" and not any("sum to 1" in note for note in both.notes)


def test_a_file_whose_regions_disagree_with_its_columns_is_refused():
    d = compared()
    data = json.loads(d.to_json())
    data["regions"][0]["box"][0][0] = 99
    with pytest.raises((Damaged, InputError), match="be about features from 0 to"):
        RowDifference.from_json(json.dumps(data))
    assert RowDifference.from_json(d.to_json()).predict(people(50)).tolist() == inside(people(50)).tolist()
