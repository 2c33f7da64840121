"""shapley_values(): a model's own Shapley values with standard errors, from questions that suit them best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from probes.asking.ask import Interrupted
from probes.asking.session import Inquiry, as_seed
from probes.design import PAIRS, Design, corners, paired
from probes.errors import InputError, ModelError, require
from probes.probe import Feature, Probe
from probes.store.store import Store
from surrogates.results.files import dumped, loaded, written
from surrogates.results.provenance import library_version, provenance
from surrogates.shapley.index_table import tabulate
from surrogates.shapley.paired_estimate import from_pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ShapleyValues", "shapley_values"]

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


def shapley_values(
    model: object,
    probe: Probe | str | pd.Series | pd.DataFrame | Mapping[str, Any],
    *,
    budget: int | None = None,
    target: Any = None,
    background: pd.DataFrame | np.ndarray | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
) -> ShapleyValues:
    """The model's own Shapley values, with intervals.

    Where only Shapley values are wanted, this gets more from each question than reading them off an explanation: it
    asks in pairs of a row and its complement, of sizes that matter to them. Fidelity is not judged.

    Parameters
    ----------
    model, probe, budget, target, background, random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`. For real features the game is between the instance and the
        reference, one standard deviation below it.

    Returns
    -------
    ShapleyValues

    Raises
    ------
    InputError, ModelError, StoreError
        As for :func:`~surrogates.local.explain.explain`; on Ctrl-C what was answered so far is used, likewise.

    Notes
    -----
    Design: Musco and Witter (2025). The estimate is the posterior of a Gaussian process over the odd part of the game,
    with a correction by weighted least squares on its residuals.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> found = shapley_values(lambda Z: 3 * Z[:, 1] + Z[:, 0] * Z[:, 2], MaskProbe(12), budget=100, store=None)
    >>> found.table[["features", "index"]].head(1).round(2)
      features  index
    0       x1    3.0
    """
    inquiry = Inquiry(model, probe, background, target, store, progress)
    region, rows = inquiry.probe, inquiry.rows(budget)
    d = len(region.features)
    least = 2 + 2 * PAIRS
    if rows < least and rows < 2**d:
        raise InputError("budget", f"allow {least} questions, five pairs and the endpoints", f"{rows} questions")
    seed = as_seed(random_state)
    Z = paired(d, rows, np.random.default_rng(seed))
    whole = len(Z) == 2**d
    design = Design(np.where(Z > 0.5, region.instance, region.reference), 2, population=corners(d))
    notes, stopped = list(region.notes), False
    try:
        answers = inquiry.ask(design)
    except Interrupted as stop:
        if stop.answers is None:
            raise
        answers, stopped = stop.answers, True
        notes.append(f"Interrupted: it rests on {len(answers.design)} of {len(design)} questions.")
    Z, y = _whole_pairs(region.instance == answers.design.Z, inquiry.y(answers))
    if len(Z) < min(least, len(design)):  # too few; answers so far are in the store
        if stopped:
            raise KeyboardInterrupt
        told = f"Only {len(Z)} questions were answered together with their complements, of {len(design)}."
        raise ModelError(f"{told} {answers.reason}".rstrip())
    assert inquiry.number is not None
    exact = whole and not inquiry.noisy and len(Z) == len(design)
    found = from_pairs(Z, y, noisy=inquiry.noisy)
    if inquiry.noisy:
        notes.append(
            "The model answers the same question differently each time; the answers for the instance and the reference "
            "are taken as they came, and intervals do not know of their noise."
        )
    outputs = inquiry.number.outputs
    return ShapleyValues(
        table=tabulate(found, region.features, outputs, "paired answers", "for the model" if exact else "no"),
        values=found.values,
        se=found.se,
        base=y[1],
        features=region.features,
        outputs=outputs,
        unit=inquiry.number.unit,
        exact=exact,
        cost=asdict(answers.cost),
        warnings=tuple(notes),
        view=region.view(),
        answer=inquiry.answer if inquiry.generative else None,
        provenance=provenance(region, answers.model, len(design), budget, seed, answers.cost),
    )


def _whole_pairs(present: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 0/1 whose complements were answered as well, and their answers."""
    rows = {row.tobytes() for row in present}
    kept = np.array([(~row).tobytes() in rows for row in present])
    return present[kept].astype(float), y[kept]


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
