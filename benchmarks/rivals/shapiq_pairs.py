"""Interaction indices of pairs by shapiq's ProxySHAP, run by an interpreter that has it.

``python shapiq_pairs.py FOLDER BUDGETS SEEDS`` reads ``NAME.npy``, full tables of 2ⁿ answers, and ``NAME.json``, sums
of products as ``[n, [[features, weight], ...]]``. It prints one line of JSON for each of them, budget, seed, index and
approximator: the values of all pairs.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib.metadata import version
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["APPROXIMATORS", "INDICES", "Counted"]

#: options of ProxySHAP
APPROXIMATORS: dict[str, dict[str, Any]] = {
    "ProxySHAP (shapiq)": {},
    "ProxySHAP, adjusted (shapiq)": {"adjustment": True},
}
#: what iomap calls an index → what shapiq calls it
INDICES = {"shapley": "SII", "banzhaf": "BII"}


class Counted:
    """A game that counts what it is asked."""

    def __init__(self, path: Path):
        self.asked = set[bytes]()
        if path.suffix == ".npy":
            self.table = np.load(path)
            self.n = int(np.log2(len(self.table)))
        else:
            self.table, (self.n, self.products) = None, json.loads(path.read_text())

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        on = np.atleast_2d(rows) > 0.5
        self.asked |= {row.tobytes() for row in on}
        if self.table is not None:
            return self.table[on @ (1 << np.arange(self.n))]
        return np.sum([weight * on[:, members].all(axis=1) for members, weight in self.products], axis=0)


def main() -> None:
    from shapiq.approximator import ProxySHAP

    warnings.simplefilter("ignore")
    replies = os.fdopen(os.dup(1), "w")
    for stream in (1, 2):  # packages print there
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    folder, budgets, seeds = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({"shapiq": version("shapiq")}), file=replies, flush=True)
    for path, budget, seed in product(sorted(folder.iterdir()), budgets, range(seeds)):
        for (contender, options), (index, theirs) in product(APPROXIMATORS.items(), INDICES.items()):
            game, start = Counted(path), time.perf_counter()
            row: dict[str, Any] = {"name": path.stem, "budget": budget, "seed": seed, "index": index}
            approximator = ProxySHAP(game.n, max_order=2, index=theirs, random_state=seed, **options)
            found = approximator.approximate(budget, game)
            row |= {"contender": contender, "values": [float(found[s]) for s in combinations(range(game.n), 2)]}
            row |= {"calls": len(game.asked), "seconds": time.perf_counter() - start}
            print(json.dumps(row), file=replies, flush=True)


if __name__ == "__main__":
    main()
