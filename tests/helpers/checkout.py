"""Where the checkout lies, what its files hold, and the environment of a process that imports from it."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


@cache
def text(path: Path) -> str:
    """Read a file, once in a process."""
    return path.read_text(encoding="utf-8")


@cache
def syntax(path: Path) -> ast.Module:
    """Parse a file, once in a process."""
    return ast.parse(text(path))


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements, wherever they stand, without going through their expressions."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        inner = ast.iter_child_nodes(node)
        pending.extend(n for n in inner if isinstance(n, ast.stmt | ast.excepthandler | ast.match_case))


def label(path: Path) -> str:
    """Name a file as errors show it."""
    return str(path.relative_to(ROOT))


def environment(**more: str) -> dict[str, str]:
    """This process's environment with the checkout on the import path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
