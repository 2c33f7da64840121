"""Finished cases on disk, so that a run that was stopped goes on where it was, and only what changed is run again.

One JSON line a case: its key, its parameters and its outcome. The key is made of the parameters and of a *stamp* of
whatever the outcome depends on: code and versions. Lines whose stamp is no longer right are left alone and ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from tqdm.auto import tqdm

__all__ = ["carry_out", "code", "versions"]

ROOT = Path(__file__).resolve().parents[2]

#: parameters of a case, JSON values only
Case = tuple[Any, ...]
Rows = list[dict[str, Any]]


def carry_out(
    work: Callable[..., Rows], cases: Sequence[Case], stamp: Callable[[Case], str], file: Path | None, jobs: int
) -> Rows:
    """Outcomes of all cases, in their order; those in the file are not worked out again.

    Parameters
    ----------
    work : callable
        Parameters of a case → its outcome, a list of rows of JSON values.
    cases : sequence of tuple
    stamp : callable
        What a case's outcome depends on besides its parameters, as text.
    file : Path, optional
        Where lines are added as cases finish; None keeps nothing.
    jobs : int
        Processes.
    """
    keys = [_key(case, stamp(case)) for case in cases]
    done = _read(file)
    todo = [(key, case) for key, case in zip(keys, cases, strict=True) if key not in done]
    if todo:
        finished = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")(
            delayed(_keyed)(work, key, case) for key, case in todo
        )
        for key, case, rows in tqdm(finished, total=len(todo), disable=None, desc="cases"):
            done[key] = rows
            if file is not None:
                _append(file, {"key": key, "case": case, "rows": rows})
    return [row for key in keys for row in done[key]]


def _keyed(work: Callable[..., Rows], key: str, case: Case) -> tuple[str, Case, Rows]:
    return key, case, work(*case)


def _key(case: Case, stamp: str) -> str:
    return hashlib.sha256(json.dumps([case, stamp]).encode()).hexdigest()[:24]


def _read(file: Path | None) -> dict[str, Rows]:
    """Known outcomes; the last line may have been cut off."""
    if file is None or not file.exists():
        return {}
    rows = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            rows[entry["key"]] = entry["rows"]
        except (json.JSONDecodeError, KeyError):
            continue
    return rows


def _append(file: Path, entry: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab+") as out:
        if out.tell():
            out.seek(-1, 2)
            torn = out.read(1) != b"\n"
        else:
            torn = False
        out.write(b"\n" * torn + json.dumps(entry, default=lambda value: value.item()).encode() + b"\n")


@lru_cache(maxsize=64)
def code(*paths: str) -> str:
    """Digest of source files: paths from the checkout's root, a folder standing for all Python files in it."""
    mark = hashlib.sha256()
    for path in sorted(p for name in paths for p in _files(ROOT / name)):
        mark.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return mark.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


@lru_cache(maxsize=64)
def versions(*modules: str) -> str:
    """Names and versions of the distributions that modules come from."""
    return " ".join(f"{name}={number}" for name, number in _versions(modules).items())


def _versions(modules: Sequence[str]) -> dict[str, str]:
    known = packages_distributions()
    installed = {}
    for module in modules:
        for name in known.get(module, [module]):
            try:
                installed[name] = version(name)
            except PackageNotFoundError:
                installed[name] = "absent"
    return installed
