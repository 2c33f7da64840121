"""Pages of sets, cards, differences and global surrogates: what is said, asked, drawn and linked; truth is by hand."""

from __future__ import annotations

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

import surrogates.report.views  # noqa: F401 - registers every page
from probes import CallableModel
from surrogates import Card, Statement, behave, compare_cards, compare_cases, compare_rows, explain_many
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.page import contents
from surrogates.report.part import Note
from surrogates.report.parts.asked_cases import AskedCases
from surrogates.report.parts.beeswarm import Beeswarm
from surrogates.report.parts.forest import Forest, Point
from surrogates.report.parts.items import Index, Items
from surrogates.report.parts.statements import Statements
from surrogates.report.repeat_call import (
    card_line,
    case_difference_line,
    global_line,
    row_difference_line,
    set_line,
    study_line,
)
from tests.helpers.checkout import ROOT
from tests.helpers.planted_rule import probe, rule, study
from tests.helpers.scripted_models import Scripted, copies_or_raises

pytestmark = pytest.mark.xdist_group("sets and cards")  # what the module makes once is made in one process

FRAME = pd.DataFrame(np.random.default_rng(0).standard_normal((24, 3)), columns=["a", "b", "c"])
CLAIMS = [
    Statement.contrast({"tone": "loud"}, {"tone": "calm"}),
    Statement.contrast({"order": "ab"}, {"order": "ba"}, sign=-1, min_effect=1.0),
    Statement.contrast({"order": "ab"}, {"order": "ba"}, kind="equivalence", min_effect=0.5),
]


def rises(frame):
    return 2.0 * frame["a"].to_numpy() - frame["b"].to_numpy()


def part(result, kind, **options):
    """The one part of a kind on a page."""
    (found,) = [p for p in contents(result, **options).parts if isinstance(p, kind)]
    return found


def head_of(result, tmp_path):
    page = result.report(tmp_path / "page.html").read_text()
    markup = re.search(r'<p class="lead">(.*?)</p>', page, re.DOTALL).group(1)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def run(line, **names):
    exec(line.imports, names)
    return eval(line.code, names)


@pytest.fixture(scope="module")
def table():
    return explain_many(rises, FRAME, background=FRAME, background_rows=6, store=None)


@pytest.fixture(scope="module")
def tested():
    return study(statements=CLAIMS, find=False, name="planted")


@pytest.fixture(scope="module")
def changed():
    return compare_cases(
        lambda texts: [rule(t) for t in texts],
        lambda texts: [rule(t) + 0.5 * ("loud" in t) for t in texts],
        probe(),
        metric="output",
        names=("old", "new"),
        store=None,
    )


@pytest.fixture(scope="module")
def moved():
    rows = pd.DataFrame({"age": np.arange(400) % 80, "income": np.arange(400) % 7})
    old = CallableModel(lambda X: (np.asarray(X["income"]) > 3) * 1.0, "old")
    new = CallableModel(lambda X: (np.asarray(X["income"]) > 3) + (np.asarray(X["age"]) > 60) * 1.0, "new")
    return compare_rows(old, new, rows, names=("old", "new"), margin=0.5, store=None)


def test_the_index_lists_every_item_with_its_answer_and_links_to_it(table):
    index, items = part(table, Index), part(table, Items)
    assert [row.label for row in index.rows] == [str(i) for i in range(24)]
    assert [row.place for row in index.rows] == [item.place for item in items.rows]
    here = rises(FRAME)
    for i, row in enumerate(index.rows):
        assert float(row.answer.replace("−", "-")) == pytest.approx(here[i], abs=0.006)
        assert "a = " in row.input and "b = " in row.input
    assert sum(row.mark == "most telling" for row in index.rows) == len(table.picks(3))
    assert index.left_out == items.left_out == ""


def test_what_a_page_has_no_room_for_is_said(table, monkeypatch):
    monkeypatch.setattr("surrogates.report.set_items._ROOM", 20_000)
    monkeypatch.setattr("surrogates.report.set_items._ROWS", 20)
    index, items = part(table, Index), part(table, Items)
    assert len(index.rows) == 20 and index.left_out.startswith("Not on this page: 4 more items.")
    assert 1 <= len(items.rows) < 10
    assert items.left_out.startswith(
        f"Not on this page, which would be too large: {24 - len(items.rows)} explanations."
    )
    linked = {row.label for row in index.rows if row.place}
    assert len(linked) == len(items.rows) and set(map(str, table.picks(1)["item"])) <= linked


def test_a_folder_has_a_page_for_every_item(table, tmp_path):
    index = table[:5].report(tmp_path / "pages")
    assert index == tmp_path / "pages" / "index.html"
    links = re.findall(r'<a href="(item-[^"]+)"', index.read_text())
    assert links == [f"item-{i}.html" for i in range(1, 6)]
    assert all("<h1>Explanation: output" in (index.parent / link).read_text() for link in links)


def test_failed_items_are_listed_with_their_error(tmp_path):
    def words(texts):
        if any("bad" in t for t in texts):
            raise ValueError("no such word")
        return [float(len(t)) for t in texts]

    many = explain_many(CallableModel(words, "w"), ["one two", "bad one", "three four"], store=None)
    page = many.report(tmp_path / "page.html").read_text()
    assert "2 inputs were explained, each by itself; 1 failed." in head_of(many, tmp_path)
    assert "no such word" in page and "<h2>Failed</h2>" in page


def test_a_beeswarm_places_a_dot_for_every_item_by_its_effect(table):
    swarm = part(table, Beeswarm)
    assert [row.feature for row in swarm.rows[:2]] == ["a", "b"]
    assert [row.values for row in swarm.rows[:2]] == ["larger values, higher effects", "larger values, lower effects"]
    effects = table.frame[table.frame["feature"] == "a"]["attribution"].to_numpy()
    at = np.array([float(dot.x[:-1]) for dot in swarm.rows[0].dots])
    assert len(at) == 24 and np.corrcoef(at, effects)[0, 1] == pytest.approx(1, abs=1e-4)
    steps = np.array([int(dot.step) for dot in swarm.rows[0].dots])
    assert steps[FRAME["a"].argmin()] == 1 and steps[FRAME["a"].argmax()] == 5
    assert "over 24 items" in swarm.rows[0].spoken
    assert part(table, Beeswarm) == swarm  # the same picture each time


def test_dots_of_one_place_stand_beside_each_other():
    rows = pd.DataFrame({"feature": "a", "value": "x", "attribution": [1.0, 1.0, 1.0, -1.0]})
    (swarm,) = Beeswarm.of(rows, ["a"], "y", "nats").rows
    assert [dot.y for dot in swarm.dots] == ["16", "20", "12", "16"]
    assert {dot.step for dot in swarm.dots} == {"0"} and swarm.values == ""


def test_texts_that_share_no_words_have_no_beeswarm():
    many = explain_many(CallableModel(lambda ts: [float(len(t)) for t in ts], "w"), ["a b", "c d"], store=None)
    assert not any(isinstance(p, Beeswarm) for p in contents(many).parts)


def test_a_set_says_what_moves_the_output_most(table, tmp_path):
    said = head_of(table, tmp_path)
    assert said.startswith("24 inputs were explained, each by itself. ")
    assert "What moves the output most over all of them is “a”: by " in said
    assert "what holds for one need not hold for another" in said


def test_a_card_counts_its_verdicts_and_shows_questions(tested, tmp_path):
    said = head_of(tested.card(), tmp_path)
    verdicts = [s.verdict for s in tested.statements]
    assert verdicts == ["supported", "refuted", "refuted"]
    assert said.startswith("Of 3 statements about “")
    assert ": 1 supported and 2 refuted (the contrary was found). " in said
    asked = part(tested.card(), AskedCases)
    assert 3 <= len(asked.rows) <= 5
    frame = tested.frame.set_index("prompt")["value"]
    for row in asked.rows:
        assert row.replies[0].said.startswith(("+", "−"))
        assert float(row.replies[0].said.split()[0].replace("−", "-")) == pytest.approx(frame[row.prompt], abs=0.01)


def test_every_statement_shows_a_case_of_each_of_its_sets(tested):
    for row in part(tested.card(), Statements).rows:
        assert len(row.asked) == 2
        first, second = row.asked
        assert first.where != second.where and first.prompt != second.prompt


def test_the_colour_of_a_verdict_says_nothing_good_or_bad(tested, tmp_path):
    page = tested.card().report(tmp_path / "page.html").read_text()
    body = page[page.index("<main") :]
    assert 'class="tag holds">supported' in body and 'class="tag against">refuted' in body
    assert not re.search(r'class="[^"]*\b(good|poor|weak|fair)\b', body)
    assert "not whether that is good or bad" in body


def test_a_forest_places_an_effect_its_interval_zero_and_the_bounds(tested):
    forest = part(tested.card(), Forest)
    (group,) = forest.groups
    rows = group.rows
    assert group.unit == "output" and [row.tag for row in rows] == [s.verdict for s in tested.statements]

    def at(text):
        return float(text[:-1])

    zero, unit = at(rows[0].zero), (at(rows[2].bounds[1]) - at(rows[2].bounds[0])) / 1.0
    for row, s in zip(rows, tested.statements, strict=True):
        for place, value in ((row.at, s.effect), (row.low, s.low), (row.high, s.high)):
            assert (at(place) - zero) / unit == pytest.approx(value, abs=0.02)
    assert [at(b) - zero for b in rows[1].bounds] == [pytest.approx(-unit, abs=0.02)]
    assert rows[0].bounds == ()
    assert "95% interval" in rows[0].spoken and "the claim's bound −0.5 and 0.5" in rows[2].spoken


def test_effects_of_two_units_have_an_axis_each():
    points = [
        ("nats", Point("a", "", "t", "holds", 5.0, 4.0, 6.0)),
        ("share", Point("b", "", "t", "holds", 0.1, 0, 0.2)),
    ]
    points.append(("nats", Point("c", "", "t", "untested", np.nan, np.nan, np.nan)))
    forest = Forest.of(points, "", "")
    assert [(g.unit, len(g.rows)) for g in forest.groups] == [("nats", 1), ("share", 1)]


def test_a_card_whose_control_fails_says_so_first(tmp_path):
    flat = study(lambda text: 0.0, statements=CLAIMS, find=False, control=Statement.level(reference=1.0))
    assert head_of(flat.card(), tmp_path).startswith("“Study”: the model does not show what it must be able to do")


def test_a_difference_of_cards_says_what_differs_and_never_what_is_better(tmp_path):
    one, other = (study(lambda t, k=k: rule(t, k), statements=CLAIMS, find=False, name="s").card() for k in (3.0, 1.0))
    d = compare_cards(one, other, names=("one", "other"))
    said = head_of(d, tmp_path)
    assert said.startswith("“one” and “other” differ clearly in")
    assert said.endswith("A difference does not say which of the two is better.")
    page = (tmp_path / "page.html").read_text()
    assert (
        page.index("<h2>Differences</h2>") < page.index("<h2>What was asked</h2>") < page.index("<h2>Side by side</h2>")
    )
    row = part(d, AskedCases).rows[0]
    assert [reply.who for reply in row.replies] == ["one", "other"]


def test_a_difference_over_rows_says_where_and_shows_rows_of_both_kinds(moved, tmp_path):
    said = head_of(moved, tmp_path)
    assert said.startswith("“old” and “new” differ by more than 0.5 in ")
    assert "The first rule, “age > 60”: there they differ in 100%" in said and "not which of them is right" in said
    page = (tmp_path / "page.html").read_text()
    assert ">change</th>" in page and ">change of output</th>" in page and "(output)" not in page
    asked = part(moved, AskedCases).rows
    assert 3 <= len(asked) <= 5 and {row.why.split(",")[0] for row in asked} == {"they differ", "they agree"}
    for row in asked:
        same = row.replies[0].said == row.replies[1].said
        assert same == (row.why == "they agree")


def test_a_difference_over_cases_says_the_change_and_shows_both_answers(changed, tmp_path):
    said = head_of(changed, tmp_path)
    assert said.startswith("From “old” to “new”. On average output changed by +0.25 ")
    assert "does not say which of the two is better" in said
    for row in part(changed, AskedCases).rows:
        old, new = (float(reply.said.split()[0].replace("−", "-")) for reply in row.replies)
        assert new - old == pytest.approx(0.5 * ("loud" in row.prompt), abs=0.011)


def test_a_global_surrogate_says_how_well_and_shows_the_worst_miss(table, tmp_path):
    g = table.surrogate("linear")
    said = head_of(g, tmp_path)
    assert said.startswith("The model was asked for “output” of 24 rows, and a readable model of 2 terms was fitted")
    assert "It reads “a” and “b”." in said and "not about what is true of the rows" in said
    off = np.abs(g.fidelity.observed - g.fidelity.predicted)[:, 0]
    assert g.asked["why"].iloc[0] == "the worst miss"
    assert np.abs(g.asked["model"] - g.asked["surrogate"]).iloc[0] == pytest.approx(off.max())
    back = type(g).from_json(g.to_json())
    pd.testing.assert_frame_equal(back.asked, g.asked)


def test_a_global_surrogate_of_noise_is_not_to_be_used(tmp_path):
    def noise(frame):
        return np.sin(1e6 * frame.to_numpy() @ [1.0, 2.3, 3.7])

    g = explain_many(noise, FRAME, background=FRAME, background_rows=2, store=None).surrogate("linear")
    assert head_of(g, tmp_path).startswith("Do not use it: on rows it had not seen it may do no better")


def test_the_line_of_a_set_makes_it_again(table):
    line = set_line(table)
    line = type(line)(line.code[:-1] + ", background=inputs, background_rows=6, store=None)", line.imports, line.notes)
    again = run(line, model=rises, inputs=FRAME)
    pd.testing.assert_frame_equal(again.frame, table.frame)


def test_the_line_of_a_set_names_a_target_that_all_share():
    def two(frame):
        return pd.DataFrame({"p": frame["a"], "q": -frame["a"]}).to_numpy()

    many = explain_many(two, FRAME[:6], background=FRAME, background_rows=4, target="output 1", store=None)
    assert "target='output 1'" in set_line(many).code


def test_the_line_of_a_global_surrogate_makes_it_again(table):
    for family in ("linear", "tree"):
        g = table.surrogate(family)
        assert global_line(g).code == f"explanations.surrogate({family!r}, output='output')"
        pd.testing.assert_frame_equal(run(global_line(g), explanations=table).terms, g.terms)


def test_the_line_of_a_study_tests_the_same_statements(tested):
    line = study_line(tested)
    again = run(line, model=lambda texts: [rule(t) for t in texts], probe=probe())
    assert [s.digest for s in again.statements] == [s.digest for s in tested.statements]
    assert card_line(tested.card()).code == "generalise(model, probe, metric='output')"


def test_the_line_of_a_card_asks_the_same_behaviours():
    card = behave(Scripted(copies_or_raises), "greater-than", store=None, progress=False, name="scripted")
    assert card_line(card).code == "behave(model, ['greater-than'], name='scripted')"
    again = run(card_line(card), model=Scripted(copies_or_raises))
    pd.testing.assert_frame_equal(again.table, card.table)
    assert again.model == "scripted"


def test_the_lines_of_differences_make_them_again(moved, changed):
    rows = pd.DataFrame({"age": np.arange(400) % 80, "income": np.arange(400) % 7})
    old = CallableModel(lambda X: (np.asarray(X["income"]) > 3) * 1.0, "old")
    new = CallableModel(lambda X: (np.asarray(X["income"]) > 3) + (np.asarray(X["age"]) > 60) * 1.0, "new")
    again = run(row_difference_line(moved), before=old, after=new, rows=rows)
    pd.testing.assert_frame_equal(again.rules, moved.rules)
    assert again.margin == moved.margin  # exact: the number that was given
    cases = run(
        case_difference_line(changed),
        before=lambda texts: [rule(t) for t in texts],
        after=lambda texts: [rule(t) + 0.5 * ("loud" in t) for t in texts],
        probe=probe(),
    )
    assert cases.frozen == changed.frozen


def test_files_without_settings_and_rows_are_read_and_say_what_is_open(moved, changed, table):
    for made, line in ((moved, row_difference_line), (changed, case_difference_line)):
        data = json.loads(made.to_json())
        del data["settings"]
        read = type(made).from_json(json.dumps(data))
        assert read.settings == {} and "all other settings" in line(read).notes[-1]
        again = type(made).from_json(made.to_json())
        assert again.settings == made.settings != {}
    data = json.loads(table.surrogate("linear").to_json())
    del data["asked"]
    older = GlobalSurrogate.from_json(json.dumps(data))
    assert not any(isinstance(p, AskedCases) for p in contents(older).parts)


def test_a_card_of_an_earlier_version_is_drawn_without_the_cases_that_it_does_not_hold():
    card = Card.from_json(ROOT / "tests" / "golden" / "1" / "card-behave.json")
    parts = contents(card).parts
    assert not any(isinstance(p, AskedCases | Note) for p in parts) and any(isinstance(p, Forest) for p in parts)
    assert card_line(card).code.startswith("behave(model, ['")


def test_a_notebook_shows_the_first_effects_and_folds_the_rest():
    points = [("nats", Point(f"claim {i}", "", "t", "holds", 1.0, 0.5, 1.5)) for i in range(20)]
    short = Forest.of(points, "", "").shortened()
    assert len(short.groups[0].rows) == 8 and short.note.endswith("the others stand below.")


def test_a_line_from_a_file_holds_no_code_of_the_file(moved):
    from dataclasses import replace

    evil = replace(moved, settings={"target": "x'); import os; ('", "most=1); evil(": 2, "margin": {"a": 1}})
    line = row_difference_line(evil).code
    assert "evil" not in line and "margin=margin" in line
    names = {}
    names.update(dict.fromkeys(("before", "after", "rows", "margin")), compare_rows=lambda *a, **k: k)
    assert eval(line, names)["target"] == "x'); import os; ('"


def test_on_a_phone_nothing_overflows_and_a_link_unfolds_its_item(table, tested, changed, moved, tmp_path, visit):
    card = tested.card()
    results = {"card": card, "cards": compare_cards(card, card), "cases": changed, "rows": moved}
    results |= {"global": table.surrogate("tree"), "set": table}
    for name, result in results.items():
        visit.close()
        view = visit(result.report(tmp_path / f"{name}.html"), viewport={"width": 390, "height": 800})
        assert view.evaluate("document.documentElement.scrollWidth") <= 390, name
        for table_ in view.query_selector_all(".scroll"):
            assert table_.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, (name, table_.inner_text()[:200])
        for text in view.query_selector_all(".forest .size, .forest text"):
            box = text.bounding_box()
            assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= 390), name
    assert not view.query_selector("#item-7").is_visible()
    view.click('a[href="#item-7"]')
    assert view.query_selector("#item-7").is_visible()
