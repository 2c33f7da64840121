"""Above: the labels that the instance has are explained, each as an output of its own."""

import numpy as np
import pytest
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from probes import Above, InputError, MaskProbe
from probes.models.functions import CallableModel
from surrogates import explain

X, Y = make_multilabel_classification(120, 5, n_classes=4, random_state=1)


def labels(unit):
    """Four labels of which the first and the third are above one half for the instance."""
    logits = np.array([2.0, -1.0, 1.0, -3.0])
    made = lambda Z: Z[:, :1] * logits + 0.1 * Z[:, 1:2]  # noqa: E731
    shown = {"log-odds": made, "probability": lambda Z: 1 / (1 + np.exp(-made(Z)))}[unit]
    return CallableModel(shown, "labels", unit=unit, outputs=("a", "b", "c", "d"))


@pytest.mark.parametrize("unit", ["log-odds", "probability"])
def test_the_labels_of_the_instance_are_the_outputs(unit):
    ex = explain(labels(unit), MaskProbe(3), target=Above(0.5), store=None)
    assert ex.target.outputs == ("a", "c")
    np.testing.assert_allclose(ex.y[0], np.asarray(labels(unit)(np.ones((1, 3))))[0, [0, 2]])


def test_classes_of_which_one_holds_are_compared_as_shares():
    assert Above(0.3).labels(("x", "y", "z"), "logit", np.log([0.5, 0.4, 0.1])) == [0, 1]


@pytest.mark.parametrize(
    "estimator",
    [RandomForestClassifier(20, random_state=0), OneVsRestClassifier(LogisticRegression())],
    ids=["a column for each value", "a column for each label"],
)
def test_labels_of_scikit_learn_are_those_that_predict_gives(estimator):
    fitted = estimator.fit(X, Y)
    row = int(np.argmax(fitted.predict(X).sum(axis=1)))
    ex = explain(fitted, X[row], background=X, target=Above(0.5), store=None)
    given = np.flatnonzero(fitted.predict(X[[row]])[0])
    assert [name.removeprefix("target ").removesuffix(" = 1") for name in ex.target.outputs] == list(map(str, given))


def test_a_threshold_that_none_reaches_names_the_likeliest_and_asks_little():
    asked = []

    def model(Z):
        asked.extend(Z)
        return Z[:, :2] * [0.2, 0.4]

    with pytest.raises(InputError, match=r"of the instance b has 0\.4"):
        explain(
            CallableModel(model, unit="probability", outputs=("a", "b")), MaskProbe(6), target=Above(0.5), store=None
        )
    assert len(asked) < 16


def test_numbers_that_are_no_probabilities_are_refused():
    with pytest.raises(InputError, match="be outputs by name: these are no probabilities"):
        explain(lambda Z: Z[:, :2], MaskProbe(3), target=Above(), store=None)


@pytest.mark.parametrize("threshold", [-0.1, 1.5, "half", True])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(InputError, match=r"^threshold must"):
        Above(threshold)
