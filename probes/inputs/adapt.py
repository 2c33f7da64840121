"""as_probe(): the probe for a plain text, chat, row or dict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.context import ContextProbe
from probes.inputs.locality import Background, LocalGaussian
from probes.inputs.mixed import MixedProbe
from probes.inputs.table_rows import refuse_masked
from probes.inputs.tabular import TabularProbe
from probes.inputs.text import TextProbe
from probes.model import Prompt, is_chat
from probes.probe import Probe

__all__ = ["ProbeLike", "RowSettings", "as_probe"]

#: whatever as_probe() takes
ProbeLike: TypeAlias = Probe | Prompt | pd.Series | pd.DataFrame | np.ndarray | Mapping[str, Any]

_SEVERAL = "be one input; explain_many() explains several"


@dataclass(frozen=True, eq=False)
class RowSettings:
    """What a :class:`TabularProbe` is made with, besides the row."""

    background: pd.DataFrame | np.ndarray | None = None
    background_rows: int | None = None
    law: Background | LocalGaussian | None = None
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
            raise InputError("background", "come with a table row: the rows that absent values are replaced from", None)
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


def as_probe(probe: ProbeLike, settings: RowSettings | None = None) -> Probe:
    """Convert a plain text, chat, row, dict, or dict of probes to a probe; `settings` are for a row.

    Raises
    ------
    InputError
        If it is none of these or several, if a row comes without background, or anything else with settings of a row.
    """
    settings = RowSettings() if settings is None else settings
    if isinstance(probe, Probe):
        settings.refuse("be given to the probe itself, or with a plain row")
        return probe
    if isinstance(probe, str) or is_chat(probe):
        settings.refuse("be left out: it is for a row of a table")
        return TextProbe(probe)
    if isinstance(probe, Mapping) and probe and all(isinstance(part, Probe) for part in probe.values()):
        settings.refuse("be given to the probe of the row")
        return MixedProbe(probe)
    if settings.background is None and isinstance(probe, Mapping) and {"context", "question"} <= set(probe):
        settings.refuse("be left out: it is for a row of a table")
        known = signature(ContextProbe).parameters
        if unknown := [key for key in probe if key not in known]:
            raise InputError("probe", f"be a dict with keys of ContextProbe ({', '.join(known)})", unknown)
        return ContextProbe(**probe)
    _check_one(probe, settings.background is not None)
    return settings.probe(probe)


def _check_one(probe: Any, table: bool) -> None:
    """Refuse what cannot be one row of a table, and say what to do with it; with a `table` texts may be its cells.

    Raises
    ------
    InputError
    """
    refuse_masked("probe", probe)
    if callable(probe):
        raise InputError("probe", "be an input; a network goes with its tokenizer as (model, tokenizer)", probe)
    if isinstance(probe, (Path, bytes)):
        read = "Path.read_text() reads one from a file" if isinstance(probe, Path) else "bytes.decode() makes one"
        raise InputError("probe", f"be a text itself: {read}", probe)
    if isinstance(probe, Mapping) and {"role", "content"} <= set(probe):
        raise InputError("probe", "be a list of messages where it is a chat: [message]", probe)
    if not table and isinstance(probe, Mapping) and len({"context", "question"} & set(probe)) == 1:
        raise InputError("probe", "hold both context and question, or come with background= where it is a row", probe)
    numbered = table and isinstance(probe, int) and not isinstance(probe, bool)  # TabularProbe says what to do
    if not (isinstance(probe, Iterable) or numbered) or getattr(probe, "shape", None) == ():
        rule = "be a probe, a text, a chat, a table row with background=, or a dict with context and question"
        raise InputError("probe", rule, probe)
    if isinstance(probe, (pd.DataFrame, np.ndarray)) and probe.ndim > 1 and len(probe) != 1:
        raise InputError("probe", _SEVERAL, probe)
    if isinstance(probe, (Set, Iterator)) or _holds_inputs(probe, table):
        raise InputError("probe", _SEVERAL if table else f"{_SEVERAL}, and a row comes with background=", probe)


def _holds_inputs(value: Any, table: bool) -> bool:
    """Return whether a list holds inputs; with a `table` texts may be cells, and a single list may be the row."""
    if not isinstance(value, (list, tuple, pd.Series, np.ndarray)) or (table and len(value) == 1):
        return False
    kinds = (Probe, Mapping, pd.Series, pd.DataFrame, list, tuple, np.ndarray, *(() if table else (str,)))
    return any(isinstance(part, kinds) for part in value)
