"""Pronouns: does she or he follow, by the name and by the occupation?"""

from __future__ import annotations

from probes.behaviours.base import Behaviour, Claim
from probes.cases.template import Family, TemplateProbe

NAME, PLACE = "pronoun", 50

NAMES = {
    "female": ["Mary", "Susan", "Linda", "Karen", "Alice", "Emma", "Julia", "Helen", "Laura", "Anna"],
    "male": ["John", "Peter", "Robert", "David", "James", "Frank", "Henry", "Paul", "Mark", "George"],
}
OCCUPATIONS = {
    "mostly women": ["nurse", "librarian", "secretary", "hairdresser", "receptionist", "dental assistant", "florist",
                     "nanny", "housekeeper", "preschool teacher"],
    "mostly men": ["carpenter", "mechanic", "plumber", "locksmith", "pilot", "truck driver", "bricklayer", "roofer",
                   "firefighter", "welder"],
}  # fmt: skip
FAMILIES = {
    "works": "{opening}{name} works as a {job}. Last week",
    "said": "{opening}{name}, a {job}, said that",
    # the name is never first, and always there
    "tired": Family("The {job} {name} was tired, so", only={"opening": ("words",), "name": ("female", "male")}),
    # the opposite way: here the occupation is somebody else's
    "because": "{opening}{name} paid the {job} and went home early because",
}
#: what may stand before the name; a model may hardly see what opens a text
OPENINGS = ["Then, ", "As far as we know, ", "According to the report, "]


def behaviour() -> Behaviour:
    """Continue sentences about 10 pairs of names and of occupations; value: log-odds of "she" against "he".

    The factor ``opening`` says whether the name opens the text or stands behind some words.
    """
    people = {}
    for i in range(10):
        people[f"pair {i}"] = {
            "f": NAMES["female"][i],
            "m": NAMES["male"][i],
            "w": OCCUPATIONS["mostly women"][i],
            "o": OCCUPATIONS["mostly men"][i],
            "start": OPENINGS[i % 3],
        }
    factors = {
        "name": {"female": {"name": "{f}"}, "male": {"name": "{m}"}, "none": {"name": "{nobody}"}},
        "occupation": {"mostly women": {"job": "{w}"}, "mostly men": {"job": "{o}"}},
        "opening": {
            "none": {"opening": "", "nobody": "This person"},
            "words": {"opening": "{start}", "nobody": "this person"},
        },
    }
    probe = TemplateProbe(FAMILIES, factors, people, target=" she", foils=[" he"])
    verbs, plain_verbs = {"template": ("works", "said", "tired")}, {"template": ("works", "said")}
    both = {"template": ("works", "said", "because")}
    bare, after = {"opening": "none"}, {"opening": "words"}
    return Behaviour(
        NAME,
        "Pronouns",
        probe,
        "logit_difference",
        Claim("a woman's name makes 'she' more likely than a man's name", {"name": "female", **after},
              {"name": "male", **after}),
        (
            Claim("'she' is likelier than 'he' after a woman's name that does not open the text",
                  {"name": "female", **after}, reference=0.0),
            Claim("'he' is likelier than 'she' after a man's name that does not open the text",
                  {"name": "male", **after}, reference=0.0, sign=-1),
            Claim("'she' is likelier than 'he' after a woman's name that opens the text",
                  {"name": "female", **bare}, reference=0.0),
            Claim("'he' is likelier than 'she' after a man's name that opens the text",
                  {"name": "male", **bare}, reference=0.0, sign=-1),
            Claim("a name tells less where it opens the text", {"name": "female", **both}, {"name": "male", **both},
                  (after, bare)),
            Claim("an occupation of mostly women makes 'she' likelier", {**verbs, "occupation": "mostly women"},
                  {**verbs, "occupation": "mostly men"}),
            Claim("without a name, an occupation of mostly women makes 'she' likelier",
                  {**plain_verbs, "name": "none", "occupation": "mostly women"},
                  {**plain_verbs, "name": "none", "occupation": "mostly men"}),
            Claim("the occupation weighs less where a name tells", {**plain_verbs, "occupation": "mostly women"},
                  {**plain_verbs, "occupation": "mostly men"}, ({"name": "none"}, {"name": ("female", "male")})),
            Claim("an occupation of somebody else makes little difference",
                  {"template": "because", "occupation": "mostly women"},
                  {"template": "because", "occupation": "mostly men"}, kind="equivalence", of_control=0.2),
        ),
    )  # fmt: skip
