"""captum's perturbation methods on conversations: of any scorer of 0/1 rows, and ``LLMAttribution`` of a model.

Each method asks as many questions as it does by default; they are counted.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.run.record import Skipped
from probes import CausalLM, ChatProbe

__all__ = ["METHODS", "Attributed", "of_language_model", "of_scorer"]

#: captum's classes
METHODS = ("Lime", "KernelShap", "ShapleyValueSampling", "FeatureAblation")

#: attributions ``(d,)``, model calls, seconds
Attributed = tuple[np.ndarray, int, float]


def _captum() -> tuple[Any, Any]:
    if find_spec("captum") is None or find_spec("torch") is None:
        raise Skipped("captum is missing (pip install captum)")
    import torch
    from captum import attr

    return torch, attr


def of_scorer(score: Callable[[np.ndarray], np.ndarray], d: int, method: str, seed: int) -> Attributed:
    """Attribute a function of rows ``(m, d)``."""
    torch, attr = _captum()
    calls = 0

    def forward(rows: Any) -> Any:
        nonlocal calls
        calls += len(rows)
        return torch.tensor(np.asarray(score(rows.numpy()), dtype=np.float32))

    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - captum draws from the global state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        found = getattr(attr, method)(forward).attribute(torch.ones(1, d), baselines=torch.zeros(1, d))
        seconds = time.perf_counter() - start
    return found[0].numpy().astype(float), calls, seconds


def of_language_model(lm: CausalLM, probe: ChatProbe, method: str, seed: int) -> Attributed:
    """Attribute the mean log-prob of the probe's answer to the parts of a conversation."""
    torch, attr = _captum()
    calls, d = 0, len(probe.features)

    def prompt(*pieces: str) -> str:
        nonlocal calls
        calls += 1
        return lm.text(probe.render(np.array([[float(bool(piece)) for piece in pieces]]))[0])

    assert probe.answer is not None
    answer = torch.tensor(lm.answer_ids(probe.render(probe.instance[None])[0], probe.answer))
    explainer = attr.LLMAttribution(getattr(attr, method)(lm.module), lm.tokenizer)
    asked = attr.TextTemplateInput(prompt, [str(i) for i in range(d)])
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - captum draws from the global state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        found = explainer.attribute(asked, target=answer)
        seconds = time.perf_counter() - start
    return found.seq_attr.cpu().numpy().astype(float) / len(answer), calls, seconds
