"""explain_many(): many inputs, one stream of questions. Composition only: plans → ask together → fit → write down.

A window of items at a time is worked on (:mod:`surrogates.many.window`). Nothing here knows how one explanation is
made; that is :class:`~surrogates.local.plan.Plan`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from probes.asking.ask_batch import Run
from probes.asking.session import StoreLike
from probes.design import random_seed
from probes.inputs.adapt import RowSettings
from probes.inputs.locality import Law
from probes.models.adapt import ModelLike, as_model, check_order
from probes.outputs.target import TargetLike
from probes.parallel.workers import distribute
from probes.store.store import open_store
from surrogates.families.registry import FamilyLike, candidates
from surrogates.judging.notes import said
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.items import items_of
from surrogates.many.jsonl_file import Entry, Failure, JsonlFile
from surrogates.many.settings import Settings, Wanted
from surrogates.many.window import ENDS, explained

__all__ = ["explain_many"]

log = logging.getLogger(__name__)

#: seconds of work from which processes are worth their start, which takes about as long
STARTING = 2.0


def explain_many(
    model: ModelLike,
    probes: Iterable[Any] | pd.DataFrame,
    family: FamilyLike = "linear",
    *,
    background: pd.DataFrame | np.ndarray | None = None,
    background_rows: int | None = None,
    law: Law | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
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
    background_rows, law, groups, feature_names, ignore
        For rows, as for :func:`~surrogates.explain`: the same for every item.
    n_jobs : int or None, default 1
        Workers that answer and fit; see :func:`~probes.parallel.workers.distribute`. None takes what
        ``joblib.parallel_config`` says. Processes are started once two seconds of work have been done without them.
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
    >>> explanations = explain_many(lambda Z: 2 * Z[:, 0] - Z[:, 2], [MaskProbe(3), MaskProbe(4)], store=None)
    >>> explanations.summary()[["feature", "items", "importance"]].head(2)
      feature  items  importance
    0      x0      2         2.0
    1      x2      2         1.0
    """
    seed = random_seed(random_state)
    candidates(family)
    check_order(model, probes)
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    asked = as_model(model)
    items = items_of(probes, row, asked)
    file = None if output is None else JsonlFile(output)
    if file is not None:
        file.check()
    with said(1), distribute(asked, n_jobs, STARTING) as workers:
        workers.pool.prepare()
        wanted = Wanted.of(asked, target, answer)
        settings = Settings(workers, family, budget, design, wanted, seed, open_store(store), Run())
        done = {entry.key: entry for entry in file.entries()} if file is not None and settings.lasting else {}
        total = len(probes) if isinstance(probes, (Sequence, pd.DataFrame, pd.Series)) else None
        entries: list[Entry] = []
        failures: list[Failure] = []
        with tqdm(
            total=total, desc="explaining", unit="item", disable=None if progress is None else not progress
        ) as bar:
            try:
                for item, result in explained(items, settings, done):
                    bar.update()
                    if isinstance(result, Exception):
                        failure = Failure(item.index, item.label, f"{type(result).__name__}: {result}")
                        failures.append(failure)
                        if file is not None:
                            file.fail(item.key or settings.blank(item), failure)
                    elif isinstance(result, Entry):
                        entries.append(replace(result, index=item.index, label=item.label, row=item.row, earlier=True))
                    else:
                        entry = Entry(item.key, item.index, item.label, item.row, result)
                        entries.append(entry if file is None else file.add(entry))
            except KeyboardInterrupt:
                log.warning("interrupted; answers so far %s", _kept(settings))
                return _set(entries, failures, True)
            except ENDS as error:
                error.finished = _set(entries, failures, True)
                error.add_note(_remains(error.finished, settings, file))
                raise
    return _set(entries, failures)


def _set(entries: list[Entry], failures: list[Failure], interrupted: bool = False) -> ExplanationSet:
    in_order = sorted(entries, key=lambda entry: entry.index), sorted(failures, key=lambda failure: failure.index)
    return ExplanationSet(tuple(in_order[0]), tuple(in_order[1]), interrupted)


def _remains(finished: ExplanationSet, settings: Settings, file: JsonlFile | None) -> str:
    """Say where everything is when an error ends a run."""
    where = "this error's attribute finished" if file is None else str(file.path)
    count = f"{len(finished)} item{'' if len(finished) == 1 else 's'}"
    return f"{count} explained{f' ({where})' if finished else ''}; answers so far {_kept(settings)}."


def _kept(settings: Settings) -> str:
    """Say where answers are when a run ends early."""
    if settings.store.path is None:
        return "were kept in memory only"
    if not settings.workers.identity().persistent:
        return "were kept for this run only: the model has no name, as_model(f, name=...), to know it by"
    return "are in the store: run again to go on"
