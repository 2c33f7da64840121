"""What is explained of a classifier by default is the class that its own ``predict`` gives; pairs are no classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from probes import as_model
from surrogates import explain

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(300, 3)), columns=list("abc"))
NOISY = np.where(X["a"] + 1.5 * RNG.normal(size=300) > 0, "ill", "well")


class Cautious(ClassifierMixin, BaseEstimator):
    """Says "ill" from a probability of .2 on, in code of its own."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)

    def predict(self, X):
        return np.where(self.predict_proba(X)[:, 0] > 0.2, "ill", "well")


@pytest.mark.parametrize(
    "model",
    [
        FixedThresholdClassifier(LogisticRegression(), threshold=0.9),
        make_pipeline(StandardScaler(), FixedThresholdClassifier(LogisticRegression(), threshold=0.9)),
        TunedThresholdClassifierCV(LogisticRegression(), scoring=make_scorer(lambda y, said: (said == "ill").mean())),
        Cautious(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_class_that_predict_gives_is_explained(model, few_folds):
    model.fit(X, NOISY)
    other = np.flatnonzero(model.predict(X) != model.classes_[model.predict_proba(X).argmax(axis=1)])
    for i in (other[0], np.setdiff1d(np.arange(300), other)[0]):
        ex = explain(model, X.iloc[i], background=X, store=None)
        assert ex.target.outputs == (str(model.predict(X.iloc[[i]])[0]),)
    (asked,) = explain(model, X.iloc[other[0]], background=X, target="ill", store=None).target.outputs
    assert asked == "ill"


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("classes", [3, 4])
def test_margins_of_pairs_are_named_as_pairs_and_all_explained(classes, bound, few_folds):
    y = np.array(list("pqrs"))[pd.qcut(X["a"], classes, labels=False)]
    svm = SVC(decision_function_shape="ovo").fit(X, y)
    model = svm.decision_function if bound else svm
    ex = explain(model, X.iloc[3], background=X, store=None)
    names = [f"{a} over {b}" for i, a in enumerate("pqrs"[:classes]) for b in "pqrs"[i + 1 : classes]]
    assert list(ex.target.outputs) == names and ex.target.unit == "margin of a pair"
    np.testing.assert_allclose(ex.y[0], svm.decision_function(X.iloc[[3]])[0])
    for name, column in zip(names, svm.decision_function(X).T, strict=True):
        one, other = name.split(" over ")
        alone = np.isin(y, [one, other])
        assert (np.where(column[alone] > 0, one, other) == y[alone]).mean() > 0.9
    usual = as_model(SVC().fit(X, y))
    assert usual.outputs == tuple("pqrs"[:classes]) and usual.unit == "margin"


def test_a_class_that_is_called_like_the_number_of_another_is_explained_itself(few_folds):
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.5).fit(X, np.where(NOISY == "ill", 1, 2))
    for i in (0, 1, 2, 3, 4):
        ex = explain(model, X.iloc[i], background=X, store=None)
        assert ex.target.outputs == (str(model.predict(X.iloc[[i]])[0]),)
