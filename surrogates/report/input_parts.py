"""The parts of an input: one for most kinds of view, several for a mixed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from probes.probe import Feature
from probes.views import View

__all__ = ["InputPart", "input_parts"]


@dataclass(frozen=True)
class InputPart:
    """A part of an input.

    Attributes
    ----------
    title : str
        Empty where the input is one.
    view : View
    features : tuple of Feature
        Under the names that its view knows.
    offset : int
        The place of the first of them among the features of the input.
    """

    title: str
    view: View
    features: tuple[Feature, ...]
    offset: int


def input_parts(features: Sequence[Feature], view: View) -> list[InputPart]:
    """Return the parts of an input; a mixed view that does not fit the features (of a damaged file) is one part.

    Examples
    --------
    >>> word = {"title": "note", "offset": 1, "features": ["late"], "view": {"kind": "text"}}
    >>> row = {"title": "row", "offset": 0, "features": ["age"], "view": {"kind": "table"}}
    >>> view = {"kind": "mixed", "parts": [row, word]}
    >>> [(p.title, p.features[0].name) for p in input_parts([Feature("age"), Feature("note: late")], view)]
    [('row', 'age'), ('note', 'late')]
    """
    if view.get("kind") != "mixed":
        return [InputPart("", view, tuple(features), 0)]
    parts: list[InputPart] = []
    try:
        for part in view["parts"]:
            start = sum(len(p.features) for p in parts)
            here = features[start : start + len(part["features"])]
            local = (replace(f, name=str(name)) for f, name in zip(here, part["features"], strict=True))
            parts.append(InputPart(str(part["title"]), {**part["view"]}, tuple(local), start))
    except (AttributeError, KeyError, TypeError, ValueError):
        parts = []
    if sum(len(part.features) for part in parts) != len(features):
        return [InputPart("", {"kind": "cube"}, tuple(features), 0)]
    return parts
