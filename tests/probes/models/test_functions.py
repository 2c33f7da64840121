"""Callables as models."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from probes import (
    CallableModel,
    InputError,
    ModelError,
    as_model,
    cube,
)

# exact: lengths of texts and whole numbers


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
