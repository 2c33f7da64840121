"""CausalLM with a real small language model."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import (  # noqa: E402
    CausalLM,
    ContextProbe,
    InputError,
)
from surrogates import explain  # noqa: E402


def naive(network, prompt_ids, answer_ids):
    """Log-probabilities from the logits of the whole sequence, one row, no cache."""
    with torch.inference_mode():
        logits = network(torch.tensor([[*prompt_ids, *answer_ids]]), use_cache=False).logits[0].double()
    logs = logits.log_softmax(-1)
    return np.array([logs[len(prompt_ids) - 1 + i, token].item() for i, token in enumerate(answer_ids)])


def naive_all(lm, prompts, answer_ids):
    return np.stack([naive(lm.module, lm.encode(prompt), answer_ids) for prompt in prompts])


REAL = [
    "The capital of France is",
    "The capital of France, as everybody knows, is",
    "It rained all day in the north of the country. The museum opened in 1969. The capital of France is",
    "The",
    "Question: what is the capital of France?\nAnswer:",
    "The capital of France is not Rome, nor Berlin, nor Madrid; it is",
]


def test_a_real_models_two_ways_agree(smollm2):
    shared = CausalLM(smollm2.module, smollm2.tokenizer, share_prefixes=True).scoring(" Paris, of course", REAL[0])
    padded = CausalLM(smollm2.module, smollm2.tokenizer, share_prefixes=False).scoring(" Paris, of course", REAL[0])
    expected = naive_all(smollm2, REAL, shared.answer_ids)
    assert "".join(shared.outputs) == " Paris, of course"
    scores = padded(REAL)
    np.testing.assert_allclose(shared(REAL), scores, atol=1e-3)
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    assert expected[0, 0] > -1.5


def test_a_real_models_own_answer_is_its_likeliest(smollm2):
    text = smollm2.generate(REAL[0], 1)
    model = smollm2.scoring(text, REAL[0])
    with torch.inference_mode():
        logs = smollm2.module(torch.tensor([smollm2.encode(REAL[0])])).logits[0, -1].log_softmax(-1)
    assert model([REAL[0]])[0, 0] == pytest.approx(float(logs.max()), abs=1e-3)


def test_a_real_model_in_half_precision_says_nearly_the_same(smollm2, smollm2_file):
    half = CausalLM.from_pretrained(smollm2_file, dtype="bfloat16")
    assert half.module.dtype is torch.bfloat16
    full = smollm2.scoring(" Paris", REAL[0])(REAL[:1])
    np.testing.assert_allclose(half.scoring(" Paris", REAL[0])(REAL[:1]), full, atol=0.2)


def test_a_real_model_reads_chats(smollm2):
    probe = ContextProbe("The museum opened in 1969. It rained.", "When did the museum open?", system="Be brief.")
    chat = probe.render(np.ones((1, 2)))[0]
    text = smollm2.text(chat)
    assert text.index("Be brief.") < text.index("1969") < text.index("assistant")
    model = smollm2.scoring("1969", chat)
    with_it, without = model(probe.render(np.array([[1, 1], [0, 1]]))).sum(axis=1)
    assert with_it > without + 1


def test_a_real_template_is_read_for_what_it_adds_and_leaves_out(smollm2):
    chat = [("system", "Be brief."), ("user", "When did it open?")]
    [note] = smollm2.reading_notes([chat, chat[1:]])
    assert "“You are a helpful AI assistant named SmolLM, trained by Hugging Face”" in note
    assert smollm2.text([*chat, ("assistant", "It opened in")]).endswith("<|im_start|>assistant\nIt opened in")
    call = {"id": "a", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "a", "content": "In 1969."}
    with pytest.raises(InputError, match=r"it leaves out a tool call of message 2 \(assistant\)"):
        explain(smollm2, [*chat, calling, result], store=None)
