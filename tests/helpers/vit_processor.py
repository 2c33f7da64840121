"""The image processor of a ViT that needs Pillow alone, under the name that a release has for it."""

from __future__ import annotations

from typing import Any


def vit_processor(side: int) -> Any:
    import transformers

    name = "ViTImageProcessorPil" if hasattr(transformers, "ViTImageProcessorPil") else "ViTImageProcessor"
    return getattr(transformers, name)(size={"height": side, "width": side})
