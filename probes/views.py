"""Views: what an instance looks like, as plain JSON data that a report draws; one typed dictionary for each kind.

Any kind may bring words of its own. `states` are two: what a feature is that is there, and one that is not, such as
``["as it is", "blurred"]``; `caption` is the input in one line, as a set of explanations lists it. What draws a kind is
one file in ``surrogates/report/parts``, see ``view_kinds.py`` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

__all__ = [
    "Block",
    "CubeView",
    "ImageView",
    "ListView",
    "MixedPart",
    "MixedView",
    "SeriesPanel",
    "SeriesPlace",
    "SeriesView",
    "TableRow",
    "TableView",
    "TextView",
    "View",
    "features_of",
]


class Block(TypedDict):
    """A text cut into pieces: ``glue[0] pieces[0] glue[1] … glue[n]``.

    Piece i is feature ``features[i]``; where there is no such list each piece is its own, feature ``offset + i``.
    """

    title: str
    pieces: list[str]
    glue: list[str]
    offset: int
    features: NotRequired[list[int]]


class TextView(TypedDict):
    """A text, or a prompt whose context is taken apart (then with question, system prompt and template).

    Of several named texts blocks have their names, and `form` says how they become an input. A chat has a block for
    each turn, its role as title; `chat` is a digest of the messages.
    Where features are parts of mixed size, `levels` says what each of them is.
    """

    kind: Literal["text"]
    unit: str
    removal: str
    #: what stands in for each feature, or a digest of what was drawn for all of them, where `removal` does not say it
    drawn: NotRequired[str | list[str]]
    nothing: NotRequired[str]
    blocks: list[Block]
    levels: NotRequired[list[str]]
    question: NotRequired[str]
    system: NotRequired[str | None]
    template: NotRequired[str]
    form: NotRequired[str]
    chat: NotRequired[str]
    caption: NotRequired[str]


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


class SeriesPanel(TypedDict):
    """A line: places from 0 to 1 and values, None where one is missing; and the ends of its axes as text."""

    title: str
    start: str
    end: str
    low: str
    high: str
    x: list[float]
    y: list[float | None]


class SeriesPlace(TypedDict):
    """Where a feature lies: on which panels, and from where to where, from 0 to 1."""

    panels: list[int]
    start: float
    end: float


class SeriesView(TypedDict):
    """A time series, a panel a channel, and of frequency bands one a spectrum; `places` has one entry a feature.

    Long lines are drawn by few of their points; `pool` is a digest of the series and of what stands in for it.
    """

    kind: Literal["series"]
    unit: str
    states: list[str]
    caption: str
    law: str
    steps: int
    panels: list[SeriesPanel]
    places: list[SeriesPlace]
    pool: str


class ImageView(TypedDict):
    """An image in segments.

    `picture` is a PNG or JPEG in base64, of `height` and `width` pixels at most 448. Of its pixels, row by row, the
    next ``runs[i]`` are of segment ``segments[i]``, a number of a feature. `states` say what a segment is that is
    present or absent, `nothing` what the reference is, `caption` the image in words; `digest` is the probe's.
    """

    kind: Literal["image"]
    unit: str
    removal: str
    states: list[str]
    nothing: str
    height: int
    width: int
    picture: str
    segments: list[int]
    runs: list[int]
    caption: str
    digest: str


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


def features_of(block: Mapping[str, Any]) -> list[int]:
    """Return the feature of each piece of a :class:`Block`.

    Examples
    --------
    >>> features_of({"pieces": ["a", "b"], "offset": 3}), features_of({"pieces": ["a", "b"], "features": [0, 0]})
    ([3, 4], [0, 0])
    """
    if "features" in block:
        return [int(i) for i in block["features"]]
    return [int(block["offset"]) + i for i in range(len(block["pieces"]))]


#: what :attr:`Probe.view` returns: one of the above, or the plain data of a kind that reports list
View: TypeAlias = Mapping[str, Any]
