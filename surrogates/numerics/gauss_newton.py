"""Steps of Gauss and Newton for sums through a curve, of many fits, folds and penalties at once.

Columns come as ``(b, n, c)``, those of each of b fits, the last a constant; all else has b as its first axis.
"""

from __future__ import annotations

import numpy as np

from surrogates.link import Curve

__all__ = ["moved", "normal_of", "solved", "sums_of"]

#: how strongly weights are held where they were, in squared slopes of the curve
_HELD = 0.3
#: columns up to which, and sets of weights from which on, products of columns are worth keeping
_FEW, _SEVERAL = 32, 5


def moved(
    X1: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    spread: np.ndarray,
    start: np.ndarray,
    link: Curve,
    steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Put weights right for errors in the unit of the answers, by steps of Gauss and Newton, or a quarter of one.

    Parameters
    ----------
    X1 : ndarray ``(b, n, c)``
    y : ndarray ``(b, n)``
    weight : ndarray ``(b, f, 1, n)``
        Of the rows that f folds know.
    spread : ndarray ``(b, f, 1, c)``
        Σ v (x − m)² of these.
    start : ndarray ``(b, f, r, c)``
    link : Curve
    steps : int

    Returns
    -------
    values : ndarray ``(b, f, r, c)``
    missed : ndarray ``(b, f, r, n)``
        Of all rows.
    """
    y, v = y[:, None, None], weight.swapaxes(2, 3)
    values, line = start, sums_of(X1, start)
    answers, slope = link.bend(line)
    missed = y - answers
    penalty = _HELD * np.matmul(slope**2, v) * spread / weight.sum(axis=3, keepdims=True)
    now = np.matmul(missed**2, v)
    for turn in range(steps):
        if turn:
            slope = link.slope(line)
        wanted = weight * slope
        cross = sums_of(X1.swapaxes(1, 2), wanted * missed) - penalty * (values - start)
        step = solved(normal_of(X1, wanted * slope), penalty, cross)
        along, stays = sums_of(X1, step), np.ones(now.shape, dtype=bool)
        at, best = (values, line, missed), now
        for share in (1.0, 0.25):
            then = values + share * step, line + share * along
            left = y - link.answers(then[1])
            less = np.matmul(left**2, v) + (penalty * (then[0] - start) ** 2).sum(axis=3, keepdims=True)
            better = stays & (less < now)
            if better.all():
                at, best, stays = (*then, left), less, ~better
                break
            at = tuple(np.where(better, new, old) for new, old in zip((*then, left), at, strict=True))
            best, stays = np.where(better, less, best), stays & ~better
        if stays.all():
            break
        (values, line, missed), now = at, best
    return values, missed


def sums_of(X1: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Compute sums of columns ``(b, n, c)`` with weights ``(b, …, c)``, ``(b, …, n)``."""
    each = np.matmul(values.reshape(len(values), -1, values.shape[-1]), X1.swapaxes(1, 2))
    return each.reshape(*values.shape[:-1], X1.shape[1])


def normal_of(X1: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute XᵀVX of columns ``(b, n, c)`` for weights ``(b, …, n)``: ``(b, …, c, c)``."""
    b, n, c = X1.shape
    sets = weight.reshape(b, -1, n)
    if c <= _FEW and sets.shape[1] >= _SEVERAL:
        normal = np.matmul(sets, _products(X1).swapaxes(1, 2))[..., _places(c)]
    else:  # a square: half the work of a product
        own = X1.swapaxes(1, 2)[:, None] * np.sqrt(sets)[:, :, None]
        normal = np.matmul(own, own.swapaxes(2, 3))
    return normal.reshape(*weight.shape[:-1], c, c)


def _products(X1: np.ndarray) -> np.ndarray:
    """Multiply each column ``(b, n, c)`` by itself and all that follow it, ``(b, c (c + 1) / 2, n)``."""
    columns, size = np.ascontiguousarray(X1.swapaxes(1, 2)), X1.shape[2]
    products, start = np.empty((len(X1), size * (size + 1) // 2, X1.shape[1])), 0
    for i in range(size):
        stop = start + size - i
        np.multiply(columns[:, i, None], columns[:, i:], out=products[:, start:stop])
        start = stop
    return products


def _places(size: int) -> np.ndarray:
    """Return where the product of two columns stands among :func:`_products`, ``(c, c)``."""
    above, places = np.triu_indices(size), np.empty((size, size), dtype=int)
    places[above] = places.T[above] = np.arange(len(above[0]))
    return places


def solved(gram: np.ndarray, penalty: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Solve (G + diag(p)) w = c for all of the first axes, a trace of ridge added where columns are dependent."""
    system = np.array(np.broadcast_to(gram, (*np.broadcast_shapes(gram.shape[:-1], penalty.shape), gram.shape[-1])))
    place = np.arange(system.shape[-1])
    system[..., place, place] += (
        penalty + 1e-12 * np.maximum(gram.diagonal(axis1=-2, axis2=-1).max(-1), 1e-300)[..., None]
    )
    return np.linalg.solve(system, np.broadcast_to(cross, system.shape[:-1])[..., None])[..., 0]
