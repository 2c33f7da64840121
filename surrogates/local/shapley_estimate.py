"""shapley_values(): a model's own Shapley values with standard errors, from questions that suit them best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from probes.asking.question import Question
from probes.asking.session import Reply, Session, StoreLike
from probes.design import Design, by_size, corners, paired, random_seed
from probes.inputs.adapt import ProbeLike, RowSettings
from probes.inputs.locality import Law
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from surrogates.local.index_answers import LEAST, IndexAnswers, check_rows, design_of, present
from surrogates.local.shapley_values import ShapleyValues
from surrogates.shapley.next_pairs import next_pairs
from surrogates.shapley.paired_estimate import from_pairs, odd_parts
from surrogates.shapley.pairwise_indices import from_rows

__all__ = ["shapley_values"]

#: features above which single rows are asked where pairs would be fewer than features: two answers of a pair are one
#: equation for them. With 60 and fewer that gained on sums and lost on few products
_MANY = 60


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
    answers to the first leave most doubt about them. Of more than 60 features, and more than there could be pairs,
    single rows are drawn. Fidelity is not judged.

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
    a Gaussian process over the odd part of the game most. The estimate averages that process, the proxy of
    :func:`~surrogates.local.explain.explain`, and the proxy with such a process of what it misses, by how well each
    predicts pairs left out; above 600 questions it is the first alone. Single rows: as for
    :func:`~surrogates.pairwise_interactions`.

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
    d, rows, rng = len(session.question.probe.features), session.allowance.rows, np.random.default_rng(seed)
    check_rows(d, rows)
    if d > _MANY and rows // 2 < d:
        answers = IndexAnswers.ask(session, design_of(session, by_size(d, rows, rng)))
        estimate = from_rows(answers.Z, answers.y, "shapley", session.noisy, order=1)
        return ShapleyValues(**answers.fields(estimate, "rows of one design", budget, seed))
    # half of what the budget allows is drawn; every possible row where it allows that
    first = paired(d, rows if rows >= corners(d) else max(LEAST, rows // 2), rng)

    def second(reply: Reply) -> Design:
        Z, y = present(session, reply, paired=True)
        chosen = next_pairs(first, odd_parts(Z, y) if len(Z) >= LEAST else None, (rows - len(first)) // 2, rng)
        return design_of(session, np.vstack([first, np.stack([chosen, 1 - chosen], axis=1).reshape(-1, d)]))

    more = len(first) < min(rows, corners(d))
    answers = IndexAnswers.ask(session, design_of(session, first), second if more else None, paired=True)
    estimate = from_pairs(answers.Z, answers.y, noisy=session.noisy)
    return ShapleyValues(**answers.fields(estimate, "paired answers", budget, seed))
