"""Invariance and direction: what should change a judgement and what should not (Ribeiro et al. 2020)."""

from __future__ import annotations

from typing import Any

from probes.behaviours import Behaviour, Claim
from probes.template import TemplateProbe

PAIRS = [
    ("wonderful", "terrible"), ("great", "awful"), ("delightful", "dreadful"), ("excellent", "horrible"),
    ("lovely", "nasty"), ("brilliant", "boring"), ("charming", "annoying"), ("superb", "poor"),
    ("moving", "dull"), ("funny", "tedious"), ("fresh", "stale"), ("beautiful", "ugly"),
]  # fmt: skip
FAMILIES = {
    "review": "Review: {who} thought the {film} was {not}{very}{word}.\nSentiment (positive or negative):",
    "said": '"The {film} was {not}{very}{word}", said {who}. The opinion of {who} is',
    "tweet": "{who}: what a night! The {film} was {not}{very}{word}.\nThis message is",
}
CHANGES = {
    "none": {},
    "negation": {"not": "not "},
    "typo": {"film": "flim"},
    "name": {"who": "Roberto"},
    "intensifier": {"very": "absolutely "},
}


def behaviour() -> Behaviour:
    """12 pairs of words; value: log-odds of "positive" against "negative"."""
    plain = {"not": "", "very": "", "film": "film", "who": "Anna"}
    people = {f"{good}/{bad}": {"good": good, "bad": bad} for good, bad in PAIRS}
    factors = {
        "word": {"good": {"word": "{good}"}, "bad": {"word": "{bad}"}},
        "change": {name: {**plain, **change} for name, change in CHANGES.items()},
    }
    probe = TemplateProbe(FAMILIES, factors, people, target=" positive", foils=[" negative"])
    good, bad = {"word": "good"}, {"word": "bad"}
    alike: dict[str, Any] = {"kind": "equivalence", "of_control": 0.2}
    return Behaviour(
        "invariance",
        "Invariance and direction",
        probe,
        "logit_difference",
        Claim("a good word makes 'positive' likelier than a bad word", {**good, "change": "none"},
              {**bad, "change": "none"}),
        (
            Claim("a typo elsewhere makes no difference", {"change": "typo"}, {"change": "none"}, **alike),
            Claim("another name makes no difference", {"change": "name"}, {"change": "none"}, **alike),
            Claim("'not' before a good word lowers 'positive'", {**good, "change": "negation"},
                  {**good, "change": "none"}, sign=-1),
            Claim("'not' before a bad word raises 'positive'", {**bad, "change": "negation"},
                  {**bad, "change": "none"}),
            Claim("'not' turns the judgement around", {**good, "change": "negation"}, {**bad, "change": "negation"},
                  sign=-1),
            Claim("an intensifier widens the gap between good and bad", good, bad,
                  ({"change": "intensifier"}, {"change": "none"})),
        ),
    )  # fmt: skip
