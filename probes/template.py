"""TemplateProbe: a factorial set of cases from template families, factors and the slots of entities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.case import FAMILY, RESERVED, Case, tidy
from probes.errors import InputError
from probes.recipe import read_yaml
from probes.wording import OPTIONS, SLOT, Family, Maker, drawn

__all__ = ["Family", "TemplateProbe"]


class TemplateProbe:
    """Cases from template families × factors × entities.

    Parameters
    ----------
    families : dict of str to str, list of (role, text), or Family
        The wordings by name.
    factors : dict of str to (dict of str to (str or dict), or list of str), optional
        Factor → level → texts: a string fills the slot named like the factor, a dict fills several slots. A level's
        text may hold slots itself, and a level may set ``target``, ``foils`` and ``also``. A list names levels after
        their texts.
    entities : dict of str to dict, or list of dict
        Texts of slots for each entity; inserted as they are, braces included.
    target : str
        The right answer, with slots.
    foils : sequence of str, or int
        Wrong answers with slots; or how many to draw from the targets of other entities in the same cell.
    also : sequence of str
        Other right answers, with slots.
    corruptions : dict of str to (slot, replacement), optional
        Adds the factor ``corruption`` with the level ``none`` and these, each of which puts `replacement` into a slot
        of the prompt; answers stay as they are.
    crossing : "full" or int, default "full"
        All combinations, or how many: entities and cells then occur equally often (up to one).
    first_words : bool, default True
        Whether words that all answers share move into the prompt and foils that begin like the target are refused.
    random_state : int, default 0
        Draws the subsample.

    Raises
    ------
    InputError
        For a factor with one level, an unknown slot, an empty answer, a foil that begins like the target: the message
        shows the template or the rendered prompt.

    Examples
    --------
    >>> probe = TemplateProbe(
    ...     {"plain": "The {thing} of {country} is"},
    ...     {"relation": {"capital": {"thing": "capital", "target": " {city}"},
    ...                   "sea": {"thing": "sea", "target": " {sea}"}}},
    ...     {"France": {"country": "France", "city": "Paris", "sea": "Channel"},
    ...      "Italy": {"country": "Italy", "city": "Rome", "sea": "Adriatic"}},
    ...     foils=1,
    ... )
    >>> len(probe), probe.cases[0].prompt, probe.cases[0].options
    (4, 'The capital of France is', (' Paris', ' Rome'))
    """

    def __init__(
        self,
        families: Mapping[str, Any],
        factors: Mapping[str, Mapping[str, Any]] | None = None,
        entities: Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Any]] = (),
        *,
        target: str = "",
        foils: Sequence[str] | int = (),
        also: Sequence[str] = (),
        corruptions: Mapping[str, tuple[str, str]] | None = None,
        crossing: str | int = "full",
        first_words: bool = True,
        random_state: int = 0,
    ):
        kinds = {name: f if isinstance(f, Family) else Family(f) for name, f in dict(families).items()}
        if not kinds:
            raise InputError("families", "hold at least one template", families)
        people = _entities(entities)
        table = {str(name): _levels(name, levels) for name, levels in dict(factors or {}).items()}
        if corruptions:
            table["corruption"] = _corrupted(corruptions, kinds, people)
        for name, levels in table.items():
            _check_factor(name, list(levels))
        defaults = {"target": target, "foils": foils, "also": also}
        for what in ("foils", "also"):
            if isinstance(defaults[what], str):
                raise InputError(what, "be a list of texts" + ", or a number" * (what == "foils"), defaults[what])
        maker = Maker(kinds, table, people, defaults)
        combos = list(_crossed(list(maker.cells()), list(people), crossing, random_state))
        self._take(maker.with_foils(combos, first_words))

    def _take(self, cases: Iterable[Case]) -> None:
        self.cases: tuple[Case, ...] = tuple(dict.fromkeys(cases))
        if not self.cases:
            raise InputError("cases", "hold at least one case", self.cases)
        found: dict[str, dict[str, None]] = {}
        for case in self.cases:
            for factor, level in case.levels:
                found.setdefault(factor, {})[level] = None
        self.factors = {name: tuple(levels) for name, levels in found.items()}

    @classmethod
    def from_cases(cls, cases: Iterable[Case]) -> TemplateProbe:
        """A probe of cases that exist already."""
        probe = cls.__new__(cls)
        probe._take(cases)
        return probe

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        factors: str | Sequence[str] = (),
        *,
        prompt: str = "prompt",
        target: str = "target",
        foils: str | int | None = None,
        entity: str | None = None,
        template: str | None = None,
        first_words: bool = True,
    ) -> TemplateProbe:
        """One row a case.

        Parameters
        ----------
        frame : DataFrame
        factors : str or sequence of str
            Columns that hold factor levels.
        prompt, target : str
            Columns of the prompt and the right answer.
        foils : str, int or None
            A column of wrong answers (one, or a list of them), or how many to draw from the targets of other rows with
            the same levels.
        entity, template : str, optional
            Columns of the entity (by default every row is one) and the template family.

        Raises
        ------
        InputError
            For a missing column, an empty value, a factor with one level.

        Examples
        --------
        >>> frame = pd.DataFrame({"prompt": ["2 + 2 =", "2 + 3 ="], "target": [" 4", " 5"], "wrong": [[" 5"], [" 4"]]})
        >>> TemplateProbe.from_frame(frame, foils="wrong").cases[1].options
        (' 5', ' 4')
        """
        factors = [factors] if isinstance(factors, str) else list(factors)
        if frame.empty:
            raise InputError("frame", "hold at least one row, each a case", frame)
        named = [prompt, target, *factors, *(c for c in (entity, template) if c)]
        named += [foils] if isinstance(foils, str) else []
        if missing := [c for c in named if c not in frame.columns]:
            raise InputError("frame", f"hold the columns {', '.join(named)}", f"a frame without {missing}")
        for name in factors:
            if frame[name].isna().any():
                raise InputError(f"factor {name!r}", "have a level in every row", f"none in {frame[name].isna().sum()}")
            _check_factor(name, frame[name].unique().tolist())
        cases = []
        for i, row in enumerate(frame.to_dict("records")):
            if pd.isna(row[prompt]) or pd.isna(row[target]):
                raise InputError("frame", f"hold a prompt and a target in row {i}", row)
            levels = [(name, str(row[name])) for name in factors]
            levels += [(FAMILY, str(row[template]))] if template else []
            wrong = row[foils] if isinstance(foils, str) else ()
            wrong = (wrong,) if isinstance(wrong, str) else tuple(map(str, wrong))
            who = str(row[entity]) if entity else f"row {i}"
            kind = str(row[template]) if template else "frame"
            cases.append(Case(row[prompt], str(row[target]), wrong, tuple(levels), who, kind))
        if isinstance(foils, int):
            pools: dict[Any, set[str]] = {}
            for case in cases:
                pools.setdefault(case.levels, set()).add(case.target)
            cases = drawn(cases, foils, first_words, pools)
        else:
            cases = [tidy(c, True, first_words) for c in cases]
        return cls.from_cases(cases)

    @classmethod
    def from_yaml(cls, source: str | Path) -> TemplateProbe:
        """A probe written in YAML: the parameters of this class by name; a family may be a mapping with ``template``,
        ``only`` and ``slots``. ``yes``, ``no``, ``on`` and ``off`` are words.

        Parameters
        ----------
        source : Path or str
            A file, or the text itself.

        Raises
        ------
        MissingExtra
            Without the ``yaml`` extra.
        InputError
            For a file that cannot be read, text that is no YAML mapping, or a key that is no parameter.
        """
        data = read_yaml(source)
        if not isinstance(data, dict) or not isinstance(data.get("families"), dict):
            raise InputError("source", "be a YAML mapping with families: a mapping of names to templates", data)
        known = ("families", "factors", "entities", "corruptions", "crossing", "first_words", "random_state", *OPTIONS)
        if unknown := [k for k in data if k not in known]:
            raise InputError("source", f"use only the keys {', '.join(known)}", unknown)
        for k, v in data["families"].items():
            if isinstance(v, dict) and ("template" not in v or set(v) - {"template", "only", "slots"}):
                raise InputError(
                    f"family {k!r}", "have a template, and besides only the keys only and slots", sorted(v)
                )
        families = {
            str(k): Family(**v) if isinstance(v, dict) else [tuple(t) for t in v] if isinstance(v, list) else v
            for k, v in data.pop("families").items()
        }
        return cls(families, **data)

    def __len__(self) -> int:
        return len(self.cases)

    def __repr__(self) -> str:
        return f"TemplateProbe({len(self)} cases, factors {', '.join(self.factors) or 'none'})"

    @property
    def digest(self) -> str:
        """SHA-256 of all case ids."""
        return hashlib.sha256("".join(sorted(c.case_id for c in self.cases)).encode()).hexdigest()

    @property
    def frame(self) -> pd.DataFrame:
        """One row a case: ``case_id, entity, template``, the factors, ``prompt, target``."""
        return pd.DataFrame(
            {
                "case_id": c.case_id,
                "entity": c.entity,
                "template": c.template,
                **dict(c.levels),
                "prompt": c.prompt,
                "target": c.target,
            }
            for c in self.cases
        )


def _entities(entities: Any) -> dict[str, dict[str, Any]]:
    rows = list(entities.items()) if isinstance(entities, Mapping) else [(None, e) for e in entities]
    people: dict[str, dict[str, Any]] = {}
    for i, (key, values) in enumerate(rows):
        if not isinstance(values, Mapping):
            rule = "give each entity a mapping of slots to texts, such as {'name': 'Mary'}"
            raise InputError("entities", rule, values)
        name = str(values.get("name", next(iter(values.values()), i)) if key is None else key)
        if name in people:
            raise InputError("entities", "have different names (the slot name, else the first slot)", name)
        people[name] = dict(values)
    if not people:
        raise InputError("entities", "hold at least one entity", entities)
    return people


def _levels(name: str, levels: Any) -> dict[str, Any]:
    """Level → texts; a list of texts names its levels after them."""
    if isinstance(levels, Mapping):
        return {str(level): text if isinstance(text, Mapping) else str(text) for level, text in levels.items()}
    if isinstance(levels, str) or not isinstance(levels, Iterable):
        raise InputError(f"factor {name!r}", "be a mapping of levels to texts, or a list of texts", levels)
    return {str(text): str(text) for text in levels}


def _check_factor(name: str, levels: list[Any]) -> None:
    if name in (FAMILY, *RESERVED):
        rule = f"have another name: {', '.join((FAMILY, *RESERVED))} are columns of every table of cases"
        raise InputError(f"factor {name!r}", rule, name)
    if len(levels) < 2:
        raise InputError(f"factor {name!r}", "have at least two levels", levels)


def _corrupted(corruptions: Any, kinds: dict[str, Family], people: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The factor of corruptions: none, and each replacement in a slot that exists."""
    written = " ".join(
        k.template if isinstance(k.template, str) else " ".join(t for _, t in k.template) for k in kinds.values()
    )
    slots = {*SLOT.findall(written), *(slot for own in people.values() for slot in own)}
    table: dict[str, Any] = {"none": {}}
    for name, pair in dict(corruptions).items():
        if isinstance(pair, str) or len(pair) != 2:
            raise InputError(f"corruption {name!r}", "be a pair of slot and replacement", pair)
        if pair[0] not in slots:
            raise InputError(f"corruption {name!r}", f"name a slot among {', '.join(sorted(slots))}", pair[0])
        table[str(name)] = {f"{pair[0]}!": str(pair[1])}
    return table


def _crossed(cells: list[Any], people: list[str], crossing: str | int, seed: int) -> Iterator[tuple[Any, str]]:
    """Pairs of cell and entity: all, or a subsample in which cells and entities occur equally often."""
    if crossing == "full":
        yield from product(cells, people)
        return
    if not isinstance(crossing, int) or isinstance(crossing, bool) or crossing < 1:
        raise InputError("crossing", 'be "full" or a positive number of cases', crossing)
    rng = np.random.default_rng([seed, 11])
    order, who = rng.permutation(len(cells)), rng.permutation(len(people))
    for i in range(min(crossing, len(cells) * len(people))):
        # the shift after every common multiple makes all pairs differ
        shift = i // lcm(len(cells), len(people))
        yield cells[order[i % len(cells)]], people[who[(i + shift) % len(people)]]
