"""Prompting: a system prompt, or a text before every prompt, as a model of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from probes.errors import InputError, integer
from probes.model import Generator, Identity, Model, Prompt, as_prompt
from probes.models.adapt import as_model

__all__ = ["Prompted", "with_prompt"]

#: what a model says of itself that is as true of it with other prompts
_SAME = ("unit", "outputs", "batch", "size_unit", "at_once", "steady", "fallible", "remote", "compared", "half")


class Prompted(Generator):
    """A language model that reads more than it is given: a system prompt, or a text before the prompt.

    Parameters
    ----------
    base : Generator
        Stays as it is; on the same machine or behind a server.
    system : str
        Of a chat: a plain prompt becomes what the user says. Empty for none.
    prefix : str
        Put before a plain prompt, or before the first thing that the user says. Empty for none.
    """

    def __init__(self, base: Generator, system: str = "", prefix: str = ""):
        self.base, self.system, self.prefix = base, system, prefix
        self.steady, self.fallible, self.remote = base.steady, base.fallible, base.remote

    def __repr__(self) -> str:
        said = [f"the system prompt {self.system!r}"] * bool(self.system)
        said += [f"{self.prefix!r} before the prompt"] * bool(self.prefix)
        base = repr(self.base) if hasattr(self.base, "control") else type(self.base).__name__  # itself made from one
        return f"{base} with {' and '.join(said)}"

    @property
    def used(self) -> int:  # type: ignore[override]
        return self.base.used

    @property
    def mark(self) -> str:
        """What the identity says of the prompt."""
        return "prompt:" + hashlib.sha256(repr((self.system, self.prefix)).encode()).hexdigest()[:32]

    def identity(self) -> Identity:
        base = self.base.identity()
        return Identity(f"{base.id}+{self.mark}", base.persistent)

    def shown(self, prompt: Prompt) -> Prompt:
        """Return what the base reads.

        Raises
        ------
        InputError
            For a chat that has a system prompt of its own, where one is added.
        """
        chat = as_prompt(prompt)
        if isinstance(chat, str):
            text = self.prefix + chat
            return (("system", self.system), ("user", text)) if self.system else text
        messages = list(chat)
        if self.prefix:
            first = next((i for i, message in enumerate(messages) if message[0] == "user"), None)
            if first is None:
                raise InputError("prompt", "hold something the user says, to put the prefix before", prompt)
            _, text, *more = messages[first]
            messages[first] = ("user", self.prefix + text, *more)
        if self.system:
            if any(message[0] in ("system", "developer") for message in messages):
                raise InputError("prompt", "have no system prompt of its own, where with_prompt adds one", prompt)
            messages = [("system", self.system), *messages]
        return tuple(messages)

    def generation(self, prompt: Prompt, max_new_tokens: int) -> bytes:
        return self.base.generation(self.shown(prompt), max_new_tokens)

    def generate(self, prompt: Prompt, max_new_tokens: int) -> str:
        return self.base.generate(self.shown(prompt), max_new_tokens)

    def generations(self, prompts: Sequence[Prompt], max_new_tokens: int) -> Iterator[tuple[int, str | None, str]]:
        return self.base.generations([self.shown(prompt) for prompt in prompts], max_new_tokens)

    def reading_notes(self, prompts: Sequence[Prompt]) -> tuple[str, ...]:
        return self.base.reading_notes([self.shown(prompt) for prompt in prompts])

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Prompted | None:
        other = self.base.randomised(rng, [self.shown(prompt) for prompt in inputs])
        return None if other is None else Prompted(other, self.system, self.prefix)

    def scoring(self, answer: str, prompt: Prompt) -> Model:
        return _Shown(self.base.scoring(answer, self.shown(prompt)), self.shown, self.mark)

    def pairs(self) -> Model | None:
        pairs = self.base.pairs()
        return None if pairs is None else _Shown(pairs, lambda pair: (self.shown(pair[0]), pair[1]), self.mark)

    def control(self, random_state: int = 0) -> Prompted:
        """Make the base with the same words in another order, drawn at random; spaces stay where they are.

        Raises
        ------
        InputError
            If a text has no two different words.
        """
        rng = np.random.default_rng(integer("random_state", random_state, least=0))
        return Prompted(self.base, _mixed(self.system, rng), _mixed(self.prefix, rng))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _mixed(text: str, rng: np.random.Generator) -> str:
    pieces = re.split(r"(\s+)", text)
    places = [i for i, piece in enumerate(pieces) if piece and not piece.isspace()]
    words = [pieces[i] for i in places]
    if not words:
        return text
    if len(set(words)) < 2:
        raise InputError("system and prefix", "have two different words each, to put them in another order", text)
    order = words
    while order == words:
        order = [words[i] for i in rng.permutation(len(words))]
    for i, word in zip(places, order, strict=True):
        pieces[i] = word
    return "".join(pieces)


class _Shown(Model):
    """A scorer that is shown other inputs than it is asked about."""

    def __init__(self, scorer: Model, shown: Callable[[Any], Any], mark: str):
        self.scorer, self.shown, self.mark = scorer, shown, mark
        for name in _SAME:
            setattr(self, name, getattr(scorer, name))
        if hasattr(scorer, "prompt_free"):
            self.prompt_free = False  # with the prompt there is none without

    def _of(self, inputs: Sequence[Any]) -> list[Any]:
        return [self.shown(one) for one in inputs]

    def identity(self) -> Identity:
        base = self.scorer.identity()
        return Identity(f"{base.id}+{self.mark}", base.persistent)

    def met_as(self, identity: Identity) -> str:
        return f"{self.scorer.met_as(self.scorer.identity())}+{self.mark}"

    def __call__(self, inputs: Sequence[Any]) -> Any:
        return self.scorer(self._of(inputs))

    def answers(self, inputs: Sequence[Any]) -> Iterator[tuple[np.ndarray, Any]]:
        yield from self.scorer.answers(self._of(inputs))
        self.reason = self.scorer.reason

    def direct(self) -> Callable[[Any], Any] | None:
        asked = self.scorer.direct()
        return None if asked is None else lambda inputs: asked(self._of(inputs))

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        return self.scorer.as_direct(values)

    def ask_one_by_one(self, why: str) -> None:
        super().ask_one_by_one(why)
        self.scorer.ask_one_by_one(why)

    def tokens(self, inputs: Sequence[Any]) -> int:
        return self.scorer.tokens(self._of(inputs))

    def sizes(self, inputs: Sequence[Any]) -> np.ndarray:
        return self.scorer.sizes(self._of(inputs))

    def digests(self, inputs: Sequence[Any]) -> list[bytes]:
        return self.scorer.digests(self._of(inputs))

    def order(self, inputs: Sequence[Any]) -> np.ndarray:
        return self.scorer.order(self._of(inputs))

    def recall(self, outputs: tuple[str, ...]) -> None:
        self.scorer.recall(outputs)


def with_prompt(model: Any, system: str = "", *, prefix: str = "") -> Prompted:
    """Make the model that reads a system prompt, or a text before every prompt.

    Parameters
    ----------
    model : Generator, or what becomes one
        A language model, here or behind a server. Stays as it is.
    system : str
        Put before every chat; a plain prompt becomes what the user says.
    prefix : str
        Put before a plain prompt as it is (end it with a space or a line end), or before the user's first message.

    Returns
    -------
    Prompted
        A language model; its ``control()`` has the same words in a random order.

    Raises
    ------
    InputError
        If both are empty, or the model does not continue text.

    Examples
    --------
    >>> from probes import TextFunction
    >>> loud = with_prompt(TextFunction(lambda prompt: prompt.upper()), prefix="Please: ")
    >>> loud.generate("be quick", 8)
    'PLEASE: BE QUICK'
    """
    for name, text in (("system", system), ("prefix", prefix)):
        if not isinstance(text, str):
            raise InputError(name, "be a text", text)
    if not system.strip() and not prefix.strip():
        raise InputError("system", "hold a text, or prefix", system)
    base = as_model(model)
    if not isinstance(base, Generator):
        raise InputError("model", "be a language model, which continues text", model)
    return Prompted(base, system, prefix)
