"""The text itself as a heat strip: each piece shaded by its effect, its number below where it is clear."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from probes.probe import Feature
from probes.rounding import Scale
from probes.views import View, features_of
from surrogates.difference.difference import Difference
from surrogates.local.explanation import Explanation
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, MUTED, NEGATIVE, POSITIVE, SOFT, literal, root_of
from surrogates.report.plots.kinds import Plot, Unfit, plotted
from surrogates.visible import in_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["HeatStrip", "Word", "heat_strip", "heat_words"]

#: size of letters in points; width of the strip and height of a line in inches; lines at most
_POINTS, _WIDTH, _LINE, _LINES = 11.0, 7.0, 0.46, 30
#: letters of the label to an inch
_LETTERS = 13
#: share of a figure that Axes take before any layout
_SHARE = 0.775
#: inches below a text for what is said of it; sizes that letters are tried in
_BELOW, _SCALES = 0.6, (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
#: strength of a shade where the interval holds zero, as a share of what it would be else
_UNSURE = 0.3


@dataclass(frozen=True)
class Word:
    """A word of the text.

    Attributes
    ----------
    text : str
    shade : float
        Its feature's effect, in units of the largest; 0 for what belongs to none.
    number : str
        What is written below the first word of a feature.
    clear : bool
        Whether the effect's interval leaves zero out.
    glued, new_line, inner : bool
        Whether no space stands before it, whether it begins a line, and whether it goes on with the feature before.
    """

    text: str
    shade: float = 0.0
    number: str = ""
    clear: bool = False
    glued: bool = False
    new_line: bool = False
    inner: bool = False


@dataclass(frozen=True, kw_only=True)
class HeatStrip(Plot):
    """A text in words, shaded by effects.

    Attributes
    ----------
    words : tuple of Word
    axis : str
        What the numbers are, and their unit.
    """

    words: tuple[Word, ...]
    axis: str

    @property
    def size(self) -> tuple[float, float]:
        return _WIDTH, 1.1 + _LINE * (1 + max((line for _, line, _, _ in self._placed(_WIDTH - 0.3)), default=0))

    def draw(self, ax: Axes) -> None:
        """Draw words from left to right in lines; a full line below one raises the output, a dashed one lowers it."""
        wide, high = _room(ax)
        for scale in _SCALES:  # in a small place letters are smaller
            placed = list(self._placed(wide / scale))
            lines = 1 + max((line for _, line, _, _ in placed), default=0)
            if lines * _LINE * scale <= high:
                break
        else:
            placed = list(self._placed(wide / scale, most=max(int(high / (_LINE * scale)) - 1, 1)))
        space = _inches(" ")
        for word, line, left, width in placed:
            top = line * _LINE + 0.06
            if word.shade:
                colour = MUTED if self.muted else POSITIVE if word.shade > 0 else NEGATIVE
                start = max(left - space, 0.0) if word.inner else left  # a feature of several words is one strip
                ax.fill_between([start, left + width], top, top + 0.22, color=colour, alpha=abs(word.shade) * 0.7, lw=0)
                if word.clear:
                    style = "solid" if word.shade > 0 else (0, (1.5, 1.0))
                    ax.plot(
                        [start, left + width], [top + 0.235] * 2, color=colour, linewidth=2 * scale, linestyle=style
                    )
            ax.text(left, top + 0.165, literal(word.text), fontsize=_POINTS * scale, color="black")
            if word.number:
                ax.text(left, top + 0.36, word.number, fontsize=7.5 * scale, color=INK)
        ax.set_xlim(0, wide / scale)
        ax.set_ylim(max(lines * _LINE + 0.05, high / scale), -0.06)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        said = textwrap.fill(literal(self.axis), max(30, int(_LETTERS * wide)))
        ax.set_xlabel(said, loc="right", fontsize=9, color=SOFT)

    def _placed(self, inches: float, most: int = _LINES) -> Iterator[tuple[Word, int, float, float]]:
        """Yield each word with its line, left end and width, in inches; the first lines of a long text alone."""
        x, line, space = 0.0, 0, _inches(" ")
        below = 0.0  # right end of the last number below, which the next must not touch
        for word in self.words:
            width = _inches(word.text)
            gap = 0.0 if word.glued or not x else space
            needs = below + 0.08 if word.number and x + gap < below + 0.08 else x + gap
            if (word.new_line and (x or line)) or (x and needs + width > inches):
                x, line, needs, below = 0.0, line + 1, 0.0, 0.0
            if line >= most:
                yield Word("…"), line, 0.0, _inches("…")
                return
            yield word, line, needs, width
            below = needs + 0.68 * _inches(word.number) if word.number else below
            x = needs + width


def _room(ax: Axes) -> tuple[float, float]:
    """Return the width and height in inches that a text has: Axes alone in a figure grow to its edges."""
    figure = root_of(ax)
    width, height = figure.get_size_inches() if figure else (_WIDTH, 4.0)
    grows = 0.957 / _SHARE if figure is not None and len(figure.axes) == 1 else 1.0
    place = ax.get_position()
    return max(1.0, place.width * width * grows), max(_LINE, place.height * height * grows - _BELOW)


def _inches(text: str) -> float:
    """Return how wide a text is, without a figure that it stands in."""
    return sum(map(_advance, text)) / 72


@cache
def _advance(letter: str) -> float:
    """Return how far a letter moves what follows it, in points."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    font.set_size(_POINTS, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536


@plotted("text", Explanation)
def heat_strip(explanation: Explanation, output: str | None = None) -> HeatStrip:
    """Take the text of an explanation with the average effects on an output."""
    return _of(explanation, output, "average effect on", explanation.fidelity.refused())


@plotted("text", ShapleyValues)
def strip_of_values(values: ShapleyValues, output: str | None = None) -> HeatStrip:
    """Take the text of Shapley values with those of an output."""
    name = values.outputs[number_of(values.outputs, output)]
    table = values.table.rename(columns={"features": "feature", "index": "attribution"})
    return _strip(table, name, values.features, values.view, f"Shapley value for {name}", values.unit)


@plotted("text", Difference)
def changed_strip(difference: Difference, output: str | None = None) -> HeatStrip:
    """Take the text of a difference with the changes of average effects on an output."""
    before, after = difference.names
    refused = difference.fidelity.refused(change=True)
    return _of(difference.change, output, f"change from {before} to {after}: average effect on", refused)


def _of(explanation: Explanation, output: str | None, what: str, refused: Sequence[bool]) -> HeatStrip:
    j, target = number_of(explanation.target.outputs, output), explanation.target
    name, known = target.outputs[j], explanation.attributions
    return _strip(known, name, explanation.features, explanation.view, f"{what} {name}", target.unit, refused[j])


def _strip(
    table: pd.DataFrame, name: str, features: Sequence[Feature], view: View, what: str, unit: str, muted: bool = False
) -> HeatStrip:
    if view.get("kind") != "text":
        raise Unfit("a text", f"an input of the kind {view.get('kind')!r}")
    table = table[table["output"] == name]
    scale = Scale.of(table["attribution"])
    words = tuple(heat_words(table, features, view, scale))
    axis = f"{what} ({scale.unit(unit)}); faint: not clearly different from zero"
    return HeatStrip(words=words, axis=axis, muted=muted)


def heat_words(table: pd.DataFrame, features: Sequence[Feature], view: View, scale: Scale) -> Iterator[Word]:
    """Yield the words of a text with shades, by rows ``feature, attribution, low, high`` of one output."""
    rows = {row.feature: row for row in table.itertuples()}
    largest = float(table["attribution"].abs().max()) or 1.0
    for block in view["blocks"]:
        if block["title"]:
            yield Word(f"{in_line(block['title'])}:", new_line=True)
        for i, (piece, feature) in enumerate(zip(block["pieces"], features_of(block), strict=True)):
            yield from _plain(block["glue"][i])
            row = rows[features[feature].name]
            clear = row.low > 0 or row.high < 0
            shade = float(row.attribution) / largest * (1.0 if clear else _UNSURE)
            glued = i > 0 and not re.search(r"\s$", block["glue"][i])
            for k, text in enumerate(in_line(piece).split() or [" "]):
                number = scale.signed(row.attribution) if clear and not k else ""
                yield Word(text, shade, number, clear, glued and not k, inner=k > 0)
        yield from _plain(block["glue"][-1])


def _plain(glue: str) -> Iterator[Word]:
    """Yield what stands between pieces; a break is one in the strip."""
    for k, line in enumerate(glue.split("\n")):
        words = line.split()
        if k and not words:
            yield Word("", new_line=True)
        for m, text in enumerate(words):
            yield Word(in_line(text), new_line=bool(k and not m), glued=not m and not re.match(r"\s", line))
