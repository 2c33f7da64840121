"""How features are named where they are shown: words of a text in quotes, one that recurs with its place.

One rule for pages, printed text and figures. A table's columns and the coordinates of a cube stand as they are; so do
conditions on them, in the words of the view.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from probes.probe import Feature
from probes.rounding import given
from probes.views import View, features_of
from surrogates.local.anchor import Anchor
from surrogates.report.input_parts import InputPart, input_parts
from surrogates.terms import describe
from surrogates.visible import in_line

__all__ = [
    "condition_words",
    "model_name",
    "named",
    "ordinal",
    "part_of",
    "quoted",
    "renamed",
    "rule_words",
    "states",
]

#: letters of a name that is quoted in a sentence, and of what stands before or after a word to show its place
_NAME, _BESIDE = 60, 14
#: a fingerprint, of which eight letters are told apart
_FINGERPRINT = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{16,}\b")
_UNNAMED = re.compile(r"callable:[0-9a-f]{32}")
#: quotation marks within a quotation
_WITHIN = str.maketrans("“”", "‘’")
#: letters up to which a piece is a word that is shown in its place; a longer one is known by its number
_WORD = 24


def quoted(text: str, longest: int | None = _NAME) -> str:
    """Quote a name in one line, cut where it is long; None cuts nothing. Quotes within are single ones.

    Examples
    --------
    >>> quoted("contains “free”")
    '“contains ‘free’”'
    """
    line = " ".join(in_line(text).split()).translate(_WITHIN)
    return f"“{line if longest is None or len(line) <= longest else line[: longest - 1].rstrip() + '…'}”"


def named(features: Sequence[Feature], view: View, longest: int | None = None) -> dict[str, str]:
    """Return how each feature is shown, by its name; the quoted part is cut at `longest` letters.

    Examples
    --------
    >>> from probes import TextProbe
    >>> probe = TextProbe("the end of the film")
    >>> list(named(probe.features, probe.view()).values())
    ['“the” (1st, in “the end of …”)', '“end”', '“of”', '“the” (2nd, in “… end of the film”)', '“film”']
    >>> from probes import PairProbe
    >>> probe = PairProbe("One", "is one", names=("premise", "hypothesis"))
    >>> list(named(probe.features, probe.view()).values())
    ['premise: “One”', 'hypothesis: “is”', 'hypothesis: “one”']
    >>> from probes import Occurrences
    >>> probe = TextProbe("the end of the film", Occurrences())
    >>> list(named(probe.features, probe.view()).values())
    ['“the” (2 times)', '“end”', '“of”', '“film”']
    """
    if view.get("kind") == "mixed":
        return _by_part(features, view, longest)
    if view.get("kind") != "text":
        return {feature.name: feature.name for feature in features}
    shown = {feature.name: quoted(feature.name, longest) for feature in features}
    try:
        places, fields = _places(view), _fields(features, view)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # a damaged file's view has no places
        return shown
    keys = [(fields.get(number, ""), word) for number, word, _, _ in places]
    counts, seen = Counter(keys), Counter[tuple[str, str]]()
    pieces = Counter(number for number, _, _, _ in places)
    for key, (number, word, before, after) in zip(keys, places, strict=True):
        seen[key] += 1
        name, lead = (features[number].name if number < len(features) else ""), key[0]
        bare = name.removeprefix(lead)
        if lead:
            shown[name] = f"{in_line(lead)}{quoted(bare, longest)}"
        if pieces[number] > 1 and name:
            shown[name] = f"{in_line(lead)}{quoted(bare, longest)} ({pieces[number]} times)"
        elif counts[key] > 1 and word and (bare == word or bare.startswith(f"{word} (")):
            place = f", in {_beside(before, word, after)}" if len(word) <= _WORD else ""
            shown[name] = f"{in_line(lead)}{quoted(word, longest)} ({ordinal(seen[key])}{place})"
    return shown


def _fields(features: Sequence[Feature], view: View) -> dict[int, str]:
    """Return what stands before the words of each field of several, by the numbers of features."""
    if "form" not in view:
        return {}
    leads: dict[int, str] = {}
    for block in view["blocks"]:
        numbers = block.get("features") or range(int(block["offset"]), int(block["offset"]) + len(block["pieces"]))
        for i in numbers:
            leads.setdefault(int(i), f"{block['title']}: ")
    return {i: lead for i, lead in leads.items() if i < len(features) and features[i].name.startswith(lead)}


def _by_part(features: Sequence[Feature], view: View, longest: int | None) -> dict[str, str]:
    """Return how the features of each part are shown; with the part's name where two would look the same."""
    shown = [
        (part.title, named(part.features, part.view, longest)[feature.name])
        for part in input_parts(features, view)
        for feature in part.features
    ]
    counts = Counter(name for _, name in shown)
    names = [f"{title}: {name}" if counts[name] > 1 and title else name for title, name in shown]
    return {feature.name: name for feature, name in zip(features, names, strict=True)}


def _places(view: View) -> list[tuple[int, str, str, str]]:
    """List the pieces of a text view: number of the feature, the piece, the text before it and after."""
    places = []
    for block in view["blocks"]:
        texts = [part for pair in zip(block["glue"], [*block["pieces"], ""], strict=True) for part in pair]
        for i, (piece, feature) in enumerate(zip(block["pieces"], features_of(block), strict=True)):
            before, after = "".join(texts[max(0, 2 * i - 7) : 2 * i + 1]), "".join(texts[2 * i + 2 : 2 * i + 9])
            places.append((feature, piece.strip(), before, after))
    return places


def renamed(features: Sequence[Feature], view: View) -> list[Feature]:
    """Return the features under the names that are shown."""
    names = named(features, view)
    return [replace(feature, name=names[feature.name]) for feature in features]


def states(view: View) -> tuple[str, str]:
    """Say what a feature is that is there, and one that is not, in the words of a view.

    A view may bring the two words itself, as ``states``.

    Examples
    --------
    >>> states({"kind": "table"}), states({"kind": "cube"})
    (('kept', 'replaced'), ('present', 'absent'))
    """
    if view.get("kind") == "text":
        return "left in", in_line(str(view.get("removal", "removed")))
    if view.get("kind") == "table":
        return "kept", "replaced"
    states = view.get("states")
    if not isinstance(states, (list, tuple)) or len(states) != 2:
        return "present", "absent"
    return in_line(str(states[0])), in_line(str(states[1]))


def condition_words(condition: tuple[int, float, float], features: Sequence[Feature], view: View) -> str:
    """Put a condition of a :class:`~surrogates.terms.Box` in words; `features` under the names that are shown.

    Examples
    --------
    >>> condition_words((0, 0.5, float("inf")), [Feature("age", value="44")], {"kind": "table"})
    'age = 44 kept'
    >>> condition_words((0, float("-inf"), 39.5), [Feature("age", "real", "44", 44.0, 3.0)], {"kind": "table"})
    'age ≤ 39.5'
    """
    i, low, high = condition
    feature = features[i]
    if feature.kind == "binary":
        here, gone = states(part_of(i, features, view).view)
        name = f"{feature.name} = {feature.value}" if feature.value and high >= 1 else feature.name
        return f"{name} {here if high >= 1 else gone}"
    if low == -float("inf"):
        return f"{feature.name} ≤ {given(high)}"
    name = f"{feature.name} > {given(low)}"
    return name if high == float("inf") else f"{given(low)} < {feature.name} ≤ {given(high)}"


def part_of(feature: int, features: Sequence[Feature], view: View) -> InputPart:
    """Return the part of the input that a feature, by its number, belongs to."""
    return next(part for part in reversed(input_parts(features, view)) if part.offset <= feature)


def rule_words(anchor: Anchor) -> str:
    """Put the rule of an anchor in words; those of a text in quotes."""
    if anchor.view.get("kind") not in ("text", "mixed") or not anchor.rule.conditions:
        return anchor.words
    shown = renamed(anchor.features, anchor.view)
    if anchor.view.get("kind") == "mixed":
        return " and ".join(condition_words(condition, shown, anchor.view) for condition in anchor.rule.conditions)
    return describe(anchor.rule, shown)


def model_name(identity: str) -> str:
    """Shorten the fingerprints in a model's name; a function without one has a number that tells nobody anything.

    Examples
    --------
    >>> model_name("LlamaForCausalLM:c9b646cafab531d0b57fe0cca428f657:pairs")
    'LlamaForCausalLM:c9b646ca…:pairs'
    >>> model_name("callable:c9b646cafab531d0b57fe0cca428f657")
    'a function without a name'
    """
    if _UNNAMED.fullmatch(identity):
        return "a function without a name"
    return _FINGERPRINT.sub(r"\1…", identity)


def ordinal(number: int) -> str:
    """Write a place in a row.

    Examples
    --------
    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 102)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '102nd']
    """
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else last}"


def _beside(before: str, word: str, after: str) -> str:
    """Quote a word with up to two words on either side, few letters of them."""
    left, right = in_line(before).split(), in_line(after).split()
    head, tail = " ".join(left[-2:])[-_BESIDE:], " ".join(right[:2])[:_BESIDE]
    start = "… " if len(head) < len(" ".join(left)) else ""
    stop = " …" if len(tail) < len(" ".join(right)) else ""
    glued = (head if not head or before[-1:].strip() else f"{head} ") + in_line(word)
    return f"“{start}{glued}{tail if not tail or after[:1].strip() else f' {tail}'}{stop}”"
