"""``iomap store``: what the answer store holds, and moving answers between machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probes.store.paths import default_path
from probes.store.transfer import export, load, merge, stats
from surrogates.cli.app import app
from surrogates.visible import isolated

__all__ = ["storing"]

storing = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""What the answer store holds; answers moved between stores and machines.

Examples:

\b
  iomap store stats
  iomap store merge all.sqlite node1.sqlite node2.sqlite
  iomap store export all.sqlite answers.parquet
  iomap store import answers.parquet mine.sqlite
""",
)

app.add_typer(storing, name="store", short_help="See what is kept of answers, and move it.")

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")]


@storing.command("stats", short_help="Count the answers of each model in a store.")
def stats_(
    path: Annotated[Path | None, typer.Argument(help="A store; default: IOMAP_STORE or the one in your cache.")] = None,
) -> None:
    """Count how many answers of which models a store holds, and its size."""
    typer.echo(isolated(str(stats(path or default_path()))))


@storing.command("merge")
def merge_(
    target: Annotated[Path, typer.Argument(help="The store that receives answers; made if it does not exist.")],
    sources: Annotated[list[Path], typer.Argument(help="Stores to take answers from; they stay as they are.")],
    quiet: Quiet = False,
) -> None:
    """Take the answers of other stores into one. Where two differ, the first is kept and the conflict counted."""
    merged = merge(target, sources, progress=False if quiet else None)
    if not quiet:
        typer.echo(str(merged))


@storing.command("export")
def export_(
    store: Annotated[Path, typer.Argument(help="The store to write out.")],
    file: Annotated[Path, typer.Argument(help="The Parquet file to write; an older one is replaced.")],
    quiet: Quiet = False,
) -> None:
    """Write all answers to a Parquet file."""
    count = export(store, file)
    if not quiet:
        typer.echo(f"wrote {count:,} answer{'' if count == 1 else 's'} to {file}")


@storing.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A Parquet file by iomap store export.")],
    store: Annotated[Path, typer.Argument(help="The store that receives answers; made if it does not exist.")],
    quiet: Quiet = False,
) -> None:
    """Take the answers of a Parquet file into a store."""
    merged = load(file, store, progress=False if quiet else None)
    if not quiet:
        typer.echo(str(merged))
