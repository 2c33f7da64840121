"""The curve of a surrogate in words."""

from __future__ import annotations

from collections.abc import Sequence

from surrogates.surrogate import Surrogate

__all__ = ["curve_lines", "named", "weights_unit"]


def named(surrogate: Surrogate, outputs: Sequence[str]) -> str:
    """Name a surrogate's family, and the curves that its sum passes through.

    Examples
    --------
    >>> import numpy as np
    >>> from surrogates import Link, SparseLinear
    >>> Z = np.random.default_rng(0).integers(0, 2, (40, 3))
    >>> named(SparseLinear(link=Link("logistic", 0.0, 1.0)).fit(Z, Z[:, 0] * 0.8 + 0.1), ["score"])
    'SparseLinear through a curve (logistic between 0 and 1)'
    """
    curves = _curves(surrogate, outputs)
    return type(surrogate).__name__ + (f" through a curve ({'; '.join(curves)})" if curves else "")


def curve_lines(surrogate: Surrogate, outputs: Sequence[str]) -> tuple[str, ...]:
    """Say what becomes of the sum; nothing where it is the prediction."""
    if not surrogate.curved:
        return ()
    return (
        f"The prediction is this sum through a curve: {'; '.join(_curves(surrogate, outputs))}. "
        "Weights are on the line of the curve: each term pushes along it. Effects are in the unit of the answers.",
    )


def _curves(surrogate: Surrogate, outputs: Sequence[str]) -> list[str]:
    if not surrogate.curved:
        return []
    several = len(outputs) > 1
    return [f"{name}: {link}" if several else str(link) for name, link in zip(outputs, surrogate.links_, strict=True)]


def weights_unit(surrogate: Surrogate, unit: str) -> str:
    """Say what the weights of a surrogate are measured in."""
    if surrogate.curved:
        return "steps along the line of the curve"
    return "the unit of the answers" if unit in ("output", "target") else unit
