"""behave(): the built-in behaviour probes on one model, as a card. Composition only: cases → ask → judge → card."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from probes.asking.cost import Cost
from probes.behaviours.base import Behaviour, Claim
from probes.behaviours.registry import BEHAVIOURS, behaviour
from probes.cases.class_answers import ClassAnswers
from probes.cases.measure import answerer, measure
from probes.cases.measured import Measured
from probes.cases.metrics import METRICS
from probes.cases.paired_measures import flips
from probes.errors import InputError
from probes.model import Generator, Model
from probes.models.functions import CallableModel
from probes.models.huggingface.continuation_pairs import Pairs
from probes.models.huggingface.masked_lm import MaskedLM
from probes.store.store import Store, open_store
from surrogates.judging.notes import one_by_one
from surrogates.statements.card import Card
from surrogates.statements.entity_effects import Effect
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study
from surrogates.statements.verdicts import Judged, judge

__all__ = ["behave", "study_of"]

#: the metric of a model that only writes text
_TEXT = "exact_match"
_FLIP = "flip"
_NEEDS = "needs log-probabilities of answers, and this model only writes text"


def statement_of(claim: Claim) -> Statement:
    """Convert a built-in claim to a statement."""
    options = {k: getattr(claim, k) for k in ("sign", "min_effect", "kind", "reference", "every", "of_control", "text")}
    where = Scope.of(**dict(claim.where))
    if claim.against is None:
        return Statement.level(where, **options)
    against = Scope.of(**dict(claim.against))
    if claim.moderator is None:
        return Statement.contrast(where, against, **options)
    first, second = (Scope.of(**dict(m)) for m in claim.moderator)
    return Statement.interaction((where, against), (first, second), **options)


def study_of(
    model: object, probe: Behaviour, *, store: Store | str | Path | None = "default", progress: bool | None = None
) -> Study:
    """Test the claims of one built-in behaviour. They were frozen before this model was asked, so every case counts."""
    asked = answerer(model)
    metrics = [_metric_of(claim, probe, asked) for claim in probe.claims]
    control_metric = _metric_of(probe.control, probe, asked)
    main = probe.metric if _answers(asked, probe.metric) else _TEXT
    measured = _measured(asked, probe, [main, control_metric, *metrics], open_store(store), progress)
    checked, blocked, size = _control(probe, control_metric, measured)
    first = measured[main]
    # answers measured twice are reused by each other: only what was asked anew is a cost
    cost = replace(sum((m.cost for m in measured.values()), Cost()), reused=first.cost.reused)
    return Study(
        _judged([statement_of(c) for c in probe.claims], metrics, measured, size, blocked),
        first.frame,
        first.metric,
        control=checked,
        cost=cost,
        model=first.model,
        name=probe.name,
        notes=tuple(one_by_one(why) for why in {m.neighbours: None for m in measured.values()} if why),
        others={name: m.frame for name, m in measured.items() if name != main},
    )


def _measured(
    asked: Model | Generator, probe: Behaviour, metrics: Sequence[str], store: Store, progress: bool | None
) -> dict[str, Measured]:
    """Measure the cases of a behaviour with each metric, in order; flips are those of the first metric's answers."""
    measured: dict[str, Measured] = {}
    for name in dict.fromkeys(filter(None, metrics)):
        measured[name] = (
            flips(measured[metrics[0]], probe.baseline)
            if name == _FLIP
            else measure(asked, probe.probe.cases, name, store=store, progress=progress, unconditional=True)
        )
    return measured


def _control(probe: Behaviour, metric: str, measured: Mapping[str, Measured]) -> tuple[Judged, str, Effect | None]:
    """Judge the positive control: its judgement, why nothing is testable if nothing is, and its effect."""
    control = statement_of(probe.control)
    if not metric:
        untested = Judged(control, control.text, "not testable", _NEEDS)
        return untested, f"the positive control {_NEEDS}", None
    frame = measured[metric].frame
    judged = judge([control], [frame], metric, METRICS[metric].unit)[0]
    blocked = "" if judged.verdict == "supported" else f"the positive control is {judged.verdict}"
    return judged, blocked, control.estimate(frame)


def _judged(
    claims: Sequence[Statement],
    metrics: Sequence[str],
    measured: Mapping[str, Measured],
    control: Effect | None,
    blocked: str,
) -> tuple[Judged, ...]:
    """Judge claims, each by its metric; those that have none are not testable."""
    testable = [i for i, name in enumerate(metrics) if name]
    judged = judge(
        [claims[i] for i in testable],
        [measured[metrics[i]].frame for i in testable],
        [metrics[i] for i in testable],
        [METRICS[metrics[i]].unit for i in testable],
        control=control,
        blocked=blocked,
    )
    by_number = dict(zip(testable, judged, strict=True))
    return tuple(
        by_number.get(i) or Judged(s, s.text, "not testable", _NEEDS, digest=s.digest) for i, s in enumerate(claims)
    )


def _answers(asked: Model | Generator, metric: str) -> bool:
    """Return whether the model can answer a metric."""
    return METRICS[metric].text or metric == _FLIP or not isinstance(asked, Generator)


def _metric_of(claim: Claim, probe: Behaviour, asked: Model | Generator) -> str:
    """Return the metric of a claim, that of text if the model only writes text; empty if that cannot test the claim."""
    name = claim.metric or probe.metric
    if _answers(asked, name):
        return name
    compares = claim.against is not None or claim.reference == "chance"
    return _TEXT if compares and not claim.min_effect else ""


def behave(
    model: object,
    probes: str | Behaviour | Sequence[str | Behaviour] = "all",
    *,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
    name: str = "",
) -> Card:
    """Test the built-in behaviours on a model: a behaviour card.

    Parameters
    ----------
    model : object
        A language model. One that only writes text, such as an :class:`probes.Endpoint` of chats, is judged by its
        text; claims about sizes in nats are not testable then.
    probes : "all", names separated by commas, a Behaviour, or a sequence of names and Behaviours
        Built-in behaviours, see :data:`probes.behaviours.registry.BEHAVIOURS`, or your own; each once.
    store : Store, path, None or "default"
    progress : bool, optional
    name : str
        The name of the model on the card.

    Returns
    -------
    Card

    Raises
    ------
    InputError
        For an unknown behaviour, or a model that cannot answer.
    """
    chosen = _chosen(probes)
    start = time.perf_counter()
    memory, asked = open_store(store), answerer(model)
    for probe in chosen:
        _check_continues(asked, probe)
    entries, identity = [], ""
    for probe in chosen:
        study = study_of(asked, probe, store=memory, progress=progress)
        identity = study.model
        entries.append(study.entry(probe.title, probe.name))
    return Card(name or identity, identity, tuple(entries), time.perf_counter() - start)


def _check_continues(asked: Model | Generator, probe: Behaviour) -> None:
    """Refuse a model that does not answer the cases of a behaviour by continuing them.

    Raises
    ------
    InputError
    """
    rule = f"continue a text, as a language model does, to be tested by {probe.name}"
    if isinstance(asked, ClassAnswers):
        try:
            asked.check_answers(probe.probe.cases)
        except InputError as error:
            rule += "; a text classifier answers with its classes: generalise() takes cases that have these as answers"
            raise InputError("model", rule, asked.base) from error
        return
    scores = isinstance(asked, Model) and (probe.metric == "output" or asked.outputs == Pairs.outputs)
    if isinstance(asked, MaskedLM) or not (scores or isinstance(asked, Generator)):
        written = "; TextFunction(f) is for a function f from a prompt to a text"
        rule += written if isinstance(asked, CallableModel) else ""
        raise InputError("model", rule, asked)


def _chosen(probes: str | Behaviour | Sequence[str | Behaviour]) -> list[Behaviour]:
    """Return the behaviours that `probes` names, each once.

    Raises
    ------
    InputError
    """
    if isinstance(probes, Behaviour):
        wanted: list[Any] = [probes]
    elif isinstance(probes, str):
        wanted = list(BEHAVIOURS) if probes == "all" else [p.strip() for p in probes.split(",") if p.strip()]
    elif isinstance(probes, Iterable):
        wanted = list(probes)
    else:
        wanted = [probes]
    if not wanted:
        raise InputError("probes", f"name some of {', '.join(BEHAVIOURS)}", probes)
    if wrong := [p for p in wanted if not isinstance(p, (str, Behaviour))]:
        raise InputError("probes", "be names or Behaviour objects (for a TemplateProbe there is generalise)", wrong[0])
    wanted = list({p if isinstance(p, str) else p.name: p for p in wanted}.values())
    return [p if isinstance(p, Behaviour) else behaviour(p) for p in wanted]
