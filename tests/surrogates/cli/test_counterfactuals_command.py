"""``iomap counterfactuals``: options become the search's arguments."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from probes.errors import InputError
from surrogates import Counterfactuals
from surrogates.cli import main
from surrogates.cli.app import app

MODEL = """
import numpy as np
def loan(rows):
    granted = (rows["income"] - rows["debt"] > 30).to_numpy(float)
    return np.column_stack([1 - granted, granted])
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command in a folder with a table and a model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lending.py").write_text(MODEL)
    pd.DataFrame({"income": range(10, 90), "debt": [5, 20] * 40}).to_csv("people.csv", index=False)
    assert main.COMMANDS
    given = ["counterfactuals", "people.csv", "--model", "lending:loan", "--store", "none", "--quiet"]
    return lambda *options: CliRunner().invoke(app, [*given, *options])


def test_bounds_and_immutable_columns_are_those_of_the_search(run, tmp_path):
    options = ("--row", "5", "--immutable", "debt", "--bound", "income=60:", "--json", "found.json", "-o", "found.html")
    done = run(*options)
    assert done.exit_code == 0, done.output
    found = Counterfactuals.from_json(tmp_path / "found.json")
    assert found.changes[["column", "after"]].to_numpy().tolist() == [["income", "60"]]
    assert (tmp_path / "found.html").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--row", "900"), "--row"),
        (("--row", "1", "--bound", "x"), "--bound"),
        (("--row", "1", "--bound", "income=60,70"), "LOW:HIGH for a column of numbers"),
        (("--row", "1", "-o", "."), "a file, not a folder"),
    ],
)
def test_wrong_options_are_named(run, options, words):
    error = run(*options).exception
    assert isinstance(error, InputError) and words in str(error)


def test_a_value_of_a_column_of_booleans_is_named_as_it_is_written(run, tmp_path):
    pd.DataFrame({"income": range(10, 90), "debt": 5, "member": [True, False] * 40}).to_csv("people.csv", index=False)
    done = run("--row", "1", "--bound", "member=True", "--json", "found.json")
    assert done.exit_code == 0, done.exception
    assert len(Counterfactuals.from_json(tmp_path / "found.json").rows) == 1


def test_a_function_that_has_no_name_is_not_called_by_a_number(run, tmp_path):
    run("--row", "5", "--json", "found.json")
    text = str(Counterfactuals.from_json(tmp_path / "found.json"))
    assert "Counterfactuals of a function without a name" in text and "callable:" not in text
