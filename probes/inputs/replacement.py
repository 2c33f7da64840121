"""What stands in for text that is absent: nothing, a text, what a function makes of it, or words that a model draws."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from probes.errors import InputError, ModelError, describe, integer
from probes.inputs.text_segments import Segments, StandIn
from probes.probe import Replication
from probes.rounding import counted

__all__ = [
    "UNCHANGING",
    "Infill",
    "Replacement",
    "checked_replacement",
    "mask_token",
    "removal",
    "stand_in",
    "unchanged",
]

#: texts that an infill keeps, by what was masked
_KEPT = 20_000
#: size of the population that replicates are drawn from: all that a model may write
_ALL = 2**31


class Infill:
    """Absent text is drawn anew from a model that fills gaps, several times, and answers are averaged.

    Parameters
    ----------
    fill : callable
        From a list of texts with gaps, and as many whole numbers, to the texts without gaps. The same text and number
        must give the same result, whatever else is in the list. Everything outside gaps must stay.
        :class:`~probes.MaskedFill` makes one of a masked language model. A ``name`` that it has stands in reports, and
        in the digest of a probe.
    samples : int, default 5
        How often each question is filled in, at least twice: what the draws differ by is part of the intervals.
    mask : str or callable, optional
        What marks a gap, or a function from an absent piece to it; by default the ``mask`` of `fill`, or ``"[MASK]"``.
    random_state : int, default 0
        The same seed fills the same gaps alike.

    Raises
    ------
    InputError

    Notes
    -----
    The draws for a question depend on the seed and on its masked text alone. The instance has no gaps and stays as it
    is. Interventional conditional: what is drawn is likely beside what is present, so that models meet texts such as
    they know; see Kim et al. (2020), "Interpretation of NLP models through input marginalization".

    Examples
    --------
    >>> infill = Infill(lambda texts, seeds: [t.replace("[MASK]", "so") for t in texts], samples=2)
    >>> infill.filled(["not [MASK] bad"])
    ['not so bad', 'not so bad']
    """

    def __init__(
        self,
        fill: Callable[[Sequence[str], Sequence[int]], Sequence[str]],
        samples: int = 5,
        *,
        mask: StandIn = None,
        random_state: int = 0,
    ):
        if not callable(fill):
            raise InputError("fill", "be a function from masked texts and seeds to filled texts", fill)
        self.fill = fill
        self.samples = integer("samples", samples, least=2)
        self.random_state = integer("random_state", random_state, least=0)
        self.mask: str | Callable[[str], str] = mask if mask is not None else getattr(fill, "mask", "[MASK]")
        if not callable(self.mask) and (not isinstance(self.mask, str) or not self.mask.strip()):
            raise InputError("mask", "be a text that marks a gap, or a function from a piece to one", mask)
        self._known: dict[str, list[str]] = {}
        self._marks = {self.mask} if isinstance(self.mask, str) else set[str]()

    @property
    def name(self) -> str:
        """What draws, in a line."""
        return str(getattr(self.fill, "name", "") or called(self.fill))

    def marker(self, piece: str) -> str:
        """Return what marks the gap that a piece leaves."""
        return self.mask(piece) if callable(self.mask) else self.mask

    def filled(self, masked: Sequence[str]) -> list[str]:
        """Fill texts, each as often as there are samples, side by side.

        Raises
        ------
        ModelError
            If `fill` fails, or returns something else than as many texts.
        """
        new = [text for text in dict.fromkeys(masked) if text not in self._known]
        if new:
            if len(self._known) + len(new) > _KEPT:
                self._known.clear()
                new = list(dict.fromkeys(masked))
            seeds = [self._seed(text, r) for text in new for r in range(self.samples)]
            written = self._written([text for text in new for _ in range(self.samples)], seeds)
            for i, text in enumerate(new):
                self._known[text] = written[i * self.samples : (i + 1) * self.samples]
        return [text for one in masked for text in self._known[one]]

    def _seed(self, text: str, replicate: int) -> int:
        content = f"{self.random_state} {replicate} {text}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.sha256(content).digest()[:8], "big")

    def _written(self, texts: list[str], seeds: list[int]) -> list[str]:
        try:
            filled = self.fill(texts, seeds)
            filled = list(filled) if isinstance(filled, Iterable) and not isinstance(filled, str) else filled
        except (InputError, ModelError):
            raise
        except Exception as error:
            raise ModelError(f"The infill raised {type(error).__name__}: {describe(str(error), 200)}") from error
        if not isinstance(filled, list):
            raise ModelError(
                f"The infill must return {counted(len(texts), 'text')}, one for each; got {describe(filled)}."
            )
        written = [str(text) if isinstance(text, str) else text for text in filled]
        if len(written) != len(texts) or not all(isinstance(text, str) for text in written):
            raise ModelError(
                f"The infill must return {counted(len(texts), 'text')}, one for each; got {describe(written)}."
            )
        gaps = re.compile("|".join(map(re.escape, sorted(self._marks, key=len, reverse=True))) or r"(?!)")
        for masked, text in zip(texts, written, strict=True):
            if gaps.search(text):
                raise ModelError(f"The infill must leave no gap; of {describe(masked)} it made {describe(text)}.")
            if not _keeps(text, gaps.split(masked)):
                said = "The infill must leave all that stands outside gaps as it is"
                raise ModelError(f"{said}; of {describe(masked)} it made {describe(text)}.")
        return written

    def rows(self, masked: Sequence[str], complete: np.ndarray) -> list[str]:
        """Fill the texts of rows, the replicates of a row side by side; those of complete rows stay as they are."""
        drawn = iter(self.filled([text for text, all_there in zip(masked, complete, strict=True) if not all_there]))
        return [
            text if all_there else next(drawn)
            for text, all_there in zip(masked, complete, strict=True)
            for _ in range(self.samples)
        ]

    def check(self, texts: Sequence[Segments]) -> None:
        """Check that what marks a gap stands nowhere in texts.

        Raises
        ------
        InputError
        """
        content = "".join(part for text in texts for part in (*text.glue, *text.pieces))
        for piece in dict.fromkeys(piece for text in texts for piece in text.pieces):
            marker = self.marker(piece)
            if not isinstance(marker, str) or not marker.strip():
                raise InputError("mask", f"return a text that marks the gap of {describe(piece)}", marker)
            self._marks.add(marker)
            if marker in content:
                raise InputError("text", f"not hold {marker!r}, which marks gaps; give Infill another mask=", content)

    @property
    def note(self) -> str:
        """What answers to a question are an average of."""
        return (
            f"Absent text was drawn anew {self.samples} times a question and the answers averaged. Intervals of "
            "average effects cover the draws; R² is against the averages, and indices, Shapley values and rules are "
            "for these draws alone. More of them, Infill(samples=), make intervals narrower."
        )

    def replication(self, features: int) -> Replication:
        """Describe the draws for intervals: a few of all that may be drawn."""
        drawn = Replication(np.zeros(self.samples, dtype=int), np.array([_ALL]), np.empty(0))
        return Replication(drawn.stratum, drawn.sizes, np.full(features, drawn.student))

    def __repr__(self) -> str:
        return f"Infill({self.name}, samples={self.samples}, random_state={self.random_state})"


def called(function: Any) -> str:
    """Return the name of a function, if it has one."""
    name = getattr(function, "__name__", type(function).__name__)
    return "a function" if name == "<lambda>" else name


def _keeps(text: str, parts: Sequence[str]) -> bool:
    """Return whether parts stand in a text in their order, the first at its beginning and the last at its end."""
    if not text.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        start = text.find(part, at)
        if start < 0:
            return False
        at = start + len(part)
    return text.endswith(parts[-1]) and len(text) - len(parts[-1]) >= at


#: what a user may give for absent text
Replacement: TypeAlias = str | Callable[[str], str] | Infill | None


def mask_token(tokenizer: Any) -> str:
    """Return the mask token of a tokenizer, or of what holds one, such as a classifier or a pipeline.

    Raises
    ------
    InputError
        If it has none.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> mask_token(SimpleNamespace(mask_token="[MASK]"))
    '[MASK]'
    """
    found = getattr(getattr(tokenizer, "tokenizer", tokenizer), "mask_token", None)
    if not isinstance(found, str) or not found:
        raise InputError("tokenizer", "have a mask token; give a text as replacement= where it has none", tokenizer)
    return found


def checked_replacement(replacement: Any) -> Replacement:
    """Check what stands in for absent text.

    Raises
    ------
    InputError
    """
    if replacement is None or isinstance(replacement, (str, Infill)):
        return replacement
    if callable(replacement) and not isinstance(replacement, type):
        return replacement
    rule = "be a string, None to remove, a function from a piece to a string, or Infill()"
    raise InputError("replacement", rule, replacement)


def stand_in(replacement: Replacement) -> StandIn:
    """Return what stands in the place of an absent piece, as far as no model is asked for it.

    Raises
    ------
    InputError
        When a function of the user's returns something else than a string.
    """
    if isinstance(replacement, Infill):
        return replacement.marker
    if not callable(replacement):
        return replacement

    def text_of(piece: str) -> str:
        try:
            made = replacement(piece)
        except Exception as error:
            rule = f"return a string for {describe(piece)} ({type(error).__name__}: {error})"
            raise InputError("replacement", rule, replacement) from error
        if not isinstance(made, str):
            raise InputError("replacement", f"return a string for {describe(piece)}", made)
        return made

    return text_of


#: what a replacement must do
UNCHANGING = "change the text: what stands in for absent features is what they hold already"
#: features that a note names
_NAMED = 5


def unchanged(names: Sequence[str]) -> str:
    """Say that what stands in for some features is what they hold.

    Examples
    --------
    >>> unchanged(["…"])
    '…: what stands in is the same text, so the effect is zero by design.'
    """
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}: what stands in is the same text, so the effect is zero by design."


def removal(replacement: Replacement) -> str:
    """Say how absent text is treated.

    Examples
    --------
    >>> removal(None), removal("[MASK]"), removal(str.upper)
    ('removed', "replaced by '[MASK]'", 'rewritten by upper')
    """
    if isinstance(replacement, Infill):
        return f"drawn anew from {replacement.name} ({replacement.samples} times, seed {replacement.random_state})"
    if callable(replacement):
        return f"rewritten by {called(replacement)}"
    return "removed" if replacement is None else f"replaced by {replacement!r}"
