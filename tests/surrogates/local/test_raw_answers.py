"""Answers stay as the model gave them, whatever number is explained."""

from __future__ import annotations

import numpy as np
import pytest

from probes import CallableModel, InputError, MaskProbe, ModelError, Target
from surrogates import Explanation, check, explain
from surrogates.many.explain_many import explain_many

MODEL = CallableModel(lambda Z: np.column_stack([2 * Z[:, 0], Z[:, 1], Z[:, 2] - Z[:, 0]]), "three numbers")


def spread(raw):
    return raw[:, 0] - raw[:, 1]


def both(raw):
    return raw[:, :2] * 2


def test_a_function_as_target_leaves_the_raw_answers_alone():
    plain = explain(MODEL, MaskProbe(6), target="all", store=None)
    ex = explain(MODEL, MaskProbe(6), target=spread, store=None)
    np.testing.assert_array_equal(ex.answers.y, plain.answers.y)  # exact: the same questions get the same answers
    assert (ex.answers.outputs, ex.answers.unit) == (plain.answers.outputs, plain.answers.unit)
    assert (ex.target.kind, ex.target.outputs, ex.target.unit) == ("function", ("spread",), "target")
    np.testing.assert_allclose(ex.y, (plain.answers.y[:, 0] - plain.answers.y[:, 1])[:, None])
    assert explain(MODEL, MaskProbe(6), target=both, store=None).target.outputs == ("both 0", "both 1")


def test_the_numbers_explained_come_back_from_a_file():
    ex = explain(MODEL, MaskProbe(6), target=both, store=None)
    back = Explanation.from_json(ex.to_json())
    np.testing.assert_allclose(back.y, ex.y)
    assert (back.target.outputs, back.target.unit) == (ex.target.outputs, "target")
    assert back.fidelity.r2 == ex.fidelity.r2
    for made in (ex, back):
        checked = check(made, MODEL, MaskProbe(6), "permuted", target=both, store=None)
        assert checked.checks[0].passed
        with pytest.raises(InputError, match="the function that the explanation was made with"):
            check(made, MODEL, MaskProbe(6), "permuted", store=None)


def test_an_unnamed_model_is_known_by_its_answer_though_a_function_is_explained():
    ex = explain(lambda Z: 2 * Z, MaskProbe(6), target=spread, store=None)
    for made in (ex, Explanation.from_json(ex.to_json())):
        assert check(made, lambda Z: 2 * Z, MaskProbe(6), "permuted", target=spread, store=None).checks
        with pytest.raises(InputError, match="model must be the one"):
            check(made, lambda Z: 3 * Z * np.arange(6), MaskProbe(6), "permuted", target=spread, store=None)


def test_a_function_must_return_as_many_numbers_every_time():
    target = Target.of_function(both, np.ones((3, 2)))
    np.testing.assert_array_equal(target(np.ones((2, 2))), 2 * np.ones((2, 2)))  # exact: twice one
    with pytest.raises(ModelError, match="as many numbers every time; got 1, and 2 before"):
        target(np.ones((2, 1)))


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        (("function", (), ("x",), "target"), "function"),
        (("identity", (0,), ("x",), "u", spread), "function"),
        (("function", (0,), ("x",), "target", spread), "columns"),
        (("function", (), ("x",), "euros", spread), "unit"),
    ],
)
def test_targets_that_contradict_themselves_are_refused(arguments, parameter):
    with pytest.raises(InputError) as caught:
        Target(*arguments)
    assert caught.value.parameter == parameter


def test_a_target_of_a_function_is_a_value():
    made = Target("function", (), ("difference",), "target", spread)
    ex = explain(MODEL, MaskProbe(6), target=made, store=None)
    assert ex.target.outputs == ("difference",) and len({made, ex.target}) == 1
    assert "spread" not in repr(made)


def test_functions_are_no_key_of_a_file_that_is_taken_up_again(tmp_path):
    made = Target("function", (), ("difference",), "target", spread)
    for _ in range(2):
        result = explain_many(
            MODEL, [MaskProbe(6)], target=made, store=None, output=tmp_path / "x.jsonl", progress=False
        )
        assert not result.entries[0].earlier
