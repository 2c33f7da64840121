"""Estimators as models."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.cluster import DBSCAN, AffinityPropagation, Birch, KMeans, MeanShift
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC, OneClassSVM
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
    class Naming(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            self.fitted_ = True
            return self

        def predict(self, X):
            return np.array(["a"] * len(X))

    with pytest.raises(ModelError, match=r"labels such as .*'a'"):
        as_model(Naming().fit(X, Y))(X)


def test_a_failing_estimator_is_a_model_error():
    with pytest.raises(ModelError, match=r"LogisticRegression\.predict_proba raised ValueError"):
        as_model(LogisticRegression(max_iter=500).fit(X, Y))(np.ones((2, 9)))


@pytest.mark.parametrize("second", [Y > 0, Y], ids=["as many classes", "other classes"])
def test_several_targets_at_once_stand_side_by_side(second):
    several = MultiOutputClassifier(DecisionTreeClassifier()).fit(X, np.column_stack([Y > 1, second]).astype(int))
    model = as_model(several)
    np.testing.assert_allclose(model(X), np.hstack(several.predict_proba(X)))
    assert model.outputs[:2] == ("target 0 = 0", "target 0 = 1") and len(model.outputs) == model(X).shape[1]


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


# --- labels are no quantities


def voting(labels=Y):
    return VotingClassifier([("a", DecisionTreeClassifier(random_state=0)), ("b", LinearSVC())]).fit(X, labels)


DETECTORS = {
    "forest": IsolationForest(n_estimators=5, random_state=0),
    "neighbours": LocalOutlierFactor(novelty=True),
    "one class": OneClassSVM(),
    "envelope": EllipticEnvelope(random_state=0),
    "pipeline": make_pipeline(StandardScaler(), IsolationForest(n_estimators=5, random_state=0)),
}


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_outlier_detectors_answer_with_a_score(detector):
    fitted = detector.fit(X)
    np.testing.assert_allclose(predicting(fitted)[:, 0], fitted.decision_function(X), rtol=1e-12)
    assert as_model(fitted).unit == "margin"


def test_a_detector_that_scores_no_new_rows_is_refused_with_the_remedy():
    with pytest.raises(InputError, match="novelty=True"):
        as_model(LocalOutlierFactor().fit(X))


@pytest.mark.parametrize("scaled", [False, True])
def test_clusters_with_centres_answer_with_the_distance_to_each(scaled):
    means = KMeans(3, n_init=1, random_state=0)
    fitted = (make_pipeline(StandardScaler(), means) if scaled else means).fit(X)
    np.testing.assert_allclose(predicting(fitted), fitted.transform(X), rtol=1e-9)
    model = as_model(fitted)
    assert (model.unit, model.outputs) == ("distance", tuple(f"distance to cluster {i}" for i in range(3)))


@pytest.mark.parametrize("clusterer", [Birch(n_clusters=3), MeanShift(), AffinityPropagation(random_state=0)])
def test_other_clusters_are_one_column_each(clusterer):
    fitted = clusterer.fit(X)
    values, labels = predicting(fitted), fitted.predict(X)
    assert values.shape == (150, labels.max() + 1)
    np.testing.assert_allclose(values[np.arange(150), labels], 1)
    np.testing.assert_allclose(values.sum(axis=1), 1)
    assert as_model(fitted).outputs[0] == "cluster 0"


def test_a_clusterer_that_knows_no_new_rows_is_refused_with_the_reason():
    with pytest.raises(InputError, match="only labels the rows that it was fitted to"):
        as_model(DBSCAN().fit(X))


@pytest.mark.parametrize("names", [np.array([0, 1, 2]), np.array([10, 20, 50]), np.array(["a", "b", "c"])])
def test_classes_that_are_voted_for_are_one_column_each(names):
    model = as_model(voting(names[Y]))
    assert (model.unit, model.outputs) == ("probability", tuple(map(str, names)))
    np.testing.assert_allclose(model(X), voting(names[Y]).predict(X)[:, None] == names[None])
    assert model.identity().id.startswith("estimator:VotingClassifier:predict one of 3:")


def test_a_classifier_with_labels_alone_is_asked_for_one_column_a_class():
    class Sorting(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return self.classes_[np.minimum(X[:, 0] // 3, 2).astype(int)]

    model = as_model(Sorting().fit(X, Y))
    np.testing.assert_allclose(model(X).sum(axis=0), np.bincount(np.minimum(X[:, 0] // 3, 2).astype(int), minlength=3))


SEVERAL = np.column_stack([Y > 0, X[:, 1] > 3]).astype(int)


def test_a_chain_answers_with_both_classes_of_each_target():
    chain = ClassifierChain(LogisticRegression(max_iter=500)).fit(X, SEVERAL)
    model, second = as_model(chain), chain.predict_proba(X)
    assert model.outputs == ("target 0 = 0", "target 0 = 1", "target 1 = 0", "target 1 = 1")
    np.testing.assert_allclose(model(X)[:, 1::2], second)
    np.testing.assert_allclose(model(X)[:, ::2], 1 - second)


def test_labels_of_several_targets_are_no_quantities():
    names = np.column_stack([np.array(["a", "b", "c"])[Y], np.where(X[:, 1] > 3, "wide", "small")])
    several = MultiOutputClassifier(RidgeClassifier()).fit(X, names)
    expected = np.hstack(
        [several.predict(X)[:, [0]] == ["a", "b", "c"], several.predict(X)[:, [1]] == ["small", "wide"]]
    )
    for model in (as_model(several), as_model(several.predict)):
        first, second = (f"target 0 = {c}" for c in "abc"), ("target 1 = small", "target 1 = wide")
        assert model.outputs == (*first, *second)
        assert model.unit == "probability"
        np.testing.assert_allclose(model(X), expected)
        np.testing.assert_allclose(model.direct()(X[:1]), expected[:1])
    numbers = as_model(MultiOutputClassifier(RidgeClassifier()).fit(X, np.column_stack([Y, Y > 0])))
    assert numbers(X).shape == (150, 5)
    assert numbers.identity().id.startswith("estimator:MultiOutputClassifier:predict one of [3, 2]:")


def test_labels_of_several_at_once_stay_as_they_are():
    every = OneVsRestClassifier(LogisticRegression(max_iter=500)).fit(X, np.column_stack([SEVERAL, Y > 1]))
    np.testing.assert_allclose(as_model(every.predict)(X), every.predict(X))
    np.testing.assert_allclose(as_model(every.predict).direct()(X[:1]), every.predict(X[:1]))


def test_components_of_a_mixture_are_probabilities():
    mixture = GaussianMixture(3, random_state=0).fit(X)
    np.testing.assert_allclose(predicting(mixture), mixture.predict_proba(X), rtol=1e-9)


def test_answers_with_other_meanings_have_another_identity():
    """Version 0.1.0 kept labels under the identity that ended in the method's name."""
    for fitted in (
        voting(),
        Birch(n_clusters=3).fit(X),
        IsolationForest(n_estimators=5, random_state=0).fit(X),
        KMeans(2).fit(X),
    ):
        assert ":predict:" not in as_model(fitted).identity().id
    kept = as_model(RandomForestRegressor(5, random_state=0).fit(X, Y)).identity().id
    assert kept.startswith("estimator:RandomForestRegressor:predict:")
