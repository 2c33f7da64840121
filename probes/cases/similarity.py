"""Similarity of prompts by their words, names aside."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from probes.cases.case import Chat, shown

__all__ = ["similarity", "words_of"]

_WORDS = re.compile(r"\w+|[^\w\s]")


def words_of(prompt: str | Chat) -> list[str]:
    """Return the words and punctuation marks of a prompt."""
    return _WORDS.findall(shown(prompt, 10**9))


def similarity(a: list[str], b: list[str]) -> float:
    """Measure the similarity of two prompts' words, from 0 to 1.

    Words that both have are compared as they are. The others are compared by the pattern they come in (first new word,
    second new word, …) and count half: they may be names, or the very words in which two wordings differ.

    Examples
    --------
    >>> ann, kim = (text.split() for text in ("Ann met Bob and Bob left", "Kim met Zoe and Zoe left"))
    >>> similarity(ann, kim) > similarity(ann, "Kim met Zoe and Kim left".split())
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
