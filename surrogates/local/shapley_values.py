"""ShapleyValues: a model's Shapley values with standard errors, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from probes.errors import InputError, require
from probes.probe import Feature
from surrogates.results.files import dumped, loaded, written
from surrogates.results.provenance import library_version

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ShapleyValues", "shap_explanation"]

SCHEMA = 1


@dataclass(frozen=True)
class ShapleyValues:
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
        As of :class:`~probes.asking.ask.Cost`.
    warnings : tuple of str
    view : dict
        What the instance looks like.
    answer : str or None
        For language models: the continuation that is explained.
    provenance : dict
        Versions, seed, model identity, cost.
    """

    table: pd.DataFrame
    values: np.ndarray
    se: np.ndarray
    base: np.ndarray
    features: tuple[Feature, ...]
    outputs: tuple[str, ...]
    unit: str
    exact: bool
    cost: dict[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()
    view: dict[str, Any] = field(default_factory=dict, repr=False)
    answer: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict, repr=False)

    def plot(self, ax: Axes | None = None, *, output: str | None = None, max_features: int = 15) -> Axes:
        """The values with intervals as a bar chart; returns the Axes."""
        from surrogates.report.figures import shapley_plot

        return shapley_plot(self, ax, output=output, max_features=max_features)

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page; it opens anywhere and loads nothing."""
        from surrogates.report.anchor_and_shapley import shapley_page

        return written(path, shapley_page(self))

    def to_json(self, path: str | Path | None = None) -> str:
        """All of it as JSON text, written to `path` if given. Includes the instance, no answers."""
        data = {
            "iomap": library_version(),
            "schema": SCHEMA,
            "kind": "shapley values",
            "table": self.table.to_dict("list"),
            "values": self.values.tolist(),
            "se": self.se.tolist(),
            "base": self.base.tolist(),
            "features": [asdict(f) for f in self.features],
            "outputs": list(self.outputs),
            "unit": self.unit,
            "exact": self.exact,
            "cost": self.cost,
            "warnings": list(self.warnings),
            "view": self.view,
            "answer": self.answer,
            "provenance": self.provenance,
        }
        return dumped(data, path)

    @classmethod
    def from_json(cls, source: str | Path) -> ShapleyValues:
        """Read what :meth:`to_json` wrote: a path, or the JSON text itself.

        Raises
        ------
        InputError
            If it is no Shapley values, or was written by a newer version.
        """
        data = loaded(source, "Shapley values")
        head = {name: data.pop(name, None) for name in ("iomap", "schema", "kind")}
        if (head["kind"], head["schema"]) != ("shapley values", SCHEMA):
            raise InputError(
                "source", f"be Shapley values of schema {SCHEMA}, the one this version reads", sorted(data)[:5]
            )
        try:
            read: dict[str, Any] = {name: np.array(data.pop(name), dtype=float) for name in ("values", "se", "base")}
            read |= {name: tuple(data.pop(name)) for name in ("outputs", "warnings")}
            read |= {"features": tuple(Feature(**f) for f in data.pop("features"))}
            return cls(table=pd.DataFrame(data.pop("table")), **read, **data)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("source", f"be whole Shapley values by to_json ({error})", sorted(data)[:5]) from error

    def _repr_html_(self) -> str:
        from surrogates.report.anchor_and_shapley import shapley_fragment

        return shapley_fragment(self)

    def to_shap(self) -> Any:
        """A ``shap.Explanation`` for shap's plots, values ``(d,)`` or ``(d, k)``.

        Raises
        ------
        MissingExtra
            Without the ``shap`` extra.
        """
        return shap_explanation(self.values, self.base, self.features, self.outputs)

    def __str__(self) -> str:
        how = "exact: every question was asked" if self.exact else f"{self.cost['rows']} inputs asked"
        shown = self.table[["output", "features", "index", "low", "high"]].head(12).to_string(index=False)
        notes = "".join(f"\nNote: {note}" for note in self.warnings)
        return f"Shapley values of the model ({self.unit}; {how})\n{shown}{notes}"


def shap_explanation(
    values: np.ndarray, base: np.ndarray, features: tuple[Feature, ...], outputs: tuple[str, ...]
) -> Any:
    """Values ``(k, d)`` and base values ``(k,)`` as a ``shap.Explanation``."""
    shap = require("shap", "to_shap()")
    single = len(outputs) == 1
    return shap.Explanation(
        values=values[0] if single else values.T,
        base_values=float(base[0]) if single else base,
        data=np.array([f.value or f.name for f in features], dtype=object),
        feature_names=[f.name for f in features],
        output_names=None if single else list(outputs),
    )
