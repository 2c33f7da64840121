"""Many inputs, one by one: what explain_many() takes as probes, as items with a label each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.adapt import RowSettings, as_probe
from probes.inputs.table_rows import background_frame, ignored_columns, unmatched
from probes.inputs.tabular import TabularProbe
from probes.model import Generator, Model, is_chat
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


def items_of(probes: Any, settings: RowSettings, model: Model | Generator | None = None) -> Iterator[Item]:
    """The inputs one by one; `settings` are for rows of a table, `model` says what a plain pair or text becomes.

    Raises
    ------
    InputError
        If there are not several of them.
    """
    frame = None if settings.background is None else background_frame(settings.background, settings.feature_names)
    labels: Iterable[str | int] = count()
    several: Iterable[Any] = probes
    if isinstance(probes, pd.DataFrame):
        if frame is None:
            raise InputError("background", "come with table rows: the rows that absent values are replaced from", None)
        if apart := unmatched(probes.columns, frame.columns, ignored_columns(settings.ignore, probes, frame)):
            rule = f"have the rows' columns; only one of them has {apart}"
            raise InputError("background", rule, settings.background)
        labels, several = _labels(probes.index), (probes.iloc[[i]] for i in range(len(probes)))
    elif isinstance(probes, pd.Series) and frame is None and pd.api.types.is_string_dtype(probes):
        labels = _labels(probes.index)
    else:
        _check_several(probes)
    make = _maker(settings, model)
    return (Item(i, label, partial(make, probe)) for i, (probe, label) in enumerate(zip(several, labels, strict=False)))


def _check_several(probes: Any) -> None:
    """Refuse a single input."""
    if is_chat(probes):
        raise InputError("probes", "be several: a list of chats, each a list of messages", probes)
    single = isinstance(probes, (str, Mapping, Probe, pd.Series)) or not isinstance(probes, Iterable)
    numbers = isinstance(probes, (Sequence, np.ndarray)) and len(probes) and all(map(pd.api.types.is_number, probes))
    if single or numbers:
        rule = "be several: a list of probes, texts, dicts or rows, or a DataFrame; explain() explains one"
        raise InputError("probes", rule, probes)


def _maker(settings: RowSettings, model: Model | Generator | None) -> Callable[[Any], Probe]:
    """Return what makes a probe of an input; the background of a table is looked at once."""
    known: list[TabularProbe] = []

    def make(probe: Any) -> Probe:
        if settings.background is None or isinstance(probe, Probe):
            return as_probe(probe, settings, model)
        if known:
            return known[0].at(probe)
        known.append(settings.probe(probe))
        return known[0]

    return make


def _labels(index: pd.Index) -> Sequence[str | int]:
    """Return labels of rows; their places if a label repeats, because each must name one item."""
    labels = [_label(label) for label in index]
    if len(set(labels)) == len(labels):
        return labels
    repeated = next(label for label, times in Counter(labels).items() if times > 1)
    log.warning("row label %r repeats: items are labelled by their places, from 0", repeated)
    return range(len(labels))


def _label(label: object) -> str | int:
    return int(label) if isinstance(label, (int, np.integer)) else str(label)
