"""Components of a text classifier: answers are its classes, scored by their log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import log_softmax

from probes.cases.case import Case
from probes.cases.class_answers import check_classes, class_number
from probes.cases.component_model import CaseComponents, Scored, Setup
from probes.errors import InputError
from probes.models.evaluating import evaluating
from probes.models.huggingface.pipelines import usual_function

__all__ = ["ClassifierComponents"]


class ClassifierComponents(CaseComponents):
    """Rows of a text classifier's components, see :class:`CaseComponents`.

    Parameters
    ----------
    base : TextClassifier
    setup : Setup
        Targets and foils of its cases are names of classes.

    Raises
    ------
    InputError
        For classes that do not exclude each other, or that there are not.
    """

    def __init__(self, base: Any, setup: Setup):
        config = base.module.config
        if config.num_labels < 2 or usual_function(config) != "softmax":
            found = f"labels scored by {usual_function(config)}: {config.num_labels}"
            raise InputError("model", "have classes that exclude each other, so that one is the answer", found)
        check_classes(base.outputs, setup.cases)
        self._classes = [[class_number(base.outputs, option) for option in case.options] for case in setup.cases]
        self._rows = _rows_of(base, setup.cases)
        super().__init__(base, setup)
        self.batch = max(1, base.batch // max(len(row.ids) for row in self._rows))

    def scored(self, Z: np.ndarray) -> list[list[Scored]]:
        network, logits = self.masked(Z, 1), []
        for row in self._rows:  # one case at a time, so that nothing is padded
            fed = {name: part.repeat(len(Z), 1) for name, part in self.base.reader.padded([row]).items()}
            with evaluating(network):
                logits.append(network(**fed).logits.float().cpu().numpy())
        return [self._of([part[r] for part in logits]) for r in range(len(Z))]

    def scored_alone(self, base: Any) -> list[Scored]:
        with evaluating(base.module) as network:
            texts = (base.tokenizer(c.prompt, return_tensors="pt", **base.encoding) for c in self.setup.cases)
            fed = [text.to(base.module.device) for text in texts]
            return self._of([network(**part).logits[0].float().cpu().numpy() for part in fed])

    def _of(self, logits: Sequence[np.ndarray]) -> list[Scored]:
        """Return what the logits ``(K,)`` of each case say of its answers."""
        found = list[Scored]()
        for classes, row in zip(self._classes, logits, strict=True):
            scores = log_softmax(np.asarray(row, dtype=float))
            found += [(float(scores[k]), 1, float(k == scores.argmax())) for k in classes]
        return found


def _rows_of(base: Any, cases: Sequence[Case]) -> list[Any]:
    """Return what the network is fed for the text of each case.

    Raises
    ------
    InputError
        For what is no text, or does not fit.
    """
    prompts = [case.prompt for case in cases]
    base.sizes(prompts)
    return list(base.reader.rows(prompts))
