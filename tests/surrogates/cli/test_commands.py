"""The iomap command: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_iris

from tests.helpers.command import iomap, iomap_process

MODELS = """
def lengths(texts):
    return [len(t) for t in texts]

def broken(texts):
    return [float("nan") for _ in texts]
"""
FOREST = """
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

X, y = load_iris(return_X_y=True, as_frame=True)
forest = RandomForestClassifier(10, random_state=0).fit(X, y)
"""


@pytest.fixture(autouse=True)
def _models():
    Path("mymodels.py").write_text(MODELS)
    Path("myforest.py").write_text(FOREST)


def test_text_to_report_and_json_and_back():
    done = iomap(
        "explain", "text", "some words to explain", "-m", "mymodels:lengths", "-o", "a.html", "--json", "a.json"
    )
    assert done.returncode == 0, done.stderr
    assert "Verdict: Trust" in done.stdout
    assert json.loads(Path("a.json").read_text())["format"] == 4
    again = iomap("report", "a.json", "-o", "b.html")
    assert again.returncode == 0, again.stderr
    assert Path("a.html").read_text() == Path("b.html").read_text()


def test_text_from_a_file():
    Path("long.txt").write_text("First sentence here. Second one there. Third.")
    done = iomap("explain", "text", "@long.txt", "-m", "mymodels:lengths", "--unit", "sentence", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "Second one there." in done.stdout


def test_tabular():
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True, as_frame=True)
    pd.concat([X, y], axis=1).to_csv("iris.csv", index=False)
    base = ("explain", "tabular", "iris.csv", "-m", "myforest:forest")
    done = iomap(*base, "--row", "3", "--drop", "target", "--family", "tree", "--budget", "160")
    assert done.returncode == 0, done.stderr
    assert "petal" in done.stdout
    for wrong, words in ((("--row", "999"), "--row must"), (("--row", "1", "--drop", "no"), "--drop must")):
        bad = iomap(*base, *wrong)
        assert bad.returncode == 2
        assert words in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["explain", "text", "", "-m", "mymodels:lengths"], 2, "text must"),
        (["explain", "text", "a b c d", "-m", "mymodels:nothing"], 2, "--model must"),
        (["explain", "text", "a b c d", "-m", "nomodule:x"], 2, "--model must"),
        (["explain", "text", "a b c d", "-m", "mymodels:lengths", "--family", "x"], 2, "family must"),
        (["explain", "text", "a b c d", "-m", "mymodels:broken"], 1, "finite"),
        (["explain", "text", "a b", "-m", "mymodels:lengths", "--store", "mymodels.py"], 1, "store"),
        (["explain", "context", "none.txt", "--question", "q", "-m", "x"], 2, "file must"),
        (["report", "mymodels.py"], 2, "source must"),
        (["report", "none.json"], 2, "source must"),
        (["explain", "text"], 2, "Missing"),
    ],
)
def test_errors_are_one_line_with_an_exit_code(arguments, code, words):
    done = iomap(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_in_a_process_of_its_own_is_one_line_with_an_exit_code():
    done = iomap_process("explain", "text", "", "-m", "mymodels:lengths")
    assert done.returncode == 2
    assert done.stderr.startswith("iomap: text must") and done.stderr.count("\n") == 1


def test_help_has_examples():
    done = iomap("--help")
    assert done.returncode == 0
    assert "iomap explain context report.txt" in done.stdout
    assert iomap("--version").stdout.startswith("iomap ")


def test_help_lists_commands_in_the_order_of_use_and_cuts_none_of_their_lines():
    listed = iomap("--help").stdout.partition("Commands:\n")[2]
    names = [line.split()[0] for line in listed.splitlines()]
    assert names[:3] == ["explain", "explain-many", "compare"] and names[-1] == "store" and len(names) == 11
    groups = [iomap(name, "--help").stdout.partition("Commands:\n")[2] for name in ("explain", "compare", "store")]
    assert all(groups) and "..." not in "".join([listed, *groups])


def test_estimate_asks_next_to_nothing():
    done = iomap("explain", "text", "some words to explain here and there", "-m", "mymodels:lengths", "--estimate")
    assert done.returncode == 0, done.stderr
    assert "questions to ask in" in done.stdout and "known already" in done.stdout


def test_gpu_hours_need_an_estimate_and_a_model_that_reads_tokens():
    common = ("explain", "text", "some words to explain", "-m", "mymodels:lengths", "--gpu-throughput", "2000")
    assert "--gpu-throughput must come with --estimate" in iomap(*common).stderr
    done = iomap(*common, "--estimate")
    assert done.returncode == 2 and "must hold tokens" in done.stderr


def test_rules_to_stop_and_checks():
    words = "one two three four five six seven eight nine ten eleven twelve"
    common = ("explain", "text", words, "-m", "mymodels:lengths", "--store", "none")
    done = iomap(*common, "--until", "width=5", "--check", "fresh,permuted")
    assert done.returncode == 0, done.stderr
    assert "Check fresh (passed)" in done.stdout and "Check permuted (passed)" in done.stdout
    assert "iomap: --until must be width=NUMBER" in iomap(*common, "--until", "soon").stderr
    assert "half_width must be a positive number" in iomap(*common, "--until", "width=-1").stderr
    wrong = iomap(*common, "--check", "everything")
    assert wrong.returncode == 2 and "--check must name some of fresh" in wrong.stderr
    assert "design must be one of uniform" in iomap(*common, "--design", "even").stderr


def test_many_rows_to_lines_and_a_report_and_taken_up_again():
    from surrogates import ExplanationSet

    load_iris(as_frame=True).data.iloc[::30].to_csv("t.csv", index=False)
    call = ("explain-many", "t.csv", "--rows", "1:4", "-m", "myforest:forest", "--json", "all.jsonl", "-o", "all.html")
    call += ("--store", "none", "--family", "linear")
    done = iomap(*call)
    assert done.returncode == 0, done.stderr
    assert "3 explanations" in done.stdout and "wrote all.html" in done.stdout
    assert ExplanationSet.from_jsonl("all.jsonl").labels == [1, 2, 3]
    before = Path("all.jsonl").read_bytes()
    assert iomap(*call, "-q").returncode == 0
    assert Path("all.jsonl").read_bytes() == before
    assert iomap("report", "all.jsonl", "-o", "again.html").stdout == "wrote again.html\n"
    assert "3 of 3 inputs" in Path("again.html").read_text()


def test_many_texts_one_a_line_and_options_for_one_are_refused():
    Path("t.txt").write_text("it was good\n\nit was not bad\n")
    done = iomap("explain-many", "t.txt", "-m", "mymodels:lengths", "--store", "none")
    assert "2 explanations" in done.stdout, done.stderr
    paged = iomap("explain-many", "t.txt", "-m", "mymodels:lengths", "--store", "none", "-q", "-o", "pages")
    assert paged.returncode == 0, paged.stderr
    assert sorted(path.name for path in Path("pages").iterdir()) == ["index.html", "item-1.html", "item-2.html"]
    for wrong in (
        *(("--rows", "3"), ("--until", "order=2"), ("--json", "x.json"), ("--drop", "a")),
        *(("--gpu-throughput", "2000"), ("--parameters", "7e9")),
    ):
        refused = iomap("explain-many", "t.txt", "-m", "mymodels:lengths", "--store", "none", *wrong)
        assert refused.returncode == 2 and refused.stderr.startswith("iomap: ")


def test_the_penalty_of_auto_can_be_set():
    text = ("explain", "text", "some words to explain", "-m", "mymodels:lengths", "--family", "auto")
    done = iomap(*text, "--penalty", "0.05", "--json", "a.json", "-q")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(Path("a.json").read_text())["comparison"]["family"]) == 3
    wrong = iomap(*text[:-2], "--penalty", "0.05")
    assert wrong.returncode == 2 and "--penalty must come with --family auto" in wrong.stderr


def test_a_card_of_a_model_that_is_not_there_is_told_by_its_argument():
    wrong = iomap("behave", "none.gguf")
    assert wrong.returncode == 2 and "MODEL must be a file that exists" in wrong.stderr
    assert "context-prior" in "".join(iomap("behave", "--help").stdout.split())  # lines may end within a name
