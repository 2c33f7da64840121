"""The same promises, run over every probe, every kind of model and every family. A new one is added to a list.

The list of probes is in ``tests/helpers/example_probes.py``.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from probes import (
    CallableModel,
    EstimatorModel,
    Store,
    TabularProbe,
    as_model,
    ask,
    sample,
)
from probes.digests import digest_rows
from surrogates import FAMILIES, Explanation, explain
from tests.helpers.cheap_families import cheap
from tests.helpers.example_probes import PROBES

X, y = load_iris(return_X_y=True, as_frame=True)
NAMES = y.map({0: "setosa", 1: "versicolor", 2: "virginica"})


def score(inputs):
    """A number for any input, so that every probe can be asked with one model."""
    return [int.from_bytes(d[:4], "big") / 2**32 for d in digest_rows(inputs)]


@pytest.fixture(params=PROBES, ids=str)
def probe(request):
    return PROBES[request.param]


def test_probe_renders_replicates_for_each_row(probe):
    Z = sample(probe.features, 8, np.random.default_rng(0)).Z if len(probe.features) < 3 else None
    Z = np.vstack([probe.instance, probe.reference, probe.instance]) if Z is None else Z
    assert len(probe.render(Z)) == len(Z) * probe.replicates


def test_probe_renders_the_same_each_time_and_keeps_rows_apart(probe):
    Z = np.vstack([probe.instance, probe.reference])
    first, second = (digest_rows(probe.render(Z)) for _ in range(2))
    assert first == second
    assert set(first[: probe.replicates]) != set(first[probe.replicates :])


def test_probe_row_alone_is_the_row_among_others(probe):
    Z = np.vstack([probe.instance, probe.reference, probe.instance])
    together = digest_rows(probe.render(Z))
    for i in range(3):
        assert digest_rows(probe.render(Z[[i]])) == together[i * probe.replicates : (i + 1) * probe.replicates]


def test_probe_features_have_names_of_their_own_and_views_are_json(probe):
    names = [f.name for f in probe.features]
    assert len(set(names)) == len(names) >= 2
    assert json.loads(json.dumps(probe.view()))["kind"]
    assert len(probe.digest) == 64


def test_probe_is_explained_saved_and_reported(probe):
    ex = explain(as_model(score), probe, budget=40 * probe.replicates, store=None)
    back = Explanation.from_json(ex.to_json())
    np.testing.assert_allclose(
        back.predict(ex.answers.design.Z), ex.predict(ex.answers.design.Z), rtol=1e-12, atol=1e-12
    )
    assert "could not be drawn" not in ex.report("r.html").read_text()


TABLE = TabularProbe(X.loc[100], X, background_rows=4)
MODELS = {
    "callable": CallableModel(lambda rows: rows.iloc[:, 0].to_numpy(), "first-column"),
    "callable one by one": CallableModel(lambda row: row.iloc[0, 0], "one", batched=False),
    "callable frame": CallableModel(lambda rows: rows.iloc[:, :2].set_axis(["p", "q"], axis=1), "frame"),
    "forest": EstimatorModel(RandomForestClassifier(10, random_state=0).fit(X, NAMES)),
    "pipeline": as_model(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, NAMES)),
    "margins": as_model(LinearSVC().fit(X, NAMES)),
    "binary margin": as_model(LinearSVC().fit(X, NAMES == "setosa")),
    "regression": as_model(LinearRegression().fit(X, y)),
}


@pytest.fixture(params=MODELS, ids=str)
def model(request):
    return MODELS[request.param]


def test_model_answers_finite_rows_with_names_and_a_stable_identity(model):
    design = sample(TABLE.features, 16, np.random.default_rng(0))
    answers = ask(model, TABLE, design, Store())
    assert answers.y.shape == (len(design), len(answers.outputs))
    assert np.isfinite(answers.y).all()
    assert model.identity() == model.identity()
    assert model.identity().persistent
    assert answers.unit == model.unit


def test_model_answers_do_not_depend_on_the_batch(model):
    design = sample(TABLE.features, 16, np.random.default_rng(0))
    at_once = ask(model, TABLE, design, Store()).y
    usual = model.batch
    try:
        for size in (1, 3, 7):
            model.batch = size
            np.testing.assert_allclose(ask(model, TABLE, design, Store(), progress=True).y, at_once, atol=1e-12)
    finally:
        model.batch = usual


def test_model_is_not_asked_twice(model):
    store, design = Store(), sample(TABLE.features, 16, np.random.default_rng(0))
    first, second = (ask(model, TABLE, design, store) for _ in range(2))
    assert second.cost.rows == 0
    assert first.cost.rows + first.cost.reused == second.cost.reused
    np.testing.assert_array_equal(first.y, second.y)  # exact: answers come from the store bit for bit


@pytest.mark.parametrize("family", FAMILIES)
def test_family_explains_one_and_several_outputs(family):
    for target, k in ((None, 1), ("all", 3)):
        ex = explain(MODELS["forest"], TABLE, cheap(family), target=target, store=None)
        assert len(ex.fidelity.r2) == k
        assert ex.surrogate.n_features_in_ == 4
        assert {"output", "feature", "value", "attribution", "low", "high", "surrogate"} == set(ex.attributions)
        assert (ex.attributions["low"] <= ex.attributions["high"]).all()
        assert list(ex.terms.columns) == ["term", *ex.target.outputs]
        gap = ex.predict([f.instance for f in ex.features] * np.ones((1, 1))) - ex.predict(np.zeros((1, 4)))
        np.testing.assert_allclose(ex.shapley().sum(axis=1), np.ravel(gap), atol=1e-9)
