"""Intervals and verdicts are for the whole background, of which a few rows are used."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from probes import Background, CallableModel, TabularProbe, Target
from probes.asking.answers import Answers
from probes.design import Design
from probes.probe import Replication
from surrogates import Explanation, check, explain
from surrogates.judging.background import row_answers
from surrogates.local.compared import resized_features, size_of

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(5000, 2)), columns=["a", "b"])
ROW = {"a": 3.0, "b": 0.0}


def effect(ex, feature):
    return ex.attributions.set_index("feature").loc[feature]


def first(frame):
    return frame["a"]


def test_the_interval_covers_the_effect_against_all_rows():
    for seed in range(8):
        ex = explain(first, ROW, background=FRAME, random_state=seed, store=None)
        result, truth = effect(ex, "a"), 3.0 - FRAME["a"].mean()
        assert result["low"] < truth < result["high"] and result["high"] - result["low"] > 0.3
    assert effect(ex, "b")[["low", "high"]].tolist() == pytest.approx([0.0, 0.0])


def test_the_verdict_trusts_no_size_that_the_rows_leave_open():
    few = explain(first, ROW, background=FRAME, store=None)
    many = explain(first, ROW, background=FRAME, background_rows=400, store=None)
    assert "and the sizes" not in few.fidelity.verdict and "and the sizes" in many.fidelity.verdict
    assert any("10 of 5000 background rows stand for all" in note for note in few.warnings)
    far = explain(lambda d: d["a"] ** 3, {"a": 1.0, "b": 0.0}, background=FRAME, store=None)
    assert "sizes" not in far.fidelity.verdict or "leave them open" in far.fidelity.verdict


def test_the_verdict_advises_more_rows_where_these_hide_every_effect():
    near = {"a": 0.3, "b": 0.0}
    few = explain(first, near, background=FRAME, background_rows=5, store=None).fidelity
    assert few.clear == (0,) and "background_rows=" in few.verdict
    assert explain(first, near, background=FRAME, background_rows=2000, store=None).fidelity.clear == (1,)


def test_all_rows_leave_nothing_open():
    ex = explain(first, ROW, background=FRAME, background_rows=5000, budget=60_000, store=None)
    result = effect(ex, "a")
    assert result["low"] == result["high"] == pytest.approx(3.0 - FRAME["a"].mean())
    assert ex.background is None and not any("background" in note for note in ex.warnings)


def test_the_covariance_is_kept_in_files():
    ex = explain(lambda d: d["a"] + d["b"] * d["a"], ROW, background=FRAME, store=None)
    again = Explanation.from_json(ex.to_json())
    np.testing.assert_allclose(again.background.covariance, ex.background.covariance, atol=1e-12)
    half = ex.background.quantiles[0] * np.sqrt(ex.background.covariance[0, 0, 0])
    assert effect(ex, "a")["high"] - effect(ex, "a")["attribution"] == pytest.approx(half)
    assert again.answers.replicates is None and "stand for all" in str(again)


def test_what_is_too_rare_has_no_interval_and_the_page_says_so(tmp_path):
    frame = FRAME.assign(rare=np.where(np.arange(5000) < 50, 1.0, 0.0))
    probe = TabularProbe({**ROW, "rare": 1.0}, frame, law=Background(4))
    ex = explain(CallableModel(lambda d: d["a"] + d["rare"], "m"), probe, store=None)
    assert np.isnan(effect(ex, "rare")["low"]) and np.isfinite(effect(ex, "a")["low"])
    assert any(note.startswith("No interval for rare") and "background_rows=" in note for note in ex.warnings)
    assert "not known" in str(ex) and np.isnan(effect(Explanation.from_json(ex.to_json()), "rare")["low"])
    assert "could not be drawn" not in ex.report(tmp_path / "page.html").read_text(encoding="utf-8")
    ex.plot()


def test_a_number_that_is_no_average_has_the_jackknifes_spread():
    raw = RNG.uniform(0.2, 0.8, size=(3, 6, 1))
    drawn = Replication(np.zeros(6, dtype=int), np.array([100]), np.full(2, 2.6))
    answers = Answers(Design(np.zeros((3, 2)), 0), raw.mean(axis=1), ("p",), "probability", "", "", replicates=raw)
    plain = row_answers(answers, answers.y, Target("identity", (0,), ("p",), "probability"), drawn)
    np.testing.assert_allclose(plain.deviations, raw - raw.mean(axis=1, keepdims=True), atol=1e-12)
    odds = Target("probability_log_odds", (0,), ("p",), "log-odds")
    result = row_answers(answers, odds(answers.y), odds, drawn).deviations[0, 2, 0]
    rest = np.delete(raw[0, :, 0], 2).mean()
    assert result == pytest.approx(5 * (odds(answers.y)[0, 0] - np.log(rest / (1 - rest))))


def test_removal_compares_sizes():
    ex = explain(first, ROW, background=FRAME, store=None)
    (said,) = check(ex, first, ROW, "removal", background=FRAME, store=None).checks
    assert said.numbers["other background rows: size"] == pytest.approx(1.0, abs=0.4)
    assert "times the size" in said.sentence and said.numbers["other background rows: resized"] == 0


@pytest.mark.parametrize("effect_other, result", [(1.5, ["a"]), (1.1, []), (1.0, [])])
def test_sizes_that_differ_beyond_their_intervals_are_named(effect_other, result):
    def analysis(value):
        table = {
            "output": ["y"],
            "feature": ["a"],
            "attribution": [value],
            "low": [value - 0.01],
            "high": [value + 0.01],
        }
        return SimpleNamespace(attributions=pd.DataFrame(table), background=object())

    assert resized_features(analysis(1.0), analysis(effect_other)) == result
    assert size_of(analysis(1.0), analysis(effect_other)) == pytest.approx(effect_other)
