"""Candidate statements: what surrogates over factors find on the discovery cases.

A tree, a list of rules and a linear model with pairs are fitted to the metric over the factor levels. Their leaves,
rules and products are the candidates; a forward search by how much of the remaining variation between entities each
explains keeps the few that stand out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from probes.probe import Feature
from surrogates.families.linear import SparseLinear
from surrogates.families.rules import RuleSurrogate
from surrogates.families.tree import TreeSurrogate
from surrogates.statements.entity_effects import FEWEST_ENTITIES
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.terms import Box, Term

__all__ = ["Coding", "candidates", "discover", "fidelity_over_factors"]

_WORTH = 0.01  # share of all variation that a statement must explain beyond those before it
_PAIRS = 40  # most products of levels that a linear model gets to see


@dataclass(frozen=True)
class Coding:
    """Factor levels as 0/1 columns: one a level, a single one for factors with two.

    Attributes
    ----------
    columns : tuple of (factor, level)
    levels : tuple of (factor, levels)
        All levels of each factor.
    """

    columns: tuple[tuple[str, str], ...]
    levels: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, factors: Sequence[str]) -> Coding:
        levels = tuple((f, tuple(sorted(map(str, frame[f].dropna().unique())))) for f in factors)
        kept = [(f, v) for f, v in levels if len(v) > 1]
        return cls(tuple((f, x) for f, v in kept for x in (v[1:] if len(v) == 2 else v)), tuple(kept))

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """0/1 rows ``(n, columns)``."""
        return np.column_stack([(frame[f] == level).to_numpy(dtype=float) for f, level in self.columns])

    @property
    def features(self) -> tuple[Feature, ...]:
        return tuple(Feature(f"{f} = {level}") for f, level in self.columns)

    def scope(self, term: Term) -> Scope | None:
        """The scope of a conjunction of column conditions; None if it is empty or everything."""
        allowed = {f: set(v) for f, v in self.levels}
        for i, low, high in term.conditions if isinstance(term, Box) else ():
            factor, level = self.columns[i]
            if low >= 0:
                allowed[factor] &= {level}
            if high < 1:
                allowed[factor] -= {level}
        if any(not v for v in allowed.values()):
            return None
        kept = {f: tuple(sorted(allowed[f])) for f, v in self.levels if len(allowed[f]) < len(v)}
        return Scope(tuple(sorted(kept.items()))) if kept else None


def candidates(frame: pd.DataFrame, coding: Coding, random_state: int) -> list[Statement]:
    """Statements that the surrogates' terms make, simplest first; the claims are contrasts and interactions."""
    Z, y = coding(frame), frame["value"].to_numpy(dtype=float)
    if np.ptp(y) == 0:
        return []
    terms: list[Term] = [Box(((i, 0.5, np.inf),)) for i in range(Z.shape[1])]
    terms += TreeSurrogate(max_leaves=8, random_state=random_state).fit(Z, y).terms_
    terms += RuleSurrogate(max_rules=8, random_state=random_state).fit(Z, y).terms_
    scopes: dict[Scope, None] = {}
    for term in terms:
        scope = coding.scope(term)
        conditions = scope.conditions if scope else ()
        for size in range(1, len(conditions) + 1):
            scopes.update(dict.fromkeys(Scope(part) for part in combinations(conditions, size)))
    found = [Statement.contrast(scope) for scope in sorted(scopes, key=_length)]
    return [*found, *_products(Z, y, coding)]


def _length(scope: Scope) -> tuple[int, int, str]:
    """What makes a scope longer to say: conditions, then levels."""
    return len(scope.conditions), sum(len(levels) for _, levels in scope.conditions), str(scope)


def _products(Z: np.ndarray, y: np.ndarray, coding: Coding) -> list[Statement]:
    """Interactions that a linear model with pairs gives a weight."""
    pairs = [(i, j) for i, j in combinations(range(Z.shape[1]), 2) if coding.columns[i][0] != coding.columns[j][0]]
    if not pairs:
        return []
    centred = Z - Z.mean(axis=0)
    strength = [abs(np.corrcoef(centred[:, i] * centred[:, j], y)[0, 1]) if Z[:, i].any() else 0 for i, j in pairs]
    chosen = [pairs[k] for k in np.argsort(-np.nan_to_num(strength), kind="stable")[:_PAIRS]]
    X = np.column_stack([centred, *(centred[:, i] * centred[:, j] for i, j in chosen)])
    kept, _, _ = SparseLinear().select(X, y[:, None], np.ones(len(y)))
    out = []
    for k in kept[kept >= Z.shape[1]]:
        sides = []
        for column in chosen[k - Z.shape[1]]:
            factor, level = coding.columns[column]
            rest = tuple(v for v in dict(coding.levels)[factor] if v != level)
            sides.append((Scope(((factor, (level,)),)), Scope(((factor, rest),))))
        out.append(Statement.interaction(sides[0], sides[1]))
    return out


def _column(statement: Statement, frame: pd.DataFrame) -> np.ndarray:
    """What the statement says as a regressor: an indicator, or a product around its mean."""
    masks = statement.masks(frame)
    if len(masks) == 2:
        return masks[0][1].astype(float)
    a = (masks[0][1] | masks[2][1]).astype(float)
    b = (masks[0][1] | masks[1][1]).astype(float)
    return (a - a.mean()) * (b - b.mean())


def discover(
    frame: pd.DataFrame,
    factors: Sequence[str],
    *,
    about: Sequence[str] = (),
    most: int = 4,
    share: float = 0.25,
    random_state: int = 0,
) -> list[Statement]:
    """The statements that stand out on the discovery cases, each claiming at least `share` of the effect seen there.

    Parameters
    ----------
    frame : DataFrame
        Discovery cases.
    factors : sequence of str
    about : sequence of str
        Only statements that name at least one of these factors.
    most : int
        The most statements.
    share : float
        Minimal effect claimed, as a share of the discovery effect.
    random_state : int
    """
    coding = Coding.of(frame, factors)
    if not coding.columns or frame["entity"].nunique() < FEWEST_ENTITIES:
        return []
    pool = [s for s in candidates(frame, coding, random_state) if _names(s, about)]
    columns = [_column(s, frame) for s in pool]
    entity = np.unique(frame["entity"], return_inverse=True)[1].reshape(-1)
    y = frame["value"].to_numpy(dtype=float)
    chosen: list[int] = []
    for _ in range(most):
        residual, basis = _without(y, [columns[i] for i in chosen])
        best = (_WORTH * float((y - y.mean()) @ (y - y.mean())), -1)
        for i, column in enumerate(columns):
            x = column - basis @ np.linalg.lstsq(basis, column, rcond=None)[0]
            if i in chosen or x @ x < 1e-9 * len(x):
                continue
            gain = (x @ residual) ** 2 / (x @ x)
            if gain > best[0] * (1 + 1e-6) and _clear(x, residual, entity, len(pool)):
                best = (gain, i)
        if best[1] < 0:
            break
        chosen.append(best[1])
    out = []
    for i in chosen:
        seen = pool[i].estimate(frame)
        if seen is not None:
            sign = 1 if seen.value >= 0 else -1
            out.append(_claiming(pool[i], sign, share * abs(seen.value)))
    return out


def _names(statement: Statement, about: Sequence[str]) -> bool:
    return not about or any(f in about for _, scope in statement.parts for f, _ in scope.conditions)


def _claiming(statement: Statement, sign: int, least: float) -> Statement:
    text = statement.text.replace("is larger", "is smaller") if sign < 0 else statement.text
    return replace(statement, sign=sign, min_effect=float(f"{least:.3g}"), text=text)


def _without(y: np.ndarray, columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What the chosen columns leave of y, and the basis they span with the constant."""
    basis = np.column_stack([np.ones(len(y)), *columns])
    return y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0], basis


def _clear(x: np.ndarray, residual: np.ndarray, entity: np.ndarray, tried: int) -> bool:
    """Whether a column's slope stands out at 5% of all that were tried, errors clustered by entity."""
    slope = (x @ residual) / (x @ x)
    pulls = np.bincount(entity, x * (residual - slope * x))
    n = len(pulls)
    error = np.sqrt((pulls @ pulls) * n / (n - 1)) / (x @ x)
    if error == 0:
        return True
    return bool(2 * stats.t.sf(abs(slope) / error, n - 1) < 0.05 / tried)


def fidelity_over_factors(
    discovery: pd.DataFrame, test: pd.DataFrame, factors: Sequence[str], random_state: int
) -> pd.DataFrame:
    """R² on unseen cases of surrogates fitted to the discovery cases, with a constant and shuffled answers.

    Returns
    -------
    DataFrame
        ``surrogate, terms, r2, permuted``; R² against the discovery mean, negative where worse.
    """
    coding = Coding.of(discovery, factors)
    if not coding.columns or not len(test) or np.ptp(discovery["value"].to_numpy(dtype=float)) == 0:
        return pd.DataFrame(columns=["surrogate", "terms", "r2", "permuted"])
    Z, y = coding(discovery), discovery["value"].to_numpy(dtype=float)
    new, truth = coding(test), test["value"].to_numpy(dtype=float)
    shuffled = np.random.default_rng([random_state, 5]).permutation(y)
    scale = float(((truth - y.mean()) ** 2).sum())
    rows = []
    for name, family in (
        ("linear", SparseLinear()),
        ("tree", TreeSurrogate(max_leaves=8, random_state=random_state)),
        ("rules", RuleSurrogate(max_rules=8, random_state=random_state)),
    ):
        scores = [1 - float(((truth - family.fit(Z, t).predict(new)) ** 2).sum()) / scale if scale else np.nan
                  for t in (shuffled, y)]  # fmt: skip
        rows.append({"surrogate": name, "terms": len(family.terms_), "r2": scores[1], "permuted": scores[0]})
    return pd.DataFrame(rows)
