"""TemplateProbe: a factorial set of cases from template families, factors and the slots of entities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from math import lcm
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.cases.case import FAMILY, RESERVED, Case, Chat, shown, tidy
from probes.cases.template_family import (
    OPTIONS,
    SLOT,
    Family,
    Maker,
    as_chat,
    check_answers,
    check_slots,
    drawn,
    likeness,
    words_of,
)
from probes.cases.yaml_file import read_yaml
from probes.errors import InputError, integer

__all__ = ["Family", "TemplateProbe"]

#: likeness that a prompt must have to a known one to be of its family
_ALIKE = 0.6
#: likeness within which cases count as equally alike
_TIE = 0.03


class TemplateProbe:
    """Cases from template families × factors × entities.

    Parameters
    ----------
    families : dict of str to str, list of (role, text), or Family; or str
        The wordings by name; or the only one.
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
        families: Mapping[str, Any] | str,
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
        families = {"plain": families} if isinstance(families, str) else families
        for what, given in {"families": families, "factors": factors, "corruptions": corruptions}.items():
            if given is not None and not isinstance(given, Mapping):
                raise InputError(what, "be a mapping of names", given)
        if not isinstance(first_words, bool):
            raise InputError("first_words", "be True or False", first_words)
        if not families:
            raise InputError("families", "hold at least one template", families)
        kinds = {str(name): f if isinstance(f, Family) else Family(f) for name, f in families.items()}
        people = _entities(entities)
        table = {str(name): _levels(name, levels) for name, levels in dict(factors or {}).items()}
        if corruptions:
            table["corruption"] = _corrupted(corruptions, kinds, people)
        for name, levels in table.items():
            _check_factor(name, list(levels))
        defaults = {"target": target, "foils": foils, "also": also}
        check_answers(defaults)
        maker = Maker(kinds, table, people, defaults)
        combos = list(_crossed(list(maker.cells()), list(people), crossing, random_state))
        self._take(maker.with_foils(combos, first_words))
        for name, levels in table.items():
            # foils that are drawn differ from case to case whatever the factor does
            own = not isinstance(foils, int) or any("foils" in v for v in levels.values() if isinstance(v, Mapping))
            _check_moves(name, self.cases, own)

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
            Columns of the prompt (a text, or a chat: a list of role and text) and the right answer.
        foils : str, int or None
            A column of wrong answers (one, or a list of them), or how many to draw from the targets of other rows with
            the same levels.
        entity, template : str, optional
            Columns of the entity (by default every row is one, and rows with the same prompt are the same) and the
            template family.

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
            _check_factor(name, frame[name].map(str).unique().tolist())
        cases, first = [], dict[str, int]()
        for i, row in enumerate(frame.to_dict("records")):
            asked = row[prompt] if isinstance(row[prompt], str) else tuple(as_chat(row[prompt], f"row {i}"))
            if not isinstance(row[target], (str, Real)) or row[target] != row[target]:
                raise InputError("frame", f"hold a target in row {i}", row)
            levels = [(name, str(row[name])) for name in factors]
            levels += [(FAMILY, str(row[template]))] if template else []
            wrong = row[foils] if isinstance(foils, str) else ()
            wrong = (wrong,) if isinstance(wrong, str) else wrong
            if not isinstance(wrong, (Sequence, np.ndarray)) or not all(isinstance(w, str) for w in wrong):
                raise InputError(f"column {foils!r}", f"hold a text or a list of texts in row {i}", row[foils])
            if entity and pd.isna(row[entity]):
                raise InputError(f"entity {entity!r}", "be named in every row", row)
            # rows with one prompt are not independent of each other
            who = str(row[entity]) if entity else f"row {first.setdefault(str(row[prompt]), i)}"
            kind = str(row[template]) if template else "frame"
            cases.append(Case(asked, str(row[target]), tuple(wrong), tuple(levels), who, kind))
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
        families = {str(k): Family(**v) if isinstance(v, dict) else Family(v) for k, v in data.pop("families").items()}
        rest: dict[str, Any] = {k: () if v is None and k in ("foils", "also") else v for k, v in data.items()}
        return cls(families, **rest)

    def levels_of(self, prompt: str | Chat) -> dict[str, str]:
        """The factor levels of a new prompt: those of the cases whose prompts are most like it.

        Words that two prompts do not share, such as names, count as alike where they come in the same pattern. Levels
        in which the likest cases differ are left out: what a word means that the probe does not know, nobody can tell.

        Raises
        ------
        InputError
            If it is like none of them: fewer than 60% of the words agree.

        Examples
        --------
        >>> probe = TemplateProbe({"a": "{who} is {mood}.", "b": "How {mood} {who} looks!"},
        ...                       {"mood": ["glad", "sad"]}, [{"who": "Ann"}, {"who": "Bob"}], target=" Yes")
        >>> probe.levels_of("How sad Zoe looks!")
        {'mood': 'sad', 'template': 'b'}
        """
        words = words_of(prompt)
        alike = np.array([likeness(words, words_of(case.prompt)) for case in self.cases])
        if alike.max() < _ALIKE:
            known = shown(self.cases[int(alike.argmax())].prompt, 80)
            raise InputError("prompt", f"be like one of the probe's, such as {known!r}", prompt)
        best = [dict(self.cases[i].levels) for i in np.flatnonzero(alike >= alike.max() - _TIE)]
        return {f: level for f, level in best[0].items() if all(levels.get(f) == level for levels in best)}

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


def _check_moves(factor: str, cases: Sequence[Case], foils: bool) -> None:
    """Refuse a factor two of whose levels make the same cases wherever both occur: it would be tested on nothing."""
    alike: dict[Any, dict[str, Any]] = {}
    for c in cases:
        level = dict(c.levels)[factor]
        rest = (c.entity, c.template, *(pair for pair in c.levels if pair[0] != factor))
        alike.setdefault(rest, {})[level] = (c.prompt, c.target, c.also, set(c.foils) if foils else None)
    levels = dict.fromkeys(dict(c.levels)[factor] for c in cases)
    for a, b in combinations(levels, 2):
        pairs = [(group[a], group[b]) for group in alike.values() if a in group and b in group]
        if pairs and all(one == other for one, other in pairs):
            rule = f"change a prompt or an answer; its levels {a!r} and {b!r} make the same ones"
            raise InputError(f"factor {factor!r}", rule, pairs[0][0][0])


def _entities(entities: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(entities, (Mapping, Sequence)) or isinstance(entities, str):
        raise InputError("entities", "be a mapping of names to slots, or a list of slots", entities)
    rows = list(entities.items()) if isinstance(entities, Mapping) else [(None, e) for e in entities]
    people: dict[str, dict[str, Any]] = {}
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
        if name in people:
            raise InputError("entities", "have different names (the slot name, else the first slot)", name)
        people[name] = dict(values)
    if not people:
        raise InputError("entities", "hold at least one entity", entities)
    return people


def _levels(name: str, levels: Any) -> dict[str, Any]:
    """Level → texts; a list of texts names its levels after them."""
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


def _check_factor(name: str, levels: list[Any]) -> None:
    if name in (FAMILY, *RESERVED):
        rule = f"have another name: {', '.join((FAMILY, *RESERVED))} are columns of every table of cases"
        raise InputError(f"factor {name!r}", rule, name)
    if len(levels) < 2:
        raise InputError(f"factor {name!r}", "have at least two levels", levels)


def _corrupted(corruptions: Any, kinds: dict[str, Family], people: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The factor of corruptions: none, and each replacement in a slot that exists."""
    written = " ".join(text for kind in kinds.values() for text in kind.texts)
    slots = {*SLOT.findall(written), *(slot for own in people.values() for slot in own)}
    table: dict[str, Any] = {"none": {}}
    for name, pair in dict(corruptions).items():
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
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
    if isinstance(crossing, str):
        raise InputError("crossing", 'be "full" or a positive number of cases', crossing)
    crossing = integer("crossing", crossing, least=1)
    rng = np.random.default_rng([seed, 11])
    order, who = rng.permutation(len(cells)), rng.permutation(len(people))
    for i in range(min(crossing, len(cells) * len(people))):
        # the shift after every common multiple makes all pairs differ
        shift = i // lcm(len(cells), len(people))
        yield cells[order[i % len(cells)]], people[who[(i + shift) % len(people)]]
