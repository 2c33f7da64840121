"""Sets of explanations: summary, pick, global surrogate, pages."""

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from probes import (
    CallableModel,
    Conditional,
    InputError,
    as_model,
)
from surrogates import explain_many
from surrogates.many.mean_effects import mean_effects, picks, seldom_clear
from tests.helpers.fitted_models import MODEL, TEXTS, X, words

pytestmark = pytest.mark.xdist_group("sets")  # what the module makes once is made in one process


@pytest.fixture(scope="module")
def table():
    return explain_many(MODEL, X.iloc[:60], background=X, budget=160, store=None)


def test_the_summary_is_the_mean_size_with_an_interval_over_items(table):
    summary = table.summary().set_index("feature")
    effects = np.abs(table.frame.pivot(index="item", columns="feature", values="attribution"))
    np.testing.assert_allclose(summary["importance"], effects.mean()[summary.index])
    assert (summary["low"] < summary["importance"]).all() and (summary["importance"] < summary["high"]).all()
    normal = 1.96 * effects.std() / np.sqrt(len(effects))
    np.testing.assert_allclose((summary["high"] - summary["low"]) / 2, normal[summary.index], rtol=0.15)
    pd.testing.assert_frame_equal(table.summary(), table.summary())


def test_the_interval_of_the_mean_holds_the_truth_as_often_as_it_says():
    rng, hits = np.random.default_rng(0), 0
    for trial in range(200):
        effects = rng.exponential(size=40)
        frame = pd.DataFrame({"output": "y", "feature": "a", "attribution": effects})
        row = mean_effects(frame, trial).iloc[0]
        hits += row["low"] <= 1.0 <= row["high"]
    assert 0.88 <= hits / 200 <= 0.98


def made(rows):
    frame = pd.DataFrame(rows, columns=["item", "feature", "attribution"]).assign(output="y")
    return frame.assign(low=frame["attribution"] - 0.1, high=frame["attribution"] + 0.1)


def test_features_are_clear_seldom_where_intervals_leave_zero_out_no_more_often_than_by_chance():
    at = {"noise": 0.5 * np.ones(20), "clear": 3.0 * np.ones(20), "absent": np.zeros(20)}
    at["noise"][0], at["alone"] = 3.0, np.array([0.5])
    frame = pd.concat(
        pd.DataFrame({"output": "y", "feature": name, "attribution": v, "low": v - (v != 0), "high": v + (v != 0)})
        for name, v in at.items()
    )
    assert seldom_clear(frame) == ["noise"]


def test_mean_sizes_that_may_be_uncertainty_alone_are_said_to_be():
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 3)), columns=["a", "b", "c"])
    every = explain_many(
        lambda rows: rows["a"].to_numpy(),
        rows.iloc[:12],
        background=rows,
        law=Conditional(),
        store=None,
        progress=False,
    )
    assert "Hardly ever apart from zero in a single explanation: c, b." in " ".join(str(every).split())


def test_a_pick_covers_at_least_what_greedy_guarantees_and_leaves_out_what_adds_nothing():
    frame = made([("a", "f", 4.0), ("a", "g", 1.0), ("b", "f", 4.0), ("c", "h", 9.0), ("c", "g", 0.05)])
    chosen = picks(frame, 3)
    assert chosen["item"].tolist() == ["a", "c"]  # b adds nothing; g at c is not clear of zero
    assert chosen["covered"].iloc[-1] == pytest.approx(1.0)
    rng = np.random.default_rng(1)
    from itertools import combinations

    for _ in range(20):
        rows = [
            (i, f"f{j}", float(v))
            for i in range(7)
            for j, v in enumerate(rng.exponential(size=6))
            if rng.random() < 0.4
        ]
        frame = made(rows)
        weight = np.sqrt(frame.groupby("feature")["attribution"].sum())
        clear = frame[frame["low"] > 0]
        owned = {i: set(part["feature"]) for i, part in clear.groupby("item")}
        total = weight[sorted(set(clear["feature"]))].sum()
        best = max(weight[sorted(set().union(*pair))].sum() for pair in combinations(owned.values(), 2)) / total
        assert picks(frame, 2)["covered"].iloc[-1] >= (1 - 1 / np.e) * best - 1e-12
    with pytest.raises(InputError, match="k"):
        picks(frame, 0)


def test_a_pick_of_explanations_is_a_set_of_them(table):
    chosen = table.pick(2)
    assert len(chosen) <= 2 and set(chosen.labels) <= set(table.labels)
    assert chosen.labels == table.picks(2)["item"].tolist()


def test_the_global_surrogate_of_a_linear_model_is_that_model(table):
    surrogate = table.surrogate("linear")
    assert surrogate.fidelity.r2[0] > 0.98
    np.testing.assert_allclose(surrogate.predict(X.iloc[100:200]), MODEL.predict(X.iloc[100:200]), atol=12)
    assert surrogate.fidelity.permuted[0] < 0.2
    assert "over 60 rows" in str(surrogate)
    assert set(table.surrogate("tree").terms["term"].str.extract(r"([a-z]\w*) [>≤]")[0]) <= set(X.columns)


def test_the_global_surrogate_knows_categories_and_missing_values():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"city": rng.choice(["Rome", "Bonn", "Oslo"], 80), "age": rng.normal(size=80)})
    frame.loc[frame.index % 7 == 0, "age"] = np.nan

    def score(rows):
        return (rows["city"] == "Rome") * 5.0 + rows["age"].fillna(10.0).to_numpy()

    surrogate = explain_many(as_model(score, "score"), frame, background=frame, budget=60, store=None).surrogate(
        "linear"
    )
    weights = surrogate.terms.set_index("term")["weight"]
    assert weights["city = Rome"] - weights.get("city = Bonn", 0.0) == pytest.approx(5, abs=0.3)
    assert weights["age missing"] == pytest.approx(10, abs=1.0)
    np.testing.assert_allclose(surrogate.predict(frame), score(frame), atol=1.0)


def test_a_global_surrogate_needs_rows_of_a_table(table):
    texts = explain_many(CallableModel(words, "w"), TEXTS, budget=40, store=None)
    with pytest.raises(InputError, match="rows of a table"):
        texts.surrogate()
    with pytest.raises(InputError, match="at least 20"):
        table[:5].surrogate()
    with pytest.raises(InputError, match="output"):
        table.surrogate(output="nonsense")


def test_reports_and_plots_show_the_whole(table, tmp_path):
    page = table.report(tmp_path / "many.html", picked=2).read_text()
    assert "60 explanations" in page and "could not be drawn" not in page and "<script" not in page
    strongest = table.summary()["feature"].iloc[0]
    assert strongest in page and "Held-out R²: median" in page
    axes = table.plot(max_features=4)
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == strongest or len(axes.patches) == 4
    assert "60 explanations" in table._repr_html_() and strongest in str(table)
    hostile = explain_many(CallableModel(words, "w"), ["<script>alert(1)</script> is not good"], budget=20, store=None)
    assert "<script>alert" not in hostile.report(tmp_path / "h.html").read_text()
    assert os.stat(tmp_path / "many.html").st_size < 400_000


def test_sets_with_nothing_to_pick_or_to_learn_from():
    X = pd.DataFrame(np.tile([1.0, 2.0, 3.0, 4.0], (25, 1)), columns=list("abcd"))
    background = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 4)), columns=list("abcd"))
    model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(background, background["a"])
    assert len(explain_many(model, X.iloc[:0], background=background, budget=160, store=None).pick(3)) == 0
    equal = explain_many(model, X, background=background, budget=160, store=None)
    with pytest.raises(InputError, match="different rows"):
        equal.surrogate("tree")


def test_a_hand_over_of_rows_that_explain_different_classes_says_so():
    pytest.importorskip("shap", reason="shap is not installed")
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    model = LogisticRegression().fit(rows, np.digitize(rows["a"], [-0.5, 0.5]))
    some = rows.iloc[np.argsort(rows["a"].to_numpy())[[0, 30, 59]]]
    mixed = explain_many(model, some, background=rows, store=None, progress=False)
    with pytest.warns(UserWarning, match="Rows explain different outputs .*0; 1; 2.*not to be compared"):
        mixed.to_shap()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = explain_many(model, some, background=rows, target="all", store=None, progress=False).to_shap()
    assert whole.values.shape == (3, 2, 3)
