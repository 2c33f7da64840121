"""What a series looks like: lines of few points for a report, and where each feature lies on them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from probes.inputs.series_times import Times
from probes.rounding import rounded
from probes.views import SeriesPanel, SeriesPlace

__all__ = ["band_places", "decimated", "panels_of", "shape_words", "spectrum_panels", "stretch_places"]

#: points of all lines together, and of one at least
_POINTS, _LEAST = 4000, 200
#: letters that a number of a line keeps
_DIGITS = 5


def shape_words(channels: int, times: Times) -> str:
    """Say how large a series is, and when it is.

    Examples
    --------
    >>> shape_words(1, Times(140)), shape_words(3, Times(140, rate=10.0))
    ('140 steps', '140 steps of 3 channels, 0–14 s')
    """
    steps = f"{times.length:,} steps" + (f" of {channels} channels" if channels > 1 else "")
    return steps if times.rate is None and times.index is None else f"{steps}, {times.span(0, times.length)}"


def panels_of(values: np.ndarray, names: Sequence[str], times: Times) -> list[SeriesPanel]:
    """Return a line for each channel of a series ``(c, t)``, over time."""
    places = (np.arange(times.length) + 0.5) / times.length
    titles = names if len(values) > 1 else [""]
    most = max(_LEAST, _POINTS // len(values))
    return [_panel(title, times.ends, places, line, most) for title, line in zip(titles, values, strict=True)]


def spectrum_panels(values: np.ndarray, names: Sequence[str], rate: float, unit: str) -> list[SeriesPanel]:
    """Return a line for each channel of a series ``(c, t)``: the amplitude of each frequency but 0, on a log axis."""
    length = values.shape[1]
    amplitudes = 2 * np.abs(np.fft.rfft(values))[:, 1:] / length
    frequencies = np.fft.rfftfreq(length, 1 / rate)[1:]
    places, ends = (
        _on_log_axis(frequencies, rate, length),
        (f"{rounded(rate / length / 2)} {unit}", f"{rounded(rate / 2)} {unit}"),
    )
    titles = [
        f"{name}: strength by frequency (log)" if len(values) > 1 else "strength by frequency (log)" for name in names
    ]
    most = max(_LEAST, _POINTS // len(values))
    return [_panel(title, ends, places, line, most) for title, line in zip(titles, amplitudes, strict=True)]


def _on_log_axis(frequencies: np.ndarray, rate: float, length: int) -> np.ndarray:
    """Return where frequencies lie, from 0 at half of the lowest above 0 to 1 at the highest that steps can hold."""
    low, high = rate / length / 2, rate / 2
    return np.log(np.clip(frequencies, low, high) / low) / np.log(high / low)


def _panel(title: str, ends: tuple[str, str], places: np.ndarray, line: np.ndarray, most: int) -> SeriesPanel:
    kept, known = decimated(line, most), line[np.isfinite(line)]
    return {
        "title": title,
        "start": ends[0],
        "end": ends[1],
        "low": rounded(float(known.min())),
        "high": rounded(float(known.max())),
        "x": [float(f"{v:.5f}") for v in places[kept]],
        "y": [float(f"{v:.{_DIGITS}g}") if np.isfinite(v) else None for v in line[kept]],
    }


def decimated(line: np.ndarray, most: int) -> np.ndarray:
    """Return the steps at which a line ``(t,)`` is drawn: the least and the largest value of each of many bins.

    Examples
    --------
    >>> decimated(np.array([0.0, 5.0, 1.0, 2.0]), 2), decimated(np.array([0.0, 5.0]), 4)
    (array([0, 1, 3]), array([0, 1]))
    """
    if len(line) <= most:
        return np.arange(len(line))
    kept = [0, len(line) - 1]
    for part in np.array_split(np.arange(len(line)), max(most // 2 - 1, 1)):
        known = np.isfinite(line[part])
        kept += [
            part[np.argmin(np.where(known, line[part], np.inf))],
            part[np.argmax(np.where(known, line[part], -np.inf))],
        ]
    return np.unique(kept)


def stretch_places(edges: np.ndarray, channels: int, apart: bool) -> list[SeriesPlace]:
    """Return where each stretch lies on the panels of the channels."""
    length = int(edges[-1])
    spans = [(float(a / length), float(b / length)) for a, b in pairwise(edges)]
    groups = [[i] for i in range(channels)] if apart else [list(range(channels))]
    return [{"panels": panels, "start": a, "end": b} for panels in groups for a, b in spans]


def band_places(
    pairs: Sequence[tuple[float, float]], rate: float, length: int, channels: int, apart: bool
) -> list[SeriesPlace]:
    """Return where each band lies on the panels of spectra, which come after those of the channels."""
    spans = _on_log_axis(np.array(pairs), rate, length)
    groups = [[channels + i] for i in range(channels)] if apart else [list(range(channels, 2 * channels))]
    return [{"panels": panels, "start": float(a), "end": float(b)} for panels in groups for a, b in spans]
