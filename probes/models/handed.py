"""Prompts as a user's function gets them: a chat does not pass for a text."""

from __future__ import annotations

from typing import Any

from probes.model import is_chat

__all__ = ["handed"]


class _Chat:
    """Refuses to look for a text among messages: it would never be found."""

    where: str

    def __contains__(self, item: object) -> bool:
        if isinstance(item, str):
            raise TypeError(f"the prompt is a chat, in which no text is found; its last message's text is {self.where}")
        return super().__contains__(item)  # type: ignore[misc]


class _Pairs(_Chat, tuple[Any, ...]):
    where = "prompt[-1][1]"


class _Messages(_Chat, list[Any]):
    where = "prompt[-1]['content']"


def handed(prompt: Any) -> Any:
    """Return a prompt for a user's function: a chat as the list or tuple it is, but texts are not looked for in it.

    Examples
    --------
    >>> chat = handed((("user", "When did it open?"),))
    >>> chat[-1][1], chat == (("user", "When did it open?"),)
    ('When did it open?', True)
    >>> "open" in chat
    Traceback (most recent call last):
        ...
    TypeError: the prompt is a chat, in which no text is found; its last message's text is prompt[-1][1]
    """
    if not is_chat(prompt):
        return prompt
    return _Messages(prompt) if isinstance(prompt, list) and isinstance(prompt[0], dict) else _Pairs(prompt)
