"""Random controls of a comparison: several draws, whose intervals cover the choice of entities and of draws."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Model, Store, TemplateProbe
from probes.errors import InputError
from probes.model import Identity
from surrogates import CaseDifference, Scope, Statement, compare_cases
from surrogates.difference.random_controls import crossed, drawn
from surrogates.statements.entity_effects import effect

PROBE = TemplateProbe(
    {"a": "{mood} {name}", "b": "is {mood} {name}"},
    {"mood": {"glad": "glad", "sad": "sad"}},
    {f"n{i}": {"name": f"n{i:02}"} for i in range(16)},
    target="yes",
)
#: how much glad and sad cases are moved, in units of a push
GLAD, SAD = 0.5, 1.5


def noise(*key):
    return np.random.default_rng(list("/".join(map(str, key)).encode())).normal()


class Moved(Model):
    """Scores texts, sad ones moved by more than glad ones and each entity in its own measure; controls at random."""

    outputs = ("score",)
    unit = "points"

    def __init__(self, name, push=0.0, spread=1.0, different=None):
        self.name, self.push, self.spread, self.different = name, push, spread, different
        self.asked = 0

    def identity(self):
        return Identity(self.name, True)

    def __call__(self, texts):
        self.asked += len(texts)
        measure = [(SAD if "sad" in t else GLAD) + 0.2 * noise(t.split()[-1], self.name) for t in texts]
        return np.array([[noise(t) + self.push * m] for t, m in zip(texts, measure, strict=True)])

    def control(self, random_state=0):
        seed = random_state % self.different if self.different else random_state
        return Moved(f"{self.name} control {seed}", self.spread * noise("draw", seed))


def compared(after, **options):
    options = {"metric": "output", "store": Store(), "progress": False, "find": False} | options
    return compare_cases(Moved("before"), after, PROBE, **options)


def simulated(draws, entities, rng, *sizes):
    """Changes ``(draws, entities)`` of true mean 0: a part of each draw, of each entity and of each pair."""
    of_draw, of_entity, of_pair = sizes
    return (
        of_draw * rng.normal(size=(draws, 1))
        + of_entity * rng.normal(size=(1, entities))
        + of_pair * rng.normal(size=(draws, entities))
    )


def effects(y):
    """The effect of the mean over draws, and of each draw."""
    who, everywhere = np.arange(y.shape[1]), [(1.0, np.ones(y.shape[1], dtype=bool))]
    return effect(y.mean(axis=0), who, everywhere), [effect(row, who, everywhere) for row in y]


@pytest.mark.parametrize("sizes", [(1, 0, 0.3), (0, 1, 0.3), (1, 1, 1), (0.3, 1, 1), (1, 0.3, 1), (0.1, 0.1, 1)])
@pytest.mark.parametrize("draws", [2, 5, 8])
def test_intervals_of_the_average_draw_cover_the_truth(draws, sizes):
    """Of 400 intervals 95% must hold 0: fewer than 92.5% are as likely as one in fifty; they may be too wide."""
    rng = np.random.default_rng(0)
    intervals = [crossed(*effects(simulated(draws, 15, rng, *sizes))).interval() for _ in range(400)]
    held = np.mean([low <= 0 <= high for low, high in intervals])
    assert held >= 0.925


def test_the_interval_over_entities_alone_does_not_cover_another_draw():
    rng, held = np.random.default_rng(0), []
    for _ in range(200):
        low, high = effects(simulated(1, 15, rng, 1, 0.3, 0.3))[1][0].interval()
        held.append(low <= 0 <= high)
    assert np.mean(held) < 0.4


def test_a_model_that_is_one_more_draw_is_not_called_beyond():
    rng, false, naive = np.random.default_rng(0), [], []
    for _ in range(400):
        y = simulated(9, 15, rng, 1, 0.5, 0.5)
        pooled, draws = effects(y[0] - y[1:])
        for kept, another in ((false, True), (naive, False)):
            low, high = crossed(pooled, draws, another).interval()
            kept.append(not low <= 0 <= high)
    assert np.mean(false) <= 0.07 < 0.3 < np.mean(naive)


def test_several_controls_are_one_arm_whose_interval_covers_the_draws():
    after = Moved("after", 5.0, spread=0.5)
    d = compared(after, statements=Statement.contrast(Scope.of(mood="sad"), Scope.of(mood="glad")))
    arm = d.arms.set_index("arm").loc["random control"]
    draws = [np.mean(control([c.prompt for c in PROBE.cases])) for control in drawn(after, 8, 0)]
    before = np.mean(Moved("before")([c.prompt for c in PROBE.cases]))
    assert arm["draws"] == len(draws) == 8 and arm["change"] == pytest.approx(np.mean(draws) - before)
    reach = 2.36 * np.std(draws, ddof=1) / np.sqrt(8)  # Student's with 7 degrees of freedom, entities adding little
    assert arm["low"] < 0 < arm["high"] and arm["high"] - arm["change"] == pytest.approx(reach, rel=0.05)
    assert d.arms["draws"].isna().sum() == len(d.arms) - 1
    mean, contrast = d.statements.iloc[0], d.statements.iloc[1]
    assert mean["control"] == pytest.approx(arm["change"]) and mean["control_high"] == pytest.approx(arm["high"])
    assert mean["beyond"] == pytest.approx(mean["effect"] - mean["control"]) and mean["p_beyond"] < 0.05
    assert mean["spread"] == pytest.approx(np.std(draws, ddof=1))
    assert contrast["control"] == pytest.approx(arm["change"] * (SAD - GLAD), rel=0.5)  # of the same cases
    assert contrast["beyond"] == pytest.approx(contrast["effect"] - contrast["control"])
    assert "beyond what random controls of its size do (8 drawn, on average " in d.verdict


def test_a_change_that_random_controls_make_as_well_is_said_to_be_one():
    d = compared(Moved("after", 0.8))
    assert d.statements.loc[0, "verdict"] == "supported" and d.statements.loc[0, "p_beyond"] > 0.05
    assert "; a random control of its size may do as much (8 drawn, on average " in d.verdict


def test_found_statements_stand_beside_controls_of_their_own_cases():
    d = compared(Moved("after", 5.0, spread=0.5), find=True)
    found = d.statements[d.statements["words"].str.contains("mood is")]
    assert len(found) and np.isfinite(found[["control", "beyond", "p_beyond"]].to_numpy(dtype=float)).all()
    test = d.cases[d.cases["part"].isin(["entities", "cells", "families"])]
    expected = test.groupby("mood")["change"].mean()
    first = found.iloc[0]
    assert abs(first["effect"]) == pytest.approx(abs(expected["sad"] - expected["glad"]), rel=0.1)


def test_controls_cost_what_they_are_asked():
    costs = {n: compared(Moved("after", 1.0), controls=n).entry.cost["rows"] for n in (0, 1, 3)}
    assert costs[1] - costs[0] == len(PROBE.cases) and costs[3] - costs[0] == 3 * len(PROBE.cases)
    none = compared(Moved("after", 1.0), controls=0)
    assert "random control" not in none.arms["arm"].tolist() and not len(none.controls)
    assert "control" not in none.statements and "random control" not in none.verdict


def test_more_controls_are_those_of_before_and_more():
    names = [[c.name for c in drawn(Moved("after"), n, 5)] for n in (3, 6)]
    assert names[1][:3] == names[0] and len(set(names[1])) == 6
    assert [c.name for c in drawn(Moved("after"), 3, 6)] != names[0]
    assert not list(drawn(len, 8, 0))


def test_draws_that_are_the_same_count_once_and_it_is_said():
    d = compared(Moved("after", 1.0, different=3))
    assert d.arms["draws"].max() == 3 and any("There are only 3 different controls." in note for note in d.notes)
    one = compared(Moved("after", 1.0, different=1))
    assert any("The interval of one control is over entities" in note for note in one.notes)
    assert np.isnan(one.statements.loc[0, "p_beyond"]) and "; a random control of its size changed it by" in one.verdict


def test_they_are_in_every_view_and_the_file(tmp_path):
    d = compared(Moved("after", 5.0, spread=0.5))
    again = CaseDifference.from_json(d.to_json(tmp_path / "d.json"))
    assert again.to_json() == d.to_json() and again.statements.equals(d.statements)
    text = " ".join(str(d).split())
    assert "random control, 8 draws" in text and "random controls there" in text and "; beyond them " in text
    page = d.report(tmp_path / "d.html").read_text(encoding="utf-8")
    for words in ("random control, 8 draws", '<th class="n wide">random controls</th>', "beyond them"):
        assert words in page
    broken = d.to_json().replace('"p_beyond"', '"p"')
    with pytest.raises(InputError, match=r"^source must be whole difference over cases by to_json"):
        CaseDifference.from_json(broken)


@pytest.mark.parametrize("controls", [-1, 1.5, True, "three"])
def test_a_number_of_controls_that_is_none_is_refused(controls):
    with pytest.raises(InputError, match=r"^controls must"):
        compared(Moved("after"), controls=controls)
