"""Cases: single questions with a right answer, wrong answers and the factor levels they were made from.

A case's id is a SHA-256 of its content, so a split drawn by id is the same on every machine and in every process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from probes.errors import InputError
from probes.model import as_prompt

__all__ = ["FAMILY", "RESERVED", "Case", "Chat", "grouped", "shown", "tidy"]

#: A prompt: plain text, or a chat as (role, content) pairs.
Chat = tuple[tuple[str, str], ...]

#: the name under which the template family of a case stands among its factors
FAMILY = "template"

#: columns of a table of cases that are no factors
RESERVED = (
    "case_id", "entity", "value", "chance", "unconditional", "unconditional_chance", "prompt", "target", "answer",
    "part", "shares",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One question.

    Parameters
    ----------
    prompt : str or tuple of (role, content)
        Messages may be given as mappings with ``role`` and ``content``.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt", as_prompt(self.prompt))

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
    """Return a prompt on one line for an error message; one that is too long loses its middle."""
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
        is_right = foil in right
        if is_right or (first_words and any(_head(foil)[0] == _head(r)[0] for r in right)):
            if strict:
                rule = "differ from the right answer" + ("" if is_right else " in its first word")
                raise InputError("foil", f"{rule} for the prompt {shown(prompt)!r} with answer {right[0]!r}", foil)
            continue
        foils.append(foil)
    return replace(case, prompt=prompt, target=right[0], also=tuple(right[1:]), foils=tuple(foils))


def _head(text: str) -> tuple[str, str]:
    """Split off the first word with the space before it."""
    start = len(text) - len(text.lstrip())
    stop = text.find(" ", start)
    return (text, "") if stop < 0 else (text[:stop], text[stop:])


def grouped(case: Case, groups: str | Callable[[Case], str] | None) -> Case:
    """Replace the entity of a case by what it depends on other cases by: a factor, or a function of the case.

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
