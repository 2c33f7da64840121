"""Above: as a target, every label that a model gives the instance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from probes.errors import InputError, number
from probes.rounding import alone

__all__ = ["Above"]

#: a column of scikit-learn that says that a label is not given
_NOT_GIVEN = re.compile(r"target \d+ = (0|0\.0|False)")


@dataclass(frozen=True)
class Above:
    """The labels that the instance has with more than this probability, each explained as an output of its own.

    For models that may give several labels at once, and any other that answers with probabilities, logits or log-odds.
    Of scikit-learn's columns for 0 and 1 those for 1 count.

    Parameters
    ----------
    threshold : float, default 0.5
        Between 0 and 1.

    Raises
    ------
    InputError

    Examples
    --------
    >>> Above(0.5).labels(("sad", "funny", "long"), "probability", np.array([0.2, 0.9, 0.6]))
    [1, 2]
    """

    threshold: float = 0.5

    def __post_init__(self) -> None:
        number("threshold", self.threshold, low=0, high=1)

    def labels(self, outputs: Sequence[str], unit: str, instance: np.ndarray) -> list[int]:
        """Return the numbers of the outputs that are above it.

        Parameters
        ----------
        outputs : sequence of str
        unit : str
        instance : ndarray ``(K,)``
            Raw outputs for the instance.

        Raises
        ------
        InputError
            If there are none, or the outputs are no probabilities and none can be made of them.
        """
        if unit not in ("probability", "logit", "log-odds"):
            raise InputError("target", f"be outputs by name: these are no probabilities ({unit})", self)
        several = unit == "logit" and len(outputs) > 1
        scores = instance if unit == "probability" else softmax(instance) if several else expit(instance)
        counted = [i for i, name in enumerate(outputs) if not _NOT_GIVEN.fullmatch(name)]
        found = [i for i in counted if scores[i] > self.threshold]
        if not found:
            best = max(counted, key=lambda i: scores[i])
            likeliest = f"{outputs[best]} has {alone(float(scores[best]))}"
            raise InputError("target", f"be a threshold that some label is above; of the instance {likeliest}", self)
        return found
