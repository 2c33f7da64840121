"""iomap's contenders, and everyone's outcome on one task: the same number of model calls, counted alike."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.rivals.mask_rivals import PROXYSPEX, RIVALS, Fitted
from benchmarks.tasks import Task
from benchmarks.tasks.counted_game import Game
from benchmarks.tasks.walsh import of_surrogate
from probes import Design, InputError, MaskProbe, sample
from surrogates.families.registry import as_family
from surrogates.families.tree import TreeSurrogate
from surrogates.link import IDENTITY
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.surrogate import Surrogate
from surrogates.terms import Term

__all__ = ["FITTED", "IOMAP", "OURS", "PROXYSPEX", "RIVALS", "ProxyItself", "fits", "missing", "sampled"]

#: one case of a benchmark fits all of iomap's contenders, because they share a proxy
IOMAP = "iomap"


class ProxyItself(Surrogate):
    """The proxy as a sum of one term, itself: what a family would predict that lost nothing of it."""

    def __init__(self, proxy: Any = None):
        self.proxy = proxy

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        raise InputError("proxy", "be given: this surrogate is nothing but its proxy", None)

    def _distil(self, proxy: Any, law: np.ndarray, y: np.ndarray, links: Any) -> Any:
        return [lambda Z: proxy.predict(Z).ravel()], np.ones((1, 1)), np.zeros(1), [IDENTITY]


def ours() -> dict[str, Surrogate]:
    """Unfitted families as explain() has them by name, the proxy first; those with a proxy share its fit.

    ``"additive"`` is left out: with 0/1 features it is linear.
    """
    return {
        "iomap proxy": ProxyItself(CubeProxy(link="auto")),
        "iomap interactions": as_family("interactions"),
        "iomap tree": as_family("tree"),
        "iomap rules": as_family("rules"),
        "iomap tree, direct": TreeSurrogate(),
        "iomap linear": as_family("linear"),
    }


OURS = tuple(ours())
#: the files that decide how they fit
FITTED = (
    "benchmarks/rivals/contenders.py",
    "probes/design.py",
    *(
        "surrogates/link.py",
        "surrogates/surrogate.py",
        "surrogates/terms.py",
        "surrogates/families",
        "surrogates/numerics",
        "surrogates/proxy",
    ),
)
#: features beyond which rules take a quarter of a minute a fit
MOST_FOR_RULES = 100


def sampled(game: Game, budget: int, seed: int) -> tuple[Design, np.ndarray]:
    """The questions of explain() and all their answers ``(budget,)``."""
    design = sample(MaskProbe(game.n).features, budget, np.random.default_rng(seed))
    return design, game(design.Z)


def fits(task: Task, contender: str, budget: int, seed: int) -> list[dict[str, Any]]:
    """Fit a rival, or all of iomap's contenders: ``contender, game, predict, walsh, terms, seconds`` for each.

    iomap's are fitted as explain() does it: instance, reference and leave-one-out rows are paid for and not fitted to.
    A fit that fails is reported under ``failed``. Seconds are without the task's own answers.
    """
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = _fit_ours(task, budget, seed) if contender == IOMAP else _fit_rival(task, contender, budget, seed)
    for row in rows:
        calls = row["game"].calls
        assert calls <= budget, f"{row['contender']} asked {calls} of {budget} questions"
    return rows


def _fit_ours(task: Task, budget: int, seed: int) -> list[dict[str, Any]]:
    game = Game(task)
    design, y = sampled(game, budget, seed)
    rows: list[dict[str, Any]] = []
    for name, family in ours().items():
        if name == "iomap rules" and game.n > MOST_FOR_RULES:
            continue
        start = time.perf_counter()
        family.fit(design.sampled, y[design.fixed :])
        seconds = time.perf_counter() - start
        # the proxy's fit is remembered: what is distilled from it took its time as well
        seconds += rows[0]["seconds"] if rows and family.proxy is not None else 0.0
        itself = isinstance(family, ProxyItself)
        rows.append(
            {
                "contender": name,
                "game": game,
                "predict": family.predict,
                "walsh": None if itself else partial(of_surrogate, family),
                "terms": None if itself else len(family.terms_),
                "seconds": seconds,
            }
        )
    return rows


def _fit_rival(task: Task, contender: str, budget: int, seed: int) -> list[dict[str, Any]]:
    game = Game(task)
    reason = RIVALS[contender].refuses(task.n, budget)
    start = time.perf_counter()
    fitted: Fitted | None = None
    if reason is None:
        try:
            fitted = RIVALS[contender].fit(game, budget, seed)
        except (ValueError, RuntimeError, ArithmeticError, IndexError, AssertionError) as error:
            reason = f"{type(error).__name__}: {str(error)[:120]}"
    seconds = time.perf_counter() - start - game.seconds
    if fitted is None:
        return [{"contender": contender, "game": game, "failed": reason}]
    return [
        {
            "contender": contender,
            "game": game,
            "predict": fitted.predict,
            "walsh": lambda: fitted.walsh,
            "terms": sum(bool(members) and weight != 0 for members, weight in fitted.products.items()),
            "seconds": seconds,
        }
    ]


def missing(contenders: Sequence[str]) -> dict[str, str]:
    """Those that cannot take part here, and why."""
    lacking = {name: [p for p in RIVALS[name].packages if find_spec(p) is None] for name in contenders}
    return {name: f"{', '.join(packages)} missing" for name, packages in lacking.items() if packages}
