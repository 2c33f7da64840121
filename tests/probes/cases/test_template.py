"""TemplateProbe: crossings, foils, ids, corruptions and the border of prompt and answer."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from probes import Case, Family, InputError, TemplateProbe
from probes.cases.case import tidy
from tests.helpers.checkout import environment

NAMES = {name: {"name": name, "drink": drink} for name, drink in zip("ABCDEF", "tuvwxy", strict=True)}


FACTORS = {
    "mood": {"glad": "likes", "sad": {"mood": "hates, says {name},"}},
    "time": {"now": {"when": "today"}, "then": {"when": "once"}},
}


FAMILIES = {f"f{i}": f"{i}: {{name}} {{mood}} {{when}} to drink " for i in range(4)}


def build(**options):
    return TemplateProbe(FAMILIES, FACTORS, NAMES, target="{drink}", foils=3, **options)


def test_full_crossing_has_every_combination_once():
    probe = build()
    assert len(probe) == 4 * 2 * 2 * 6
    assert len({(c.entity, c.levels) for c in probe.cases}) == len(probe)
    assert probe.factors == {"mood": ("glad", "sad"), "time": ("now", "then"), "template": ("f0", "f1", "f2", "f3")}
    prompts = [c.prompt for c in probe.cases]
    assert "2: B hates, says B, once to drink" in prompts


def test_the_trailing_space_moves_into_the_answers():
    case = build().cases[0]
    assert not case.prompt.endswith(" ")
    assert case.target == " t"
    assert len(case.foils) == 3
    assert all(f.startswith(" ") for f in case.foils)


def test_drawn_foils_are_other_targets_and_do_not_depend_on_order():
    by_id = {(c.entity, c.levels): c.foils for c in build().cases}
    turned = TemplateProbe(FAMILIES, FACTORS, dict(reversed(NAMES.items())), target="{drink}", foils=3)
    assert {(c.entity, c.levels): c.foils for c in turned.cases} == by_id
    assert all(c.target not in c.foils and len(set(c.foils)) == 3 for c in turned.cases)


@pytest.mark.parametrize("n", [7, 16, 48, 50])
def test_a_balanced_subsample_has_cells_and_entities_equally_often(n):
    probe = build(crossing=n)
    cells = Counter(c.levels for c in probe.cases)
    people = Counter(c.entity for c in probe.cases)
    assert len(probe) == n
    assert max(people.values()) - min(people.values()) <= 1
    assert max(cells.values()) - (min(cells.values()) if len(cells) == 16 else 0) <= 1
    assert {c.case_id for c in probe.cases} == {c.case_id for c in build(crossing=n).cases}
    assert {c.case_id for c in probe.cases} != {c.case_id for c in build(crossing=n, random_state=1).cases}


def test_ids_are_the_same_in_another_process():
    code = "from probes import Case; print(Case('a', ' b', (' c',), (('f', 'g'),), 'e', 't').case_id)"
    env = environment(PYTHONHASHSEED="77")
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=120).stdout
    assert other.strip() == Case("a", " b", (" c",), (("f", "g"),), "e", "t").case_id


def test_every_part_of_a_case_changes_its_id():
    fields = {"prompt": "a", "target": " b", "foils": (" c",), "levels": (("f", "g"),), "entity": "e", "template": "t"}
    base = Case(**fields).case_id
    for name, value in fields.items():
        other = value + "x" if isinstance(value, str) else ()
        assert Case(**{**fields, name: other}).case_id != base


def test_corruptions_replace_a_slot_of_the_prompt_only():
    probe = TemplateProbe(
        {"f": "{name} drinks"}, {}, NAMES, target=" {name}", foils=1, corruptions={"x": ("name", "someone")}
    )
    prompts = {(c.entity, dict(c.levels)["corruption"]): (c.prompt, c.target) for c in probe.cases}
    assert prompts["A", "none"] == ("A drinks", " A")
    assert prompts["A", "x"] == ("someone drinks", " A")


def test_braces_of_an_entity_stay_as_they_are():
    probe = TemplateProbe({"f": "say {word}:"}, {}, {"e": {"word": "{mood} {word}"}}, target=" x")
    assert probe.cases[0].prompt == "say {mood} {word}:"


def test_families_can_be_limited_to_levels_and_bring_texts():
    families = {"a": Family("{name} {mood}", {"mood": ["glad"]}, {"target": " 1"}), "b": "{name} {mood}"}
    probe = TemplateProbe(families, {"mood": FACTORS["mood"]}, NAMES, target=" 2")
    assert Counter((c.template, c.target) for c in probe.cases) == {("a", " 1"): 6, ("b", " 2"): 12}


def test_chats_are_rendered_turn_by_turn():
    chat = [("system", "{persona}"), ("user", "Hi, {name}")]
    probe = TemplateProbe({"f": chat}, {"persona": {"none": "", "rude": "Be rude."}}, NAMES, target="Yes", foils=["No"])
    assert probe.cases[0].prompt == (("user", "Hi, A"),)
    assert probe.cases[-1].prompt == (("system", "Be rude."), ("user", "Hi, F"))


def test_a_frame_is_one_row_a_case():
    frame = pd.DataFrame(
        {
            "prompt": list("abcdefgh"),
            "target": [f" {i}" for i in range(8)],
            "who": list("xxyyzzww"),
            "side": list("lrlrlrlr"),
            "form": list("ffggffgg"),
        }
    )
    probe = TemplateProbe.from_frame(frame, ["side"], foils=1, entity="who", template="form")
    assert [c.entity for c in probe.cases] == list("xxyyzzww")
    assert {k: tuple(sorted(v)) for k, v in probe.factors.items()} == {"side": ("l", "r"), "template": ("f", "g")}
    with pytest.raises(InputError, match="columns"):
        TemplateProbe.from_frame(frame, ["nothing"])
    with pytest.raises(InputError, match="two levels"):
        TemplateProbe.from_frame(frame.assign(side="l"), ["side"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"factors": {"mood": {"glad": "likes"}}}, "factor 'mood' must have at least two levels"),
        ({"families": {}}, "families must"),
        ({"families": {"f": "{nobody} is"}}, "{nobody}"),
        ({"entities": {}}, "entities must"),
        ({"target": ""}, "target must be set for the prompt '0: A likes today"),
        ({"target": "  "}, "answers must hold some text"),
        ({"foils": ["{drink} more"]}, "first word for the prompt '0: A likes today to drink' with answer ' t'"),
        ({"foils": ["{drink}"]}, "foil must differ from the right answer for"),
        ({"foils": 6}, "leave 6 foils"),
        ({"crossing": 0}, "crossing must"),
        ({"crossing": "half"}, "crossing must"),
        ({"families": {"f": Family("{name}", {"colour": ["red"]})}}, "name factors among"),
    ],
)
def test_bad_input(options, words):
    base = {"families": FAMILIES, "factors": FACTORS, "entities": NAMES, "target": "{drink}", "foils": 3}
    with pytest.raises(InputError) as error:
        TemplateProbe(**{**base, **options})
    assert words in str(error.value)


def test_words_that_all_answers_share_move_into_the_prompt():
    case = tidy(Case("He is", " the tall man", (" the small man", " the old king")))
    assert (case.prompt, case.target, case.foils) == ("He is the", " tall man", (" small man", " old king"))
    kept = tidy(Case("He is", " the tall man", (" the small man",)), first_words=False)
    assert kept.target == " the tall man"
    assert tidy(Case("x", " a b", (" a c", " d e")), strict=False).foils == (" d e",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"families": {"a": "{my-slot} {name} {mood}"}}, r"write slots as .*'\{my-slot\}'"),
        ({"families": {"a": "{ name } {mood}"}}, "write slots as"),
        ({"families": {"a": "{name} {mood"}}, "write slots as"),
        ({"families": {"a": None}}, "template must be a text, or a list of pairs"),
        ({"families": {"a": [{"role": "user"}]}}, "template must be a text"),
        ({"families": {"a": ["user", "x"]}}, "template must be a text"),
        ({"families": ["{name}"]}, "families must be a mapping"),
        ({"factors": ["mood"]}, "factors must be a mapping"),
        ({"factors": {"mood": {"glad": None, "sad": "sad"}}}, "level 'glad' must be a text"),
        ({"factors": {"mood": {"glad": "{the-mood}", "sad": "sad"}}}, "write slots as"),
        (
            {"factors": {"mood": FACTORS["mood"], "tone": ["calm", "loud"]}},
            "factor 'tone' must change a prompt or an answer",
        ),
        ({"corruptions": ["x"]}, "corruptions must be a mapping"),
        ({"corruptions": {"x": 3}}, "pair of slot and replacement"),
        ({"corruptions": {"x": ("drink", "tea")}}, "factor 'corruption' must change"),
        ({"entities": 5}, "entities must be a mapping"),
        ({"entities": [{"name": None}]}, "slot 'name' must be a text"),
        ({"entities": [{"name": float("nan")}]}, "slot 'name' must be a text"),
        ({"entities": [{"name": "A", "foils": "x"}]}, "foils must be a list"),
        ({"target": 5}, "target must be a text"),
        ({"foils": [1, 2]}, "foils must be a list of texts"),
        ({"foils": -1}, "foils must be a list of texts, or a number of at least 0"),
        ({"also": 5}, "also must be a list"),
        ({"first_words": "maybe"}, "first_words must be True or False"),
    ],
)
def test_more_slips_are_told_by_name(options, words):
    given = {"families": {"a": "{name} {mood}"}, "factors": {"mood": FACTORS["mood"]}, "entities": NAMES}
    with pytest.raises(InputError, match=words):
        TemplateProbe(**{**given, "target": " x", **options})


def test_one_wording_is_a_text_and_braces_that_mean_no_slot_are_text():
    probe = TemplateProbe('Say {name} as {{"a": 1}}', entities=[{"name": "A"}, {"name": "B"}], target=" x")
    assert probe.cases[1].prompt == 'Say B as {{"a": 1}}'
    code = TemplateProbe("def {name}(): return {}", entities=[{"name": "A"}, {"name": "B"}], target=" {", foils=[" ("])
    assert code.cases[0].prompt == "def A(): return {}" and code.cases[0].target == " {"


@pytest.mark.parametrize(
    "text",
    [
        "families: {f: 3}",
        "families: {f: null}",
        "families: {f: x}\ntarget: 5",
        "families: {f: x}\nfactors: [a]",
        "families: {f: x}\ncorruptions: {x: 3}",
        "families: {f: x}\nentities: 5",
        "families: {f: {template: x, only: [a]}}",
        "families: {f: [{role: user}]}",
        "families: {f: x}\nentities: [{n: A}]\ntarget: x\nfirst_words: maybe",
    ],
)
def test_yaml_of_the_wrong_shape_is_told_by_name(text):
    pytest.importorskip("yaml")
    with pytest.raises(InputError):
        TemplateProbe.from_yaml(text)


def test_a_factor_that_does_nothing_is_refused_with_drawn_foils_as_well():
    with pytest.raises(InputError, match="factor 'tone' must change"):
        TemplateProbe("{name}", {"tone": ["calm", "loud"]}, NAMES, target=" {drink}", foils=1)


def test_tables_hold_chats_and_numbers():
    chat = [[("user", "Hi")], [{"role": "user", "content": "Ho"}]]
    probe = TemplateProbe.from_frame(pd.DataFrame({"prompt": chat, "target": [4, " x"], "f": [1, 2]}), "f")
    assert probe.cases[1].prompt == (("user", "Ho"),) and probe.cases[0].target == "4"
    with pytest.raises(InputError, match="two levels"):
        TemplateProbe.from_frame(pd.DataFrame({"prompt": ["a", "b"], "target": "x", "f": [1, "1"]}), "f")
    for wrong in (None, np.nan, 3):
        with pytest.raises(InputError, match="row 0 must be a text"):
            TemplateProbe.from_frame(pd.DataFrame({"prompt": [wrong, "b"], "target": "x"}))


def test_levels_of_a_new_prompt_are_right_or_left_open():
    orders = {"ABBA": {"first": "{a}", "second": "{b}"}, "BABA": {"first": "{b}", "second": "{a}"}}
    people = [
        {"a": a, "b": b} for a, b in [("Ann", "Fay"), ("Bea", "Gus"), ("Cas", "Hal"), ("Dee", "Ida"), ("Eve", "Jon")]
    ]
    text = "{first} and {second} went out, and {b} gave a {thing} to"
    probe = TemplateProbe(text, {"order": orders, "thing": ["drink", "book"]}, people, target=" {a}")
    assert probe.levels_of("Zoe and Kim went out, and Kim gave a drink to") == {"order": "ABBA", "thing": "drink"}
    assert probe.levels_of("Zoe and Kim went out, and Zoe gave a book to") == {"order": "BABA", "thing": "book"}
    assert probe.levels_of("Zoe and Kim went out, and Kim gave a hat to") == {"order": "ABBA"}
    for case in probe.cases:
        assert probe.levels_of(case.prompt) == dict(case.levels)
    with pytest.raises(InputError, match="like one of the probe's"):
        probe.levels_of("Nothing of the kind was ever said by anybody here")


def test_rows_with_one_prompt_are_one_entity_and_repeated_rows_one_case():
    frame = pd.DataFrame({"prompt": ["a", "b"] * 12, "target": " x", "f": ["l", "r"] * 12, "who": ["p", None] * 12})
    probe = TemplateProbe.from_frame(frame, "f")
    assert len(probe) == 2 and {c.entity for c in probe.cases} == {"row 0", "row 1"}
    with pytest.raises(InputError, match="entity 'who' must be named in every row"):
        TemplateProbe.from_frame(frame, "f", entity="who")
    for wrong in (np.nan, None, 3, [1, 2]):
        bad = frame.assign(foils=pd.Series([wrong] * 24, dtype=object))
        with pytest.raises(InputError, match="hold a text or a list of texts in row 0"):
            TemplateProbe.from_frame(bad, "f", foils="foils")


def test_a_list_names_levels_and_only_takes_one_name():
    families = {"a": Family("{name} {mood}", {"mood": "glad"}), "b": "{name} {mood}"}
    probe = TemplateProbe(families, {"mood": ["glad", "gladly"]}, NAMES, target=" x")
    assert probe.factors["mood"] == ("glad", "gladly")
    assert Counter(c.template for c in probe.cases) == {"a": 6, "b": 12}


def test_frames_with_holes_and_single_foils():
    frame = pd.DataFrame(
        {"prompt": list("abcd"), "target": [" 1", " 2"] * 2, "f": list("xxyy"), "no": [" 2", " 1"] * 2}
    )
    assert TemplateProbe.from_frame(frame, "f", foils="no").cases[0].options == (" 1", " 2")
    for bad, words in (
        (frame.iloc[:0], "at least one row"),
        (frame.assign(f=["x", None, "y", "y"]), "a level in every row"),
        (frame.assign(f="x"), "two levels"),
    ):
        with pytest.raises(InputError, match=words):
            TemplateProbe.from_frame(bad, "f")
    with pytest.raises(InputError, match="another name"):
        TemplateProbe.from_frame(frame.rename(columns={"f": "value"}), ["value"])
