"""Cards: files, pages, predictions and comparisons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from probes import InputError, TemplateProbe
from surrogates import Card, Scope, Statement, generalise
from surrogates.results.result import page_of
from tests.helpers.planted_rule import FACTORS, FAMILIES, probe, rule, study


def test_a_card_predicts_after_a_round_trip_and_beats_the_constant():
    got = study(entities=40, name="planted")
    card = got.card("Planted")
    text = card.to_json()
    back = Card.from_json(text)
    assert back.to_json() == text
    assert json.loads(text)["kind"] == "card"
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


@pytest.mark.parametrize(
    ("metric", "unit", "least"),
    [("auc", "share", 0.0), ("output", "probability", 0.0), ("mass_contrast", "share", -1.0)],
)
def test_what_a_card_predicts_stays_within_what_its_metric_can_be(metric, unit, least):
    card = study(entities=20, name="planted").card("Planted")
    levels = {"order": "ab", "tone": "loud", "template": "f0"}
    made = replace(card.entries[0].prediction, residuals=(-3.0, 0.0, 3.0))
    card = replace(card, entries=(replace(card.entries[0], prediction=made),))
    plain = card.predict("planted", levels)
    assert plain["low"] < least and plain["high"] > 1  # of a metric without bounds
    bounded = replace(card, entries=(replace(card.entries[0], metric=metric, unit=unit),)).predict("planted", levels)
    assert (bounded["low"], bounded["high"]) == (least, 1.0)  # exact: the bounds themselves
    assert least <= bounded["value"] <= 1 and bounded["right"] == plain["right"]


def test_a_page_says_of_what_a_brier_score_is_and_none_where_every_case_is_on_one_side(tmp_path):
    card = study(entities=24, name="planted").card("Planted")
    assert "each level). Whether a case is above 0: Brier score " in card.report(tmp_path / "card.html").read_text()
    entry = card.entries[0]
    certain = replace(entry.prediction, scores={**entry.prediction.scores, "brier_constant": 0.0})
    sure = replace(card, entries=(replace(entry, prediction=certain),))
    assert "Brier" not in sure.report(tmp_path / "sure.html").read_text()


def test_pages_escape_everything_and_load_nothing():
    def nasty(text):
        return rule(text)

    entities = {f"<script>alert({i})</script>": {"name": f"n{i} <img src=x onerror=y>"} for i in range(24)}
    made = TemplateProbe(FAMILIES, FACTORS, entities, target="<b>")
    loud = Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm"), text="<i>louder</i>")
    got = generalise(lambda ts: [nasty(t) for t in ts], made, metric="output", statements=[loud], find=False,
                     store=None, name="<u>x</u>")  # fmt: skip
    card = got.card("<u>x</u>")
    page = card.report("card.html").read_text()
    for raw in ("<script", "<img src", "<i>louder", "<u>x"):
        assert raw not in page
    assert "&lt;i&gt;louder" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert got.statements[0].examples


def test_two_cards_side_by_side():
    claims = [
        Statement.contrast(Scope.of(tone="loud"), Scope.of(tone="calm")),
        Statement.contrast(Scope.of(order="ab"), Scope.of(order="ba"), sign=-1),
    ]
    first = study(statements=claims, find=False, name="s").card()
    second = study(lambda t: rule(t, -3.0), statements=claims, find=False, name="s").card()
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
    assert "not on this card" in page_of(strong, other=study(statements=mean, find=False).card())


def test_statements_about_one_thing_are_compared_one_by_one_and_older_cards_by_their_words():
    loud = [Statement.contrast({"tone": "loud"}, {"tone": "calm"}, min_effect=m) for m in (0.0, 2.0, 5.0)]
    card = study(statements=loud, find=False).card()
    assert card.compare(card)["difference"].tolist() == [0.0] * 3  # exact: a number less itself
    data = json.loads(card.to_json())
    for statement in data["entries"][0]["statements"]:
        del statement["subject"]
    del data["entries"][0]["extremes"], data["format"], data["kind"]
    data["iomap_card"] = 1
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
