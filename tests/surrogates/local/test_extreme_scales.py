"""Answers of extreme size, masked answers, and models that change what they are given."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from probes import MaskProbe, ModelError, TabularProbe
from surrogates import anchor, explain, shapley_values


def linear(Z):
    return Z[:, 0] - 2 * Z[:, 1] + 0.5 * Z[:, 2] * Z[:, 3]


@pytest.mark.parametrize("scale", [1e307, 1e200, 1e-200, 1e-320])
@pytest.mark.parametrize("ask", [explain, shapley_values, anchor], ids=lambda f: f.__name__)
def test_extreme_answers_are_refused_in_words_without_overflow(ask, scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ModelError, match=r"numbers of a size .*Scale"):
            ask(lambda Z: scale * linear(Z), MaskProbe(5), store=None)


@pytest.mark.parametrize("scale", [1e-90, 1e90])
def test_large_and_small_answers_are_explained_as_others(scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain, scaled = (explain(lambda Z, s=s: s * linear(Z), MaskProbe(5), store=None) for s in (1.0, scale))
    np.testing.assert_allclose(scaled.attributions["attribution"] / scale, plain.attributions["attribution"], rtol=1e-6)
    np.testing.assert_allclose(scaled.fidelity.r2, plain.fidelity.r2, rtol=1e-6)


def test_differences_within_rounding_are_told_apart_from_constants_and_labels():
    notes = explain(lambda Z: 1e16 + 4 * np.round(linear(Z)), MaskProbe(5), store=None).warnings
    assert any("is within rounding and is not explained" in note for note in notes)
    assert not any("labels of classes" in note or "never changed" in note for note in notes)
    assert "The model's answer never changed." in explain(lambda Z: np.full(len(Z), 1e16), MaskProbe(5)).warnings


@pytest.mark.parametrize(
    ("model", "instance", "said"),
    [
        (
            lambda X: 1e16 + 2 * X.eval("a == 2 and b == 0 and sign == 1"),
            (2.0, 5.0, 0.0),
            "1×10¹⁶, which is within rounding.",
        ),
        (lambda X: 4 * (X["a"].to_numpy() * X["sign"].to_numpy()), (0.0, 5.0, 0.0), "a size of 4."),
        (lambda X: np.full(len(X), 1e16), (1.0, 3.0, 1.0), None),
    ],
    ids=["rounding", "cancels", "constant"],
)
def test_answers_that_change_for_single_background_rows_alone_are_told_apart_from_constants(model, instance, said):
    rows = pd.DataFrame({"a": [1.0, 1, 1, 1], "b": [0.0, 1, 0, 1], "sign": [1.0, -1, 1, -1]})
    probe = TabularProbe(pd.Series(dict(zip(rows, instance, strict=True))), background=rows)
    notes = explain(model, probe, store=None).warnings
    told = "The model's answer never changed"
    if said is None:
        assert f"{told}." in notes
    else:
        assert any(
            f"{told} on average over background rows; for single rows" in note and said in note for note in notes
        )


@pytest.mark.parametrize("answer", [np.ma.asarray, list], ids=["array", "list"])
def test_masked_answers_are_refused(answer):
    def model(Z):
        return answer(np.ma.array(linear(Z), mask=Z[:, 1] > 0))

    with pytest.raises(ModelError, match="masked numbers, which are no answers"):
        explain(model, MaskProbe(5), store=None)


@pytest.mark.parametrize("change", [list.clear, lambda texts: texts.append("more"), lambda texts: texts.reverse()])
def test_a_model_that_changes_its_list_is_explained_as_one_that_does_not(change):
    def model(texts):
        numbers = [len(text) * 0.1 for text in texts]
        change(texts)
        return numbers

    text = "a good day for us all"
    plain = explain(lambda texts: [len(text) * 0.1 for text in texts], text, store=None)
    np.testing.assert_allclose(explain(model, text, store=None).y, plain.y)
