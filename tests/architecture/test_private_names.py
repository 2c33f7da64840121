"""A name that begins with an underscore belongs to one module: no file takes it from another one of this project."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.helpers.checkout import ROOT, label, syntax

pytestmark = pytest.mark.xdist_group("architecture")  # each file is parsed once, in one process

OURS = ("probes", "surrogates", "benchmarks", "tests", "docs")
FILES = sorted(path for name in OURS for path in (ROOT / name).rglob("*.py"))


def ours(module: str | None) -> bool:
    return (module or "").split(".")[0] in OURS


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def dotted(node: ast.expr) -> str:
    """Return the name that a chain of attributes spells, or "" for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def taken(tree: ast.Module) -> Iterator[str]:
    """Yield private names that a file takes from modules of this project."""
    modules, attributes = set[str](), list[ast.Attribute]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and ours(node.module):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules |= {alias.asname or alias.name for alias in node.names}
            yield from (name for name in names if any(map(private, name.split("."))))
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name for alias in node.names if ours(alias.name)}
        if isinstance(node, ast.Attribute) and private(node.attr):
            attributes.append(node)
    yield from (dotted(node) for node in attributes if dotted(node.value) in modules)


def test_private_names_stay_in_their_module() -> None:
    found = {label(path): list(taken(syntax(path))) for path in FILES}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_test_sees_every_way_to_take_one() -> None:
    source = """
from surrogates.local.checks import _one, check
from probes._two import three
import surrogates.local.explain as m
m._four(m.public, check.__name__)
from sklearn.utils.validation import _check_sample_weight
"""
    assert list(taken(ast.parse(source))) == ["surrogates.local.checks._one", "probes._two.three", "m._four"]
