"""What a wheel and a source distribution must hold, and what they must not."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

PACKAGES = ("probes", "surrogates")
#: what loads the command line
COMMAND = "iomap.py"
#: files at the top of the source distribution
SOURCES = ("LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "Makefile", "setup.cfg", "pyproject.toml")


def package_files(root: Path) -> set[str]:
    """List the command and the files of both packages in a checkout, templates, styles and type markers included."""
    return {COMMAND} | {
        path.relative_to(root).as_posix()
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def wheel_files(path: Path) -> set[str]:
    """List the files of a wheel."""
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def sdist_files(path: Path) -> set[str]:
    """List the files of a source distribution, without the folder that holds them."""
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}


def wheel_faults(files: set[str], root: Path) -> list[str]:
    """List what a wheel lacks, and what it holds beside the command, the packages and their metadata."""
    installed = {name for name in files if ".dist-info/" not in name}
    expected = package_files(root)
    return [f"missing: {name}" for name in sorted(expected - installed)] + [
        f"not part of a package: {name}" for name in sorted(installed - expected)
    ]


def sdist_faults(files: set[str], root: Path) -> list[str]:
    """List what a source distribution lacks of the packages, the pages, the tests and the files at the top."""
    expected = package_files(root) | {name for name in SOURCES if (root / name).exists()}
    for folder, pattern in ((".", "*.md"), ("constraints", "*.txt"), ("docs", "**/*.md"), ("tests", "**/*.py")):
        expected |= {path.relative_to(root).as_posix() for path in (root / folder).glob(pattern)}
    return [f"missing: {name}" for name in sorted(expected - files)]
