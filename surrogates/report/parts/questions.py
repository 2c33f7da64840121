"""The part that shows a few of the questions asked, with the model's answers and the surrogate's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from probes.probe import Feature
from probes.rounding import Scale, counted, given
from probes.views import View, features_of
from surrogates.local.explanation import Explanation
from surrogates.report.asked_questions import AT_RANDOM, apart, decisions, errors, few_questions
from surrogates.report.labels import feature_labels
from surrogates.report.names import states
from surrogates.report.part import Part
from surrogates.report.shown_image import ShownImage
from surrogates.report.text import scale_of

__all__ = ["Questions"]

#: letters of a text that is shown from end to end; of a longer one each piece is cut to a few words
_LONG, _CUT = 1500, 60
#: pieces of a text, and names of features, that are shown
_PIECES, _NAMES = 80, 12
#: outputs whose answers are shown
_OUTPUTS = 3


@dataclass(frozen=True)
class Run:
    """Pieces of a text that stand side by side, all left in or all taken out."""

    text: str
    gone: bool


@dataclass(frozen=True)
class AskedBlock:
    """A document of a question."""

    title: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Said:
    """One output: the model's answer, the surrogate's that had not seen it, and how far the two are apart."""

    output: str
    model: str
    surrogate: str
    off: str


@dataclass(frozen=True)
class QuestionRow:
    """One question: why it is shown, what was asked, and what was said."""

    why: str
    worst: bool
    words: tuple[str, ...]
    picture: str
    blocks: tuple[AskedBlock, ...]
    decided: str
    said: tuple[Said, ...]


@dataclass(frozen=True, kw_only=True)
class Questions(Part):
    """A few real questions, chosen by a fixed rule, the worst miss among them."""

    template = "questions.html"
    style = (
        """\
.iomap .question { border: 1px solid var(--line); border-radius: 4px; padding: .4rem .8rem; margin: .5rem 0; }
.iomap .question .asked { white-space: pre-wrap; margin: .3rem 0; }
.iomap .question img { display: block; border-radius: 3px; margin: .3rem 0; }
.iomap .question del { color: var(--soft); }
.iomap .question.worst { border-left: 6px solid var(--weak); }""",
    )

    rows: tuple[QuestionRow, ...]
    removal: str
    gone: str
    more: tuple[QuestionRow, ...]
    number: str
    exact: bool
    judged: int
    outputs: int

    @classmethod
    def of(cls, ex: Explanation) -> Questions:
        """Make it of an explanation."""
        predicted, decided, scale = apart(ex), decisions(ex), scale_of(ex)
        image = ShownImage.of(ex.view, len(ex.features)) if ex.view["kind"] == "image" else None
        rows = tuple(
            QuestionRow(
                why,
                "worst miss" in why and why != "the worst miss but for this input",
                _words(ex, ex.answers.design.Z[i]),
                "" if image is None else image.asked(ex.answers.design.Z[i] > 0.5),
                _blocks(ex.view, ex.answers.design.Z[i] > 0.5),
                "" if decided is None else ex.answers.outputs[decided[i]],
                _said(ex, ex.y[i], predicted[i], scale),
            )
            for i, why in few_questions(ex, errors(ex, predicted))
        )
        return cls(
            title="What was asked",
            rows=tuple(row for row in rows if row.why != AT_RANDOM),
            more=tuple(row for row in rows if row.why == AT_RANDOM),
            removal=str(ex.view.get("removal", "")) if ex.view["kind"] in ("text", "image") else "",
            gone="grey" if image else "struck out",
            number=_number(ex, scale),
            exact=ex.fidelity.exact,
            judged=ex.fidelity.rows,
            outputs=len(ex.target.outputs),
        )


def _number(ex: Explanation, scale: Scale) -> str:
    """Name the number explained, where its names say something."""
    unit, names = scale.unit(ex.target.unit), ex.target.outputs
    if len(names) > 1 or names[0] in ("output", ex.target.unit):
        return "" if unit in ("output", "target") else unit
    return names[0] if unit in ("output", "target") else f"{names[0]} ({unit})"


def _said(ex: Explanation, y: np.ndarray, predicted: np.ndarray, scale: Scale) -> tuple[Said, ...]:
    several = len(ex.target.outputs) > 1
    return tuple(
        Said(name if several else "", scale.rounded(real), scale.rounded(guess), scale.rounded(abs(real - guess)))
        for name, real, guess in list(zip(ex.target.outputs, y, predicted, strict=True))[:_OUTPUTS]
    )


def _blocks(view: View, present: np.ndarray) -> tuple[AskedBlock, ...]:
    """Return the documents of a text, with what was taken out; pieces of a long one cut, white space kept."""
    if view["kind"] != "text":
        return ()
    long = sum(len(text) for block in view["blocks"] for text in [*block["pieces"], *block["glue"]]) > _LONG
    blocks, room, cut = [], _PIECES, _cut_in_line if "levels" in view else _cut
    for block in view["blocks"]:
        pieces = [(block["glue"][0], False)]
        features = features_of(block)
        for i, text in enumerate(block["pieces"][:room]):
            gone = not present[features[i]]
            after = block["glue"][i + 1]
            pieces.append((cut(text) if long else text, gone))
            pieces.append((cut(after) if long else after, gone and not after.strip()))
        if more := len(block["pieces"]) - room:
            pieces += [(f" … and {counted(more, 'more part')}", False)] if more > 0 else []
        room = max(room - len(block["pieces"]), 0)
        runs = [Run("".join(t for t, _ in run), gone) for gone, run in groupby(pieces, key=lambda piece: piece[1])]
        blocks.append(AskedBlock(block["title"], tuple(run for run in runs if run.text)))
    return tuple(blocks)


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[:_CUT].rstrip()}… "


def _cut_in_line(text: str) -> str:
    """Cut a part of a document, whose parts stand one after the other."""
    line = _cut(" ".join(text.split()))
    return f" {line} " if text != text.strip() else line


def _words(ex: Explanation, row: np.ndarray) -> tuple[str, ...]:
    """Return a question in words, where it is no text: what was replaced or left out, and what was kept.

    Of an image, whose picture stands beside them, only how many segments were.
    """
    kind, present, features = ex.view["kind"], row > 0.5, ex.features
    if kind == "text":
        return ()
    if kind == "image":
        grey = int((~present).sum())
        return (f"{grey} of {len(present)} {ex.view['unit']}s are grey." if grey else "Nothing was replaced.",)
    moved = [f"{f.name} = {given(v)} (here {given(f.loc)})" for f, v in _real(features, row) if v != f.loc]
    binary = [(f, yes) for f, yes in zip(features, present, strict=True) if f.kind == "binary"]
    gone, kept = ([f for f, yes in binary if yes is np.bool_(state)] for state in (False, True))
    background = {line["name"]: line["background"] for line in ex.view.get("rows", [])} if kind == "table" else {}
    label, absent = feature_labels(features, ex.view), states(ex.view)[1]
    replaced = [f"{label[f.name]} → {background[f.name]}" if background.get(f.name) else label[f.name] for f in gone]
    how = "Replaced from the background" if kind == "table" else "Left out" if absent == "absent" else absent
    lines = [
        ("Changed: ", moved),
        (f"{how[:1].upper()}{how[1:]}: ", replaced),
        ("Kept: ", [label[f.name] for f in kept]),
    ]
    return tuple(f"{head}{_some(names)}" for head, names in lines if names) or ("Nothing changed.",)


def _real(features: Sequence[Feature], row: np.ndarray) -> list[tuple[Feature, float]]:
    return [(f, float(v)) for f, v in zip(features, row, strict=True) if f.kind == "real"]


def _some(names: list[str]) -> str:
    more = len(names) - _NAMES
    return "; ".join([*names[:_NAMES], f"{more} more"] if more > 0 else names)
