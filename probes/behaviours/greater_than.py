"""Numeric comparison: does a year continue upwards because the sentence says so? (after Hanna et al. 2023)

The same prompts are read in two ways: which tens digits the sentence asks for, and which are at least the start digit
(ties count as "at least"). Only wordings that ask for an earlier year tell the two apart.
"""

from __future__ import annotations

from probes.behaviours.base import Behaviour, Claim
from probes.cases.case import Case
from probes.cases.template import TemplateProbe

NAME, PLACE = "greater-than", 30

EVENTS = [
    "war",
    "siege",
    "strike",
    "voyage",
    "trial",
    "drought",
    "festival",
    "reign",
    "feud",
    "project",
    "exhibition",
    "famine",
    "marriage",
    "occupation",
    "campaign",
    "treaty",
    "survey",
    "expedition",
    "revolt",
    "tour",
]
#: wording, and whether it asks for a later year
FAMILIES = {
    "lasted": ("The {event} lasted from the year {century}{year} to the year {century}", True),
    "began": ("The {event} began in {century}{year} and ended in {century}", True),
    "until": ("From {century}{year} the {event} went on until {century}", True),
    "ended": ("The {event} ended in {century}{year} and started in {century}", False),
    "before": ("By {century}{year} the {event} was over; it had begun in {century}", False),
}
#: wordings without a pluperfect
PLAIN = ("lasted", "began", "until", "ended")
CENTURIES = ("16", "17", "18")
YEARS = {"20s": "28", "40s": "43", "60s": "65", "70s": "72"}


def behaviour() -> Behaviour:
    """Ask about 20 events; value: probability of the right tens digits minus that of the others."""
    cases = []
    for i, event in enumerate(EVENTS):
        century = CENTURIES[i % 3]
        for j, (name, (template, later)) in enumerate(FAMILIES.items()):
            for decade in list(YEARS)[(i + j) % 2 :: 2]:
                year = YEARS[decade]
                prompt = template.format(event=event, century=century, year=year)
                start = int(year[0])
                up, down = [str(d) for d in range(start, 10)], [str(d) for d in range(start)]
                for reading, right in (("the sentence", up if later else down), ("copy or raise", up)):
                    wrong = tuple(str(d) for d in range(10) if str(d) not in right)
                    levels = (
                        ("reading", reading),
                        ("asks for", "later" if later else "earlier"),
                        ("decade", decade),
                        ("template", name),
                    )
                    cases.append(Case(prompt, right[0], wrong, levels, event, name, tuple(right[1:])))
    return Behaviour(
        NAME,
        "Numeric comparison",
        TemplateProbe.from_cases(cases),
        "mass_contrast",
        Claim("a digit at or above the start digit follows 'lasted from … to'",
              {"template": "lasted", "reading": "the sentence"}, reference=0.0),
        (
            Claim("computes greater-than: the tens digit obeys the sentence in every wording",
                  {"reading": "the sentence"}, every="template", reference=0.0),
            Claim("copies or raises the start digit, whatever the plain wording",
                  {"reading": "copy or raise", "template": PLAIN}, every="template", reference=0.0),
            Claim("copies or raises the start digit in the pluperfect wording as well",
                  {"reading": "copy or raise", "template": "before"}, reference=0.0),
            Claim("the digit obeys a sentence that asks for an earlier year",
                  {"reading": "the sentence", "asks for": "earlier"}, reference=0.0),
            Claim("copying or raising is as strong in 'ended in … and started in' as in 'lasted from … to'",
                  {"reading": "copy or raise", "template": "ended"}, {"reading": "copy or raise", "template": "lasted"},
                  kind="equivalence", of_control=0.2),
        ),
    )  # fmt: skip
