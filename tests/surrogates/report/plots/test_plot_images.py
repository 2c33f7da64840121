"""Plots as pictures, against those that were looked at; under the tested release of matplotlib and its font alone.

A picture that is not there is drawn, and the test fails: look at it, then run again.
"""

from __future__ import annotations

import io
from importlib.metadata import version

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tests.helpers.checkout import ROOT
from tests.helpers.plot_examples import EXAMPLES, example, options

FOLDER = ROOT / "tests" / "surrogates" / "report" / "plots" / "baseline"
#: one a kind
FIRST = {kind: name for name, kind in reversed(EXAMPLES)}
#: root mean square of what pixels may differ by, of 255: letters that stand a little elsewhere
CLOSE = 10.0
TESTED = f"matplotlib=={version('matplotlib')}" in (ROOT / "constraints" / "tested.txt").read_text("utf-8").splitlines()

pytestmark = [
    pytest.mark.xdist_group("plots"),
    pytest.mark.skipif(not TESTED, reason=f"matplotlib {version('matplotlib')} is not the release of the pictures"),
]


def picture(kind):
    """Draw an example in few colours, as small as can be read."""
    with matplotlib.rc_context(), io.BytesIO() as file:
        matplotlib.rcdefaults()
        matplotlib.rcParams["font.family"] = ["DejaVu Sans"]
        ax = example(FIRST[kind]).plot(kind, **options(FIRST[kind], kind))
        ax.figure.savefig(file, format="png", dpi=60)
        plt.close(ax.figure)
        return Image.open(file).convert("RGB").quantize(48, dither=Image.Dither.NONE)


@pytest.mark.parametrize("kind", sorted(FIRST))
def test_it_looks_as_it_did(kind):
    path, drawn = FOLDER / f"{kind}.png", picture(kind)
    if not path.exists():
        drawn.save(path, optimize=True)
        pytest.fail(f"{path.name} was not there and is drawn now: look at it")
    before, after = (np.asarray(image.convert("RGB"), dtype=float) for image in (Image.open(path), drawn))
    assert before.shape == after.shape
    assert np.sqrt(((before - after) ** 2).mean()) < CLOSE


def test_pictures_differ_by_more_than_what_is_let_through():
    before, after = (np.asarray(picture(kind).convert("RGB").resize((60, 60)), float) for kind in ("text", "waterfall"))
    assert np.sqrt(((before - after) ** 2).mean()) > CLOSE


def test_there_is_no_picture_of_what_is_no_kind():
    assert {path.stem for path in FOLDER.glob("*.png")} == set(FIRST)
