"""generalise(): what is generally true of a model. Composition only: split → ask → discover → freeze → ask → test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from probes.model import Generator, Model
from probes.store.store import Store, open_store
from surrogates.judging.notes import one_by_one
from surrogates.statements.discovery import discover
from surrogates.statements.entity_effects import FEWEST_ENTITIES, Effect
from surrogates.statements.factor_fidelity import fidelity_over_factors
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study
from surrogates.statements.verdicts import Judged, judge

__all__ = ["generalise"]

_MADE_BY = "be made by Statement.level, .contrast or .interaction"


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
        Cases of one group depend on each other: a factor, or a function of a case; by default its entity.
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
    plan = _Plan.of(probe, by, groups, as_metric(metric), statements, find, control, most)
    cases = plan.cases
    # whatever can be refused is refused before a question is paid for
    asking = _Asking(answerer(model), plan.metric, open_store(store), progress)
    split = _split(split, probe, cases, groups, random_state) if find else _all_for_the_test(len(cases))
    first = asking.measured(cases, split.discovery)
    discovered, notes = _discovered(plan, first, random_state)
    frozen = hashlib.sha256(json.dumps([s.digest for s in (*plan.given, *discovered)]).encode()).hexdigest()

    second = asking.measured(cases, split.test)
    if second is None:
        raise InputError("split", "hold out some cases for the test", split)
    part_of = {cases[int(i)].case_id: n for n in ("entities", "cells", "families") for i in getattr(split, n)}
    test = second.frame.assign(part=second.frame["case_id"].map(part_of))
    everything = test if first is None else pd.concat([first.frame.assign(part="discovery"), test], ignore_index=True)
    if unanswered := second.unanswered + (first.unanswered if first is not None else 0):
        notes.append(f"{unanswered} of {len(everything) + unanswered} cases were not answered and are left out.")

    if second.neighbours:
        notes.append(one_by_one(second.neighbours))

    checked, judged = _judged(plan, discovered, None if first is None else first.frame, test, everything)
    scores = pd.DataFrame()
    if first is not None:
        scores = fidelity_over_factors(first.frame, test[test["part"] != "families"], plan.factors, random_state)
    cost = second.cost if first is None else first.cost + second.cost
    return Study(judged, everything, plan.metric, scores, checked, frozen, cost, second.model, name, tuple(notes))


@dataclass(frozen=True)
class _Plan:
    """Arguments of :func:`generalise` that say what to look for, checked.

    Attributes
    ----------
    cases : list of Case
        Their entity is what they depend on each other by.
    levels : dict
        Levels of each factor, the one that groups cases aside.
    about : list of str
        Factors that statements should be about; empty for all.
    metric : Metric
    given : tuple of Statement
        The user's claims.
    control : Statement or None
    most : int
        The most statements to discover.
    """

    cases: list[Case]
    levels: Mapping[str, Sequence[str]]
    about: list[str]
    metric: Metric
    given: tuple[Statement, ...]
    control: Statement | None
    most: int

    @property
    def factors(self) -> list[str]:
        return list(self.levels)

    @classmethod
    def of(
        cls,
        probe: TemplateProbe,
        by: str | Sequence[str] | None,
        groups: str | Callable[[Case], str] | None,
        metric: Metric,
        statements: Statement | Sequence[Statement],
        find: bool,
        control: Statement | None,
        most: int,
    ) -> _Plan:
        """Check the arguments of :func:`generalise` that say what to look for.

        Raises
        ------
        InputError
        """
        if not isinstance(probe, TemplateProbe):
            raise InputError("probe", "be a TemplateProbe (a built-in behaviour's is behaviour(NAME).probe)", probe)
        cases = [grouped(c, groups) for c in probe.cases]
        levels = {f: known for f, known in probe.factors.items() if f != groups}
        about = [by] if isinstance(by, str) else list(by or ())
        if unknown := [f for f in about if f not in levels]:
            raise InputError("by", f"name factors among {', '.join(levels)}", unknown)
        if isinstance(most, bool) or not isinstance(most, Integral) or most < 0:
            raise InputError("most", "be a number of at least 0", most)
        given = _given(statements, find)
        for s in (*given, *([control] if control is not None else [])):
            if not isinstance(s, Statement):
                raise InputError("statements", _MADE_BY, s)
            s.check(levels)
        if control is None and metric.name == "output" and any(s.of_control is not None for s in given):
            raise InputError("control", "be given where a margin is a share of its effect", control)
        return cls(cases, levels, about, metric, given, control, int(most))


def _given(statements: Statement | Sequence[Statement], find: bool) -> tuple[Statement, ...]:
    """Return the user's claims as a tuple."""
    if not isinstance(statements, Iterable) and not isinstance(statements, Statement):
        raise InputError("statements", _MADE_BY, statements)
    given = (statements,) if isinstance(statements, Statement) else tuple(statements)
    if not find and not given:
        raise InputError("statements", "hold at least one, or find be True", statements)
    return given


@dataclass(frozen=True)
class _Asking:
    """Whom to ask, for what, and where answers are kept."""

    model: Model | Generator
    metric: Metric
    store: Store
    progress: bool | None

    def measured(self, cases: Sequence[Case], index: np.ndarray) -> Measured | None:
        """Measure the cases of these numbers; None if there are none."""
        part = [cases[int(i)] for i in index]
        if not part:
            return None
        return measure(self.model, part, self.metric, store=self.store, progress=self.progress, unconditional=True)


def _discovered(plan: _Plan, first: Measured | None, random_state: int) -> tuple[list[Statement], list[str]]:
    """Return statements that stand out on the discovery cases, and a note if there are none."""
    if first is None:
        return [], []
    discovered = discover(
        first.frame,
        plan.factors,
        about=plan.about,
        most=plan.most,
        random_state=random_state,
    )
    if (count := first.frame["entity"].nunique()) < FEWEST_ENTITIES:
        total = len({c.entity for c in plan.cases})
        return discovered, [
            f"Nothing was looked for: that needs at least {FEWEST_ENTITIES} entities for discovery and "
            f"{FEWEST_ENTITIES} for the test; here are {count} of {total} for discovery."
        ]
    return discovered, [] if discovered else ["No factor stood out on the discovery cases."]


def _judged(
    plan: _Plan,
    discovered: Sequence[Statement],
    discovery: pd.DataFrame | None,
    test: pd.DataFrame,
    everything: pd.DataFrame,
) -> tuple[Judged | None, tuple[Judged, ...]]:
    """Judge the control and all statements: the user's on every case, discovered ones on the test cases."""
    given, metric = plan.given, plan.metric
    checked, blocked, effect = _competence(plan.control, everything, metric)
    judged = judge(
        (*given, *discovered),
        [everything.drop(columns="part")] * len(given) + [test] * len(discovered),
        metric.name,
        metric.unit,
        discovery=[None] * len(given) + [discovery] * len(discovered),
        control=effect,
        blocked=blocked,
    )
    return checked, tuple(judged)


def _all_for_the_test(cases: int) -> Split:
    empty = np.arange(0)
    return Split(empty, np.arange(cases), empty, empty)


def _split(
    split: Split | None, probe: TemplateProbe, cases: Sequence[Case], groups: object, random_state: int
) -> Split:
    """Check the user's split, or hold out cases by entity where there is none."""
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
    """Judge the positive control: its judgement, why nothing is testable if nothing is, and its effect."""
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
