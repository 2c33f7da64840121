"""Parts about the instance: the model's numbers for it, a language model's answer, the text itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from probes.probe import Feature
from probes.rounding import Scale, counted
from probes.views import View, features_of
from surrogates.report.names import states
from surrogates.report.part import Part
from surrogates.report.scripts import script
from surrogates.report.styles import FOLDED, PAIR, PIECES, QUOTE

__all__ = [
    "Answer",
    "Block",
    "Numbers",
    "Piece",
    "Remark",
    "ShadedText",
    "answer_parts",
    "blocks",
    "reference_in_words",
    "shading",
]

#: letters from which a part of a document is folded, and those of its beginning that are shown
_LONG, _BEGINNING = 300, 90


@dataclass(frozen=True, kw_only=True)
class Remark(Part):
    """A sentence in small type."""

    template = "remark.html"

    text: str


@dataclass(frozen=True)
class NumbersRow:
    """One output: the model's number for the instance and for the reference."""

    output: str
    instance: str
    reference: str
    fitted: str


@dataclass(frozen=True, kw_only=True)
class Numbers(Part):
    """What the model says about the instance and the reference."""

    template = "numbers.html"

    rows: tuple[NumbersRow, ...]
    unit: str
    instance: str
    reference: str

    @classmethod
    def of(
        cls,
        instance: np.ndarray,
        reference: np.ndarray,
        outputs: Sequence[str],
        unit: str,
        features: Sequence[Feature],
        view: View,
        scale: Scale,
        fitted: np.ndarray | None = None,
    ) -> Numbers:
        """Make it of numbers ``(k,)`` for the instance and the reference, and the surrogate's for the instance."""
        whole, nothing = view.get("whole", "for this input"), reference_in_words(features, view)
        rows = tuple(
            NumbersRow(
                name,
                scale.rounded(instance[j]),
                scale.rounded(reference[j]),
                "" if fitted is None else scale.rounded(fitted[j]),
            )
            for j, name in enumerate(outputs)
        )
        return cls(rows=rows, unit=scale.unit(unit), instance=whole, reference=nothing)


def reference_in_words(features: Sequence[Feature], view: View) -> str:
    """Say what the reference is."""
    if "nothing" in view:
        return str(view["nothing"])
    if any(f.kind == "real" for f in features):
        return "one step of every feature away"
    gone = {"text": view.get("removal", "removed"), "table": "replaced"}.get(str(view.get("kind")))
    return f"with every feature {gone or states(view)[1]}"


@dataclass(frozen=True, kw_only=True)
class Answer(Part):
    """A language model's answer, and the question."""

    template = "answer.html"
    style = (QUOTE,)
    at_once = True

    text: str
    question: str | None


@dataclass(frozen=True)
class Piece:
    """A piece in its place: what stands before it, its text, shade and tip; pairs and number of its feature.

    A long part of a document is folded under its beginning, `fold`.
    """

    before: str
    text: str
    sign: str
    strength: str
    tip: str
    pairs: str = ""
    feature: int = 0
    fold: str = ""


@dataclass(frozen=True)
class Block:
    """A document in pieces."""

    title: str
    pieces: tuple[Piece, ...]
    after: str


@dataclass(frozen=True, kw_only=True)
class ShadedText(Part):
    """A text with every feature shaded by its effect, faintly where the interval holds zero."""

    template = "text.html"
    style = (PIECES, PAIR, FOLDED)
    script = script("roving.js", "pieces.js")
    at_once = True

    blocks: tuple[Block, ...]
    unit: str
    removal: str
    muted: bool

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        title: str,
        unit: str,
        features: Sequence[Feature],
        view: View,
        scale: Scale,
        muted: bool = False,
        pairs: Mapping[str, Sequence[int]] | None = None,
    ) -> ShadedText:
        """Make it of one output's rows ``feature, attribution, low, high``, and of the numbers of features' pairs."""
        return cls(
            title=title,
            blocks=blocks(view, features, shading(table, scale, unit), pairs),
            unit=view["unit"],
            removal=view["removal"],
            muted=muted,
        )

    def shortened(self) -> Part:
        """Return what a notebook shows at once, without the numbers of pairs, whose list is folded away."""
        bare = (replace(b, pieces=tuple(replace(piece, pairs="") for piece in b.pieces)) for b in self.blocks)
        return replace(self, blocks=tuple(bare))


def shading(table: pd.DataFrame, scale: Scale, unit: str) -> Callable[[str], tuple[str, str, str]]:
    """Return what shades a feature by its name: sign, strength, faint where the interval holds zero, and numbers."""
    table = table.set_index("feature")
    largest = float(table["attribution"].abs().max()) or 1.0

    def shade(name: str) -> tuple[str, str, str]:
        row = table.loc[name]
        sure = row["low"] > 0 or row["high"] < 0
        strength = abs(row["attribution"]) / largest * (0.75 if sure else 0.3)
        tip = f"{scale.signed(row['attribution'])} {scale.between(row['low'], row['high'])} {scale.unit(unit)}"
        return "up" if row["attribution"] >= 0 else "down", f"{strength:.2f}", tip

    return shade


def blocks(
    view: View,
    features: Sequence[Feature],
    shade: Callable[[str], tuple[str, str, str]],
    pairs: Mapping[str, Sequence[int]] | None = None,
) -> tuple[Block, ...]:
    """Cut a text in pieces, each with what `shade` says of its feature: sign, strength and tip; and its pairs."""
    marks = {name: ",".join(map(str, numbers)) for name, numbers in (pairs or {}).items()}
    in_parts = "levels" in view
    return tuple(
        Block(
            block["title"],
            tuple(
                Piece(glue, text, *shade(name), marks.get(name, ""), i, _fold(text) if in_parts else "")
                for glue, text, i in zip(block["glue"][:-1], block["pieces"], features_of(block), strict=True)
                for name in (features[i].name,)
            ),
            block["glue"][-1],
        )
        for block in view["blocks"]
    )


def _fold(text: str) -> str:
    """Return what a long part of a document is folded under: its beginning, and how long it is."""
    if len(text) <= _LONG:
        return ""
    return f"{' '.join(text[:_BEGINNING].split())}… ({counted(len(text.split()), 'word')})"


def answer_parts(view: View, answer: str | None) -> list[Part]:
    """Return a language model's answer, where there is one."""
    return [Answer(title="The answer explained", text=answer, question=view.get("question"))] if answer else []
