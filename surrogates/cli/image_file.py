"""An image as the commands read it from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.errors import InputError

__all__ = ["opened"]

#: modes of Pillow with more than a byte a channel: to RGB it would cut them off at 255
_DEEP = ("I", "F")


def opened(path: Path) -> Any:
    """Read an image, the right way up, in RGB where it is neither grey nor transparent in parts.

    Raises
    ------
    InputError
    """
    from PIL import Image, ImageOps  # comes with matplotlib

    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            mode = upright.mode
            if mode.startswith(_DEEP):
                raise InputError("IMAGE", "hold a byte a channel: scale it to 0 to 255 first", f"mode {mode}")
            clear = mode in ("LA", "PA") or "transparency" in upright.info
            return upright if mode in ("L", "RGB", "RGBA") else upright.convert("RGBA" if clear else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("IMAGE", f"be a file with an image that can be read ({error})", str(path)) from error
