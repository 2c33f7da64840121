"""``iomap behave``: what is generally true of a language model, as a card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probes.behaviours.registry import BEHAVIOURS, behaviour
from probes.errors import InputError
from surrogates.cli.app import app
from surrogates.cli.inputs import STDOUT, Html, Json, Quiet, Store, in_a_folder, load, place, put
from surrogates.statements.behave import behave
from surrogates.statements.card import Card

__all__ = ["behave_"]


@app.command("behave", short_help="Say what is generally true of a language model.")
def behave_(
    model: Annotated[
        str,
        typer.Argument(
            help="A folder, hub name or .gguf file; module:attribute; completions:MODEL@URL; endpoint:MODEL@URL (text)."
        ),
    ],
    probes: Annotated[
        str, typer.Option(help=f"Built-in probes, separated by commas, or all: {', '.join(BEHAVIOURS)}.")
    ] = "all",
    against: Annotated[Path | None, typer.Option(help="Another card (JSON); the page then shows both.")] = None,
    store: Store = None,
    output: Html = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Say what is generally true of a language model: built-in behaviour probes, as a card."""
    in_a_folder(output, json)
    names = [p.strip() for p in probes.split(",") if p.strip()] if probes != "all" else probes
    for name in names if isinstance(names, list) else ():
        behaviour(name)
    other = Card.from_json(against) if against is not None else None
    if other is not None:
        if output is None:
            raise InputError("--against", "come with -o: the page shows both cards", str(against))
        wanted = names if isinstance(names, list) else list(BEHAVIOURS)
        if not {e.name for e in other.entries} & set(wanted):
            raise InputError("--against", f"be a card of some of {', '.join(wanted)}", [e.name for e in other.entries])
    name_shown = Path(model).name if Path(model).exists() else model
    asked = load(model, "classifier" if Path(model).is_dir() else "lm", "MODEL")  # a folder says itself what it holds
    card = behave(asked, names, store=place(store), progress=False if quiet else None, name=name_shown)
    put(card, None, json, quiet)
    if output is not None:
        card.report(output, other)
        typer.echo(f"wrote {output}", err=json == STDOUT)
