"""Effects are paired by entity, and their intervals cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from tests.helpers.study_tables import table

LEFT, RIGHT = Scope.of(side="l"), Scope.of(side="r")


def test_a_paired_contrast_is_the_paired_t_interval():
    frame = table(shift=1.0)
    means = frame.pivot_table(index="entity", columns="side", values="value")
    low, high = stats.ttest_rel(means["l"], means["r"]).confidence_interval()
    e = Statement.contrast(LEFT, RIGHT).estimate(frame)
    assert e.interval() == pytest.approx((low, high))
    assert e.p_above(0) == pytest.approx(stats.ttest_rel(means["l"], means["r"], alternative="greater").pvalue)
    assert (e.entities, e.df) == (20, 19)


def test_entities_on_one_side_only_give_welch():
    frame = table(shift=1.0)
    number = frame["entity"].str[1:].astype(int)
    frame = frame[np.where(number < 8, frame["side"] == "l", frame["side"] == "r")]
    means = frame.groupby(["side", "entity"])["value"].mean()
    t = stats.ttest_ind(means["l"], means["r"], equal_var=False)
    e = Statement.contrast(LEFT, RIGHT).estimate(frame)
    assert e.interval() == pytest.approx(tuple(t.confidence_interval()))
    assert (e.df, e.entities) == (pytest.approx(t.df), 8)


def test_an_interaction_is_the_difference_of_differences():
    frame = table(shift=1.0)
    cell = frame.groupby(["side", "form"])["value"].mean()
    forms = (Scope.of(form="f"), Scope.of(form="g"))
    e = Statement.interaction((LEFT, RIGHT), forms).estimate(frame)
    assert e.value == pytest.approx(cell["l", "f"] - cell["r", "f"] - cell["l", "g"] + cell["r", "g"])
    wide = frame.pivot_table(index="entity", columns=["side", "form"], values="value")
    d = wide["l", "f"] - wide["r", "f"] - wide["l", "g"] + wide["r", "g"]
    assert e.error == pytest.approx(d.std(ddof=1) / np.sqrt(20))


def test_a_factor_that_goes_along_by_design_does_not_enter():
    rng = np.random.default_rng(1)
    frame = table(shift=0.0, entities=60)
    frame["value"] += 5.0 * (frame["form"] == "f")
    along = (frame["side"] == "l") == (frame["form"] == "f")
    frame = frame[along | (rng.random(len(frame)) < 0.3)]
    naive = frame.groupby("side")["value"].mean()
    assert naive["l"] - naive["r"] > 1.5
    e = Statement.contrast(LEFT, RIGHT).estimate(frame)
    assert e.interval()[0] < 0 < e.interval()[1]


def test_intervals_cover_500_simulated_studies():
    covered = {"paired": 0, "unpaired": 0, "level": 0}
    cases = table(entities=12)
    left, number = cases["side"] == "l", cases["entity"].str[1:].astype(int).to_numpy()
    one_side = np.where(number < 6, left, ~left)
    for seed in range(500):
        rng = np.random.default_rng(seed)
        frame = cases.assign(value=rng.normal(size=12)[number] + 0.5 * left + rng.normal(size=len(cases)))
        low, high = Statement.contrast(LEFT, RIGHT).estimate(frame).interval()
        covered["paired"] += low <= 0.5 <= high
        low, high = Statement.level(RIGHT).estimate(frame).interval()
        covered["level"] += low <= 0 <= high
        half = frame[one_side]
        low, high = Statement.contrast(LEFT, RIGHT).estimate(half).interval()
        covered["unpaired"] += low <= 0.5 <= high
    assert all(0.90 <= n / 500 <= 0.99 for n in covered.values()), covered


def test_cases_of_one_entity_do_not_count_as_many():
    frame = table(entities=10, between=3.0, repeats=1)
    many = pd.concat([frame] * 40, ignore_index=True)
    few, lots = (Statement.level(LEFT).estimate(f) for f in (frame, many))
    assert lots.error == pytest.approx(few.error)
    assert lots.entities == 10
