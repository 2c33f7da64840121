"""Games of shapiq's own benchmark, as its setups build them, in an interpreter that has it.

Those whose data comes with scikit-learn: its breast cancer table. Where a game has players to choose (records, members
of an ensemble), it has fourteen, not the default of ten, since 256 questions are a quarter of 2¹⁰.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.rivals.served import serve

__all__ = ["SETUPS"]

DATA, PLAYERS = "breast_cancer", 14


def _of_point(setup: str, **options: Any) -> Callable[[int], dict[str, Any]]:
    """Explain one test row after another."""
    return lambda j: {"setup": setup, "dataset": DATA, "x": j, **options}


def _of_seed(setup: str, **options: Any) -> Callable[[int], dict[str, Any]]:
    """Draw the game anew with each seed."""
    return lambda j: {"setup": setup, "dataset": DATA, "random_state": j, **options}


#: kind → number of the instance → what shapiq_benchmark.setups.setup_from_dict takes
SETUPS: dict[str, Callable[[int], dict[str, Any]]] = {
    "shapiq_explanation_30": _of_point("tabular_local_explanation"),
    "shapiq_uncertainty_30": _of_point("tabular_uncertainty_explanation"),
    "shapiq_tree_30": _of_point("path_dependent_tree", model="random_forest"),
    "shapiq_kernel_30": _of_point("product_kernel"),
    "shapiq_loss_30": _of_seed("tabular_global_explanation"),
    "shapiq_neighbours_14": _of_point("knn", n_train=PLAYERS),
    "shapiq_records_14": _of_seed("data_valuation", n_players=PLAYERS),
    "shapiq_ensemble_14": _of_seed("ensemble_selection", n_members=PLAYERS),
}


@lru_cache(maxsize=64)
def _game(kind: str, number: int) -> Any:
    from shapiq_benchmark.setups import setup_from_dict

    return setup_from_dict(SETUPS[kind](number)).build()


def answered(kind: Any, number: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Answer rows ``(m, n)`` of a game."""
    return {"y": np.asarray(_game(str(kind), int(number))(rows > 0.5), dtype=float)}


if __name__ == "__main__":
    serve(answered)
