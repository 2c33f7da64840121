"""First contact with a server: whether its log-probabilities of a prompt stand where they belong.

That is not taken on trust: llama.cpp's Python server gives each token the log-probability that it would have *after*
itself, unless the prompt begins with the token that begins texts. So the model writes a few tokens after the very
prompt that is asked first, and the log-probabilities of those are compared with what the server says about the same
tokens when it is given them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from probes.errors import ModelError
from probes.models.servers.prompt_logprobs import READINGS, Body, Reading
from probes.models.servers.response import choice_of, tokens_of
from probes.models.servers.token_span import span_of_answer
from probes.outputs.reply import Token, Unread

__all__ = ["contact"]

log = logging.getLogger(__name__)

#: nats by which a token's own log-probability and its echoed one may differ: servers compute in 16-bit numbers
AGREE = 0.25
_WRITTEN = 6  # tokens that the model writes
_NEUTRAL = " The capital of France is"


def contact(exchange: Callable[[dict[str, Any]], Body], prompt: str, reading: Reading) -> Reading:
    """Find out where a server's log-probabilities stand, from tokens that it writes itself.

    Parameters
    ----------
    exchange : callable
        Parameters of the completions route → the server's JSON.
    prompt : str
        The prompt that is asked first.
    reading : Reading

    Returns
    -------
    Reading
        As it was; with a shift; or ``forced``, where an echo holds numbers of the wrong tokens.

    Raises
    ------
    ModelError
        If the server sends no log-probabilities, or none that agree with those of the tokens it writes.
    """
    if reading.name == "forced":
        return reading
    problem = ""
    for text in (prompt, prompt + _NEUTRAL):
        wrote = exchange({"prompt": text, "logprobs": 1, "max_tokens": _WRITTEN})
        try:
            tokens = [t for t in tokens_of(choice_of(wrote)) if t.text]
            if not tokens:
                raise Unread("the server sends no log-probabilities of the tokens it writes")
            answer = "".join(t.text for t in tokens)
            body = exchange(reading.body(text, answer))
            fitting = [r for r in _readings(reading) if _agree(r, body, text, answer, tokens)]
            if not fitting and reading.name == "echo" and _wrong_tokens(body, text, answer, tokens):
                log.info("echoed log-probabilities are those after each token; answers are forced by a grammar instead")
                return READINGS["forced"]
        except Unread as reason:
            problem = str(reason)
            continue
        if len(fitting) == 1:
            log.info("log-probabilities of prompts (%s) stand %+d places off", fitting[0].name, fitting[0].shift)
            return fitting[0]
        problem = "they agree at several places" if fitting else "echoed log-probabilities agree with none"
        problem += " of those of the tokens that the model writes itself"
    raise ModelError(
        f"The log-probabilities that this server gives for prompts cannot be used ({reading.name}): {problem}. Pass "
        f"another of {', '.join(READINGS)} as scores, or a scalariser of text such as Overlap()."
    )


def _readings(reading: Reading) -> list[Reading]:
    return [replace(reading, shift=shift) for shift in (0, -1, 1)]


def _agree(reading: Reading, body: Body, prompt: str, answer: str, wrote: Sequence[Token]) -> bool:
    """Return whether a reading of an echo gives the log-probabilities that the tokens had when they were written."""
    try:
        tokens = reading.read(body, prompt, answer)
    except Unread:
        if reading.shift:
            return False
        raise
    if [t.text for t in tokens] != [t.text for t in wrote]:
        raise Unread("the server cuts a text into other tokens than it writes")
    return all(
        abs(t.logprob - w.logprob) <= AGREE for t, w in zip(tokens, wrote, strict=True) if t.logprob and w.logprob
    )


def _wrong_tokens(body: Body, prompt: str, answer: str, wrote: Sequence[Token]) -> bool:
    """Return whether each token's own log-probability stands among the alternatives of the token before it."""
    given = list(tokens_of(choice_of(body)))
    start, _ = span_of_answer([t.text for t in given], prompt, answer)
    before = [given[start + j - 1].top.get(w.text) for j, w in enumerate(wrote) if start + j > 0]
    known = [(a, w.logprob) for a, w in zip(before, wrote, strict=False) if a is not None and w.logprob is not None]
    return len(known) >= min(2, len(wrote)) and all(abs(a - b) <= AGREE for a, b in known)
