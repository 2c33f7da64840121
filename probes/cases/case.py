"""Cases: single questions with a right answer, wrong answers and the factor levels they were made from.

A case's id is a SHA-256 of its content, so a split drawn by id is the same on every machine and in every process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from probes.errors import InputError, number

__all__ = ["FAMILY", "RESERVED", "Case", "Chat", "Split", "grouped", "hold_out", "shown", "tidy"]

#: A prompt: plain text, or a chat as (role, content) pairs.
Chat = tuple[tuple[str, str], ...]

#: the name under which the template family of a case stands among its factors
FAMILY = "template"

#: columns of a table of cases that are no factors
RESERVED = (
    "case_id", "entity", "value", "chance", "unconditional", "unconditional_chance", "prompt", "target", "answer",
    "part",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One question.

    Parameters
    ----------
    prompt : str or tuple of (role, content)
    target : str
        The right answer as it continues the prompt, with its leading space.
    foils : tuple of str
        Wrong answers of the same type.
    levels : tuple of (factor, level)
    entity : str
        What the case is about; cases of one entity are not independent of each other.
    template : str
        The template family.
    also : tuple of str
        Other right answers.

    Examples
    --------
    >>> Case("The capital of France is", " Paris").case_id[:8]
    '71e3c4e5'
    """

    prompt: str | Chat
    target: str
    foils: tuple[str, ...] = ()
    levels: tuple[tuple[str, str], ...] = ()
    entity: str = ""
    template: str = ""
    also: tuple[str, ...] = ()

    @property
    def case_id(self) -> str:
        """SHA-256 of everything the case consists of, in hexadecimal."""
        content = [self.prompt, self.target, self.foils, self.levels, self.entity, self.template, self.also]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()

    @property
    def cell(self) -> tuple[tuple[str, str], ...]:
        """The factor levels without the template family."""
        return tuple(pair for pair in self.levels if pair[0] != FAMILY)

    @property
    def options(self) -> tuple[str, ...]:
        """Every answer that is scored: right ones first, then foils."""
        return (self.target, *self.also, *self.foils)


def shown(prompt: str | Chat, limit: int = 300) -> str:
    """A prompt on one line for an error message; what is too long loses its middle."""
    text = prompt if isinstance(prompt, str) else " | ".join(f"{role}: {content}" for role, content in prompt)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def tidy(case: Case, strict: bool = True, first_words: bool = True) -> Case:
    """Make the border between prompt and answers fall where tokenisers put it.

    A trailing space of a plain prompt moves into the answers; words that all answers begin with move into the prompt;
    foils that begin with the target's first word are refused, or left out if not `strict`.

    Raises
    ------
    InputError
        For an empty answer, a foil that is also right, or (if `strict`) a foil that shares the target's first word; the
        message holds the rendered prompt.

    Examples
    --------
    >>> tidy(Case("It is ", "the north pole", ("the south pole",)))  # doctest: +ELLIPSIS
    Case(prompt='It is the', target=' north pole', foils=(' south pole',), ...
    """
    prompt, options = case.prompt, list(case.options)
    if any(not o.strip() for o in options):
        raise InputError("answers", f"hold some text for the prompt {shown(prompt)!r}", options)
    if isinstance(prompt, str) and prompt != prompt.rstrip(" "):
        bare = prompt.rstrip(" ")
        options = [o if o.startswith(" ") else prompt[len(bare) :] + o for o in options]
        prompt = bare
    while first_words and isinstance(prompt, str) and len(options) > 1:
        head, rest = _head(options[0])
        if not rest.strip() or not all(_head(o)[0] == head and _head(o)[1].strip() for o in options):
            break
        prompt, options = prompt + head, [_head(o)[1] for o in options]
    right = options[: 1 + len(case.also)]
    foils = []
    for foil in dict.fromkeys(options[1 + len(case.also) :]):
        same = foil in right
        if same or (first_words and any(_head(foil)[0] == _head(r)[0] for r in right)):
            if strict:
                rule = "differ from the right answer" + ("" if same else " in its first word")
                raise InputError("foil", f"{rule} for the prompt {shown(prompt)!r} with answer {right[0]!r}", foil)
            continue
        foils.append(foil)
    return replace(case, prompt=prompt, target=right[0], also=tuple(right[1:]), foils=tuple(foils))


def _head(text: str) -> tuple[str, str]:
    """The first word with the space before it, and the rest."""
    start = len(text) - len(text.lstrip())
    stop = text.find(" ", start)
    return (text, "") if stop < 0 else (text[:stop], text[stop:])


@dataclass(frozen=True)
class Split:
    """Numbers of cases: those statements are found on, and three kinds of unseen ones.

    All unseen cases are about held-out entities. ``entities`` are in seen cells and families, ``cells`` in held-out
    cells of seen families, ``families`` in held-out families.
    """

    discovery: np.ndarray
    entities: np.ndarray
    cells: np.ndarray
    families: np.ndarray

    @property
    def test(self) -> np.ndarray:
        """All unseen cases."""
        return np.concatenate([self.entities, self.cells, self.families])


def hold_out(
    cases: Sequence[Case] | Any,
    *,
    entities: float | Iterable[str] = 0.5,
    cells: float = 0.2,
    families: int | Iterable[str] = 1,
    groups: str | Callable[[Case], str] | None = None,
    random_state: int = 0,
) -> Split:
    """Divide cases for discovery and test.

    Parameters
    ----------
    cases : sequence of Case, or TemplateProbe
    entities : float or names, default 0.5
        Share of the entities held out, or which.
    cells : float, default 0.2
        Share of the combinations of factor levels held out. None are where a level would then never be seen.
    families : int or names, default 1
        How many template families are held out, or which; none where there are fewer than three.
    groups : str or callable, optional
        What cases depend on each other by, as for :func:`surrogates.generalise`; by default their entity.
    random_state : int, default 0

    Raises
    ------
    InputError
        If nothing is left on one side, or names are unknown.
    """
    cases = [grouped(c, groups) for c in getattr(cases, "cases", cases)]
    cells = number("cells", cells, low=0, high=1, open_high=True)
    rng = np.random.default_rng([random_state, 7])
    people = sorted({c.entity for c in cases})
    away = _chosen("entities", entities, people, rng)
    if not away or len(away) == len(people):
        raise InputError("entities", f"leave some of {len(people)} for discovery and some for the test", entities)
    kinds = sorted({c.template for c in cases})
    if isinstance(families, int):
        if families < 0 or isinstance(families, bool):
            raise InputError("families", "be a number of at least 0, or names", families)
        count = min(families, len(kinds) - 2)
        unseen = {kinds[i] for i in rng.permutation(len(kinds))[: max(count, 0)]}
    else:
        unseen = _chosen("families", families, kinds, rng)
    if len(unseen) == len(kinds):
        raise InputError("families", "leave some for discovery", families)
    combos = sorted({c.cell for c in cases if c.template not in unseen})
    hidden = _cells(combos, cells, rng)
    new = np.array([c.entity in away for c in cases])
    other = np.array([c.template in unseen for c in cases])
    cut = np.array([c.cell in hidden for c in cases])
    return Split(
        np.flatnonzero(~new & ~other & ~cut),
        np.flatnonzero(new & ~other & ~cut),
        np.flatnonzero(new & ~other & cut),
        np.flatnonzero(new & other),
    )


def grouped(case: Case, groups: str | Callable[[Case], str] | None) -> Case:
    """A case whose entity is what it depends on others by: a factor, or a function of the case.

    Raises
    ------
    InputError
    """
    if groups is None or groups == "entity":
        return case
    if callable(groups):
        return replace(case, entity=str(groups(case)))
    levels = dict(case.levels)
    if groups not in levels:
        raise InputError("groups", f"be entity, a factor among {', '.join(levels)}, or a function of a case", groups)
    return replace(case, entity=levels[groups], levels=tuple(p for p in case.levels if p[0] != groups))


def _chosen(what: str, wish: Any, names: list[str], rng: np.random.Generator) -> set[str]:
    if isinstance(wish, (int, float)):
        if isinstance(wish, bool) or not 0 < wish < 1:
            raise InputError(what, "be a share between 0 and 1, or names", wish)
        return {names[i] for i in rng.permutation(len(names))[: max(1, round(wish * len(names)))]}
    if isinstance(wish, str) or not isinstance(wish, Iterable):
        raise InputError(what, "be a share between 0 and 1, or names", wish)
    wanted = set(wish)
    if unknown := wanted - set(names):
        raise InputError(what, f"name some of {', '.join(names[:12])}", sorted(unknown))
    return wanted


def _cells(combos: list[tuple[tuple[str, str], ...]], share: float, rng: np.random.Generator) -> set[Any]:
    """Held-out combinations: those that together show the most levels, with every pair of levels still to be seen."""
    count = int(share * len(combos))
    best: tuple[int, set[Any]] = (0, set())
    for _ in range(60 if count else 0):
        hidden = {combos[i] for i in rng.permutation(len(combos))[:count]}
        kept = [c for c in combos if c not in hidden]
        if _pairs(kept) == _pairs(combos):
            covered = len({pair for c in hidden for pair in c})
            best = max(best, (covered, hidden), key=lambda b: b[0])
    return best[1]


def _pairs(combos: Iterable[tuple[tuple[str, str], ...]]) -> set[Any]:
    """Every level, and every two levels that occur together."""
    return {pair for c in combos for pair in [*((p,) for p in c), *combinations(c, 2)]}
