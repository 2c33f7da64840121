"""Segmenters that are installed, by name: words of scripts that put no space between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from probes.errors import require
from probes.inputs.units.cut import Cut, located

__all__ = ["SEGMENTERS", "loaded", "segmented"]

#: name -> what it is for, and a function from its module to one from texts to their parts
SEGMENTERS: dict[str, tuple[str, str, Callable[[Any], Callable[[str], Sequence[str]]]]] = {
    "pythainlp": ("Thai", "pythainlp.tokenize", lambda module: module.word_tokenize),
    "laonlp": ("Lao", "laonlp.tokenize", lambda module: module.word_tokenize),
    "jieba": ("Chinese", "jieba", lambda module: module.lcut),
    "janome": ("Japanese", "janome.tokenizer", lambda module: _wakati(module.Tokenizer())),
}


def segmented(name: str) -> Callable[[str], Cut]:
    """Return the unit of a segmenter.

    Raises
    ------
    MissingExtra
        When a text is cut, if the segmenter is not installed.
    """
    return lambda text: Cut(located(text, loaded(name)(text), "unit"), "word")


@cache
def loaded(name: str) -> Callable[[str], Sequence[str]]:
    """Load a segmenter, once.

    Raises
    ------
    MissingExtra
    """
    language, module, function = SEGMENTERS[name]
    return function(require(module, f'unit="{name}" ({language})'))


def _wakati(tokenizer: Any) -> Callable[[str], list[str]]:
    return lambda text: list(tokenizer.tokenize(text, wakati=True))
