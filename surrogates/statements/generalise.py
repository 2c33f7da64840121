"""generalise(): what is generally true of a model. Composition only: split → ask → discover → freeze → ask → test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd

from probes.cases.case import RESERVED, Case, grouped
from probes.cases.hold_out import Split, hold_out
from probes.cases.measure import answerer, measure
from probes.cases.measured import Measured
from probes.cases.metrics import Metric, as_metric
from probes.cases.template import TemplateProbe
from probes.errors import InputError
from probes.store.store import Store, open_store
from surrogates.statements.discovery import discover, fidelity_over_factors
from surrogates.statements.entity_effects import FEWEST_ENTITIES, Effect
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study
from surrogates.statements.verdicts import Judged, judge

__all__ = ["generalise"]


def generalise(
    model: object,
    probe: TemplateProbe,
    by: str | Sequence[str] | None = None,
    groups: str | Callable[[Case], str] | None = None,
    *,
    metric: str | Metric = "logit_difference",
    statements: Statement | Sequence[Statement] = (),
    find: bool = True,
    control: Statement | None = None,
    split: Split | None = None,
    most: int = 4,
    random_state: int = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
    name: str = "",
) -> Study:
    """Find statements about a model on half of the entities and test them on the others.

    Parameters
    ----------
    model : object
        A language model, or a model of texts for the metric ``output``.
    probe : TemplateProbe
    by : str or sequence of str, optional
        The factors that statements should be about; by default all.
    groups : str or callable, optional
        What cases depend on each other by: a factor, or a function of a case; by default its entity.
    metric : str or Metric
    statements : Statement, or sequence of Statement
        Claims of your own. They are frozen before anything is asked, so every case tests them.
    find : bool, default True
        Whether to look for statements as well.
    control : Statement, optional
        The positive control; if it is not supported, nothing is testable. By default the model must beat chance
        somewhere: over all cases, or those of a level of some factor, whichever split they are in.
    split : Split, optional
        Which cases are for discovery and which for the test; by default :func:`probes.hold_out`.
    most : int, default 4
        The most statements to find.
    random_state : int, default 0
    store : Store, path, None or "default"
    progress : bool, optional
    name : str

    Returns
    -------
    Study

    Raises
    ------
    InputError
        For an unknown factor, entities in both splits, a metric that the model cannot answer.

    Examples
    --------
    >>> probe = TemplateProbe(
    ...     {"a": "{mood} {name}", "b": "{name} is {mood}", "c": "Is {name} {mood}?"},
    ...     {"mood": {"glad": "glad", "sad": "sad"}},
    ...     {f"n{i}": {"name": "x" * i} for i in range(1, 25)},
    ...     target="yes",
    ... )
    >>> study = generalise(lambda texts: [t.count("glad") * 3 + len(t) * 0.1 for t in texts], probe, metric="output",
    ...                    store=None)
    >>> study.table.loc[0, "words"]
    'output is higher when mood is glad than otherwise by more than 0.775 output: +3.1 output [3.1, 3.1], 12 entities'
    """
    number = as_metric(metric)
    if not isinstance(probe, TemplateProbe):
        raise InputError("probe", "be a TemplateProbe (a built-in behaviour's is behaviour(NAME).probe)", probe)
    cases = [grouped(c, groups) for c in probe.cases]
    known = {f: levels for f, levels in probe.factors.items() if f != groups}
    factors = list(known)
    about = [by] if isinstance(by, str) else list(by or ())
    if unknown := [f for f in about if f not in known]:
        raise InputError("by", f"name factors among {', '.join(factors)}", unknown)
    if isinstance(most, bool) or not isinstance(most, Integral) or most < 0:
        raise InputError("most", "be a number of at least 0", most)
    if not isinstance(statements, Iterable) and not isinstance(statements, Statement):
        raise InputError("statements", "be made by Statement.level, .contrast or .interaction", statements)
    frozen_given = (statements,) if isinstance(statements, Statement) else tuple(statements)
    if not find and not frozen_given:
        raise InputError("statements", "hold at least one, or find be True", statements)
    for s in (*frozen_given, *([control] if control is not None else [])):
        if not isinstance(s, Statement):
            raise InputError("statements", "be made by Statement.level, .contrast or .interaction", s)
        s.check(known)
    if control is None and number.name == "output" and any(s.of_control is not None for s in frozen_given):
        raise InputError("control", "be given where a margin is a share of its effect", control)
    memory = open_store(store)
    asked = answerer(model)
    empty = np.arange(0)
    if find:
        split = _split(split, probe, cases, groups, random_state)
    else:
        split = Split(empty, np.arange(len(cases)), empty, empty)

    def put(index: np.ndarray) -> Measured | None:
        part = [cases[int(i)] for i in index]
        return measure(asked, part, number, store=memory, progress=progress, unconditional=True) if part else None

    first = put(split.discovery)
    found: list[Statement] = []
    notes: list[str] = []
    if first is not None:
        found = discover(first.frame, factors, about=about, most=most, random_state=random_state)
        if (count := first.frame["entity"].nunique()) < FEWEST_ENTITIES:
            whole_count = len({c.entity for c in cases})
            notes.append(
                f"Nothing was looked for: that needs at least {FEWEST_ENTITIES} entities for discovery and "
                f"{FEWEST_ENTITIES} for the test; "
                f"here are {count} of {whole_count} for discovery."
            )
        elif not found:
            notes.append("No factor stood out on the discovery cases.")
    whole = (*frozen_given, *found)
    frozen = hashlib.sha256(json.dumps([s.digest for s in whole]).encode()).hexdigest()

    second = put(split.test)
    if second is None:
        raise InputError("split", "hold out some cases for the test", split)
    part_of = {cases[int(i)].case_id: n for n in ("entities", "cells", "families") for i in getattr(split, n)}
    test = second.frame.assign(part=second.frame["case_id"].map(part_of))
    everything = test if first is None else pd.concat([first.frame.assign(part="discovery"), test], ignore_index=True)

    if lost := second.unanswered + (first.unanswered if first is not None else 0):
        notes.append(f"{lost} of {len(everything) + lost} cases were not answered and are left out.")

    checked, blocked, effect = _competence(control, everything, number)
    bare = everything.drop(columns="part")
    judged = judge(
        whole,
        [bare] * len(frozen_given) + [test] * len(found),
        number.name,
        number.unit,
        discovery=[None] * len(frozen_given) + [None if first is None else first.frame] * len(found),
        control=effect,
        blocked=blocked,
    )
    scores = pd.DataFrame()
    if first is not None:
        scores = fidelity_over_factors(first.frame, test[test["part"] != "families"], factors, random_state)
    cost = second.cost if first is None else first.cost + second.cost
    return Study(tuple(judged), everything, number, scores, checked, frozen, cost, second.model, name, tuple(notes))


def _split(
    split: Split | None, probe: TemplateProbe, cases: Sequence[Case], groups: object, random_state: int
) -> Split:
    """The user's split, checked; or one of our own, by what cases depend on each other by."""
    if split is None:
        return hold_out(cases, random_state=random_state)
    if not isinstance(split, Split):
        raise InputError("split", "be made by probes.hold_out", split)
    used = np.concatenate([split.discovery, split.test])
    if len(used) and (used.min() < 0 or used.max() >= len(cases)):
        raise InputError("split", f"hold numbers of the probe's {len(cases)} cases", used.max())
    seen = {cases[int(i)].entity for i in split.discovery}
    if both := sorted(seen & {cases[int(i)].entity for i in split.test}):
        rule = "keep each entity on one side"
        if groups is not None:
            rule = "keep each group on one side: hold_out(probe, groups=...) does"
        raise InputError("split", rule, both[:5])
    if not len(split.discovery) or not len(split.test):
        raise InputError("split", "hold cases on both sides", split)
    return split


def _competence(
    control: Statement | None, frame: pd.DataFrame, metric: Metric
) -> tuple[Judged | None, str, Effect | None]:
    """The positive control judged, the reason for which nothing is testable, and the control's effect."""
    bare = frame.drop(columns="part", errors="ignore")
    if control is not None:
        judged = judge([control], [bare], metric.name, metric.unit)[0]
        failed = "" if judged.verdict == "supported" else f"the positive control is {judged.verdict}: {judged.words}"
        return judged, failed, control.estimate(bare)
    if metric.name == "output":
        return None, "", None
    claims = [Statement.level()]
    for factor in (c for c in bare.columns if c not in RESERVED):
        claims += [Statement.level(Scope(((factor, (str(v),)),))) for v in bare[factor].dropna().unique()]
    everywhere = judge(claims, [bare] * len(claims), metric.name, metric.unit)
    best = min(everywhere, key=lambda j: (j.p if np.isfinite(j.p) else 2.0, -j.effect))
    if best.verdict == "supported":
        return best, "", best.statement.estimate(bare)
    if best.verdict == "not testable":
        return best, best.reason, None
    return best, f"the model is nowhere clearly better than chance; best: {best.words}", None
