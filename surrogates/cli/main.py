"""Entry point of the ``iomap`` command."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType

import typer

from probes import progress
from probes.errors import InputError, IomapError
from surrogates.cli import (
    anchor,
    behave,
    cards,
    compare,
    counterfactuals,
    explain,
    explain_many,
    interactions,
    saved_result,
    shapley,
    store,
)
from surrogates.cli.app import Visible, app
from surrogates.judging.notes import said
from surrogates.visible import in_line

__all__ = ["COMMANDS", "main"]

#: one module a command, each of which adds itself to the application when it is imported
COMMANDS = (
    *(explain, explain_many, compare, anchor, counterfactuals, shapley, interactions),
    *(behave, cards, saved_result, store),
)

#: where answers are: the store holds none of a function without a name, nor with --store none
_SO_FAR = "answers so far are in the store, but for functions without a name and --store none"
_INTERRUPTED = f"interrupted; {_SO_FAR}"

log = logging.getLogger(__name__)


def main() -> None:
    """Run the command line: whatever ends a run early is one line.

    Exit code 2 for input, 1 for what fails on the way, 130 for Ctrl-C, 143 for a run that is terminated.
    """
    try:
        signal.signal(signal.SIGTERM, _terminated)
        _say_progress()
        _hide_bars_of_loading()
        with said(1):
            app(prog_name="iomap", standalone_mode=True)
    except InputError as error:
        _end(f"{error}", 2)
    except (IomapError, OSError) as error:
        _end(" ".join([f"{error}", *getattr(error, "__notes__", ())]), 1)
    except KeyboardInterrupt:
        _end(_INTERRUPTED, 130)
    except SystemExit as left:  # the application makes this of Ctrl-C
        if left.code == 130:
            _end(_INTERRUPTED, 130)
        raise
    except Exception as error:
        log.info("what failed", exc_info=True)
        _end(f"{type(error).__name__}: {error} (iomap --verbose … says where)", 1)


def _terminated(number: int, frame: FrameType | None) -> None:
    _end(f"terminated; {_SO_FAR}", 128 + number)


def _end(words: str, code: int) -> None:
    """Say why the run ends, in one line, and end it."""
    typer.echo(in_line(f"iomap: {words}"), err=True)
    sys.exit(code)


def _hide_bars_of_loading() -> None:
    """Have transformers, before it is loaded, draw no bars of its own where --quiet says so or nobody sees them."""
    if {"-q", "--quiet"} & {*sys.argv} or not (sys.stderr and sys.stderr.isatty()):
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _say_progress() -> None:
    """Print lines of progress, which are written where there is no terminal; show what is unseen in what is logged."""
    lines, handler = logging.getLogger(progress.__name__), logging.StreamHandler()
    handler.setFormatter(Visible("iomap: %(message)s"))
    if logging.lastResort is not None:  # what prints warnings where nothing else does
        logging.lastResort.setFormatter(Visible("%(message)s"))
    lines.setLevel(logging.INFO)
    lines.propagate, lines.handlers = False, [handler]
