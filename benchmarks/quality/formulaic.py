"""Formulaic tasks on SmolLM2, where the right output can be computed: figures given in advance, and figures found.

The memo this library was planned with states what the model did on five tasks, without all wordings. Each figure is
measured again; where the wording decides, both wordings are shown. *Found* is a mean with its 95% interval over
entities; *inside* says whether the memo's figure (with its interval where it has one, else as it is rounded) meets that
interval. Rows without a figure of the memo are there to explain.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmarks.quality.reversal_files import smollm
from benchmarks.run.record import show
from probes import CausalLM, Store, TemplateProbe, measure, open_store
from probes.behaviours.facts import CAPITALS
from probes.behaviours.indirect_object import NAMES, PLACES, THINGS
from probes.behaviours.pronoun import NAMES as GENDERED
from probes.behaviours.registry import behaviour
from surrogates import Scope, Statement

__all__ = ["report", "run"]

#: the same sentences with and without something before the names
PAIRS = {
    "gave": "{opening}{pair} went to the {place}. {b} gave a {thing} to",
    "handed": "{opening}{pair} met at the {place}. {b} handed the {thing} to",
    "bought": "{opening}{pair} were at the {place}. {b} bought a {thing} for",
    "friends": "{opening}friends {pair} found a {thing} at the {place}. {b} gave it to",
}
SINGLES = {
    "early": "{opening}{name} went home early because",
    "late": "{opening}{name} was late again, so",
    "said": "{opening}{name} smiled and said that",
}
OPENINGS = {
    "none": "", "Then,": "Then, ", "sentence": "It was a fine day. ", "start token": "<|im_start|>",
}  # fmt: skip


def _row(
    task: str, figure: str, frame: pd.DataFrame, where: Mapping[str, Any], memo: float | None = None, reach: float = 0.0
) -> dict[str, Any]:
    """A figure of the memo (`memo` ± `reach`) beside the mean of ``value`` where the levels are as given."""
    level = Statement.level(Scope.of(**dict(where)), reference=0.0).estimate(frame)
    if level is None:
        raise ValueError(f"no cases for {task}, {figure}")
    low, high = level.interval()
    if frame["value"].between(0, 1).all():
        low, high = max(low, 0.0), min(high, 1.0)
    room = max(reach, 0.005)  # the memo's figures are rounded to two digits
    inside = None if memo is None else bool(low - room <= memo <= high + room)
    shown = None if memo is None else f"{memo:.2f} ± {reach:.2f}" if reach else f"{memo:.2f}"
    numbers = {"found": level.value, "low": low, "high": high, "entities": level.entities}
    return {"task": task, "figure": figure, "memo": shown, **numbers, "inside": inside}


def indirect_object(lm: CausalLM, store: Store) -> list[dict[str, Any]]:
    """The built-in wordings, and sentences with and without an opening."""
    task, nats = "indirect object", "logit_difference"
    frame = measure(lm, behaviour("indirect-object").probe.cases, nats, store=store, progress=False).frame
    wordings = {"template": ("went", "met", "worked"), "distractor": "none", "filler": "none"}
    usual, bare = {**wordings, "opening": "words"}, {**wordings, "opening": "none"}
    rows = [
        _row(task, "BABA, logit difference, wordings of the card", frame, {"order": "BABA", **usual}, 4.96, 0.52),
        _row(task, "ABBA, logit difference, wordings of the card", frame, {"order": "ABBA", **usual}, 2.60, 0.86),
        _row(task, "ABBA, accuracy, wordings of the card", _hits(frame), {"order": "ABBA", **usual}, 0.79),
        _row(task, "ABBA, logit difference, card, a name opens the text", frame, {"order": "ABBA", **bare}),
        _row(task, "ABBA, accuracy, card, a name opens the text", _hits(frame), {"order": "ABBA", **bare}),
    ]
    people = {}
    for i in range(len(NAMES) // 2):
        a, b = NAMES[2 * i : 2 * i + 2]
        for x, y in ((a, b), (b, a)):
            people[f"{x} and {y}"] = {"a": x, "b": y, "thing": THINGS[i % 6], "place": PLACES[i % 5]}
    factors = {
        "order": {"ABBA": {"pair": "{a} and {b}"}, "BABA": {"pair": "{b} and {a}"}},
        "opening": {name: {"opening": text} for name, text in OPENINGS.items()},
    }
    probe = TemplateProbe(PAIRS, factors, people, target=" {a}", foils=[" {b}"])
    measured = measure(lm, probe.cases, nats, store=store, progress=False).frame
    for opening in OPENINGS:
        said = _opened(opening)
        part = {"order": "ABBA", "opening": opening}
        rows += [_row(task, f"ABBA, logit difference, {said}", measured, part),
                 _row(task, f"ABBA, accuracy, {said}", _hits(measured), part)]  # fmt: skip
    mixed = {"opening": ("none", "Then,")}
    rows += [
        _row(task, "ABBA, logit difference, half without an opening", measured, {"order": "ABBA", **mixed}, 2.60, 0.86),
        _row(task, "ABBA, accuracy, half without an opening", _hits(measured), {"order": "ABBA", **mixed}, 0.79),
        _row(task, "BABA, logit difference, half without an opening", measured, {"order": "BABA", **mixed}, 4.96, 0.52),
        _row(task, "BABA, accuracy, half without an opening", _hits(measured), {"order": "BABA", **mixed}, 1.0),
    ]
    return rows


def _opened(opening: str) -> str:
    return "a name opens the text" if opening == "none" else f"after {OPENINGS[opening].strip()!r}"


def _hits(frame: pd.DataFrame, sign: float = 1.0) -> pd.DataFrame:
    """The same cases with 1 where the value has the sign wanted."""
    return frame.assign(value=(sign * frame["value"] > 0).astype(float))


def greater_than(lm: CausalLM, store: Store) -> list[dict[str, Any]]:
    """Probability of tens digits at or above the start digit, in its wording and in the opposite one."""
    frame = measure(lm, behaviour("greater-than").probe.cases, "mass_contrast", store=store, progress=False).frame
    mass = frame.assign(value=(frame["value"] + 1) / 2)
    raised = {"reading": "copy or raise"}
    return [
        _row("greater-than", f"digits at or above the start, {said}", mass, {"template": name, **raised}, memo)
        for name, said, memo in (
            ("lasted", "'lasted from … to'", 0.99),
            ("ended", "'ended in … and started in' (should fall)", 0.95),
            ("before", "'by … was over; it had begun in' (should fall)", None),
        )
    ]


def induction(lm: CausalLM, store: Store) -> list[dict[str, Any]]:
    """What the second pass over a sequence gains; the memo names the task but gives no figure."""
    frame = measure(lm, behaviour("induction").probe.cases, "log_prob", store=store, progress=False).frame
    rows = []
    for kind in ("words", "syllables", "numbers"):
        passes = [Scope.of(tokens=kind, template=("spaces", "commas", "lines"), **{"pass": p})
                  for p in ("second", "first")]  # fmt: skip
        gain = Statement.contrast(*passes).estimate(frame)
        if gain is None:
            raise ValueError(f"no cases of {kind}")
        low, high = gain.interval()
        numbers = {"found": gain.value, "low": low, "high": high, "entities": gain.entities}
        rows.append({"task": "induction", "figure": f"log-prob gained on the second pass, {kind}", "memo": None}
                    | numbers | {"inside": None})  # fmt: skip
    return rows


def pronoun(lm: CausalLM, store: Store) -> list[dict[str, Any]]:
    """How often the pronoun that fits the name is the likelier one."""
    frame = measure(lm, behaviour("pronoun").probe.cases, "logit_difference", store=store, progress=False).frame
    rows = [_row("pronoun", "accuracy, wordings of the card", _fitting(frame), {"opening": "words"}, 1.0)]
    rows += [_row("pronoun", f"accuracy, card, {said}{where}", _fitting(frame), {"template": t, "opening": o})
             for t, said in (("because", "'NAME paid the …'"), ("works", "'NAME works as a …'"),
                             ("said", "'NAME, a …, said'"), ("tired", "'The … NAME was tired'"))
             for o, where in (("words", ""), ("none", ", name first")) if (t, o) != ("tired", "none")
             ]  # fmt: skip
    people = {f"pair {i}": {"f": f, "m": m} for i, (f, m) in enumerate(zip(*GENDERED.values(), strict=True))}
    factors = {
        "name": {"female": {"name": "{f}"}, "male": {"name": "{m}"}},
        "opening": {name: {"opening": text} for name, text in OPENINGS.items()},
    }
    probe = TemplateProbe(SINGLES, factors, people, target=" she", foils=[" he"])
    table = _fitting(measure(lm, probe.cases, "logit_difference", store=store, progress=False).frame)
    rows += [
        _row("pronoun", f"accuracy, {_opened(o)}", table, {"opening": o}, 1.0 if o in ("Then,", "sentence") else None)
        for o in OPENINGS
    ]
    return rows


def _fitting(frame: pd.DataFrame) -> pd.DataFrame:
    """1 where the likelier pronoun fits the name."""
    return pd.concat([_hits(frame[frame["name"] == name], sign) for name, sign in (("female", 1.0), ("male", -1.0))])


def capitals(lm: CausalLM, store: Store) -> list[dict[str, Any]]:
    """Whether greedy decoding writes the answer, in one plain wording, and in the wordings of the card."""
    people = {country: {"country": country, "city": city} for country, city in CAPITALS.items()}
    asked = {
        "forward": {"cue": "The capital of {country} is", "target": " {city}"},
        "reverse": {"cue": "{city} is the capital of", "target": " {country}"},
    }
    plain = measure(lm, TemplateProbe({"plain": "{cue}"}, {"direction": asked}, people, target="x").cases,
                    "exact_match", store=store, progress=False).frame  # fmt: skip
    measured = measure(lm, behaviour("facts").probe.cases, "exact_match", store=store, progress=False).frame
    rows = []
    for direction, memo in (("forward", 0.67), ("reverse", 0.46)):
        rows += [
            _row("capitals", f"top-1 {direction}, plain wording", plain, {"direction": direction}, memo),
            _row("capitals", f"top-1 {direction}, four wordings of the card", measured,
                 {"direction": direction, "relation": "capital"}, memo),
        ]  # fmt: skip
    return rows


def options(lm: CausalLM, store: Store) -> list[dict[str, Any]]:
    """Two options: how much likelier the first label is where the answer stands first."""
    frame = measure(lm, behaviour("option-order").probe.cases, "logit_difference", store=store, progress=False).frame
    usual = ("quiz", "choose", "exam")
    first, second = (Scope.of(template=usual, **{"answer stands": p}) for p in ("first", "second"))
    effect = Statement.contrast(first, second).estimate(frame)
    if effect is None:
        raise ValueError("no cases of two options")
    low, high = effect.interval()
    numbers = {"found": effect.value, "low": low, "high": high, "entities": effect.entities}
    row = {"task": "two options", "figure": "effect of the content, nats (memo: none)", "memo": "0.00", **numbers}
    return [{**row, "inside": bool(low <= 0.0 <= high)}]


TASKS = (indirect_object, greater_than, induction, pronoun, capitals, options)


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Every task; a quick run the first only."""
    start = time.perf_counter()
    lm, memory = smollm(), open_store()
    rows = [row for task in (TASKS[1:2] if quick else TASKS) for row in task(lm, memory)]
    if any(not math.isfinite(row["found"]) for row in rows):
        raise ValueError("a figure is not finite")
    return {"rows": rows, "seconds": time.perf_counter() - start}


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Formulaic tasks: the memo's figures and what was found", result["rows"])
