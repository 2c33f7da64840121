"""An image in segments as its view holds it, checked: a loaded file may hold anything.

The picture is decoded, compared with the size that the view says, and written anew: nothing of a file's bytes reaches a
page.
"""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from probes.inputs.image_view import LONGEST, encoded
from probes.views import View

__all__ = ["ShownImage"]

#: what stands for a segment that is not there, and the longer side of the picture of a question, in pixels
GREY, SMALL = 128, 160
#: bytes from which the picture of a question is kept with losses
_LIGHT = 6_000
#: how the two kinds of picture begin that a view may hold
_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
#: letters of a picture that is read at most
_LETTERS = 4_000_000
#: steps along the edge of a pixel
_STEPS = {(1, 0): "h", (-1, 0): "h-", (0, 1): "v", (0, -1): "v-"}


@dataclass(frozen=True, eq=False)
class ShownImage:
    """A picture, and which of its pixels are which segment's.

    Attributes
    ----------
    pixels : ndarray of uint8 ``(h, w, 3)``
    labels : ndarray of int ``(h, w)``
        Numbers of features.
    """

    pixels: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, view: View, features: int) -> ShownImage:
        """Read the image of a view with this many features.

        Raises
        ------
        ValueError
            If the view holds no picture of its size, or segments that are none.
        """
        height, width = (_integer(view, name, LONGEST) for name in ("height", "width"))
        pixels = _decoded(view.get("picture"), (height, width))
        segments, runs = (np.asarray(view.get(name)) for name in ("segments", "runs"))
        whole = all(part.ndim == 1 and part.dtype.kind == "i" for part in (segments, runs))
        if not whole or len(segments) != len(runs) or len(runs) > height * width or runs.min(initial=1) < 1:
            raise ValueError("the segments of an image are lists of numbers and of runs")
        if runs.sum() != height * width or segments.min() < 0 or segments.max() >= features:
            raise ValueError("the segments of an image cover it, each a feature")
        return cls(pixels, np.repeat(segments, runs).reshape(height, width))

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return _uri(encoded(self.pixels, self.pixels.shape[:2]))

    def asked(self, present: np.ndarray) -> str:
        """The picture of a question as a data URI, small: segments that are not `present`, ``(d,)``, are grey.

        Pixels of a tiny one are repeated, so that it can be seen.
        """
        pixels = np.where(present[self.labels][..., None], self.pixels, GREY).astype(np.uint8)
        longest = max(self.labels.shape)
        larger = max(1, SMALL // longest)
        pixels = pixels.repeat(larger, axis=0).repeat(larger, axis=1)
        scale = min(1.0, SMALL / longest)
        height, width = (max(1, round(scale * side)) for side in pixels.shape[:2])
        return _uri(encoded(pixels, (height, width), most=_LIGHT))

    def outlines(self, count: int) -> list[str]:
        """Return the outline of each of `count` segments as an SVG path; empty for one too small to be seen."""
        edges: list[dict[tuple[int, int], list[tuple[int, int]]]] = [defaultdict(list) for _ in range(count)]
        for start, stop, label in _edges(self.labels):
            edges[label][start].append(stop)
        return ["".join(_paths(of)) for of in edges]


def _uri(text: str) -> str:
    return f"data:{_kind(base64.b64decode(text[:16]))};base64,{text}"


def _integer(view: View, name: str, most: int) -> int:
    value = view.get(name)
    if not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"the {name} of an image is a number of pixels up to {most}")
    return value


def _kind(start: bytes) -> str:
    """Return the type of a picture by its first bytes."""
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if kind is None:
        raise ValueError("a picture is PNG or JPEG")
    return kind


def _decoded(text: object, shape: tuple[int, int]) -> np.ndarray:
    """Decode a picture in base64 that has this height and width."""
    from PIL import Image

    if not isinstance(text, str) or len(text) > _LETTERS:
        raise ValueError("a picture is a text in base64")
    data = base64.b64decode(text, validate=True)
    kind = _kind(data)
    with Image.open(io.BytesIO(data), formats=[kind.partition("/")[2].upper()]) as image:
        if image.size != shape[::-1]:  # read from the head, before anything is unpacked
            raise ValueError("a picture has the size that its view says")
        return np.asarray(image.convert("RGB"))


def _edges(labels: np.ndarray) -> Iterator[tuple[tuple[int, int], tuple[int, int], int]]:
    """Yield the edges of pixels at which segments end, with the segment on their right hand: (x, y), (x, y), label."""
    height, width = labels.shape
    padded = np.pad(labels, 1, constant_values=-1)
    for dy, dx, start, stop in (
        (-1, 0, (0, 0), (1, 0)),
        (0, 1, (1, 0), (1, 1)),
        (1, 0, (1, 1), (0, 1)),
        (0, -1, (0, 1), (0, 0)),
    ):
        beside = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        ys, xs = np.nonzero(beside != labels)
        for x, y, label in zip(xs.tolist(), ys.tolist(), labels[ys, xs].tolist(), strict=True):
            yield (x + start[0], y + start[1]), (x + stop[0], y + stop[1]), label


def _paths(edges: dict[tuple[int, int], list[tuple[int, int]]]) -> Iterator[str]:
    """Join edges to closed paths, several in a line to one step."""
    while edges:
        start = at = next(iter(edges))
        yield f"M{at[0]} {at[1]}"
        step, length = "", 0
        while True:
            followers = edges[at]
            to = followers.pop()
            if not followers:
                del edges[at]
            taken = _STEPS[to[0] - at[0], to[1] - at[1]]
            if taken != step and length:
                yield f"{step}{length}"
                length = 0
            step, length, at = taken, length + 1, to
            if at == start:
                break
        yield "z"  # the last steps in a line lead back to the start
