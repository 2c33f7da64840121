"""switched_on(): one matrix product instead of a prediction for every feature."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.switched import switched_on


@pytest.mark.parametrize("d", [5, 80], ids=["all features enter", "some are screened out"])
def test_it_predicts_what_the_proxy_predicts_for_the_switched_rows(d):
    rng = np.random.default_rng(d)
    Z = rng.integers(0, 2, (60, d))
    proxy = CubeProxy().fit(Z, 2.0 * Z[:, 1] * Z[:, 3] - Z[:, 2] + 0.1 * rng.normal(size=60))
    rows = rng.integers(0, 2, (7, d)).astype(float)
    expected = np.empty((7, d))
    for i in range(d):
        switched = rows.copy()
        switched[:, i] = 1
        expected[:, i] = proxy.predict(switched)
    np.testing.assert_allclose(switched_on(proxy, rows), expected, atol=1e-9)
    assert np.ptp(expected) > 1
