"""Answers of sequence-to-sequence models, scored as cases ask for them."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Case, ComponentProbe, InputError, Store, TemplateProbe, measure, steer, with_prompt
from probes.models.huggingface.seq2seq import Seq2SeqLM
from surrogates import compare_cases, generalise
from tests.helpers.when_used import when_used

when_used("torch")
from tests.helpers.tiny_text_networks import bart, t5, target_tokenizer, tokenizer  # noqa: E402

CASES = [
    Case("a man sleeps", "the old house", ("bob", "near the river")),
    Case("the museum opened in paris", "anna", ("rome",)),
    Case("anna met bob in rome", "it is free", ("warm",)),
]
MODELS = {"t5": lambda: Seq2SeqLM(t5(), target_tokenizer()), "bart": lambda: Seq2SeqLM(bart(), tokenizer())}
METRICS = ("log_prob", "token_log_prob", "logit_difference", "exact_match")


@pytest.mark.parametrize("kind", MODELS)
def test_every_pair_is_scored_as_it_is_alone(kind):
    model = MODELS[kind]()
    pairs = [(case.prompt, option) for case in CASES for option in case.options] * 3
    scorer = model.pairs()
    scores = scorer(pairs)
    for pair, (total, tokens, _) in zip(pairs, scores, strict=True):
        alone = model.log_probs(*scorer.ids(pair))
        assert (total, tokens) == (pytest.approx(alone.sum(), rel=3e-5, abs=5e-4), len(alone))
    np.testing.assert_allclose(scorer.direct()(pairs[:1]), scores[:1, :2], rtol=3e-5, atol=5e-4)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", MODELS)
def test_metrics_are_those_of_components_that_are_all_present(kind, metric):
    model = MODELS[kind]()
    measured = measure(model, CASES, metric, store=None)
    asked = ComponentProbe(CASES, ["0.0", "0.1"], "zero", metric=metric).asked_of(model)
    assert measured.frame["value"].mean() == pytest.approx(asked(np.ones((1, 2)))[0, 0], rel=3e-5, abs=5e-4)


def test_what_is_written_first_is_greedy():
    model = MODELS["t5"]()
    word = model.generate("a man sleeps", 1)
    other = next(w for w in ("bob", "anna") if w != word)
    [[*_, yes], [*_, no]] = model.pairs()([("a man sleeps", word), ("a man sleeps", other)])
    assert (yes, no) == (1, 0)


def test_answers_in_the_store_are_found_again():
    store, model = Store(), MODELS["t5"]()
    first = measure(model, CASES, "log_prob", store=store)
    again = measure(MODELS["t5"](), CASES, "log_prob", store=store)
    assert (first.cost.rows, again.cost.rows, again.cost.reused) == (7, 0, 7)
    np.testing.assert_array_equal(again.frame["value"], first.frame["value"])  # exact: the same answers


def test_a_prompted_and_a_steered_model_are_measured_as_what_they_are():
    model = MODELS["bart"]()
    plain = measure(model, CASES, "log_prob", store=None).frame["value"]
    steered = steer(model, 0, np.ones(32), 3.0)
    moved = measure(steered, CASES, "log_prob", store=None).frame["value"]
    assert np.abs(moved - plain).max() > 0.1
    shown = measure(with_prompt(model, prefix="it is free "), CASES, "log_prob", store=None).frame["value"]
    assert np.abs(shown - plain).max() > 0.1


def test_what_a_source_cannot_do_is_refused():
    model = MODELS["t5"]()
    with pytest.raises(InputError, match="answers scored without a prompt"):
        measure(model, CASES, "gain", store=None)
    with pytest.raises(InputError, match="answer must hold at least one token"):
        measure(MODELS["bart"](), [Case("a man", " ")], "log_prob", store=None)
    long = Case("a man " * 40, "anna", ("bob",))
    with pytest.raises(InputError, match="window of 64 tokens"):
        measure(MODELS["bart"](), [long], "log_prob", store=None)


@pytest.fixture(scope="module")
def probe():
    factors = {"city": ["rome", "paris"], "verb": ["met", "rests"]}
    entities = {name: {"name": name} for name in ("anna", "man", "museum", "nobody", "river", "house", "it", "near")}
    families = {"where": "{name} {verb} in {city}", "first": "in {city} {name} {verb}"}
    return TemplateProbe(families, factors, entities, target="free", foils=["warm", "old"])


def test_cases_of_templates_are_generalised_and_compared(probe):
    before, after = MODELS["t5"](), steer(MODELS["t5"](), 1, np.ones(32), 4.0)
    study = generalise(before, probe, metric="logit_difference", store=None)
    assert study.metric.name == "logit_difference"
    change = compare_cases(before, after, probe, metric="logit_difference", store=None)
    moved, plain = (measure(lm, probe.cases, "logit_difference", store=None).frame for lm in (after, before))
    frame = moved.set_index("case_id")["value"] - plain.set_index("case_id")["value"]
    shown = change.cases.set_index("case_id")["change"]
    np.testing.assert_allclose(shown, frame[shown.index], atol=1e-3)
