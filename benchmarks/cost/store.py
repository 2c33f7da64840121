"""The answer store at scale: bytes an answer, seconds to write and to look up, eight writers at once, moving it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cost.memory import MIB, Peak
from benchmarks.run.record import show, timed
from probes.store.schema import MIGRATIONS
from probes.store.store import Store
from probes.store.transfer import export, load, merge

__all__ = ["report", "run"]

SEED = 0
BATCH = 64  # answers of one transaction, as of one batch of questions
MODELS = 20
WRITERS = 8
LOOKUP = 10_000
TARGET_SECONDS = 1.0


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Fill a store with a million answers of one number each, in random order of keys, and use it."""
    count, lookup, each = (20_000, 1_000, 500) if quick else (1_000_000, LOOKUP, 25_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "answers.sqlite"
        writing, growth = fill(path, count)
        size = os.path.getsize(path)
        held, lookups = look_up(path, count, lookup)
        return {
            "settings": {
                "seed": SEED,
                "answers": count,
                "outputs": 1,
                "models": MODELS,
                "batch": BATCH,
                "sqlite": sqlite3.sqlite_version,
                "target_lookup_seconds": TARGET_SECONDS,
            },
            "write": {"seconds": writing, "answers_per_second": count / writing, "bytes_per_answer": size / count},
            "growth": growth,
            "lookup": {"keys": lookup, "found": held, **lookups},
            "without_models": {"bytes_per_answer": fill_schema_1(folder / "old.sqlite", count) / count},
            "writers": [write_at_once(folder, writers, each) for writers in (1, WRITERS)],
            "moving": moving(folder, path, count),
        }


def key(i: int) -> bytes:
    """The key of an answer: as random as the real ones."""
    return hashlib.sha256(b"%d" % i).digest()


def part(start: int, stop: int) -> dict[bytes, np.ndarray | str]:
    """Answers of one number each."""
    return {key(i): np.array([i / 7]) for i in range(start, stop)}


def fill(path: Path, count: int) -> tuple[float, list[dict[str, Any]]]:
    """Seconds to write, batch by batch, and the bytes on disk, log and all, at ten moments."""
    seconds, growth = 0.0, []
    with closing(Store(path)) as store:
        marks = {round(count * share / 10 / BATCH) * BATCH for share in range(1, 11)}
        for start in range(0, count, BATCH):
            answers = part(start, min(count, start + BATCH))
            began = time.perf_counter()
            store.put(answers, f"callable:model {start // BATCH % MODELS}")
            seconds += time.perf_counter() - began
            if start + BATCH in marks:
                size = store.size()
                growth.append({"answers": start + BATCH, "bytes": size, "bytes_per_answer": size / (start + BATCH)})
    return seconds, growth


def fill_schema_1(path: Path, count: int) -> int:
    """Bytes of a file without models, the layout of schema 1: what telling models apart costs."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        for statement in MIGRATIONS[0]:
            db.execute(statement)
        for start in range(0, count, BATCH):
            db.execute("BEGIN")
            rows = [(k, np.asarray(v).tobytes()) for k, v in part(start, min(count, start + BATCH)).items()]
            db.executemany("INSERT INTO answers VALUES (?, ?)", rows)
            db.execute("COMMIT")
    return os.path.getsize(path)


def look_up(path: Path, count: int, keys: int) -> tuple[int, dict[str, float]]:
    """Seconds to find random keys: first with the file out of the system's cache, then again, then unknown keys."""
    wanted = [key(int(i)) for i in np.random.default_rng(SEED).choice(count, keys, replace=False)]
    forget(path)
    with closing(Store(path)) as store:
        cold, held = timed(lambda: store.get(wanted))
        warm, _ = timed(lambda: store.get(wanted))
        unknown, none = timed(lambda: store.get(key(-1 - i) for i in range(keys)))
        assert not none
    return len(held), {"cold_seconds": cold, "warm_seconds": warm, "unknown_seconds": unknown}


def forget(path: Path) -> None:
    """Ask the system to drop what it has cached of a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_at_once(folder: Path, writers: int, each: int) -> dict[str, Any]:
    """Processes that write different answers to one file; all are counted afterwards."""
    path = folder / f"{writers}.sqlite"
    with ProcessPoolExecutor(writers, mp_context=get_context("spawn")) as pool:
        list(pool.map(_awake, range(writers)))
        spent, longest = timed(lambda: max(pool.map(_write, [path] * writers, range(writers), [each] * writers)))
    with closing(Store(path)) as store:
        kept = len(store)
    assert kept == writers * each, f"{writers * each - kept} answers are lost"
    row = {"writers": writers, "answers": kept, "seconds": spent, "answers_per_second": kept / spent}
    return {**row, "longest_wait_seconds": longest}


def _awake(number: int) -> None:
    time.sleep(0.3)  # so that every process of the pool gets one of these, and has imported


def _write(path: Path, number: int, each: int) -> float:
    """The longest that one batch took."""
    waits = []
    with closing(Store(path)) as store:
        for start in range(number * each, (number + 1) * each, BATCH):
            answers = part(start, min((number + 1) * each, start + BATCH))
            waits.append(timed(lambda answers=answers: store.put(answers, f"callable:model {number}"))[0])  # type: ignore[misc]
    return max(waits)


def moving(folder: Path, path: Path, count: int) -> list[dict[str, Any]]:
    """Export, import and merge of all answers, each in a process of its own."""
    file, steps = folder / "answers.parquet", (_export, _load, _merge)
    rows = []
    for step in steps:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            alone.submit(_awake, 0).result()
            name, seconds, growth, size = alone.submit(step, folder, path, file).result()
        rows.append({"step": name, "seconds": seconds, "memory_growth_mib": growth, "bytes_per_answer": size / count})
    return rows


def _export(folder: Path, path: Path, file: Path) -> tuple[str, float, float, int]:
    return "export", *watched(lambda: export(path, file)), os.path.getsize(file)


def _load(folder: Path, path: Path, file: Path) -> tuple[str, float, float, int]:
    new = folder / "loaded.sqlite"
    return "import", *watched(lambda: load(file, new, progress=False)), os.path.getsize(new)


def _merge(folder: Path, path: Path, file: Path) -> tuple[str, float, float, int]:
    new = folder / "merged.sqlite"
    return "merge", *watched(lambda: merge(new, [path], progress=False)), os.path.getsize(new)


def watched(action: Callable[[], Any]) -> tuple[float, float]:
    """Seconds, and by how much the process's resident memory grew at its highest, in MiB."""
    with Peak() as peak:
        seconds, _ = timed(action)
    return seconds, peak.growth / MIB


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    settings = result["settings"]
    show(f"{settings['answers']:,} answers of one number, {settings['batch']} a transaction", [result["write"]])
    show("Bytes on disk as it grows, with the log", result["growth"])
    show("Without the number of the model (schema 1)", [result["without_models"]])
    show(f"Lookup (target {settings['target_lookup_seconds']} s)", [result["lookup"]])
    show("Processes that write to one file", result["writers"])
    show("Moving all answers, each step in a fresh process", result["moving"])
