"""Cases in YAML."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from probes import Family, InputError, MissingExtra, TemplateProbe

NAMES = {name: {"name": name, "drink": drink} for name, drink in zip("ABCDEF", "tuvwxy", strict=True)}


FACTORS = {
    "mood": {"glad": "likes", "sad": {"mood": "hates, says {name},"}},
    "time": {"now": {"when": "today"}, "then": {"when": "once"}},
}


FAMILIES = {f"f{i}": f"{i}: {{name}} {{mood}} {{when}} to drink " for i in range(4)}


def test_yaml_and_python_make_the_same_cases():
    pytest.importorskip("yaml")
    text = """
families:
  f0: "0: {name} {mood} {when} to drink "
factors:
  mood: {glad: likes, sad: {mood: "hates, says {name},"}}
  time: {now: {when: today}, then: {when: once}}
entities: {A: {name: A, drink: t}, B: {name: B, drink: u}}
target: "{drink}"
foils: 1
"""
    people = {k: NAMES[k] for k in "AB"}
    same = TemplateProbe({"f0": FAMILIES["f0"]}, FACTORS, people, target="{drink}", foils=1)
    assert TemplateProbe.from_yaml(text).digest == same.digest
    path = Path("probe.yaml")
    path.write_text(text)
    assert TemplateProbe.from_yaml(path).digest == same.digest


def test_one_template_needs_no_name():
    pytest.importorskip("yaml")
    text = 'families: "{name} is "\nentities: {A: {name: A, drink: t}, B: {name: B, drink: u}}\ntarget: "{drink}"'
    same = TemplateProbe("{name} is ", None, {k: NAMES[k] for k in "AB"}, target="{drink}")
    assert TemplateProbe.from_yaml(text).digest == same.digest


def test_yaml_without_the_extra_says_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtra, match=r"pip install 'iomap\[yaml\]'"):
        TemplateProbe.from_yaml("families: {}")


@pytest.mark.parametrize("text", ["- a", "families: [", "families: {f: x}\nfactor: {}", "entities: {}"])
def test_bad_yaml(text):
    pytest.importorskip("yaml")
    with pytest.raises(InputError, match="source must"):
        TemplateProbe.from_yaml(text)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"factors": {"value": {"a": "x", "b": "y"}}}, "have another name"),
        ({"factors": {"entity": ["x", "y"]}}, "have another name"),
        ({"factors": {"mood": "glad"}}, "mapping of levels"),
        ({"entities": ["A", "B"]}, "mapping of slots"),
        ({"entities": [{"name": "A"}, {"name": "A"}]}, "different names"),
        ({"foils": " y"}, "foils must be a list of texts, or a number"),
        ({"also": " y"}, "also must be a list of texts; got"),
        ({"corruptions": {"x": "name"}}, "pair of slot and replacement"),
        ({"corruptions": {"x": ("nome", "B")}}, "name a slot among"),
        ({"families": {"a": Family("{name}", {"mood": ("sad", "wild")})}}, r"levels of mood \(glad, sad\)"),
    ],
)
def test_slips_are_told_apart(options, words):
    given = {"families": {"a": "{name}"}, "factors": {"mood": FACTORS["mood"]}, "entities": NAMES, "target": " x"}
    given.update(options)
    with pytest.raises(InputError, match=words):
        TemplateProbe(**given)


def test_chats_in_yaml_may_name_role_and_content():
    pytest.importorskip("yaml")
    rest = "\nentities: [{n: A}, {n: B}]\ntarget: x\nfoils: null"
    maps = TemplateProbe.from_yaml('families: {f: [{role: user, content: "{n}?"}]}' + rest)
    pairs = TemplateProbe.from_yaml('families: {f: [[user, "{n}?"]]}' + rest)
    assert maps.digest == pairs.digest and maps.cases[0].prompt == (("user", "A?"),)


def test_yaml_words_stay_words_and_files_are_read():
    pytest.importorskip("yaml")
    text = (
        'families: {a: "{n} {negated}"}\nfactors: {negated: {yes: "not", no: ""}}\n'
        'entities: [{n: on}, {n: off}]\ntarget: " x"\nfirst_words: false\n'
    )
    probe = TemplateProbe.from_yaml(text)
    assert probe.factors["negated"] == ("yes", "no")
    assert {c.entity for c in probe.cases} == {"on", "off"}
    Path("p.yaml").write_text(text)
    assert TemplateProbe.from_yaml("p.yaml").digest == TemplateProbe.from_yaml(Path("p.yaml")).digest == probe.digest
    import yaml

    assert yaml.safe_load("yes") is True  # everybody else's parser is as it was
    for wrong in ("missing.yaml", 'families: ["x"]', "families: {a: {templat: x}}"):
        with pytest.raises(InputError):
            TemplateProbe.from_yaml(wrong)


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "families: {f: 'Hello {name}'}\n" + "\n".join(lines)


HOSTILE = {
    "alias bomb": bomb(30),
    "alias of itself": "&a [*a]",
    "alias of itself inside": "families: {f: 'Hello {name}'}\nfactors: {mood: &a [*a, sad]}",
    "deep": "[" * 5000,
    "deep and closed": "families: " + "{a: " * 300 + "x" + "}" * 300,
    "no date": "families: {a: 2023-99-99}",
    "many digits": "families: {a: " + "9" * 5000 + "}",
    "no truth value": "families: {a: !!bool x}",
    "no integer": "families: {a: !!int ''}",
    "no time": "families: {a: !!timestamp x}",
    "code": "families: !!python/object/apply:os.getcwd []",
    "long": "x" * 5_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_refused_before_anything_is_made_of_it(text):
    pytest.importorskip("yaml")
    with pytest.raises(InputError, match=r"source must be YAML \(|source must be YAML of at most"):
        TemplateProbe.from_yaml(text)


def test_aliases_within_the_limits_are_taken():
    yaml_file = pytest.importorskip("probes.cases.yaml_file")
    pytest.importorskip("yaml")
    assert yaml_file.read_yaml("a: &a [yes, no]\nb: *a\nc: {<<: &m {d: 1}}") == {
        "a": ["yes", "no"],
        "b": ["yes", "no"],
        "c": {"d": 1},
    }
