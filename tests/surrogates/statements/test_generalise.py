"""Statements are found on some cases and tested on others that were not asked before."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.statements import trial
from probes import Case, InputError, Split, Store, TemplateProbe, hold_out
from surrogates import Scope, Statement, generalise
from surrogates.statements.claim_test import run_claim_test
from surrogates.statements.inquiry import Inquiry
from tests.helpers.planted_rule import Counted, noise, probe, study


def test_the_planted_rule_is_found_and_supported_with_its_number():
    got = study()
    best = got.statements[0]
    assert best.statement.parts[0][1] == Scope.of(order="ab", tone="loud")
    assert best.verdict == "supported"
    assert best.low < 3.0 < best.high
    assert set(best.parts) == {"entities", "families"}
    assert best.digest == best.statement.digest
    assert got.fidelity.set_index("surrogate").loc["tree", "r2"] > 0.4
    assert got.fidelity["permuted"].max() < 0.1


def test_a_study_says_that_answers_depend_on_what_else_is_in_a_batch():
    def padded(texts):
        return [float(len(text) + len(texts)) for text in texts]

    got = generalise(padded, probe(), metric="output", store=None, progress=False)
    [note] = [n for n in got.notes if "depend on what else is in a batch" in n]
    assert note.endswith("Every input was asked alone.") and note in " ".join(str(got).split())
    np.testing.assert_allclose(got.frame["value"], got.frame["prompt"].map(len) + 1)


def test_nothing_is_found_in_noise():
    got = study(lambda t: noise(t.split()[1]) + noise(t))
    assert [s.verdict for s in got.statements if s.verdict == "supported"] == []


@pytest.mark.parametrize("name", ["a∧¬b", "a×d", "none"])
@pytest.mark.parametrize("confounded", [False, True])
def test_planted_rules_with_noise_and_confounders(name, confounded):
    got = trial(name, 5, confounded=confounded)
    assert got["false_supported"] == 0
    assert name == "none" or (got["found"] and got["supported"])


def test_held_out_cases_are_asked_only_after_the_statements_are_frozen(monkeypatch):
    counted, seen = Counted(), []
    module = sys.modules[Inquiry.__module__]
    original = module.discover

    def spy(frame, *args, **options):
        seen.extend(counted.asked)
        return original(frame, *args, **options)

    monkeypatch.setattr(module, "discover", spy)
    got = generalise(counted.model, probe(), metric="output", store=None, progress=False)
    known = set(got.frame.loc[got.frame["part"] == "discovery", "prompt"])
    assert set(seen) == known
    entities = got.frame.groupby("part")["entity"].unique()
    assert not set(entities["discovery"]) & {e for p in ("entities", "families") for e in entities[p]}


def test_the_same_study_again_asks_nothing():
    counted, store = Counted(), Store()
    first = generalise(counted.model, probe(), metric="output", store=store, progress=False)
    asked = len(counted.asked)
    again = generalise(counted.model, probe(), metric="output", store=store, progress=False)
    assert len(counted.asked) == asked
    assert again.frozen == first.frozen
    assert again.table.equals(first.table)


def test_statements_of_ones_own_are_tested_on_every_case():
    claim = Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm"))
    got = study(statements=[claim], find=False)
    assert len(got.statements) == 1
    assert got.statements[0].entities == 24
    assert got.statements[0].verdict == "supported"
    assert got.statements[0].effect == pytest.approx(1.5, abs=0.5)


def test_statements_of_ones_own_are_of_the_same_cases_whether_others_are_found_or_not():
    claim = Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm"))
    alone, beside = study(statements=[claim], find=False), study(statements=[claim])
    assert len(beside.frame) == len(alone.frame) == beside.cost.rows == len(probe().cases)
    assert (beside.frame["part"] == "rest").sum() > 0
    assert beside.statements[0].effect == pytest.approx(alone.statements[0].effect)


def test_a_failed_control_makes_everything_untestable():
    claim = Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm"))
    control = Statement.level(Scope.of(tone="calm"), reference=50.0)
    got = study(statements=[claim], find=False, control=control)
    assert got.control.verdict == "refuted"
    assert got.statements[0].verdict == "not testable"
    assert "positive control is refuted" in got.statements[0].reason


def test_by_and_groups():
    got = study(by="order")
    assert all("order" in str(s.statement.parts[0][1]) for s in got.statements)
    paired = study(groups=lambda case: case.entity[:-1] or case.entity)
    assert paired.frame["entity"].nunique() < 24
    with pytest.raises(InputError, match="by must name factors among order, tone, template"):
        study(by="colour")
    with pytest.raises(InputError, match="groups must be entity"):
        study(groups="colour")


def test_entities_on_both_sides_are_refused():
    cases = probe().cases
    split = hold_out(cases)
    both = Split(split.discovery, np.concatenate([split.entities, split.discovery[:1]]), split.cells, split.families)
    with pytest.raises(InputError, match="each entity on one side"):
        study(split=both)
    with pytest.raises(InputError, match="at least one, or find"):
        study(find=False)


def test_slips_cost_no_call():
    counted = Counted()
    loud = Statement.level({"tone": "loud"}, reference=0.0)
    for words, options in (
        ("levels of tone", {"statements": [Statement.level({"tone": "lod"})]}),
        ("factors among", {"statements": [Statement.contrast({"ton": "loud"})]}),
        ("factor among", {"statements": [Statement.level(every="ton")]}),
        ("made by Statement", {"statements": ["tone is loud"]}),
        ("levels of tone", {"control": Statement.level({"tone": "x"})}),
        ("by must name factors among order, template", {"by": "tone", "groups": "tone"}),
    ):
        with pytest.raises(InputError, match=words):
            generalise(counted.model, probe(), metric="output", store=None, **options)
    with pytest.raises(InputError, match="margin needs one that gives log-probabilities"):
        generalise(counted.model, probe(), metric="margin", store=None)
    with pytest.raises(InputError, match="be a TemplateProbe"):
        generalise(counted.model, [1], metric="output", store=None)
    assert counted.asked == []
    one = study(statements=loud, find=False)
    assert one.statements[0].statement == Statement.level(Scope.of(tone="loud"), reference=0.0)
    with pytest.raises(InputError, match="another set"):
        Statement.contrast({"tone": "loud"}, {"tone": "loud"})
    with pytest.raises(InputError, match="be a prompt, a Case"):
        one.card().predict("study", 3)
    with pytest.raises(InputError, match="probe must be given to read"):
        one.card().predict("study", "loud")


def test_few_entities_and_constant_answers_are_said():
    few = study(entities=6)
    assert not few.statements
    assert "at least 5 entities for discovery and 5 for the test" in few.notes[0]
    flat = study(lambda text: 1.0)
    assert not flat.statements
    assert flat.card().entries[0].prediction is None
    grouped = study(groups="tone")
    assert grouped.frame["entity"].nunique() == 2


def test_a_share_of_a_control_needs_one():
    share = Statement.contrast({"tone": "loud"}, {"tone": "calm"}, kind="equivalence", of_control=0.2)
    counted = Counted()
    with pytest.raises(InputError, match="control must be given"):
        generalise(counted.model, probe(), metric="output", statements=share, store=None)
    assert not counted.asked
    claim = Statement.contrast({"order": "ab"}, {"order": "ba"})
    assert study(statements=share, find=False, control=claim).statements[0].statement.min_effect > 0


def test_groups_are_held_out_as_groups():
    def pair(case):
        return str(int(case.entity[1:]) // 2)

    full = probe()
    split = hold_out(full, groups=pair)
    sides = [{pair(full.cases[i]) for i in part} for part in (split.discovery, split.test)]
    assert not sides[0] & sides[1]
    assert study(groups=pair, split=split).statements
    with pytest.raises(InputError, match="each group on one side: hold_out"):
        study(groups=pair, split=hold_out(full))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"most": -1}, "most must be a number"),
        ({"statements": None}, "statements must be made by"),
        ({"split": ((1, 2), (3,))}, "split must be made by"),
        ({"split": Split(*(np.array([9999 + i]) for i in range(4)))}, "split must hold numbers"),
    ],
)
def test_more_slips_cost_no_call(options, words):
    counted = Counted()
    with pytest.raises(InputError, match=words):
        generalise(counted.model, probe(), metric="output", store=None, **options)
    assert not counted.asked


def test_what_goes_along_with_another_factor_is_said_not_to_be_testable():
    names = [f"n{i}" for i in range(16)]
    first = names[:8]
    wordings = ["{} is", "so {} is", "now then {} is"]

    def case(name, wording):
        side = "one" if name in first else "two"
        levels = (("half", f"{side}th"), ("length", str(len(wording))), ("side", side))
        return Case(wording.format(name), " yes", (), levels, name)

    def answer(texts):
        return [float(not set(first).isdisjoint(text.split())) + 0.01 * (len(text) % 5) for text in texts]

    asked = TemplateProbe.from_cases([case(name, wording) for name in names for wording in wordings])
    found = generalise(answer, asked, metric="output", store=None).statements
    assert [judged.verdict for judged in found] == ["not testable"]
    assert "a test needs at least 5 entities" in found[0].reason


def test_entities_that_share_no_level_of_another_factor_with_more_than_one_are_not_called_few():
    entity = np.arange(40)
    side = np.where(entity < 20, "one", "two")
    half = np.where((entity < 20) == (entity != 0), "first", "second")
    frame = pd.DataFrame(
        {"entity": entity.astype(str), "side": side, "half": half, "value": entity / 40, "chance": 0.0}
    )
    tested = run_claim_test(Statement.contrast(Scope.of(side="one")), frame)
    assert tested.effect is None and "no cases on either side of it have the same levels" in tested.reason
