"""ComponentProbe: against a network ablated one question at a time, and every promise of a map from 0/1 rows."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Case, CausalLM, ComponentProbe, InputError, ModelError, Store, ablate, cube, screen, steer
from probes.cases.component_model import ComponentModel
from probes.interventions.ablation import Ablation
from probes.interventions.intervened import intervened
from surrogates import check, compare, estimate, explain, explain_many
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_causal_lm import lm_of  # noqa: E402

CASES = [
    Case("the museum opened in", " 1969", (" paris", " entry is free")),
    Case("capital of france is", " paris", (" 1969",)),
    Case("it rained when the museum opened it", " rained", (" is free",)),
]
NAMES = ["0.1", "1.0", "mlp.0", "model.layers.1.self_attn"]


def by_hand(lm, absent, by="mean"):
    """The mean difference between the target and the likeliest foil, every text in a forward of its own."""
    options = {} if by == "zero" else {"reference": [case.prompt for case in CASES]}
    names = list(dict.fromkeys([*NAMES, *absent]))
    values = dict(zip(names, ablate(lm, names, by, **options).intervention.values, strict=True))
    network = intervened(lm, Ablation(tuple(absent), tuple(values[n] for n in absent), by)) if absent else lm
    numbers = []
    for case in CASES:
        total = [network.log_probs(lm.encode(case.prompt), lm.answer_ids(case.prompt, o)).sum() for o in case.options]
        numbers.append(total[0] - max(total[1:]))
    return float(np.mean(numbers))


@pytest.mark.parametrize("by", ["mean", "zero", "resample"])
def test_every_row_is_the_network_ablated_by_itself(by):
    lm = lm_of()
    model = ComponentProbe(CASES, NAMES, by).asked_of(lm)
    Z = cube(4)
    truth = [by_hand(lm, [n for n, on in zip(NAMES, z, strict=True) if not on], by) for z in Z]
    assert np.ptp(truth) > 0.1
    np.testing.assert_allclose(model(Z)[:, 0], truth, atol=5e-4)
    for batch in (1, 3):
        model.batch = batch
        np.testing.assert_allclose(model(Z)[:, 0], truth, atol=5e-4)
    alone = [model.direct()(Z[i : i + 1])[0, 0] for i in (0, 5, 15)]
    np.testing.assert_allclose(alone, np.take(truth, [0, 5, 15]), atol=5e-4)


def test_heads_of_gpt2_and_other_metrics():
    lm = lm_of("gpt2")
    probe = ComponentProbe(CASES, ["0.0", "1.3", "mlp.1"], "zero", metric="log_prob")
    Z = cube(3)
    found = probe.asked_of(lm)(Z)[:, 0]
    for z, value in zip(Z, found, strict=True):
        absent = [n for n, on in zip(probe.components, z, strict=True) if not on]
        network = ablate(lm, absent) if absent else lm
        scores = [network.log_probs(lm.encode(c.prompt), lm.answer_ids(c.prompt, c.target)).sum() for c in CASES]
        assert value == pytest.approx(np.mean(scores), abs=5e-4)


def test_an_explanation_is_exact_where_every_question_was_asked_and_the_base_is_what_it_was():
    lm = lm_of()
    plain = lm.scoring(" paris", "it")(["it is", "the"])
    ex = explain(lm, ComponentProbe(CASES, NAMES), "interactions", store=None)
    Z = cube(4)
    truth = np.array([by_hand(lm, [n for n, on in zip(NAMES, z, strict=True) if not on]) for z in Z])
    effects = {n: truth[Z[:, j] == 1].mean() - truth[Z[:, j] == 0].mean() for j, n in enumerate(NAMES)}
    for row in ex.attributions.itertuples():
        assert row.attribution == pytest.approx(effects[row.feature], abs=1e-3)
    assert ex.target.outputs == ("logit_difference",) and ex.target.unit == "nats a case"
    first = "'the museum opened in' with the answer ' 1969'"
    assert f"All numbers are averages over 3 cases, such as {first}." in ex.warnings
    said = "At every token an absent component puts out its mean over the tokens of 3 prompts."
    assert f"{said} 0.1 is head 1 of layer 0, counted from 0." in ex.warnings
    said = " ".join(str(ex).split())
    assert f"{truth[-1]:.3g} with all components (the surrogate says" in said
    assert f", {truth[0]:.3g} with all of them ablated" in said
    assert "with all components" in ex._repr_html_() and "for this input" not in ex._repr_html_()
    np.testing.assert_array_equal(lm.scoring(" paris", "it")(["it is", "the"]), plain)  # exact: the base is as it was


def test_components_of_two_models_are_compared_with_paired_questions():
    lm = lm_of()
    after = steer(lm, 0, np.random.default_rng(0).normal(size=32))
    d = compare(lm, after, ComponentProbe(CASES, NAMES), store=None)
    one, other = (explain(m, ComponentProbe(CASES, NAMES), store=None) for m in (lm, after))
    for feature in NAMES:
        first, second, change = (
            e.attributions.set_index("feature").loc[feature, c]
            for e, c in ((one, "attribution"), (other, "attribution"), (d, "change"))
        )
        assert change == pytest.approx(second - first, abs=2e-3)


def test_a_case_that_repeats_counts_once():
    assert ComponentProbe([*CASES, CASES[0]], NAMES).digest == ComponentProbe(CASES, NAMES).digest


def test_answers_are_kept_under_what_was_asked():
    lm, store = lm_of(), Store()
    first = explain(lm, ComponentProbe(CASES, NAMES), store=store)
    assert explain(lm, ComponentProbe(CASES, NAMES), store=store).provenance["cost"]["rows"] == 0
    ids = {first.answers.model}
    for probe in (
        ComponentProbe(CASES, NAMES, "zero"),
        ComponentProbe(CASES[:2], NAMES),
        ComponentProbe(CASES, NAMES, metric="log_prob"),
        ComponentProbe(CASES, NAMES[::-1]),
        ComponentProbe(CASES, NAMES, "resample", random_state=1),
        ComponentProbe(CASES, NAMES, reference=["the museum"]),
    ):
        ids.add(probe.asked_of(lm).identity().id)
    assert len(ids) == 7


@pytest.mark.parametrize("half", [True, False])
def test_a_network_in_half_precision_is_met_with_the_tolerance_of_half_precision(half, monkeypatch):
    lm = lm_of()
    lm = CausalLM(lm.module.to(torch.bfloat16), lm.tokenizer) if half else lm
    probe = ComponentProbe(CASES, NAMES)
    model = probe.asked_of(lm)
    shift = 0.004 * np.ptp(model(cube(4)))  # as two computations in half precision are apart
    plain = ComponentModel.direct
    monkeypatch.setattr(ComponentModel, "direct", lambda self: lambda rows: plain(self)(rows) + shift)
    assert model.half is half
    if half:
        explain(lm, probe, store=None)
    else:
        with pytest.raises(ModelError, match="does not answer as the object that it was given does"):
            explain(lm, probe, store=None)


def test_screening_shows_how_far_it_is(capsys):
    screen(lm_of(), CASES, 2, progress=True)
    assert "asking" in capsys.readouterr().err
    screen(lm_of(), CASES, 2)
    assert not capsys.readouterr().err


def test_screening_names_those_whose_ablation_alone_changes_most():
    lm = lm_of()
    alone = {n: abs(by_hand(lm, [n]) - by_hand(lm, [])) for n in ("0.0", "0.1", "1.0", "1.1", "mlp.0", "mlp.1")}
    named = screen(lm, CASES, 3, components=list(alone))
    assert named == sorted(alone, key=alone.get, reverse=True)[:3]
    assert len(screen(lm, CASES)) == 10  # all there are
    assert set(screen(lm, CASES, 2)) <= {f"{i}.{h}" for i in range(2) for h in range(4)} | {"mlp.0", "mlp.1"}
    with pytest.raises(InputError, match="most must be at most the 2 components there are"):
        screen(lm, CASES, 3, components=["0.0", "0.1"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"cases": []}, "cases must be Case objects"),
        ({"cases": "text"}, "cases must be Case objects"),
        ({"cases": [Case("a", " b")]}, "cases must have at least 1 foil each for logit_difference"),
        ({"components": "0.1"}, "components must be a list of names"),
        ({"components": ["0.1"]}, "components must hold at least two components to compare; it has 1"),
        ({"components": ["0.1", "0.1"]}, "components must have names that do not repeat"),
        ({"by": "noise"}, 'by must be "mean", "zero" or "resample"'),
        ({"by": "zero", "reference": ["a"]}, 'reference must be left out for "zero"'),
        ({"reference": "a"}, "reference must be a list of prompts"),
        ({"metric": "gain"}, "metric must be one of single answers after their prompts"),
        ({"metric": "output"}, "metric must be one of single answers after their prompts"),
        ({"random_state": -1}, "random_state must be"),
    ],
)
def test_bad_input_is_refused(options, match):
    with pytest.raises(InputError, match=match):
        ComponentProbe(**{"cases": CASES, "components": NAMES} | options)


def test_other_models_and_components_that_there_are_not_are_refused():
    probe = ComponentProbe(CASES, ["0.1", "7.0"])
    with pytest.raises(InputError, match="components must"):
        explain(lm_of(), probe, store=None)
    with pytest.raises(InputError, match="model must be a causal language model of transformers in memory"):
        explain(lambda Z: Z[:, 0], probe, store=None)


def test_checks_estimates_and_many_probes_ask_the_same_map():
    lm = lm_of()
    probe = ComponentProbe(CASES, ["0.0", "0.1", "mlp.0", "mlp.1", "1.0", "1.1"])
    ex = explain(lm, probe, budget=40, store=None)
    found = {f.name: f for f in check(ex, lm, probe, store=None).checks}
    assert set(found) == {"fresh", "removal", "permuted", "randomised"} and found["fresh"].passed is not None
    assert found["randomised"].passed is not None
    assert estimate(lm, probe, budget=40, store=None).questions <= 40
    many = explain_many(lm, [probe, ComponentProbe(CASES[:1], NAMES)], budget=40, store=None, progress=False)
    assert not many.failures and len(many) == 2
    for row, again in zip(ex.attributions.itertuples(), many[0].attributions.itertuples(), strict=True):
        assert row.feature == again.feature and row.attribution == pytest.approx(again.attribution, abs=1e-6)
