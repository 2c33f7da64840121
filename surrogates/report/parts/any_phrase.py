"""The part in which a reader selects any phrase of a language model's answer and sees where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.rounding import Scale
from surrogates.local.explanation import Explanation
from surrogates.local.token_effects import TokenEffects
from surrogates.report.part import Part
from surrogates.report.parts.instance import Block, blocks
from surrogates.report.parts.phrases import phrase_rows
from surrogates.report.scripts import bits, numbers, packed, script
from surrogates.report.styles import AXIS, BUTTON, NARROW, PIECES, STACK, TABLE
from surrogates.visible import isolated

__all__ = ["AnyPhrase", "any_phrase_parts"]

#: numbers in the tables that a page holds at most: 2.7 bytes each
_LARGEST = 150_000
#: sources of a phrase that are listed
_SHOWN = 6
#: said of a phrase that was selected, where none was fitted
_UNKNOWN = (
    "How well an explanation predicts this phrase (R²) is not known without a fit of its own: attribute() of the "
    "explanation makes one from the same answers. Intervals are 95%: of many phrases looked at, one source in twenty "
    "lies outside its own."
)


@dataclass(frozen=True)
class Ready:
    """A phrase with a fit of its own: its text and tokens."""

    text: str
    first: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class AnyPhrase(Part):
    """The tokens of an answer to select from, with the effects on what is selected and the text shaded by them."""

    template = "any_phrase.html"
    style = (
        TABLE,
        NARROW,
        STACK,
        AXIS,
        PIECES,
        BUTTON,
        """\
.iomap .tokens { white-space: pre-wrap; margin: .5rem 0; padding: .5rem 1rem; border-left: 3px solid var(--line);
  line-height: 2; cursor: text; user-select: none; -webkit-user-select: none; }
.iomap .tokens span { padding: .25em 0; border-radius: 3px; }
.iomap .tokens span:hover { background: color-mix(in srgb, var(--fair) 15%, var(--paper)); }
.iomap .tokens [aria-selected="true"] { background: color-mix(in srgb, var(--fair) 30%, var(--paper)); }
.iomap .ready { display: flex; flex-wrap: wrap; gap: .4rem; margin: .4rem 0; }
.iomap .anyphrase tr.faint .axis i { opacity: .4; }
.iomap .anyphrase.refused .up, .iomap .anyphrase.refused .down { --hue: 140, 140, 140; }
.iomap .anyphrase .phrase { font-weight: 600; }""",
    )
    script = script("numbers.js", "roving.js", "any_phrase.js")
    page_only = True

    heading: str
    tokens: tuple[str, ...]
    ready: tuple[Ready, ...]
    blocks: tuple[Block, ...]
    unit: str
    data: dict[str, Any]

    @classmethod
    def of(cls, ex: Explanation, by_token: TokenEffects) -> AnyPhrase:
        """Make it of an explanation and the effects on tokens of its answer."""
        parts = ex.by_phrase
        effects = [by_token.of(t, t + 1)[0] for t in range(len(by_token.tokens))]
        scale = Scale.of(
            np.ravel(effects) if parts is None else [*parts.attributions["attribution"], *parts.y[:2].flat]
        )
        ready = () if parts is None else _ready(parts, by_token.tokens)
        clear = np.array([], dtype=int) if parts is None else np.flatnonzero(np.array(parts.fidelity.clear) > 0)
        first = ready[clear[0]] if len(clear) else Ready("", 0, len(by_token.tokens))
        size = np.abs(by_token.scores[:1])
        centred = by_token.answers - by_token.answers.mean(axis=0)  # effects and errors of a constant are 0
        data: dict[str, Any] = {
            "names": [isolated(name) for name in by_token.features],
            "rows": len(by_token.answers),
            "answers": packed(centred.T),
            "weights": packed(by_token.weights),
            "errors": packed(by_token.errors),
            "signs": bits(by_token.scores[: len(by_token.errors)] > 0),
            "sizes": numbers(size[0]),
            "quantile": numbers(by_token.quantile),
            "prepared": [] if parts is None else _prepared(parts, ready, scale),
            "words": _UNKNOWN,
            "power": scale.power,
            "unit": scale.unit("nats"),
            "shown": _SHOWN,
            "first": first.first,
            "stop": first.stop,
        }
        plain = blocks(ex.view, ex.features, lambda _: ("up", "0", "")) if ex.view["kind"] == "text" else ()
        return cls(
            heading="Select any phrase of the answer",
            tokens=by_token.tokens,
            ready=ready,
            blocks=plain,
            unit=scale.unit("nats"),
            data=data,
        )


def any_phrase_parts(ex: Explanation) -> list[Part]:
    """Return the part, where there is an answer of several tokens and a page can hold what it needs."""
    rows = len(ex.answers.design.sampled)
    if rows * (len(ex.answers.outputs) + len(ex.features) + rows) > _LARGEST or ex.by_token is None:
        return []
    return [AnyPhrase.of(ex, ex.by_token)]


def _ready(parts: Explanation, tokens: tuple[str, ...]) -> tuple[Ready, ...]:
    """Return the tokens of each phrase of an explanation by phrases."""
    ends, columns = np.cumsum(parts.target.sizes), parts.target.columns
    found = [columns[end - size : end] for end, size in zip(ends, parts.target.sizes, strict=True)]
    return tuple(Ready(name, some[0], some[-1] + 1) for name, some in zip(parts.target.outputs, found, strict=True))


def _prepared(parts: Explanation, ready: tuple[Ready, ...], scale: Scale) -> list[dict[str, Any]]:
    """Return the effects on each phrase with a fit of its own, and what is to be said of that fit."""
    refused, order = parts.fidelity.refused(), [feature.name for feature in parts.features]
    prepared = []
    for phrase, row, no in zip(ready, phrase_rows(parts, scale), refused, strict=True):
        table = parts.attributions[parts.attributions["output"] == phrase.text].set_index("feature").loc[order]
        effects, high = (table[name].to_numpy(dtype=float) for name in ("attribution", "high"))
        some = {"effects": numbers(effects), "halves": numbers(high - effects)}
        words = f"R² {row.r2}. {row.verdict}"
        prepared.append(
            {"first": phrase.first, "stop": phrase.stop, "refused": bool(no), "words": isolated(words), **some}
        )
    return prepared
