"""The registry of behaviour probes is the folder: each module is listed once, and each keeps the same promises."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import probes.behaviours
from probes import METRICS, InputError
from probes.behaviours.registry import BEHAVIOURS, behaviour

FOLDER = Path(next(iter(probes.behaviours.__path__)))


def test_every_module_with_a_behaviour_is_listed_once():
    defined = {
        path.stem
        for path in FOLDER.glob("*.py")
        if path.stem != "registry"
        and any(isinstance(n, ast.FunctionDef) and n.name == "behaviour" for n in ast.parse(path.read_text()).body)
    }
    assert {module.rpartition(".")[2] for module in BEHAVIOURS.values()} == defined
    assert len(set(BEHAVIOURS.values())) == len(BEHAVIOURS)


def test_the_built_in_probes_keep_their_names_and_order():
    first = ["reversal", "indirect-object", "greater-than", "induction", "pronoun", "facts", "option-order", "format"]
    assert [*BEHAVIOURS][:12] == [*first, "sycophancy", "invariance", "context-prior", "persona"]


def test_no_two_probes_share_a_place():
    places = [import_module(module).PLACE for module in BEHAVIOURS.values()]
    assert places == sorted(set(places))


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_behaviour_has_cases_a_metric_a_control_and_claims_about_levels_that_exist(name):
    made = behaviour(name)
    assert made.name == name
    assert made.metric in METRICS
    assert made.claims
    factors = made.probe.factors
    for claim in (made.control, *made.claims):
        for levels in (claim.where, claim.against or {}, *(claim.moderator or ())):
            for factor, wanted in levels.items():
                assert ({wanted} if isinstance(wanted, str) else set(wanted)) <= set(factors[factor])


def test_an_unknown_name_is_refused_with_the_names():
    with pytest.raises(InputError, match=f"be one of {', '.join(BEHAVIOURS)}; got 'charm'"):
        behaviour("charm")
