"""Log-probabilities of a given answer from a server: how they are asked for, and which number belongs to which token.

A server can be asked for the log-probabilities of a text it is given in three ways:

* *echo*: the completions route repeats the prompt with a log-probability for each token (vLLM, older OpenAI models);
* *prompt_logprobs*: vLLM's own parameter;
* *forced*: a grammar lets the model write nothing but the answer, whose tokens' log-probabilities are read as those of
  generated tokens, which servers report before any constraint (llama.cpp).

Whether the numbers stand where they belong is found out by :mod:`probes.models.servers.first_contact`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from probes.models.servers.response import choice_of, tokens_of
from probes.models.servers.token_span import span_of_answer
from probes.outputs.reply import Token, Unread

__all__ = ["READINGS", "Body", "Reading", "cut", "cutting", "grammar"]

_TAIL = 24  # characters of the prompt that decide how the answer after it is cut
_FORCE = 100.0  # logits added to the answer's own tokens, so that they are written in their usual cut

Body: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """A way of asking for the log-probabilities of an answer after a prompt.

    Parameters
    ----------
    name : str
    shift : int
        How many places after a token its log-probability stands.
    pieces : tuple of str
        The answer's tokens, where they are known.
    """

    name: str
    shift: int = 0
    pieces: tuple[str, ...] = ()

    def body(self, prompt: str, answer: str) -> dict[str, Any]:
        """Return the parameters of the completions route."""
        if self.name == "echo":  # max_tokens=0 means "no limit" to some
            return {"prompt": prompt + answer, "echo": True, "logprobs": 1, "max_tokens": 1}
        if self.name == "prompt_logprobs":
            return {"prompt": prompt + answer, "prompt_logprobs": 0, "max_tokens": 1}
        bias = {"logit_bias": dict.fromkeys(self.pieces, _FORCE), "logit_bias_type": "tokens"} if self.pieces else {}
        most = len(self.pieces) or len(answer.encode())
        return {"prompt": prompt, "grammar": grammar(answer), "logprobs": 1, "max_tokens": most, **bias}

    def read(self, body: Body, prompt: str, answer: str) -> list[Token]:
        """Return the answer's tokens with their log-probabilities.

        Raises
        ------
        Unread
            If they are not all there.
        """
        choice = choice_of(body)
        if self.name == "forced":
            tokens = _forced(list(tokens_of(choice)), answer)
        else:
            given = list(_prompt_tokens(body, choice) if self.name == "prompt_logprobs" else tokens_of(choice))
            if not given:
                raise Unread(f"the server sent no log-probabilities of the prompt ({self.name})")
            start, stop = span_of_answer([t.text for t in given], prompt, answer)
            moved = given[max(0, start + self.shift) : stop + self.shift]
            if len(moved) < stop - start:
                raise Unread("the server sent too few log-probabilities of the prompt")
            tokens = [replace(v, text=t.text) for t, v in zip(given[start:stop], moved, strict=True)]
        if any(t.logprob is None or not np.isfinite(t.logprob) for t in tokens):
            raise Unread("a token of the answer has no log-probability; put some text before it")
        if self.pieces and tuple(t.text for t in tokens) != self.pieces:
            raise Unread(f"the answer was cut into other tokens: {[t.text for t in tokens]}")
        return tokens


#: how log-probabilities can be asked for
READINGS = {name: Reading(name) for name in ("echo", "prompt_logprobs", "forced")}


def grammar(answer: str) -> str:
    """Return a GBNF grammar (llama.cpp's) of one text.

    Examples
    --------
    >>> print(grammar('say "hi"'))
    root ::= "say \\"hi\\""
    """
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return f'root ::= "{"".join(escapes.get(c, c) for c in answer)}"'


def cutting(prompt: str, answer: str) -> dict[str, Any]:
    """Return parameters of the completions route that make a server say into which tokens it cuts an answer."""
    return READINGS["echo"].body(prompt[-_TAIL:], answer)


def cut(body: Body | None, prompt: str, answer: str) -> tuple[str, ...]:
    """Return the answer's tokens by the reply to :func:`cutting`; empty if it does not say."""
    try:
        pieces = [t.text for t in tokens_of(choice_of(body or {}))]
        start, stop = span_of_answer(pieces, prompt[-_TAIL:], answer)
    except Unread:
        return ()
    return tuple(pieces[start:stop])


def _forced(tokens: list[Token], answer: str) -> list[Token]:
    """Return the leading tokens that spell the answer."""
    kept, text = [], ""
    for token in tokens:
        if text == answer:
            break
        kept.append(token)
        text += token.text
    if text != answer:
        raise Unread("the server sent no log-probabilities" if not tokens else f"the server wrote {text!r} instead")
    return kept


def _prompt_tokens(body: Body, choice: Body) -> list[Token]:
    """Return the tokens of vLLM's form: one mapping a token, from its id to its log-probability and rank."""
    tokens = []
    for entry in choice.get("prompt_logprobs") or body.get("prompt_logprobs") or ():
        item: dict[str, Any] = next(iter((entry or {}).values()), {})
        rank = item.get("rank")
        value = item.get("logprob")
        # rank 1 is the likeliest; another's log-probability is not known, only that it is higher
        top = {} if rank == 1 or value is None else {"": float(value) + 1.0}
        tokens.append(Token(item.get("decoded_token") or "", value, top))
    return tokens
