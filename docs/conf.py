"""Settings of the documentation's site, which `make docs` builds from the Markdown pages and the docstrings.

Sources are read from the root of the checkout, so that links between pages, to `../GLOSSARY.md` and to source files are
the same on the site and on a code host. Nothing is fetched, neither while it is built nor by a reader's browser.
"""

from __future__ import annotations

import re
import sys
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

_setup = ConfigParser()
_setup.read(ROOT / "setup.cfg", encoding="utf-8")
project = "iomap"
author = copyright = _setup["metadata"]["author"]
release = version = _setup["metadata"]["version"]

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.viewcode"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**"]
exclude_patterns = [".*", "build", "dist", "benchmarks", "demo", "probes", "surrogates", "tests", "*.egg-info"]
highlight_language = "none"  # shell commands and plain text; examples with >>> are seen to be Python
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme = "pydata_sphinx_theme"
html_title = "iomap"
html_sidebars = {"**": ["contents.html"]}
html_additional_pages = {"index": "forward.html"}  # the first page lies in docs/, like its source
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # excerpts would be fetched, which browsers refuse for files
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
#: pages with their own contents at the side: but for docs/switching, where two codes beside each other need the room
WITH_CONTENTS = ("*", "docs/*", "docs/api/*", "docs/decisions/*", "docs/notebooks/*")
html_theme_options = {
    "logo": {"text": "iomap"},
    "navbar_start": ["navbar-logo"],
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {pages: ["page-toc"] for pages in WITH_CONTENTS},
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
myst_heading_anchors = 4  # as a code host makes them, so that links to sections are the same
numpydoc_show_class_members = False  # autodoc lists them
autodoc_typehints = "none"  # docstrings give types, shapes and units
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
nitpicky = True
toc_object_entries_show_parents = "hide"

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#:]+)\)")
FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


def as_shown(app: Sphinx, docname: str, source: list[str]) -> None:
    """Drop the blank line that ends an example, and links to folders, which a code host lists and a site does not."""
    folder = Path(app.env.doc2path(docname)).parent

    def plain(link: re.Match[str]) -> str:
        return link[1] if (folder / link[2]).is_dir() else link[0]

    pieces = FENCE.split(source[0])
    source[0] = "".join(
        piece.replace("\n\n```", "\n```") if i % 2 else LINK.sub(plain, piece) for i, piece in enumerate(pieces)
    )


def with_its_pages(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the pages that a folder's README links to, in that order, below it in the table of contents."""
    folder = Path(app.env.doc2path(docname)).parent
    if not docname.endswith("/README"):
        return
    pages = dict.fromkeys(link for _, link in LINK.findall(source[0]) if "/" not in link and (folder / link).is_file())
    names = [page.rpartition(".")[0] for page in pages if page.endswith((".md", ".ipynb"))]
    source[0] += "\n\n" + "\n".join(["```{toctree}", ":hidden:", "", *names, "```"]) + "\n"


def exists(dotted: str) -> bool:
    """Whether a dotted path leads to something that can be imported."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:k]))
        except ImportError:
            continue
        for part in parts[k:]:
            if not hasattr(found, part):
                return part in getattr(found, "__annotations__", {})
            found = getattr(found, part)
        return True
    return False


def without_page(app: Sphinx, env: Any, node: Any, contnode: nodes.Node) -> nodes.Node | None:
    """Show a name that exists but has no entry (a contract inside, numpy) as it is; others stay warnings."""
    if node.get("refdomain") != "py":
        return None
    place = (node.source or "").rpartition("docstring of ")[2].split(".")
    names = [".".join([*place[:k], node["reftarget"]]) for k in range(len(place))]
    return contnode if any(exists(name) for name in names) else None


def not_ours(app: Sphinx, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Leave out methods that scikit-learn adds to every estimator."""
    return True if name.rpartition(".")[2].endswith("_request") else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", as_shown)
    app.connect("source-read", with_its_pages)
    app.connect("missing-reference", without_page)
    app.connect("autodoc-skip-member", not_ours)
    app.setup_extension("notebook_pages")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
