"""The hand-over to shap: the model's Shapley values, which add up, and every plot of shap draws them."""

from __future__ import annotations

import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from probes import InputError, MaskProbe, TabularProbe
from probes.inputs.locality import LocalGaussian
from surrogates import explain, explain_many, shapley_values
from tests.helpers.when_used import when_used

shap = when_used("shap")


CORNERS = pd.DataFrame({"a": [0.0, 0.0, 1.0, 1.0], "b": [0.0, 1.0, 0.0, 1.0]})


def xor(rows):
    return (rows["a"] != rows["b"]).to_numpy().astype(float)


def by_orders(game, d):
    """Shapley values from their definition."""
    values = np.zeros(d)
    orders = list(permutations(range(d)))
    for order in orders:
        row = np.zeros((1, d))
        for i in order:
            before = game(row)[0]
            row[0, i] = 1
            values[i] += (game(row)[0] - before) / len(orders)
    return values


def test_of_an_exactly_known_xor_base_and_values_are_the_models():
    converted = explain(xor, TabularProbe(CORNERS.loc[2], CORNERS), store=None).to_shap()
    assert converted.base_values == pytest.approx(0.5)
    np.testing.assert_allclose(converted.values, [0.25, 0.25], atol=1e-12)
    np.testing.assert_allclose(converted.data, [1.0, 0.0])
    assert converted.data.dtype == float


def test_values_are_those_of_the_definition_where_every_question_was_asked():
    def game(Z):
        return 2 * Z[:, 0] * Z[:, 1] - Z[:, 2] * Z[:, 3] * (1 - Z[:, 0]) + 0.5 + np.abs(Z[:, 4] - Z[:, 1])

    converted = explain(game, MaskProbe(5), budget=100, store=None).to_shap()
    np.testing.assert_allclose(converted.values, by_orders(game, 5), atol=1e-12)
    assert converted.base_values == pytest.approx(0.5)


def wavy(Z):
    return np.column_stack([Z.all(axis=1), Z[:, 0] * Z[:, 1] + Z[:, 2], Z.sum(axis=1) ** 2]).astype(float)


def test_each_output_adds_up_to_the_models_own_answers():
    ends = wavy(np.array([np.ones(12), np.zeros(12)]))
    with pytest.warns(UserWarning, match="leave over .* shared evenly"):
        converted = explain(wavy, MaskProbe(12), budget=60, store=None).to_shap()
    assert converted.values.shape == (12, 3)
    np.testing.assert_allclose(converted.base_values, ends[1], atol=1e-12)
    np.testing.assert_allclose(converted.base_values + converted.values.sum(axis=0), ends[0], atol=1e-12)


def test_a_real_valued_law_has_no_values_of_the_model():
    X = np.random.default_rng(0).standard_normal((100, 3))
    probe = TabularProbe(np.zeros(3), X, law=LocalGaussian(1.0))
    with pytest.raises(InputError, match="real-valued law"):
        explain(lambda Z: Z[:, 0], probe, budget=60, store=None).to_shap()
    with pytest.warns(UserWarning, match="one standard deviation below"):
        shapley_values(lambda Z: Z[:, 0], probe, budget=40, store=None).to_shap()


def table(rows=6):
    return pd.DataFrame(np.random.default_rng(1).standard_normal((rows, 4)), columns=list("abcd"))


def many(outputs=1):
    def model(rows):
        X = rows.to_numpy()
        answers = np.column_stack([X[:, 0] * X[:, 1] + j * X[:, 2] for j in range(outputs)])
        return answers[:, 0] if outputs == 1 else answers

    return explain_many(model, table(), background=table(), budget=120, store=None), model


@pytest.mark.parametrize("outputs", [1, 3])
def test_rows_of_a_table_are_one_matrix(outputs):
    result, model = many(outputs)
    converted = result.to_shap()
    assert converted.values.shape == ((6, 4) if outputs == 1 else (6, 4, 3))
    np.testing.assert_allclose(converted.base_values + converted.values.sum(axis=1), model(table()), atol=1e-9)
    np.testing.assert_allclose(np.asarray(converted.data, dtype=float), table(), rtol=0.01)
    assert converted.data.dtype == float


def test_inputs_of_different_features_are_no_matrix():
    texts = ["one two three", "four five six seven"]
    with pytest.raises(InputError, match="same features"):
        explain_many(lambda rows: [float(len(t)) for t in rows], texts, budget=20, store=None).to_shap()


@pytest.mark.parametrize("plot", ["bar", "waterfall", "force"])
def test_plots_of_one_input(plot):
    draw(plot, explain(xor, TabularProbe(CORNERS.loc[2], CORNERS), store=None).to_shap())


@pytest.mark.parametrize("plot", ["bar", "beeswarm", "heatmap", "scatter", "violin"])
def test_plots_of_many_inputs(plot):
    draw(plot, many()[0].to_shap())


def draw(plot, converted):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.close("all")
    if plot == "scatter":
        shap.plots.scatter(converted[:, "a"], show=False)
    elif plot == "force":
        shap.plots.force(converted, matplotlib=True, show=False)
    else:
        getattr(shap.plots, plot)(converted, show=False)
    figure = plt.gcf()
    figure.canvas.draw()
    assert figure.axes and any(ax.patches or ax.collections or ax.images for ax in figure.axes)
    plt.close("all")


def test_an_explanation_shows_the_models_two_answers():
    text = str(explain(xor, TabularProbe(CORNERS.loc[2], CORNERS), store=None))
    assert re.search(r"Model: 1 for this input \(the surrogate says 0\.\d+\), 0.5 for the reference", text)
