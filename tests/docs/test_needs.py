"""Pages whose examples need more than the core are left out where that is not installed."""

from __future__ import annotations

import ast
import re

from tests.helpers.checkout import ROOT

IMPORTS = re.compile(r"^(?:>>>|\.\.\.) .*\bimport\b.*|^(?:>>>|\.\.\.) from .*", re.MULTILINE)
BEYOND = re.compile(r"\b(torch|transformers|skimage|shap|openai)\b")


def test_a_page_that_imports_a_package_beyond_the_core_is_named():
    tree = ast.parse((ROOT / "conftest.py").read_text("utf-8"))
    assigned = {ast.unparse(n.targets[0]): n.value for n in tree.body if isinstance(n, ast.Assign)}
    needs = ast.literal_eval(assigned["NEEDS"])
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    imports = {str(p.relative_to(ROOT)): " ".join(IMPORTS.findall(p.read_text("utf-8"))) for p in pages}
    importing = {page for page, lines in imports.items() if BEYOND.search(lines)}
    assert "docs/causes.md" in importing and not importing - needs.keys()
