"""context-cite (Cohen-Wang et al. 2024) put to the same questions: same prompts, masks, answer and model object."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.special import log_expit

from benchmarks.run.record import Skipped
from probes import CausalLM, ContextProbe

__all__ = ["ContextCite"]


class _Partitioner:
    """A probe's sources and rendering in the shape that context-cite asks for; its own needs a download."""

    def __init__(self, probe: ContextProbe):
        (self.document,) = probe.documents
        self.num_sources = len(probe.features)
        self.context = self.get_context()

    def get_context(self, mask: np.ndarray | None = None) -> str:
        return self.document.render(np.ones(self.num_sources) if mask is None else mask, None)

    def get_source(self, index: int) -> str:
        return self.document.pieces[index]


class ContextCite:
    """The rival's scorer for one probe and answer.

    Parameters
    ----------
    lm : CausalLM
        Its module and tokenizer are used as they are.
    probe : ContextProbe
        One document, with its answer.
    batch_size : int, default 1
        The rival's own default.

    Raises
    ------
    Skipped
        Where the package is not installed.
    """

    def __init__(self, lm: CausalLM, probe: ContextProbe, batch_size: int = 1):
        for name in ("context_cite", "nltk", "spacy", "datasets"):
            if find_spec(name) is None:
                raise Skipped(
                    f"{name} is missing (pip install --no-deps context-cite; pip install nltk spacy datasets)"
                )
        nltk = import_module("nltk")
        with patch.object(nltk, "download"):  # it downloads on import
            self.package = import_module("context_cite")
        self.lm, self.probe, self.batch_size = lm, probe, batch_size
        self.lm.tokenizer.padding_side = "left"

    def citer(self, rows: int) -> Any:
        """A fresh ContextCiter, told the answer instead of generating it."""
        partitioner = _Partitioner(self.probe)
        citer = self.package.ContextCiter(
            self.lm.module,
            self.lm.tokenizer,
            partitioner.context,
            self.probe.question,
            num_ablations=rows,
            batch_size=self.batch_size,
            prompt_template=self.probe.template.replace("{question}", "{query}"),
            partitioner=partitioner,
        )
        _, prompt = citer._get_prompt_ids(return_prompt=True)
        citer._cache["output"] = prompt + self.probe.answer
        return citer

    def tokens(self, masks: np.ndarray) -> list[list[int]]:
        """Token ids of the whole sequences it scores."""
        citer = self.citer(len(masks))
        return [citer._get_prompt_ids(mask) + citer._response_ids for mask in masks.astype(bool)]

    def fit(self, masks: np.ndarray, y: np.ndarray, answer_tokens: int) -> tuple[np.ndarray, float]:
        """Weights ``(d,)`` and level by its own solver, of log-odds ``(n,)`` of an answer of so many tokens."""
        weight, level = self.package.solver.LassoRegression().fit(masks, y, answer_tokens)
        return np.asarray(weight, dtype=float), float(level)

    def score(self, masks: np.ndarray) -> np.ndarray:
        """Log-probability (nats) of every answer token for rows ``(n, d)``: ``(n, k)``.

        It works in log-odds; turning them into log-probabilities takes no time worth the name.
        """
        rows = masks.astype(bool)
        drawn = patch.object(self.package.utils, "_create_mask", lambda sources, share, seed: rows[seed])
        with drawn, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated autocast, on every batch
            return log_expit(self.citer(len(rows))._logit_probs.astype(float))
