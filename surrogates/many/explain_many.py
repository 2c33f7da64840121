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

from probes.asking.ask import Answers
from probes.asking.ask_batch import Run
from probes.asking.ask_many import ask_together
from probes.asking.session import Inquiry, as_seed
from probes.errors import InputError, IomapError, ModelError, StoreError, UnavailableError
from probes.inputs.tabular import TabularProbe
from probes.model import Generator, Model
from probes.models.adapt import as_model
from probes.parallel.workers import GeneratorWorkers, Workers, distribute
from probes.probe import Probe
from probes.store.store import Store, open_store
from surrogates.families.registry import Auto, candidates, settings_to_json
from surrogates.judging.analysis import Analysis
from surrogates.local.plan import Material, Plan, studied
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.items import Item, items_of
from surrogates.many.jsonl_file import Entry, Failure, Shelf
from surrogates.results.provenance import library_version
from surrogates.surrogate import Surrogate

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
    model: object,
    probes: Iterable[Any] | pd.DataFrame,
    family: str | Surrogate | Auto = "linear",
    *,
    background: pd.DataFrame | np.ndarray | None = None,
    budget: int | None = None,
    design: str = "uniform",
    target: Any = None,
    random_state: int | np.random.Generator | None = 0,
    store: Store | str | Path | None = "default",
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
    family, budget, design, target, random_state, store
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
    seed = as_seed(random_state)
    candidates(family)
    items = items_of(probes, background)
    shelf = None if output is None else Shelf(output)
    if shelf is not None:
        shelf.check()
    asked = as_model(model)
    with distribute(asked, n_jobs) as workers:
        workers.pool.prepare()
        settings = _Settings(workers, family, budget, design, target, seed, open_store(store), Run())
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


def _told(finished: ExplanationSet, store: Store, shelf: Shelf | None) -> str:
    """Where everything is when an error ends a run."""
    where = "this error's attribute finished" if shelf is None else str(shelf.path)
    count = f"{len(finished)} item{'' if len(finished) == 1 else 's'}"
    answers = "were kept in memory only" if store.path is None else "are in the store: run again to go on"
    return f"{count} explained{f' ({where})' if finished else ''}; answers so far {answers}."


@dataclass(frozen=True)
class _Settings:
    """What all items share."""

    workers: Workers | GeneratorWorkers
    family: str | Surrogate | Auto
    budget: int | None
    design: str
    target: Any
    seed: int
    store: Store
    run: Run

    def plan(self, probe: Probe) -> Plan:
        inquiry = Inquiry(self.workers, probe, None, self.target, self.store, False, Run(memory=self.run.memory))
        return Plan.of(inquiry, self.family, self.budget, self.design, self.seed)

    @property
    def lasting(self) -> bool:
        """Whether a key means the same in another run: not with a model or a target that nobody can identify."""
        return self.workers.identity().persistent and not (callable(self.target) and not hasattr(self.target, "kind"))

    def key(self, plan: Plan) -> str:
        """Digest of all that decides about an explanation."""
        probe = plan.inquiry.probe
        families = {name: [type(f).__name__, settings_to_json(f)] for name, f in plan.families.items()}
        content = [
            library_version(),
            [self.workers.identity().id, probe.digest, probe.answer, probe.max_new_tokens],
            [families, plan.penalty, plan.questions.digest, self.seed, repr(self.target)],
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
    """Items with an Explanation, with what was on the shelf, or with the error that kept them from one."""
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
    answered: list[tuple[Item, Plan, Answers]] = []
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
        item, plan, answers = answered[number]
        yield item, fitted if isinstance(fitted, Exception) else plan.explanation(answers, *fitted)
    if ended is not None:
        raise ended


def _studied(
    answered: list[tuple[Item, Plan, Answers]], settings: _Settings
) -> Iterator[tuple[int, tuple[Analysis, pd.DataFrame] | Exception]]:
    """What answers say, with their numbers; those to the same questions are studied at once."""
    alike: dict[Hashable, list[tuple[int, Material]]] = {}
    for number, (_, plan, answers) in enumerate(answered):
        try:
            material = plan.material(answers)
        except IomapError as error:
            yield number, error
        else:
            alike.setdefault(material.questions, []).append((number, material))
    size = settings.workers.pool.size
    shares = [group[i::size] for group in alike.values() for i in range(min(size, len(group)))]
    fitted = settings.workers.pool.map(_fitted, [[material for _, material in share] for share in shares])
    for share, found in zip(shares, fitted, strict=True):
        yield from zip((number for number, _ in share), found, strict=True)


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


def _asked(window: list[tuple[Item, Plan]], settings: _Settings) -> Iterator[tuple[Item, Plan, Answers | Exception]]:
    """Answers to a window's plans; those that are put to the same map are asked together."""
    together: dict[str, list[tuple[Item, Plan]]] = {}
    for item, plan in window:
        try:
            together.setdefault(plan.inquiry.scorer().identity().id, []).append((item, plan))
        except _ENDS:
            raise
        except Exception as error:  # noqa: BLE001 - no answer could be written; the others go on
            yield item, plan, error
    for group in together.values():
        failed = _tell(group, settings)
        alone = len(group) > 1 and failed is not None
        found: Answers | Exception
        for item, plan in group:
            wrong = _tell([(item, plan)], settings) if alone else failed
            try:
                found = plan.inquiry.ask(plan.questions) if wrong is None else wrong
            except _ENDS:
                raise
            except (InputError, ModelError) as error:
                found = error
            yield item, plan, found


def _tell(group: list[tuple[Item, Plan]], settings: _Settings) -> Exception | None:
    """Ask the questions of some plans together and tell each its answers; or the error that came of it."""
    model = group[0][1].inquiry.scorer()
    try:
        answers = ask_together(model, [p.inquiry.together(p.questions) for _, p in group], settings.store, settings.run)
    except _ENDS:
        raise
    except (IomapError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        log.info("%d items asked together failed: %s", len(group), error)
        return error
    for (_, plan), found in zip(group, answers, strict=True):
        plan.inquiry.told(found)
    return None


def _plain(value: Any) -> Any:
    """A table's value as JSON has it."""
    if not isinstance(value, str) and pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, (bool, int, float)) else str(value)
