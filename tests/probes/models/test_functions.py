"""Callables as models."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from probes import (
    CallableModel,
    Design,
    InputError,
    MaskProbe,
    ModelError,
    Store,
    as_model,
    ask,
    cube,
)
from probes.parallel.workers import distribute

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


def test_a_callable_that_fails_for_one_input_says_so_of_one():
    with pytest.raises(ModelError, match=r"raised ZeroDivisionError: .* on a batch of 1 input\."):
        as_model(lambda texts: 1 / 0)(["a"])


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


# --- outputs with names


def high(Z):
    return Z @ np.arange(1.0, Z.shape[1] + 1) / 8


def sorted_frame(Z):
    """Two columns; the one with the higher sum over the batch comes first, as a table sorted by score has it."""
    frame = pd.DataFrame({"good": high(Z), "bad": 1 - high(Z)})
    return frame[sorted(frame, key=lambda name: -frame[name].iloc[0])]


def sorted_labels(Z):
    rows = [[{"label": "good", "score": p}, {"label": "bad", "score": 1 - p}] for p in high(Z)]
    return [sorted(row, key=lambda entry: -entry["score"]) for row in rows]


FORMS = {
    "frame": sorted_frame,
    "labels": sorted_labels,
    "mapping": lambda Z: [dict(entry.values() for entry in row) for row in sorted_labels(Z)],
}


@pytest.mark.parametrize("function", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("batch", [1, 3, 256])
def test_outputs_are_taken_by_name_whatever_their_order(function, batch):
    model = CallableModel(function)
    model.batch = batch
    answers = ask(model, MaskProbe(3), Design(cube(3), 0), Store())
    got = dict(zip(answers.outputs, answers.y.T, strict=True))
    np.testing.assert_allclose(got["good"], high(cube(3)), atol=1e-12)
    np.testing.assert_allclose(got["bad"], 1 - high(cube(3)), atol=1e-12)


def test_one_input_at_a_time_may_give_a_row_or_its_labels():
    for function in (
        lambda z: sorted_frame(z[None]),
        lambda z: sorted_labels(z[None]),
        lambda z: sorted_labels(z[None])[0],
        lambda z: {entry["label"]: entry["score"] for entry in sorted_labels(z[None])[0]},
    ):
        model = as_model(function, batched=False)
        values = model(cube(3))
        assert set(model.outputs) == {"good", "bad"}
        np.testing.assert_allclose(values[:, model.outputs.index("good")], high(cube(3)), atol=1e-12)


@pytest.mark.parametrize("function", [sorted_frame, sorted_labels])
def test_stored_answers_keep_their_names_in_another_run(function):
    store, rows = Store(), cube(3)
    for design in (Design(rows[-1:], 0), Design(rows, 0)):  # the second run begins with another order
        answers = ask(as_model(function, "sorted-v1"), MaskProbe(3), design, store)
    got = dict(zip(answers.outputs, answers.y.T, strict=True))
    np.testing.assert_allclose(got["good"], high(rows), atol=1e-12)


def test_stored_answers_keep_their_names_after_an_interruption():
    store, rows = Store(), cube(3)

    def failing(Z):
        if len(Z) > 1:
            raise ValueError
        return sorted_frame(Z)

    with pytest.raises(ModelError):
        ask(as_model(failing, "sorted-v1"), MaskProbe(3), Design(rows[::-1], 1), store)
    answers = ask(as_model(sorted_frame, "sorted-v1"), MaskProbe(3), Design(rows, 1), store)
    assert answers.cost.reused == 4  # those that first contact asked alone
    got = dict(zip(answers.outputs, answers.y.T, strict=True))
    np.testing.assert_allclose(got["good"], high(rows), atol=1e-12)


def test_workers_that_see_other_orders_agree():
    model = CallableModel(sorted_frame)
    model.batch = 1
    with joblib.parallel_config("threading"), distribute(model, n_jobs=2) as workers:
        answers = ask(workers, MaskProbe(3), Design(cube(3), 0), Store())
    got = dict(zip(answers.outputs, answers.y.T, strict=True))
    np.testing.assert_allclose(got["good"], high(cube(3)), atol=1e-12)


@pytest.mark.parametrize("kind", ["frame", "labels"])
def test_an_output_that_is_missing_later_is_named(kind):
    best = (lambda Z: sorted_frame(Z).iloc[:, :1]) if kind == "frame" else lambda Z: [r[:1] for r in sorted_labels(Z)]
    model = CallableModel(best)
    model(cube(3)[:1])
    with pytest.raises(ModelError, match=r"The callable .* gave no 'bad'.*top_k=None"):
        model(cube(3)[-1:])
    with pytest.raises(ModelError, match=r"gave no 'good'"):
        CallableModel(lambda Z: [row[:1] for row in sorted_labels(Z)])(cube(3)[[0, -1]])


def test_an_output_that_was_not_there_before_is_named():
    model = CallableModel(lambda Z: sorted_frame(Z).assign(**({"new": 0.0} if len(Z) > 1 else {})))
    model(cube(3)[:1])
    with pytest.raises(ModelError, match="got 'new', not there before"):
        model(cube(3))


def test_a_label_that_stands_twice_is_refused():
    with pytest.raises(ModelError, match="A label must stand once"):
        CallableModel(lambda Z: [[{"label": "a", "score": 0.1}] * 2] * len(Z))(cube(2))


def test_labels_without_scores_are_refused_still():
    with pytest.raises(ModelError, match="must return numbers"):
        CallableModel(lambda Z: ["good"] * len(Z))(cube(2))
    with pytest.raises(ModelError, match="must return numbers"):
        CallableModel(lambda Z: [{"label": "good"}] * len(Z))(cube(2))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda texts: 3.0, r"got the single number 3\.0\. .*as_model\(f, batched=False\)"),
        (lambda texts: np.mean([len(text) for text in texts]), r"got the single number .*as_model\(f, batched=False\)"),
        (lambda texts: None, "got None"),
        (lambda texts: [1.0, 2.0, 3.0], r"got \(3,\)\. .*as_model\(f, batched=False\)"),
        (lambda texts: np.ones((3, len(texts))), r"got \(3, 2\)\. These are transposed\."),
    ],
)
def test_answers_that_are_not_one_row_an_input_say_what_to_do(answer, words):
    with pytest.raises(ModelError, match=words):
        as_model(answer)(["ab", "c"])


@pytest.mark.parametrize(
    "answer",
    [
        lambda texts: pd.to_timedelta([len(t) for t in texts], unit="s"),
        lambda texts: np.array([len(t) for t in texts], dtype="datetime64[D]"),
        lambda texts: pd.Series(pd.to_datetime([len(t) for t in texts], unit="s")),
    ],
)
def test_times_are_no_numbers(answer):
    with pytest.raises(ModelError, match="must return numbers, one row per input"):
        CallableModel(answer)(["a", "bcd"])


def test_a_single_number_for_a_batch_is_said_to_be_one():
    for answer in (np.array(1.5), np.float64(1.5), 1.5):
        with pytest.raises(ModelError, match=r"one row of numbers per input, shape \(2, k\); got the single number"):
            CallableModel(lambda texts, answer=answer: answer)(["a", "b"])


def test_a_column_that_is_not_there_is_no_matter_of_batches():
    with pytest.raises(ModelError, match=r"KeyError: .*salary.* on a batch of 2 inputs\.$"):
        as_model(lambda rows: rows["salary"])(pd.DataFrame({"income": [1.0, 2.0]}))
