"""One direction of flow: rooms import lower rooms alone, no module or room is in a circle. Late imports count."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.helpers.checkout import ROOT, statements, syntax, text

pytestmark = pytest.mark.xdist_group("architecture")  # each file is parsed once, in one process
PACKAGES = ("probes", "surrogates")

#: rooms from low to high: each imports itself and those before it
ORDER = (
    "probes.errors",
    "probes.rounding",
    "probes.progress",
    "probes.deferred",
    "probes.digests",
    "probes.model",
    "probes.views",
    "probes.probe",
    "probes.store",
    "probes.exchange",
    "probes.sampling",
    "probes.design",
    "probes.inputs",
    "probes.outputs",
    "probes.models",
    "probes.models.adapt",
    "probes.interventions",
    "probes.asking",
    "probes.parallel",
    "probes.cases",
    "probes.behaviours",
    "probes",
    "surrogates.terms",
    "surrogates.visible",
    "surrogates.link",
    "surrogates.offer",
    "surrogates.numerics",
    "surrogates.proxy",
    "surrogates.surrogate",
    "surrogates.results",
    "surrogates.families",
    "surrogates.judging",
    "surrogates.shapley",
    "surrogates.local",
    "surrogates.statements",
    "surrogates.many",
    "surrogates.difference",
    "surrogates.mechanisms",
    "surrogates.report",
    "surrogates.cli",
    "surrogates",
)
#: modules that load others by name: what a user names, built-in behaviours, kinds of plots, extras, and the one load
#: that goes up, by which a result finds what draws it when it is first drawn
BY_NAME = {
    "probes.errors",
    "probes.behaviours.registry",
    "probes.models.adapt",
    "surrogates.cli.inputs",
    "surrogates.report.parts.view_kinds",
    "surrogates.report.plots.kinds",
    "surrogates.results.result",
}
#: imports that go up today; this list may only shrink
ALLOWED: set[tuple[str, str]] = set()
#: circles of today; this list may only shrink
CIRCLES: set[tuple[str, ...]] = set()


def modules() -> dict[str, Path]:
    """Dotted names of all modules, a package under the name of its folder."""
    paths = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return paths


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Modules of the two packages that a file imports, wherever in the file."""
    for node in statements(syntax(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            dotted = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else node.module for name in dotted]
        yield from (name for name in names if name in known)


MODULES = modules()


@cache
def graph() -> dict[str, set[str]]:
    """Module -> modules that it imports; a package's face may re-export what lies inside it."""
    return {
        name: {
            target
            for target in imports(path, MODULES)
            if target != name and not (path.name == "__init__.py" and target.startswith(f"{name}."))
        }
        for name, path in MODULES.items()
    }


def room(module: str) -> str:
    """The room that a module lies in: the longest name in the order that it begins with."""
    inside = [name for name in ORDER if module == name or (name not in PACKAGES and module.startswith(f"{name}."))]
    assert inside, f"{module} lies in no room: give its room a place in ORDER"
    return max(inside, key=len)


def goes_up(module: str, target: str) -> bool:
    return ORDER.index(room(target)) > ORDER.index(room(module))


def circles(imported: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """Strongly connected components of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    cycles: set[tuple[str, ...]] = set()

    def visit(v: str) -> None:
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in imported[v]:
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            group = []
            while not group or group[-1] != v:
                group.append(stack.pop())
            if len(group) > 1:
                cycles.add(tuple(sorted(group)))

    for v in sorted(imported):
        if v not in index:
            visit(v)
    return cycles


def test_every_module_imports_lower_rooms_alone():
    pairs = [(module, target) for module, targets in graph().items() for target in targets]
    assert {pair for pair in pairs if goes_up(*pair)} <= ALLOWED


def test_what_is_allowed_to_go_up_still_does():
    assert all(target in graph()[module] for module, target in ALLOWED)


def test_no_modules_import_each_other_in_a_circle():
    assert circles(graph()) == CIRCLES


def test_modules_are_loaded_by_name_in_few_places():
    loading = {name for name, path in MODULES.items() if "import_module" in text(path)}
    assert loading == BY_NAME


def test_circles_are_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {("a", "b", "c")}
    assert goes_up("probes.model", "probes.asking.ask")
    assert not goes_up("surrogates.local.explain", "probes.asking.ask")


def test_inner_packages_hold_a_docstring_alone():
    for name, path in MODULES.items():
        if path.name == "__init__.py" and name not in PACKAGES:
            body = syntax(path).body
            assert len(body) == 1 and isinstance(body[0], ast.Expr), f"{name} holds more than its docstring"


def test_no_file_has_the_name_of_a_standard_module():
    names = {path.stem for path in MODULES.values()} - {"__init__"}
    assert not names & (set(sys.stdlib_module_names) | set(dir(builtins)))


def test_no_folder_has_the_name_of_a_public_function():
    import probes
    import surrogates

    public = {n for p in (probes, surrogates) for n in p.__all__ if callable(getattr(p, n)) and n.islower()}
    folders = {path.parent.name for path in MODULES.values()}
    assert not folders & public


def test_commands_and_report_pages_share_no_file_name():
    files = [{p.stem for n, p in MODULES.items() if n.startswith(f"surrogates.{room}.")} for room in ("cli", "report")]
    assert not files[0] & files[1]


def test_no_module_is_longer_than_400_lines():
    assert [name for name, path in MODULES.items() if len(text(path).splitlines()) > 400] == []
