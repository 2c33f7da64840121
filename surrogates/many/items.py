"""Many inputs, one by one: what explain_many() takes as probes, as items with a label each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.adapt import as_probe
from probes.inputs.table_rows import background_frame
from probes.inputs.tabular import TabularProbe
from probes.probe import Probe
from surrogates.results.plain import Json

__all__ = ["Item", "items_of"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    """One input: its place and label, the probe or what one is to be made of, and its key once that is known."""

    index: int
    label: str | int
    make: Callable[[], Probe]
    key: str = ""
    row: Json | None = None


def items_of(probes: Any, background: Any, background_rows: int | None = None, seed: int = 0) -> Iterator[Item]:
    """The inputs one by one.

    Raises
    ------
    InputError
        If there are not several of them.
    """
    if isinstance(probes, pd.DataFrame):
        if background is None:
            raise InputError("background", "come with table rows: the rows that absent values are replaced from", None)
        if unmatched := sorted(map(str, set(probes.columns) ^ set(background_frame(background).columns))):
            raise InputError(
                "background", f"have the rows' columns; only one of them has {', '.join(unmatched)}", background
            )
        rows: Iterable[Any] = (probes.iloc[[i]] for i in range(len(probes)))
        return _rows(rows, iter(_labels(probes.index)), background, background_rows, seed)
    if isinstance(probes, pd.Series) and background is None and pd.api.types.is_string_dtype(probes):
        texts = zip(_labels(probes.index), probes, strict=True)
        return (Item(i, label, lambda text=text: as_probe(text)) for i, (label, text) in enumerate(texts))  # type: ignore[misc]
    if isinstance(probes, (str, Mapping, Probe, pd.Series)) or not isinstance(probes, Iterable):
        raise InputError("probes", "be several: a list of probes, texts, dicts or rows, or a DataFrame", probes)
    if background_rows is not None and background is None:
        raise InputError("background_rows", "come with background, from which they are drawn", background_rows)
    if background is not None:
        background_frame(background)
        return _rows(probes, iter(range(2**62)), background, background_rows, seed)
    return (Item(i, i, lambda probe=probe: as_probe(probe)) for i, probe in enumerate(probes))  # type: ignore[misc]


def _rows(
    rows: Iterable[Any], labels: Iterator[str | int], background: Any, background_rows: int | None, seed: int
) -> Iterator[Item]:
    """Rows of a table against one background, which is looked at once."""
    known: list[TabularProbe] = []

    def make(row: Any) -> Probe:
        if isinstance(row, Probe):
            return as_probe(row, background)
        if not known:
            known.append(TabularProbe(row, background, background_rows=background_rows, random_state=seed))
            return known[0]
        return known[0].at(row)

    return (
        Item(i, label, lambda row=row: make(row))  # type: ignore[misc]
        for i, (row, label) in enumerate(zip(rows, labels, strict=False))
    )


def _labels(index: pd.Index) -> Sequence[str | int]:
    """Return labels of rows; their places if a label repeats, because each must name one item."""
    labels = [_label(label) for label in index]
    if len(set(labels)) == len(labels):
        return labels
    repeated = next(label for label, count in Counter(labels).items() if count > 1)
    log.warning("row label %r repeats: items are labelled by their places, from 0", repeated)
    return range(len(labels))


def _label(label: object) -> str | int:
    return int(label) if isinstance(label, (int, np.integer)) else str(label)
