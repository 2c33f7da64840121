"""Explanation → parts → one self-contained HTML page.

The page holds its own style, no script, and a policy that forbids loading anything; every string passes the template
engine's escaping on its way in.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from surrogates.report.explanation import parts

if TYPE_CHECKING:
    from surrogates.local.explanation import Explanation

__all__ = ["fragment", "page"]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("surrogates", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(explanation: Explanation) -> str:
    """A whole HTML document."""
    title = f"Explanation: {', '.join(explanation.target.outputs)} ({explanation.target.unit})"
    return _environment().get_template("page.html").render(title=title, parts=parts(explanation))


def fragment(explanation: Explanation) -> str:
    """The same as a piece of HTML for notebooks."""
    return _environment().get_template("fragment.html").render(parts=parts(explanation))
