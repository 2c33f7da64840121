"""counterfactuals(): what would have to be different in a row for the model to answer as wanted.

Every candidate is the instance with some columns changed to values that the background holds. A surrogate, fitted to
all answers so far, proposes candidates with one change, then two, and so on; the model is asked the most promising,
until it gives the answer wanted. What was found is then made sparser and drawn nearer, again by asking. Nothing is
returned that the model did not answer.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from probes.asking.question import Question
from probes.asking.session import Session, StoreLike
from probes.cases.questions import Questions
from probes.design import random_seed
from probes.errors import integer
from probes.inputs.table_rows import Row, background_frame, ignored_columns, instance_frame
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from surrogates.local.asked_candidates import AskedCandidates, distinct, rows_of
from surrogates.local.column_values import Bounds, column_values
from surrogates.local.counterfactual_result import counterfactual_result
from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.local.wanted import DesiredLike, range_of

__all__ = ["counterfactuals"]

#: rows that are asked at a time, and of one column at most where one column changes
_BATCH, _ALIKE = 48, 6
#: candidates that are carried on from one number of changes to the next; values of a column that are tried in each
_BEAM, _TRIED = 24, 12
#: values that are asked at a time between one that does and one that does not
_SPLIT = 5
#: mixes of two columns' values that are asked at a time, how often, and the share of the distance below which they are
_MIXES, _TURNS, _CLOSER = 12, 4, 0.99
#: rows with one change in place of another that are asked at a time, of each set of columns the most promising
_EXCHANGED = 24
#: candidates with one number of changes that are considered further; background rows where nothing else helps
_KEPT, _MOST = 1000, 5000


def counterfactuals(
    model: ModelLike,
    row: Row,
    *,
    background: pd.DataFrame | np.ndarray,
    desired: DesiredLike = None,
    bounds: Bounds | None = None,
    immutable: Collection[Hashable] = (),
    n: int = 1,
    max_changes: int | None = None,
    budget: int = 1000,
    target: TargetLike = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> Counterfactuals:
    """Look for the nearest rows for which the model answers otherwise: fewest columns changed, then the least.

    Parameters
    ----------
    model, feature_names, ignore, random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`.
    row : Series, one-row DataFrame, dict, or array ``(p,)``
    background : DataFrame ``(N, p)``, or numeric array ``(N, p)``
        Changed columns take values that it holds, and no others: of a column with more than 200 within its bounds, 200
        spread over their range, or the first 200 where they have no order.
    desired : str, int or (low, high), optional
        The decision wanted, by name or number, or the range that the number explained must be in (None: open). By
        default any other decision than the row's own.
    bounds : dict, optional
        For a column of numbers or dates (low, high), either None where it is open; for others a list of the values
        allowed. A column that is not changed may be outside.
    immutable : sequence of str, optional
        Columns that stay as they are.
    n : int, default 1
        How many to find; each changes another set of columns.
    max_changes : int, optional
        The most columns that may change; by default all.
    budget : int, default 1000
        The most rows that the model may be asked.
    target : str, int or callable, optional
        The number that is wanted in a range, as of :func:`~surrogates.local.explain.explain`.

    Returns
    -------
    Counterfactuals
        As many as were found, each answered as wanted by the model itself; none if there were none within the budget.

    Raises
    ------
    InputError
        For a parameter that breaks its rule: before any call, but where only the answer for the row shows it.

    Notes
    -----
    That none was found is no proof that there is none. Several changed columns are brought nearer one after another,
    then two at a time where the surrogate expects a nearer mix, and each change is given up for one of another column,
    of each the most promising, as long as that is nearer; a mix of three may still be nearer in sum. A counterfactual
    is about the model: changing a column in the world may change others, and what is decided about may stay the same
    (Wachter, Mittelstadt and Russell 2017).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> people = pd.DataFrame({"income": rng.integers(10, 90, 300), "debt": rng.integers(0, 50, 300)})
    >>> def loan(rows):
    ...     granted = (rows["income"] - rows["debt"] > 30).to_numpy(dtype=float)
    ...     return pd.DataFrame({"refused": 1 - granted, "granted": granted})
    >>> found = counterfactuals(loan, {"income": 40, "debt": 20}, background=people, immutable=["debt"], store=None)
    >>> found.changes[["column", "before", "after"]]
       column before after
    0  income     40    51
    """
    n, budget = integer("n", n, least=1), integer("budget", budget, least=20)
    seed = random_seed(random_state)
    frame = background_frame(background, feature_names)
    given, ignored = frame.columns, ignored_columns(ignore, row, frame)
    frame = frame.drop(columns=[c for c in ignored if c in frame.columns])
    instance = instance_frame(row, frame, ignored, given)
    columns = column_values(frame, instance, {} if bounds is None else bounds, immutable)
    most = len(columns) if max_changes is None else integer("max_changes", max_changes, least=1)
    if isinstance(desired, (tuple, list)):
        range_of(desired)
    arrays = not isinstance(background, pd.DataFrame)
    first = Questions(rows_of(columns, np.zeros((1, len(columns)), dtype=int), arrays))
    session = Session(Question.of(model, first, None, target), None, store, progress)
    asked = AskedCandidates(session, columns, desired, budget, arrays)
    search = _Search(asked, n, min(most, len(columns)), seed)
    search.explore(frame)
    search.look()
    search.insist(frame)
    return counterfactual_result(asked, search.refined(), n, seed)


@dataclass(frozen=True, eq=False)
class _Search:
    """What is looked for among the candidates, and how far."""

    asked: AskedCandidates
    n: int
    most: int
    seed: int

    def explore(self, frame: pd.DataFrame) -> None:
        """Ask background rows, as far as columns may change, and the instance with a few of their values."""
        asked, rng = self.asked, np.random.default_rng(self.seed)
        share = max(8, asked.budget // 8)
        donors = self._donors(frame.iloc[rng.permutation(len(frame))[:share]])
        mixed = donors[rng.integers(len(donors), size=share)]
        count = rng.integers(1, 4, size=share)
        order = rng.random((share, len(asked.free))).argsort(axis=1).argsort(axis=1)
        keep = np.zeros(mixed.shape, dtype=bool)
        keep[:, asked.free] = order < count[:, None]
        asked.ask(np.vstack([np.where(keep, mixed, 0), donors]))

    def _donors(self, rows: pd.DataFrame) -> np.ndarray:
        """The instance with the values of background rows, as far as columns may change."""
        donors = np.zeros((len(rows), len(self.asked.columns)), dtype=int)
        for j in self.asked.free:
            donors[:, j] = self.asked.columns[j].nearest(rows.iloc[:, j])
        return donors

    def insist(self, frame: pd.DataFrame) -> None:
        """Where nothing was found, ask on: all background rows, then all single changes, the most promising first."""
        asked, nothing = self.asked, np.zeros(len(self.asked.columns), dtype=int)
        if asked.best(self.most) or asked.left < 1:
            return
        single = [_with(nothing, j, range(1, len(asked.columns[j].values))) for j in asked.free]
        for rest in (self._donors(frame.iloc[:_MOST]), *single):
            rest = distinct(rest[(rest > 0).sum(axis=1) <= self.most])
            while len(rest) and not asked.best(self.most) and asked.left > 0:
                asked.ask(self._promising(rest)[:_BATCH])
                rest = np.array([z for z in rest if z.tobytes() not in asked.known])

    def look(self) -> None:
        """Ask what the surrogate proposes, with one change, two, and so on, until enough was found."""
        asked = self.asked
        beam = np.zeros((1, len(asked.columns)), dtype=int)
        for changes in range(1, self.most + 1):
            if asked.left < 1 or len(asked.best(changes)) >= self.n:
                return
            before = asked.Z[(asked.Z > 0).sum(axis=1) == changes]
            candidates = distinct(np.vstack([self._extended(beam), before]))
            if not len(candidates):
                return
            candidates = self._promising(candidates)[:_KEPT]
            asked.ask(_varied(candidates)[:_BATCH])
            if len(asked.best(changes)) < self.n and asked.left > 0:  # once more, by what these answers taught
                new = [z for z in self._promising(candidates) if z.tobytes() not in asked.known]
                asked.ask(_varied(np.array(new).reshape(-1, candidates.shape[1]))[:_BATCH])
            beam = self._promising(candidates)[:_BEAM]

    def _promising(self, Z: np.ndarray) -> np.ndarray:
        """Rows in the order in which the surrogate expects them to be answered as wanted."""
        return Z[np.argsort(-self.asked.surrogate(self.seed).predict(Z), kind="stable")]

    def _extended(self, beam: np.ndarray) -> np.ndarray:
        """Each row of the beam with one more column changed, to some of its values."""
        tried = {j: self.asked.columns[j].spread_out(_TRIED) for j in self.asked.free}
        more = [_with(z, j, places) for z in beam for j, places in tried.items() if not z[j]]
        return np.vstack(more) if more else beam[:0]

    def refined(self) -> list[np.ndarray]:
        """Make what was found sparser and nearer, and return the best; each changes another set of columns."""
        done = set[bytes]()
        while todo := [z for z in self.asked.best(self.most)[: self.n] if z.tobytes() not in done]:
            for z in todo:
                done.add(z.tobytes())
                if self.asked.left > 0:
                    self._exchanged(self._draw_nearer(self._traded(self._draw_nearer(self._sparser(z)))))
        return self.asked.best(self.most)[: self.n]

    def _sparser(self, z: np.ndarray) -> np.ndarray:
        """Take changes back, one at a time, as long as the answer stays."""
        asked = self.asked
        while (z > 0).sum() > 1 and asked.left > 0:
            fewer = np.vstack([_with(z, int(j), np.zeros(1, dtype=int)) for j in np.flatnonzero(z)])
            fewer = fewer[np.argsort(asked.distances(fewer), kind="stable")]
            asked.ask(fewer)
            if (nearest := next((f for f in fewer if asked.holds(f)), None)) is None:
                break
            z = nearest
        return z

    def _traded(self, z: np.ndarray) -> np.ndarray:
        """Ask mixes of two changed columns' values that are nearer in sum, where the surrogate expects the answer."""
        asked = self.asked
        for i, j in combinations(map(int, np.flatnonzero(z)), 2):
            for _ in range(_TURNS):
                mixes = self._nearer(z, i, j)
                if not len(mixes) or asked.left < 1:
                    break
                mixes = mixes[asked.surrogate(self.seed).predict(mixes) >= 0]
                _, nearest = np.unique(mixes[:, i], return_index=True)  # one of each value: they lie along the border
                mixes = mixes[np.sort(nearest)[:_MIXES]]
                asked.ask(mixes)
                z = next((mix for mix in mixes if asked.holds(mix)), z)
        return z

    def _exchanged(self, z: np.ndarray) -> np.ndarray:
        """Ask rows that are nearer by a change of another column in place of one, as long as one is as wanted."""
        asked = self.asked
        while asked.left > 0:
            bases = [_with(z, int(i), [0])[0] for i in np.flatnonzero(z)]
            more = [
                _with(base, j, range(1, len(asked.columns[j].values)))
                for base in bases
                for j in asked.free
                if not base[j]
            ]
            others = distinct(np.vstack(more))
            others = others[asked.distances(others) < asked.distances(z[None])[0] * _CLOSER]
            new = np.array([o for o in others if o.tobytes() not in asked.known]).reshape(-1, len(z))
            if not len(new):
                break
            asked.ask(_varied(self._promising(new), 1)[:_EXCHANGED])
            held = [o for o in others if asked.holds(o)]
            if not held:
                break
            z = self._draw_nearer(min(held, key=lambda o: asked.distances(o[None])[0]))
        return z

    def _nearer(self, z: np.ndarray, i: int, j: int) -> np.ndarray:
        """Rows with other values in two changed columns that are nearer and not asked yet, the nearest first."""
        places = [np.arange(1, len(self.asked.columns[k].values)) for k in (i, j)]
        mixes = np.tile(z, (len(places[0]) * len(places[1]), 1))
        mixes[:, i], mixes[:, j] = np.repeat(places[0], len(places[1])), np.tile(places[1], len(places[0]))
        distances = self.asked.distances(mixes)
        order = np.argsort(distances, kind="stable")[: (distances < self.asked.distances(z[None])[0] * _CLOSER).sum()]
        return np.array([mix for mix in mixes[order] if mix.tobytes() not in self.asked.known]).reshape(-1, len(z))

    def _draw_nearer(self, z: np.ndarray) -> np.ndarray:
        """Bring every changed number nearer to the instance by splitting what is between, while the answer stays."""
        columns = self.asked.columns
        for j in sorted(map(int, np.flatnonzero(z)), key=lambda j: -columns[j].distance[z[j]]):
            distance, line = columns[j].distance, columns[j].numbers
            if line is None:  # all other values are as far
                continue
            side = np.sign(line - line[0]) == np.sign(line[z[j]] - line[0])
            places = np.flatnonzero(side & (distance < distance[z[j]]) & (distance > 0))
            ladder = [*places[np.argsort(distance[places], kind="stable")], z[j]]
            low, high = -1, len(ladder) - 1  # the last is known to do
            if high and self.asked.fails(_with(z, j, ladder[-2:-1])[0]):  # as an earlier split left it
                continue
            while high - low > 1 and self.asked.left > 0:
                steps = np.unique(np.linspace(low, high, _SPLIT + 2)[1:-1].round().astype(int))
                steps = steps[(steps > low) & (steps < high)]
                tried = _with(z, j, [ladder[i] for i in steps])
                self.asked.ask(tried)
                held = [int(i) for i, row in zip(steps, tried, strict=True) if self.asked.holds(row)]
                high = min([high, *held])
                low = max([low, *(int(i) for i in steps if i < high)])
            z = _with(z, j, [ladder[high]])[0]
        return z


def _with(z: np.ndarray, j: int, places: Sequence[int] | np.ndarray) -> np.ndarray:
    """A row ``(p,)`` with each of some values in one column, ``(m, p)``."""
    more = np.tile(z, (len(places), 1))
    more[:, j] = places
    return more


def _varied(candidates: np.ndarray, alike: int = _ALIKE) -> np.ndarray:
    """Candidates in order, of each set of changed columns a few alone."""
    seen: dict[bytes, int] = {}
    kept = []
    for z in candidates:
        key = (z > 0).tobytes()
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= alike:
            kept.append(z)
    return np.array(kept).reshape(-1, candidates.shape[1])
