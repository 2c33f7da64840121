"""Fingerprints of estimators: fitted state, parameters and code."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from probes import (
    Design,
    EstimatorModel,
    MaskProbe,
    Store,
    as_model,
    ask,
    cube,
    sample,
)
from probes.models.estimator import fingerprint
from tests.helpers.checkout import environment

X, Y = load_iris(return_X_y=True)


def double(values):
    """A function of the user's own."""
    return values * 2


class OwnClassifier(LogisticRegression):
    """A class of the user's own."""

    def predict_proba(self, X):
        return 1 - super().predict_proba(X)


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


def test_fingerprints_are_equal_across_processes(capsys):
    """With another hash seed than this one's, so that nothing depends on the order of a set."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    env = environment(PYTHONHASHSEED=seed)
    done = subprocess.run([sys.executable, "-c", FIT], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    exec(FIT, {})
    assert capsys.readouterr().out == done.stdout
    assert len(done.stdout.split()) == 3


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
