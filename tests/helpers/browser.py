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


class Windows:
    """Windows of one browser, kept for later tests: each has a process, which takes longer to start than a page."""

    def __init__(self, chromium: Any):
        self._chromium = chromium
        self._idle: dict[str, list[Any]] = {}

    def take(self, options: dict[str, Any]) -> Any:
        """Return a window as new; options are those of a browser's context."""
        idle = self._idle.setdefault(repr(sorted(options.items())), [])
        view = idle.pop() if idle else self._chromium.new_context(**options).new_page()
        view.set_viewport_size(options["viewport"])
        view.emulate_media(media="screen", color_scheme=options["color_scheme"])
        return view

    def put(self, options: dict[str, Any], view: Any) -> None:
        """Empty a window and keep it."""
        view.mouse.move(0, 0)
        view.goto("about:blank")
        self._idle[repr(sorted(options.items()))].append(view)


class Visits:
    """Pages opened for one test, and all that none of them may do."""

    def __init__(self, windows: Windows):
        self.windows = windows
        self.open: list[tuple[dict[str, Any], Any, dict[str, Any]]] = []
        self.seen: list[str] = []

    def __call__(self, path: Path, **options: Any) -> Any:
        """Open a page in a window of its own; options are those of a browser's context."""
        options = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", **options}
        view, own = self.windows.take(options), path.resolve().as_uri()
        heard = {
            "request": lambda r: None if r.url.startswith((own, "data:")) else self.seen.append(f"asked {r.url}"),
            "dialog": lambda d: (self.seen.append("opened a dialog"), d.dismiss()),
            "console": lambda m: self.seen.append(f"said {m.text}"),
            "pageerror": lambda error: self.seen.append(f"failed: {error}"),
        }
        for event, hear in heard.items():
            view.on(event, hear)
        self.open.append((options, view, heard))
        view.goto(own)
        return view

    def close(self) -> None:
        """Close all, and hold against them what was seen."""
        for options, view, heard in self.open:
            for event, hear in heard.items():
                view.remove_listener(event, hear)
            self.windows.put(options, view)
        self.open = []
        assert self.seen == [], "\n".join(self.seen)[:3000]
