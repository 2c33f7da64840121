"""SeriesProbe: which stretches, channels or frequencies of a time series an answer depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from probes.errors import InputError, integer
from probes.inputs.series_fills import SeriesFill, between_kept, fill_of
from probes.inputs.series_form import read_series
from probes.inputs.series_parts import (
    STRETCHES,
    band_edges,
    band_names,
    band_owners,
    channel_owners,
    cut_points,
)
from probes.inputs.series_times import Times
from probes.inputs.series_view import band_places, panels_of, shape_words, spectrum_panels, stretch_places
from probes.probe import Feature, Probe, at_least_two, unique_names
from probes.views import SeriesView

__all__ = ["SeriesProbe"]

#: fills that have a meaning for stretches alone
_IN_TIME = ("linear", "neighbours")
#: features that a note names
_NAMED = 5


class SeriesProbe(Probe):
    """A time series whose stretches, channels or frequency bands are present, or replaced.

    Parameters
    ----------
    x : array ``(t,)``, ``(c, t)`` or ``(t, c)``, Series, DataFrame, or tensor
        The instance: t steps of c channels; the columns of a DataFrame are channels. The model is asked with batches
        in the same form: arrays and tensors with one more axis, lists of Series or DataFrames; of a Series whose index
        are names, a row of a table of series, DataFrames. Numbers keep their type, but whole ones become floats.
        Missing values stay missing where they are present.
    segments : int, sequence of cut points, or "changes", optional
        Stretches of time: how many of equal length, by default 10; where to cut, step numbers or times (or seconds,
        with a sampling rate); or cut where the series changes most (needs ``pip install 'iomap[series]'``).
    channels : {"together", "apart"}, default "together"
        Whether a feature is a stretch of all channels, or of one. With ``segments=1`` and "apart" it is a channel.
    bands : int, sequence of (low, high), or sequence of edges, optional
        Frequency bands as features, in place of stretches: in Hz with a sampling rate, else in cycles a step.
    fill : str, number, callable, or background, default "mean"
        What stands in for absent parts: "mean" of the channel; "linear", a straight line from the first value to the
        last; "neighbours", interpolation between what is kept on both sides; "noise" with mean and standard deviation
        of the channel; a number; a function from the series to one of the same shape, from which values are taken; or
        other series, of which some stand for all and answers are averaged.
    times : number, or sequence of t times, optional
        A sampling rate, in steps a second, or the time of each step. By default the index of a pandas object.
    names : sequence of str, optional
        Of the channels.
    layout : {"ct", "tc"}, optional
        Which axis of a two-dimensional array is which: (channels, time) or (time, channels). To be given where names,
        times and shape do not tell: where neither axis is four times as long as the other.
    random_state : int, default 0
        Draws noise, and series of a background.
    background_rows : int, optional
        How many draws of noise, or series of a background, are used; by default ten.

    Raises
    ------
    InputError
        If `x` is no series of numbers, too short, holds infinite numbers or a channel without any, or has times that
        repeat or fall; or if fewer than two features remain, or none of them changes anything.
    MissingExtra
        For ``segments="changes"`` without ruptures.

    Notes
    -----
    A band is removed by a discrete Fourier transform: what is absent is taken away from x, so that x itself is asked
    bit for bit where all bands are present. Frequencies outside of all bands, and the mean, always stay.

    Examples
    --------
    >>> probe = SeriesProbe([1.0, 3.0, 2.0, 6.0], segments=2)
    >>> [f.name for f in probe.features]
    ['steps 0–1', 'steps 2–3']
    >>> probe.render(np.array([[1, 1], [0, 1]]))
    array([[1., 3., 2., 6.],
           [3., 3., 2., 6.]])
    """

    def __init__(
        self,
        x: Any,
        segments: int | str | Sequence[Any] | None = None,
        *,
        channels: str = "together",
        bands: int | Sequence[Any] | None = None,
        fill: Any = "mean",
        times: Any = None,
        names: Sequence[str] | None = None,
        layout: str | None = None,
        random_state: int = 0,
        background_rows: int | None = None,
    ):
        if channels not in ("together", "apart"):
            raise InputError("channels", 'be "together" or "apart"', channels)
        if segments is not None and bands is not None:
            raise InputError("segments", "be left out with bands, which are of the whole series", segments)
        self.channels = channels
        self.bands: tuple[tuple[float, float], ...] | None = None
        self._seed, self._rows = integer("random_state", random_state, least=0), background_rows
        steps = len(times) if np.ndim(times) == 1 else None
        self.values, self.form = read_series(x, layout, names, steps)
        self.times = Times.of(times, self.form.index, self.values.shape[1])
        self._missing = ~np.isfinite(self.values)
        if self._missing.all(axis=1).any():
            raise InputError("x", "hold a number in every channel", x)
        if bands is None:
            self._cut_time(STRETCHES if segments is None else segments, segments is None)
        else:
            self._cut_frequencies(bands, x)
        one_of: tuple[str, Any] = ("segments", segments) if bands is None else ("bands", bands)
        self.features = at_least_two([Feature(name) for name in unique_names(self._names())], *one_of)
        self._set_fill(fill)

    def _cut_time(self, segments: Any, usual: bool) -> None:
        """Make stretches; fewer than usual of a short series that nobody cuts."""
        count, length = len(self.values), self.values.shape[1]
        segments = min(segments, length) if usual else segments
        self.edges = cut_points(segments, self.values, self.times)
        self._owner = channel_owners(count, self.edges, self.channels == "apart")
        self.law = "cut where it changes most" if isinstance(segments, str) else ""

    def _cut_frequencies(self, bands: Any, x: Any) -> None:
        """Make frequency bands."""
        count, length = self.values.shape
        if self._missing.any():
            raise InputError("x", "hold no missing values with bands: fill them first", x)
        rate = 1.0 if self.times.rate is None else self.times.rate
        if not self.times.even:
            raise InputError("times", "be evenly spaced with bands", self.times.index)
        self.bands = pairs = tuple(band_edges(bands, length, rate))
        owner, self.edges = band_owners(pairs, length, rate), np.array([0, length])
        apart = self.channels == "apart"
        self._owner = np.stack([np.where(owner < 0, -1, owner + apart * i * len(pairs)) for i in range(count)])
        self.law = "the mean and what is outside the bands always stay"

    def _names(self) -> list[str]:
        """Name the features: a stretch or a band, of a channel where these are apart."""
        if self.bands is None:
            parts = [self.times.span(a, b) for a, b in pairwise(self.edges)]
        else:
            parts = band_names(self.bands, self.times.seconds)
        if self.channels == "together" or self.form.flat:
            return parts
        if len(parts) == 1:
            return list(self.form.names)
        return [f"{name}, {part}" for name in self.form.names for part in parts]

    def _set_fill(self, fill: Any) -> None:
        """Take what stands in for absent parts, and say what must be known of it."""
        if self.bands is not None and isinstance(fill, str) and fill in _IN_TIME:
            raise InputError("fill", "be something else with bands, which have no place in time", fill)
        positions = self.times.positions
        drawn = fill_of(fill, self.values, self.edges, positions, self.form, self._rows, self._seed, self._sizes)
        removed = self.bands is not None and isinstance(fill, str) and fill == "mean"
        self._fill = replace(drawn, words="taken out") if removed else drawn
        self._filled(fill)

    def _filled(self, fill: Any) -> None:
        drawn: SeriesFill = self._fill
        self.fill, self.replicates = fill, len(drawn.pool)
        self.replication = drawn.replication
        if self.bands is not None:
            self._apart = self._components(drawn.pool) - self._components(self.values[None])
        if np.isinf(drawn.pool).any():
            raise InputError("x", "hold numbers of which a mean can be taken: they are too large", self.values)
        still = self._unmoved()
        if len(still) == len(self.features):
            raise InputError(
                "fill", "change the series: what stands in for absent parts is what they hold already", fill
            )
        self.notes = (*drawn.notes, *self._said(still))
        content = (
            self.values.tobytes(),
            drawn.pool.tobytes(),
            repr((self.form.kind, str(self.form.dtype), self.form.flat, self.form.time_first)).encode(),
        )
        self._mark = hashlib.sha256(b"".join(content)).hexdigest()

    def _said(self, still: list[int]) -> list[str]:
        """Say what is missing, what nothing changes, and what stays."""
        notes = []
        if missing := int(self._missing.sum()):
            notes.append(
                f"{missing} of {self.values.size} values are missing: they stay so where they are present, and are "
                "replaced where they are absent."
            )
        if still:
            shown = ", ".join(self.features[j].name for j in still[:_NAMED])
            more = f" and {len(still) - _NAMED} more" if len(still) > _NAMED else ""
            notes.append(f"{shown}{more}: what stands in holds the same values, so the effect is zero by design.")
        return notes

    def _unmoved(self) -> list[int]:
        """Return the features that change nothing where they alone are absent."""
        d = len(self.features)
        if self.bands is not None:
            size = max(float(np.abs(self.values).max()), 1e-300)
            return [j for j in range(d) if np.abs(self._apart[:, j]).max() <= 1e-12 * size]
        if self._fill.moving:
            rows = (self._interpolated(row) for row in self._kept(1 - np.eye(d)))
            return [j for j, row in enumerate(rows) if np.array_equal(row, self.values, equal_nan=True)]
        same = (self._fill.pool == self.values) | (np.isnan(self._fill.pool) & self._missing)
        return [j for j in range(d) if same[:, self._owner == j].all()]

    def _components(self, series: np.ndarray) -> np.ndarray:
        """Take series ``(n, c, t)`` apart into the bands of the d features, ``(n, d, c, t)``."""
        spectrum, length = np.fft.rfft(series), series.shape[-1]
        parts = [
            np.fft.irfft(np.where(self._owner == j, spectrum, 0.0), n=length) for j in range(self._owner.max() + 1)
        ]
        return np.stack(parts, axis=1)

    def _sizes(self, series: np.ndarray) -> np.ndarray:
        """A number for each feature of series ``(n, c, t)``: the mean of a stretch, the strength of a band."""
        count = int(self._owner.max()) + 1
        if self.bands is not None:
            return np.sqrt((self._components(series) ** 2).mean(axis=(2, 3)))
        with np.errstate(invalid="ignore"):
            means = [series[:, self._owner == j] for j in range(count)]
            return np.stack([np.where(np.isfinite(m), m, 0.0).mean(axis=1) for m in means], axis=1)

    def _kept(self, Z: np.ndarray) -> np.ndarray:
        """Whether each step of each channel is kept, ``(m, c, t)``."""
        return np.asarray(Z)[:, self._owner] > 0.5

    def _interpolated(self, kept: np.ndarray) -> np.ndarray:
        return between_kept(self.values, kept, self.times.positions, self._fill.pool[0])

    def render(self, Z: np.ndarray) -> Any:
        Z = np.asarray(Z) > 0.5
        if self.bands is not None:
            out = np.repeat(self.values[None, None], len(Z), axis=0).repeat(self.replicates, axis=1)
            for j, present in enumerate(Z.T):  # one by one: a sum must not depend on what else is in the batch
                out[~present] += self._apart[:, j]
        elif self._fill.moving:
            out = (
                np.stack([self._interpolated(row) for row in self._kept(Z)])
                if len(Z)
                else np.empty((0, *self.values.shape))
            )
        else:
            out = np.where(self._kept(Z)[:, None], self.values, self._fill.pool)
        return self.form.batch(out.reshape(-1, *self.values.shape))

    @property
    def chosen(self) -> np.ndarray:
        """Positions ``(R,)`` in the background of the series that are used; none without a background."""
        return np.empty(0, dtype=int) if self._fill.chosen is None else self._fill.chosen

    def variants(self) -> dict[str, Probe]:
        """Return probes with other fills; for a background also with other series of it."""
        names = ["mean", "noise"] if self.bands is not None else ["mean", "neighbours", "noise"]
        probes = {}
        for name in names:
            if not (isinstance(self.fill, str) and self.fill == name):
                other = copy(self)
                other._rows = None
                try:
                    other._set_fill(name)
                except InputError:  # this fill is what the series holds
                    continue
                probes[other._fill.words] = other
        return {**self._others(), **probes}

    def _others(self) -> dict[str, Probe]:
        """The probe with other series of the background, where some are left."""
        drawn = self.replication
        if drawn is None or self._fill.chosen is None:
            return {}
        series = self.form.read_several(self.fill, "fill")
        rest = np.setdiff1d(np.arange(len(series)), self._fill.chosen)
        rest = np.random.default_rng([self._seed, 1]).permutation(rest)[: self.replicates]
        other = copy(self)
        other._fill = SeriesFill(series[rest], self._fill.words, drawn.other(len(rest)), rest, notes=self._fill.notes)
        other._filled(self.fill)
        return {"other background series": other}

    def typical(self) -> Any:
        if self._fill.chosen is None:
            return None
        return self.form.batch(self.form.read_several(self.fill, "fill"))

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """Bring attributions of features back onto steps; each is shared equally among the steps of its stretch.

        A frequency band is shared among all steps of its channels.

        Parameters
        ----------
        values : array-like ``(d,)`` or ``(k, d)``

        Returns
        -------
        ndarray ``(t,)``, ``(c, t)`` or ``(t, c)``, as the series is; of k outputs ``(k, …)``

        Raises
        ------
        InputError
            For another shape.

        Examples
        --------
        >>> SeriesProbe([1.0, 3.0, 2.0, 6.0, 5.0], segments=[3]).scatter([3.0, 1.0])
        array([1. , 1. , 1. , 0.5, 0.5])
        """
        given = self._attributions(values)
        members = self._members()
        shares = given / members.sum(axis=(1, 2))
        return self.form.arranged(np.tensordot(shares, members, axes=1))

    def _members(self) -> np.ndarray:
        """Which steps belong to each feature, ``(d, c, t)``."""
        d = len(self.features)
        if self.bands is None:
            return np.stack([self._owner == j for j in range(d)]).astype(float)
        of = np.stack([(self._owner == j).any(axis=1) for j in range(d)])
        return np.repeat(of[:, :, None], self.values.shape[1], axis=2).astype(float)

    def view(self) -> SeriesView:
        count, apart, kept = len(self.values), self.channels == "apart", self.form.names
        panels = panels_of(self.values, kept, self.times)
        if self.bands is None:
            places = stretch_places(self.edges, count, apart)
        else:
            rate = self.times.rate or 1.0
            panels += spectrum_panels(self.values, kept, rate, "Hz" if self.times.seconds else "cycles a step")
            places = band_places(self.bands, rate, self.times.length, count, apart)
        unit = "band" if self.bands is not None else "stretch" if len(self.edges) > 2 else "channel"
        size = shape_words(count, self.times)
        return {
            "kind": "series",
            "unit": unit,
            "states": ["kept", self._fill.words],
            "caption": f"a series of {size}",
            "law": f"{size}; {self.law}" if self.law else size,
            "steps": self.times.length,
            "panels": panels,
            "places": places,
            "pool": self._mark,
        }
