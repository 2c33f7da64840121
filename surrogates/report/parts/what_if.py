"""The part in which a reader switches features off and on, and sees what the surrogate says then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.probe import Feature
from probes.rounding import Scale, given
from probes.views import View, features_of
from surrogates.local.explanation import Explanation
from surrogates.numerics.merged_rows import collapse
from surrogates.report.input_parts import input_parts
from surrogates.report.names import named, states
from surrogates.report.part import Part, level
from surrogates.report.parts.tinted_image import IMAGE, SegmentedImage, segmented_image
from surrogates.report.scripts import bits, numbers, script
from surrogates.report.styles import BUTTON, TABLE
from surrogates.results.plain import plain
from surrogates.surrogate import Surrogate
from surrogates.terms import term_to_json

__all__ = ["WhatIf", "what_if_parts"]

#: letters of packed questions and numbers of answers that a page holds at most
_LARGEST = 100_000
#: features that a reader may switch
_MOST = 400


@dataclass(frozen=True)
class Switch:
    """A feature, or a piece of one: what stands before it in a text, its name or text when on, what it is when off."""

    before: str
    text: str
    off: str
    feature: int


@dataclass(frozen=True)
class SwitchBlock:
    """A document whose features are switched, or a list of features."""

    title: str
    switches: tuple[Switch, ...]
    after: str


@dataclass(frozen=True)
class SaidRow:
    """One output: how far the surrogate is off on unseen questions, and a verdict against its use, if there is one."""

    output: str
    error: str
    verdict: str
    level: str


@dataclass(frozen=True, kw_only=True)
class WhatIf(Part):
    """Features to switch, and the surrogate's number for every state of them, beside the model's where it was asked."""

    template = "what_if.html"
    style = (
        TABLE,
        BUTTON,
        IMAGE,
        """\
.iomap .switches { margin: .6rem 0; }
.iomap .switches.inline { white-space: pre-wrap; line-height: 2.1; }
.iomap .switches.list { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr));
  gap: .2rem 1rem; }
.iomap .switches label { cursor: pointer; border-radius: 3px; padding: .1em .15em; }
.iomap .switches.inline label { background: color-mix(in srgb, var(--fair) 14%, var(--paper)); }
.iomap .switches.list label { display: flex; gap: .5rem; align-items: baseline; }
.iomap .switches.inline input { position: absolute; opacity: 0; width: 1px; height: 1px; margin: 0; }
.iomap .switches input:not(:checked) ~ .on { text-decoration: line-through; color: var(--soft); }
.iomap .switches input:checked ~ .off { display: none; }
.iomap .switches.inline label:has(input:not(:checked)) { background: none; }
.iomap .switches.inline label:has(input:focus-visible) { outline: 2px solid var(--fair); }
.iomap .whatif .bar { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: baseline; }
.iomap .whatif .result { position: sticky; top: 0; z-index: 1; background: var(--paper); padding: .3rem 0;
  border-bottom: 1px solid var(--line); max-height: 45vh; overflow-y: auto; }
.iomap .whatif path { fill: transparent; cursor: pointer; }
.iomap .whatif path.gone { fill: rgba(128, 128, 128, .93); }
.iomap .whatif path:hover { stroke: #fff; stroke-width: 2px; }
@media print { .iomap .whatif { display: none; } }""",
    )
    script = script("numbers.js", "what_if.js", "what_if_image.js")
    page_only = True

    heading: str
    blocks: tuple[SwitchBlock, ...]
    inline: bool
    off: str
    rows: tuple[SaidRow, ...]
    unit: str
    judged: str
    data: dict[str, Any]
    image: SegmentedImage | None = None

    @classmethod
    def of(cls, ex: Explanation, scale: Scale) -> WhatIf:
        """Make it of an explanation, its numbers on a scale."""
        f, binary = ex.fidelity, all(feature.kind == "binary" for feature in ex.features)
        errors = np.sqrt(((f.observed - f.predicted) ** 2).mean(axis=0))
        rows = tuple(
            SaidRow(
                name,
                scale.rounded(error),
                f.verdicts[j] if f.refused()[j] else "",
                "poor" if f.refused()[j] else level(f.r2_low[j]),
            )
            for j, (name, error) in enumerate(zip(ex.target.outputs, errors, strict=True))
        )
        text = ex.view["kind"] == "text" and "levels" not in ex.view  # a long document is not written out twice
        return cls(
            heading="What if: switch features off and on",
            blocks=_written(ex.view) if text else _listed(ex.features, ex.view),
            inline=text,
            off=_off(ex.features, ex.view, binary),
            rows=rows,
            unit=scale.unit(ex.target.unit),
            judged=f"over all {f.rows} questions" if f.exact else f"on {f.rows} questions that it had not seen",
            data={**_surrogate(ex.surrogate), **_ends(ex.features), **_asked(ex), "power": scale.power},
            image=_pictured(ex),
        )


def what_if_parts(ex: Explanation, scale: Scale) -> list[Part]:
    """Return the part, unless there is nothing to predict, or more than anyone switches."""
    known = np.isfinite(ex.fidelity.predicted).all() and len(ex.features) <= _MOST
    return [WhatIf.of(ex, scale)] if known else []


def _pictured(ex: Explanation) -> SegmentedImage | None:
    """Return the image whose segments are switched, if it is one."""
    if ex.view["kind"] != "image":
        return None
    return segmented_image(ex.view, len(ex.features), lambda i: ("up", "0", ex.features[i].name))


def _off(features: Sequence[Feature], view: View, binary: bool) -> str:
    """Say what is done to a feature that is switched off."""
    if not binary:
        return "A feature that is off is one step of the region away from this row, or left out."
    if view["kind"] == "table":
        return "A feature that is off is replaced from the background, and the number is the mean over it."
    if view["kind"] == "text":
        return f"A {view['unit']} that is off is {view['removal']}."
    if view["kind"] == "mixed":
        gone = (f"of {part.title}, {states(part.view)[1]}" for part in input_parts(features, view))
        return f"What is off is, {'; '.join(gone)}."
    return f"A feature that is off is {states(view)[1]}."


def _written(view: View) -> tuple[SwitchBlock, ...]:
    """Return a text, each of its features a switch."""
    return tuple(
        SwitchBlock(
            block["title"],
            tuple(
                Switch(glue, text, "", feature)
                for glue, text, feature in zip(block["glue"][:-1], block["pieces"], features_of(block), strict=True)
            ),
            block["glue"][-1],
        )
        for block in view["blocks"]
    )


def _listed(features: Sequence[Feature], view: View) -> tuple[SwitchBlock, ...]:
    """Return a list of features, each with what it is when it is off."""
    shown, made = named(features, view), list[SwitchBlock]()
    for part in input_parts(features, view):
        background = {row["name"]: row["background"] for row in part.view.get("rows", [])}
        switches = []
        for i, local in enumerate(part.features, part.offset):
            f = features[i]
            name = shown[f.name]
            if f.kind == "real":
                switches.append(Switch("", f"{name} = {given(f.instance)}", given(f.reference), i))
            else:
                text = f"{name} = {f.value}" if f.value and f.value != f.name else name
                switches.append(Switch("", text, background.get(local.name, ""), i))
        made.append(SwitchBlock(part.title, tuple(switches), ""))
    return tuple(made)


def _surrogate(surrogate: Surrogate) -> dict[str, Any]:
    """Return all that the surrogate predicts with."""
    return {
        "terms": [term_to_json(term) for term in surrogate.terms_],
        "coef": numbers(np.atleast_2d(surrogate.coef_)),
        "intercept": numbers(np.atleast_1d(surrogate.intercept_)),
        "links": plain(surrogate.links_),
    }


def _ends(features: Sequence[Feature]) -> dict[str, Any]:
    return {"on": [float(f.instance) for f in features], "off": [float(f.reference) for f in features]}


def _asked(ex: Explanation) -> dict[str, Any]:
    """Return which states of the switches were asked, and the model's answers to each, a list for every output."""
    Z = ex.answers.design.Z
    on, off = (np.array([getattr(f, end) for f in ex.features]) for end in ("instance", "reference"))
    ends = np.equal(Z, on), np.equal(Z, off)
    within = (ends[0] | ends[1]).all(axis=1)
    rows = collapse(ends[0][within].astype(float), ex.y[within], np.ones(int(within.sum())))
    packed = bits(rows.Z > 0.5)
    if len(packed) + rows.y.size > _LARGEST:
        return {"asked": "", "answers": None}
    return {"asked": packed, "answers": numbers(rows.y.T)}
