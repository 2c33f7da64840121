"""What features are called where they are listed: words in quotes, values beside names."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from probes.probe import Feature
from probes.views import View
from surrogates.report.names import named

__all__ = ["LABEL", "bracketed", "cut", "cut_apart", "feature_labels", "valued", "with_unit", "wrapped"]

#: the place of a word that recurs
_PLACE = re.compile(r" \((\d+(?:st|nd|rd|th)), in “.*”\)$")
#: letters of a label at most
LABEL = 46


def cut(text: str, longest: int = LABEL) -> str:
    """Cut a text where it is long, at a word if one ends near; of a word that recurs its place goes first.

    Examples
    --------
    >>> cut("one two three", 9), cut("one", 9), cut("“one” (2nd, in “… two one three”)", 20)
    ('one two…', 'one', '“one” (2nd)')
    """
    if len(text) <= longest:
        return text
    text = _PLACE.sub(r" (\1)", text)
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    word = kept.rfind(" ")
    return (kept[:word] if word > longest // 2 else kept).rstrip() + "…"


def cut_apart(texts: Iterable[str], longest: int = LABEL) -> dict[str, str]:
    """Cut each text where it is long; of those that would then read alike, what they begin with in common goes first.

    Examples
    --------
    >>> list(cut_apart(["“the capital of Italy”", "“the capital of Spain”", "“Rome”"], 16).values())
    ['“…Italy”', '“…Spain”', '“Rome”']
    """
    short = {text: cut(text, longest) for text in texts}
    alike: dict[str, list[str]] = {}
    for text, shown in short.items():
        alike.setdefault(shown, []).append(text)
    for group in alike.values():
        same = next((i for i, letters in enumerate(zip(*group, strict=False)) if len({*letters}) > 1), 0)
        common = group[0][:same].rfind(" ") + 1
        if common:
            lead = "“…" if group[0].startswith("“") else "…"
            short.update({text: cut(lead + text[common:], longest) for text in group})
    return short


def with_unit(outputs: Sequence[str], unit: str) -> str:
    """Name outputs and their unit, if that says more than that they are outputs.

    Examples
    --------
    >>> with_unit(["positive"], "probability"), with_unit(["output"], "output")
    ('positive (probability)', 'output')
    """
    return ", ".join(outputs) + bracketed(unit)


def bracketed(unit: str, *more: str) -> str:
    """Write a unit, if that says more than that it is a number, and what else there is to say, in brackets.

    Examples
    --------
    >>> bracketed("nats", "exact"), bracketed("output", "exact"), bracketed("output")
    (' (nats; exact)', ' (exact)', '')
    """
    words = "; ".join([*([] if unit in ("output", "target") else [unit]), *more])
    return f" ({words})" if words else ""


def wrapped(text: str, width: int = 44, lines: int = 2) -> str:
    """Break a text into lines, and cut it after some of them.

    Examples
    --------
    >>> wrapped("one two three four", 8)
    'one two\\nthree…'
    """
    broken = textwrap.wrap(text, width, break_on_hyphens=False)
    rest = " ".join(broken[lines - 1 :])
    return "\n".join([*broken[: lines - 1], cut(rest, width)]) if rest else "\n".join(broken)


def valued(name: str, value: str) -> str:
    """Write a name with its value, unless the name says it."""
    return f"{name} = {value}" if value and value != name else name


def feature_labels(features: Sequence[Feature], view: View, longest: int = LABEL) -> Mapping[str, str]:
    """Return a label for the name of each feature: pieces of a text in quotes, columns with their values.

    Examples
    --------
    >>> block = {"title": "", "pieces": ["not", "not"], "glue": ["", " ", ""], "offset": 0}
    >>> feature_labels([Feature("not"), Feature("not (2)")], {"kind": "text", "blocks": [block]})["not (2)"]
    '“not” (2nd, in “not not”)'
    >>> feature_labels([Feature("age", value="44")], {"kind": "table"})
    {'age': 'age = 44'}
    """
    if view.get("kind") == "text":
        return named(features, view, longest)
    if view.get("kind") == "mixed":
        names = named(features, view, longest)
        return {f.name: cut(valued(names[f.name], f.value), longest) for f in features}
    return {f.name: cut(valued(f.name, f.value), longest) for f in features}
