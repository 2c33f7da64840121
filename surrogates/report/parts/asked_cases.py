"""The part that shows a few real questions about cases or rows, with what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surrogates.report.part import Part
from surrogates.report.parts.questions import Questions

__all__ = ["AskedCase", "AskedCases", "Reply", "ends"]

#: letters of a prompt at most, half from either end
_LONGEST = 400


def ends(prompt: str | Sequence[tuple[str, str]], longest: int = _LONGEST) -> str:
    """Write a prompt or a chat as one text; of a long one its ends.

    Examples
    --------
    >>> ends([("user", "Why?")]), ends("abcdefgh", 4)
    ('user: Why?', 'ab … gh')
    """
    text = prompt if isinstance(prompt, str) else " | ".join(f"{role}: {content}" for role, content in prompt)
    return text if len(text) <= longest else f"{text[: longest // 2]} … {text[-longest // 2 :]}"


@dataclass(frozen=True)
class Reply:
    """What one model answered: its name, the answer, and a number."""

    who: str
    said: str
    number: str


@dataclass(frozen=True)
class AskedCase:
    """One question: why it is shown, what was asked, the right answer (if there is one), and the replies."""

    why: str
    prompt: str
    right: str
    replies: tuple[Reply, ...]


@dataclass(frozen=True, kw_only=True)
class AskedCases(Part):
    """Three to five real questions, chosen by a rule that `about` says."""

    template = "asked_cases.html"
    style = Questions.style

    about: str
    rows: tuple[AskedCase, ...]
