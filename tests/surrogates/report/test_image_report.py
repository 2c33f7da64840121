"""An image in pages and plots: segments with their numbers, switches, and files that hold something else."""

from __future__ import annotations

import base64
import io
import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from probes import ImageProbe
from surrogates import Explanation, anchor, explain, explain_many
from surrogates.report.shown_image import ShownImage

pytestmark = pytest.mark.xdist_group("image report")  # what the module makes once is made in one process

PHOTOGRAPH = load_sample_image("china.jpg")[::6, ::6]
PROBE = ImageProbe(PHOTOGRAPH, "grid", n_segments=6, fill=0)


def corners(images):
    """Brightness at the left above, less that at the right below."""
    return images[:, :30, :30, 0].mean((1, 2)) - images[:, -30:, -30:, 0].mean((1, 2))


@pytest.fixture(scope="module")
def explained():
    return explain(corners, PROBE, store=None)


@pytest.fixture(scope="module")
def view_of(explained, tmp_path_factory):
    return explained.report(tmp_path_factory.mktemp("image") / "page.html")


def test_the_outline_of_a_segment_goes_around_its_pixels_and_no_others():
    labels = np.array([[0, 0, 1], [0, 2, 1], [0, 0, 0]])
    image = ShownImage(np.zeros((3, 3, 3), np.uint8), labels)
    assert image.outlines(4)[3] == ""
    for i, path in enumerate(image.outlines(4)[:3]):
        assert area(path) == (labels == i).sum()


def area(path):
    """Add up what closed paths enclose, holes less: the shoelace formula over their steps."""
    total = 0
    for loop in path.split("z")[:-1]:
        x, y = map(int, re.match(r"M(\d+) (\d+)", loop).groups())
        first, sum_ = (x, y), 0
        for kind, length in re.findall(r"([hv])(-?\d+)", loop):
            nx, ny = (x + int(length), y) if kind == "h" else (x, y + int(length))
            sum_ += x * ny - nx * y
            x, y = nx, ny
        total += sum_ + x * first[1] - first[0] * y
    return total / 2


def test_every_segment_can_be_gone_to_and_says_its_numbers(visit, view_of, explained):
    view = visit(view_of)
    segments = view.locator(".tinted path[tabindex]")
    assert segments.count() == len(PROBE.features)
    segments.first.focus()
    view.keyboard.press("ArrowRight")
    name = PROBE.features[1].name
    assert view.locator(".tinted .tip").inner_text().startswith(f"{name}: ")


def test_a_segment_is_switched_by_a_click_and_the_number_follows(visit, view_of, explained):
    view = visit(view_of)
    last = len(PROBE.features) - 1
    view.locator(f".whatif path[data-i='{last}']").click()
    assert view.locator(".whatif path.gone").count() == 1
    assert "1 of 6 switched off" in view.locator(".whatif .count").inner_text()
    Z = np.ones((1, 6))
    Z[0, last] = 0
    said = float(view.locator(".said b").first.inner_text().replace("−", "-"))
    assert said == pytest.approx(explained.predict(Z)[0], rel=0.01)
    view.locator(".whatif button.all").click()
    assert view.locator(".whatif path.gone").count() == 0


def test_the_picture_is_seen_under_the_policy_of_the_page(visit, view_of):
    loaded = (
        "async () => { const image = new Image(); image.src = document.querySelector('.tinted image').href.baseVal;"
        " await image.decode(); return [image.naturalWidth, image.naturalHeight]; }"
    )
    assert visit(view_of).evaluate(loaded) == [PHOTOGRAPH.shape[1], PHOTOGRAPH.shape[0]]


def test_of_several_outputs_the_picture_is_in_the_page_once_and_seen_for_each(visit, tmp_path):
    twice = explain(lambda images: np.tile(corners(images)[:, None], 2), PROBE, target="all", budget=64, store=None)
    path = twice.report(tmp_path / "page.html")
    assert path.read_text("utf-8").count("<image id=") == 1
    view = visit(path)
    shown = []
    for i in (0, 1):  # one at a time
        view.locator(".switch input[type=radio]").nth(i).check(force=True)
        picture = view.locator(".tinted svg").nth(i).screenshot()
        shown.append(np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=float))
    first, second = shown
    assert first.std() > 10
    assert np.abs(first - second).mean() < 1


def test_in_a_notebook_the_picture_is_there_once(explained):
    twice = explain(lambda images: np.tile(corners(images)[:, None], 2), PROBE, target="all", budget=64, store=None)
    for result in (explained, twice):
        piece = result._repr_html_()
        (name,) = re.findall(r'<image id="(picture-\w+)"', piece)
        assert piece.count("<image ") == 1 and piece.count(f'<use href="#{name}"') >= 1


def test_what_was_saved_is_drawn_the_same(explained):
    back = Explanation.from_json(explained.to_json())
    assert back.report("b.html").read_text("utf-8") == explained.report("a.html").read_text("utf-8")


def test_an_anchor_marks_the_segments_that_it_keeps():
    rule = anchor(corners, PROBE, store=None)
    page = rule.report("anchor.html").read_text("utf-8")
    assert "could not be drawn" not in page
    assert page.count(': in the rule" ') + page.count(": in the rule</title>") >= len(rule.rule.conditions)


def test_a_set_of_images_has_a_page():
    several = explain_many(corners, [PROBE, ImageProbe(PHOTOGRAPH[::-1].copy(), "grid", n_segments=6)], store=None)
    page = several.report("set.html").read_text("utf-8")
    assert "could not be drawn" not in page and "image of 107 × 72 pixels" in page


def test_a_plot_of_the_image_has_numbers_at_clear_segments(explained):
    ax = explained.plot("image")
    clear = explained.attributions.query("low > 0 or high < 0")
    assert len(clear) == 2 and sum(text.get_text()[:1] in "+−" for text in ax.texts) == 2
    plt.close(ax.figure)


def test_effects_on_many_outputs_are_not_drawn_one_by_one():
    many = explain(lambda images: images[:, :, :14, 0].mean(axis=1), PROBE, store=None)
    page = many.report("many.html").read_text("utf-8")
    assert "The image is shown for at most 12 outputs; here are 14." in page and "could not be drawn" not in page


SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()


@pytest.mark.parametrize(
    "damage",
    [
        {"picture": SVG},
        {"picture": "data:text/html,<script>alert(1)</script>"},
        {"picture": "\u202e"},
        {"picture": None},
        {"picture": "A" * 5_000_000},
        {"width": 108},
        {"width": 100_000},
        {"height": "72"},
        {"segments": [0]},
        {"segments": ["a", "b"]},
        {"runs": [10**12, 5]},
        {"runs": []},
    ],
    ids=lambda damage: f"{next(iter(damage))} {str(next(iter(damage.values())))[:12]}",
)
def test_a_file_with_another_picture_draws_none(explained, damage):
    data = json.loads(explained.to_json())
    data["view"].update(damage)
    page = Explanation.from_json(json.dumps(data)).report("damaged.html").read_text("utf-8")
    assert "could not be drawn" in page and "<image" not in page and "onload" not in page and SVG not in page


def test_bytes_after_a_picture_do_not_reach_the_page(explained):
    data = json.loads(explained.to_json())
    extra = b"<script>alert(1)</script>"
    data["view"]["picture"] = base64.b64encode(base64.b64decode(data["view"]["picture"]) + extra).decode()
    page = Explanation.from_json(json.dumps(data)).report("longer.html").read_text("utf-8")
    uri = re.search(r'<image href="data:image/\w+;base64,([^"]+)"', page)[1]
    assert extra not in base64.b64decode(uri)


def test_the_picture_of_a_question_is_grey_where_segments_were_replaced():
    labels = np.repeat([[0, 1]], 8, axis=0).repeat(8, axis=1)
    image = ShownImage(np.full((8, 16, 3), 250, np.uint8), labels)
    uri = image.asked(np.array([True, False]))
    shown = plt.imread(io.BytesIO(base64.b64decode(uri.partition(",")[2])), format="png")
    there, replaced = np.split(shown, 2, axis=1)
    assert there[..., 0].min() > 0.9 and np.allclose(replaced, 0.5, atol=0.01)


@pytest.mark.parametrize("side", [2, 7, 50])
def test_the_picture_of_a_question_is_large_enough_to_be_seen_where_the_image_is_tiny(side):
    image = ShownImage(np.full((side, side, 3), 250, np.uint8), np.zeros((side, side), int))
    uri = image.asked(np.array([True]))
    shown = plt.imread(io.BytesIO(base64.b64decode(uri.partition(",")[2])), format="png")
    assert min(shown.shape[:2]) >= 100


def test_a_page_shows_the_pictures_that_were_asked(view_of):
    page = view_of.read_text(encoding="utf-8")
    shown = re.findall(r'<img src="data:image/[a-z]+;base64,[^"]+"', page)
    assert len(set(shown)) == len(shown) == page.count('<div class="question')


def test_several_segments_have_their_mean_colours():
    image = np.random.default_rng(1).integers(0, 255, (4, 8, 3), dtype=np.uint8)

    def any_column_as_it_was(batch):
        return [float((one == image).all(axis=(0, 2)).any()) for one in batch]  # exact: bytes

    text = str(explain(any_column_as_it_was, ImageProbe(image, np.arange(8)[None].repeat(4, axis=0) // 2), store=None))
    assert "replaced by their mean colour" in " ".join(text.split())
