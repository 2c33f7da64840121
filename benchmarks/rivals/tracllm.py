"""TracLLM (Wang et al. 2025): which of many texts an answer came from, by halving the groups that score highest.

Our own implementation of the published algorithm: its code needs a model of its own. A round scores each group by three
methods, a group alone, the candidates without it, and Shapley values from random orders of which only the largest
marginal contributions are averaged; a group's score is the largest of the three. The best K groups are halved.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["tracllm"]

#: groups kept in a round, random orders, and the share of marginal contributions that is averaged
_KEPT, _ORDERS, _LARGEST = 5, 20, 0.2


def tracllm(value: Callable[[np.ndarray], float], texts: int, seed: int) -> list[int]:
    """Rank texts, the one that contributes most first.

    Parameters
    ----------
    value : callable
        A row ``(n,)`` of texts that are there → the log-probability of the answer.
    texts : int
    seed : int
    """
    rng, groups = np.random.default_rng(seed), np.array_split(np.arange(texts), min(2 * _KEPT, texts))

    def of(members: list[np.ndarray]) -> float:
        row = np.zeros(texts, dtype=bool)
        for group in members:
            row[group] = True
        return value(row)

    while True:
        nothing, everything = of([]), of(groups)
        alone = np.array([of([group]) - nothing for group in groups])
        without = np.array([everything - of(groups[:i] + groups[i + 1 :]) for i in range(len(groups))])
        marginal = np.zeros((_ORDERS, len(groups)))
        for order in marginal:
            before, there = nothing, list[np.ndarray]()
            for i in rng.permutation(len(groups)):
                there.append(groups[i])
                order[i], before = (after := of(there)) - before, after
        shapley = np.sort(marginal, axis=0)[-max(1, round(_LARGEST * _ORDERS)) :].mean(axis=0)
        score = np.max([alone, without, shapley], axis=0)
        best = np.argsort(-score, kind="stable")
        if all(len(group) == 1 for group in groups):
            return [int(groups[i][0]) for i in best]
        groups = [half for i in best[:_KEPT] for half in np.array_split(groups[i], 2) if len(half)]
