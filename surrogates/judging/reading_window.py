"""How many parts of a text a model reads, seen in ordinary answers: those beyond are out of its view."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["reading_window"]

#: candidates, and penalties of the ridge as shares of the mean eigenvalue
_CANDIDATES, _PENALTIES = 16, (0.03, 0.3, 3.0)
#: rows from which anything is said, most rows and most outputs that are looked at
_ENOUGH, _ROWS, _OUTPUTS = 64, 256, 8
#: variance that is left between rows of which the same is read, at most
_SAME = 0.25
#: mean squared error with the window, at most, and as a share of that without; standard errors of the difference
_LEAST, _BETTER, _SURE = 0.6, 0.6, 5.0


def reading_window(present: np.ndarray, y: np.ndarray) -> int | None:
    """Return the number of parts that a model seems to read, from the front; None where answers do not show one.

    A part counts as read if fewer than w parts before it are present. If what is read explains the answers far better
    than what is present, for some w, the model cuts its input. Both are judged by leave-one-out errors of a ridge.

    Parameters
    ----------
    present : bool ndarray ``(n, d)``
        In the order of the text.
    y : ndarray ``(n, k)``

    Examples
    --------
    >>> present, worth = np.random.default_rng(0).random((200, 20)) < 0.5, np.arange(20.0)[:, None]
    >>> reading_window(present, (present & (present.cumsum(axis=1) <= 4)) @ worth)
    4
    >>> reading_window(present, present @ worth) is None
    True
    """
    present, y = present[:_ROWS], y[:_ROWS]
    spread, counts = y.std(axis=0), present.cumsum(axis=1)
    some = np.argsort(-spread)[:_OUTPUTS]
    some = some[spread[some] > 1e-9 * np.abs(y).max()]
    if len(present) < _ENOUGH or not len(some):
        return None
    answers = (y[:, some] - y[:, some].mean(axis=0)) / spread[some]
    most = int(np.sort(counts[:, -1])[-len(counts) // 10])  # nine in ten rows have no more
    without = _errors(present.astype(float), answers)
    errors: dict[int, np.ndarray] = {}

    def best(candidates: Iterable[int]) -> int:
        for w in candidates:
            if 1 <= w < most and w not in errors:
                errors[w] = _errors((present & (counts <= w)).astype(float), answers)
        return min(errors, key=lambda w: errors[w].mean(), default=0)

    w = best(np.unique(np.geomspace(1, max(most - 1, 1), _CANDIDATES).round().astype(int)).tolist())
    w = best(range(w - 3, w + 4))
    if not w:
        return None
    gain = without - errors[w]
    sure = gain.mean() > _SURE * gain.std() / np.sqrt(len(gain))
    better = errors[w].mean() < min(_LEAST, _BETTER * without.mean())
    return w if sure and better and _same(present & (counts <= w), answers) else None


def _same(read: np.ndarray, answers: np.ndarray) -> bool:
    """Return whether rows of which the same is read have about the same answers ``(n, k)`` of variance 1."""
    _, group = np.unique(read, axis=0, return_inverse=True)
    group = group.ravel()
    counts = np.bincount(group)
    means = np.stack([np.bincount(group, column) / counts for column in answers.T], axis=1)
    spare = len(group) - len(counts)
    return not spare or ((answers - means[group]) ** 2).mean(axis=1).sum() / spare < _SAME


def _errors(X: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return squared leave-one-out errors ``(n,)`` of the best ridge on answers ``(n, k)`` of variance 1."""
    centred = X - X.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values = np.maximum(values, 0)
    turned, errors = vectors.T @ answers, []
    for penalty in _PENALTIES:
        shrunk = values / (values + penalty * max(values.mean(), 1e-12))
        left = np.maximum(1 - (vectors**2) @ shrunk - 1 / len(X), 1e-3)
        errors.append((((answers - vectors @ (shrunk[:, None] * turned)) / left[:, None]) ** 2).mean(axis=1))
    return min(errors, key=np.mean)
