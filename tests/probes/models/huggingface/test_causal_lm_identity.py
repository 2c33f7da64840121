"""CausalLM: what names a model, and what is recognised as one."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from probes import (  # noqa: E402
    CausalLM,
    Design,
    InputError,
    IomapError,
    Store,
    TextProbe,
    as_model,
    ask,
)
from probes.models.huggingface.weights import fingerprint  # noqa: E402
from tests.helpers.tiny_causal_lm import PROMPTS, llama  # noqa: E402


def test_identity_follows_the_weights(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    before = lm.identity()
    assert before.persistent
    assert CausalLM(llama(len(tokenizer)), tokenizer).identity() == before
    with torch.no_grad():
        network.lm_head.weight[0, 0] += 1e-3
    after = lm.identity()
    assert after.id != before.id
    assert after.persistent
    with torch.no_grad():
        network.lm_head.weight[0, 0] -= 1e-3
    assert CausalLM(llama(len(tokenizer), seed=1), tokenizer).identity().id != before.id
    assert CausalLM(llama(len(tokenizer), rms_norm_eps=1e-3), tokenizer).identity().id != before.id
    half = CausalLM(llama(len(tokenizer)).to(torch.bfloat16), tokenizer)
    assert half.identity().id != before.id
    assert half.identity().persistent


def test_identity_is_the_same_wherever_the_files_lie(network, tokenizer, tmp_path):
    for name in ("here", "there"):
        network.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    here, there = (CausalLM.from_pretrained(tmp_path / name).identity() for name in ("here", "there"))
    assert here.persistent
    assert here == there


@pytest.mark.parametrize("kind", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_hooked_model_is_identified_for_this_run_only(network, tokenizer, kind):
    lm = CausalLM(network, tokenizer)
    before = lm.identity()
    hook = getattr(network.model.layers[1].mlp, kind)(lambda *arguments: None)
    first, second = lm.identity(), lm.identity()
    assert not first.persistent
    assert len({before.id, first.id, second.id}) == 3
    hook.remove()
    assert lm.identity() == before


def test_a_name_replaces_the_fingerprint(network, tokenizer):
    named = CausalLM(network, tokenizer, "tiny-v1")
    assert named.identity().persistent
    assert named.identity() == CausalLM(llama(len(tokenizer), seed=3), tokenizer, "tiny-v1").identity()


def test_answers_belong_to_their_continuation(network, tokenizer):
    lm, store = CausalLM(network, tokenizer), Store()
    probe = TextProbe("the museum opened in", answer="1969")
    design = Design(np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 1, 1, 1]]), 1)
    one = ask(lm.scoring("1969", probe.text), probe, design, store)
    two = ask(lm.scoring("paris", probe.text), probe, design, store)
    assert two.cost.rows == 3
    assert not np.allclose(one.y, two.y)
    again = ask(lm.scoring("1969", probe.text), probe, design, store)
    assert again.cost.rows == 0
    np.testing.assert_array_equal(again.y, one.y)  # exact: answers come from the store bit for bit


def test_a_bare_model_without_tokenizer_is_refused_in_words(network, tokenizer):
    with pytest.raises(IomapError, match="okenizer"):
        as_model(network)
    with pytest.raises(InputError, match="tokenizer must come with a language model"):
        CausalLM(network, None)
    with pytest.raises(InputError, match="batch_tokens must be a positive integer"):
        CausalLM(network, tokenizer, batch_tokens=0)


def test_a_saved_model_is_recognised(network, tokenizer, tmp_path):
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    lm = CausalLM.from_pretrained(tmp_path)
    expected = CausalLM(network, tokenizer).scoring("in 1969", "a")(PROMPTS)
    np.testing.assert_allclose(lm.scoring("in 1969", "a")(PROMPTS), expected, atol=1e-5)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    adopted = as_model(loaded)
    assert isinstance(adopted, CausalLM)
    pipeline = transformers.pipeline("text-generation", model=loaded, tokenizer=tokenizer)
    assert isinstance(as_model(pipeline), CausalLM)
    assert as_model(pipeline).identity() == adopted.identity() == lm.identity()
    assert as_model(lm) is lm


def test_bad_places(tmp_path):
    with pytest.raises(InputError, match="dtype must be one of float32, bfloat16, float16"):
        CausalLM.from_pretrained(tmp_path, dtype="int8")
    with pytest.raises(InputError, match="gguf_file must name a file that exists"):
        CausalLM.from_pretrained(tmp_path, gguf_file="none.gguf")


def test_networks_whose_weights_or_code_are_not_seen_are_identified_for_this_run_only():
    def quantised(seed):
        torch.manual_seed(seed)
        return torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(torch.nn.Linear(4, 4)), {torch.nn.Linear})

    def traced(seed):
        parts = torch.nn.Linear(4, 4), (torch.nn.ReLU(), torch.nn.Tanh())[seed]
        torch.manual_seed(0)
        return torch.jit.freeze(torch.jit.trace(torch.nn.Sequential(*parts).eval(), torch.ones(2, 4)))

    for made in (quantised, traced):
        one, other = (fingerprint(made(seed)) for seed in range(2))
        assert one.id != other.id
        assert not one.persistent
