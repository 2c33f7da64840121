"""shapley_values(): a model's own Shapley values with standard errors, from questions that suit them best."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask import Interrupted
from probes.asking.session import Inquiry, as_seed
from probes.design import PAIRS, Design, corners, paired
from probes.errors import InputError, ModelError
from probes.probe import Probe
from probes.store.store import Store
from surrogates.local.shapley_values import ShapleyValues
from surrogates.results.provenance import cost_data, provenance
from surrogates.shapley.index_table import tabulate
from surrogates.shapley.paired_estimate import from_pairs

__all__ = ["shapley_values"]


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
        cost=cost_data(answers.cost),
        warnings=tuple(notes),
        view=dict(region.view()),
        answer=inquiry.answer if inquiry.generative else None,
        provenance=provenance(region, answers.model, len(design), budget, seed, answers.cost),
    )


def _whole_pairs(present: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 0/1 whose complements were answered as well, and their answers."""
    rows = {row.tobytes() for row in present}
    kept = np.array([(~row).tobytes() in rows for row in present])
    return present[kept].astype(float), y[kept]
