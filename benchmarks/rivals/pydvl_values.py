"""pyDVL's data Banzhaf values of groups, by an interpreter that has pyDVL: ``pydvl_values.py FOLDER SIZES METRIC``.

It reads ``SEED.npz`` with rows, labels and groups; the metric is ``score`` (accuracy) or ``right_label``. It prints for
each seed and number of samples the values and how many models were trained.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression


class Counted(LogisticRegression):
    """Counts how often it is fitted."""

    fits = 0

    def fit(self, X, y, sample_weight=None):  # type: ignore[no-untyped-def]
        Counted.fits += 1
        return super().fit(X, y, sample_weight)


def right_label(model: LogisticRegression, X: np.ndarray, y: np.ndarray) -> float:
    """Compute the mean probability of the right labels, 0 and 1."""
    return float(model.predict_proba(X)[np.arange(len(y)), y].mean())


def values(task: dict[str, np.ndarray], samples: int, seed: int, metric: str) -> tuple[list[float], int]:
    """Value every group by maximum sample reuse."""
    from pydvl.valuation import (
        Dataset,
        GroupedDataset,
        MaxSamples,
        MaxUpdates,
        ModelUtility,
        MSRBanzhafValuation,
        SupervisedScorer,
    )

    Counted.fits = 0
    data = GroupedDataset(task["X"], task["y"], task["groups"])
    scoring = "accuracy" if metric == "score" else right_label
    scorer = SupervisedScorer(scoring, Dataset(task["X_new"], task["y_new"]), default=0.0 if metric == "score" else 0.5)
    utility = ModelUtility(Counted(), scorer, show_warnings=False)
    method = MSRBanzhafValuation(utility, MaxUpdates(samples), seed=seed, show_warnings=False)
    method.is_done = MaxSamples(method.sampler, samples)
    method.fit(data)
    result = method.result if hasattr(method, "result") else method.values()
    found = {str(name): float(value) for name, value in zip(result.names, result.values, strict=True)}
    count = len(np.unique(task["groups"]))
    return [found[str(k)] for k in range(count)], Counted.fits


def main() -> None:
    warnings.simplefilter("ignore")
    sizes = [int(size) for size in sys.argv[2].split(",")]
    for file in sorted(Path(sys.argv[1]).glob("*.npz")):
        task = dict(np.load(file))
        for size in sizes:
            found, fits = values(task, size, int(file.stem), sys.argv[3])
            print(json.dumps({"seed": int(file.stem), "samples": size, "values": found, "trainings": fits}), flush=True)


if __name__ == "__main__":
    main()
