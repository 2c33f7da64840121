"""Two options: does the content decide, or the place and the label?"""

from __future__ import annotations

from probes.behaviours.base import Behaviour, Claim, Levels
from probes.cases.case import Case
from probes.cases.template import TemplateProbe

NAME, PLACE = "option-order", 70

ITEMS = [
    ("is a fruit", "apple", "hammer"), ("is an animal", "horse", "table"), ("can fly", "eagle", "stone"),
    ("is a colour", "green", "seven"), ("is a number", "twelve", "purple"), ("is a city", "Paris", "bread"),
    ("is a drink", "coffee", "pillow"), ("is a tool", "saw", "cloud"), ("is a vehicle", "truck", "onion"),
    ("is a vegetable", "carrot", "violin"), ("is an instrument", "piano", "shoe"), ("is a sport", "tennis", "butter"),
    ("is a metal", "iron", "milk"), ("is a tree", "oak", "chair"), ("is a planet", "Saturn", "spoon"),
    ("is worn on the foot", "sock", "lamp"),
]  # fmt: skip
LABELS = {"letters": ("A", "B"), "numbers": ("1", "2")}
FAMILIES = {
    "quiz": "Question: Which of these {what}?\n{x}. {one}\n{y}. {two}\nAnswer: (",
    "choose": "Choose the one that {what}.\n({x}) {one}\n({y}) {two}\nThe correct option is (",
    "exam": "{x}) {one}\n{y}) {two}\nOnly one of them {what}. It is option (",
    # the opposite way: the other option is asked for
    "not": "Question: Which of these is NOT right for the words: {what}?\n{x}. {one}\n{y}. {two}\nAnswer: (",
}


def behaviour() -> Behaviour:
    """Ask 16 questions; value: log-odds of the first label against the second."""
    cases = []
    for what, good, bad in ITEMS:
        for labels, (x, y) in LABELS.items():
            for family, template in FAMILIES.items():
                for place in ("first", "second"):
                    one, two = (good, bad) if place == "first" else (bad, good)
                    prompt = template.format(what=what, x=x, y=y, one=one, two=two)
                    levels = (("answer stands", place), ("labels", labels), ("template", family))
                    cases.append(Case(prompt, x, (y,), levels, good, family))
    asked: Levels = {"template": ("quiz", "choose", "exam")}
    first: Levels = {**asked, "answer stands": "first"}
    second: Levels = {**asked, "answer stands": "second"}
    return Behaviour(
        NAME,
        "Option order and label",
        TemplateProbe.from_cases(cases),
        "logit_difference",
        Claim("the content decides: the first label is likelier when the answer stands first", first, second,
              min_effect=0.1),
        (
            Claim("the place decides as well: the first label is likelier whatever it holds", asked, reference=0.0),
            Claim("letters and numbers as labels are alike", {**asked, "labels": "letters"},
                  {**asked, "labels": "numbers"}, kind="equivalence", of_control=0.5),
            Claim("a NOT in the question turns the choice around", {"template": "not", "answer stands": "first"},
                  {"template": "not", "answer stands": "second"}, sign=-1),
        ),
    )  # fmt: skip
