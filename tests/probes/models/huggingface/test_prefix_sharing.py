"""Logits of rows on top of shared prefixes: those of plain forwards, whatever the architecture; nothing is left."""

import sys
from contextlib import contextmanager

import numpy as np
import pytest

from tests.helpers.threads import ended, started
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes.models.huggingface import packed_attention as packed  # noqa: E402
from probes.models.huggingface import prefix_sharing as prefixes  # noqa: E402
from probes.models.huggingface.prefix_sharing import shared_logits  # noqa: E402

WORDS = 30
SETTINGS = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.4,
    "pad_token_id": 1,
    "bos_token_id": None,
    "eos_token_id": 2,
}
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512}
LATENT = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 4}
EXPERTS = {"n_routed_experts": 4, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
PLAIN = {
    "Llama": {},
    "Mistral": {"sliding_window": None},
    "Qwen2": {},
    "Qwen3": {"head_dim": 8},
    "Gemma": {"head_dim": 8, "num_key_value_heads": 1},
    "GPTNeoX": {},
    "OPT": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "Phi": {},
    "Mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "DeepseekV3": {**LATENT, **EXPERTS, "num_key_value_heads": 4},
    "GPT2LMHead": GPT,
}
OTHER = {
    "Falcon": {"alibi": True},
    "Bloom": {"n_layer": 2, "n_head": 4},
    "GPTJ": {**GPT, "rotary_dim": 4},
    "GptOss": {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8, "layer_types": ["full_attention"] * 2},
}


def build(name="Llama", **changes):
    torch.manual_seed(0)
    kind = getattr(transformers, name.removesuffix("LMHead") + "Config")
    suffix = "Model" if name.endswith("LMHead") else "ForCausalLM"
    return getattr(transformers, name + suffix)(kind(**{**SETTINGS, **(PLAIN | OTHER)[name], **changes})).eval()


def some_rows(many, longest=14, seed=0, letters=4):
    rng = np.random.default_rng(seed)
    return [[int(i) for i in rng.integers(3, 3 + letters, rng.integers(3, longest))] for _ in range(many)]


def branches(longest, many=5, seed=0):
    """Long rows that go apart at places far from one another."""
    rng = np.random.default_rng(seed)
    trunk = [int(i) for i in rng.integers(3, WORDS, longest)]
    cuts = rng.integers(0, longest - 5, many)
    return sorted(
        trunk[:cut] + [int(i) for i in rng.integers(3, WORDS, rng.integers(5, longest - cut))] for cut in cuts
    )


def logs(module, rows, keep=3):
    return torch.cat([logits.float().log_softmax(-1) for logits in shared_logits(module, rows, keep)])


def plain(module, rows, keep=3):
    with torch.inference_mode():
        return torch.stack(
            [module(torch.tensor([row]), use_cache=False).logits[0, -keep:].log_softmax(-1) for row in rows]
        )


@contextmanager
def fed():
    """Tokens that every forward takes, and positions of which it makes logits."""

    class Fed(torch.overrides.TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.tokens, self.logits = [], []

        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is torch.nn.functional.embedding:
                self.tokens.append(args[0].numel())
            out = func(*args, **(kwargs or {}))
            if func is torch.nn.functional.linear and out.shape[-1] == WORDS:
                self.logits.append(out.numel() // WORDS)
            return out

    with Fed() as seen:
        yield seen


def tree(rows, keep=3):
    """Tokens that have to go through the model: the rows' last ones, and others where they leave the row before."""
    total, before = 0, []
    for row in rows:
        shared = 0
        while shared < min(len(before), len(row) - keep) and before[shared] == row[shared]:
            shared += 1
        total, before = total + len(row) - shared, row
    return total


@pytest.mark.parametrize("name", [*PLAIN, *OTHER])
@pytest.mark.parametrize("sort", [sorted, list], ids=["sorted", "any order"])
def test_logits_are_those_of_plain_forwards(name, sort):
    module, rows = build(name), sort(some_rows(40))
    expected = plain(module, rows)
    torch.testing.assert_close(logs(module, rows), expected, atol=1e-4, rtol=0)
    assert expected[:, 0].std(0).max() > 0.05


@pytest.mark.parametrize("name", [*PLAIN, *OTHER])
def test_plain_attention_takes_many_rows_at_a_time(name):
    module, rows = build(name), sorted(some_rows(40))
    logs(module, rows[:2])
    with fed() as seen:
        logs(module, rows)
    # GPT-J computes its products by itself in older releases and takes any attention in newer ones
    packed = name in PLAIN or (name == "GPTJ" and module._supports_attention_backend)
    if name == "OPT":  # older releases give it a mask even where none is needed
        packed = hasattr(sys.modules[type(module).__module__], "create_causal_mask")
    assert max(seen.tokens) > 14 if packed else len(seen.tokens) >= len(rows)


def test_rows_one_by_one_hand_over_no_argument_that_is_going_away(recwarn):
    logs(build("Bloom"), sorted(some_rows(4)))
    assert not [str(w.message) for w in recwarn if "past_key_values" in str(w.message)]


@pytest.mark.parametrize("name", ["Llama", "GPT2LMHead", "Gemma"])
@pytest.mark.parametrize(("tokens", "queries"), [(1, 128), (300, 7), (1024, 32), (4096, 128)])
def test_however_rows_and_queries_are_cut(name, tokens, queries, monkeypatch):
    module, rows = build(name), branches(300, 6)
    monkeypatch.setattr(prefixes, "TOKENS", tokens)
    monkeypatch.setattr(packed, "QUERIES", queries)
    torch.testing.assert_close(logs(module, rows), plain(module, rows), atol=1e-4, rtol=0)


def test_every_edge_of_the_prefix_tree_is_computed_once():
    module, rows = build(), branches(200, 12)
    logs(module, rows[:1])
    with fed() as seen:
        logs(module, rows)
    assert sum(seen.tokens) == tree(rows) < sum(map(len, rows))
    assert len(seen.tokens) < len(rows)


def test_tokens_and_logits_of_a_forward_are_bounded():
    module = build()
    rows = [[*row, *[9] * 40] for row in sorted(some_rows(30, 300, letters=20))]
    logs(module, rows[:1], 40)
    with fed() as seen:
        sizes = [logits.shape for logits in shared_logits(module, rows, 40)]
    assert max(seen.tokens) <= prefixes.TOKENS
    assert {tuple(size[1:]) for size in sizes} == {(40, WORDS)}
    assert len(sizes) == len(rows)
    assert 40 < max(seen.logits) <= prefixes.LOGITS
    assert sum(seen.logits) == 40 * len(rows)


def test_a_row_longer_than_a_forward_should_be(monkeypatch):
    monkeypatch.setattr(prefixes, "TOKENS", 16)
    monkeypatch.setattr(prefixes, "LOGITS", 2)
    module, rows = build(), branches(60, 4)
    torch.testing.assert_close(logs(module, rows), plain(module, rows), atol=1e-4, rtol=0)


def test_no_rows_and_repeated_rows():
    module, row = build(), [3, 4, 5, 6, 7]
    assert list(shared_logits(module, [], 3)) == []
    rows = [row, row, row[:3], row, row[:4]]
    torch.testing.assert_close(logs(module, rows), plain(module, rows), atol=1e-4, rtol=0)


def test_half_precision_is_as_near_as_it_can_be():
    module, rows = build(), branches(100, 6)
    exact = logs(module, rows)
    half = module.to(torch.bfloat16)
    packed, alone = logs(half, rows), plain(half, rows).float()
    assert (packed - exact).abs().mean() <= 1.5 * (alone - exact).abs().mean()


# --- whom it leaves alone


def state(module):
    return [part.config._attn_implementation for part in module.modules() if hasattr(part, "config")]


def test_the_module_is_as_it_was_between_forwards_and_after_an_error():
    module, rows = build(), branches(300, 12)
    before, expected = state(module), logs(module, rows)
    for _ in shared_logits(module, rows, 3):
        assert state(module) == before

    class Interrupts(torch.overrides.TorchFunctionMode):
        products = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.products += func is torch.nn.functional.scaled_dot_product_attention
            if self.products > 20:
                raise KeyboardInterrupt
            return func(*args, **(kwargs or {}))

    with pytest.raises(KeyboardInterrupt), Interrupts():
        logs(module, rows)
    assert state(module) == before
    torch.testing.assert_close(logs(module, rows), expected, atol=0, rtol=0)


def test_a_forward_of_another_thread_is_answered_as_usual():
    module, answers = build(), []
    ids = torch.tensor([[1, 1, 5, 6, 7], [3, 4, 5, 6, 7]])
    asked = {"input_ids": ids, "attention_mask": (ids != 1).long(), "use_cache": False}

    def forward():
        with torch.inference_mode():
            answers.append(module(**asked).logits)

    forward()
    with packed.replaced_attention(module, packed.Buffers(9), [(0, 9)]):
        assert module.config._attn_implementation == packed.NAME
        ended(started(forward))
    torch.testing.assert_close(answers[1], answers[0], atol=1e-5, rtol=0)


def test_two_threads_share_a_module():
    module = build()
    parts = [branches(150, 8, seed) for seed in range(4)]
    expected, answers = [plain(module, rows) for rows in parts], {}
    ended(started(*(lambda i=i: answers.update({i: logs(module, parts[i])}) for i in range(len(parts)))))
    for i, values in enumerate(expected):
        torch.testing.assert_close(answers[i], values, atol=1e-4, rtol=0)


def test_a_hook_sees_one_row_at_a_time():
    module, rows = build(), sorted(some_rows(10))
    expected = logs(module, rows)
    lengths = []
    hook = module.model.layers[0].register_forward_hook(lambda _, inputs, output: lengths.append(inputs[0].shape[1]))
    torch.testing.assert_close(logs(module, rows), expected, atol=1e-4, rtol=0)
    hook.remove()
    assert len(lengths) == len(rows)


@pytest.mark.parametrize(
    "changes",
    [
        {"attn_implementation": "eager"},
        {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}},
    ],
    ids=["eager", "angles that depend on the length"],
)
def test_what_is_not_plain_is_asked_row_by_row(changes):
    module, rows = build(**changes), sorted(some_rows(10))
    before = state(module)
    with fed() as seen:
        calls = logs(module, rows)
    assert len(seen.tokens) == len(rows)
    assert state(module) == before
    torch.testing.assert_close(calls, plain(module, rows), atol=1e-4, rtol=0)


def test_attention_that_is_more_than_products_is_refused():
    module = build()
    packed.register()
    attend = transformers.AttentionInterface._global_mapping[packed.NAME]
    tensors = [torch.zeros(1, 4, 2, 8)] * 3
    with packed.replaced_attention(module, packed.Buffers(2), [(0, 2)]):
        for more in ({"softcap": 30.0}, {"sliding_window": 4}, {"s_aux": torch.zeros(4)}):
            with pytest.raises(NotImplementedError, match="attention with a mask"):
                attend(module.model.layers[0].self_attn, *tensors, None, **more)
        with pytest.raises(NotImplementedError, match="attention with a mask"):
            attend(module.model.layers[0].self_attn, *tensors, torch.zeros(1, 1, 2, 2))
