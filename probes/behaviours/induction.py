"""Induction: after a sequence was seen once, is its second pass foretold? (Olsson et al. 2022)"""

from __future__ import annotations

import numpy as np

from probes.behaviours.base import Behaviour, Claim, Levels
from probes.cases.case import Case
from probes.cases.template import TemplateProbe

NAME, PLACE = "induction", 40

WORDS = [
    "apple", "river", "candle", "tiger", "window", "pencil", "garden", "silver", "bottle", "carpet", "engine", "forest",
    "hammer", "island", "jacket", "kitten", "ladder", "magnet", "needle", "orange", "pillow", "rocket", "saddle",
    "temple",
]  # fmt: skip
SYLLABLES = [
    "bax", "dop", "fim", "gul", "hep", "jov", "kiz", "lun", "mab", "nef", "pog", "quib", "ruz", "sef", "tiv", "vob",
    "wex", "yud", "zan", "cug", "dree", "flon", "grus", "plim",
]  # fmt: skip
NUMBERS = [str(n) for n in range(11, 99, 3)]
TYPES = {"words": WORDS, "syllables": SYLLABLES, "numbers": NUMBERS}
FILLERS = {"none": "", "sentence": " And now the same list once more, please."}
#: how the items are written, and whether the second pass runs backwards
FAMILIES = {"spaces": (" ", False), "commas": (", ", False), "lines": ("\n", False), "backwards": (", ", True)}


def behaviour(entities: int = 16) -> Behaviour:
    """Continue 16 random sequences; value: log-prob of the next item, on the first and on the second pass."""
    cases = []
    for e in range(entities):
        rng = np.random.default_rng([e, 17])
        for i, (kind, pool) in enumerate(TYPES.items()):
            length = (5, 9)[(e + i) % 2]
            items = [pool[j] for j in rng.permutation(len(pool))[:length]]
            at = int(rng.integers(2, length - 1))
            for j, (family, (glue, backwards)) in enumerate(FAMILIES.items()):
                filler = list(FILLERS)[(e + j) % 2]
                turned = items[::-1] if backwards else items
                begun = glue.join(turned[:at])
                text = f"{glue.join(items)}.{FILLERS[filler]}{'' if glue == chr(10) else ' '}"
                text = text.rstrip(" ") + ("\n" if glue == "\n" else " ") + begun
                for passing, prompt in (("first", begun), ("second", text)):
                    levels = (
                        ("pass", passing),
                        ("tokens", kind),
                        ("length", str(length)),
                        ("distance", "near" if filler == "none" else "far"),
                        ("template", family),
                    )
                    space = glue.rstrip(" ")
                    cases.append(Case(prompt + space, (" " if glue != "\n" else "") + turned[at], (), levels, f"s{e}",
                                      family))  # fmt: skip
    forward = ("spaces", "commas", "lines")
    first: Levels
    second: Levels
    first, second = {"pass": "first", "template": forward}, {"pass": "second", "template": forward}
    return Behaviour(
        NAME,
        "Induction",
        TemplateProbe.from_cases(cases),
        "log_prob",
        Claim("words seen before are foretold on the second pass", {**second, "tokens": "words"},
              {**first, "tokens": "words"}),
        (
            Claim("syllables without a meaning are foretold on the second pass", {**second, "tokens": "syllables"},
                  {**first, "tokens": "syllables"}),
            Claim("numbers are foretold on the second pass", {**second, "tokens": "numbers"},
                  {**first, "tokens": "numbers"}),
            Claim("the gain of the second pass is larger for long sequences", second, first,
                  ({"length": "9"}, {"length": "5"})),
            Claim("the gain of the second pass is smaller after a sentence in between", second, first,
                  ({"distance": "far"}, {"distance": "near"}), sign=-1),
            Claim("the second pass is foretold where it runs backwards as well",
                  {"pass": "second", "template": "backwards"}, {"pass": "first", "template": "backwards"}),
            Claim("running backwards costs part of the gain", {"pass": "second"}, {"pass": "first"},
                  ({"template": forward}, {"template": "backwards"})),
        ),
    )  # fmt: skip
