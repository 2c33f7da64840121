"""ComponentProbe on image classifiers and torch modules: against networks masked by hand, one question at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import Case, ComponentProbe, ImageClassifier, InputError, cube, screen
from probes.models.torch_module import TorchModule
from surrogates import Explanation, compare, explain
from tests.helpers.vit_processor import vit_processor
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_text_networks import t5, target_tokenizer  # noqa: E402

RNG = np.random.default_rng(0)
IMAGES = [RNG.integers(0, 255, (16, 16, 3)).astype(np.uint8) for _ in range(3)]
ROWS = RNG.normal(size=(5, 4))
WIDTH = 16  # of a head of the ViT


def vit():
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = transformers.ViTConfig(image_size=16, patch_size=8, num_labels=3, initializer_range=0.5, **shape)
    made = vit_processor(16)
    network = transformers.ViTForImageClassification(config)
    if not hasattr(network.vit, "layers"):
        pytest.skip("the names are those of later releases of transformers")
    return ImageClassifier(network, made)


def convolutions():
    torch.manual_seed(0)
    parts = torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU(), torch.nn.Conv2d(6, 5, 3), torch.nn.AdaptiveAvgPool2d(1)
    network = torch.nn.Sequential(*parts, torch.nn.Flatten(), torch.nn.Linear(5, 3))
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3)
    return ImageClassifier(network, lambda image: torch.as_tensor(image.transpose(2, 0, 1) / 255.0).float(), "mine")


def table():
    torch.manual_seed(0)
    inner = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU())
    parts = torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), inner
    return TorchModule(torch.nn.Sequential(*parts, torch.nn.Dropout(), torch.nn.Linear(8, 2)))


#: of each kind: the model, its inputs, and components: (name, module, whether what it takes in, first and last number)
KINDS = {
    "vit": (
        vit,
        IMAGES,
        [
            ("0.1", "vit.layers.0.attention.o_proj", True, WIDTH, 2 * WIDTH),
            ("1.0", "vit.layers.1.attention.o_proj", True, 0, WIDTH),
            ("mlp.1", "vit.layers.1.mlp", False, 0, 32),
        ],
    ),
    "convolutions": (convolutions, IMAGES, [("0", "0", False, 0, 6), ("2", "2", False, 0, 5), ("1", "1", False, 0, 6)]),
    "table": (table, ROWS, [("1", "1", False, 0, 8), ("3.0", "3.0", False, 0, 8), ("2", "2", False, 0, 8)]),
}


def last(tensor):
    return tensor.movedim(1, -1) if tensor.ndim == 4 else tensor


def hooked_by_hand(model, part, hook):
    _, module, before, *_ = part
    of = model.module.get_submodule(module)
    if before:
        return of.register_forward_pre_hook(lambda _, given: (hook(given[0]), *given[1:]))
    return of.register_forward_hook(lambda _, __, output: hook(output))


def seen_by_hand(model, part, inputs):
    """The mean of all that a component puts out, over tokens or places, in the whole network."""
    start, stop = part[3:]
    rows = []

    def keep(tensor):
        rows.append(last(tensor).reshape(-1, last(tensor).shape[-1])[:, start:stop])
        return tensor

    hook = hooked_by_hand(model, part, keep)
    with torch.no_grad():
        model.module.eval()(model.encoded(inputs))
    hook.remove()
    return torch.cat(rows).mean(0)


def by_hand(model, absent, by, inputs):
    """The average answer with hooks put on by hand."""
    hooks = []
    values = [seen_by_hand(model, part, inputs) if by == "mean" else 0.0 for part in absent]
    for part, value in zip(absent, values, strict=True):
        start, stop = part[3:]

        def change(tensor, value=value, start=start, stop=stop):
            changed = last(tensor).clone()
            changed[..., start:stop] = value
            return changed.movedim(-1, 1) if tensor.ndim == 4 else changed

        hooks.append(hooked_by_hand(model, part, change))
    with torch.no_grad():
        raw = model.module.eval()(model.encoded(inputs))
    for hook in hooks:
        hook.remove()
    logits = getattr(raw, "logits", raw).double().numpy()
    if isinstance(model, TorchModule):
        return logits.mean(axis=0)
    others = [np.delete(logits, k, axis=1) for k in range(logits.shape[1])]
    return np.array([(logits[:, k] - np.log(np.exp(o).sum(axis=1))).mean() for k, o in enumerate(others)])


@pytest.mark.parametrize("by", ["mean", "zero"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_the_network_masked_by_hand(kind, by):
    make, inputs, parts = KINDS[kind]
    model, Z = make(), cube(3)
    asked = ComponentProbe(inputs, [name for name, *_ in parts], by).asked_of(model)
    truth = np.array([by_hand(model, [p for p, on in zip(parts, z, strict=True) if not on], by, inputs) for z in Z])
    assert np.ptp(truth, axis=0).min() > 0.01
    np.testing.assert_allclose(asked(Z), truth, rtol=3e-5, atol=5e-4)
    np.testing.assert_allclose(asked.direct()(Z[5:6])[0], truth[5], rtol=3e-5, atol=5e-4)


def test_more_inputs_than_one_forward_takes_are_averaged():
    rows = np.random.default_rng(1).normal(size=(70, 4))
    model, parts = table(), KINDS["table"][2]
    asked = ComponentProbe(rows, [name for name, *_ in parts]).asked_of(model)
    np.testing.assert_allclose(asked(np.zeros((1, 3)))[0], by_hand(model, parts, "mean", rows), rtol=3e-5, atol=5e-4)


def test_an_image_classifier_is_explained_by_its_components(tmp_path):
    model = vit()
    names = ["0.0", "0.1", "1.0", "1.1", "mlp.0", "mlp.1"]
    probe = ComponentProbe(IMAGES, names)
    ex = explain(model, probe, store=None)
    whole = by_hand(model, [], "mean", IMAGES)
    assert ex.target.outputs == (model.outputs[int(whole.argmax())],)
    assert ex.y[0, 0] == pytest.approx(whole.max(), abs=1e-3)
    assert sorted(ex.attributions["feature"]) == sorted(names)
    assert not any("alone" in note for note in ex.warnings)
    assert "could not be drawn" not in ex.report(tmp_path / "components.html").read_text(encoding="utf-8")
    again = Explanation.from_json(ex.to_json()).attributions
    pd.testing.assert_frame_equal(again, ex.attributions)


def test_a_module_over_rows_is_explained_and_two_are_compared():
    model, frame = table(), pd.DataFrame(ROWS, columns=list("abcd"))
    probe = ComponentProbe(frame, ["0", "1", "3.0"], "zero")
    ex = explain(model.module, probe, target="output 1", store=None)
    assert ex.y[0, 0] == pytest.approx(by_hand(model, [], "zero", ROWS)[1], abs=1e-4)
    other = table()
    with torch.no_grad():
        other.module[5].weight.mul_(2)
    changed = compare(model, other, probe, target="output 1", store=None)
    truth = [by_hand(of, [], "zero", ROWS)[1] for of in (model, other)]
    assert changed.change.y[0, 0] == pytest.approx(truth[1] - truth[0], abs=1e-4)


def test_screening_names_what_changes_any_output_most():
    names = screen(vit(), IMAGES, 3)
    assert len(names) == 3
    model, parts = table(), KINDS["table"][2]
    whole = by_hand(model, [], "zero", ROWS)
    moved = [np.abs(by_hand(model, [part], "zero", ROWS) - whole).max() for part in parts]
    first = parts[int(np.argmax(moved))][0]
    assert screen(model, ROWS, 1, components=[name for name, *_ in parts], by="zero") == [first]


def test_inputs_and_cases_are_told_apart():
    case = Case("a man", "bob", ("anna",))
    with pytest.raises(InputError, match="cases must be images or rows for this model"):
        ComponentProbe(case, ["0", "1"], "zero").asked_of(table())
    with pytest.raises(InputError, match="cases must be Case objects, but for"):
        ComponentProbe(ROWS, ["0.0", "0.1"], "zero").asked_of((t5(), target_tokenizer()))
    with pytest.raises(InputError, match="metric must be left out"):
        ComponentProbe(ROWS, ["0", "1"], metric="log_prob")
    with pytest.raises(InputError, match="cases must be a list of images"):
        ComponentProbe(IMAGES[0], ["0", "2"], "zero").asked_of(convolutions())
    with pytest.raises(InputError, match="cases must be Case objects"):
        ComponentProbe(["a man"], ["0", "1"])
    with pytest.raises(InputError, match="cases must hold at least one"):
        ComponentProbe(ROWS[:0], ["0", "1"])
    with pytest.raises(InputError, match="cases must be rows of finite numbers"):
        ComponentProbe(ROWS * np.nan, ["0", "1"]).asked_of(table())
    with pytest.raises(InputError, match="reference must be rows of finite numbers"):
        ComponentProbe(ROWS, ["0", "1"], reference=ROWS * np.nan).asked_of(table())


def test_what_is_asked_and_what_replaces_is_part_of_the_identity():
    one = ComponentProbe(ROWS, ["0", "1"]).asked_of(table()).identity()
    assert one.persistent and one == ComponentProbe(ROWS, ["0", "1"]).asked_of(table()).identity()
    others = ComponentProbe(ROWS[:4], ["0", "1"]), ComponentProbe(ROWS, ["0", "1"], reference=ROWS[:2])
    assert len({one, *(other.asked_of(table()).identity() for other in others)}) == 3


def test_images_are_preprocessed_once(monkeypatch):
    model, seen = vit(), []
    read = model.encoded
    monkeypatch.setattr(model, "encoded", lambda images: seen.append(len(images)) or read(images))
    components = ComponentProbe(IMAGES, ["0.0", "0.1", "mlp.0", "mlp.1"], "zero").asked_of(model)
    y = components(cube(4))
    assert seen == [3]
    alone = [components.numbers_alone(model) if z.all() else components.direct()([z])[0] for z in cube(4)]
    np.testing.assert_allclose(y, alone, rtol=1e-5, atol=1e-4)
