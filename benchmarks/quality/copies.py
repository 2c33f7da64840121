"""Whether a copy that changes nothing that matters is called equivalent, and one that is changed is found out.

SmolLM2 and small transformers trained from scratch are compared with their copies in bfloat16 over cases: of the
built-in probes, some entities drawn under each seed, and of all invented facts. Then a change is planted in copies,
half a standard deviation of the cases where one drawn factor has one drawn level. Found is a supported statement about
exactly these cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.quality.reversal import BATCH, FIRST, RATE, STEPS, Facts, draws, network, teach
from benchmarks.run.record import show
from benchmarks.tasks.material import language_model
from probes import Case, CausalLM, Model, Store, TemplateProbe, quantise
from probes.behaviours.registry import BEHAVIOURS, behaviour
from probes.model import Identity, Prompt
from surrogates import CaseDifference, compare_cases

__all__ = ["TABLE", "Planted", "report", "run", "some_cases", "told"]

#: most entities and cases of a comparison of SmolLM2; small transformers have all 90 and 720
ENTITIES, CASES = 16, 64
#: draws of entities of each built-in probe; small transformers; planted changes in either
SEEDS, SMALL = 1, 10
PLANTED = {"SmolLM2-135M": 12, "small transformers": 20}
#: a planted change, in standard deviations of the first model's cases
SIZE = 0.5
#: metrics that the small transformers are compared by
METRICS = ("margin", "log_prob")
#: columns of the published table
TABLE = {"models": "models", "comparisons": "comparisons", "equivalent": "equivalent",
         "statements": "with a statement", "largest": "largest mean change (SD)", "planted": "planted",
         "found": "found", "reached": "as it must be"}  # fmt: skip


class Planted(Model):
    """A scorer of pairs of prompt and answer, with some pairs made likelier.

    Parameters
    ----------
    scorer : Model
    pairs : set of (prompt, answer)
    by : float
        In nats.
    """

    outputs = ("log-prob", "tokens", "greedy")
    unit = "nats"
    prompt_free = True

    def __init__(self, scorer: Model, pairs: set[tuple[Prompt, str]], by: float):
        self.scorer, self.pairs, self.by = scorer, pairs, by

    def identity(self) -> Identity:
        return Identity(f"{self.scorer.identity().id} planted", False)

    def __call__(self, inputs: Sequence[tuple[Prompt, str]]) -> np.ndarray:
        y = np.array(self.scorer(inputs), dtype=float)
        y[:, 0] += self.by * np.array([pair in self.pairs for pair in inputs])
        return y


def some_cases(cases: Sequence[Case], seed: int) -> TemplateProbe:
    """Draw some entities, and some cases of these."""
    rng = np.random.default_rng([seed, 3])
    entities = sorted({case.entity for case in cases})
    drawn = {entities[i] for i in rng.permutation(len(entities))[:ENTITIES]}
    kept = [case for case in cases if case.entity in drawn]
    return TemplateProbe.from_cases([kept[i] for i in sorted(rng.permutation(len(kept))[:CASES])])


def told(claim: str, inside: set[Case], cases: Sequence[Case]) -> bool:
    """Whether a claim is about exactly some of the cases, or all others, by whichever factor it names them."""
    about = [part.partition(" is ") for part in claim.split(" when ")[-1].split(" than otherwise")[0].split(" and ")]
    named = {c for c in cases if all(dict(c.levels).get(f) in levels.split(" or ") for f, _, levels in about)}
    return named in (inside, set(cases) - inside)


def compared(before: Any, after: Any, probe: TemplateProbe, metric: str, store: Store, seed: int) -> CaseDifference:
    """Compare without what is not counted here: controls and unrelated texts."""
    options: dict[str, Any] = {"controls": 0, "unrelated": [], "progress": False, "random_state": seed}
    return compare_cases(before, after, probe, metric=metric, store=store, **options)


def alike(d: CaseDifference, name: str, probe: str) -> dict[str, Any]:
    """What is said of a copy."""
    supported = any(s["verdict"] == "supported" for s in d.entry.statements[1:])
    size = abs(d.arms.loc[0, "change"]) / float(d.cases["before"].std())
    return {"models": name, "probe": probe, "equivalent": d.equivalent, "statements": supported, "size": size}


def planted(lm: CausalLM, copy: CausalLM, probe: TemplateProbe, metric: str, store: Store, seed: int) -> dict[str, Any]:
    """Plant a change in a copy, and say whether it is found."""
    rng = np.random.default_rng([seed, 5])
    known = {f: levels for f, levels in probe.factors.items() if f != "template" and len(levels) > 1}
    factor = sorted(known)[int(rng.integers(len(known)))]
    level = str(known[factor][int(rng.integers(len(known[factor])))])
    inside = [case for case in probe.cases if dict(case.levels)[factor] == level]
    scorer = copy.pairs()
    assert scorer is not None
    spread = float(compared(lm, copy, probe, metric, store, seed).cases["before"].std())
    after = Planted(
        scorer, {(case.prompt, answer) for case in inside for answer in (case.target, *case.also)}, SIZE * spread
    )
    d = compared(lm, after, probe, metric, store, seed)
    claims = [s["claim"] for s in d.entry.statements if s["verdict"] == "supported"]
    found = any(told(claim, set(inside), probe.cases) for claim in claims)
    return {"factor": factor, "level": level, "found": found, "equivalent": d.equivalent, "supported": claims}


def taught(seed: int) -> tuple[CausalLM, TemplateProbe]:
    """Train a small transformer on invented facts."""
    facts, rng = Facts(seed), np.random.default_rng([seed, 2])
    sentences = facts.taught()
    lm = network([*sentences, *("".join(facts.sentence(0, FIRST, c)) for c in facts.unseen)], seed)
    teach(lm, draws([sentences], STEPS, BATCH, rng), RATE)
    return lm, facts.probe()


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Compare both kinds of models with their copies."""
    big, small = PLANTED
    copies: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    lm = language_model()
    copy, store = quantise(lm, "bfloat16"), Store()
    for seed in range(1 if quick else SEEDS):
        for number, name in enumerate(list(BEHAVIOURS)[: 2 if quick else None]):
            made = behaviour(name)
            probe = some_cases(made.probe.cases, seed)
            copies.append(alike(compared(lm, copy, probe, made.metric, store, seed), big, name))
            if seed == 0:
                changed.append({"models": big, "probe": name, **planted(lm, copy, probe, made.metric, store, number)})
    for seed in range(1 if quick else SMALL):
        lm, probe = taught(seed)
        copy, store = quantise(lm, "bfloat16"), Store()
        for metric in METRICS:
            copies.append(alike(compared(lm, copy, probe, metric, store, seed), small, metric))
            if sum(row["models"] == small for row in changed) < PLANTED[small]:
                one = planted(lm, copy, probe, metric, store, 2 * seed + METRICS.index(metric))
                changed.append({"models": small, "probe": metric, **one})
    rows = [_row(name, copies, changed) for name in (big, small)]
    settings = {"entities": ENTITIES, "cases": CASES, "size": SIZE}
    return {"settings": settings, "rows": rows, "copies": copies, "planted": changed}


def _row(name: str, copies: Sequence[dict[str, Any]], changed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    same, other = ([row for row in rows if row["models"] == name] for rows in (copies, changed))
    equivalent, found = sum(row["equivalent"] for row in same), sum(row["found"] for row in other)
    return {
        "models": name,
        "comparisons": len(same),
        "equivalent": equivalent,
        "statements": sum(row["statements"] for row in same),
        "largest": max(row["size"] for row in same),
        "planted": len(other),
        "found": found,
        "reached": equivalent >= 0.9 * len(same) and found >= 0.9 * len(other),
    }


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    for title, part in (("Copies in bfloat16", "rows"), ("Each copy", "copies"), ("Planted changes", "planted")):
        show(title, result[part])
