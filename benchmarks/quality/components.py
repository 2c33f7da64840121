"""Which components a behaviour comes from: R² on masks nobody asked, and how faithful the circuits named are.

A network's heads and feed-forward parts are ablated by mean values, the same for everyone. Everyone predicts the same
metric of the same cases after the same number of masks, for masks of two laws: each component present with probability
one half (iomap's), and each ablated with probability one tenth (COAR's). Circuits are judged by CPR and CMD of the
Mechanistic Interpretability Benchmark (Mueller et al. 2025) on cases that were not explained.

Rivals: COAR with 10% and with 2.5% of the components ablated, least squares on iomap's own masks, each ablation alone,
attribution patching; see :mod:`benchmarks.rivals.component_rivals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.rivals.component_rivals import Linear, alone, attribution_patching, coar_masks, least_squares
from benchmarks.rivals.contenders import FITTED
from benchmarks.run.circuit_areas import areas, order
from benchmarks.run.ledger import Case, carry_out, code, versions
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.component_cases import TASKS, Parts
from benchmarks.tasks.material import language_model_file
from probes import cube
from surrogates import Explanation, explain

__all__ = ["CIRCUITS", "TABLE", "report", "run", "trial"]

BUDGETS, SEEDS = {"indirect object, heads of SmolLM2": (32, 64), "facts, small transformer": (32, 64, 128)}, 5
#: masks to judge by, where a mask is dear
HELD_OUT = 40
#: inputs that first contact may ask beside the budget; rivals are given them as well
CONTACT = 8
#: shares of components that COAR ablates: enough to leave few masks whole, and what its authors have for GPT-2
SHARES = {"coar": 0.1, "coar_gpt2": 0.025}
LAWS = {"half present": 0.5, "a tenth ablated": 0.1}
#: judged by their predictions
OURS, RIVALS = ("linear", "interactions"), ("coar", "coar_gpt2", "squares", "alone", "patching")
#: columns of the published tables
TABLE = {"task": "task", "law": "masks judged", "budget": "masks asked", "linear": "iomap linear",
         "interactions": "iomap interactions", "coar": "COAR, 10%", "coar_gpt2": "COAR, 2.5%",
         "squares": "least squares, iomap's masks", "alone": "one by one", "patching": "attribution patching",
         "gain": "interactions above the best", "low": "from", "high": "to"}  # fmt: skip
CIRCUITS = {"task": "task", "by": "circuits by", "cpr": "CPR", "cmd": "CMD", "cpr_gain": "CPR above one by one",
            "cpr_low": "from", "cpr_high": "to", "cmd_gain": "CMD above it", "cmd_low": "from",
            "cmd_high": "to"}  # fmt: skip
NAMES = {"linear": "iomap linear, effects", "interactions": "iomap interactions, effects",
         "predicted": "iomap interactions, predictions", **{name: TABLE[name] for name in RIVALS},
         "random": "random order"}  # fmt: skip

#: what a trial depends on
OWN = ("benchmarks/quality/components.py", "benchmarks/rivals/component_rivals.py", "benchmarks/run/circuit_areas.py",
       "benchmarks/tasks/component_cases.py", "probes/cases/component_model.py")  # fmt: skip

Predict = Callable[[np.ndarray], np.ndarray]


def held_out(parts: Parts, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return masks to judge by and their weights: the cube by its probabilities, or a sample where masks are dear."""
    if not parts.kept:
        Z = cube(parts.d)
        return Z, np.prod(np.where(Z > 0.5, 1 - share, share), axis=1)
    Z = coar_masks(parts.d, HELD_OUT, share, seed + 1000)
    return Z, np.ones(len(Z))


def r2(predict: Predict, parts: Parts, masks: tuple[np.ndarray, np.ndarray], asked: set[bytes]) -> float:
    """Weighted R² on masks that nobody asked."""
    fresh = np.array([row.tobytes() not in asked for row in masks[0] > 0.5])
    Z, weights = masks[0][fresh], masks[1][fresh]
    y = parts.answer(Z)
    error, spread = (y - predict(Z)) ** 2, (y - np.average(y, weights=weights)) ** 2
    return float(1 - (weights * error).sum() / (weights * spread).sum())


def _asked(rows: Iterable[np.ndarray]) -> set[bytes]:
    return {row.tobytes() for Z in rows for row in Z > 0.5}


def _fitted(parts: Parts, budget: int, seed: int) -> tuple[dict[str, Explanation], dict[str, Linear], set[bytes]]:
    """Everyone's model after as many masks, and all masks that anyone asked."""
    store: Any = "default" if parts.kept else None
    ours = {
        family: explain(parts.lm, parts.probe, family, budget=budget, random_state=seed, store=store, progress=False)
        for family in OURS
    }
    design = ours["linear"].answers.design
    rivals = {"squares": least_squares(design.Z, ours["linear"].y[:, 0]), "alone": alone(parts.answer, parts.d)}
    rows = [design.Z, 1 - np.eye(parts.d)]
    for name, share in SHARES.items():
        Z = coar_masks(parts.d, budget + CONTACT, share, seed)
        rivals[name] = least_squares(Z, parts.answer(Z))
        rows.append(Z)
    rivals["patching"] = attribution_patching(parts.lm, parts.probe)
    return ours, rivals, _asked(rows)


def effects(ex: Explanation, components: Iterable[str]) -> np.ndarray:
    """Average effects in the order of the components."""
    return ex.attributions.set_index("feature")["attribution"].loc[list(components)].to_numpy(dtype=float)


def predicting(ex: Explanation) -> Predict:
    """Predictions of a surrogate, ``(m,)``."""
    return lambda Z: np.ravel(ex.predict(Z))


def _circuits(parts: Parts, ours: dict[str, Explanation], rivals: dict[str, Linear], seed: int) -> list[dict[str, Any]]:
    """CPR and CMD of everyone's circuits, on cases that were not explained."""
    scores = {family: effects(ex, parts.probe.components) for family, ex in ours.items()}
    scores |= {name: rivals[name].weights for name in RIVALS}
    scores["random"] = np.random.default_rng([seed, 34]).permutation(parts.d).astype(float)
    found = {name: areas(parts.judged, each) for name, each in scores.items()}

    predicted = predicting(ours["interactions"])
    whole = float(predicted(np.ones((1, parts.d)))[0])
    highest, nearest = order(lambda Z: -predicted(Z), parts.d), order(lambda Z: np.abs(predicted(Z) - whole), parts.d)
    found["predicted"] = areas(parts.judged, highest, nearest)
    return [{"by": name, "cpr": found[name][0], "cmd": found[name][1]} for name in NAMES]


def trial(task: str, seed: int, budgets: Sequence[int]) -> list[dict[str, Any]]:
    """One network with its cases: everyone's R² after each number of masks, and circuits after the most."""
    with threadpool_limits(1):
        parts, rows = TASKS[task](seed), []
        masks = {law: held_out(parts, share, seed) for law, share in LAWS.items()}
        for budget in budgets:
            ours, rivals, asked = _fitted(parts, budget, seed)
            predictors: dict[str, Predict] = {name: each.predict for name, each in rivals.items()}
            predictors |= {family: predicting(ex) for family, ex in ours.items()}
            for law, chosen in masks.items():
                scores = {name: r2(predict, parts, chosen, asked) for name, predict in predictors.items()}
                rows.append({"task": task, "seed": seed, "law": law, "budget": budget, **scores})
        rows += [{"task": task, "seed": seed, **row} for row in _circuits(parts, ours, rivals, seed)]
    return rows


def stamp(case: Case) -> str:
    """What a trial depends on besides its parameters."""
    return code(*FITTED, *OWN) + versions("torch", "transformers", "scikit-learn", "numpy")


def run(quick: bool, jobs: int, seeds: int | None = None, trials: Path | None = None) -> dict[str, Any]:
    """Explain the components of both networks."""
    if find_spec("transformers") is None:
        raise Skipped("transformers is not installed")
    present, absent = dict(TASKS), {}
    try:
        language_model_file()
    except Skipped as reason:
        absent = {name: str(reason) for name in TASKS if "SmolLM2" in name}
        present = {name: parts for name, parts in TASKS.items() if name not in absent}
    count = 2 if quick else seeds or SEEDS
    budgets = {task: BUDGETS[task][: 1 if quick else None] for task in present}
    todo = [(task, seed, budgets[task]) for task in present for seed in range(count)]
    rows = carry_out(trial, todo, stamp, None if quick or trials is None else trials / "components.jsonl", jobs)
    outcomes = pd.DataFrame(rows)
    judged, named = outcomes[outcomes["law"].notna()], outcomes[outcomes["law"].isna()]
    table = [
        _row(str(t), str(law), int(n), part)
        for (t, law, n), part in judged.groupby(["task", "law", "budget"], sort=False)
    ]
    circuits = [_circuit(str(t), str(by), part, named) for (t, by), part in named.groupby(["task", "by"], sort=False)]
    last = {task: numbers[-1] for task, numbers in budgets.items()}
    settings = {"seeds": count, "held_out": HELD_OUT, "shares": SHARES, "circuits_after": last}
    return {"skipped": absent, "settings": settings, "rows": table, "circuits": circuits}


def _row(task: str, law: str, budget: int, part: pd.DataFrame) -> dict[str, Any]:
    """Mean R² of everyone, and interactions less the rival of the best mean, paired by seed."""
    means = {name: float(part[name].mean()) for name in (*OURS, *RIVALS)}
    best = max(RIVALS, key=lambda name: means[name])
    gain = interval(part["interactions"] - part[best])
    told = {"gain": gain["mean"], "low": gain["low"], "high": gain["high"], "best": best}
    return {"task": task, "law": law, "budget": budget, **means, **told}


def _circuit(task: str, by: str, part: pd.DataFrame, every: pd.DataFrame) -> dict[str, Any]:
    """Mean areas, and how far they are above those of one by one, paired by seed."""
    beside = every[(every["task"] == task) & (every["by"] == "alone")].set_index("seed")
    told: dict[str, Any] = {"task": task, "by": NAMES[by]}
    for area in ("cpr", "cmd"):
        values = part.set_index("seed")[area]
        gain = interval(values - beside[area])
        told |= {area: float(values.mean())}
        told |= {f"{area}_{key}": None if by == "alone" else gain[column] for key, column in _GAIN.items()}
    return told


_GAIN = {"gain": "mean", "low": "low", "high": "high"}


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("R² on masks nobody asked", result["rows"])
    show("Circuits after the most masks", result["circuits"])
