"""Time series: planted causes found again, and fidelity and time beside rivals at the budgets they take by default."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.rivals.series_rivals import DEFAULTS
from benchmarks.run.ledger import Case, Rows, carry_out, code, versions
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.counted_game import Game
from benchmarks.tasks.task import Task
from probes.inputs.series import SeriesProbe
from probes.models.functions import CallableModel
from surrogates.local.explain import explain

__all__ = ["BESIDE", "FOUND", "report", "run"]

#: causes that are planted: one stretch, one channel, one band, two stretches that act together only
KINDS = ("stretch", "channel", "band", "pair")
SEEDS, INSTANCES, REPEATS = 20, 12, 3
#: stretches of each series, fresh masks that judge, and answers whose spread is worth explaining
STRETCHES, JUDGED, SPREAD = {"digits": 16, "ItalyPowerDemand": 12, "GunPoint": 15}, 500, 0.02
#: fewest questions that iomap fits and judges with
LEAST = 40

#: what is published: key → heading
FOUND = {"kind": "cause", "recovered": "recovered", "reached": "19 of 20 reached"}
BESIDE = {
    "data": "series",
    "contender": "rival",
    "calls": "its calls",
    "own_calls": "iomap's calls",
    "r2": "its R²",
    "own": "iomap's R²",
    "gain": "difference",
    "low": "from",
    "high": "to",
    "ratio": "iomap's time / its time",
    "reached": "R² and time reached",
}


# ---- planted causes


def planted(kind: str, seed: int) -> tuple[SeriesProbe, Callable[[np.ndarray], np.ndarray], frozenset[int]]:
    """Make a series, a model in which one cause is worth more than all others, and the numbers of its features."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    x = rng.standard_normal((6, 160)).cumsum(axis=1)
    if kind == "band":
        probe = SeriesProbe(x[0], bands=6)
    elif kind == "channel":
        probe = SeriesProbe(x, 1, channels="apart")
    else:
        probe = SeriesProbe(x[0], 10)
    d = len(probe.features)
    cause = frozenset(rng.choice(d, 2 if kind == "pair" else 1, replace=False).tolist())
    others, instance = rng.normal(0, 0.15, d), _measured(probe, probe.values[None])[0]
    ends = instance, _measured(probe, probe.render(np.zeros((1, d))).reshape(1, *probe.values.shape))[0]

    def model(batch: np.ndarray) -> np.ndarray:
        series = np.asarray(batch).reshape(-1, *probe.values.shape)
        there = (_measured(probe, series) - ends[1]) / np.where(ends[0] == ends[1], 1.0, ends[0] - ends[1])
        strength = np.prod([there[:, i] for i in cause], axis=0)
        return np.tanh(1.5 * strength) + there @ others + 0.1 * there[:, 0] * there[:, 1]

    return probe, model, cause


def _measured(probe: SeriesProbe, series: np.ndarray) -> np.ndarray:
    """What a model may read of each feature of series ``(n, c, t)``: strength in its place, ``(n, d)``."""
    if probe.bands is not None:
        spectrum = np.abs(np.fft.rfft(series[:, 0]))
        edges = np.array(probe.bands) * series.shape[-1]
        places = np.arange(spectrum.shape[1])
        within = [(places >= low) & (places < high) | (places == high) & (high == edges[-1, 1]) for low, high in edges]
        return np.stack([spectrum[:, w & (places > 0)].sum(axis=1) for w in within], axis=1)
    if len(probe.values) > 1:
        return series.std(axis=2)
    return np.stack([part[:, 0].std(axis=1) for part in np.split(series, probe.edges[1:-1], axis=2)], axis=1)


def recover(kind: str, seed: int) -> Rows:
    """Explain one planted cause: whether it comes first."""
    probe, model, cause = planted(kind, seed)
    family = "interactions" if kind == "pair" else "linear"
    budget = 128 if kind == "pair" else 256
    ex = explain(
        CallableModel(model, f"planted {kind} {seed}"), probe, family, budget=budget, store=None, progress=False
    )
    if kind == "pair":
        table = ex.indices("faith-banzhaf", order=2)
        pairs = table[table["features"].str.contains(" × ", regex=False)].copy()
        first = pairs.loc[pairs["index"].abs().idxmax(), "features"].split(" × ")
    else:
        first = [ex.attributions.loc[0, "feature"]]
    names = [f.name for f in probe.features]
    return [{"kind": kind, "seed": seed, "found": {names.index(name) for name in first} == cause}]


# ---- beside rivals


@cache
def classifier(name: str) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Fit a classifier of real series; return its probabilities as a function, and series that it was not fitted to."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(X))
        forest = RandomForestClassifier(100, random_state=0).fit(X[order[:1000]], y[order[:1000]])
        return forest.predict_proba, X[order[1000:]]
    from aeon import datasets
    from aeon.transformations.collection.convolution_based import MiniRocket

    load = {"ItalyPowerDemand": datasets.load_italy_power_demand, "GunPoint": datasets.load_gunpoint}[name]
    (X, y), (new, _) = load(split="train"), load(split="test")
    kernels = MiniRocket(n_kernels=1000, random_state=0)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    head.fit(kernels.fit_transform(X), y)

    def probabilities(batch: np.ndarray) -> np.ndarray:
        values = np.asarray(batch, dtype=float)
        return head.predict_proba(kernels.transform(values[:, None]))

    return probabilities, new[:, 0]


def instances(name: str, count: int) -> list[int]:
    """Number series whose answers differ enough to be explained, the first of them."""
    _, X = classifier(name)
    chosen: list[int] = []
    for i in range(len(X)):
        if len(chosen) == count:
            break
        task = _task(name, i)
        if float(task.answer(np.random.default_rng([i, 5]).integers(0, 2, (64, task.n))).std()) > SPREAD:
            chosen.append(i)
    return chosen


def _task(name: str, i: int) -> Task:
    probe, model = asked(name, i)
    return Task(f"{name}_{i}", len(probe.features), lambda Z: model(probe.render(Z)))


def asked(name: str, i: int) -> tuple[SeriesProbe, Callable[[np.ndarray], np.ndarray]]:
    """A series in stretches, and the probability of the class that its classifier gives it."""
    probabilities, X = classifier(name)
    column = int(probabilities(X[[i]])[0].argmax())
    return SeriesProbe(X[i], STRETCHES[name]), lambda batch: probabilities(batch)[:, column]


def beside(name: str, i: int, contender: str) -> Rows:
    """Explain one series by a rival and by iomap with as many calls, in turn; judge both on the same fresh masks."""
    rival, budget = DEFAULTS[contender]
    probe, model = asked(name, i)
    n = len(probe.features)
    calls, fresh = budget(n), np.random.default_rng([i, 6]).integers(0, 2, (JUDGED, n)).astype(float)
    truth = model(probe.render(fresh))
    times: list[tuple[float, float]] = []
    for repeat in range(REPEATS):
        game = Game(_task(name, i))
        start = time.perf_counter()
        fitted = rival.fit(game, calls, repeat)
        middle = time.perf_counter()
        ours = explain(
            CallableModel(model, f"{name} {i}"), probe, budget=max(game.calls, LEAST), random_state=repeat, store=None,
            progress=False,
        )  # fmt: skip
        times.append((middle - start, time.perf_counter() - middle))
        spent = ours.provenance["cost"]
    total = float(((truth - truth.mean()) ** 2).sum())
    scores = [
        1 - float(((truth - p) ** 2).sum()) / total for p in (fitted.predict(fresh), np.ravel(ours.predict(fresh)))
    ]
    return [
        {
            "data": name,
            "instance": i,
            "contender": contender,
            "calls": game.calls,
            "own_calls": spent["rows"] + spent["checks"],
            "r2": scores[0],
            "own": scores[1],
            "seconds": median(a for a, _ in times),
            "ratio": median(b / a for a, b in times),
        }
    ]


def run(quick: bool, jobs: int, trials: Path | None = None) -> dict[str, Any]:
    """Plant causes, and explain real series beside rivals."""
    missing = {m for rival, _ in DEFAULTS.values() for m in rival.packages if find_spec(m) is None}
    if missing:
        raise Skipped(f"rivals need {', '.join(sorted(missing))}")
    seeds, count = (2, 2) if quick else (SEEDS, INSTANCES)
    data = ["digits", *(["ItalyPowerDemand", "GunPoint"] if find_spec("aeon") else [])]
    file = None if trials is None or quick else trials / "series.jsonl"
    causes = carry_out(recover, [(kind, s) for kind in KINDS for s in range(seeds)], _stamp, file, jobs)
    cases = [(name, i, rival) for name in data for i in instances(name, count) for rival in DEFAULTS]
    rows = carry_out(beside, cases, _stamp, file, jobs)
    found = pd.DataFrame(causes).groupby("kind", sort=False)["found"]
    table = [
        {"kind": kind, "recovered": f"{int(part.sum())} of {len(part)}", "reached": bool(part.mean() >= 0.95)}
        for kind, part in found
    ]
    each = pd.DataFrame(rows).groupby(["data", "contender"], sort=False)
    settings = {"seeds": seeds, "instances": count, "repeats": REPEATS, "judged": JUDGED, "stretches": STRETCHES}
    return {"settings": settings, "found": table, "beside": [_row(str(d), str(c), part) for (d, c), part in each]}


def _stamp(case: Case) -> str:
    files = ("benchmarks/quality/series.py", "benchmarks/rivals/series_rivals.py", "probes/inputs", "surrogates")
    return f"{code(*files)} {versions('lime', 'captum', 'shap', 'aeon', 'sklearn')}"


def _row(data: str, contender: str, part: pd.DataFrame) -> dict[str, Any]:
    gain, ratio = interval(part["own"] - part["r2"]), float(part["ratio"].median())
    return {
        "data": data,
        "contender": contender,
        "calls": int(part["calls"].median()),
        "own_calls": int(part["own_calls"].median()),
        "r2": float(part["r2"].mean()),
        "own": float(part["own"].mean()),
        "gain": gain["mean"],
        "low": gain["low"],
        "high": gain["high"],
        "seconds": float(part["seconds"].median()),
        "ratio": ratio,
        "ratio_high": float(part["ratio"].max()),
        "ratio_low": float(part["ratio"].min()),
        "reached": f"{'yes' if (gain['mean'] or 0) >= 0 else 'no'}, {'yes' if ratio <= 1 else 'no'}",
    }


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Planted causes", result["found"])
    show("Beside rivals at their default budgets", result["beside"])
