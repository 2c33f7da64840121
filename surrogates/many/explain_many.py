"""explain_many(): many inputs, one stream of questions. Composition only: plans → ask together → fit → write down.

A window of items at a time is planned, their questions are asked together, and what came back is fitted and judged,
each item by itself. Nothing here knows how one explanation is made; that is :class:`~surrogates.local.plan.Plan`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from probes.asking.answers import Answers
from probes.asking.ask_batch import Run
from probes.asking.ask_many import ask_together
from probes.asking.question import Question, answer_in_target
from probes.asking.session import Reply, Session, StoreLike
from probes.design import random_seed
from probes.errors import InputError, IomapError, ModelError, StoreError, UnavailableError
from probes.inputs.tabular import TabularProbe
from probes.model import Generator, Model
from probes.models.adapt import ModelLike, as_model
from probes.outputs.target import LOG_ODDS, TargetLike, is_function
from probes.parallel.workers import GeneratorWorkers, Workers, distribute
from probes.probe import Probe
from probes.store.store import Store, open_store
from surrogates.families.registry import FamilyLike, candidates, settings_to_json
from surrogates.judging.analysis import Analysis
from surrogates.local.plan import Material, Plan, studied
from surrogates.local.rule import Outcome
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.items import Item, items_of
from surrogates.many.jsonl_file import Entry, Failure, JsonlFile
from surrogates.results.provenance import library_version

__all__ = ["explain_many"]

log = logging.getLogger(__name__)

#: model inputs that are asked together, of models of plain rows and of models whose inputs have a length
_WINDOW = 32_768
_WINDOW_OF_TEXTS = 1024
#: the same of servers, where a cap may end the run at any question
_WINDOW_OF_REMOTE = 256
#: errors that end the run; any other is an item's own
_ENDS = (StoreError, UnavailableError)
#: what an error must be about to be nobody's fault but the caller's
_SETTINGS = ("family", "budget", "design", "target", "penalty", "families", "background")


def explain_many(
    model: ModelLike,
    probes: Iterable[Any] | pd.DataFrame,
    family: FamilyLike = "linear",
    *,
    background: pd.DataFrame | np.ndarray | None = None,
    budget: int | None = None,
    design: str = "uniform",
    target: TargetLike = None,
    answer: str | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    n_jobs: int | None = 1,
    output: str | Path | None = None,
    progress: bool | None = None,
) -> ExplanationSet:
    """Explain what a model does around many inputs.

    Parameters
    ----------
    model : object
        As for :func:`~surrogates.explain`.
    probes : iterable, or DataFrame
        Whatever :func:`~surrogates.explain` takes as a probe: texts, dicts, probes; or, with `background`, rows: a
        DataFrame. The index of a DataFrame, or of a Series of texts, labels the items (their places do, with a warning
        in the log, if a label repeats). An iterable is read as far as is worked on.
    family, budget, design, target, answer, random_state, store
        As for :func:`~surrogates.explain`, for every item: each gets the explanation that it would get there.
    background : DataFrame or array, optional
        For rows: what absent values are replaced from.
    n_jobs : int or None, default 1
        Workers that answer and fit; see :func:`~probes.parallel.workers.distribute`. None takes what
        ``joblib.parallel_config`` says.
    output : path, optional
        A ``.jsonl`` file, or a folder for one. Every explanation is written there as soon as it is finished and dropped
        from memory. Called again with the same arguments, what is there is not done again.
    progress : bool, optional
        Whether to show a progress bar; by default on a terminal only.

    Returns
    -------
    ExplanationSet
        What could not be explained is in its ``failures``; the others are not affected.

    Raises
    ------
    InputError
        For a parameter that breaks its rule, before any question is asked. An item that breaks one is a failure.
    UnavailableError
        If no question can be asked any more, whatever the item: a wrong key, an unknown model, a server that is gone;
        at a cap as :class:`~probes.errors.SpendCapError`. Nothing else is tried then.
    StoreError
        If answers or explanations cannot be kept.

    Notes
    -----
    Questions of many items are asked in one stream, in batches that suit the model, and none twice. A language model
    that writes its own answers is asked item after item, because each answer makes another map; with the same answer
    given for all they are asked together. If a batch fails, the items in it are asked alone to find out whose it was.
    Ctrl-C returns what is finished; the errors that end a run hold it in their attribute ``finished``.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> found = explain_many(lambda Z: 2 * Z[:, 0] - Z[:, 2], [MaskProbe(3), MaskProbe(4)], store=None)
    >>> found.summary()[["feature", "items", "importance"]].head(2)
      feature  items  importance
    0      x0      2         2.0
    1      x2      2         1.0
    """
    seed = random_seed(random_state)
    candidates(family)
    items = items_of(probes, background)
    shelf = None if output is None else JsonlFile(output)
    if shelf is not None:
        shelf.check()
    asked = as_model(model)
    with distribute(asked, n_jobs) as workers:
        workers.crew.pack()
        wanted = _Wanted.of(asked, target, answer)
        settings = _Settings(workers, family, budget, design, wanted, seed, open_store(store), Run())
        done = {entry.key: entry for entry in shelf.entries()} if shelf is not None and settings.lasting else {}
        total = len(probes) if isinstance(probes, (Sequence, pd.DataFrame, pd.Series)) else None
        entries: list[Entry] = []
        failures: list[Failure] = []
        with tqdm(
            total=total, desc="explaining", unit="item", disable=None if progress is None else not progress
        ) as bar:
            try:
                for item, found in _explained(items, settings, done):
                    bar.update()
                    if isinstance(found, Exception):
                        failure = Failure(item.index, item.label, f"{type(found).__name__}: {found}")
                        failures.append(failure)
                        if shelf is not None:
                            shelf.fail(item.key or settings.blank(item), failure)
                    elif isinstance(found, Entry):
                        entries.append(replace(found, index=item.index, label=item.label, row=item.row, earlier=True))
                    else:
                        entry = Entry(item.key, item.index, item.label, item.row, found)
                        entries.append(entry if shelf is None else shelf.add(entry))
            except KeyboardInterrupt:
                log.warning("interrupted; answers so far are in the store")
                return _set(entries, failures, True)
            except _ENDS as error:
                error.finished = _set(entries, failures, True)
                error.add_note(_told(error.finished, settings.store, shelf))
                raise
    return _set(entries, failures)


def _set(entries: list[Entry], failures: list[Failure], interrupted: bool = False) -> ExplanationSet:
    in_order = sorted(entries, key=lambda entry: entry.index), sorted(failures, key=lambda failure: failure.index)
    return ExplanationSet(tuple(in_order[0]), tuple(in_order[1]), interrupted)


def _told(finished: ExplanationSet, store: Store, shelf: JsonlFile | None) -> str:
    """Where everything is when an error ends a run."""
    where = "this error's attribute finished" if shelf is None else str(shelf.path)
    count = f"{len(finished)} item{'' if len(finished) == 1 else 's'}"
    answers = "were kept in memory only" if store.path is None else "are in the store: run again to go on"
    return f"{count} explained{f' ({where})' if finished else ''}; answers so far {answers}."


@dataclass(frozen=True)
class _Wanted:
    """What is explained of every item.

    Attributes
    ----------
    target : TargetLike
    answer : str or None
        For a language model: the continuation of every probe.
    fallback : str or None
        The continuation of those that bring none.
    key : str
        Stands for all of this in the key of an item.
    """

    target: TargetLike
    answer: str | None
    fallback: str | None
    key: str

    @classmethod
    def of(cls, model: Model | Generator, target: TargetLike, answer: str | None) -> _Wanted:
        """Tell a target from an answer; both forms of an answer have the same key.

        Raises
        ------
        InputError
        """
        old = answer_in_target(model, target, answer)
        if answer is not None and not isinstance(model, Generator):
            raise InputError("answer", "be left out: this model does not continue text", answer)
        plain = answer is not None and target is None and answer != LOG_ODDS
        key = repr(answer) if plain else repr(target) if answer is None else repr((target, answer))
        return cls(target if old is None else None, answer, old, key)


@dataclass(frozen=True)
class _Settings:
    """What all items share."""

    workers: Workers | GeneratorWorkers
    family: FamilyLike
    budget: int | None
    design: str
    wanted: _Wanted
    seed: int
    store: Store
    run: Run

    def plan(self, probe: Probe) -> Plan:
        wanted, run = self.wanted, Run(memory=self.run.memory)
        question = Question.of(self.workers, probe, None, wanted.target, wanted.answer, wanted.fallback)
        session = Session(question, self.budget, self.store, False, run)
        return Plan.of(session, self.family, self.budget, self.design, self.seed)

    @property
    def lasting(self) -> bool:
        """Whether a key means the same in another run: not with a model or a target that nobody can identify."""
        return self.workers.identity().persistent and not is_function(self.wanted.target)

    def key(self, plan: Plan) -> str:
        """Digest of all that decides about an explanation."""
        probe = plan.session.question.probe
        families = {name: [type(f).__name__, settings_to_json(f)] for name, f in plan.families.items()}
        content = [
            library_version(),
            [self.workers.identity().id, probe.digest, probe.answer, probe.max_new_tokens],
            [families, plan.penalty, plan.questions.digest, self.seed, self.wanted.key],
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()

    def blank(self, item: Item) -> str:
        """A key for an item that has none, because no probe could be made of it."""
        return hashlib.sha256(repr(("no probe", item.index, item.label)).encode()).hexdigest()

    @property
    def window(self) -> int:
        inside = self.workers.model
        if inside.remote:
            return _WINDOW_OF_REMOTE
        texts = isinstance(inside, Generator) or (isinstance(inside, Model) and inside.size_unit is not None)
        return _WINDOW_OF_TEXTS if texts else _WINDOW


_Found = tuple[Item, Any]
_T = TypeVar("_T")


def _explained(items: Iterator[Item], settings: _Settings, done: dict[str, Entry]) -> Iterator[_Found]:
    """Yield each item with its Explanation, stored entry or error."""
    window: list[tuple[Item, Plan]] = []
    questions, planned = 0, False
    for item in items:
        try:
            probe = item.make()
            plan = settings.plan(probe)
        except _ENDS:
            raise
        except IomapError as error:
            if not planned and isinstance(error, InputError) and error.parameter in _SETTINGS:
                raise
            yield item, error
            continue
        except Exception as error:  # noqa: BLE001 - the user's own probe may fail in any way; the others go on
            yield item, error
            continue
        planned = True
        row = {k: _plain(v) for k, v in probe.row.items()} if isinstance(probe, TabularProbe) else None
        item = replace(item, key=settings.key(plan), row=row)
        if item.key in done:
            yield item, done[item.key]
            continue
        window.append((item, plan))
        questions += len(plan.questions) * probe.replicates
        if questions >= settings.window:
            yield from _worked(window, settings)
            window, questions = [], 0
    yield from _worked(window, settings)


def _worked(window: list[tuple[Item, Plan]], settings: _Settings) -> Iterator[_Found]:
    """Ask a window's questions, fit what came back."""
    answered: list[tuple[Item, Plan, Reply]] = []
    ended: Exception | None = None
    try:
        for item, plan, found in _asked(window, settings):
            if isinstance(found, Exception):
                yield item, found
            else:
                answered.append((item, plan, found))
    except _ENDS as error:  # what was answered before is explained all the same
        ended = error
    for number, fitted in _in_order(_studied(answered, settings)):
        item, plan, reply = answered[number]
        yield item, fitted if isinstance(fitted, Exception) else plan.explanation(Outcome(reply, *fitted))
    if ended is not None:
        raise ended


def _studied(
    answered: list[tuple[Item, Plan, Reply]], settings: _Settings
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
    size = settings.workers.crew.size
    shares = [group[i::size] for group in groups.values() for i in range(min(size, len(group)))]
    analyses = settings.workers.crew.map(_fitted, [[material for _, material in share] for share in shares])
    for share, fitted in zip(shares, analyses, strict=True):
        yield from zip((number for number, _ in share), fitted, strict=True)


def _in_order(numbered: Iterable[tuple[int, _T]]) -> Iterator[tuple[int, _T]]:
    """The same by number from 0 on, each as soon as those before it are there."""
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


def _asked(window: list[tuple[Item, Plan]], settings: _Settings) -> Iterator[tuple[Item, Plan, Reply | Exception]]:
    """Yield replies to a window's plans; those that are put to the same map are asked together."""
    groups: dict[str, list[tuple[Item, Plan]]] = {}
    for item, plan in window:
        try:
            groups.setdefault(plan.session.identity.id, []).append((item, plan))
        except _ENDS:
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


def _answers(plans: list[Plan], settings: _Settings) -> list[Answers] | Exception:
    """Ask the questions of some plans together: the answers to each, or the error that came of it."""
    shares = [plan.session.share(plan.questions) for plan in plans]
    try:
        return ask_together(plans[0].session.scorer, shares, settings.store, settings.run)
    except _ENDS:
        raise
    except (IomapError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        log.info("%d items asked together failed: %s", len(plans), error)
        return error


def _reply(plan: Plan, answers: Answers) -> Reply | Exception:
    try:
        return plan.session.receive(answers)
    except _ENDS:
        raise
    except (InputError, ModelError) as error:
        return error


def _plain(value: Any) -> Any:
    """A table's value as JSON has it."""
    if not isinstance(value, str) and pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, (bool, int, float)) else str(value)
