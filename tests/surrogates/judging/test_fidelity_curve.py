"""Fidelity over the number of answers: from known answers, judged on others."""

from __future__ import annotations

import numpy as np
import pytest

from probes import MaskProbe
from probes.errors import InputError
from surrogates import SparseLinear, TreeSurrogate, explain


def additive(Z):
    return Z @ np.linspace(1.0, 0.2, 10)


def noise(Z):
    return np.sin(1e6 * (Z @ np.arange(1, 11) ** 2.3))


@pytest.fixture(scope="module")
def ex():
    return explain(additive, MaskProbe(10), TreeSurrogate(max_leaves=16), budget=200, store=None)


def test_more_answers_to_fit_to_predict_others_better(ex):
    curve = ex.fidelity_curve([10, 40, 140])
    assert list(map(int, curve["answers"])) == [10, 40, 140]
    assert curve["r2"].is_monotonic_increasing and curve["r2"].iloc[-1] - curve["r2"].iloc[0] > 0.2
    assert ((curve["r2_low"] < curve["r2"]) & (curve["r2"] < curve["r2_high"])).all()


def test_what_is_fitted_to_is_not_judged_by():
    ex = explain(noise, MaskProbe(10), SparseLinear(), budget=120, store=None)
    assert (ex.fidelity_curve()["r2"] < 0.2).all()


def test_its_end_agrees_with_the_fidelity_of_the_explanation(ex):
    last = ex.fidelity_curve().iloc[-1]
    assert last["r2_low"] - 0.1 < ex.fidelity.r2[0] < last["r2_high"] + 0.1


@pytest.mark.parametrize("sizes", [[2], [20, 10_000], [20.5], [True]])
def test_other_sizes_are_refused(ex, sizes):
    with pytest.raises(InputError, match="sizes must be an integer from 10 to"):
        ex.fidelity_curve(sizes)


def test_too_few_answers_are_refused():
    ex = explain(lambda Z: Z[:, 0], MaskProbe(3), store=None)
    with pytest.raises(InputError, match="fidelity_curve must have 13 judged answers at least; got 8"):
        ex.fidelity_curve()
