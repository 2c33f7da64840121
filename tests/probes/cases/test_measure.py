"""Measuring cases with language models, text-only models and plain functions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from probes import METRICS, CallableModel, Case, Generator, Identity, InputError, Metric, Store, measure
from probes.cases.paired_measures import divergence
from probes.rounding import rounded
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_pair_lm import tiny  # noqa: E402


def by_hand(lm, prompt, answer):
    """Log-probability, tokens and greedy agreement from one plain forward."""
    start, following = lm.encode(prompt), lm.answer_ids(prompt, answer)
    with torch.inference_mode():
        logits = lm.module(torch.tensor([start + following])).logits[0].log_softmax(-1)
    at = range(len(start) - 1, len(start) + len(following) - 1)
    total = sum(float(logits[i, t]) for i, t in zip(at, following, strict=True))
    return total, len(following), float(all(int(logits[i].argmax()) == t for i, t in zip(at, following, strict=True)))


def test_measure_matches_the_scores_and_is_paid_once():
    lm, store = tiny(), Store()
    cases = [Case("w1 w2", " w3", (" w4", " w5 w6"), (("f", "a"),), "e1"), Case("w7", " w8", (" w1", " w2"))]
    gap = Metric("gap", "nats", METRICS["margin"].function)
    first = measure(lm, cases, gap, store=store)
    for case, value, row in zip(cases, first.frame["value"], first.frame.to_dict("records"), strict=True):
        scores = [by_hand(lm, case.prompt, o)[0] for o in case.options]
        assert value == pytest.approx(scores[0] - np.mean(scores[1:]), abs=1e-4)
        assert row["answer"] == case.options[int(np.argmax(scores))]
    assert (first.cost.rows, first.cost.reused) == (6, 0)
    assert repr(first).startswith(f"gap of 2 cases: {rounded(first.frame['value'].mean())} nats on average, ")
    again = measure(lm, cases, "auc", store=store)
    assert (again.cost.rows, again.cost.reused, again.cost.calls) == (0, 6, 0)


def test_answers_alone_are_a_baseline_and_a_metric():
    lm, store = tiny(), Store()
    cases = [Case("w1 w2", " w3", (" w4", " w5 w6"), also=(" w9",)), Case("w7", " w8", (" w1", " w3"))]
    frame = measure(lm, cases, "auc", store=store, unconditional=True).frame
    alone = {o: by_hand(lm, "", o)[0] for c in cases for o in c.options}
    for case, row in zip(cases, frame.to_dict("records"), strict=True):
        right = alone[case.target]
        assert row["unconditional"] == np.mean([right > alone[o] for o in case.foils])
        assert 0 <= row["unconditional_chance"] <= 1
    gained = measure(lm, cases, "gain", store=store)
    assert gained.cost.rows == 0
    for case, value in zip(cases, gained.frame["value"], strict=True):
        with_prompt = np.logaddexp.reduce([by_hand(lm, case.prompt, o)[0] for o in (case.target, *case.also)])
        without = np.logaddexp.reduce([alone[o] for o in (case.target, *case.also)])
        assert value == pytest.approx(with_prompt - without, abs=1e-4)
    # without a prompt nothing is gained
    assert gained.frame["unconditional"].tolist() == pytest.approx([0.0, 0.0])
    assert "unconditional" not in measure(lm, cases, "auc", store=store).frame


def test_a_tokenizer_without_a_token_to_begin_with_has_no_answers_alone():
    lm = tiny()
    lm.tokenizer.eos_token = None
    case = Case("w1 w2", " w3", (" w4",))
    assert "unconditional" not in measure(lm, [case], "auc", store=Store(), unconditional=True).frame
    with pytest.raises(InputError, match="gain needs answers scored without a prompt"):
        measure(lm, [case], "gain", store=Store())


class Parrot(Generator):
    """A model that only writes text."""

    def identity(self):
        return Identity("parrot", True)

    def generate(self, prompt, max_new_tokens):
        return "Paris, of course" if "France" in prompt else "Romeo"

    def scoring(self, answer, prompt):
        raise AssertionError("it cannot score")


def test_text_only_models_answer_exact_match_and_nothing_else():
    cases = [Case("capital of France?", " Paris", (" Rome",)), Case("capital of Italy?", " Rome", (" Paris",))]
    got = measure(Parrot(), cases, "exact_match", store=Store())
    assert got.frame["value"].tolist() == [1.0, 0.0]  # exact: hits and misses
    assert got.frame["answer"].tolist() == ["Paris, of course", "Romeo"]
    with pytest.raises(InputError, match="of this one what it writes is taken"):
        measure(Parrot(), cases, "auc", store=Store())


def test_functions_of_texts_give_their_own_number():
    model = CallableModel(lambda texts: [len(t) for t in texts], "lengths")
    got = measure(model, [Case("abc", "x"), Case("ab", "x")], "output", store=Store())
    assert got.frame["value"].tolist() == [3.0, 2.0]  # exact: lengths of texts
    with pytest.raises(InputError, match="log-probabilities of answers"):
        measure(model, [Case("abc", "x")], "log_prob", store=Store())
    with pytest.raises(InputError, match="scores texts itself"):
        measure(tiny(), [Case("w1", " w2")], "output", store=Store())


def test_without_a_store_answers_are_kept_for_one_call():
    asked = []

    def lengths(texts):
        asked.extend(texts)
        return [len(t) for t in texts]

    model, cases = CallableModel(lengths, "lengths"), [Case("abc", "x"), Case("ab", "x")]
    values = [measure(model, cases, "output", store=None).frame["value"].tolist() for _ in range(2)]
    assert values == [[3.0, 2.0]] * 2  # exact: lengths of texts
    assert asked.count("ab") >= 2


def test_bad_input_shows_the_prompt():
    lm = tiny()
    with pytest.raises(InputError, match=r"at least 10 for margin \(prompt 'w1 w2'"):
        measure(lm, [Case("w1 w2", " w3", (" w4",))], "margin", store=Store())
    with pytest.raises(InputError, match=r"first token for the prompt 'w1 w2'.*metric='margin'"):
        measure(lm, [Case("w1 w2", " w3 w4", (" w3 w5",))], "logit_difference", store=Store())
    with pytest.raises(InputError, match="cases must"):
        measure(lm, [], "auc", store=Store())
    for one in (Case("w1 w2", " w3"), None):
        with pytest.raises(InputError, match="cases must be a list of Case objects"):
            measure(lm, one, store=Store())
    with pytest.raises(InputError, match="metric must be one of"):
        measure(lm, [Case("w1", " w2")], "accuracy", store=Store())


def test_divergence_of_two_models_on_the_same_cases():
    cases = [Case(f"w{i} w{j}", " w3", (" w4", " w5"), entity=f"e{i}") for i in range(4) for j in range(3)]
    lm, other = tiny(), tiny("gpt2")
    base, changed = (measure(m, cases, "mass", store=Store(), progress=False) for m in (lm, other))
    diverged = divergence(base, changed)
    for row, p, q in zip(diverged.frame["value"], base.scores, changed.scores, strict=True):
        p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
        assert row == pytest.approx(float(np.sum(p * np.log(p / q))), abs=1e-6)
    assert (diverged.frame["value"] >= 0).all() and diverged.metric.unit == "nats" and " against " in diverged.model
    assert divergence(base, base).frame["value"].abs().max() < 1e-12 < divergence(base, base).frame["chance"].min()
    for wrong in (measure(lm, cases[:3], "mass", store=Store(), progress=False), replace(changed, scores=())):
        with pytest.raises(InputError):
            divergence(base, wrong)


def test_what_compares_two_measurements_says_what_makes_it():
    for name, maker in (("flip", "flips"), ("kl", "divergence")):
        with pytest.raises(InputError, match=f"made by probes.{maker}"):
            measure(tiny(), [Case("w1", " w2", (" w3",))], name, store=Store())


def test_it_is_said_that_answers_depend_on_what_else_is_in_a_batch():
    cases = [Case(f"w1 {'w2 ' * i}", " w3", entity=str(i)) for i in range(5)]
    longest = CallableModel(lambda texts: [float(max(map(len, texts)))] * len(texts), "longest")
    said = measure(longest, cases, "output", store=(store := Store()))
    assert "depend on what else is in a batch" in said.neighbours
    assert said.frame["value"].tolist() == [len(c.prompt) for c in cases]
    assert measure(longest, cases[1:], "output", store=store).neighbours == said.neighbours
    assert not measure(
        CallableModel(lambda texts: [float(len(t)) for t in texts]), cases, "output", store=Store()
    ).neighbours
