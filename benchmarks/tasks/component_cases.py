"""Language models with components to ablate, cases to explain, and other cases to judge circuits by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from benchmarks.quality.reversal import taught
from benchmarks.tasks.material import language_model
from benchmarks.tasks.task import through_store
from probes import Case, CausalLM, ComponentProbe, Target, screen
from probes.behaviours.registry import behaviour
from probes.interventions.ablation import components_of

__all__ = ["TASKS", "Parts", "reversal_parts", "smollm2_parts"]

#: cases to explain, as many to judge circuits by, and those that components are screened with
CASES, SCREENED = 8, 4
#: heads of SmolLM2 that are ablated, of 270
HEADS = 12


@dataclass(frozen=True)
class Parts:
    """One network, with one question about its components.

    Attributes
    ----------
    lm : CausalLM
    probe : ComponentProbe
        The cases that are explained.
    judge : ComponentProbe
        Other cases; the same components, replaced by the same values.
    kept : bool
        Whether answers are kept in the user's store.
    """

    lm: CausalLM
    probe: ComponentProbe
    judge: ComponentProbe
    kept: bool
    _known: dict[tuple[str, bytes], float] = field(default_factory=dict, repr=False)

    @property
    def d(self) -> int:
        """Components."""
        return len(self.probe.components)

    def answer(self, Z: np.ndarray) -> np.ndarray:
        """The metric of the cases that are explained, ``(m,)``."""
        return self._asked(self.probe, Z)

    def judged(self, Z: np.ndarray) -> np.ndarray:
        """The metric of the other cases, ``(m,)``."""
        return self._asked(self.judge, Z)

    def _asked(self, probe: ComponentProbe, Z: np.ndarray) -> np.ndarray:
        keys = [(probe.digest, row.tobytes()) for row in Z > 0.5]
        missing = {key: row for key, row in zip(keys, Z, strict=True) if key not in self._known}
        if missing:
            model, rows = probe.asked_of(self.lm), np.array(list(missing.values()))
            number = Target("identity", (0,), (probe.setup.metric.name,), model.unit)
            y = through_store(model, probe, number)(rows) if self.kept else model(rows)[:, 0]
            self._known.update(zip(missing, y.tolist(), strict=True))
        return np.array([self._known[key] for key in keys])


def _parts(lm: CausalLM, cases: list[Case], components: list[str], kept: bool) -> Parts:
    """Explain the first cases and judge by the next; components are replaced by their mean over all prompts."""
    reference = [case.prompt for case in cases]
    probe, judge = (ComponentProbe(part, components, reference=reference) for part in (cases[:CASES], cases[CASES:]))
    return Parts(lm, probe, judge, kept)


@lru_cache(maxsize=1)
def _smollm2() -> tuple[CausalLM, list[Case], list[str]]:
    """SmolLM2 in bfloat16, short indirect-object cases, and the heads that four others of them name."""
    lm = language_model("bfloat16")
    plain = {"opening": "words", "distractor": "none", "filler": "none"}
    cases = [
        case
        for case in behaviour("indirect-object").probe.cases
        if plain.items() <= dict(case.levels).items() and case.template in ("went", "worked")
    ]
    order = np.random.default_rng(0).permutation(len(cases))
    cases = [cases[i] for i in order]
    heads = [name for name in components_of(lm) if not name.startswith("mlp")]
    named = screen(lm, cases[:SCREENED], HEADS, components=heads)
    return lm, cases[SCREENED:], named


def smollm2_parts(seed: int) -> Parts:
    """Draw 8 cases to explain, and 8 to judge by, of what was not screened with.

    Raises
    ------
    Skipped
        Where SmolLM2 is not installed.
    """
    lm, cases, named = _smollm2()
    drawn = np.random.default_rng([seed, 32]).permutation(len(cases))[: 2 * CASES]
    return _parts(lm, [cases[i] for i in drawn], named, kept=True)


def reversal_parts(seed: int) -> Parts:
    """Train a small transformer on invented facts, and ask it 16 of them in the order they were taught in."""
    facts, lm = taught(seed, np.random.default_rng([seed, 2]))
    cases = [c for c in facts.probe().cases if dict(c.levels)["direction"] == "forward" and c.template == "cell 0"]
    drawn = np.random.default_rng([seed, 33]).permutation(len(cases))[: 2 * CASES]
    return _parts(lm, [cases[i] for i in drawn], components_of(lm), kept=False)


#: name → parts of a seed
TASKS: dict[str, Callable[[int], Parts]] = {
    "indirect object, heads of SmolLM2": smollm2_parts,
    "facts, small transformer": reversal_parts,
}
