"""Rules to stop asking."""

import numpy as np
import pytest

from probes import CallableModel, InputError, MaskProbe, Model, Store, as_model, cube
from probes.model import Identity
from surrogates import (
    Certified,
    CubeProxy,
    Explanation,
    InteractionSurrogate,
    StableOrder,
    TreeSurrogate,
    Width,
    estimate,
    explain,
)
from surrogates.numerics.sequential_tests import r2_wealth


def leading(Z):
    return 3 * Z[:, 0] - 2 * Z[:, 1] + Z[:, 2] + 0.3 * Z[:, 3] * Z[:, 4]


def rough(Z):
    """Main effects carry about half of the variance."""
    x = 2 * Z - 1
    return x[:, 0] + 0.5 * x[:, 1] + x[:, 2] * x[:, 3] + 0.5 * x[:, 4] * x[:, 5] * x[:, 6]


def test_width_stops_when_the_leading_intervals_are_narrow_enough():
    ex = explain(leading, MaskProbe(14), budget=2000, until=Width(0.05), store=None)
    top = ex.attributions.head(3)
    assert ((top["high"] - top["low"]) / 2 <= 0.05).all()
    assert len(ex.answers.design) < 500
    assert "known to ±0.05" in ex.provenance["stopped"]
    before = explain(leading, MaskProbe(14), budget=48, store=None)
    tight = explain(leading, MaskProbe(14), budget=2000, until=Width(0.2), store=None)
    assert len(tight.answers.design) == 48  # the first look was enough, and more was not asked
    assert before.attributions["feature"].head(3).tolist() == top["feature"].tolist()


def test_a_rule_that_is_never_met_spends_the_budget_and_says_so():
    ex = explain(rough, MaskProbe(14), budget=150, until=Width(1e-6), store=None)
    assert len(ex.answers.design) == 146  # four more go to asking questions twice
    assert ex.provenance["stopped"] == ""
    assert any("before the rule to stop was met" in note for note in ex.warnings)
    same = explain(rough, MaskProbe(14), budget=150, store=None)
    assert same.fidelity.r2 == ex.fidelity.r2
    assert same.answers.cost.rows == ex.answers.cost.rows
    assert same.answers.cost.reused == ex.answers.cost.reused == 0


def test_stable_order_needs_the_same_order_several_times():
    ex = explain(leading, MaskProbe(14), budget=2000, until=StableOrder(3, times=4), store=None)
    assert ex.attributions["feature"].head(3).tolist() == ["x0", "x1", "x2"]
    assert len(ex.answers.design) >= 48 * 1.5**3 - 3
    assert "same at 4 looks" in ex.provenance["stopped"]


@pytest.mark.parametrize(
    ("make", "parameter"),
    [
        (lambda: Width(0), "half_width"),
        (lambda: Width(float("inf")), "half_width"),
        (lambda: Width(0.1, top=0), "top"),
        (lambda: StableOrder(top=True), "top"),
        (lambda: StableOrder(times=1), "times"),
        (lambda: Certified(r2=1.0), "r2"),
        (lambda: Certified(confidence=-0.1), "confidence"),
        (lambda: Certified(clip=0), "clip"),
        (lambda: explain(leading, MaskProbe(14), until=0.1, store=None), "until"),
        (lambda: explain(leading, MaskProbe(14), until=Certified(), design="fold-over", store=None), "design"),
        (lambda: estimate(leading, MaskProbe(14), trial=-1, store=None), "trial"),
    ],
)
def test_bad_rules(make, parameter):
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.parameter == parameter


def test_a_budget_too_small_for_the_family_is_refused_before_any_call():
    asked = []
    with pytest.raises(InputError, match="be at least 23 for family 'tree', which needs 20 sampled answers"):
        explain(lambda Z: asked.append(len(Z)) or Z.sum(axis=1), MaskProbe(14), "tree", budget=20, store=None)
    assert not asked
    family = TreeSurrogate(proxy=CubeProxy(4.0))
    assert explain(lambda Z: Z.sum(axis=1), MaskProbe(14), family, budget=23, store=None).fidelity.rows == 20


def test_evidence_against_a_true_hypothesis_is_rare():
    """Surrogates whose R² is exactly the value in question pass at most as often as the error probability says."""
    rng, alpha, passed = np.random.default_rng(0), 0.1, 0
    for _ in range(400):
        signal = rng.standard_normal(300)
        y = signal + rng.standard_normal(300)  # R² of the signal is ½
        passed += r2_wealth(y, signal, 0.5, clip=20.0).max() >= 1 / alpha
    assert passed <= 0.1 * 400 + 2 * np.sqrt(400 * 0.1 * 0.9)


def test_evidence_grows_for_a_better_surrogate_and_never_for_a_worse():
    rng = np.random.default_rng(1)
    signal = rng.standard_normal(400)
    y = signal + 0.2 * rng.standard_normal(400)  # R² .96
    assert r2_wealth(y, signal, 0.8, 2 * y.std())[-1] > 1000
    assert r2_wealth(y, np.zeros(400), 0.8, 2 * y.std()).max() < 3
    assert len(r2_wealth(y[:7], signal[:7], 0.8, 2.0)) == 3
    assert len(r2_wealth(y[:1], signal[:1], 0.8, 2.0)) == 0


def test_certified_stops_with_a_certificate_that_is_true():
    ex = explain(leading, MaskProbe(14), budget=1000, until=Certified(0.9), store=None)
    proof = ex.certificate
    assert proof.r2 == pytest.approx(0.9) and proof.fitted + proof.rows == len(ex.answers.design) <= 700
    assert "Certified: R² is at least 0.9" in str(ex)
    assert ex.fidelity.rows <= proof.fitted - 2  # judged on the rows it was fitted to, by cross-fitting
    Z = cube(14)
    y = leading(Z)
    assert 1 - np.mean((y - ex.predict(Z)) ** 2) / y.var() > 0.9
    assert Explanation.from_json(ex.to_json()).certificate == proof


def test_what_is_not_so_is_not_certified():
    ex = explain(rough, MaskProbe(14), budget=400, until=Certified(0.9), store=None)  # linear: about .5
    assert ex.certificate is None
    assert any("could not be certified" in note for note in ex.warnings)
    assert len(ex.answers.design) == 392


def test_rows_that_repeat_are_asked_once_and_share_a_fold():
    asked = []
    model = CallableModel(lambda Z: asked.extend(map(bytes, Z)) or rough(Z), name="counted")
    ex = explain(model, MaskProbe(7), budget=120, until=Certified(0.99), store=None)
    cost = ex.answers.cost
    assert len(set(asked)) == cost.rows == len(asked) - cost.checks <= 120
    assert len(ex.answers.design) == 120
    assert ex.fidelity.r2[0] < 0.9


class Impatient(Model):
    """A user who presses Ctrl-C once `patience` rows have been answered."""

    unit = "output"
    outputs = ("y",)
    batch = 16

    def __init__(self, patience):
        self.patience, self.asked = patience, []

    def identity(self):
        return Identity("impatient", True)

    def __call__(self, Z):
        if len(self.asked) >= self.patience:
            raise KeyboardInterrupt
        self.asked.extend(map(bytes, Z))
        return leading(Z)


def test_a_rule_for_more_features_than_there_are_says_how_many_there_are():
    ex = explain(leading, MaskProbe(14), budget=2000, until=Width(0.05, top=20), store=None)
    assert ex.provenance["stopped"] == "the 14 strongest attributions are known to ±0.05"


class Wordy(Impatient):
    size_unit = "tokens"

    def sizes(self, Z):
        return (10 + Z.sum(axis=1)).astype(int)


def test_ctrl_c_with_a_rule_to_stop():
    ex = explain(Impatient(100), MaskProbe(14), budget=1000, until=Width(1e-6), store=None)
    assert 48 <= len(ex.answers.design) <= 112
    assert ex.provenance["stopped"] == "interrupted"


def test_estimate_counts_what_explain_then_asks():
    store, model = Store(), as_model(leading, name="leading")
    before = estimate(model, MaskProbe(14), budget=200, trial=0, store=store)
    assert (before.questions, before.known, before.seconds) == (200, 0, None)
    assert before.calls == 1 + explain(model, MaskProbe(14), budget=200, store=None).answers.cost.calls - 1
    assert len(store) == 0
    tried = estimate(model, MaskProbe(14), budget=200, trial=40, store=store)
    assert tried.known == 40 and tried.seconds > 0
    ex = explain(model, MaskProbe(14), budget=200, store=store)
    assert ex.answers.cost.rows == tried.questions - tried.known == 160
    assert ex.answers.cost.reused == 40
    after = estimate(model, MaskProbe(14), budget=200, trial=0, store=store)
    assert (after.known, after.calls, str(after)) == (
        200,
        0,
        "0 questions to ask in 0 calls, about 0 s (200 known already)",
    )


def test_estimate_counts_tokens():
    store = Store()
    forecast = estimate(Wordy(np.inf), MaskProbe(14), budget=100, trial=5, store=store)
    ex = explain(Wordy(np.inf), MaskProbe(14), budget=100, store=store)
    assert forecast.tokens == ex.answers.cost.tokens > 1000
    assert f"{forecast.tokens:,} tokens" in str(forecast)


def test_estimate_checks_what_explain_checks_and_asks_no_more_than_the_trial():
    asked = []

    def counted(Z):
        asked.extend(Z)
        return leading(Z)

    forecast = estimate(counted, MaskProbe(20), budget=1000, trial=2, store=None)
    assert len(asked) == 2 and forecast.questions == 1000 and forecast.known == 0
    with pytest.raises(InputError, match="which needs 20 sampled answers"):
        estimate(counted, MaskProbe(14), family="tree", budget=20, store=None)
    with pytest.raises(InputError, match="design must be one of"):
        estimate(counted, MaskProbe(14), design="even", store=None)


def test_rules_are_not_needed_where_every_question_is_asked():
    ex = explain(lambda Z: Z.sum(axis=1) % 2, MaskProbe(5), budget=64, until=Certified(0.9), store=None)
    assert ex.certificate is None and ex.provenance["stopped"] == "every possible question was asked"
    assert any("R² is exactly 0.00, below the 0.9 asked for" in note for note in ex.warnings)
    assert explain(leading, MaskProbe(5), budget=64, until=Width(9), store=None).fidelity.exact


def test_leave_one_out_indices_are_the_models_own_after_certification():
    ex = explain(leading, MaskProbe(14), budget=1000, until=Certified(0.5), store=None)
    assert ex.answers.design.leave_one_out
    assert set(ex.indices("leave-one-out")["exact"]) == {"for the model"}


def test_outputs_that_never_change_do_not_stand_in_the_way_of_a_certificate():
    def two(Z):
        return np.column_stack([Z[:, 0] * Z[:, 1] + Z[:, 2], np.ones(len(Z))])

    options = {"target": "all", "until": Certified(r2=0.7), "budget": 600, "store": None}
    family = InteractionSurrogate(folds=2, proxy=CubeProxy(4.0))
    assert explain(two, MaskProbe(11), family, **options).certificate is not None
    assert explain(lambda Z: np.ones(len(Z)), MaskProbe(11), **{**options, "target": None}).certificate is None
