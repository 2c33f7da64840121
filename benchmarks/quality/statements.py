"""Whether statements can be trusted: models with planted rules, noise and confounders.

Each model's answer is a planted rule over four factors, plus an effect of each entity (on the level, and on how
strongly the rule acts), noise of each case, and in half of the models a factor that goes along with the planted one in
the cases asked. Measured: how often discovery finds exactly the planted rule, how often a statement is supported whose
true effect is not what it claims, and how often intervals cover the truth.
"""

from __future__ import annotations

import hashlib
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from benchmarks.run.record import show
from probes import CallableModel, TemplateProbe
from surrogates.statements.generalise import generalise
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement

__all__ = ["RULES", "report", "run", "trial"]

FACTORS = {"a": ("0", "1"), "b": ("0", "1"), "c": ("0", "1", "2"), "d": ("0", "1")}
FAMILIES = ("f0", "f1", "f2", "f3")


def _box(**levels: Any) -> Statement:
    return Statement.contrast(Scope.of(**levels))


def _pair(f: str, g: str) -> Statement:
    sides = [(Scope.of(**{x: "1"}), Scope.of(**{x: "0"})) for x in (f, g)]
    return Statement.interaction(sides[0], sides[1])


#: planted rules: main effects, subsets of levels, conjunctions, interactions without main effects, none
RULES: dict[str, Statement | None] = {
    "a": _box(a="1"),
    "b": _box(b="0"),
    "d": _box(d="1"),
    "c=2": _box(c="2"),
    "c=0": _box(c="0"),
    "c=1": _box(c="1"),
    "a∧b": _box(a="1", b="1"),
    "a∧¬b": _box(a="1", b="0"),
    "b∧d": _box(b="1", d="1"),
    "a∧c=2": _box(a="1", c="2"),
    "d∧c=0": _box(d="0", c="0"),
    "b∧c=1": _box(b="1", c="1"),
    "a∧d": _box(a="0", d="0"),
    "a∧b∧d": _box(a="1", b="1", d="1"),
    "a∧b∧¬d": _box(a="0", b="1", d="0"),
    "f1": _box(template="f1"),
    "a×b": _pair("a", "b"),
    "a×d": _pair("a", "d"),
    "b×d": _pair("b", "d"),
    "¬c=2∧a": _box(a="1", c=("0", "1")),
    "none": None,
    "none, again": None,
}


def planted(rule: Statement | None, frame: pd.DataFrame, size: float) -> np.ndarray:
    """The rule's part of the answer."""
    if rule is None:
        return np.zeros(len(frame))
    masks = rule.masks(frame)
    return size * (masks[0][1] if len(masks) == 2 else masks[0][1] | masks[3][1]).astype(float)


def _key(rule: Statement | None, frame: pd.DataFrame) -> frozenset[bytes] | None:
    """What makes two rules the same: the sets of cases they set apart."""
    if rule is None:
        return None
    masks = rule.masks(frame)
    one = masks[0][1] if len(masks) == 2 else masks[0][1] | masks[3][1]
    return frozenset((one.tobytes(), (~one).tobytes()))


def trial(name: str, seed: int, entities: int = 32, size: float = 1.5, confounded: bool = False) -> dict[str, Any]:
    """One study of one model."""
    rng = np.random.default_rng([seed, *hashlib.sha256(name.encode()).digest()[:4]])
    rule = RULES[name]
    people = {f"e{i}": {"name": f"e{i}"} for i in range(entities)}
    template = "{name};" + ";".join(f"{f}={{{f}}}" for f in FACTORS)
    families = {f: f"{template};template={f}" for f in FAMILIES}
    probe = TemplateProbe(families, {f: {v: v for v in levels} for f, levels in FACTORS.items()}, people, target="x")
    cases = list(probe.cases)
    if confounded:  # d goes along with a: mismatched cases are rare
        cases = [c for c in cases if (dict(c.levels)["a"] == dict(c.levels)["d"]) or rng.random() < 0.35]
    level, strength = rng.normal(0, 0.7, entities), rng.normal(1, 0.3, entities)
    grid = pd.DataFrame(list(product(*FACTORS.values(), FAMILIES)), columns=[*FACTORS, "template"])
    expected = planted(rule, grid, size)

    def answer(texts: list[str]) -> np.ndarray:
        pieces = [text.split(";") for text in texts]
        rows = pd.DataFrame([dict(p.split("=") for p in pairs) for _, *pairs in pieces])
        who = np.array([int(name[1:]) for name, *_ in pieces])
        seeds = [[seed, *hashlib.sha256(text.encode()).digest()[:6]] for text in texts]
        noise = np.array([np.random.default_rng(s).normal() for s in seeds])
        return planted(rule, rows, size) * strength[who] + level[who] + noise

    part = TemplateProbe.from_cases(cases)
    study = generalise(_large(answer), part, metric="output", store=None, progress=False, random_state=seed)
    key = _key(rule, grid)
    matching = [s for s in study.statements if _key(s.statement, grid) == key]
    false, covered, count = 0, 0, 0
    for s in study.statements:
        true = _truth(s.statement, grid, expected)
        count += 1
        covered += s.low <= true <= s.high
        wrong = true * s.statement.sign <= s.statement.min_effect * 0.999
        false += s.verdict == "supported" and wrong
    return {
        "rule": name,
        "confounded": confounded,
        "found": bool(matching) if rule is not None else np.nan,
        "supported": any(s.verdict == "supported" for s in matching) if rule is not None else np.nan,
        "statements": count,
        "false_supported": false,
        "covered": covered,
    }


def _large(answer: Any) -> CallableModel:
    model = CallableModel(answer)
    model.batch = 4096
    return model


def _truth(statement: Statement, grid: pd.DataFrame, expected: np.ndarray) -> float:
    return float(sum(w * expected[mask].mean() for w, mask in statement.masks(grid)))


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Every rule, with and without a confounder."""
    seeds = range(1 if quick else 12)
    todo = [(name, seed, bool(half)) for name in RULES for seed in seeds for half in ((0,) if quick else (0, 1))]
    trials = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(trial)(n, s, confounded=c) for n, s, c in todo))
    by_rule = trials.groupby(["rule", "confounded"], sort=False).agg("mean").reset_index()
    return {
        "settings": {"entities": 32, "size": 1.5, "noise": 1.0, "seeds": list(seeds)},
        "all": [_summary(trials)],
        "by_confounding": [{"confounded": c, **_summary(t)} for c, t in trials.groupby("confounded")],
        "by_rule": by_rule.astype({"rule": str}).replace({np.nan: None}).to_dict("records"),
    }


def _summary(trials: pd.DataFrame) -> dict[str, Any]:
    planted_ones = trials.dropna(subset=["found"])
    return {
        "studies": len(trials),
        "found": float(planted_ones["found"].astype(float).mean()),
        "found_and_supported": float(planted_ones["supported"].astype(float).mean()),
        "studies_with_false_supported": float((trials["false_supported"] > 0).mean()),
        "false_share_of_statements": float(trials["false_supported"].sum() / max(trials["statements"].sum(), 1)),
        "intervals": int(trials["statements"].sum()),
        "coverage": float(trials["covered"].sum() / max(trials["statements"].sum(), 1)),
    }


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    for title, part in (("All studies", "all"), ("Confounded or not", "by_confounding"), ("By rule", "by_rule")):
        show(title, result[part])
