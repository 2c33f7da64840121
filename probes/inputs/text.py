"""TextProbe: which parts of a text an answer depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.inputs.pieces import PiecesProbe, block_view
from probes.inputs.replacement import Replacement
from probes.inputs.text_segments import Segments, checked_answer
from probes.inputs.units.cut import Span
from probes.inputs.units.registry import Unit, cut_text
from probes.model import Prompt, is_chat, messages_of
from probes.views import TextView

__all__ = ["TextProbe"]


class TextProbe(PiecesProbe):
    """A text whose words (or characters, sentences, Markdown blocks, …) are present or absent.

    Parameters
    ----------
    text : str, or chat
        Of a chat, a list of messages, the last one is taken apart; those before it stay as they are.
    unit : str, pattern, function, Html or Occurrences, default "word"
        What a feature is: "character", "word" (with its punctuation), "bare word" (without), "sentence", "line",
        "paragraph", "markdown" (its blocks), "markdown section", "html" (texts between tags), "token" (needs
        `tokenizer`), the name of a segmenter that is installed ("pythainlp", "laonlp", "jieba", "janome"); a compiled
        regular expression, each match of which is a feature; :class:`~probes.Html`; all occurrences of a word at once,
        "occurrences" or :class:`~probes.Occurrences`; or a function from a text to spans, or to parts of it in their
        order. What lies between features always stays.
    replacement : str, function or Infill, optional
        What stands in for an absent feature, such as ``"[MASK]"`` or ``"…"``; a function from its text to another one;
        or words drawn from a masked language model, :class:`~probes.Infill`. None removes it, with white space beside
        it.
    spans : sequence of (int, int), optional
        Features as character ranges, in order; overrides `unit`.
    tokenizer : transformers tokenizer, optional
        A fast one, for ``unit="token"``.
    answer : str, optional
        When the model is a language model: the continuation to explain; None has it generated.
    max_new_tokens : int, default 64

    Raises
    ------
    InputError
        For an empty text, fewer than two features, spans that overlap, a chat that ends with the model's answer, or a
        text that holds what marks the gaps of an infill.
    MissingExtra
        If a segmenter is not installed.

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
        unit: Unit = "word",
        *,
        replacement: Replacement = None,
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
        cut = cut_text(content, unit, spans, tokenizer)
        self.text: str = content
        self.unit = cut.noun
        self.answer, self.max_new_tokens = checked_answer(answer, max_new_tokens)
        names = cut.names or tuple(content[a:b].strip() or repr(content[a:b]) for a, b in cut.spans)
        self._take_apart([content], [cut], names, "text", text)
        self.replace(replacement)

    @property
    def segments(self) -> Segments:
        """The text in pieces."""
        return self.documents[0]

    def render(self, Z: np.ndarray) -> list[Any]:
        texts = self._rendered(0, Z)
        return [(*self.before, (self.role, text)) for text in texts] if self.role else texts

    def view(self) -> TextView:
        return {
            "kind": "text",
            "unit": self.unit,
            **self._said(),
            "blocks": [
                *(block_view(role, Segments((), (content,))) for role, content in self.before),
                block_view(self.role, self.segments, self.owners[0]),
            ],
        }
