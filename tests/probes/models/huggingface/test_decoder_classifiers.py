"""Decoders that classify: the last token that is no padding answers, whatever else is in the batch."""

import logging

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import Design, InputError, Store, TextClassifier, TextProbe, ask, cube  # noqa: E402
from tests.helpers.tiny_causal_lm import word_tokenizer  # noqa: E402

TEXTS = ["the museum opened in 1969", "the", "it rained it rained entry is free", "the museum", "capital of france is"]


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer()


def gpt2(pad):
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=40, n_embd=32, n_layer=2, n_head=4, n_positions=64, num_labels=3, pad_token_id=pad,
        bos_token_id=2, eos_token_id=2, initializer_range=0.4,
    )  # fmt: skip
    return transformers.GPT2ForSequenceClassification(config).eval()


def llama(pad):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, num_labels=3, pad_token_id=pad, bos_token_id=2,
        eos_token_id=2, initializer_range=0.4,
    )  # fmt: skip
    return transformers.LlamaForSequenceClassification(config).eval()


def alone(network, tokenizer, texts):
    with torch.inference_mode():
        rows = [tokenizer(text, return_tensors="pt", return_token_type_ids=False) for text in texts]
        return np.vstack([network(**row).logits.numpy() for row in rows])


@pytest.mark.parametrize("make", [gpt2, llama])
@pytest.mark.parametrize("pad", [39, 1, 2, None], ids=["another id", "the tokenizer's", "the end", "none"])
def test_batches_give_the_answers_of_each_text_alone(make, pad, tokenizer):
    network = make(pad)
    expected = alone(network, tokenizer, TEXTS)
    model = TextClassifier(network, tokenizer)
    np.testing.assert_allclose(model(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(np.vstack([model([text]) for text in TEXTS]), expected, atol=1e-5)
    assert expected.std(axis=0).min() > 0.01


def test_a_model_without_a_padding_id_is_asked_one_row_at_a_time_and_says_so(tokenizer, caplog):
    network, seen = gpt2(None), []
    network.register_forward_pre_hook(lambda _, a, k: seen.append(len(k["input_ids"])), with_kwargs=True)
    with caplog.at_level(logging.WARNING):
        model = TextClassifier(network, tokenizer)
        model(TEXTS)
        model(TEXTS)
    assert seen == [1] * 10
    assert [r.message for r in caplog.records if "one at a time" in r.message] == [
        "GPT2ForSequenceClassification has no pad_token_id in its configuration: texts are asked one at a time"
    ]


def test_answers_that_were_padded_wrongly_are_not_served_again(tokenizer):
    network = gpt2(39)
    model = TextClassifier(network, tokenizer)
    from probes.models.huggingface.weights import fingerprint

    faulty = np.full(3, 0.5)
    store, probe = Store(), TextProbe("the museum opened in 1969")
    texts = probe.render(cube(5))
    from probes.asking.ask_batch import keys_of

    old = fingerprint(network)
    store.put(dict.fromkeys(keys_of(old, model, texts), faulty), old.id)
    answers = ask(model, probe, Design(cube(5)[1:], 0), store)
    np.testing.assert_allclose(answers.y, alone(network, tokenizer, texts[1:]), atol=1e-5)
    assert answers.cost.reused == 0


def test_right_padding_keeps_its_keys(tokenizer):
    from probes.models.huggingface.weights import fingerprint

    for pad in (1, None):
        network = gpt2(pad)
        assert TextClassifier(network, tokenizer).identity() == fingerprint(network)


def test_a_text_without_tokens_is_the_token_that_begins_texts(tokenizer):
    network = gpt2(39)
    with torch.inference_mode():
        expected = network(input_ids=torch.tensor([[2]])).logits.numpy()
    np.testing.assert_allclose(TextClassifier(network, tokenizer)(["", *TEXTS])[:1], expected, atol=1e-5)


def test_a_text_without_tokens_is_refused_where_nothing_begins_texts():
    bare = word_tokenizer()
    bare.eos_token = None
    with pytest.raises(InputError, match="text must hold a token"):
        TextClassifier(gpt2(39), bare)(["", "the"])
