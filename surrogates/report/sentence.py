"""The sentence at the head of a page: what the model said, what a small change did, and how far to trust the rest.

Rules, in this order:

1. A verdict against use comes first, and then nothing is named as a cause.
2. What the model said for the instance: the class that it decided for, a language model's answer in quotes, or numbers.
3. A small change, from answers to questions that leave out one to three features, at most half of them. If the
   decision is another one in some, that with the fewest features left out, then with the largest move; else, of the
   questions whose number moved most against the range of the answers or three quarters as far, likewise.
4. If there is no such question, or none moved anything, what the surrogate says without its strongest one or two
   effects of one sign that stand out. That is worded as "would", with a number only where R² is surely at least 0.7.
5. How many variations were asked, R² with its interval, and the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from probes.probe import Feature
from probes.rounding import alone, between, counted, given, score
from probes.views import View
from surrogates.judging.fidelity import Fidelity
from surrogates.local.explanation import Explanation
from surrogates.report.asked_questions import decisions, explained_outputs, variations
from surrogates.report.input_parts import input_parts
from surrogates.report.names import named, quoted, states

__all__ = [
    "change_line",
    "evidence_line",
    "listed",
    "numbered",
    "quoted",
    "said_line",
    "small",
    "warning_line",
    "worded",
    "written",
]

#: features that a small change leaves out at most, and outputs that are named one by one
_FEW, _OUTPUTS = 3, 3
#: share of the largest move that a change of fewer features must make, to be said in its place
_NEARLY = 0.75
#: letters of a name and of an answer that are quoted
_NAME, _ANSWER = 60, 160
#: lower end of R² from which the surrogate's number is said, within the range of the answers
_SIZES = 0.7
#: share of the answers below which a number is said to be about zero
_ROUNDING = 1e-2
#: said of a model that does not repeat itself
_NOISY = "The model answers the same question differently each time; each answer here is one of those it gives."
#: units that stand for a number's kind, before it
_KINDS = ("probability", "log-odds", "log-prob", "logit", "margin", "share", "score", "cosine", "F1 of words")


def listed(words: Sequence[str]) -> str:
    """Join words by commas, and the last by "and".

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def worded(value: float, unit: str) -> str:
    """Write a number with its unit as they stand in a sentence.

    Examples
    --------
    >>> worded(0.92, "probability"), worded(1.0, "share"), worded(-0.5, "nats"), worded(3.0, "output")
    ('probability 0.92', 'share 1', '−0.5 nats', '3')
    """
    if unit in ("output", "target"):
        return alone(value)
    return f"{unit} {alone(value)}" if unit in _KINDS else f"{alone(value)} {unit}"


def warning_line(ex: Explanation) -> str:
    """Say which outputs are not to be used; empty for none."""
    f, outputs = ex.fidelity, ex.target.outputs
    refused = [j for j, no in enumerate(f.refused()) if no]
    lines = []
    for j in refused[:_OUTPUTS]:
        words = f.verdicts[j].replace(" it", " this explanation", 1)
        lines.append(f"{quoted(outputs[j])}: {small(words)}" if len(outputs) > 1 else words)
    if more := len(refused) - _OUTPUTS:
        lines += [f"Nor for {counted(more, 'other output')}."] if more > 0 else []
    return " ".join(lines)


def said_line(ex: Explanation) -> str:
    """Say what the model said for the instance, and first what it wrote, where numbers are made of that."""
    text = written(ex)
    wrote = quoted(text, _ANSWER)
    return (f"The model wrote {wrote}{'' if wrote[-2] in '.!?…' else '.'} " if text else "") + _number_said(ex)


def written(ex: Explanation) -> str:
    """Return what the model wrote to the whole input; empty where nobody knows, or it is the answer explained."""
    text = str(ex.provenance.get("wrote") or "").strip()
    return "" if text == (ex.answer or "").strip() else text


def _number_said(ex: Explanation) -> str:
    target, y = ex.target, ex.y[0]
    whole = f" {ex.view['whole']}" if ex.view.get("whole") else ""
    if ex.answer is not None:
        return _of_answer(ex)
    decided = decisions(ex)
    if decided is None:
        return f"The model said {numbered(target.outputs, y, target.unit)}{whole}."
    name = ex.answers.outputs[decided[0]]
    if len(y) == 1 and target.outputs[0] == name:
        return f"The model said {quoted(name)} ({worded(y[0], target.unit)}){whole}."
    return f"The model said {quoted(name)}{whole}; explained here: {numbered(target.outputs, y, target.unit)}."


def _of_answer(ex: Explanation) -> str:
    """Say what a language model makes of an answer, or of pieces of it."""
    answer, target, y = quoted(ex.answer or "", _ANSWER), ex.target, ex.y[0]
    if len(y) == 1 and (target.kind != "mean" or set(target.columns) == set(range(len(ex.answers.outputs)))):
        name = target.outputs[0]
        number = alone(y[0]) if target.unit in name else worded(y[0], target.unit)
        return f"The answer explained is {answer}; {name}: {number}."
    return f"Of the answer {answer} these are explained: {numbered(target.outputs, y, target.unit)} a token."


def numbered(outputs: Sequence[str], values: np.ndarray, unit: str) -> str:
    """Write numbers with the names of their outputs, the first few, and the unit once."""
    if len(outputs) == 1 and outputs[0] in ("output", unit):
        return worded(values[0], unit)
    shown = [
        f"{alone(v) if j else worded(v, unit)} for {quoted(n)}"
        for j, (n, v) in enumerate(zip(outputs[:_OUTPUTS], values, strict=False))
    ]
    more = len(outputs) - len(shown)
    return listed([*shown, f"{more} more"] if more else shown)


def change_line(ex: Explanation) -> str:
    """Say what a small change did, by a question that was asked, or would do by the surrogate; empty if neither."""
    usable = explained_outputs(ex)
    return (_asked(ex, usable) or _expected(ex, usable)) if usable else ""


def _asked(ex: Explanation, usable: list[int]) -> str:
    """Say what was answered to the small change that matters most, from the model's answer."""
    Z, decided = ex.answers.design.Z, decisions(ex)
    changed = Z[0] != Z
    count = changed.sum(axis=1)
    near = np.flatnonzero((count >= 1) & (count <= min(_FEW, max(len(ex.features) // 2, 1))))
    if not len(near):
        return ""
    moves = np.abs(ex.y - ex.y[0])[near][:, usable] / np.maximum(np.ptp(ex.y[:, usable], axis=0), 1e-300)
    most = np.round(moves.max(axis=1), 9)
    if decided is not None and (other := decided[near] != decided[0]).any():
        i = int(near[np.lexsort((near, -most, count[near], ~other))[0]])
        name = quoted(ex.answers.outputs[decided[i]])
        numbers = f" ({numbered(ex.target.outputs, ex.y[i], ex.target.unit)})"
        return f"{_without(ex, changed[i], Z[i])} it said {name}{_averaged(ex)} when that was asked{numbers}."
    at = int(np.lexsort((near, -most, count[near], most < _NEARLY * most.max()))[0])
    i, j = int(near[at]), usable[int(moves[at].argmax())]
    unit, name = ex.target.unit, ex.target.outputs[j]
    here, there = worded(ex.y[0, j], unit), worded(ex.y[i, j], unit)
    if here == there:
        return ""
    one = f" for {quoted(name)}" if len(ex.target.outputs) > 1 else ""
    said = f"the answer had {there}" if ex.answer is not None else f"it said {there}"
    return f"{_without(ex, changed[i], Z[i])} {said}{one}{_averaged(ex)} when that was asked."


def _averaged(ex: Explanation) -> str:
    """Say that answers are means, of a table's row asked with several background rows."""
    rows = ex.provenance.get("replicates", 1)
    table = any(part.view.get("kind") == "table" for part in input_parts(ex.features, ex.view))
    what = "background rows" if table else "inputs"
    return f" on average over {rows} {what}" if rows > 1 else ""


def _expected(ex: Explanation, usable: list[int]) -> str:
    """Say what the surrogate expects of a small change that nobody asked."""
    f = ex.fidelity
    j = next((j for j in usable if f.clear[j]), None)
    if j is None:
        return ""
    table = ex.attributions[ex.attributions["output"] == ex.target.outputs[j]].head(f.clear[j])
    up = table["attribution"].iloc[0] > 0
    names = table.loc[(table["attribution"] > 0) == up, "feature"].head(2)
    tried = (names.head(1), names)  # one alone where it does nearly as much as two
    each = [np.array([feature.name in set(those) for feature in ex.features]) for those in tried]
    instance, absent = ex.answers.design.Z[0], [feature.reference for feature in ex.features]
    rows = np.stack([instance, *(np.where(gone, absent, instance) for gone in each)])
    here, single, both = ex.predict(rows).reshape(3, -1)[:, j]
    alone = (single < here) == up and abs(single - here) >= _NEARLY * abs(both - here)
    gone, row, there = (each[0], rows[1], single) if alone else (each[1], rows[2], both)
    if (there < here) != up:
        return ""
    if abs(there) < _ROUNDING * np.abs(ex.y[:, j]).max():
        there = 0.0
    one = f" for {quoted(ex.target.outputs[j])}" if len(ex.target.outputs) > 1 else ""
    sure = f.r2_low[j] >= _SIZES and _within(there, ex.y[:, j])
    if ex.answer is not None:
        said = f"the answer would have {'about ' + worded(there, ex.target.unit) if sure else f'a {_less(up)} number'}"
    else:
        said = f"it would say {'about ' + worded(there, ex.target.unit) if sure else f'a {_less(up)} number'}"
    return f"{_without(ex, gone, row)} {said}{one}, by this explanation; that was not asked."


def _within(value: float, seen: np.ndarray) -> bool:
    """Whether a number is among the answers seen, or as good as; beyond them a line may lead anywhere."""
    slack = _ROUNDING * np.ptp(seen)
    return bool(seen.min() - slack <= value <= seen.max() + slack)


def _less(up: bool) -> str:
    return "lower" if up else "higher"


def _without(ex: Explanation, changed: np.ndarray, row: np.ndarray) -> str:
    """Begin a sentence about a row that changes some features of the instance."""
    shown, clauses = named(ex.features, ex.view, _NAME), list[str]()
    for part in input_parts(ex.features, ex.view):
        span = slice(part.offset, part.offset + len(part.features))
        each = zip(ex.features[span], row[span], changed[span], strict=True)
        if features := [(f, v) for f, v, yes in each if yes]:
            clauses.append(_taken_away(features, part.view, shown))
    if len(clauses) == 1:
        return clauses[0]
    whole = listed([clause[:1].lower() + clause[1:].rstrip(",") for clause in clauses])
    return f"{whole[:1].upper()}{whole[1:]},"


def _taken_away(features: list[tuple[Feature, float]], view: View, shown: Mapping[str, str]) -> str:
    """Begin a sentence about features of one part of an input, each with its new coordinate."""
    if any(f.kind == "real" for f, _ in features):
        each = [f"{quoted(f.name)} at {given(v)} (not {given(f.loc)})" for f, v in features if f.kind == "real"]
        each += [f"{quoted(f.name)} left out" for f, _ in features if f.kind != "real"]
        return f"With {listed(each)},"
    if view.get("kind") == "table":
        names = [quoted(f"{f.name} = {f.value}" if f.value else f.name) for f, _ in features]
        return f"With {listed(names)} replaced from the background,"
    in_quotes = view.get("kind") == "text"
    names = [shown[f.name] if in_quotes else quoted(shown[f.name]) for f, _ in features]
    absent = states(view)[1]
    if absent in ("removed", "absent"):
        return f"Without {listed(names)}"
    return f"With {listed(names)} {absent.replace(' its ', ' their ') if len(names) > 1 else absent},"


def evidence_line(ex: Explanation) -> str:
    """Say how many variations were asked, how well unseen ones are predicted, and what may be relied on."""
    f, outputs = ex.fidelity, ex.target.outputs
    many = f"All {f.rows:,} possible" if f.exact else f"{variations(ex):,}"
    asked = f"{many} variations were asked"
    what = "reproduces them" if f.exact else "predicts unseen ones"
    if len(outputs) == 1:
        said = f"{asked}{_judged(ex, 0, f'; this explanation {what} with')}"
    elif len(outputs) <= _OUTPUTS:
        said = f"{asked}{_judged_each(ex, f'; this explanation {what} with')}"
    else:
        worst = int(np.argmin(np.nan_to_num(f.r2_low, nan=-np.inf)))
        judged = _judged(ex, worst, f": this explanation {what} with")
        said = f"{asked}. Of {len(outputs)} outputs {quoted(outputs[worst])} is explained worst{judged}"
    return f"{said} {_NOISY}" if ex.answers.noisy else said


def _judged(ex: Explanation, j: int, what: str) -> str:
    """Return R² of an output with its interval, and its verdict where that does not stand first."""
    f = ex.fidelity
    if not np.isfinite(f.r2[j]):
        start = ". " if len(f.r2) == 1 else ": "
        return "." if f.refused()[j] else f"{start}{f.verdicts[j] if len(f.r2) == 1 else small(f.verdicts[j])}"
    shown = f"{what} R² {_r2(f, j)}"
    return f"{shown}." if f.refused()[j] else f"{shown}: {small(f.verdicts[j])}"


def _judged_each(ex: Explanation, what: str) -> str:
    """Return R² of each output with its interval, then each verdict that does not stand first, with its outputs."""
    f, names = ex.fidelity, [quoted(name) for name in ex.target.outputs]
    scores = [f"{_r2(f, j)} for {name}" for j, name in enumerate(names) if np.isfinite(f.r2[j])]
    trusted: dict[str, list[str]] = {}
    for name, verdict, refused in zip(names, f.verdicts, f.refused(), strict=True):
        if not refused:
            trusted.setdefault(verdict, []).append(name)
    verdicts = [f"For {listed(some)}: {small(verdict)}" for verdict, some in trusted.items()]
    return " ".join([f"{what} R² {listed(scores)}." if scores else ".", *verdicts])


def _r2(f: Fidelity, j: int) -> str:
    return score(f.r2[j]) if f.exact else f"{score(f.r2[j])} {between(f.r2_low[j], f.r2_high[j], score)}"


def small(words: str) -> str:
    """Begin a sentence with a small letter, after a colon."""
    return words[:1].lower() + words[1:]
