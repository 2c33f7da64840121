"""MaskProbe: the function of the 0/1 rows themselves."""

import numpy as np
import pytest

from probes import Feature, InputError, MaskProbe

# exact: values of the user's table are handed through


def test_mask_probe_gives_the_rows_themselves():
    Z = np.array([[1, 0, 1], [0, 0, 1]])
    rendered = MaskProbe(3).render(Z)
    np.testing.assert_array_equal(rendered, Z)
    assert rendered.dtype == float
    assert [f.name for f in MaskProbe(3).features] == ["x0", "x1", "x2"]
    assert [f.name for f in MaskProbe(["p", "q"]).features] == ["p", "q"]
    assert len(MaskProbe(np.int64(4)).features) == 4


@pytest.mark.parametrize(
    ("features", "rule", "received"),
    [
        (1, "at least two features", "1"),
        (0, "at least two features", "0"),
        (-3, "at least two features", "-3"),
        (["a"], "at least two features", "['a']"),
        (["a", "a"], "do not repeat", "['a', 'a']"),
        ("abc", "a number of features or a list of names", "'abc'"),
        ([1, 2], "a number of features or a list of names", "[1, 2]"),
        (3.5, "a number of features or a list of names", "3.5"),
        (None, "a number of features or a list of names", "None"),
    ],
)
def test_mask_probe_errors(features, rule, received):
    with pytest.raises(InputError) as caught:
        MaskProbe(features)
    assert caught.value.parameter == "features"
    assert rule in str(caught.value)
    assert received in str(caught.value)


def test_mask_probe_digest():
    assert MaskProbe(3).digest == MaskProbe(["x0", "x1", "x2"]).digest
    assert MaskProbe(3).digest != MaskProbe(4).digest
    assert MaskProbe(["a", "b"]).digest != MaskProbe(["b", "a"]).digest


def test_features_are_plain_values():
    feature = Feature("age", "real", loc=10.0, scale=2.0)
    assert (feature.instance, feature.reference) == (10.0, 8.0)
    assert (Feature("w").instance, Feature("w").reference) == (1.0, 0.0)
    np.testing.assert_array_equal(MaskProbe(3).instance, np.ones(3))
    np.testing.assert_array_equal(MaskProbe(3).reference, np.zeros(3))
