"""ask(): every distinct question once, in batches, checked, counted and kept."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import (
    Answers,
    CallableModel,
    ContextProbe,
    Cost,
    Design,
    Generator,
    Identity,
    InputError,
    IomapError,
    MaskProbe,
    Model,
    ModelError,
    Store,
    StoreError,
    TabularProbe,
    TextProbe,
    as_model,
    ask,
    complete,
    cube,
    sample,
)
from probes.digests import digest_rows
from probes.inputs.locality import LocalGaussian


class Counting:
    """A function of rows of numbers that keeps a list of everything it was asked."""

    def __init__(self, function=None, limit=None):
        self.function = function or (lambda Z: np.column_stack([Z @ np.arange(Z.shape[1]), Z[:, 0] - Z[:, -1]]))
        self.limit = limit
        self.batches = []

    def __call__(self, Z):
        if self.limit is not None and len(Z) > self.limit:
            raise MemoryError(f"{len(Z)} rows are too many")
        self.batches.append(np.array(Z))
        return self.function(Z)

    @property
    def rows(self):
        return sum(map(len, self.batches))


def model(function, name=None, batch=256):
    made = CallableModel(function, name)
    made.batch = batch
    return made


def design(d=6, rows=40, seed=0):
    return sample(MaskProbe(d).features, rows, np.random.default_rng(seed))


def truth(Z):
    return np.column_stack([Z @ np.arange(Z.shape[1]), Z[:, 0] - Z[:, -1]])


# --- duplicates, cost


def test_duplicates_are_asked_once():
    Z = np.repeat(cube(3), 4, axis=0)
    function = Counting()
    answers = ask(model(function), MaskProbe(3), Design(Z, 2), Store())
    assert function.rows == 8
    assert len({row.tobytes() for batch in function.batches for row in batch}) == 8
    np.testing.assert_array_equal(answers.y, truth(Z))
    assert answers.cost.rows == 8
    assert answers.cost.calls == len(function.batches)


def test_texts_that_render_alike_are_asked_once():
    asked = []

    def count(texts):
        asked.extend(texts)
        return [len(t) for t in texts]

    probe = TextProbe("no no no no no")
    answers = ask(as_model(count), probe, Design(cube(5), 0), Store())
    assert len(asked) == len(set(asked)) == 6
    np.testing.assert_array_equal(answers.y[:, 0], [len(t) for t in probe.render(cube(5))])


def test_the_instance_is_asked_alone_and_first():
    function = Counting()
    ask(model(function), MaskProbe(6), design(), Store())
    np.testing.assert_array_equal(function.batches[0], np.ones((1, 6)))


def test_a_model_that_cannot_answer_costs_one_call():
    function = Counting(lambda Z: np.full(len(Z), np.nan))
    with pytest.raises(ModelError):
        ask(model(function), MaskProbe(6), design(), Store())
    assert function.rows == 1


def test_replicates_are_averaged():
    background = pd.DataFrame({"a": [1.0, 2.0, 6.0], "b": [10.0, 20.0, 60.0]})
    probe = TabularProbe({"a": 0.0, "b": 0.0}, background)
    answers = ask(
        as_model(lambda X: X["a"] + X["b"]), probe, Design(np.array([[1, 1], [0, 1], [1, 0], [0, 0]]), 2), Store()
    )
    np.testing.assert_allclose(answers.y[:, 0], [0, 3, 30, 33])
    assert answers.cost.rows == 1 + 3 + 3 + 3


def test_real_features_are_asked_too():
    background = pd.DataFrame({"a": [1.0, 2.0, 6.0], "c": ["x", "y", "z"]})
    probe = TabularProbe({"a": 3.0, "c": "x"}, background, law=LocalGaussian(0.5))
    drawn = sample(probe.features, 30, np.random.default_rng(0))
    answers = ask(as_model(lambda X: X["a"].to_numpy() * 2), probe, drawn, Store())
    np.testing.assert_allclose(answers.y[:, 0], 2 * drawn.Z[:, 0])


def test_asking_again_costs_nothing():
    function, store = Counting(), Store()
    first = ask(model(function, "m"), MaskProbe(6), design(), store)
    asked = function.rows
    second = ask(model(function, "m"), MaskProbe(6), design(), store)
    assert function.rows == asked
    np.testing.assert_array_equal(first.y, second.y)
    assert second.cost == Cost(calls=0, rows=0, reused=asked, tokens=0, seconds=0.0)


def test_only_new_questions_are_asked():
    function, store = Counting(), Store()
    small, large = design(rows=30), design(rows=60, seed=1)
    ask(model(function, "m"), MaskProbe(6), small, store)
    before = function.rows
    answers = ask(model(function, "m"), MaskProbe(6), large, store)
    old = {row.tobytes() for row in small.Z}
    new = {row.tobytes() for row in large.Z} - old
    assert function.rows - before == len(new) == answers.cost.rows
    assert answers.cost.reused == len({row.tobytes() for row in large.Z} & old)
    np.testing.assert_array_equal(answers.y, truth(large.Z))


def test_an_unnamed_callable_is_not_remembered_in_the_store():
    function, store = Counting(), Store()
    unnamed = model(function)
    ask(unnamed, MaskProbe(6), design(), store)
    assert len(store) == 0
    before = function.rows
    ask(unnamed, MaskProbe(6), design(), store)
    assert function.rows == 2 * before


def test_two_names_never_share_answers():
    store = Store()
    one = ask(model(lambda Z: Z[:, 0], "one"), MaskProbe(6), design(), store)
    two = ask(model(lambda Z: 5 - Z[:, 0], "two"), MaskProbe(6), design(), store)
    np.testing.assert_array_equal(one.y + two.y, np.full_like(one.y, 5))


# --- batches and progress never change answers


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


# --- out of memory


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


# --- answers that are none


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
    for item in (object(), {1, 2}, b"bytes", [np.ones(2)]):
        with pytest.raises(InputError, match="input must be text, a chat, numbers or a data frame row"):
            digest_rows([item])


# --- names of outputs


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


# --- differences


def test_answers_are_subtracted():
    one = ask(model(lambda Z: Z[:, 0], "one"), MaskProbe(6), design(), Store())
    two = ask(model(lambda Z: Z[:, 0] + 2 * Z[:, 1], "two"), MaskProbe(6), design(), Store())
    change = two - one
    np.testing.assert_array_equal(change.y[:, 0], 2 * design().Z[:, 1])
    assert change.unit == one.unit
    assert change.model == f"{two.model} minus {one.model}"
    assert change.cost.rows == one.cost.rows + two.cost.rows


def test_only_answers_to_the_same_questions_in_the_same_unit_are_subtracted():
    base = ask(model(lambda Z: Z[:, 0], "m"), MaskProbe(6), design(), Store())
    other_design = ask(model(lambda Z: Z[:, 0], "m"), MaskProbe(6), design(seed=1), Store())
    other_probe = ask(model(lambda Z: Z[:, 0], "m"), MaskProbe(list("abcdef")), design(), Store())
    other_unit = ask(CallableModel(lambda Z: Z[:, 0], "m", unit="nats"), MaskProbe(6), design(), Store())
    other_output = ask(CallableModel(lambda Z: Z[:, 0], "m", outputs=("p",)), MaskProbe(6), design(), Store())
    for other, word in [
        (other_design, "design"),
        (other_probe, "probe"),
        (other_unit, "unit"),
        (other_output, "outputs"),
    ]:
        for a, b in ((base, other), (other, base)):
            with pytest.raises(InputError, match=f"answers must .*{word}.*to be subtracted"):
                a - b
    assert isinstance(base - replace(base), Answers)


@pytest.mark.parametrize("other", [3.0, None, np.ones(3)])
def test_only_answers_can_be_subtracted_from_answers(other):
    base = ask(model(lambda Z: Z[:, 0]), MaskProbe(6), design(), Store())
    with pytest.raises((TypeError, InputError)):
        base - other


def test_costs_add_up():
    total = Cost(1, 2, 3, 4, 0.5) + Cost(10, 20, 30, 40, 0.25)
    assert total == Cost(11, 22, 33, 44, 0.75)


# --- digests of inputs


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(max_size=8), max_size=12))
def test_texts_have_one_digest_each(texts):
    digests = digest_rows(texts)
    assert len(set(digests)) == len(set(texts))
    assert [digests[texts.index(t)] for t in texts] == digests


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.text(max_size=4), st.text(max_size=4), st.integers(-9, 9), st.one_of(st.none(), st.text(max_size=3))
        ),
        min_size=1,
        max_size=8,
    )
)
def test_rows_of_a_table_have_one_digest_each(rows):
    frame = pd.DataFrame(rows, columns=list("abcd")).astype({"a": object, "b": object, "d": object})
    assert len(set(digest_rows(frame))) == len(set(rows))


def test_nothing_has_no_digests():
    empty = (pd.DataFrame({"a": np.empty(0), "b": np.empty(0)}), pd.DataFrame(), np.empty((0, 2)), [])
    assert [digest_rows(inputs) for inputs in empty] == [[]] * 4


def test_digests_tell_types_columns_and_kinds_apart():
    variants = [
        digest_rows(pd.DataFrame({"a": [1]})),
        digest_rows(pd.DataFrame({"a": [1.0]})),
        digest_rows(pd.DataFrame({"b": [1]})),
        digest_rows(pd.DataFrame({"a": ["1"]})),
        digest_rows(pd.DataFrame({"a": pd.array([1], dtype="Int64")})),
        digest_rows(pd.DataFrame({"a": pd.Series([None], dtype=object)})),
        digest_rows(pd.DataFrame({"a": ["None"]})),
        digest_rows(np.array([[1.0]])),
        digest_rows(np.array([[1]])),
        digest_rows(["1"]),
        digest_rows(['["1"]']),
        digest_rows([["1"]]),
        digest_rows([[("user", "1")]]),
        digest_rows([[("system", "1")]]),
    ]
    assert len({digests[0] for digests in variants}) == len(variants)


def test_digests_of_long_objects_are_complete():
    long, other = list(range(5000)), [*range(2500), -1, *range(2501, 5000)]
    frame = pd.DataFrame({"a": pd.Series([np.array(long), np.array(other)], dtype=object)})
    assert len(set(digest_rows(frame))) == 2


# --- generated answers


class Parrot(Generator):
    """Repeats the question; a text model without weights."""

    def __init__(self, reply=None, persistent=True):
        self.reply, self.persistent, self.calls = reply, persistent, 0

    def identity(self):
        return Identity("parrot", self.persistent)

    def generate(self, prompt, max_new_tokens):
        self.calls += 1
        return self.reply if self.reply is not None else prompt[-1][1][:max_new_tokens]

    def scoring(self, answer, prompt):
        return CallableModel(lambda chats: [chat[-1][1].count(answer) for chat in chats], unit="nats")


PROMPT = ContextProbe("It rained. It opened in 1969.", "When?").render(np.ones((1, 2)))[0]


def test_a_generated_answer_is_kept():
    store, parrot = Store(), Parrot()
    text, cost = complete(parrot, PROMPT, 12, store)
    assert (text, cost.rows) == (PROMPT[-1][1][:12], 1)
    again, cost = complete(parrot, PROMPT, 12, store)
    assert (again, cost) == (text, Cost(reused=1))
    complete(parrot, PROMPT, 13, store)
    complete(parrot, (("system", "s"), *PROMPT), 12, store)
    assert parrot.calls == 3


def test_an_unidentified_generator_is_not_remembered():
    store, parrot = Store(), Parrot(persistent=False)
    complete(parrot, PROMPT, 12, store)
    complete(parrot, PROMPT, 12, store)
    assert parrot.calls == 2
    assert len(store) == 0


@pytest.mark.parametrize("reply", ["", " \n"])
def test_an_empty_generated_answer_is_an_error_and_not_kept(reply):
    store = Store()
    with pytest.raises(ModelError, match="answer="):
        complete(Parrot(reply), PROMPT, 12, store)
    assert len(store) == 0


# --- errors


def test_errors_have_one_base_class_and_useful_bases():
    for kind in (InputError, ModelError, StoreError):
        assert issubclass(kind, IomapError)
    assert issubclass(InputError, ValueError)
    assert str(InputError("a", "be b", "c")) == "a must be b; got 'c'."
