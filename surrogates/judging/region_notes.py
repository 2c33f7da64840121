"""Warnings about what removal does to an input, given what the effects are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from probes.design import Design
from probes.rounding import counted, score
from surrogates.judging.reading_window import reading_window

__all__ = ["correlated_note", "cut_note"]

#: share of the largest effect from which an effect is large; correlation from which there is a note without a check
_LARGE, _CORRELATED = 0.2, 0.9
#: where an end says something: share of different answers, at least; how near 0 or 1 a probability is full; how much
#: the end alone changes, in standard deviations of the answers
_DISTINCT, _FULL, _MATTERS = 0.9, 1e-6, 0.01
#: chance that any of the effects is taken for one that has none
_CHANCE = 0.01
#: share of the effects beyond a cut whose features were left out there, from which what is beyond counts as tried
_TRIED = 0.5


def correlated_note(pairs: Sequence[tuple[str, str, float]], attributions: pd.DataFrame) -> tuple[str, ...]:
    """Warn of features with large effects that are strongly correlated but changed one by one."""
    near = [p for p in pairs if abs(p[2]) >= _CORRELATED]
    large = set[str]()
    for _, part in attributions.groupby("output", sort=False) if near else ():
        size = part["attribution"].abs()
        large |= set(part.loc[(size > 0) & (size >= _LARGE * size.max()), "feature"])
    correlated = sorted([p for p in near if large.issuperset(p[:2])], key=lambda p: -abs(p[2]))
    if not correlated:
        return ()
    shown = ", ".join(f"{a} and {b} ({score(rho)})" for a, b, rho in correlated[:3])
    more = f" and {counted(len(correlated) - 3, 'other pair')}" if len(correlated) > 3 else ""
    return (
        f"Strongly correlated, with large effects, but changed one by one: {shown}{more}. Many questions are rows "
        "unlike the data, where the model may do anything. With groups= such columns are replaced together, with "
        "law=Conditional() by rows that fit what is kept.",
    )


def cut_note(
    view: Mapping[str, Any], names: Sequence[str], design: Design, y: np.ndarray, attributions: pd.DataFrame
) -> tuple[str, ...]:
    """Warn of a text whose end changes nothing while all before it is there, and yet has effects; or whose beginning.

    A model that reads only the beginning (or the end) of its input is like that: where words before the cut are
    removed, those beyond it come into view. Where no feature was left out alone, the end left out and the end alone may
    show it, or ordinary answers, see :func:`~surrogates.judging.reading_window.reading_window`.

    Parameters
    ----------
    view : mapping
        The probe's.
    names : sequence of d str
        Of the features, in the order of the text.
    design : Design
    y : ndarray ``(n, k)``
        The number explained; row 0 is the instance's.
    attributions : DataFrame
    """
    if view.get("kind") != "text" or view.get("removal") != "removed":
        return ()
    changed = np.abs(y - y[0]).max(axis=1) > 1e-9 * max(float(np.abs(y).max()), 1e-300)
    absent = design.Z < 0.5
    clear = _clear(attributions)
    front = _unread(names, absent, changed, design, y, clear, ("before", "from", "on", "first"), "levels" not in view)
    back = ("after", "from", "back to the start", "last")
    return front or _unread(names[::-1], absent[:, ::-1], changed, design, y, clear, back, "levels" not in view)


def _clear(attributions: pd.DataFrame) -> dict[str, float]:
    """Return how large effects are that are no chance, all taken together, by the names of their features."""
    wider = NormalDist().inv_cdf(1 - _CHANCE / 2 / len(attributions)) / NormalDist().inv_cdf(0.975)
    size, half = attributions["attribution"].abs(), (attributions["high"] - attributions["low"]) / 2
    some = attributions[size > wider * half]
    return dict(some["attribution"].abs().groupby(some["feature"]).max())


def _unread(
    names: Sequence[str],
    absent: np.ndarray,
    changed: np.ndarray,
    design: Design,
    y: np.ndarray,
    clear: Mapping[str, float],
    words: tuple[str, str, str, str],
    alike: bool,
) -> tuple[str, ...]:
    """Warn of what lies beyond the parts that are read, in the order in which a model may read them.

    Parameters
    ----------
    names, absent, changed
        Of the features in that order; whether each is absent, and whether the answer is another than the instance's.
    design, y
        As of :func:`cut_note`.
    clear : mapping of str to float
        Features whose effects are no chance, and how large these are.
    words : (str, str, str, str)
        How the order is called: before/after, from, on/back to the start, first/last.
    alike : bool
        Whether parts are of about one size, so that a window can be counted in them.
    """
    before, start, on, some = words
    first = np.where(absent.any(axis=1), absent.argmax(axis=1), absent.shape[1])  # all before it is there
    last = int(max(first[changed], default=-1))  # nothing beyond it changes the answer
    beyond = first > last
    tail = np.unique(first[beyond & (first < absent.shape[1])])
    effects = np.array([clear.get(name, 0.0) for name in names[last + 1 :]])
    tried = absent[beyond, last + 1 :].any(axis=0)  # what was never left out there may well change the answer
    if last < 0 or len(tail) < 2 or effects[tried].sum() < _TRIED * effects.sum():
        if design.leave_one_out:
            return ()
        window = _window_note(names, ~absent, y, clear, words) if alike else ()
        return window or (() if some == "last" else _end_note(names, design, y))
    one_decides = (absent | ~changed[:, None]).all(axis=0).any()  # there, nothing else matters
    if one_decides or not effects.any():
        return ()
    seen = len(np.unique(design.Z[beyond], axis=0)) - 1
    return (
        f"Nothing {start} {names[last + 1]!r} {on} changes the answer while everything {before} it is there ({seen} "
        f"questions), and yet it has effects. The model may read the {some} {last + 1} parts alone, so that removal "
        f"pulls what is beyond into its view; or what is beyond may only repeat what stands {before} it.",
    )


def _end_note(names: Sequence[str], design: Design, y: np.ndarray) -> tuple[str, ...]:
    """Warn of an end that changes answers ``(n, k)`` by itself and yet not the instance's."""
    answers, rounding = y[design.fixed :], 1e-9 * max(float(np.abs(y).max()), 1e-300)
    if not design.end or len(np.unique((answers / rounding).round(), axis=0)) < _DISTINCT * len(answers):
        return ()  # a model of few answers gives the same one for many reasons
    instance, reference, without, alone = y[:4]
    full = ((y >= 0) & (y <= 1)).all(axis=0) & (np.minimum(instance, 1 - instance) < _FULL)
    matters = (np.abs(alone - reference) > _MATTERS * answers.std(axis=0)) & ~full
    if not matters.any() or (np.abs(without - instance) > rounding).any():
        return ()
    return (
        f"Without its last {design.end} parts, from {names[-design.end]!r} on, the whole has the very same answer, and "
        "yet those parts alone have another one than nothing: the model may read the beginning alone, and removal "
        "pulls what is beyond into its view.",
    )


def _window_note(
    names: Sequence[str],
    present: np.ndarray,
    y: np.ndarray,
    clear: Mapping[str, float],
    words: tuple[str, str, str, str],
) -> tuple[str, ...]:
    """Warn of effects of words beyond what the answers show to be read."""
    read = reading_window(present, y) if clear else None
    if read is None or not clear.keys() & set(names[read:]):
        return ()
    return (
        f"The answers are as if only the {words[3]} {read} of the parts that are there were read, and yet what is "
        f"{words[1]} {names[read]!r} {words[2]} has effects: removal pulls what is beyond into the model's view.",
    )
