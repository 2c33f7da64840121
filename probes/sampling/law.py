"""Rows drawn from the law that features declare: 0 or 1 with equal probability, or normal around the instance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from probes.probe import Feature

__all__ = ["independent", "sobol"]


def independent(features: Sequence[Feature], m: int, rng: np.random.Generator) -> np.ndarray:
    """Draw m independent rows ``(m, d)`` of the declared law; rows of 0 and 1 may repeat."""
    columns = [
        rng.integers(0, 2, m).astype(float) if f.kind == "binary" else rng.normal(f.loc, f.scale, m) for f in features
    ]
    return np.column_stack(columns)


def sobol(features: Sequence[Feature], m: int, rng: np.random.Generator) -> np.ndarray:
    """Draw m rows ``(m, d)`` that fill the declared law evenly: a scrambled Sobol sequence, in random order.

    Each single row follows the law (Owen 1998). Rows of features that all are 0 or 1 may repeat.
    """
    from scipy.stats.qmc import Sobol  # here: scipy.stats takes half the time of importing this package

    sequence = Sobol(len(features), rng=rng)
    points = sequence.random_base2(max(0, m - 1).bit_length())[:m]
    points = rng.permutation(np.clip(points, 1e-12, 1 - 1e-12))
    columns = [
        (u < 0.5).astype(float) if f.kind == "binary" else f.loc + f.scale * ndtri(u)
        for f, u in zip(features, points.T, strict=True)
    ]
    return np.column_stack(columns)
