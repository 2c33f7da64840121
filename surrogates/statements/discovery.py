"""Candidate statements: what surrogates over factors find on the discovery cases.

A tree, a list of rules and a linear model with pairs are fitted to the metric over the factor levels. Their leaves,
rules and products are the candidates; a forward search by how much of the remaining variation between entities each
explains keeps the few that stand out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from surrogates.families.linear import SparseLinear
from surrogates.families.rules import RuleSurrogate
from surrogates.families.tree import TreeSurrogate
from surrogates.statements.entity_effects import FEWEST_ENTITIES
from surrogates.statements.factor_coding import Coding
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.terms import Box, Term

__all__ = ["candidates", "discover"]

_WORTH = 0.01  # share of all variation that a statement must explain beyond those before it
_PAIRS = 40  # most products of levels that a linear model gets to see


def candidates(frame: pd.DataFrame, coding: Coding, random_state: int) -> list[Statement]:
    """Turn the terms of surrogates into statements, simplest first: contrasts, then interactions."""
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
    contrasts = [Statement.contrast(scope) for scope in sorted(scopes, key=_length)]
    return [*contrasts, *_products(Z, y, coding)]


def _length(scope: Scope) -> tuple[int, int, str]:
    """Sort key: number of conditions, then of levels."""
    return len(scope.conditions), sum(len(levels) for _, levels in scope.conditions), str(scope)


def _products(Z: np.ndarray, y: np.ndarray, coding: Coding) -> list[Statement]:
    """Return interactions that have a weight in a sparse linear model with pairs."""
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
    """Return a statement as a regressor ``(n,)``: an indicator, or a product of two centred indicators."""
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
    """Find the statements that stand out on the discovery cases; each claims at least `share` of its effect there.

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
    out = []
    for i in _forward_search([_column(s, frame) for s in pool], frame, most):
        seen = pool[i].estimate(frame)
        # where factors go along with each other no case differs in one alone, and a test will say so
        size = seen.value if seen is not None else pool[i].apart(frame)
        out.append(_claiming(pool[i], 1 if size >= 0 else -1, share * abs(size)))
    return out


def _forward_search(columns: Sequence[np.ndarray], frame: pd.DataFrame, most: int) -> list[int]:
    """Choose columns one at a time, by what each explains beyond those before it; only those that stand out."""
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
            if gain > best[0] * (1 + 1e-6) and _clear(x, residual, entity, len(columns)):
                best = (gain, i)
        if best[1] < 0:
            break
        chosen.append(best[1])
    return chosen


def _names(statement: Statement, about: Sequence[str]) -> bool:
    return not about or any(f in about for _, scope in statement.parts for f, _ in scope.conditions)


def _claiming(statement: Statement, sign: int, least: float) -> Statement:
    text = statement.text.replace("is larger", "is smaller") if sign < 0 else statement.text
    return replace(statement, sign=sign, min_effect=float(f"{least:.3g}"), text=text)


def _without(y: np.ndarray, columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return residuals of y ``(n,)`` on the chosen columns and a constant, and these as a basis ``(n, c + 1)``."""
    basis = np.column_stack([np.ones(len(y)), *columns])
    return y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0], basis


def _clear(x: np.ndarray, residual: np.ndarray, entity: np.ndarray, tried: int) -> bool:
    """Return whether a column's slope differs from 0 at 5% / `tried`, with errors clustered by entity."""
    slope = (x @ residual) / (x @ x)
    pulls = np.bincount(entity, x * (residual - slope * x))
    n = len(pulls)
    error = np.sqrt((pulls @ pulls) * n / (n - 1)) / (x @ x)
    if error == 0:
        return True
    return bool(2 * stats.t.sf(abs(slope) / error, n - 1) < 0.05 / tried)
