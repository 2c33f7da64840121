"""pairwise_interactions(): a model's own interaction indices with standard errors, from questions that suit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from probes.asking.question import Question
from probes.asking.session import Session, StoreLike
from probes.design import by_size, corners, random_seed, uniform
from probes.errors import InputError
from probes.inputs.adapt import ProbeLike, RowSettings
from probes.inputs.locality import Law
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from surrogates.local.index_answers import IndexAnswers, check_rows, design_of
from surrogates.local.pairwise_interactions import PairwiseInteractions
from surrogates.shapley.pairwise_indices import KINDS, from_rows

__all__ = ["pairwise_interactions"]


def pairwise_interactions(
    model: ModelLike,
    probe: ProbeLike,
    index: str = "k-sii",
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
) -> PairwiseInteractions:
    """Estimate the model's interaction indices of all pairs of features, with intervals.

    Rows are drawn as the index weighs them: for Shapley interactions with sizes spread evenly, for Banzhaf ones
    uniformly. Fidelity is not judged.

    Parameters
    ----------
    model, probe
        As for :func:`~surrogates.local.explain.explain`. For real features the game is between the instance and the
        reference, one standard deviation below it.
    index : {"k-sii", "shapley", "banzhaf"}, default "k-sii"
        "shapley": Shapley values, and the Shapley interaction index (SII) of pairs. "k-sii": the same pairs, of each of
        which half is taken from either feature's value, so that all add up to the answer for the instance minus that
        for the reference. "banzhaf": Banzhaf values, and the Banzhaf interaction index (BII) of pairs.
    budget, target, answer, random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`.
    background, background_rows, law, groups, feature_names, ignore
        For a row, as there.

    Returns
    -------
    PairwiseInteractions

    Raises
    ------
    InputError, ModelError, StoreError
        As for :func:`~surrogates.local.explain.explain`; on Ctrl-C what was answered so far is used, likewise.

    Notes
    -----
    Indices: Grabisch and Roubens (1999); k-SII: Bord and von Luxburg (2023). The estimate averages the posterior of a
    Gaussian process and, up to 16 features that matter, of one on a curve, by how well each predicts answers left out.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> def model(Z):
    ...     return 3 * Z[:, 1] + 2 * Z[:, 0] * Z[:, 2]
    >>> found = pairwise_interactions(model, MaskProbe(12), budget=100, store=None)
    >>> found.table[["features", "index"]].head(2).round(1)
      features  index
    0       x1    3.0
    1  x0 × x2    2.0
    """
    if not isinstance(index, str) or index not in KINDS:
        raise InputError("index", f"be one of {', '.join(KINDS)}", index)
    seed = random_seed(random_state)
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    session = Session(Question.of(model, probe, row, target, answer), budget, store, progress)
    rows = session.allowance.rows
    check_rows(len(session.question.probe.features), rows)
    Z = _drawn(len(session.question.probe.features), index, rows, np.random.default_rng(seed))
    answers = IndexAnswers.ask(session, design_of(session, Z))
    estimate = from_rows(answers.Z, answers.y, index, noisy=session.noisy)
    common = answers.fields(estimate, "rows of one design", budget, seed)
    return PairwiseInteractions(subsets=tuple(estimate.subsets), here=answers.y[0], index=index, **common)


def _drawn(d: int, index: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return all ones, all zeros and rows drawn as the index weighs them; every row if there are no more."""
    if index == "banzhaf" and rows < corners(d):
        ends = np.stack([np.ones(d), np.zeros(d)])
        return np.vstack([ends, uniform(d, rows - 2, rng, but=ends)])
    return by_size(d, rows, rng)
