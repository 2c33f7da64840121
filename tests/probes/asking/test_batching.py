"""Batches and progress never change answers, and memory that runs out halves them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import (
    Design,
    Identity,
    MaskProbe,
    Model,
    ModelError,
    Store,
    TextProbe,
    ask,
    cube,
)
from tests.helpers.counting_models import Counting, design, model, truth

# exact: answers are sums of whole numbers, or come from the store bit for bit


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 70), seed=st.integers(0, 5), progress=st.sampled_from([None, False]))
def test_batch_size_never_changes_answers(batch, seed, progress):
    function = Counting()
    drawn = design(rows=40, seed=seed)
    answers = ask(model(function, batch=batch), MaskProbe(6), drawn, Store(), progress)
    np.testing.assert_array_equal(answers.y, truth(drawn.Z))
    assert max(map(len, function.batches)) <= batch
    assert function.rows == len({row.tobytes() for row in drawn.Z})


def test_progress_never_changes_answers(capsys):
    results = {}
    for progress in (None, False, True):
        function = Counting()
        results[progress] = ask(model(function, "m", batch=7), MaskProbe(6), design(), Store(), progress)
        asked = [batch.tolist() for batch in function.batches]
        results[progress] = (results[progress].y.tolist(), results[progress].design.digest, asked)
        shown = capsys.readouterr()
        assert shown.out == ""
        assert ("asking" in shown.err) == (progress is True)
    assert results[None] == results[False] == results[True]


class Lengths(Model):
    """Inputs have sizes: texts, asked in batches of so many letters."""

    size_unit = "tokens"
    compared = False

    def __init__(self, batch):
        self.batch = batch
        self.asked = []

    def identity(self):
        return Identity("lengths", True)

    def sizes(self, inputs):
        return np.array([max(1, len(t)) for t in inputs])

    def __call__(self, inputs):
        self.asked.append(list(inputs))
        return np.array([[len(t), t.count("a")] for t in inputs])


@pytest.mark.parametrize("batch", [1, 25, 60, 10_000])
def test_batches_hold_as_much_as_they_may(batch):
    probe = TextProbe("a bb ccc dddd eeeee ffffff")
    lengths = Lengths(batch)
    answers = ask(lengths, probe, Design(cube(6), 0), Store())
    texts = probe.render(cube(6))
    np.testing.assert_array_equal(answers.y, [[len(t), t.count("a")] for t in texts])
    for part in lengths.asked:
        assert len(part) == 1 or max(map(len, part)) * len(part) <= batch
    assert answers.cost.tokens == sum(max(1, len(t)) for t in set(texts))
    assert answers.cost.calls == len(lengths.asked)


@pytest.mark.parametrize(("batch", "calls"), [(float("inf"), 2), (5.0, 9), (0, 39)])
def test_any_number_is_a_limit_of_a_batch(batch, calls):
    function = Counting()
    answers = ask(model(function, batch=batch), MaskProbe(6), design(), Store())
    assert (answers.cost.calls, answers.cost.rows) == (calls, 39)


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_batches_are_halved_when_memory_runs_out(limit):
    function = Counting(limit=limit)
    drawn = design(rows=40)
    answers = ask(model(function), MaskProbe(6), drawn, Store())
    np.testing.assert_array_equal(answers.y, truth(drawn.Z))
    assert max(map(len, function.batches)) <= limit
    assert function.rows == len({row.tobytes() for row in drawn.Z}) == answers.cost.rows


def test_one_input_that_does_not_fit_is_an_error():
    with pytest.raises(ModelError, match="MemoryError"):
        ask(model(Counting(limit=0)), MaskProbe(6), design(), Store())


def test_torchs_own_out_of_memory_counts():
    torch = pytest.importorskip("torch")
    asked = []

    def function(Z):
        if len(Z) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        asked.append(len(Z))
        return Z[:, 0]

    ask(model(function), MaskProbe(6), design(rows=30), Store())
    assert max(asked) <= 4


@pytest.mark.parametrize(
    "words",
    ["MPS backend out of memory (MPS allocated: 2 GB)", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED when"],
)
def test_engines_that_say_in_words_that_memory_is_full_count(words):
    asked = []

    def function(Z):
        if len(Z) > 4:
            raise RuntimeError(words)
        asked.append(len(Z))
        return Z[:, 0]

    ask(model(function), MaskProbe(6), design(rows=30), Store())
    assert max(asked) <= 4


def test_other_errors_are_not_retried():
    calls = []

    def function(Z):
        calls.append(len(Z))
        if len(Z) > 1:
            raise RuntimeError("no")
        return Z[:, 0]

    with pytest.raises(ModelError, match="RuntimeError"):
        ask(model(function), MaskProbe(6), design(), Store())
    assert len(calls) == 2
