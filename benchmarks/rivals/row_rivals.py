"""How others explain a row of a table, each called as its documents show it, with as many questions as it asks itself.

Each becomes a prediction in two games. In iomap's, columns are kept or replaced from background rows; lime's sum over
"is in the same quartile as the row" is read off the rows that the model is asked there. The other game is the rival's
own: lime's fresh rows with its weights, masks drawn as shap's kernel draws them, and the beginnings of random orders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from probes.inputs.tabular import TabularProbe

__all__ = ["RIVALS", "OwnGame", "Told", "missing"]

Values = Callable[[np.ndarray], np.ndarray]
#: rows that judge in a rival's own game
JUDGED = 500


@dataclass(frozen=True)
class OwnGame:
    """Questions as a rival draws them, which it was not fitted to.

    Attributes
    ----------
    Z : ndarray ``(m, p)``
        1 where a column is as in the row.
    rows : ndarray ``(m, p)`` or None
        What the model is asked; None where that follows from Z, as in iomap's game.
    weights : ndarray ``(m,)``
    predicted : ndarray ``(m,)``
        By the rival.
    """

    Z: np.ndarray
    rows: np.ndarray | None
    weights: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Told:
    """What a rival says of a row.

    Attributes
    ----------
    weights : ndarray ``(p,)``
        Of the columns.
    predict : callable
        Prediction ``(m,)`` for masks ``(m, p)`` in iomap's game.
    own : callable
        Of a generator: questions of the rival's own game.
    """

    weights: np.ndarray
    predict: Callable[[np.ndarray], np.ndarray]
    own: Callable[[np.random.Generator], OwnGame]


#: model, probe, background ``(N, p)``, seed
Rival = Callable[[Values, TabularProbe, np.ndarray, int], Told]


def _row(probe: TabularProbe) -> np.ndarray:
    rows: np.ndarray = probe.render(np.ones((1, len(probe.features))))[0]
    return rows


def lime(values: Values, probe: TabularProbe, background: np.ndarray, seed: int) -> Told:
    """lime's explainer of tables: 5,000 rows, quartiles; asked for the weights of all columns, not of ten."""
    from lime.lime_tabular import LimeTabularExplainer

    row = _row(probe)
    explainer = LimeTabularExplainer(background, random_state=seed)

    def both(rows: np.ndarray) -> np.ndarray:
        second = values(rows)
        return np.column_stack([1 - second, second])

    found = explainer.explain_instance(row, both, num_features=len(row))
    weights = np.zeros(len(row))
    for j, weight in found.local_exp[1]:
        weights[j] = weight
    base, here = float(found.intercept[1]), explainer.discretizer.discretize(row[None])

    def of_rows(rows: np.ndarray) -> np.ndarray:
        return base + (explainer.discretizer.discretize(rows) == here) @ weights

    def predict(Z: np.ndarray) -> np.ndarray:
        return of_rows(np.asarray(probe.render(Z))).reshape(len(Z), -1).mean(axis=1)

    def own(rng: np.random.Generator) -> OwnGame:
        explainer.random_state = np.random.RandomState(int(rng.integers(2**31)))
        Z, rows = explainer._LimeTabularExplainer__data_inverse(row, JUDGED)
        distances = np.sqrt((Z == 0).sum(axis=1))
        return OwnGame(Z, rows, explainer.base.kernel_fn(distances), of_rows(rows))

    return Told(weights, predict, own)


def kernel(values: Values, probe: TabularProbe, background: np.ndarray, seed: int) -> Told:
    """shap's KernelExplainer; its own masks are drawn by the weights of Shapley's kernel."""
    import shap

    row = _row(probe)
    np.random.seed(seed)  # noqa: NPY002 - it draws from there
    explainer = shap.KernelExplainer(values, background)
    found = np.ravel(explainer.shap_values(row, silent=True))
    sizes = np.arange(1, len(row))
    likely = 1 / (sizes * (len(row) - sizes))

    def masks(rng: np.random.Generator) -> np.ndarray:
        count = rng.choice(sizes, JUDGED, p=likely / likely.sum())
        return (rng.random((JUDGED, len(row))).argsort(axis=1) < count[:, None]).astype(float)

    return _additive(found, float(np.ravel(explainer.expected_value)[0]), masks)


def permutation(values: Values, probe: TabularProbe, background: np.ndarray, seed: int) -> Told:
    """shap's explainer by permutations; its own masks keep the columns that begin a random order."""
    import shap

    row = _row(probe)[None]
    masker = shap.maskers.Independent(background, max_samples=len(background))
    found = shap.explainers.Permutation(values, masker, seed=seed)(row, silent=True)

    def masks(rng: np.random.Generator) -> np.ndarray:
        count = rng.integers(0, row.shape[1] + 1, JUDGED)
        return (rng.random((JUDGED, row.shape[1])).argsort(axis=1) < count[:, None]).astype(float)

    return _additive(np.ravel(found.values), float(np.ravel(found.base_values)[0]), masks)


def partition(values: Values, probe: TabularProbe, background: np.ndarray, seed: int) -> Told:
    """shap's explainer on a tree of correlated columns; its own masks begin a random order that keeps to the tree."""
    import shap
    from scipy.cluster.hierarchy import to_tree

    row = _row(probe)[None]
    masker = shap.maskers.Partition(background, max_samples=len(background), clustering="correlation")
    found = shap.explainers.Partition(values, masker, seed=seed)(row, silent=True)
    root = to_tree(np.asarray(masker.clustering, dtype=float))

    def ordered(node: Any, rng: np.random.Generator) -> list[int]:
        if node.is_leaf():
            return [node.id]
        sides = [node.left, node.right]
        return [j for i in rng.permutation(2) for j in ordered(sides[i], rng)]

    def masks(rng: np.random.Generator) -> np.ndarray:
        Z = np.zeros((JUDGED, row.shape[1]))
        for z in Z:
            z[ordered(root, rng)[: rng.integers(0, len(z) + 1)]] = 1
        return Z

    return _additive(np.ravel(found.values), float(np.ravel(found.base_values)[0]), masks)


def _additive(weights: np.ndarray, base: float, masks: Callable[[np.random.Generator], np.ndarray]) -> Told:
    def predict(Z: np.ndarray) -> np.ndarray:
        return base + Z @ weights

    def own(rng: np.random.Generator) -> OwnGame:
        Z = masks(rng)
        return OwnGame(Z, None, np.ones(len(Z)), predict(Z))

    return Told(weights, predict, own)


#: name → rival, and the background rows that it averages over
RIVALS: dict[str, tuple[Rival, int | None]] = {
    "lime": (lime, None),
    "shap KernelExplainer": (kernel, 50),
    "shap Permutation": (permutation, 50),
    "shap Partition": (partition, 50),
}


def missing() -> list[str]:
    """Rivals that are not installed."""
    return [name for name in RIVALS if find_spec(name.split()[0]) is None]
