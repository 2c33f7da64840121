"""DocumentProbe: a long input in a few parts, of which those that matter are split further."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, TypeAlias

import numpy as np

from probes.errors import InputError, integer
from probes.inputs.adapt import ProbeLike, as_probe
from probes.inputs.text_segments import sentences
from probes.probe import Feature, Probe, unique_names
from probes.views import Block, View

__all__ = ["DocumentProbe", "Run"]

#: consecutive units of the finest cut, from one number up to but without another
Run: TypeAlias = tuple[int, int]

#: strengths of the joint between two units, weakest first: nothing, and the beginning of one of these
WITHIN, SENTENCE, PARAGRAPH, SECTION, DOCUMENT = range(5)
#: what the pieces between joints of a strength are called
_PIECES = ("", "sentence", "paragraph", "section", "document")
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
#: the line of a heading: Markdown's, a named or numbered one; and the beginning of a page
_SECTION = re.compile(
    r"^[ ]{0,3}#{1,6}[ ]+\S.*$"
    r"|(?:\A|(?<=\n\n))(?:(?:chapter|section|part|appendix|article|page)\b|\d{1,3}(?:\.\d{1,3})*\.?[ ]+[^\W\d_])"
    r".{0,80}(?=\n|\Z)|\f",
    re.MULTILINE | re.IGNORECASE,
)
#: characters of a part's beginning that stand in its name
_NAME = 48


class DocumentProbe(Probe):
    """A long input as a few consecutive parts: sections, paragraphs, sentences and words, mixed.

    With u(z′) the input whose units are present or absent by z′, and p(i) the part that unit i is in, this probe asks
    for h(z) = u(z_p(1), …, z_p(n)): a part is present or absent as a whole. :meth:`split` replaces parts by what they
    consist of. Every row of a cut is also a row of all finer ones, so answers to it stay of use.

    Parameters
    ----------
    document : Probe, str, chat or dict
        What is taken apart: whatever :func:`probes.inputs.adapt.as_probe` makes a probe of, or a probe of features that
        are present or absent, in order. Its features are the units that no part is split beyond.
    first : int, default 16
        Parts to begin with, about; of a document with fewer units each is a part.
    fan : int, default 8
        The most parts that one is split into.
    runs : sequence of (int, int), optional
        The cut itself, such as that of an earlier probe of the same document; in place of `first`.

    Attributes
    ----------
    runs : tuple of (int, int)
        The units of each part: the first, and the one after its last.
    levels : tuple of str
        What each part is, such as "word", "3 sentences" or "12 paragraphs".

    Raises
    ------
    InputError
        For a probe with real features, a number below 2, or runs that do not cover all units in order.

    Notes
    -----
    A text is split where its strongest joints are: documents, then headings (Markdown's, numbered, "Chapter …") and
    form feeds, blank lines, ends of sentences, units. Neighbours join where these are more than `fan` pieces.

    Examples
    --------
    >>> probe = DocumentProbe("It rained. Nobody came.\\n\\nThe museum opened in 1969. Entry is free.", first=2)
    >>> [f.name for f in probe.features]
    ['It rained. Nobody came. (paragraph)', 'The museum opened in 1969. Entry is free. (paragraph)']
    >>> finer = probe.split([1])
    >>> finer.levels
    ('paragraph', 'sentence', 'sentence')
    >>> finer.render(probe.onto(finer, np.array([[0, 1]])))
    ['The museum opened in 1969. Entry is free.']
    """

    def __init__(self, document: ProbeLike, *, first: int = 16, fan: int = 8, runs: Sequence[Run] | None = None):
        self.units: Probe = document.units if isinstance(document, DocumentProbe) else as_probe(document)
        if any(feature.kind != "binary" for feature in self.units.features):
            raise InputError("document", "have features that are present or absent", document)
        view = self.units.view()
        if view["kind"] == "text" and any("features" in block for block in view["blocks"]):
            raise InputError("document", "have features that are one place of the text each, in order", document)
        self.first, self.fan = integer("first", first, least=2), integer("fan", fan, least=2)
        self.answer, self.max_new_tokens = self.units.answer, self.units.max_new_tokens
        self.replicates, self.notes = self.units.replicates, self.units.notes
        self._joints = _joints(view, len(self.units.features))
        self._cut(self._coarsest() if runs is None else _covering(runs, len(self.units.features)))

    def _coarsest(self) -> list[Run]:
        """Split the longest part until there are as many as there should be to begin with."""
        runs = self._pieces((0, len(self.units.features)), self.first)
        while len(runs) < self.first and (longest := max(runs, key=lambda run: run[1] - run[0]))[1] - longest[0] > 1:
            i = runs.index(longest)
            runs[i : i + 1] = self._pieces(longest, self.first - len(runs) + 1)
        return runs

    def _cut(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)
        self.levels = tuple(map(self._level, runs))
        names = [self._name(run, level) for run, level in zip(runs, self.levels, strict=True)]
        self.features = tuple(map(Feature, unique_names(names)))
        if (drawn := self.units.replication) is not None:
            starts = [start for start, _ in runs]
            self.replication = replace(drawn, quantiles=np.maximum.reduceat(drawn.quantiles, starts), bent=None)

    @property
    def splittable(self) -> np.ndarray:
        """Whether each part has more than one unit, ``(d,)``."""
        return np.array([stop - start > 1 for start, stop in self.runs])

    @property
    def within_sentence(self) -> np.ndarray:
        """Whether each part is one unit, or lies within one sentence, ``(d,)``."""
        return np.array([self._joints[start + 1 : stop].max(initial=WITHIN) == WITHIN for start, stop in self.runs])

    def split(self, parts: Iterable[int]) -> Self:
        """Return the probe of a finer cut, in which some parts are replaced by what they consist of.

        Parameters
        ----------
        parts : iterable of int
            Numbers of features. One of a single unit stays as it is.

        Raises
        ------
        InputError
            For a number that no feature has.
        """
        chosen = set(parts)
        if unknown := chosen - set(range(len(self.runs))):
            raise InputError("parts", f"be numbers of features, from 0 to {len(self.runs) - 1}", sorted(unknown))
        finer = copy(self)
        finer.__dict__.pop("_view", None)
        finer._cut(
            [piece for i, run in enumerate(self.runs) for piece in (self._pieces(run) if i in chosen else [run])]
        )
        return finer

    def onto(self, finer: DocumentProbe, Z: np.ndarray) -> np.ndarray:
        """Write rows ``(m, d)`` of this cut as rows of a finer one: the same inputs."""
        return np.asarray(Z)[:, self.part_of([start for start, _ in finer.runs])]

    def called(self, run: Run) -> tuple[str, str]:
        """Return the name and the level of consecutive units, whether or not they are a part of this cut."""
        if run in self.runs:
            i = self.runs.index(run)
            return self.features[i].name, self.levels[i]
        level = self._level(run)
        return self._name(run, level), level

    def part_of(self, units: Sequence[int]) -> np.ndarray:
        """Return the number of the part that each unit is in."""
        starts = [start for start, _ in self.runs]
        return np.array([bisect_right(starts, unit) - 1 for unit in units])

    def render(self, Z: np.ndarray) -> Any:
        return self.units.render(np.repeat(np.asarray(Z), [stop - start for start, stop in self.runs], axis=1))

    def asked_of(self, model: Any) -> Any:
        return self.units.asked_of(model)

    def typical(self) -> Any:
        return self.units.typical()

    def variants(self) -> dict[str, Probe]:
        other = {}
        for name, units in self.units.variants().items():
            other[name] = copy(self)
            other[name].__dict__.pop("_view", None)
            other[name].units = units
        return dict(other)

    def view(self) -> View:
        return self._view

    @cached_property
    def _view(self) -> View:
        known, levels = dict(self.units.view()), list(self.levels)
        if isinstance(drawn := known.get("drawn"), list):  # of each unit
            known["drawn"] = hashlib.sha256("\0".join(drawn).encode()).hexdigest()
        if known["kind"] == "text":
            return {**known, "unit": "part", "levels": levels, "blocks": _merged(known["blocks"], self.runs)}
        kept: dict[str, Any] = {name: known[name] for name in ("whole", "nothing", "states") if name in known}
        return {**kept, "kind": "cube", "features": [feature.name for feature in self.features], "levels": levels}

    def _pieces(self, run: Run, most: int | None = None) -> list[Run]:
        """Return what a part consists of: pieces between its strongest joints, neighbours joined if they are many."""
        start, stop = run
        if stop - start < 2:
            return [run]
        inside, most = self._joints[start + 1 : stop], self.fan if most is None else max(2, min(most, self.fan))
        edges = np.array([start, *(start + 1 + np.flatnonzero(inside == inside.max())), stop])
        if len(edges) - 1 > most:  # where equal numbers of units would end
            aims = start + (stop - start) * np.arange(1, most) / most
            edges = np.unique([start, *edges[1:-1][np.abs(edges[1:-1, None] - aims).argmin(axis=0)], stop])
        return [(int(a), int(b)) for a, b in pairwise(edges)]

    @cached_property
    def _unit(self) -> str:
        """What a unit is called."""
        return str(self.units.view().get("unit", "feature"))

    def _level(self, run: Run) -> str:
        """Say what a part is."""
        start, stop = run
        inside = self._joints[start + 1 : stop]
        if not len(inside):
            return self._unit
        if self._text is None:
            return f"{stop - start} {self._unit}s"
        strongest, ends = int(inside.max()), [*self._joints[[start, *([stop] if stop < len(self._joints) else [])]]]
        if start == 0:
            ends[0] = DOCUMENT
        if min(ends) > strongest and strongest < DOCUMENT:
            return _PIECES[strongest + 1]
        return f"{int((inside == strongest).sum()) + 1} {_PIECES[strongest] or self._unit}s"

    def _name(self, run: Run, level: str) -> str:
        start, stop = run
        first = self.units.features[start].name
        if stop - start == 1:
            return first
        names = " ".join(feature.name for feature in self.units.features[start : min(stop, start + _NAME)])
        if self._text is not None:
            pieces, glue = self._text
            said = "".join(pieces[i] + glue[i + 1] for i in range(start, min(stop, start + _NAME)))
            names = " ".join(said.split())
        if self._text is not None and len(names) <= _NAME and not self._joints[start + 1 : stop].any():
            return names
        short = names if len(names) <= _NAME else names[:_NAME].rsplit(" ", 1)[0] + " …"
        return f"{short} ({level})"

    @cached_property
    def _text(self) -> tuple[list[str], list[str]] | None:
        """The units of a text, and what stands around them."""
        view = self.units.view()
        return _leaves([b for b in view["blocks"] if b["pieces"]]) if view["kind"] == "text" else None


def _covering(runs: Sequence[Run], units: int) -> list[Run]:
    """Check a cut that a user gives.

    Raises
    ------
    InputError
    """
    try:
        given = [(int(start), int(stop)) for start, stop in runs]
    except (TypeError, ValueError) as error:
        raise InputError("runs", "be (start, stop) pairs of integers", runs) from error
    edges = [0, *(stop for _, stop in given)]
    in_order = len(given) > 1 and all(start == edge < stop for (start, stop), edge in zip(given, edges, strict=False))
    if not in_order or edges[-1] != units:
        raise InputError("runs", f"be two or more, and cover all {units} units in order", runs)
    return given


def _joints(view: View, units: int) -> np.ndarray:
    """Return the strength of the joint before each unit, ``(n,)``; units of what is no text stand for themselves."""
    if view["kind"] != "text":
        return np.full(units, SENTENCE)
    strength = np.zeros(units, dtype=int)
    for block in view["blocks"]:
        if not block["pieces"]:
            continue
        ends, text = [], block["glue"][0]
        for piece, glue in zip(block["pieces"], block["glue"][1:], strict=True):
            ends.append(len(text) + len(piece))
            text += piece + glue
        starts = {
            SENTENCE: [start for start, _ in sentences(text)],
            PARAGRAPH: [match.end() for match in _PARAGRAPH.finditer(text)],
            SECTION: [match.start() for match in _SECTION.finditer(text)],
            DOCUMENT: [0],
        }
        for kind, places in starts.items():
            for place in places:
                if (unit := bisect_right(ends, place)) < len(ends):  # the first that ends after it
                    strength[block["offset"] + unit] = max(kind, strength[block["offset"] + unit])
    return strength


def _leaves(blocks: Sequence[Block]) -> tuple[list[str], list[str]]:
    """Return the n pieces of blocks, and the n + 1 texts around them; titles are among these."""
    pieces: list[str] = []
    glue = [""]
    for i, block in enumerate(blocks):
        title = f"{block['title']}\n" if block["title"] and len(blocks) > 1 else ""
        glue[-1] += ("\n\n" if i else "") + title + block["glue"][0]
        pieces += block["pieces"]
        glue += block["glue"][1:]
    return pieces, glue


def _merged(blocks: Sequence[Block], runs: Sequence[Run]) -> list[Block]:
    """Return blocks whose pieces are runs of the given ones; blocks that a run goes across become one."""
    out: list[Block] = []
    waiting: list[Block] = []
    done = 0
    stops = [stop for _, stop in runs]
    for block in blocks:
        if not block["pieces"]:
            out.append(block)
            continue
        waiting.append(block)
        end = block["offset"] + len(block["pieces"])
        if end not in stops:
            continue
        pieces, glue = _leaves(waiting)
        offset, last = waiting[0]["offset"], stops.index(end) + 1
        some = [(start - offset, stop - offset) for start, stop in runs[done:last]]
        joined = ["".join(_alternating(pieces, glue, *run)) for run in some]
        around = [glue[0], *(glue[stop] for _, stop in some)]
        title = waiting[0]["title"] if len(waiting) == 1 else ""
        out.append({"title": title, "pieces": joined, "glue": around, "offset": done})
        waiting, done = [], last
    return out


def _alternating(pieces: Sequence[str], glue: Sequence[str], start: int, stop: int) -> Iterable[str]:
    for i in range(start, stop):
        yield pieces[i]
        if i + 1 < stop:
            yield glue[i + 1]
