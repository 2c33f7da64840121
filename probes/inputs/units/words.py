"""Words of scripts that put spaces between them, and what stands for words in scripts that do not."""

from __future__ import annotations

import re
from itertools import groupby

from probes.inputs.text_segments import IDEOGRAPH, words
from probes.inputs.units.characters import clusters, is_pictograph
from probes.inputs.units.cut import Cut, Span

__all__ = ["bare_words", "cut_words", "syllables"]

#: scripts without spaces between words, as ranges of a regular expression
_UNSPACED = {
    "Thai": "\u0e00-\u0e7f",
    "Lao": "\u0e80-\u0eff",
    "Tibetan": "\u0f00-\u0fff",
    "Burmese": "\u1000-\u109f\uaa60-\uaa7f",
    "Khmer": "\u1780-\u17ff",
}
_RUN = re.compile(f"[{''.join(_UNSPACED.values())}]+")
_CHARACTER = re.compile(f"[{IDEOGRAPH}]")
#: vowels that are written before their consonant, and after it
_LEADING = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
_FOLLOWING = frozenset("\u0e30\u0e32\u0e45\u0eb0\u0eb2")
#: the sign between Tibetan syllables; the Burmese sign that ends one
_TSHEG, _ASAT = "\u0f0b", "\u103a"
#: runs of such a script, of no more characters each, that are taken for words between spaces
_SEVERAL, _SHORT = 3, 5
#: signs that join two letters to a word, or two digits to a number
_BETWEEN_LETTERS, _BETWEEN_DIGITS = frozenset("'’·․."), frozenset(",.'’٫٬")


def cut_words(text: str) -> Cut:
    """Cut a text at white space; in scripts without it single ideographs, kana and syllables stand for words.

    Examples
    --------
    >>> cut_words("ไม่ดี at all").notes
    ('Thai: no space stands between words, so syllables stand for them; unit= takes a segmenter.',)
    """
    cut = _RUN.search(text) is not None and not _is_spaced(text)
    spans = tuple(part for a, b in words(text) for part in (_parts(text, a, b) if cut else [(a, b)]))
    # a text in words of its own is put together as it always was
    return Cut(spans, "word", notes=_notes(text), even=cut)


def _is_spaced(text: str) -> bool:
    """Return whether a text of a script without spaces has them between its words: all that they part is short.

    Examples
    --------
    >>> _is_spaced("ไม่ รู้ สู้ หวัง"), _is_spaced("ภาพยนตร์เรื่องนี้ ไม่ดี เลย")
    (True, False)
    """
    runs = _RUN.findall(text)
    return len(runs) >= _SEVERAL and all(len(clusters(run)) <= _SHORT for run in runs)


def _parts(text: str, start: int, end: int) -> list[Span]:
    """Cut what lies between two spaces into runs of scripts without spaces, in syllables, and the rest as it is."""
    parts, at = [], start
    for run in _RUN.finditer(text, start, end):
        parts += [(at, run.start())] if at < run.start() else []
        parts += [(run.start() + a, run.start() + b) for a, b in syllables(run.group())]
        at = run.end()
    return [*parts, (at, end)] if at < end else parts


def syllables(text: str) -> list[Span]:
    """Cut a run of Thai, Lao, Burmese, Khmer or Tibetan into what approaches syllables, by its spelling alone.

    Examples
    --------
    >>> [text[a:b] for text in ["เกาหลี"] for a, b in syllables(text)]
    ['เกา', 'ห', 'ลี']
    """
    spans: list[Span] = []
    for start, end in clusters(text):
        if spans and _goes_on(text, spans[-1], start, end):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _goes_on(text: str, before: Span, start: int, end: int) -> bool:
    """Return whether a cluster belongs to the syllable before it."""
    last = text[before[1] - 1]
    if "\u0f00" <= text[start] <= "\u0fff":
        return "\u0f00" <= last <= "\u0fff" and last != _TSHEG
    sign = "\u102b" <= text[start] <= "\u103e" or _ASAT in text[start:end]  # of Burmese, never the first of a syllable
    return sign or text[start] in _FOLLOWING or (last in _LEADING and before[1] - before[0] == 1)


def bare_words(text: str) -> Cut:
    """Cut a text into words without the punctuation around them, numbers, and pictures such as emoji.

    Letters, digits and their marks go on; so does an apostrophe or a full stop between two letters, and a comma, a full
    stop or an apostrophe between two digits (word boundaries of Unicode Standard Annex 29, WB5 to WB13b). Hyphens end a
    word. In scripts without spaces single characters and syllables stand for words.

    Examples
    --------
    >>> text = "Don't pay 3.50 (yet)!"
    >>> [text[a:b] for a, b in bare_words(text).spans]
    ["Don't", 'pay', '3.50', 'yet']
    """
    found, spans = clusters(text), list[Span]()
    kinds, whole = [_kind(text[a]) for a, _ in found], _is_spaced(text)
    for i, (a, b) in enumerate(found):
        if kinds[i] == "run":
            continue
        if kinds[i] in ("letter", "digit") and _joined(text, found, kinds, i) and spans:
            spans[-1] = (spans[-1][0], b)
        elif kinds[i] in ("letter", "digit", "alone"):
            spans.append((a, b))
    for kind, members in groupby(zip(kinds, found, strict=True), key=lambda pair: pair[0]):
        if kind == "run":
            run = [span for _, span in members]
            start, end = run[0][0], run[-1][1]
            spans += [(start, end)] if whole else [(start + a, start + b) for a, b in syllables(text[start:end])]
    return Cut(tuple(sorted(spans)), "word", notes=_notes(text))


def _kind(letter: str) -> str:
    """Return what a cluster that begins with a character is to a word."""
    if _RUN.match(letter):
        return "run" if letter.isalnum() or letter not in "ๆฯ๏๚๛།༎។៕" else ""
    if _CHARACTER.match(letter):
        return "alone" if letter.isalnum() else ""
    if letter.isdecimal():
        return "digit"
    if letter.isalnum() or letter == "_":
        return "letter"
    return "alone" if is_pictograph(letter) else ""


def _joined(text: str, found: list[Span], kinds: list[str], i: int) -> bool:
    """Return whether cluster `i` goes on with a word before it: right beside, or with one sign between them."""
    if i and kinds[i - 1] in ("letter", "digit"):
        return True
    if i < 2 or kinds[i - 2] != kinds[i]:
        return False
    between = text[found[i - 1][0] : found[i - 1][1]]
    return between in (_BETWEEN_LETTERS if kinds[i] == "letter" else _BETWEEN_DIGITS)


def _notes(text: str) -> tuple[str, ...]:
    """Say in which scripts something stands for words."""
    notes = tuple(
        f"{name}: no space stands between words, so syllables stand for them; unit= takes a segmenter."
        for name, letters in _UNSPACED.items()
        if re.search(f"[{letters}]", text) and not _is_spaced(text)
    )
    if _CHARACTER.search(text):
        notes += ("Chinese, Japanese: each character stands for a word; unit= takes a segmenter.",)
    return notes
