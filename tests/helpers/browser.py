"""A real browser for tests of pages: what it asks for, says and runs into is seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: where this is 1, tests that lack a browser fail
REQUIRED = "IOMAP_REQUIRE_BROWSER"
_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def lacking(what: str) -> NoReturn:
    """Skip a test that a browser is needed for; fail it where the environment requires one."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{what}; it is required here ({REQUIRED}=1)")
    pytest.skip(what)


@contextmanager
def started() -> Iterator[Any]:
    """Start Chromium."""
    if CHROMIUM is None:
        lacking("chromium is not on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking("playwright is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield chromium
        chromium.close()


class Visits:
    """Pages opened for one test, and all that none of them may do."""

    def __init__(self, chromium: Any):
        self.chromium = chromium
        self.contexts: list[Any] = []
        self.seen: list[str] = []

    def __call__(self, path: Path, **options: Any) -> Any:
        """Open a page in a window of its own; options are those of a browser's context."""
        context = self.chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.contexts.append(context)
        view = context.new_page()
        own = path.resolve().as_uri()
        view.on("request", lambda r: None if r.url.startswith((own, "data:")) else self.seen.append(f"asked {r.url}"))
        view.on("dialog", lambda d: (self.seen.append("opened a dialog"), d.dismiss()))
        view.on("console", lambda m: self.seen.append(f"said {m.text}"))
        view.on("pageerror", lambda error: self.seen.append(f"failed: {error}"))
        view.goto(own)
        return view

    def close(self) -> None:
        """Close all, and hold against them what was seen."""
        for context in self.contexts:
            context.close()
        assert self.seen == [], "\n".join(self.seen)[:3000]
