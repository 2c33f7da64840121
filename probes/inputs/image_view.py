"""What an image looks like, as plain data: a picture of limited size, and which of its pixels are which segment's."""

from __future__ import annotations

import base64
import io

import numpy as np

from probes.inputs.image_fill import Picture
from probes.views import ImageView

__all__ = ["LONGEST", "encoded", "image_view"]

#: the longer side of the picture that is kept, in pixels
LONGEST = 448
#: bytes from which a picture is kept with losses
_LARGE = 60_000


def image_view(picture: Picture, removal: str, digest: str) -> ImageView:
    """Describe an image for a report; larger ones than 448 pixels are made smaller."""
    height, width = picture.parts.shape
    scale = min(1.0, LONGEST / max(height, width))
    shape = max(1, round(scale * height)), max(1, round(scale * width))
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * full / n).astype(int), full - 1)
        for n, full in zip(shape, (height, width), strict=True)
    )
    parts = picture.parts[rows][:, columns].ravel()
    starts = np.flatnonzero(np.diff(parts, prepend=-1))
    return {
        "kind": "image",
        "unit": "segment",
        "removal": removal,
        "states": ["kept", removal],
        "nothing": f"with every segment {removal}",
        "height": shape[0],
        "width": shape[1],
        "picture": encoded(picture.form.bytes_of(picture.pixels), shape),
        "segments": parts[starts].tolist(),
        "runs": np.diff(starts, append=len(parts)).tolist(),
        "caption": f"image of {width} × {height} pixels",
        "digest": digest,
    }


def encoded(pixels: np.ndarray, shape: tuple[int, int], most: int = _LARGE) -> str:
    """Write bytes ``(H, W, 3)`` as PNG of a shape, or as JPEG where that has more than `most` bytes; in base64."""
    from PIL import Image  # comes with matplotlib

    image = Image.fromarray(pixels)
    if shape != pixels.shape[:2]:
        image = image.resize(shape[::-1], Image.Resampling.LANCZOS)
    for options in ({"format": "PNG"}, {"format": "JPEG", "quality": 85}):
        buffer = io.BytesIO()
        image.save(buffer, **options)
        if buffer.tell() <= most:
            break
    return base64.b64encode(buffer.getvalue()).decode()
