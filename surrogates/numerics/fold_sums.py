"""Sums over the rows of folds: what least squares sees of all rows but a fold's is what it sees of all, less those.

So the rows are added up once, whatever the number of folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from surrogates.numerics.folds import gathered

__all__ = ["Sums", "held_out"]

#: held-out rows a column, up to which turning them takes longer than what it saves
_TALL = 2
#: and up to which turning them exactly does
_OBLONG = 16
#: variance of a held-out column's own part, as a share of the largest, below which its Cholesky factor is rounding
_TURNED = 1e-6


class Sums(NamedTuple):
    """All that least squares sees of rows: Σ v, Σ v x, Σ v x xᵀ, Σ v t, Σ v t x, Σ v t²; of f folds and s sets.

    Attributes
    ----------
    weight : ndarray ``(f, s)``
    column : ndarray ``(f, s, p)``
    gram : ndarray ``(f, s, p, p)``
    level, square : ndarray ``(f, s, k)``
    cross : ndarray ``(f, s, k, p)``
    """

    weight: np.ndarray
    column: np.ndarray
    gram: np.ndarray
    level: np.ndarray
    cross: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, t: np.ndarray, weight: np.ndarray) -> Sums:
        """Add up rows ``(s, r, p)``, outputs ``(s, k, r)`` and weights ``(s, r)``, of one fold."""
        v = weight[:, None]
        own, mine = np.sqrt(weight)[..., None] * X, v * t
        # a square: half the work of a product
        gram = np.matmul(own.swapaxes(1, 2), own)
        return cls(
            v.sum(axis=2)[:, 0],
            np.matmul(v, X)[:, 0],
            gram,
            mine.sum(axis=2),
            np.matmul(mine[:, :, None], X[:, None])[:, :, 0],
            (mine * t).sum(2),
        )

    @classmethod
    def of_each(cls, X: np.ndarray, t: np.ndarray, weight: np.ndarray, tests: Sequence[np.ndarray]) -> Sums:
        """Add up the rows of each fold, given their numbers ``(s, r)``."""
        parts = [cls.of(gathered(X, test), _outputs(t, test), gathered(weight, test)) for test in tests]
        return cls(*(np.stack(values) for values in zip(*parts, strict=True)))

    def known(self) -> Sums:
        """Return the sums of all rows but each fold's, and last of all rows."""
        return Sums(*(np.concatenate([(total := held.sum(axis=0)) - held, total[None]]) for held in self))

    @property
    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return means of columns and outputs."""
        return self.column / self.weight[..., None], self.level / self.weight[..., None]

    def around(self, center: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return Σ v x xᵀ, Σ v t x and Σ v t² of columns less `center` and outputs less `level`."""
        weight = self.weight[..., None]
        # Σ v (x − c)(x − c)ᵀ = Σ v x xᵀ − (Σ v x) cᵀ − c (Σ v (x − c))ᵀ
        column, moved = self.column - weight * center, self.level - weight * level
        gram = self.gram - self.column[..., None] * center[..., None, :] - center[..., None] * column[..., None, :]
        cross = self.cross - level[..., None] * self.column[..., None, :] - moved[..., None] * center[..., None, :]
        return gram, cross, self.square - level * (self.level + moved)


def held_out(
    X: np.ndarray,
    t: np.ndarray,
    weight: np.ndarray,
    tests: Sequence[np.ndarray],
    held: Sums,
    center: np.ndarray,
    level: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put held-out rows and answers on the scale of the rows that a fold knows.

    Rows that are many more than columns are turned into as many as these, with the same squared errors.

    Returns
    -------
    extra : ndarray ``((f + 1) s, p, r)``
        Held-out rows of each fold; none, which is 0, of the last fit, to all rows.
    wanted : ndarray ``(f, s, k, r)``
    apart : ndarray ``(s, k)``
        Squares that no weights can reach.
    """
    (f, s), k, p = held.weight.shape, t.shape[1], X.shape[2]
    sizes, apart = [test.shape[1] for test in tests], np.zeros((s, k))
    most = max(sizes)
    turned = _turned(held, center, level) if min(sizes) > _TALL * p else None
    if turned is not None:
        E, wanted, apart = turned
    else:
        E, wanted = np.zeros((f, s, most, p)), np.zeros((f, s, k, most))
        for i, test in enumerate(tests):
            root, size = np.sqrt(gathered(weight, test)), sizes[i]
            E[i, :, :size] = root[..., None] * (gathered(X, test) - center[i][:, None])
            wanted[i, ..., :size] = (_outputs(t, test) - level[i][..., None]) * root[:, None]
        if most > _OBLONG * p:
            square = (wanted**2).sum(axis=3)
            Q, E = np.linalg.qr(E)
            wanted = np.matmul(wanted[..., None, :], Q[:, :, None])[..., 0, :]
            apart = np.maximum(square - (wanted**2).sum(axis=3), 0.0).sum(axis=0)
    extra = np.zeros((f + 1, s, p, E.shape[2]))
    extra[:-1] = E.swapaxes(2, 3)
    return extra.reshape(-1, p, E.shape[2]), wanted, apart


def _outputs(t: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Take rows ``(s, r)`` of outputs ``(s, k, n)``, in one piece: the same bits whatever stands beside an output."""
    s, k, _ = t.shape
    return t[np.arange(s)[:, None, None], np.arange(k)[:, None], rows[:, None]]


def _turned(held: Sums, center: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return p rows with the squared errors of all held-out rows, by their sums; None where columns are near others.

    With E = QR, RᵀR = EᵀE and QᵀU = R⁻ᵀ EᵀU.
    """
    gram, cross, square = held.around(center, level)
    try:
        root = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return None
    own = np.diagonal(root, axis1=2, axis2=3) ** 2
    if not (own.min(axis=2) > _TURNED * own.max(axis=2)).all():
        return None
    wanted = np.matmul(np.linalg.inv(root)[:, :, None], cross[..., None])[..., 0]
    return root.swapaxes(2, 3), wanted, np.maximum(square - (wanted**2).sum(axis=3), 0.0).sum(axis=0)
