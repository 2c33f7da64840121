"""Answers that move: from store to store, to Parquet and back, and what a store holds.

Everything goes in chunks, so memory does not grow with the number of answers. Every file is read to its end and checked
before anything is written, and what was written stays if a later chunk fails: done again, the rest is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from probes.errors import InputError
from probes.store import parquet
from probes.store.store import Row, Store, Value

__all__ = ["Merged", "Stats", "export", "load", "merge", "stats"]

Place: TypeAlias = Store | str | Path


@dataclass(frozen=True)
class Merged:
    """What became of answers that were taken into a store.

    Attributes
    ----------
    read : int
        Answers that came in.
    added : int
        Those whose keys were new.
    conflicts : int
        Those whose keys had another answer, which was kept.
    apart : float
        The largest relative difference among conflicts; infinite where text, or another number of outputs, came in.

    Examples
    --------
    >>> print(Merged(read=120, added=100, conflicts=2, apart=1e-7))
    120 answers read, 100 added, 18 known already
    2 in conflict, at most 1e-07 apart (relative): the answers that were there first are kept
    """

    read: int = 0
    added: int = 0
    conflicts: int = 0
    apart: float = 0.0

    @property
    def known(self) -> int:
        """Those that were there already, the same to the last bit."""
        return self.read - self.added - self.conflicts

    def __add__(self, other: Merged) -> Merged:
        return Merged(
            self.read + other.read,
            self.added + other.added,
            self.conflicts + other.conflicts,
            max(self.apart, other.apart),
        )

    def __str__(self) -> str:
        text = f"{_counted(self.read, 'answer')} read, {self.added:,} added, {self.known:,} known already"
        if self.conflicts:
            far = f"at most {self.apart:.2g} apart (relative)" if np.isfinite(self.apart) else "some of another kind"
            text += f"\n{self.conflicts:,} in conflict, {far}: the answers that were there first are kept"
        return text


@dataclass(frozen=True)
class Stats:
    """What a store holds.

    Attributes
    ----------
    path : Path or None
        None for a store in memory.
    schema : int
    answers : int
    size : int
        Bytes on disk, with the write-ahead log.
    models : DataFrame
        Columns ``model`` (None: not recorded), ``answers`` and ``texts`` (those that are text: generated answers, names
        of outputs), most answers first. Maps that only differ in the answer they score count as one model.
    """

    path: Path | None
    schema: int
    answers: int
    size: int
    models: pd.DataFrame

    def __str__(self) -> str:
        each = f", {self.size / self.answers:.0f} bytes an answer" if self.answers else ""
        lines = [
            str(self.path or "in memory"),
            f"{_counted(self.answers, 'answer')}, {_bytes(self.size)}{each}, schema {self.schema}",
        ]
        shown = self.models.head(20)
        for model, answers, texts in shown.itertuples(index=False):
            words = f" ({texts:,} of them text)" if texts else ""
            lines.append(f"  {answers:>12,}  {'(model not recorded)' if pd.isna(model) else model}{words}")
        if hidden := self.models[len(shown) :]["answers"].sum():
            lines.append(f"  {hidden:>12,}  ({_counted(len(self.models) - len(shown), 'other model')})")
        return "\n".join(lines)


def merge(target: Place, sources: Sequence[Place], progress: bool | None = None) -> Merged:
    """Take the answers of other stores into one; it is made if it does not exist.

    The sources, of this or an older schema, are left as they are. Where a key has two answers the first is kept: the
    target's, then that of the source named first.

    Parameters
    ----------
    target : Store or path
    sources : sequence of Store or path
    progress : bool, optional
        Whether to show a progress bar; by default on a terminal only.

    Raises
    ------
    InputError
        If a source does not exist or is the target.
    StoreError
        If a file is no store or damaged (then nothing is written), or the target cannot be written.

    Examples
    --------
    >>> target, source = Store(), Store()
    >>> target.put({b"a": np.array([1.0])})
    >>> source.put({b"a": np.array([1.5]), b"b": np.array([2.0])})
    >>> merge(target, [source])
    Merged(read=2, added=1, conflicts=1, apart=0.333...)
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(_reading(source, "source")) for source in sources]
        if any(_same(target, source) for source in opened):
            raise InputError("source", "be another store than the target", str(_path(target) or "the same store"))
        for source in opened:
            source.check()
        total = sum(map(len, opened))
        into = stack.enter_context(_writing(target))
        return _take_in(into, (rows for source in opened for rows in source.rows()), total, progress)


def export(store: Place, path: str | Path) -> int:
    """Write a store's answers to one Parquet file, readable by pandas, DuckDB, Spark and :func:`load`.

    Columns: ``key`` (binary), ``values`` (list of float64) or ``text``, and ``model``. The file appears whole or not at
    all, with mode 0600; an older Parquet file of that name is replaced, any other file is not.

    Returns
    -------
    int
        The number of answers.

    Raises
    ------
    InputError
        If the store does not exist, or the path names a folder or a file that is no Parquet file.
    StoreError
        If the store is damaged, or the file cannot be written.
    MissingExtra
        Without pyarrow.
    """
    with _reading(store, "store") as source:
        source.check()
        return parquet.write(source.rows(parquet.CHUNK), Path(path).expanduser())


def load(path: str | Path, store: Place, progress: bool | None = None) -> Merged:
    """Take the answers of a Parquet file by :func:`export` into a store, which is made if it does not exist.

    Raises
    ------
    InputError
        If the file is no such file, is cut or damaged, or has a row that is no answer; the error names column and row.
        Nothing is written then.
    StoreError
        If the store is damaged or cannot be written.
    MissingExtra
        Without pyarrow.
    """
    path = Path(path).expanduser()
    total = parquet.check(path)
    with _writing(store) as target:
        return _take_in(target, parquet.read(path), total, progress)


def stats(store: Place) -> Stats:
    """What a store holds: answers by model, bytes.

    Raises
    ------
    InputError
        If it does not exist.
    StoreError
        If it is no store, or damaged.

    Examples
    --------
    >>> store = Store()
    >>> store.put({b"a": np.array([1.0]), b"b": np.array([2.0])}, "callable:risk-v3")
    >>> stats(store).models
                  model  answers  texts
    0  callable:risk-v3        2      0
    """
    with _reading(store, "store") as source:
        rows = [(name and name.split(":score:")[0], answers, texts) for name, answers, texts in source.counts()]
        frame = pd.DataFrame(rows, columns=["model", "answers", "texts"]).astype({"answers": int, "texts": int})
        frame = frame.groupby("model", dropna=False, sort=False).sum().reset_index()
        frame = frame.sort_values("answers", ascending=False, kind="stable", ignore_index=True)
        return Stats(source.path, source.schema, int(frame["answers"].sum()), source.size(), frame)


def _take_in(target: Store, chunks: Iterable[list[Row]], total: int, progress: bool | None) -> Merged:
    done = Merged()
    hidden = None if progress is None else not progress
    with tqdm(total=total, desc="merging", unit="answer", leave=False, disable=hidden) as bar:
        for rows in chunks:
            known = target.get(key for key, _, _ in rows)
            fresh: list[Row] = []
            differing: list[float] = []
            for row in rows:
                key, value, _ = row
                if key not in known:
                    known[key] = value  # the same key may come again in these rows
                    fresh.append(row)
                elif (apart := _apart(known[key], value)) is not None:
                    differing.append(apart)
            if fresh:
                target.add(fresh)
            done += Merged(len(rows), len(fresh), len(differing), max(differing, default=0.0))
            bar.update(len(rows))
    return done


def _apart(a: Value, b: Value) -> float | None:
    """The largest relative difference of two answers; None if they are the same to the last bit."""
    if isinstance(a, str) or isinstance(b, str):
        return None if isinstance(a, str) and isinstance(b, str) and a == b else np.inf
    if a.tobytes() == b.tobytes():
        return None
    if a.shape != b.shape:
        return np.inf
    scale = np.maximum(np.abs(a), np.abs(b))
    return float(np.max(np.abs(a - b) / np.where(scale > 0, scale, 1.0)))


@contextmanager
def _reading(place: Place, parameter: str) -> Iterator[Store]:
    """A store to read; files are opened without being changed."""
    if isinstance(place, Store):
        yield place
        return
    path = _path(place)
    if path is None or not path.exists():
        raise InputError(parameter, "be a store or the path of one that exists", _shown(place))
    with closing(Store(path, readonly=True)) as store:
        yield store


@contextmanager
def _writing(place: Place) -> Iterator[Store]:
    """A store to write, sound as far as it exists already."""
    if isinstance(place, Store):
        place.check()
        yield place
        return
    path = _path(place)
    if path is None:
        raise InputError("target", "be a store or a path", _shown(place))
    if path.exists() and path.stat().st_size:
        with closing(Store(path, readonly=True)) as store:
            store.check()
    with closing(Store(path)) as store:
        yield store


def _path(place: object) -> Path | None:
    if isinstance(place, Store):
        return place.path
    return Path(place).expanduser() if isinstance(place, (str, Path)) and str(place) else None


def _shown(place: object) -> object:
    return str(place) if isinstance(place, Path) else place


def _same(target: Place, source: Store) -> bool:
    mine = _path(target)
    if target is source:
        return True
    return mine is not None and source.path is not None and mine.exists() and mine.samefile(source.path)


def _bytes(n: int) -> str:
    return f"{n / 1e6:,.1f} MB" if n >= 1e6 else f"{n / 1e3:.0f} kB"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
