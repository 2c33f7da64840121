"""Which part of a conversation decides: found or not, R² on questions nobody asked, and seconds, beside captum.

*Planted*: twenty conversations of 18 parts, scored by a known function. *Codes*: SmolLM2 is asked for a code that one
part says. captum's methods ask as many questions as by default; iomap is given as many, and asks the eight of first
contact with a language model besides. R² is up to a level, the best one for each, since captum returns none. The part
is found if it has the largest effect; iomap's interval must be clear of zero as well. Methods take turns within a
conversation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.rivals.captum_chat import METHODS, Attributed, of_language_model, of_scorer
from benchmarks.run.ledger import carry_out, code, versions
from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.conversations import CAUSES, codes, planted
from benchmarks.tasks.material import language_model
from probes import CallableModel, ChatProbe, Store
from surrogates import explain

__all__ = ["TABLE", "report", "run"]

SEEDS, CODES = 20, 2
#: questions that R² is judged by: of the planted scorer, of SmolLM2
HELD_OUT, FEW = 256, 24
#: captum's method that SmolLM2 is asked by
OF_MODEL = "Lime"
#: columns of the published table
TABLE = {"task": "task", "rival": "captum's", "calls": "calls", "conversations": "chats", "ours": "found by iomap",
         "theirs": "by captum", "r2": "R² of iomap", "rival_r2": "of captum", "gain": "more", "low": "from",
         "high": "to", "seconds": "seconds of iomap", "rival_seconds": "of captum"}  # fmt: skip

#: what a trial depends on
OWN = ("benchmarks/quality/chats.py", "benchmarks/rivals/captum_chat.py", "benchmarks/tasks/conversations.py",
       "probes/inputs/chat.py", "probes/inputs/chat_units.py")  # fmt: skip

Score = Callable[[np.ndarray], np.ndarray]


def _r2(y: np.ndarray, predicted: np.ndarray) -> float:
    """R² of predictions ``(m,)`` with the best constant added to them."""
    return float(1 - np.var(y - predicted) / np.var(y))


def _row(task: str, seed: int, rival: str, theirs: Attributed, model: Any, probe: ChatProbe, cause: str,
         judged: tuple[np.ndarray, np.ndarray], store: Store) -> dict[str, Any]:  # fmt: skip
    """Explain with as many questions as the rival asked, and judge both."""
    weights, calls, rival_seconds = theirs
    start = time.perf_counter()
    ex = explain(model, probe, budget=calls, random_state=seed, store=store, progress=False)
    seconds = time.perf_counter() - start
    top, names = ex.attributions.iloc[0], [feature.name for feature in probe.features]
    Z, y = judged
    return {
        "task": task, "seed": seed, "rival": rival, "calls": calls,
        "ours": bool(top["feature"] == cause and top["low"] > 0),
        "theirs": names[int(np.abs(weights).argmax())] == cause,
        "r2": _r2(y, np.ravel(ex.predict(Z))), "rival_r2": _r2(y, Z @ weights),
        "seconds": seconds, "rival_seconds": rival_seconds,
    }  # fmt: skip


def of_planted(seed: int) -> list[dict[str, Any]]:
    """One planted conversation, explained by everyone."""
    probe, scorer, cause = planted(seed)

    def score(Z: np.ndarray) -> np.ndarray:
        return np.array(scorer(probe.render(Z)))

    Z = np.random.default_rng([seed, 53]).integers(0, 2, (HELD_OUT, len(probe.features))).astype(float)
    judged, rows = (Z, score(Z)), []
    task = f"planted, {CAUSES[seed % len(CAUSES)]}"
    for method in METHODS:
        theirs = of_scorer(score, len(probe.features), method, seed)
        model = CallableModel(scorer, f"planted {seed}")
        rows.append(_row(task, seed, method, theirs, model, probe, cause, judged, Store()))
    return rows


def of_codes(seed: int) -> list[dict[str, Any]]:
    """One conversation about codes, explained by both."""
    lm = _model()
    probe, cause = codes(seed)
    Z = np.random.default_rng([seed, 54]).integers(0, 2, (FEW, len(probe.features))).astype(float)
    assert probe.answer is not None
    prompts = probe.render(Z)
    scorer = lm.scoring(probe.answer, prompts[0])
    order, y = scorer.order(prompts), np.empty(len(Z))
    y[order] = scorer([prompts[i] for i in order]).mean(axis=1)
    theirs = of_language_model(lm, probe, OF_MODEL, seed)
    return [_row("codes, SmolLM2", seed, OF_MODEL, theirs, lm, probe, cause, (Z, y), Store())]


@cache
def _model() -> Any:
    return language_model()


def trial(kind: str, seed: int) -> list[dict[str, Any]]:
    """One conversation of a kind, explained by everyone."""
    with threadpool_limits(1):
        return {"planted": of_planted, "codes": of_codes}[kind](seed)


def run(quick: bool, jobs: int, seeds: int | None = None, trials: Path | None = None) -> dict[str, Any]:
    """Explain all conversations; those finished earlier are read from the folder `trials`."""
    cases = [("planted", seed) for seed in range(seeds or (2 if quick else SEEDS))]
    cases += [("codes", seed) for seed in range(1 if quick else CODES)]
    stamp = f"{code(*OWN)} {versions('numpy', 'torch', 'transformers', 'captum')}"
    file = None if trials is None or quick else trials / "chats.jsonl"
    done = carry_out(trial, cases, lambda case: stamp, file, jobs)
    settings = {"held_out": HELD_OUT, "held_out_of_model": FEW}
    return {"settings": settings, "rows": _table(pd.DataFrame(done)), "trials": done}


def _table(trials: pd.DataFrame) -> list[dict[str, Any]]:
    trials["kind"] = trials["task"].str.partition(",")[0]
    rows = []
    for (kind, rival), part in trials.groupby(["kind", "rival"], sort=False):
        gain = interval(part["r2"] - part["rival_r2"])
        means = part[["r2", "rival_r2", "seconds", "rival_seconds"]].mean()
        found = {name: f"{int(part[name].sum())} of {len(part)}" for name in ("ours", "theirs")}
        about = {"task": "codes, SmolLM2" if kind == "codes" else kind, "rival": rival}
        sizes = {"calls": int(part["calls"].median()), "conversations": len(part)}
        gains = {"gain": gain["mean"], "low": gain["low"], "high": gain["high"]}
        rows.append({**about, **sizes, **found, **{name: float(value) for name, value in means.items()}, **gains})
    return rows


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Conversations beside captum", [{name: row[name] for name in TABLE} for row in result["rows"]])
