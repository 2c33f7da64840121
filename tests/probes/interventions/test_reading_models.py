"""Interventions on networks that read whole texts: against networks whose weights were changed, and against patches."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from probes import (
    InputError,
    Store,
    TextProbe,
    ablate,
    activations,
    components_of,
    contrast,
    patch,
    quantise,
    similarity,
    steer,
)
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.encoder import Encoder
from probes.models.huggingface.masked_lm import MaskedLM
from probes.models.huggingface.question_answering import ExtractiveQA
from probes.models.huggingface.token_classifier import TokenClassifier
from surrogates import compare, explain
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_text_networks import bert, tokenizer  # noqa: E402

TEXTS = ["a man sleeps", "the museum opened in paris", "anna", "a man rests in the old house near the warm river"]
PAIR = ("a man sleeps", "nobody rests")
VECTOR = np.random.default_rng(0).normal(size=32)


def distilbert():
    torch.manual_seed(0)
    shape = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48, "max_position_embeddings": 64}
    settings = {"vocab_size": len(tokenizer()), "initializer_range": 0.5, "num_labels": 3, **shape}
    return transformers.DistilBertForSequenceClassification(transformers.DistilBertConfig(**settings)).eval()


NETWORKS = {"bert": lambda: bert(num_labels=3), "distilbert": distilbert}
#: of each kind of network: a layer, what ends it, what joins its heads, and the end of its feed-forward part
PARTS = {
    "bert": ("bert.encoder.layer.{}", "output.LayerNorm", "attention.output.dense", "output.dense"),
    "distilbert": ("distilbert.transformer.layer.{}", "output_layer_norm", "attention.out_lin", "ffn.lin2"),
}


def classifier(kind="bert", **options):
    return TextClassifier(NETWORKS[kind](), tokenizer(), **options)


def changed(model, change):
    """The same with other weights, by hand."""
    network = deepcopy(model.module)
    with torch.no_grad():
        change(network)
    return TextClassifier(network, model.tokenizer)


def part_of(network, kind, layer, which):
    names = PARTS[kind]
    return network.get_submodule(f"{names[0].format(layer)}.{names[which]}")


@pytest.mark.parametrize("kind", PARTS)
def test_steering_is_a_bias_of_what_ends_the_layer(kind):
    model = classifier(kind)
    truth = changed(model, lambda n: part_of(n, kind, 1, 1).bias.add_(torch.tensor(2.0 * VECTOR)))
    steered = steer(model, 1, VECTOR, 2.0)
    assert np.abs(steered(TEXTS) - model(TEXTS)).max() > 0.5
    np.testing.assert_allclose(steered(TEXTS), truth(TEXTS), atol=2e-4)


@pytest.mark.parametrize("kind", PARTS)
def test_a_head_without_effect_has_no_weights_where_heads_are_joined(kind):
    model = classifier(kind)
    truth = changed(model, lambda n: part_of(n, kind, 0, 2).weight[:, 16:32].zero_())
    assert np.abs(truth(TEXTS) - model(TEXTS)).max() > 0.1
    np.testing.assert_allclose(ablate(model, "0.1")(TEXTS), truth(TEXTS), atol=2e-4)


@pytest.mark.parametrize("kind", PARTS)
def test_a_feed_forward_part_is_what_is_added_to_the_rest(kind):
    model = classifier(kind)

    def nothing(network):
        part = part_of(network, kind, 1, 3)
        part.weight.zero_(), part.bias.zero_()

    truth = changed(model, nothing)
    assert np.abs(truth(TEXTS) - model(TEXTS)).max() > 0.1
    np.testing.assert_allclose(ablate(model, "mlp.1")(TEXTS), truth(TEXTS), atol=2e-4)
    assert components_of(model) == ["0.0", "0.1", "1.0", "1.1", "mlp.0", "mlp.1"]


@pytest.mark.parametrize("kind", PARTS)
def test_the_last_layer_patched_at_every_token_answers_as_for_the_source(kind):
    model, layer = classifier(kind), PARTS[kind][0].format(1)
    source, others = "anna met bob", ["the old house", "nobody rests near"]
    moved = patch(model, layer, source)
    np.testing.assert_allclose(moved(others), np.repeat(model([source]), 2, axis=0), atol=2e-4)
    assert np.abs(model(others) - model([source])).min(axis=1).max() > 0.01


def test_an_embedding_patched_at_one_token_is_the_text_with_that_word():
    model = classifier()
    moved = patch(model, "bert.embeddings", "a house sleeps", positions=2)
    texts = ["a man sleeps", "the man rests near the river", "a man"]
    truth = model([text.replace("man", "house") for text in texts])
    np.testing.assert_allclose(moved(texts), truth, atol=2e-4)
    with pytest.raises(InputError, match="prompt must have a token at each place that is patched"):
        patch(model, "bert.embeddings", "a man sleeps near the river", positions=5)(["a man"])
    with pytest.raises(InputError, match="prompt must have as many tokens as the patch's source"):
        patch(model, "bert.embeddings", "a house sleeps")(["a man"])


def test_pairs_are_read_with_their_sides():
    model = classifier()
    moved = patch(model, "bert.encoder.layer.1", PAIR)
    np.testing.assert_allclose(moved([("nobody rests", "a man sleeps")]), model([PAIR]), atol=2e-4)
    with_pair, plain = ([PAIR, "anna"], ["a man sleeps", "anna"])
    means = [ablate(model, "0.1", "mean", reference=r).intervention.values[0] for r in (with_pair, plain)]
    assert np.abs(means[0] - means[1]).max() > 0


@pytest.mark.parametrize("kind", PARTS)
def test_what_is_batched_is_what_is_asked_one_by_one(kind):
    model = classifier(kind)
    layer = PARTS[kind][0].format(0)
    made = [steer(model, 0, VECTOR), ablate(model, ["0.1", "mlp.1"]), patch(model, layer, TEXTS[0], positions=[0, 1])]
    for each in (*made, ablate(steer(model, 1, VECTOR), "0.0", "mean", reference=TEXTS)):
        together = each(TEXTS)
        np.testing.assert_allclose(together, np.vstack([each([text]) for text in TEXTS]), atol=2e-4)
        np.testing.assert_allclose(together, np.vstack([each.direct()([text]) for text in TEXTS]), atol=2e-4)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_base_is_bit_identical_also_after_what_breaks_off(error):
    model = classifier()
    before, identity = model(TEXTS), model.identity()
    steered = steer(model, 0, VECTOR)
    moved = steered(TEXTS)

    def fails(*_):
        raise error("in the middle")

    handle = model.module.bert.encoder.layer[1].register_forward_hook(fails)
    with pytest.raises(error):
        steered(TEXTS)
    handle.remove()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.module.modules())
    np.testing.assert_array_equal(model(TEXTS), before)  # exact: bit-identical is what is promised
    np.testing.assert_array_equal(steered(TEXTS), moved)  # exact: the same computation
    assert model.identity() == identity and identity.persistent


def test_identities_know_base_content_and_order():
    model = classifier()
    one = steer(model, 0, VECTOR)
    made = [model, one, steer(model, 1, VECTOR), steer(model, 0, VECTOR, 2.0), ablate(model, "0.1"), ablate(one, "0.1")]
    made += [steer(ablate(model, "0.1"), 0, VECTOR), steer(classifier("distilbert"), 0, VECTOR)]
    identities = [each.identity() for each in made]
    assert len({identity.id for identity in identities}) == len(made)
    assert all(identity.persistent for identity in identities)
    assert steer(classifier(), 0, VECTOR.copy()).identity() == one.identity()


def test_a_classifier_of_a_pipeline_is_not_asked_through_the_pipeline():
    pipeline = transformers.pipeline("text-classification", model=bert(num_labels=3), tokenizer=tokenizer())
    steered = steer(pipeline, 1, VECTOR)
    np.testing.assert_allclose(steered.direct()([TEXTS[0]]), steered([TEXTS[0]]), atol=1e-4)
    ex = explain(steered, TextProbe(TEXTS[3]), budget=32, store=None)
    assert ex.target.outputs == (f"LABEL_{int(steered([TEXTS[3]]).argmax())}",)


def test_base_and_changed_are_compared_and_never_mixed_in_the_store(few_folds):
    model, store = classifier(), Store()
    probe = TextProbe("the museum opened in paris")
    for other in (steer(model, 1, VECTOR), ablate(model, "mlp.0")):
        difference = compare(model, other, probe, target="LABEL_0", store=store)
        texts = probe.render(difference.change.answers.design.Z)
        for asked, side in ((model, difference.before), (other, difference.after)):
            logits = asked(texts)
            truth = logits[:, 0] - np.logaddexp(logits[:, 1], logits[:, 2])
            np.testing.assert_allclose(side.y[:, 0], truth, atol=1e-4)


def test_controls_are_of_the_same_size():
    model = classifier()
    steered = steer(model, 1, VECTOR, 2.0)
    assert np.linalg.norm(steered.control(3).intervention.vector) == pytest.approx(np.linalg.norm(VECTOR))
    assert ablate(model, "mlp.0").control().intervention.components == ("mlp.1",)
    control = patch(model, "0.0", "anna met bob").control()
    assert control.intervention.components != ("0.0",) and control(["the old house"]).shape == (1, 3)


def test_activations_are_a_mean_over_tokens_unless_one_is_named():
    model = classifier()
    with torch.no_grad():
        states = [
            model.module(**tokenizer()(text, return_tensors="pt"), output_hidden_states=True)
            .hidden_states[1][0]
            .numpy()
            for text in TEXTS
        ]
    np.testing.assert_allclose(activations(model, TEXTS, 0), [rows.mean(axis=0) for rows in states], atol=1e-5)
    np.testing.assert_allclose(activations(model, TEXTS, 0, "first"), [rows[0] for rows in states], atol=1e-5)
    truth = states[0][0] - states[1][0]
    np.testing.assert_allclose(contrast(model, TEXTS[:1], TEXTS[1:2], 0, "first"), truth, atol=1e-5)


def test_after_its_with_block_it_cannot_be_asked():
    model = classifier()
    with steer(model, 0, VECTOR) as steered:
        steered(TEXTS)
    with pytest.raises(InputError, match="be asked inside its with block"):
        steered(TEXTS)
    assert model(TEXTS).shape == (4, 3)


OTHERS = {
    "tokens": (lambda network: TokenClassifier(network, tokenizer()), "ForTokenClassification", lambda m: m(TEXTS)),
    "spans": (
        lambda network: ExtractiveQA(network, tokenizer()),
        "ForQuestionAnswering",
        lambda m: m.scoring("paris", ("when", TEXTS[1]))([("when", TEXTS[1]), ("a man", "anna met bob in paris")]),
    ),
    "masks": (
        lambda network: MaskedLM(network, tokenizer()),
        "ForMaskedLM",
        lambda m: m.words("house", "river")(["the old [MASK]", "near the old [MASK] in paris"]),
    ),
    "vectors": (
        lambda network: Encoder(network, tokenizer()),
        "Model",
        lambda m: similarity(m, to="anna met bob")(TEXTS),
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_heads_and_encoders_are_steered_as_by_a_bias(kind):
    make, head, ask = OTHERS[kind]
    network = bert(head)
    model, other = make(network), deepcopy(network)
    inside = getattr(other, "bert", other)
    with torch.no_grad():
        inside.encoder.layer[0].output.LayerNorm.bias.add_(torch.tensor(VECTOR))
    steered = steer(model, 0, VECTOR)
    assert np.abs(ask(steered) - ask(model)).max() > 1e-3
    np.testing.assert_allclose(ask(steered), ask(make(other)), atol=2e-4)
    assert steered.identity() != model.identity()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda m: steer(m, 2, VECTOR), "layers must be between 0 and 1, or negative from the last; got 2"),
        (lambda m: ablate(m, "mlp.99"), "components must name layers from 0 to 1; got 99"),
        (lambda m: contrast(m, ["anna"], ["bob"], 1, position=[0]), r"position must be one of .*; got \[0\]"),
        (lambda m: steer(m, "bert.encoder.layers.1", VECTOR), r"near: bert\.encoder\.layer\.1"),
        (lambda m: steer(m, 0, VECTOR[:-1]), r"vector must have .* the 32 that bert\.encoder\.layer\.0 puts out"),
        (lambda m: steer(m, "bert.encoder", VECTOR), "layers must name modules that put out a row of numbers"),
        (lambda m: ablate(m, "0.2"), "components must name heads from 0 to 1"),
        (lambda m: ablate(m, "mlp.0", "mean"), "reference must be a list of prompts"),
        (lambda m: ablate(m, "mlp.0", "mean", reference=[3]), "text must be a text or a pair of texts"),
        (lambda m: ablate(m, "mlp.0", "mean", reference=["a " * 60]), "text must fit the model's window of 48 tokens"),
        (lambda m: patch(m, "0.0", "anna", positions=3), "positions must be numbers of the source's 3 tokens"),
        (
            lambda m: patch(m, "bert.pooler", "anna")(["anna"]),
            "components must put out a row of numbers for every token",
        ),
        (lambda m: activations(m, "anna", 0), "prompts must be a list"),
        (lambda _: steer(lambda texts: [1.0 for _ in texts], 0, VECTOR), "model must be a causal language model, or a"),
        (lambda _: steer(TextClassifier(albert(), tokenizer()), 0, VECTOR), "name modules in full"),
        (
            lambda _: ablate(TextClassifier(albert(), tokenizer()), "albert.encoder.albert_layer_groups.0"),
            "components must name modules that are used once for each input",
        ),
    ],
)
def test_bad_input_is_refused_by_name(make, words):
    with pytest.raises(InputError, match=words):
        make(classifier())


def albert():
    """A network whose two layers are one."""
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = transformers.AlbertConfig(vocab_size=len(tokenizer()), embedding_size=16, **shape)
    return transformers.AlbertForSequenceClassification(config).eval()


def test_a_classifier_is_rounded_row_by_row_but_for_its_head():
    model = TextClassifier(bert(num_labels=3), tokenizer())
    before = model(TEXTS)
    rounded = quantise(model, "int4")
    for (name, now), weight in zip(rounded.module.named_parameters(), model.module.parameters(), strict=True):
        linear = name.endswith("weight") and "embeddings" not in name and "LayerNorm" not in name
        if linear and not name.startswith("classifier"):
            step = weight.abs().amax(dim=1, keepdim=True) / 7
            assert (now - (weight / step).round() * step).abs().max() < 1e-6
            assert (now != weight).any()
        else:
            assert torch.equal(now, weight)
    assert isinstance(rounded, TextClassifier) and rounded.identity() != model.identity()
    assert np.abs(rounded(TEXTS) - before).max() > 1e-3
    np.testing.assert_array_equal(model(TEXTS), before)  # exact: bit-identical is what is promised


def test_a_control_of_a_rounded_classifier_moves_each_weight_as_far():
    model = TextClassifier(bert(num_labels=3), tokenizer())
    rounded = quantise(model)
    sizes = [
        [
            float((a - b).detach().norm())
            for a, b in zip(made.module.parameters(), model.module.parameters(), strict=True)
        ]
        for made in (rounded, rounded.control(1))
    ]
    np.testing.assert_allclose(sizes[0], sizes[1], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("to", ["bfloat16", "float16"])
def test_a_classifier_in_half_precision_is_asked_in_it(to):
    model = TextClassifier(bert(num_labels=3), tokenizer())
    half = quantise(model, to)
    assert half.half and not model.half
    np.testing.assert_allclose(half(TEXTS), model(TEXTS), rtol=0.3, atol=0.5)


@pytest.mark.parametrize("to", ["bfloat16", "float16"])
def test_the_control_of_a_type_that_weights_have_already_moves_them_by_its_rounding(to):
    network, kind = bert(num_labels=3), getattr(torch, to)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(weight.to(kind).float())
    model = TextClassifier(network, tokenizer())
    control = quantise(model, to).control(1)
    now, then = (dict(of.module.named_parameters()) for of in (control, model))
    moved = torch.cat([((now[name] - then[name]) / then[name]).flatten() for name in then]).nan_to_num()
    eps = torch.finfo(kind).eps
    assert 0.4 * eps < float(moved.detach().abs().max()) <= 0.51 * eps
    assert control.identity() != model.identity() and to in repr(control)


def test_weights_are_changed_before_activations():
    model = TextClassifier(bert(num_labels=3), tokenizer())
    assert steer(quantise(model), 0, VECTOR)(TEXTS).shape == (4, 3)
    with pytest.raises(InputError, match="model must have its weights changed before its activations"):
        quantise(steer(model, 0, VECTOR))
