"""Factors, entities and corruptions as users write them: checked, brought to one form, and crossed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from math import lcm
from numbers import Real
from typing import Any

import numpy as np

from probes.cases.case import FAMILY, RESERVED, Case
from probes.cases.case_maker import Cell
from probes.cases.template_family import OPTIONS, SLOT, Family, check_answers, check_slots
from probes.errors import InputError, integer

__all__ = ["check_factor", "check_moves", "corruption_levels", "crossed", "read_entities", "read_levels"]


def check_moves(factor: str, cases: Sequence[Case], foils: bool) -> None:
    """Refuse a factor two of whose levels make the same cases wherever both occur: it would be tested on nothing.

    Raises
    ------
    InputError
    """
    groups: dict[Any, dict[str, Any]] = {}
    for c in cases:
        level = dict(c.levels)[factor]
        rest = (c.entity, c.template, *(pair for pair in c.levels if pair[0] != factor))
        groups.setdefault(rest, {})[level] = (c.prompt, c.target, c.also, set(c.foils) if foils else None)
    levels = dict.fromkeys(dict(c.levels)[factor] for c in cases)
    for a, b in combinations(levels, 2):
        pairs = [(group[a], group[b]) for group in groups.values() if a in group and b in group]
        if pairs and all(one == other for one, other in pairs):
            rule = f"change a prompt or an answer; its levels {a!r} and {b!r} make the same ones"
            raise InputError(f"factor {factor!r}", rule, pairs[0][0][0])


def read_entities(entities: Any) -> dict[str, dict[str, Any]]:
    """Check entities: name → slot → text.

    Raises
    ------
    InputError
    """
    if not isinstance(entities, (Mapping, Sequence)) or isinstance(entities, str):
        raise InputError("entities", "be a mapping of names to slots, or a list of slots", entities)
    rows = list(entities.items()) if isinstance(entities, Mapping) else [(None, e) for e in entities]
    named: dict[str, dict[str, Any]] = {}
    for i, (key, values) in enumerate(rows):
        if not isinstance(values, Mapping):
            rule = "give each entity a mapping of slots to texts, such as {'name': 'Mary'}"
            raise InputError("entities", rule, values)
        for slot, text in values.items():
            if slot in OPTIONS:
                check_answers({slot: text})
            elif not isinstance(text, (str, Real)) or text != text:
                raise InputError(f"entities, slot {slot!r}", "be a text or a number", text)
        name = str(values.get("name", next(iter(values.values()), i)) if key is None else key)
        if name in named:
            raise InputError("entities", "have different names (the slot name, else the first slot)", name)
        named[name] = dict(values)
    if not named:
        raise InputError("entities", "hold at least one entity", entities)
    return named


def read_levels(name: str, levels: Any) -> dict[str, Any]:
    """Check the levels of a factor: level → texts; a list of texts names its levels after them.

    Raises
    ------
    InputError
    """
    if isinstance(levels, str) or not isinstance(levels, Iterable):
        raise InputError(f"factor {name!r}", "be a mapping of levels to texts, or a list of texts", levels)
    given = dict(levels) if isinstance(levels, Mapping) else {text: text for text in levels}
    for level, value in given.items():
        for slot, text in value.items() if isinstance(value, Mapping) else (("", value),):
            if slot in OPTIONS:
                check_answers({slot: text})
            elif not isinstance(text, (str, Real)) or text != text:
                raise InputError(f"factor {name!r}, level {str(level)!r}", "be a text, or texts of slots", text)
            else:
                check_slots(f"factor {name!r}, level {str(level)!r}", str(text))
    return {str(level): value if isinstance(value, Mapping) else str(value) for level, value in given.items()}


def check_factor(name: str, levels: list[Any]) -> None:
    """Refuse a factor with a reserved name, or with fewer than two levels.

    Raises
    ------
    InputError
    """
    if name in (FAMILY, *RESERVED):
        rule = f"have another name: {', '.join((FAMILY, *RESERVED))} are columns of every table of cases"
        raise InputError(f"factor {name!r}", rule, name)
    if len(levels) < 2:
        raise InputError(f"factor {name!r}", "have at least two levels", levels)


def corruption_levels(
    corruptions: Any, families: dict[str, Family], entities: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Make the factor of corruptions: none, and each replacement in a slot that exists.

    Raises
    ------
    InputError
    """
    templates = " ".join(text for family in families.values() for text in family.texts)
    slots = {*SLOT.findall(templates), *(slot for texts in entities.values() for slot in texts)}
    table: dict[str, Any] = {"none": {}}
    for name, pair in dict(corruptions).items():
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise InputError(f"corruption {name!r}", "be a pair of slot and replacement", pair)
        if pair[0] not in slots:
            raise InputError(f"corruption {name!r}", f"name a slot among {', '.join(sorted(slots))}", pair[0])
        table[str(name)] = {f"{pair[0]}!": str(pair[1])}
    return table


def crossed(cells: list[Cell], entities: list[str], crossing: str | int, seed: int) -> Iterator[tuple[Cell, str]]:
    """Yield pairs of cell and entity: all, or a subsample in which cells and entities occur equally often.

    Raises
    ------
    InputError
        If `crossing` is neither "full" nor a positive integer.
    """
    if crossing == "full":
        yield from product(cells, entities)
        return
    if isinstance(crossing, str):
        raise InputError("crossing", 'be "full" or a positive number of cases', crossing)
    crossing = integer("crossing", crossing, least=1)
    rng = np.random.default_rng([seed, 11])
    order, who = rng.permutation(len(cells)), rng.permutation(len(entities))
    for i in range(min(crossing, len(cells) * len(entities))):
        # the shift after every common multiple makes all pairs differ
        shift = i // lcm(len(cells), len(entities))
        yield cells[order[i % len(cells)]], entities[who[(i + shift) % len(entities)]]
