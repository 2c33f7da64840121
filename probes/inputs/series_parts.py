"""Parts of a series that are features: stretches of time, channels, frequency bands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np

from probes.errors import InputError, integer, require
from probes.inputs.series_times import Times
from probes.rounding import counted, given

__all__ = ["band_edges", "band_names", "band_owners", "channel_owners", "cut_points"]

#: stretches where nobody says how many
STRETCHES = 10
#: points in which changes are looked for, means of steps that lie side by side: the search takes their square
_POINTS = 1000
#: shortest stretch between two changes, in these points
_SHORTEST = 2


def cut_points(segments: int | str | Iterable[Any], values: np.ndarray, times: Times) -> np.ndarray:
    """Return the steps ``(s + 1,)`` at which stretches begin, and the end.

    Parameters
    ----------
    segments : int, sequence, or "changes"
        How many stretches of equal length, the points at which to cut, or "changes": as many as by default, cut where
        the series changes most.
    values : ndarray ``(c, t)``
    times : Times

    Raises
    ------
    InputError
        For more stretches than steps, or cut points that are not within the series, each after the one before.
    MissingExtra
        If changes are to be found without ruptures.
    """
    length = values.shape[1]
    if isinstance(segments, str):
        if segments != "changes":
            raise InputError("segments", 'be a number of stretches, a list of cut points, or "changes"', segments)
        return _changes(values, min(STRETCHES, length))
    if isinstance(segments, Real) or not isinstance(segments, Iterable):
        count = integer("segments", segments, least=1)
        if count > length:
            raise InputError("segments", f"be at most the number of steps, {length}", segments)
        return np.round(np.linspace(0, length, count + 1)).astype(int)
    cuts = [times.step(cut) for cut in segments]
    inner = [
        cut for i, cut in enumerate(cuts) if not (i == 0 and cut == 0) and not (i == len(cuts) - 1 and cut == length)
    ]
    edges = np.array([0, *inner, length])
    if (np.diff(edges) < 1).any():
        raise InputError(
            "segments", f"be cut points within the series of {counted(length, 'step')}, each after the last", segments
        )
    return edges


def _changes(values: np.ndarray, count: int) -> np.ndarray:
    """Cut where the distribution of values changes most: change points by kernels (Arlot et al. 2019, JMLR 20, 162)."""
    ruptures = require("ruptures", 'segments="changes"')
    if not np.isfinite(values).all():
        raise InputError("x", 'hold no missing values for segments="changes"', values)
    length = values.shape[1]
    starts = np.unique(np.round(np.linspace(0, length, min(length, _POINTS) + 1)).astype(int))
    points = np.add.reduceat(values, starts[:-1], axis=1) / np.diff(starts)
    spread = points.std(axis=1, keepdims=True)
    points = (points - points.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    most = points.shape[1] // _SHORTEST - 1
    if most < 1:
        raise InputError("x", f'have at least {2 * _SHORTEST} steps for segments="changes"', values)
    search = ruptures.KernelCPD(kernel="rbf", min_size=_SHORTEST).fit(points.T)
    found = search.predict(n_bkps=min(count - 1, most))
    return np.array([0, *(int(starts[i]) for i in found[:-1]), length])


def channel_owners(channels: int, edges: np.ndarray, apart: bool) -> np.ndarray:
    """Return the feature that each step of each channel belongs to, ``(c, t)``."""
    stretch = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    return np.stack([stretch + apart * i * (len(edges) - 1) for i in range(channels)])


def band_edges(bands: int | Iterable[Any], length: int, rate: float) -> list[tuple[float, float]]:
    """Return bands as pairs of frequencies.

    Parameters
    ----------
    bands : int, sequence of pairs, or sequence of edges
        How many bands of equal ratio from the lowest frequency to the highest; pairs (low, high); or rising edges.
    length : int
        Number of steps.
    rate : float
        Steps a unit of time.

    Raises
    ------
    InputError
        For bands that are empty, overlap, or lie outside of what steps can hold.
    """
    highest = rate / 2
    if isinstance(bands, (Real, str)) or not isinstance(bands, Iterable):
        count = integer("bands", bands, least=2)
        pairs = _of_equal_ratio(min(count, length), length, rate)
        if count > length or not _all_held(pairs, length, rate):
            fewer = range(min(count - 1, length.bit_length()), 1, -1)
            most = next((n for n in fewer if _all_held(_of_equal_ratio(n, length, rate), length, rate)), 1)
            few = f"be at most {most} for {length} steps, so that each band holds a frequency; or give their edges"
            none = f"be edges, or pairs of them: {length} steps are too few for bands of equal ratio"
            raise InputError("bands", few if most > 1 else none, bands)
    else:
        listed = list(bands)
        single = bool(listed) and all(isinstance(edge, Real) for edge in listed)
        pairs = [_pair(band) for band in (pairwise(listed) if single else listed)]
    before = -np.inf
    for low, high in pairs:
        if not (0 <= low < high and before <= low < highest):
            rule = f"be pairs (low, high) of frequencies from 0 to {given(highest)}, in order and apart from each other"
            raise InputError("bands", rule, bands)
        before = high
    return pairs


def _of_equal_ratio(count: int, length: int, rate: float) -> list[tuple[float, float]]:
    """Return so many bands from 0 to the highest frequency, each as much wider than the one before."""
    inner = [float(f"{edge:.3g}") for edge in np.geomspace(rate / length / 2, rate / 2, count + 1)[1:-1]]
    return list(zip([0.0, *inner], [*inner, rate / 2], strict=True))


def _all_held(pairs: Sequence[tuple[float, float]], length: int, rate: float) -> bool:
    """Return whether each band holds a frequency of a series of this length."""
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    return all(_within(low, high, frequencies).any() for low, high in pairs)


def _within(low: float, high: float, frequencies: np.ndarray) -> np.ndarray:
    """Return which frequencies ``(f,)`` lie in a band; the highest of all does where the band ends there."""
    top = frequencies <= high if high >= frequencies[-1] else frequencies < high
    return (frequencies >= low) & top & (frequencies > 0)


def _pair(band: Any) -> tuple[float, float]:
    edges = tuple(band) if isinstance(band, (tuple, list, np.ndarray)) else ()
    if len(edges) != 2 or not all(isinstance(edge, Real) and np.isfinite(float(edge)) for edge in edges):
        raise InputError("bands", "be pairs (low, high) of frequencies, or rising edges", band)
    return float(edges[0]), float(edges[1])


def band_owners(pairs: Sequence[tuple[float, float]], length: int, rate: float) -> np.ndarray:
    """Return the band of each frequency of a real Fourier transform, ``(f,)``; −1 for the mean and what is in no band.

    Raises
    ------
    InputError
        If a band holds none of the frequencies that a series of this length has.
    """
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    owner = np.full(len(frequencies), -1)
    for i, (low, high) in enumerate(pairs):
        within = _within(low, high, frequencies)
        if not within.any():
            step = given(rate / length)
            raise InputError("bands", f"be as wide as the step between frequencies, {step}, at least", (low, high))
        owner[within] = i
    return owner


def band_names(pairs: Sequence[tuple[float, float]], seconds: bool) -> list[str]:
    """Name bands by their frequencies.

    Examples
    --------
    >>> band_names([(0.5, 4.0), (4.0, 8.0)], True)
    ['0.5–4 Hz', '4–8 Hz']
    """
    unit = "Hz" if seconds else "cycles a step"
    return [f"{given(low)}–{given(high)} {unit}" for low, high in pairs]
