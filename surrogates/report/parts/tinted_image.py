"""The part that shows an image, its segments tinted by their effects, or marked where a rule keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

from probes.views import View
from surrogates.report.part import Part
from surrogates.report.scripts import script
from surrogates.report.shown_image import ShownImage

__all__ = ["IMAGE", "Segment", "SegmentedImage", "Shade", "TintedImage", "segmented_image"]

IMAGE = """\
.iomap .segmented { margin: .6rem 0; max-width: 34rem; }
.iomap .segmented svg { display: block; width: 100%; height: auto; max-height: 80vh; border-radius: 4px; }
.iomap .segmented path { fill-rule: evenodd; stroke: rgba(255, 255, 255, .45); vector-effect: non-scaling-stroke; }"""


#: of a segment's number its sign, strength and tip
Shade: TypeAlias = Callable[[int], tuple[str, str, str]]


@dataclass(frozen=True)
class Segment:
    """A segment: its outline as an SVG path, shade and tip; without a tip it cannot be gone to."""

    path: str
    sign: str
    strength: str
    tip: str


@dataclass(frozen=True)
class SegmentedImage:
    """A picture as a data URI, its size in pixels, what it is, and its segments that are large enough to be seen."""

    picture: str
    width: int
    height: int
    caption: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, kw_only=True)
class TintedImage(Part):
    """An image with every segment tinted by its effect, faintly where the interval holds zero; or what a rule keeps."""

    template = "tinted_image.html"
    style = (
        IMAGE,
        """\
.iomap .tinted image, .iomap .tinted use { filter: grayscale(1); }
.iomap .tinted path { fill: rgba(var(--hue), calc(var(--strength) * .8)); outline: none; }
.iomap .tinted path[tabindex]:hover, .iomap .tinted path[tabindex]:focus { stroke: #fff; stroke-width: 3px;
  filter: drop-shadow(0 0 1px #000); }
.iomap .tinted .tip { min-height: 3em; margin: .3rem 0; }
.iomap .swatch { display: inline-block; width: .9em; height: .9em; border-radius: 2px; vertical-align: -.1em;
  background: rgba(var(--hue), .7); }""",
    )
    script = script("roving.js", "tinted_image.js")
    at_once = True

    image: SegmentedImage
    unit: str
    removal: str
    muted: bool = False
    share: str = ""
    name: str = ""
    repeated: bool = False

    @classmethod
    def of(cls, title: str, view: View, count: int, shade: Shade, muted: bool = False, share: str = "") -> Self:
        """Make it of a view with `count` features, and what `shade` says of each."""
        image, unit, removal = segmented_image(view, count, shade), str(view["unit"]), str(view["removal"])
        return cls(title=title, image=image, unit=unit, removal=removal, muted=muted, share=share)

    def named(self) -> Self:
        """Return it with a name for its picture, by which a page refers to it again."""
        return replace(self, name=f"picture-{hashlib.sha256(self.image.picture.encode()).hexdigest()[:12]}")

    def picture_names(self) -> Sequence[str]:
        return () if self.repeated or not self.name else (self.name,)

    def without(self, pictures: Collection[str]) -> Part:
        return replace(self, repeated=True) if self.name in pictures else self

    def again(self, title: str, shade: Shade, muted: bool = False) -> Self:
        """Return it with other shades, and its named picture as the page has it already."""
        segments = tuple(Segment(one.path, *shade(i)) for i, one in enumerate(self.image.segments))
        return replace(self, title=title, image=replace(self.image, segments=segments), muted=muted, repeated=True)


def segmented_image(view: View, count: int, shade: Shade) -> SegmentedImage:
    """Return the image of a view, checked, with its segments."""
    image = ShownImage.of(view, count)
    height, width = image.labels.shape
    outlines = enumerate(image.outlines(count))
    segments = tuple(Segment(path, *shade(i)) for i, path in outlines)
    return SegmentedImage(image.uri, width, height, str(view.get("caption", "image")), segments)
