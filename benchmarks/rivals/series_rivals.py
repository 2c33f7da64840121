"""Rivals for time series, each at the budget that it takes by default, given the same stretches as a game on masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.rivals.mask_rivals import (
    Fitted,
    Rival,
    additive,
    captum_kernel_shap,
    captum_lime,
    kernel_explainer,
    lime,
    seeded,
)
from benchmarks.tasks.counted_game import Game

__all__ = ["DEFAULTS"]


def partition(game: Game, budget: int, seed: int) -> Fitted:
    """shap's PartitionExplainer as it comes: Owen values on a tree of neighbouring stretches."""
    import shap
    from scipy.cluster.hierarchy import linkage

    neighbours = linkage(np.arange(game.n, dtype=float)[:, None], "average")
    with seeded(seed):
        masker = shap.maskers.Partition(np.zeros((1, game.n)), clustering=neighbours)
        values = shap.PartitionExplainer(game, masker)(np.ones((1, game.n)), max_evals=budget, silent=True)
    return additive(float(np.ravel(values.base_values)[0]), np.asarray(values.values, dtype=float).ravel())


def ablation(game: Game, budget: int, seed: int) -> Fitted:
    """captum's FeatureAblation: what the answer loses without each stretch alone."""
    import torch
    from captum.attr import FeatureAblation

    def forward(rows: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(game(rows.numpy())))

    here = torch.ones(1, game.n, dtype=torch.float64)
    coef = FeatureAblation(forward).attribute(here, baselines=torch.zeros_like(here), perturbations_per_eval=game.n)
    loss = coef.numpy().ravel().astype(float)
    return additive(float(game.task.answer(np.ones((1, game.n)))[0]) - loss.sum(), loss)


#: name → rival, and the calls that it makes by default for n stretches
DEFAULTS: dict[str, tuple[Rival, Callable[[int], int]]] = {
    "LIME for series, 1,000 samples (lime)": (Rival(lime, ("lime",)), lambda n: 1000),
    "Lime (captum)": (Rival(captum_lime, ("captum", "torch")), lambda n: 50),
    "KernelShap (captum)": (Rival(captum_kernel_shap, ("captum", "torch")), lambda n: 25),
    "FeatureAblation (captum)": (Rival(ablation, ("captum", "torch")), lambda n: n + 1),
    "KernelExplainer (shap)": (Rival(kernel_explainer, ("shap",)), lambda n: min(2 * n + 2048, 2**n - 2) + 2),
    "PartitionExplainer (shap)": (Rival(partition, ("shap",)), lambda n: 500),
}
