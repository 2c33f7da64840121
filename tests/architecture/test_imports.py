"""The one direction of flow, and light imports."""

import ast
import subprocess
import sys

import pytest

from tests.helpers.checkout import ROOT, label, syntax

pytestmark = pytest.mark.xdist_group("architecture")  # each file is parsed once, in one process

PROBES = sorted((ROOT / "probes").rglob("*.py"))
SURROGATES = sorted((ROOT / "surrogates").rglob("*.py"))
HEAVY = ("torch", "transformers", "matplotlib", "tokenizers", "gguf", "accelerate", "openai", "shap", "pyarrow")


def imported(path, everywhere=True):
    """Names of the modules a file imports; with everywhere=False those it imports when it is itself imported."""
    pending = list(syntax(path).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield ("." * node.level) + (node.module or "")
        if everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))


def roots(names):
    return {name.split(".")[0] for name in names}


def test_there_is_something_to_look_at():
    assert len(PROBES) > 10
    assert any("probes" in roots(imported(path)) for path in SURROGATES)


def test_probes_never_import_surrogates():
    assert [label(path) for path in PROBES if "surrogates" in roots(imported(path))] == []


def test_probes_import_nothing_heavy_at_module_level():
    heavy = {label(path): roots(imported(path, everywhere=False)) & set(HEAVY) for path in PROBES}
    assert {path: names for path, names in heavy.items() if names} == {}


def test_imports_are_absolute():
    files = PROBES + SURROGATES
    assert [label(path) for path in files if any(name.startswith(".") for name in imported(path))] == []


#: what one new process goes through, because each import of both packages takes seconds
LIGHT = """
import socket, sys
def refuse(*a, **k):
    raise AssertionError("the network was touched")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
def loaded(*heavy):
    return {name for name in sys.modules if name in heavy or name.split(".")[0] in heavy}

from probes import CallableModel, MaskProbe, Store, ask, Design, cube
ask(CallableModel(lambda Z: Z[:, 0], "first"), MaskProbe(3), Design(cube(3), 0), Store())
# scipy.stats takes half the time of importing probes
assert not loaded("surrogates", "sklearn", "scipy.stats"), loaded("surrogates", "sklearn", "scipy.stats")
from surrogates import explain
heavy = ("torch", "transformers", "matplotlib.pyplot", "tokenizers", "openai", "shap")
heavy += ("sklearn.linear_model", "sklearn.ensemble")  # only some families fit with them
assert not loaded(*heavy), loaded(*heavy)
explain(lambda Z: Z[:, 0] - 2.5 * Z[:, 1], MaskProbe(4), store=None)
assert not loaded(*heavy), loaded(*heavy)

sys.modules["transformers"] = None
from probes import CausalLM, IomapError, MissingExtra, TextClassifier
for kind in (CausalLM, TextClassifier):
    try:
        kind.from_pretrained("nowhere")
    except MissingExtra as error:
        assert isinstance(error, ImportError) and isinstance(error, IomapError)
        assert "pip install 'iomap[transformers]'" in str(error), error
    else:
        raise AssertionError(kind)
"""


def test_importing_asking_and_explaining_are_light_silent_and_offline_and_a_missing_extra_says_what_installs_it():
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""


def test_all_public_names_exist_and_are_listed_once():
    import probes

    assert all(hasattr(probes, name) for name in probes.__all__)
    assert len(set(probes.__all__)) == len(probes.__all__)
