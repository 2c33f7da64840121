"""Format: does it matter how a question is laid out? (Sclar et al. 2023)"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from probes.behaviours.base import Behaviour, Claim
from probes.behaviours.facts import CAPITALS
from probes.cases.case import Case
from probes.cases.template import TemplateProbe

NAME, PLACE = "format", 80

SEPARATORS = {"colon": ": ", "dash": " - ", "bars": " || "}
CASINGS: dict[str, Callable[[str], str]] = {"plain": str, "upper": str.upper}
SPACINGS = {"lines": "\n", "one line": "; "}
NUMBERING = {"none": "", "numbered": "{i}) "}
SHOTS = [("Brazil", "Brasilia"), ("India", "Delhi")]
FIELDS = {"capital": ("Country", "Capital"), "city": ("Nation", "Capital city")}


def behaviour(countries: int = 16) -> Behaviour:
    """Ask about 16 countries after two examples in one format; value: log-odds of the right capital over two others."""
    names = list(CAPITALS)[:countries]
    cases = []
    for i, country in enumerate(names):
        city = CAPITALS[country]
        wrong = [f" {CAPITALS[names[(i + k) % countries]]}" for k in (3, 7)]
        number = 0
        for separator, mark in SEPARATORS.items():
            for casing, cased in CASINGS.items():
                for spacing, gap in SPACINGS.items():
                    for numbering, head in NUMBERING.items():
                        number += 1
                        family = list(FIELDS)[(number + i) % 2]
                        left, right = (cased(f) for f in FIELDS[family])
                        shots = [
                            f"{head.format(i=k + 1)}{left}{mark}{a}{gap}{right}{mark}{b}"
                            for k, (a, b) in enumerate([*SHOTS, (country, "")])
                        ]
                        prompt = "\n".join(shots).rstrip(" ")
                        levels = (
                            ("separator", separator),
                            ("casing", casing),
                            ("spacing", spacing),
                            ("enumeration", numbering),
                            ("template", family),
                        )
                        if (number + i) % 3 == 0 or number == 1:
                            cases.append(Case(prompt, f" {city}", tuple(wrong), levels, country, family))
    same: dict[str, Any] = {"kind": "equivalence", "of_control": 0.2}
    return Behaviour(
        NAME,
        "Format sensitivity",
        TemplateProbe.from_cases(cases),
        "logit_difference",
        Claim("the right capital follows", reference=0.0),
        (
            Claim("dashes are about as good as colons", {"separator": "dash"}, {"separator": "colon"}, **same),
            Claim("double bars are about as good as colons", {"separator": "bars"}, {"separator": "colon"}, **same),
            Claim("capital letters are about as good as plain ones", {"casing": "upper"}, {"casing": "plain"}, **same),
            Claim("one line is about as good as two", {"spacing": "one line"}, {"spacing": "lines"}, **same),
            Claim("numbering makes little difference", {"enumeration": "numbered"}, {"enumeration": "none"}, **same),
            Claim("the right capital follows with every separator", reference=0.0, every="separator"),
        ),
    )  # fmt: skip
