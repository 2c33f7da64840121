"""Phrases of a language model's answer: the runs of words that say something, found by a fixed rule.

The rule, on the text alone: words are cut at punctuation and at English function words (articles, prepositions,
pronouns, auxiliaries, conjunctions), which belong to no phrase; and where capitalised words and numbers meet words in
lower case. In another language what stands between two marks is a phrase.
"""

from __future__ import annotations

import re

__all__ = ["phrases"]

#: English words that join others and say little themselves
_JOINING = """\
a an and are as at be been being but by can could did do does for from had has have he her hers him his i if
in into is it its may me might must my no nor not of off on onto or our out over she should so some than that
the their them then there these they this those through to under until up upon us was we were what when where
which while who whom whose why will with would you your"""
#: a word with what joins its parts, such as 1,000 or o'clock
_WORD = re.compile(r"\w+(?:[-'’.,:/]\w+)*")


def phrases(text: str) -> list[tuple[int, int]]:
    """Find the phrases of a text, as ranges of characters.

    Examples
    --------
    >>> text = "The Harbour Museum opened to the public on January 1, 1969, in Lindmouth."
    >>> [text[start:stop] for start, stop in phrases(text)]
    ['Harbour Museum', 'opened', 'public', 'January 1', '1969', 'Lindmouth']
    """
    found, joining = list[tuple[int, int]](), frozenset(_JOINING.split())
    last, name_before = -1, False
    for match in _WORD.finditer(text):
        word = match.group()
        if word.lower() in joining:
            last = -1
            continue
        name = not word[0].islower()
        gap = text[last : match.start()]
        if last >= 0 and name == name_before and not gap.strip() and "\n" not in gap:
            found[-1] = found[-1][0], match.end()
        else:
            found.append(match.span())
        last, name_before = match.end(), name
    return found
