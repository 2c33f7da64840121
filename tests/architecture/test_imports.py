"""The one direction of flow, and light imports."""

import ast
import json
import subprocess
import sys

import pytest

from tests.helpers.checkout import ROOT

PROBES = sorted((ROOT / "probes").rglob("*.py"))
SURROGATES = sorted((ROOT / "surrogates").rglob("*.py"))
HEAVY = ("torch", "transformers", "matplotlib", "tokenizers", "gguf", "accelerate", "openai", "shap", "pyarrow")


def imported(tree, everywhere=True):
    """Names of the modules a file imports; with everywhere=False those it imports when it is itself imported."""
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield ("." * node.level) + (node.module or "")
        if everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def roots(names):
    return {name.split(".")[0] for name in names}


def label(path):
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at():
    assert len(PROBES) > 10
    assert any("probes" in roots(imported(parse(path))) for path in SURROGATES)


@pytest.mark.parametrize("path", PROBES, ids=label)
def test_probes_never_import_surrogates(path):
    assert "surrogates" not in roots(imported(parse(path)))


@pytest.mark.parametrize("path", PROBES, ids=label)
def test_probes_import_nothing_heavy_at_module_level(path):
    assert not roots(imported(parse(path), everywhere=False)) & set(HEAVY)


@pytest.mark.parametrize("path", PROBES + SURROGATES, ids=label)
def test_imports_are_absolute(path):
    assert not [name for name in imported(parse(path)) if name.startswith(".")]


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_importing_both_packages_is_light_silent_and_offline():
    code = """
import json, socket, sys
def refuse(*a, **k):
    raise AssertionError("the network was touched")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import probes, surrogates
json.dump(sorted(sys.modules), sys.stdout)
"""
    done = run(code)
    loaded = json.loads(done.stdout)
    assert done.stderr == ""
    for heavy in ("torch", "transformers", "matplotlib.pyplot", "tokenizers", "openai", "shap"):
        assert heavy not in loaded


def test_asking_and_explaining_a_callable_stay_light():
    code = """
import sys
from probes import CallableModel, MaskProbe, Store, ask, Design, cube
ask(CallableModel(lambda Z: Z[:, 0]), MaskProbe(3), Design(cube(3), 0), Store())
assert not any(name.split(".")[0] in ("surrogates", "sklearn") for name in sys.modules)
assert "scipy.stats" not in sys.modules  # half the time of importing probes
from surrogates import explain
explain(lambda Z: Z[:, 0] - 2 * Z[:, 1], MaskProbe(4), store=None)
assert not {"torch", "transformers", "matplotlib.pyplot"} & set(sys.modules)
"""
    run(code)


def test_all_public_names_exist_and_are_listed_once():
    import probes

    assert all(hasattr(probes, name) for name in probes.__all__)
    assert len(set(probes.__all__)) == len(probes.__all__)


def test_a_missing_extra_says_what_installs_it():
    code = """
import sys
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
    run(code)
