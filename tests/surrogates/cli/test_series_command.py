"""``iomap explain series``: columns of a CSV file as channels of a time series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surrogates import Explanation, ShapleyValues
from tests.helpers.command import iomap

MODELS = """
import numpy as np

def first(batch):
    batch = np.asarray(batch)
    return (batch if batch.ndim == 2 else batch[:, 0])[:, 10:20].mean(axis=1)
"""
FRAME = pd.DataFrame(
    {
        "day": pd.date_range("2024-03-01", periods=40).strftime("%Y-%m-%d"),
        "second": np.arange(40) / 10,
        "load": np.sin(np.arange(40) / 3),
        "wind": np.cos(np.arange(40)),
    }
)


@pytest.fixture(autouse=True)
def _files() -> None:
    Path("mymodels.py").write_text(MODELS)
    FRAME.to_csv("s.csv", index=False)


def asked(*arguments: str, command: str = "explain"):
    done = iomap(command, "series", "s.csv", *arguments, "-m", "mymodels:first", "--store", "none", "--json", "r.json")
    assert done.returncode == 0, done.stderr
    return (Explanation if command == "explain" else ShapleyValues).from_json("r.json")


@pytest.mark.parametrize(
    ("options", "feature"),
    [
        (("--columns", "load", "--segments", "4"), "steps 10–19"),
        (
            ("--columns", "load,wind", "--times", "day", "--segments", "2024-03-11,2024-03-21"),
            "2024-03-11 … 2024-03-20",
        ),
        (("--columns", "load,wind", "--times", "10", "--segments", "4", "--apart"), "load, 1–2 s"),
        (("--times", "second", "--columns", "load", "--segments", "1.0,2.0", "--fill", "linear"), "1–1.9"),
        (("--columns", "load", "--times", "10", "--bands", "0.1,1,5"), "0.1–1 Hz"),
    ],
)
def test_the_options_make_the_probe(options: tuple[str, ...], feature: str) -> None:
    assert asked(*options).attributions.loc[0, "feature"] == feature


def test_all_columns_but_times_are_channels() -> None:
    assert len(asked("--times", "second", "--columns", "load,wind", "--apart", "--segments", "2").features) == 4


def test_a_number_stands_in_for_what_is_absent() -> None:
    assert asked("--columns", "load", "--fill", "-2.5").view["states"] == ["kept", "replaced by −2.5"]


def test_shapley_values_of_a_series() -> None:
    table = asked("--columns", "load", "--segments", "4", command="shapley").table
    assert table.loc[0, "features"] == "steps 10–19"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--columns", "load,rain"), "--columns must name columns of the table"),
        ((), "--columns must name columns of numbers; --times is for the column of times; got ['day']"),
        (("--columns", "load", "--times", "hour"), "--times must be a column of the table, or a number"),
        (("--columns", "load", "--segments", "a,b"), "--segments must be a number, or numbers by commas"),
        (("--columns", "load", "--bands", "x1"), "--bands must be a number, or numbers by commas"),
        (("--columns", "load", "--fill", "zero"), "fill must be one of 'mean'"),
    ],
)
def test_what_makes_no_probe_is_refused_in_words(options: tuple[str, ...], said: str) -> None:
    done = iomap("explain", "series", "s.csv", *options, "-m", "mymodels:first", "--store", "none")
    assert done.returncode == 2 and said in done.stderr
