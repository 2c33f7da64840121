"""TextProbe: which parts of a text an answer depends on."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.inputs.text_segments import Segments, Span, checked_answer, cut
from probes.model import Prompt, is_chat, messages_of
from probes.probe import Feature, Probe, at_least_two, unique_names
from probes.views import Block, TextView

__all__ = ["TextProbe"]

#: what stands in for removed text when another way to remove is tried
MASK = "…"


class TextProbe(Probe):
    """A text whose words (or sentences, tokens, spans) are present or absent.

    Parameters
    ----------
    text : str, or chat
        Of a chat, a list of messages, the last one is taken apart; those before it stay as they are.
    unit : {"word", "sentence", "token"}, default "word"
        What a feature is; "token" needs `tokenizer`.
    replacement : str, optional
        What stands in for an absent feature, such as ``"[MASK]"`` or ``"…"``. None removes it with the white space
        after it.
    spans : sequence of (int, int), optional
        Features as character ranges, in order; overrides `unit`. What lies between them always stays.
    tokenizer : transformers tokenizer, optional
        A fast one, for ``unit="token"``.
    answer : str, optional
        When the model is a language model: the continuation to explain; None has it generated.
    max_new_tokens : int, default 64

    Raises
    ------
    InputError
        For an empty text, fewer than two features, spans that overlap, or a chat that ends with the model's answer.

    Examples
    --------
    >>> probe = TextProbe("not bad at all")
    >>> [f.name for f in probe.features]
    ['not', 'bad', 'at', 'all']
    >>> probe.render(np.array([[1, 1, 1, 1], [0, 1, 1, 1]]))
    ['not bad at all', 'bad at all']
    """

    def __init__(
        self,
        text: Prompt,
        unit: str = "word",
        *,
        replacement: str | None = None,
        spans: Sequence[Span] | None = None,
        tokenizer: Any = None,
        answer: str | None = None,
        max_new_tokens: int = 64,
    ):
        chat = messages_of(text) if is_chat(text) else ()
        self.before, self.role = tuple(chat[:-1]), chat[-1][0] if chat else ""
        if self.role == "assistant":
            raise InputError("text", "end with a message to the model; what it answers is given as answer=", text)
        content: Any = chat[-1][1] if chat else text
        cuts = cut(content, unit, spans, tokenizer, "text")
        if replacement is not None and not isinstance(replacement, str):
            raise InputError("replacement", "be a string, or None to remove", replacement)
        self.text: str = content
        self.unit = "span" if spans is not None else unit
        self.replacement = replacement
        self.answer, self.max_new_tokens = checked_answer(answer, max_new_tokens)
        self.segments = Segments.of(content, cuts)
        names = unique_names([piece.strip() or repr(piece) for piece in self.segments.pieces])
        self.features = at_least_two([Feature(name) for name in names], "text", text)

    def render(self, Z: np.ndarray) -> list[Any]:
        texts = [self.segments.render(row, self.replacement) for row in np.asarray(Z) > 0.5]
        return [(*self.before, (self.role, text)) for text in texts] if self.role else texts

    def variants(self) -> dict[str, Probe]:
        return other_removal(self)

    def view(self) -> TextView:
        return {
            "kind": "text",
            "unit": self.unit,
            "removal": removal(self.replacement),
            "blocks": [
                *(block_view(role, Segments((), (content,)), 0) for role, content in self.before),
                block_view(self.role, self.segments, 0),
            ],
        }


def removal(replacement: str | None) -> str:
    """Say how absent text is treated."""
    return "removed" if replacement is None else f"replaced by {replacement!r}"


def other_removal(probe: Any) -> dict[str, Probe]:
    """Return the probe that replaces absent text where this one removes it, or the other way round."""
    other = copy(probe)
    other.replacement = MASK if probe.replacement is None else None
    return {removal(other.replacement): other}


def block_view(title: str, segments: Segments, offset: int) -> Block:
    """Describe a text for a report; piece i is feature ``offset + i``."""
    return {"title": title, "pieces": list(segments.pieces), "glue": list(segments.glue), "offset": offset}
