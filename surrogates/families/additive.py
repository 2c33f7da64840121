"""AdditiveSurrogate: one step function per feature, with products of two features on request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surrogates.families.linear import SparseLinear
from surrogates.families.relaxed_lasso import relaxed_lasso
from surrogates.link import IDENTITY, Link
from surrogates.numerics.path_selection import select
from surrogates.offer import LinkLike, Links
from surrogates.proxy.distillation import Proxy
from surrogates.surrogate import CurvedSurrogate, Fitted
from surrogates.terms import Box, Product, Term, evaluate

__all__ = ["AdditiveSurrogate"]


class AdditiveSurrogate(CurvedSurrogate):
    """ŷ(z) = g⁻¹(b + Σⱼ fⱼ(zⱼ) + Σ wᵢⱼ (zᵢ − cᵢ)(zⱼ − cⱼ)) with step functions fⱼ(z) = Σₛ wⱼₛ 1[z > eⱼₛ].

    Minimises Σᵢ vᵢ (yᵢ − ŷ(zᵢ))² + λ ‖w‖² for row weights vᵢ: a generalised additive model. Steps and products are
    selected, and λ chosen, by cross-validation. A 0/1 feature has one step, so that fⱼ is its main effect; a real
    feature has up to `steps` of them, at quantiles eⱼₛ. From rows ``(n, d)`` and answers ``(n,)`` or ``(n, k)`` come t
    steps and products, ``coef_`` ``(t,)`` or ``(k, t)``.

    Parameters
    ----------
    steps : int, default 8
        The most steps of one feature.
    pairs : int, default 0
        The most products of two features; those that correlate best with the residuals of the steps are tried.
    folds, random_state, proxy
        As for every family, see :class:`~surrogates.surrogate.Surrogate`.
    link
        As for every family with a link, see :class:`~surrogates.surrogate.CurvedSurrogate`.

    Examples
    --------
    >>> Z = np.random.default_rng(0).normal(size=(200, 3))
    >>> fitted = AdditiveSurrogate().fit(Z, (Z[:, 1] > 0.5).astype(float))
    >>> {term.conditions[0][0] for term in fitted.terms_}
    {1}

    Notes
    -----
    Hastie and Tibshirani (1990); steps at quantiles as in explainable boosting machines (Lou et al. 2012).
    """

    sums_effects = True

    def __init__(
        self,
        steps: int = 8,
        pairs: int = 0,
        folds: int = 5,
        random_state: int = 0,
        proxy: Proxy | None = None,
        link: Links = "identity",
    ):
        self.steps = steps
        self.pairs = pairs
        self.folds = folds
        self.random_state = random_state
        self.proxy = proxy
        self.link = link

    def check(self) -> None:
        super().check()
        self._check_at_least(1, "steps")
        self._check_at_least(0, "pairs")

    def _fit_linked(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        terms = [term for j, column in enumerate(Z.T) for term in self._shape(j, column)]
        terms, coef, intercept, curves = self._select(terms, Z, y, weight, links, None)
        if self.pairs:
            # what the steps leave over, on the line
            on_line = np.column_stack([curve.line(column) for curve, column in zip(curves, y.T, strict=True)])
            residual = on_line - evaluate(terms, Z) @ coef.T - intercept
            offered = self._pairs(Z, residual, weight)
            extra, more, shift, _ = self._select(offered, Z, residual, weight, [IDENTITY] * y.shape[1], int(self.pairs))
            terms, coef, intercept = [*terms, *extra], np.hstack([coef, more]), intercept + shift
        return terms, coef, intercept, curves

    def _shape(self, j: int, column: np.ndarray) -> list[Term]:
        """Return steps of one feature: between its values if they are few, else at quantiles."""
        values = np.unique(column)
        if len(values) <= 2 and set(values) <= {0.0, 1.0}:
            return [Product((j,))]
        middles = (values[1:] + values[:-1]) / 2
        if len(middles) > self.steps:
            middles = np.unique(np.quantile(column, np.linspace(0, 1, self.steps + 2)[1:-1]))
        return [Box(((j, float(edge), np.inf),)) for edge in middles]

    def _pairs(self, Z: np.ndarray, residual: np.ndarray, weight: np.ndarray) -> list[Term]:
        """Return products of two that correlate best with residuals ``(n, k)``, four times as many as may be added."""
        center = np.average(Z, axis=0, weights=weight)
        spread = np.sqrt(np.average((Z - center) ** 2, axis=0, weights=weight))
        X = (Z - center) / np.where(spread > 0, spread, 1.0)  # x = (z − c) / a, only to rank products
        match = sum(np.abs((X * (weight * column)[:, None]).T @ X) for column in residual.T)
        first, second = np.triu_indices(Z.shape[1], 1)
        best = np.argsort(-np.asarray(match)[first, second], kind="stable")[: 4 * int(self.pairs)]
        return [
            Product((int(i), int(j)), (float(center[i]), float(center[j])))
            for i, j in zip(first[best], second[best], strict=True)
        ]

    def _select(
        self,
        terms: list[Term],
        Z: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray,
        links: Sequence[LinkLike],
        limit: int | None,
    ) -> tuple[list[Term], np.ndarray, np.ndarray, list[Link]]:
        """Select among terms, at most `limit`: those kept, weights ``(k, t)``, intercepts ``(k,)`` and links."""
        if not terms:
            return [], np.zeros((y.shape[1], 0)), np.average(y, axis=0, weights=weight), [IDENTITY] * y.shape[1]
        inner = SparseLinear(limit, self.folds, self.random_state)
        overlapping = any(isinstance(term, Box) for term in terms)
        by = relaxed_lasso if overlapping else select
        kept, coef, intercept, curves = inner.select_linked(evaluate(terms, Z), y, weight, links, by)
        return [terms[i] for i in kept], coef, intercept, curves
