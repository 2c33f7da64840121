"""RuleSurrogate: a weighted list of short rules."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from surrogates.families.linear import SparseLinear
from surrogates.families.tree import leaves
from surrogates.link import IDENTITY
from surrogates.numerics.column_units import in_units, units_of
from surrogates.offer import LinkLike, Links
from surrogates.proxy.distillation import Proxy
from surrogates.surrogate import CurvedSurrogate, Fitted
from surrogates.terms import Box, Term, evaluate

__all__ = ["RuleSurrogate"]

#: proxy answers that rules are learnt from: more took six times as long and found nothing better
_PROXY_ROWS = 2048


class RuleSurrogate(CurvedSurrogate):
    """ŷ(z) = g⁻¹(b + Σₖ wₖ 1[rule k holds for z]) over few rules, minimising Σᵢ vᵢ (yᵢ − ŷ(zᵢ))² + λ ‖w‖².

    Rules are conjunctions taken from boosted trees; orthogonal matching pursuit proposes few of them, and forward
    selection weighs these. From rows ``(n, d)`` and answers ``(n,)`` or ``(n, k)`` come t rules, ``coef_`` ``(t,)`` or
    ``(k, t)``. Rules are data (:class:`~surrogates.terms.Box`), never text that is run.

    Parameters
    ----------
    max_rules : int, default 12
        The most rules.
    max_length : int, default 3
        The most conditions in a rule.
    n_trees : int, default 20
        Boosted trees that rules are taken from.
    folds, random_state, proxy
        As for every family, see :class:`~surrogates.surrogate.Surrogate`.
    link
        As for every family with a link, see :class:`~surrogates.surrogate.CurvedSurrogate`.

    Examples
    --------
    >>> Z = np.random.default_rng(0).integers(0, 2, (120, 5))
    >>> fitted = RuleSurrogate(max_rules=1).fit(Z, Z[:, 0] * (1 - Z[:, 3]))
    >>> fitted.terms_[0].conditions
    ((0, 0.5, inf), (3, -inf, 0.5))

    Notes
    -----
    RuleFit: Friedman and Popescu (2008).
    """

    distilled = True

    def __init__(
        self,
        max_rules: int = 12,
        max_length: int = 3,
        n_trees: int = 20,
        folds: int = 5,
        random_state: int = 0,
        proxy: Proxy | None = None,
        link: Links = "identity",
    ):
        self.max_rules = max_rules
        self.max_length = max_length
        self.n_trees = n_trees
        self.folds = folds
        self.random_state = random_state
        self.proxy = proxy
        self.link = link

    def check(self) -> None:
        super().check()
        self._check_at_least(1, "max_rules", "max_length", "n_trees")

    def _fit_linked(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        candidates = self._harvest(Z, y, weight)
        if not candidates:
            return [], np.zeros((y.shape[1], 0)), np.average(y, axis=0, weights=weight), [IDENTITY] * y.shape[1]
        holds = evaluate(candidates, Z)
        varying = [column for column in y.T if np.ptp(column) > 0]
        picked = sorted({i for column in varying for i in self._pursue(holds, column, weight, len(varying))})
        candidates = [candidates[i] for i in picked]
        inner = SparseLinear(None, self.folds, self.random_state)
        kept, coef, intercept, curves = inner.select_linked(holds[:, picked], y, weight, links)
        return [candidates[i] for i in kept], coef, intercept, curves

    def _distil(self, proxy: Proxy, law: np.ndarray, y: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        some = np.random.default_rng(self.random_state).permutation(len(law))[:_PROXY_ROWS]
        return super()._distil(proxy, law[some], y[some], links)

    def _pursue(self, holds: np.ndarray, y: np.ndarray, weight: np.ndarray, outputs: int) -> list[int]:
        """Choose rules, columns ``(n, c)``, for one output ``(n,)`` by matching pursuit; outputs share the limit."""
        from sklearn.linear_model import orthogonal_mp

        root = np.sqrt(weight)[:, None]
        # x = √v (1[rule] − mean) / norm, t = √v (y − mean): least squares with weights and an intercept
        X = root * (holds - np.average(holds, axis=0, weights=weight))
        size = np.linalg.norm(X, axis=0)
        target = root[:, 0] * (y - np.average(y, weights=weight))
        count = min(max(1, int(self.max_rules) // outputs), holds.shape[1], len(y) - 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # stops early where nothing is left to explain
            coef = orthogonal_mp(X / size, target, n_nonzero_coefs=count)
        return [int(i) for i in np.flatnonzero(coef)]

    def _harvest(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> list[Term]:
        """Collect the leaves of boosted trees and their sub-conjunctions as distinct rules.

        Of rules that hold for the same rows the shortest is kept; a rule that holds for all rows or none is dropped.
        """
        from sklearn.ensemble import GradientBoostingRegressor

        rules: dict[tuple[tuple[int, float, float], ...], None] = {}
        units = units_of(Z, weight)
        for column in y.T:
            if np.ptp(column) == 0:
                continue
            boosted = GradientBoostingRegressor(
                n_estimators=self.n_trees,
                max_depth=self.max_length,
                learning_rate=0.3,
                min_weight_fraction_leaf=0.01,
                random_state=self.random_state,
            ).fit(in_units(Z, units), column, weight)
            for tree in boosted.estimators_.ravel():
                for leaf in leaves(tree, units)[0]:
                    if isinstance(leaf, Box):
                        rules.update(dict.fromkeys(_parts(leaf.conditions)))
        kept: dict[bytes, Term] = {}
        for conditions in sorted(rules, key=len):
            rule = Box(conditions)
            holds = rule(Z) > 0
            if holds.any() and not holds.all():
                kept.setdefault(min(holds.tobytes(), (~holds).tobytes()), rule)
        return list(kept.values())


def _parts(conditions: tuple[tuple[int, float, float], ...]) -> list[tuple[tuple[int, float, float], ...]]:
    """List a conjunction and its non-empty sub-conjunctions."""
    out = [conditions] if conditions else []
    for i in range(len(conditions)):
        out += _parts(conditions[:i] + conditions[i + 1 :])
    return out
