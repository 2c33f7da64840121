"""ask(): puts a design to a model.

Every distinct question is asked once, in batches; each answer is checked, counted, and kept before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from probes.asking.answers import Answers, Interrupted
from probes.asking.ask_batch import Batch, Run, keys_of, known_outputs, outputs_key, uneven
from probes.asking.batching import Portions, batches, parts_of
from probes.asking.cost import Cost, Forecast
from probes.asking.first_contact import FirstContact
from probes.deferred import take
from probes.design import Design
from probes.errors import ModelError
from probes.model import Identity, Model
from probes.probe import Probe, unique_names
from probes.progress import Bar
from probes.rounding import counted
from probes.store.store import Store

__all__ = ["again", "ask", "forecast", "gathered", "put"]


def ask(
    model: Model,
    probe: Probe,
    design: Design,
    store: Store,
    progress: bool | None = None,
    run: Run | None = None,
) -> Answers:
    """Put a design's questions to a model.

    Questions are asked in parts of growing size, each in the order that is cheapest for the model. Finished parts
    answer the leading rows of the design, a fair sample. An interruption leaves these, and what was answered of the
    part in progress. Of that, rows asked in the order in which they were drawn are as fair a sample. Where the order
    goes by what is in them (longest first, shared beginnings first, whatever a server answers first), the rows answered
    so far are a selection: nothing may be judged by them, but they may be fitted to, and join the design's block.

    Parameters
    ----------
    model : Model
    probe : Probe
    design : Design
    store : Store
        Where answers are kept.
    progress : bool, optional
        Whether to show a progress bar; by default on a terminal only.
    run : Run, optional
        What was asked before in the same run; by default this call is a run of its own.

    Returns
    -------
    Answers

    Raises
    ------
    ModelError
        If the model fails, or answers with the wrong shape, NaN or infinity (a fallible one: if it answers nothing).
    StoreError
        If an answer cannot be kept.
    Interrupted
        On Ctrl-C, with all answers so far.
    """
    run = run or Run()
    identity = run.identity(model)
    memory = store if identity.persistent else run.memory
    cost = Cost()
    contact = FirstContact(model, identity, [(probe, design)], memory, run)
    parts: list[np.ndarray] = []
    total = len(design) * probe.replicates
    try:
        with Bar(total, "asking", "row", progress) as bar:
            for start, stop in pairwise(parts_of(design, model.at_once)):
                inputs = probe.render(design.Z[start:stop])
                contact.before(inputs, cost)
                batch = Batch(model, identity, inputs, memory, cost, run, bar, design.fixed > 0)
                put(model, batch.portions, batch.keep)
                parts.append(batch.raw().reshape(stop - start, probe.replicates, -1))
                if parts[0].shape[2] != parts[-1].shape[2]:
                    raise uneven({part.shape[2] for part in parts})
    except KeyboardInterrupt as stop_:
        design, parts = _so_far(model, identity, probe, design, parts, memory, run)
        known = gathered(model, identity, probe, design, parts, memory, cost) if parts else None
        raise Interrupted(known) from stop_
    return gathered(model, identity, probe, design, parts, memory, cost)


def put(model: Model, portions: Portions, keep: Callable[[np.ndarray, np.ndarray], None]) -> None:
    """Ask a model for portions of inputs, and hand on answers as they come.

    Parameters
    ----------
    model : Model
    portions : Portions
    keep : callable
        Of the numbers of the inputs ``(m,)`` and their raw outputs ``(m, K)``.
    """
    for portion in portions:
        with portion:
            for where, raw in model.answers(portion.inputs):
                portion.hand_on(where, raw, keep)


def _so_far(
    model: Model,
    identity: Identity,
    probe: Probe,
    design: Design,
    parts: list[np.ndarray],
    memory: Store,
    run: Run,
) -> tuple[Design, list[np.ndarray]]:
    """Return the design that all answered rows make, and their answers: whole parts, and what is known of the next one.

    Rows asked in the order drawn go on from the whole parts. Others were chosen by what is in them, and join the block.
    """
    done = sum(map(len, parts))
    complete = (design.only(np.arange(len(design)) < done), parts if done >= design.fixed else [])
    stop = next((end for end in parts_of(design, model.at_once) if end > done), done)
    if stop == done:
        return complete
    inputs, each = probe.render(design.Z[done:stop]), probe.replicates
    keys = keys_of(identity, model, inputs)
    known = {key: value for key, value in memory.get(set(keys)).items() if not isinstance(value, str)}
    missing = np.array([key not in known and key not in run.unanswered for key in keys])
    there = missing.reshape(-1, each).sum(axis=1) == 0
    drawn = model.at_once == 1 and (np.diff(model.order(inputs)) == 1).all()
    lead = len(there) if there.all() else int(np.argmin(there)) if drawn else 0
    if done + lead < design.fixed or not known:
        return complete
    nothing = np.full(len(next(iter(known.values()))), np.nan)
    raw = np.array([known.get(key, nothing) for key in keys]).reshape(stop - done, each, -1)
    chosen = np.r_[0 : design.fixed + design.block]
    chosen = chosen[chosen < done + lead]
    late, rest = done + lead + np.flatnonzero(there[lead:]), np.arange(len(chosen), done + lead)
    rows = np.concatenate([chosen, late, rest])
    block = len(chosen) - design.fixed + len(late)
    return replace(design, Z=design.Z[rows], block=block), [np.concatenate([*parts, raw])[rows]]


def forecast(
    model: Model, probe: Probe, design: Design, store: Store, run: Run | None = None, trial: int = 0
) -> Forecast:
    """Forecast what asking a design would cost; asks nothing but the `trial` leading rows, whose answers are kept.

    Without a trial there is no estimate of time. Answers of a model that is not identifiable beyond this run do not
    count as known, because the next run is another one.
    """
    run = run or Run()
    identity = run.identity(model)
    memory = store if identity.persistent else run.memory
    first_rows = Design(design.Z[:trial], min(trial, design.fixed))
    spent = ask(model, probe, first_rows, store, False, run).cost if trial else Cost()
    contact, met, checked = FirstContact(model, identity, [(probe, design)], memory, run), set[bytes](), Cost()
    seen, known, calls, tokens, asked = set[bytes](), 0, 0, 0, 0
    for start, stop in pairwise(parts_of(design, model.at_once)):
        inputs = probe.render(design.Z[start:stop])
        first = {key: i for i, key in reversed(list(enumerate(keys_of(identity, model, inputs)))) if key not in seen}
        cached = memory.get(first) if identity.persistent else {}
        seen.update(first)
        known += len(cached)
        todo = sorted(i for key, i in first.items() if key not in cached)
        if todo and not (contact.done or met):
            met, checked = contact.forecast()
        alone = int(start == 0 and not cached and not met)
        asked += len(todo)
        tokens += _tokens(model, take(inputs, np.array(todo, dtype=int)))
        rest = [i for key, i in first.items() if key not in cached and key not in met]
        calls += sum(1 for _ in batches(model, take(inputs, np.array(sorted(rest), dtype=int)), alone)) if rest else 0
    tokens += checked.tokens
    by_tokens = tokens > 0 and spent.tokens > 0  # a server counts them once they are paid, and forecasts none
    share = tokens / spent.tokens if by_tokens else (asked + checked.checks) / max(spent.rows, 1)
    seconds = spent.seconds * share if spent.rows or not asked else None
    return Forecast(len(seen), known, calls + checked.calls, tokens, seconds, checked.checks, model.at_once)


def _tokens(model: Model, inputs: Any) -> int:
    return int(model.sizes(inputs).sum()) if model.size_unit == "tokens" and len(inputs) else 0


def gathered(
    model: Model, identity: Identity, probe: Probe, design: Design, parts: list[np.ndarray], memory: Store, cost: Cost
) -> Answers:
    """Join answers ``(·, R, K)`` to the parts of a design, averaged over replicates."""
    each = np.concatenate(parts)
    y = averaged(each, probe)
    outputs = _names(model, identity, memory, y.shape[1])
    if len(outputs) != y.shape[1]:
        raise ModelError(f"The model names {counted(len(outputs), 'output')} but returned {y.shape[1]}.")
    why = model.reason if model.fallible else ""
    kept = each if probe.replicates > 1 or probe.replication is not None else None
    names, who = tuple(outputs), (probe.digest, identity.id, cost)
    return Answers(design, y, names, model.unit, *who, reason=why, neighbours=model.neighbours, replicates=kept)


def averaged(each: np.ndarray, probe: Probe) -> np.ndarray:
    """Average answers ``(n, R, K)`` to the replicates of each row."""
    drawn = probe.replication
    if drawn is None or len(drawn.sizes) == 1:
        return each.mean(axis=1)
    return np.einsum("nrk,r->nk", each, drawn.weights)


def again(model: Model, probe: Probe, answers: Answers, rows: np.ndarray) -> tuple[np.ndarray, Cost]:
    """Ask some rows of a design a second time, whatever is known: answers ``(r, K)``, and what they cost."""
    inputs = probe.render(answers.design.Z[rows])
    values = np.full((len(inputs), answers.y.shape[1]), np.nan)
    cost = Cost()
    put(model, Portions(model, inputs, cost), values.__setitem__)
    return averaged(values.reshape(len(rows), probe.replicates, -1), probe), cost


def _names(model: Model, identity: Identity, memory: Store, k: int) -> tuple[str, ...]:
    """Return names of the outputs; those that a model learnt by answering are kept with its answers."""
    known = known_outputs(identity, memory)
    if model.outputs is not None:
        if known is None:
            memory.put({outputs_key(identity): json.dumps(model.outputs)}, identity.id)
        # tokens may repeat, outputs that are told apart by name may not
        return tuple(model.outputs) if model.unit == "nats" else tuple(unique_names(list(model.outputs)))
    if known is not None:
        return known
    return ("output",) if k == 1 else tuple(f"output {j}" for j in range(k))
