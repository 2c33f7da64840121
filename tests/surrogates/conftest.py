"""What tests share: pages that are harmless, and Ctrl-C."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest


class _Tags(HTMLParser):
    """Tags and attributes, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def harmless() -> Callable[[str], None]:
    """Asserts that a page runs nothing and loads nothing."""

    def check(page: str) -> None:
        parser = _Tags()
        parser.feed(page)
        assert parser.tags
        assert "script" not in {tag for tag, _ in parser.tags}
        assert all(not name.startswith("on") for _, attrs in parser.tags for name in attrs)
        assert all((attrs["src"] or "").startswith("data:") for tag, attrs in parser.tags if tag == "img")
        inside = r"""(?!data:|#(?:word|item)-\d|#all-items"|item-\d+\.html")"""
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
