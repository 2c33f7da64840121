"""ShapleyValues: a model's Shapley values with standard errors, as data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

from surrogates.local.model_indices import ModelIndices
from surrogates.results.result import SavedResult
from surrogates.results.shap_values import shap_explanation

__all__ = ["ShapleyValues"]


@dataclass(frozen=True, kw_only=True)
class ShapleyValues(ModelIndices, SavedResult):
    """Shapley values of the instance against the reference.

    Attributes
    ----------
    table : DataFrame
        ``output, features, index, se, low, high, exact, source``, strongest first.
    values : ndarray ``(k, d)``
        In the order of the features; they add up to the model's answer for the instance minus that for the reference.
    se : ndarray ``(k, d)``
        Their standard errors.
    base : ndarray ``(k,)``
        The model's answer for the reference.
    features : tuple of Feature
    outputs : tuple of str
    unit : str
    exact : bool
        Whether every row of the cube was asked.
    cost : dict
        As of :class:`~probes.asking.cost.Cost`.
    warnings : tuple of str
    view : dict
        What the instance looks like.
    answer : str or None
        For language models: the continuation that is explained.
    provenance : dict
        Versions, seed, model identity, cost.
    """

    kind: ClassVar[str] = "shapley values"
    named: ClassVar[str] = "Shapley values"

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        self.check_shapes(len(self.features))

    def to_shap(self) -> Any:
        """Make a ``shap.Explanation`` for shap's plots, values ``(d,)`` or ``(d, k)``.

        Under a real-valued law the values are of the game between the instance and the point one standard deviation
        below it, and a ``UserWarning`` says so.

        Raises
        ------
        MissingExtra
            Without the ``shap`` extra.
        """
        if any(f.kind != "binary" for f in self.features):
            warnings.warn(
                "These are Shapley values of the game between the instance and the point one standard deviation below "
                "it, not of a game over a data set.",
                stacklevel=2,
            )
        return shap_explanation(self.values, self.base, self.features, self.outputs)
