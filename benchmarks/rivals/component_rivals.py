"""Others' linear models of which components a metric comes from, each over the same ablations as ComponentProbe's.

* COAR (Shah, Ilyas and Madry 2024, arXiv:2404.11534): each component is ablated with a small probability in every mask,
  and ordinary least squares is fitted. Its authors ablate 2.5% of the components of GPT-2 and 5% of those of vision
  models, with tens of thousands of masks of tens of thousands of components.
* Attribution patching (Nanda 2023; Syed, Rager and Conmy 2023, arXiv:2310.10348): the change by one ablation to first
  order, (activation − what replaces it) · gradient, at the network as it is.
* One by one: the change by each ablation alone, which attribution patching approximates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

from probes import Case, CausalLM, ComponentProbe, ablate
from probes.interventions.ablation import Ablation, place_of
from probes.interventions.network_modules import module_named

__all__ = ["Linear", "alone", "attribution_patching", "coar_masks", "least_squares"]


@dataclass(frozen=True)
class Linear:
    """Predicts ``base + Z @ weights``."""

    base: float
    weights: np.ndarray

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.base + np.asarray(Z, dtype=float) @ self.weights

    @classmethod
    def from_whole(cls, whole: float, drops: np.ndarray) -> Linear:
        """Predict the whole network's answer less what each absent component takes away."""
        return cls(whole - float(drops.sum()), drops)


def coar_masks(d: int, rows: int, share: float, seed: int) -> np.ndarray:
    """Draw masks ``(rows, d)`` that ablate each component with probability `share`; fewer rows are the first ones."""
    return (np.random.default_rng([seed, 31]).random((rows, d)) >= share).astype(float)


def least_squares(Z: np.ndarray, y: np.ndarray) -> Linear:
    """Fit all weights by ordinary least squares, those of least norm where masks do not settle them."""
    fitted = LinearRegression().fit(Z, y)
    return Linear(float(fitted.intercept_), fitted.coef_)


def alone(answer: Callable[[np.ndarray], np.ndarray], d: int) -> Linear:
    """Ablate one component at a time: d + 1 calls."""
    y = answer(np.vstack([np.ones(d), 1 - np.eye(d)]))
    return Linear.from_whole(float(y[0]), y[0] - y[1:])


def attribution_patching(lm: CausalLM, probe: ComponentProbe) -> Linear:
    """Approximate every ablation alone by one gradient: a forward and a backward for each case, and the references.

    The metric must be the difference to the likeliest foil.
    """
    setup = probe.setup
    assert setup.metric.name == "logit_difference"
    reference = () if setup.by == "zero" else setup.prompts
    ablation = ablate(lm, setup.components, setup.by, reference=reference).intervention
    assert isinstance(ablation, Ablation)
    told = [_first_order(lm, case, ablation) for case in setup.cases]
    return Linear.from_whole(
        float(np.mean([whole for whole, _ in told])), np.mean([drops for _, drops in told], axis=0)
    )


def _first_order(lm: CausalLM, case: Case, ablation: Ablation) -> tuple[float, np.ndarray]:
    """Return the metric of one case, and what each component's ablation takes away from it to first order."""
    import torch

    network = lm.module
    places = [place_of(network, name) for name in ablation.components]
    seen: dict[tuple[str, bool], Any] = {}

    def keep(key: tuple[str, bool]) -> Callable[..., None]:
        def hook(_: Any, given: tuple[Any, ...], output: Any = None) -> None:
            tensor = given[0] if key[1] else output[0] if isinstance(output, tuple) else output
            seen[key] = tensor

        return hook

    handles = []
    for module, before in {(place.module, place.before) for place in places}:
        part = module_named(network, module)
        register = part.register_forward_pre_hook if before else part.register_forward_hook
        handles.append(register(keep((module, before))))
    pairs = [lm.pairs().ids((case.prompt, option)) for option in case.options]
    rows = [[*prompt, *answer[:-1]] for prompt, answer in pairs]
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=network.device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=network.device)
    try:
        with torch.enable_grad():
            logits = network(input_ids=ids, attention_mask=mask, use_cache=False).logits.float().log_softmax(-1)
            total = []
            for i, (prompt, answer) in enumerate(pairs):
                at = torch.arange(len(prompt) - 1, len(prompt) - 1 + len(answer))
                total.append(logits[i, at, torch.tensor(answer)].sum())
            metric = total[0] - torch.stack(total[1 + len(case.also) :]).max()
            keys = list(seen)
            slopes = dict(zip(keys, torch.autograd.grad(metric, [seen[key] for key in keys]), strict=True))
    finally:
        for handle in handles:
            handle.remove()
    drops = []
    for place, values in zip(places, ablation.values, strict=True):
        key, part = (place.module, place.before), slice(place.start, place.stop)
        activation, slope = (t[..., part].detach().double().cpu().numpy() for t in (seen[key], slopes[key]))
        drops.append(float(((activation - values) * slope).sum()))
    return float(metric.detach()), np.array(drops)
