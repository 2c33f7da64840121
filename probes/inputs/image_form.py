"""Forms of images: how a user holds one, read as pixels, and how images like it are made of pixels again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.errors import InputError, number

__all__ = ["Form", "is_pillow", "read_image"]

#: modes of Pillow that are taken as they are
_MODES = ("L", "RGB", "RGBA")
#: how many channels an array may have: grey, or red, green and blue
_CHANNELS = (1, 3)


def is_pillow(value: object) -> bool:
    """Return whether a value is an image of Pillow, which is not imported for that."""
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(value).__mro__)


@dataclass(frozen=True, eq=False)
class Form:
    """How a user holds an image.

    Attributes
    ----------
    kind : {"array", "tensor", "Pillow"}
    low, high : float
        The range of its numbers.
    first : bool
        Whether channels come before rows and columns.
    flat : bool
        Whether there is no axis of channels.
    alpha : ndarray of uint8 ``(H, W)``, optional
        How opaque each pixel is, which stays as it is.
    device : object
        Of a tensor.
    """

    kind: str
    low: float
    high: float
    first: bool = False
    flat: bool = False
    alpha: np.ndarray | None = None
    device: Any = None

    def batch(self, pixels: np.ndarray) -> Any:
        """Make images of pixels ``(n, H, W, C)``: one array or tensor, or a list of images of Pillow."""
        if self.kind == "Pillow":
            return [self._pillow(one) for one in pixels]
        images = pixels[..., 0] if self.flat else np.moveaxis(pixels, -1, 1) if self.first else pixels
        images = np.ascontiguousarray(images)
        if self.kind == "array":
            return images
        import torch

        return torch.from_numpy(images).to(self.device)

    def _pillow(self, pixels: np.ndarray) -> Any:
        from PIL import Image

        if self.alpha is not None:
            pixels = np.dstack([pixels, self.alpha])
        return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))

    def bytes_of(self, pixels: np.ndarray) -> np.ndarray:
        """Scale pixels ``(H, W, C)`` to bytes ``(H, W, 3)`` to be looked at; what is transparent is white."""
        scaled = (pixels.astype(float) - self.low) / (self.high - self.low)
        colours = np.broadcast_to(scaled, (*scaled.shape[:2], 3))
        if self.alpha is not None:
            opaque = self.alpha[..., None] / 255
            colours = colours * opaque + 1 - opaque
        return np.rint(255 * np.clip(colours, 0, 1)).astype(np.uint8)


def read_image(image: Any, channels: str | None, data_range: Any) -> tuple[np.ndarray, Form]:
    """Read an image as pixels ``(H, W, C)`` of its own type, and the form that it had.

    Raises
    ------
    InputError
        For what is no image, or may be read in several ways.
    """
    if channels not in (None, "first", "last"):
        raise InputError("channels", "be 'first' or 'last', or None", channels)
    if is_pillow(image):
        return _of_pillow(image, channels, data_range)
    tensor = hasattr(image, "detach")
    if not tensor and (not isinstance(image, np.ndarray) or isinstance(image, np.ma.MaskedArray)):
        raise InputError("image", "be an image of Pillow, a numpy array or a torch tensor", image)
    array = _numbers(image) if tensor else image
    first, flat = _order(image, array.shape, channels, "first" if tensor else "last"), array.ndim == 2
    low, high = _range(array, data_range)
    pixels = array[..., None] if flat else np.moveaxis(array, 0, -1) if first else array
    form = Form("tensor" if tensor else "array", low, high, first, flat, device=image.device if tensor else None)
    return _frozen(pixels), form


def _of_pillow(image: Any, channels: str | None, data_range: Any) -> tuple[np.ndarray, Form]:
    for name, value in (("channels", channels), ("data_range", data_range)):
        if value is not None:
            raise InputError(name, "be left out: an image of Pillow says it itself", value)
    if image.mode not in _MODES:
        raise InputError("image", f"have the mode {', '.join(_MODES)}: image.convert('RGB')", f"mode {image.mode}")
    if 0 in image.size:
        raise InputError("image", "have pixels", f"size {image.size}")
    array = np.asarray(image)
    alpha = _frozen(array[..., 3]) if image.mode == "RGBA" else None
    return _frozen(array[..., None] if array.ndim == 2 else array[..., :3]), Form("Pillow", 0, 255, alpha=alpha)


def _numbers(tensor: Any) -> np.ndarray:
    """Return the numbers of a tensor."""
    try:
        return np.asarray(tensor.detach().cpu().numpy())
    except (TypeError, RuntimeError) as error:  # a type that numpy lacks
        raise InputError("image", "hold numbers of a type that numpy has: image.float()", str(tensor.dtype)) from error


def _order(image: Any, shape: tuple[int, ...], channels: str | None, usual: str) -> bool:
    """Return whether channels come first.

    Raises
    ------
    InputError
        If neither axis can hold channels, or both.
    """
    if 0 in shape:
        raise InputError("image", "have pixels", image)
    if len(shape) == 2:
        return False
    if len(shape) == 4:
        raise InputError("image", "be one image, not a batch of them: image[0]", image)
    if len(shape) != 3:
        raise InputError("image", "have the shape (H, W), (H, W, C) or (C, H, W)", image)
    fits = {"first": shape[0] in _CHANNELS, "last": shape[2] in _CHANNELS}
    if channels is not None:
        if not fits[channels]:
            raise InputError("image", f"have 1 or 3 channels, which come {channels}", image)
        return channels == "first"
    if fits["first"] and fits["last"]:
        raise InputError("channels", "be 'first' or 'last': by its shape the image may be either", image)
    if not fits[usual]:
        other = "last" if usual == "first" else "first"
        rule = "have 1 or 3 channels (RGBA: as an image of Pillow)"
        raise InputError("image", f"come with channels={other!r}" if fits[other] else rule, image)
    return usual == "first"


def _range(array: np.ndarray, given: Any) -> tuple[float, float]:
    """Return the range of an image's numbers: as given, 0 to 255 for bytes, 0 to 1 for floats.

    Raises
    ------
    InputError
        If numbers lie outside, or the range is not known.
    """
    if array.dtype.kind not in "uif":
        raise InputError("image", "hold numbers", f"type {array.dtype}")
    if not np.isfinite(array).all():
        raise InputError("image", "hold finite numbers, without NaN", array)
    seen = f"from {float(array.min()):g} to {float(array.max()):g}"
    if given is None:
        if array.dtype == np.uint8:
            return 0.0, 255.0
        low, high = 0.0, 1.0
        if array.dtype.kind != "f" or array.min() < low or array.max() > high:
            rule = "come with data_range=(low, high), unless it holds bytes or floats from 0 to 1"
            raise InputError("image", rule, f"{array.dtype} {seen}")
        return low, high
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise InputError("data_range", "be a pair of numbers (low, high)", given)
    low, high = (number("data_range", end) for end in given)
    if not low < high:
        raise InputError("data_range", "be (low, high), the lower number first", given)
    if array.min() < low or array.max() > high:
        raise InputError("data_range", f"hold all of the image, whose numbers go {seen}", given)
    if array.dtype.kind in "ui" and not (np.iinfo(array.dtype).min <= low and high <= np.iinfo(array.dtype).max):
        raise InputError("data_range", f"be of numbers that the image's type {array.dtype} has", given)
    return low, high


def _frozen(array: np.ndarray) -> np.ndarray:
    """Copy an array, so that it stays as it is."""
    kept = np.array(array, order="C")
    kept.flags.writeable = False
    return kept
