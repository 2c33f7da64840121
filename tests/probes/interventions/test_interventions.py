"""Interventions on language models: against networks whose weights were changed, and the base stays what it is."""

from __future__ import annotations

import threading
from copy import deepcopy

import numpy as np
import pytest

from probes import (
    CausalLM,
    InputError,
    Store,
    TextFunction,
    TextProbe,
    ablate,
    activations,
    components_of,
    contrast,
    steer,
    with_prompt,
)
from surrogates import compare
from tests.helpers.threads import ended, started
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_causal_lm import PROMPTS, lm_of, word_tokenizer  # noqa: E402

ANSWER = " entry is free"
VECTOR = np.random.default_rng(0).normal(size=32)


def scores(lm):
    """Log-probabilities of all tokens of the answer, for all prompts at once."""
    return lm.scoring(ANSWER, PROMPTS[0])(PROMPTS)


def changed(lm, change):
    """The same with other weights, by hand."""
    network = deepcopy(lm.module)
    with torch.no_grad():
        change(network)
    return CausalLM(network, lm.tokenizer)


def biased(layer, vector):
    """Add a vector to what a layer of a Llama puts out: a bias of its last linear map."""

    def change(network):
        part = network.model.layers[layer].mlp.down_proj
        part.bias = torch.nn.Parameter(torch.tensor(vector, dtype=torch.float32))

    return change


def without_head(layer, head, mean=None):
    def change(network):
        part = network.model.layers[layer].self_attn.o_proj
        columns = slice(8 * head, 8 * head + 8)
        if mean is not None:
            part.bias = torch.nn.Parameter(part.weight[:, columns] @ torch.tensor(mean, dtype=torch.float32))
        part.weight[:, columns] = 0

    return change


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("layer", [0, 1, -1])
def test_steering_is_a_bias_of_the_layer(layer, share):
    lm = lm_of(share_prefixes=share)
    truth = changed(lm, biased(layer, 2.5 * VECTOR))
    steered = steer(lm, layer, VECTOR, 2.5)
    assert np.abs(scores(steered) - scores(lm)).max() > 0.1
    np.testing.assert_allclose(scores(steered), scores(truth), atol=2e-4)
    pairs = [(prompt, answer) for prompt in PROMPTS for answer in (ANSWER, " it rained")]
    np.testing.assert_allclose(steered.pairs()(pairs), truth.pairs()(pairs), atol=5e-4)
    assert steered.generate("the museum opened", 6) == truth.generate("the museum opened", 6)


def test_steering_several_layers_adds_to_each():
    lm = lm_of()
    truth = changed(changed(lm, biased(0, VECTOR)), biased(1, VECTOR))
    np.testing.assert_allclose(scores(steer(lm, [0, 1], VECTOR)), scores(truth), atol=2e-4)
    np.testing.assert_allclose(scores(steer(steer(lm, 0, VECTOR), 1, VECTOR)), scores(truth), atol=2e-4)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_what_is_batched_is_what_is_asked_one_by_one(kind):
    lm = lm_of(kind)
    for changed_lm in (steer(lm, 1, VECTOR), ablate(lm, ["0.2", "mlp.1"]), steer(ablate(lm, "1.0"), 0, VECTOR)):
        scorer = changed_lm.scoring(ANSWER, PROMPTS[0])
        together = scorer(PROMPTS)
        alone = np.vstack([scorer([prompt]) for prompt in PROMPTS])
        plain = np.vstack([scorer.direct()([prompt]) for prompt in PROMPTS])
        np.testing.assert_allclose(together, alone, atol=2e-4)
        np.testing.assert_allclose(together, plain, atol=2e-4)
        assert np.abs(together - scores(lm)).max() > 0.01


def test_a_head_is_ablated_to_nothing_and_to_its_mean():
    lm = lm_of()
    np.testing.assert_allclose(scores(ablate(lm, "1.3")), scores(changed(lm, without_head(1, 3))), atol=2e-4)
    seen = []
    part = lm.module.model.layers[1].self_attn.o_proj
    handle = part.register_forward_pre_hook(lambda _, given: seen.append(given[0][0, :, 24:32].double().numpy()))
    with torch.no_grad():
        for prompt in PROMPTS[:3]:
            lm.module(input_ids=torch.tensor([lm.encode(prompt)]))
    handle.remove()
    values = np.concatenate(seen)
    truth = changed(lm, without_head(1, 3, values.mean(axis=0)))
    np.testing.assert_allclose(scores(ablate(lm, "1.3", "mean", reference=PROMPTS[:3])), scores(truth), atol=2e-4)
    drawn = ablate(lm, "1.3", "resample", reference=PROMPTS[:3], random_state=4)
    (fixed,) = drawn.intervention.values
    assert np.abs(values - fixed).max(axis=1).min() < 1e-6  # what one of the tokens has
    np.testing.assert_allclose(scores(drawn), scores(changed(lm, without_head(1, 3, fixed))), atol=2e-4)
    other = ablate(lm, "1.3", "resample", reference=PROMPTS[:3], random_state=5)
    assert other.identity() != drawn.identity()


def test_feed_forward_parts_and_heads_of_gpt2_are_ablated():
    lm = lm_of("gpt2")

    def no_head(network):
        network.transformer.h[1].attn.c_proj.weight[8:16] = 0

    def no_mlp(network):
        part = network.transformer.h[0].mlp.c_proj
        part.weight[:], part.bias[:] = 0, 0

    np.testing.assert_allclose(scores(ablate(lm, "1.1")), scores(changed(lm, no_head)), atol=2e-4)
    np.testing.assert_allclose(scores(ablate(lm, "mlp.0")), scores(changed(lm, no_mlp)), atol=2e-4)
    np.testing.assert_allclose(scores(ablate(lm, "transformer.h.0.mlp")), scores(ablate(lm, "mlp.0")), atol=1e-6)
    assert components_of(lm) == [f"{layer}.{head}" for layer in (0, 1) for head in range(4)] + ["mlp.0", "mlp.1"]


def test_the_base_is_bit_identical_afterwards_whatever_happens():
    lm = lm_of()
    before = scores(lm)
    identity = lm.identity()
    steered = steer(lm, 0, VECTOR, 3.0)
    moved = scores(steered)
    for error in (RuntimeError, KeyboardInterrupt):

        def fails(*_, error=error, **__):
            raise error("in the middle")

        handle = lm.module.model.layers[1].register_forward_hook(fails)
        with pytest.raises(error):
            steered.log_probs([3, 4], [5])
        handle.remove()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in lm.module.modules())
    np.testing.assert_array_equal(scores(lm), before)  # exact: bit-identical is what is promised
    np.testing.assert_array_equal(scores(steered), moved)  # exact: the same computation
    assert lm.identity() == identity and identity.persistent


def test_another_thread_that_asks_the_base_meanwhile_is_not_touched():
    lm = lm_of(share_prefixes=False)
    steered, before = steer(lm, 0, VECTOR, 3.0), scores(lm)
    seen, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            seen.append(np.abs(scores(lm) - before).max())

    threads = started(ask)
    try:
        moved = [scores(steered) for _ in range(20)]
    finally:
        stop.set()
    ended(threads)
    assert len(seen) > 3 and max(seen) < 1e-5
    assert np.abs(np.array(moved) - moved[0]).max() < 1e-5 < np.abs(moved[0] - before).max()


def test_identities_know_base_content_and_order():
    lm = lm_of()
    one = steer(lm, 0, VECTOR)
    made = [
        lm,
        one,
        steer(lm, 0, VECTOR, 2.0),
        steer(lm, 1, VECTOR),
        steer(lm, 0, -VECTOR),
        ablate(lm, "0.1"),
        ablate(lm, "mlp.0"),
        ablate(one, "0.1"),
        steer(ablate(lm, "0.1"), 0, VECTOR),
        steer(lm_of("gpt2"), 0, VECTOR),
        with_prompt(lm, "be brief"),
        with_prompt(lm, prefix="be brief"),
    ]
    identities = [model.identity() for model in made]
    assert len({i.id for i in identities}) == len(made) and all(i.persistent for i in identities)
    assert steer(lm, [0], VECTOR.copy(), 1.0).identity() == one.identity()
    first = np.abs(scores(ablate(steer(lm, 0, VECTOR), "model.layers.0")) - scores(ablate(lm, "model.layers.0"))).max()
    last = np.abs(scores(steer(ablate(lm, "model.layers.0"), 0, VECTOR)) - scores(ablate(lm, "model.layers.0"))).max()
    assert first < 1e-6 < last  # what comes later acts on what is left by what came before


def test_controls_have_the_same_size_and_another_direction():
    lm = lm_of()
    steered = steer(lm, 1, VECTOR, 2.0)
    control = steered.control(random_state=3)
    assert np.linalg.norm(control.intervention.vector) == pytest.approx(np.linalg.norm(VECTOR))
    assert abs(control.intervention.vector @ VECTOR) < 0.8 * VECTOR @ VECTOR
    assert control.intervention.modules == steered.intervention.modules and control.identity() != steered.identity()
    assert steered.control(3).identity() == control.identity() != steered.control(4).identity()
    ablated = ablate(lm, ["0.1", "mlp.0"]).control()
    assert [("mlp" in c) for c in ablated.intervention.components] == [False, True]
    assert not {"0.1", "mlp.0"} & set(ablated.intervention.components)
    assert sorted(with_prompt(lm, "be brief now").control().system.split()) == ["be", "brief", "now"]


def test_a_control_is_drawn_of_what_nothing_was_done_to_and_of_the_same_kind():
    lm = lm_of()
    for seed in range(6):
        assert ablate(lm, "model.layers.0.mlp").control(seed).intervention.components == ("model.layers.1.mlp",)
        assert ablate(lm, "model.layers.0.self_attn").control(seed).intervention.components == (
            "model.layers.1.self_attn",
        )
        (drawn,) = ablate(lm, "01.2").control(seed).intervention.components
        assert drawn != "1.2"
        base = ablate(lm, ["1.0", "1.1", "1.2", "0.0", "0.1", "0.2"])
        assert ablate(base, "1.3").control(seed).intervention.components == ("0.3",)
        mixed = with_prompt(lm, prefix="Be careful and slow.\nAlways answer.\n").control(seed).prefix
        assert mixed != "Be careful and slow.\nAlways answer.\n" and mixed.endswith("\n") and mixed.count("\n") == 2
        assert sorted(mixed.split()) == sorted(["Be", "careful", "and", "slow.", "Always", "answer."])


def test_layers_of_another_width_than_the_embedding_are_steered_and_ablated():
    torch.manual_seed(0)
    tokenizer = word_tokenizer()
    config = transformers.OPTConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        word_embed_proj_dim=16,
        do_layer_norm_before=False,
    )
    lm = CausalLM(transformers.OPTForCausalLM(config).eval(), tokenizer)
    for made in (
        steer(lm, 0, contrast(lm, PROMPTS[:2], PROMPTS[3:5], 0)),
        ablate(lm, "model.decoder.layers.0.self_attn"),
        ablate(lm, "mlp.1"),
    ):
        assert np.isfinite(scores(made)).all() and np.abs(scores(made) - scores(lm)).max() > 0
    assert "mlp.0" in components_of(lm)


def test_vectors_of_torch_and_copies_are_taken():
    lm = lm_of()
    vector = torch.tensor(VECTOR, dtype=torch.bfloat16)
    learnt = torch.nn.Parameter(torch.tensor(VECTOR, dtype=torch.float32))
    np.testing.assert_allclose(scores(steer(lm, 0, vector)), scores(steer(lm, 0, VECTOR)), atol=0.1)
    np.testing.assert_allclose(scores(steer(lm, 0, learnt)), scores(steer(lm, 0, VECTOR)), atol=1e-5)
    one = ablate(steer(lm, 0, VECTOR), "1.2")
    np.testing.assert_allclose(scores(deepcopy(one)), scores(one), atol=1e-6)
    assert "vector of length" in repr(one) and "1.2 replaced by zero" in repr(one)
    assert components_of((lm.module, lm.tokenizer)) == components_of(lm)


def test_a_vector_of_negative_scale_is_subtracted():
    added, subtracted = (repr(steer(lm_of(), 0, VECTOR, scale=scale)) for scale in (2.0, -2.0))
    assert subtracted == added.replace("added to", "subtracted from") != added


def test_a_contrast_is_the_difference_of_mean_activations_at_the_last_token():
    lm = lm_of()
    positive, negative = PROMPTS[:2], PROMPTS[3:5]
    with torch.no_grad():
        states = [
            lm.module(input_ids=torch.tensor([lm.encode(p)]), output_hidden_states=True).hidden_states[1][0, -1].numpy()
            for p in (*positive, *negative)
        ]
    truth = np.mean(states[:2], axis=0) - np.mean(states[2:], axis=0)
    np.testing.assert_allclose(contrast(lm, positive, negative, 0), truth, atol=1e-5)
    assert activations(lm, positive, "model.layers.0.mlp", "mean").shape == (2, 32)
    moved = activations(steer(lm, 0, VECTOR), positive, 0) - activations(lm, positive, 0)
    np.testing.assert_allclose(moved, np.tile(VECTOR, (2, 1)), atol=1e-4)


def test_a_prompted_model_says_all_that_was_done_to_it():
    steered = steer(lm_of(), 0, VECTOR)
    assert repr(with_prompt(steered, "be brief")) == f"{steered!r} with the system prompt 'be brief'"


def test_a_prompted_model_reads_what_stands_before():
    lm = lm_of()
    plain, chat = with_prompt(lm, prefix="the museum opened "), with_prompt(lm, "it rained")
    asked = ["in paris", "in 1969"]
    shown = [f"the museum opened {text}" for text in asked]
    scorer = plain.scoring(ANSWER, asked[0])
    np.testing.assert_allclose(scorer(asked), lm.scoring(ANSWER, shown[0])(shown), atol=1e-6)
    assert plain.generate(asked[0], 5) == lm.generate(shown[0], 5)
    messages = [(("system", "it rained"), ("user", text)) for text in asked]
    np.testing.assert_allclose(
        chat.scoring(ANSWER, asked[0])(asked), lm.scoring(ANSWER, messages[0])(messages), atol=1e-6
    )
    pairs = [(text, ANSWER) for text in asked]
    np.testing.assert_allclose(plain.pairs()(pairs), lm.pairs()([(s, ANSWER) for s in shown]), atol=1e-6)
    assert scorer.digests(asked) == lm.scoring(ANSWER, shown[0]).digests(shown)
    with pytest.raises(InputError, match="have no system prompt of its own"):
        chat.generate([("system", "be"), ("user", "a")], 3)
    loud = with_prompt(with_prompt(TextFunction(str.upper), prefix="b "), prefix="a ")
    assert loud.generate("c", 3) == "B A C"


def test_what_is_changed_is_compared_and_never_mixed_in_the_store(few_folds):
    lm, store = lm_of(), Store()
    probe = TextProbe("the museum opened in 1969", answer=ANSWER)
    d = compare(lm, steer(lm, 1, VECTOR), probe, names=("base", "steered"), store=store)
    again = compare(lm, ablate(lm, "1.0"), probe, store=store)
    for difference, other in ((d, steer(lm, 1, VECTOR)), (again, ablate(lm, "1.0"))):
        texts = probe.render(difference.change.answers.design.Z)
        for model, side in ((lm, difference.before), (other, difference.after)):
            truth = model.scoring(ANSWER, texts[0])(texts).mean(axis=1)
            np.testing.assert_allclose(side.y[:, 0], truth, atol=1e-4)
    assert again.before.answers.cost.rows == 0  # known from the first comparison


def test_after_its_with_block_it_cannot_be_asked():
    lm = lm_of()
    with steer(lm, 0, VECTOR) as steered:
        assert scores(steered).shape == (len(PROMPTS), 3)
    with pytest.raises(InputError, match="be asked inside its with block"):
        scores(steered)
    assert scores(lm).shape == (len(PROMPTS), 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda lm: steer(lm, 2, VECTOR), "layers must be between 0 and 1, or negative from the last; got 2"),
        (lambda lm: steer(lm, "model.layer.1", VECTOR), r"layers must name modules .*near: model\.layers\.1"),
        (lambda lm: steer(lm, [], VECTOR), "layers must name at least one layer"),
        (lambda lm: steer(lm, [0, "model.layers.0"], VECTOR), "layers must name each layer once"),
        (lambda lm: steer(lm, True, VECTOR), "layers must"),
        (
            lambda lm: steer(lm, 0, VECTOR[:-1]),
            r"vector must have .* the 32 that model\.layers\.0 puts out; got \(31,\)",
        ),
        (lambda lm: steer(lm, 0, np.full(32, np.nan)), "vector must be finite"),
        (lambda lm: steer(lm, 0, VECTOR, np.inf), "scale must be a finite number"),
        (lambda lm: steer(lm, 0, np.zeros(32)), "vector must have a length"),
        (lambda lm: steer(lm, 0, VECTOR * 1j), "vector must be an array of real numbers"),
        (lambda lm: steer(lm, 0, "abc"), "vector must be an array of real numbers"),
        (lambda lm: steer(lm, 0, [[1], [2, 3]]), "vector must be an array of real numbers"),
        (lambda lm: steer(lm, None, VECTOR), "layers must name modules"),
        (lambda lm: steer(lm, 1.5, VECTOR), "layers must name modules"),
        (lambda lm: steer(lm, "model.layers", VECTOR), "layers must name modules that are used once"),
        (lambda lm: steer(lm, "model", VECTOR), "layers must name modules that put out a row of numbers"),
        (
            lambda lm: steer(lm, "model.layers.0.mlp.gate_proj", VECTOR),
            "vector must have .* the 48",
        ),
        (lambda lm: activations(lm, ["the"], "model.layers"), "layers must name modules that are used once"),
        (lambda lm: ablate(lm, "model.layers"), "components must name modules that are used once"),
        (lambda lm: ablate(lm, ["mlp.0", "model.layers.0.mlp"]), "components must name .* each once"),
        (lambda lm: ablate(lm, None), "components must name modules"),
        (lambda lm: ablate(lm, 14), "components must name modules"),
        (lambda lm: ablate(lm, "0.0", "mean", reference=None), "reference must be a list of prompts"),
        (lambda lm: ablate(lm, "0.0", "resample", reference=["the"], random_state=-1), "random_state must"),
        (lambda lm: steer(lm, 0, VECTOR).control("a"), "random_state must"),
        (lambda lm: with_prompt(lm, "Careful!").control(), "have two different words each"),
        (lambda _: components_of(TextFunction(str)), "model must be a causal language model"),
        (lambda lm: contrast(lm, None, ["a"], 0), "positive must be a list"),
        (lambda lm: contrast(lm, ["the"], ["the"], 0), "positive must have another mean activation"),
        (lambda lm: contrast(lm, "the", ["a"], 0), "positive must be a list"),
        (lambda lm: contrast(lm, ["a"], [], 0), "negative must be a list of at least one"),
        (lambda lm: activations(lm, ["the"], 0, "middle"), "position must be"),
        (lambda lm: ablate(lm, "2.0"), "components must name layers from 0 to 1"),
        (lambda lm: ablate(lm, "0.4"), "components must name heads from 0 to 3"),
        (lambda lm: ablate(lm, "model.layers.0.mpl"), r"components must name modules .*near: model\.layers\.0\.mlp"),
        (lambda lm: ablate(lm, []), "components must name at least one"),
        (lambda lm: ablate(lm, "0.0", "median"), "by must be"),
        (lambda lm: ablate(lm, "0.0", "mean"), "reference must be a list of prompts"),
        (lambda lm: ablate(lm, "0.0", reference=["the"]), "reference must be .*left out for"),
        (lambda lm: ablate(lm, components_of(lm)).control(), "components must leave as many others"),
        (lambda lm: steer(with_prompt(lm, "be"), 0, VECTOR), "activations changed before its prompts"),
        (lambda lm: with_prompt(lm), "system must hold a text, or prefix"),
        (lambda lm: with_prompt(lm, 3), "system must be a text"),
        (lambda _: with_prompt(lambda texts: [1.0 for _ in texts], "be brief"), "model must be a language model"),
        (lambda _: steer(lambda texts: [1.0 for _ in texts], 0, VECTOR), "model must be a causal language model"),
    ],
)
def test_bad_input_is_refused_by_name(make, words):
    with pytest.raises(InputError, match=words):
        make(lm_of())
