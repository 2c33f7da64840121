"""Wordings: template families, and the cases that they make of levels and entities."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import product
from typing import Any

from probes.cases.case import FAMILY, Case, Chat, shown, tidy
from probes.errors import InputError

__all__ = [
    "OPTIONS",
    "SLOT",
    "Family",
    "Maker",
    "as_chat",
    "check_answers",
    "check_slots",
    "drawn",
    "likeness",
    "words_of",
]

SLOT = re.compile(r"\{(\w+)\}")
#: what was meant as a slot, but is none; other braces are text
_NEARLY = re.compile(r"\{(?!\w+\})\s*\w[\w-]*\s*\}|\{\w+$")
_WORDS = re.compile(r"\w+|[^\w\s]")
_DEPTH = 6  # slots inside the texts of levels, inside each other
OPTIONS = ("target", "foils", "also")


@dataclass(frozen=True)
class Family:
    """A wording.

    Parameters
    ----------
    template : str, list of (role, text), or list of dicts with ``role`` and ``content``
        With ``{slot}`` where texts go.
    only : dict of str to str or tuple of str
        Levels it is used with, by factor; all of the factors that are not named.
    slots : dict
        Texts of slots in this family; may also set ``target``, ``foils`` and ``also``.
    """

    template: str | Sequence[tuple[str, str]]
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    slots: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.template, str):
            object.__setattr__(self, "template", as_chat(self.template))
        for text in self.texts:
            check_slots("template", text)
        if not isinstance(self.only, Mapping):
            raise InputError("only", "be a mapping of factors to the levels they are used with", self.only)
        if not isinstance(self.slots, Mapping):
            raise InputError("slots", "be a mapping of slots to texts", self.slots)

    @property
    def texts(self) -> list[str]:
        """The text of the template, or of each turn."""
        return [self.template] if isinstance(self.template, str) else [text for _, text in self.template]


def as_chat(turns: Any, what: str = "template") -> list[tuple[str, str]]:
    """Pairs of role and text, from pairs or from mappings with ``role`` and ``content``.

    Raises
    ------
    InputError
        If `what` is neither a text nor such a list.
    """
    pairs = []
    for turn in turns if isinstance(turns, Sequence) else ():
        pair = (turn.get("role"), turn.get("content")) if isinstance(turn, Mapping) else turn
        pairs.append(tuple(pair) if isinstance(pair, (tuple, list)) else ())
    if not pairs or any(len(pair) != 2 or not all(isinstance(p, str) for p in pair) for pair in pairs):
        raise InputError(what, "be a text, or a list of pairs of role and text", turns)
    return pairs


def check_slots(what: str, text: str) -> None:
    """Refuse what looks like a slot and is none, such as ``{my-slot}``.

    Raises
    ------
    InputError
    """
    if found := _NEARLY.search(text):
        raise InputError(what, f"write slots as {{name}}, in letters, digits and _; here is {found.group()!r}", text)


def check_answers(options: Mapping[str, Any]) -> None:
    """Refuse answers that are no texts: ``target``, ``foils``, ``also``, whichever are there.

    Raises
    ------
    InputError
    """
    if not isinstance(options.get("target", ""), str):
        raise InputError("target", "be a text (quote numbers)", options["target"])
    for what in ("foils", "also"):
        given = options.get(what, ())
        if what == "foils" and isinstance(given, int) and not isinstance(given, bool):
            if given < 0:
                raise InputError("foils", "be a list of texts, or a number of at least 0", given)
            continue
        if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(g, str) for g in given):
            raise InputError(what, "be a list of texts" + ", or a number" * (what == "foils"), given)
        for text in given:
            check_slots(what, text)
    check_slots("target", options.get("target", ""))


class Maker:
    """Renders cases; a slot's text is looked up in the levels, the family, then the entity."""

    def __init__(
        self,
        families: dict[str, Family],
        factors: dict[str, dict[str, Any]],
        people: dict[str, dict[str, Any]],
        defaults: dict[str, Any],
    ):
        self.families, self.factors, self.people, self.defaults = families, factors, people, defaults

    def cells(self) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
        """Every family with every combination of levels it is used with."""
        for name, family in self.families.items():
            if unknown := set(family.only) - set(self.factors):
                raise InputError(f"family {name!r}", f"name factors among {', '.join(self.factors)}", sorted(unknown))
            only = {f: [v] if isinstance(v, str) else list(map(str, v)) for f, v in family.only.items()}
            for f, wanted in only.items():
                if odd := [v for v in wanted if v not in self.factors[f]]:
                    raise InputError(f"family {name!r}", f"name levels of {f} ({', '.join(self.factors[f])})", odd)
            allowed = [[(f, level) for level in levels if level in only.get(f, levels)]
                       for f, levels in self.factors.items()]  # fmt: skip
            for levels in product(*allowed):
                yield name, levels

    def case(self, cell: tuple[str, tuple[tuple[str, str], ...]], entity: str) -> Case:
        name, levels = cell
        family = self.families[name]
        texts: dict[str, Any] = dict(family.slots)
        for factor, level in levels:
            value = self.factors[factor][level]
            texts |= {factor: value} if isinstance(value, str) else value
        own = self.people[entity]
        changed = texts | {k[:-1]: v for k, v in texts.items() if k.endswith("!")}

        def fill(text: str, source: Mapping[str, Any] = texts) -> str:
            return self._fill(text, source, own, family.template)

        options = {k: texts.get(k, own.get(k, self.defaults[k])) for k in OPTIONS}
        template = family.template
        prompt: str | Chat = (
            fill(template, changed)
            if isinstance(template, str)
            else tuple((role, text) for role, t in template if (text := fill(t, changed)))
        )
        if not options["target"]:
            raise InputError("target", f"be set for the prompt {shown(prompt)!r}", options["target"])
        foils = () if isinstance(options["foils"], int) else tuple(fill(f) for f in options["foils"])
        also = tuple(fill(a) for a in options["also"])
        kept = (*levels, (FAMILY, name)) if len(self.families) > 1 else levels
        return Case(prompt, fill(options["target"]), foils, kept, entity, name, also)

    def _fill(self, text: str, texts: Mapping[str, Any], own: Mapping[str, Any], template: Any) -> str:
        """Expand the texts of levels, which may hold slots; then put the entity's texts in, as they are."""
        for _ in range(_DEPTH):
            if not any(m in texts for m in SLOT.findall(text)):
                break
            text = SLOT.sub(lambda m: str(texts.get(m.group(1), m.group())), text)
        for slot in SLOT.findall(text):
            if slot not in own:
                rule = f"have a text for the slot {{{slot}}} of {text!r}"
                raise InputError("factors and entities", rule, list({**texts, **own}))
        return SLOT.sub(lambda m: str(own[m.group(1)]), text)

    def with_foils(self, combos: list[tuple[Any, str]], first_words: bool) -> list[Case]:
        """The cases of pairs of cell and entity; foils are drawn from all entities, whichever were sampled."""
        cases = [self.case(cell, entity) for cell, entity in combos]
        count = self.defaults["foils"]
        if not isinstance(count, int):
            return [tidy(c, True, first_words) for c in cases]
        cells = dict.fromkeys(cell for cell, _ in combos)
        pools = {case.levels: targets for cell in cells for case, targets in [self._targets(cell)]}
        return drawn(cases, count, first_words, pools)

    def _targets(self, cell: Any) -> tuple[Case, set[str]]:
        everyone = [self.case(cell, entity) for entity in self.people]
        return everyone[0], {c.target for c in everyone}


def drawn(cases: list[Case], count: int, first_words: bool, pools: Mapping[Any, Iterable[str]]) -> list[Case]:
    """Foils for the cases without: answers to other cases of the same levels, in an order of each case's own."""
    out = []
    for case in cases:
        if case.foils:
            out.append(tidy(case, True, first_words))
            continue
        mark = case.case_id
        pool = sorted(pools[case.levels], key=lambda t: hashlib.sha256(f"{mark}{t}".encode()).digest())
        full = tidy(
            replace(case, foils=tuple(t for t in pool if t not in (case.target, *case.also))), False, first_words
        )
        if len(full.foils) < count:
            rule = (
                f"leave {count} foils that differ from {case.target!r} in the first word; prompt {shown(case.prompt)!r}"
            )
            raise InputError("foils", rule, f"{len(full.foils)} such targets")
        out.append(replace(full, foils=full.foils[:count]))
    return out


def words_of(prompt: str | Chat) -> list[str]:
    """The words and marks of a prompt."""
    return _WORDS.findall(shown(prompt, 10**9))


def likeness(a: list[str], b: list[str]) -> float:
    """How alike two prompts' words are, from 0 to 1.

    Words that both have are compared as they are. The others are compared by the pattern they come in, the first of
    them, the second, and so on, and count half: they may be names, or the very words in which two wordings differ.

    Examples
    --------
    >>> ann, kim = (text.split() for text in ("Ann met Bob and Bob left", "Kim met Zoe and Zoe left"))
    >>> likeness(ann, kim) > likeness(ann, "Kim met Zoe and Kim left".split())
    True
    """
    both = set(a) & set(b)

    def pattern(words: list[str]) -> list[str | int]:
        places: dict[str, int] = {}
        return [word if word in both else places.setdefault(word, len(places)) for word in words]

    one = pattern(a)
    blocks = SequenceMatcher(None, one, pattern(b), autojunk=False).get_matching_blocks()
    matched = [word for block in blocks for word in one[block.a : block.a + block.size]]
    return 2 * sum(1.0 if isinstance(word, str) else 0.5 for word in matched) / max(len(a) + len(b), 1)
