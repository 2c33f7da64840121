"""Fills: what stands in for absent parts of a series. All but one are whole series from which values are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError, integer
from probes.inputs.background_rows import drawn_rows
from probes.inputs.series_form import SeriesForm
from probes.probe import Replication, rows_used
from probes.rounding import given

__all__ = ["FILLS", "SeriesFill", "between_kept", "fill_of"]

#: names of fills, and what each puts in the place of an absent part, in words
FILLS = {
    "mean": "replaced by the channel's mean",
    "linear": "replaced by a straight line from the first value to the last",
    "neighbours": "interpolated between what is kept",
    "noise": "replaced by noise with the channel's mean and standard deviation",
}
#: series that stand for noise, or for a background, unless a user says how many
REPLICATES = 10


@dataclass(frozen=True, eq=False)
class SeriesFill:
    """What stands in for absent parts.

    Attributes
    ----------
    pool : ndarray ``(R, c, t)``
        Series that values are taken from, one a replicate.
    words : str
        What is done to an absent part, such as "replaced by the channel's mean".
    replication : Replication or None
        How they were drawn, where they are a sample: of a background, or of noise.
    chosen : ndarray of int ``(R,)``
        Positions in the background of the series that are used.
    moving : bool
        Whether values depend on what else is kept; the pool is then for all parts absent.
    notes : tuple of str
    """

    pool: np.ndarray
    words: str
    replication: Replication | None = None
    chosen: np.ndarray | None = None
    moving: bool = False
    notes: tuple[str, ...] = ()


def fill_of(
    fill: Any,
    values: np.ndarray,
    edges: np.ndarray,
    positions: np.ndarray,
    form: SeriesForm,
    rows: int | None,
    seed: int,
    sizes: Callable[[np.ndarray], np.ndarray],
) -> SeriesFill:
    """Make a fill.

    Parameters
    ----------
    fill : str, number, callable, or series
        A name of :data:`FILLS`; a number; a function from the series to one of the same form; or a background.
    values : ndarray ``(c, t)``
    edges : ndarray ``(s + 1,)``
        Steps at which stretches begin, and the end.
    positions : ndarray ``(t,)``
        Where steps lie in time.
    form : SeriesForm
    rows : int, optional
        Replicates of noise or of a background.
    seed : int
    sizes : callable
        From series ``(n, c, t)`` to a number for each of the d features ``(n, d)``, by which a background is drawn.

    Raises
    ------
    InputError
        For an unknown name, a function that returns another shape, or a background of other series.
    """
    if rows is not None:
        rows = integer("background_rows", rows, least=1)
        if not _is_data(fill) and fill != "noise":
            raise InputError("background_rows", 'come with a background, or with fill="noise"', rows)
    if isinstance(fill, str):
        if fill not in FILLS:
            names = ", ".join(map(repr, FILLS))
            raise InputError("fill", f"be one of {names}, a number, a function, or series to take values from", fill)
        named = _named(fill, values, edges, positions, rows or REPLICATES, seed)
        return replace(named, replication=Replication.endless(len(named.pool), sizes(values[None]).shape[1]))
    if isinstance(fill, Real) and not isinstance(fill, bool):
        if not np.isfinite(float(fill)):
            raise InputError("fill", "be a finite number", fill)
        return SeriesFill(np.full((1, *values.shape), float(fill)), f"replaced by {given(float(fill))}")
    if callable(fill):
        made = _with_numbers(_of_function(fill, form)[None], fill)
        return SeriesFill(made, f"replaced by {getattr(fill, '__name__', 'a function')}")
    return _of_background(_with_numbers(form.read_several(fill, "fill"), fill), rows or REPLICATES, seed, sizes)


def _with_numbers(series: np.ndarray, fill: Any) -> np.ndarray:
    """Refuse series ``(n, c, t)`` that hold nothing but missing values in a channel.

    Raises
    ------
    InputError
    """
    if np.isnan(series).all(axis=(0, 2)).any():
        raise InputError("fill", "hold a number in every channel, or nothing stands in for absent parts", fill)
    return series


def _is_data(fill: Any) -> bool:
    return isinstance(fill, (np.ndarray, pd.Series, pd.DataFrame, list, tuple)) or hasattr(fill, "detach")


def _named(name: str, values: np.ndarray, edges: np.ndarray, positions: np.ndarray, rows: int, seed: int) -> SeriesFill:
    """Make one of the fills that have a name."""
    with np.errstate(over="ignore"):
        mean = np.nanmean(values, axis=1, keepdims=True)
    pool = np.broadcast_to(mean, values.shape)[None]
    if name == "linear":
        pool = np.stack([_lines(channel, edges, positions) for channel in values])[None]
    if name == "noise":
        deviation = np.nanstd(values, axis=1, keepdims=True)
        pool = mean + deviation * np.random.default_rng(seed).standard_normal((rows, *values.shape))
        said = (
            f"All numbers are means over the {rows} draws of noise, the same for all questions. Intervals of average "
            "effects cover that choice; R² and Shapley values are for these draws. More (background_rows=) make them "
            "narrower."
            if rows > 1
            else "All numbers are for one draw of noise, and intervals leave out that choice: more draws with "
            "background_rows=."
        )
        return SeriesFill(pool, FILLS[name], notes=(said,))
    return SeriesFill(np.array(pool), FILLS[name], moving=name == "neighbours")


def _lines(channel: np.ndarray, edges: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Draw a straight line in time through every stretch ``(t,)``, from its first known value to its last."""
    out = np.empty_like(channel)
    for start, stop in pairwise(edges):
        known = start + np.flatnonzero(np.isfinite(channel[start:stop]))
        ends = known[[0, -1]] if len(known) else np.array([start, stop - 1])
        heights = channel[ends] if len(known) else np.full(2, np.nanmean(channel))
        out[start:stop] = np.interp(positions[start:stop], positions[ends], heights)
    return out


def between_kept(values: np.ndarray, kept: np.ndarray, positions: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Interpolate linearly in time between what is kept; beyond the last kept value on a side it goes on.

    Parameters
    ----------
    values, kept : ndarray ``(c, t)``
        A series, and whether each step of it is kept.
    positions : ndarray ``(t,)``
        Where steps lie in time.
    reference : ndarray ``(c, t)``
        Values of a channel of which nothing is kept.
    """
    out = values.copy()
    for channel, present, whole, instead in zip(out, kept, values, reference, strict=True):
        known, gone = present & np.isfinite(whole), ~present
        channel[gone] = np.interp(positions[gone], positions[known], whole[known]) if known.any() else instead[gone]
    return out


def _of_function(fill: Callable[[Any], Any], form: SeriesForm) -> np.ndarray:
    """Let a user's function make the series that values are taken from."""
    own = (
        form.like.clone()
        if hasattr(form.like, "clone")
        else form.like.copy()
        if hasattr(form.like, "copy")
        else form.like
    )
    try:
        made = fill(own)
    except Exception as error:
        raise InputError("fill", f"be a function of the series ({type(error).__name__}: {error})", fill) from error
    return form.read_like(made, "fill")


def _of_background(series: np.ndarray, rows: int, seed: int, sizes: Callable[[np.ndarray], np.ndarray]) -> SeriesFill:
    """Draw series ``(R, c, t)`` of a background ``(n, c, t)``."""
    traits = sizes(series)
    columns = [[j] for j in range(traits.shape[1])]
    chosen, replication = drawn_rows(pd.DataFrame(traits), columns, rows, 0, seed)
    notes = () if replication is None else (rows_used(len(chosen), replication.population),)
    return SeriesFill(series[chosen], "replaced by other series", replication, chosen, notes=notes)
