"""iomap explain image: a file is read as it stands upright, and its segments are explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from surrogates import Explanation
from surrogates.cli.image_file import opened
from tests.helpers.command import iomap

MODEL = """
import numpy as np

def top(images):
    return [float(np.asarray(image)[:20].mean()) for image in images]
"""
COMMON = ("--segments", "grid", "--n-segments", "6", "-m", "mymodels:top", "--store", "none", "-q")


@pytest.fixture(autouse=True)
def files():
    Path("mymodels.py").write_text(MODEL)
    upright = Image.fromarray(load_sample_image("flower.jpg")[::8, ::8])
    upright.save("flower.png")
    exif = Image.Exif()
    exif[0x0112] = 3  # stands on its head
    upright.rotate(180).save("turned.png", exif=exif)
    upright.quantize(16).save("few.png")
    Image.fromarray(np.full((8, 12), 40_000, np.uint16)).save("deep.png")


def explained(name, *options):
    done = iomap("explain", "image", name, *COMMON, *options, "--json", "e.json", "-o", "e.html")
    assert done.returncode == 0, done.stderr
    return Explanation.from_json("e.json")


def test_the_segments_of_a_file_are_explained():
    ex = explained("flower.png", "--fill", "0,0,0")
    assert ex.view["removal"] == "replaced by the colour 0, 0, 0" and len(ex.features) == 6
    assert "could not be drawn" not in Path("e.html").read_text("utf-8")


def test_a_photograph_is_turned_as_it_says():
    np.testing.assert_allclose(explained("turned.png").y, explained("flower.png").y, atol=1e-9)


def test_an_image_of_few_colours_is_read():
    assert explained("few.png", "--fill", "blur").view["removal"] == "replaced by a blurred copy"


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_how_opaque_pixels_are_is_kept_of_other_modes(mode):
    image = Image.new("LA", (12, 8), (90, 255))
    image.putpixel((3, 3), (90, 0))
    (image if mode == "LA" else image.convert("RGBA").quantize(4)).save("clear.png")
    assert np.asarray(opened(Path("clear.png")))[3, 3, 3] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("deep.png",), "IMAGE must hold a byte a channel: scale it to 0 to 255 first; got 'mode I;16'"),
        (("mymodels.py",), "IMAGE must be a file with an image that can be read"),
        (("nothing.png",), "IMAGE must be a file with an image that can be read"),
        (("flower.png", "--fill", "black"), "fill must be one of mean, blur, noise, inpaint"),
        (("flower.png", "--fill", "1,2"), "fill must be a colour of 1 or 3 numbers"),
    ],
)
def test_what_cannot_be_read_is_said(arguments, said):
    done = iomap("explain", "image", *arguments, *COMMON)
    assert done.returncode == 2 and said in done.stderr
