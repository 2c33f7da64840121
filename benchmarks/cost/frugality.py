"""Seconds to a given fidelity on a language model: context-cite's 64 questions, and what iomap needs to get as far.

Ten prompts of twenty sentences. Both explain the same number, the log-odds of the whole answer, of the same model
object. *Fidelity*: a pool of uniform rows is asked once a prompt; for every seed it is split anew into 64 rows to fit
to, of which iomap takes the first ones, and rows that judge. iomap's instance and reference rows count although it
does not fit to them. *Calls*: where iomap's mean R² over seeds crosses that of context-cite's own solver after 64.
*Seconds*: context-cite with its own code and default batch, then iomap asking that many questions with an empty store,
and each one's fit; prompt by prompt in turns, so that what else the machine does disturbs both.
"""

from __future__ import annotations

import time
from functools import lru_cache
from math import ceil, log
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import r2_score

from benchmarks.rivals.contenders import FITTED
from benchmarks.rivals.context_cite import ContextCite
from benchmarks.run.ledger import Case, carry_out, code, versions
from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval, needed
from benchmarks.tasks import context
from benchmarks.tasks.counted_game import uniform
from probes import ContextProbe, Design, Store, Target, ask, open_store, sample
from probes.models.huggingface.continuation import Continuation
from surrogates import CubeProxy, InteractionSurrogate, SparseLinear, explain
from surrogates.families.registry import as_family

__all__ = ["report", "run"]

SEED = 0
#: context-cite's default number of questions
ASKED = 64
POOL = 96
BUDGETS = (12, 16, 20, 22, 24, 32, 48, ASKED)
#: as explain() has them by name; and with length-scales that are hardly pulled together, which suits few sources
FAMILIES = {
    "interactions": as_family("interactions"),
    "interactions, pull .25": InteractionSurrogate(proxy=CubeProxy(shrinkage=0.25)),
    "linear": as_family("linear"),
}
RIVAL = "Lasso .01 (context-cite)"
#: seconds of context-cite over iomap's
GOAL = 3.0
#: least share of the variance of main effects that makes a source relevant
RELEVANT = 0.05


def run(
    quick: bool, jobs: int, trials: Path | None = None, seeds: int | None = None, instances: int | None = None
) -> dict[str, Any]:
    """Find the calls that iomap needs on every prompt, then time both.

    Parameters
    ----------
    quick : bool
        Two prompts of seven sentences.
    jobs : int
        Processes, for fits alone: model and timing take turns.
    trials : Path, optional
        Folder where finished trials are kept.
    seeds, instances : int, optional
        In place of 10 splits of a pool and 10 prompts.

    Raises
    ------
    Skipped
        Where context-cite or the model is not installed.
    """
    import torch

    names = (context.short_names if quick else context.names)(2 if quick else instances or 10)
    ContextCite(context.model(), context.prompt(names[0]))
    for name in names:
        answers(name)
    cases = [(name, seed) for name in names for seed in range(2 if quick else seeds or 10)]
    file = None if trials is None else trials / "frugality.jsonl"
    curves = pd.DataFrame(carry_out(trial, cases, stamp, file, jobs))
    wanted = [(name, tuple(calls_needed(curves, name, family) for family in FAMILIES)) for name in names]
    times = carry_out(timed, [(name, *calls) for name, calls in wanted], stamp, file, 1)
    rows = [line(curves, name, family, times) for family in FAMILIES for name in names]
    return {
        "settings": {
            "prompts": names,
            "seeds": len(cases) // len(names),
            "questions": ASKED,
            "pool": POOL,
            "budgets": BUDGETS,
            "torch_threads": torch.get_num_threads(),
            "goal": GOAL,
        },
        "r2": curve(curves),
        "prompts": rows,
        "summary": [summary([row for row in rows if row["family"] == family]) for family in FAMILIES],
    }


def stamp(case: Case) -> str:
    """What a trial depends on: the questions, the answers, the fits, and for seconds all that asks."""
    mine = (
        "cost/frugality.py",
        "tasks/counted_game.py",
        "rivals/context_cite.py",
        "tasks/context.py",
        "tasks/documents.py",
    )
    used = versions("numpy", "scipy", "sklearn", "torch", "transformers", "context_cite")
    asking = () if len(case) == 2 else ("probes",)
    return code(*(f"benchmarks/{file}" for file in mine), *FITTED, *asking) + used


# ---- fidelity


def scorer_of(probe: ContextProbe) -> Continuation:
    """The model as a scorer of the probe's answer."""
    assert probe.answer is not None
    return context.model().scoring(probe.answer, probe.render(probe.instance[None])[0])


def number(log_probs: np.ndarray) -> np.ndarray:
    """Log-probabilities of the answer's tokens ``(m, k)`` → log-odds of the answer ``(m,)``, as context-cite has it."""
    columns = tuple(range(log_probs.shape[1]))
    return Target("sequence_log_odds", columns, ("log-odds of the answer",), "log-odds")(log_probs)[:, 0]


def rows_of(name: str) -> np.ndarray:
    """The pool of a prompt: instance, reference, uniform rows; ``(2 + POOL, n)``, fewer of a small cube."""
    n = len(context.prompt(name).features)
    return np.vstack([np.ones(n), np.zeros(n), uniform(n, min(POOL, 2**n), crc32(name.encode()))])


@lru_cache(maxsize=16)
def answers(name: str) -> np.ndarray:
    """Log-probabilities (nats) of the answer's tokens for the pool, through the user's store."""
    probe, rows = context.prompt(name), rows_of(name)
    design = Design(rows, fixed=2, population=2.0 ** rows.shape[1])
    return ask(scorer_of(probe), probe, design, open_store(), progress=False).y


def trial(name: str, seed: int) -> list[dict[str, Any]]:
    """Held-out R² of one split of a prompt's pool: context-cite after 64 questions, iomap's families after fewer."""
    Z, raw = rows_of(name)[2:], answers(name)[2:]
    order, y = np.random.default_rng(seed).permutation(len(Z)), number(raw)
    asked, held = order[:ASKED], order[ASKED:]
    weight, level = ContextCite(context.model(), context.prompt(name)).fit(Z[asked], y[asked], raw.shape[1])
    scores = [(RIVAL, ASKED, r2_score(y[held], Z[held] @ weight + level))]
    for family, budget in ((f, b) for f in FAMILIES for b in BUDGETS):
        surrogate = clone(FAMILIES[family])
        if budget - 2 < surrogate.least:  # explain() would refuse
            continue
        part = asked[: budget - 2]
        fitted = surrogate.fit(Z[part], y[part])
        scores.append((family, budget, r2_score(y[held], fitted.predict(Z[held]))))
    return [{"name": name, "seed": seed, "contender": c, "budget": b, "r2": float(r2)} for c, b, r2 in scores]


def mean_curve(curves: pd.DataFrame, name: str, contender: str) -> pd.Series:
    """Mean R² over seeds, by budget."""
    part = curves[(curves["name"] == name) & (curves["contender"] == contender)]
    return part.groupby("budget")["r2"].mean()


def reached_after(curves: pd.DataFrame, name: str, family: str) -> float:
    """Calls after which a family has context-cite's R², interpolated over their logarithm; infinite if never."""
    means, goal = mean_curve(curves, name, family), mean_curve(curves, name, RIVAL)[ASKED]
    return needed(means.index.to_numpy(), means.to_numpy(), goal) if means.max() >= goal else np.inf


def calls_needed(curves: pd.DataFrame, name: str, family: str) -> int:
    """The same in whole questions, all 64 if they do not suffice."""
    return ceil(min(reached_after(curves, name, family), ASKED))


# ---- seconds


def timed(name: str, *calls: int) -> list[dict[str, Any]]:
    """Seconds on one prompt: context-cite for its questions, iomap for `calls`, one number a family."""
    lm, probe = context.model(), context.prompt(name)
    masks = rows_of(name)[2 : 2 + ASKED]
    rival = ContextCite(lm, probe)
    rival.score(masks[:1])  # the first question of a process takes longer
    start = clocks()
    scores = rival.score(masks)
    rival.fit(masks, number(scores), scores.shape[1])
    rows = [{"contender": RIVAL, "calls": ASKED, **since(start)}]
    difference = float(np.abs(scores - answers(name)[2 : 2 + ASKED]).max())
    rows += [iomap_seconds(probe, family, budget) for family, budget in zip(FAMILIES, calls, strict=True)]
    return [{"name": name, **row, "largest_difference_nats": difference} for row in rows]


def iomap_seconds(probe: ContextProbe, family: str, budget: int) -> dict[str, Any]:
    """iomap's: asking with an empty store, the fit, and all of explain(), which judges the fit as well."""
    store, surrogate, start = Store(), clone(FAMILIES[family]), clocks()
    design = sample(probe.features, budget, np.random.default_rng(SEED))
    y = number(ask(scorer_of(probe), probe, design, store, progress=False).y)
    asking = since(start)["seconds"]
    surrogate.fit(design.sampled, y[design.fixed :])
    fitted, start = since(start), clocks()
    known = explain(
        *(context.model(), probe, FAMILIES[family]),
        budget=budget,
        target="log-odds",
        random_state=SEED,
        store=store,
        progress=False,
    ).answers
    assert known.cost.rows == 0, "explain() must ask the questions that were timed"
    return {
        "contender": family,
        "calls": budget,
        **fitted,
        "asking": asking,
        "explain": asking + since(start)["seconds"],
    }


def clocks() -> tuple[float, float]:
    """Wall and processor seconds."""
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float]) -> dict[str, float]:
    """What has passed of both; other work on the machine disturbs the second one less."""
    wall, busy = clocks()
    return {"seconds": wall - start[0], "processor_seconds": busy - start[1]}


# ---- tables


def line(curves: pd.DataFrame, name: str, family: str, times: list[dict[str, Any]]) -> dict[str, Any]:
    """One prompt and family: calls, seconds, their ratio and what it is made of."""
    by = {row["contender"]: row for row in times if row["name"] == name}
    iomap, rival = by[family], by[RIVAL]
    ratio, fewer = rival["seconds"] / iomap["seconds"], ASKED / iomap["calls"]
    after = reached_after(curves, name, family)
    return {
        "prompt": name,
        "family": family,
        "relevant": relevant(name),
        "context_cite_r2": float(mean_curve(curves, name, RIVAL)[ASKED]),
        "calls": None if np.isinf(after) else after,
        "reached": bool(np.isfinite(after)),
        "context_cite_seconds": rival["seconds"],
        "seconds": iomap["seconds"],
        "ratio": ratio,
        "fewer": fewer,
        "faster": ratio / fewer,
        "processor_ratio": rival["processor_seconds"] / iomap["processor_seconds"],
        "explain_ratio": rival["seconds"] / iomap["explain"],
        "asking": iomap["asking"],
        "largest_difference_nats": iomap["largest_difference_nats"],
    }


def relevant(name: str) -> int:
    """How many sources carry a twentieth of the variance of all main effects, by a linear fit to the whole pool."""
    Z, y = rows_of(name)[2:], number(answers(name)[2:])
    energy = SparseLinear().select(Z, y[:, None], np.ones(len(Z)))[1] ** 2
    return int((energy >= RELEVANT * energy.sum()).sum())


def curve(curves: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean R² over prompts (means over seeds) with its interval, for every contender and budget."""
    by = curves.groupby(["contender", "budget", "name"], sort=False)["r2"].mean()
    return [
        {"contender": c, "budget": int(b), **interval(part)}
        for (c, b), part in by.groupby(["contender", "budget"], sort=False)
    ]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One family over all prompts: the mean ratio with its interval, and its two factors.

    ``due_to_fewer`` is the share of the mean log ratio that fewer questions make; faster scoring makes the rest.
    """
    frame = pd.DataFrame(rows)
    logs = np.log(frame["ratio"])
    ratio = interval(frame["ratio"])
    return {
        "family": rows[0]["family"],
        "prompts": len(rows),
        "reached": f"{frame['reached'].sum()} of {len(rows)}",
        "calls": float(np.mean([ASKED / row["fewer"] for row in rows])),
        **ratio,
        "geometric": float(np.exp(logs.mean())),
        "all_seconds": float(frame["context_cite_seconds"].sum() / frame["seconds"].sum()),
        "fewer": float(np.exp(np.log(frame["fewer"]).mean())),
        "faster": float(np.exp(np.log(frame["faster"]).mean())),
        "due_to_fewer": float(np.log(frame["fewer"]).mean() / logs.mean()) if abs(logs.mean()) > log(1.01) else None,
        "processor_ratio": float(frame["processor_ratio"].mean()),
        "explain_ratio": float(frame["explain_ratio"].mean()),
        "goal": GOAL,
        "met": bool(ratio["mean"] is not None and ratio["mean"] >= GOAL),
    }


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Held-out R², mean over prompts with 95% interval", result["r2"])
    show("To context-cite's R² after 64 questions, each prompt", result["prompts"])
    show("Seconds of context-cite over iomap's", result["summary"])
