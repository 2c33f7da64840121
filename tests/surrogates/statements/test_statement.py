"""Statements: words, digest, and what they are about."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import InputError
from probes.rounding import between
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from tests.helpers.study_tables import table, verdict

LEFT, RIGHT = Scope.of(side="l"), Scope.of(side="r")


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


def test_factors_that_only_some_cases_have():
    frame = words(lambda word, typing: 0.0)
    frame["other"] = np.where(frame["typing"] == "typo", "q", None)
    got = verdict(Statement.level({"typing": "clean"}, reference=3.0), frame)
    assert (got.verdict, got.precision) == ("refuted", pytest.approx(0.0)) and got.worst
    assert verdict(Statement.level({"typing": "typo"}, reference=-3.0, every="other"), frame).verdict == "supported"


def test_what_a_statement_is_about_does_not_depend_on_how_it_is_written():
    a = Statement.contrast({"form": ("f", "g")}, {"form": "h"}, min_effect=1.0)
    b = Statement.contrast({"form": np.array(["g", "f"])}, {"form": {"h"}}, sign=-1, text="other words")
    assert a.subject == b.subject != Statement.contrast({"form": "f"}, {"form": "h"}).subject
    assert Statement.level(reference=np.float32(0.5)).digest == Statement.level(reference=0.5).digest
    with pytest.raises(InputError, match="finite number"):
        Statement.level(reference=float("nan"))


def test_words_carry_the_numbers():
    got = verdict(Statement.contrast(LEFT, RIGHT), table(3, 40, 2.0))
    assert got.words.startswith("m is higher when side is l than when side is r: +")
    assert f"{between(got.low, got.high)}, 40 entities" in got.words


def test_the_digest_freezes_everything_claimed():
    base = Statement.contrast(LEFT, RIGHT)
    others = [
        Statement.contrast(RIGHT, LEFT),
        Statement.contrast(LEFT, RIGHT, sign=-1),
        Statement.contrast(LEFT, RIGHT, min_effect=0.1),
        Statement.contrast(LEFT),
        Statement.level(LEFT),
    ]
    assert len({s.digest for s in [base, *others]}) == 6
    assert Statement.contrast(LEFT, RIGHT).digest == base.digest


@pytest.mark.parametrize(
    "make",
    [
        lambda: Statement.level(sign=0),
        lambda: Statement.level(kind="both"),
        lambda: Statement.level(kind="equivalence"),
        lambda: Statement.level(min_effect=-1.0),
        lambda: Statement(((1.0, LEFT),) * 3),
        lambda: Statement.level(reference="zero"),
        lambda: Statement.level(min_effect="much"),
        lambda: Statement.level({"form": None}),
        lambda: Statement.level(Scope.of(colour="red")).estimate(table()),
        lambda: Statement.level(Scope.of(entity="e1")).estimate(table()),
        lambda: verdict(Statement.level(every="colour"), table()),
    ],
)
def test_bad_input(make):
    with pytest.raises(InputError):
        make()
