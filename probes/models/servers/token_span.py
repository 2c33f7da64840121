"""Where an answer stands among the tokens of an echoed text. Pure."""

from __future__ import annotations

import numpy as np

from probes.outputs.reply import Unread

__all__ = ["span_of_answer"]


def span_of_answer(pieces: list[str], prompt: str, answer: str) -> tuple[int, int]:
    """Find which tokens of an echoed text are the answer's.

    A token that begins texts may stand before the prompt, a written one after the answer; the first may be nameless.
    Where special tokens of a template are not echoed, the end of the prompt decides; where tokens end inside a
    character, texts are compared by their ASCII characters alone.

    Parameters
    ----------
    pieces : list of str
        Texts of the echoed tokens.
    prompt, answer : str

    Returns
    -------
    start, stop : int
        ``pieces[start:stop]`` are the answer's.

    Raises
    ------
    Unread
        If the prompt was not echoed, or a token holds parts of both prompt and answer.

    Examples
    --------
    >>> span_of_answer(["<s>", "It", " rained", "."], "It", " rained")
    (2, 3)
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
