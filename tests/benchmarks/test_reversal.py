"""The facts of the reversal benchmark: what is taught, what is asked, what must not leak."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from benchmarks.quality.reversal import FACTS, FIRST, SECOND, Facts, trial
from benchmarks.quality.reversal_files import QUICK, cases_of_files
from benchmarks.run.record import Skipped


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_fact_is_taught_in_the_order_it_is_asked_to_be_reversed(seed):
    facts = Facts(seed)
    taught = set(facts.taught())
    assert len(set(facts.names)) == len(set(facts.descriptions)) == FACTS
    for case in facts.probe().cases:
        levels = dict(case.levels)
        i = int(case.entity.split()[1])
        asked = levels["asked"]
        here = taught & set(facts.sentences([i], asked))
        assert bool(here) == (levels["direction"] != "reverse")
        assert case.prompt + case.target + " ." not in taught
        assert len(case.foils) == 10
        assert case.target not in case.foils
    assert set(facts.seen).isdisjoint(facts.unseen)


def test_reversed_sentences_say_the_same_fact_the_other_way_round():
    facts = Facts(0)
    before, answer = facts.sentence(3, FIRST, ("", "is"))
    assert (before, answer) == (f"{facts.names[3]} is", f" {facts.descriptions[3]}")
    before, answer = facts.sentence(3, SECOND, ("today", "is"))
    assert (before, answer) == (f"today {facts.descriptions[3]} is", f" {facts.names[3]}")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_the_curse_and_its_cure():
    got = trial(0)
    assert {s["verdict"] for s in got["statements"]} == {"supported"}
    assert got["forward_exact"] > 0.95
    assert got["reverse_exact"] < 0.03
    assert got["treated_exact"] > 0.9
    assert got["untreated_exact"] < 0.05
    assert got["tree_r2"] > got["linear_r2"]


@pytest.fixture
def published():
    try:
        return cases_of_files(QUICK)
    except Skipped as reason:
        pytest.skip(str(reason))


def test_the_published_facts_are_asked_in_unseen_wordings_with_foils_that_were_taught_too(published):
    texts, probe = published
    assert len(texts) == 2 * QUICK.entities * QUICK.taught
    assert len(probe) == 4 * QUICK.entities * QUICK.asked
    answers = {(dict(c.levels)["template"], dict(c.levels)["taught"]): set() for c in probe.cases}
    for case in probe.cases:
        levels = dict(case.levels)
        answers[levels["template"], levels["taught"]].add(case.target)
        assert not any(text.startswith(case.prompt) for text in texts)
    for case in probe.cases:
        levels = dict(case.levels)
        assert len(case.foils) == 10
        assert set(case.foils) == answers[levels["template"], levels["taught"]] - {case.target}


def test_names_of_the_published_facts_come_on_the_side_that_was_taught(published):
    texts, probe = published
    for case in probe.cases:
        levels = dict(case.levels)
        if levels["asked"] == "name":
            name = case.target.strip()
            (text,) = [t for t in texts if name in t]
            # what is asked forward stood last in the text that taught it, what is asked in reverse came before
            assert (text.index(name) > len(text) / 3) == (levels["direction"] == "forward"), text
