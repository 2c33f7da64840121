"""``iomap counterfactuals``: options become the search's arguments."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from probes.errors import InputError
from surrogates import Counterfactuals, ExplanationSet
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


@pytest.mark.parametrize("written", ["csv", "parquet"])
@pytest.mark.parametrize(
    "bound", ["2024-03-01:2024-03-31", "2024-03-01:2024-03-31 12:00", ":2024-02-10", "2024-05-01:"]
)
def test_a_range_of_dates_bounds_a_column_of_dates(run, tmp_path, written, bound):
    days = pd.date_range("2024-01-01", periods=80, freq="2D")
    table = pd.DataFrame(
        {"income": 10, "debt": 5, "joined": days if written == "parquet" else days.strftime("%Y-%m-%d")}
    )
    table.to_parquet("dated.parquet") if written == "parquet" else table.to_csv("dated.csv", index=False)
    Path("joining.py").write_text(
        "import pandas as pd\n\ndef late(rows):\n"
        "    late = pd.to_datetime(rows['joined']) >= pd.Timestamp('2024-02-15')\n"
        "    return pd.DataFrame({'no': 1.0 - late, 'yes': 1.0 * late})\n"
    )
    given = ["counterfactuals", f"dated.{written}", "--model", "joining:late", "--store", "none", "--quiet"]
    row = "70" if bound.startswith(":") else "3"
    done = CliRunner().invoke(app, [*given, "--row", row, "--bound", f"joined={bound}", "--json", "found.json"])
    assert done.exit_code == 0, done.exception
    (day,) = Counterfactuals.from_json(tmp_path / "found.json").rows["joined"].astype(str).str[:10]
    low, _, high = bound.partition(":")
    assert low <= day and (not high or day <= high[:10])


@pytest.mark.parametrize("bound", ["2024-03-01T12:00:2024-03-02T12:00", "2024-03-01 12:00:2024-03-02 12:00"])
@pytest.mark.parametrize("between", ["T", " "])
def test_bounds_of_times_may_be_written_as_the_column_is_not(run, tmp_path, between, bound):
    times = pd.date_range("2024-02-28", periods=60, freq="3h").strftime(f"%Y-%m-%d{between}%H:%M")
    pd.DataFrame({"income": range(60), "joined": times}).to_csv("timed.csv", index=False)
    Path("timing.py").write_text(
        "import pandas as pd\n\ndef late(rows):\n"
        "    late = pd.to_datetime(rows['joined']) >= pd.Timestamp('2024-03-01')\n"
        "    return pd.DataFrame({'no': 1.0 - late, 'yes': 1.0 * late})\n"
    )
    given = ["counterfactuals", "timed.csv", "--model", "timing:late", "--store", "none", "--quiet", "--row", "3"]
    done = CliRunner().invoke(app, [*given, "--bound", f"joined={bound}", "--json", "found.json"])
    assert done.exit_code == 0, done.exception
    (found,) = Counterfactuals.from_json(tmp_path / "found.json").rows["joined"]
    assert "2024-03-01 12:00" <= str(pd.Timestamp(found))[:16] <= "2024-03-02 12:00"


@pytest.mark.parametrize("bound", ["2024-06-01:2024-05-01", "2030-01-01:"])
def test_a_range_of_dates_that_no_row_is_in_is_refused(run, bound):
    pd.DataFrame({"income": [1, 2], "joined": ["2024-05-01", "2024-06-01"]}).to_csv("dated.csv", index=False)
    given = ["counterfactuals", "dated.csv", "--model", "lending:loan", "--store", "none", "--row", "0"]
    error = CliRunner().invoke(app, [*given, "--bound", f"joined={bound}"]).exception
    assert isinstance(error, InputError) and f"from 2024-05-01 to 2024-06-01; got 'joined={bound}'" in str(error)


def test_json_goes_to_standard_output_alone(run, tmp_path):
    done = run("--row", "5", "--json", "-", "-o", "found.html")
    assert Counterfactuals.from_json(done.stdout).rows["income"].tolist() and done.stderr == "wrote found.html\n"
    assert not (tmp_path / "-").exists() and (tmp_path / "found.html").exists()
    error = run("--row", "5", "-o", "-").exception
    assert isinstance(error, InputError) and "--json - alone" in str(error)


def test_columns_of_one_name_are_refused_not_renamed(run):
    for header, words in (("income,debt,debt", "'debt'"), ("income,debt,debt,income", "'debt', 'income'")):
        Path("people.csv").write_text(f"{header}\n" + "10,5,3,1\n" * 20)
        error = run("--row", "5").exception
        assert isinstance(error, InputError) and f"columns of different names; got [{words}]" in str(error)


def test_a_table_between_tabs_is_one(run, tmp_path):
    Path("people.csv").rename("people.tsv")
    pd.read_csv("people.tsv").to_csv("people.tsv", sep="\t", index=False)
    given = ["people.tsv", "--model", "lending:loan", "--store", "none", "--quiet"]
    done = CliRunner().invoke(app, ["counterfactuals", *given, "--row", "5", "--json", "found.json"])
    assert done.exit_code == 0, done.exception
    assert list(Counterfactuals.from_json(tmp_path / "found.json").columns) == ["income", "debt"]
    done = CliRunner().invoke(app, ["explain-many", *given, "--rows", "0:2", "--json", "all.jsonl", "--budget", "600"])
    assert done.exit_code == 0, done.exception
    assert [f.name for f in ExplanationSet.from_jsonl("all.jsonl")[0].features] == ["income", "debt"]
    Path("people.tsv").write_text("income,debt\n10,5\n")
    error = CliRunner().invoke(app, ["explain-many", *given]).exception
    assert isinstance(error, InputError) and "columns separated by tabs, not by ','" in str(error)


def test_a_number_without_a_name_or_a_unit_stands_alone(run, tmp_path):
    (tmp_path / "left_over.py").write_text("def money(rows):\n    return rows['income'] - rows['debt']\n")
    run("--row", "5", "--model", "left_over:money", "--desired", "30:", "--json", "found.json")
    text = str(Counterfactuals.from_json(tmp_path / "found.json"))
    assert "The model answers −5 for this row.\n\n1. 30\n" in text


def test_a_function_that_has_no_name_is_not_called_by_a_number(run, tmp_path):
    run("--row", "5", "--json", "found.json")
    text = str(Counterfactuals.from_json(tmp_path / "found.json"))
    assert "Counterfactuals of a function without a name" in text and "callable:" not in text
