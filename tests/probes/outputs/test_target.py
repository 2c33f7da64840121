"""Targets: raw outputs → the number explained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from probes import InputError, ModelError, Target
from probes.outputs.target import custom, resolve

CLASSES = ("cat", "dog", "emu")
INSTANCE = np.array([0.1, 2.0, -1.0])


@settings(max_examples=80, deadline=None)
@given(
    raw=st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=5), column=st.integers(0, 2)
)
def test_log_odds_are_those_of_the_softmax(raw, column):
    raw = np.array(raw)
    got = Target("log_odds", (column,), ("c",), "log-odds")(raw)[:, 0]
    rest = np.delete(raw, column, axis=1)
    expected = raw[:, column] - np.log(np.exp(rest - 30).sum(axis=1)) - 30
    np.testing.assert_allclose(got, expected, atol=1e-9)
    p = softmax(raw, axis=1)[:, column]
    inside = (p > 1e-6) & (p < 1 - 1e-6)
    np.testing.assert_allclose(got[inside], np.log(p[inside] / (1 - p[inside])), atol=1e-6)


def test_log_odds_are_finite_where_probabilities_are_not():
    got = Target("log_odds", (0, 1), ("a", "b"), "log-odds")(np.array([[800.0, -800.0], [-800.0, 800.0]]))
    np.testing.assert_allclose(got, [[1600, -1600], [-1600, 1600]])


def test_identity_and_mean():
    raw = np.array([[1.0, 2.0, 6.0], [0.0, 4.0, 5.0]])
    np.testing.assert_allclose(Target("identity", (2, 0), ("c", "a"), "x")(raw), [[6, 1], [5, 0]])
    np.testing.assert_allclose(Target("mean", (0, 1, 2), ("m",), "nats")(raw), [[3], [3]])
    np.testing.assert_allclose(Target("mean", (0, 1), ("m",), "nats")(raw), [[1.5], [2]])


def test_default_is_the_class_the_instance_gets():
    for unit, shown, kind in [("logit", "log-odds", "log_odds"), ("probability", "probability", "identity")]:
        target = resolve(None, CLASSES, unit, INSTANCE)
        assert (target.kind, target.columns, target.outputs, target.unit) == (kind, (1,), ("dog",), shown)


def test_default_of_a_language_model_is_the_mean_token():
    target = resolve(None, (" 19", "69"), "nats", np.array([-1.0, -2.0]))
    assert (target.kind, target.columns, target.unit) == ("mean", (0, 1), "nats")
    assert len(target.outputs) == 1


def test_default_of_anything_else_is_every_output():
    target = resolve(None, ("a", "b"), "output", np.zeros(2))
    assert (target.kind, target.columns, target.outputs) == ("identity", (0, 1), ("a", "b"))
    assert resolve(None, ("1",), "logit", np.zeros(1)).kind == "identity"


@pytest.mark.parametrize(
    ("target", "columns"),
    [("emu", (2,)), (0, (0,)), (np.int64(2), (2,)), (["emu", 0], (2, 0)), (("dog",), (1,)), ("all", (0, 1, 2))],
)
def test_targets_by_name_and_number(target, columns):
    resolved = resolve(target, CLASSES, "logit", INSTANCE)
    assert resolved.columns == columns
    assert resolved.outputs == tuple(CLASSES[c] for c in columns)
    assert resolved.kind == "log_odds"


def test_names_go_before_numbers():
    assert resolve(1, ("1", "2", "3"), "probability", INSTANCE).columns == (0,)
    assert resolve(0, ("1", "2", "3"), "probability", INSTANCE).columns == (0,)
    assert resolve(True, ("False", "True"), "probability", np.zeros(2)).columns == (1,)


def test_a_class_called_all_can_be_meant():
    assert resolve("all", ("none", "all"), "probability", np.zeros(2)).columns == (1,)


def test_a_name_that_two_outputs_have_is_refused_with_their_numbers():
    with pytest.raises(InputError, match=r"target must be the number of one output.*this name: 0, 2; got 'crane'"):
        resolve("crane", ("crane", "gull", "crane"), "logit", INSTANCE)


def test_tokens_of_one_text_are_told_apart_by_number():
    assert resolve(1, (" 1", " 1", "2"), "nats", np.zeros(3)).columns == (1,)


@pytest.mark.parametrize("target", ["bird", 3, -1, 1.5, None, True, ["cat", "bird"], {"cat"}])
def test_unknown_targets_are_refused_with_the_table(target):
    if target is None:
        target = [None]
    with pytest.raises(InputError) as caught:
        resolve(target, CLASSES, "logit", INSTANCE)
    assert caught.value.parameter == "target"
    assert "'cat', 'dog', 'emu'" in str(caught.value)


def test_no_target_at_all_is_refused():
    with pytest.raises(InputError, match="name at least one output"):
        resolve([], CLASSES, "logit", INSTANCE)


def test_a_target_of_ones_own_is_taken_as_it_is():
    mine = Target("mean", (0, 2), ("both",), "logit")
    assert resolve(mine, CLASSES, "logit", INSTANCE) is mine


@pytest.mark.parametrize("columns", [(0, 3), (), (-1,)])
def test_a_target_that_does_not_fit_the_model_is_refused(columns):
    with pytest.raises(InputError, match=r"(target|columns) must"):
        resolve(Target("mean", columns, ("x",), "logit"), CLASSES, "logit", INSTANCE)


def test_unknown_kind_is_refused_with_the_table():
    with pytest.raises(InputError, match=r"kind must be one of identity, mean, log_odds, .*; got 'odds'"):
        Target("odds", (0,), ("x",), "x")


def test_functions_as_targets():
    raw = np.arange(6.0).reshape(3, 2)
    # exact: differences and doubles of whole numbers
    np.testing.assert_array_equal(custom(lambda y: y[:, 0] - y[:, 1], raw), -np.ones((3, 1)))
    # exact: differences and doubles of whole numbers
    np.testing.assert_array_equal(custom(lambda y: y * 2, raw), raw * 2)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda y: y.sum(), "one row of numbers per input"),
        (lambda y: y[:1], "one row of numbers per input"),
        (lambda y: np.full(len(y), np.nan), "finite numbers"),
        (lambda y: ["a"] * len(y), "numbers"),
    ],
)
def test_functions_that_are_no_targets(function, said):
    with pytest.raises(ModelError, match=said) as caught:
        custom(function, np.arange(6.0).reshape(3, 2))
    assert "target function" in str(caught.value)


# --- log-odds of probabilities and of whole answers


def test_log_odds_of_a_whole_answer_are_stable():
    raw = np.log(np.array([[0.5, 0.5], [1 - 1e-12, 1.0], [1e-30, 1.0]]))
    target = resolve("log-odds", ("a", "b"), "nats", raw[0])
    values = target(raw)[:, 0]
    np.testing.assert_allclose(values, [np.log(0.25 / 0.75), np.log(1e12), np.log(1e-30)], rtol=1e-3)
    assert target.unit == "log-odds"
    assert np.isfinite(target(np.array([[-1e-300, 0.0]]))).all()


def test_log_odds_of_a_probability_explain_the_class_of_the_instance():
    target = resolve("log-odds", ("no", "yes"), "probability", np.array([0.2, 0.8]))
    assert target.outputs == ("yes",)
    np.testing.assert_allclose(target(np.array([[0.2, 0.8], [0.5, 0.5]]))[:, 0], [np.log(4), 0.0], atol=1e-12)
    logits = resolve("log-odds", ("no", "yes"), "logit", np.array([0.2, 0.8]))
    assert logits == resolve(None, ("no", "yes"), "logit", np.array([0.2, 0.8]))
    with pytest.raises(InputError, match="be one of the model's outputs"):
        resolve("log-odds", ("a",), "output", np.zeros(1))
