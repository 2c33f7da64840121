"""Cases made of template families, levels and entities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, TypeAlias

from probes.cases.case import FAMILY, Case, Chat, shown, tidy
from probes.cases.template_family import OPTIONS, SLOT, Family
from probes.errors import InputError
from probes.rounding import counted

__all__ = ["Cell", "Maker", "drawn"]

_DEPTH = 6  # slots inside the texts of levels, inside each other

#: name of a template family, and a level of each factor
Cell: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


class Maker:
    """Renders cases; a slot's text is looked up in the levels, the family, then the entity.

    Parameters
    ----------
    families : dict of str to Family
    factors : dict of factor to (dict of level to texts)
    entities : dict of str to (dict of slot to text)
    defaults : dict
        ``target``, ``foils`` and ``also`` where neither level, family nor entity sets them.
    """

    def __init__(
        self,
        families: dict[str, Family],
        factors: dict[str, dict[str, Any]],
        entities: dict[str, dict[str, Any]],
        defaults: dict[str, Any],
    ):
        self.families, self.factors, self.entities, self.defaults = families, factors, entities, defaults

    def cells(self) -> Iterator[Cell]:
        """Yield every family with every combination of levels it is used with."""
        for name, family in self.families.items():
            if unknown := set(family.only) - set(self.factors):
                raise InputError(f"family {name!r}", f"name factors among {', '.join(self.factors)}", sorted(unknown))
            only = {f: [v] if isinstance(v, str) else list(map(str, v)) for f, v in family.only.items()}
            for f, wanted in only.items():
                if unknown_levels := [v for v in wanted if v not in self.factors[f]]:
                    rule = f"name levels of {f} ({', '.join(self.factors[f])})"
                    raise InputError(f"family {name!r}", rule, unknown_levels)
            allowed = [[(f, level) for level in levels if level in only.get(f, levels)]
                       for f, levels in self.factors.items()]  # fmt: skip
            for levels in product(*allowed):
                yield name, levels

    def case(self, cell: Cell, entity: str) -> Case:
        """Render the case of an entity in a cell.

        Raises
        ------
        InputError
            For a slot without a text, or a prompt without a right answer.
        """
        name, levels = cell
        family = self.families[name]
        texts: dict[str, Any] = dict(family.slots)
        for factor, level in levels:
            value = self.factors[factor][level]
            texts |= {factor: value} if isinstance(value, str) else value
        slots = self.entities[entity]
        # a corrupted slot, marked by "!", changes the prompt alone
        prompt_texts = texts | {k[:-1]: v for k, v in texts.items() if k.endswith("!")}

        def fill(text: str, source: Mapping[str, Any] = texts) -> str:
            return _filled(text, source, slots)

        options = {k: texts.get(k, slots.get(k, self.defaults[k])) for k in OPTIONS}
        template = family.template
        prompt: str | Chat = (
            fill(template, prompt_texts)
            if isinstance(template, str)
            else tuple((role, text) for role, t in template if (text := fill(t, prompt_texts)))
        )
        if not options["target"]:
            raise InputError("target", f"be set for the prompt {shown(prompt)!r}", options["target"])
        foils = () if isinstance(options["foils"], int) else tuple(fill(f) for f in options["foils"])
        also = tuple(fill(a) for a in options["also"])
        kept = (*levels, (FAMILY, name)) if len(self.families) > 1 else levels
        return Case(prompt, fill(options["target"]), foils, kept, entity, name, also)

    def with_foils(self, combos: list[tuple[Cell, str]], first_words: bool) -> list[Case]:
        """Render the cases of pairs of cell and entity; foils are drawn from all entities, whichever were sampled."""
        cases = [self.case(cell, entity) for cell, entity in combos]
        count = self.defaults["foils"]
        if not isinstance(count, int):
            return [tidy(c, True, first_words) for c in cases]
        cells = dict.fromkeys(cell for cell, _ in combos)
        pools = {case.levels: targets for cell in cells for case, targets in [self._targets(cell)]}
        return drawn(cases, count, first_words, pools)

    def _targets(self, cell: Cell) -> tuple[Case, set[str]]:
        everyone = [self.case(cell, entity) for entity in self.entities]
        return everyone[0], {c.target for c in everyone}


def _filled(text: str, texts: Mapping[str, Any], slots: Mapping[str, Any]) -> str:
    """Expand the texts of levels, which may hold slots; then put the entity's texts in, as they are."""
    for _ in range(_DEPTH):
        if not any(m in texts for m in SLOT.findall(text)):
            break
        text = SLOT.sub(lambda m: str(texts.get(m.group(1), m.group())), text)
    for slot in SLOT.findall(text):
        if slot not in slots:
            rule = f"have a text for the slot {{{slot}}} of {text!r}"
            raise InputError("factors and entities", rule, list({**texts, **slots}))
    return SLOT.sub(lambda m: str(slots[m.group(1)]), text)


def drawn(cases: list[Case], count: int, first_words: bool, pools: Mapping[Any, Iterable[str]]) -> list[Case]:
    """Draw foils for the cases without: answers to other cases of the same levels, in an order fixed by the case's id.

    Parameters
    ----------
    cases : list of Case
    count : int
        Foils of each case.
    first_words : bool
        Whether foils must differ from the target in their first word.
    pools : mapping of levels to answers

    Raises
    ------
    InputError
        If a pool has too few foils.
    """
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
            rule = f"leave {counted(count, 'foil')} with another first word than {case.target!r}"
            rule = f"{rule}; prompt {shown(case.prompt)!r}"
            raise InputError("foils", rule, counted(len(full.foils), "such target"))
        out.append(replace(full, foils=full.foils[:count]))
    return out
