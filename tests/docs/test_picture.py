"""The picture in ARCHITECTURE.md is drawn from the imports as they are."""

from __future__ import annotations

import importlib.util
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tests.helpers.checkout import ROOT

pytestmark = pytest.mark.xdist_group("picture")  # what the module makes once is made in one process


@pytest.fixture(scope="module")
def draw():
    """The module that draws, which reads all imports and places the rooms once."""
    spec = importlib.util.spec_from_file_location("draw_rooms", ROOT / "docs" / "draw_rooms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.room_graph, module.picture = cache(module.room_graph), cache(module.picture)
    return module


def test_the_picture_is_up_to_date(draw):
    assert draw.main(["--check"]) == 0, "run: python docs/draw_rooms.py"


def test_the_picture_is_an_svg_that_shows_every_room(draw):
    tree = ElementTree.fromstring(draw.picture())
    assert tree.tag.endswith("svg")
    boxes = [node for node in tree.iter() if node.tag.endswith("rect") and node.get("rx")]
    assert len(boxes) == len(draw.room_graph())


def test_arrows_that_follow_from_others_are_left_out(draw, monkeypatch):
    monkeypatch.setattr(draw, "order", lambda: ("a", "b", "c"))
    down, up = draw.split({"a": {"c"}, "b": {"a"}, "c": {"b", "a"}})
    assert down == {"a": set(), "b": {"a"}, "c": {"b"}}
    assert up == [("a", "c")]


def test_boxes_do_not_overlap(draw):
    down, _ = draw.split(draw.room_graph())
    layers, links = draw.layered(down)
    middle = draw.placed(draw.arranged(layers, links), links)
    for layer in layers:
        places = sorted(middle[n][0] for n in layer if n in down)
        assert all(b - a >= draw.WIDTH for a, b in pairwise(places))
