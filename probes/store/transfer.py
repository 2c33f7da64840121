"""Answers that move: from store to store, to Parquet and back; and a summary of a store.

Everything goes in chunks, so memory does not grow with the number of answers. Every file is read to its end and checked
before anything is written, and what was written stays if a later chunk fails: done again, the rest is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.progress import Bar
from probes.store import parquet
from probes.store.places import Place, path_of, reading, same_file, writing
from probes.store.store import Row, Store, Value
from probes.store.summary import Merged, Stats

__all__ = ["Merged", "Stats", "export", "load", "merge", "stats"]


def merge(target: Place, sources: Sequence[Place], progress: bool | None = None) -> Merged:
    """Add the answers of other stores to one; it is made if it does not exist.

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
        opened = [stack.enter_context(reading(source, "source")) for source in sources]
        if any(same_file(target, source) for source in opened):
            raise InputError("source", "be another store than the target", str(path_of(target) or "the same store"))
        for source in opened:
            source.check()
        total = sum(map(len, opened))
        into = stack.enter_context(writing(target))
        return _add(into, (rows for source in opened for rows in source.rows()), total, progress)


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
    with reading(store, "store") as source:
        source.check()
        return parquet.write(source.rows(parquet.CHUNK), Path(path).expanduser())


def load(path: str | Path, store: Place, progress: bool | None = None) -> Merged:
    """Add the answers of a Parquet file by :func:`export` to a store, which is made if it does not exist.

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
    with writing(store) as target:
        return _add(target, parquet.read(path), total, progress)


def stats(store: Place) -> Stats:
    """Summarise a store: answers by model, bytes.

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
    with reading(store, "store") as source:
        rows = [(name and name.split(":score:")[0], answers, texts) for name, answers, texts in source.counts()]
        frame = pd.DataFrame(rows, columns=["model", "answers", "texts"]).astype({"answers": int, "texts": int})
        frame = frame.groupby("model", dropna=False, sort=False).sum().reset_index()
        frame = frame.sort_values("answers", ascending=False, kind="stable", ignore_index=True)
        return Stats(source.path, source.schema, int(frame["answers"].sum()), source.size(), frame)


def _add(target: Store, chunks: Iterable[list[Row]], total: int, progress: bool | None) -> Merged:
    """Add answers chunk by chunk; where a key is known, compare."""
    done = Merged()
    with Bar(total, "merging", "answer", progress) as bar:
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
    """Return the largest relative difference of two answers; None if they are the same to the last bit."""
    if isinstance(a, str) or isinstance(b, str):
        return None if isinstance(a, str) and isinstance(b, str) and a == b else np.inf
    if a.tobytes() == b.tobytes():
        return None
    if a.shape != b.shape:
        return np.inf
    scale = np.maximum(np.abs(a), np.abs(b))
    return float(np.max(np.abs(a - b) / np.where(scale > 0, scale, 1.0)))
