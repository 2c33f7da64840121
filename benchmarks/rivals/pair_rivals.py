"""How others explain a model of pairs: both texts in one string with a mark between, or a vector of 0 and 1.

Each is called as its documents show it, with the number of questions that it asks by default, and becomes a prediction
on rows of 0 and 1. Words are removed as iomap removes them, so that all are judged by the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from probes import PairProbe

__all__ = ["DEFAULTS", "RIVALS", "missing"]

MARK = "|||"
Values = Callable[[list[tuple[str, str]]], np.ndarray]
Predict = Callable[[np.ndarray], np.ndarray]
#: questions that each asks unless told otherwise
DEFAULTS = {"shap Partition": 500, "lime": 5000, "captum KernelShap": 50}


def _joined(probe: PairProbe) -> str:
    return MARK.join(map(str, probe.fields.values()))


def _of_strings(values: Values) -> Callable[[Any], np.ndarray]:
    """The model as a function of strings with a mark."""

    def answer(texts: Any) -> np.ndarray:
        pairs = [str(text).partition(MARK) for text in texts]
        return values([(" ".join(a.split()), " ".join(b.split())) for a, _, b in pairs])

    return answer


def _linear(weights: np.ndarray, base: float) -> Predict:
    return lambda Z: base + (Z > 0.5) @ weights


class _Words:
    """What shap asks of a tokenizer: words, and the mark, which it never masks."""

    sep_token, sep_token_id = MARK, 1

    def __call__(self, text: str, **_: Any) -> dict[str, Any]:
        found = list(re.finditer(rf"{re.escape(MARK)}|[^\s|]+", text))
        if not found and text:  # the space that stands for a word that is masked
            return {"input_ids": [0], "offset_mapping": [(0, len(text))]}
        return {
            "input_ids": [1 if m.group() == MARK else 2 for m in found],
            "offset_mapping": [m.span() for m in found],
        }


def partition(probe: PairProbe, values: Values, seed: int) -> Predict:
    """shap's explainer of texts, which chooses its partition explainer."""
    import shap

    masker = shap.maskers.Text(_Words(), mask_token=" ", collapse_mask_token=False)
    found = shap.Explainer(_of_strings(values), masker, seed=seed)([_joined(probe)], silent=True)
    words = np.array([part.strip() != MARK for part in found.data[0]])
    return _linear(np.asarray(found.values[0], dtype=float).ravel()[words], float(np.ravel(found.base_values)[0]))


def lime(probe: PairProbe, values: Values, seed: int) -> Predict:
    """lime's explainer of texts, each word in its place."""
    from lime.lime_text import LimeTextExplainer

    answer = _of_strings(values)
    explainer = LimeTextExplainer(
        split_expression=r"\s+|\|\|\|", bow=False, mask_string="", class_names=["y"], random_state=seed
    )
    found = explainer.explain_instance(_joined(probe), lambda texts: answer(texts)[:, None], labels=(0,))
    weights = np.zeros(len(probe.features))
    for i, weight in found.local_exp[0]:
        weights[i] = weight
    return _linear(weights, float(found.intercept[0]))


def kernel_shap(probe: PairProbe, values: Values, seed: int) -> Predict:
    """captum's KernelShap over a vector of 0 and 1."""
    import torch
    from captum.attr import KernelShap

    torch.manual_seed(seed)
    d = len(probe.features)

    def forward(z: Any) -> Any:
        return torch.from_numpy(values(probe.render(z.numpy())))

    found = KernelShap(forward).attribute(torch.ones(1, d), baselines=torch.zeros(1, d))
    return _linear(found.numpy()[0].astype(float), float(values(probe.render(np.zeros((1, d))))[0]))


RIVALS: dict[str, Callable[[PairProbe, Values, int], Predict]] = {
    "shap Partition": partition,
    "lime": lime,
    "captum KernelShap": kernel_shap,
}


def missing() -> list[str]:
    """Rivals that are not installed."""
    return [name for name in RIVALS if find_spec(name.split()[0]) is None]
