"""The commands for anchors, Shapley values and two models."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from surrogates import Anchor, Difference, PairwiseInteractions, RowDifference, ShapleyValues
from tests.helpers.command import iomap

# --- the commands

MODELS = """
def lengths(texts):
    return [float(len(t)) for t in texts]

def rows(frame):
    return 2.0 * frame["a"] - (frame["b"] == "x")
"""


def test_commands_write_what_the_functions_return():
    Path("mymodels.py").write_text(MODELS)
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": ["x", "y", "x", "y"], "c": [1, 1, 0, 0]})
    frame.to_csv("t.csv", index=False)
    common = ("-m", "mymodels:rows", "--store", "none", "--seed", "3")
    done = iomap("shapley", "tabular", "t.csv", "--row", "3", *common, "--json", "v.json", "-o", "v.html")
    assert done.returncode == 0, done.stderr
    values = ShapleyValues.from_json("v.json")
    assert values.exact and values.table.loc[0, "features"] == "a" and str(values) in done.stdout
    again = iomap("report", "v.json", "-o", "w.html")
    assert again.returncode == 0 and Path("v.html").read_text() == Path("w.html").read_text()
    words = "one two three four five six seven eight nine ten"
    common = ("-m", "mymodels:lengths", "--store", "none", "--precision", "0.8", "--tolerance", "20")
    done = iomap("anchor", "text", words, *common, "--json", "a.json", "-o", "a.html")
    assert done.returncode == 0, done.stderr
    rule = Anchor.from_json("a.json")
    assert rule.asked == pytest.approx(0.8) and "within 20" in rule.holds and str(rule) in done.stdout
    again = iomap("report", "a.json")
    assert again.returncode == 0 and "could not be drawn" not in Path("a.html").read_text()


def test_interactions_are_those_of_the_function():
    Path("mymodels.py").write_text("def both(texts):\n    return [float('not' in t and 'good' in t) for t in texts]\n")
    common = ("-m", "mymodels:both", "--store", "none", "--json", "p.json", "-o", "p.html")
    done = iomap("interactions", "text", "this is not good", "--index", "banzhaf", *common)
    assert done.returncode == 0, done.stderr
    found = PairwiseInteractions.from_json("p.json")
    assert found.index == "banzhaf" and found.exact and str(found) in done.stdout
    assert found.matrix().loc["not", "good"] == pytest.approx(1.0)
    assert iomap("report", "p.json", "-o", "q.html").returncode == 0
    assert Path("p.html").read_text() == Path("q.html").read_text()


def test_two_models_are_compared_over_cases():
    Path("mymodels.py").write_text(MODELS + "\n\ndef twice(texts):\n    return [2.0 * len(t) for t in texts]\n")
    Path("p.yaml").write_text(
        "families: {a: '{who} is {word}', b: 'Is {who} {word}?', c: '{word}: {who}'}\n"
        "factors: {word: {short: {word: odd}, long: {word: extraordinary}}}\n"
        f"entities: {{{', '.join(f'n{i}: {{who: {chr(97 + i) * (i + 1)}}}' for i in range(12))}}}\n"
        "target: 'yes'\n",
        encoding="utf-8",
    )
    common = ("-m", "mymodels:lengths", "--to", "mymodels:twice", "--metric", "output", "--store", "none")
    done = iomap("compare", "cases", "p.yaml", *common, "--json", "d.json", "-o", "d.html")
    assert done.returncode == 0, done.stderr
    assert "Verdict: On average output changed by" in done.stdout and "Change from mymodels:lengths" in done.stdout
    assert iomap("report", "d.json", "-o", "e.html").returncode == 0
    done = iomap("compare", "cases", "nothing", *common)
    assert done.returncode == 2 and "PROBE must be a YAML file, or one of reversal" in done.stderr


def test_where_two_models_differ_among_rows():
    later = "\n\ndef newer(frame):\n    return rows(frame) + 3.0 * (frame['c'] > 6)\n"
    words = "\n\ndef ruder(texts):\n    return [len(t) + 9.0 * ('odd' in t) for t in texts]\n"
    Path("mymodels.py").write_text(MODELS + later + words)
    frame = pd.DataFrame({"a": range(120), "b": ["x", "y", "z"] * 40, "c": [i % 10 for i in range(120)]})
    frame.assign(t=[f"{i} is {'odd' if i % 2 else 'even'}" for i in range(120)]).to_csv("t.csv", index=False)
    common = ("-m", "mymodels:rows", "--to", "mymodels:newer", "--store", "none", "--margin", "1")
    done = iomap("compare", "rows", "t.csv", "--drop", "t", *common, "--json", "d.json", "-o", "d.html")
    assert done.returncode == 0, done.stderr
    made = RowDifference.from_json("d.json")
    assert made.rules["rule"].tolist() == ["c > 6"] and str(made) in done.stdout
    again = iomap("report", "d.json", "-o", "e.html")
    assert again.returncode == 0 and Path("d.html").read_text() == Path("e.html").read_text()
    done = iomap("compare", "rows", "t.csv", "--drop", "t", *common, "--groups", "a")
    assert "Note: Rows belong to 120 groups" in done.stdout and "rows with\n   supported" in done.stdout
    done = iomap("compare", "rows", "t.csv", "--drop", "t", *common, "--groups", "b")
    assert done.returncode == 2 and "groups must be at least 10 different ones" in done.stderr
    common = ("-m", "mymodels:lengths", "--to", "mymodels:ruder", "--store", "none", "--margin", "1")
    assert "contains “odd”" in iomap("compare", "rows", "t.csv", "--text", "t", *common).stdout
    assert "is odd" not in iomap("compare", "rows", "t.csv", "--text", "t", "--by", "a,b", *common).stdout
    done = iomap("compare", "rows", "t.csv", "--text", "none", *common)
    assert done.returncode == 2 and "--text must name columns of the table (a, b, c, t)" in done.stderr


def test_a_row_without_a_text_is_named_and_not_asked_as_the_word_nan():
    Path("t.csv").write_text("t,b\n" + "odd,x\n" * 30 + ",y\n" * 2)
    Path("mymodels.py").write_text(MODELS)
    common = ("-m", "mymodels:lengths", "--to", "mymodels:lengths", "--store", "none")
    done = iomap("compare", "rows", "t.csv", "--text", "t", *common)
    assert done.returncode == 2 and "--text must name a column with a text in every row" in done.stderr
    assert "got 'none in row 30 of t'" in done.stderr


def test_two_models_alone_are_told_that_a_probe_is_missing():
    done = iomap("compare", "mymodels:lengths", "mymodels:longer")
    assert done.returncode == 2 and "Missing option '--probe'" in done.stderr


def test_two_models_are_compared():
    Path("mymodels.py").write_text(MODELS + "\n\ndef newer(frame):\n    return rows(frame) + 0.5 * frame['c']\n")
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": ["x", "y", "x", "y"], "c": [1, 1, 0, 0]})
    frame.to_csv("t.csv", index=False)
    common = ("-m", "mymodels:rows", "--to", "mymodels:newer", "--store", "none")
    done = iomap("compare", "tabular", "t.csv", "--row", "1", *common, "--json", "d.json", "-o", "d.html")
    assert done.returncode == 0, done.stderr
    made = Difference.from_json("d.json")
    assert made.names == ("mymodels:rows", "mymodels:newer") and str(made) in done.stdout
    assert made.attributions.loc[0, "feature"] == "c" and made.attributions.loc[0, "change"] == pytest.approx(0.25)
    again = iomap("report", "d.json", "-o", "e.html")
    assert again.returncode == 0 and Path("d.html").read_text() == Path("e.html").read_text()
    done = iomap("compare", "text", "a b c d", "-m", "mymodels:lengths", "--to", "mymodels:none")
    assert done.returncode == 2 and "--to must" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["anchor", "text", "a b c d", "-m", "mymodels:lengths", "--precision", "2"], "precision must"),
        (["anchor", "text", "a b c d e f g h", "-m", "mymodels:lengths", "--budget", "9"], "budget must"),
        (["shapley", "text", "a b c d e f g h", "-m", "mymodels:lengths", "-o", "no/such.html"], "output must"),
        (["shapley", "text", "a b c d", "-m", "mymodels:none"], "--model must"),
        (["interactions", "text", "a b c d", "-m", "mymodels:lengths", "--index", "sii"], "index must be one of k-sii"),
        (["anchor", "text", "a b c d", "-m", "mymodels:lengths", "--family", "tree"], "No such option"),
    ],
)
def test_errors_are_one_line(arguments, words):
    Path("mymodels.py").write_text(MODELS)
    done = iomap(*arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
