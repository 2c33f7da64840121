"""Shapley values by shapiq's approximators, run by an interpreter that has them.

``python shapiq_values.py FOLDER BUDGETS SEEDS`` reads ``NAME.npy``, full tables of 2ⁿ answers, and prints one line of
JSON for each table, budget, seed and approximator: the values ``(n,)``, or why there are none.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["APPROXIMATORS"]


def _polyshap(n: int, budget: int, seed: int) -> Any:
    """PolySHAP with paired questions and at most half as many terms as calls; as it comes it has all pairs."""
    from shapiq.approximator import PolySHAP

    return PolySHAP(n, max_terms=max(n + 1, budget // 2), pairing_trick=True, random_state=seed)


def _maker(name: str, **options: Any) -> Callable[[int, int, int], Any]:
    def make(n: int, budget: int, seed: int) -> Any:
        import shapiq.approximator

        return getattr(shapiq.approximator, name)(n=n, random_state=seed, **options)

    return make


#: features, calls and seed → what approximates
APPROXIMATORS: dict[str, Callable[[int, int, int], Any]] = {
    "KernelSHAP, paired (shapiq)": _maker("KernelSHAP", pairing_trick=True),
    "LeverageSHAP (shapiq)": _maker("LeverageSHAP"),
    "RegressionMSR (shapiq)": _maker("RegressionMSR", index="SV"),
    "RegressionMSR, LightGBM (shapiq)": _maker("RegressionMSR", index="SV", proxy_model="lightgbm"),
    "OddSHAP (shapiq)": _maker("OddSHAP"),
    "PolySHAP (shapiq)": _maker("PolySHAP"),
    "PolySHAP, half as many terms (shapiq)": _polyshap,
    "ProxySHAP (shapiq)": _maker("ProxySHAP", index="SV", max_order=1),
}


class Table:
    """A game that counts what it is asked."""

    def __init__(self, answers: np.ndarray):
        self.answers, self.n, self.asked = answers, int(np.log2(len(answers))), set[int]()

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        places = (np.atleast_2d(rows) > 0.5) @ (1 << np.arange(self.n))
        self.asked |= set(places.tolist())
        return self.answers[places]


def main() -> None:
    warnings.simplefilter("ignore")
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # packages print there
    folder, budgets, seeds = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({"shapiq": version("shapiq")}), file=replies, flush=True)
    for path, budget, seed in product(sorted(folder.glob("*.npy")), budgets, range(seeds)):
        for contender, make in APPROXIMATORS.items():
            game, start = Table(np.load(path)), time.perf_counter()
            row: dict[str, Any] = {"name": path.stem, "budget": budget, "seed": seed, "contender": contender}
            try:
                found = make(game.n, budget, seed).approximate(budget, game)
                row["values"] = [float(found[(i,)]) for i in range(game.n)]
            except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
                row["failed"] = f"{type(error).__name__}: {str(error)[:120]}"
            row |= {"calls": len(game.asked), "seconds": time.perf_counter() - start}
            print(json.dumps(row), file=replies, flush=True)


if __name__ == "__main__":
    main()
