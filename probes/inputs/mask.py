"""MaskProbe: the raw cube. Any function of 0/1 rows, as in game theory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probes.errors import InputError
from probes.probe import Feature, Probe, at_least_two
from probes.views import CubeView

__all__ = ["MaskProbe"]


class MaskProbe(Probe):
    """The cube ``{0, 1}ⁿ`` itself: the model is given the rows of 0 and 1.

    Parameters
    ----------
    features : int or sequence of str
        How many features, or their names.

    Raises
    ------
    InputError
        For fewer than two features, or names that repeat.

    Examples
    --------
    >>> MaskProbe(["a", "b"]).render(np.array([[1, 0]]))
    array([[1., 0.]])
    """

    def __init__(self, features: int | Sequence[str]):
        if isinstance(features, (int, np.integer)):
            names = [f"x{i}" for i in range(features)]
        elif not isinstance(features, (list, tuple)) or not all(isinstance(f, str) for f in features):
            raise InputError("features", "be a number of features or a list of names", features)
        else:
            names = list(features)
        if len(set(names)) < len(names):
            raise InputError("features", "have names that do not repeat", names)
        self.features = at_least_two([Feature(name) for name in names], "features", features)

    def render(self, Z: np.ndarray) -> np.ndarray:
        return np.asarray(Z, dtype=float)

    def view(self) -> CubeView:
        return {"kind": "cube", "features": [f.name for f in self.features]}
