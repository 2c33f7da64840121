"""One JSON: its head, formats, upgrades; damage of every kind is one error that names the place."""

from __future__ import annotations

import copy
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes import CallableModel, InputError, MaskProbe
from surrogates import (
    Anchor,
    Card,
    Difference,
    Explanation,
    ExplanationSet,
    ShapleyValues,
    anchor,
    compare,
    explain,
    shapley_values,
)
from surrogates.local.finding import Finding
from surrogates.many.explanation_set import Failure
from surrogates.results.document import FORMAT
from surrogates.results.files import written
from surrogates.results.plain import Damaged, plain, read

pytestmark = pytest.mark.xdist_group("document")  # what the module makes once is made in one process

GOLDEN = Path(__file__).parents[2] / "golden" / "1"
MODEL = CallableModel(lambda Z: np.column_stack([Z[:, 0] + Z[:, 1] * Z[:, 2], -Z[:, 3]]), "model")


@pytest.fixture(scope="module")
def saved():
    made = [
        explain(MODEL, MaskProbe(4), "auto", target="all", store=None),
        anchor(MODEL, MaskProbe(4), target=0, store=None),
        shapley_values(MODEL, MaskProbe(4), store=None),
        compare(MODEL, CallableModel(lambda Z: 2 * MODEL(Z), "other"), MaskProbe(4), target=0, store=None),
        Card.from_json(GOLDEN / "card.json"),
    ]
    return [(type(result), json.loads(result.to_json())) for result in made]


def test_the_head_is_the_same_for_all(saved):
    for kind, data in saved:
        assert [*data][:3] == ["iomap", "format", "kind"]
        assert (data["format"], data["kind"]) == (FORMAT, kind.kind) and FORMAT == 4


def test_a_newer_format_and_another_kind_are_refused(saved):
    for kind, data in saved:
        with pytest.raises(InputError, match="written by a newer version: format 5, this version reads 1 to 4"):
            kind.from_json(json.dumps({**data, "format": 5}))
        for wrong in (0, -1, True, "3", 3.0, None, []):
            with pytest.raises(InputError, match="of a format from 1 to 4"):
                kind.from_json(json.dumps({**data, "format": wrong}))
        other = Anchor if kind is not Anchor else ShapleyValues
        with pytest.raises(InputError, match=rf"source must be {other.named} by to_json; got '{kind.kind}'"):
            other.from_json(json.dumps(data))


def test_what_format_2_said_of_a_finding_is_the_sentence(saved):
    data = next(data for kind, data in saved if kind is Explanation)
    finding = {"name": "fresh", "passed": True, "told": "They agree.", "numbers": {"r2": 0.9}, "cost": {"rows": 7}}
    read = Explanation.from_json(json.dumps({**data, "format": 2, "checks": [finding]}))
    assert read.checks == (Finding("fresh", True, "They agree.", {"r2": 0.9}, {"rows": 7}),)
    assert json.loads(read.to_json())["checks"][0]["sentence"] == "They agree."


def places(data: Any, path: tuple[Any, ...] = ()):
    """Every place in a document, of lists the first."""
    yield path
    if isinstance(data, dict):
        for name, value in data.items():
            yield from places(value, (*path, name))
    elif isinstance(data, list):
        for i, value in enumerate(data[:1]):
            yield from places(value, (*path, i))


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Copy a document with another value at a place, or without it."""
    here, *rest = path
    data = copy.copy(data)
    if value is KeyError and not rest:
        del data[here]
    else:
        data[here] = changed(data[here], tuple(rest), value) if rest else value
    return data


def deep(levels: int = 200) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


DAMAGE = [KeyError, None, "text", -7, 10**400, True, [], {}, [[1], [1, 2]], {"x": [None]}, deep()]


@pytest.mark.parametrize("value", DAMAGE, ids=lambda value: str(value)[:12])
def test_damage_anywhere_is_an_input_error_or_harmless(saved, value):
    refused = 0
    for kind, data in saved:
        for path in places(data):
            if not path or (kind is Difference and len(path) > 1):  # below lie explanations, tried by themselves
                continue
            try:
                text = json.dumps(changed(data, path, value))
                result = kind.from_json(text)
            except InputError as error:
                refused += 1
                assert str(error).startswith("source must")
                continue
            str(result)
            result.to_json()
    assert refused > 100


BROKEN = ["{" * 100_000, "[" * 100_000, '{"a": ' * 100_000, "{]", "{", "null", "\0", "x" * 5000, '{"format": NaN}']


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: repr(text[:6]))
def test_text_that_is_no_document_is_refused(text):
    for kind in (Explanation, Anchor, ShapleyValues, Card):
        with pytest.raises(InputError, match=r"^source must"):
            kind.from_json(text)
    with pytest.raises(InputError, match="as JSON text, or a path"):
        Card.from_json(7)


def test_a_target_function_of_format_1_is_marked(tmp_path):
    read_again = Explanation.from_json(GOLDEN / "function-as-target.json")
    assert not read_again.raw_answers_kept
    assert "Raw answers not kept" in str(read_again)
    assert "Raw answers not kept" in read_again.report(tmp_path / "page.html").read_text("utf-8")
    once_more = Explanation.from_json(read_again.to_json())
    assert not once_more.raw_answers_kept and once_more.to_json() == read_again.to_json()
    assert Explanation.from_json(GOLDEN / "linear.json").raw_answers_kept


def test_a_target_function_keeps_raw_answers_and_numbers():
    made = explain(MODEL, MaskProbe(5), target=lambda raw: raw.sum(axis=1), store=None)
    again = Explanation.from_json(made.to_json())
    assert again.raw_answers_kept and again.answers.outputs == made.answers.outputs
    np.testing.assert_allclose(again.y, made.y)
    np.testing.assert_allclose(again.answers.y, made.answers.y)
    with pytest.raises(Exception, match="not kept in files"):
        again.target(again.answers.y)


def test_lines_of_both_formats_stand_in_one_file(tmp_path):
    old = ExplanationSet.from_jsonl(GOLDEN / "rows.jsonl")
    file = tmp_path / "mixed.jsonl"
    old[:1].to_jsonl(file)
    new = ExplanationSet.from_jsonl(GOLDEN / "rows.jsonl")
    lines = file.read_bytes()
    fresh = [explain(MODEL, MaskProbe(4), store=None)]
    entry = type(new.entries[0])("f" * 64, 99, 99, None, fresh[0])
    zeros = b"0" * 64
    damaged = b'{"key": "' + zeros + b'", "index": [], "end": "' + zeros + b'"}\n'
    file.write_bytes(lines + entry.line() + damaged)
    mixed = ExplanationSet.from_jsonl(file)
    assert len(mixed) == 2 and [json.loads(e.line())["explanation"].get("format", 1) for e in mixed.entries] == [1, 4]
    assert str(mixed[0]) == str(old[0]) and str(mixed[1]) == str(fresh[0])
    assert mixed.failures == () and Failure(0, "a", "b") != Failure(1, "a", "b")


def test_reading_is_the_inverse_of_writing():
    data = {"a": (1.5, np.nan), "b": {"c": np.array([[1, 2]])}, "d": np.float64(2)}
    assert plain(data) == {"a": [1.5, None], "b": {"c": [[1, 2]]}, "d": 2.0}  # exact: written as it is
    assert read(tuple[int, str], [1, "x"]) == (1, "x")
    assert np.isnan(read(np.ndarray, [[1.0, None]])[0, 1])
    for kind, value in ((int, 1.5), (int, True), (float, "1"), (str, 1), (tuple[int, str], [1]), (np.ndarray, ["1"])):
        with pytest.raises(Damaged, match="place must"):
            read(kind, value, "place")


def test_a_failed_write_leaves_the_older_file(tmp_path, monkeypatch):
    file = written(tmp_path / "a.json", "old")
    file.chmod(0o640)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fails)
        with pytest.raises(InputError, match="No space left on device"):
            written(file, "new")
    assert file.read_text() == "old" and [*tmp_path.iterdir()] == [file]
    written(file, "new")
    assert file.read_text() == "new" and stat.S_IMODE(file.stat().st_mode) == 0o640
    link = tmp_path / "link.json"
    link.symlink_to(file)
    written(link, "by the link")
    assert link.is_symlink() and file.read_text() == "by the link"


def test_what_would_fail_when_used_is_refused_when_loaded(saved):
    data = next(data for kind, data in saved if kind is Explanation)
    for place, value in [(("answers", "population"), -1), (("provenance", "random_state"), -5)]:
        with pytest.raises(InputError, match=f"{'.'.join(place)} must be a"):
            Explanation.from_json(json.dumps(changed(data, place, value)))


def test_the_room_that_a_list_takes_does_not_grow_with_its_longest_text(saved):
    data = next(data for kind, data in saved if kind is Explanation)
    wide = ["x" * 1_000_000, *["a"] * 100_000]  # as one array of texts: 400 GB
    with pytest.raises(InputError, match=r"y must be a number; got 'x"):
        Explanation.from_json(json.dumps(changed(data, ("y",), wide)))


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path):
    file = tmp_path / "large.json"
    with file.open("wb") as out:
        out.truncate(2**40)
    with pytest.raises(InputError, match="be an explanation by to_json"):
        Explanation.from_json(file)


def test_settings_answers_and_sizes_beyond_use_are_refused_or_shown(saved):
    data = next(data for kind, data in saved if kind is Explanation)
    for value in (10**400, 2**63, -(2**40)):
        with pytest.raises(InputError, match=r"surrogate\.settings must hold integers up to"):
            Explanation.from_json(json.dumps(changed(data, ("surrogate", "settings", "random_state"), value)))
    for value in (7.0, 1e308, 0.5):
        with pytest.raises(InputError, match=r"answers\.Z must hold 0 or 1"):
            Explanation.from_json(json.dumps(changed(data, ("answers", "Z", 0, 0), value)))
    huge = Explanation.from_json(json.dumps(changed(data, ("attributions", "attribution", 0), 1e308)))
    assert "10³⁰⁸" in str(huge)
