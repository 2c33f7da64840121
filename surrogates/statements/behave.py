"""behave(): the built-in behaviour probes on one model, as a card. Composition only: cases → ask → judge → card."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from probes.asking.ask import Cost
from probes.behaviours.base import Behaviour, Claim
from probes.behaviours.registry import BEHAVIOURS, behaviour
from probes.cases.measure import answerer, measure
from probes.cases.measured import Measured
from probes.cases.metrics import METRICS
from probes.cases.paired_measures import flips
from probes.errors import InputError
from probes.model import Generator, Model
from probes.store.store import Store, open_store
from surrogates.statements.card import Card
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study
from surrogates.statements.verdicts import Judged, judge

__all__ = ["behave", "study_of"]

#: the metric that a model which only writes text answers
_TEXT = "exact_match"
_FLIP = "flip"
_NEEDS = "needs log-probabilities of answers, and this model only writes text"


def statement_of(claim: Claim) -> Statement:
    """A built-in claim as a statement."""
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
    memory = open_store(store)
    asked = answerer(model)
    claims, names = [statement_of(c) for c in probe.claims], [_metric_of(c, probe, asked) for c in probe.claims]
    control, own = statement_of(probe.control), _metric_of(probe.control, probe, asked)
    main = probe.metric if _answers(asked, probe.metric) else _TEXT
    measured: dict[str, Measured] = {}
    for name in dict.fromkeys(n for n in (main, own, *names) if n):
        measured[name] = (
            flips(measured[main], probe.baseline)
            if name == _FLIP
            else measure(asked, probe.probe.cases, name, store=memory, progress=progress, unconditional=True)
        )
    blocked, checked, size = (
        f"the positive control {_NEEDS}",
        Judged(control, control.text, "not testable", _NEEDS),
        None,
    )
    if own:
        checked = judge([control], [measured[own].frame], own, METRICS[own].unit)[0]
        blocked = "" if checked.verdict == "supported" else f"the positive control is {checked.verdict}"
        size = control.estimate(measured[own].frame)
    told = [i for i, name in enumerate(names) if name]
    judged = judge(
        [claims[i] for i in told],
        [measured[names[i]].frame for i in told],
        [names[i] for i in told],
        [METRICS[names[i]].unit for i in told],
        control=size,
        blocked=blocked,
    )
    found = dict(zip(told, judged, strict=True))
    statements = tuple(
        found[i] if i in found else Judged(s, s.text, "not testable", _NEEDS, digest=s.digest)
        for i, s in enumerate(claims)
    )
    # answers measured twice are reused by each other: only what was asked anew is a cost
    cost = sum((m.cost for m in measured.values()), Cost())
    first = measured[main]
    cost = replace(cost, reused=first.cost.reused)
    others = {name: m.frame for name, m in measured.items() if name != main}
    whole = (statements, first.frame, first.metric)
    return Study(*whole, control=checked, cost=cost, model=first.model, name=probe.name, others=others)


def _answers(asked: Model | Generator, metric: str) -> bool:
    return METRICS[metric].text or metric == _FLIP or not isinstance(asked, Generator)


def _metric_of(claim: Claim, probe: Behaviour, asked: Model | Generator) -> str:
    """What a claim is measured by; text alone may still answer one that names no number of nats. Empty if it cannot."""
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
    """A behaviour card of a model.

    Parameters
    ----------
    model : object
        A language model. One that only writes text, such as an :class:`probes.Endpoint` of chats, is told right by what
        it writes; claims about sizes in nats are not testable then.
    probes : "all", names separated by commas, a Behaviour, or a sequence of names and Behaviours
        Built-in behaviours, see :data:`probes.behaviours.BEHAVIOURS`, or your own; each once.
    store : Store, path, None or "default"
    progress : bool, optional
    name : str
        What the card calls the model.

    Returns
    -------
    Card

    Raises
    ------
    InputError
        For an unknown behaviour, or a model that cannot answer.
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
    if odd := [p for p in wanted if not isinstance(p, (str, Behaviour))]:
        raise InputError("probes", "be names or Behaviour objects (for a TemplateProbe there is generalise)", odd[0])
    wanted = list({p if isinstance(p, str) else p.name: p for p in wanted}.values())
    chosen = [p if isinstance(p, Behaviour) else behaviour(p) for p in wanted]
    start = time.perf_counter()
    memory, asked = open_store(store), answerer(model)
    entries, identity = [], ""
    for probe in chosen:
        study = study_of(asked, probe, store=memory, progress=progress)
        identity = study.model
        entries.append(study.entry(probe.title, probe.name))
    return Card(name or identity, identity, tuple(entries), time.perf_counter() - start)
