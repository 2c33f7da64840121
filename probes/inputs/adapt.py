"""as_probe(): the probe for a plain string, row or dict."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.context import ContextProbe
from probes.inputs.tabular import TabularProbe
from probes.inputs.text import TextProbe
from probes.probe import Probe

__all__ = ["ProbeLike", "as_probe"]

#: whatever as_probe() takes
ProbeLike: TypeAlias = Probe | str | pd.Series | pd.DataFrame | np.ndarray | Mapping[str, Any]


def as_probe(
    probe: ProbeLike,
    background: pd.DataFrame | np.ndarray | None = None,
    background_rows: int | None = None,
    random_state: int = 0,
) -> Probe:
    """Convert a plain string, row or dict to a probe; the last two arguments are a :class:`TabularProbe`'s.

    Raises
    ------
    InputError
        If it is none of these, or a row comes without background.
    """
    if isinstance(probe, Probe):
        if background is not None:
            raise InputError("background", "be given to the probe itself, or with a plain row", background)
        if background_rows is not None:
            raise InputError("background_rows", "be given to the probe itself, or with a plain row", background_rows)
        return probe
    if background is not None:
        return TabularProbe(probe, background, background_rows=background_rows, random_state=random_state)
    if background_rows is not None:
        raise InputError("background_rows", "come with background, from which they are drawn", background_rows)
    if isinstance(probe, str):
        return TextProbe(probe)
    if isinstance(probe, Mapping) and {"context", "question"} <= set(probe):
        known = signature(ContextProbe).parameters
        if unknown := [key for key in probe if key not in known]:
            raise InputError("probe", f"be a dict with keys of ContextProbe ({', '.join(known)})", unknown)
        return ContextProbe(**probe)
    if isinstance(probe, (pd.Series, pd.DataFrame, Mapping, np.ndarray)):
        raise InputError("background", "come with a table row: the rows that absent values are replaced from", None)
    raise InputError(
        "probe", "be a probe, a text, a table row with background=, or a dict with context and question", probe
    )
