"""Situations of docs/situations.md: classifiers and language models of transformers."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from scipy.special import expit

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import CausalLM, ContextProbe, InputError, TextClassifier, TextProbe, as_model  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.helpers.tiny_causal_lm import byte_tokenizer, llama, word_tokenizer  # noqa: E402
from tests.probes.models.huggingface.test_classifier import bert  # noqa: E402
from tests.probes.models.huggingface.test_classifier import word_tokenizer as classifier_tokenizer  # noqa: E402

REVIEW = "the film was not good"
LONG = "good film not bad at all so bad"
PROMPT = "the museum opened in"


@pytest.fixture(scope="module")
def words():
    return classifier_tokenizer()


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer()


@pytest.fixture(scope="module")
def network(tokenizer):
    return llama(len(tokenizer))


def logits(network, words, text):
    with torch.inference_mode():
        return network(**words(text, return_tensors="pt")).logits[0].numpy()


def log_probs(network, ids, answer):
    """The log-probability of each token of an answer, from one plain forward."""
    with torch.inference_mode():
        logs = network(torch.tensor([[*ids, *answer]])).logits[0].log_softmax(-1)
    return [logs[len(ids) - 1 + i, token].item() for i, token in enumerate(answer)]


# --- classifiers


def test_a_text_beyond_the_window_is_refused_or_cut_as_the_pipeline_cuts_it(words):
    long = " ".join(["good"] * 30)
    with pytest.raises(
        InputError,
        match=r"text must fit the classifier's window of 24 tokens .*got '32 tokens'",
    ):
        explain(TextClassifier(bert(), words), TextProbe(long), budget=40, store=None)
    cutting = transformers.pipeline("text-classification", model=bert(), tokenizer=words, truncation=True)
    ex, best = explain(cutting, TextProbe(long), budget=34, store=None), cutting(long)[0]
    assert ex.target.outputs == (best["label"],)
    assert expit(ex.y[0, 0]) == pytest.approx(best["score"], abs=1e-5)


def test_independent_labels_do_not_compete(words):
    network = bert(problem_type="multi_label_classification")
    ex = explain(TextClassifier(network, words), REVIEW, target="all", store=None)
    np.testing.assert_allclose(ex.y[0], logits(network, words, REVIEW), atol=1e-5)  # one logistic a label
    assert ex.target.unit == "log-odds"


def test_effects_belong_to_the_label_they_stand_under(words):
    network = bert()
    both = explain(TextClassifier(network, words), REVIEW, target="all", store=None)
    for label in both.target.outputs:
        single = explain(TextClassifier(network, words), REVIEW, target=label, store=None).attributions
        several = both.attributions[both.attributions["output"] == label]
        pairs = (dict(zip(t["feature"], t["attribution"], strict=True)) for t in (single, several))
        assert next(pairs) == pytest.approx(next(pairs), abs=1e-6)


def test_labels_stand_in_the_order_of_their_ids(words):
    network = bert()
    network.config.id2label = {0: "z", 1: "m", 2: "a"}
    ex = explain(TextClassifier(network, words), REVIEW, target="all", store=None)
    assert ex.target.outputs == ("z", "m", "a")
    assert ex.y[0].argmax() == logits(network, words, REVIEW).argmax()


@pytest.mark.parametrize("top_k", [1, 2, None])
def test_a_pipeline_that_shows_the_best_label_alone_has_all_of_them(words, top_k):
    pipeline = transformers.pipeline("text-classification", model=bert(), tokenizer=words, top_k=top_k)
    assert as_model(pipeline).outputs == ("negative", "neutral", "positive")
    ex = explain(pipeline, REVIEW, store=None)
    assert ex.target.outputs == (pipeline(REVIEW, top_k=1)[0]["label"],)


def test_padding_to_a_fixed_length_is_what_the_pipeline_does(words):
    pipeline = transformers.pipeline(
        "text-classification", model=bert(), tokenizer=words, padding="max_length", max_length=12, truncation=True
    )
    ex = explain(pipeline, REVIEW, target="all", store=None)
    assert len(ex.features) == 5
    scores = {entry["label"]: entry["score"] for entry in pipeline(REVIEW, top_k=None)}
    assert dict(zip(ex.target.outputs, ex.y[0], strict=True)) == pytest.approx(scores, abs=1e-5)


def test_dropout_is_off_while_a_model_is_asked(words):
    network = bert(hidden_dropout_prob=0.5)
    network.train()
    model = TextClassifier(network, words)
    first, second = (explain(model, REVIEW, store=None) for _ in range(2))
    np.testing.assert_allclose(first.y, second.y, atol=1e-6)
    assert not any("differently each time" in note for note in first.warnings)


def test_modules_of_ones_own_are_models():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    row, background = np.array([1.0, -1.0, 2.0]), np.zeros((1, 3))
    ex = explain(module, row, background=background, store=None)
    with torch.inference_mode():
        expected = module(torch.tensor(np.stack([row, background[0]]), dtype=torch.float32)).numpy()
    np.testing.assert_allclose(ex.y[:2], expected, atol=1e-6)


# --- language models


def test_a_tokenizer_without_padding_is_no_obstacle(network):
    bare = word_tokenizer()
    bare.pad_token = None
    ex = explain(CausalLM(network, bare), PROMPT, answer="1969 it rained", store=None)
    ids = bare(PROMPT)["input_ids"]
    np.testing.assert_allclose(ex.answers.y[0], log_probs(network, ids, bare("1969 it rained")["input_ids"]), atol=1e-4)


def test_a_prompt_that_begins_with_special_tokens_is_read_as_it_is(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    prompt = lm.text([("user", "the museum opened")])
    assert prompt.startswith("<user>")
    ex = explain(lm, TextProbe(prompt), answer="in 1969", store=None)
    expected = log_probs(network, lm.encode(prompt), lm.answer_ids(prompt, "in 1969"))
    np.testing.assert_allclose(ex.answers.y[0], expected, atol=1e-4)


def test_the_chat_template_is_applied(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    probe = ContextProbe("The museum opened in 1969. It rained.", "when ?", answer="in 1969")
    chat = probe.render(np.ones((1, 2)))[0]
    assert lm.text(chat).startswith("<user>")
    assert lm.text(chat).endswith("<assistant>")
    ex = explain(lm, probe, store=None)
    ids = tokenizer(lm.text(chat), add_special_tokens=False)["input_ids"]
    np.testing.assert_allclose(ex.answers.y[0], log_probs(network, ids, lm.answer_ids(chat, "in 1969")), atol=1e-4)


def test_an_answer_of_one_token_is_enough(network, tokenizer):
    ex = explain(CausalLM(network, tokenizer), PROMPT, answer="1969", store=None)
    expected = log_probs(network, tokenizer(PROMPT)["input_ids"], tokenizer("1969")["input_ids"])
    assert ex.answers.y.shape[1] == len(expected) == 1
    assert ex.y[0, 0] == pytest.approx(expected[0], abs=1e-4)


def test_an_answer_that_the_model_did_not_write_can_be_explained(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    written = lm.generate(PROMPT, 3)
    for answer in ("france is free", "paris"):
        assert answer != written
        ex = explain(lm, PROMPT, answer=answer, store=None)
        assert ex.answer == answer
        assert "".join(ex.answers.outputs) == answer


def test_the_answer_is_what_the_model_writes_greedily(network, tokenizer):
    ids = tokenizer(PROMPT, return_tensors="pt", return_token_type_ids=False)
    written = network.generate(**ids, max_new_tokens=4, do_sample=False)[0, ids["input_ids"].shape[1] :]
    ex = explain(CausalLM(network, tokenizer), TextProbe(PROMPT, max_new_tokens=4), store=None)
    assert ex.answer == tokenizer.decode(written, skip_special_tokens=True).strip()


def test_a_part_of_an_answer_is_explained_without_another_call(network, tokenizer):
    ex = explain(CausalLM(network, tokenizer), PROMPT, answer="1969 it rained", store=None)
    part = ex.attribute("rained")
    assert part.y[0, 0] == pytest.approx(ex.answers.y[0, -1])
    with pytest.raises(InputError, match="be part of the answer '1969 it rained'"):
        ex.attribute("paris")


def test_letters_of_several_tokens_are_one_feature_and_pieces_of_an_answer_join():
    tokenizer = byte_tokenizer()
    lm = CausalLM(llama(len(tokenizer)), tokenizer)
    probe = TextProbe("né 👩‍🚀", "token", tokenizer=tokenizer)
    assert "".join(f.name for f in probe.features if f.name != "' '").startswith("né")
    assert not any("\ufffd" in f.name for f in probe.features)
    ex = explain(lm, probe, answer=" à 😀", budget=40, store=None)
    assert "".join(ex.answers.outputs) == " à 😀"


def test_half_precision_on_a_processor_is_near_full_precision(tokenizer):
    full = explain(CausalLM(llama(len(tokenizer)), tokenizer), PROMPT, answer="1969", store=None)
    half = explain(CausalLM(llama(len(tokenizer)).bfloat16(), tokenizer), PROMPT, answer="1969", store=None)
    assert half.answers.cost.checks >= 4  # inputs asked alone, and in a batch
    assert np.isfinite(half.y).all()
    np.testing.assert_allclose(half.y, full.y, atol=0.3)


def test_answers_do_not_depend_on_what_else_is_in_the_batch(network, tokenizer):
    prompts = [PROMPT, "it rained it rained it rained entry is free", "the"]
    model = CausalLM(network, tokenizer).scoring("1969", PROMPT)
    np.testing.assert_allclose(model(prompts), np.vstack([model([p]) for p in prompts]), atol=1e-5)


def test_a_decoder_without_padding_is_asked_one_text_at_a_time(tokenizer, caplog):
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=40, n_embd=32, n_layer=1, n_head=4, n_positions=32, num_labels=2, bos_token_id=2, eos_token_id=2
    )
    network = transformers.GPT2ForSequenceClassification(config).eval()
    sizes = []
    network.register_forward_pre_hook(lambda _, args, given: sizes.append(len(given["input_ids"])), with_kwargs=True)
    with caplog.at_level(logging.WARNING):
        ex = explain(TextClassifier(network, tokenizer), "the museum opened in 1969", store=None)
    assert any("has no pad_token_id" in record.message for record in caplog.records)
    assert set(sizes) == {1}
    assert np.isfinite(ex.y).all()


def test_all_labels_cost_no_more_than_one(words):
    model = TextClassifier(bert(), words)
    one, all_of_them = (explain(model, REVIEW, target=target, store=None) for target in (None, "all"))
    assert all_of_them.answers.cost.rows <= one.answers.cost.rows
    assert len(all_of_them.target.outputs) == 3


def test_networks_that_neither_classify_nor_go_on_are_refused_with_the_way_out():
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    network = transformers.BertForMultipleChoice(transformers.BertConfig(vocab_size=20, **sizes))
    with pytest.raises(InputError, match="pass a function from"):
        explain(network, REVIEW, store=None)
