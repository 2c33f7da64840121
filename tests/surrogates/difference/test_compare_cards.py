"""Two behaviour cards compared: equal models, planted differences, files, pages, names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from probes import InputError
from surrogates import Card, CardDifference, Scope, Statement, compare_cards
from surrogates.statements.entry import Entry, statement_data
from surrogates.statements.verdicts import Judged
from tests.helpers.command import iomap
from tests.helpers.planted_rule import rule, study

SIDES = Scope.of(side="l"), Scope.of(side="r")
CLAIMS = (
    Statement.contrast(*SIDES),
    Statement.level(SIDES[0], reference=0.0),
    Statement.level(SIDES[1], reference=0.0),
)


def cases(levels, rng, shift=0.0):
    """Two sides of every entity; `levels` are what all models share."""
    rows = [
        {"entity": f"e{e}", "side": side, "value": level + shift * (side == "l") + rng.normal()}
        for e, level in enumerate(levels)
        for side in "lr"
    ]
    return pd.DataFrame(rows).assign(chance=0.0)


def card(frame, name="a model", claims=CLAIMS, keep=True):
    """A card of effects alone, as quickly as hundreds of them need."""
    out = []
    for s in claims:
        e = s.estimate(frame)
        low, high = e.interval()
        numbers = {"effect": e.value, "low": low, "high": high, "entities": e.entities, "cases": e.cases}
        kept = {"error": e.error, "df": e.df, "pulls": e.pulls} if keep else {}
        out.append(statement_data(Judged(s, s.claim("m", "nats"), "supported", "", "m", "nats", **numbers, **kept)))
    if not keep:
        for data in out:
            for gone in ("pulls", "error", "df", "level"):
                del data[gone]
    return Card(name, name, (Entry("b", "Behaviour", "m", "nats", {}, tuple(out), {}, len(frame)),))


def drawn(seed, shift=0.0, entities=24, shared=True):
    """Cards of two models that differ by `shift` on one side."""
    rng = np.random.default_rng(seed)
    levels = rng.normal(0, 2, entities)
    first = cases(levels, rng)
    second = cases(levels if shared else rng.normal(0, 2, entities), rng, shift)
    if not shared:
        second = second.assign(entity=second["entity"] + " of another set")
    return first, second


def at_most(rate, n, errors):
    """Whether so many errors are likely at a rate: not in the last thousandth."""
    return errors <= stats.binom.ppf(0.999, n, rate)


@pytest.mark.parametrize(("shared", "keep"), [(True, True), (False, True), (True, False)])
def test_of_equal_models_few_pairs_of_cards_are_said_to_differ(shared, keep):
    """200 pairs of equal models; 5% of the pairs may have a difference somewhere (Holm)."""
    said = 0
    for seed in range(200):
        first, second = drawn(seed, shared=shared)
        said += card(first, keep=keep).compare(card(second, keep=keep))["apart"].any()
    assert at_most(0.05, 200, said)


def test_intervals_hold_the_true_difference_in_95_of_100():
    held = np.zeros(3)
    for seed in range(200):
        table = card(drawn(seed, 0.7)[0]).compare(card(drawn(seed, 0.7)[1]))
        held += ((table["low"] <= [0.7, 0.7, 0.0]) & (table["high"] >= [0.7, 0.7, 0.0])).to_numpy()
    assert all(at_most(0.05, 200, 200 - h) for h in held)
    assert (held < 200 * 0.99).all()  # nor wider than they need be


def test_a_planted_difference_is_found_and_pairing_finds_more():
    """What the models share is twice as large as their noise: 1.2 is clear once it drops out."""
    found = dict.fromkeys((True, False), 0)
    for seed in range(60):
        first, second = drawn(seed, 1.2)
        for keep in found:
            found[keep] += card(first, keep=keep).compare(card(second, keep=keep))["apart"].iloc[1]
    assert found[True] > 45
    assert found[False] < 30


def test_the_same_entities_are_tested_as_a_paired_t_test():
    first, second = drawn(3, 0.5)
    row = card(first, claims=CLAIMS[1:2]).compare(card(second, claims=CLAIMS[1:2])).iloc[0]
    a, b = (f[f["side"] == "l"].sort_values("entity")["value"].to_numpy() for f in (first, second))
    truth = stats.ttest_rel(b, a)
    assert row["p"] == pytest.approx(truth.pvalue)
    assert (row["low"], row["high"]) == pytest.approx(tuple(truth.confidence_interval()))
    assert row["entities"] == row["shared"] == 24 and row["reason"] == ""


def test_other_entities_are_tested_as_welch_does():
    first, second = drawn(4, 0.5, shared=False)
    row = card(first, claims=CLAIMS[1:2]).compare(card(second, claims=CLAIMS[1:2])).iloc[0]
    a, b = (f[f["side"] == "l"]["value"].to_numpy() for f in (first, second))
    truth = stats.ttest_ind(b, a, equal_var=False)
    assert row["p"] == pytest.approx(truth.pvalue)
    assert (row["low"], row["high"]) == pytest.approx(tuple(truth.confidence_interval()))
    assert row["shared"] == 0 and row["reason"] == "not paired: the cards have other entities"


def test_a_card_without_entities_is_compared_by_its_intervals_and_says_so():
    first, second = drawn(5)
    d = compare_cards(card(first, "one", keep=False), card(second, "two"))
    assert set(d.table["reason"]) == {"not paired: a card keeps no entities"}
    assert d.notes[0].startswith("3 effects are compared without pairing")
    both = compare_cards(card(first, "one"), card(second, "two"))
    assert (d.table["high"] - d.table["low"])[1] > (both.table["high"] - both.table["low"])[1]


def test_p_is_adjusted_for_all_effects():
    first, second = drawn(6, 0.9)
    alone = [card(first, claims=[s]).compare(card(second, claims=[s]))["p"].iloc[0] for s in CLAIMS]
    together = card(first).compare(card(second))["p"]
    assert together.min() == pytest.approx(3 * min(alone))


def test_a_statement_on_one_card_alone_is_said_to_be():
    first, second = drawn(7)
    d = compare_cards(card(first, "one"), card(second, "two", claims=CLAIMS[:1]))
    assert d.table["outcome"].tolist()[1:] == ["not tested"] * 2
    assert d.table["reason"].tolist()[1:] == ["only on the first card"] * 2
    assert "2 more are not tested" in d.verdict
    assert " ".join(str(d).split()).count("only on the first card") == 2
    assert max(map(len, str(d).splitlines())) <= 80


def test_effects_of_two_levels_are_not_compared():
    first, second = drawn(8)
    one, other = card(first), card(second)
    entry = other.entries[0]
    moved = replace(entry, statements=tuple({**s, "level": "late"} for s in entry.statements))
    d = compare_cards(one, replace(other, entries=(moved,)))
    assert set(d.table["outcome"]) == {"not tested"}
    assert d.table["reason"].iloc[0] == (
        "the claim fits least for all cases on the first card, for “late” on the second: two effects"
    )


def test_a_difference_of_cards_comes_back_from_its_file(tmp_path):
    first, second = drawn(9, 2.0)
    d = compare_cards(card(first, "one"), card(second, "two"))
    again = CardDifference.from_json(d.to_json(tmp_path / "d.json"))
    assert again.verdict == d.verdict and again.notes == d.notes
    pd.testing.assert_frame_equal(again.table, d.table, check_dtype=False)


def test_cards_from_files_are_compared_as_those_at_hand(tmp_path):
    claims = [Statement.contrast({"tone": "loud"}, {"tone": "calm"})]
    one, other = (study(lambda t, k=k: rule(t, k), statements=claims, find=False, name="s").card() for k in (3.0, -3.0))
    there = compare_cards(*(Card.from_json(c.to_json()) for c in (one, other)), names=("a", "b"))
    here = compare_cards(one, other, names=("a", "b"))
    pd.testing.assert_frame_equal(there.table, here.table)
    assert (
        here.table["outcome"].tolist() == ["differ"] and here.table["shared"].iloc[0] == here.table["entities"].iloc[0]
    )
    assert len(here.asked) >= 1 and (here.asked["answer"].map(len) >= 0).all()


def test_a_card_beside_itself_has_no_difference_not_even_by_rounding():
    for seed in range(6):
        first = card(drawn(seed)[0], f"card {seed}")
        table = compare_cards(first, first, names=("once", "again")).table
        assert (table[["difference", "low", "high"]] == 0).all(axis=None)  # exact: the same numbers


def test_one_name_for_both_is_told_apart():
    first, second = drawn(10)
    assert compare_cards(card(first), card(second)).names == ("first", "second")
    assert compare_cards(card(first), card(second)).notes[0].startswith("Both cards are of the same model")
    with pytest.raises(InputError, match="names must be two different texts"):
        compare_cards(card(first), card(second), names=("a", "a"))
    with pytest.raises(InputError, match="other must be a Card"):
        compare_cards(card(first), "card.json")


def test_the_command_compares_two_files(tmp_path):
    first, second = drawn(11, 2.0)
    card(first, "one").to_json(tmp_path / "A.json")
    card(second, "two").to_json(tmp_path / "B.json")
    done = iomap("cards", str(tmp_path / "A.json"), str(tmp_path / "B.json"), "-o", "c.html", "--json", "c.json")
    assert done.returncode == 0, done.stderr
    assert "“one” and “two” differ clearly in" in done.stdout
    assert json.loads(Path("c.json").read_text())["kind"] == "card difference"
    again = iomap("report", "c.json", "-o", "again.html")
    assert again.returncode == 0 and Path("again.html").read_text() == Path("c.html").read_text()
    bad = iomap("cards", "c.json", "c.json")
    assert bad.returncode == 2 and "behaviour card" in bad.stderr


def test_the_line_on_the_page_makes_it_again(tmp_path):
    from surrogates.report.repeat_call import card_difference_line

    first, second = (card(f, n) for f, n in zip(drawn(12, 1.0), ("one", "two"), strict=True))
    d = compare_cards(first, second)
    line = card_difference_line(d)
    names = {"card": first, "other": second}
    exec(line.imports, names)
    pd.testing.assert_frame_equal(eval(line.code, names).table, d.table)


def test_the_figure_has_a_row_for_every_difference_of_one_unit():
    first, second = drawn(13, 2.0)
    axes = compare_cards(card(first, "one"), card(second, "two")).plot()
    assert next(t.get_text()[-8:] for t in axes.get_yticklabels()) == "(differ)"
    assert len(axes.get_yticks()) == 3
    assert axes.get_xlabel() == "two less one (nats)"
