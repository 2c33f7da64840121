"""How well surrogates over factors predict unseen cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from surrogates.families.linear import SparseLinear
from surrogates.families.rules import RuleSurrogate
from surrogates.families.tree import TreeSurrogate
from surrogates.statements.factor_coding import Coding

__all__ = ["fidelity_over_factors"]


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
