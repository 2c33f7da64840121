"""Fills: what stands in the place of segments that are absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from probes.errors import InputError, describe
from probes.inputs.image_form import Form, read_image

__all__ = ["FILLS", "Fill", "Picture", "fill_of", "inpainted"]

#: standard deviation of the blur, as a share of the longer side: 14 pixels of 224
_BLUR = 1 / 16
#: the longer side of what is blurred, in pixels
_LONGEST = 512


@dataclass(frozen=True, eq=False)
class Picture:
    """An image in pixels, cut into segments.

    Attributes
    ----------
    pixels : ndarray ``(H, W, C)``
    parts : ndarray of int ``(H, W)``
        Of every pixel the number of its segment.
    form : Form
    """

    pixels: np.ndarray
    parts: np.ndarray
    form: Form

    def rounded(self, pixels: np.ndarray) -> np.ndarray:
        """Return numbers ``(…, C)`` as pixels of this image's type and range."""
        inside = np.clip(pixels, self.form.low, self.form.high)
        return (np.rint(inside) if self.pixels.dtype.kind in "ui" else inside).astype(self.pixels.dtype)


@dataclass(frozen=True, eq=False)
class Fill:
    """What stands in the place of absent segments.

    Attributes
    ----------
    words : str
        What is done to an absent segment.
    images : ndarray ``(R, H, W, C)``, optional
        Where absent pixels are taken from, in each of R replicates; None where they are made of those that are present.
    """

    words: str
    images: np.ndarray | None = None

    @property
    def replicates(self) -> int:
        """How many images a question is asked with."""
        return 1 if self.images is None else len(self.images)

    def rendered(self, picture: Picture, present: np.ndarray, replicate: np.ndarray) -> np.ndarray:
        """Return images ``(m, H, W, C)`` for segments that are present ``(m, d)``, of some replicates ``(m,)``."""
        kept = present[:, picture.parts][..., None]
        if self.images is None:
            return np.where(kept, picture.pixels, picture.rounded(inpainted(picture.pixels, kept)))
        return np.where(kept, picture.pixels, self.images[replicate])


def fill_of(picture: Picture, fill: Any, replicates: int, seed: int, original: Any) -> Fill:
    """Convert a fill argument to a Fill; `original` is the image as the user gave it.

    Raises
    ------
    InputError
    """
    if isinstance(fill, str):
        if fill not in FILLS:
            rule = f"be one of {', '.join(FILLS)}, a colour, an image of the same shape, or a function"
            raise InputError("fill", rule, fill)
        return FILLS[fill](picture, replicates, np.random.default_rng([seed, 5]))
    if callable(fill):
        return _of_function(picture, fill, original.clone() if hasattr(original, "clone") else original.copy())
    colour = np.asarray(fill) if isinstance(fill, (int, float, list, tuple, np.ndarray, np.generic)) else None
    if colour is not None and colour.ndim < 2 and colour.dtype.kind in "uif":
        return _of_colour(picture, colour, fill)
    return _of_image(picture, fill, "replaced from another image")


def inpainted(pixels: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Fill pixels from those around them that are kept, smoothly, at every distance.

    Parameters
    ----------
    pixels : ndarray ``(H, W, C)``
    kept : ndarray of bool ``(m, H, W, 1)``

    Returns
    -------
    ndarray ``(m, H, W, C)``
        What each pixel is filled with; the mean of the image where nothing is kept.

    Notes
    -----
    Pull and push of Gortler et al. (1996, The Lumigraph): pixels are averaged in squares of two by two until all are
    known; on the way back unknown ones are interpolated from the coarser image.
    """
    weights = kept.astype(np.float32)
    colours = np.where(kept, pixels, 0).astype(np.float32)
    levels = []
    while max(weights.shape[1:3]) > 1:
        levels.append((weights, colours))
        weights, colours = _pulled(weights, colours)
    out = np.where(weights > 0, colours, pixels.mean(axis=(0, 1)))
    for weights, colours in reversed(levels):
        height, width = weights.shape[1:3]
        out = weights * colours + (1 - weights) * _doubled(out)[:, :height, :width]
    return out


def _pulled(weights: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average squares of two by two pixels by their weights."""
    odd = [(0, 0), *((0, n % 2) for n in weights.shape[1:3]), (0, 0)]
    w, c = np.pad(weights, odd), np.pad(weights * colours, odd)
    squares = (np.s_[:, i::2, j::2] for i in (0, 1) for j in (0, 1))
    total, summed = (sum(parts) for parts in zip(*((w[s], c[s]) for s in squares), strict=True))
    return np.minimum(total, 1), summed / np.where(total > 0, total, 1)


def _doubled(image: np.ndarray) -> np.ndarray:
    """Interpolate images ``(m, H, W, C)`` to twice their height and width, linearly."""
    for axis in (1, 2):
        n = image.shape[axis]
        before = np.take(image, np.maximum(np.arange(n) - 1, 0), axis)
        after = np.take(image, np.minimum(np.arange(n) + 1, n - 1), axis)
        pair = np.stack([0.75 * image + 0.25 * before, 0.75 * image + 0.25 * after], axis + 1)
        shape = list(image.shape)
        shape[axis] *= 2
        image = pair.reshape(shape)
    return image


def _mean(picture: Picture, replicates: int, rng: np.random.Generator) -> Fill:
    size, flat = np.bincount(picture.parts.ravel()), picture.parts.ravel()
    channels = np.moveaxis(picture.pixels, -1, 0).reshape(picture.pixels.shape[2], -1)
    means = np.stack([np.bincount(flat, channel) / size for channel in channels], axis=1)
    return Fill("replaced by its mean colour", picture.rounded(means)[picture.parts][None])


def _blur(picture: Picture, replicates: int, rng: np.random.Generator) -> Fill:
    height, width = picture.parts.shape
    step = -(-max(height, width) // _LONGEST)  # what is blurred this much needs no more
    sigma = _BLUR * max(height, width) / step
    blurred = gaussian_filter(picture.pixels[::step, ::step].astype(float), (sigma, sigma, 0), mode="nearest")
    whole = blurred[np.arange(height) // step][:, np.arange(width) // step]
    return Fill("replaced by a blurred copy", picture.rounded(whole)[None])


def _noise(picture: Picture, replicates: int, rng: np.random.Generator) -> Fill:
    values = picture.pixels.reshape(-1, picture.pixels.shape[2]).astype(float)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    drawn = [picture.rounded(rng.normal(mean, spread, picture.pixels.shape)) for _ in range(replicates)]
    return Fill("replaced by noise", np.stack(drawn))


def _inpaint(picture: Picture, replicates: int, rng: np.random.Generator) -> Fill:
    return Fill("filled in from what is left around it")


def _of_colour(picture: Picture, colour: np.ndarray, given: Any) -> Fill:
    """Fill with one colour, in the numbers of the image."""
    low, high, count = picture.form.low, picture.form.high, picture.pixels.shape[2]
    inside = colour.size > 0 and np.isfinite(colour).all() and low <= colour.min() and colour.max() <= high
    if colour.shape not in ((), (1,), (count,)) or not inside:
        numbers = "1 number" if count == 1 else f"1 or {count} numbers"
        raise InputError("fill", f"be a colour of {numbers} from {low:g} to {high:g}, as the image has", given)
    if picture.pixels.dtype.kind in "ui" and 0 < colour.max() < 1:
        raise InputError("fill", f"be a colour from {low:g} to {high:g}: below 1 it is as good as {low:g}", given)
    taken = picture.rounded(colour)
    image = np.broadcast_to(taken, picture.pixels.shape)
    shown = ", ".join(f"{float(part):g}" for part in np.ravel(taken))
    return Fill(f"replaced by the colour {shown}", image[None])


def _of_image(picture: Picture, image: Any, words: str) -> Fill:
    """Fill from another image of the same form."""
    form = picture.form
    channels = None if form.kind == "Pillow" or form.flat else "first" if form.first else "last"
    data_range = None if form.kind == "Pillow" else (form.low, form.high)
    try:
        pixels, other = read_image(image, channels, data_range)
    except InputError as error:
        raise InputError("fill", f"be an image like the one that is explained ({error})", image) from error
    if (other.kind, pixels.shape, pixels.dtype) != (form.kind, picture.pixels.shape, picture.pixels.dtype):
        rule = f"be like the image: {form.kind} of {picture.pixels.dtype} with pixels of shape {picture.pixels.shape}"
        raise InputError("fill", rule, f"{other.kind} of {pixels.dtype}, {pixels.shape}")
    return Fill(words, pixels[None])


def _of_function(picture: Picture, function: Callable[[Any], Any], original: Any) -> Fill:
    """Fill from what a function makes of the image; it is called once."""
    try:
        image = function(original)
    except Exception as error:
        kind = f"{type(error).__name__}: {describe(str(error), 200)}"
        raise InputError("fill", f"make an image of the one that is explained; it raised {kind}", function) from error
    return _of_image(picture, image, f"replaced by {getattr(function, '__name__', type(function).__name__)}(image)")


#: what absent segments can be filled with, by name: (picture, replicates, rng) → Fill
FILLS: dict[str, Callable[[Picture, int, np.random.Generator], Fill]] = {
    "mean": _mean,
    "blur": _blur,
    "noise": _noise,
    "inpaint": _inpaint,
}
