"""Situations of docs/situations.md: background rows, and how much is asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from probes import InputError, MaskProbe, TabularProbe
from probes.rounding import rounded
from surrogates import estimate, explain, explain_many, shapley_values
from tests.helpers.counting_models import Counting
from tests.helpers.effects import effects


@pytest.fixture(scope="module")
def normal():
    """A table of two thousand rows."""
    return pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 3)), columns=["a", "b", "c"])


def test_intervals_hold_for_all_background_rows(normal):
    found = []
    for seed in range(4):
        ex = explain(lambda d: d["a"], {"a": 3.0, "b": 0.0, "c": 0.0}, background=normal, random_state=seed, store=None)
        found.append(ex.attributions.set_index("feature").loc["a", ["attribution", "low", "high"]].tolist())
    sizes = [size for size, _, _ in found]
    assert max(sizes) - min(sizes) > 0.05  # other rows, other sizes
    assert all(low <= 3 - normal["a"].mean() <= high for _, low, high in found)
    assert any("of 2000 background rows stand for all" in note for note in ex.warnings)


def test_every_background_row_can_be_used(normal):
    few = normal.head(40)
    values = shapley_values(
        lambda d: d["a"] * d["b"], TabularProbe({"a": 2.0, "b": 1.0, "c": 0.0}, few, background_rows=40), store=None
    )
    a, b, product = few["a"].mean(), few["b"].mean(), (few["a"] * few["b"]).mean()
    assert values.exact
    assert values.table.set_index("features")["index"].to_dict() == pytest.approx(
        {"a": (2 * b - product + 2 - a) / 2, "b": (a - product + 2 - 2 * b) / 2, "c": 0.0}
    )


def test_an_empty_background_is_refused_before_anything_is_asked(normal):
    model = Counting()
    with pytest.raises(InputError, match="background must hold at least one row"):
        explain(model, normal.iloc[[0]], background=normal.iloc[:0], store=None)
    assert model.rows == 0


def test_one_background_row_is_a_baseline():
    ex = explain(lambda X: X @ [1.0, 10.0], np.array([3.0, 4.0]), background=np.array([[1.0, 2.0]]), store=None)
    assert effects(ex) == pytest.approx({"x0": 2.0, "x1": 20.0})
    assert "Model: 43 for this input (the surrogate says 43), 21 for the reference" in str(ex)
    ex = explain(lambda X: X @ [1.0, 10.0], np.array([3.0, 4.0]), background=np.array([[1.0, 2], [0, 5]]), store=None)
    assert effects(ex) == pytest.approx({"x0": 2.5, "x1": 5.0})


def test_what_effects_are_measured_from_is_shown(normal):
    ex = explain(lambda d: d["a"] + 5, TabularProbe(normal.iloc[[0]], normal.head(8), background_rows=8), store=None)
    reference = normal.head(8)["a"].mean() + 5
    assert ex.y[1, 0] == pytest.approx(reference)
    assert f"{rounded(reference)} for the reference" in str(ex)
    assert sum(effects(ex).values()) == pytest.approx(ex.y[0, 0] - reference)


def test_wide_tables_are_asked_within_the_budget():
    wide = np.random.default_rng(0).normal(size=(30, 42))
    model = Counting(lambda X: X[:, 0] * 5 + X[:, 7])
    ex = explain(model, wide[0], background=wide, background_rows=2, budget=400, store=None)
    assert model.rows <= 400 + 8
    assert set(ex.attributions["feature"].head(2)) <= {"x0", "x7"}


def test_long_backgrounds_are_not_multiplied_in_memory():
    long = np.random.default_rng(0).normal(size=(20_000, 20))
    model = Counting(lambda X: X[:, 0])
    ex = explain(model, long[0], background=long, budget=2_000, store=None)
    assert max(map(len, model.batches)) <= 256
    assert any(note.startswith("10 of 20000 background rows stand for all") for note in ex.warnings)


def test_columns_that_go_together_are_noted(normal):
    twins = normal.assign(b=normal["a"] + 0.1 * normal["b"])
    ex = explain(lambda d: d["a"] + d["b"], {"a": 2.0, "b": 2.0, "c": 0.0}, background=twins, store=None)
    assert any(note.startswith("Strongly correlated, with large effects") for note in ex.warnings)
    together = TabularProbe({"a": 2.0, "b": 2.0, "c": 0.0}, twins, groups={"a and b": ["a", "b"]})
    assert not any("correlated" in note for note in explain(lambda d: d["a"] + d["b"], together, store=None).warnings)


def test_explaining_leaves_model_and_data_as_they_were(normal):
    before = normal.copy()
    labels = np.where(normal["a"] > 0, "up", "down")
    model = LogisticRegression().fit(normal, labels)
    weights = model.coef_.copy()
    explain(model, normal.iloc[[5]], background=normal, budget=200, store=None)

    def greedy(d):
        d["a"] = 0.0
        return d["b"]

    ex = explain(greedy, normal.iloc[[5]], background=normal, store=None)
    assert effects(ex)["a"] == pytest.approx(0.0)
    pd.testing.assert_frame_equal(normal, before)
    np.testing.assert_array_equal(model.coef_, weights)  # exact: nothing is fitted again


def test_several_rows_are_refused_with_the_way_out(normal):
    with pytest.raises(InputError, match=r"be a single row|explain_many\(\)"):
        explain(lambda d: d["a"], normal.head(3), background=normal, store=None)
    many = explain_many(lambda d: d["a"], normal.head(3), background=normal, background_rows=2, budget=60, store=None)
    assert [entry.label for entry in many.entries] == [0, 1, 2]


def test_the_price_is_said_before_it_is_paid(normal):
    model = Counting(lambda Z: Z.sum(axis=1))
    forecast = estimate(model, MaskProbe(30), budget=100, trial=0, store=None)
    assert model.rows == 0
    explain(model, MaskProbe(30), budget=100, store=None)
    assert model.rows == forecast.questions + forecast.checks
    before = model.rows
    explain(model, MaskProbe(30), store=None)
    default = estimate(model, MaskProbe(30), trial=0, store=None)
    assert model.rows - before == default.questions + default.checks
