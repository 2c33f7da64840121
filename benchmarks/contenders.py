"""What is fitted to a game's answers: iomap's surrogates and its rivals, each with the same number of model calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import combinations
from math import comb
from typing import Any, Self

import numpy as np
from sklearn.linear_model import Lasso, LassoCV
from sklearn.metrics import pairwise_distances
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.game import Game, Predict
from probes import Design, MaskProbe, sample
from surrogates import CubeProxy, InteractionSurrogate, SparseLinear, TreeSurrogate

__all__ = ["OURS", "PROXYSPEX", "RIVALS", "fit_ours", "missing", "sampled"]

PROXYSPEX = "ProxySPEX (shapiq)"


class _Once(CubeProxy):
    """A proxy that is fitted once and shared by what is distilled from it: clones and further fits are itself."""

    def __sklearn_clone__(self) -> Self:
        return self

    def fit(self, Z: Any, y: Any, sample_weight: Any = None) -> Self:
        return self if hasattr(self, "features_") else super().fit(Z, y, sample_weight)


def ours(proxy: CubeProxy) -> dict[str, Any]:
    """iomap's contenders, by name; the proxy must come first."""
    return {
        "iomap proxy": proxy,
        "iomap interactions": InteractionSurrogate(proxy=proxy),
        "iomap tree": TreeSurrogate(proxy=proxy),
        "iomap tree, direct": TreeSurrogate(),
        "iomap linear": SparseLinear(),
    }


OURS = tuple(ours(CubeProxy()))


def sampled(game: Game, budget: int, seed: int) -> tuple[Design, np.ndarray]:
    """The questions of explain() and all their answers ``(budget,)``."""
    design = sample(MaskProbe(game.n).features, budget, np.random.default_rng(seed))
    return design, game(design.Z)


def fit_ours(game: Game, budget: int, seed: int) -> dict[str, Callable[[], Predict]]:
    """As explain() does it: the instance, the reference and leave-one-out rows are paid for and not fitted to."""
    design, y = sampled(game, budget, seed)
    contenders = ours(_Once())

    def fitting(estimator: Any) -> Callable[[], Predict]:
        return lambda: estimator.fit(design.sampled, y[design.fixed :]).predict

    return {name: fitting(estimator) for name, estimator in contenders.items()}


def _uniform(game: Game, budget: int, seed: int) -> np.ndarray:
    """Distinct uniform rows ``(budget, n)``, for rivals that need no others."""
    numbers = np.random.default_rng(seed).permutation(2**game.n)[:budget]
    return ((numbers[:, None] >> np.arange(game.n)) & 1).astype(float)


def context_cite(game: Game, budget: int, seed: int) -> Predict:
    """ContextCite's recipe: a lasso with a fixed penalty of .01 on standardised masks, answers in their own unit."""
    Z = _uniform(game, budget, seed)
    y = game(Z)
    return make_pipeline(StandardScaler(), Lasso(alpha=0.01)).fit(Z, y).predict


def context_cite_scaled(game: Game, budget: int, seed: int) -> Predict:
    """The same penalty on answers of unit variance, so that it does not depend on their unit."""
    Z = _uniform(game, budget, seed)
    y = game(Z)
    fitted = make_pipeline(StandardScaler(), Lasso(alpha=0.01)).fit(Z, (y - y.mean()) / y.std())
    return lambda rows: y.mean() + y.std() * fitted.predict(rows)


def lasso(game: Game, budget: int, seed: int) -> Predict:
    """Main effects, penalty by cross-validation."""
    Z = _uniform(game, budget, seed)
    y = game(Z)
    return LassoCV(cv=5, alphas=50).fit(Z, y).predict


def pairwise_lasso(game: Game, budget: int, seed: int) -> Predict:
    """Main effects and all products of two, penalty by cross-validation."""
    Z = _uniform(game, budget, seed)
    y = game(Z)
    fitted = LassoCV(cv=5, alphas=50).fit(_pairs(Z), y)
    return lambda rows: fitted.predict(_pairs(rows))


def _pairs(Z: np.ndarray) -> np.ndarray:
    X = 2 * Z - 1
    first, second = np.array(list(combinations(range(Z.shape[1]), 2))).T
    return np.hstack([X, X[:, first] * X[:, second]])


def lime(game: Game, budget: int, seed: int) -> Predict:
    """lime's fit with its defaults for images: the instance, then uniform masks, weighted by cosine closeness."""
    from lime.lime_base import LimeBase

    Z = _uniform(game, budget, seed)
    Z[0] = 1
    base = LimeBase(lambda distance: np.exp(-(distance**2) / 0.25**2 / 2), random_state=seed)
    distances = pairwise_distances(Z, Z[:1], metric="cosine").ravel()
    level, weights, *_ = base.explain_instance_with_data(Z, game(Z)[:, None], distances, 0, game.n)
    coef = np.zeros(game.n)
    coef[[i for i, _ in weights]] = [w for _, w in weights]
    return lambda rows: level + rows @ coef


def proxyspex(game: Game, budget: int, seed: int) -> Predict:
    """shapiq's ProxySPEX as it comes; of full order, the index that it returns (FBII) is the Möbius transform."""
    from shapiq import ProxySPEX

    return _moebius(ProxySPEX(n=game.n, random_state=seed).approximate(budget, game))


def regression_fbii(game: Game, budget: int, seed: int) -> Predict:
    """shapiq's RegressionFBII on uniform rows: of order two where calls are twice its terms, else of order one."""
    from shapiq import RegressionFBII

    sizes = np.array([float(comb(game.n, size)) for size in range(game.n + 1)])
    order = 2 if budget >= 2 * (1 + game.n + comb(game.n, 2)) else 1
    approximator = RegressionFBII(n=game.n, max_order=order, sampling_weights=sizes, random_state=seed)
    return _moebius(approximator.approximate(budget, game))


def _moebius(values: Any) -> Predict:
    """Σ of the interactions whose members are all present."""
    terms = {members: float(value) for members, value in values.interactions.items() if value}

    def predict(Z: np.ndarray) -> np.ndarray:
        absent = Z < 0.5
        total = np.zeros(len(Z))
        for members, value in terms.items():
            total += value * ~absent[:, members].any(axis=1)
        return total

    return predict


RIVALS: dict[str, Callable[[Game, int, int], Predict]] = {
    "Lasso .01 (ContextCite's recipe)": context_cite,
    "Lasso .01, scaled answers": context_cite_scaled,
    "Lasso-CV": lasso,
    "pairwise Lasso-CV": pairwise_lasso,
    "weighted ridge (lime)": lime,
    "RegressionFBII (shapiq)": regression_fbii,
    PROXYSPEX: proxyspex,
}


def missing(contenders: Sequence[str]) -> dict[str, str]:
    """Those that cannot take part here, and why."""
    needs: dict[str, tuple[str, ...]] = {
        "weighted ridge (lime)": ("lime",),
        "RegressionFBII (shapiq)": ("shapiq",),
        PROXYSPEX: ("shapiq", "lightgbm"),
    }
    lacking = {name: [p for p in needs.get(name, ()) if find_spec(p) is None] for name in contenders}
    return {name: f"{', '.join(packages)} missing" for name, packages in lacking.items() if packages}
