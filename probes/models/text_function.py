"""A Python function from prompts to texts: what it writes is turned into numbers by a scalariser."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, describe
from probes.model import Generator, Identity, Model
from probes.models.handed import handed
from probes.outputs.reply import Reply, Unread
from probes.outputs.reply_texts import OfTexts, Texts
from probes.outputs.scalariser import Scalariser
from probes.outputs.text_scorers import Overlap, as_scalariser

__all__ = ["TextFunction"]


class TextFunction(Generator):
    """A function that writes: one prompt → one text.

    Parameters
    ----------
    function : callable
        Takes a prompt, a text or a chat, and returns a text. A chat is (role, content) pairs, also of a
        :class:`~probes.ContextProbe`, whose document and question are the last content, ``prompt[-1][1]``; of a
        :class:`~probes.ChatProbe` dictionaries with ``role``, ``content`` and what else a message holds. To look for a
        text among the messages, ``"word" in prompt``, is an error: it would never be found.
    name : str, optional
        Identifies the function beyond this run; without it answers are kept for one run only.
    scores : Scalariser or callable, optional
        What numbers are made of, see :mod:`probes.outputs.text_scorers`; by default :class:`Overlap` with the answer.

    Examples
    --------
    >>> shout = TextFunction(str.upper, name="shout-v1")
    >>> shout.generate("so what", 5)
    'SO WHAT'
    >>> shout.scoring("so what", "")(["so what", "what else"]).round(2)
    array([[1. ],
           [0.5]])
    """

    steady = False

    def __init__(self, function: Callable[[Any], str], name: str | None = None, *, scores: Any = None):
        if not callable(function):
            raise InputError("function", "be a function from a prompt to a text", function)
        if name is not None and (not isinstance(name, str) or not name.strip()):
            raise InputError("name", "be a non-empty string, or None", name)
        self.function = function
        self.name = name
        self.scores: Scalariser = Overlap() if scores is None else as_scalariser(scores)
        self._run = uuid.uuid4().hex

    def identity(self) -> Identity:
        return Identity(f"text-function:{self.name or self._run}", self.name is not None)

    def generate(self, prompt: Any, max_new_tokens: int) -> str:
        label = getattr(self.function, "__name__", type(self.function).__name__)
        try:
            text = self.function(handed(prompt))
        except Exception as error:
            message = describe(str(error), 200)
            raise ModelError(f"The function {label} raised {type(error).__name__}: {message}") from error
        if not isinstance(text, str):
            raise ModelError(f"The function {label} must return a text; got {describe(text)}.")
        return text

    def scoring(self, answer: str, prompt: Any) -> Model:
        """Return the map from prompts to what the scalariser makes of the texts."""
        return _Scored(self, self.scores.about(answer))

    def reading(self, scores: Any) -> Model:
        """Return the map from prompts to a scalariser's numbers; it needs no answer to compare with."""
        return _Scored(self, as_scalariser(scores))


class _Scored(OfTexts):
    """Prompts → what a scalariser makes of the texts."""

    steady = False
    fallible = True
    compared = False

    def __init__(self, writer: TextFunction, scalariser: Scalariser):
        if scalariser.top:
            raise InputError("scores", "read texts: a function sends no log-probabilities", type(scalariser).__name__)
        self.writer, self.scalariser = writer, scalariser
        self.unit, self.outputs = scalariser.unit, scalariser.outputs
        self.texts = Texts()

    def identity(self) -> Identity:
        writer, scored = self.writer.identity(), self.scalariser.identity()
        return Identity(f"{writer.id}:{scored.id}", writer.persistent and scored.persistent)

    def __call__(self, inputs: Sequence[Any]) -> np.ndarray:
        rows = []
        for prompt in inputs:
            try:
                text = self.writer.generate(prompt, 0)
                self.texts.keep(self.digests([prompt])[0], text)
                rows.append(self.scalariser(Reply(text)))
            except Unread as reason:
                self.reason = f"{reason}."
                rows.append(np.full(len(self.outputs or "?"), np.nan))
        return np.array(rows)
