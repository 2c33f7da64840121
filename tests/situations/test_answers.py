"""Situations of docs/situations.md: what models answer with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from probes import InputError, MaskProbe, ModelError, as_model
from surrogates import explain
from tests.helpers.effects import effects

X, Y = load_iris(return_X_y=True, as_frame=True)
X.columns = ["sl", "sw", "pl", "pw"]
NAMES = Y.map({0: "setosa", 1: "versicolor", 2: "virginica"})


def about(model, place=0, **options):
    """An explanation of one flower against six others."""
    return explain(model, X.iloc[[place]], background=X[::25], store=None, **options)


@pytest.fixture(scope="module")
def forest():
    return RandomForestClassifier(10, random_state=0).fit(X, NAMES)


def test_a_classifier_without_probabilities_is_asked_for_its_margin():
    model = SVC().fit(X[:100], NAMES[:100])
    ex = about(model)
    assert ex.target.unit == "margin"
    assert ex.y[0, 0] == pytest.approx(model.decision_function(X.iloc[[0]])[0])


def test_linear_margins_are_exact():
    model = LinearSVC(random_state=0).fit(X, NAMES)
    ex = about(model)
    weights = dict(zip(X.columns, model.coef_[0] * (X.iloc[0] - X[::25].mean()), strict=True))
    assert ex.target.outputs == ("setosa",)
    assert effects(ex) == pytest.approx(weights)


def test_one_number_a_row_or_a_column_of_them_is_the_same():
    flat = about(lambda d: d["sl"].to_numpy() * 2)
    column = about(lambda d: d["sl"].to_numpy()[:, None] * 2)
    assert effects(flat) == pytest.approx(effects(column))
    assert flat.target.outputs == column.target.outputs == ("output",)


def test_a_single_probability_is_explained_as_it_is():
    model = LogisticRegression().fit(X[:100], Y[:100])
    ex = about(lambda d: model.predict_proba(d)[:, 1:])
    assert ex.y[0, 0] == pytest.approx(model.predict_proba(X.iloc[[0]])[0, 1])
    assert len(ex.target.outputs) == 1


def test_labels_become_one_column_a_class():
    class Plain(DecisionTreeClassifier):
        predict_proba = property()  # a classifier with labels alone

    model = Plain(random_state=0).fit(X, NAMES)
    ex = about(model)
    assert ex.target.outputs == ("setosa",)
    assert set(ex.answers.y.ravel()) <= set(np.linspace(0, 1, 7))
    assert ex.y[0, 0] == pytest.approx(1.0)


def test_hard_votes_are_no_quantities():
    model = VotingClassifier([("t", DecisionTreeClassifier(max_depth=2)), ("n", KNeighborsClassifier())]).fit(X, Y)
    ex = about(model, 120)
    assert ex.target.outputs == ("2",)
    assert ex.y[0, 0] == pytest.approx(1.0)


def test_text_labels_of_a_function_are_refused_with_the_remedy():
    with pytest.raises(ModelError, match="Pass a function that returns scores or probabilities instead"):
        about(lambda d: ["yes"] * len(d))


def test_the_class_that_the_model_gives_is_explained(forest):
    for place, name in ((0, "setosa"), (60, "versicolor"), (120, "virginica")):
        ex = about(forest, place)
        assert ex.target.outputs == (name,)
        assert ex.y[0, 0] == pytest.approx(forest.predict_proba(X.iloc[[place]]).max())


def test_any_class_can_be_asked_for_by_name(forest):
    ex = about(forest, 0, target="all")
    assert ex.target.outputs == ("setosa", "versicolor", "virginica")
    np.testing.assert_allclose(ex.y[0], forest.predict_proba(X.iloc[[0]])[0])
    assert effects(ex, "virginica") == pytest.approx(effects(about(forest, 0, target="virginica")))
    assert about(forest, 0, target=["virginica", "setosa"]).target.outputs == ("virginica", "setosa")
    with pytest.raises(InputError, match="'setosa', 'versicolor', 'virginica'"):
        about(forest, 0, target="rose")


def test_of_two_classes_the_first_keeps_its_name():
    words = NAMES[:100].map({"setosa": "not ill", "versicolor": "ill"})
    model = LogisticRegression().fit(X[:100], words)
    well, ill = about(model, 0), about(model, 99)
    assert (well.target.outputs, ill.target.outputs) == (("not ill",), ("ill",))
    assert well.y[0, 0] > 0.5 < ill.y[0, 0]


def test_names_of_classes_follow_the_models_order():
    model = KNeighborsClassifier(3).fit(X, NAMES.map({"setosa": "c", "versicolor": "a", "virginica": "b"}))
    ex = about(model, 0, target="all")
    assert ex.target.outputs == ("a", "b", "c")
    assert ex.y[0].argmax() == 2


def test_numbers_as_class_names_are_names():
    model = KNeighborsClassifier(3).fit(X, Y.map({0: 30, 1: 10, 2: 20}))
    assert about(model, 0).target.outputs == ("30",)
    assert about(model, 0, target=20).target.outputs == ("20",)


def test_gradient_boosting_answers_with_probabilities():
    model = GradientBoostingClassifier(n_estimators=5).fit(X[:100], NAMES[:100])
    ex = about(model, 99)
    assert ex.target.unit == "probability"
    assert ex.y[0, 0] == pytest.approx(model.predict_proba(X.iloc[[99]])[0, 1])
    assert max(map(abs, effects(ex).values())) <= 1


def test_the_unit_is_named_and_log_odds_are_asked_for():
    model = LogisticRegression().fit(X[:100], NAMES[:100])
    odds = about(model, 99, target="log-odds")
    assert (about(model, 99).target.unit, odds.target.unit) == ("probability", "log-odds")
    ex = explain(model, X.iloc[[99]], background=X.iloc[[0]], target="log-odds", store=None)
    assert effects(ex) == pytest.approx(dict(zip(X.columns, model.coef_[0] * (X.iloc[99] - X.iloc[0]), strict=True)))


def test_log_odds_of_certainty_are_refused_in_words():
    with pytest.raises(
        ModelError, match=r"for 9 of 18 questions the probability is exactly 0 or 1\. Explain the probability"
    ):
        about(DecisionTreeClassifier(random_state=0).fit(X, Y), target="log-odds")


def test_trees_answer_with_probabilities_not_with_labels():
    model = DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, Y)
    ex = about(model, 60)
    assert ex.y[0, 0] == pytest.approx(0.5)
    assert sum(effects(ex).values()) == pytest.approx(ex.y[0, 0] - ex.y[1, 0])


def test_several_targets_stand_side_by_side():
    model = MultiOutputClassifier(LogisticRegression(max_iter=500)).fit(X, pd.DataFrame({"p": Y > 0, "q": X["sl"] > 6}))
    ex = about(model, 120, target="all")
    expected = np.hstack([part[0] for part in model.predict_proba(X.iloc[[120]])])
    np.testing.assert_allclose(ex.y[0], expected)


def test_a_forest_of_two_targets_is_explained_target_by_target():
    both = np.column_stack([Y > 0, X["sw"] > 3]).astype(int)
    model = RandomForestClassifier(10, random_state=0).fit(X, both)
    ex = about(model, 120, target="all")
    assert ex.y.shape[1] == 4
    np.testing.assert_allclose(ex.y[0], np.hstack([part[0] for part in model.predict_proba(X.iloc[[120]])]))
    first, second = (effects(ex, ex.target.outputs[j]) for j in (1, 3))
    assert first != pytest.approx(second, abs=0.05)


def test_several_labels_at_once_are_explained_each_by_itself():
    ex = about(lambda d: np.column_stack([d["sl"], d["sw"] * 2, d["pl"] - d["pw"]]))
    assert ex.target.outputs == ("output 0", "output 1", "output 2")
    sl, sw, pl, pw = X.iloc[0] - X[::25].mean()
    expected = {"output 0": [sl, 0, 0, 0], "output 1": [0, 2 * sw, 0, 0], "output 2": [0, 0, pl, -pw]}
    for output, sizes in expected.items():
        assert effects(ex, output) == pytest.approx(dict(zip(X.columns, sizes, strict=True)), abs=1e-9)
    assert ex.answers.cost.rows == about(lambda d: d["sl"]).answers.cost.rows


def test_outlier_detectors_answer_with_their_score():
    model = IsolationForest(n_estimators=10, random_state=0).fit(X)
    ex = about(model, 41)
    assert ex.y[0, 0] == pytest.approx(model.decision_function(X.iloc[[41]])[0])
    assert len(np.unique(ex.answers.y.round(6))) > 2


def test_a_regressor_of_texts_needs_no_second_column():
    ex = explain(lambda texts: [len(t) for t in texts], "ab cde f", store=None)
    assert effects(ex) == pytest.approx({"ab": 2.0 + 0.75, "cde": 3.75, "f": 1.75}, abs=0.26)
    assert ex.target.outputs == ("output",)


def test_one_number_for_a_batch_is_refused_with_the_remedy():
    with pytest.raises(ModelError, match=r"one row of numbers per input, shape \(1, k\); got"):
        explain(lambda Z: Z.sum(), MaskProbe(4), store=None)
    single = as_model(lambda z: float(z.sum()), batched=False)
    assert effects(explain(single, MaskProbe(4), store=None)) == pytest.approx({f"x{i}": 1.0 for i in range(4)})


FORMS = {
    "list": list,
    "float32": np.float32,
    "series": pd.Series,
    "frame": lambda y: pd.DataFrame({"y": y}),
    "mappings": lambda y: [{"y": value} for value in y],
    "column": lambda y: y[:, None],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_functions_may_return_numbers_in_any_form(form):
    ex = explain(lambda Z: form(Z[:, 0] * 2 - Z[:, 1]), MaskProbe(3), store=None)
    assert effects(ex) == pytest.approx({"x0": 2.0, "x1": -1.0, "x2": 0.0})


def test_an_answer_that_is_no_number_is_refused_with_its_input():
    with pytest.raises(ModelError, match=r"got \[nan\] for the input \[0.0, 0.0, 1.0, 0.0, 1.0"):
        explain(lambda Z: np.where(Z.sum(axis=1) == 3, np.nan, Z[:, 0]), MaskProbe(8), budget=200, store=None)


def test_regressors_are_exact_where_they_are_linear():
    model = LinearRegression().fit(X, X["sl"] * 2 - X["pw"])
    assert effects(about(model)) == pytest.approx(
        {"sl": 2 * (X.sl[0] - X.sl[::25].mean()), "sw": 0, "pl": 0, "pw": X.pw[::25].mean() - X.pw[0]}, abs=1e-9
    )
