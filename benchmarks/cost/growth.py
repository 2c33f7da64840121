"""How the cost of an explanation grows: with questions, features and words, beside lime, shap and captum.

Everybody explains the same cheap model, and what is counted is everything but the model: choosing questions, rendering
or perturbing, storing, fitting and, for iomap, judging (cross-fits, intervals, the control). Seconds are the
processor's on one thread, so that other work on the machine does not count. Every case has a process of its own,
forked from one that holds the packages; memory is taken first, times afterwards, each with another seed.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from benchmarks.cost.memory import MIB, Peak
from benchmarks.rivals import mask_rivals as rivals
from benchmarks.run.record import show
from benchmarks.tasks import Task
from benchmarks.tasks.counted_game import Game
from probes import Cost, MaskProbe, Probe, Projection, TextProbe, project
from surrogates import explain

__all__ = ["CONTENDERS", "Counted", "bag_of_words", "pairs", "power_law", "report", "run"]

#: what is varied, how far, and what stays: questions of 20 features; 256 questions elsewhere
SIZES = {
    "questions": (64, 128, 256, 512, 1024, 2048),
    "features": (10, 20, 40, 80, 160),
    "words": (25, 50, 100, 200, 400),
}
QUICK = {"questions": (32, 64, 128), "features": (6, 12, 24), "words": (6, 12, 24)}
FEATURES, QUESTIONS = 20, 256
#: cases that take half a minute or more are left out; a fit does not see words, only how many there are
LIMITS = {
    ("iomap interactions", "questions"): 512,
    ("iomap interactions", "features"): 80,
    ("iomap interactions", "words"): 0,
}
#: longer runs are timed once, with the memory
REPEATS, LONG = 3, 1.0
#: growth of the resident set below this is noise of the allocator
LEAST_MIB = 1.0
#: of one GPU: operations a second and the share that is reached
GPU = {"flops": 1e15, "utilisation": 0.4}


class Counted(Game):
    """A vectorised model that counts its rows and its own processor seconds.

    Parameters
    ----------
    n : int
        Features.
    answer : callable
        Inputs → outputs ``(m,)``.
    render : callable, optional
        Rows of 0 and 1 → inputs; its time is not the model's.
    """

    def __init__(self, n: int, answer: Callable[[Any], np.ndarray], render: Callable[[Any], Any] | None = None):
        super().__init__(Task("counted_00", n, answer))
        self.render = render

    def __call__(self, inputs: Any) -> np.ndarray:
        inputs = inputs if self.render is None else self.render(inputs)
        self.calls += len(inputs)
        start = time.thread_time()
        answers = self.task.answer(inputs)
        self.seconds += time.thread_time() - start
        return answers


def pairs(n: int) -> Callable[[np.ndarray], np.ndarray]:
    """A linear game of n features plus n / 2 products of two."""
    rng = np.random.default_rng(n)
    main, weight = rng.normal(size=n), rng.normal(size=n // 2)
    first, second = rng.permutation(n)[: 2 * (n // 2)].reshape(2, -1)
    return lambda Z: Z @ main + (Z[:, first] * Z[:, second]) @ weight


def bag_of_words(count: int) -> tuple[list[str], Callable[[Sequence[str]], np.ndarray]]:
    """Distinct words, and a score of texts: the sum of their weights, half as much after the word before them.

    Examples
    --------
    >>> words, score = bag_of_words(3)
    >>> both, first, second = score(["word0 word1", "word0", "word1"])
    >>> bool(np.isclose(both, first + second / 2))
    True
    """
    words = [f"word{i}" for i in range(count)]
    weight = dict(zip(words, np.random.default_rng(count).uniform(0.1, 1.0, count).tolist(), strict=True))
    before = {second: first for first, second in pairwise(words)}

    def score(texts: Sequence[str]) -> np.ndarray:
        totals = []
        for text in texts:
            parts = text.split()
            halved = {second for first, second in pairwise(parts) if before.get(second) == first}
            totals.append(sum(weight[word] * (0.5 if word in halved else 1.0) for word in parts))
        return np.array(totals)

    return words, score


def _iomap(family: str, model: Counted, probe: Probe, questions: int, seed: int) -> None:
    explain(model, probe, family, budget=questions, random_state=seed, store=None, progress=False)


def _lime_tabular(model: Counted, questions: int, seed: int) -> None:
    """lime's front door for tables, all columns categorical with the levels 0 and 1."""
    from lime.lime_tabular import LimeTabularExplainer

    table = np.random.default_rng(seed).integers(0, 2, (128, model.n)).astype(float)
    explainer = LimeTabularExplainer(
        table, mode="regression", categorical_features=list(range(model.n)), random_state=seed
    )
    explainer.explain_instance(np.ones(model.n), model, num_features=model.n, num_samples=questions)


def _lime_text(model: Counted, text: str, questions: int, seed: int) -> None:
    from lime.lime_text import LimeTextExplainer

    def probabilities(texts: list[str]) -> np.ndarray:
        score = model(texts)
        return np.column_stack([-score, score])

    explainer = LimeTextExplainer(random_state=seed)
    explainer.explain_instance(text, probabilities, labels=(1,), num_features=model.n, num_samples=questions)


#: contender → its package
CONTENDERS = {
    "iomap linear": "surrogates",
    "iomap interactions": "surrogates",
    "LimeTabular, LimeText (lime)": "lime",
    "KernelExplainer (shap)": "shap",
    "KernelShap (captum)": "captum",
    "Lime (captum)": "captum",
    "Lasso .01 (context-cite)": "context_cite",
}
_LIME = "LimeTabular, LimeText (lime)"


def once(contender: str, axis: str, size: int, questions: int, seed: int) -> Counted:
    """One explanation from nothing; the model that was asked."""
    texts = axis == "words"
    words, score = bag_of_words(size) if texts else ([], pairs(size))

    def render(rows: np.ndarray) -> list[str]:
        return [" ".join(word for word, kept in zip(words, row, strict=True) if kept) for row in np.asarray(rows) > 0.5]

    renders = contender.startswith("iomap") or contender == _LIME  # they render texts themselves
    model = Counted(size, score, render if texts and not renders else None)
    if contender.startswith("iomap"):
        probe = TextProbe(" ".join(words)) if texts else MaskProbe(size)
        _iomap(contender.removeprefix("iomap "), model, probe, questions, seed)
    elif contender == _LIME:
        _lime_text(model, " ".join(words), questions, seed) if texts else _lime_tabular(model, questions, seed)
    else:
        rivals.RIVALS[contender].fit(model, questions, seed)
    return model


def measure(contender: str, axis: str, x: int) -> dict[str, Any]:
    """Seconds beyond the model's own, and growth of memory, of one explanation; run in a process of its own."""
    questions, size = (x, FEATURES) if axis == "questions" else (QUESTIONS, x)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # what is imported and made once does not count
        once("iomap linear" if contender.startswith("iomap") else contender, axis, 8, 48, REPEATS + 1)
        with Peak() as peak:
            seconds, model = _timed(partial(once, contender, axis, size, questions, REPEATS))
        runs = [seconds]
        if seconds < LONG:
            runs = [_timed(partial(once, contender, axis, size, questions, seed))[0] for seed in range(REPEATS)]
    seconds = float(np.median(runs))
    return {
        "contender": contender,
        "axis": axis,
        "x": x,
        "questions": model.calls,
        "seconds": seconds,
        "per_thousand": 1000 * seconds / model.calls,
        "runs": runs,
        "model_seconds": model.seconds,
        "memory_mib": peak.growth / MIB,
    }


def _timed(action: Callable[[], Counted]) -> tuple[float, Counted]:
    start = time.thread_time()
    model = action()
    return time.thread_time() - start - model.seconds, model


def power_law(x: Sequence[float], y: Sequence[float]) -> tuple[float, float] | None:
    """Exponent of y = c xᵇ on the larger half of x (three points at least), and its standard error.

    Least squares on logarithms. None with fewer than three points, or where some y is not positive.

    Examples
    --------
    >>> b, error = power_law([1, 2, 4, 8, 16], [9, 9, 3 * 4**2, 3 * 8**2, 3 * 16**2])
    >>> round(b, 6), error < 1e-6
    (2.0, True)
    """
    order = np.argsort(x)[-max(3, (len(x) + 1) // 2) :]
    far, up = np.asarray(x, dtype=float)[order], np.asarray(y, dtype=float)[order]
    if len(order) < 3 or (up <= 0).any():
        return None
    line = stats.linregress(np.log(far), np.log(up))
    return float(line.slope), float(line.stderr)


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Every contender along every axis, one after the other."""
    sizes = QUICK if quick else SIZES
    lacking = {name: f"{package} missing" for name, package in CONTENDERS.items() if find_spec(package) is None}
    context = get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.growth", "lime.lime_tabular", "lime.lime_text", "shap", "captum.attr"])
    rows = []
    for axis, xs in sizes.items():
        for contender in (name for name in CONTENDERS if name not in lacking):
            for x in (x for x in xs if x <= LIMITS.get((contender, axis), x)):
                with ProcessPoolExecutor(1, mp_context=context) as alone:
                    rows.append(alone.submit(measure, contender, axis, x).result())
    return {
        "settings": {"features": FEATURES, "questions": QUESTIONS, "threads": 1, "repeats": REPEATS, "gpu": GPU},
        "missing": lacking,
        "limits": [{"contender": name, "axis": axis, "most": most} for (name, axis), most in LIMITS.items()],
        "rows": rows,
        "growth": fits(rows),
        "projection": projections(),
    }


def fits(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line a contender and axis: the ends of its range, and the exponents."""
    lines = []
    for axis, name in dict.fromkeys((row["axis"], row["contender"]) for row in rows):
        line = [row for row in rows if (row["axis"], row["contender"]) == (axis, name)]
        x, memory = [row["x"] for row in line], [row["memory_mib"] for row in line]
        law = power_law(x, [row["seconds"] for row in line])
        far = memory[-max(3, (len(x) + 1) // 2) :]
        space = power_law(x, memory) if min(far) >= LEAST_MIB else None
        lines.append(
            {
                "axis": axis,
                "contender": name,
                "from": x[0],
                "to": x[-1],
                "first": line[0]["per_thousand"],
                "last": line[-1]["per_thousand"],
                "exponent": law and law[0],
                "error": law and law[1],
                "memory_mib": memory[-1],
                "memory_exponent": space and space[0],
                "memory_error": space and space[1],
            }
        )
    return lines


def _on_gpu(cost: Cost) -> Projection:
    return project(cost, 70e9, flops=GPU["flops"], utilisation=GPU["utilisation"])


def projections() -> list[dict[str, Any]]:
    """What explanations by 256 questions would take of a model of 70 billion parameters."""
    forecasts = {tokens: _on_gpu(Cost(rows=256, tokens=256 * tokens)) for tokens in (500, 2000, 8000)}
    return [
        {
            "questions": 256,
            "tokens_per_question": tokens,
            "flop": each.flop,
            "tokens_per_second": each.throughput,
            "gpu_seconds": each.seconds,
            "gpu_hours": each.gpu_hours,
            "gpu_hours_per_thousand": 1000 * each.gpu_hours,
        }
        for tokens, each in forecasts.items()
    ]


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    shown = ("axis", "contender", "x", "questions", "seconds", "per_thousand", "model_seconds", "memory_mib")
    show("Processor seconds beyond the model's own", [{k: row[k] for k in shown} for row in result["rows"]])
    show("Growth: exponents of power laws", result["growth"])
    show("256 questions to 70e9 parameters", result["projection"])
    for name, reason in result["missing"].items():
        print(f"without {name}: {reason}")
