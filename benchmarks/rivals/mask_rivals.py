"""Rivals: each buys answers to questions of its own choice with its own code, and becomes a prediction on 0/1 rows.

Every row that a rival sends to the model counts, endpoints and repeated rows included, and none may send more than its
budget. Packages are imported when their rival is fitted; where one draws from global random state it is seeded for that
fit and put back.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LassoCV
from sklearn.metrics import pairwise_distances

from benchmarks.tasks.counted_game import Game, Predict, uniform
from benchmarks.tasks.walsh import Subsets, of_products

__all__ = ["PROXYSPEX", "RIVALS", "Fitted", "Rival", "additive", "seeded"]

#: most products that a rival is given as columns
_COLUMNS = 6000


@dataclass(frozen=True)
class Fitted:
    """What a rival learnt.

    Attributes
    ----------
    predict : callable
    products : dict
        The same as Σ wₛ ∏ zᵢ over sets of present features, the empty one included.
    """

    predict: Predict
    products: Subsets

    @property
    def walsh(self) -> Subsets:
        """The same as Σ cₛ ∏ (2zᵢ − 1)."""
        return of_products(self.products)


@dataclass(frozen=True)
class Rival:
    """A rival's fit.

    Attributes
    ----------
    fit : callable
        Game, budget and seed → :class:`Fitted`.
    packages : tuple of str
        Distributions it comes from, by the names they are imported under.
    chooses_questions : bool
        Whether it chooses its questions; if not, it takes the same uniform rows as others.
    refuses : callable
        Features and budget → why it does not take part, or None.
    """

    fit: Callable[[Game, int, int], Fitted]
    packages: tuple[str, ...] = ()
    chooses_questions: bool = False
    refuses: Callable[[int, int], str | None] = lambda n, budget: None


def products(weights: Subsets) -> Fitted:
    """A sum of products of present features."""
    kept = {members: float(weight) for members, weight in weights.items() if weight}

    def predict(Z: np.ndarray) -> np.ndarray:
        absent = Z < 0.5
        total = np.zeros(len(Z))
        for members, weight in kept.items():
            total += weight * ~absent[:, members].any(axis=1)
        return total

    return Fitted(predict, kept)


def additive(level: float, coef: np.ndarray) -> Fitted:
    weights: Subsets = {(i,): float(w) for i, w in enumerate(coef)}
    return Fitted(lambda rows: level + rows @ coef, {(): float(level)} | weights)


# ---- penalised regression on shared uniform rows


def context_cite(game: Game, budget: int, seed: int) -> Fitted:
    """The context-cite package's solver with its penalty of .01, answers in their own unit."""
    Z = uniform(game.n, budget, seed)
    coef, level = _context_cite_solver().fit(Z, game(Z), 1)
    return additive(float(level), np.asarray(coef, dtype=float))


def context_cite_scaled(game: Game, budget: int, seed: int) -> Fitted:
    """The same on answers of unit variance, so that its penalty does not depend on their unit."""
    Z = uniform(game.n, budget, seed)
    y = game(Z)
    spread = float(y.std()) or 1.0
    coef, level = _context_cite_solver().fit(Z, (y - y.mean()) / spread, 1)
    return additive(float(y.mean() + spread * level), spread * np.asarray(coef, dtype=float))


def _context_cite_solver() -> Any:
    """Its class, read from its file alone: importing the package downloads language data."""
    package = find_spec("context_cite")
    assert package is not None and package.origin is not None
    spec = spec_from_file_location("context_cite_solver", Path(package.origin).parent / "solver.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LassoRegression()


def lasso(game: Game, budget: int, seed: int) -> Fitted:
    """Main effects, penalty by cross-validation."""
    Z = uniform(game.n, budget, seed)
    fitted = LassoCV(cv=5, alphas=50).fit(Z, game(Z))
    return additive(float(fitted.intercept_), fitted.coef_)


def pairwise_lasso(game: Game, budget: int, seed: int) -> Fitted:
    """Main effects and all products of two of x = 2z − 1, penalty by cross-validation."""
    Z = uniform(game.n, budget, seed)
    fitted = LassoCV(cv=5, alphas=50).fit(_pairs(Z), game(Z))
    members = [(i,) for i in range(game.n)] + list(combinations(range(game.n), 2))
    weights: Subsets = {(): float(fitted.intercept_)}
    for subset, weight in zip(members, fitted.coef_, strict=True):
        for size in range(len(subset) + 1):
            for part in combinations(subset, size):  # ∏ (2z − 1) multiplied out
                sign = (-1) ** (len(subset) - size)
                weights[part] = weights.get(part, 0.0) + sign * weight * 2.0**size
    return Fitted(lambda rows: fitted.predict(_pairs(rows)), weights)


def _pairs(Z: np.ndarray) -> np.ndarray:
    X = 2 * Z - 1
    first, second = np.array(list(combinations(range(Z.shape[1]), 2))).T
    return np.hstack([X, X[:, first] * X[:, second]])


def lime(game: Game, budget: int, seed: int) -> Fitted:
    """lime's fit with its defaults for images: the instance, then uniform masks, weighted by cosine closeness."""
    from lime.lime_base import LimeBase

    Z = uniform(game.n, budget, seed)
    Z[0] = 1
    base = LimeBase(lambda distance: np.exp(-(distance**2) / 0.25**2 / 2), random_state=seed)
    distances = pairwise_distances(Z, Z[:1], metric="cosine").ravel()
    level, weights, *_ = base.explain_instance_with_data(Z, game(Z)[:, None], distances, 0, game.n)
    coef = np.zeros(game.n)
    coef[[i for i, _ in weights]] = [w for _, w in weights]
    return additive(float(np.ravel(level)[0]), coef)


# ---- packages that choose their questions


def captum_lime(game: Game, budget: int, seed: int) -> Fitted:
    """captum's Lime as it comes: uniform masks with replacement, an exponential kernel, a lasso with penalty .01."""
    from captum.attr import Lime

    return _captum(Lime, game, budget, seed)


def captum_kernel_shap(game: Game, budget: int, seed: int) -> Fitted:
    """captum's KernelShap as it comes: both endpoints, then rows of the Shapley kernel with replacement."""
    from captum.attr import KernelShap

    return _captum(KernelShap, game, budget, seed)


def _captum(kind: Any, game: Game, budget: int, seed: int) -> Fitted:
    import torch
    from captum._utils.models.linear_model import SkLearnLasso

    def forward(rows: Any) -> Any:
        return torch.from_numpy(np.ascontiguousarray(game(rows.numpy())))

    named = {"interpretable_model": SkLearnLasso(alpha=0.01)} if kind.__name__ == "Lime" else {}
    explainer = kind(forward, **named)
    here = torch.ones(1, game.n, dtype=torch.float64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        coef = explainer.attribute(
            here, baselines=torch.zeros_like(here), n_samples=budget, perturbations_per_eval=budget
        )
    level = float(np.ravel(explainer.interpretable_model.bias().numpy())[0])
    return additive(level, coef.numpy().ravel().astype(float))


def kernel_explainer(game: Game, budget: int, seed: int) -> Fitted:
    """shap's KernelExplainer as it comes (ten features kept by a lasso); the two endpoints count."""
    return _shap(game, budget, seed)


def kernel_explainer_all(game: Game, budget: int, seed: int) -> Fitted:
    """shap's KernelExplainer without selection of features."""
    return _shap(game, budget, seed, l1_reg=False)


def _shap(game: Game, budget: int, seed: int, **options: Any) -> Fitted:
    """Base value and the sum of the values of present features."""
    import shap

    with seeded(seed):
        explainer = shap.KernelExplainer(game, np.zeros((1, game.n)))
        values = explainer.shap_values(np.ones((1, game.n)), nsamples=budget - 2, silent=True, **options)
    return additive(float(explainer.expected_value), np.asarray(values, dtype=float).ravel())


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Global random state seeded, and put back."""
    before = np.random.get_state()  # noqa: NPY002 - there is no other way to seed it
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def proxyspex(game: Game, budget: int, seed: int) -> Fitted:
    """shapiq's ProxySPEX as it comes; of full order, the index that it returns (FBII) is the Möbius transform."""
    from shapiq import ProxySPEX

    return products(ProxySPEX(n=game.n, random_state=seed).approximate(budget, game).interactions)


def spex(game: Game, budget: int, seed: int) -> Fitted:
    """shapiq's SPEX as it comes; it repeats questions, and buys fewer than it is allowed."""
    from shapiq import SPEX

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return products(SPEX(n=game.n, random_state=seed).approximate(budget, game).interactions)


def regression_fbii(game: Game, budget: int, seed: int) -> Fitted:
    """shapiq's RegressionFBII on uniform rows: of order two where calls are twice its terms, else of order one."""
    from shapiq import RegressionFBII

    sizes = np.array([float(comb(game.n, size)) for size in range(game.n + 1)])
    approximator = RegressionFBII(
        n=game.n, max_order=_order(game.n, budget), sampling_weights=sizes / sizes.sum(), random_state=seed
    )
    return products(approximator.approximate(budget, game).interactions)


def kadd_shap(game: Game, budget: int, seed: int) -> Fitted:
    """shapiq's kADD-SHAP: of order two where calls are twice its terms, else of order one.

    Its values I give back the game as v(∅) + Σ (γ(|T|, |S ∩ T|) − γ(|T|, 0)) I(T), with γ from Bernoulli numbers
    (Pelegrina et al. 2023): 1 for a present feature; −½ for a pair with one present, 0 with none or both.
    """
    from shapiq import kADDSHAP

    approximator = kADDSHAP(n=game.n, max_order=_order(game.n, budget), random_state=seed)
    values: Subsets = {}
    for members, value in approximator.approximate(budget, game).interactions.items():
        values[members] = values.get(members, 0.0) + value
        for i in members if len(members) == 2 else ():
            values[(i,)] = values.get((i,), 0.0) - value / 2
    return products(values)


def _order(n: int, budget: int) -> int:
    return 2 if budget >= 2 * (1 + n + comb(n, 2)) else 1


def _too_many_pairs(n: int, budget: int) -> str | None:
    return f"{n + comb(n, 2):,} columns" if n + comb(n, 2) > _COLUMNS else None


def _spex_limits(n: int, budget: int) -> str | None:
    if budget < 512:
        return "fewer calls than its transform needs"
    return "minutes a fit" if n > 60 else None


PROXYSPEX = "ProxySPEX (shapiq)"

RIVALS: dict[str, Rival] = {
    "Lasso .01 (context-cite)": Rival(context_cite, ("context_cite",)),
    "Lasso .01, scaled answers": Rival(context_cite_scaled, ("context_cite",)),
    "Lasso-CV": Rival(lasso),
    "pairwise Lasso-CV": Rival(pairwise_lasso, refuses=_too_many_pairs),
    "weighted ridge (lime)": Rival(lime, ("lime",)),
    "Lime (captum)": Rival(captum_lime, ("captum", "torch"), chooses_questions=True),
    "KernelShap (captum)": Rival(captum_kernel_shap, ("captum", "torch"), chooses_questions=True),
    "KernelExplainer (shap)": Rival(kernel_explainer, ("shap",), chooses_questions=True),
    "KernelExplainer, all features (shap)": Rival(kernel_explainer_all, ("shap",), chooses_questions=True),
    "RegressionFBII (shapiq)": Rival(regression_fbii, ("shapiq",), chooses_questions=True),
    "kADD-SHAP (shapiq)": Rival(kadd_shap, ("shapiq",), chooses_questions=True),
    "SPEX (shapiq)": Rival(spex, ("shapiq", "sparse_transform"), chooses_questions=True, refuses=_spex_limits),
    PROXYSPEX: Rival(proxyspex, ("shapiq", "lightgbm"), chooses_questions=True),
}
