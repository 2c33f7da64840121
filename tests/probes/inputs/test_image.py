"""ImageProbe: forms of images, segments, and what stands in the place of absent ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from probes import ImageProbe, InputError, MissingExtra
from probes.deferred import ready
from probes.inputs.image_fill import inpainted
from surrogates import anchor, check, explain, explain_many, shapley_values

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)
PHOTOGRAPH = load_sample_image("flower.jpg")[::4, ::4]


def one(probe, *present):
    """Render one image by the numbers of the segments that are present."""
    row = np.zeros((1, len(probe.features)))
    row[0, list(present)] = 1
    return probe.render(row)[0]


# --- forms


@pytest.mark.parametrize(
    "image",
    [BYTES, BYTES[..., 0], BYTES[..., :1], BYTES / 255, (BYTES / 255).astype(np.float32), BYTES[..., 0] / 255],
    ids=lambda image: f"{image.dtype} {image.shape}",
)
def test_an_array_comes_back_as_it_was(image):
    probe = ImageProbe(image, "grid", n_segments=6)
    batch = probe.render(np.ones((2, 6))).now()
    assert batch.dtype == image.dtype
    np.testing.assert_array_equal(batch, [image, image])  # exact: copies


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_an_image_of_pillow_comes_back_in_its_mode(mode):
    image = Image.fromarray(BYTES).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(BYTES[..., 1]))
    probe = ImageProbe(image, "grid", n_segments=6, fill=0)
    back = one(probe, *range(6))
    assert back.mode == mode and back.tobytes() == image.tobytes()


def test_what_is_transparent_stays_so():
    image = Image.fromarray(BYTES).convert("RGBA")
    image.putalpha(Image.fromarray(BYTES[..., 1]))
    shown = np.asarray(one(ImageProbe(image, "grid", n_segments=6, fill=7)))
    assert (shown[..., :3] == 7).all()  # exact: bytes
    np.testing.assert_array_equal(shown[..., 3], BYTES[..., 1])  # exact: bytes


@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize("channels", [None, "last"])
def test_a_tensor_comes_back_as_one(channels):
    torch = pytest.importorskip("torch")
    image = torch.from_numpy(BYTES.copy() / 255).float()
    image = image if channels else image.permute(2, 0, 1)
    batch = ImageProbe(image, "grid", n_segments=6, channels=channels).render(np.ones((2, 6))).now()
    assert batch.dtype == torch.float32 and torch.equal(batch, torch.stack([image, image]))


def test_numbers_of_another_range_are_taken_with_it():
    image = BYTES.astype(np.int16) - 128
    shown = one(ImageProbe(image, "grid", n_segments=6, fill=-128, data_range=(-128, 127)))
    assert shown.dtype == np.int16 and (shown == -128).all()  # exact: integers


@pytest.mark.parametrize(
    ("image", "options", "said"),
    [
        (np.zeros((3, 8, 8)), {}, r"image must come with channels='first'; got ndarray of shape \(3, 8, 8\)"),
        (np.zeros((3, 8, 3)), {}, "channels must be 'first' or 'last': by its shape the image may be either"),
        (np.zeros((2, 8, 8, 3)), {}, r"image must be one image, not a batch of them: image\[0\]"),
        (np.zeros((8, 8, 5)), {}, "image must have 1 or 3 channels"),
        (np.zeros((8, 8, 4)), {}, "RGBA: as an image of Pillow"),
        (np.zeros(8), {}, "image must have the shape"),
        (np.zeros((0, 8)), {}, "image must have pixels"),
        (np.full((8, 8), 200.0), {}, r"image must come with data_range=.*float64 from 200 to 200"),
        (np.full((8, 8), 2, np.uint16), {}, "image must come with data_range="),
        (np.full((8, 8), np.nan), {}, "image must hold finite numbers"),
        (np.zeros((8, 8), bool), {}, "image must hold numbers; got 'type bool'"),
        (np.zeros((8, 8)), {"data_range": (1, 0)}, r"data_range must be \(low, high\), the lower number first"),
        (np.zeros((8, 8)), {"data_range": (0.5, 1)}, "data_range must hold all of the image"),
        (np.zeros((8, 8), np.int8), {"data_range": (0, 255)}, "data_range must be of numbers that .* int8 has"),
        (np.zeros((1, 1)), {"n_segments": 2}, "image must have two pixels at least"),
        (np.zeros((8, 8)), {"channels": "C"}, "channels must be 'first' or 'last', or None"),
        (np.ma.masked_array(np.zeros((8, 8))), {}, "image must be an image of Pillow, a numpy array or a torch"),
        ([[0, 1], [1, 0]], {}, "image must be an image of Pillow, a numpy array or a torch tensor"),
        (Image.new("P", (8, 8)), {}, r"image must have the mode L, RGB, RGBA: image.convert\('RGB'\); got 'mode P'"),
        (Image.new("L", (8, 8)), {"channels": "last"}, "channels must be left out"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_what_is_no_image_or_may_be_several_is_refused(image, options, said):
    with pytest.raises(InputError, match=said):
        ImageProbe(image, "grid", **options)


# --- segments


@pytest.mark.parametrize("segments", ["slic", "quickshift"])
def test_superpixels_part_a_dark_half_from_a_bright_one(segments):
    pytest.importorskip("skimage")
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 31:] = (250, 240, 20)
    labels = ImageProbe(image, segments, n_segments=8 if segments == "slic" else None, fill=9).labels
    bright = np.bincount(labels.ravel(), (image[..., 0] > 0).ravel()) / np.bincount(labels.ravel())
    assert (np.minimum(bright, 1 - bright) < 0.2).all()


@pytest.mark.parametrize("n", [12, 30, 60])
def test_superpixels_are_about_as_many_as_wanted(n):
    pytest.importorskip("skimage")
    assert abs(len(ImageProbe(PHOTOGRAPH, n_segments=n).features) - n) <= 0.25 * n


@pytest.mark.parametrize(("shape", "n"), [((10, 10), 4), ((5, 40), 8), ((40, 5), 8), ((1, 9), 3), ((9, 1), 9)])
def test_a_grid_has_the_rectangles_that_are_wanted(shape, n):
    image = np.linspace(0, 1, shape[0] * shape[1]).reshape(shape)
    assert len(ImageProbe(image, "grid", n_segments=n, fill=1.0).features) == n


def test_segments_are_named_by_label_place_and_share():
    labels = np.full((12, 16), 40)
    labels[:4, :4], labels[4:8, 6:10] = 7, 3
    names = [feature.name for feature in ImageProbe(BYTES, labels).features]
    assert names == [
        "segment 3 (centre, 8.3% of the image)",
        "segment 7 (top left, 8.3% of the image)",
        "segment 40 (centre, 83.3% of the image)",
    ]


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ("felzenszwalb", "segments must be one of slic, quickshift, grid, or an array of labels"),
        (np.zeros((12, 16)), "segments must be one of slic.* integers.*got 'type float64'"),
        (np.zeros((12, 16), bool), "got 'type bool'"),
        (np.zeros((12, 15), int), r"segments must have a label for every pixel, shape \(12, 16\)"),
        (np.zeros((12, 16, 1), int), "segments must have a label for every pixel"),
        (np.arange(192).reshape(12, 16) - 1, "segments must cover the image: a pixel of a negative label"),
        (np.ones((12, 16), int), "segments must be at least two"),
        ([[0, 1]], "segments must be one of"),
    ],
    ids=lambda value: value if isinstance(value, (str, int)) else None,
)
def test_segments_that_are_none_are_refused(segments, said):
    with pytest.raises(InputError, match=said):
        ImageProbe(BYTES, segments)


@pytest.mark.parametrize(
    ("segments", "n", "said"),
    [("grid", 1, "from 2 to 192"), ("grid", 193, "from 2 to 192"), ("quickshift", 9, "left out for quickshift")],
)
def test_a_number_of_segments_that_cannot_be_is_refused(segments, n, said):
    with pytest.raises(InputError, match=f"n_segments must be .*{said}"):
        ImageProbe(BYTES, segments, n_segments=n)


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skimage.segmentation", None)
    with pytest.raises(MissingExtra, match=r"pip install 'iomap\[images\]'"):
        ImageProbe(BYTES)


# --- fills


@pytest.mark.parametrize("fill", ["mean", "blur", "noise", "inpaint", 9, (1, 2, 3), BYTES[::-1], np.flipud])
def test_what_is_present_is_the_image_and_what_is_absent_is_not(fill):
    probe = ImageProbe(BYTES, "grid", n_segments=6, fill=fill)
    shown = one(probe, 1, 2)
    here = np.isin(probe.labels, [1, 2])
    np.testing.assert_array_equal(shown[here], BYTES[here])  # exact: copies
    assert (shown[~here] != BYTES[~here]).any()


def test_the_mean_is_that_of_each_segment():
    probe = ImageProbe(BYTES / 255, "grid", n_segments=6)
    shown = one(probe)
    for i in range(6):
        inside = probe.labels == i
        np.testing.assert_allclose(shown[inside] - (BYTES[inside] / 255).mean(axis=0), 0, atol=1e-12)


def test_a_function_is_asked_once_with_the_image_as_it_was_given():
    given = []

    def mirrored(image):
        given.append(image)
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    image = Image.fromarray(BYTES)
    probe = ImageProbe(image, "grid", n_segments=6, fill=mirrored)
    assert one(probe).tobytes() == mirrored(image).tobytes() and given == [image, image]
    assert "mirrored(image)" in probe.view()["removal"]


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        ("black", "fill must be one of mean, blur, noise, inpaint, a colour, an image of the same shape, or a fun"),
        (256, "fill must be a colour of 1 or 3 numbers from 0 to 255, as the image has; got 256"),
        ((1, 2), "fill must be a colour of 1 or 3 numbers"),
        (0.5, "fill must be a colour from 0 to 255: below 1 it is as good as 0; got 0.5"),
        (float("nan"), "fill must be a colour"),
        (BYTES[:5], "fill must be like the image: array of uint8"),
        (BYTES / 255, "fill must be like the image"),
        (lambda image: None, "fill must be an image like the one that is explained"),
        (lambda image: 1 / 0, "fill must make an image of the one that is explained; it raised ZeroDivisionError"),
        (BYTES, "fill must change the image"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_fill_that_is_none_is_refused(fill, said):
    with pytest.raises(InputError, match=said):
        ImageProbe(BYTES, "grid", n_segments=6, fill=fill)


def test_segments_that_a_fill_does_not_change_are_counted():
    image = BYTES.copy()
    image[:6] = 255
    probe = ImageProbe(image, "grid", n_segments=4)
    assert probe.notes == (
        "2 of 4 segments stay the same, each replaced by its mean colour: no effect of these can be seen, whatever the "
        "model does; another fill= may show one.",
    )
    assert not ImageProbe(image, "grid", n_segments=4, fill=0).notes


def test_inpainting_gives_back_a_slope_and_lies_within_what_is_around():
    slope = np.linspace(0, 100, 64)[None, :, None].repeat(48, axis=0)
    kept = np.ones((1, 48, 64, 1), bool)
    kept[0, 10:30, 20:44] = False
    filled = inpainted(slope, kept)[0]
    assert np.abs(filled - slope).max() < 20
    assert filled.min() >= 0 and filled.max() <= 100


def test_inpainting_with_nothing_left_gives_the_mean():
    shown = inpainted(BYTES.astype(float), np.zeros((2, 12, 16, 1), bool))
    np.testing.assert_allclose(shown, BYTES.mean(axis=(0, 1)) * np.ones((2, 12, 16, 3)), rtol=1e-6)


def test_noise_is_drawn_by_the_seed_alone():
    first, again, other = (ImageProbe(BYTES, "grid", fill="noise", random_state=s, replicates=2) for s in (1, 1, 2))
    assert first.digest == again.digest != other.digest
    assert first.replicates == 2 and "2 images of noise" in first.notes[0]


def test_intervals_of_effects_cover_which_noise_was_drawn():
    probes = [ImageProbe(BYTES, "grid", n_segments=4, fill="noise", random_state=s) for s in range(20)]
    true = BYTES[4:6, 9:11].mean() - BYTES.mean()  # noise has the mean of the image
    held = 0
    for probe in probes:
        first = explain(cause, probe, budget=64, store=None).attributions.iloc[0]
        held += first["low"] <= true <= first["high"]
    assert held >= 16


# --- what else a probe does


@pytest.mark.parametrize(
    "other",
    [
        {"image": BYTES[::-1]},
        {"segments": "grid", "n_segments": 8},
        {"fill": "blur"},
        {"fill": 3},
        {"fill": "noise"},
        {"fill": "inpaint"},
        {"image": BYTES / 255},
        {"image": Image.fromarray(BYTES)},
    ],
    ids=lambda settings: ", ".join(settings) if isinstance(settings, dict) else None,
)
def test_probes_that_ask_other_questions_have_other_digests(other):
    usual = {"image": BYTES, "segments": "grid", "n_segments": 6}
    assert ImageProbe(**usual).digest != ImageProbe(**{**usual, **other}).digest
    assert ImageProbe(**usual).digest == ImageProbe(**usual).digest


def test_a_map_has_effects_at_pixels_and_what_is_scattered_adds_up():
    probe = ImageProbe(BYTES, "grid", n_segments=6)
    values = np.array([[1.0, 2, 3, 4, 5, 6], [0, 0, -1, 0, 0, 0]])
    assert probe.attribution_map(values).shape == (2, 12, 16)
    assert probe.attribution_map(values[0])[0, 0] == pytest.approx(1.0)
    np.testing.assert_allclose(probe.scatter(values).sum(axis=1), values.sum(axis=1))
    assert probe.scatter(values).shape == (2, 192)
    with pytest.raises(InputError, match="values must hold one number for each feature"):
        probe.attribution_map(np.zeros(5))


def test_the_picture_in_a_view_is_small_and_its_runs_cover_it():
    view = ImageProbe(np.tile(PHOTOGRAPH, (12, 12, 1)), "grid", n_segments=9, fill=0).view()
    assert max(view["height"], view["width"]) == 448 and len(view["picture"]) < 300_000
    assert sum(view["runs"]) == view["height"] * view["width"] and len(set(view["segments"])) == 8


def cause(images):
    """Look at one spot alone."""
    return [float(np.asarray(image)[4:6, 9:11].mean()) for image in images]


def test_an_image_of_pillow_needs_no_probe():
    pytest.importorskip("skimage")
    ex = explain(cause, Image.fromarray(PHOTOGRAPH), budget=100, store=None)
    assert ex.view["kind"] == "image"


def test_an_array_is_not_guessed_to_be_an_image():
    with pytest.raises(InputError, match=r"probe must be an ImageProbe\(image\)"):
        explain(cause, BYTES, store=None)


def test_the_segment_that_is_looked_at_has_the_only_effect():
    probe = ImageProbe(BYTES, "grid", n_segments=12, fill=0)
    ex = explain(cause, probe, budget=100, store=None)
    place = int(probe.labels[5, 10])
    assert ex.attributions["feature"].iloc[0] == probe.features[place].name
    np.testing.assert_allclose(ex.attributions["attribution"].iloc[0], BYTES[4:6, 9:11].mean(), rtol=1e-6)
    np.testing.assert_allclose(ex.attributions["attribution"].iloc[1:], 0, atol=1e-6)


def test_shapley_values_and_anchors_find_it_too():
    probe = ImageProbe(BYTES, "grid", n_segments=6, fill=0)
    name = probe.features[int(probe.labels[5, 10])].name
    values = shapley_values(cause, probe, store=None)
    np.testing.assert_allclose(values.table["index"].iloc[0], BYTES[4:6, 9:11].mean(), rtol=1e-6)
    rule = anchor(cause, probe, store=None)
    assert values.table["features"].iloc[0] == name and name in str(rule).replace("\n    ", " ")


def test_several_images_of_two_sizes_are_explained_together():
    probes = [ImageProbe(image, "grid", n_segments=6, fill=0) for image in (BYTES, BYTES[::-1], PHOTOGRAPH)]
    several = explain_many(cause, probes, budget=64 * 3, store=None)
    single = [explain(cause, probe, budget=64, store=None) for probe in probes]
    for together, alone in zip(several, single, strict=True):
        np.testing.assert_allclose(together.attributions["attribution"], alone.attributions["attribution"], atol=1e-9)


def test_another_fill_is_tried_by_the_check_of_removal():
    probe = ImageProbe(BYTES, "grid", n_segments=6)
    ex = explain(cause, probe, store=None)
    (finding,) = check(ex, cause, probe, ["removal"], store=None).checks
    assert "replaced by a blurred copy" in finding.sentence


def test_it_is_pickled_for_workers():
    import pickle

    probe = ImageProbe(Image.fromarray(BYTES), "grid", n_segments=6, fill="blur")
    assert pickle.loads(pickle.dumps(probe)).digest == probe.digest
    assert len(pickle.loads(pickle.dumps(probe.render(np.ones((2, 6)))))) == 2


def test_a_function_that_fills_may_write_into_what_it_is_given():
    image = BYTES.copy()

    def black(given):
        given[:] = 0
        return given

    probe = ImageProbe(image, "grid", n_segments=4, fill=black)
    assert np.array_equal(image, BYTES)  # exact: bytes
    assert np.array_equal(ready(probe.render(probe.instance[None]))[0], BYTES)  # exact: bytes


def test_a_map_of_words_is_refused():
    with pytest.raises(InputError, match="values must hold one number for each feature"):
        ImageProbe(BYTES, "grid", n_segments=4).attribution_map("ab")
