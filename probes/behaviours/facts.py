"""Fact recall: capitals and currencies, in both directions and four wordings."""

from __future__ import annotations

from probes.behaviours.base import Behaviour, Claim
from probes.cases.template import TemplateProbe

NAME, PLACE = "facts", 60

CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin", "Japan": "Tokyo", "Egypt": "Cairo",
    "Greece": "Athens", "Austria": "Vienna", "Poland": "Warsaw", "Sweden": "Stockholm", "Norway": "Oslo",
    "Ireland": "Dublin", "Portugal": "Lisbon", "Hungary": "Budapest", "Russia": "Moscow", "China": "Beijing",
    "Cuba": "Havana", "Peru": "Lima", "Kenya": "Nairobi", "Canada": "Ottawa", "Thailand": "Bangkok",
    "Finland": "Helsinki", "Turkey": "Ankara", "Chile": "Santiago",
}  # fmt: skip
CURRENCIES = {
    "Japan": "yen", "China": "yuan", "Russia": "ruble", "India": "rupee", "Thailand": "baht", "Poland": "zloty",
    "Sweden": "krona", "Hungary": "forint", "Turkey": "lira", "Brazil": "real", "South Africa": "rand",
    "Israel": "shekel", "Vietnam": "dong", "South Korea": "won",
}  # fmt: skip
FAMILIES = {
    "plain": "{cue}",
    "known": "As is well known, {low}",
    "quiz": "Question: complete the sentence. {cue}",
    "lesson": "In geography class we learned that {low}",
}
DIRECTIONS = {
    "forward": {
        "cue": "The {thing} of {country} is{the}",
        "low": "the {thing} of {country} is{the}",
        "target": " {object}",
    },
    "reverse": {
        "cue": "{The}{object} is the {thing} of",
        "low": "{the_}{object} is the {thing} of",
        "target": " {country}",
    },
}


def behaviour(foils: int = 10) -> Behaviour:
    """Ask for 24 capitals and 14 currencies; values: whether the answer is written, and its log-prob over 10 others."""
    cases = []
    for thing, table, words in (
        ("capital", CAPITALS, {"the": "", "The": "", "the_": ""}),
        ("currency", CURRENCIES, {"the": " the", "The": "The ", "the_": "the "}),
    ):
        people = {
            f"{country}, {thing}": {"country": country, "object": value, "thing": thing, **words}
            for country, value in table.items()
        }
        made = TemplateProbe(FAMILIES, {"direction": DIRECTIONS}, people, foils=foils)
        for case in made.cases:
            levels = (("relation", thing), *case.levels)
            cases.append(type(case)(case.prompt, case.target, case.foils, levels, case.entity, case.template))
    capital = {"relation": "capital"}
    return Behaviour(
        NAME,
        "Fact recall",
        TemplateProbe.from_cases(cases),
        "margin",
        Claim("capitals are recalled from the country", {**capital, "direction": "forward"}),
        (
            Claim("capitals are recalled back to the country", {**capital, "direction": "reverse"}),
            Claim("currencies are recalled from the country", {"relation": "currency", "direction": "forward"}),
            Claim("currencies are recalled back to the country", {"relation": "currency", "direction": "reverse"}),
            Claim("capitals are written in the forward direction more often than not",
                  {**capital, "direction": "forward"}, reference=0.5, metric="exact_match"),
            Claim("the forward direction is written more often than the reverse",
                  {**capital, "direction": "forward"}, {**capital, "direction": "reverse"}, metric="exact_match"),
            Claim("recall of capitals beats chance in every wording", {**capital, "direction": "forward"},
                  every="template"),
            Claim("a preamble makes little difference to the forward direction",
                  {**capital, "direction": "forward", "template": ("known", "lesson")},
                  {**capital, "direction": "forward", "template": "plain"}, kind="equivalence", of_control=0.2),
            Claim("another wording changes less than a quarter of the likeliest capitals",
                  {**capital, "direction": "forward"}, reference=0.25, sign=-1, metric="flip"),
        ),
        {"template": "plain"},
    )  # fmt: skip
