"""Entry point of the ``iomap`` command."""

from __future__ import annotations

import sys

import typer

from probes.errors import InputError, IomapError
from surrogates.cli import anchor, behave, compare, explain, explain_many, saved_result, shapley, store
from surrogates.cli.app import app
from surrogates.visible import in_line

__all__ = ["COMMANDS", "main"]

#: one module a command, each of which adds itself to the application when it is imported
COMMANDS = (explain, explain_many, compare, anchor, shapley, behave, saved_result, store)


def main() -> None:
    """Run the command line: errors in one line, exit code 2 for input, 1 for what fails on the way, 130 for Ctrl-C."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        typer.echo(in_line(f"iomap: {error}"), err=True)
        sys.exit(2)
    except (IomapError, OSError) as error:
        typer.echo(in_line(" ".join([f"iomap: {error}", *getattr(error, "__notes__", ())])), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("iomap: interrupted; answers so far are in the store", err=True)
        sys.exit(130)
