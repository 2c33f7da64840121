"""Windows of items: their questions are asked together, and what came back is fitted and judged, each by itself."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np
import pandas as pd

from probes.asking.answers import Answers
from probes.asking.ask_many import ask_together
from probes.asking.session import Reply
from probes.errors import InputError, IomapError, ModelError, StoreError, UnavailableError
from probes.inputs.tabular import TabularProbe
from surrogates.judging.analysis import Analysis
from surrogates.local.explanation import Explanation
from surrogates.local.plan import Material, Plan, studied
from surrogates.local.rule import Outcome
from surrogates.many.items import Item
from surrogates.many.jsonl_file import Entry
from surrogates.many.settings import Settings

__all__ = ["ENDS", "explained"]

log = logging.getLogger(__name__)

#: errors that end the run; any other is an item's own
ENDS = (StoreError, UnavailableError)
#: what an error must be about to be nobody's fault but the caller's
SETTINGS = (
    *("family", "budget", "design", "target", "answer", "penalty", "families"),
    *("background", "background_rows", "law", "groups", "feature_names", "ignore"),
)

_Outcome: TypeAlias = tuple[Item, Explanation | Entry | Exception]
_T = TypeVar("_T")


def explained(items: Iterator[Item], settings: Settings, done: dict[str, Entry]) -> Iterator[_Outcome]:
    """Yield each item with its Explanation, stored entry or error."""
    window: list[tuple[Item, Plan]] = []
    questions, planned = 0, False
    for item in items:
        try:
            probe = item.make()
            plan = settings.plan(probe)
        except ENDS:
            raise
        except IomapError as error:
            if not planned and isinstance(error, InputError) and error.parameter.partition("[")[0] in SETTINGS:
                raise
            yield item, error
            continue
        except Exception as error:  # noqa: BLE001 - the user's own probe may fail in any way; the others go on
            yield item, error
            continue
        planned = True
        row = {k: _plain(v) for k, v in probe.row.items()} if isinstance(probe, TabularProbe) else None
        item = replace(item, key=settings.key(plan), row=row)
        if item.key in done and done[item.key].sound():
            yield item, done[item.key]
            continue
        window.append((item, plan))
        questions += len(plan.questions) * probe.replicates
        if questions >= settings.window:
            yield from _worked(window, settings)
            window, questions = [], 0
    yield from _worked(window, settings)


def _worked(window: list[tuple[Item, Plan]], settings: Settings) -> Iterator[_Outcome]:
    """Ask a window's questions, fit what came back."""
    answered: list[tuple[Item, Plan, Reply]] = []
    ended: Exception | None = None
    try:
        for item, plan, reply in _asked(window, settings):
            if isinstance(reply, Exception):
                yield item, reply
            else:
                answered.append((item, plan, reply))
    except ENDS as error:  # what was answered before is explained all the same
        ended = error
    for number, fitted in _in_order(_studied(answered, settings)):
        item, plan, reply = answered[number]
        yield item, fitted if isinstance(fitted, Exception) else plan.explanation(Outcome(reply, *fitted))
    if ended is not None:
        raise ended


def _studied(
    answered: list[tuple[Item, Plan, Reply]], settings: Settings
) -> Iterator[tuple[int, tuple[Analysis, pd.DataFrame] | Exception]]:
    """Yield numbers with what was fitted to the answers; those to the same questions are studied at once."""
    groups: dict[Hashable, list[tuple[int, Material]]] = {}
    for number, (_, plan, reply) in enumerate(answered):
        try:
            material = plan.material(reply)
        except IomapError as error:
            yield number, error
        else:
            groups.setdefault(material.questions, []).append((number, material))
    pool, size, lead = settings.workers.pool, settings.workers.pool.size, 1
    left, rest = sum(map(len, groups.values())), np.inf
    for group in groups.values():
        while group and pool.waits(rest):  # ever more are fitted here; all that are left, if workers do not pay
            lead = lead if pool.pays(rest) else len(group)
            numbers, materials = zip(*group[:lead], strict=True)
            before = pool.spent
            with pool.clock():
                fitted = _fitted([*materials])
            yield from zip(numbers, fitted, strict=True)
            del group[:lead]
            left -= len(numbers)
            rest = (pool.spent - before) / len(numbers) * left
            lead *= 4
    shares = [group[i::size] for group in groups.values() for i in range(min(size, len(group)))]
    analyses = pool.map(_fitted, [[material for _, material in share] for share in shares])
    for share, fitted in zip(shares, analyses, strict=True):
        yield from zip((number for number, _ in share), fitted, strict=True)


def _in_order(numbered: Iterable[tuple[int, _T]]) -> Iterator[tuple[int, _T]]:
    """Yield results by number from 0 on, each as soon as those before it are there."""
    waiting: dict[int, _T] = {}
    due = 0
    for number, what in numbered:
        waiting[number] = what
        while due in waiting:
            yield due, waiting.pop(due)
            due += 1


def _fitted(materials: list[Material]) -> list[tuple[Analysis, pd.DataFrame] | Exception]:
    """Fit and judge items that were asked the same questions; runs in a worker where there are several."""
    try:
        return [*studied(materials)]
    except Exception as error:  # noqa: BLE001 - travels back; the other items go on
        return [error] if len(materials) == 1 else [_fitted([material])[0] for material in materials]


def _asked(window: list[tuple[Item, Plan]], settings: Settings) -> Iterator[tuple[Item, Plan, Reply | Exception]]:
    """Yield replies to a window's plans; those that are put to the same map are asked together."""
    groups: dict[str, list[tuple[Item, Plan]]] = {}
    for item, plan in window:
        try:
            groups.setdefault(plan.session.identity.id, []).append((item, plan))
        except ENDS:
            raise
        except Exception as error:  # noqa: BLE001 - no answer could be written; the others go on
            yield item, plan, error
    for group in groups.values():
        answers = _answers([plan for _, plan in group], settings)
        for number, (item, plan) in enumerate(group):
            if isinstance(answers, list):
                yield item, plan, _reply(plan, answers[number])
            elif len(group) == 1:
                yield item, plan, answers
            else:  # it failed for all: each is asked alone to find out whose fault that was
                alone = _answers([plan], settings)
                yield item, plan, _reply(plan, alone[0]) if isinstance(alone, list) else alone


def _answers(plans: list[Plan], settings: Settings) -> list[Answers] | Exception:
    """Ask the questions of some plans together: the answers to each, or the error that came of it."""
    shares = [plan.session.share(plan.questions) for plan in plans]
    for plan in plans[1:]:
        plan.session.scorer = plans[0].session.scorer  # the same map, and the one that knows what it wrote
    try:
        return ask_together(plans[0].session.scorer, shares, settings.store, settings.run)
    except ENDS:
        raise
    except (IomapError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        log.info("%d items asked together failed: %s", len(plans), error)
        return error


def _reply(plan: Plan, answers: Answers) -> Reply | Exception:
    try:
        return plan.session.receive(answers)
    except ENDS:
        raise
    except (InputError, ModelError) as error:
        return error


def _plain(value: object) -> object:
    """Convert a table's value to what JSON has."""
    if not isinstance(value, str) and pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, (bool, int, float)) else str(value)
