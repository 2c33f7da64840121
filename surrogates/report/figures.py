"""Figures: one function each, every one takes and returns matplotlib Axes. Nothing is computed here."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.rounding import Scale
from surrogates.judging.fidelity import Fidelity
from surrogates.local.anchor import Anchor
from surrogates.local.explanation import Explanation
from surrogates.local.shapley_values import ShapleyValues
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.names import named, rule_words
from surrogates.results.result import figure_of
from surrogates.statements.card import Card
from surrogates.statements.study import Study
from surrogates.visible import in_line, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "LONGEST",
    "MUTED",
    "NEGATIVE",
    "POSITIVE",
    "anchor_plot",
    "attribution_plot",
    "comparison_plot",
    "fidelity_histogram",
    "fidelity_plot",
    "global_plot",
    "held_out",
    "importance_plot",
    "in_percent",
    "literal",
    "new_axes",
    "set_plot",
    "shapley_plot",
    "shortened",
    "statements_plot",
    "study_plot",
]

#: blue raises the output, vermilion lowers it (Okabe and Ito's colours, told apart by colour-blind readers)
POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
#: of effects that a verdict says not to use
MUTED = "#BBBBBB"
#: characters of a family's name beside its point
LONGEST = 28
#: verdicts of statements: whether a claim holds is neither good nor bad
VERDICTS = {"supported": "#1F5A96", "refuted": "#7A3F98", "inconclusive": "#999999", "not testable": "#999999"}


@figure_of.register(Explanation)
def attribution_plot(
    explanation: Explanation, ax: Axes | None = None, *, output: str | None = None, max_features: int = 15
) -> Axes:
    """Average effects as horizontal bars with 95% intervals, strongest on top.

    Parameters
    ----------
    explanation : Explanation
    ax : Axes, optional
        Where to draw; a new figure by default.
    output : str, optional
        Which output; the first by default.
    max_features : int, default 15

    Raises
    ------
    InputError
        If `output` is not one that is explained.
    """
    table = explanation.attributions.rename(columns={"attribution": "effect"})
    names = named(explanation.features, explanation.view)
    labels = [
        f"{names.get(f, f)} = {v}" if v and v != f else names.get(f, f)
        for f, v in zip(table["feature"], table["value"], strict=True)
    ]
    target = explanation.target
    axis = "average effect on", target.unit
    refused = dict(zip(target.outputs, explanation.fidelity.refused(), strict=True))
    return _bars(table.assign(label=labels), target.outputs, axis, ax, output, max_features, refused)


@figure_of.register(ShapleyValues)
def shapley_plot(
    values: ShapleyValues, ax: Axes | None = None, *, output: str | None = None, max_features: int = 15
) -> Axes:
    """Draw Shapley values as bars with 95% intervals, strongest on top; parameters as of :func:`attribution_plot`.

    Raises
    ------
    InputError
        If `output` is not one that is explained.
    """
    table = values.table.rename(columns={"index": "effect"})
    known, names = {f.name: f.value for f in values.features}, named(values.features, values.view)
    labels = [f"{names[f]} = {known[f]}" if known[f] not in ("", f) else names[f] for f in table["features"]]
    axis = "Shapley value for", values.unit
    return _bars(table.assign(label=labels), values.outputs, axis, ax, output, max_features)


@figure_of.register(Anchor)
def anchor_plot(anchor: Anchor, ax: Axes | None = None) -> Axes:
    """Draw the share of answers that are the same as the instance's, with the rule and without it, as horizontal bars.

    A line marks the precision asked for, a whisker reaches down to what is certain of the rule's.
    """
    if ax is None:
        ax = new_axes(7.0, 1.9)
    ax.barh([1, 0], [anchor.precision, anchor.unconditional], color=[POSITIVE, "#BBBBBB"], height=0.6, alpha=0.85)
    if not anchor.exact:
        below = np.array([[anchor.precision - anchor.low], [0.0]])
        ax.errorbar([anchor.precision], [1], xerr=below, fmt="none", ecolor="#333333", elinewidth=1, capsize=3)
    ax.axvline(anchor.asked, color="#333333", linewidth=0.8, linestyle="--")
    ax.set_yticks([1, 0], [shortened(rule_words(anchor)), "without the rule"])
    ax.set_xlim(0, 1.02)
    in_percent(ax)
    ax.set_xlabel("share of the same answers (dashed: asked for)", loc="right")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _bars(
    table: pd.DataFrame,
    outputs: Sequence[str],
    axis: tuple[str, str],
    ax: Axes | None,
    output: str | None,
    max_features: int,
    refused: Mapping[str, bool] | None = None,
) -> Axes:
    """Draw rows ``output, label, effect, low, high`` of one output as horizontal bars with intervals, the first on top.

    `axis` is what the effects are, and their unit; those that are not to be used (`refused`) are grey.
    """
    if output is not None and output not in outputs:
        raise InputError("output", f"be one of {', '.join(map(repr, outputs))}", output)
    if max_features < 1:
        raise InputError("max_features", "be at least 1", max_features)
    chosen = output if output is not None else outputs[0]
    table = table[table["output"] == chosen].head(max_features)
    if ax is None:
        ax = new_axes(7.0, 1.2 + 0.32 * len(table))
    place, scale = np.arange(len(table))[::-1], Scale.of(table["effect"])
    value, low, high = (scale.divided(table[name].to_numpy()) for name in ("effect", "low", "high"))
    errors = np.abs([low, high] - value)
    colour = np.where(value >= 0, POSITIVE, NEGATIVE) if not (refused or {}).get(chosen) else MUTED
    ax.barh(place, value, color=colour, height=0.62, alpha=0.85)
    ax.errorbar(value, place, xerr=errors, fmt="none", ecolor="#333333", elinewidth=1, capsize=2)
    ax.axvline(0, color="#333333", linewidth=0.8)
    ax.set_yticks(place, [shortened(label) for label in table["label"]])
    ax.set_xlabel(literal(f"{axis[0]} {chosen} ({scale.unit(axis[1])})"), loc="right")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def shortened(label: object) -> str:
    """Cut a label so that it fits, and write it as it is."""
    return literal(textwrap.shorten(in_line(str(label)), 46, placeholder="…"))


def literal(text: str) -> str:
    """Write a text so that all of it is seen and none of it taken for mathematics."""
    return visible(text).replace("$", r"\$")


def fidelity_plot(explanation: Explanation, ax: Axes | None = None, *, output: str | None = None) -> Axes:
    """Draw held-out answers against what the surrogate predicted for them; a perfect one lies on the line y = x."""
    return held_out(explanation.fidelity, ax, output, unit=explanation.target.unit)


@figure_of.register(GlobalSurrogate)
def global_plot(surrogate: GlobalSurrogate, ax: Axes | None = None) -> Axes:
    """Draw held-out answers for rows of a table against what the surrogate predicted for them."""
    return held_out(surrogate.fidelity, ax, unit=surrogate.unit)


def held_out(
    fidelity: Fidelity, ax: Axes | None = None, output: str | None = None, *, unit: str, what: str = "model's answer"
) -> Axes:
    """Draw held-out numbers of one output, the first by default, against predictions; `what` they are.

    Where there are several, its name stands above.
    """
    outputs = fidelity.outputs
    if output is not None and output not in outputs:
        raise InputError("output", f"be one of {', '.join(map(repr, outputs))}", output)
    j = outputs.index(output) if output is not None else 0
    if ax is None:
        ax = new_axes(4.2, 4.0)
    scale = Scale.of(fidelity.observed[:, j])
    predicted, observed = scale.divided(fidelity.predicted[:, j]), scale.divided(fidelity.observed[:, j])
    ends = [min(predicted.min(), observed.min()), max(predicted.max(), observed.max())]
    ax.plot(ends, ends, color="#999999", linewidth=1)
    ax.scatter(predicted, observed, s=14, color=POSITIVE, alpha=0.6, linewidths=0)
    ax.set_xlabel("surrogate's prediction, held out")
    ax.set_ylabel(literal(f"{what} ({scale.unit(unit)})"))
    if len(outputs) > 1:
        ax.set_title(shortened(outputs[j]), fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def comparison_plot(explanation: Explanation, ax: Axes | None = None) -> Axes:
    """Draw held-out R² of the families compared over their numbers of terms, 95% intervals; the one shown is filled.

    Raises
    ------
    InputError
        If no families were compared.
    """
    table = explanation.comparison
    if not len(table):
        raise InputError("explanation", "compare families, as family='auto' does", explanation.surrogate)
    if ax is None:
        ax = new_axes(4.6, 3.4)
    errors = np.abs(table[["r2_low", "r2_high"]].to_numpy().T - table["r2"].to_numpy())
    ax.errorbar(table["terms"], table["r2"], yerr=errors, fmt="none", ecolor="#777777", elinewidth=1, capsize=3)
    fill = [POSITIVE, *["white"] * (len(table) - 1)]
    ax.scatter(table["terms"], table["r2"], s=46, color=fill, edgecolors=POSITIVE, zorder=3)
    for row in table.itertuples():
        name = str(row.family)
        if len(name) > LONGEST:  # with its settings it may be wider than the axes
            name = f"{name[: LONGEST - 1]}…"
        ax.annotate(literal(name), (row.terms, row.r2), xytext=(7, 5), textcoords="offset points", fontsize=9)
    ax.margins(x=0.2)
    ax.set_xlabel("terms to read")
    ax.set_ylabel("held-out R²")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def importance_plot(
    table: pd.DataFrame,
    units: Sequence[str] = (),
    ax: Axes | None = None,
    *,
    output: str | None = None,
    max_features: int = 15,
) -> Axes:
    """Draw mean sizes of effects over many inputs as horizontal bars with 95% intervals, largest on top.

    Parameters
    ----------
    table : DataFrame
        As of ``ExplanationSet.summary``.
    units : sequence of str
        For the axis.
    ax : Axes, optional
        Where to draw; a new figure by default.
    output : str, optional
        Which output; the first by default.
    max_features : int, default 15

    Raises
    ------
    InputError
        If there is nothing to draw, or no such output.
    """
    outputs = table["output"].unique().tolist()
    if not outputs:
        raise InputError("explanations", "hold at least one", "none")
    if output is not None and output not in outputs:
        raise InputError("output", f"be one of {', '.join(map(repr, outputs))}", output)
    if max_features < 1:
        raise InputError("max_features", "be at least 1", max_features)
    chosen = output if output is not None else outputs[0]
    table = table[table["output"] == chosen].head(max_features)
    if ax is None:
        ax = new_axes(7.0, 1.2 + 0.32 * len(table))
    place = np.arange(len(table))[::-1]
    scale = Scale.of(table["importance"])
    value, low, high = (scale.divided(table[name].to_numpy()) for name in ("importance", "low", "high"))
    errors = np.nan_to_num(np.abs([low, high] - value))
    ax.barh(place, value, color=POSITIVE, height=0.62, alpha=0.85)
    ax.errorbar(value, place, xerr=errors, fmt="none", ecolor="#333333", elinewidth=1, capsize=2)
    ax.set_yticks(place, [shortened(f) for f in table["feature"]])
    ax.set_xlabel(literal(f"mean size of the effect on {chosen} ({scale.unit(', '.join(units))})"), loc="right")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


@figure_of.register(ExplanationSet)
def set_plot(explanations: ExplanationSet, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw mean sizes of effects over many inputs; options as of :func:`importance_plot`."""
    return importance_plot(explanations.summary(), explanations.units, ax, **options)


@figure_of.register(Card)
def statements_plot(card: Card, ax: Axes | None = None, *, behaviour: str | None = None) -> Axes:
    """Draw effects of one behaviour's statements as points with 95% intervals, the first statement on top.

    Statements in the unit of the behaviour are drawn; those that could not be tested have no effect.

    Parameters
    ----------
    card : Card
    ax : Axes, optional
        Where to draw; a new figure by default.
    behaviour : str, optional
        Which; the first by default.

    Raises
    ------
    InputError
        If it is not on the card, or the card is empty.
    """
    if not card.entries:
        raise InputError("card", "hold at least one behaviour", "none")
    entry = card.entries[0] if behaviour is None else card.entry(behaviour)
    rows = [s for s in entry.statements if s["unit"] in (entry.unit, "") and np.isfinite(s["effect"])]
    if ax is None:
        ax = new_axes(7.0, 1.2 + 0.4 * len(rows))
    place = np.arange(len(rows))[::-1]
    effect, low, high = (np.array([s[name] for s in rows], dtype=float) for name in ("effect", "low", "high"))
    errors = np.nan_to_num(np.abs(np.array([low, high]) - effect))
    colours = [VERDICTS[s["verdict"]] for s in rows]
    ax.errorbar(effect, place, xerr=errors, fmt="none", ecolor="#777777", elinewidth=1, capsize=3)
    ax.scatter(effect, place, color=colours, s=30, zorder=3)
    ax.axvline(0, color="#333333", linewidth=0.8)
    ax.set_yticks(place, [shortened(f"{s['claim']} ({s['verdict']})") for s in rows])
    ax.set_xlabel(literal(f"{entry.metric.replace('_', ' ')} ({entry.unit})"))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


@figure_of.register(Study)
def study_plot(study: Study, ax: Axes | None = None) -> Axes:
    """Draw a study's statements, as of a card of one entry."""
    return statements_plot(study.card(), ax)


def fidelity_histogram(fidelity: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how held-out R² is spread over many explanations; those below −1 are drawn at −1."""
    if ax is None:
        ax = new_axes(4.6, 3.0)
    scores = fidelity["r2"].dropna().clip(lower=-1.0)
    low = float(np.floor(min(scores.min(), 0.0) * 10) / 10) if len(scores) else 0.0
    ax.hist(scores, bins=np.linspace(low, 1.0, 21).tolist(), color=POSITIVE, alpha=0.85)
    ax.set_xlabel("held-out R²")
    ax.set_ylabel("explanations")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def in_percent(ax: Axes) -> None:
    """Write shares along the horizontal axis in percent."""
    from matplotlib.ticker import PercentFormatter

    ax.xaxis.set_major_formatter(PercentFormatter(1.0))


def new_axes(width: float, height: float) -> Axes:
    """Make a figure of a size in inches, and return its Axes."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]
