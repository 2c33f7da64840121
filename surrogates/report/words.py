"""Words of the glossary that pages explain where they first stand.

A definition is written here, and GLOSSARY.md holds the same (a test says so). A page links the first use of a word to
a list at its end: that needs no script, and no pointer that hovers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from surrogates.visible import isolated

__all__ = ["WORDS", "Words", "unexplained"]

#: what each word means
WORDS: dict[str, str] = {
    "R²": (
        "1 − Σ(y−ŷ)² / Σ(y−ȳ)², how much of the differences between answers is predicted; never clamped: "
        "1 is all, 0 is a constant's, negative is worse"
    ),
    "held-out": "not used in the fit, nor in the proxy's",
    "rank agreement": "Spearman's correlation of predicted and real answers: 1 if their order is right throughout",
    "interval": "95% confidence interval, unless another level stands beside it",
    "log-odds": "log(p / (1 − p)), in nats",
    "log-prob": "natural logarithm of a probability, in nats; mean token log-prob per token of the answer",
    "nat": "unit of natural logarithms: one nat less is a probability 2.7 times smaller",
    "logit": "an unnormalised score of a class",
    "surrogate": "a readable model fitted to answers: ŷ = g⁻¹(b + Σ wₖ φₖ(Z))",
    "statement": "a claim about means over sets of cases, frozen before it is tested",
    "case": "one prompt with right and wrong answers and its factor levels",
    "entity": "what a case is about; intervals and tests are over entities",
    "exact match": "share of cases in which the model writes a right answer",
    "logit difference": "log-prob of the right answer less that of the likeliest wrong one listed, in nats",
    "mass contrast": "probability of the right answers among those listed, less that of the wrong ones",
    "Holm": "an adjustment of the p-values of several tests, so that of all of them together 5% make a false claim",
    "anchor": "a rule that settles the answer whatever happens to the other features",
}
_FIND = {
    word: re.compile(rf"\b{re.escape(word.removesuffix('y'))}{'(?:y|ies)' if word[-1] == 'y' else 's?'}\b")
    for word in WORDS
}


class Words:
    """The words that one page explains: each is a link where it first stands, and a line of the list at its end.

    Attributes
    ----------
    used : list of str
        In the order in which they first stand.
    """

    def __init__(self) -> None:
        self.used: list[str] = []

    def explained(self, text: str) -> Markup:
        """Escape a text, and link the words in it that nothing before it held."""
        return Markup("").join(self._pieces(isolated(text)))

    def _pieces(self, text: str) -> Iterator[Markup]:
        ahead = [(m.span(), word) for word, find in _FIND.items() if word not in self.used and (m := find.search(text))]
        if not ahead:
            yield escape(text)
            return
        (start, stop), word = min(ahead)
        self.used.append(word)
        yield escape(text[:start])
        yield Markup('<a class="word" href="#{}">{}</a>').format(_place(word), text[start:stop])
        yield from self._pieces(text[stop:])

    @property
    def listed(self) -> list[tuple[str, str, str]]:
        """The words used: the place that each is linked to, the word, what it means."""
        return [(_place(word), word, WORDS[word]) for word in self.used]


def unexplained(text: str) -> Markup:
    """Escape a text where there is no list of words."""
    return escape(isolated(text))


def _place(word: str) -> str:
    """Return the name of a word's place on a page."""
    return f"word-{list(WORDS).index(word)}"
