"""The page of plots shows every kind that there is, with a picture of its own."""

from __future__ import annotations

import re

import surrogates.report.views  # noqa: F401 - loads every kind
from surrogates.report.plots.kinds import KINDS, kinds_of
from tests.helpers.checkout import ROOT

PAGE = (ROOT / "docs" / "plots.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)`(.*?) \| (.*?) \| .*? \| (.*?) ?\|$", PAGE, re.MULTILINE)


def test_the_table_lists_every_kind_with_its_results():
    assert {kind: set(of.split(", ")) for kind, _, of, _ in ROWS} == {
        kind: {result.__name__ for result in of} for kind, of in KINDS.items()
    }


def test_the_table_lists_every_option():
    for kind, _, _, options in ROWS:
        for maker in KINDS[kind].values():
            names = maker.__code__.co_varnames[1 : maker.__code__.co_argcount]
            assert set(names) <= set(re.findall(r"`(\w+)`", options)), kind


def test_every_kind_has_a_picture_and_no_picture_is_left_over():
    shown = set(re.findall(r"\]\(plots/([\w-]+)\.png\)", PAGE))
    assert shown == set(KINDS) == {path.stem for path in (ROOT / "docs" / "plots").glob("*.png")}


def test_the_pictures_are_small():
    assert all(path.stat().st_size < 40_000 for path in (ROOT / "docs" / "plots").glob("*.png"))


def test_what_is_said_to_be_drawn_by_default_is():
    first = {kind for kind, default, _, _ in ROWS if "default" in default}
    every = {result for of in KINDS.values() for result in of}
    assert first == {kinds_of(object.__new__(result))[0] for result in every}
