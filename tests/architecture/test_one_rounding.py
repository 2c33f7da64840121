"""Numbers that a reader sees are written by one module, ``probes.rounding``."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.test_import_order import modules

pytestmark = pytest.mark.xdist_group("architecture")
#: places in a style sheet, counts and keys of data: nothing that is read as an estimate
ELSEWHERE = {
    "surrogates.difference.region_search",
    "surrogates.judging.notes",
    "surrogates.local.checks",
    "surrogates.many.columns",
    "surrogates.proxy.stacked_proxy",
    "surrogates.report.drawings",
    "surrogates.report.part",
    "surrogates.report.parts.image_instance",
    "surrogates.report.parts.instance",
    "surrogates.report.parts.many",
    "surrogates.report.parts.regions",
    "surrogates.statements.discovery",
}


def digits(tree):
    """Format specifications of f-strings that round a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            text = "".join(part.value for part in node.format_spec.values if isinstance(part, ast.Constant))
            if re.search(r"[fge%]$", text):
                yield text


def test_no_other_module_rounds_numbers():
    inside = {name: path for name, path in modules().items() if name.startswith("surrogates")}
    assert {name for name, path in inside.items() if any(digits(ast.parse(path.read_text("utf-8"))))} == ELSEWHERE
