"""Links between pages lead somewhere, and so do the dotted paths that pages name."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.helpers.checkout import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
DOTTED = re.compile(r"(?<![\w./-])((?:probes|surrogates)(?:\.\w+)+)")
CODE = re.compile(r"^```(?:python|diff).*?^```", re.DOTALL | re.MULTILINE)


def name(page):
    return page.relative_to(ROOT).as_posix()


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    names = set()
    for heading in re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count = sum(slug == other or re.fullmatch(rf"{re.escape(slug)}-\d+", other) is not None for other in names)
        names.add(f"{slug}-{count}" if count else slug)
    return names


def broken(page, text):
    """The links of a page that lead nowhere."""
    out = []
    for link in LINK.findall(FENCE.sub("", text)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            out.append(link)
    return out


def resolves(dotted):
    """Whether a dotted path is a module of this checkout, or an attribute of one."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:k])
        if not path.with_suffix(".py").exists() and not (path / "__init__.py").exists():
            continue
        module = importlib.import_module(".".join(parts[:k]))
        for part in parts[k:]:
            if not hasattr(module, part):
                return False
            module = getattr(module, part)
        return True
    return False


def test_there_are_pages():
    assert {"README.md", "docs/guide.md", "docs/verdict.md", "docs/benchmarks/README.md"} <= set(map(name, PAGES))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    assert broken(page, page.read_text(encoding="utf-8")) == []


def test_a_broken_link_is_seen():
    page = ROOT / "README.md"
    assert broken(page, "[a](docs/nowhere.md) [b](docs/guide.md#no-such-heading) [c](docs/guide.md#guide)") == [
        "docs/nowhere.md",
        "docs/guide.md#no-such-heading",
    ]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_dotted_paths_exist(page):
    text = page.read_text(encoding="utf-8")
    if page.name == "CHANGELOG.md":  # the table of moves names old modules on the left
        text = re.sub(r"^\| `[\w.]+` \|", "|", text, flags=re.MULTILINE)
    if page.name == "CONTRIBUTING.md":  # its examples make new files; they have a test of their own
        text = CODE.sub("", text)
    missing = [path for path in sorted(set(DOTTED.findall(text))) if not resolves(path.removesuffix(".py"))]
    assert missing == []


def test_a_path_that_is_gone_is_seen():
    assert resolves("probes.inputs.text.TextProbe")
    assert not resolves("probes.text.TextProbe")
    assert not resolves("surrogates.explain_nothing")


def test_every_page_of_the_guide_is_listed_in_it():
    listed = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"guide.md", "index.md"}
    assert {page for page in pages if f"]({page}" not in listed} == set()
