"""What a budget pays for, where it reaches every possible input."""

from __future__ import annotations

import numpy as np
import pytest

from probes import MaskProbe
from probes.asking.allowance import Allowance
from probes.asking.question import Question
from probes.inputs.adapt import RowSettings
from surrogates import anchor, estimate, explain, pairwise_interactions, shapley_values


def counting(d=4):
    """A function that keeps which inputs it was asked."""
    seen: set[bytes] = set()

    def model(Z):
        seen.update(row.tobytes() for row in np.ascontiguousarray(Z, dtype=np.uint8))
        return Z[:, 0] + 0.5 * Z[:, 1] * Z[:, 2]

    return model, seen


@pytest.mark.parametrize("method", [explain, shapley_values, pairwise_interactions, anchor])
@pytest.mark.parametrize("d", [3, 4, 6])
def test_a_budget_of_as_many_inputs_as_there_are_asks_them_all(method, d):
    for more in (0, 1):
        model, seen = counting()
        result = method(model, MaskProbe(d), budget=2**d + more, store=None)
        assert len(seen) == 2**d
        assert result.fidelity.exact if method is explain else result.exact
        cost = result.answers.cost if method is explain else result.cost
        assert (cost.rows if method is explain else cost["rows"]) == 2**d + more


def test_the_question_that_is_asked_twice_is_a_check_then_and_sees_noise():
    model, _ = counting()
    ex = explain(model, MaskProbe(6), budget=64, store=None)
    assert not any("64" in warning for warning in ex.warnings)
    forecast = estimate(model, MaskProbe(6), budget=64, store=None)
    assert forecast.questions == 64 and forecast.checks == ex.answers.cost.checks
    rng = np.random.default_rng(0)
    ex = explain(lambda Z: Z[:, 0] + rng.normal(size=len(Z)), MaskProbe(6), budget=64, store=None)
    assert not ex.fidelity.exact and any("differently each time" in warning for warning in ex.warnings)


def test_rows_and_repeats_grow_with_the_budget():
    question = Question.of(counting()[0], MaskProbe(6), RowSettings(), None, None)
    found = [Allowance.of(question, budget) for budget in range(60, 70)]
    assert [a.rows for a in found] == [59, 60, 61, 62, 64, 64, 64, 65, 66, 67]
    assert [(a.repeats, a.beside) for a in found[4:7]] == [(1, True), (1, False), (2, False)]
    assert Allowance.budget_for(question, 64) == 64
