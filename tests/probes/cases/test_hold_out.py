"""Splits hold out entities, cells and families."""

from __future__ import annotations

import pytest

from probes import InputError, TemplateProbe, hold_out

NAMES = {name: {"name": name, "drink": drink} for name, drink in zip("ABCDEF", "tuvwxy", strict=True)}


FACTORS = {
    "mood": {"glad": "likes", "sad": {"mood": "hates, says {name},"}},
    "time": {"now": {"when": "today"}, "then": {"when": "once"}},
}


FAMILIES = {f"f{i}": f"{i}: {{name}} {{mood}} {{when}} to drink " for i in range(4)}


def build(**options):
    return TemplateProbe(FAMILIES, FACTORS, NAMES, target="{drink}", foils=3, **options)


def test_splits_hold_out_entities_cells_and_families_separately():
    probe = build()
    split = hold_out(probe.cases, cells=0.25)
    parts = {name: [probe.cases[i] for i in getattr(split, name)] for name in vars(split)}
    seen = {c.entity for c in parts["discovery"]}
    unseen = {c.entity for name in ("entities", "cells", "families") for c in parts[name]}
    assert len(seen) == 3
    assert not seen & unseen
    assert {c.cell for c in parts["cells"]}.isdisjoint(c.cell for c in parts["discovery"] + parts["entities"])
    assert {c.template for c in parts["families"]}.isdisjoint(
        c.template for c in parts["discovery"] + parts["entities"]
    )
    assert {c.cell for c in parts["entities"]} == {c.cell for c in parts["discovery"]}
    assert sorted(split.test) == sorted({*split.entities, *split.cells, *split.families})


def test_a_cell_is_held_out_only_if_every_pair_of_levels_is_still_seen():
    three = {"a": {"0": "p", "1": "q"}, "b": {"0": "p", "1": "q"}, "c": {"0": "p", "1": "q"}}
    probe = TemplateProbe({"f": "{name} {a} {b} {c}"}, three, NAMES, target=" x")
    split = hold_out(probe.cases, cells=0.25)
    hidden = {probe.cases[i].cell for i in split.cells}
    assert len(hidden) == 2
    assert len({pair for cell in hidden for pair in cell}) == 6
    two = hold_out(build().cases, cells=0.25)
    assert len(two.cells) == 0


def test_named_hold_outs_and_bad_ones():
    cases = build().cases
    split = hold_out(cases, entities=["A"], families=["f1"], cells=0)
    assert {cases[i].entity for i in split.test} == {"A"}
    assert {cases[i].template for i in split.families} == {"f1"}
    for bad in ({"entities": ["Z"]}, {"entities": list("ABCDEF")}, {"entities": 0.0}, {"families": list(FAMILIES)}):
        with pytest.raises(InputError):
            hold_out(cases, **bad)


def test_hold_outs_take_a_probe_and_refuse_what_is_no_share():
    probe = TemplateProbe(FAMILIES, FACTORS, NAMES, target="{drink}", foils=3)
    assert (hold_out(probe).test == hold_out(probe.cases).test).all()  # exact: booleans
    for options in ({"families": -1}, {"cells": 2.0}, {"cells": float("nan")}, {"entities": True}, {"entities": "abc"}):
        with pytest.raises(InputError, match=next(iter(options))):
            hold_out(probe, **options)
