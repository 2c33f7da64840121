"""How faithful nested circuits are: CPR and CMD of the Mechanistic Interpretability Benchmark (Mueller et al. 2025).

Of a network N and a circuit C of it, all else ablated, with a metric m:

    f(C) = (m(C) − m(∅)) / (m(N) − m(∅))        CPR = ∫ f(C_k) dk        CMD = ∫ |1 − f(C_k)| dk

over the proportion k of components kept, by trapezoids between ten published proportions. C_k has the components of the
highest scores for CPR, of the highest absolute scores for CMD.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["PROPORTIONS", "areas", "circuits", "faithfulness", "order"]

#: of components kept, as published
PROPORTIONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def circuits(scores: np.ndarray) -> np.ndarray:
    """Return nested circuits of the highest scores ``(d,)``, one for each proportion, as 0/1 rows ``(10, d)``."""
    d = len(scores)
    rank = np.empty(d, dtype=int)
    rank[np.argsort(-scores, kind="stable")] = np.arange(d)
    kept = np.array([int(share * d) for share in PROPORTIONS])  # rounded down, as published
    return (rank < kept[:, None]).astype(float)


def faithfulness(metric: Callable[[np.ndarray], np.ndarray], scores: np.ndarray) -> np.ndarray:
    """Return f of each circuit ``(10,)``; `metric` answers 0/1 rows ``(m, d)`` with ``(m,)``."""
    d = len(scores)
    y = np.asarray(metric(np.vstack([np.zeros(d), np.ones(d), circuits(scores)])), dtype=float)
    return (y[2:] - y[0]) / (y[1] - y[0])


def areas(
    metric: Callable[[np.ndarray], np.ndarray], scores: np.ndarray, strengths: np.ndarray | None = None
) -> tuple[float, float]:
    """Return CPR and CMD of the circuits that scores ``(d,)`` of components name.

    `strengths` order circuits for CMD; by default absolute scores. The first proportion is 0.001, so an f that is 1
    everywhere has a CPR of 0.999.
    """
    widths = np.diff(PROPORTIONS)

    def area(heights: np.ndarray) -> float:
        return float((widths * (heights[1:] + heights[:-1]) / 2).sum())

    ordered = np.abs(scores) if strengths is None else strengths
    return area(faithfulness(metric, scores)), area(np.abs(1 - faithfulness(metric, ordered)))


def order(loss: Callable[[np.ndarray], np.ndarray], d: int) -> np.ndarray:
    """Return scores ``(d,)`` that name nested circuits, made by leaving out one component after another.

    Left out next is the one without which `loss` of 0/1 rows ``(m, d)`` is least.
    """
    row, scores = np.ones(d), np.empty(d)
    for step in range(d):
        kept = np.flatnonzero(row)
        without = np.repeat(row[None], len(kept), axis=0)
        without[np.arange(len(kept)), kept] = 0
        gone = kept[int(np.argmin(loss(without)))]
        row[gone], scores[gone] = 0, step
    return scores
