"""ImageProbe: which parts of an image an answer depends on."""

from __future__ import annotations

import hashlib
import json
from copy import copy
from functools import partial
from typing import Any

import numpy as np

from probes.deferred import Deferred
from probes.design import random_seed
from probes.errors import InputError, integer
from probes.inputs.image_fill import Fill, Picture, fill_of
from probes.inputs.image_form import read_image
from probes.inputs.image_segments import segment_names, segmented
from probes.inputs.image_view import image_view
from probes.probe import Feature, Probe, Replication
from probes.views import ImageView

__all__ = ["ImageProbe"]

#: images of noise that each question is asked with
_DRAWS = 4
#: pixels that are rendered and asked together, eight images of 128 × 128: what they become inside a network still fits
#: into the processor's cache, and a question takes half the time that it takes among thirty
_PIXELS = 2**17


class ImageProbe(Probe):
    """An image whose segments are present, or replaced.

    Parameters
    ----------
    image : PIL.Image, ndarray or torch.Tensor
        Of Pillow in mode L, RGB or RGBA (how opaque pixels are stays as it is); an array ``(H, W)`` or ``(H, W, 3)``;
        a tensor ``(3, H, W)``. Bytes go from 0 to 255, floats from 0 to 1. The model is asked about images of the same
        kind, type and order; arrays and tensors come as one batch ``(n, …)``, images of Pillow as a list.
    segments : {"slic", "quickshift", "grid"} or ndarray of int ``(H, W)``, default "slic"
        How the image is cut: superpixels of similar colour and size, segments of similar colour, rectangles; or the
        label of every pixel, 0 or above. Images with a side above 512 pixels are segmented by every second pixel, or
        fewer. The first two need the extra ``images``.
    n_segments : int, optional
        About how many segments there are to be, 50 by default; left out for "quickshift".
    fill : {"mean", "blur", "noise", "inpaint"}, colour, image or callable, default "mean"
        What stands in the place of absent segments: their mean colour; a blurred copy; noise of the image's mean and
        spread; what is interpolated from the segments that are left; a colour in the numbers of the image; another
        image of the same form; or what a function makes of the image, once.
    random_state : int, Generator or None, default 0
        Seed of the noise.
    replicates : int, optional
        For ``fill="noise"``: how many images of noise every question is asked with, 4 by default. Answers are averaged.
    channels : {"first", "last"}, optional
        Of an array or tensor; by default last in arrays and first in tensors.
    data_range : (float, float), optional
        Lowest and highest number that a pixel may have, for types other than those above.

    Attributes
    ----------
    labels : ndarray of int ``(H, W)``
        Of every pixel the number of its feature, from 0.

    Raises
    ------
    InputError
        For what is no image or may be read in several ways, segments that do not cover it or are fewer than two, or a
        fill that changes nothing.
    MissingExtra
        Without scikit-image, for "slic" and "quickshift".

    Examples
    --------
    >>> image = np.zeros((4, 6, 3), np.uint8)
    >>> image[:, 3:] = 200
    >>> probe = ImageProbe(image, "grid", n_segments=2, fill=0)
    >>> [f.name for f in probe.features]
    ['segment 1 (left, 50% of the image)', 'segment 2 (right, 50% of the image)']
    >>> probe.render(np.array([[1, 0]]))[0].max()
    np.uint8(0)
    """

    def __init__(
        self,
        image: Any,
        segments: str | np.ndarray = "slic",
        *,
        n_segments: int | None = None,
        fill: Any = "mean",
        random_state: int | np.random.Generator | None = 0,
        replicates: int | None = None,
        channels: str | None = None,
        data_range: tuple[float, float] | None = None,
    ):
        pixels, form = read_image(image, channels, data_range)
        noise = isinstance(fill, str) and fill == "noise"
        if replicates is not None and not noise:
            raise InputError("replicates", "be left out: only noise is drawn several times", replicates)
        draws = _DRAWS if replicates is None else integer("replicates", replicates, least=1)
        seed = random_seed(random_state)
        self.labels, names = segmented(pixels, form, segments, n_segments)
        self.features = tuple(map(Feature, segment_names(self.labels, names)))
        self._picture = Picture(pixels, self.labels, form)
        self._take(fill_of(self._picture, fill, draws, seed, image))
        if not self._changed.any():
            raise InputError("fill", "change the image: with every segment replaced it is what it was", fill)

    def _take(self, fill: Fill) -> None:
        """Replace absent segments by a fill, and say what follows from it."""
        self._fill, self.replicates = fill, fill.replicates
        alone = self._fill.rendered(self._picture, np.zeros((1, len(self.features)), bool), np.zeros(1, int))[0]
        different = (alone != self._picture.pixels).any(axis=2)
        self._changed = np.bincount(self.labels.ravel(), different.ravel()) > 0
        notes, self.replication = list[str](), Replication.endless(fill.replicates, len(self.features))
        if fill.replicates > 1:
            notes.append(
                f"All numbers are means over the {fill.replicates} images of noise that were drawn. Intervals of "
                "average effects cover that choice; R² and Shapley values are for these images. More (replicates=) "
                "make them narrower."
            )
        if (same := int((~self._changed).sum())) and fill.images is not None:
            stay, these = ("stay the same, each", "these") if same > 1 else ("stays the same,", "it")
            notes.append(
                f"{same} of {len(self.features)} segments {stay} {fill.words}: no effect of {these} can be seen, "
                "whatever the model does; another fill= may show one."
            )
        self.notes = tuple(notes)

    def render(self, Z: np.ndarray) -> Deferred:
        present = np.asarray(Z) > 0.5
        picture, each = self._picture, self.replicates
        numbers = np.arange(len(present) * each)
        at_once = max(1, _PIXELS // picture.parts.size)
        pixels = picture.pixels
        form = picture.form.kind, pixels.dtype.str, pixels.shape, picture.form.first, picture.form.flat
        return Deferred(partial(self._images, present), numbers, at_once, form)

    def _images(self, present: np.ndarray, numbers: np.ndarray) -> Any:
        """Render some of the inputs, by their numbers ``(m,)``."""
        row, replicate = np.divmod(numbers, self.replicates)
        return self._picture.form.batch(self._fill.rendered(self._picture, present[row], replicate))

    def variants(self) -> dict[str, Probe]:
        """Return the probe with a blurred copy where this one has mean colours, and with mean colours else."""
        other = copy(self)
        mean = self._fill.words == fill_of(self._picture, "mean", 1, 0, None).words
        other._take(fill_of(self._picture, "blur" if mean else "mean", 1, 0, None))
        return {other._fill.words: other} if other._changed.any() else {}

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """Bring attributions of segments back onto the pixels, row by row; those of a segment share equally."""
        return self._shared(values, self.labels.ravel())

    def attribution_map(self, values: np.ndarray) -> np.ndarray:
        """Draw attributions as a map: every pixel has the attribution of its segment.

        Parameters
        ----------
        values : array-like ``(d,)`` or ``(k, d)``
            Attributions of the d features, of one output or of k, in the order of `features`.

        Returns
        -------
        ndarray ``(H, W)`` or ``(k, H, W)``

        Raises
        ------
        InputError
            For another shape.

        Examples
        --------
        >>> image = np.arange(16.0).reshape(2, 8) / 16
        >>> ImageProbe(image, "grid", n_segments=2).attribution_map([0.5, -1.0])
        array([[ 0.5,  0.5,  0.5,  0.5, -1. , -1. , -1. , -1. ],
               [ 0.5,  0.5,  0.5,  0.5, -1. , -1. , -1. , -1. ]])
        """
        drawn: np.ndarray = self._attributions(values)[..., self.labels]
        return drawn

    def view(self) -> ImageView:
        return image_view(self._picture, self._fill.words, self.digest)

    @property
    def digest(self) -> str:
        """SHA-256 of pixels, segments, their names and what they are replaced by."""
        picture, form = self._picture, self._picture.form
        held = {
            "features": [vars(feature) for feature in self.features],
            "image": [form.kind, picture.pixels.dtype.str, picture.pixels.shape, form.first, form.flat],
            "fill": self._fill.words,
            "replicates": self.replicates,
        }
        total = hashlib.sha256(json.dumps(held, sort_keys=True).encode())
        for array in (picture.pixels, form.alpha, self.labels.astype("<i8"), self._fill.images):
            total.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        return total.hexdigest()
