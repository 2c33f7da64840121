"""The ``iomap`` command: loads the command line, which takes seconds, and may be left meanwhile without a traceback."""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C while it is loaded ends it in one line, with exit status 130."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in the background of a script
    if heeded:
        signal.signal(signal.SIGINT, _leave)
    from surrogates.cli.main import main as run

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _leave(number: int, frame: FrameType | None) -> None:
    """End the process at once: an exception would come up in the midst of another package's imports."""
    os.write(2, b"iomap: interrupted\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
