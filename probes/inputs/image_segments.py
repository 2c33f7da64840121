"""Segments: into which pieces an image is cut, and what they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from probes.errors import InputError, integer, require
from probes.inputs.image_form import Form
from probes.rounding import percent

__all__ = ["SEGMENTS", "segment_names", "segmented"]

#: the longer side of what is segmented, in pixels; larger images are thinned out for it
_LONGEST = 512
#: segments that an image is cut into by default
_COUNT = 50
#: how often superpixels are cut to come near to a number of them, and what share of it is near enough
_TRIES, _NEAR = 4, 0.1
#: words for thirds of an image, from above and from the left
_ROWS, _COLUMNS = ("top", "", "bottom"), ("left", "", "right")


def segmented(pixels: np.ndarray, form: Form, segments: Any, n_segments: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Cut an image into segments.

    Parameters
    ----------
    pixels : ndarray ``(H, W, C)``
    form : Form
    segments : str or ndarray of int ``(H, W)``
        A name of :data:`SEGMENTS`, or the label of every pixel.
    n_segments : int or None

    Returns
    -------
    parts : ndarray of int ``(H, W)``
        Of every pixel the number of its segment, from 0.
    labels : ndarray of int ``(d,)``
        What the segments are called.

    Raises
    ------
    InputError
    """
    if isinstance(segments, str):
        if segments not in SEGMENTS:
            raise InputError("segments", f"be one of {', '.join(SEGMENTS)}, or an array of labels (H, W)", segments)
        labelled = SEGMENTS[segments](pixels, form, _count(segments, n_segments, pixels.shape[0] * pixels.shape[1]))
        first = 1
    else:
        if n_segments is not None:
            raise InputError("n_segments", "be left out where segments are given as an array", n_segments)
        labelled, first = _given(segments, pixels.shape[:2]), 0
    labels, parts = np.unique(labelled, return_inverse=True)
    if len(labels) < 2:
        raise InputError("segments", "be at least two, to be compared; this image has one", segments)
    if first:  # what is cut here is counted from 1
        labels = np.arange(1, len(labels) + 1)
    return parts.reshape(labelled.shape), labels


def segment_names(parts: np.ndarray, labels: np.ndarray) -> list[str]:
    """Name segments by their label, place and share of the image.

    Examples
    --------
    >>> segment_names(np.array([[0, 0, 1, 1]] * 4), np.array([1, 2]))
    ['segment 1 (left, 50% of the image)', 'segment 2 (right, 50% of the image)']
    """
    size = np.bincount(parts.ravel())
    places = []
    for axis, words in ((0, _ROWS), (1, _COLUMNS)):
        at = np.broadcast_to(np.expand_dims(np.arange(parts.shape[axis]) + 0.5, 1 - axis), parts.shape)
        middle = np.bincount(parts.ravel(), at.ravel()) / size / parts.shape[axis]
        places.append([words[min(int(3 * m), 2)] for m in middle])
    where = [" ".join(filter(None, pair)) or "centre" for pair in zip(*places, strict=True)]
    share = size / parts.size
    return [
        f"segment {label} ({place}, {percent(float(part))} of the image)"
        for label, place, part in zip(labels, where, share, strict=True)
    ]


def _count(segments: str, n_segments: int | None, pixels: int) -> int:
    """Check how many segments are wanted."""
    if segments == "quickshift" and n_segments is not None:
        raise InputError("n_segments", "be left out for quickshift, which finds their number itself", n_segments)
    if pixels < 2:
        raise InputError("image", "have two pixels at least, to be cut into segments", pixels)
    return min(_COUNT, pixels) if n_segments is None else integer("n_segments", n_segments, least=2, most=pixels)


def _given(segments: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Check the labels that a user gives."""
    if hasattr(segments, "detach"):
        segments = segments.detach().cpu().numpy()
    if not isinstance(segments, np.ndarray) or segments.dtype.kind not in "iu" or np.ma.isMaskedArray(segments):
        kind = f"type {segments.dtype}" if isinstance(segments, np.ndarray) else segments
        rule = f"be one of {', '.join(SEGMENTS)}, or an array (H, W) of integers, the label of every pixel"
        raise InputError("segments", rule, kind)
    if segments.shape != shape:
        raise InputError("segments", f"have a label for every pixel, shape {shape}", segments)
    if segments.min() < 0:
        rule = "cover the image: a pixel of a negative label is in no segment"
        raise InputError("segments", rule, f"label {int(segments.min())}")
    return segments


def _grid(pixels: np.ndarray, form: Form, count: int) -> np.ndarray:
    """Cut rectangles, as nearly square as their number allows."""
    height, width = pixels.shape[:2]
    rows = int(np.clip(np.rint(np.sqrt(count * height / width)), max(1, -(-count // width)), min(height, count)))
    columns = int(np.clip(np.rint(count / rows), 1, width))
    return (np.arange(height) * rows // height)[:, None] * columns + np.arange(width) * columns // width


def _slic(pixels: np.ndarray, form: Form, count: int) -> np.ndarray:
    """Cut superpixels of similar colour and size (Achanta et al. 2012)."""
    slic = require("skimage.segmentation", "segments='slic'").slic

    def near(colours: np.ndarray) -> np.ndarray:
        """Ask for more where small segments were merged to fewer than are wanted; keep what comes nearest."""
        asked, tried = float(count), list[np.ndarray]()
        for _ in range(_TRIES):
            tried.append(slic(colours, n_segments=max(round(asked), 1), compactness=10, sigma=1))
            if abs((found := len(np.unique(tried[-1]))) - count) <= _NEAR * count:
                break
            asked = min(asked * count / found, 4.0 * count)
        return min(tried, key=lambda labels: abs(len(np.unique(labels)) - count))

    return _thinned(near, pixels, form)


def _quickshift(pixels: np.ndarray, form: Form, count: int) -> np.ndarray:
    """Cut segments of similar colour, of any size (Vedaldi and Soatto 2008)."""
    quickshift = require("skimage.segmentation", "segments='quickshift'").quickshift
    return _thinned(lambda colours: quickshift(colours, kernel_size=4, max_dist=200, ratio=0.2), pixels, form)


def _thinned(cut: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, form: Form) -> np.ndarray:
    """Cut a large image by every second pixel, or fewer."""
    height, width = pixels.shape[:2]
    step = -(-max(height, width) // _LONGEST)
    labels = cut(form.bytes_of(pixels)[::step, ::step])
    return labels[np.arange(height) // step][:, np.arange(width) // step]


#: how an image can be cut: (pixels, form, number of segments) → label of every pixel ``(H, W)``
SEGMENTS: dict[str, Callable[[np.ndarray, Form, int], np.ndarray]] = {
    "slic": _slic,
    "quickshift": _quickshift,
    "grid": _grid,
}
