"""What training records say of the cases of a probe: in which order, how often, in how many wordings, how late."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from probes.cases.case import Case
from probes.errors import InputError
from probes.rounding import counted

__all__ = ["FACTORS", "with_stated"]

#: factors that records add to cases
FACTORS = ("stated", "times stated", "wordings", "last stated")


def with_stated(
    cases: Sequence[Case], records: Sequence[Any], subject: Mapping[str, str] | Callable[[Case], str] | None
) -> list[Case]:
    """Add to each case what records say of it; see :meth:`~probes.cases.template.TemplateProbe.with_records`.

    Raises
    ------
    InputError
    """
    texts = [_text(record) for record in _several(records)]
    if taken := sorted({name for case in cases for name, _ in case.levels} & set(FACTORS)):
        raise InputError("records", f"be joined to cases without factors named {', '.join(FACTORS)}", taken)
    known: dict[tuple[str, ...], dict[str, str]] = {}
    out = []
    for case in cases:
        asked = _plain(_subject(case, subject)), _plain(case.target), *map(_plain, case.also)
        if asked not in known:
            known[asked] = _said(asked[0], asked[1:], texts)
        out.append((case, known[asked]))
    varying = [name for name in FACTORS if len({levels[name] for _, levels in out}) > 1]
    if not varying:
        raise InputError("records", "tell cases apart: they say the same of all", counted(len(texts), "record"))
    return [replace(case, levels=(*case.levels, *((name, levels[name]) for name in varying))) for case, levels in out]


def _several(records: Any) -> Sequence[Any]:
    if isinstance(records, (str, Mapping)) or not isinstance(records, Sequence) or not len(records):
        raise InputError("records", "be a list of at least one record, in the order of training", records)
    return records


def _text(record: Any) -> str:
    """Return a record as one text: a text, a pair of prompt and completion, or a mapping with these."""
    if isinstance(record, Mapping):
        parts = [record.get("prompt", ""), record.get("completion", record.get("text", ""))]
    elif isinstance(record, (tuple, list)):
        parts = list(record)
    else:
        parts = [record]
    if not parts or not all(isinstance(part, str) for part in parts) or not "".join(parts).strip():
        raise InputError("records", "be texts, pairs of prompt and completion, or mappings with these", record)
    return _plain(" ".join(parts))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _subject(case: Case, subject: Mapping[str, str] | Callable[[Case], str] | None) -> str:
    """Return what a case is asked about.

    Raises
    ------
    InputError
    """
    found = subject(case) if callable(subject) else case.entity if subject is None else subject.get(case.entity)
    prompt = case.prompt if isinstance(case.prompt, str) else "\n".join(content for _, content in case.prompt)
    if not isinstance(found, str) or not found.strip() or _plain(found) not in _plain(prompt):
        rule = "give what each case is asked about as its prompt has it: a function of the case, or a table by entity"
        raise InputError("subject", rule, found)
    return found


def _said(subject: str, answers: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """Say how often, in which orders, in how many wordings and how late subject and a right answer stand together."""
    name = re.compile(rf"(?<!\w){re.escape(subject)}(?!\w)")
    right = re.compile("|".join(rf"(?<!\w){re.escape(answer)}(?!\w)" for answer in answers))
    orders, wordings, last, times = set(), set(), -1, 0
    for number, text in enumerate(texts):
        if subject not in text:
            continue
        told = [m.span() for m in right.finditer(text)]
        asked = [m.span() for m in name.finditer(text)]
        # a name within the answer is not what is asked about; of several pairs the nearest counts
        pairs = [(s, t) for s in asked for t in told if s[1] <= t[0] or t[1] <= s[0]]
        if not pairs:
            continue
        first, second = min(pairs, key=lambda pair: max(pair[0][0], pair[1][0]) - min(pair[0][1], pair[1][1]))
        times, last = times + 1, number
        orders.add(first < second)
        wordings.add(name.sub("…", right.sub("…", text)))
    if not times:
        return {"stated": "never", "times stated": "never", "wordings": "none", "last stated": "never"}
    order = "in both orders" if len(orders) > 1 else "in this order" if orders == {True} else "in the other order"
    third = ("early", "midway", "late")[min(3 * last // len(texts), 2)]
    often = "once" if times == 1 else "2 to 4 times" if times < 5 else "5 times or more"
    return {
        "stated": order,
        "times stated": often,
        "wordings": "one" if len(wordings) == 1 else "several",
        "last stated": third,
    }
