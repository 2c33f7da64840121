"""Texts that numbers were made of, the latest ones, by the digests of their prompts."""

from __future__ import annotations

from typing import Any

from probes.model import Model

__all__ = ["OfTexts", "Texts"]

#: the most that are kept
_MOST = 1024


class Texts:
    """The latest texts, by the digests of their prompts; of a prompt that is asked twice the first one.

    Examples
    --------
    >>> texts = Texts()
    >>> texts.keep(b"a", "In 1969."), texts.keep(b"a", "In 1970.")
    (None, None)
    >>> texts.of(b"a"), texts.of(b"b")
    ('In 1969.', None)
    """

    def __init__(self) -> None:
        self._kept = dict[bytes, str]()

    def keep(self, digest: bytes, text: str) -> None:
        """Keep a text, halves of characters as ?; the oldest ones are given up where there are too many."""
        self._kept.setdefault(digest, text.encode("utf-8", "replace").decode())
        for oldest in list(self._kept)[:-_MOST]:  # a list, since replies come in on several threads
            self._kept.pop(oldest, None)

    def of(self, digest: bytes) -> str | None:
        """Return the text for a prompt; None where it is not kept."""
        return self._kept.get(digest)


class OfTexts(Model):
    """A map that makes its numbers of the text that is written to a prompt.

    Attributes
    ----------
    texts : Texts
    """

    texts: Texts

    def wrote(self, prompt: Any) -> str | None:
        """Return the text for a prompt; None where it is not known."""
        return self.texts.of(self.digests([prompt])[0])
