"""ContextProbe: which sentences, passages or documents of a prompt an answer came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from probes.errors import InputError
from probes.inputs.pieces import PiecesProbe, block_view
from probes.inputs.replacement import Replacement
from probes.inputs.text_segments import Segments, checked_answer
from probes.inputs.units.cut import Cut
from probes.inputs.units.lines import PARAGRAPH
from probes.inputs.units.registry import Unit, cut_text
from probes.model import Prompt, is_chat, messages_of
from probes.views import TextView

__all__ = ["ContextProbe"]

TEMPLATE = "Context: {context}\n\nQuestion: {question}"
#: units of a context besides those of any text
DOCUMENT, PASSAGE = "document", "passage"


class ContextProbe(PiecesProbe):
    """A prompt made of a context and a question; the context's sources are present or absent.

    Parameters
    ----------
    context : str, list of str, or dict of str to str
        One document, several, or several with titles (a title is shown, and put above its document in the prompt).
    question : str, or chat
        Of a chat, a list of messages, the last one is the question; those before it stay as they are, before the
        context.
    unit : {"sentence", "passage", "document"} or any unit of TextProbe, optional
        What a source is; a passage is a paragraph. By default "document" for several documents, else "sentence".
    system : str, optional
        System prompt, always present.
    answer : str, optional
        The answer to explain; None has the model generate it, greedily.
    replacement : str, function or Infill, optional
        What stands in for an absent source, such as ``"…"``, as for :class:`TextProbe`. None removes it, and the title
        of a document without sources.
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
        unit: Unit | None = None,
        system: str | None = None,
        answer: str | None = None,
        replacement: Replacement = None,
        template: str = TEMPLATE,
        max_new_tokens: int = 64,
    ):
        documents = self._documents(context)
        if system is not None and not isinstance(system, str):
            raise InputError("system", "be a string or None", system)
        self.system, self.before, self.question = _turns(question, system)
        if unit is None:
            unit = DOCUMENT if len(documents) > 1 else "sentence"
        if not isinstance(template, str) or "{context}" not in template or "{question}" not in template:
            raise InputError("template", "hold {context} and {question}", template)
        self.template = template
        self.answer, self.max_new_tokens = checked_answer(answer, max_new_tokens)
        self.titles = list(documents)
        cuts = [_cut(text, unit) for text in documents.values()]
        self.unit = unit if isinstance(unit, str) and unit in (DOCUMENT, PASSAGE) else cuts[0].noun
        labels = [
            title if unit == DOCUMENT and title.strip() else name
            for (title, text), cut in zip(documents.items(), cuts, strict=True)
            for name in (cut.names or [text[a:b] for a, b in cut.spans])
        ]
        names = [" ".join(label.split()) or repr(label) for label in labels]
        self._take_apart(list(documents.values()), cuts, names, "context", context)
        self.replace(replacement)

    @staticmethod
    def _documents(context: str | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
        """Map title to text; an untitled document has white space of its number's length."""
        if isinstance(context, str):
            documents = {"": context}
        elif isinstance(context, Mapping):
            documents = {str(title): text for title, text in context.items()}
            if len(documents) < len(context):
                raise InputError("context", "have titles that differ as texts", list(context))
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
        written = [self._rendered(number, Z) for number in range(len(self.documents))]
        present = np.repeat(np.asarray(Z) > 0.5, self.replicates, axis=0)
        return [self._prompt(row, texts) for row, texts in zip(present, zip(*written, strict=True), strict=True)]

    def _prompt(self, present: np.ndarray, texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Put the documents of a row into the prompt, without those that have lost everything."""
        documents = [
            f"{title}\n{text}" if title.strip() else text
            for title, text, owner in zip(self.titles, texts, self.owners, strict=True)
            if self.replacement is not None or not len(owner) or present[owner].any()
        ]
        # one pass, so that braces in the user's own text stay as they are
        fields = {"{context}": "\n\n".join(documents), "{question}": self.question}
        turn = re.sub(r"\{context\}|\{question\}", lambda m: fields[m.group()], self.template)
        system = (("system", self.system),) if self.system else ()
        return (*system, *self.before, ("user", turn))

    def view(self) -> TextView:
        blocks = [
            *(block_view(role, Segments((), (content,))) for role, content in self.before),
            *(
                block_view(title.strip(), document, owner)
                for title, document, owner in zip(self.titles, self.documents, self.owners, strict=True)
            ),
        ]
        return {
            "kind": "text",
            "unit": self.unit,
            **self._said(),
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


def _cut(text: str, unit: Unit) -> Cut:
    """Cut a document into its sources."""
    if isinstance(unit, str) and unit == DOCUMENT:
        return Cut(((len(text) - len(text.lstrip()), len(text.rstrip())),), DOCUMENT, even=False)
    if isinstance(unit, str) and unit == PASSAGE:
        return Cut(tuple(m.span() for m in PARAGRAPH.finditer(text)), PASSAGE, even=False)
    return cut_text(text, unit, parameter="context")
