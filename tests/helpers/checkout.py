"""Where the checkout lies, and the environment of a process that imports from it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


def environment(**more: str) -> dict[str, str]:
    """This process's environment with the checkout on the import path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
