"""Difference → the parts of its page, and text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from probes.rounding import Scale, percent, score
from surrogates.difference.difference import Difference
from surrogates.report.curves import named
from surrogates.report.labels import feature_labels, with_unit
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made, picture
from surrogates.report.parts.change import BothSides, Changes, Flips
from surrogates.report.parts.effects import Terms
from surrogates.report.parts.head import Head
from surrogates.report.parts.instance import answer_parts
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.switch import by_output
from surrogates.report.parts.trust import Comparison, Judgement, Verdict
from surrogates.report.parts.view_kinds import InstanceEffects, instance_parts
from surrogates.report.plots.families_plot import families
from surrogates.report.plots.kinds import draw_into
from surrogates.report.plots.predictions_plot import predicted_changes
from surrogates.report.sentence import numbered, quoted, small
from surrogates.report.terminal import input_lines, paragraph
from surrogates.report.text import LONGEST, fitted_here, named_within, shown_terms, span_of, with_shown_names
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["difference_contents", "difference_text"]

_ROWS = 10
_AVERAGES = "Changes of averages over the questions asked. They need not add up to the change for this input."


@contents.register
def difference_contents(difference: Difference) -> Contents:
    """Take a difference apart."""
    makers: list[Callable[[Difference], list[Part]]] = [
        _head,
        _verdict,
        _sides,
        _flips,
        _depends,
        _judgement,
        _comparison,
        _terms,
        _origin,
    ]
    target, (before, after) = difference.change.target, difference.names
    title = f"Change from {before} to {after}: {with_unit(target.outputs, target.unit)}"
    return Contents(title, made(makers, difference))


def _scale(d: Difference) -> Scale:
    """Return the scale on which answers and effects of both models, and their changes, are shown."""
    effects, answers = d.attributions[["before", "after", "change"]], d.summary[["before", "after", "change"]]
    return Scale.of([*effects.to_numpy().flat, *answers.to_numpy().flat])


def _head(d: Difference) -> list[Part]:
    """Say what either model said, and how well the change is explained; a verdict against use comes first."""
    target, f, table = d.change.target, d.change.fidelity, d.summary
    said = [
        f"{quoted(name)} said {numbered(target.outputs, table[side].to_numpy(dtype=float), target.unit)}"
        for name, side in zip(d.names, ("before", "after"), strict=True)
    ]
    worst = int(np.argmin(np.nan_to_num(f.r2_low, nan=-np.inf)))
    verdict, refused = f.judgement(change=True)[worst], f.refused(change=True)[worst]
    name = f"For {quoted(target.outputs[worst])}: " if len(target.outputs) > 1 else ""
    words = verdict.replace(" it", " this explanation of the change", 1) if refused else verdict
    known = np.isfinite(f.r2[worst])
    rest = "." if refused else f": {small(verdict)}"
    how = "reproduces them" if f.exact else "predicts unseen ones"
    evidence = f"{name}{len(np.unique(d.change.answers.design.Z, axis=0)):,} questions were put to both"
    evidence += f"; this explanation of the change {how} with R² {f.scored(worst)}{rest}" if known else f". {verdict}"
    warning = f"{name}{small(words) if name else words}" if refused else ""
    return [Head(warning=warning, said=f"For this input {' and '.join(said)}.", change="", evidence=evidence)]


def _verdict(d: Difference) -> list[Part]:
    """Return how far the explanation of the change is to be trusted."""
    proof = None if d.change.certificate is None else str(d.change.certificate)
    return [Verdict.of(d.change.fidelity, proof, d.change.warnings, change=True)]


def _sides(d: Difference) -> list[Part]:
    verdicts = (d.before.fidelity.verdict, d.after.fidelity.verdict)
    return [BothSides.of(d.summary, d.names, verdicts, d.change.target.unit, _scale(d), fitted_here(d.change))]


def _flips(d: Difference) -> list[Part]:
    flips = d.flips
    return [Flips.of(flips, d.names)] if len(flips) else []


def _depends(d: Difference) -> list[Part]:
    outputs = d.change.target.outputs
    shown = by_output(outputs, _instance(d), _changes(d), note=_AVERAGES)
    return [*answer_parts(d.change.view, d.before.answer), *shown]


def _instance(d: Difference) -> list[Part]:
    """Return the input, shaded by how its features' effects changed."""
    change = d.change
    effects = InstanceEffects(
        change.attributions,
        change.target.outputs,
        change.target.unit,
        change.features,
        change.view,
        _scale(d),
        "Where the change comes from",
        change.fidelity.refused(change=True),
    )
    return instance_parts(effects)


def _changes(d: Difference) -> list[Part]:
    """Return a table of effects on both sides for every output."""
    table = with_shown_names(d.attributions, d.change.features, d.change.view)
    target, refused = d.change.target, d.change.fidelity.refused(change=True)
    return [
        Changes.of(
            table[table["output"] == name],
            f"How average effects on {name} changed",
            target.unit,
            d.names,
            _scale(d),
            muted=refused[j],
            note=_AVERAGES if len(target.outputs) == 1 else "",
        )
        for j, name in enumerate(target.outputs)
    ]


def _judgement(d: Difference) -> list[Part]:
    return [Judgement.of(d.change.fidelity, lambda name: predicted_changes(d, name), _scale(d))]


def _comparison(d: Difference) -> list[Part]:
    if len(d.change.comparison) < 2:
        return []
    return [Comparison.of(d.change.comparison, picture(families(d.change), draw_into, (4.8, 3.2)))]


def _terms(d: Difference) -> list[Part]:
    return [Terms.of(shown_terms(d.change), d.change.target.outputs, d.change.surrogate)]


def _origin(d: Difference) -> list[Part]:
    return [Origin.of(d.change.provenance, d.change.view)]


@text_of.register
def difference_text(difference: Difference) -> str:
    """Write how far the change is explained, both answers, then the largest changes with intervals."""
    change, (before, after) = difference.change, difference.names
    target, scale = change.target, _scale(difference)
    head = f"{named(change.surrogate, target.outputs)} of the change from {before} to {after}: "
    lines = [
        *paragraph(f"{head}{with_unit(target.outputs, scale.unit(target.unit))}", 4),
        *(line for one in str(change.fidelity).split("\n") for line in paragraph(one, 4)),
    ]
    for output, verdict in zip(target.outputs, difference.verdicts, strict=True):
        which = f" on {output}" if len(target.outputs) > 1 else ""
        lines += paragraph(f"Verdict{which}: {verdict}", 9)
    lines += input_lines(change.features, change.view)
    if difference.before.answer is not None:
        lines += paragraph(f"Answer: “{difference.before.answer.strip()}”", 8)
    for row in difference.summary.itertuples():
        which = f"{row.output}: " if len(target.outputs) > 1 else ""
        said = (
            f"{which}{before} {scale.rounded(row.before)}, {after} {scale.rounded(row.after)} for this input; on "
            f"average over the questions {scale.signed(row.mean)} {scale.between(row.low, row.high)}, typically "
            f"{scale.rounded(row.typical)} either way."
        )
        if row.by_sides == row.by_sides:  # exact: not a number is not itself
            said += f" The surrogates of the two, subtracted, predict the change with R² {score(row.by_sides)}."
        lines += paragraph(said, 4)
    if len(flips := difference.flips):
        share = flips.loc[flips["before"] != flips["after"], "share"].sum()
        lines.append(f"They decide for different classes for {percent(share)} of the inputs.")
    if change.certificate is not None:
        lines += paragraph(str(change.certificate))
    lines += [line for w in change.warnings for line in paragraph(f"Note: {w}", 6)]
    labels = feature_labels(change.features, change.view, LONGEST)
    for output in target.outputs:
        table = difference.attributions[difference.attributions["output"] == output]
        shown = output if len(target.outputs) > 1 else ""
        lines += ["", f"{'change':>8}  {'95% interval':^18}  {'before':>8}  {'after':>8}  {shown}".rstrip()]
        names = named_within(labels, table["feature"].head(_ROWS), 50)
        for row in table.head(_ROWS).itertuples():
            sides = f"{scale.signed(row.before):>8}  {scale.signed(row.after):>8}"
            lines.append(f"{scale.signed(row.change):>8}  {span_of(row, scale):^18}  {sides}  {names[row.feature]}")
        if len(table) > _ROWS:
            lines.append(f"{'':>8}  {'':18}  {'':8}  {'':8}  … and {len(table) - _ROWS} more in .attributions")
    return joined([*lines, "", *paragraph(cost_line(change.provenance["cost"]))])
