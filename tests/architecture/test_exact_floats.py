"""Computed numbers are compared with a tolerance; where exactness is promised, a comment says why.

Sums differ in their last bits from one processor to the next. A comparison that is exact all the same bears
``# exact: reason`` on one of its lines, on the line above it, on the ``def`` line of its test, or, for a file in which
all are exact for one reason, at the beginning of a line before the first definition.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.helpers.checkout import ROOT, label, syntax, text

pytestmark = pytest.mark.xdist_group("architecture")  # each file is parsed once, in one process

FILES = sorted((ROOT / "tests").rglob("*.py"))
MARK = re.compile(r"# exact: \S")
#: Attributes and columns that hold computed numbers.
COMPUTED = {
    *("attribution", "base_values", "chance", "coverage", "effect", "high", "low", "mean", "precision", "r2", "ratio"),
    *("se", "share", "std", "value", "values", "weight", "width"),
}
ARRAYS = {"array_equal", "assert_array_equal", "assert_equal"}
TOLERANT = {"approx", "isclose", "allclose"}
DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def is_number(node: ast.AST, kinds: tuple[type, ...] = (int, float)) -> bool:
    """Say whether a node is a literal number, or a literal list, dictionary or array that holds one."""
    match node:
        case ast.Constant(value=value):
            return type(value) in kinds
        case ast.UnaryOp(operand=inner):
            return is_number(inner, kinds)
        case ast.BinOp(left=left, right=right):
            return is_number(left, kinds) or is_number(right, kinds)
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return any(is_number(element, kinds) for element in elements)
        case ast.Dict(values=values):
            return any(is_number(value, kinds) for value in values)
        case ast.Call(func=ast.Attribute(attr="array" | "asarray" | "full"), args=arguments):
            return any(is_number(argument, kinds) for argument in arguments)
        case _:
            return False


def is_computed(node: ast.AST) -> bool:
    """Say whether a node is an attribute or a column that holds computed numbers."""
    match node:
        case ast.Attribute(attr=name):
            return name in COMPUTED
        case ast.Subscript(value=inner, slice=ast.Constant(value=str(name))):
            return name in COMPUTED or is_computed(inner)
        case ast.Subscript(value=inner) | ast.Call(func=ast.Attribute(value=inner)):
            return is_computed(inner)
        case _:
            return False


def names(node: ast.AST) -> set[str]:
    """Name every function called inside a node."""
    calls = (inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call))
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


def is_exact(node: ast.AST) -> bool:
    """Say whether a node compares numbers without a tolerance."""
    match node:
        case ast.Compare(left=left, ops=operators, comparators=others):
            if not any(isinstance(operator, ast.Eq | ast.NotEq) for operator in operators) or names(node) & TOLERANT:
                return False
            sides = [left, *others]
            if all(isinstance(side, ast.Constant) for side in sides):
                return False
            listed = any(isinstance(side, ast.Call) and names(side) & {"tolist"} for side in sides)
            return (
                any(is_number(side, (float,)) for side in sides)
                or (listed and any(is_number(side) for side in sides))
                or (any(map(is_computed, sides)) and any(map(is_number, sides)))
            )
        case ast.Call(func=ast.Attribute(attr="all", value=ast.Compare(ops=[ast.Eq()]))):
            return True
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in ARRAYS
        case _:
            return False


def first_lines(node: ast.stmt, lines: list[str]) -> list[str]:
    """Take the line above a statement and its lines, of a compound statement those of its head."""
    start = node.lineno - 1
    above = lines[start - 1 : start] if start else []
    if not hasattr(node, "body"):
        return above + lines[start : node.end_lineno]
    head = lines[start : node.body[0].lineno - 1]
    return above + [line for line in head if not line.lstrip().startswith("#")]


def unmarked(source: str, tree: ast.Module | None = None) -> Iterator[int]:
    """Yield the line of every exact comparison of numbers that no comment explains."""
    lines, tree = source.splitlines(), tree or ast.parse(source)
    first = next((node.lineno for node in tree.body if isinstance(node, DEFINITION)), len(lines) + 1)
    if any(line.startswith("# exact: ") for line in lines[: first - 1]):
        return
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, marked = pending.pop()
        if isinstance(node, ast.stmt):
            marked = marked or any(MARK.search(line) for line in first_lines(node, lines))
        if is_exact(node) and not marked:
            yield node.lineno  # type: ignore[attr-defined]
        pending.extend((inner, marked) for inner in ast.iter_child_nodes(node))


def test_computed_numbers_are_compared_with_a_tolerance() -> None:
    found = {label(path): sorted(set(unmarked(text(path), syntax(path)))) for path in FILES}
    wrong = {path: lines for path, lines in found.items() if lines}
    assert not wrong, f"compare with a tolerance, or say why not in a comment '# exact: reason': lines {wrong}"


@pytest.mark.parametrize(
    "line",
    [
        "assert f(x) == 0.5",
        "assert f(x) != -0.5",
        "assert result.effect == 2",
        "assert table['low'].min() == 0",
        "assert f(x) == {'a': 1.0, 'b': None}",
        "assert y.tolist() == [1, 2]",
        "assert (a == b).all()",
        "np.testing.assert_array_equal(a, b)",
        "assert np.array_equal(a, b)",
        "assert f(x) == np.array([1.0])",
        "for x in a:\n    assert x == 0.5",
        "if a:\n    # exact: a comment elsewhere\n    b = 1\n    assert x == 0.5",
    ],
)
def test_an_exact_comparison_is_found(line: str) -> None:
    assert list(unmarked(line))


@pytest.mark.parametrize(
    "line",
    [
        "assert f(0.5) == 'a'",
        "assert f(x) == pytest.approx(0.5)",
        "assert f(x) >= 0.5",
        "assert len(rows) == 5",
        "assert y.tolist() == ['a', 'b']",
        "assert f(x) == 0.5  # exact: a half has no rounding",
        "# exact: a half has no rounding\nassert f(x) == 0.5",
        "# exact: bits of a file\n\ndef test():\n    assert f(x) == 0.5",
        "def test():  # exact: bits of a file\n    assert f(x) == 0.5",
    ],
)
def test_what_has_a_tolerance_or_a_reason_is_let_through(line: str) -> None:
    assert not list(unmarked(line))
