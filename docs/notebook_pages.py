"""Pages of the site from notebooks as they were saved: cells and outputs. Nothing is run, no kernel is needed."""

from __future__ import annotations

import json
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

__all__ = ["NotebookParser", "as_markdown"]


def fenced(text: str, language: str, options: str = "") -> str:
    return f"````{{code-block}} {language}\n{options}{text.rstrip()}\n````\n"


def shown(output: dict[str, Any]) -> str:
    """One output of a cell, by the richest form that was saved."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = "".join(data["image/png"]).strip()
        return f"````{{raw}} html\n<img class='drawn' alt='figure' src='data:image/png;base64,{picture}'>\n````\n"
    if "text/html" in data:
        return "````{raw} html\n<div class='output'>\n" + "".join(data["text/html"]) + "\n</div>\n````\n"
    return fenced("".join(output.get("text") or data.get("text/plain", "")), "none", ":class: says\n\n")


def as_markdown(notebook: str) -> str:
    """Turn a notebook (JSON) into a Markdown page."""
    parts = []
    for cell in json.loads(notebook)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source + "\n")
        elif cell["cell_type"] == "code":
            parts += [fenced(source, "python"), *map(shown, cell["outputs"])]
    return "\n".join(parts)


class NotebookParser(MystParser):
    """Parses a notebook as the Markdown page that it amounts to."""

    supported = ("ipynb",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        super().parse(as_markdown(inputstring), document)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_source_suffix(".ipynb", "ipynb")
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
