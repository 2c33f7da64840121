"""Metrics, scoring of pairs, and measuring cases with language models, text-only models and plain functions."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from probes import METRICS, CallableModel, Case, CausalLM, Generator, Identity, InputError, Metric, Store, measure
from probes.cases.metrics import Scores, kl
from probes.cases.paired_measures import divergence

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

WORDS = [f"w{i}" for i in range(40)]


def tiny(kind="llama"):
    vocabulary = {word: i for i, word in enumerate(["<unk>", "</s>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
    torch.manual_seed(3)
    if kind == "gpt2":
        config = transformers.GPT2Config(vocab_size=len(vocabulary), n_positions=64, n_embd=16, n_layer=2, n_head=2)
        return CausalLM(transformers.GPT2LMHeadModel(config), made)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    shape |= {"vocab_size": len(vocabulary), "num_key_value_heads": 2, "initializer_range": 0.4}
    if kind == "mistral":
        config = transformers.MistralConfig(**shape, sliding_window=3)
        return CausalLM(transformers.MistralForCausalLM(config), made)
    config = transformers.LlamaConfig(**shape, max_position_embeddings=64)
    return CausalLM(transformers.LlamaForCausalLM(config), made)


def by_hand(lm, prompt, answer):
    """Log-probability, tokens and greedy agreement from one plain forward."""
    start, following = lm.encode(prompt), lm.answer_ids(prompt, answer)
    with torch.inference_mode():
        logits = lm.module(torch.tensor([start + following])).logits[0].log_softmax(-1)
    at = range(len(start) - 1, len(start) + len(following) - 1)
    total = sum(float(logits[i, t]) for i, t in zip(at, following, strict=True))
    return total, len(following), float(all(int(logits[i].argmax()) == t for i, t in zip(at, following, strict=True)))


def pairs_of(rng, n=60):
    def text(k):
        return " ".join(rng.choice(WORDS[:6], k))

    return [(text(rng.integers(1, 9)), " " + text(rng.integers(1, 5))) for _ in range(n)]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mistral"])
def test_scores_are_those_of_one_plain_forward_each(kind, monkeypatch):
    lm = tiny(kind)
    pairs = pairs_of(np.random.default_rng(0))
    pairs += [(first, f" {second}") for first in WORDS[:12] for second in WORDS[::2]]
    truth = np.array([by_hand(lm, *pair) for pair in pairs])
    assert 0 < truth[:, 2].sum() < 60
    scorer = lm.pairs()
    assert np.allclose(scorer(pairs), truth, atol=1e-4)
    assert scorer._tree is (kind != "mistral")
    monkeypatch.setattr("probes.models.huggingface.token_tree.NODES", 7)
    assert np.allclose(scorer(pairs), truth, atol=1e-4)
    scorer._tree = False
    assert np.allclose(scorer(pairs), truth, atol=1e-4)


def test_a_pair_longer_than_the_window_is_refused():
    with pytest.raises(InputError, match="window of 64 tokens"):
        lm = tiny()
        measure(lm, [Case("w1 " * 70, " w2")], "log_prob", store=Store())


LP = Scores(np.log([0.5, 0.25, 0.15, 0.1]), np.array([1.0, 2, 1, 1]), np.array([1.0, 0, 0, 0]))


def test_metrics_by_hand():
    assert METRICS["exact_match"](LP) == 1
    assert METRICS["log_prob"](LP) == pytest.approx(np.log(0.5))
    assert METRICS["token_log_prob"](LP.turned(1)) == pytest.approx(np.log(0.25) / 2)
    assert METRICS["margin"](LP) == pytest.approx(np.log(0.5) - np.log([0.25, 0.15, 0.1]).mean())
    assert METRICS["auc"](LP) == 1
    assert METRICS["auc"](LP.turned(2)) == pytest.approx(1 / 3)
    assert METRICS["logit_difference"](LP) == pytest.approx(np.log(2))
    assert METRICS["mass_contrast"](LP) == pytest.approx(0)
    two = Scores(LP.total, LP.tokens, LP.greedy, right=2)
    assert METRICS["mass_contrast"](two) == pytest.approx(0.5)
    assert METRICS["mass_contrast"].chance(two) == 0
    assert METRICS["log_prob"](two) == pytest.approx(np.log(0.75))
    assert METRICS["auc"](Scores(np.zeros(3), np.ones(3), np.zeros(3))) == 0.5


def test_chance_is_the_mean_over_who_is_called_right():
    for name in ("margin", "auc", "logit_difference", "exact_match"):
        metric = METRICS[name]
        orders = [Scores(LP.total[list(p)], LP.tokens[list(p)], LP.greedy[list(p)]) for p in permutations(range(4))]
        assert metric.chance(LP) == pytest.approx(np.mean([metric(s) for s in orders]))
    assert METRICS["margin"].chance(LP) == pytest.approx(0)
    assert METRICS["auc"].chance(LP) == pytest.approx(0.5)


def test_kl():
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    assert kl(np.log(p), np.log(q)) == pytest.approx(np.sum(p * np.log(p / q)))
    assert kl(np.log(p) + 3, np.log(q) - 2) == pytest.approx(np.sum(p * np.log(p / q)))
    assert kl(np.zeros((2, 3)), np.zeros((2, 3))).tolist() == [0, 0]
    with pytest.raises(InputError, match="shape"):
        kl(np.zeros(2), np.zeros(3))


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
    assert got.frame["value"].tolist() == [1.0, 0.0]
    assert got.frame["answer"].tolist() == ["Paris, of course", "Romeo"]
    with pytest.raises(InputError, match="only writes text"):
        measure(Parrot(), cases, "auc", store=Store())


def test_functions_of_texts_give_their_own_number():
    model = CallableModel(lambda texts: [len(t) for t in texts], "lengths")
    got = measure(model, [Case("abc", "x"), Case("ab", "x")], "output", store=Store())
    assert got.frame["value"].tolist() == [3.0, 2.0]
    with pytest.raises(InputError, match="log-probabilities of answers"):
        measure(model, [Case("abc", "x")], "log_prob", store=Store())
    with pytest.raises(InputError, match="scores texts itself"):
        measure(tiny(), [Case("w1", " w2")], "output", store=Store())


def test_bad_input_shows_the_prompt():
    lm = tiny()
    with pytest.raises(InputError, match=r"at least 10 for margin \(prompt 'w1 w2'"):
        measure(lm, [Case("w1 w2", " w3", (" w4",))], "margin", store=Store())
    with pytest.raises(InputError, match="first token for the prompt 'w1 w2'"):
        measure(lm, [Case("w1 w2", " w3 w4", (" w3 w5",))], "logit_difference", store=Store())
    with pytest.raises(InputError, match="cases must"):
        measure(lm, [], "auc", store=Store())
    with pytest.raises(InputError, match="metric must be one of"):
        measure(lm, [Case("w1", " w2")], "accuracy", store=Store())


def test_a_metric_of_ones_own():
    own = Metric("odds", "nats", lambda s: float(s.total[0] - np.log1p(-np.exp(s.total[0]))))
    lm = tiny()
    value = measure(lm, [Case("w1", " w2")], own, store=Store()).frame["value"][0]
    p = np.exp(by_hand(lm, "w1", " w2")[0])
    assert value == pytest.approx(np.log(p / (1 - p)), abs=1e-4)


def test_mass_is_a_share_with_its_chance():
    s = Scores(np.log([0.3, 0.2, 0.4, 0.1]), np.ones(4), np.zeros(4), right=2)
    assert METRICS["mass"](s) == pytest.approx(0.5) and METRICS["mass"].chance(s) == 0.5
    assert METRICS["mass"](s) == pytest.approx((METRICS["mass_contrast"](s) + 1) / 2)


def test_divergence_of_two_models_on_the_same_cases():
    cases = [Case(f"w{i} w{j}", " w3", (" w4", " w5"), entity=f"e{i}") for i in range(4) for j in range(3)]
    lm, other = tiny(), tiny("gpt2")
    base, changed = (measure(m, cases, "mass", store=Store(), progress=False) for m in (lm, other))
    found = divergence(base, changed)
    for row, p, q in zip(found.frame["value"], base.scores, changed.scores, strict=True):
        p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
        assert row == pytest.approx(float(np.sum(p * np.log(p / q))), abs=1e-6)
    assert (found.frame["value"] >= 0).all() and found.metric.unit == "nats" and " against " in found.model
    assert divergence(base, base).frame["value"].abs().max() < 1e-12 < divergence(base, base).frame["chance"].min()
    for wrong in (measure(lm, cases[:3], "mass", store=Store(), progress=False), replace(changed, scores=())):
        with pytest.raises(InputError):
            divergence(base, wrong)


def test_what_compares_two_measurements_says_what_makes_it():
    for name, maker in (("flip", "flips"), ("kl", "divergence")):
        with pytest.raises(InputError, match=f"made by probes.{maker}"):
            measure(tiny(), [Case("w1", " w2", (" w3",))], name, store=Store())
