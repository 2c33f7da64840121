"""CausalLM: chats, templates, pieces of an answer, and generation."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from probes import (  # noqa: E402
    CausalLM,
    InputError,
    Store,
    complete,
)
from tests.helpers.tiny_causal_lm import PROMPTS, byte_tokenizer, llama, word_tokenizer  # noqa: E402


def naive(network, prompt_ids, answer_ids):
    """Log-probabilities from the logits of the whole sequence, one row, no cache."""
    with torch.inference_mode():
        logits = network(torch.tensor([[*prompt_ids, *answer_ids]]), use_cache=False).logits[0].double()
    logs = logits.log_softmax(-1)
    return np.array([logs[len(prompt_ids) - 1 + i, token].item() for i, token in enumerate(answer_ids)])


def test_chats_go_through_the_template(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    chat = (("system", "it rained"), ("user", "when ?"))
    assert lm.text(chat) == "<system> it rained <user> when ? <assistant>"
    ids = lm.encode(chat)
    assert tokenizer.convert_ids_to_tokens(ids) == ["<system>", "it", "rained", "<user>", "when", "?", "<assistant>"]
    model = lm.scoring("in 1969", chat)
    np.testing.assert_allclose(model([chat])[0], naive(network, ids, model.answer_ids), atol=1e-4)


def test_without_a_template_the_contents_are_joined(network):
    lm = CausalLM(network, word_tokenizer(template=None))
    assert lm.text((("system", "it rained"), ("user", "when ?"))) == "it rained\n\nwhen ?\n"
    assert lm.text("plain") == "plain"


def test_a_chat_may_be_a_list(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    as_tuple, as_list = (("user", "when ?"),), [("user", "when ?")]
    model = lm.scoring("in 1969", as_list)
    np.testing.assert_allclose(model([as_list]), model([as_tuple]), atol=1e-6)


@pytest.mark.parametrize("answer", ["in 1969", "paris . it rained", "free"])
def test_pieces_join_to_the_answer(network, tokenizer, answer):
    model = CausalLM(network, tokenizer).scoring(answer, PROMPTS[0])
    assert "".join(model.outputs) == answer
    assert len(model.outputs) == len(model.answer_ids)


@pytest.mark.parametrize("answer", [" in 1969", "né à Paris", "It costs 5 € 👩‍🚀!", "你好。", "a\n\nb\tc  d", "ok 😀"])
def test_pieces_of_bytes_join_to_the_answer(answer):
    tokenizer = byte_tokenizer()
    model = CausalLM(llama(len(tokenizer)), tokenizer).scoring(answer, "the")
    assert "".join(model.outputs) == answer
    assert len(model.outputs) == len(model.answer_ids) == len(answer.encode())


def test_a_space_that_ends_the_prompt_counts_to_the_answer():
    tokenizer = byte_tokenizer()
    lm = CausalLM(llama(len(tokenizer), max_position_embeddings=128), tokenizer)
    joined = lm.encode("the capital is ") + lm.answer_ids("the capital is ", "Rome")
    assert joined == lm.encode("the capital is Rome")


def test_an_empty_answer_is_refused(network, tokenizer):
    with pytest.raises(InputError, match="answer must hold at least one token"):
        CausalLM(network, tokenizer).scoring("", PROMPTS[0])


def test_generation_is_greedy_and_deterministic(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    text = lm.generate(PROMPTS[0], 5)
    assert text == lm.generate(PROMPTS[0], 5)
    ids = lm.encode(PROMPTS[0])
    made = []
    with torch.inference_mode():
        for _ in range(5):
            made.append(int(network(torch.tensor([ids + made])).logits[0, -1].argmax()))
            if made[-1] == tokenizer.eos_token_id:
                break
    assert text == tokenizer.decode(made, skip_special_tokens=True).strip()


def test_the_generated_answer_is_what_is_scored():
    """Greedy tokens have the highest probability, so each scored token must; lost white space would change them."""
    tokenizer = byte_tokenizer()
    network = llama(len(tokenizer))
    space = tokenizer(" ")["input_ids"][0]
    letter = tokenizer("a")["input_ids"][0]
    with torch.no_grad():  # a model that always goes on with a space, and after a space with an "a"
        for layer in network.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        network.model.embed_tokens.weight.zero_()
        network.model.embed_tokens.weight[:, 0] = 1.0
        network.model.embed_tokens.weight[space] = torch.eye(32)[1]
        network.lm_head.weight.zero_()
        network.lm_head.weight[space, 0] = 2.0
        network.lm_head.weight[letter, 1] = 2.0
    lm = CausalLM(network, tokenizer)
    prompt = "the"
    text, _ = complete(lm, prompt, 4, Store())
    model = lm.scoring(text, prompt)
    with torch.inference_mode():
        logs = network(torch.tensor([lm.encode(prompt) + model.answer_ids])).logits[0].log_softmax(-1).numpy()
    best = logs[len(lm.encode(prompt)) - 1 : -1].max(axis=1)
    np.testing.assert_allclose(model([prompt])[0], best, atol=1e-4)


def test_another_template_generates_another_answer(network):
    """What a model generates depends on its tokenizer's template, so the store must too."""
    store, chat = Store(), (("user", "when ?"),)
    network.generation_config.eos_token_id = None
    one = CausalLM(network, word_tokenizer())
    two = CausalLM(network, word_tokenizer("{% for m in messages %}{{ m.content }} it rained in paris {% endfor %}"))
    expected = [lm.generate(chat, 6) for lm in (one, two)]
    assert all(expected)
    assert expected[0] != expected[1]
    assert [complete(lm, chat, 6, store)[0] for lm in (one, two)] == expected
