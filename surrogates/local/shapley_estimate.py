"""shapley_values(): a model's own Shapley values with standard errors, from questions that suit them best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from probes.asking.answers import Interrupted
from probes.asking.question import Question
from probes.asking.session import Reply, Session, StoreLike
from probes.design import PAIRS, Design, corners, paired, random_seed
from probes.errors import InputError, ModelError
from probes.inputs.adapt import ProbeLike, RowSettings
from probes.inputs.locality import Law
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from probes.probe import Probe
from surrogates.judging.notes import one_by_one
from surrogates.local.shapley_values import ShapleyValues
from surrogates.results.provenance import cost_data, provenance
from surrogates.shapley.index_table import for_these, tabulate
from surrogates.shapley.next_pairs import next_pairs
from surrogates.shapley.paired_estimate import from_pairs, odd_parts

__all__ = ["LEAST", "NOISY", "exact_for", "shapley_values"]

#: fewest questions: the endpoints and five pairs
LEAST = 2 + 2 * PAIRS
#: said of models that answer differently each time
NOISY = (
    "The model answers the same question differently each time; the answers for the instance and the reference are "
    "taken as they came, and intervals do not know of their noise."
)


def shapley_values(
    model: ModelLike,
    probe: ProbeLike,
    *,
    budget: int | None = None,
    target: TargetLike = None,
    answer: str | None = None,
    background: pd.DataFrame | np.ndarray | None = None,
    background_rows: int | None = None,
    law: Law | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> ShapleyValues:
    """Estimate the model's Shapley values, with intervals.

    Where only Shapley values are wanted, this gets more from each question than reading them off an explanation: it
    asks in pairs of a row and its complement, half of them of sizes that matter to such values, the other half where
    answers to the first leave most doubt about them. Fidelity is not judged.

    Parameters
    ----------
    model, probe, budget, target, answer, random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`. For real features the game is between the instance and the
        reference, one standard deviation below it.
    background, background_rows, law, groups, feature_names, ignore
        For a row, as there.

    Returns
    -------
    ShapleyValues

    Raises
    ------
    InputError, ModelError, StoreError
        As for :func:`~surrogates.local.explain.explain`; on Ctrl-C what was answered so far is used, likewise.

    Notes
    -----
    Design of the first half: Musco and Witter (2025); of the second: pairs that narrow the posterior of the values of
    a Gaussian process over the odd part of the game most. The estimate averages that process and the proxy of
    :func:`~surrogates.local.explain.explain`, by how well each predicts pairs left out; above 400 questions it is the
    former alone.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> found = shapley_values(lambda Z: 3 * Z[:, 1] + Z[:, 0] * Z[:, 2], MaskProbe(12), budget=100, store=None)
    >>> found.table[["features", "index"]].head(1).round(2)
      features  index
    0       x1    3.0
    """
    seed = random_seed(random_state)
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    session = Session(Question.of(model, probe, row, target, answer), budget, store, progress)
    region, rows = session.question.probe, session.allowance.rows
    _check_rows(len(region.features), rows)
    notes, stopped, rng = list(region.notes), False, np.random.default_rng(seed)
    design = first = _first(region, rows, rng)
    try:
        reply = session.ask(first)
        if len(first) < rows and not first.exact:
            design = _second(region, first, reply, (rows - len(first)) // 2, rng)
            reply = session.ask(design)
    except Interrupted as stop:
        if stop.answers is None:
            raise
        reply, stopped = session.reply(stop.answers), True
        notes.append(f"Interrupted: it rests on {len(reply.design)} of {rows // 2 * 2} questions.")
    Z, y = _complete_pairs(region.instance == reply.design.Z, reply.y)
    if len(Z) < min(LEAST, len(design)):  # too few; answers so far are in the store
        if stopped:
            raise KeyboardInterrupt
        said = f"Only {len(Z)} questions were answered together with their complements, of {len(design)}."
        raise ModelError(f"{said} {reply.answers.reason}".rstrip())
    exact = len(design) == corners(len(region.features)) and not session.noisy and len(Z) == len(design)
    estimate = from_pairs(Z, y, noisy=session.noisy)
    if reply.answers.neighbours:
        notes.append(one_by_one(reply.answers.neighbours))
    if session.noisy:
        notes.append(NOISY)
    outputs, cost = reply.target.outputs, reply.answers.cost
    return ShapleyValues(
        table=tabulate(estimate, region.features, outputs, "paired answers", exact_for(exact, region)),
        values=estimate.values,
        se=estimate.se,
        base=y[1],
        features=region.features,
        outputs=outputs,
        unit=reply.target.unit,
        exact=exact,
        cost=cost_data(cost),
        warnings=tuple(notes),
        view=dict(region.view()),
        answer=session.answer if session.question.generative else None,
        provenance=provenance(region, reply.answers.model, len(design), budget, seed, cost),
    )


def exact_for(exact: bool, region: Probe) -> str:
    """Say what values are exact for."""
    return "no" if not exact else "for the model" if region.replication is None else for_these(region.view())


def _check_rows(d: int, rows: int) -> None:
    if rows < LEAST and rows < 2**d:
        raise InputError("budget", f"allow {LEAST} questions, five pairs and the endpoints", f"{rows} questions")


def _first(region: Probe, rows: int, rng: np.random.Generator) -> Design:
    """Return the endpoints and drawn pairs, half of what the budget allows; every possible row where it allows that."""
    d = len(region.features)
    every = rows >= corners(d)
    return _design(region, paired(d, rows if every else max(LEAST, rows // 2), rng))


def _second(region: Probe, first: Design, reply: Reply, count: int, rng: np.random.Generator) -> Design:
    """Return the first pairs and `count` more, chosen by the answers to these."""
    Z, y = _complete_pairs(region.instance == reply.design.Z, reply.y)
    asked = region.instance == first.Z
    known = odd_parts(Z, y) if len(Z) >= LEAST else None
    chosen = next_pairs(asked, known, count, rng)
    return _design(region, np.vstack([asked, np.stack([chosen, 1 - chosen], axis=1).reshape(-1, asked.shape[1])]))


def _design(region: Probe, Z: np.ndarray) -> Design:
    """Return the questions of rows of 0/1, the endpoints first."""
    rows = np.where(Z > 0.5, region.instance, region.reference)
    return Design(rows, 2, population=corners(len(region.features)))


def _complete_pairs(present: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of 0/1 whose complements were answered as well, and their answers."""
    rows = {row.tobytes() for row in present}
    kept = np.array([(~row).tobytes() in rows for row in present])
    return present[kept].astype(float), y[kept]
