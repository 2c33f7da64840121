"""as_probe(): the probe for a plain text, chat, image, row or dict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.chat import ChatProbe
from probes.inputs.context import ContextProbe
from probes.inputs.fields import PairProbe
from probes.inputs.image import ImageProbe
from probes.inputs.image_form import is_pillow
from probes.inputs.locality import Law
from probes.inputs.mixed import MixedProbe
from probes.inputs.table_rows import refuse_masked
from probes.inputs.tabular import TabularProbe
from probes.inputs.text import TextProbe
from probes.inputs.text_segments import words_besides
from probes.model import Generator, Model, Prompt, is_chat
from probes.probe import Probe

__all__ = ["ProbeLike", "RowSettings", "as_probe"]

#: whatever as_probe() takes
ProbeLike: TypeAlias = Probe | Prompt | pd.Series | pd.DataFrame | np.ndarray | Mapping[str, Any]

#: keys of a dict without background, and the probe that is made of it
_BY_KEYS: tuple[tuple[frozenset[str], type[Probe]], ...] = (
    (frozenset({"context", "question"}), ContextProbe),
    (frozenset({"text"}), TextProbe),
    (frozenset({"messages"}), ChatProbe),
)
_SEVERAL = "be one input; explain_many() explains several"


@dataclass(frozen=True, eq=False)
class RowSettings:
    """What a :class:`TabularProbe` is made with, besides the row."""

    background: pd.DataFrame | np.ndarray | None = None
    background_rows: int | None = None
    law: Law | None = None
    groups: Mapping[str, Sequence[str]] | None = None
    feature_names: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    random_state: int = 0

    def probe(self, row: Any) -> TabularProbe:
        """Make the probe of a row.

        Raises
        ------
        InputError
        """
        if self.background is None:
            several = "several inputs in one are a dict of probes, such as {'note': TextProbe(note)}"
            other = several if isinstance(row, Mapping) else "a time series is SeriesProbe(x)"
            rule = f"come with a table row: the rows that absent values are replaced from; {other}"
            raise InputError("background", rule, None)
        return TabularProbe(row, **vars(self))

    def refuse(self, rule: str) -> None:
        """Refuse what is given, where the probe is not made of a row here.

        Raises
        ------
        InputError
        """
        for name, value in vars(self).items():
            if value is not None and name != "random_state":
                raise InputError(name, rule, value)


def as_probe(probe: ProbeLike, settings: RowSettings | None = None, model: Model | Generator | None = None) -> Probe:
    """Convert a plain text, chat, pair, image of Pillow, row, dict, or dict of probes; `settings` are for a row.

    A pair of texts, or a dict of both by their names, is one for a `model` that reads nothing else.

    Raises
    ------
    InputError
        If it is none of these or several, if a row comes without background, or anything else with settings of a row.
    """
    settings = RowSettings() if settings is None else settings
    if isinstance(probe, Probe):
        settings.refuse("be given to the probe itself, or with a plain row")
        return probe
    fields = None if model is None else model.fields
    if (pair := _pair(probe, fields)) is not None and fields is not None:
        settings.refuse("be left out: it is for a row of a table")
        return PairProbe(*pair, names=fields)
    if isinstance(probe, str) or is_chat(probe):
        settings.refuse("be left out: it is for a row of a table")
        if not isinstance(probe, str):
            return TextProbe(probe) if len(probe) == 1 else ChatProbe(probe)
        kept = "" if model is None else model.keeps
        return TextProbe(probe, spans=words_besides(probe, kept) if kept else None)
    if is_pillow(probe):
        settings.refuse("be left out: it is for a row of a table")
        return ImageProbe(probe)
    if isinstance(probe, Mapping) and probe and all(isinstance(part, Probe) for part in probe.values()):
        settings.refuse("be given to the probe of the row")
        return MixedProbe(probe)
    if settings.background is None and isinstance(probe, Mapping):
        for needed, kind in _BY_KEYS:
            if needed <= set(probe):
                settings.refuse("be left out: it is for a row of a table")
                known = signature(kind).parameters
                if unknown := [key for key in probe if key not in known]:
                    raise InputError("probe", f"be a dict with keys of {kind.__name__} ({', '.join(known)})", unknown)
                return kind(**probe)
    _check_one(probe, settings.background is not None)
    return settings.probe(probe)


def _pair(probe: Any, fields: tuple[str, str] | None) -> tuple[str, str] | None:
    """Return the two texts that a plain pair, or a dict of `fields`, holds; None for anything else."""
    if fields is None:
        return None
    if isinstance(probe, Mapping) and set(probe) == set(fields):
        probe = tuple(probe[name] for name in fields)
    pair = isinstance(probe, tuple) and len(probe) == 2 and all(isinstance(text, str) for text in probe)
    return probe if pair else None


def _check_one(probe: Any, table: bool) -> None:
    """Refuse what cannot be one row of a table, and say what to do with it; with a `table` texts may be its cells.

    Raises
    ------
    InputError
    """
    refuse_masked("probe", probe)
    if callable(probe):
        raise InputError("probe", "be an input; a network goes with its tokenizer as (model, tokenizer)", probe)
    if isinstance(probe, (list, tuple, dict)) and not probe:
        raise InputError("probe", "hold something: a text, messages of a chat, a row of a table", probe)
    if isinstance(probe, (Path, bytes)):
        read = "Path.read_text() reads one from a file" if isinstance(probe, Path) else "bytes.decode() makes one"
        raise InputError("probe", f"be a text itself: {read}", probe)
    if isinstance(probe, Mapping) and {"role", "content"} <= set(probe):
        raise InputError("probe", "be a list of messages where it is a chat: [message]", probe)
    if not table and isinstance(probe, (list, tuple)):
        for message in probe:
            if isinstance(message, Mapping) and "role" in message and not is_chat([message]):
                raise InputError("probe", 'hold role and content ({"role": …, "content": …}) in each message', message)
    if not table and isinstance(probe, Mapping) and len({"context", "question"} & set(probe)) == 1:
        raise InputError("probe", "hold both context and question, or come with background= where it is a row", probe)
    if isinstance(probe, tuple) and len(probe) == 2 and all(isinstance(text, str) for text in probe) and not table:
        raise InputError("probe", f"{_SEVERAL}, and PairProbe(first, second) makes one of a pair", probe)
    numbered = table and isinstance(probe, int) and not isinstance(probe, bool)  # TabularProbe says what to do
    if not (isinstance(probe, Iterable) or numbered) or getattr(probe, "shape", None) == ():
        rule = "be a probe, a text, a chat, a table row with background=, or a dict with context and question"
        raise InputError("probe", rule, probe)
    tensor = hasattr(probe, "detach")
    if (isinstance(probe, np.ndarray) or tensor) and probe.ndim > (2 if table or not tensor else 1):
        raise InputError("probe", "be an ImageProbe(image) where it is an image held as numbers", probe)
    if (tensor or isinstance(probe, (pd.DataFrame, np.ndarray))) and probe.ndim > 1 and len(probe) != 1:
        series = "" if table else ", and SeriesProbe(x) makes one of a time series"
        raise InputError("probe", f"{_SEVERAL}{series}", probe)
    if isinstance(probe, (Set, Iterator)) or _holds_inputs(probe, table):
        raise InputError("probe", _SEVERAL if table else f"{_SEVERAL}, and a row comes with background=", probe)


def _holds_inputs(value: Any, table: bool) -> bool:
    """Return whether a list holds inputs; with a `table` texts may be cells, and a single list may be the row."""
    if not isinstance(value, (list, tuple, pd.Series, np.ndarray)) or (table and len(value) == 1):
        return False
    kinds = (Probe, Mapping, pd.Series, pd.DataFrame, list, tuple, np.ndarray, *(() if table else (str,)))
    return any(isinstance(part, kinds) for part in value)
