"""Searching a document for the parts that decide an answer, from coarse to fine.

First by sets. With s(T) the share of what the document does to the answer that is there with the parts T alone,

    s(T) = (y(T) − y(∅)) · (y(all) − y(∅)) / |y(all) − y(∅)|²,

a set that keeps about half is made minimal by halving (:mod:`surrogates.local.minimal_set`), on a cut of few parts;
those of the set are split, and it is made minimal again, down to sentences (hierarchical delta debugging, Misherghi and
Su 2006). Then what could stand in for each of its parts is looked for in the rest, in the same way: a fact that is told
five times is found five times, where leaving out one of them changes nothing. Last, as long as the rest without all
that was found keeps a tenth, a set that keeps half of that. Rows of a search hold few parts, so they are short.

Then by effects, for what no small set keeps, and for parts that add up and are told nowhere else: rows drawn at random,
a sparse sum fitted to all rows so far, the parts with the largest weights split. Effects that cancel in a part show in
no row that has all of it or nothing. So rows of the pieces of all parts are asked as well, one for every few pieces:
of all units before anything else where there are questions for that, else when no part has a clear weight.

The search asks and decides; nothing is judged by its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from textwrap import shorten

import numpy as np
import pandas as pd

from probes.design import corners, uniform
from probes.inputs.document import DocumentProbe, Run
from surrogates.local.clear_weights import clear_weights
from surrogates.local.minimal_set import KEPT, NEARLY, Goal, minimal_set
from surrogates.local.search_rows import SearchRows, Spent
from surrogates.local.zoom import FOUND, SPLITS, WORDS, Zoom

__all__ = ["PartSearch"]

#: share of what the document does that a part must change to be looked for elsewhere
LEAST = 0.1
#: parts that add up: as few where rows of all units may be asked, as many where not; share that each has alone, share
#: of the set that these add up to, and share by which the set and the rest may be more than all
FEW, MANY, OWN, ADDITIVE, TWICE = 2, 3, 0.13, 0.7, 0.2
#: units for each question left, at most, and in all, of which a sparse sum is fitted without a search
PER_ROW, FLAT = 4, 500
#: share of the questions left that the first set may take, and rows of all pieces
MOST = 0.67
#: parts of a set beside the first, or in place of one of its parts, at most: what is more is spread
WIDE = 8
#: groups from which nothing more is looked for in the rest: answers that jitter would have no end of them
GROUPS = 16
#: rows of a round of effects, at least, and rounds that find nothing, at most
ROUND, ROUNDS = 12, 2
#: weight of a part, as a share of the largest, from which it is split
WEIGHT = 0.1
#: parts of a round, the largest weights first, of which it is tried whether they add to the first set
TRIED = 3
#: letters of a part's name where it is named for another one
NAMED = 60


class AddsUp(Exception):
    """Parts have a share each, which add up."""


class Spread(Exception):
    """A set has many parts."""


@dataclass
class PartSearch(SearchRows):
    """A search at work; it has one owner and ends with the call.

    Attributes
    ----------
    total : int
        Questions that there are, those that judge included.
    rng : numpy.random.Generator
    """

    total: int
    rng: np.random.Generator
    stopped: str = field(default="", init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._found, self._words = (list[tuple[object, ...]]() for _ in range(2))
        self._first, self._taken = list[Run](), list[Run]()
        self._groups = 0
        self._looked: tuple[DocumentProbe, np.ndarray, np.ndarray] | None = None

    def run(self) -> Zoom:
        """Search until nothing is left to split, or the questions are spent."""
        try:
            self._by_sets()
            if not self.stopped:
                self._by_words()
                self._by_effects()
        except Spent:
            self.stopped = "the questions for the search were spent"
        probe = self.probe
        found = _table(self._found, ["group", "start", "stop", "share", "change", "how"])
        named = [probe.called((a, b)) for a, b in zip(found["start"], found["stop"], strict=True)]
        found["part"], found["level"] = zip(*named, strict=True) if named else ((), ())
        words = _table(self._words, ["start", "stop", "share", "change", "of"])
        words["word"] = [probe.units.features[unit].name for unit in words["start"]]
        splits = pd.DataFrame(self.splits, columns=["part", "level", "why", "into", "asked"])
        found, words, splits = (
            table[[name for text in columns for name in text.split()]]
            for table, columns in ((found, FOUND), (words, WORDS), (splits, SPLITS))
        )
        return Zoom(found, words, splits, probe.runs, probe.runs[-1][1], self.asked, self.stopped)

    def _by_sets(self) -> None:
        """Find a set of sentences that keeps the answer, what could stand in for each of them, and what is left."""
        change = self.y[0] - self.y[1]
        if not np.abs(change).max() > 1e-9 * np.abs(self.y).max():
            return
        most = self.most
        try:
            self.most = self._for_sets(most, MOST)
            self._first_set()
            self.most = self._for_sets(most, 1.0)
            self._stand_ins()
            self._of_the_rest()
        except AddsUp:
            self._by_units()
        except (Spent, Spread):  # what is spread over many parts is left to effects
            return
        finally:
            self.most = most

    def _for_sets(self, most: int, share: float) -> int:
        """Return how many questions may be asked until sets end: a share of those left, less what all units take.

        Rows of all units are kept free where they are not too many.
        """
        left, units = most - self.asked, self.probe.runs[-1][1] / (PER_ROW * MOST)
        return self.asked + round(min(share * left, left - units if units <= MOST * left else left))

    def _first_set(self) -> None:
        """Find a set that keeps the answer."""
        first = self._refined([], list(self.probe.runs), Goal.between(0, 1), self._refuse_sum)
        self._first = self._without_idle(first, [], NEARLY)
        self._note(self._first, [], f"keeps {_part_of('the answer', self.share(self._first))} alone")

    def _stand_ins(self) -> None:
        """Find what could stand in for each part of the first set."""
        first = self._first
        for run in sorted(first, key=lambda run: -np.nan_to_num(self._loss(first, run))):
            others = [other for other in first if other != run]
            how = f"in place of “{shorten(self.probe.called(run)[0], NAMED)}”"
            while self._loss(first, run) >= LEAST and (instead := self._instead(others)):
                self._note(instead, others, how)

    def _instead(self, others: list[Run]) -> list[Run]:
        """Return parts of the rest that do, beside the others, what the first set does; none where nothing does."""
        goal, rest = Goal.between(0, 1), self._rest()
        with self.between(others, self._first):
            if self.keeps([*others, *rest], goal.enough):
                return self._refined(others, rest, goal, self._refuse_many)
        return []

    def _of_the_rest(self) -> None:
        """Find sets that keep half of what is left, as long as that is something."""
        while self._groups < GROUPS and (left := self.share(rest := self._rest())) >= LEAST:
            found = self._refined([], rest, Goal.between(0, left), self._refuse_many)
            enough = self.share(found) >= KEPT * left
            self._note(found, [], f"keeps {'half of what is left or more' if enough else 'some of what is left'} alone")

    def _refuse_many(self, parts: list[Run]) -> None:
        """Refuse a set of many parts.

        Raises
        ------
        Spread
        """
        if len(parts) > WIDE:
            raise Spread

    def _refuse_sum(self, parts: list[Run]) -> None:
        """Refuse a set of parts that each have their share by themselves, and nowhere else: effects find these sooner.

        Raises
        ------
        AddsUp
        """
        least = FEW if self._few_units else MANY
        if len(parts) < least:
            return
        alone, whole = [share for part in parts if (share := self.share([part])) >= OWN], self.share(parts)
        if len(alone) < least or sum(alone) <= ADDITIVE * whole:
            return
        rest = [run for run in self.probe.runs if run not in parts]
        if whole + self.share(rest) <= 1 + TWICE:  # else something in it is told again elsewhere
            raise AddsUp

    @property
    def _few_units(self) -> bool:
        """Whether questions are left for rows of all units."""
        return self.probe.runs[-1][1] <= min(FLAT, PER_ROW * (self.total - self.asked))

    def _by_units(self) -> None:
        """Split everything, where random rows of all units are enough for a sparse sum of them."""
        if self._few_units:
            while (whole := self.probe.splittable).any():
                self.split(np.flatnonzero(whole).tolist(), "effects add up")
            self.stopped = "effects add up, and the units are few enough for rows of all of them"

    def _note(self, found: list[Run], others: list[Run], how: str) -> None:
        """Keep a group that was found, with the answers that say so; `how` it belongs is said of each of its parts."""
        found = self._without_idle(found, others)
        if more := len(found) - 1:
            how = f"{how.removesuffix(' alone')}, together with {more} other{'s' if more > 1 else ''}"
        for run in found:
            if not (loss := self._loss(together := [*found, *others], run)) < LEAST / 2:
                change = self._first_answer(together) - self._first_answer(
                    [other for other in together if other != run]
                )
                self._found.append((self._groups, *run, loss, change, how))
        self._groups += 1
        self._taken += found

    def _without_idle(self, found: list[Run], others: list[Run], least: float = -np.inf) -> list[Run]:
        """Leave out parts that lose nothing one by one, if the rest does as well and keeps at least a share.

        Halving keeps such parts where more parts make an answer less, against what it takes to be so.
        """
        needed = [run for run in found if not self._loss([*found, *others], run) < LEAST / 2]
        if not needed or len(needed) == len(found) or self.asked >= self.most:
            return found
        before, after = self.share([*found, *others]), self.share([*needed, *others])
        return needed if after >= least and before - after < LEAST / 2 else found

    def _first_answer(self, parts: Sequence[Run]) -> float:
        """The first output with some parts alone, which was asked; NaN if it was not answered."""
        place = self.place(self.row(parts))
        return np.nan if place is None else float(self.y[place, 0])

    def _by_words(self) -> None:
        """Leave out the units of the sentences of the first set one by one, all else of the set being there."""
        for start, stop in sorted(self._first, key=lambda run: -np.nan_to_num(self._loss(self._first, run))):
            words = [(unit, unit + 1) for unit in range(start, stop)]
            if not 1 < len(words) <= self.most - self.asked:
                continue
            cut = [piece for run in self.probe.runs for piece in (words if run == (start, stop) else [run])]
            finer = DocumentProbe(self.probe, runs=cut)
            rows = np.tile(self.probe.onto(finer, self.row(self._first)[None]), (len(words), 1))
            rows[np.arange(len(words)), [cut.index(word) for word in words]] = 0.0
            known, y = self.ask_aside(finer, rows)
            left = dict(zip(map(bytes, known), zip(self.shares_of(y), y[:, 0], strict=True), strict=True))
            whole, of = self._first_answer(self._first), self.probe.called((start, stop))[0]
            for word, row in zip(words, map(bytes, rows), strict=True):
                share, first = left.get(row, (np.inf, np.nan))
                if (loss := self.share(self._first) - share) >= LEAST / 2:
                    self._words.append((*word, float(loss), float(whole - first), of))

    def _loss(self, parts: Sequence[Run], run: Run) -> float:
        """Return the share that a set of parts loses without one of them; NaN if one of the two was not answered."""
        before, after = self.share(parts), self.share([other for other in parts if other != run])
        return before - after if np.isfinite([before, after]).all() else np.nan

    def _rest(self, probe: DocumentProbe | None = None) -> list[Run]:
        """Return the parts that were not found, of the cut so far or another one."""
        runs = (probe or self.probe).runs
        return [run for run in runs if not any(a <= run[0] < b for a, b in self._taken)]

    def _refined(
        self,
        others: list[Run],
        parts: list[Run],
        goal: Goal,
        check: Callable[[list[Run]], None] = lambda parts: None,
    ) -> list[Run]:
        """Return the sentences, or smaller parts, of a minimal subset of parts; what is in it is split on the way.

        A set is checked at every level.
        """
        chosen = minimal_set(self.keeps, others, parts, goal)
        check(chosen)
        while coarse := [run for run in chosen if not self.probe.within_sentence[self.probe.runs.index(run)]]:
            self.split([self.probe.runs.index(run) for run in coarse], "needed by a set that keeps the answer")
            inside = [run for run in self.probe.runs if any(a <= run[0] < b for a, b in chosen)]
            chosen = minimal_set(self.keeps, others, inside, goal)
            check(chosen)
        return chosen

    def _by_effects(self) -> None:
        """Search by weights in a sparse sum: of all units at once where questions allow, of parts, of their pieces."""
        if not self._whole(pieces := self._pieces()).any():
            self._look(pieces)
        self._by_rounds()
        while self._look(self._pieces()):
            self._by_rounds()

    def _by_rounds(self) -> None:
        """Take the parts with the largest clear weights in a sparse sum apart, round by round.

        One that adds to the first set is searched by halving; others are split.
        """
        drawn, nothing = 0, 0
        while nothing < ROUNDS:
            d, left = len(self.probe.features), corners(len(self.probe.features)) - len(self.Z)
            if not self._whole(self.probe).any():
                self.stopped = "nothing was left to split"
                return
            rows = int(min(max(ROUND, d // 4), left, max(self.most - self.asked, ROUND // 2)))
            self.ask(uniform(d, rows, self.rng, but=self.Z))
            drawn += rows
            size, unsure = clear_weights(self.Z, self.y, rows, drawn)
            order = np.argsort(-size, kind="stable")
            large = order[(self._whole(self.probe) & (size > WEIGHT * size.max(initial=0.0)))[order]]
            runs, clear = [self.probe.runs[i] for i in large], int((size[large] > unsure).sum())
            adding = [run for run in runs[: max(TRIED, clear)] if self._adds(run)]
            left_whole = set(self.probe.runs) - set(adding)  # what was looked into in vain is split as well
            rest = [run for run in runs[: min(clear, self.asked // self.probe.fan)] if run in left_whole]
            self.split(sorted(map(self.probe.runs.index, rest)), "clear effect")
            nothing = 0 if adding or rest else nothing + 1
        self.stopped = "no part that could be split had a clear effect"

    def _whole(self, probe: DocumentProbe) -> np.ndarray:
        """Whether each part may be split, ``(d,)``: it has several units, and was not found."""
        rest = set(self._rest(probe))
        return probe.splittable & np.array([run in rest for run in probe.runs])

    def _pieces(self) -> DocumentProbe:
        """Return the finest cut of which rows of all parts may be asked, by a part of the questions left."""
        finer, most = self.probe, PER_ROW * int(MOST * (self.most - self.asked))
        while (whole := self._whole(finer)).any():
            if len((next_ := finer.split(np.flatnonzero(whole).tolist())).runs) > most:
                break
            finer = next_
        return finer

    def _look(self, pieces: DocumentProbe) -> bool:
        """Split parts down to pieces that have a clear weight in rows of all pieces; return whether there are any.

        What cancels in a part is seen in no row that has all of it or nothing.
        """
        if (d := len(pieces.runs)) == len(self.probe.runs):
            return False
        Z, y = self.ask_aside(pieces, uniform(d, max(ROUND, d // PER_ROW), self.rng))
        if self._looked is not None and self._looked[0].runs == pieces.runs:
            Z, y = np.vstack([self._looked[1], Z]), np.vstack([self._looked[2], y])
        self._looked = (pieces, Z, y)
        if len(y) < ROUND:  # a model may leave questions unanswered
            return False
        size, unsure = clear_weights(
            np.vstack([self.probe.onto(pieces, self.Z), Z]), np.vstack([self.y, y]), len(y), len(y)
        )
        inside = self._whole(self.probe)[self.probe.part_of([start for start, _ in pieces.runs])]
        clear = np.flatnonzero(inside & (size > max(unsure, WEIGHT * size.max(initial=0.0))))
        clear = clear[np.argsort(-size[clear], kind="stable")][: self.asked // self.probe.fan]
        for start, stop in (pieces.runs[i] for i in clear):
            while (start, stop) not in self.probe.runs:
                self.split(self.probe.part_of([start]).tolist(), "a piece of it has a clear effect")
        self.stopped = f"no part that could be split had a clear effect, nor had one of {d:,} pieces"
        return len(clear) > 0

    def _adds(self, run: Run) -> bool:
        """Whether a part adds much to the first set; then what in it does so is found."""
        if not self._first or self.probe.within_sentence[self.probe.runs.index(run)]:
            return False
        before = self.share(self._first)
        if (gain := self.share([*self._first, run]) - before) < LEAST:
            return False
        try:
            found = self._refined(self._first, [run], Goal.between(before, before + gain), self._refuse_many)
        except Spread:
            return False
        self._note(found, self._first, "adds to the first set")
        return True


def _part_of(answer: str, share: float) -> str:
    """Say how much of the answer a share is."""
    if share >= 1 - LEAST:
        return answer
    return f"half of {answer} or more" if share >= KEPT else f"nearly half of {answer}"


def _table(rows: Sequence[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    """Return a table of what was found, most decisive first."""
    return pd.DataFrame(rows, columns=columns).sort_values("share", ascending=False, kind="stable", ignore_index=True)
