"""What tests share: pages that are harmless, a browser to look at them, and Ctrl-C."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import surrogates.report.views  # noqa: F401 - loads every part
from surrogates.report.part import Part
from tests.helpers import axe
from tests.helpers.browser import Visits, Windows, lacking, started
from tests.helpers.checkout import ROOT


class _Tags(HTMLParser):
    """Tags and attributes, and what scripts hold, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and self.cdata_elem == "script":
            self.scripts.append((self.tags[-1][1], data))


def _ours() -> set[str]:
    """The scripts that parts of the package declare."""
    return {kind.script for kind in Part.__subclasses__() if kind.__module__.startswith("surrogates.")}


def _run_by_policy(scripts: list[tuple[dict[str, str | None], str]], page: str) -> bool:
    """Whether every script is data that nothing runs, or code of the package that the page's policy names."""
    hashes = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for _, code in scripts]
    return all(
        attrs == {"type": "application/json"} or (attrs == {} and f"'sha256-{code}'" in page and text in _ours())
        for (attrs, text), code in zip(scripts, hashes, strict=True)
    )


@pytest.fixture
def harmless() -> Callable[[str], None]:
    """Asserts that a page runs nothing but the package's code, under its policy, and loads nothing."""

    def check(page: str) -> None:
        parser = _Tags()
        parser.feed(page)
        assert parser.tags
        assert len(parser.scripts) == sum(tag == "script" for tag, _ in parser.tags)
        assert _run_by_policy(parser.scripts, page)
        assert all(not name.startswith("on") for _, attrs in parser.tags for name in attrs)
        assert all((attrs["src"] or "").startswith("data:") for tag, attrs in parser.tags if tag == "img")
        inside = r"""(?!data:|#|item-\d+\.html")"""
        assert not re.search(r"""(?:src|href)\s*=\s*["']""" + inside + r"|url\(|@import", page.replace("&#34;", ""))

    return check


@pytest.fixture
def pressed() -> Callable[[Callable[[Any], Any], int], tuple[Callable[[Any], Any], list[Any]]]:
    """Makes a function that is interrupted once it was asked so many rows; with the rows it was asked."""

    def made(function: Callable[[Any], Any], patience: int) -> tuple[Callable[[Any], Any], list[Any]]:
        asked: list[Any] = []

        def impatient(Z: Any) -> Any:
            if len(asked) >= patience:
                raise KeyboardInterrupt
            asked.extend(Z)
            return function(Z)

        return impatient, asked

    return made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Windows]:
    """Starts one browser for the tests of a module; skips them where there is none."""
    with started() as browser:
        yield Windows(browser)


@pytest.fixture
def visit(chromium: Windows) -> Iterator[Visits]:
    """Opens pages; after the test none may have asked for anything, written to the console or failed."""
    visits = Visits(chromium)
    yield visits
    visits.close()


@pytest.fixture
def looked_at(visit: Visits) -> Callable[[Path, str], None]:
    """Asserts that a page fits and that axe-core finds nothing grave, wide and narrow, light and dark.

    Its pictures are kept in ``build/screenshots``: wide in the light, narrow in the dark.
    """
    code = axe.source()
    if code is None:
        lacking("axe-core could not be fetched with npm")
    folder = ROOT / "build" / "screenshots"

    def look(path: Path, name: str) -> None:
        view, found = visit(path), []
        for width, scheme in product((1280, 390), ("light", "dark")):
            view.set_viewport_size({"width": width, "height": 900})
            view.emulate_media(color_scheme=scheme)
            assert view.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            found += [f"{width} {scheme} {one}" for one in axe.findings(view, code)]
            if (width > 1000) == (scheme == "light"):
                view.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
        assert not found, "\n".join(found)

    return look
