"""Models that leave questions unanswered, and models that answer the same question differently."""

import numpy as np
import pytest

from probes import CallableModel, InputError, MaskProbe, ModelError, Store
from surrogates import Certified, SparseLinear, anchor, explain, shapley_values

WEIGHTS = np.array([3.0, -2.0, 1.0, 0, 0, 0, 0, 0, 0.5, 0])


class Shy(CallableModel):
    """Does not answer some rows; notes all it was asked."""

    fallible = True
    reason = "It was shy."

    def __init__(self, silent):
        super().__init__(lambda Z: Z @ WEIGHTS, name="shy")
        self.silent, self.asked = silent, []

    def __call__(self, inputs):
        self.asked += [row.tobytes() for row in inputs]
        return np.where(self.silent(inputs)[:, None], np.nan, super().__call__(inputs))


def silent_on_one_in_eight(Z):
    inside = (Z.sum(axis=1) > 0) & (Z.sum(axis=1) < 10)
    return inside & (Z[:, [3, 4, 5]].sum(axis=1) == 0)


def test_what_is_not_answered_is_left_out_said_and_never_kept():
    store = Store()
    model = Shy(silent_on_one_in_eight)
    ex = explain(model, MaskProbe(10), budget=200, store=store)
    left = len(ex.answers.design)
    # not asked again in the same run but by first contact
    assert 195 < len(model.asked) - ex.answers.cost.checks == len(set(model.asked))
    assert 150 < left < 200 and not ex.answers.missing.any()
    assert any(f"{200 - left} questions were not answered" in note for note in ex.warnings)
    np.testing.assert_allclose(ex.attributions.set_index("feature")["attribution"].loc["x0"], 3, atol=1e-6)
    again = Shy(lambda Z: np.zeros(len(Z), dtype=bool))
    known = explain(again, MaskProbe(10), budget=200, store=store)
    assert len(known.answers.design) == 200
    # only what was missing, and two questions for the second time
    assert set(again.asked) < set(model.asked) and len(again.asked) - known.answers.cost.checks == 200 - left


@pytest.mark.parametrize("method", [explain, shapley_values, anchor])
def test_an_instance_that_is_not_answered_costs_one_question(method):
    model = Shy(lambda Z: np.ones(len(Z), dtype=bool))
    with pytest.raises(ModelError, match=r"did not answer the instance itself.*It was shy"):
        method(model, MaskProbe(10), budget=200, store=None)
    assert len(model.asked) == 1


def test_a_reference_that_is_not_answered_is_said():
    with pytest.raises(ModelError, match="did not answer the reference"):
        explain(Shy(lambda Z: Z.sum(axis=1) == 0), MaskProbe(10), budget=64, store=None)


def test_shapley_values_and_anchors_do_without_what_is_missing():
    values = shapley_values(Shy(silent_on_one_in_eight), MaskProbe(10), budget=200, store=None)
    np.testing.assert_allclose(values.values[0], WEIGHTS, atol=0.05)
    assert not values.exact
    rule = anchor(Shy(silent_on_one_in_eight), MaskProbe(10), budget=600, same=2.0, store=None)
    assert rule.precision > 0.8


def test_a_certificate_needs_every_answer():
    with pytest.raises(InputError, match="leave questions unanswered"):
        explain(Shy(silent_on_one_in_eight), MaskProbe(10), until=Certified(0.5), store=None)


def test_answers_that_are_partly_missing_are_an_error():
    class Half(Shy):
        def __call__(self, inputs):
            return np.column_stack([np.ones(len(inputs)), np.full(len(inputs), np.nan)])

    with pytest.raises(ModelError, match="finite numbers"):
        explain(Half(None), MaskProbe(10), budget=64, store=None)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_the_ceiling_is_what_noise_leaves(noise):
    """Mean over runs, against 1 − σ² / (σ² + var f); single runs rest on eight questions asked twice."""
    rng = np.random.default_rng(0)
    most = 1 - noise**2 / (noise**2 + (WEIGHTS**2).sum() / 4)
    ceilings, cheap = [], SparseLinear(max_terms=1, folds=2)  # a ceiling is about the answers, not about the fit
    for seed in range(30):
        model = CallableModel(lambda Z: Z @ WEIGHTS + rng.normal(0, noise, len(Z)))
        ex = explain(model, MaskProbe(10), cheap, budget=64, store=None, random_state=seed)
        ceilings.append(ex.fidelity.ceiling[0])
        assert ex.answers.noisy
    assert (
        "noise allows at most" in str(ex) and type(ex).from_json(ex.to_json()).fidelity.ceiling == ex.fidelity.ceiling
    )
    assert np.mean(ceilings) == pytest.approx(most, abs=3 * np.std(ceilings) / np.sqrt(len(ceilings)))
    assert abs(np.mean(ceilings) - most) < 0.1


def test_a_model_that_repeats_itself_has_no_ceiling():
    assert explain(lambda Z: Z @ WEIGHTS, MaskProbe(10), budget=100, store=None).fidelity.ceiling == ()
