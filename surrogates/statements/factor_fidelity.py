"""How well surrogates over factors predict unseen cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from surrogates.families.linear import SparseLinear
from surrogates.families.rules import RuleSurrogate
from surrogates.families.tree import TreeSurrogate
from surrogates.statements.factor_coding import Coding
from surrogates.surrogate import Surrogate

__all__ = ["fidelity_over_factors", "scored"]


def fidelity_over_factors(
    discovery: pd.DataFrame, test: pd.DataFrame, factors: Sequence[str], random_state: int
) -> pd.DataFrame:
    """Score surrogates fitted to the discovery cases, and to shuffled answers, on the test cases.

    Returns
    -------
    DataFrame
        ``surrogate, terms, r2, permuted``; R² against the discovery mean, negative where worse.
    """
    coding = Coding.of(discovery, factors)
    if not coding.columns or not len(test) or np.ptp(discovery["value"].to_numpy(dtype=float)) == 0:
        return pd.DataFrame(columns=["surrogate", "terms", "r2", "permuted"])
    families = {
        "linear": SparseLinear(),
        "tree": TreeSurrogate(max_leaves=8, random_state=random_state),
        "rules": RuleSurrogate(max_rules=8, random_state=random_state),
    }
    rows = [scored(name, family, coding, discovery, test, random_state) for name, family in families.items()]
    return pd.concat(rows, ignore_index=True)


def scored(
    name: str, family: Surrogate, coding: Coding, discovery: pd.DataFrame, test: pd.DataFrame, random_state: int
) -> pd.DataFrame:
    """Score one surrogate, which stays fitted to the discovery cases: a row of :func:`fidelity_over_factors`."""
    Z, y = coding(discovery), discovery["value"].to_numpy(dtype=float)
    new, truth = coding(test), test["value"].to_numpy(dtype=float)
    shuffled = np.random.default_rng([random_state, 5]).permutation(y)
    scale = float(((truth - y.mean()) ** 2).sum())
    permuted, r2 = (
        1 - float(((truth - family.fit(Z, t).predict(new)) ** 2).sum()) / scale if scale else np.nan
        for t in (shuffled, y)
    )
    return pd.DataFrame([{"surrogate": name, "terms": len(family.terms_), "r2": r2, "permuted": permuted}])
