"""Units of columns of real numbers: what a column is measured in means nothing to a fit."""

from __future__ import annotations

import numpy as np

__all__ = ["in_units", "units_of"]


def units_of(Z: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return what is 0 and how much 1 is of each column of ``(m, n)``, ``(2, n)``.

    Columns of 0/1 stay as they are. Others have m − s and 2 s for their weighted mean m and standard deviation s, so
    that (1 + (z − m) / s) / 2 has the mean and the standard deviation of 0/1; constant ones have an s of ½.

    Examples
    --------
    >>> units_of(np.array([[30.0, 1.0], [70.0, 0.0]]), np.ones(2))
    array([[30.,  0.],
           [40.,  1.]])
    """
    plain = ((Z == 0) | (Z == 1)).all(axis=0)
    units = np.repeat([[0.0], [1.0]], Z.shape[1], axis=1)
    if plain.all():
        return units
    size = np.abs(Z).max(axis=0)
    size = np.where(size > 0, size, 1.0)
    scaled, share = Z / size, weight / weight.sum()
    mean = share @ scaled
    spread = np.sqrt(share @ (scaled - mean) ** 2)
    varies, mean, spread = spread > 1e-12, mean * size, spread * size
    spread = np.where(varies, spread, 0.5)
    return np.where(plain, units, [mean - spread, 2 * spread])


def in_units(Z: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Compute (z − zero) / one of rows ``(m, n)``; `units` ``(2, n)`` are those of :func:`units_of`."""
    zero, one = units
    return (Z - zero) / one
