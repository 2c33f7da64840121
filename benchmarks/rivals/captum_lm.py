"""captum's ``LLMAttribution`` (Miglani et al. 2023) put to the same document, question, answer and model object.

It decodes the answer token by token for every mask, by default with cached keys and values, and draws its own masks, so
that a few of them are timed and counted.
"""

from __future__ import annotations

import time
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.run.record import Skipped
from probes import CausalLM, ContextProbe

__all__ = ["seconds_per_mask"]


def seconds_per_mask(lm: CausalLM, probe: ContextProbe, masks: int, method: str, **options: Any) -> tuple[float, float]:
    """Seconds and prompt tokens of one mask, the mean over about `masks` of the rival's own.

    Parameters
    ----------
    lm, probe
        One document, with its answer.
    masks : int
        Samples asked for; the rival asks for the two end points besides.
    method : {"KernelShap", "Lime"}
    **options
        Of ``LLMAttribution.attribute``.

    Raises
    ------
    Skipped
        Where captum is not installed.
    """
    if find_spec("captum") is None:
        raise Skipped("captum is missing (pip install captum)")
    import torch
    from captum import attr

    assert probe.answer is not None
    (document,) = probe.documents

    lengths: list[int] = []

    def prompt(*pieces: str) -> str:
        text = lm.text(probe.render(np.array([[float(bool(piece)) for piece in pieces]]))[0])
        lengths.append(len(lm.tokenizer(text)["input_ids"]))
        return text

    answer = torch.tensor(lm.answer_ids(probe.render(probe.instance[None])[0], probe.answer))
    explainer = attr.LLMAttribution(getattr(attr, method)(lm.module), lm.tokenizer)
    asked = attr.TextTemplateInput(prompt, [str(piece) for piece in document.pieces])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        explainer.attribute(asked, target=answer, n_samples=masks, **options)
        seconds = time.perf_counter() - start
    return seconds / len(lengths), float(np.mean(lengths))
