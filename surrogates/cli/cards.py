"""``iomap cards``: what differs between two behaviour cards that were saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogates.cli.app import app
from surrogates.cli.inputs import Html, Json, Quiet, in_a_folder, put
from surrogates.difference.compare_cards import compare_cards
from surrogates.statements.card import Card

__all__ = ["cards"]


@app.command("cards", short_help="Test whether two behaviour cards differ.")
def cards(
    first: Annotated[Path, typer.Argument(help="A behaviour card: what iomap behave --json wrote.")],
    second: Annotated[Path, typer.Argument(help="The card that it is compared with.")],
    output: Html = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Test whether two behaviour cards differ, statement by statement; no model is asked."""
    in_a_folder(output, json)
    card, other = Card.from_json(first), Card.from_json(second)
    names = (first.stem, second.stem) if card.model == other.model and first.stem != second.stem else None
    put(compare_cards(card, other, names=names), output, json, quiet)
