"""Repeats: some rows of a design answered twice, to see whether a model repeats itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from probes.asking.answers import Answers
from probes.model import Identity
from probes.outputs.target import Target

__all__ = ["Repeats", "noise_key", "rows_to_repeat"]


def noise_key(identity: Identity) -> bytes:
    """Return what it is kept under that a model answers the same question differently."""
    return hashlib.sha256(f"{identity.id}:noise".encode()).digest()


def rows_to_repeat(answers: Answers, count: int) -> np.ndarray:
    """List the rows to ask again: the instance and the first judged rows, `count` in all; none unanswered."""
    rows = np.r_[0, answers.design.fixed + answers.design.block : len(answers.design)]
    return rows[~answers.missing[rows]][:count]


@dataclass(frozen=True)
class Repeats:
    """Raw outputs ``(r, K)`` of the same questions, asked twice.

    Attributes
    ----------
    first, second : ndarray ``(r, K)``
    spread : float
        Range of all raw outputs.
    """

    first: np.ndarray
    second: np.ndarray
    spread: float

    @property
    def noisy(self) -> bool:
        """Whether they differ by more than rounding: a batch of another size may change the last digits."""
        close = np.isclose(self.second, self.first, rtol=1e-4, atol=1e-4 * self.spread)
        return bool((~close & np.isfinite(self.second)).any())

    def ceiling(self, target: Target, y: np.ndarray) -> tuple[float, ...]:
        """Return the R² ``(k,)`` that is left for a perfect surrogate of answers `y` ``(n, k)``.

        1 − σ² / var(y), the noise variance σ² being half the mean squared difference of answers to one question.
        """
        first, second = target(self.first), target(self.second)
        noise = np.nanmean((first - second) ** 2, axis=0) / 2
        spread = y.var(axis=0)
        return tuple(float(1 - a / b) if b > 0 else float("nan") for a, b in zip(noise, spread, strict=True))
