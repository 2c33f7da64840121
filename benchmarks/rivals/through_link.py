"""Rivals that learn from given rows, as they are and through iomap's link, in an interpreter that has them.

A rival is given answers g(y) in place of y, its predictions go back through g⁻¹; whether g is a curve is decided by
held-out errors in the unit of the answers, by the rule that iomap's families follow.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.rivals.given_rows import FITS, fitted
from benchmarks.rivals.served import Interpreter, interpreter
from surrogates.numerics.curved_weights import best
from surrogates.offer import named

__all__ = ["FITS", "available", "predicted", "versions"]

FOLDS = 10


@lru_cache(maxsize=1)
def _interpreter() -> Interpreter | None:
    return interpreter("benchmarks.rivals.given_rows")


def versions() -> dict[str, str]:
    """What that interpreter has; nothing where there is none."""
    there = _interpreter()
    return {} if there is None else there.versions


def available(rival: str) -> bool:
    """Whether a rival can take part: scikit-learn's always do."""
    package = rival.rpartition("(")[2].rstrip(")")
    return "(" not in rival or package in versions()


def predicted(rival: str, Z: np.ndarray, y: np.ndarray, ends: int, Z_new: np.ndarray, seed: int) -> dict[str, Any]:
    """Fit a rival as it is and through the link.

    Parameters
    ----------
    rival : str
    Z : ndarray ``(m, n)``
    y : ndarray ``(m,)``
    ends : int
        How many leading rows were chosen; they are held out of no fit.
    Z_new : ndarray ``(q, n)``
    seed : int

    Returns
    -------
    dict
        Predictions ``plain`` and ``linked`` ``(q,)``, and whether the link is ``curved``.
    """
    links = named("auto", y)
    fold = np.full(len(y), -1)
    fold[ends:] = np.random.default_rng([seed, 41]).permutation(len(y) - ends) % FOLDS
    # the bounds of a curve, too, are estimated without the fold that it is judged by
    known = [named("auto", y[fold != f]) for f in range(FOLDS)]
    known = [some if len(some) == len(links) else list(links) for some in known]
    parts = np.array([[some[c].line(y) for some in known] for c in range(len(links))])
    fit = fitted if "(" not in rival else _somewhere()
    lines = np.array([link.line(y) for link in links])
    found = fit(rival=rival, seed=seed, Z=Z, lines=lines, parts=parts, fold=fold, Z_new=Z_new)
    out = fold >= 0
    errors = []
    for c in range(len(links)):
        held = np.empty(len(y))
        for f, some in enumerate(known):
            held[fold == f] = some[c].answers(found["held"][c, fold == f])
        errors.append(float(((y - held)[out] ** 2).sum()))
    chosen = best(np.array(errors), links, y, np.ones(len(y)))
    linked = links[chosen].answers(found["new"][chosen])
    return {"plain": found["new"][0], "linked": linked, "curved": links[chosen].curved}


def _somewhere() -> Interpreter:
    there = _interpreter()
    assert there is not None
    return there
