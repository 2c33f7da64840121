"""Indirect object identification: two names, one acts; who receives? (Wang et al. 2022)"""

from __future__ import annotations

from probes.behaviours.base import Behaviour, Claim, Levels
from probes.cases.template import Family, TemplateProbe

NAME, PLACE = "indirect-object", 20

NAMES = [
    "Mary",
    "John",
    "Alice",
    "Tom",
    "Sarah",
    "James",
    "Emma",
    "David",
    "Laura",
    "Peter",
    "Anna",
    "Mark",
    "Julia",
    "Paul",
    "Kate",
    "Simon",
    "Lucy",
    "Adam",
    "Helen",
    "Frank",
    "Jane",
    "Kevin",
    "Susan",
    "Brian",
    "Claire",
    "George",
    "Diana",
    "Henry",
    "Rachel",
    "Scott",
    "Megan",
    "Andrew",
]
THINGS = ["drink", "book", "key", "letter", "coin", "map"]
PLACES = ["store", "park", "station", "office", "garden", "museum"]

#: what may stand before the names; a model may hardly see what opens a text
OPENINGS = ["Then, ", "One morning, ", "It was a long day. "]

FAMILIES = {
    "went": "{opening}{pair}{aside} went to the {place}.{filler} {b} gave a {thing} to",
    "met": "{opening}{pair}{aside} met at the {place}, and it began to rain.{filler} {b} passed the {thing} to",
    "worked": "{opening}{pair}{aside} worked at the {place}.{filler} {b} handed a {thing} to",
    # the opposite way: here the right name is the one that acted before, the name said twice
    "thanks": Family(
        "{opening}{pair}{aside} went to the {place}.{filler} {b} bought a {thing} for {a}, so {a} said thanks to",
        slots={"target": " {b}", "foils": [" {a}"]},
    ),
}
FACTORS = {
    "order": {"ABBA": {"pair": "{a} and {b}"}, "BABA": {"pair": "{b} and {a}"}},
    "opening": {"none": {"opening": ""}, "words": {"opening": "{start}"}},
    "distractor": {"none": {"aside": ""}, "third person": {"aside": ", while {c} slept,"}},
    "filler": {"none": {"filler": ""}, "sentence": {"filler": " The weather was fine that day."}},
}


def behaviour(cases: int = 384) -> Behaviour:
    """Ask about pairs of names in 4 wordings; value: log-odds of the right name against the other.

    The factor ``opening`` says whether the first name opens the text or stands behind some words.
    """
    people = {}
    for i in range(len(NAMES) // 2):
        a, b, c = NAMES[2 * i], NAMES[2 * i + 1], NAMES[(2 * i + 5) % len(NAMES)]
        around = {"c": c, "thing": THINGS[i % 6], "place": PLACES[i % 5], "start": OPENINGS[i % 3]}
        for x, y in ((a, b), (b, a)):
            people[f"{x} and {y}"] = {"a": x, "b": y, **around}
    probe = TemplateProbe(FAMILIES, FACTORS, people, target=" {a}", foils=[" {b}"], crossing=cases)
    hard: Levels
    easy: Levels
    usual: Levels = {"template": ("went", "met", "worked")}
    hard, easy = {**usual, "order": "ABBA"}, {**usual, "order": "BABA"}
    bare, after = {"opening": "none"}, {"opening": "words"}
    return Behaviour(
        NAME,
        "Indirect object",
        probe,
        "logit_difference",
        Claim("the receiver is named in the easy order BABA", easy, reference=0.0),
        (
            Claim("the receiver is named in the order ABBA after some words", {**hard, **after}, reference=0.0),
            Claim("the receiver is named in the order ABBA where its name opens the text", {**hard, **bare},
                  reference=0.0),
            Claim("in the order ABBA a receiver whose name opens the text is harder to name", {**hard, **bare},
                  {**hard, **after}, sign=-1),
            Claim("the receiver gains more by words before the names than the giver does", {**usual, **after},
                  {**usual, **bare}, ({"order": "ABBA"}, {"order": "BABA"})),
            Claim("the receiver is easier to name in the order BABA than in ABBA", easy, hard),
            Claim("a third person makes little difference", {**usual, "distractor": "third person"},
                  {**usual, "distractor": "none"}, kind="equivalence", of_control=0.2),
            Claim("a sentence in between makes little difference", {**usual, "filler": "sentence"},
                  {**usual, "filler": "none"}, kind="equivalence", of_control=0.2),
            Claim("the right name follows even where it is the one said twice", {"template": "thanks"}, reference=0.0),
            Claim("it names the right person in every wording", reference=0.0, every="template"),
        ),
    )  # fmt: skip
