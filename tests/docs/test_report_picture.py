"""The README's picture can be taken again, of any report."""

from __future__ import annotations

import importlib.util
import shutil

import pytest
from PIL import Image

from probes import MaskProbe
from surrogates import explain
from tests.helpers.checkout import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def camera():
    spec = importlib.util.spec_from_file_location("draw_report", ROOT / "docs" / "draw_report.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_picture_of_a_report_has_the_size_of_the_readmes(camera, tmp_path):
    page = explain(lambda Z: Z[:, 0], MaskProbe(4), store=None).report(tmp_path / "why.html")
    assert camera.photograph(page, tmp_path / "why.png")
    with Image.open(tmp_path / "why.png") as image, Image.open(ROOT / "docs" / "report.png") as readmes:
        assert image.size == camera.SIZE == readmes.size
        assert len(image.convert("L").getcolors(256)) > 8


def test_without_a_browser_it_says_so(camera, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(camera.shutil, "which", lambda name: None)
    page = explain(lambda Z: Z[:, 0], MaskProbe(4), store=None).report(tmp_path / "why.html")
    assert camera.main([str(page)]) == 1
    assert f"open {page} in a browser" in capsys.readouterr().out
