"""The nodes integrate what the indices of many features are made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaln

from surrogates.shapley.quadrature import rule


@pytest.mark.parametrize("n", [12, 130, 1100])
def test_every_product_of_powers_is_integrated(n):
    """∫ tᵃ (1 − t)ᵇ dt = B(a + 1, b + 1) for a + b = n − 1, the number of other features."""
    nodes, weights = rule("shapley", 1, n).nodes, rule("shapley", 1, n).weights[0]
    a = np.arange(n)[:, None]
    logs = a * np.log(nodes) + (n - 1 - a) * np.log1p(-nodes) - betaln(a + 1, n - a)
    np.testing.assert_allclose(np.exp(logs) @ weights, 1.0, rtol=1e-10)
    assert len(nodes) <= 24 + 4 * n**0.5
