"""Result → parts → one self-contained HTML page.

The page holds its style and a policy that forbids loading anything; every string passes the template engine's escaping
on its way in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

from markupsafe import Markup

from surrogates.report.part import Part, environment
from surrogates.report.styles import DARK
from surrogates.report.words import Words
from surrogates.results.result import Result

__all__ = ["Contents", "card", "contents", "fragment", "page"]


#: parts that a notebook shows at once
_PARTS = 4


@dataclass(frozen=True)
class Contents:
    """What a page shows: its title, and its parts in the order in which they are read."""

    title: str
    parts: list[Part]


@singledispatch
def contents(result: Any, **options: Any) -> Contents:
    """Take a result apart; one function is registered for each type of result."""
    raise TypeError(f"there is no page for {type(result).__name__}")


def page(result: Result, **options: Any) -> str:
    """Draw a result as an HTML document."""
    return _filled("page.html", contents(result, **options), [])


def fragment(result: Result) -> str:
    """Draw a result as a piece of HTML for notebooks: what is read first, in short; all of it folded away."""
    return card(contents(result))


def card(shown: Contents) -> str:
    """Draw parts as a piece of HTML: the first of each kind that is read at once, in short, then all, folded away."""
    shown = replace(shown, parts=[part for part in shown.parts if not part.page_only])
    first = {type(part): part for part in reversed(shown.parts) if part.at_once}
    short = [part.shortened() for part in shown.parts if first.get(type(part)) is part][:_PARTS]
    held = {name for part in short for one in part.within() for name in one.picture_names()}
    folded = [part.without(held) for part in shown.parts] if short and short != shown.parts else []
    return _filled("fragment.html", Contents(shown.title, short or shown.parts), folded)


def _filled(template: str, shown: Contents, folded: Sequence[Part]) -> str:
    words = Words() if template == "page.html" else None  # a notebook has many cards, and one list of places
    drawn, below = ([(part.title, part.draw(words)) for part in parts] for parts in (shown.parts, folded))
    every = [held for part in (*shown.parts, *folded) for held in part.within()]
    common = environment().get_template("style.css").render(dark=Markup(DARK))
    style = "\n".join([common, *_once(rule for part in every for rule in part.style)])
    if template == "fragment.html":  # stronger than any rule of the notebook around it
        style = style.replace(".iomap", ".iomap.iomap.iomap")
    scripts = _once(part.script for part in every if part.script) if template == "page.html" else []
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    return (
        environment()
        .get_template(template)
        .render(
            title=shown.title,
            parts=drawn,
            folded=below,
            words=words.listed if words else [],
            style=Markup(style),
            dark=Markup(DARK),
            scripts=[*map(Markup, scripts)],
            hashes=hashes,
        )
    )


def _once(texts: Iterable[str]) -> list[str]:
    """Return texts in the order of their first appearance."""
    return [*dict.fromkeys(texts)]
