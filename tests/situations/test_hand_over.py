"""Situations of docs/situations.md: files, plots, pages, workers and progress."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import IsolationForest, RandomForestClassifier

from probes import MaskProbe
from surrogates import Anchor, Explanation, ExplanationSet, ShapleyValues, anchor, explain, explain_many, shapley_values
from tests.helpers.effects import effects

X, Y = load_iris(return_X_y=True, as_frame=True)


def smooth(Z):
    return 2 * Z[:, 0] - Z[:, 3]


@pytest.fixture(scope="module")
def forest():
    return RandomForestClassifier(10, random_state=0).fit(X, Y.map({0: "s", 1: "c", 2: "v"}))


@pytest.fixture
def classes(forest):
    """All three classes of one flower."""
    return explain(forest, X.iloc[[60]], background=X[::25], target="all", store=None)


def test_a_result_is_saved_without_its_model(tmp_path):
    ex = explain(lambda Z: smooth(Z), MaskProbe(6), store=None)  # a function that cannot be pickled
    ex.to_json(tmp_path / "why.json")
    back = Explanation.from_json(tmp_path / "why.json")
    assert effects(back) == pytest.approx(effects(ex))
    Z = np.eye(6)
    np.testing.assert_allclose(back.predict(Z), ex.predict(Z))
    assert isinstance(json.loads((tmp_path / "why.json").read_text(encoding="utf-8")), dict)


def test_values_are_saved_too(tmp_path):
    values = shapley_values(smooth, MaskProbe(6), store=None)
    values.to_json(tmp_path / "values.json")
    np.testing.assert_allclose(ShapleyValues.from_json(tmp_path / "values.json").values, values.values)
    rule = anchor(smooth, MaskProbe(6), store=None)
    rule.to_json(tmp_path / "rule.json")
    assert Anchor.from_json(tmp_path / "rule.json").words == rule.words
    explain_many(smooth, [MaskProbe(4)] * 2, output=tmp_path / "all.jsonl", store=None)
    assert len(ExplanationSet.from_jsonl(tmp_path / "all.jsonl")) == 2


@pytest.mark.xdist_group("servers")  # where processes run already
def test_a_local_function_goes_to_workers(tmp_path, monkeypatch):
    monkeypatch.setattr("surrogates.many.explain_many.STARTING", 0.0)  # whatever little there is to do
    weight, seen = 2.0, tmp_path

    def local(Z):
        (seen / str(os.getpid())).touch()
        return weight * Z[:, 0]

    many = explain_many(local, [MaskProbe(4)] * 4, n_jobs=2, store=None)
    assert not many.failures
    assert [effects(ex)["x0"] for ex in many] == pytest.approx([2.0] * 4)
    assert any(path.name != str(os.getpid()) for path in seen.iterdir())


def test_many_rows_are_one_stream_of_questions(forest):
    batches = []

    def counted(d):
        batches.append(len(d))
        return forest.predict_proba(d)[:, 0]

    many = explain_many(counted, X.head(6), background=X[::50], budget=60, store=None)
    assert len(many) == 6
    assert len(batches) < 20  # not one call a row and question
    single = explain(lambda d: forest.predict_proba(d)[:, 0], X.iloc[[3]], background=X[::50], budget=60, store=None)
    assert effects(list(many)[3]) == pytest.approx(effects(single))


def test_nothing_is_printed_unless_asked(capsys):
    explain(smooth, MaskProbe(10), budget=80, store=None)
    explain(smooth, MaskProbe(10), budget=80, progress=False, store=None)
    explain_many(smooth, [MaskProbe(5)] * 3, progress=False, store=None)
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""


def test_a_progress_bar_shows_on_request(capsys):
    explain_many(smooth, [MaskProbe(5)] * 3, progress=True, store=None)
    assert "3/3" in capsys.readouterr().err


def test_a_waterfall_of_one_of_several_outputs(classes):
    shap = pytest.importorskip("shap", reason="shap is not installed")
    converted = classes.to_shap()
    assert converted.values.shape == (4, 3)
    for k in range(3):
        assert converted[:, k].base_values + converted[:, k].values.sum() == pytest.approx(classes.y[0, k])
    shap.plots.waterfall(converted[:, 2], show=False)


def test_a_force_plot_of_one_output(forest):
    shap = pytest.importorskip("shap", reason="shap is not installed")
    converted = explain(forest, X.iloc[[60]], background=X[::25], store=None).to_shap()
    assert np.ndim(converted.base_values) == 0
    parts = (converted.base_values, converted.values, converted.data, converted.feature_names)
    shap.plots.force(*parts, matplotlib=True, show=False)


def test_a_table_stands_in_order_of_size(classes):
    for _, part in classes.attributions.groupby("output"):
        assert (np.diff(part["attribution"].abs()) <= 1e-12).all()
    part = classes.attributions[classes.attributions["output"] == "v"]
    labels = [label.get_text() for label in classes.plot(output="v").get_yticklabels()]
    assert [label.split(" = ")[0] for label in labels] == part["feature"].tolist()


def test_a_plot_is_a_matplotlib_axis_that_can_be_saved(classes, tmp_path):
    axis = classes.plot(output="v")
    axis.figure.savefig(tmp_path / "why.png")
    assert (tmp_path / "why.png").stat().st_size > 1000
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert any("petal length" in label for label in labels)


def test_a_page_is_one_file_that_opens_anywhere(classes, harmless):
    page = classes.report("why.html").read_text(encoding="utf-8")
    harmless(page)
    assert "petal length (cm)" in page


def test_long_names_are_not_cut_from_the_table():
    long = "the number of days since the customer's last contact with any branch of the bank"
    table = pd.DataFrame({long: [1.0, 2.0], "b": [0.0, 1.0]})
    ex = explain(lambda d: d[long], table.iloc[[0]], background=table, store=None)
    assert ex.attributions.loc[0, "feature"] == long
    assert long.replace("'", "&#39;") in ex.report("why.html").read_text(encoding="utf-8")


def test_a_beeswarm_of_scores_of_outliers():
    shap = pytest.importorskip("shap", reason="shap is not installed")
    model = IsolationForest(n_estimators=10, random_state=0).fit(X)
    converted = explain_many(model, X[::40], background=X[::25], budget=160, store=None).to_shap()
    assert converted.values.shape == (4, 4)
    np.testing.assert_allclose(converted.values.sum(axis=1) + converted.base_values, model.decision_function(X[::40]))
    shap.plots.beeswarm(converted, show=False)


def test_another_class_of_known_answers_costs_nothing(forest, tmp_path):
    store = tmp_path / "answers.sqlite"
    first = explain(forest, X.iloc[[60]], background=X[::25], store=store)
    second = explain(forest, X.iloc[[60]], background=X[::25], target="v", store=store)
    assert first.answers.cost.rows > 0
    assert second.answers.cost.rows == 0
