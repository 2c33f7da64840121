"""axe-core, the checks of accessibility: fetched once with npm into ``build/``, never part of the package."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.helpers.checkout import ROOT

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
_FILE = ROOT / "build" / f"axe-core-{VERSION}.min.js"
#: a registry may be slow for a while
_TRIES = 3
#: how grave a finding is that no page may have
GRAVE = ("serious", "critical")


@cache
def source() -> str | None:
    """Return the code of axe-core; None where it cannot be fetched."""
    if not _FILE.exists() and not _fetched():
        return None
    code = _FILE.read_bytes()
    if hashlib.sha256(code).hexdigest() != SHA256:
        raise ValueError(f"{_FILE} is not axe-core {VERSION} as it was released")
    return code.decode()


def _fetched() -> bool:
    npm = shutil.which("npm")
    if npm is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", folder]
        if not any(_packed(command, folder) for _ in range(_TRIES)):
            return False
        with tarfile.open(fileobj=io.BytesIO(next(Path(folder).glob("*.tgz")).read_bytes())) as packed:
            member = packed.extractfile("package/axe.min.js")
            assert member is not None
            code = member.read()
    _FILE.parent.mkdir(exist_ok=True)
    partial = _FILE.with_suffix(f".{os.getpid()}")
    partial.write_bytes(code)
    partial.replace(_FILE)  # at once, whichever worker comes first
    return True


def _packed(command: list[str], folder: str) -> bool:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, timeout=120).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def findings(view: Any, code: str) -> list[str]:
    """Return what is gravely wrong with a page that is open in a browser: the rule, and the first places."""
    if view.evaluate("typeof axe === 'undefined'"):
        view.evaluate(code)
    options = "{preload: false, resultTypes: ['violations']}"  # all rules run; what passes is not written up
    found = view.evaluate(f"axe.run(document, {options}).then(result => result.violations)")
    return [
        f"{one['id']} ({one['impact']}): " + "; ".join(node["html"][:160] for node in one["nodes"][:3])
        for one in found
        if one["impact"] in GRAVE
    ]
