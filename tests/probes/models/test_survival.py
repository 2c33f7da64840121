"""Survival models: the probability of surviving beyond chosen times."""

import numpy as np
import pandas as pd
import pytest

from probes import SurvivalModel
from probes.errors import InputError, ModelError
from surrogates import explain

RNG = np.random.default_rng(0)
PATIENTS = pd.DataFrame({"age": RNG.normal(60, 10, 150), "dose": RNG.normal(size=150), "noise": RNG.normal(size=150)})
TIMES = RNG.exponential(500 * np.exp(-(PATIENTS["age"] - 60) / 10))
DIED = RNG.random(150) < 0.7
OLDEST = PATIENTS.loc[[PATIENTS["age"].idxmax()]]


class Steps:
    """Answers as scikit-survival does: one function for each row."""

    unique_times_ = np.array([1.0, 1000.0])

    def predict_survival_function(self, X):
        return [lambda t, rate=rate: np.exp(-rate * t) for rate in np.exp((X["age"] - 60) / 10) / 500]


class Frame:
    """Answers as lifelines does: a column for each row."""

    def predict_survival_function(self, X, times=None):
        rates = np.exp((X["age"] - 60) / 10).to_numpy() / 500
        return pd.DataFrame({i: np.exp(-rate * np.array(times)) for i, rate in enumerate(rates)}, index=times)


@pytest.mark.parametrize("kind", [Steps, Frame])
def test_effects_are_of_survival_at_each_time(kind):
    model = SurvivalModel(kind(), [100, 365.5], name="exponential")
    ex = explain(model, PATIENTS.iloc[0], background=PATIENTS, target="all", store=None)
    assert ex.target.outputs == ("S(100 days)", "S(365.5 days)")
    rate = np.exp((PATIENTS["age"].iloc[0] - 60) / 10) / 500
    np.testing.assert_allclose(ex.y[0], np.exp(-rate * np.array([100, 365.5])))
    assert set(ex.attributions.groupby("output")["feature"].first()) == {"age"}
    assert "survival probability" in str(ex)


def test_scikit_survival_answers_as_when_called_directly():
    linear = pytest.importorskip("sksurv.linear_model", reason="scikit-survival is not installed")
    from sksurv.util import Surv

    cox = linear.CoxPHSurvivalAnalysis().fit(PATIENTS, Surv.from_arrays(DIED, TIMES))
    ex = explain(SurvivalModel(cox, [200]), OLDEST, background=PATIENTS, store=None)
    assert ex.y[0, 0] == pytest.approx(cox.predict_survival_function(OLDEST)[0](200))
    assert ex.attributions["feature"][0] == "age"
    with pytest.raises(InputError, match="the last that the model was fitted with"):
        SurvivalModel(cox, [1e6])


def test_lifelines_answers_as_when_called_directly():
    lifelines = pytest.importorskip("lifelines", reason="lifelines is not installed")
    cox = lifelines.CoxPHFitter().fit(PATIENTS.assign(T=TIMES, E=DIED), "T", "E")
    ex = explain(SurvivalModel(cox, [200]), OLDEST, background=PATIENTS, store=None)
    assert ex.y[0, 0] == pytest.approx(cox.predict_survival_function(OLDEST, times=[200]).iloc[0, 0])
    assert ex.attributions["feature"][0] == "age"


@pytest.mark.parametrize("times", [[], 100, "100", [-1.0], [np.inf], [True], [5, 5], [5000]])
def test_wrong_times_are_refused(times):
    with pytest.raises(InputError, match="times must"):
        SurvivalModel(Steps(), times)


def test_a_model_without_survival_function_is_refused():
    with pytest.raises(InputError, match="predict_survival_function"):
        SurvivalModel(object(), [1])


def test_what_the_model_raises_is_named():
    class Broken:
        def predict_survival_function(self, X):
            raise KeyError("age")

    with pytest.raises(ModelError, match="predict_survival_function raised KeyError"):
        SurvivalModel(Broken(), [1], name="broken")(PATIENTS)


def test_other_times_are_another_model():
    assert SurvivalModel(Steps(), [1], name="a").identity() != SurvivalModel(Steps(), [2], name="a").identity()
