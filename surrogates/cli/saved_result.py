"""``iomap report``: a saved result as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from surrogates.cli.app import app
from surrogates.local.anchor import Anchor
from surrogates.local.explanation import Explanation
from surrogates.local.shapley_values import ShapleyValues
from surrogates.results.files import loaded
from surrogates.statements.card import Card

__all__ = ["report"]


@app.command("report")
def report(
    file: Annotated[
        Path,
        typer.Argument(help="What --json or to_json wrote: an explanation, anchor, Shapley values or behaviour card."),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The page; default: FILE with .html.")] = None,
) -> None:
    """Turn a saved result into an HTML page."""
    target = output or file.with_suffix(".html")
    data = loaded(file, "an explanation, an anchor, Shapley values or a behaviour card")
    kinds: dict[str, Any] = {"anchor": Anchor, "shapley values": ShapleyValues}
    reader = Card if "iomap_card" in data else kinds.get(str(data.get("kind")), Explanation)
    reader.from_json(file).report(target)
    typer.echo(f"wrote {target}")
