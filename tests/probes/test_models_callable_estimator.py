"""Callables and scikit-learn estimators as models; what identifies them."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from probes import (
    CallableModel,
    Design,
    EstimatorModel,
    InputError,
    MaskProbe,
    Model,
    ModelError,
    Store,
    TextProbe,
    as_model,
    ask,
    cube,
    sample,
)
from probes.models.estimator import fingerprint

ROOT = Path(__file__).resolve().parents[2]
X, Y = load_iris(return_X_y=True)


def double(values):
    """A function of the user's own."""
    return values * 2


class OwnClassifier(LogisticRegression):
    """A class of the user's own."""

    def predict_proba(self, X):
        return 1 - super().predict_proba(X)


# --- callables


def test_a_model_is_taken_as_it_is():
    model = CallableModel(lambda Z: Z[:, 0])
    assert as_model(model) is model


def test_batched_and_one_at_a_time_agree():
    texts = ["a", "bcd", ""]
    together = as_model(lambda batch: [[len(t), t.count("b")] for t in batch])(texts)
    alone = as_model(lambda t: [len(t), t.count("b")], batched=False)(texts)
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(as_model(lambda t: len(t), batched=False)(texts), [[1], [3], [0]])


def test_one_row_of_a_table_at_a_time_is_a_table():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    seen = []

    def function(row):
        seen.append(row)
        return row["a"].iloc[0]

    np.testing.assert_array_equal(as_model(function, batched=False)(frame), [[1], [2]])
    assert all(isinstance(row, pd.DataFrame) and len(row) == 1 for row in seen)


def test_what_a_callable_may_return():
    Z = cube(2)
    for values in (
        Z[:, 0],
        list(Z[:, 0]),
        tuple(Z[:, 0]),
        Z[:, :1],
        pd.Series(Z[:, 0]),
        pd.DataFrame(Z[:, :1]),
        Z[:, 0] > 0,
    ):
        np.testing.assert_array_equal(as_model(lambda _, v=values: v)(Z), Z[:, :1])


def test_a_failing_callable_names_error_batch_and_remedy():
    def shout(text):
        return len(text.upper())

    with pytest.raises(ModelError) as caught:
        as_model(shout)(["a", "b"])
    message = str(caught.value)
    assert "shout" in message
    assert "AttributeError" in message
    assert "batch of 2 inputs" in message
    assert "batched=False" in message
    assert isinstance(caught.value.__cause__, AttributeError)


def test_objects_with_call_are_callables():
    class Scorer:
        def __call__(self, texts):
            return [len(t) for t in texts]

    np.testing.assert_array_equal(as_model(Scorer())(["ab"]), [[2]])
    with pytest.raises(InputError, match="model must be a scikit-learn estimator"):
        as_model(Scorer)


@pytest.mark.parametrize("model", [None, 3, "gpt", [1], {"a": 1}, np.ones(3), LogisticRegression])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(InputError) as caught:
        as_model(model)
    assert caught.value.parameter == "model"
    assert "a callable that takes a batch of inputs" in str(caught.value)


@pytest.mark.parametrize("name", ["", "  ", 3, b"n"])
def test_bad_names(name):
    with pytest.raises(InputError, match="name must be a non-empty string"):
        as_model(len, name)


def test_a_named_callable_persists_and_an_unnamed_one_does_not():
    def function(Z):
        return Z[:, 0]

    named, again, other = (as_model(function, name) for name in ("risk-v1", "risk-v1", "risk-v2"))
    assert named.identity().persistent
    assert named.identity() == again.identity() != other.identity()
    unnamed, second = as_model(function), as_model(function)
    assert not unnamed.identity().persistent
    assert unnamed.identity().id != second.identity().id
    assert unnamed.identity() == unnamed.identity()


# --- estimators as models


def predicting(estimator):
    return as_model(estimator)(X)


def test_probabilities_first():
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    model = as_model(forest)
    assert isinstance(model, EstimatorModel)
    assert (model.unit, model.outputs) == ("probability", ("0", "1", "2"))
    np.testing.assert_array_equal(model(X), forest.predict_proba(X))


def test_margins_where_there_are_no_probabilities():
    three = LinearSVC(random_state=0).fit(X, Y)
    assert as_model(three).outputs == ("0", "1", "2")
    np.testing.assert_array_equal(predicting(three), three.decision_function(X))
    two = RidgeClassifier().fit(X, np.where(Y == 1, "yes", "no"))
    assert as_model(two).outputs == ("yes",)
    np.testing.assert_array_equal(predicting(two)[:, 0], two.decision_function(X))


def test_predictions_of_a_regressor():
    forest = RandomForestRegressor(5, random_state=0).fit(X, Y)
    assert as_model(forest).unit == "output"
    np.testing.assert_array_equal(predicting(forest)[:, 0], forest.predict(X))
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
    np.testing.assert_array_equal(chosen(X)[:, 0], forest.decision_function(X))
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


# --- fingerprints

ESTIMATORS = [
    LogisticRegression(max_iter=500),
    RandomForestClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3, random_state=0),
    KNeighborsClassifier(),
    SVC(),
    MLPClassifier((4,), max_iter=20, random_state=0),
    make_pipeline(StandardScaler(), FunctionTransformer(np.log1p), DecisionTreeClassifier(random_state=0)),
]


def name_of(estimator):
    return type(estimator).__name__


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_fingerprints_follow_the_fitted_state(estimator):
    from sklearn.base import clone

    positive = np.abs(X)
    fitted = clone(estimator).fit(positive, Y)
    first = as_model(fitted).identity()
    assert first.persistent
    # asking does not change it, refitting alike gives it again
    as_model(fitted)(positive)
    assert as_model(fitted).identity() == first
    assert as_model(clone(estimator).fit(positive, Y)).identity() == first
    # refitting in place on other data changes it
    fitted.fit(positive[:120] * 1.5 + 0.1, Y[:120])
    assert as_model(fitted).identity().id != first.id
    assert as_model(fitted).identity().persistent


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_fingerprints_survive_saving_and_loading(estimator):
    from sklearn.base import clone

    fitted = clone(estimator).fit(np.abs(X), Y)
    assert fingerprint(pickle.loads(pickle.dumps(fitted))) == fingerprint(fitted)


def test_fingerprints_tell_parameters_apart():
    marks = {fingerprint(LogisticRegression(max_iter=m, C=c).fit(X, Y)) for m in (400, 500) for c in (1.0, 1.1)}
    assert len(marks) == 4


def test_a_weight_changed_in_place_changes_the_fingerprint():
    model = LinearRegression().fit(X, Y)
    before = as_model(model).identity()
    model.coef_[0] += 1e-12
    assert as_model(model).identity().id != before.id


FIT = """
import sys
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from probes import as_model

X, Y = load_iris(return_X_y=True)
frame = pd.DataFrame({"a": X[:, 0], "kind": ["x" if v > 3 else "y" for v in X[:, 1]]})
texts = ["good film", "bad film", "so good", "so bad"] * 5
models = [
    RandomForestClassifier(5, random_state=0).fit(X, Y),
    make_pipeline(TfidfVectorizer(stop_words=["a", "the"]), LogisticRegression()).fit(texts, [1, 0] * 10),
    make_pipeline(
        make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough"), LogisticRegression(max_iter=500)
    ).fit(frame, Y),
]
for model in models:
    identity = as_model(model).identity()
    assert identity.persistent
    print(identity.id)
"""


def test_fingerprints_are_equal_across_processes():
    """With different hash seeds, so that nothing depends on the order of a set."""
    runs = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", FIT],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        runs.append(done.stdout.split("\n"))
    assert len(runs[0]) == 4
    assert runs[0] == runs[1]


def test_answers_are_reused_for_a_model_fitted_again():
    store, probe = Store(), MaskProbe(4)
    questions = sample(probe.features, 16, np.random.default_rng(0))
    asked = [
        ask(as_model(RandomForestClassifier(5, random_state=0).fit(X, Y)), probe, questions, store).cost.rows
        for _ in "ab"
    ]
    assert asked == [16, 0]


@pytest.mark.parametrize(
    "function", [lambda v: v * 2, double, np.vectorize(lambda v: v + 1)], ids=["lambda", "own function", "wrapped"]
)
def test_a_function_of_the_users_own_is_not_identified(function):
    pipeline = make_pipeline(FunctionTransformer(function), LogisticRegression(max_iter=500)).fit(X, Y)
    first, second = as_model(pipeline).identity(), as_model(pipeline).identity()
    assert not first.persistent
    assert first.id != second.id
    store = Store()
    ask(as_model(pipeline), MaskProbe(4), Design(cube(4), 0), store)
    assert len(store) == 0
    assert as_model(pipeline, "named").identity().persistent


def test_user_code_is_found_wherever_it_hides():
    from functools import partial

    deep = make_column_transformer(
        (make_pipeline(FunctionTransformer(partial(double))), [0, 1]), remainder="passthrough"
    )
    hidden = [
        make_pipeline(deep, LogisticRegression(max_iter=500)).fit(X, Y),
        KNeighborsClassifier(metric=lambda a, b: np.abs(a - b).sum()).fit(X, Y),
        TfidfVectorizer(tokenizer=str.split, preprocessor=lambda t: t.lower(), token_pattern=None).fit(["a b"]),
        OwnClassifier(max_iter=500).fit(X, Y),
        GridSearchCV(OwnClassifier(max_iter=500), {"C": [1.0]}, cv=2).fit(X, Y),
    ]
    assert [fingerprint(model) for model in hidden] == [None] * len(hidden)


def test_library_functions_are_identified_and_told_apart():
    marks = [
        fingerprint(make_pipeline(FunctionTransformer(f), LogisticRegression(max_iter=500)).fit(np.abs(X), Y))
        for f in (np.log1p, np.sqrt, None)
    ]
    assert None not in marks
    assert len(set(marks)) == 3


def test_an_object_that_cannot_be_written_is_not_identified():
    import threading

    model = LogisticRegression(max_iter=500).fit(X, Y)
    model.lock_ = threading.Lock()
    assert fingerprint(model) is None

    class Stubborn:
        def __reduce__(self):
            raise ValueError("not me")

    model.lock_ = Stubborn()
    assert fingerprint(model) is None


def test_named_estimators_are_told_apart_by_kind_and_method():
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    tree = DecisionTreeClassifier().fit(X, Y)
    ids = {as_model(m, "v1").identity().id for m in (forest, tree)} | {
        EstimatorModel(tree, "v1", "predict").identity().id
    }
    assert len(ids) == 3


def test_tables_of_real_data():
    cancer = load_breast_cancer(as_frame=True)
    forest = RandomForestClassifier(10, random_state=0).fit(cancer.data, cancer.target)
    np.testing.assert_array_equal(as_model(forest)(cancer.data[:20]), forest.predict_proba(cancer.data[:20]))
    diabetes = load_diabetes(as_frame=True)
    line = LinearRegression().fit(diabetes.data, diabetes.target)
    np.testing.assert_array_equal(as_model(line)(diabetes.data)[:, 0], line.predict(diabetes.data))
    assert isinstance(as_model(line), Model)
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit([["a"], ["b"]], [0, 1])
    assert as_model(encoded)(pd.DataFrame([["a"]]).to_numpy()).shape == (1, 2)
