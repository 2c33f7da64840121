"""Anchors: rules that settle the answer, with a precision that is proved."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from probes import InputError, LocalGaussian, MaskProbe, ModelError, TabularProbe, as_model, cube
from surrogates import Box, anchor
from surrogates.numerics.sequential_tests import precision_bound


def both(Z):
    return 1.0 * (Z[:, 1] * Z[:, 4] > 0) + 0.1 * Z[:, 2]


def test_the_planted_conjunction_is_found_and_its_numbers_are_right():
    result = anchor(both, MaskProbe(9), store=None)
    assert result.rule == Box(((1, 0.5, np.inf), (4, 0.5, np.inf)))
    assert result.proved and result.low >= 0.95 and result.precision == pytest.approx(1.0)
    assert result.coverage == pytest.approx(0.25)
    assert result.unconditional == pytest.approx(0.25, abs=0.12)
    assert "IF x1 present and x4 present THEN output is above 0.55" in str(result)
    assert result.cost["rows"] <= 513  # all there are, and the instance once more


def test_a_proved_precision_is_true_on_random_functions():
    """Exact precision over the whole cube against the lower bound, for functions with noise of many kinds."""
    Z = cube(10)
    wrong = proved = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        weights = rng.standard_normal(10) * rng.integers(0, 2, 10)
        table = Z @ weights + 0.6 * rng.standard_normal(len(Z))

        def model(rows, table=table):
            return table[(rows > 0.5) @ (1 << np.arange(10))]

        result = anchor(model, MaskProbe(10), precision=0.8, budget=300, random_state=seed, store=None)
        inside = result.rule(Z) > 0
        border, up = (table[-1] + table[0]) / 2, table[-1] > table[0]
        truth = ((table[inside] > border) == up).mean()
        proved += result.proved
        wrong += truth < result.low
        assert result.coverage == inside.mean() and result.rows <= 400  # rules with few rows are not drawn for ever
    assert proved >= 6
    assert wrong <= 2  # 5% of 12, and two standard errors


def test_precision_bound_holds_at_all_times_at_once():
    rng = np.random.default_rng(0)
    above = [precision_bound(rng.random(150) < 0.9, 0.1) > 0.9 for _ in range(300)]
    assert np.mean(above) <= 0.1 + 2 * np.sqrt(0.09 / 300)
    assert precision_bound(np.zeros(50, dtype=bool), 0.05) == pytest.approx(0.0, abs=1e-12)
    assert precision_bound(np.ones(500, dtype=bool), 0.05) > 0.98


def test_classifier_keeps_its_class():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(10, random_state=0).fit(X, y.map({0: "malignant", 1: "benign"}))
    result = anchor(forest, TabularProbe(X.loc[19], X), precision=0.9, budget=2000, store=None)
    assert result.holds == "the answer is benign"
    assert 0 < result.coverage <= 1 and result.low <= result.precision <= 1


def test_real_features_are_held_near_the_instance():
    X = np.random.default_rng(0).standard_normal((200, 4))
    probe = TabularProbe(np.zeros(4), X, law=LocalGaussian(1.0))
    result = anchor(as_model(lambda Z: Z[:, 2]), probe, same=0.5, budget=600, store=None)
    assert [c[0] for c in result.rule.conditions] == [2]
    assert result.coverage == pytest.approx(1 / 3)
    _, low, high = result.rule.conditions[0]
    scale = probe.features[2].scale
    assert low == pytest.approx(-0.4307 * scale, rel=1e-3) and high == pytest.approx(0.4307 * scale, rel=1e-3)


def test_an_answer_that_never_changes_needs_no_rule():
    result = anchor(lambda Z: 1 + 0.01 * Z[:, 0], MaskProbe(8), same=0.5, store=None)
    assert result.rule.conditions == () and result.coverage == pytest.approx(1.0) and result.proved
    assert str(result).startswith("No rule is needed here: whatever the features are, output is within 0.5")


def test_what_cannot_be_proved_is_not():
    """Only all features together settle the answer, more than a rule may hold."""
    result = anchor(lambda Z: Z.all(axis=1) * 1.0, MaskProbe(12), max_length=3, budget=150, store=None)
    assert not result.proved and "not proved within the budget" in str(result)
    assert result.cost["rows"] <= 150


def test_own_notion_of_the_same_and_the_budget():
    result = anchor(lambda Z: Z[:, 0] - 2 * Z[:, 1], MaskProbe(8), same=lambda y: y[:, 0] <= -1, store=None)
    assert result.words == "x1 present" and result.proved


def test_same_seed_same_anchor():
    one, two, other = (anchor(both, MaskProbe(9), random_state=s, store=None) for s in (3, 3, 4))
    assert str(one) == str(two)
    assert other.rule == one.rule


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"precision": 1.0}, "precision"),
        ({"precision": 0.2}, "precision"),
        ({"confidence": 2}, "confidence"),
        ({"max_length": 0}, "max_length"),
        ({"max_length": True}, "max_length"),
        ({"same": -1}, "same"),
        ({"same": float("inf")}, "same"),
        ({"budget": 40}, "budget"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_bad_options_cost_no_call(options, parameter):
    asked = []
    with pytest.raises(InputError) as caught:
        anchor(lambda Z: asked.append(1) or both(Z), MaskProbe(9), store=None, **options)
    assert caught.value.parameter == parameter and not asked


def test_no_notion_of_the_same():
    with pytest.raises(InputError, match="are equal, none is nearer"):
        anchor(lambda Z: (Z[:, 0] - Z[:, 1]) ** 2, MaskProbe(8), store=None)
    with pytest.raises(InputError, match="hold for the instance itself"):
        anchor(both, MaskProbe(8), same=lambda y: y[:, 0] < 0, store=None)


def test_every_question_asked_makes_the_precision_exact():
    result = anchor(lambda Z: 1.0 * (Z[:, 0] + Z[:, 1] >= 1), MaskProbe(4), budget=64, store=None)
    assert (
        result.proved and result.low == result.precision == pytest.approx(1.0) and result.coverage == pytest.approx(0.5)
    )
    assert result.exact and "(exact, 8 answers" in str(result)
    assert result.cost["rows"] <= 17


@pytest.mark.parametrize("features", [5, 12])
def test_no_condition_is_the_shortest_where_the_answer_is_settled_well_enough_without(features):
    """All but one in 16 answers are the same, whatever is present."""
    result = anchor(lambda Z: 1.0 * Z[:, :4].any(axis=1), MaskProbe(features), precision=0.85, budget=600, store=None)
    assert result.rule.conditions == () and result.words == "always"
    assert result.proved and result.coverage == pytest.approx(1)
    assert result.low <= 15 / 16 + 1e-9


def test_a_model_that_does_not_repeat_itself_proves_nothing():
    rng = np.random.default_rng(0)
    result = anchor(lambda Z: Z[:, 0] + 0.1 * rng.standard_normal(len(Z)), MaskProbe(8), store=None)
    assert not result.proved and any("nothing is proved" in note for note in result.warnings)


def test_a_precision_close_to_one_can_be_proved():
    result = anchor(lambda Z: 1.0 * Z[:, 0], MaskProbe(12), precision=0.996, budget=2000, store=None)
    assert result.proved and result.low >= 0.996


def test_probabilities_of_a_function_are_those_of_classes():
    for columns in (2, 3):
        odds = lambda Z, k=columns: np.exp(2.0 * Z[:, :k]) / np.exp(2.0 * Z[:, :k]).sum(axis=1, keepdims=True)  # noqa: E731
        named = lambda Z, of=odds: pd.DataFrame(of(Z * [1, 3, 1, 1])).add_prefix("class ")  # noqa: E731
        result = anchor(named, MaskProbe(4), store=None)
        assert result.holds == "the answer is class 1" and result.words == "x1 present"
        assert result.said["decided"] == ["class 1", "class 0"]


def test_a_target_names_the_number_and_several_need_one():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    result = anchor(forest, TabularProbe(X.loc[19], X), precision=0.8, budget=640, target="0", store=None)
    assert result.holds.startswith("0 is ") and " = " in result.words
    with pytest.raises(InputError, match="name one output"):
        anchor(lambda Z: Z[:, :2], MaskProbe(8), store=None)
    for same, words in (
        (lambda y: True, "one truth value a row"),
        (lambda y: np.full(len(y), np.nan), "got NaN"),
        (lambda y: 1 / 0, "same raised ZeroDivisionError"),
    ):
        with pytest.raises(ModelError, match=words):
            anchor(both, MaskProbe(8), same=same, store=None)
