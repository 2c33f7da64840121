"""Built-in behaviours: their cases are sound, and models that follow a rule get the verdict of that rule."""

from __future__ import annotations

from collections import Counter

import pytest

from probes import Store, hold_out
from probes.behaviours.indirect_object import NAMES as RECEIVERS
from probes.behaviours.pronoun import NAMES
from probes.behaviours.registry import BEHAVIOURS, behaviour
from surrogates import generalise
from surrogates.statements.behave import statement_of, study_of
from tests.helpers.checkout import ROOT
from tests.helpers.scripted_models import Scripted, copies_or_raises, obeys, verdicts, wobble


def test_greater_than_tells_copying_from_comparing():
    copying = verdicts(copies_or_raises, "greater-than")
    comparing = verdicts(obeys, "greater-than")
    claims = list(copying)
    assert claims[0].startswith("computes greater-than")
    assert (copying[claims[0]], comparing[claims[0]]) == ("refuted", "supported")
    assert claims[1].startswith("copies or raises")
    assert (copying[claims[1]], comparing[claims[1]]) == ("supported", "refuted")


def words_of(prompt):
    return [w.strip(",.") for w in prompt.split()]


def receiver(prompt, answer):
    return 3.0 * (words_of(prompt).count(answer.strip()) == 1) + wobble(prompt, answer)


def test_a_model_that_names_whoever_was_said_once_fails_where_that_is_wrong():
    got = verdicts(receiver, "indirect-object")
    assert got["the receiver is named in the order ABBA where its name opens the text"] == "supported"
    assert got["a sentence in between makes little difference"] == "supported"
    assert got["it names the right person in every wording"] != "supported"


def overlooks_what_opens_the_text(prompt, answer):
    """Names whoever was said once, but does not see the first word; "she" and "he" by the name, if it is seen."""
    words = words_of(prompt)[1:]
    if answer in (" she", " he"):
        seen = {"female": " she", "male": " he"}
        pronoun = next((seen[sex] for sex, names in NAMES.items() if set(words) & set(names)), "")
        return 3.0 * (answer == pronoun) + wobble(prompt, answer)
    return 3.0 * (words.count(answer.strip()) == 1) + wobble(prompt, answer)


def test_the_opening_is_a_factor_and_what_depends_on_it_is_said():
    got = verdicts(overlooks_what_opens_the_text, "indirect-object")
    assert got["the receiver is named in the order ABBA after some words"] == "supported"
    assert got["the receiver is named in the order ABBA where its name opens the text"] != "supported"
    assert got["in the order ABBA a receiver whose name opens the text is harder to name"] == "supported"
    # it overlooks a giver as well
    assert got["the receiver gains more by words before the names than the giver does"] == "inconclusive"
    she = verdicts(overlooks_what_opens_the_text, "pronoun")
    assert she["'she' is likelier than 'he' after a woman's name that does not open the text"] == "supported"
    assert she["'she' is likelier than 'he' after a woman's name that opens the text"] != "supported"
    assert she["a name tells less where it opens the text"] == "supported"
    sees = verdicts(receiver, "indirect-object")
    assert sees["in the order ABBA a receiver whose name opens the text is harder to name"] != "supported"


@pytest.mark.parametrize(("name", "other"), [("indirect-object", "order"), ("pronoun", "name")])
def test_a_study_finds_the_opening_by_itself(name, other):
    study = generalise(Scripted(overlooks_what_opens_the_text), behaviour(name).probe, store=None, progress=False)
    statements = [s for s in study.statements if "opening" in s.words and other in s.words]
    assert any(s.verdict == "supported" for s in statements), study


@pytest.mark.parametrize("name", ["indirect-object", "pronoun"])
def test_the_opening_decides_what_stands_first_and_goes_along_with_nothing_else(name):
    frame = behaviour(name).probe.frame
    first = frame["prompt"].str.split().str[0].str.strip(",")
    names = {n for names in NAMES.values() for n in names} | set(RECEIVERS) | {"This"}
    assert (first.isin(names) == (frame["opening"] == "none")).all()  # exact: names and counts
    crossed = frame[frame["template"] != "tired"]
    for factor in (f for f in behaviour(name).probe.factors if f != "opening"):
        table = crossed.groupby([factor, "opening"]).size().unstack()
        assert (table["none"] == table["words"]).all()  # exact: names and counts
    words = frame.loc[frame["opening"] == "words", "prompt"].str.split(",").str[0]
    assert words.nunique() >= 3


def indifferent(prompt, answer):
    return wobble(prompt, answer)


@pytest.mark.parametrize("name", ["option-order", "persona", "sycophancy", "pronoun"])
def test_a_model_that_cannot_do_the_control_is_not_testable(name):
    assert set(verdicts(indifferent, name).values()) == {"not testable"}


@pytest.mark.parametrize("name", list(BEHAVIOURS))
def test_cases_are_sound(name):
    made = behaviour(name)
    cases = made.probe.cases
    assert len({c.case_id for c in cases}) == len(cases) >= 100
    assert all(len(v) >= 2 for v in made.probe.factors.values())
    assert [c.case_id for c in behaviour(name).probe.cases] == [c.case_id for c in cases]
    for case in cases:
        assert case.target not in case.foils
        assert not (isinstance(case.prompt, str) and case.prompt.endswith(" "))
        assert all(option.strip() for option in case.options)
    people = Counter(c.entity for c in cases)
    assert len(people) >= 10
    frame = made.probe.frame.assign(value=0.0, chance=0.0, answer="")
    for claim in (made.control, *made.claims):
        for _, mask in statement_of(claim).masks(frame):
            assert frame.loc[mask, "entity"].nunique() >= 5, claim.text
    split = hold_out(cases)
    assert len(split.test) > 0


def test_every_claim_is_said_once():
    for name in BEHAVIOURS:
        texts = [c.text for c in behaviour(name).claims]
        assert len(set(texts)) == len(texts) > 2


def test_every_behaviour_has_a_row_in_the_guide():
    page = (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8")
    lacking = [name for name in BEHAVIOURS if f"\n| `{name}` |" not in page]
    assert not lacking, "the table in docs/behaviour.md needs a row for each behaviour"


def test_all_claims_of_a_probe_share_one_correction():
    study = study_of(Scripted(copies_or_raises), behaviour("greater-than"), store=Store(), progress=False)
    supported = [j for j in study.statements if j.verdict == "supported"]
    assert supported
    assert all(j.p <= 0.05 for j in supported)
