"""What earlier versions saved still loads, and says the same: predictions, verdicts, words, digests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import golden_asking as asking
import golden_models as m
import golden_reading as reading
import numpy as np
import pandas as pd
import pytest

from probes import InputError, MaskProbe, Store, cube
from surrogates import Card, Explanation, ExplanationSet, explain, explain_many
from surrogates.many.global_surrogate import GlobalSurrogate

EXPECTED = json.loads((m.FOLDER / "expected-files.json").read_text("utf-8"))["files"]
JSON = [name for name in EXPECTED if name.endswith(".json")]
EXPLANATIONS = [name for name in JSON if not name.startswith(tuple(reading.KINDS))]
#: read by other tests, or by the library on behalf of these
OTHER = {"expected-files.json", "expected-questions.json", "classifier", "lm"}


def same(actual: object, expected: object, place: str = "") -> None:
    """Strings, whole numbers and truth values exactly; numbers to a millionth, what is fitted again to a thousandth."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict) and actual.keys() >= expected.keys(), place
        for name, value in expected.items():
            same(actual[name], value, f"{place}/{name}")
    elif isinstance(expected, list):
        assert isinstance(actual, list) and len(actual) == len(expected), place
        if place.startswith("/span") and place.endswith("/surrogate"):  # which of two equal columns joins is rounding
            actual, expected = sorted(actual), sorted(expected)
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            same(one, other, f"{place}/{i}")
    elif isinstance(expected, float):
        again = place.startswith("/span")  # fitted again, on another machine
        assert actual == pytest.approx(expected, rel=1e-3 if again else 1e-6, abs=1e-3 if again else 1e-8), place
    else:
        assert actual == expected and type(actual) is type(expected), place


def kept(actual: object, held: object, place: str = "") -> None:
    """The same for what a file holds itself, where nothing but null stands for what is no number."""
    if isinstance(held, dict):
        for name, value in held.items():
            if isinstance(actual, dict) and name in actual:
                kept(actual[name], value, f"{place}/{name}")
    elif isinstance(held, list):
        assert isinstance(actual, list) and len(actual) == len(held), place
        for i, (one, other) in enumerate(zip(actual, held, strict=True)):
            kept(one, other, f"{place}/{i}")
    elif held is None:
        assert actual in (None, "nan", "inf", "-inf"), place
    elif isinstance(held, float):
        assert float(actual) == pytest.approx(held, rel=1e-6, abs=1e-8), place
    else:
        assert actual == held, place


def test_every_golden_file_is_tested():
    there = {path.name for path in m.FOLDER.iterdir()}
    assert there == EXPECTED.keys() | OTHER
    assert {path.suffix for path in m.FOLDER.glob("*.*")} == {".json", ".jsonl", ".sqlite", ".parquet"}
    networks = {path.name for name in ("classifier", "lm") for path in (m.FOLDER / name).iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= networks


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_says_what_it_said(name):
    same(reading.read(m.FOLDER / name), EXPECTED[name])


@pytest.mark.parametrize("name", JSON)
def test_what_a_file_holds_is_what_is_read(name):
    kind, _, held = reading.kind_of(m.FOLDER / name)
    result, data = held(kind.from_json(m.FOLDER / name)), json.loads((m.FOLDER / name).read_text("utf-8"))
    assert result.keys() <= data.keys()
    kept(result, data)


@pytest.mark.parametrize("name", JSON)
def test_what_is_saved_again_says_the_same(name, tmp_path):
    path = m.FOLDER / name
    kind, facts, held = reading.kind_of(path)
    read = kind.from_json(path)
    again = kind.from_json(read.to_json(tmp_path / "again.json"))
    same(facts(again), EXPECTED[name])
    kept(held(again), json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("name", ["failures.jsonl", "kept.jsonl"])
def test_a_set_that_is_saved_again_says_the_same(name, tmp_path):
    result = ExplanationSet.from_jsonl(shutil.copy(m.FOLDER / name, tmp_path / "first.jsonl"))
    again = ExplanationSet.from_jsonl(result.to_jsonl(tmp_path / "second.jsonl"))
    same(reading.many(again), EXPECTED[name])


@pytest.mark.parametrize("name", ["linear.json", "tree-direct.json"])
def test_a_family_from_a_file_is_fitted_again(name):
    ex = Explanation.from_json(m.FOLDER / name)
    table = ex.indices("shapley")
    assert (table["se"] >= 0).all() and np.isfinite(table["se"]).all()
    np.testing.assert_allclose(table["index"].abs().max(), np.abs(ex.shapley()).max(), rtol=1e-6)
    Z, y = ex.answers.design.sampled, ex.y[ex.answers.design.fixed :, 0]
    assert np.corrcoef(ex.surrogate.fit(Z, y).predict(Z), y)[0, 1] > 0.8


def test_a_family_of_ones_own_is_read_without_its_class():
    ex = Explanation.from_json(m.FOLDER / "own-family.json")
    assert ex.provenance["family"] == "FirstTwo"
    assert ex.indices("shapley")["se"].isna().all()
    with pytest.raises(InputError, match="family"):
        ex.surrogate.fit(ex.answers.design.sampled, ex.y[ex.answers.design.fixed :, 0])


@pytest.mark.parametrize("name", ["several-outputs.json", "shapley.json", "anchor.json", "card.json"])
def test_a_file_becomes_a_page(name, tmp_path):
    kind, _, _ = reading.kind_of(m.FOLDER / name)
    page = kind.from_json(m.FOLDER / name).report(tmp_path / "page.html").read_text("utf-8")
    assert page.lstrip().startswith("<!") and len(page) > 4000


def test_a_set_becomes_a_page(tmp_path):
    result = ExplanationSet.from_jsonl(shutil.copy(m.FOLDER / "kept.jsonl", tmp_path))
    assert len(result.report(tmp_path / "page.html").read_text("utf-8")) > 4000


def test_cards_of_two_versions_stand_side_by_side():
    old, other = (Card.from_json(m.FOLDER / name) for name in ("card-in-text.json", "card-behave.json"))
    assert len(old.compare(other)) == len(old.table) + len(other.table)
    now = asking.behave(m.writer(), "facts", store=None, progress=False)
    table = old.compare(now)
    assert (table["verdict"] == table["other_verdict"]).all()  # exact: words
    assert (table["difference"].dropna().abs() < 1e-6).all()


# --- files that explain_many takes up again


def resumed(path, texts, store=None):
    model = m.Counted(m.sentiment)
    result = explain_many(model, texts, budget=40, output=path, store=store, progress=False)
    return model, result


def asked_for(texts):
    """Rows that a run of its own asks."""
    model = m.Counted(m.sentiment)
    explain_many(model, texts, budget=40, store=None, progress=False)
    return model.rows


LOST = "items of a file by 0.1.0 are done again: their keys hold the version, the families' names and settings"


def test_an_interrupted_file_is_taken_up_where_it_ended(tmp_path):
    path = Path(shutil.copy(m.FOLDER / "interrupted.jsonl", tmp_path))
    before = len(path.read_bytes().splitlines())
    model, result = resumed(path, m.TEXTS)
    assert [entry.earlier for entry in result.entries] == [True] * before + [False] * (len(m.TEXTS) - before), LOST
    assert 0 < model.rows == asked_for(m.TEXTS[before:])
    assert path.read_bytes().startswith((m.FOLDER / "interrupted.jsonl").read_bytes())
    assert len(ExplanationSet.from_jsonl(path)) == len(m.TEXTS)
    again, _ = resumed(path, m.TEXTS)
    assert again.rows == 0


def test_a_line_that_was_cut_off_is_done_again(tmp_path):
    path = Path(shutil.copy(m.FOLDER / "interrupted.jsonl", tmp_path))
    path.write_bytes(path.read_bytes()[:-300])
    count = len(ExplanationSet.from_jsonl(path))
    assert count == len(ExplanationSet.from_jsonl(m.FOLDER / "interrupted.jsonl")) - 1
    model, result = resumed(path, m.TEXTS)
    assert sum(entry.earlier for entry in result.entries) == count, LOST
    assert 0 < model.rows == asked_for(m.TEXTS[count:])


def test_a_whole_file_of_rows_asks_nothing(tmp_path):
    path = shutil.copy(m.FOLDER / "rows.jsonl", tmp_path)
    model = m.Counted(m.cost)
    rows, background = (m.table(n).drop(columns="member") for n in (21, 12))
    result = explain_many(model, rows, background=background, output=path, store=None, progress=False)
    assert all(entry.earlier for entry in result.entries) and len(result) == 21, LOST
    assert model.rows == 0


def test_failures_are_tried_again_and_nothing_else(tmp_path):
    path = shutil.copy(m.FOLDER / "failures.jsonl", tmp_path)
    model = m.Counted(m.explosive)
    result = explain_many(model, m.BAD, output=path, store=None, progress=False)
    assert [entry.earlier for entry in result.entries] == [True, True], LOST
    assert [failure.index for failure in result.failures] == [1, 2]


# --- stores


@pytest.mark.parametrize("name", ["store-2.sqlite", "store-1.sqlite", "store.parquet"])
def test_a_store_answers_every_question_it_answered(name, tmp_path):
    path = tmp_path / "answers.sqlite"
    if name.endswith("parquet"):
        reading.command()(["store", "import", str(m.FOLDER / name), str(path), "--quiet"])
    else:
        shutil.copy(m.FOLDER / name, path)
    store = Store(path)
    before = len(store)
    assert before == EXPECTED[name]["answers"]
    model = m.Counted(m.product)
    ex = explain(model, MaskProbe(6), budget=36, store=store, progress=False)
    assert model.rows == 0 and ex.provenance["cost"]["reused"] == len(np.unique(ex.answers.design.Z, axis=0))
    models = []
    asking.everything(store, lambda function: models.append(m.Counted(function)) or models[-1])
    assert [model.rows for model in models] == [0, 0, 0] and len(store) == before
    named = explain(m.abc(), MaskProbe(5), store=store, progress=False)
    assert named.answers.outputs == ("a", "b", "c")
    store.close()


def test_stores_of_both_schemas_merge_into_one(tmp_path):
    copies = [shutil.copy(m.FOLDER / name, tmp_path) for name in ("store-1.sqlite", "store-2.sqlite")]
    reading.command()(["store", "merge", str(tmp_path / "all.sqlite"), *map(str, copies), "--quiet"])
    result = reading.store(tmp_path / "all.sqlite")
    assert [result[n] for n in ("answers", "keys")] == [EXPECTED["store-2.sqlite"][n] for n in ("answers", "keys")]


@pytest.mark.parametrize(("name", "kind"), [("explanation", Explanation), ("global-surrogate", GlobalSurrogate)])
def test_what_format_3_wrote_is_a_plain_sum_and_predicts_as_it_did(name, kind):
    folder = m.HERE / "3"
    expected = json.loads((folder / "predicted.json").read_text("utf-8"))
    result = kind.from_json(folder / f"{name}.json")
    rows = cube(5) if kind is Explanation else pd.DataFrame(expected["rows"])
    np.testing.assert_allclose(result.predict(rows), expected[name.replace("-", " ")], rtol=1e-9, atol=1e-12)
    assert not result.surrogate.curved
    again = kind.from_json(result.to_json())
    assert again.surrogate.links_ == result.surrogate.links_
