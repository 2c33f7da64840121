"""generalise(), studies, stitched predictions and cards, on models whose rule is known."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.statements import trial
from probes import CallableModel, InputError, Split, Store, TemplateProbe, hold_out
from surrogates import Card, Scope, Statement, generalise
from surrogates.report.card import page

FACTORS = {"order": {"ab": "ab", "ba": "ba"}, "tone": {"calm": "calm", "loud": "loud"}}
FAMILIES = {f"f{i}": f"{i} {{name}} {{order}} {{tone}}" for i in range(4)}


def probe(entities=24):
    return TemplateProbe(FAMILIES, FACTORS, {f"e{i}": {"name": f"n{i}"} for i in range(entities)}, target="x")


def noise(text):
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()[:8])).normal()


def rule(text, size=3.0):
    """The planted map: larger when the order is ab and the tone is loud; an effect of the entity; noise."""
    return size * ("ab loud" in text) + noise(text.split()[1]) + noise(text)


class Counted:
    """The same, counting what it is asked."""

    def __init__(self, function=rule):
        self.asked = []
        self.model = CallableModel(self.answer, "counted")
        self.function = function

    def answer(self, texts):
        self.asked += texts
        return [self.function(t) for t in texts]


def study(function=rule, **options):
    options = {"metric": "output", "store": None, "progress": False, **options}
    return generalise(lambda texts: [function(t) for t in texts], probe(options.pop("entities", 24)), **options)


def test_the_planted_rule_is_found_and_supported_with_its_number():
    got = study()
    best = got.statements[0]
    assert best.statement.parts[0][1] == Scope.of(order="ab", tone="loud")
    assert best.verdict == "supported"
    assert best.low < 3.0 < best.high
    assert set(best.parts) == {"entities", "families"}
    assert best.digest == best.statement.digest
    assert got.fidelity.set_index("surrogate").loc["tree", "r2"] > 0.4
    assert got.fidelity["permuted"].max() < 0.1


def test_nothing_is_found_in_noise():
    got = study(lambda t: noise(t.split()[1]) + noise(t))
    assert [s.verdict for s in got.statements if s.verdict == "supported"] == []


@pytest.mark.parametrize("name", ["a∧¬b", "a×d", "none"])
@pytest.mark.parametrize("confounded", [False, True])
def test_planted_rules_with_noise_and_confounders(name, confounded):
    got = trial(name, 5, confounded=confounded)
    assert got["false_supported"] == 0
    assert name == "none" or (got["found"] and got["supported"])


def test_held_out_cases_are_asked_only_after_the_statements_are_frozen(monkeypatch):
    counted, seen = Counted(), []
    module = sys.modules[generalise.__module__]
    original = module.discover

    def spy(frame, *args, **options):
        seen.extend(counted.asked)
        return original(frame, *args, **options)

    monkeypatch.setattr(module, "discover", spy)
    got = generalise(counted.model, probe(), metric="output", store=None, progress=False)
    known = set(got.frame.loc[got.frame["part"] == "discovery", "prompt"])
    assert set(seen) == known
    entities = got.frame.groupby("part")["entity"].unique()
    assert not set(entities["discovery"]) & {e for p in ("entities", "families") for e in entities[p]}


def test_the_same_study_again_asks_nothing():
    counted, store = Counted(), Store()
    first = generalise(counted.model, probe(), metric="output", store=store, progress=False)
    asked = len(counted.asked)
    again = generalise(counted.model, probe(), metric="output", store=store, progress=False)
    assert len(counted.asked) == asked
    assert again.frozen == first.frozen
    assert again.table.equals(first.table)


def test_statements_of_ones_own_are_tested_on_every_case():
    own = Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm"))
    got = study(statements=[own], find=False)
    assert len(got.statements) == 1
    assert got.statements[0].entities == 24
    assert got.statements[0].verdict == "supported"
    assert got.statements[0].effect == pytest.approx(1.5, abs=0.5)


def test_a_failed_control_makes_everything_untestable():
    own = Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm"))
    control = Statement.level(Scope.of(tone="calm"), reference=50.0)
    got = study(statements=[own], find=False, control=control)
    assert got.control.verdict == "refuted"
    assert got.statements[0].verdict == "not testable"
    assert "positive control is refuted" in got.statements[0].reason


def test_by_and_groups():
    got = study(by="order")
    assert all("order" in str(s.statement.parts[0][1]) for s in got.statements)
    paired = study(groups=lambda case: case.entity[:-1] or case.entity)
    assert paired.frame["entity"].nunique() < 24
    with pytest.raises(InputError, match="by must name factors among order, tone, template"):
        study(by="colour")
    with pytest.raises(InputError, match="groups must be entity"):
        study(groups="colour")


def test_entities_on_both_sides_are_refused():
    cases = probe().cases
    split = hold_out(cases)
    both = Split(split.discovery, np.concatenate([split.entities, split.discovery[:1]]), split.cells, split.families)
    with pytest.raises(InputError, match="each entity on one side"):
        study(split=both)
    with pytest.raises(InputError, match="at least one, or find"):
        study(find=False)


def test_a_card_predicts_after_a_round_trip_and_beats_the_constant():
    got = study(entities=40, name="planted")
    card = got.card("Planted")
    text = card.to_json()
    back = Card.from_json(text)
    assert back.to_json() == text
    assert json.loads(text)["iomap_card"] == 1
    high = back.predict("planted", {"order": "ab", "tone": "loud", "template": "f0"})
    low = back.predict("planted", {"order": "ba", "tone": "loud", "template": "f0"})
    assert high["value"] - low["value"] == pytest.approx(3.0, abs=0.6)
    assert high["low"] < high["value"] < high["high"]
    assert high["right"] > low["right"]
    scores = card.entries[0].prediction.scores
    # the rule explains 9/16 · 3 = 1.69 of a variance of 1.69 + 1 + 1
    assert 0.3 < scores["r2"] < 0.6
    assert scores["brier"] < scores["brier_constant"]
    assert 0.8 < scores["coverage"] <= 1
    assert scores["calibration"] < 0.25
    assert card.predict("planted", probe().cases[0])["unit"] == "output"
    with pytest.raises(InputError, match="levels must be known"):
        card.predict("planted", {"order": "xx"})
    with pytest.raises(InputError, match="be on this card"):
        card.predict("other", {})


def test_pages_escape_everything_and_load_nothing():
    def nasty(text):
        return rule(text)

    entities = {f"<script>alert({i})</script>": {"name": f"n{i} <img src=x onerror=y>"} for i in range(24)}
    made = TemplateProbe(FAMILIES, FACTORS, entities, target="<b>")
    own = Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm"), text="<i>louder</i>")
    got = generalise(lambda ts: [nasty(t) for t in ts], made, metric="output", statements=[own], find=False, store=None,
                     name="<u>x</u>")  # fmt: skip
    card = got.card("<u>x</u>")
    page = card.report("card.html").read_text()
    for raw in ("<script", "<img src", "<i>louder", "<u>x"):
        assert raw not in page
    assert "&lt;i&gt;louder" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert got.statements[0].examples


def test_two_cards_side_by_side():
    own = [
        Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm")),
        Statement.contrast(Scope.of(order="ab"), Scope.of(order="ba"), sign=-1),
    ]
    first = study(statements=own, find=False, name="s").card()
    second = study(lambda t: rule(t, -3.0), statements=own, find=False, name="s").card()
    table = first.compare(second).set_index("claim")
    assert table["verdict"].tolist() == ["supported", "refuted"]
    assert table["other_verdict"].tolist() == ["refuted", "supported"]
    assert table["apart"].all()
    assert table["difference"].tolist() == pytest.approx((table["other_effect"] - table["effect"]).tolist())
    page = first.report("both.html", second).read_text()
    assert page.count("supported") >= 2
    assert Card.from_json(Path(first.report("x.html")).with_suffix(".html") and first.to_json()).table.equals(
        first.table
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"iomap_card": 2}', '{"iomap_card": 1}', '{"iomap_card": 1, "entries": [{}]}']
)
def test_what_is_no_card_is_refused(text):
    with pytest.raises(InputError):
        Card.from_json(text)


def test_slips_cost_no_call():
    counted = Counted()
    loud = Statement.level({"tone": "loud"}, reference=0.0)
    for words, options in (
        ("levels of tone", {"statements": [Statement.level({"tone": "lod"})]}),
        ("factors among", {"statements": [Statement.contrast({"ton": "loud"})]}),
        ("factor among", {"statements": [Statement.level(every="ton")]}),
        ("made by Statement", {"statements": ["tone is loud"]}),
        ("levels of tone", {"control": Statement.level({"tone": "x"})}),
        ("by must name factors among order, template", {"by": "tone", "groups": "tone"}),
    ):
        with pytest.raises(InputError, match=words):
            generalise(counted.model, probe(), metric="output", store=None, **options)
    with pytest.raises(InputError, match="margin needs one that gives log-probabilities"):
        generalise(counted.model, probe(), metric="margin", store=None)
    with pytest.raises(InputError, match="be a TemplateProbe"):
        generalise(counted.model, [1], metric="output", store=None)
    assert counted.asked == []
    one = study(statements=loud, find=False)
    assert one.statements[0].statement == Statement.level(Scope.of(tone="loud"), reference=0.0)
    with pytest.raises(InputError, match="another set"):
        Statement.contrast({"tone": "loud"}, {"tone": "loud"})
    with pytest.raises(InputError, match="be a prompt, a Case"):
        one.card().predict("study", 3)
    with pytest.raises(InputError, match="probe must be given to read"):
        one.card().predict("study", "loud")


def test_few_entities_and_constant_answers_are_said():
    few = study(entities=6)
    assert not few.statements
    assert "at least 5 entities for discovery and 5 for the test" in few.notes[0]
    flat = study(lambda text: 1.0)
    assert not flat.statements
    assert flat.card().entries[0].prediction is None
    grouped = study(groups="tone")
    assert grouped.frame["entity"].nunique() == 2


def test_two_cards_of_found_statements_stand_side_by_side_whatever_size_they_claim():
    strong, weak = (study(lambda text, k=k: rule(text, k)).card() for k in (6.0, 3.0))
    both = strong.compare(weak)
    first = both.iloc[0]
    assert first["verdict"] == first["other_verdict"] == "supported"
    assert strong.entries[0].statements[0]["claim"] != weak.entries[0].statements[0]["claim"]
    assert first["difference"] == pytest.approx(-3, abs=1.5)
    mean = Statement.level({"tone": "loud"}, reference=0.0)
    apart = study(statements=mean, find=False).card().compare(study(statements=Statement.level(), find=False).card())
    assert apart["verdict"].tolist()[1] == apart["other_verdict"].tolist()[0] == ""
    assert apart["difference"].isna().all() and not apart["apart"].any()
    assert "not on this card" in page(strong, study(statements=mean, find=False).card())


def test_statements_about_one_thing_are_compared_one_by_one_and_older_cards_by_their_words():
    loud = [Statement.contrast({"tone": "loud"}, {"tone": "calm"}, min_effect=m) for m in (0.0, 2.0, 5.0)]
    card = study(statements=loud, find=False).card()
    assert card.compare(card)["difference"].tolist() == [0.0] * 3
    data = json.loads(card.to_json())
    for statement in data["entries"][0]["statements"]:
        del statement["subject"]
    del data["entries"][0]["extremes"]
    older = Card.from_json(json.dumps(data))
    for both in (card.compare(older), older.compare(card), older.compare(older)):
        assert both["verdict"].tolist() == both["other_verdict"].tolist() and len(both) == 3


def test_cards_in_other_units_are_not_compared():
    one = study(statements=Statement.level(reference=0.0), find=False).card()
    entry = one.entries[0]
    other = replace(one, entries=(replace(entry, statements=tuple({**s, "unit": "nats"} for s in entry.statements)),))
    assert one.compare(other)["difference"].isna().all()


def test_a_damaged_card_is_refused():
    data = json.loads(study().card().to_json())
    for change in ({"verdict": "perhaps"}, {"effect": ...}):
        broken = json.loads(json.dumps(data))
        statement = broken["entries"][0]["statements"][0]
        for key, value in change.items():
            if value is ...:
                del statement[key]
            else:
                statement[key] = value
        with pytest.raises(InputError, match="source must"):
            Card.from_json(json.dumps(broken))


def test_a_share_of_a_control_needs_one():
    share = Statement.contrast({"tone": "loud"}, {"tone": "calm"}, kind="equivalence", of_control=0.2)
    counted = Counted()
    with pytest.raises(InputError, match="control must be given"):
        generalise(counted.model, probe(), metric="output", statements=share, store=None)
    assert not counted.asked
    own = Statement.contrast({"order": "ab"}, {"order": "ba"})
    assert study(statements=share, find=False, control=own).statements[0].statement.min_effect > 0


def test_groups_are_held_out_as_groups():
    def pair(case):
        return str(int(case.entity[1:]) // 2)

    whole = probe()
    split = hold_out(whole, groups=pair)
    sides = [{pair(whole.cases[i]) for i in part} for part in (split.discovery, split.test)]
    assert not sides[0] & sides[1]
    assert study(groups=pair, split=split).statements
    with pytest.raises(InputError, match="each group on one side: hold_out"):
        study(groups=pair, split=hold_out(whole))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"most": -1}, "most must be a number"),
        ({"statements": None}, "statements must be made by"),
        ({"split": ((1, 2), (3,))}, "split must be made by"),
        ({"split": Split(*(np.array([9999 + i]) for i in range(4)))}, "split must hold numbers"),
    ],
)
def test_more_slips_cost_no_call(options, words):
    counted = Counted()
    with pytest.raises(InputError, match=words):
        generalise(counted.model, probe(), metric="output", store=None, **options)
    assert not counted.asked
