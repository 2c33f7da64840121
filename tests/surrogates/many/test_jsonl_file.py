"""Explanations in a JSONL file: streamed, taken up again, refused."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from probes import (
    CallableModel,
    InputError,
    MaskProbe,
    Store,
    StoreError,
)
from surrogates import Explanation, ExplanationSet, explain_many
from surrogates.many.jsonl_file import Failure
from tests.helpers.fitted_models import MODEL, TEXTS, TREE, Counting, X, same, words


def test_results_are_streamed_resumed_and_read_back(tmp_path):
    file, store = tmp_path / "all.jsonl", Store()
    settings = {"background": X, "budget": 400, "store": store, "output": file}
    first = explain_many(MODEL, X.iloc[:3], **settings)
    assert not isinstance(first.entries[0].source, Explanation)
    written = file.read_bytes()
    assert [json.loads(line)["label"] for line in written.splitlines()] == [0, 1, 2]
    file.write_bytes(written[:-40])  # cut off while the last line was written
    again = explain_many(MODEL, X.iloc[:5], **settings)
    assert again.labels == [0, 1, 2, 3, 4]
    lines = [line for line in file.read_bytes().splitlines() if line.endswith(b'"}')]
    assert len(lines) == 5
    same(first[1], again[1])
    back = ExplanationSet.from_jsonl(file)
    assert back.labels == again.labels
    pd.testing.assert_frame_equal(back.frame, again.frame)
    assert explain_many(MODEL, X.iloc[:5], **settings).labels == again.labels
    assert len(file.read_bytes().splitlines()) == 6  # nothing was done again
    other = explain_many(MODEL, X.iloc[:1], **{**settings, "random_state": 1})
    assert not np.array_equal(other[0].answers.design.Z, again[0].answers.design.Z)  # exact: rows of one design
    copy = back[1:3].to_jsonl(tmp_path / "copy.jsonl")
    same(ExplanationSet.from_jsonl(copy)[0], back[1])


def test_a_resumed_run_tells_what_it_spent_itself_and_what_was_spent_before(tmp_path):
    options = {"background": X, "budget": 160, "store": None, "output": tmp_path / "all.jsonl"}
    first = explain_many(TREE, X.iloc[:2], **options)
    assert first.cost_before.rows == 0 and "This run" not in str(first)
    again = explain_many(TREE, X.iloc[[0, 1, 1]], **{**options, "n_jobs": None})
    assert again.cost == again.cost_before == first.cost and first.cost.rows > 200
    assert "This run: 0 inputs asked in 0 calls" in str(again)
    assert f"Before, for the 3 that were finished already: {first.cost.rows:,} inputs" in str(again)
    more = explain_many(TREE, X.iloc[:3], **options)
    fresh = more.cost.rows - more.cost_before.rows
    assert more.cost_before == first.cost and fresh == more[2].answers.cost.rows > 100
    assert f"This run: {fresh:,} inputs" in str(more)
    assert f"This run: {fresh:,} inputs" in more.report(tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    "content",
    [b"id,label\n1,2\n", b'{"key": "me", "value": 3}\n', b"SQLite format 3\0", b"\n", b'{"key": "' + b"z" * 64],
)
def test_a_file_of_something_else_is_not_added_to(content, tmp_path):
    file = tmp_path / "notes.jsonl"
    file.write_bytes(content)
    model = Counting()
    with pytest.raises(InputError, match="output must name a new file or one of explanations"):
        explain_many(CallableModel(model, "w"), TEXTS, budget=40, store=None, output=file)
    assert file.read_bytes() == content and model.asked == []
    for wrong in ("notes.csv", "notes.json", "new.txt", file / "inside.jsonl", 7, "", "a\0.jsonl"):
        with pytest.raises(InputError, match="output must"):
            explain_many(CallableModel(model, "w"), TEXTS, budget=40, store=None, output=wrong)
    assert not (tmp_path / "notes.csv").exists()


def test_a_file_that_was_cut_off_anywhere_is_taken_up(tmp_path):
    file, model = tmp_path / "all.jsonl", CallableModel(words, "w")
    explain_many(model, TEXTS[:1], budget=40, store=None, output=file)
    content = file.read_bytes()
    for length in (1, 20, 74, len(content) - 1):
        file.write_bytes(content[:length])
        assert len(explain_many(model, TEXTS[:1], budget=40, store=None, output=file)) == 1
        assert len(explain_many(model, TEXTS[:1], budget=40, store=None, output=file)) == 1
        assert len(ExplanationSet.from_jsonl(file)) == 1


def test_files_that_are_gone_or_cannot_be_written_are_named(tmp_path):
    file, model = tmp_path / "all.jsonl", CallableModel(words, "w")
    result = explain_many(model, TEXTS[:3], budget=40, store=None, output=file)
    for write in (result.report, result[0].report, result[0].to_json, result.to_jsonl):
        with pytest.raises(InputError, match=r"(path|output) must .*x\.html"):
            write("/proc/none/x.html")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[1:]))
    with pytest.raises(StoreError, match=r"all\.jsonl has changed"):
        result[1]
    file.unlink()
    fresh = ExplanationSet(result.entries)
    for look in (lambda: result[0], lambda: str(fresh), lambda: result.to_jsonl(tmp_path / "b.jsonl")):
        with pytest.raises(StoreError, match=r"all\.jsonl cannot be read.*Run explain_many again"):
            look()


def test_a_full_disk_under_the_explanations_ends_the_run_in_words(tmp_path):
    file, store = tmp_path / "all.jsonl", Store()

    def fills_the_disk(texts):
        if not file.exists():
            file.symlink_to("/dev/full")
        return words(texts)

    with pytest.raises(StoreError, match=r"all\.jsonl: .*No space left"):
        explain_many(CallableModel(fills_the_disk, "w"), TEXTS, budget=40, store=store, output=file)
    assert len(store) > 40


def test_a_file_that_mixes_settings_says_so(tmp_path, caplog):
    file, model = tmp_path / "all.jsonl", CallableModel(words, "w")
    explain_many(model, TEXTS[:2], budget=40, store=None, output=file)
    assert ExplanationSet.from_jsonl(file).labels == [0, 1] and "several ways" not in caplog.text
    explain_many(model, TEXTS[:1], budget=60, store=None, output=file)
    assert ExplanationSet.from_jsonl(file).labels == [0, 1, 0]
    assert "1 items were explained in several ways, such as 0" in caplog.text


def test_one_file_of_two_models_says_so(tmp_path, caplog):
    options = {"background": X, "budget": 160, "store": None, "output": tmp_path}
    explain_many(TREE, X.iloc[:12], **options)
    explain_many(LinearRegression().fit(X, X["bmi"]), X.iloc[12:24], **options)
    both = ExplanationSet.from_jsonl(tmp_path)
    assert len(both.summary()) and "2 models" in caplog.text
    with pytest.raises(InputError, match="one model"):
        both.surrogate("tree")


def test_what_failed_first_and_was_explained_later_is_no_failure(tmp_path):
    result = explain_many(TREE, X.iloc[:2], background=X, budget=300, store=None)
    path = ExplanationSet(result.entries[:1], (Failure(1, result.labels[1], "ModelError: no"),)).to_jsonl(tmp_path)
    explain_many(TREE, X.iloc[:2], background=X, budget=300, store=None, output=tmp_path)
    again = ExplanationSet.from_jsonl(path)
    assert len(again) == 2 and not again.failures
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    again[:1].to_jsonl(link)
    assert link.is_symlink() and len(ExplanationSet.from_jsonl(path)) == 1


def test_a_file_written_again_keeps_failures_and_replaces_itself(tmp_path):
    result = explain_many(TREE, X.iloc[:2], background=X, budget=300, store=None)
    result = ExplanationSet(result.entries, (Failure(2, "third", "ModelError: no"),))
    path = result.to_jsonl(tmp_path / "a.jsonl")
    again = ExplanationSet.from_jsonl(path)
    assert again.failures == result.failures
    again.to_jsonl(path)
    assert [*tmp_path.iterdir()] == [path] and len(ExplanationSet.from_jsonl(path)) == len(result)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="for the superuser every folder can be written to")
def test_an_output_that_cannot_be_written_costs_nothing(tmp_path):
    asked = []
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="output"):
        explain_many(lambda Z: asked.append(1) or Z[:, 0], [MaskProbe(3)], store=None, output=tmp_path / "a.jsonl")
    assert not asked


def test_an_output_that_is_a_folder_in_disguise_costs_nothing(tmp_path):
    asked = []
    (tmp_path / "a.jsonl").symlink_to("/proc/none/a.jsonl")
    with pytest.raises(InputError, match="output"):
        explain_many(lambda Z: asked.append(1) or Z[:, 0], [MaskProbe(3)], store=None, output=tmp_path / "a.jsonl")
    assert not asked


def test_from_jsonl_refuses_what_is_no_file_and_makes_none(tmp_path):
    for wrong in (tmp_path / "none.jsonl", tmp_path / "no" / "folder"):
        with pytest.raises(InputError, match="file of explanations"):
            ExplanationSet.from_jsonl(wrong)
    assert not list(tmp_path.iterdir())


def test_a_file_of_several_runs_gives_all_of_them_with_the_labels_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 4)), columns=list("abcd"))
    model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(X, X["a"] * X["b"])
    path = tmp_path / "all.jsonl"
    options = {"background": X, "budget": 160, "store": None, "output": path}
    explain_many(model, X.iloc[:2], **options)
    explain_many(model, X.iloc[2:4], **options)
    assert ExplanationSet.from_jsonl(path).labels == [0, 1, 2, 3]
    named = X.iloc[[1, 0, 0]].set_axis(["x", "y", "z"])
    assert explain_many(model, named, **options).labels == ["x", "y", "z"]
    assert len(path.read_text().splitlines()) == 4


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "thesis.txt"
    path.write_text("chapter one\n")
    with pytest.raises(InputError, match="be a file of explanations"):
        ExplanationSet.from_jsonl(path)


@pytest.mark.parametrize("broken", [b'"surrogate": {"f"', b'"surrogate": 7, "was": {"f'], ids=["no JSON", "wrong type"])
def test_a_damaged_line_costs_that_line_and_not_the_run(tmp_path, broken):
    file = tmp_path / "all.jsonl"
    settings = {"background": X, "budget": 200, "store": Store(), "output": file, "progress": False}
    rows = len(explain_many(MODEL, X.iloc[:3], **settings).frame)
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"surrogate": {"f', broken, 1)
    file.write_bytes(b"".join(lines))
    again = explain_many(MODEL, X.iloc[:3], **settings)
    assert len(again.frame) == rows and not again.failures
    assert [entry.earlier for entry in again.entries] == [True, False, True]
    assert len(ExplanationSet.from_jsonl(file).frame) == rows


@pytest.mark.parametrize("explained", ['{"a": 1}', "5", "[]", '"text"', "{}", '{"format": 3, "answers": []}'])
def test_a_line_that_is_json_and_no_explanation_costs_that_line(explained, tmp_path, caplog):
    file = tmp_path / "all.jsonl"
    explain_many(CallableModel(words, "w"), TEXTS[:3], budget=40, store=None, output=file)
    first, second, third = file.read_bytes().splitlines(keepends=True)
    head, key = second.split(b', "explanation": ')[0], json.loads(second)["key"]
    file.write_bytes(first + head + f', "explanation": {explained}, "end": "{key}"}}\n'.encode() + third)
    back = ExplanationSet.from_jsonl(file)
    assert back.labels == [0, 2] and len(back.frame) and str(back)
    assert any(f"Line 2 of {file}" in record.getMessage() for record in caplog.records)
    file.write_bytes(head + f', "explanation": {explained}, "end": "{key}"}}\n'.encode())
    with pytest.raises(InputError, match="be a file of explanations"):
        ExplanationSet.from_jsonl(file)
