"""Part: one section of a page; and the bars and pictures that parts show.

A part is a frozen dataclass of what its template shows. It declares its template and style once, at the class; a page
collects the styles of the parts that it holds. Text is escaped in one place, by the template engine, where it becomes
HTML. A part that cannot be made or drawn is replaced by a note, so that one bad figure does not cost the page.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from surrogates.report.scripts import data_block
from surrogates.report.styles import NOTE
from surrogates.report.words import Words, unexplained
from surrogates.visible import isolated, visible

__all__ = ["Bar", "Note", "Part", "bar", "environment", "level", "made", "picture", "placed"]

#: rows that a notebook shows at once
_AT_ONCE = 8

log = logging.getLogger(__name__)


@cache
def environment() -> Environment:
    """Make the template engine: it shows and escapes every string, and an unknown name is an error."""
    engine = Environment(
        loader=PackageLoader("surrogates", "report/templates"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters["flowing"] = _flowing
    engine.filters["data_block"] = data_block
    return engine


def _shown(value: object) -> object:
    """Make a string safe to stand beside others, unless it is HTML already."""
    return isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _flowing(text: str) -> Markup:
    """Show a piece of a text that goes on before and after it, in the direction of the whole."""
    return escape(visible(text))


@dataclass(frozen=True, kw_only=True)
class Part:
    """Base of all parts: a heading, and what the template shows under the name ``part``.

    Attributes
    ----------
    template : str
        File in ``report/templates``.
    style : tuple of str
        Rules of CSS that it needs beside those of every page; a rule that parts share is written once.
    script : str
        JavaScript, if any; the page allows it by its hash and nothing else. A notebook runs none.
    page_only : bool
        Whether it is nothing without its script, so that it has no place in a notebook.
    at_once : bool
        Whether it is read at once in a notebook, where the rest is folded away.
    title : str
        Heading; empty for none.
    """

    template: ClassVar[str]
    style: ClassVar[tuple[str, ...]] = ()
    script: ClassVar[str] = ""
    page_only: ClassVar[bool] = False
    at_once: ClassVar[bool] = False

    title: str = ""

    def draw(self, words: Words | None = None) -> Markup:
        """Draw the part as HTML; a note in its place if that fails. The first use of each of `words` is a link."""
        explained = unexplained if words is None else words.explained
        try:
            template = environment().get_template(self.template)
            return Markup(template.render(part=self, explained=explained, words=words))
        except Exception as error:  # noqa: BLE001 - the rest of the page is worth having
            return _failed(type(self).__name__, error).draw()

    def within(self) -> Iterator[Part]:
        """Yield the part, and those that it draws within itself."""
        yield self

    def picture_names(self) -> Sequence[str]:
        """Return the names of the pictures that it holds, by which others refer to them."""
        return ()

    def without(self, pictures: Collection[str]) -> Part:
        """Return it with pictures of these names as what holds it has them already."""
        return self

    def shortened(self) -> Part:
        """Return what a notebook shows at once: of many rows the first, where the part counts the others as `more`."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        rows, more = values.get("rows", ()), values.get("more")
        if more is None or len(rows) <= _AT_ONCE:
            return self
        changed: dict[str, Any] = {"rows": rows[:_AT_ONCE], "more": more + len(rows) - _AT_ONCE}
        return replace(self, **changed)


@dataclass(frozen=True, kw_only=True)
class Note(Part):
    """A remark in a box."""

    template = "note.html"
    style = (NOTE,)
    at_once = True

    text: str


def _failed(name: str, error: Exception) -> Note:
    log.warning("a part of the report could not be made (%s): %s", name, error)
    return Note(text=f"This part could not be drawn: {type(error).__name__}: {error}")


def made(makers: Sequence[Callable[[Any], Sequence[Part]]], result: Any) -> list[Part]:
    """Make the parts of a result, one maker after the other; one that fails leaves a note."""
    parts: list[Part] = []
    for make in makers:
        try:
            parts += make(result)
        except Exception as error:  # noqa: BLE001 - the rest of the page is worth having
            parts.append(_failed(make.__name__.strip("_"), error))
    return parts


def level(low: float) -> str:
    """Return the class of a verdict by the lower end of R²: good, fair, weak or poor."""
    if not np.isfinite(low) or low <= 0:
        return "poor"
    return "good" if low >= 0.7 else "fair" if low >= 0.4 else "weak"


@dataclass(frozen=True)
class Bar:
    """A bar with its interval: positions and lengths in percent of the axis."""

    sign: str
    left: str
    width: str
    low: str
    span: str


def bar(value: float, low: float, high: float, reach: float) -> Bar:
    """Make a bar from 0 to `value` with an interval, on an axis from −reach to reach.

    Examples
    --------
    >>> bar(-1.0, -1.5, -0.5, 2.0)
    Bar(sign='down', left='25.00', width='25.00', low='12.50', span='25.00')
    """
    left, right = sorted((0.0, value))
    at = [50 + 50 * float(np.clip(v / reach, -1, 1)) for v in (left, right, low, high)]
    sign = "up" if value >= 0 else "down"
    return Bar(sign, f"{at[0]:.2f}", f"{at[1] - at[0]:.2f}", f"{at[2]:.2f}", f"{at[3] - at[2]:.2f}")


def placed(value: float, low: float, high: float) -> str:
    """Return where a number lies on an axis, in percent.

    Examples
    --------
    >>> placed(0.5, -1.0, 1.0)
    '75.00%'
    """
    return f"{100 * (value - low) / (high - low):.2f}%"


def picture(data: Any, draw: Callable[..., Any], size: tuple[float, float]) -> str:
    """Convert a figure to a data URI, drawn without touching matplotlib's global state.

    Parameters
    ----------
    data : object
        What is drawn.
    draw : callable
        Draws it into the Axes that are its second argument.
    size : (float, float)
        Width and height in inches.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(data, figure.add_subplot())
    buffer = io.BytesIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "iomap"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # savefig would draw it twice
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
