"""Files that earlier versions saved make pages that can be read by everyone, and predict what they predicted."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates import Anchor, Card, Explanation, ExplanationSet, ShapleyValues
from tests.helpers import axe
from tests.helpers.browser import REQUIRED, lacking
from tests.helpers.checkout import ROOT

pytestmark = pytest.mark.xdist_group("saved pages")  # one browser for all

FOLDER = ROOT / "tests" / "golden" / "1"
KINDS = {"anchor": Anchor, "card": Card, "shapley": ShapleyValues}
FILES = sorted(path.name for path in FOLDER.glob("*.json*") if not path.name.startswith(("expected", "classifier")))


def read(name):
    if name.endswith(".jsonl"):
        return ExplanationSet.from_jsonl(FOLDER / name)
    return KINDS.get(name.removesuffix(".json").split("-")[0], Explanation).from_json(FOLDER / name)


def test_without_a_browser_tests_skip_but_where_it_is_required(monkeypatch):
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        lacking("no browser")
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="no browser; it is required here"):
        lacking("no browser")
    every_change = ROOT / ".ci" / "run"  # no part of a source distribution
    assert not every_change.exists() or f"export {REQUIRED}=1" in every_change.read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_the_page_of_a_saved_file_is_sound(name, visit, tmp_path):
    code = axe.source()
    if code is None:
        lacking("axe-core could not be fetched with npm")
    result = read(name)
    path = result.report(tmp_path / "page.html")
    assert "could not be drawn" not in path.read_text("utf-8")
    view = visit(path, viewport={"width": 390, "height": 800}, color_scheme="dark")
    assert view.evaluate("document.documentElement.scrollWidth") <= 390
    found = axe.findings(view, code)
    assert not found, "\n".join(found)
    if isinstance(result, Explanation):
        said = view.locator(".said td:nth-child(2) data").evaluate_all("all => all.map(one => Number(one.value))")
        due = result.predict(result.answers.design.Z[:1]).reshape(-1)
        np.testing.assert_allclose(said, due, rtol=1e-5, atol=1e-6 * np.abs(result.y).max())
