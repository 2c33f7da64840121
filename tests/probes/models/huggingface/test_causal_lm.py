"""CausalLM: log-probabilities of a continuation, however they are computed."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from probes import (  # noqa: E402
    CausalLM,
    ContextProbe,
    Design,
    InputError,
    IomapError,
    Store,
    TextProbe,
    ask,
    cube,
)
from probes.asking.ask_batch import Run  # noqa: E402
from tests.helpers.tiny_causal_lm import PROMPTS  # noqa: E402


def naive(network, prompt_ids, answer_ids):
    """Log-probabilities from the logits of the whole sequence, one row, no cache."""
    with torch.inference_mode():
        logits = network(torch.tensor([[*prompt_ids, *answer_ids]]), use_cache=False).logits[0].double()
    logs = logits.log_softmax(-1)
    return np.array([logs[len(prompt_ids) - 1 + i, token].item() for i, token in enumerate(answer_ids)])


def naive_all(lm, prompts, answer_ids):
    return np.stack([naive(lm.module, lm.encode(prompt), answer_ids) for prompt in prompts])


@pytest.mark.parametrize("answer", ["1969", "in 1969", "paris is free . it rained"])
@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
def test_scores_are_those_of_the_full_logits(network, tokenizer, answer, share):
    lm = CausalLM(network, tokenizer, share_prefixes=share)
    model = lm.scoring(answer, PROMPTS[0])
    expected = naive_all(lm, PROMPTS, model.answer_ids)
    np.testing.assert_allclose(model(PROMPTS), expected, atol=1e-4)
    np.testing.assert_allclose(model(PROMPTS[::-1]), expected[::-1], atol=1e-4)
    assert expected.std() > 0.1
    assert model.unit == "nats"
    assert (expected <= 0).all()


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
@pytest.mark.parametrize("batch_tokens", [1, 17, 40, 100_000])
def test_batches_never_change_answers(network, tokenizer, share, batch_tokens):
    lm = CausalLM(network, tokenizer, share_prefixes=share, batch_tokens=batch_tokens)
    probe = ContextProbe(
        {"a": "it rained", "b": "the museum opened in 1969", "c": "entry is free"}, "when did it rained ?"
    )
    model = lm.scoring("in 1969", probe.render(np.ones((1, 3)))[0])
    design = Design(np.vstack([np.ones(3), np.zeros(3), cube(3)]), 2)
    answers = ask(model, probe, design, Store(), run=Run(met=True))
    np.testing.assert_allclose(answers.y, naive_all(lm, probe.render(design.Z), model.answer_ids), atol=1e-4)
    assert answers.cost.rows == 8
    assert answers.cost.tokens == sum(len(row) for row in model.rows(probe.render(cube(3))))


def test_many_rows_with_shared_prefixes_in_any_order(network, tokenizer):
    rng = np.random.default_rng(0)
    prompts = [" ".join(rng.choice(["a", "b", "c"], rng.integers(1, 9))) for _ in range(60)]
    shared, padded = (CausalLM(network, tokenizer, share_prefixes=s).scoring("a b c", "a") for s in (True, False))
    expected = padded(prompts)
    np.testing.assert_allclose(shared(prompts), expected, atol=1e-4)
    order = shared.order(prompts)
    assert sorted(order) == list(range(60))
    np.testing.assert_allclose(shared([prompts[i] for i in order]), expected[order], atol=1e-4)


def test_one_prompt_inside_another_and_repeats(network, tokenizer):
    prompts = ["a b c a b", "a b", "a b", "a b c a b", "a", "a b c"]
    model = CausalLM(network, tokenizer, share_prefixes=True).scoring("b c", "a")
    np.testing.assert_allclose(model(prompts), naive_all(model.lm, prompts, model.answer_ids), atol=1e-4)


def test_shared_prefixes_are_computed_once(network, tokenizer):
    fed = []
    lm = CausalLM(network, tokenizer, share_prefixes=True)
    model = lm.scoring("in 1969", PROMPTS[0])
    prompts = [f"the museum opened in paris {word}" for word in ("a", "b", "c")]
    hook = network.model.embed_tokens.register_forward_hook(lambda _, inputs, output: fed.append(inputs[0].shape[1]))
    try:
        model(prompts)
    finally:
        hook.remove()
    assert sum(fed) <= 7 + 2 + 2


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
@pytest.mark.parametrize("answer", ["1969", "in 1969 it rained"])
def test_logits_are_made_for_answer_positions_only(network, tokenizer, share, answer):
    shapes = []
    model = CausalLM(network, tokenizer, share_prefixes=share).scoring(answer, PROMPTS[0])
    hook = network.lm_head.register_forward_hook(lambda _, inputs, output: shapes.append(tuple(output.shape)))
    try:
        model(PROMPTS)
    finally:
        hook.remove()
    tokens = len(model.answer_ids)
    assert {shape[1] for shape in shapes} == {tokens}
    assert sum(shape[0] for shape in shapes) == len(PROMPTS)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
def test_an_empty_prompt_is_scored_or_refused_in_words(network, tokenizer, share):
    """A text whose words are all absent is an empty prompt: the reference row of every text probe."""
    lm = CausalLM(network, tokenizer, share_prefixes=share)
    probe = TextProbe("the museum opened", answer="in 1969")
    model = lm.scoring(probe.answer, probe.text)
    try:
        answers = ask(model, probe, Design(cube(3), 0), Store())
    except IomapError:
        pytest.fail("the reference row of a text probe must be answered")
    assert np.isfinite(answers.y).all()
    alone = model([""])
    np.testing.assert_allclose(answers.y[:1], alone, atol=1e-4)


def test_a_models_window_is_respected(network, tokenizer):
    model = CausalLM(network, tokenizer).scoring("a b", "a")
    with pytest.raises(InputError, match="prompt and answer must fit the model's window of 64 tokens"):
        ask(model, TextProbe("a " * 70, answer="a b"), Design(np.ones((2, 70)), 2), Store())


def test_a_sliding_window_is_no_obstacle(tokenizer):
    torch.manual_seed(0)
    config = transformers.MistralConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=4, max_position_embeddings=64, initializer_range=0.4,
    )  # fmt: skip
    network = transformers.MistralForCausalLM(config).eval()
    shared, padded = (CausalLM(network, tokenizer, share_prefixes=s).scoring("a b", "a") for s in (True, False))
    expected = naive_all(padded.lm, PROMPTS, padded.answer_ids)
    np.testing.assert_allclose(padded(PROMPTS), expected, atol=1e-4)
    np.testing.assert_allclose(shared(PROMPTS), expected, atol=1e-4)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
def test_a_model_changed_in_place_is_asked_afresh(network, tokenizer, share):
    lm = CausalLM(network, tokenizer, share_prefixes=share)
    model = lm.scoring("in 1969", PROMPTS[0])
    before = model(PROMPTS)
    with torch.no_grad():
        network.model.layers[0].self_attn.v_proj.weight.mul_(-2)
    # the first prompt now is the one that was asked last before the change
    after = model(PROMPTS[::-1])[::-1]
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_allclose(after, naive_all(lm, PROMPTS, model.answer_ids), atol=1e-4)
