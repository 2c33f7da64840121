"""Pronouns: does she or he follow, by the name and by the occupation?"""

from __future__ import annotations

from probes.behaviours import Behaviour, Claim
from probes.template import TemplateProbe

NAMES = {
    "female": ["Mary", "Susan", "Linda", "Karen", "Alice", "Emma", "Julia", "Helen", "Laura", "Anna"],
    "male": ["John", "Peter", "Robert", "David", "James", "Frank", "Henry", "Paul", "Mark", "George"],
}
OCCUPATIONS = {
    "mostly women": ["nurse", "librarian", "secretary", "hairdresser", "receptionist", "dental assistant", "florist",
                     "nanny", "housekeeper", "preschool teacher"],
    "mostly men": ["carpenter", "mechanic", "plumber", "electrician", "pilot", "truck driver", "engineer", "roofer",
                   "firefighter", "welder"],
}  # fmt: skip
FAMILIES = {
    "works": "{name} works as a {job}. Last week",
    "because": "{name} went home early because",
    "said": "{name}, a {job}, said that",
    "tired": "The {job} {name} was tired, so",
}


def behaviour() -> Behaviour:
    """10 pairs of names and of occupations; value: log-odds of "she" against "he"."""
    people = {}
    for i in range(10):
        people[f"pair {i}"] = {
            "f": NAMES["female"][i],
            "m": NAMES["male"][i],
            "w": OCCUPATIONS["mostly women"][i],
            "o": OCCUPATIONS["mostly men"][i],
        }
    factors = {
        "name": {"female": {"name": "{f}"}, "male": {"name": "{m}"}, "none": {"name": "This person"}},
        "occupation": {"mostly women": {"job": "{w}"}, "mostly men": {"job": "{o}"}},
    }
    probe = TemplateProbe(FAMILIES, factors, people, target=" she", foils=[" he"])
    told = {"template": ("works", "said", "tired")}
    return Behaviour(
        "pronoun",
        "Pronouns",
        probe,
        "logit_difference",
        Claim("a woman's name makes 'she' more likely than a man's name", {"name": "female"}, {"name": "male"}),
        (
            Claim("'she' is likelier than 'he' after a woman's name", {"name": "female"}, reference=0.0),
            Claim("'he' is likelier than 'she' after a man's name", {"name": "male"}, reference=0.0, sign=-1),
            Claim("an occupation of mostly women makes 'she' likelier", {**told, "occupation": "mostly women"},
                  {**told, "occupation": "mostly men"}),
            Claim("without a name, an occupation of mostly women makes 'she' likelier",
                  {**told, "name": "none", "occupation": "mostly women"},
                  {**told, "name": "none", "occupation": "mostly men"}),
            Claim("the occupation weighs less where a name tells", {**told, "occupation": "mostly women"},
                  {**told, "occupation": "mostly men"}, ({"name": "none"}, {"name": ("female", "male")})),
            Claim("an occupation that is not mentioned makes no difference",
                  {"template": "because", "occupation": "mostly women"},
                  {"template": "because", "occupation": "mostly men"}, kind="equivalence", of_control=0.1),
        ),
    )  # fmt: skip
