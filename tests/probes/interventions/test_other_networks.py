"""Interventions on image classifiers, sequence-to-sequence models and torch modules: against changed weights."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

from probes import (
    ImageClassifier,
    ImageProbe,
    InputError,
    TabularProbe,
    ablate,
    activations,
    components_of,
    contrast,
    patch,
    steer,
)
from probes.models.huggingface.seq2seq import Seq2SeqLM
from probes.models.torch_module import TorchModule
from surrogates import compare
from tests.helpers.vit_processor import vit_processor
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_text_networks import bart, t5, target_tokenizer, tokenizer  # noqa: E402

RNG = np.random.default_rng(0)
IMAGES = [RNG.integers(0, 255, (16, 16, 3)).astype(np.uint8) for _ in range(4)]
ROWS = RNG.normal(size=(6, 4))
SOURCES = ["a man sleeps", "the museum opened in paris", "anna", "a man rests in the old house"]


def vit():
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = transformers.ViTConfig(image_size=16, patch_size=8, num_labels=3, initializer_range=0.5, **shape)
    made = vit_processor(16)
    network = transformers.ViTForImageClassification(config).eval()
    if not hasattr(network.vit, "layers"):
        pytest.skip("the names are those of later releases of transformers")
    return ImageClassifier(network, made)


def resnet():
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic", num_labels=3
    )
    made = vit_processor(32)
    return ImageClassifier(transformers.ResNetForImageClassification(config).eval(), made)


def convnext():
    torch.manual_seed(0)
    config = transformers.ConvNextConfig(image_size=32, hidden_sizes=[8, 12], depths=[1, 1], num_stages=2, num_labels=3)
    made = vit_processor(32)
    return ImageClassifier(transformers.ConvNextForImageClassification(config).eval(), made)


#: puts out 12 channels of 4 × 4 places, and the channels last
SIDEWAYS = "convnext.encoder.stages.1.layers.0.pwconv2"


def with_idle_parts():
    """Three linear layers are used once for each input, one twice, and one never."""

    class WithIdleParts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.twice, self.idle, self.last = (torch.nn.Linear(4, 4) for _ in range(5))

        def forward(self, rows):
            return self.last(self.twice(torch.relu(self.twice(self.two(self.one(rows))))))

    return WithIdleParts()


def convolutions():
    torch.manual_seed(0)
    parts = torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU(), torch.nn.Conv2d(6, 5, 3), torch.nn.AdaptiveAvgPool2d(1)
    network = torch.nn.Sequential(*parts, torch.nn.Flatten(), torch.nn.Linear(5, 3))
    return ImageClassifier(network, lambda image: torch.as_tensor(image.transpose(2, 0, 1) / 255.0).float(), "mine")


def table():
    torch.manual_seed(0)
    inner = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU())
    return TorchModule(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), inner, torch.nn.Linear(8, 2)))


def of_sources(make, reads):
    def ask(model, sources):
        return model.scoring("the old house", sources[0])(sources)

    return lambda: Seq2SeqLM(make(), reads()), SOURCES, ask


def asked(model, inputs):
    return model(inputs)


#: of each kind: the model, inputs, how they are asked, a module that ends in a bias, its width, and the bias
KINDS = {
    "vit": (vit, IMAGES, asked, "vit.layers.0.mlp.fc2", 32, "vit.layers.0.mlp.fc2"),
    "resnet": (resnet, IMAGES, asked, "resnet.encoder.stages.0.layers.0.layer.1", 8, ""),
    "convolutions": (convolutions, IMAGES, asked, "2", 5, "2"),
    "table": (table, ROWS, asked, "2.0", 8, "2.0"),
    "t5": (*of_sources(t5, target_tokenizer), "decoder.block.1.layer.1.EncDecAttention.o", 32, ""),
    "bart": (*of_sources(bart, tokenizer), "model.encoder.layers.0.fc2", 32, "model.encoder.layers.0.fc2"),
}


def alone(inputs):
    return [inputs[i : i + 1] for i in range(len(inputs))]


@pytest.mark.parametrize("kind", [kind for kind, made in KINDS.items() if made[-1]])
def test_steering_is_a_bias(kind):
    make, inputs, ask, module, width, bias = KINDS[kind]
    model, vector = make(), np.random.default_rng(1).normal(size=width)
    other = deepcopy(model)
    with torch.no_grad():
        other.module.get_submodule(bias).bias.add_(torch.tensor(2.0 * vector))
    if kind == "table":
        other = TorchModule(other.module)
    steered = steer(model, module, vector, 2.0)
    assert np.abs(ask(steered, inputs) - ask(model, inputs)).max() > 0.05
    np.testing.assert_allclose(ask(steered, inputs), ask(other, inputs), rtol=3e-5, atol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_batched_is_what_is_asked_one_by_one(kind):
    make, inputs, ask, module, width, _ = KINDS[kind]
    model, vector = make(), np.random.default_rng(1).normal(size=width)
    made = [steer(model, module, vector), ablate(model, module), ablate(model, module, "mean", reference=inputs)]
    made.append(ablate(made[0], module, "resample", reference=inputs, random_state=1))
    for each in made:
        together = ask(each, inputs)
        assert np.abs(together - ask(model, inputs)).max() > 1e-3
        np.testing.assert_allclose(together, np.vstack([ask(each, one) for one in alone(inputs)]), rtol=3e-5, atol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_base_is_bit_identical_also_after_what_breaks_off(kind, error):
    make, inputs, ask, module, width, _ = KINDS[kind]
    model = make()
    before, identity = ask(model, inputs), model.identity()
    steered = steer(model, module, np.ones(width))

    def fails(*_):
        raise error("in the middle")

    handle = model.module.get_submodule(module).register_forward_hook(fails)
    with pytest.raises((error, Exception) if error is RuntimeError else error):
        ask(steered, inputs)
    handle.remove()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.module.modules())
    np.testing.assert_array_equal(ask(model, inputs), before)  # exact: bit-identical is what is promised
    assert model.identity() == identity


@pytest.mark.parametrize("kind", KINDS)
def test_identities_know_content_and_order(kind):
    make, inputs, _, module, width, _ = KINDS[kind]
    model, vector = make(), np.ones(width)
    one, two = steer(model, module, vector), ablate(model, module, "mean", reference=inputs)
    made = [model, one, two, steer(two, module, vector), ablate(one, module), steer(model, module, 2 * vector)]
    assert len({each.identity().id for each in made}) == len(made)
    assert all(each.identity().persistent for each in made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_control_has_a_vector_of_the_same_length_or_another_module(kind):
    make, inputs, ask, module, width, _ = KINDS[kind]
    model, vector = make(), np.arange(width, dtype=float)
    control = steer(model, module, vector).control(3)
    assert np.linalg.norm(control.intervention.vector) == pytest.approx(np.linalg.norm(vector))
    other = ablate(model, module).control(1)
    assert other.intervention.components != (module,)
    assert np.isfinite(ask(other, inputs)).all()


def test_a_control_is_drawn_from_modules_that_are_used_once():
    ablated = ablate(with_idle_parts(), "one")
    assert {ablated.control(seed).intervention.components for seed in range(12)} == {("two",), ("last",)}


@pytest.mark.parametrize("kind", ["vit", "resnet", "convolutions", "table"])
def test_a_module_before_the_head_patched_answers_as_for_the_source(kind):
    make, inputs, ask, *_ = KINDS[kind]
    last = {"vit": "vit.layers.1", "resnet": "resnet.encoder.stages.1", "convolutions": "2", "table": "2.0"}[kind]
    model = make()
    moved = patch(model, last, inputs[0])
    truth = np.repeat(ask(model, inputs[:1]), len(inputs), axis=0)
    assert np.abs(ask(model, inputs) - truth).max() > 1e-3
    np.testing.assert_allclose(ask(moved, inputs), truth, rtol=3e-5, atol=2e-4)
    assert moved.identity() != patch(model, last, inputs[1]).identity()
    assert np.isfinite(ask(patch(model, last, inputs[0]).control(), inputs)).all()


@pytest.mark.parametrize("component", ["vit.layers.0", "0.1", "mlp.0"])
def test_patches_of_an_image_are_patched_by_their_numbers(component):
    model, kept = vit(), {}
    network = model.module
    layer = network.vit.layers[0]
    at = {"vit.layers.0": layer, "mlp.0": layer.mlp, "0.1": layer.attention.o_proj}[component]
    some, before = slice(16, 32) if component == "0.1" else slice(None), component == "0.1"

    def hook(change):
        def hooked(_, given, out=None):
            tensor = given[0] if before else out[0] if isinstance(out, tuple) else out
            kept.setdefault("source", tensor.clone())
            if change:
                tensor[:, [1, 4], some] = kept["source"][:, [1, 4], some]

        return at.register_forward_pre_hook(hooked) if before else at.register_forward_hook(hooked)

    moved, base = patch(model, component, IMAGES[0], [1, -1]), model(IMAGES)
    for change, images in ((False, IMAGES[:1]), (True, IMAGES)):
        handle = hook(change)
        truth = model(images)
        handle.remove()
    np.testing.assert_allclose(moved(IMAGES), truth, rtol=3e-5, atol=2e-4)
    assert np.abs(truth[1:] - base[1:]).max() > 1e-3
    np.testing.assert_allclose(moved(IMAGES[2:3]), truth[2:3], rtol=3e-5, atol=2e-4)
    every = patch(model, component, IMAGES[0], range(5))
    np.testing.assert_allclose(every(IMAGES), patch(model, component, IMAGES[0])(IMAGES), rtol=3e-5, atol=2e-4)
    assert every.identity() != moved.identity() and np.isfinite(moved.control()(IMAGES)).all()


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_an_encoder_patched_answers_as_for_the_source(kind):
    make, _, ask, *_ = KINDS[kind]
    model = make()
    source, others = "anna met bob", ["the old house", "nobody rests near"]
    layer = {"t5": "encoder.block.1", "bart": "model.encoder.layers.1"}[kind]
    moved = patch(model, layer, source)
    np.testing.assert_allclose(ask(moved, others), np.repeat(ask(model, [source]), 2, axis=0), rtol=3e-5, atol=2e-4)
    assert moved.generate(others[0], 4) == model.generate(source, 4)
    with pytest.raises(InputError, match="prompt must have as many tokens as the patch's source"):
        moved.generate("anna", 4)


@pytest.mark.parametrize(("kind", "joined"), [("vit", "vit.layers.0.attention.o_proj"), ("t5", ""), ("bart", "")])
def test_a_head_without_effect_has_no_weights_where_heads_are_joined(kind, joined):
    make, inputs, ask, *_ = KINDS[kind]
    places = {
        "vit": {"0.1": "vit.layers.0.attention.o_proj"},
        "t5": {
            "0.1": "encoder.block.0.layer.0.SelfAttention.o",
            "decoder.1.1": "decoder.block.1.layer.0.SelfAttention.o",
            "cross.1.1": "decoder.block.1.layer.1.EncDecAttention.o",
        },
        "bart": {
            "0.1": "model.encoder.layers.0.self_attn.out_proj",
            "decoder.1.1": "model.decoder.layers.1.self_attn.out_proj",
            "cross.1.1": "model.decoder.layers.1.encoder_attn.out_proj",
        },
    }[kind]
    model = make()
    for name, where in places.items():
        other = deepcopy(model)
        with torch.no_grad():
            other.module.get_submodule(where).weight[:, 16:32].zero_()
        np.testing.assert_allclose(ask(ablate(model, name), inputs), ask(other, inputs), rtol=3e-5, atol=2e-4)
        assert np.abs(ask(other, inputs) - ask(model, inputs)).max() > 1e-3


def test_components_of_a_decoder_are_named_by_their_stack():
    parts = ["0.0", "0.1", "1.0", "1.1"]
    both = [*parts, "mlp.0", "mlp.1", *(f"decoder.{p}" for p in parts), *(f"cross.{p}" for p in parts)]
    for kind in ("t5", "bart"):
        assert components_of(KINDS[kind][0]()) == [*both, "decoder.mlp.0", "decoder.mlp.1"]
    assert components_of(vit()) == [*parts, "mlp.0", "mlp.1"]


def test_a_steered_module_is_compared_with_its_base_row_by_row(few_folds):
    model = table()
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    up, down = frame[frame["a"] > 0], frame[frame["a"] <= 0]
    vector = contrast(model.module, up, down, "0")
    np.testing.assert_allclose(vector, activations(model, up, "0").mean(0) - activations(model, down, "0").mean(0))
    row = TabularProbe(frame.iloc[[0]], frame)
    d = compare(model.module, steer(model.module, "0", vector), row, target=1, store=None)
    moved = steer(model, "0", vector)(frame.iloc[[0]])[0, 1] - model(frame.iloc[[0]])[0, 1]
    assert d.summary["change"][0] == pytest.approx(moved, abs=1e-5)


def test_a_classifier_of_an_image_pipeline_is_not_asked_through_the_pipeline():
    base = vit()
    made = transformers.ImageClassificationPipeline(model=base.module, image_processor=base.processor)
    steered = steer(made, 0, np.arange(32.0))
    np.testing.assert_allclose(steered.direct()([IMAGES[0]]), steered(IMAGES[:1]), atol=1e-5)
    assert np.abs(steered(IMAGES) - base(IMAGES)).max() > 1e-3


def test_base_and_changed_are_compared_on_an_image(few_folds):
    model = vit()
    d = compare(
        model, ablate(model, "mlp.1"), ImageProbe(IMAGES[0], "grid", n_segments=4), target="LABEL_0", store=None
    )
    masked = ImageProbe(IMAGES[0], "grid", n_segments=4).render(d.change.answers.design.Z)
    for asked, side in ((model, d.before), (ablate(model, "mlp.1"), d.after)):
        logits = asked(masked)
        np.testing.assert_allclose(side.y[:, 0], logits[:, 0] - np.logaddexp(*logits[:, 1:].T), atol=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: steer(vit(), 2, np.ones(32)), "layers must be between 0 and 1, or negative from the last; got 2"),
        (lambda: steer(vit(), 0, np.ones(3)), r"vector must have .* the 32 that vit\.layers\.0 puts out"),
        (lambda: steer(resnet(), 0, np.ones(9)), r"the 8 that resnet\.encoder\.stages\.0 puts out"),
        (lambda: steer(convnext(), SIDEWAYS, np.ones(4)), r"channels before height and width; got .*\(4, 4, 12\)"),
        (lambda: ablate(convnext(), SIDEWAYS), "components must name modules whose maps have channels before"),
        (lambda: ablate(resnet(), "0.1"), "model must have attention heads"),
        (lambda: steer(table(), 0, np.ones(8)), "model must have a list of layers; name modules in full"),
        (lambda: steer(table(), "2.3", np.ones(8)), r"layers must name modules of the network \(near: "),
        (lambda: steer(table(), "0", np.ones(8), 1e300), "scale must leave the vector finite"),
        (lambda: steer(table().module.half(), "0", np.full(8, 1e5)), "scale must leave the vector finite"),
        (lambda: patch(table(), "0", ROWS[:2]), "source must be one row of numbers"),
        (lambda: patch(table(), "0", ROWS[0] * np.nan), "source must be rows of finite numbers"),
        (lambda: ablate(table(), "0", "mean", reference=ROWS * np.nan), "reference must be rows of finite numbers"),
        (lambda: ablate(vit(), "0.1", "mean", reference=["a.png"]), "reference must be images that the model reads"),
        (lambda: contrast(table(), ROWS, ROWS * np.nan, "0"), "negative must be rows of finite numbers"),
        (lambda: contrast(table(), ROWS[:, :2], ROWS, "0"), "positive must have the shape that the model reads"),
        (lambda: steer(table(), "0", np.ones(5)), "vector must have one number for each of the 8 that 0 puts out"),
        (lambda: activations(table(), ROWS[0], "0"), "prompts must be a list of at least one"),
        (lambda: activations(table(), [["a", "b"]], "0"), "prompts must be rows of finite numbers"),
        (lambda: activations(table(), ROWS[:, :2], "0"), "prompts must have the shape that the model reads"),
        (lambda: activations(table(), np.full((2, 4), np.nan), "0"), "prompts must be rows of finite numbers"),
        (lambda: activations(vit(), ["a.png"], 0), "prompts must be images that the model reads"),
        (lambda: steer(table(), "", np.ones(2)), r"layers must name modules of the network \(near: 0, 1, 2\)"),
        (lambda: activations(vit(), IMAGES[0], 0), "prompts must be a list of at least one"),
        (lambda: patch(vit(), "mlp.0", IMAGES[0], positions=5), "positions must be numbers of the source's 5 tokens"),
        (
            lambda: patch(resnet(), "resnet.encoder.stages.0", IMAGES[0], 1),
            "positions must be left out where components",
        ),
        (
            lambda: patch(table(), "0", ROWS[0], positions=0),
            "positions must be left out where components do not put out",
        ),
        (lambda: patch(Seq2SeqLM(bart(), tokenizer()), "cross.0.1", "anna"), "components must be of the encoder"),
        (lambda: ablate(Seq2SeqLM(bart(), tokenizer()), "cross.0.7"), "components must name heads from 0 to 1"),
        (lambda: ablate(vit(), "cross.0.1"), "components must name parts of a decoder only where"),
        (lambda: steer(torch.nn.Sequential(torch.nn.Conv1d(3, 4, 5)), "0", np.ones(4)), "no convolutions over time"),
        (lambda: steer(torch.nn.Sequential(torch.nn.LSTM(3, 4)), "0", np.ones(4)), "model must read rows of a table"),
    ],
)
def test_bad_input_is_refused_by_name(make, words):
    with pytest.raises(InputError, match=words):
        make()
