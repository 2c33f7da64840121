"""Others' explanations of images, over the same segments and the same fill, each with its own defaults.

All are linear in segments, ŷ = b + Σ wₖ zₖ. Where a package returns no intercept, the best one is taken: that of least
error on the questions that judge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tasks.photographs import Photograph, prepared

__all__ = ["RIVALS", "Weights"]

#: weights ``(d,)`` of the segments, from a photograph and a seed
Weights = Callable[[Photograph, int], np.ndarray]


def lime(task: Photograph, seed: int) -> np.ndarray:
    """``LimeImageExplainer``: 1,000 samples; its superpixels are replaced by ours."""
    from lime.lime_image import LimeImageExplainer

    def numbers(images: np.ndarray) -> np.ndarray:
        return task(images)[:, None]

    explained = LimeImageExplainer(random_state=seed, verbose=False).explain_instance(
        task.pixels, numbers, labels=(0,), top_labels=None, num_features=100_000,
        segmentation_fn=lambda image: task.probe.labels,
    )  # fmt: skip
    weights = np.zeros(len(task.probe.features))
    for segment, weight in explained.local_exp[0]:
        weights[segment] = weight
    return weights


def partition(task: Photograph, seed: int) -> np.ndarray:
    """shap's ``PartitionExplainer`` with its masker of images: 500 calls; it cuts rectangles, added up by segment."""
    import shap

    masker = shap.maskers.Image(absent(task).astype(float), task.pixels.shape)
    explainer = shap.PartitionExplainer(lambda images: task(images)[:, None], masker)
    values = explainer(task.pixels[None].astype(float), silent=True).values[0, ..., 0].sum(axis=2)
    return np.bincount(task.probe.labels.ravel(), values.ravel())


def absent(task: Photograph) -> np.ndarray:
    """Return the photograph with every segment absent."""
    return np.asarray(task.probe.render(np.zeros((1, len(task.probe.features))))[0])


def _captum(method: str, task: Photograph, seed: int, **options: Any) -> np.ndarray:
    import captum.attr
    import torch

    torch.manual_seed(seed)
    mask = torch.as_tensor(task.probe.labels)[None, None]
    explainer = getattr(captum.attr, method)(task.of_tensor)
    with torch.no_grad():
        values = explainer.attribute(
            prepared(task.pixels[None]), baselines=prepared(absent(task)[None]), feature_mask=mask, **options
        )
    first = np.unique(task.probe.labels.ravel(), return_index=True)[1]
    return values[0, 0].numpy().astype(float).ravel()[first]


def captum_lime(task: Photograph, seed: int) -> np.ndarray:
    """captum's ``Lime``: 25 samples."""
    return _captum("Lime", task, seed)


def kernel_shap(task: Photograph, seed: int) -> np.ndarray:
    """captum's ``KernelShap``: 25 samples."""
    return _captum("KernelShap", task, seed)


def ablation(task: Photograph, seed: int) -> np.ndarray:
    """captum's ``FeatureAblation``: each segment left out once."""
    return _captum("FeatureAblation", task, seed)


#: by name: what gives weights, and the model inputs that it asks at its own default budget
RIVALS: dict[str, Weights] = {
    "lime_image": lime,
    "PartitionExplainer (shap)": partition,
    "KernelShap (captum)": kernel_shap,
    "Lime (captum)": captum_lime,
    "FeatureAblation (captum)": ablation,
}
