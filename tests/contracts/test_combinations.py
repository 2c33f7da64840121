"""Options that work by themselves work together: every pair of a probe, a family, a design, a target, a rule, a store.

Probes, families and ways to stop are taken from the packages, so that a new one is tried by existing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from inspect import isabstract
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

import probes.inputs
from probes import CallableModel, Probe, Store
from probes.digests import digest_rows
from surrogates import FAMILIES, Explanation, StableOrder, Width, explain
from tests.helpers.cheap_families import cheap
from tests.helpers.example_probes import PROBES

#: the first example of every kind of probe, and one with real features
EXAMPLES: dict[str, Probe] = {}
for name, example in PROBES.items():
    if name == "real" or type(example) not in map(type, EXAMPLES.values()):
        EXAMPLES[name] = example
AXES: dict[str, dict[str, Any]] = {
    "probe": EXAMPLES,
    "family": {name: cheap(name) for name in (*FAMILIES, "auto")},
    "design": {name: name for name in ("uniform", "fold-over")},
    "target": {"first": 0, "all": "all", "function": lambda y: y[:, 0] - y[:, 1]},
    "until": {"budget": None, "width": Width(0.5), "order": StableOrder()},
    "store": {"file": True, "none": False},
}


def possible(choice: dict[str, str]) -> bool:
    """Leave out what is refused in words, which other tests see to: blocks need two levels a feature."""
    return not (choice["probe"] == "real" and choice["design"] == "fold-over")


def pairwise(axes: dict[str, dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Yield choices, one value an axis, until every pair of values that can go together has occurred (greedy)."""
    every = [c for values in product(*axes.values()) if possible(c := dict(zip(axes, values, strict=True)))]
    pairs = {id(c): set(combinations(c.items(), 2)) for c in every}
    left = set().union(*pairs.values())
    while left:
        best = max(every, key=lambda c: len(pairs[id(c)] & left))
        left -= pairs[id(best)]
        yield best


#: questions; and with a rule to stop, which looks for the first time after 48
BUDGET, LOOKS = 40, 64
CHOICES = list(pairwise(AXES))


def score(inputs: Any) -> list[list[float]]:
    """Two numbers for any input, by what it holds."""
    return [[int.from_bytes(d[:4], "big") / 2**32, d[4] / 256] for d in digest_rows(inputs)]


def test_every_kind_of_probe_has_an_example() -> None:
    modules = (importlib.import_module(f"probes.inputs.{m.name}") for m in pkgutil.iter_modules(probes.inputs.__path__))
    kinds = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Probe) and kind.__module__ == module.__name__
        if not isabstract(kind)
    }
    lacking = kinds - {type(probe) for probe in PROBES.values()}
    assert not lacking, f"add an example of {lacking} to PROBES in tests/helpers/example_probes.py"


def test_every_pair_of_values_occurs() -> None:
    for (one, first), (two, second) in combinations(AXES.items(), 2):
        seen = {(choice[one], choice[two]) for choice in CHOICES}
        wanted = set(product(first, second))
        if {one, two} == {"probe", "design"}:
            wanted -= {("real", "fold-over")}
        assert seen == wanted


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: " ".join(choice.values()))
def test_a_combination_keeps_the_promises(choice: dict[str, str]) -> None:
    probe, family, design, target, until, kept = (AXES[axis][value] for axis, value in choice.items())
    store = Store() if kept else None
    model = CallableModel(score, "score")
    most = (BUDGET if until is None else LOOKS) * probe.replicates

    def explained() -> Explanation:
        return explain(model, probe, family, budget=most, design=design, target=target, until=until, store=store)

    ex = explained()
    assert ex.provenance["cost"]["rows"] <= most
    assert (ex.attributions["low"] <= ex.attributions["high"]).all()
    Z = ex.answers.design.Z
    assert ex.predict(Z).shape[0] == len(Z) and np.isfinite(ex.predict(Z)).all()
    back = Explanation.from_json(ex.to_json())
    np.testing.assert_allclose(back.predict(Z), ex.predict(Z), rtol=1e-12, atol=1e-12)
    assert str(back) == str(ex)
    again = explained()
    assert again.answers.design.digest == ex.answers.design.digest
    np.testing.assert_allclose(again.predict(Z), ex.predict(Z), rtol=1e-9, atol=1e-9)
    assert (again.provenance["cost"]["rows"] == 0) == kept
