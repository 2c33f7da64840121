"""ContextProbe: which sentences, passages or documents of a prompt an answer came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from probes.errors import InputError
from probes.inputs.text import block_view, other_removal, removal
from probes.inputs.text_segments import Segments, Span, checked_answer, sentences
from probes.model import Prompt, is_chat, messages_of
from probes.probe import Feature, Probe, at_least_two, unique_names
from probes.views import TextView

__all__ = ["ContextProbe"]

TEMPLATE = "Context: {context}\n\nQuestion: {question}"
UNITS = ("sentence", "passage", "document")


class ContextProbe(Probe):
    """A prompt made of a context and a question; the context's sources are present or absent.

    Parameters
    ----------
    context : str, list of str, or dict of str to str
        One document, several, or several with titles (a title is shown, and put above its document in the prompt).
    question : str, or chat
        Of a chat, a list of messages, the last one is the question; those before it stay as they are, before the
        context.
    unit : {"sentence", "passage", "document"}, optional
        What a source is; a passage is a paragraph. By default "document" for several documents, else "sentence".
    system : str, optional
        System prompt, always present.
    answer : str, optional
        The answer to explain; None has the model generate it, greedily.
    replacement : str, optional
        What stands in for an absent source, such as ``"…"``. None removes it, and the title of a document without
        sources.
    template : str
        How context and question become the user's turn; must hold ``{context}`` and ``{question}``.
    max_new_tokens : int, default 64
        Length limit of a generated answer.

    Raises
    ------
    InputError
        For an empty context or question, a chat that does not end with the user's message or has a second system
        prompt, fewer than two sources, an unknown unit or a template without its fields.

    Examples
    --------
    >>> probe = ContextProbe("It rained. The museum opened in 1969. Entry is free.", "When did it open?")
    >>> print(probe.render(np.array([[0, 1, 0]]))[0][0][1])
    Context: The museum opened in 1969.
    <BLANKLINE>
    Question: When did it open?
    """

    def __init__(
        self,
        context: str | Sequence[str] | Mapping[str, str],
        question: Prompt,
        *,
        unit: str | None = None,
        system: str | None = None,
        answer: str | None = None,
        replacement: str | None = None,
        template: str = TEMPLATE,
        max_new_tokens: int = 64,
    ):
        documents = self._documents(context)
        if system is not None and not isinstance(system, str):
            raise InputError("system", "be a string or None", system)
        self.system, self.before, self.question = _turns(question, system)
        unit = unit or ("document" if len(documents) > 1 else "sentence")
        if unit not in UNITS:
            raise InputError("unit", f"be one of {', '.join(UNITS)}", unit)
        if not isinstance(template, str) or "{context}" not in template or "{question}" not in template:
            raise InputError("template", "hold {context} and {question}", template)
        if replacement is not None and not isinstance(replacement, str):
            raise InputError("replacement", "be a string, or None to remove", replacement)
        self.template, self.unit, self.replacement = template, unit, replacement
        self.answer, self.max_new_tokens = checked_answer(answer, max_new_tokens)
        self.titles = list(documents)
        self.documents = [Segments.of(text, _cut(text, unit)) for text in documents.values()]
        labels = [
            title if unit == "document" and title.strip() else piece
            for title, document in zip(self.titles, self.documents, strict=True)
            for piece in document.pieces
        ]
        names = unique_names([" ".join(label.split()) for label in labels])
        self.features = at_least_two([Feature(name) for name in names], "context", context)

    @staticmethod
    def _documents(context: str | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
        """Map title to text; an untitled document has white space of its number's length."""
        if isinstance(context, str):
            documents = {"": context}
        elif isinstance(context, Mapping):
            documents = {str(title): text for title, text in context.items()}
        elif isinstance(context, Sequence):
            documents = {" " * i: text for i, text in enumerate(context)}
        else:
            raise InputError("context", "be a text, a list of texts or a dict of titles and texts", context)
        for text in documents.values():
            if not isinstance(text, str) or not text.strip():
                raise InputError("context", "hold non-empty texts", text)
        if not documents:
            raise InputError("context", "hold some text", context)
        return documents

    def render(self, Z: np.ndarray) -> list[tuple[tuple[str, str], ...]]:
        return [self._prompt(row) for row in np.asarray(Z) > 0.5]

    def _prompt(self, present: np.ndarray) -> tuple[tuple[str, str], ...]:
        texts, start = [], 0
        for title, document in zip(self.titles, self.documents, strict=True):
            stop = start + len(document.pieces)
            keep = present[start:stop]
            start = stop
            text = document.render(keep, self.replacement)
            if keep.any() or self.replacement is not None:
                texts.append(f"{title}\n{text}" if title.strip() else text)
        # one pass, so that braces in the user's own text stay as they are
        fields = {"{context}": "\n\n".join(texts), "{question}": self.question}
        turn = re.sub(r"\{context\}|\{question\}", lambda m: fields[m.group()], self.template)
        system = (("system", self.system),) if self.system else ()
        return (*system, *self.before, ("user", turn))

    def variants(self) -> dict[str, Probe]:
        return other_removal(self)

    def view(self) -> TextView:
        offsets = np.cumsum([0, *(len(d.pieces) for d in self.documents)])
        blocks = [
            *(block_view(role, Segments((), (content,)), 0) for role, content in self.before),
            *(
                block_view(title.strip(), document, int(offset))
                for title, document, offset in zip(self.titles, self.documents, offsets, strict=False)
            ),
        ]
        return {
            "kind": "text",
            "unit": self.unit,
            "removal": removal(self.replacement),
            "question": self.question,
            "system": self.system,
            "template": self.template,
            "blocks": blocks,
        }


def _turns(question: Prompt, system: str | None) -> tuple[str | None, tuple[tuple[str, str], ...], str]:
    """Return the system prompt, the turns before the user's, and the question.

    Raises
    ------
    InputError
    """
    *before, (role, content) = messages_of(question) if is_chat(question) else (("user", question),)
    if role != "user":
        raise InputError("question", "end with the user's message; the model's is given as answer=", question)
    if not isinstance(content, str) or not content.strip():
        raise InputError("question", "be a non-empty string, or a chat that ends with one", question)
    if system is None and before and before[0][0] == "system":
        system = before.pop(0)[1]
    if system is not None and any(role == "system" for role, _ in before):
        raise InputError("system", "be given once: the chat of the question has a system prompt", system)
    return system, tuple(before), content


def _cut(text: str, unit: str) -> list[Span]:
    if unit == "sentence":
        return sentences(text)
    if unit == "document":
        return [(len(text) - len(text.lstrip()), len(text.rstrip()))]
    return [m.span() for m in re.finditer(r"\S(?:.|\n(?!\s*\n))*", text)]
