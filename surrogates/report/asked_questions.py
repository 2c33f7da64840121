"""What an Explanation's questions were answered with: by the model, and by a surrogate that had not seen the answer."""

from __future__ import annotations

import numpy as np

from surrogates.local.explanation import Explanation

__all__ = ["AT_RANDOM", "apart", "decisions", "errors", "explained_outputs", "few_questions", "variations"]

#: units of classes, of which the highest is what a model decides for
_CLASSES = ("logit", "log-odds", "margin", "probability")
#: questions that are drawn to be shown, and what is said of them
_DRAWN, AT_RANDOM = 2, "drawn at random"


def decisions(ex: Explanation) -> np.ndarray | None:
    """Return the number of the class that the model decided for at each question, ``(n,)``; None without classes.

    The highest raw output, as :func:`~surrogates.anchor` decides; none for a function of the user's.
    """
    answers = ex.answers
    by_class = answers.unit in _CLASSES and answers.y.shape[1] > 1 and ex.target.function is None
    return answers.y.argmax(axis=1) if by_class and ex.raw_answers_kept else None


def explained_outputs(ex: Explanation) -> list[int]:
    """Return the outputs from whose explanation something may be read: they vary, and no verdict forbids it."""
    f = ex.fidelity
    return [j for j, no in enumerate(f.refused()) if not no and np.isfinite(f.r2[j])]


def variations(ex: Explanation) -> int:
    """Count the different rows that were asked, the instance among them; of a document on whatever cut."""
    if ex.zoom is not None:
        return ex.zoom.asked + ex.fidelity.rows
    return len(np.unique(ex.answers.design.Z, axis=0))


def apart(ex: Explanation) -> np.ndarray:
    """Return what a surrogate that had not seen each answer says, ``(n, k)``; NaN for the block, which all have seen.

    A judged row is predicted by the surrogate fitted without its fold. Fixed rows are fitted to by none, unless the
    sample holds them as well; nor are rows that a certificate alone rests on. Where every possible row was asked
    nothing is held out, and this is the surrogate's own.
    """
    design = ex.answers.design
    predicted = ex.predict(design.Z).reshape(len(design), -1)
    first = design.fixed + design.block
    predicted[design.fixed : first] = np.nan
    judged = min(len(ex.fidelity.predicted), len(design) - first)
    predicted[first : first + judged] = ex.fidelity.predicted[:judged]
    for i in range(design.fixed):
        same = np.flatnonzero((design.sampled == design.Z[i]).all(axis=1))
        if len(same):
            predicted[i] = predicted[design.fixed + same[0]]
    return predicted


def errors(ex: Explanation, predicted: np.ndarray) -> np.ndarray:
    """Return how far each answer is from the prediction, ``(n,)``: the mean over outputs, in standard deviations."""
    spread = ex.y.std(axis=0)
    moved = spread > 0
    if not moved.any():
        return np.zeros(len(ex.y))
    off: np.ndarray = (np.abs(ex.y - predicted)[:, moved] / spread[moved]).mean(axis=1)
    return off


def few_questions(ex: Explanation, off: np.ndarray) -> list[tuple[int, str]]:
    """Choose up to five questions to show, each with why, by a fixed rule.

    The instance; of all judged rows the one with the median error, the one with the largest, and two drawn at random
    with the seed of the explanation. None twice; of equal errors the first.
    """
    design = ex.answers.design
    first = design.fixed + design.block
    judged = [i for i in range(first, len(design)) if (design.Z[i] != design.Z[0]).any() and np.isfinite(off[i])]
    chosen = {0: "this input"}
    if judged:
        order = sorted(judged, key=lambda i: (round(float(off[i]), 9), -i))
        missed = round(float(off[order[-1]]), 9) > 0
        chosen[order[-1]] = "the worst miss" if missed else "the worst: not missed"
        chosen.setdefault(order[len(order) // 2], "a typical miss")
        rest = [i for i in judged if i not in chosen]
        drawn = np.random.default_rng(ex.provenance["random_state"]).permutation(len(rest))[:_DRAWN]
        chosen |= {rest[j]: AT_RANDOM for j in sorted(drawn)}
        if round(float(off[0] - off[order[-1]]), 9) > 0:
            chosen[0], chosen[order[-1]] = "this input: the worst miss", "the worst miss but for this input"
    ranks = ("this input", "a typical", "the worst", "drawn")
    return sorted(chosen.items(), key=lambda item: [item[1].startswith(r) for r in ranks].index(True))
