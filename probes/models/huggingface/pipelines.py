"""What a text-classification ``pipeline`` adds to its network: how it encodes texts, and what it makes of logits."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit, softmax

__all__ = ["FUNCTIONS", "PipelineSettings", "unit_of", "usual_function"]

log = logging.getLogger(__name__)

#: what may be applied to logits ``(n, K)``
FUNCTIONS = {
    "softmax": lambda logits: softmax(np.asarray(logits, dtype=float), axis=1),
    "sigmoid": lambda logits: expit(np.asarray(logits, dtype=float)),
    "none": lambda logits: np.asarray(logits, dtype=float),
}
#: options of a tokenizer that mean the same for each text of a batch as for the text alone
_PLAIN = ("add_special_tokens", "max_length", "truncation", "truncation_side")
#: options that change what a pipeline shows, or how it is run, and no score
_SHOWN = ("batch_size", "return_all_scores", "return_tensors", "top_k", "_legacy")
#: paddings that add nothing to a text alone, as a pipeline encodes it
_UNPADDED = (True, False, "longest", "do_not_pad")


def usual_function(config: Any) -> str:
    """Name the function that a pipeline applies to logits unless told otherwise."""
    if config.problem_type == "regression":
        return "none"
    several = config.problem_type == "multi_label_classification"
    return "sigmoid" if several or config.num_labels == 1 else "softmax"


def unit_of(config: Any, function: str | None) -> str:
    """Name the unit of the outputs."""
    usual = usual_function(config)
    if function is not None and function != usual:
        # scores that compete for nothing: the default target is the label with the highest, as the pipeline shows it
        return "margin" if function == "none" else "probability"
    if usual == "sigmoid":  # one logistic for each label, so that a logit is its label's log-odds already
        return "log-odds" if config.num_labels > 1 or function is not None else "output"
    return "output" if usual == "none" else "logit"


@dataclass(frozen=True)
class PipelineSettings:
    """How a pipeline encodes texts, and what it makes of logits.

    Attributes
    ----------
    encoding : dict
        Options of the tokenizer: truncation and the like.
    function : {"softmax", "sigmoid", "none"}
    """

    encoding: Mapping[str, Any] = field(default_factory=dict)
    function: str = "softmax"

    @classmethod
    def of(cls, pipeline: Any) -> PipelineSettings | None:
        """Read the settings of a pipeline; None if it does something that these settings do not describe."""
        import transformers

        if type(pipeline) is not transformers.TextClassificationPipeline or pipeline._forward_params:
            return None  # a class of the user's own may do anything to a text or to a score
        if {"preprocess", "_forward", "postprocess", "forward", "__call__"} & vars(pipeline).keys():
            return None
        encoding = {k: v for k, v in pipeline._preprocess_params.items() if k not in _SHOWN and v is not None}
        if encoding.get("padding", False) in _UNPADDED:
            encoding.pop("padding", None)
        function = _applied(pipeline)
        return None if function is None or not set(encoding) <= set(_PLAIN) else cls(encoding, function)


def _applied(pipeline: Any) -> str | None:
    """Name the function that a pipeline applies, by what it makes of trial logits; None if it is none of ours."""
    import torch

    trial = np.linspace(1.5, -1.0, pipeline.model.config.num_labels, dtype=np.float32)[None]
    options = {k: v for k, v in pipeline._postprocess_params.items() if k not in _SHOWN}
    try:
        shown = pipeline.postprocess({"logits": torch.from_numpy(trial)}, **options, top_k=None, _legacy=False)
        scores = [entry["score"] for entry in shown]
    except Exception as error:  # noqa: BLE001 - a pipeline that fails here fails in its own words when it is asked
        log.info("the pipeline's postprocess raised %s: %s", type(error).__name__, error)
        return None
    expected = {name: function(trial)[0] for name, function in FUNCTIONS.items()}
    same = (n for n, e in expected.items() if len(scores) == len(e) and np.allclose(scores, e, rtol=0, atol=1e-5))
    return next(same, None)
