"""Verdicts about statements."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from probes import TemplateProbe
from surrogates.statements.entity_effects import effect, holm, wilson
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.verdicts import judge
from tests.helpers.study_tables import table, verdict

LEFT, RIGHT = Scope.of(side="l"), Scope.of(side="r")


@pytest.mark.parametrize(
    ("statement", "shift", "expected"),
    [
        (Statement.contrast(LEFT, RIGHT), 2.0, "supported"),
        (Statement.contrast(LEFT, RIGHT, sign=-1), 2.0, "refuted"),
        (Statement.contrast(LEFT, RIGHT), 0.0, "inconclusive"),
        (Statement.contrast(LEFT, RIGHT, min_effect=4.0), 2.0, "refuted"),
        (Statement.contrast(LEFT, RIGHT, min_effect=2.0), 2.0, "inconclusive"),
        (Statement.contrast(LEFT, RIGHT, kind="equivalence", min_effect=1.5), 0.0, "supported"),
        (Statement.contrast(LEFT, RIGHT, kind="equivalence", min_effect=0.05), 0.0, "inconclusive"),
        (Statement.contrast(LEFT, RIGHT, kind="equivalence", min_effect=1.0), 3.0, "refuted"),
        (Statement.contrast(LEFT, RIGHT, every="form"), 2.0, "supported"),
    ],
)
def test_verdicts(statement, shift, expected):
    assert verdict(statement, table(3, 40, shift)).verdict == expected


def test_a_claim_about_every_family_falls_with_one():
    frame = table(3, 40, 2.0)
    frame.loc[(frame["form"] == "g") & (frame["side"] == "l"), "value"] -= 4.0
    claim = Statement.contrast(LEFT, RIGHT, every="form")
    got = verdict(claim, frame)
    assert (got.verdict, got.reason) == ("refuted", "in form g")
    assert verdict(Statement.contrast(LEFT, RIGHT), frame.assign(part="entities")).verdict != "supported"


def test_a_held_out_family_that_contradicts_refutes():
    frame = table(3, 40, 3.0, repeats=3)
    frame["part"] = np.where(frame["form"] == "h", "families", "entities")
    turned = (frame["form"] == "h") & (frame["side"] == "l")
    assert verdict(Statement.contrast(LEFT, RIGHT), frame).verdict == "supported"
    got = verdict(Statement.contrast(LEFT, RIGHT), frame.assign(value=frame["value"] - 4.5 * turned))
    assert (got.verdict, got.reason) == ("refuted", "not in held-out families")


def test_margin_of_equivalence_is_tied_to_the_control():
    frame = table(3, 40, 0.0)
    claim = Statement.contrast(LEFT, RIGHT, kind="equivalence", of_control=0.25)
    strong = Statement.level(LEFT, reference=-8.0).estimate(frame)
    got = verdict(claim, frame, control=strong)
    assert got.statement.min_effect == pytest.approx(0.25 * strong.value)
    assert got.verdict == "supported"
    assert verdict(claim, frame, control=Statement.level(LEFT, reference=-0.3).estimate(frame)).verdict != "supported"


def test_too_few_entities_are_not_testable_and_the_number_is_said():
    got = verdict(Statement.contrast(LEFT, RIGHT), table(entities=3, shift=9.0))
    assert got.verdict == "not testable"
    assert "at least 5 entities" in got.reason
    assert "here are 3" in got.reason
    assert "about" in verdict(Statement.contrast(LEFT, RIGHT), table(0, 12, 0.2)).reason
    assert verdict(Statement.level(), table(), blocked="the control failed").reason == "the control failed"


def test_precision_counter_examples_and_worst_cell():
    frame = table(3, 30, 0.0).assign(value=1.0)
    bad = frame.sample(9, random_state=0).index
    frame.loc[bad, "value"] = -np.arange(1.0, 10.0)
    got = verdict(Statement.level(reference=0.0), frame)
    assert got.precision == pytest.approx(1 - 9 / len(frame))
    assert got.precision_low < got.precision < got.precision_high
    assert [e["value"] for e in got.examples] == [-9, -8, -7, -6, -5]
    cells = frame.groupby(["side", "form"])["value"].mean()
    assert tuple(got.worst["levels"].values()) == cells.idxmin()
    assert got.worst["mean"] == pytest.approx(cells.min())
    assert got.coverage == pytest.approx(1.0)
    assert verdict(Statement.level(LEFT), frame).coverage == pytest.approx(0.5)


def words(effect, entities=24, wobble=0.0):
    """Cases by word (good, bad) and typing (clean, typo); `effect` adds to a case's ±1 by its word."""
    rng = np.random.default_rng(0)
    rows = [
        {"entity": f"e{i}", "word": word, "typing": typing}
        | {"value": (1.0 if word == "good" else -1.0) + effect(word, typing) + wobble * rng.normal()}
        for i in range(entities)
        for word in ("good", "bad")
        for typing in ("clean", "typo")
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(chance=0.0, prompt="p", target=" t", answer=" u", case_id=[str(i) for i in range(len(frame))])


CLEAN, TYPO = Scope.of(typing="clean"), Scope.of(typing="typo")


GOOD, BAD = Scope.of(word="good"), Scope.of(word="bad")


def test_precision_compares_each_case_with_its_like():
    same = Statement.contrast(TYPO, CLEAN, kind="equivalence", min_effect=0.2)
    got = verdict(same, words(lambda word, typing: 0.0, wobble=1e-3))
    assert (got.verdict, got.precision, got.examples) == ("supported", pytest.approx(1.0), [])
    lowers = words(lambda word, typing: -0.5 * (typing == "typo"))
    assert verdict(Statement.contrast(TYPO, CLEAN, sign=-1), lowers).precision == pytest.approx(1.0)
    assert verdict(Statement.contrast(TYPO, CLEAN, sign=-1, min_effect=0.6), lowers).precision == pytest.approx(0.0)
    some = words(lambda word, typing: -0.5 * (typing == "typo") * (word == "bad"))
    assert verdict(Statement.contrast(TYPO, CLEAN, sign=-1), some).precision == pytest.approx(0.5)
    assert verdict(Statement.contrast(TYPO, CLEAN, sign=-1), some).worst["levels"] == {"word": "good", "typing": "typo"}


def test_precision_of_an_interaction_is_about_all_four_sets():
    wider = Statement.interaction((GOOD, BAD), (TYPO, CLEAN), min_effect=1.0)
    got = verdict(wider, words(lambda word, typing: 0.0, wobble=1e-3))
    assert (got.verdict, got.precision, len(got.examples)) == ("refuted", pytest.approx(0.0), 5)
    got = verdict(wider, words(lambda word, typing: 2.0 * (typing == "typo") * (word == "good"), wobble=1e-3))
    assert (got.verdict, got.precision) == ("supported", pytest.approx(1.0))


def test_entities_on_one_side_only_are_compared_with_the_other_sides_stratum():
    frame = table(3, 40, 2.0)
    number = frame["entity"].str[1:].astype(int)
    frame = frame[np.where(number < 20, frame["side"] == "l", frame["side"] == "r")].assign(
        value=lambda f: 1.0 * (f["side"] == "l") + 10.0 * (f["form"] == "f")
    )
    assert verdict(Statement.contrast(LEFT, RIGHT, min_effect=0.5), frame).precision == pytest.approx(1.0)


@pytest.mark.parametrize("k", [0.1, 0.2, 0.3, 0.7, 1.1, 1.3])
def test_rounding_decides_nothing(k):
    frame = words(lambda word, typing: 3 * k * (typing == "typo") + k * (word == "good"))
    got = verdict(Statement.interaction((GOOD, BAD), (TYPO, CLEAN)), frame)
    assert (got.verdict, got.effect) == ("refuted", pytest.approx(0.0, abs=1e-12))
    constant = frame.assign(value=k)
    got = verdict(Statement.contrast(TYPO, CLEAN, min_effect=0.1), constant)
    assert (got.verdict, got.low, got.high) == ("refuted", pytest.approx(0.0, abs=1e-12), pytest.approx(0.0, abs=1e-12))
    exact = Statement.contrast(TYPO, CLEAN, kind="equivalence", min_effect=3 * k)
    assert verdict(exact, frame).verdict == "refuted"  # 3k is not less than 3k, whatever the last digit says


def test_the_level_that_contradicts_most_is_named():
    rng = np.random.default_rng(0)
    means = {"aa": -0.05, "mm": 2.0, "zz": -9.0}
    rows = [
        {"entity": f"e{i}", "form": form, "value": mean + rng.normal(0, 0.3)}
        for i in range(20)
        for form, mean in means.items()
    ]
    frame = pd.DataFrame(rows).assign(chance=0.0, prompt="p", target="t", answer="u")
    frame["case_id"] = frame.index.map(str)
    got = verdict(Statement.level(reference=0.0, every="form"), frame)
    assert (got.verdict, got.reason) == ("refuted", "in form zz")
    assert got.effect == pytest.approx(-9, abs=0.3)


def test_intervals_stay_within_what_the_metric_can_be():
    frame = table(entities=12).assign(value=1.0, metric="share")
    got = judge([Statement.level(reference=0.0)], [frame], "exact_match", "share")[0]
    assert got.effect == pytest.approx(1) and 1 >= got.high == pytest.approx(1) and 0.7 < got.low < 1
    split = frame.assign(value=(frame["side"] == "l").astype(float))
    got = judge([Statement.contrast(LEFT, RIGHT)], [split], "exact_match", "share")[0]
    assert got.high == 1.0  # exact: cut off at what the metric can be
    mixed = split.assign(value=split["value"].where(split["side"] == "l", 0.4))
    low, high = Statement.level(LEFT, reference=0.0).estimate(mixed).interval()
    assert low < 1 < high  # the rule of three, whatever other levels are


def test_a_margin_without_a_control_is_not_testable():
    claim = Statement.contrast(LEFT, RIGHT, kind="equivalence", of_control=0.25)
    got = verdict(claim, table())
    assert got.verdict == "not testable" and "no control" in got.reason


@pytest.mark.parametrize("size", [23, 30, 41, 52])
def test_a_factor_that_does_nothing_has_no_effect_in_any_subsample(size):
    levels = {"x": ["a", "b"], "g": ["u", "v", "w"]}
    people = [{"name": f"n{i}"} for i in range(10)]
    for seed in range(6):
        probe = TemplateProbe("{x} {g} {name}", levels, people, target="t", crossing=size, random_state=seed)
        frame = probe.frame.assign(chance=0.0, answer="")
        frame["value"] = frame["g"].map({"u": 0.0, "v": 5.0, "w": 9.0})
        e = Statement.contrast({"x": "a"}, {"x": "b"}).estimate(frame)
        assert e.value == pytest.approx(0.0, abs=1e-9)


def test_gaps_have_the_effects_scale_and_direction():
    frame = words(lambda word, typing: 0.0)
    turned = Statement(((-1.0, BAD), (1.0, GOOD)))
    assert verdict(turned, frame).effect == pytest.approx(2) and verdict(turned, frame).precision == pytest.approx(1.0)
    half = Statement(((0.5, GOOD), (-0.5, BAD)), min_effect=1.2)
    assert verdict(half, frame).effect == pytest.approx(1) and verdict(half, frame).precision == pytest.approx(0.0)


def test_chance_is_taken_case_by_case():
    frame = table(1, 30)
    shifted = frame.assign(value=frame["value"] + 7, chance=7.0)
    a, b = verdict(Statement.level(), frame), verdict(Statement.level(), shifted)
    assert a.effect == pytest.approx(b.effect)
    assert verdict(Statement.level(reference=2.0), shifted).effect == pytest.approx(a.effect + 5)


def test_holm_against_the_definition_and_its_error_rate():
    p = np.array([0.011, 0.02, np.nan, 0.04, 0.9])
    assert holm(p)[[0, 1, 3, 4]] == pytest.approx([0.044, 0.06, 0.08, 0.9])
    assert np.isnan(holm(p)[2])
    rng = np.random.default_rng(0)
    any_false = np.mean([(holm(rng.random(8)) < 0.05).any() for _ in range(4000)])
    assert any_false < 0.06


def test_wilson_against_scipy():
    for k, n in ((0, 7), (3, 10), (50, 50)):
        expected = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(k / n, n) == pytest.approx((expected.low, expected.high))


def test_nothing_but_hits_is_no_certainty():
    for n, expected in ((5, "inconclusive"), (60, "supported")):
        frame = table(entities=n).assign(value=1.0)
        got = verdict(Statement.level(reference=0.9), frame)
        assert got.verdict == expected
        assert got.low < 1 - 0.9 == pytest.approx(got.effect)
    assert verdict(Statement.level(reference=0.9), table(entities=60).assign(value=1.0)).words.startswith(
        "m is above 0.9 nats: 1 nats [0.950, 1.05], 60 entities"
    )


def test_an_empty_set_has_no_effect():
    assert effect(np.ones(4), np.array(list("aabb")), [(1.0, np.zeros(4, bool))]) is None
    assert effect(np.ones(4), np.array(list("aaaa")), [(1.0, np.ones(4, bool))]) is None
