"""Context against prior: does what the prompt says win over what the weights say? (after Neeman et al. 2022)"""

from __future__ import annotations

from probes.behaviours.base import Behaviour, Claim
from probes.behaviours.facts import CAPITALS
from probes.cases.template import Family, TemplateProbe

NAME, PLACE = "context-prior", 110

FAMILIES = {
    "plain": "{before}The capital of {country} is",
    "story": "{before}I asked the guide for the capital of {country}. The capital is",
    "quiz": Family("{before}Question: What is the capital of {country}?\nAnswer: The capital is"),
}
CONTEXTS = {
    "none": {"said": ""},
    "agree": {"said": "{opening} the capital of {country} is {city}. "},
    "conflict": {"said": "{opening} the capital of {country} is {other}. "},
}
FACTORS = {
    "context": CONTEXTS,
    "position": {"near": {"before": "{said}"}, "far": {"before": "{said}{gap}"}},
    "source": {"firm": {"opening": "According to the new law,"}, "doubtful": {"opening": "Someone once claimed that"}},
}
GAP = "The weather has been mild this year, and the harvest was good. "


def behaviour(countries: int = 16, cases: int = 288) -> Behaviour:
    """Ask about 16 countries; value: log-odds of the city that a conflicting context names against the capital."""
    names = list(CAPITALS)[:countries]
    people = {
        name: {"country": name, "city": CAPITALS[name], "other": CAPITALS[names[(i + 5) % countries]], "gap": GAP}
        for i, name in enumerate(names)
    }
    probe = TemplateProbe(FAMILIES, FACTORS, people, target=" {other}", foils=[" {city}"], crossing=cases)
    conflict, none = {"context": "conflict"}, {"context": "none"}
    return Behaviour(
        NAME,
        "Context against prior",
        probe,
        "logit_difference",
        Claim("without a context the true capital is likelier", none, reference=0.0, sign=-1),
        (
            Claim("a conflicting context raises its city", conflict, none),
            Claim("a conflicting context wins over the weights", conflict, reference=0.0),
            Claim("an agreeing context makes the true capital likelier still", {"context": "agree"}, none, sign=-1),
            Claim("a conflicting context counts more when it stands near", conflict, none,
                  ({"position": "near"}, {"position": "far"})),
            Claim("a firm source counts more than a doubtful one", conflict, none,
                  ({"source": "firm"}, {"source": "doubtful"})),
            Claim("a conflicting context wins in every wording", conflict, reference=0.0, every="template"),
            Claim("a conflicting context gives its city more than nine tenths of the mass of both", conflict,
                  reference=0.9, metric="mass"),
        ),
    )  # fmt: skip
