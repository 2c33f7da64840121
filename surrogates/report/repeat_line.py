"""The line of Python that makes an explanation again, as far as what is saved with it says how.

Nothing is guessed. The probe is written out where one made from the view has the digest of the one that was asked; the
model and any other probe stand under their names. A target is written where it resolves to the one that was explained.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, fields
from types import NoneType

import numpy as np
from sklearn.base import BaseEstimator

from probes.design import sample
from probes.errors import InputError
from probes.inputs.context import DOCUMENT, PASSAGE, TEMPLATE, ContextProbe
from probes.inputs.fields import FieldsProbe, PairProbe
from probes.inputs.mask import MaskProbe
from probes.inputs.text import TextProbe
from probes.inputs.units.registry import UNITS
from probes.inputs.units.segmenters import SEGMENTERS
from probes.outputs.target import LOG_ODDS, resolve
from probes.probe import Probe
from probes.views import View
from surrogates.families.registry import FAMILIES, KINDS, PROXIES, Auto, settings_to_json
from surrogates.local.explanation import Explanation
from surrogates.local.spans import Spans, target_of
from surrogates.local.stopping import Certified, StableOrder, Width
from surrogates.results.plain import Json

__all__ = ["LONGEST", "Line", "family_text", "imports_of", "named_family", "repeat_line", "target_text"]

#: letters of a probe that is written out
LONGEST = 600
#: keywords that an explanation of a document does not have
_RULED = ("until", "design")
#: stopping rules that are written out
_RULES = {rule.__name__: rule for rule in (Width, StableOrder, Certified)}


@dataclass(frozen=True)
class Line:
    """A line of Python, the imports that it needs, and what it leaves open, in sentences."""

    code: str
    imports: str
    notes: tuple[str, ...]


def repeat_line(ex: Explanation) -> Line:
    """Write the call of :func:`~surrogates.explain` that made an explanation, and of ``attribute`` if it is of spans.

    Names that stand for what is not saved: ``model``, ``probe`` (if it cannot be made from the view, or is long),
    ``family`` (with a proxy of the user's), ``target`` (a function).
    """
    p, notes = ex.provenance, []
    probe, family, target, spans = _probe(ex), family_text(ex), target_text(ex), _spans(ex)
    keywords: dict[str, str] = {}
    if p["budget"] is not None:
        keywords["budget"] = repr(p["budget"])
    if until := _until(ex):
        keywords["until"] = until
    if (method := str(p.get("design", "uniform")).split(" ")[0]) != "uniform":
        keywords["design"] = repr(method)
    if target:
        keywords["target"] = target
    if ex.answer is not None and probe != "probe" and not _generated(ex):
        keywords["answer"] = repr(ex.answer)
    keywords["random_state"] = repr(p["random_state"])
    given = ", ".join([f"{name}={value}" for name, value in keywords.items()])
    values = (("probe", probe), ("family", family), ("target", target), ("until", until))
    open_names = [name for name, value in values if name == value]
    others = f"; {' and '.join(open_names)} as given" if open_names else ""
    notes.append(f"Here model is {p['model']}{others}.")
    stopped = p.get("stopped", "")
    if stopped == "interrupted":
        notes.append("It was interrupted; this line asks everything.")
    elif ex.zoom is None and not until and (stopped or not _same_questions(ex, method)):
        notes.append(
            f"Give the same until= as well{f' (asking stopped: {stopped})' if stopped else ', if there was one'}."
        )
    if ex.checks:
        notes.append("Checks are made by check(explanation, model, probe).")
    call = "explain"
    if ex.zoom is not None:
        call, given = "explain_document", ", ".join(f"{k}={v}" for k, v in keywords.items() if k not in _RULED)
    code = f"{call}(model, {probe}, {family}, {given})"
    return Line(
        f"{code}.attribute({spans!r})" if spans is not None else code,
        imports_of(probe, family, call, until),
        tuple(notes),
    )


def imports_of(probe: str, family: str, call: str = "explain", until: str = "") -> str:
    """Write the imports that a line needs."""
    made = probe.partition("(")[0] if "(" in probe else ""
    names = [name for name in (*(kind.__name__ for kind in KINDS.values()), *PROXIES) if f"{name}(" in family]
    names += [name for name in _RULES if until.startswith(f"{name}(")]
    ours = ", ".join([*sorted(names), call])
    return f"from surrogates import {ours}" if not made else f"from probes import {made}; from surrogates import {ours}"


def _probe(ex: Explanation) -> str:
    """Write the probe out, if what is written makes the one that was asked."""
    for make in () if ex.zoom is not None else (_text, _fields, _context, _mask):
        made = make(ex)
        if made is not None and len(made[0]) <= LONGEST and made[1].digest == ex.answers.probe:
            return made[0]
    return "probe"


def _settings(**given: object) -> str:
    return "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)


def _replacement(view: View) -> str | None:
    said = str(view.get("removal", ""))
    return ast.literal_eval(said.removeprefix("replaced by ")) if said.startswith("replaced by ") else None


def _whole(view: View) -> dict[str, str]:
    """Return the documents of a text, each by its title or its number."""
    return {
        block["title"] or " " * i: "".join(
            part for pair in zip(block["glue"], [*block["pieces"], ""], strict=True) for part in pair
        )
        for i, block in enumerate(view["blocks"])
    }


def _text(ex: Explanation) -> tuple[str, Probe] | None:
    view = ex.view
    if view["kind"] != "text" or "question" in view or len(view["blocks"]) != 1:
        return None
    (text,), replacement = _whole(view).values(), _replacement(view)
    for unit in (name for name in UNITS if name not in SEGMENTERS):
        try:
            probe = TextProbe(text, unit, replacement=replacement)
        except InputError:  # this unit finds fewer than two features
            continue
        if probe.digest == ex.answers.probe:
            settings = _settings(unit=None if unit == "word" else unit, replacement=replacement)
            return f"TextProbe({text!r}{settings})", probe
    return None


def _fields(ex: Explanation) -> tuple[str, Probe] | None:
    view = ex.view
    if view["kind"] != "text" or view.get("form") not in ("pair", "fields"):
        return None
    if view["unit"] not in ("word", "sentence"):
        return None
    texts, replacement = _whole(view), _replacement(view)
    unit = None if view["unit"] == "word" else view["unit"]
    taken = [block["title"] for block in view["blocks"] if block["pieces"]]
    if view["form"] == "fields":
        fixed = tuple(name for name in texts if name not in taken) or None
        probe: Probe = FieldsProbe(texts, view["unit"], fixed=fixed or (), replacement=replacement)
        return f"FieldsProbe({texts!r}{_settings(unit=unit, fixed=fixed, replacement=replacement)})", probe
    (one, first), (two, second) = texts.items()
    side = "both" if len(taken) == 2 else "first" if taken == [one] else "second"
    names = (one, two)
    probe = PairProbe(first, second, side, view["unit"], names=names, replacement=replacement)
    given = _settings(
        explain=None if side == "both" else side,
        unit=unit,
        names=None if names == ("first", "second") else names,
        replacement=replacement,
    )
    return f"PairProbe({first!r}, {second!r}{given})", probe


def _context(ex: Explanation) -> tuple[str, Probe] | None:
    view = ex.view
    if view["kind"] != "text" or "question" not in view or view.get("system"):
        return None
    documents, replacement = _whole(view), _replacement(view)
    titled = any(block["title"] for block in view["blocks"])
    context = documents if titled else next(iter(documents.values())) if len(documents) == 1 else [*documents.values()]
    template = view["template"] if view["template"] != TEMPLATE else None
    if view["unit"] not in (DOCUMENT, PASSAGE, *UNITS):
        return None
    probe = ContextProbe(
        context, view["question"], unit=view["unit"], replacement=replacement, template=view["template"]
    )
    settings = _settings(unit=view["unit"], replacement=replacement, template=template)
    return f"ContextProbe({context!r}, {view['question']!r}{settings})", probe


def _mask(ex: Explanation) -> tuple[str, Probe] | None:
    if ex.view["kind"] != "cube" or "whole" in ex.view:
        return None
    names: int | list[str] = [f.name for f in ex.features]
    if names == [f"x{i}" for i in range(len(ex.features))]:
        names = len(ex.features)
    return f"MaskProbe({names!r})", MaskProbe(names)


def family_text(ex: Explanation) -> str:
    """Write the family by its name, or by its class with its settings."""
    p, table = ex.provenance, ex.comparison
    if len(table) > 1:
        rows = table[table["terms"] > 0]
        penalty = float(np.round(((rows["r2"] - rows["score"]) / rows["terms"]).median(), 9)) if len(rows) else np.nan
        default = set(table["family"]) == set(Auto().families) and abs(penalty - Auto().penalty) < 1e-6
        return repr("auto") if default else "family"
    return named_family(p.get("family"), p.get("settings", {}))


def named_family(kind: str | None, settings: Json) -> str:
    """Write a family by its name, or its class with its settings; ``family`` for one that is not ours."""
    for name, make in FAMILIES.items():
        if type(make()).__name__ == kind and settings_to_json(make()) == settings:
            return repr(name)
    known = next((known for known in KINDS.values() if known.__name__ == kind), None)
    return _written(known, settings) if known is not None else "family"


def _until(ex: Explanation) -> str:
    """Write the stopping rule; empty for none, and where an earlier version did not keep it."""
    kept = dict(ex.provenance.get("until", {}))
    rule = _RULES.get(str(kept.pop("rule", "")))
    if rule is None:
        return "until" if ex.provenance.get("until") else ""
    known = {f.name for f in fields(rule)}
    if not set(kept) <= known or not all(isinstance(value, (int, float)) for value in kept.values()):
        return "until"
    return f"{rule.__name__}({', '.join(f'{name}={value!r}' for name, value in kept.items())})"


def _written(kind: type[BaseEstimator], settings: Json) -> str:
    """Write a family or a proxy with the settings that are not its defaults."""
    defaults, given = kind().get_params(deep=False), dict(settings)
    proxy, written = given.pop("proxy", None), list[str]()
    if isinstance(proxy, dict):
        ((name, parameters),) = proxy.items()
        if name not in PROXIES:
            return "family"
        written.append(f"proxy={_written(PROXIES[name], parameters)}")
    changed = {name: value for name, value in given.items() if value != defaults.get(name)}
    if not all(isinstance(value, (str, int, float, bool, NoneType)) for value in changed.values()):
        return "family"
    pairs = [f"{name}={value!r}" for name, value in changed.items()]
    return f"{kind.__name__}({', '.join([*pairs, *written])})"


def target_text(ex: Explanation) -> str:
    """Write the target argument; empty for the default, and for spans of an answer."""
    target, outputs, unit = ex.target, ex.answers.outputs, ex.answers.unit
    if target.kind == "function" or not ex.raw_answers_kept:
        return "target"
    names = list(target.outputs)
    for given in (None, "all", LOG_ODDS, names[0], names):
        try:
            if resolve(given, outputs, unit, ex.answers.y[0]) == target:
                return "" if given is None else repr(given)
        except InputError:
            continue
    return "" if _spans(ex) is not None else repr(target)


def _spans(ex: Explanation) -> Spans | None:
    """Return the spans of the answer that are explained, as ``attribute`` takes them."""
    if ex.answer is None or ex.target.kind != "mean" or len(ex.target.columns) == len(ex.answers.outputs):
        return None
    names = list(ex.target.outputs)
    for spans in (names[0], names):
        try:
            if target_of(spans, ex.answers.outputs) == ex.target:
                return spans
        except InputError:
            continue
    return None


def _generated(ex: Explanation) -> bool:
    """Whether the model wrote the answer out of the budget: one row was left for that."""
    p = ex.provenance
    fewer = p["budget"] is not None and p["questions"] < p["budget"] // p["replicates"]
    return fewer and not ex.answers.design.exact and not p.get("stopped")


def _same_questions(ex: Explanation, method: str) -> bool:
    """Whether the seed alone draws the questions that were asked."""
    design = ex.answers.design
    try:
        drawn = sample(ex.features, len(design), np.random.default_rng(ex.provenance["random_state"]), method)
    except InputError:
        return False
    return np.array_equal(drawn.Z, design.Z)
