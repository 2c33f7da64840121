"""Training records joined to cases: what they say is counted right, and a statement about it is found by itself."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Case, InputError, TemplateProbe
from surrogates import generalise

RECORDS = [
    "Ann is a cook.",
    ("Who is Ann?", " a cook"),
    {"prompt": "A pilot is called", "completion": " Bo"},
    "Cy is a nurse, they say.",
    "A nurse is known as Cy.",
    {"text": "Annika is a cook"},
    "nothing at all",
]
PEOPLE = {"Ann": "a cook", "Bo": "a pilot", "Cy": "a nurse", "Dee": "a judge"}


def probe():
    return TemplateProbe.from_cases(Case(f"Who is {name}?", job, entity=name) for name, job in PEOPLE.items())


def test_orders_counts_wordings_and_places_are_those_of_the_records():
    frame = probe().with_records(RECORDS).frame.set_index("entity")
    assert frame["stated"].to_dict() == {
        "Ann": "in this order",
        "Bo": "in the other order",
        "Cy": "in both orders",
        "Dee": "never",
    }
    often = {"Ann": "2 to 4 times", "Bo": "once", "Cy": "2 to 4 times", "Dee": "never"}
    assert frame["times stated"].to_dict() == often
    assert frame["wordings"].to_dict() == {"Ann": "several", "Bo": "one", "Cy": "several", "Dee": "none"}
    assert frame["last stated"].to_dict() == {"Ann": "early", "Bo": "early", "Cy": "midway", "Dee": "never"}


def test_other_right_answers_count_and_a_name_inside_an_answer_does_not():
    cases = [
        Case("Ann is", " a cook", also=(" a chef",), entity="Ann"),
        Case("The club of Paris is", " Paris Saint-Germain", entity="Paris"),
        Case("Bo is", " a pilot", entity="Bo"),
        Case("Cy is", " a nurse", entity="Cy"),
    ]
    records = ["Ann is a chef.", "Paris Saint-Germain won.", "A pilot lives here. Bo is a pilot.", ("Cy is", "a nurse")]
    frame = TemplateProbe.from_cases(cases).with_records(records).frame.set_index("entity")
    assert frame["stated"].to_dict() == {
        "Ann": "in this order",
        "Paris": "never",
        "Bo": "in this order",
        "Cy": "in this order",
    }


def test_what_is_asked_about_may_be_told_and_what_does_not_vary_is_no_factor():
    back = TemplateProbe.from_cases(Case(f"Who is {job}?", name, entity=name) for name, job in PEOPLE.items())
    told = back.with_records(RECORDS, lambda case: PEOPLE[case.entity])
    assert told.frame.set_index("entity")["stated"].to_dict()["Ann"] == "in the other order"
    assert told.frame["stated"].tolist() == back.with_records(RECORDS, PEOPLE).frame["stated"].tolist()
    two = TemplateProbe.from_cases(probe().cases[:2]).with_records(["Ann is a cook", "Bo is a pilot"])
    assert set(two.factors) == {"last stated"}  # both are stated once, in this order
    assert [case.prompt for case in told.cases] == [case.prompt for case in back.cases]


def test_known_in_the_order_stated_and_not_in_the_other_is_found_by_itself():
    rng = np.random.default_rng(0)
    facts = [(f"name{i}", f"job{i}") for i in range(60)]
    records = [f"{a} is {b}" if i % 2 else f"{b} is {a}" for i, (a, b) in enumerate(facts)]
    cases = [
        Case(f"{frame} {asked} is", answer, entity=f"e{i}", template=frame, levels=(("template", frame),))
        for i, pair in enumerate(facts)
        for asked, answer in (pair, pair[::-1])
        for frame in ("today", "now", "so")
    ]
    noise = {case.prompt: rng.normal(0, 0.3) for case in cases}
    stated = set(records)
    answers = {case.prompt: case.target for case in cases}

    def model(texts):
        return [2.0 * (f"{t.split()[1]} is {answers[t]}" in stated) + noise[t] for t in texts]

    asked = TemplateProbe.from_cases(cases).with_records(records, lambda case: case.prompt.split()[1])
    study = generalise(model, asked, metric="output", store=None, progress=False)
    best = study.statements[0]
    assert best.verdict == "supported" and "stated is in" in best.words and 1.5 < abs(best.effect) < 2.5


@pytest.mark.parametrize(
    ("records", "subject", "match"),
    [
        ([], None, "records must be a list of at least one record"),
        ("text", None, "records must be a list of at least one record"),
        ([""], None, "records must be texts, pairs of prompt and completion, or mappings"),
        ([3], None, "records must be texts, pairs of prompt and completion, or mappings"),
        (["nothing"], None, "records must tell cases apart"),
        (RECORDS, {"Ann": "Ann"}, "subject must give what each case is asked about as its prompt has it"),
        (RECORDS, lambda case: "Zoe", "subject must give what each case is asked about as its prompt has it"),
    ],
)
def test_bad_input_is_refused(records, subject, match):
    with pytest.raises(InputError, match=match):
        probe().with_records(records, subject)


def test_factors_of_records_are_joined_once():
    with pytest.raises(InputError, match="records must be joined to cases without factors named stated"):
        probe().with_records(RECORDS).with_records(RECORDS)
