"""Probe.scatter: attributions of features come back onto the parts of the input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, InputError, LocalGaussian, MaskProbe, Probe, TabularProbe, TextProbe

TABLE = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=list("abcd"))
GROUPED = TabularProbe(TABLE.iloc[0], TABLE, groups={"pair": ["a", "d"]})
ONE_PART_EACH = {
    "mask": MaskProbe(3),
    "text": TextProbe("not bad at"),
    "context": ContextProbe("One here. Two there. Three.", "Which?"),
    "table": TabularProbe(TABLE.iloc[0, :3], TABLE.iloc[:, :3]),
    "table local": TabularProbe(TABLE.iloc[0, :3], TABLE.iloc[:, :3], law=LocalGaussian(0.5)),
}


@pytest.mark.parametrize("name", ONE_PART_EACH)
def test_a_feature_of_one_part_keeps_its_attribution(name):
    values = np.array([[0.5, -1.0, 2.0], [3.0, 0.0, 1.0]])
    probe = ONE_PART_EACH[name]
    np.testing.assert_allclose(probe.scatter(values), values)
    np.testing.assert_allclose(probe.scatter(values[0]), values[0])


def test_columns_of_a_group_share_its_attribution_and_the_sum_is_kept():
    assert [f.name for f in GROUPED.features] == ["pair", "b", "c"]
    values = np.array([[1.0, 2.0, 3.0], [-4.0, 0.0, 5.0]])
    parts = GROUPED.scatter(values)
    np.testing.assert_allclose(parts, [[0.5, 2.0, 3.0, 0.5], [-2.0, 0.0, 5.0, -2.0]])
    np.testing.assert_allclose(parts.sum(axis=1), values.sum(axis=1))


def test_a_missing_attribution_stays_where_it_is():
    # exact: booleans
    np.testing.assert_array_equal(np.isnan(GROUPED.scatter([np.nan, 1.0, 2.0])), [True, False, False, True])


def test_what_is_scattered_is_a_copy():
    values = np.ones(3)
    ONE_PART_EACH["mask"].scatter(values)[0] = 7.0
    np.testing.assert_allclose(values, 1.0)


@pytest.mark.parametrize("probe", [MaskProbe(3), GROUPED], ids=["default", "table"])
@pytest.mark.parametrize("shape", [(), (2,), (4,), (3, 2), (1, 1, 3)])
def test_another_shape_is_refused(probe: Probe, shape):
    with pytest.raises(InputError, match=r"values must hold one number for each feature, shape \(3,\) or \(k, 3\)"):
        probe.scatter(np.zeros(shape))
