"""Invariance and direction: what should change a judgement and what should not (Ribeiro et al. 2020)."""

from __future__ import annotations

from typing import Any

from probes.behaviours.base import Behaviour, Claim
from probes.cases.template import TemplateProbe

NAME, PLACE = "invariance", 100

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
FACTORS = {
    "word": {"good": {"word": "{good}"}, "bad": {"word": "{bad}"}},
    "negation": {"no": {"not": ""}, "yes": {"not": "not "}},
    "typo": {"no": {"film": "film"}, "yes": {"film": "flim"}},
    "name": {"Anna": {"who": "Anna"}, "Roberto": {"who": "Roberto"}},
    "intensifier": {"no": {"very": ""}, "yes": {"very": "absolutely "}},
}
PLAIN = {"negation": "no", "typo": "no", "name": "Anna", "intensifier": "no"}


def behaviour() -> Behaviour:
    """Rate 12 pairs of words, all combinations of four changes; value: log-odds of "positive" against "negative"."""
    people = {f"{good}/{bad}": {"good": good, "bad": bad} for good, bad in PAIRS}
    probe = TemplateProbe(FAMILIES, FACTORS, people, target=" positive", foils=[" negative"])
    good, bad = {"word": "good", "negation": "no"}, {"word": "bad", "negation": "no"}
    same: dict[str, Any] = {"kind": "equivalence", "of_control": 0.2}
    rarely: dict[str, Any] = {"reference": 0.1, "sign": -1, "metric": "flip"}
    strong, plain = {"intensifier": "yes"}, {"intensifier": "no"}
    return Behaviour(
        NAME,
        "Invariance and direction",
        probe,
        "logit_difference",
        Claim("a good word makes 'positive' likelier than a bad word", {**PLAIN, **good}, {**PLAIN, **bad}),
        (
            Claim("a typo elsewhere makes little difference", {"typo": "yes"}, {"typo": "no"}, **same),
            Claim("another name makes little difference", {"name": "Roberto"}, {"name": "Anna"}, **same),
            Claim("a typo alone turns less than a tenth of the judgements", {**PLAIN, "typo": "yes"}, **rarely),
            Claim("another name alone turns less than a tenth of the judgements", {**PLAIN, "name": "Roberto"},
                  **rarely),
            Claim("'not' before a good word lowers 'positive'", {"word": "good", "negation": "yes"}, good, sign=-1),
            Claim("'not' before a bad word raises 'positive'", {"word": "bad", "negation": "yes"}, bad),
            Claim("'not' turns the judgement around", {"word": "good", "negation": "yes"},
                  {"word": "bad", "negation": "yes"}, sign=-1),
            Claim("'not' alone turns more than half of the judgements", {**PLAIN, "negation": "yes"}, reference=0.5,
                  metric="flip"),
            Claim("an intensifier raises 'positive' for good words", {**good, **strong}, {**good, **plain}),
            Claim("an intensifier lowers 'positive' for bad words", {**bad, **strong}, {**bad, **plain}, sign=-1),
            Claim("an intensifier widens the gap between good and bad", good, bad, (strong, plain)),
        ),
        PLAIN,
    )  # fmt: skip
