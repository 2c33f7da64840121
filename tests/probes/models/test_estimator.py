"""Estimators as models."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from probes import (
    Design,
    EstimatorModel,
    InputError,
    Model,
    ModelError,
    Store,
    TextProbe,
    as_model,
    ask,
    cube,
)

X, Y = load_iris(return_X_y=True)


def predicting(estimator):
    return as_model(estimator)(X)


def test_probabilities_first():
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    model = as_model(forest)
    assert isinstance(model, EstimatorModel)
    assert (model.unit, model.outputs) == ("probability", ("0", "1", "2"))
    np.testing.assert_allclose(model(X), forest.predict_proba(X), rtol=1e-12)


def test_margins_where_there_are_no_probabilities():
    three = LinearSVC(random_state=0).fit(X, Y)
    assert as_model(three).outputs == ("0", "1", "2")
    np.testing.assert_allclose(predicting(three), three.decision_function(X), rtol=1e-12)
    two = RidgeClassifier().fit(X, np.where(Y == 1, "yes", "no"))
    assert as_model(two).outputs == ("yes",)
    np.testing.assert_allclose(predicting(two)[:, 0], two.decision_function(X), rtol=1e-12)


def test_predictions_of_a_regressor():
    forest = RandomForestRegressor(5, random_state=0).fit(X, Y)
    assert as_model(forest).unit == "output"
    np.testing.assert_allclose(predicting(forest)[:, 0], forest.predict(X), rtol=1e-12)
    both = LinearRegression().fit(X, np.column_stack([Y, -Y]))
    assert predicting(both).shape == (150, 2)


def test_class_names_become_output_names():
    names = np.array(["setosa", "versicolor", "virginica"])
    model = as_model(LogisticRegression(max_iter=500).fit(X, names[Y]))
    assert model.outputs == tuple(names)
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1]}, cv=2).fit(X, names[Y])
    assert as_model(search).outputs == tuple(names)


def test_the_method_can_be_chosen():
    svc = SVC().fit(X, Y)
    assert EstimatorModel(svc, method="decision_function").unit == "margin"
    forest = IsolationForest(n_estimators=5, random_state=0).fit(X)
    chosen = EstimatorModel(forest, method="decision_function")
    np.testing.assert_allclose(chosen(X)[:, 0], forest.decision_function(X), rtol=1e-12)
    ids = {EstimatorModel(svc, method=m).identity().id for m in ("decision_function", "predict")}
    assert len(ids) == 2
    with pytest.raises(InputError, match="method must be one of predict_proba, decision_function, predict"):
        EstimatorModel(svc, method="transform")
    with pytest.raises(InputError, match="model must have predict_proba"):
        EstimatorModel(LinearSVC().fit(X, Y), method="predict_proba")


def test_what_cannot_answer_is_refused():
    with pytest.raises(InputError, match="model must be fitted"):
        as_model(LogisticRegression())
    with pytest.raises(InputError, match="model must be fitted"):
        as_model(make_pipeline(StandardScaler(), LogisticRegression()))
    with pytest.raises(InputError, match="model must have predict"):
        as_model(StandardScaler().fit(X))


def test_labels_are_refused_with_the_remedy():
    model = EstimatorModel(DecisionTreeClassifier().fit(X, np.array(["a", "b", "c"])[Y]), method="predict")
    with pytest.raises(ModelError, match=r"labels such as .*'a'"):
        model(X)


def test_a_failing_estimator_is_a_model_error():
    with pytest.raises(ModelError, match=r"LogisticRegression\.predict_proba raised ValueError"):
        as_model(LogisticRegression(max_iter=500).fit(X, Y))(np.ones((2, 9)))


@pytest.mark.parametrize("second", [Y > 0, Y], ids=["as many classes", "other classes"])
def test_several_targets_at_once_are_a_model_error(second):
    several = MultiOutputClassifier(DecisionTreeClassifier()).fit(X, np.column_stack([Y > 1, second]).astype(int))
    with pytest.raises(ModelError, match="predict_proba"):
        as_model(several)(X)


def test_texts_through_a_pipeline():
    texts = ["good film", "bad film", "really good", "really bad"] * 5
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0] * 5)
    probe = TextProbe("a really good film")
    answers = ask(as_model(pipeline), probe, Design(cube(4), 0), Store())
    np.testing.assert_allclose(answers.y, pipeline.predict_proba(probe.render(cube(4))), atol=1e-12)


def test_tables_of_real_data():
    cancer = load_breast_cancer(as_frame=True)
    forest = RandomForestClassifier(10, random_state=0).fit(cancer.data, cancer.target)
    np.testing.assert_allclose(as_model(forest)(cancer.data[:20]), forest.predict_proba(cancer.data[:20]), rtol=1e-12)
    diabetes = load_diabetes(as_frame=True)
    line = LinearRegression().fit(diabetes.data, diabetes.target)
    np.testing.assert_allclose(as_model(line)(diabetes.data)[:, 0], line.predict(diabetes.data), rtol=1e-12)
    assert isinstance(as_model(line), Model)
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit([["a"], ["b"]], [0, 1])
    assert as_model(encoded)(pd.DataFrame([["a"]]).to_numpy()).shape == (1, 2)
