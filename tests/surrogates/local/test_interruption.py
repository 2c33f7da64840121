"""Ctrl-C returns the explanation so far and keeps every answer."""

import numpy as np
import pandas as pd
import pytest

from probes import CallableModel, MaskProbe, Model, Store, TabularProbe, as_model
from probes.model import Identity
from surrogates import CubeProxy, Explanation, InteractionSurrogate, explain


def leading(Z):
    return 3 * Z[:, 0] - 2 * Z[:, 1] + Z[:, 2] + 0.3 * Z[:, 3] * Z[:, 4]


class Impatient(Model):
    """A user who presses Ctrl-C once `patience` rows have been answered."""

    unit = "output"
    outputs = ("y",)
    batch = 16
    compared = False  # first contact would ask four of its rows twice

    def __init__(self, patience):
        self.patience, self.asked = patience, []

    def identity(self):
        return Identity("impatient", True)

    def __call__(self, Z):
        if len(self.asked) >= self.patience:
            raise KeyboardInterrupt
        self.asked.extend(map(bytes, Z))
        return leading(Z)


def test_ctrl_c_returns_the_explanation_so_far_and_keeps_every_answer():
    store, model = Store(), Impatient(150)
    ex = explain(model, MaskProbe(14), budget=256, store=store)
    assert len(ex.answers.design) == len(model.asked) == 160 and ex.answers.design.block == 0
    assert ex.fidelity.r2[0] > 0.9
    assert ex.provenance["stopped"] == "interrupted"
    assert any("rests on 160 of 256 questions" in note for note in ex.warnings)
    assert len(store) - 1 >= len(model.asked) >= 150  # the names of the outputs are kept too
    paid = set(model.asked)
    model.patience = np.inf
    complete = explain(model, MaskProbe(14), budget=256, store=store)
    assert len(model.asked) == len(set(model.asked)) == 256
    assert complete.answers.cost.reused == len(paid)


class Wordy(Impatient):
    size_unit = "tokens"

    def sizes(self, Z):
        return (10 + Z.sum(axis=1)).astype(int)


@pytest.mark.parametrize("design", ["uniform", "fold-over"])
@pytest.mark.parametrize("named", [True, False])
def test_ctrl_c_in_any_batch_of_a_plain_function_is_no_error(named, design, pressed):
    explained = 0
    for patience in range(1, 100, 5):
        impatient, asked = pressed(lambda Z: Z[:, 0] + Z[:, 1] * Z[:, 2], patience)
        model = CallableModel(impatient, "impatient") if named else impatient
        try:
            ex = explain(model, MaskProbe(8), budget=100, design=design, store=None)
        except KeyboardInterrupt:
            continue
        explained += 1
        assert len(ex.answers.y) == len(ex.answers.design) <= len(asked)
    assert explained > 5


def test_ctrl_c_uses_answers_in_an_order_of_their_own_to_fit_and_not_to_judge():
    model, probe = Wordy(150), MaskProbe(14)
    model.batch = 200
    ex = explain(model, probe, InteractionSurrogate(proxy=CubeProxy(4.0)), budget=256, store=None)
    design, full = ex.answers.design, explain(Impatient(np.inf), probe, budget=256, store=None).answers.design
    late = len(model.asked) - 144
    assert len(design) == len(model.asked) and design.block == late >= 6
    assert ex.fidelity.rows == 144 - full.fixed and any(f" {late} of them came in an order" in n for n in ex.warnings)
    np.testing.assert_array_equal(design.judged, full.Z[full.fixed : 144])  # exact: rows of one design
    assert {bytes(row) for row in design.Z} == set(model.asked)  # all that was answered, longest of the rest first
    assert design.sampled[:late].sum(axis=1).min() >= np.median(full.Z[144:216].sum(axis=1))
    np.testing.assert_allclose(ex.y[:, 0], leading(design.Z))
    again = Explanation.from_json(ex.to_json())
    assert again.answers.design.digest == design.digest and ex.indices()["se"].notna().all()


def test_ctrl_c_in_the_first_questions_is_enough_if_they_came_as_drawn():
    ex = explain(Impatient(40), MaskProbe(14), budget=256, store=None)
    assert len(ex.answers.design) == 49 and ex.fidelity.rows == 49 - ex.answers.design.fixed
    with pytest.raises(KeyboardInterrupt):
        explain(Wordy(40), MaskProbe(14), budget=256, store=None)


def test_ctrl_c_within_a_balanced_block_is_ctrl_c_and_after_it_is_not():
    with pytest.raises(KeyboardInterrupt):
        explain(Impatient(30), MaskProbe(14), budget=256, design="fold-over", store=None)
    ex = explain(Impatient(70), MaskProbe(14), budget=256, design="fold-over", store=None)
    assert ex.answers.design.block == 32 and len(ex.answers.design) >= 70


def test_ctrl_c_counts_a_row_of_several_inputs_once_all_are_answered():
    X = pd.DataFrame(np.random.default_rng(0).standard_normal((30, 9)), columns=list("abcdefghi"))

    def slow(frame):
        asked.append(len(frame))
        if sum(asked) > 900:
            raise KeyboardInterrupt
        return frame["a"] - frame["b"]

    asked: list[int] = []
    model = as_model(slow, name="slow")
    model.batch = 37
    ex = explain(model, TabularProbe(X.iloc[0], X), budget=2000, store=None)
    full = explain(lambda frame: frame["a"], TabularProbe(X.iloc[0], X), budget=2000, store=None).answers.design
    rows = len(ex.answers.design)
    assert sum(asked[:-1]) // 10 <= rows <= sum(asked[:-1]) // 10 + 2  # the instance is one input, ten times over
    np.testing.assert_array_equal(ex.answers.design.Z, full.Z[:rows])  # exact: rows of one design
    assert ex.answers.design.block == 0 and ex.fidelity.r2[0] > 0.9


def test_ctrl_c_before_there_is_anything_to_explain_is_ctrl_c():
    with pytest.raises(KeyboardInterrupt):
        explain(Impatient(10), MaskProbe(14), budget=256, store=None)


def test_ctrl_c_while_the_instance_is_asked_again_loses_nothing():
    calls = []

    def slow(Z):
        calls.append(len(Z))
        if sum(calls) > 60 and len(Z) == 1:  # all questions are answered
            raise KeyboardInterrupt
        return leading(Z)

    ex = explain(slow, MaskProbe(14), budget=60, store=None)
    assert len(ex.answers.design) == 59 and ex.provenance["stopped"] == "interrupted"
