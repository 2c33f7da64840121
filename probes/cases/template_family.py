"""Template families: a wording with slots, the levels it is used with, and the checks of its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.errors import InputError

__all__ = ["OPTIONS", "SLOT", "Family", "as_chat", "check_answers", "check_slots"]

SLOT = re.compile(r"\{(\w+)\}")
#: text that looks like a slot and is none; other braces are text
_NEARLY = re.compile(r"\{(?!\w+\})\s*\w[\w-]*\s*\}|\{\w+$")
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
    """Convert a chat to pairs of role and text, from pairs or from mappings with ``role`` and ``content``.

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
    """Refuse text that looks like a slot and is none, such as ``{my-slot}``.

    Raises
    ------
    InputError
    """
    if match := _NEARLY.search(text):
        raise InputError(what, f"write slots as {{name}}, in letters, digits and _; here is {match.group()!r}", text)


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
