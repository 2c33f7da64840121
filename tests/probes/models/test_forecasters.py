"""Forecasters: outputs are the steps that follow a history."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import Forecaster, InputError, ModelError, SeriesProbe, as_model
from surrogates import explain

DAYS = pd.date_range("2024-03-01", periods=40)
PAST = pd.Series(np.sin(np.arange(40) / 4), DAYS)


def persistence(history):
    """Repeat the last week."""
    return np.asarray(history)[-7:]


class Results:
    """What results of statsmodels offer: another history may be applied, and is continued by the same parameters."""

    def __init__(self, weight, history=None):
        self.weight, self.history = weight, history

    def apply(self, history):
        return Results(self.weight, history)

    def forecast(self, steps):
        last = float(np.asarray(self.history)[-1])
        return pd.Series(last * self.weight ** np.arange(1, steps + 1))


def test_each_step_is_explained_by_the_past_that_it_comes_from():
    probe = SeriesProbe(PAST, [33, 34, 35, 36], fill=0.0)
    ex = explain(Forecaster(persistence, 7), probe, target=["t+1", "t+3"], store=None)
    first = ex.attributions.groupby("output", sort=False).first()
    assert list(first["feature"]) == ["2024-04-03", "2024-04-05"]
    np.testing.assert_allclose(first["attribution"], [PAST.iloc[33], PAST.iloc[35]])


def test_a_callable_is_given_the_history_in_the_form_of_the_user():
    seen = []
    explain(lambda batch: [seen.append(type(one)) or one.iloc[-1] for one in batch], SeriesProbe(PAST), budget=40,
            store=None)  # fmt: skip
    explain(Forecaster(lambda one: seen.append(type(one)) or one.iloc[-1]), SeriesProbe(PAST), budget=40, store=None)
    assert set(seen) == {pd.Series}


def test_results_that_take_another_history_are_adopted_as_they_are():
    model = as_model(Results(0.5))
    assert isinstance(model, Forecaster) and model.outputs == ("t+1",)
    np.testing.assert_allclose(
        Forecaster(Results(0.5), 3)([PAST, -PAST])[:, 2], [PAST.iloc[-1] / 8, -PAST.iloc[-1] / 8]
    )


def test_a_table_of_histories_is_forecast_row_by_row():
    table = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=list("abcd"))
    np.testing.assert_allclose(Forecaster(lambda row: row["d"])(table).ravel(), [3, 7, 11])


def test_a_batch_may_be_forecast_at_once_and_more_steps_are_cut():
    batched = Forecaster(lambda batch: np.asarray(batch)[:, -7:], 2, batched=True)
    np.testing.assert_allclose(batched(np.arange(20.0).reshape(2, 10)), [[3, 4], [13, 14]])


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (PAST, ("t+1 (2024-04-10)", "t+2 (2024-04-11)")),
        (pd.date_range("2024-01-31", periods=5, freq="ME"), ("t+1 (2024-06-30)", "t+2 (2024-07-31)")),
        (pd.date_range("2024-01-01", periods=5, freq="h"), ("t+1 (2024-01-01 05:00)", "t+2 (2024-01-01 06:00)")),
        (pd.period_range("2024-01", periods=5, freq="M"), ("t+1 (2024-06)", "t+2 (2024-07)")),
    ],
)
def test_steps_are_named_by_the_times_that_follow(after, names):
    assert Forecaster(persistence, 2, after=after).outputs == names


@pytest.mark.parametrize("after", [DAYS[[0, 1, 5]], pd.RangeIndex(9), [1, 2, 3]])
def test_times_without_a_regular_step_do_not_go_on(after):
    with pytest.raises(InputError, match="after must have times that go on in regular steps"):
        Forecaster(persistence, after=after)


@pytest.mark.parametrize("model", [3, "model.pkl", None])
def test_what_cannot_forecast_is_refused(model):
    with pytest.raises(InputError, match="model must be callable, or have apply and forecast"):
        Forecaster(model)


@pytest.mark.parametrize("answer", [[1.0], np.ones((3, 2)), "rain"])
def test_a_forecast_of_another_shape_is_an_error_in_words(answer):
    with pytest.raises(ModelError, match=r"forecast must hold 3 numbers, one a step|could not convert"):
        Forecaster(lambda history: answer, 3)(np.zeros((1, 5)))


def test_advice_on_batches_is_for_those_who_take_batches():
    with pytest.raises(ModelError) as raised:
        Forecaster(lambda history: 1 / 0)(np.zeros((1, 5)))
    assert "batched" not in str(raised.value)


def test_a_name_gives_it_an_identity():
    assert Forecaster(persistence, name="persistence-1").identity().persistent
    assert not Forecaster(persistence).identity().persistent
