"""The line of Python that makes a card, a set, a difference or a global surrogate again.

As :func:`~surrogates.report.repeat_line.repeat_line` does for an explanation: nothing is guessed. Models, probes and
rows stand under their names; settings are written where they were kept, and a note says what is left open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from probes.behaviours.registry import BEHAVIOURS
from probes.cases.metrics import METRICS
from surrogates.difference.card_difference import CardDifference
from surrogates.difference.case_difference import CaseDifference
from surrogates.difference.one_vector import VectorShare
from surrogates.difference.row_difference import RowDifference
from surrogates.families.registry import FAMILIES, settings_to_json
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.repeat_line import LONGEST, Line, family_text, imports_of, named_family, target_text
from surrogates.statements.card import Card
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study

__all__ = [
    "card_difference_line",
    "card_line",
    "case_difference_line",
    "global_line",
    "row_difference_line",
    "set_line",
    "study_line",
    "vector_line",
]


def card_line(card: Card) -> Line:
    """Write the call of :func:`~surrogates.behave` that made a card; of a study's card that of ``generalise``."""
    names, is_model = [e.name for e in card.entries], f"Here model is {card.model}."
    if names and all(name in BEHAVIOURS for name in names):
        called = f", name={card.model!r}" if card.model != card.identity else ""
        return Line(f"behave(model, {names!r}{called})", "from surrogates import behave", (is_model,))
    metrics = {e.metric for e in card.entries} & METRICS.keys()
    metric = f", metric={metrics.pop()!r}" if len(metrics) == 1 else ""
    open_ = (
        "This card holds behaviours that are not built in: probe as given. Give the same statements=, by=, groups=, "
        "split=, most= and random_state= as well, where there were any."
    )
    return Line(f"generalise(model, probe{metric})", "from surrogates import generalise", (is_model, open_))


def study_line(study: Study) -> Line:
    """Write a call of :func:`~surrogates.generalise` that tests the same statements."""
    found = any(judged.discovered for judged in study.statements)
    claims = [judged.statement for judged in study.statements if not judged.discovered]
    metric = repr(study.metric.name) if study.metric.name in METRICS else "metric"
    settings, notes = f", metric={metric}", [f"Here model is {study.model}; probe as given."]
    written = f"[{', '.join(map(_claim, claims))}]"
    names = ["generalise"]
    if claims and len(written) <= LONGEST:
        settings += f", statements={written}"
        names = [name for name in ("Scope", "Statement", "generalise") if f"{name}(" in written or name != "Scope"]
    elif claims:
        settings += ", statements=statements"
        notes.append("The statements are those below.")
    if found:
        notes.append("Give the same by=, groups=, split=, most= and random_state= as well, where there were any.")
    else:
        settings += ", find=False"
    return Line(f"generalise(model, probe{settings})", f"from surrogates import {', '.join(names)}", tuple(notes))


def _claim(s: Statement) -> str:
    """Write a statement by the method that made it, where that makes the same one."""
    sets = [{f: levels[0] if len(levels) == 1 else [*levels] for f, levels in scope.conditions} for _, scope in s.parts]
    options = {f.name: getattr(s, f.name) for f in fields(s) if f.name not in ("parts", "otherwise")}
    options = {f.name: options[f.name] for f in fields(s) if f.name in options and options[f.name] != f.default}
    make, given = (Statement.level, sets) if len(sets) == 1 else (Statement.contrast, sets[: 1 if s.otherwise else 2])
    if len(sets) > 2 or make(*given, **options) != s:
        return repr(s)
    words = [*map(repr, given), *(f"{name}={value!r}" for name, value in options.items())]
    return f"Statement.{make.__name__}({', '.join(words)})"


def card_difference_line(difference: CardDifference) -> Line:
    """Write the call of :func:`~surrogates.compare_cards`; it asks no model."""
    code = f"compare_cards(card, other, names={difference.names!r})"
    note = 'Each card is read by Card.from_json("FILE.json"), or made by behave or generalise. No model is asked.'
    return Line(code, "from surrogates import Card, compare_cards", (note,))


def row_difference_line(difference: RowDifference) -> Line:
    """Write the call of :func:`~surrogates.compare_rows`."""
    return _comparison(
        "compare_rows", "rows", difference.names, difference.models, difference.settings, "by= and groups="
    )


def case_difference_line(difference: CaseDifference) -> Line:
    """Write the call of :func:`~surrogates.compare_cases`."""
    others = "by=, groups=, statements=, arms=, off_target= and split="
    return _comparison("compare_cases", "probe", difference.names, difference.models, difference.settings, others)


def vector_line(found: VectorShare) -> Line:
    """Write the call of :func:`~surrogates.one_vector`."""
    note = f"Here before is {found.models[0]} and after is {found.models[1]}; probe as given."
    return Line(
        f"one_vector(before, after, probe{_written(found.settings)})", "from surrogates import one_vector", (note,)
    )


def _comparison(
    call: str, what: str, names: Sequence[str], models: Sequence[str], settings: Mapping[str, object], others: str
) -> Line:
    """Write a comparison of two models."""
    called = f", names={tuple(names)!r}" if tuple(names) != ("before", "after") else ""
    code = f"{call}(before, after, {what}{called}{_written(settings)})"
    notes = [f"Here before is {models[0]} and after is {models[1]}; {what} as given."]
    if not settings:
        others += " and all other settings"
    notes.append(f"Give the same {others} as well, where there were any.")
    return Line(code, f"from surrogates import {call}", tuple(notes))


def _written(settings: Mapping[str, object]) -> str:
    """Write settings as keywords; what is no plain value, or a metric of the user's, stands under its name."""
    pairs = [(k, v) for k, v in settings.items() if k.isidentifier()]
    known = [_is_plain(v) and (k != "metric" or v in METRICS) for k, v in pairs]
    return "".join(f", {k}={v!r}" if plain else f", {k}={k}" for (k, v), plain in zip(pairs, known, strict=True))


def _is_plain(value: object) -> bool:
    simple = (str, int, float, bool, type(None))
    return isinstance(value, simple) or (isinstance(value, list) and all(isinstance(v, simple) for v in value))


def _direct(g: GlobalSurrogate) -> str:
    """Write the family of a global surrogate, which is always fitted to the answers alone."""
    kind, settings = type(g.surrogate).__name__, {**settings_to_json(g.surrogate), "proxy": None}
    for name, make in FAMILIES.items():
        if type(make()).__name__ == kind and {**settings_to_json(make()), "proxy": None} == settings:
            return repr(name)
    return named_family(kind, settings)


def global_line(g: GlobalSurrogate) -> Line:
    """Write the call of :meth:`ExplanationSet.surrogate` that fitted a global surrogate."""
    family = _direct(g)
    code = f"explanations.surrogate({family}, output={g.output!r})"
    notes = ["Here explanations is the set of explanations of the same rows, by explain_many."]
    if family == "family":
        notes.append("family as given.")
    return Line(code, imports_of("", family, "explain_many"), tuple(notes))


def _target_of_all(explanations: ExplanationSet) -> str:
    """Write the target that makes the number of every item; by default it may be another one for each."""
    texts, targets = zip(*((target_text(ex), ex.target) for ex in explanations), strict=True)
    if len(set(texts)) == 1:
        return str(texts[0])
    return next(filter(None, texts)) if len(set(targets)) == 1 else "target"


def set_line(explanations: ExplanationSet) -> Line:
    """Write the call of :func:`~surrogates.explain_many`, by what the first explanation keeps."""
    ex = explanations[0]
    p, family, target = ex.provenance, family_text(ex), _target_of_all(explanations)
    settings = [f"budget={p['budget']!r}"] if p["budget"] is not None else []
    settings += [f"target={target}"] if target else []
    settings.append(f"random_state={p['random_state']!r}")
    code = f"explain_many(model, inputs, {family}, {', '.join(settings)})"
    open_ = ["inputs", *(name for name in ("family", "target") if name in (family, target))]
    notes = [f"Here model is {p['model']}; {' and '.join(open_)} as given."]
    if ex.view["kind"] == "table":
        notes.append("For rows of a table give the same background=, and background_rows=, law= and groups= if any.")
    return Line(code, imports_of("", family, "explain_many"), tuple(notes))
