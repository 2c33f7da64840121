"""The site of the documentation has every page, every public name once, and loads nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

import probes
import surrogates
from tests.helpers.checkout import ROOT, environment

pytestmark = pytest.mark.xdist_group("site")  # what the module makes once is made in one process

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")])
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([\w.-]+)\)")


def listed():
    """The pages in the table of contents: named by the first page, or linked from the README of their folder."""
    names = set()
    for block in TOCTREE.findall((DOCS / "index.md").read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                entry = re.sub(r"^.*<(.+)>$", r"\1", line)
                names.add((DOCS / f"{entry}.md").resolve())
    for page in sorted(names):
        if page.name == "README.md" and page.parent != ROOT:
            names |= {page.parent / name for name in LINK.findall(page.read_text(encoding="utf-8"))}
    return names


def test_every_page_is_in_the_table_of_contents():
    assert [page for page in PAGES if page not in listed() | {DOCS / "index.md"}] == []
    assert [page for page in listed() if not page.exists()] == []


@pytest.mark.parametrize("package", [probes, surrogates], ids=lambda package: package.__name__)
def test_every_public_name_has_one_entry(package):
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "api").glob("*.md")))
    names = []
    for block in text.split(".. currentmodule:: ")[1:]:
        module, _, entries = block.partition("\n")
        if module == package.__name__:
            names += re.findall(r"^\.\. auto\w+:: (\w+)$", entries.partition("```")[0], re.MULTILINE)
    assert sorted(names) == sorted(package.__all__)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as `make docs` does."""
    for name in ("sphinx", "myst_parser", "numpydoc", "pydata_sphinx_theme"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed; `make docs` installs it, and builds the site")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-c", "docs", "-d", str(out / "doctrees")]
    command += ["-W", "--keep-going", "-q", ".", str(out / "html")]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "html"


def test_every_page_is_built(site):
    built = [site / page.relative_to(ROOT).with_suffix(".html") for page in PAGES]
    assert [path for path in built if not path.exists()] == []
    assert 'url=docs/index.html"' in (site / "index.html").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(site):
    loads = re.compile(r"<(?:script|link|img|iframe|source|video)\b[^>]*?(?:src|href)=[\"'](?:https?:)?//[^\"']+")
    styles = re.compile(r"(?:url\(|@import )[\"']?(?:https?:)?//[^\"')]+")
    found = [hit for path in site.rglob("*.html") for hit in loads.findall(path.read_text(encoding="utf-8"))]
    found += [hit for path in site.rglob("*.css") for hit in styles.findall(path.read_text(encoding="utf-8"))]
    assert found == []


def test_links_between_pages_lead_somewhere(site):
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    broken = []
    for path, text in pages.items():
        for link in re.findall(r'<a\b[^>]*?href="([^"]+)"', text):
            where, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", where):
                continue
            target = (path.parent / where).resolve() if where else path
            if not target.exists() or (anchor and target.suffix == ".html" and anchor not in anchors[target]):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert broken == []
