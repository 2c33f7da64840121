"""SmolLM2 steered along the difference of female and male names, beside random vectors of the same length.

The mean difference of ten female and ten male names is added to what layer 14 puts out; *she* less *he* is asked after
other names. Random vectors are drawn anew under every seed.
"""

from __future__ import annotations

from typing import Any

from benchmarks.run.record import show
from benchmarks.tasks.material import language_model
from probes import CausalLM, Store, TemplateProbe, contrast, steer
from surrogates import CaseDifference, compare_cases

__all__ = ["ARMS", "DRAWN", "report", "run", "steering"]

#: draws of the vectors
SEEDS = 3
LAYER = 14
#: columns of the published tables
ARMS = {"arm": "arm", "entities": "names", "draws": "vectors", "change": "change (nats)", "low": "from", "high": "to",
        "p": "p", "kl": "KL (nats)"}  # fmt: skip
DRAWN = {"seed": "seed", "change": "random vectors (nats)", "low": "from", "high": "to", "nothing": "holds 0",
         "spread": "of one (SD)", "beyond": "steered, beyond one", "beyond_low": "from ", "beyond_high": "to ",
         "p_beyond": "p"}  # fmt: skip
#: names that the vector is not made of
NAMES = (
    "Alice Ben Clara David Emma Frank Grace Henry Irene Jack Karen Liam Maria Noah Olivia Peter Rose Simon Tina Walter"
)
#: prompts that it is made of
SHE = ("Anna said that", "Julia said that", "Laura said that", "Lucy said that", "Mary said that",
       "Nina said that", "Ruth said that", "Sarah said that", "Sophie said that", "Susan said that")  # fmt: skip
HE = ("Adam said that", "Carl said that", "Eric said that", "George said that", "James said that",
      "John said that", "Mark said that", "Paul said that", "Robert said that", "Tom said that")  # fmt: skip
FAMILIES = {
    "said": "Everyone listened when {name} spoke, because",
    "late": "{name} was late again, and this time",
    "won": "After {name} won the prize,",
}


def steering(lm: CausalLM, seed: int, store: Store) -> CaseDifference:
    """Compare SmolLM2 with itself steered, beside vectors drawn under a seed."""
    after = steer(lm, LAYER, contrast(lm, SHE, HE, LAYER), 1.0)
    cases = TemplateProbe(FAMILIES, {}, {n: {"name": n} for n in NAMES.split()}, target=" she", foils=[" he"])
    settings: dict[str, Any] = {"store": store, "progress": False, "name": "steering", "random_state": seed}
    return compare_cases(lm, after, cases, names=("SmolLM2", "steered"), **settings)


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Compare under every seed; the arms are those of the first."""
    lm, store = language_model(), Store()
    every = [steering(lm, seed, store) for seed in range(1 if quick else SEEDS)]
    table = every[0].arms[list(ARMS)].astype({"draws": "Int64"}).astype(object)
    return {
        "settings": {"layer": LAYER, "seeds": len(every)},
        "arms": table.where(table.notna(), None).to_dict("records"),
        "seeds": [_drawn(seed, d) for seed, d in enumerate(every)],
        "verdict": every[0].verdict,
    }


def _drawn(seed: int, d: CaseDifference) -> dict[str, Any]:
    arm = d.arms[d.arms["draws"] > 0].iloc[0]
    told = {"seed": seed, **arm[["change", "low", "high"]].to_dict(), "nothing": bool(arm["low"] <= 0 <= arm["high"])}
    return told | d.controls.iloc[0][["spread", "beyond", "beyond_low", "beyond_high", "p_beyond"]].to_dict()


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("SmolLM2 steered", result["arms"])
    show("Random vectors", result["seeds"])
    print(result["verdict"])
