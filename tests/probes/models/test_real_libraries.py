"""Boosters and results of the real libraries, by the front door: right numbers, kept answers, fingerprints.

Each test skips where its library is not installed.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from probes import Store, TabularProbe, as_model
from surrogates import explain
from tests.helpers.checkout import ROOT, environment


def table(categories: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200), "c": rng.integers(0, 3, 200).astype(float)})
    y = 2 * X["a"] - X["b"] * X["c"] + 0.1 * rng.normal(size=200)
    if categories:
        X["d"] = pd.Categorical(rng.choice(["u", "v", "w"], 200))
        y = y + 3 * (X["d"] == "u")
    return X, y.to_numpy()


#: quick to fit, on one thread
LIGHT = {"verbose": -1, "num_threads": 1}
FAST = {"n_estimators": 5, "n_jobs": 1}
CAT = {"iterations": 5, "verbose": 0, "thread_count": 1, "allow_writing_files": False}


def of_lightgbm(X: pd.DataFrame, y: np.ndarray) -> dict:
    lgb = pytest.importorskip("lightgbm")
    return {
        "Booster": lgb.train({**LIGHT, "objective": "regression"}, lgb.Dataset(X, y), 5),
        "Booster of classes": lgb.train(
            {**LIGHT, "objective": "multiclass", "num_class": 3}, lgb.Dataset(X, np.digitize(y, [-1, 1])), 5
        ),
        "LGBMRegressor": lgb.LGBMRegressor(**FAST, verbose=-1).fit(X, y),
        "LGBMClassifier": lgb.LGBMClassifier(**FAST, verbose=-1).fit(X, np.where(y > 0, "yes", "no")),
    }


def of_xgboost(X: pd.DataFrame, y: np.ndarray) -> dict:
    xgb = pytest.importorskip("xgboost")
    data = xgb.DMatrix(X, y, enable_categorical=True)
    return {
        "Booster": xgb.train({"nthread": 1, "max_depth": 3}, data, 5),
        "XGBRegressor": xgb.XGBRegressor(**FAST, enable_categorical=True).fit(X, y),
        "XGBClassifier": xgb.XGBClassifier(**FAST, enable_categorical=True).fit(X, (y > 0).astype(int)),
    }


def of_catboost(X: pd.DataFrame, y: np.ndarray) -> dict:
    cb = pytest.importorskip("catboost")
    given = {**CAT, "cat_features": [c for c in X if X[c].dtype == "category"]}
    return {
        "CatBoost": cb.CatBoost({**given, "loss_function": "RMSE"}).fit(X, y),
        "CatBoostRegressor": cb.CatBoostRegressor(**given).fit(X, y),
        "CatBoostClassifier": cb.CatBoostClassifier(**given).fit(X, np.where(y > 0, "yes", "no")),
    }


def of_statsmodels(X: pd.DataFrame, y: np.ndarray) -> dict:
    sm = pytest.importorskip("statsmodels.api")
    smf = pytest.importorskip("statsmodels.formula.api")
    both, numbers = X.assign(y=y, k=(y > 0).astype(int), t=np.exp(y / 5)), X[["a", "b", "c"]]
    formulas = {
        "ols": smf.ols("y ~ a + b * c + np.exp(a)", both).fit(),
        "logit": smf.logit("k ~ a + C(c)", both).fit(disp=0),
        "glm": smf.glm("k ~ a + b", both, family=sm.families.Binomial()).fit(),
        "phreg": smf.phreg("t ~ a + b", both, status=both["k"].to_numpy()).fit(),
    }
    if "d" in X:
        return {"ols of categories": smf.ols("y ~ a + d", both).fit(), **formulas}
    return formulas | {
        "OLS": sm.OLS(y, numbers).fit(),
        "GLM": sm.GLM(np.abs(y).round(), numbers, family=sm.families.Poisson()).fit(),
        "MNLogit": sm.MNLogit(np.digitize(y, [-1, 1]), numbers[["a", "b"]].assign(c=1.0)).fit(disp=0),
        "Cox": sm.PHReg(np.exp(y / 5), numbers, status=both["k"]).fit(),
    }


LIBRARIES = {f.__name__: f for f in (of_lightgbm, of_xgboost, of_catboost, of_statsmodels)}


def predicted(model: object, X: pd.DataFrame) -> np.ndarray:
    """What the object itself predicts ``(n, k)``."""
    if type(model).__module__.startswith("xgboost.core"):
        import xgboost

        values = model.predict(xgboost.DMatrix(X, enable_categorical=True))
    elif hasattr(model, "predict_proba"):
        values = model.predict_proba(X)
    else:
        named = {"exog": X} if type(model).__module__.startswith("statsmodels") else {"data": X}
        values = model.predict(**named) if "exog" in named or hasattr(model, "iterations") else model.predict(X)
    values = getattr(values, "predicted_values", values)
    return np.asarray(values, dtype=float).reshape(len(X), -1)


@pytest.mark.parametrize("categories", [False, True])
@pytest.mark.parametrize("library", LIBRARIES)
def test_answers_are_the_objects_on_the_instance_and_on_masked_rows(library, categories):
    X, y = table(categories)
    for label, model in LIBRARIES[library](X, y).items():
        probe = TabularProbe(X.iloc[3], X)
        answers = explain(model, probe, budget=120, store=None).answers
        np.testing.assert_allclose(answers.y[0], predicted(model, X.iloc[[3]])[0], rtol=1e-5, err_msg=label)
        rows = predicted(model, probe.render(answers.design.Z[:4])).reshape(4, probe.replicates, -1)
        np.testing.assert_allclose(answers.y[:4], rows.mean(axis=1), rtol=1e-5, atol=1e-6, err_msg=label)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_fingerprint_is_of_the_fit_and_outlives_the_process(library, tmp_path):
    X, y = table()
    fitted, other = LIBRARIES[library](X, y), LIBRARIES[library](X, y + 3 * X["b"].to_numpy())
    marks = {label: as_model(model).identity() for label, model in fitted.items()}
    assert all(mark.persistent for mark in marks.values()), marks
    assert {label: as_model(m).identity() for label, m in LIBRARIES[library](X, y).items()} == marks
    for label, model in other.items():
        assert as_model(model).identity() != marks[label], label
    for label, model in fitted.items():
        explain(model, TabularProbe(X.iloc[3], X), budget=120, store=Store(tmp_path / "a.sqlite"))
        if getattr(getattr(model, "model", None), "formula", None) is None:  # patsy's formulas cannot be pickled
            assert as_model(pickle.loads(pickle.dumps(model))).identity() == marks[label], label
    code = """
import sys
from probes import Store, TabularProbe
from surrogates import explain
from tests.probes.models.test_real_libraries import LIBRARIES, table
X, y = table()
for label, model in LIBRARIES[sys.argv[1]](X, y).items():
    cost = explain(model, TabularProbe(X.iloc[3], X), budget=120, store=Store(sys.argv[2])).answers.cost
    print(label, cost.rows, cost.reused > 0, sep=":")
"""
    env = environment(PYTHONPATH=os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    command = [sys.executable, "-c", code, library, str(tmp_path / "a.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    assert sorted(done.stdout.split("\n")[:-1]) == sorted(f"{label}:0:True" for label in fitted), done.stderr[-2000:]


def test_a_formula_that_calls_the_users_function_is_not_identified():
    smf = pytest.importorskip("statsmodels.formula.api")
    X, y = table()

    def squared(v):
        return v**2

    results = smf.ols("y ~ a + squared(b)", X.assign(y=y)).fit()
    assert squared(2) == 4 and not as_model(results).identity().persistent
    assert as_model(smf.ols("y ~ a + I(b ** 2)", X.assign(y=y)).fit()).identity().persistent
