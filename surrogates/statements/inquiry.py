"""The Inquiry: statements found on some cases, frozen, and tested on others. Composition only.

Split → measure → discover → freeze → measure → test. What measures is given: one model, or what two models differ by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.cases.case import RESERVED, Case, grouped
from probes.cases.hold_out import Split, hold_out
from probes.cases.measured import Measured
from probes.cases.metrics import Metric
from probes.cases.template import TemplateProbe
from probes.errors import InputError, integer
from surrogates.judging.notes import one_by_one
from surrogates.statements.discovery import discover
from surrogates.statements.entity_effects import FEWEST_ENTITIES, Effect
from surrogates.statements.factor_fidelity import fidelity_over_factors
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study
from surrogates.statements.verdicts import Judged, judge

__all__ = ["Inquiry"]

_MADE_BY = "be made by Statement.level, .contrast or .interaction"


@dataclass(frozen=True)
class Inquiry:
    """What statements to look for, and which of the user's to test; checked.

    Attributes
    ----------
    cases : list of Case
        Their entity is what they depend on each other by.
    levels : dict
        Levels of each factor, the one that groups cases aside.
    about : list of str
        Factors that statements should be about; empty for all.
    metric : Metric
        Of one model.
    given : tuple of Statement
        The user's claims.
    find : bool
    control : Statement or None
    split : Split
    most : int
        The most statements to discover.
    random_state : int
    of_change : bool, default False
        Whether numbers are what two models differ by: their mean is then a statement of its own, with the direction it
        has, and there is no positive control.
    """

    cases: list[Case]
    levels: Mapping[str, Sequence[str]]
    about: list[str]
    metric: Metric
    given: tuple[Statement, ...]
    find: bool
    control: Statement | None
    split: Split
    most: int
    random_state: int = 0
    of_change: bool = False

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
        split: Split | None,
        most: int,
        random_state: int,
        treated: Sequence[str] | None = None,
        of_change: bool = False,
    ) -> Inquiry:
        """Check the arguments of :func:`~surrogates.statements.generalise.generalise` that say what to look for.

        Raises
        ------
        InputError
        """
        if not isinstance(probe, TemplateProbe):
            raise InputError("probe", "be a TemplateProbe (a built-in behaviour's is behaviour(NAME).probe)", probe)
        cases = list(probe.cases)
        levels: dict[str, Sequence[str]] = {f: known for f, known in probe.factors.items() if f != groups}
        if treated is not None:
            cases, levels = _treated(cases, levels, treated)
        cases = [grouped(c, groups) for c in cases]
        if by is not None and not isinstance(by, (str, Iterable)):
            raise InputError("by", f"name factors among {', '.join(levels)}", by)
        about = [by] if isinstance(by, str) else list(by or ())
        random_state = integer("random_state", random_state, least=0)
        if unknown := [f for f in about if f not in levels]:
            raise InputError("by", f"name factors among {', '.join(levels)}", unknown)
        if isinstance(most, bool) or not isinstance(most, Integral) or most < 0:
            raise InputError("most", "be a number of at least 0", most)
        given = _given(statements, find or of_change)
        for s in (*given, *([control] if control is not None else [])):
            if not isinstance(s, Statement):
                raise InputError("statements", _MADE_BY, s)
            s.check(levels)
        alone = control is None and (of_change or metric.name == "output")
        if alone and any(s.of_control is not None for s in given):
            raise InputError("control", "be given where a margin is a share of its effect", control)
        if of_change:  # chance is part of both numbers, and falls out
            given = tuple(replace(s, reference=0.0) if s.reference == "chance" else s for s in given)
        split = _split(split, probe, cases, groups, random_state) if find else _all_for_the_test(len(cases))
        return cls(cases, levels, about, metric, given, find, control, split, int(most), random_state, of_change)

    @property
    def factors(self) -> list[str]:
        return list(self.levels)

    def study(self, measured: Callable[[Sequence[Case]], Measured], name: str = "") -> Study:
        """Measure, discover, freeze, measure and test.

        Parameters
        ----------
        measured : callable
            Returns numbers of cases.
        name : str
        """
        first = self._numbers(measured, self.split.discovery)
        discovered, notes = self._discovered(first)
        frozen = hashlib.sha256(json.dumps([s.digest for s in (*self.given, *discovered)]).encode()).hexdigest()
        second = self._numbers(measured, self.split.test)
        if second is None:
            raise InputError("split", "hold out some cases for the test", self.split)
        part_of = {
            self.cases[int(i)].case_id: n for n in ("entities", "cells", "families") for i in getattr(self.split, n)
        }
        test = second.frame.assign(part=second.frame["case_id"].map(part_of))
        everything = test
        if first is not None:
            everything = pd.concat([first.frame.assign(part="discovery"), test], ignore_index=True)
        whole, more = everything, None
        if self.of_change or self.given:  # cases that neither find nor test what is found: the user's claims are of all
            rest = np.setdiff1d(np.arange(len(self.cases)), [*self.split.discovery, *self.split.test])
            more = self._numbers(measured, rest)
            if more is not None:
                whole = pd.concat([everything, more.frame.assign(part="rest")], ignore_index=True)
        asked = [m for m in (first, second, more) if m is not None]
        if unanswered := sum(m.unanswered for m in asked):
            notes.append(f"Not answered, and left out: {unanswered} of {len(whole) + unanswered} cases.")
        if second.neighbours:
            notes.append(one_by_one(second.neighbours))
        checked, judged = self._judged(second.metric, discovered, None if first is None else first.frame, test, whole)
        scores = pd.DataFrame()
        if first is not None:
            seen = test[test["part"] != "families"]
            scores = fidelity_over_factors(first.frame, seen, self.factors, self.random_state)
        cost = sum((m.cost for m in asked), Cost())
        return Study(judged, whole, second.metric, scores, checked, frozen, cost, second.model, name, tuple(notes))

    def _numbers(self, measured: Callable[[Sequence[Case]], Measured], index: np.ndarray) -> Measured | None:
        """Measure the cases of these numbers; None if there are none."""
        part = [self.cases[int(i)] for i in index]
        return measured(part) if part else None

    def _discovered(self, first: Measured | None) -> tuple[list[Statement], list[str]]:
        """Return statements that stand out on the discovery cases, and a note if there are none."""
        if first is None:
            return [], []
        discovered = discover(
            first.frame, self.factors, about=self.about, most=self.most, random_state=self.random_state
        )
        if (count := first.frame["entity"].nunique()) < FEWEST_ENTITIES:
            total = len({c.entity for c in self.cases})
            return discovered, [
                f"Nothing was looked for: that needs at least {FEWEST_ENTITIES} entities for discovery and "
                f"{FEWEST_ENTITIES} for the test; here are {count} of {total} for discovery."
            ]
        return discovered, [] if discovered else ["No factor stood out on the discovery cases."]

    def _judged(
        self,
        metric: Metric,
        discovered: Sequence[Statement],
        discovery: pd.DataFrame | None,
        test: pd.DataFrame,
        everything: pd.DataFrame,
    ) -> tuple[Judged | None, tuple[Judged, ...]]:
        """Judge the control and all statements: the user's on every case, discovered ones on the test cases."""
        checked, blocked, effect = None, "", None
        given = self.given
        if self.of_change:
            mean = Statement.level(reference=0.0).estimate(everything)  # tested in both directions, whichever it is
            given = (Statement.level(reference=0.0, sign=-1 if mean and mean.value < 0 else 1), *given)
        else:
            checked, blocked, effect = _competence(self.control, everything, metric)
        judged = judge(
            (*given, *discovered),
            [everything.drop(columns="part", errors="ignore")] * len(given) + [test] * len(discovered),
            metric.name,
            metric.unit,
            discovery=[None] * len(given) + [discovery] * len(discovered),
            control=effect,
            blocked=blocked,
        )
        return checked, tuple(judged)


def _treated(
    cases: Sequence[Case], levels: Mapping[str, Sequence[str]], treated: Sequence[str]
) -> tuple[list[Case], dict[str, Sequence[str]]]:
    """Add whether a case's entity was treated as a factor."""
    names = {c.entity for c in cases}
    if isinstance(treated, str) or not isinstance(treated, Iterable):
        raise InputError("treated", "be names of entities", treated)
    chosen = set(map(str, treated))
    if unknown := sorted(chosen - names):
        raise InputError("treated", f"name some of {', '.join(sorted(names)[:12])}", unknown)
    if not chosen or chosen == names:
        raise InputError("treated", "name some of the entities, not all and not none", sorted(chosen)[:5])
    if "treated" in levels:
        raise InputError("treated", "be left out where the probe has a factor of that name", [*levels])
    out = [replace(c, levels=(*c.levels, ("treated", "yes" if c.entity in chosen else "no"))) for c in cases]
    return out, {**levels, "treated": ("yes", "no")}


def _given(statements: Statement | Sequence[Statement], find: bool) -> tuple[Statement, ...]:
    """Return the user's claims as a tuple."""
    if not isinstance(statements, Iterable) and not isinstance(statements, Statement):
        raise InputError("statements", _MADE_BY, statements)
    given = (statements,) if isinstance(statements, Statement) else tuple(statements)
    if not find and not given:
        raise InputError("statements", "hold at least one, or find be True", statements)
    return given


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
