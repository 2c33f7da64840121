"""Answers that are none are refused in words; outputs have names."""

import re

import numpy as np
import pandas as pd
import pytest

from probes import (
    CallableModel,
    Design,
    Identity,
    InputError,
    MaskProbe,
    Model,
    ModelError,
    Store,
    TabularProbe,
    TextProbe,
    as_model,
    ask,
    cube,
)
from probes.digests import digest_rows
from tests.helpers.counting_models import Counting, design, model

# exact: answers are sums of whole numbers, or come from the store bit for bit


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_good_answers_of_a_batch_with_a_bad_one_are_kept(bad):
    store = Store()
    drawn = design(rows=40)
    broken = drawn.Z[20]

    def function(Z):
        y = Z @ np.arange(6.0)
        return np.where((broken == Z).all(axis=1), bad, y)

    with pytest.raises(ModelError, match="finite numbers"):
        ask(model(function, "m"), MaskProbe(6), drawn, store)
    distinct = len({row.tobytes() for row in drawn.Z})
    assert len(store) == distinct - 1
    mended = Counting(lambda Z: Z @ np.arange(6.0))
    answers = ask(model(mended, "m"), MaskProbe(6), drawn, store)
    assert mended.rows == 1
    np.testing.assert_array_equal(mended.batches[0], [broken])
    np.testing.assert_array_equal(answers.y[:, 0], drawn.Z @ np.arange(6.0))


def test_the_bad_input_is_named_text():
    def function(texts):
        return [np.nan if t == "bad at all" else len(t) for t in texts]

    with pytest.raises(ModelError, match="'bad at all'") as caught:
        ask(as_model(function), TextProbe("not bad at all"), Design(cube(4), 0), Store())
    assert "nan" in str(caught.value)


def test_the_bad_input_is_named_row_of_an_array():
    def function(Z):
        return np.where((Z == [1, 0, 1]).all(axis=1), np.nan, 1.0)

    with pytest.raises(ModelError) as caught:
        ask(as_model(function), MaskProbe(3), Design(cube(3), 0), Store())
    assert re.search(r"1(\.0?)?[,\s]+0(\.0?)?[,\s]+1", str(caught.value)), str(caught.value)


def test_the_bad_input_is_named_row_of_a_table():
    background = pd.DataFrame({"age": [20.0, 40.0], "city": ["Bonn", "Rome"]})
    probe = TabularProbe({"age": 30.0, "city": "Oslo"}, background)
    with pytest.raises(ModelError, match="Rome"):
        ask(as_model(lambda X: np.where(X["city"] == "Rome", np.nan, 1.0)), probe, Design(cube(2), 0), Store())


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda Z: Z[:1, 0] if len(Z) > 1 else Z[:, 0], "one row of numbers per input"),
        (lambda Z: 3.0, "one row of numbers per input"),
        (lambda Z: np.ones((len(Z), 2, 2)), "one row of numbers per input"),
        (lambda Z: np.ones((len(Z), 0)), "one row of numbers per input"),
        (lambda Z: None, "must return"),
        (lambda Z: [], "one row of numbers per input"),
        (lambda Z: ["positive"] * len(Z), "labels such as 'positive'"),
        (lambda Z: np.array(["positive"] * len(Z)), "must return numbers"),
        (lambda Z: [{"label": "POSITIVE", "score": 0.9}] * len(Z), "labels such as"),
        (lambda Z: pd.Series(["yes"] * len(Z)), "must return numbers"),
        (lambda Z: [object()] * len(Z), "must return numbers"),
        (lambda Z: [[1.0], [1.0, 2.0]] * len(Z), "must return numbers"),
        (lambda Z: np.array(["0", "1"] * len(Z))[: len(Z)], "must return numbers"),
    ],
)
def test_what_is_not_an_answer_is_refused(function, said):
    store = Store()
    with pytest.raises(ModelError, match=said):
        ask(model(function, "m"), MaskProbe(6), design(), store)


def test_answers_of_changing_width_are_refused():
    with pytest.raises(ModelError, match="as many outputs"):
        ask(model(lambda Z: np.ones((len(Z), 1 + (len(Z) > 1)))), MaskProbe(6), design(), Store())


def test_named_outputs_must_fit():
    named = CallableModel(lambda Z: Z[:, :2], outputs=("a", "b", "c"))
    with pytest.raises(ModelError, match="names 3 outputs but returned 2"):
        ask(named, MaskProbe(6), design(), Store())


def test_torch_outputs_are_numbers():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(6, 2)
    drawn = design()
    answers = ask(as_model(lambda Z: layer(torch.tensor(Z, dtype=torch.float32))), MaskProbe(6), drawn, Store())
    expected = drawn.Z @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(answers.y, expected, atol=1e-5)


class Failing(Model):
    """A model of the user's own that fails in its own way."""

    def identity(self):
        return Identity("failing", True)

    def __call__(self, inputs):
        raise KeyError("weights")


def test_any_models_failure_is_a_model_error():
    with pytest.raises(ModelError, match="KeyError"):
        ask(Failing(), MaskProbe(6), design(), Store())


def test_inputs_without_canonical_form_are_refused():
    for item in (object(), {1, 2}, b"bytes", [b"bytes"]):
        with pytest.raises(InputError, match="input must be text, a chat, numbers, an image, a series or a data frame"):
            digest_rows([item])


def test_a_frames_columns_name_the_outputs():
    answers = ask(as_model(lambda Z: pd.DataFrame({"low": Z[:, 0], "high": Z[:, 1]})), MaskProbe(6), design(), Store())
    assert answers.outputs == ("low", "high")


def test_output_names_survive_when_all_answers_were_known():
    """A resumed run, where the model is not called at all, names its outputs as the first one did."""
    store = Store()

    def function(Z):
        return pd.DataFrame({"low": Z[:, 0], "high": Z[:, 1]})

    first = ask(as_model(function, "scores"), MaskProbe(6), design(), store)
    again = ask(as_model(function, "scores"), MaskProbe(6), design(), store)
    assert again.cost.rows == 0
    assert again.outputs == first.outputs == ("low", "high")
    np.testing.assert_array_equal((again - first).y, np.zeros_like(first.y))


def test_outputs_without_names():
    assert ask(as_model(lambda Z: Z[:, 0]), MaskProbe(6), design(), Store()).outputs == ("output",)
    assert ask(as_model(lambda Z: Z[:, :2]), MaskProbe(6), design(), Store()).outputs == ("output 0", "output 1")
