"""ask(): every distinct question once, counted and kept."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probes import (
    Answers,
    CallableModel,
    Cost,
    Design,
    InputError,
    MaskProbe,
    ModelError,
    Store,
    TabularProbe,
    TextProbe,
    as_model,
    ask,
    cube,
    sample,
)
from probes.asking.ask_batch import Run, keys_of
from probes.inputs.locality import LocalGaussian
from tests.helpers.counting_models import Counting, design, model, truth

# exact: answers are sums of whole numbers, or come from the store bit for bit


def test_answers_of_two_models_that_only_this_run_knows_are_kept_apart():
    first, second = as_model(lambda Z: Z[:, 0]), as_model(lambda Z: Z[:, 1])
    keys = [keys_of(asked.identity(), asked, cube(3)) for asked in (first, second)]
    assert not any(asked.identity().persistent for asked in (first, second))
    assert len(set(keys[0] + keys[1])) == 2 * len(cube(3))


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
    answers = ask(as_model(count), probe, Design(cube(5), 0), Store(), run=Run(met=True))
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
