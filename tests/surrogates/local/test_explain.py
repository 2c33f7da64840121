"""The whole flow, as a user meets it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from probes import InputError, IomapError, MaskProbe, ModelError, Store, TabularProbe, Target, TextProbe, as_model, cube
from probes.rounding import score
from surrogates import Explanation, SparseLinear, explain
from tests.helpers.cheap_families import cheap
from tests.helpers.checkout import environment


def additive(Z):
    return 3 * Z[:, 0] - 2 * Z[:, 1] + 0.5


def test_additive_function_is_found_and_trusted():
    ex = explain(additive, MaskProbe(12), budget=100, store=None)
    assert ex.fidelity.r2[0] == pytest.approx(1.0)
    assert list(ex.attributions["feature"][:2]) == ["x0", "x1"]
    np.testing.assert_allclose(ex.attributions["attribution"][:2], [3, -2], atol=1e-6)
    assert ex.fidelity.verdict == "Trust the order of the top 2, and the sizes."
    assert not ex.fidelity.exact


def test_xor_is_not_explained_by_main_effects_and_says_so():
    ex = explain(lambda Z: (Z[:, 0] != Z[:, 1]).astype(float), MaskProbe(12), budget=200, store=None)
    assert ex.fidelity.r2[0] < 0.05
    assert ex.fidelity.verdict.startswith("Do not")


def test_negative_fidelity_is_shown_as_negative():
    noise = np.random.default_rng(0).normal(size=2**12)
    ex = explain(lambda Z: noise[(Z @ (1 << np.arange(12))).astype(int)], MaskProbe(12), budget=80, store=None)
    assert ex.fidelity.r2[0] < 0
    assert f"R² {score(ex.fidelity.r2[0])}" in str(ex)
    assert "−" in ex.report("r.html").read_text().split("Fidelity R²")[1][:8]


def test_permuted_answers_find_nothing():
    effects = [
        explain(additive, MaskProbe(10), budget=100, store=None, random_state=s).fidelity.permuted[0] for s in range(10)
    ]
    assert np.mean(effects) <= 0.05


def test_constant_answers_are_said_to_be_constant():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ex = explain(lambda Z: np.ones(len(Z)), MaskProbe(6), budget=40, store=None)
    assert np.isnan(ex.fidelity.r2[0])
    assert "same answer" in ex.fidelity.verdict
    assert "The model's answer never changed." in ex.warnings
    assert Explanation.from_json(ex.to_json()).fidelity.verdict == ex.fidelity.verdict
    ex.report("constant.html")


def test_leave_one_out_baseline_is_exact_for_an_additive_function():
    ex = explain(additive, MaskProbe(8), budget=100, store=None)
    assert ex.fidelity.leave_one_out[0] == pytest.approx(1.0)
    dear = explain(additive, MaskProbe(40), budget=100, store=None)
    assert np.isnan(dear.fidelity.leave_one_out[0])


def test_same_seed_same_questions_same_answer():
    asked = []

    def model(Z):
        asked.append(Z.copy())
        return additive(Z)

    runs = [explain(model, MaskProbe(10), budget=60, store=None, random_state=seed) for seed in (7, 7, 8)]
    half = len(asked) // 3
    for a, b in zip(asked[:half], asked[half : 2 * half], strict=True):
        np.testing.assert_array_equal(a, b)  # exact: one seed, one design
    a, b, c = (json.loads(r.to_json()) for r in runs)
    for run in (a, b, c):
        run["answers"]["cost"]["seconds"] = run["provenance"]["cost"]["seconds"] = run["provenance"]["model"] = 0
        run["answers"]["model"] = 0
    assert a == b
    assert a["answers"]["Z"] != c["answers"]["Z"]


def test_budget_is_a_cap_on_model_inputs():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 8)), columns=list("abcdefgh"))
    for budget in (130, 257, 1000):
        ex = explain(lambda rows: rows["a"].to_numpy(), TabularProbe(X.loc[0], X), budget=budget, store=None)
        assert ex.provenance["cost"]["rows"] <= budget


def test_several_outputs_share_one_set_of_questions():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = y.map({0: "setosa", 1: "versicolor", 2: "virginica"})
    forest = RandomForestClassifier(20, random_state=0).fit(X, names)
    ex = explain(forest, TabularProbe(X.loc[100], X), target="all", store=None)
    assert ex.target.outputs == ("setosa", "versicolor", "virginica")
    assert ex.fidelity.table.shape[0] == 3
    assert set(ex.attributions["output"]) == set(ex.target.outputs)
    sums = ex.attributions.groupby("feature")["attribution"].sum()
    np.testing.assert_allclose(sums, 0, atol=1e-9)  # probabilities add up to one
    assert ex.predict(np.ones((2, 4))).shape == (2, 3)
    assert explain(forest, TabularProbe(X.loc[100], X), store=None).target.outputs == ("virginica",)
    assert explain(forest, TabularProbe(X.loc[100], X), target="setosa", store=None).target.outputs == ("setosa",)


def test_plain_inputs_find_their_probe():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    forest = RandomForestRegressor(10, random_state=0).fit(X, y)
    rows = [X.loc[5], X.loc[[5]], X.loc[5].to_dict()]
    attributions = [explain(forest, row, background=X, budget=200, store=None).attributions for row in rows]
    pd.testing.assert_frame_equal(attributions[0], attributions[1])
    pd.testing.assert_frame_equal(attributions[0], attributions[2])
    assert explain(lambda ts: [len(t) for t in ts], "three short words", store=None).view["kind"] == "text"


@pytest.mark.parametrize(
    ("kwargs", "parameter"),
    [
        ({"probe": ""}, "text"),
        ({"probe": "one"}, "text"),
        ({"probe": 5}, "probe"),
        ({"probe": {"a": 1}}, "background"),
        ({"probe": pd.Series({"a": 1})}, "background"),
        ({"family": "forest"}, "family"),
        ({"family": SparseLinear}, "family"),
        ({"budget": 3}, "budget"),
        ({"budget": 11, "probe": "a b c d e f g h"}, "budget"),
        ({"budget": 2.5}, "budget"),
        ({"budget": True}, "budget"),
        ({"random_state": "x"}, "random_state"),
        ({"random_state": -1}, "random_state"),
        ({"store": 5}, "store"),
        ({"model": 5}, "model"),
        ({"model": RandomForestClassifier()}, "model"),
    ],
)
def test_bad_input_names_parameter_rule_and_value_before_any_call(kwargs, parameter):
    calls = []

    def model(texts):
        calls.append(texts)
        return [len(t) for t in texts]

    arguments = {"model": model, "probe": "four words are here", "store": None, **kwargs}
    with pytest.raises(InputError, match=rf"^{parameter} must .+; got .+\.$"):
        explain(**arguments)
    assert calls == []


@pytest.mark.parametrize("target", ["nonsense", 7, [], ["output", "no"], Target("identity", (4,), ("x",), "u")])
def test_unknown_targets_list_the_outputs(target):
    with pytest.raises(InputError, match=r"^target must"):
        explain(additive, MaskProbe(6), target=target, store=None)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda Z: np.full(len(Z), np.nan), "finite"),
        (lambda Z: np.full(len(Z), np.inf), "finite"),
        (lambda Z: np.zeros(len(Z) + 1), "one row"),
        (lambda Z: ["good"] * len(Z), "labels"),
        (lambda Z: 1 / 0, "ZeroDivisionError"),
        (lambda Z: None, "numbers"),
    ],
)
def test_models_that_cannot_be_explained_say_why(model, words):
    with pytest.raises(ModelError, match=words):
        explain(model, MaskProbe(6), store=None)


def test_user_target_functions_and_their_errors():
    ex = explain(lambda Z: Z[:, :2], MaskProbe(6), target=lambda raw: raw[:, 0] - raw[:, 1], store=None)
    np.testing.assert_allclose(ex.attributions["attribution"][:2].abs(), 1, atol=1e-9)
    with pytest.raises(ModelError, match="target function"):
        explain(additive, MaskProbe(6), target=lambda raw: raw * np.nan, store=None)


@pytest.mark.parametrize("family", ["linear", "tree"])
def test_json_round_trip_predicts_attributes_and_reports(family):
    words = ["the", "plot", "is", "not", "good", "but", "the", "cast", "is", "great"]
    ex = explain(
        lambda texts: [("good" in t) * (1 - 2 * ("not" in t)) + ("great" in t) for t in texts],
        TextProbe(" ".join(words)),
        cheap(family),
        budget=64,
        store=None,
    )
    ex.to_json("ex.json")
    back = Explanation.from_json(Path("ex.json"))
    Z = cube(len(words))
    np.testing.assert_allclose(back.predict(Z), ex.predict(Z), rtol=1e-12, atol=1e-12)
    pd.testing.assert_frame_equal(back.attributions, ex.attributions)
    assert str(back) == str(ex)
    assert back.to_json() == ex.to_json()
    assert back.report("b.html").read_text() == ex.report("a.html").read_text()
    assert back.answers.design.digest == ex.answers.design.digest
    np.testing.assert_allclose(back.shapley().sum(), (ex.predict(Z[-1:]) - ex.predict(Z[:1]))[0], atol=1e-12)


@pytest.mark.parametrize("rows", ["text", None, [[1, 2]], [[1, 0, float("nan")]], [1, 0, 1]])
def test_what_is_no_row_of_the_features_is_refused_in_words(rows):
    ex = explain(lambda Z: Z[:, 0], MaskProbe(3), store=None)
    with pytest.raises(InputError, match="Z must be rows of 3 finite numbers, one for each feature"):
        ex.predict(rows)


@pytest.mark.parametrize(
    ("arguments", "said"), [((3,), "kind must be the name of a plot"), ((None, "x"), "ax must be Axes of matplotlib")]
)
def test_a_plot_into_what_is_no_axes_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        explain(lambda Z: Z[:, 0], MaskProbe(3), store=None).plot(*arguments)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": 99}', '{"schema": 1}', "nothing.json"])
def test_files_that_are_no_explanation_are_refused(text):
    with pytest.raises(InputError, match=r"^source must"):
        Explanation.from_json(text)


@pytest.mark.xdist_group("shap")
def test_shap_explanation_adds_up():
    pytest.importorskip("shap", reason="shap is not installed")
    ex = explain(additive, MaskProbe(10), budget=100, store=None)
    converted = ex.to_shap()
    assert converted.values.shape == (10,)
    assert converted.values.sum() + converted.base_values == pytest.approx(additive(np.ones((1, 10)))[0])
    several = explain(lambda Z: Z[:, :3], MaskProbe(10), budget=100, store=None).to_shap()
    assert several.values.shape == (10, 3)


def test_plot_returns_the_axes_it_was_given():
    import matplotlib.pyplot as plt

    ex = explain(additive, MaskProbe(10), budget=100, store=None)
    _, ax = plt.subplots()
    assert ex.plot(ax, max_features=4) is ax
    assert len(ax.patches) == 4
    with pytest.raises(InputError, match="output must"):
        ex.plot(output="no")
    plt.close("all")


RUN = """
import time
from probes import MaskProbe, as_model
from surrogates import explain

def slow(Z):
    with open("asked.txt", "a") as log:
        for row in Z:
            time.sleep(0.01)
            log.write("".join(str(int(v)) for v in row) + "\\n")
            log.flush()
    return Z[:, 0] * 2 - Z[:, 1]

model = as_model(slow, name="slow-v1")
model.batch = 8
ex = explain(model, MaskProbe(14), budget=150, store="kept.sqlite", progress=False)
cost = ex.provenance["cost"]
"""


def test_a_killed_run_resumes_and_repeats_no_finished_batch():
    process = subprocess.Popen([sys.executable, "-c", RUN], env=environment())
    log, patience = Path("asked.txt"), 6000
    while not log.exists() or len(log.read_text().splitlines()) < 40:
        time.sleep(0.02)
        patience -= 1
        assert process.poll() is None and patience, "it did not ask"
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    before = log.read_text().splitlines()

    def run_again():
        names = {}
        exec(RUN, names)
        return names["cost"]["rows"], names["cost"]["reused"]

    rows, reused = run_again()
    after = log.read_text().splitlines()[len(before) :]
    assert rows + reused == len(set(before) | set(after))
    # only the batch that was being answered when it was killed may be asked again, and two to see noise
    assert len(set(before) & set(after)) <= 8 + 2
    assert reused >= len(set(before)) - 8
    assert run_again()[0] == 0


def test_errors_share_one_base():
    with pytest.raises(IomapError):
        explain(additive, "")
    with pytest.raises(ValueError, match="text must"):
        explain(additive, "")


def test_named_callables_are_remembered_and_unnamed_ones_are_not():
    for name, second in (("additive-v1", 0), (None, 40)):
        counts = [
            explain(as_model(additive, name), MaskProbe(10), budget=40).provenance["cost"]["rows"] for _ in range(2)
        ]
        assert counts[0] > 0
        assert (counts[1] > 0) == (second > 0)


@pytest.mark.parametrize(("module", "extra"), [("shap", "shap"), ("transformers", "transformers")])
def test_a_missing_extra_is_named(module, extra, monkeypatch):
    from probes import CausalLM, MissingExtra

    ex = explain(additive, MaskProbe(6), store=None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"iomap\[{extra}\]"):
        ex.to_shap() if module == "shap" else CausalLM.from_pretrained("anything")


def test_a_rare_trigger_is_not_trusted():
    ex = explain(lambda Z: Z[:, 0] + 0.5 * Z[:, 1] + 1000 * Z[:, 2:11].prod(1), MaskProbe(12), budget=128, store=None)
    assert ex.fidelity.verdict.startswith("Do not use it for this input")
    assert any("For this input the model says 1,002" in w for w in ex.warnings)
    alone = explain(lambda Z: 100.0 * Z.prod(1), MaskProbe(12), budget=128, store=None)
    assert alone.fidelity.verdict.startswith("Do not use it for this input")


def test_a_model_that_does_not_repeat_itself_is_never_exact():
    rng = np.random.default_rng(0)
    ex = explain(lambda Z: rng.normal(size=len(Z)), MaskProbe(5), "interactions", store=None)
    assert not ex.fidelity.exact
    assert "Trust" not in ex.fidelity.verdict
    assert any("differently each time" in w for w in ex.warnings)


@cache
def in_unit(family, scale):
    return explain(lambda Z: scale * (Z[:, 0] + Z[:, 1] * Z[:, 2]), MaskProbe(5), family, budget=24, store=None)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e119])
@pytest.mark.parametrize("family", ["linear", "tree", "rules"])
def test_the_unit_means_nothing(family, scale):
    plain, scaled = in_unit(family, 1.0), in_unit(family, scale)
    assert scaled.fidelity.r2[0] == pytest.approx(plain.fidelity.r2[0], abs=1e-6)
    assert scaled.fidelity.verdict == plain.fidelity.verdict


def test_bad_settings_and_targets_cost_no_call():
    calls = []

    def model(Z):
        calls.append(len(Z))
        return Z[:, 0]

    for family in (SparseLinear(max_terms=-1), SparseLinear(proxy="x")):
        with pytest.raises(InputError):
            explain(model, MaskProbe(6), family, store=None)
    X, y = load_iris(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    for target in ("nosuch", [], [0, 0]):
        with pytest.raises(InputError, match=r"^target must"):
            explain(forest, TabularProbe(X.loc[0], X), target=target, store="kept.sqlite")
    assert calls == []
    assert not Path("kept.sqlite").exists() or len(Store("kept.sqlite")) == 0


def test_infinite_log_odds_are_refused_in_words():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    with pytest.raises(ModelError, match=r"probability is exactly 0 or 1\. Explain the probability itself"):
        explain(forest, X.loc[19], background=X.iloc[:3], target="log-odds", store=None)


def test_a_wrong_target_name_of_an_unknown_model_costs_one_row():
    asked = []

    def scores(Z):
        asked.extend(Z)
        return pd.DataFrame({"a": Z[:, 0], "b": Z[:, 1]})

    with pytest.raises(InputError, match="'a', 'b'"):
        explain(scores, MaskProbe(9), target="c", store=None)
    assert len(asked) == 1
    asked.clear()
    ex = explain(scores, MaskProbe(9), target="b", budget=100, store=None)
    assert ex.target.outputs == ("b",) and len(asked) - ex.answers.cost.checks == ex.answers.cost.rows <= 100
