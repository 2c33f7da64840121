"""Result → parts → one self-contained HTML page.

The page holds its style and a policy that forbids loading anything; every string passes the template engine's escaping
on its way in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from markupsafe import Markup

from surrogates.report.part import Part, environment
from surrogates.results.result import Result

__all__ = ["Contents", "contents", "filled", "fragment", "page"]


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
    return filled("page.html", contents(result, **options))


def fragment(result: Result) -> str:
    """Draw a result as a piece of HTML for notebooks."""
    return filled("fragment.html", contents(result))


def filled(template: str, shown: Contents) -> str:
    """Draw parts by the template of a page or of a piece."""
    drawn = [(part.title, part.draw()) for part in shown.parts]
    style = _once(rule for part in shown.parts for rule in part.style)
    scripts = _once(part.script for part in shown.parts if part.script)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    return (
        environment()
        .get_template(template)
        .render(
            title=shown.title,
            parts=drawn,
            style=Markup("\n".join(style)),
            scripts=[*map(Markup, scripts)],
            hashes=hashes,
        )
    )


def _once(texts: Iterable[str]) -> list[str]:
    """Return texts in the order of their first appearance."""
    return [*dict.fromkeys(texts)]
