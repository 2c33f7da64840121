"""Views: what an instance looks like, as plain JSON data that a report draws; one typed dictionary for each kind.

Any kind may bring words of its own. `states` are two: what a feature is that is there, and one that is not, such as
``["as it is", "blurred"]``; `caption` is the input in one line, as a set of explanations lists it. What draws a kind is
one file in ``surrogates/report/parts``, see ``view_kinds.py`` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

__all__ = ["Block", "CubeView", "ListView", "MixedPart", "MixedView", "TableRow", "TableView", "TextView", "View"]


class Block(TypedDict):
    """A text cut into features: ``glue[0] pieces[0] glue[1] … glue[n]``; piece i is feature ``offset + i``."""

    title: str
    pieces: list[str]
    glue: list[str]
    offset: int


class TextView(TypedDict):
    """A text, or a prompt whose context is taken apart (then with question, system prompt and template)."""

    kind: Literal["text"]
    unit: str
    removal: str
    blocks: list[Block]
    question: NotRequired[str]
    system: NotRequired[str | None]
    template: NotRequired[str]


class TableRow(TypedDict):
    """A feature of a table row: its name, its value, and one line on its columns in the background."""

    name: str
    value: str
    background: str


class TableView(TypedDict):
    """A row of a table; `pool` is a digest of the background rows that are used."""

    kind: Literal["table"]
    rows: list[TableRow]
    law: str
    array: bool
    pool: str


class CubeView(TypedDict):
    """Rows of 0 and 1; `features` are the names of the coordinates.

    Where they are no part of an input, `whole` and `nothing` say what all of them and none of them are.
    """

    kind: Literal["cube"]
    features: list[str]
    whole: NotRequired[str]
    nothing: NotRequired[str]


class MixedPart(TypedDict):
    """A part of a mixed input: its features are those from `offset` on, under the names that its own view knows."""

    title: str
    offset: int
    features: list[str]
    view: Mapping[str, Any]


class MixedView(TypedDict):
    """An input of several parts, each with a view of its own.

    `joined` says how they make an input: the columns of a data frame, the name of a function, None for a dict.
    """

    kind: Literal["mixed"]
    joined: list[str] | str | None
    parts: list[MixedPart]


class ListView(TypedDict):
    """A list of inputs, each as its ``repr``."""

    kind: Literal["list"]
    inputs: list[str]


#: what :attr:`Probe.view` returns: one of the above, or the plain data of a kind that reports list
View: TypeAlias = Mapping[str, Any]
