"""Log-probabilities of an answer from a server: which of its numbers belongs to which token, verified before use.

A server can be asked for the log-probabilities of a text it is given in three ways:

* *echo*: the completions route repeats the prompt with a log-probability for each token (vLLM, older OpenAI models);
* *prompt_logprobs*: vLLM's own parameter;
* *forced*: a grammar lets the model write nothing but the answer, whose tokens' log-probabilities are read as those of
  generated tokens, which servers report before any constraint (llama.cpp).

Whether the echoed numbers stand where they belong is not taken on trust: llama.cpp's Python server gives each token
the log-probability that it would have *after* itself, unless the prompt begins with the token that begins texts. So on
first contact the model writes a few tokens after the very prompt that is asked first, and the log-probabilities of
those are compared with what the server says about the same tokens when it is given them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from probes.errors import ModelError
from probes.outputs.reply import Token, Unread, choice_of, tokens_of

__all__ = ["READINGS", "Reading", "contact", "cut", "cutting", "grammar"]

log = logging.getLogger(__name__)

#: nats by which a token's own log-probability and its echoed one may differ: servers compute in 16-bit numbers
AGREE = 0.25
_WRITTEN = 6  # tokens written on first contact
_NEUTRAL = " The capital of France is"
_TAIL = 24  # characters of the prompt that decide how the answer after it is cut
_FORCE = 100.0  # logits added to the answer's own tokens, so that they are written in their usual cut

Body = Mapping[str, Any]


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
        """Parameters of the completions route."""
        if self.name == "echo":  # max_tokens=0 means "no limit" to some
            return {"prompt": prompt + answer, "echo": True, "logprobs": 1, "max_tokens": 1}
        if self.name == "prompt_logprobs":
            return {"prompt": prompt + answer, "prompt_logprobs": 0, "max_tokens": 1}
        bias = {"logit_bias": dict.fromkeys(self.pieces, _FORCE), "logit_bias_type": "tokens"} if self.pieces else {}
        most = len(self.pieces) or len(answer.encode())
        return {"prompt": prompt, "grammar": grammar(answer), "logprobs": 1, "max_tokens": most, **bias}

    def read(self, body: Body, prompt: str, answer: str) -> list[Token]:
        """The answer's tokens with their log-probabilities.

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
            start, stop = _span([t.text for t in given], prompt, answer)
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
    """A GBNF grammar (llama.cpp's) of one text.

    Examples
    --------
    >>> print(grammar('say "hi"'))
    root ::= "say \\"hi\\""
    """
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return f'root ::= "{"".join(escapes.get(c, c) for c in answer)}"'


def cutting(prompt: str, answer: str) -> dict[str, Any]:
    """Parameters of the completions route that make a server say into which tokens it cuts an answer."""
    return READINGS["echo"].body(prompt[-_TAIL:], answer)


def cut(body: Body | None, prompt: str, answer: str) -> tuple[str, ...]:
    """The answer's tokens by the reply to :func:`cutting`; empty if it does not say."""
    try:
        pieces = [t.text for t in tokens_of(choice_of(body or {}))]
        start, stop = _span(pieces, prompt[-_TAIL:], answer)
    except Unread:
        return ()
    return tuple(pieces[start:stop])


def contact(exchange: Callable[[dict[str, Any]], Body], prompt: str, reading: Reading) -> Reading:
    """The reading with what first contact shows about where numbers stand.

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
    told = ""
    for text in (prompt, prompt + _NEUTRAL):
        wrote = exchange({"prompt": text, "logprobs": 1, "max_tokens": _WRITTEN})
        try:
            tokens = [t for t in tokens_of(choice_of(wrote)) if t.text]
            if not tokens:
                raise Unread("the server sends no log-probabilities of the tokens it writes")
            answer = "".join(t.text for t in tokens)
            body = exchange(reading.body(text, answer))
            found = [r for r in _readings(reading) if _agree(r, body, text, answer, tokens)]
            if not found and reading.name == "echo" and _wrong_tokens(body, text, answer, tokens):
                log.info("echoed log-probabilities are those after each token; answers are forced by a grammar instead")
                return READINGS["forced"]
        except Unread as reason:
            told = str(reason)
            continue
        if len(found) == 1:
            log.info("log-probabilities of prompts (%s) stand %+d places off", found[0].name, found[0].shift)
            return found[0]
        told = "echoed log-probabilities agree with none" if not found else "they agree at several places"
        told += " of those of the tokens that the model writes itself"
    raise ModelError(
        f"The log-probabilities that this server gives for prompts cannot be used ({reading.name}): {told}. Pass "
        f"another of {', '.join(READINGS)} as scores, or a scalariser of text such as Overlap()."
    )


def _readings(reading: Reading) -> list[Reading]:
    return [replace(reading, shift=shift) for shift in (0, -1, 1)]


def _agree(reading: Reading, body: Body, prompt: str, answer: str, wrote: Sequence[Token]) -> bool:
    """Whether a reading of an echo gives the log-probabilities that the tokens had when they were written."""
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
    """Whether each token's own log-probability stands among the alternatives of the token before it."""
    given = list(tokens_of(choice_of(body)))
    start, _ = _span([t.text for t in given], prompt, answer)
    before = [given[start + j - 1].top.get(w.text) for j, w in enumerate(wrote) if start + j > 0]
    known = [(a, w.logprob) for a, w in zip(before, wrote, strict=False) if a is not None and w.logprob is not None]
    return len(known) >= min(2, len(wrote)) and all(abs(a - b) <= AGREE for a, b in known)


def _forced(tokens: list[Token], answer: str) -> list[Token]:
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
    """vLLM: one mapping a token, from its id to its log-probability and rank."""
    told = choice.get("prompt_logprobs") or body.get("prompt_logprobs") or ()
    tokens = []
    for entry in told:
        item: dict[str, Any] = next(iter((entry or {}).values()), {})
        rank = item.get("rank")
        value = item.get("logprob")
        # rank 1 is the likeliest; another's log-probability is not known, only that it is higher
        top = {} if rank == 1 or value is None else {"": float(value) + 1.0}
        tokens.append(Token(item.get("decoded_token") or "", value, top))
    return tokens


def _span(pieces: list[str], prompt: str, answer: str) -> tuple[int, int]:
    """Which tokens of an echoed text are the answer's.

    A token that begins texts may stand before the prompt, a written one after the answer; the first may be nameless.
    Where special tokens of a template are not echoed, the end of the prompt decides; where tokens end inside a
    character, texts are compared by their ASCII characters alone.
    """
    text, joined = prompt + answer, "".join(pieces)
    if pieces and not pieces[0] and joined and text.endswith(joined):
        pieces, joined = [text[: -len(joined)], *pieces[1:]], text
    for tail in (24, 12, 6):  # special tokens of a template may be echoed as nothing
        if text not in joined and joined.count(prompt[-tail:] + answer) == 1:
            prompt = prompt[-tail:]
            text = prompt + answer
    if text not in joined:
        plain = [_ascii(p) for p in pieces]
        if _ascii(answer[:1]) and _ascii(answer[-1:]) and _ascii(text) in "".join(plain):
            pieces, prompt, answer = plain, _ascii(prompt), _ascii(answer)
            text, joined = prompt + answer, "".join(pieces)
        else:
            raise Unread("the server did not echo the prompt")
    begin = joined.index(text) + len(prompt)
    end = begin + len(answer)
    ends = np.cumsum([len(p) for p in pieces])
    starts = ends - [len(p) for p in pieces]
    inside = np.flatnonzero((ends > begin) & (starts < end))
    if starts[inside[0]] != begin or ends[inside[-1]] != end:
        raise Unread("a token crosses the border of prompt and answer; begin the answer with a space or a new line")
    return int(inside[0]), int(inside[-1]) + 1


def _ascii(text: str) -> str:
    return "".join(c for c in text if c.isascii())
