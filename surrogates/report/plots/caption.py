"""The line below a plot: whose numbers these are, how well unseen ones are predicted, and what may be relied on."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np

from probes.errors import InputError
from probes.rounding import between, counted, percent, score
from surrogates.difference.card_difference import CardDifference
from surrogates.difference.case_difference import CaseDifference
from surrogates.difference.difference import Difference
from surrogates.difference.one_vector import VectorShare
from surrogates.difference.row_difference import RowDifference
from surrogates.judging.fidelity import Fidelity
from surrogates.judging.verdict import refuses
from surrogates.local.anchor import Anchor
from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.local.dependence import Dependence
from surrogates.local.explanation import Explanation
from surrogates.local.pairwise_interactions import INDEX_NAMES, PairwiseInteractions
from surrogates.local.shapley_values import ShapleyValues
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.labels import cut
from surrogates.report.plots.drawing import SOFT, literal, root_of
from surrogates.statements.card import Card
from surrogates.statements.study import Study
from surrogates.visible import in_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Caption", "add_caption", "caption_of", "number_of"]

#: letters of a model's name
_NAME = 28
#: letters of the line to an inch, and the fewest
_LETTERS, _FEWEST = 13.0, 30
#: share of a figure that Axes take before any layout
_SHARE = 0.775


@dataclass(frozen=True)
class Caption:
    """Model, R² with its interval, verdict.

    Attributes
    ----------
    model, fit, verdict : str
    refused : bool
        Whether the verdict says that nothing may be read from what is drawn.
    """

    model: str
    fit: str
    verdict: str
    refused: bool = False

    @property
    def words(self) -> str:
        """All of it in one line."""
        parts = cut(in_line(self.model), _NAME), self.fit, self.verdict
        return " · ".join(literal(in_line(part)) for part in parts if part)


def add_caption(ax: Axes, caption: Caption) -> None:
    """Write a caption below the label of the horizontal axis, in as many lines as it needs."""
    figure = root_of(ax)
    assert figure is not None
    inches = ax.get_position().width / _SHARE * figure.get_size_inches()[0]
    lines = textwrap.wrap(caption.words, max(_FEWEST, int(_LETTERS * inches)))
    ax.annotate(
        "\n".join(lines),
        xy=(1, 0),
        xycoords=("axes fraction", ax.xaxis.label),
        xytext=(0, -7),
        textcoords="offset points",
        ha="right",
        va="top",
        multialignment="left",
        fontsize=8,
        color=SOFT,
        annotation_clip=False,
        gid="caption",
    )


def number_of(outputs: Sequence[str], output: str | None) -> int:
    """Return the number of an output, of the first where none is named.

    Raises
    ------
    InputError
        If there is no such output.
    """
    if output is None:
        return 0
    if output not in outputs:
        raise InputError("output", f"be one of {', '.join(map(repr, outputs))}", output)
    return list(outputs).index(output)


@singledispatch
def caption_of(result: object, output: str | None = None) -> Caption:
    """Return what stands below every plot of a result, about one output where there are several."""
    raise TypeError(f"there is no caption for {type(result).__name__}")


def _judged(f: Fidelity, model: str, output: str | None, change: bool = False, how: str = "") -> Caption:
    j = number_of(f.outputs, output)
    how = " (exact)" if f.exact else how
    return Caption(model, f"R² {f.scored(j)}{how}", f.judgement(change)[j], f.refused(change)[j])


@caption_of.register
def _(result: Explanation, output: str | None = None) -> Caption:
    return _judged(result.fidelity, result.provenance.get("model", result.answers.model), output)


@caption_of.register
def _(result: Difference, output: str | None = None) -> Caption:
    return _judged(result.fidelity, " → ".join(result.names), output, change=True)


@caption_of.register
def _(result: GlobalSurrogate, output: str | None = None) -> Caption:
    f = result.fidelity
    low = f.r2_low[0]
    verdict = "" if low > 0 else "Do not rely on it: with this few rows it may predict no better than a constant."
    return Caption(result.model, f"R² {f.scored(0)} on rows it had not seen", verdict, bool(verdict))


@caption_of.register
def _(result: ShapleyValues, output: str | None = None) -> Caption:
    sure = "Exact: every question was asked." if result.exact else "Estimated: 95% intervals."
    return Caption(result.provenance.get("model", ""), "Shapley values of the model, no surrogate", sure)


@caption_of.register
def _(result: PairwiseInteractions, output: str | None = None) -> Caption:
    sure = "Exact: every question was asked." if result.exact else "Estimated: 95% intervals."
    return Caption(result.provenance.get("model", ""), f"{INDEX_NAMES[result.index][0]} of the model", sure)


@caption_of.register
def _(result: Anchor, output: str | None = None) -> Caption:
    sure = "exact" if result.exact else f"at least {percent(result.low)} with {percent(result.confidence)} confidence"
    fit = f"precision {percent(result.precision, 'not known')} ({sure}), no R²: a rule, no surrogate"
    verdict = "Proved." if result.proved else "Do not rely on it: the precision asked for was not proved."
    return Caption(result.provenance.get("model", ""), fit, verdict, not result.proved)


@caption_of.register
def _(result: Counterfactuals, output: str | None = None) -> Caption:
    found = f"{len(result)} found, each answered by the model" if len(result) else "none found"
    return Caption(result.provenance.get("model", ""), found, f"{counted(result.asked, 'row')} asked")


@caption_of.register
def _(result: Dependence, output: str | None = None) -> Caption:
    used = f"mean over {len(result.curves):,} of {result.population:,} rows, no surrogate"
    return Caption(result.provenance.get("model", ""), used, "Band: 95% for the mean over all rows.")


@caption_of.register
def _(result: ExplanationSet, output: str | None = None) -> Caption:
    table, scores = result.fidelity, result.scores
    if not len(result):
        return Caption("", "", "")
    against = table.assign(refused=table["verdict"].map(refuses)).groupby("item", sort=False)["refused"].any()
    fit = "no R²"
    if len(scores):
        middle, worst, best = (score(float(f(scores))) for f in (np.median, np.min, np.max))
        fit = f"median R² {middle} over {counted(len(result), 'input')}, from {worst} to {best}"
    used = len(against) - int(against.sum())
    verdict = f"May be used by their verdicts: {used} of {len(against)}."
    return Caption(result[0].provenance.get("model", ""), fit, verdict, not used)


@caption_of.register
def _(result: Card, output: str | None = None) -> Caption:
    entry = result.entry(output) if output is not None else result.entries[0]
    counts = Counter(s["verdict"] for s in entry.statements)
    verdict = ", ".join(f"{counts[name]} {name}" for name in dict.fromkeys(s["verdict"] for s in entry.statements))
    fit = "no R²: single cases are not predicted"
    if entry.prediction is not None:
        fit = f"R² {score(entry.prediction.scores['r2'])} of single cases of entities it had not seen"
    return Caption(result.model, fit, f"Statements: {verdict}." if verdict else "")


@caption_of.register
def _(result: Study, output: str | None = None) -> Caption:
    return caption_of(result.card(), None)


@caption_of.register
def _(result: CardDifference, output: str | None = None) -> Caption:
    counts = Counter(result.table["outcome"])
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    names = " → ".join(cut(name, _NAME // 2 - 2) for name in result.names)
    return Caption(names, "no R²: effects on two cards are compared", f"Effects: {said}." if said else "")


@caption_of.register
def _(result: VectorShare, output: str | None = None) -> Caption:
    names = " → ".join(cut(name, _NAME // 2 - 2) for name in result.models)
    fit = f"share of the change on {result.entities} held-out entities {percent(result.share)}"
    return Caption(names, fit, f"{between(result.low, result.high, percent)}")


@caption_of.register
def _(result: CaseDifference, output: str | None = None) -> Caption:
    card = Card(" → ".join(result.names), "", (result.entry,))
    caption = caption_of(card)
    return Caption(caption.model, caption.fit, f"{result.verdict}")


@caption_of.register
def _(result: RowDifference, output: str | None = None) -> Caption:
    result = [*result.outputs.values()][number_of(tuple(result.outputs), output)]
    best = result.surrogates["r2"].max() if len(result.surrogates) else np.nan
    fit = f"R² {score(float(best))} of the change on held-out rows" if np.isfinite(best) else "no R²: no surrogate"
    return Caption(" → ".join(result.names), fit, result.verdict)
