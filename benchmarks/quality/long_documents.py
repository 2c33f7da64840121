"""Long documents: evidence among 200 passages, a decisive sentence in 100 pages, 2,000 units, and a small real model.

*Passages.* 200 passages of 32,000 tokens, five of them evidence, ten distractors, by a planted scorer
(:mod:`benchmarks.tasks.long_contexts`): the share of the first five places that is evidence. Ours in at most 100 calls;
a lasso on uniform masks as in ContextCite with its default of 64 calls, and with 100; leave-one-out with its 201;
TracLLM with as many as it asks.

*Pages.* One sentence of a document of 100 pages decides: whether it is found, by how many calls of at most 200.

*Units.* 2,000 units, 20 of which add something: how many of them are units of the cut in at most 2,000 calls.

*SmolLM2.* Five contexts of 60 passages with a fixed answer: whether the passage that is ranked first holds the answer
or a part of it, how many of those that do are among the first five, how much of the answer's log-probability (nats a
token) goes with these five, and seconds of one core. Ours in at most 100 calls beside ContextCite's 64, and 100. Both
ask through iomap, which is faster than ContextCite's own loop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import Lasso

from benchmarks.rivals.tracllm import tracllm
from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.context import model
from benchmarks.tasks.documents import HOLDING, PROMPTS
from benchmarks.tasks.long_contexts import EVIDENCE, KINDS, PlantedScorer
from probes import CallableModel, ContextProbe, Design, MaskProbe, Store, ask
from probes.sampling.cube import uniform
from surrogates import Explanation, explain_document

__all__ = ["BOOKS", "PASSAGES", "SMALL", "UNITS", "report", "run"]

SEEDS, BUDGET, DEFAULT = 20, 100, 64
PASSAGES = {"kind": "kind", "contender": "contender", "calls": "calls", "precision": "evidence in the first five",
            "low": "from", "high": "to", "reached": "at least .95"}  # fmt: skip
BOOKS = {"pages": "pages", "found": "found", "search": "calls until it is", "calls": "calls", "r2": "held-out R²",
         "reached": "as it must be"}  # fmt: skip
UNITS = {"units": "units", "calls": "calls", "found": "of 20 found", "wrong": "others clear", "r2": "held-out R²",
         "seconds": "seconds"}  # fmt: skip
SMALL = {"contender": "contender", "calls": "calls", "first": "first place holds the answer",
         "hits": "places that hold it, in the first five", "lost": "lost without the five", "kept": "kept by the five",
         "seconds": "seconds of one core"}  # fmt: skip


def ranked(ex: Explanation, probe: ContextProbe) -> list[int]:
    """Rank units: those that the search found, then those of the cut by their effects."""
    assert ex.zoom is not None
    number = {feature.name: i for i, feature in enumerate(probe.features)}
    effects = ex.attributions[ex.attributions["attribution"] > 0]["feature"]
    return list(dict.fromkeys([*ex.zoom.found["start"], *(number[name] for name in effects if name in number)]))


def passages(kind: str, seed: int, count: int) -> list[dict[str, Any]]:
    """Rank the passages of one context by every contender."""
    task = PlantedScorer(kind, count, seed)
    asked: dict[bytes, float] = {}

    def value(row: np.ndarray) -> float:
        if (key := np.asarray(row, dtype=bool).tobytes()) not in asked:
            asked[key] = float(task.rows(np.asarray(row, dtype=float)[None])[0])
        return asked[key]

    def lasso(calls: int) -> list[int]:
        Z = uniform(count, calls, np.random.default_rng([seed, 1]))
        fitted = Lasso(0.01).fit(Z, [value(row) for row in Z])
        return list(np.argsort(-fitted.coef_, kind="stable"))

    def ours() -> list[int]:
        scorer = CallableModel(lambda prompts: _count(asked, prompts, task), f"planted {kind} {seed}")
        ex = explain_document(scorer, task.probe, budget=BUDGET, store=None, progress=False)
        return ranked(ex, task.probe)

    def leave_one_out() -> list[int]:
        value(np.ones(count))
        return list(np.argsort([value(row) for row in 1 - np.eye(count)], kind="stable"))

    contenders: dict[str, Callable[[], list[int]]] = {
        "iomap": ours,
        "ContextCite, its default": lambda: lasso(DEFAULT),
        "ContextCite, 100 calls": lambda: lasso(BUDGET),
        "leave-one-out": leave_one_out,
        "TracLLM": lambda: tracllm(value, count, seed),
    }
    rows = []
    for name, rank in contenders.items():
        asked.clear()
        first = rank()[:EVIDENCE]
        hits = len(task.evidence.intersection(map(int, first)))
        rows.append({"kind": kind, "seed": seed, "contender": name, "calls": len(asked), "hits": hits / EVIDENCE})
    return rows


def _count(asked: dict[bytes, float], prompts: Any, task: PlantedScorer) -> np.ndarray:
    values = task(prompts)
    asked.update(zip((str(prompt).encode() for prompt in prompts), values.tolist(), strict=True))
    return values


def pages(seed: int, count: int) -> dict[str, Any]:
    """Search a document of many pages for the sentence that decides; 15 sentences of 20 words a page or so."""
    rng = np.random.default_rng([seed, 3])
    words = np.array([f"{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}on{i % 7}" for i in range(1500)])
    pages_ = [
        [f"{' '.join(rng.choice(words, rng.integers(12, 28))).capitalize()}." for _ in range(15)] for _ in range(count)
    ]
    decisive = "The lease ends in March of the year after."
    pages_[int(rng.integers(count))][int(rng.integers(15))] = decisive
    text = "\n\n".join(
        f"{i + 1}. Page\n\n" + "\n\n".join(" ".join(page[a : a + 5]) for a in range(0, 15, 5))
        for i, page in enumerate(pages_)
    )

    def score(texts: list[str]) -> list[float]:
        return [2.0 * (decisive in text) + 0.1 * np.sin(len(text)) for text in texts]

    ex = explain_document(CallableModel(score, f"lease {seed}"), text, budget=200, store=None, progress=False)
    assert ex.zoom is not None
    found = list(ex.zoom.found["part"][:1]) == [decisive]
    cost = ex.provenance["cost"]
    return {"seed": seed, "found": found, "search": ex.zoom.asked, "calls": cost["rows"], "r2": ex.fidelity.r2[0]}


def units(seed: int, count: int, budget: int) -> dict[str, Any]:
    """Look for 20 of many units that add something."""
    rng = np.random.default_rng([seed, 4])
    active, worth = rng.choice(count, 20, replace=False), np.zeros(count)
    worth[active] = rng.choice([-1, 1], 20) * rng.uniform(0.5, 1.5, 20)

    def score(Z: np.ndarray) -> np.ndarray:
        return Z @ worth + 0.02 * np.sin(Z @ np.arange(count))

    start = time.perf_counter()
    ex = explain_document(
        CallableModel(score, f"sum {seed}"), MaskProbe(count), budget=budget, store=None, progress=False
    )
    effects = ex.attributions
    clear = set(effects["feature"].head(ex.fidelity.clear[0]))
    names = {f"x{i}" for i in active}
    wrong = [name for name in clear - names if not any(i in names for i in name.split())]
    return {"units": count, "seed": seed, "calls": ex.provenance["cost"]["rows"], "found": len(names & clear),
            "wrong": len(wrong), "r2": ex.fidelity.r2[0], "seconds": time.perf_counter() - start}  # fmt: skip


def small(j: int, dtype: str = "bfloat16") -> list[dict[str, Any]]:
    """One context of 60 passages, read by SmolLM2, ranked by every contender."""
    _, question, answer = PROMPTS[j]
    texts = [
        text for i in range(3) for text in ContextProbe(PROMPTS[(j + i) % len(PROMPTS)][0], "?").documents[0].pieces
    ]
    texts = [texts[i] for i in np.random.default_rng([j, 5]).permutation(len(texts))]
    holding = {i for i, text in enumerate(texts) if text.startswith(HOLDING[j])}
    probe = ContextProbe(texts, question, unit="document", answer=answer)
    lm = model(dtype)
    scorer, store = lm.scoring(answer, probe.render(probe.instance[None])[0]), Store()

    def value(rows: np.ndarray) -> np.ndarray:
        return ask(scorer, probe, Design(rows, 0), store, False).y.mean(axis=1)

    def lasso(rows: int) -> list[int]:
        # its penalty is for the summed log-odds of the answer, divided by its number of tokens
        return list(np.argsort(-Lasso(0.01).fit(Z[:rows], y[:rows]).coef_, kind="stable"))

    whole, nothing = value(np.array([np.ones(len(texts)), np.zeros(len(texts))])).tolist()  # so the model is warm
    start = time.process_time()
    ex = explain_document(lm, probe, budget=BUDGET, store=None, progress=False)
    ranks, seconds = {"iomap": ranked(ex, probe)}, {"iomap": time.process_time() - start}
    calls = {
        "iomap": ex.provenance["cost"]["rows"],
        "ContextCite, its default": DEFAULT,
        "ContextCite, 100 calls": BUDGET,
    }
    Z = uniform(len(texts), BUDGET, np.random.default_rng([j, 6]))
    start, y = time.process_time(), np.empty(0)
    for name, rows in list(calls.items())[1:]:
        y = np.append(y, value(Z[len(y) : rows]))
        ranks[name], seconds[name] = lasso(rows), time.process_time() - start
    out = []
    for name, rank in ranks.items():
        there = np.isin(np.arange(len(texts)), rank[:EVIDENCE]).astype(float)
        without, alone = value(np.array([1 - there, there])).tolist()
        hits = len(holding.intersection(map(int, rank[:EVIDENCE])))
        out.append({"context": j + 1, "contender": name, "calls": calls[name], "first": int(rank[0]) in holding,
                    "hits": hits, "holding": len(holding), "lost": whole - without, "kept": alone - nothing,
                    "whole": whole - nothing, "seconds": seconds[name]})  # fmt: skip
    return out


def run(quick: bool, jobs: int, seeds: int | None = None, trials: Path | None = None) -> dict[str, Any]:
    """Run the four parts; finished trials are kept, one line each."""
    count = 2 if quick else (seeds or SEEDS)
    kept = _Kept(None if quick or trials is None else trials / "long-documents.jsonl")
    found = kept.all(
        "passages", passages, [(kind, s, 40 if quick else 200) for kind in KINDS for s in range(count)], jobs
    )
    table = pd.DataFrame([row for rows in found for row in rows])
    shown = [
        _passages(str(kind), str(name), part) for (kind, name), part in table.groupby(["kind", "contender"], sort=False)
    ]
    shown += [_passages("all of these", str(name), part) for name, part in table.groupby("contender", sort=False)]
    of_pages = kept.all("pages", pages, [(s, 10 if quick else 100) for s in range(count)], jobs)
    of_units = kept.all(
        "units", units, [(s, 200, 200) if quick else (s, 2000, 2000) for s in range(2 if quick else 3)], jobs
    )
    of_small = [] if quick else kept.all("small", small, [(j,) for j in range(len(HOLDING))], 1)
    read = pd.DataFrame([row for rows in of_small for row in rows])
    shown_small = [] if quick else [_small(str(name), part) for name, part in read.groupby("contender", sort=False)]
    return {
        "passages": shown, "pages": [_pages(of_pages, 10 if quick else 100)], "units": of_units, "small": shown_small
    }  # fmt: skip


class _Kept:
    """Finished trials, by what they are of."""

    def __init__(self, path: Path | None):
        self.path, self.known = path, dict[str, Any]()
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self.known.update(json.loads(line))

    def all(self, name: str, trial: Callable[..., Any], todo: list[tuple[Any, ...]], jobs: int) -> list[Any]:
        """Return the results of all trials; those that are not known are made, `jobs` at a time."""
        keys = [json.dumps([name, *each]) for each in todo]
        new = [(key, each) for key, each in zip(keys, todo, strict=True) if key not in self.known]
        for start in range(0, len(new), max(jobs, 1)):
            some = new[start : start + max(jobs, 1)]
            for (key, _), made in zip(
                some, Parallel(n_jobs=jobs)(delayed(trial)(*each) for _, each in some), strict=True
            ):
                self.known[key] = made
                if self.path is not None:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    with self.path.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({key: made}) + "\n")
        return [self.known[key] for key in keys]


def _passages(kind: str, contender: str, part: pd.DataFrame) -> dict[str, Any]:
    spread = interval(part["hits"])
    mean = float(part["hits"].mean())
    return {"kind": kind, "contender": contender, "calls": int(part["calls"].max()), "precision": mean,
            "low": spread["low"], "high": spread["high"], "reached": mean >= 0.95}  # fmt: skip


def _pages(rows: list[dict[str, Any]], count: int) -> dict[str, Any]:
    table = pd.DataFrame(rows)
    found, calls = int(table["found"].sum()), int(table["calls"].max())
    return {"pages": count, "found": f"{found} of {len(table)}", "search": int(table["search"].max()), "calls": calls,
            "r2": float(table["r2"].median()), "reached": found >= 0.95 * len(table) and calls <= 200}  # fmt: skip


def _small(contender: str, part: pd.DataFrame) -> dict[str, Any]:
    hits, first = int(part["hits"].sum()), int(part["first"].sum())
    return {"contender": contender, "calls": int(part["calls"].max()), "first": f"{first} of {len(part)}",
            "hits": f"{hits} of {int(part['holding'].clip(upper=EVIDENCE).sum())}", "lost": float(part["lost"].mean()),
            "kept": float(part["kept"].mean()), "seconds": float(part["seconds"].mean())}  # fmt: skip


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    for name in ("passages", "pages", "units", "small"):
        if result[name]:
            show(name, result[name])
