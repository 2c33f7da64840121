"""Components of an image classifier or a torch module: its own outputs, averaged over inputs."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from probes.cases.component_model import ComponentModel, Setup
from probes.errors import InputError
from probes.interventions.intervened import intervened, is_listed
from probes.models.huggingface.image_classifier import ImageClassifier
from probes.outputs.target import resolve

__all__ = ["InputComponents"]

#: inputs of one forward
_AT_ONCE = 32


class InputComponents(ComponentModel):
    """Rows → the outputs of a model, averaged over inputs; of logits the log-odds of each class are.

    Parameters
    ----------
    base : ImageClassifier or TorchModule
    setup : Setup
        With ``inputs``.

    Raises
    ------
    InputError
        For inputs that are not several.
    """

    def __init__(self, base: Any, setup: Setup):
        if not is_listed(base, setup.inputs):
            raise InputError("cases", "be a list of images, or rows, that the model reads", setup.inputs)
        super().__init__(base, setup)
        self.outputs, self.unit = base.outputs, "log-odds" if base.unit == "logit" else base.unit
        self.batch = max(1, _AT_ONCE // len(setup.inputs))

    def numbers(self, Z: np.ndarray) -> np.ndarray:
        total = 0.0
        for part in self._parts:
            asked: Any = intervened(self.base, self.masking(Z, len(part)))
            ask = asked.of_encoded if isinstance(self.base, ImageClassifier) else asked
            numbers = self._of(ask(_repeated(part, len(Z))))
            total = total + numbers.reshape(len(Z), len(part), -1).sum(axis=1)
        return np.asarray(total / len(self.setup.inputs))

    @cached_property
    def _parts(self) -> list[Any]:
        """Inputs as they are asked at once; images as the network reads them, which takes longer than asking some."""
        count = len(self.setup.inputs)
        parts = [_some(self.setup.inputs, i, min(i + _AT_ONCE, count)) for i in range(0, count, _AT_ONCE)]
        return [self.base.encoded(part) for part in parts] if isinstance(self.base, ImageClassifier) else parts

    def numbers_alone(self, base: Any) -> np.ndarray:
        alone = (_some(self.setup.inputs, i, i + 1) for i in range(len(self.setup.inputs)))
        return np.asarray(np.mean([self._of(base(one))[0] for one in alone], axis=0))

    def _of(self, raw: np.ndarray) -> np.ndarray:
        """Return what is averaged, of raw answers ``(n, K)``."""
        outputs = self.base.outputs or tuple(map(str, range(raw.shape[1])))
        return resolve("all", outputs, self.base.unit, raw[0])(raw)


def _some(inputs: Any, start: int, stop: int) -> Any:
    return inputs.iloc[start:stop] if isinstance(inputs, pd.DataFrame) else inputs[start:stop]


def _repeated(inputs: Any, times: int) -> Any:
    """Return inputs so many times, one after the other."""
    if isinstance(inputs, pd.DataFrame):
        return pd.concat([inputs] * times, ignore_index=True)
    if isinstance(inputs, (list, tuple)):
        return [*inputs] * times
    return inputs[np.arange(len(inputs) * times) % len(inputs)]
