"""JsonlFile: explanations in one file, one JSON line each, appended when finished and read when wanted.

A line is whole if it begins and ends with the same key. Lines of all formats may stand in one file.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from probes.errors import InputError, StoreError
from surrogates.local.explanation import Explanation
from surrogates.results.plain import Json, read

__all__ = ["Entry", "Failure", "JsonlFile", "failed_line"]

log = logging.getLogger(__name__)

_NAME = "explanations.jsonl"
#: a whole line begins and ends with the same key
_COMPLETE = re.compile(rb'^\{"key": "([0-9a-f]{64})", .*"end": "\1"\}\n$', re.DOTALL)
_START, _KEY = b'{"key": "', rb'[0-9a-f]{0,64}|[0-9a-f]{64}"'
_LONGEST = 2**28  # bytes of a line
_AGAIN = "Run explain_many again: answers that are in the store are not asked for again."


@dataclass(frozen=True)
class Failure:
    """An item that could not be explained.

    Attributes
    ----------
    index : int
        Its place among the items, from 0.
    label : str or int
    error : str
        Kind and message.
    """

    index: int
    label: str | int
    error: str

    def __str__(self) -> str:
        return f"{self.label}: {self.error}"


@dataclass(frozen=True)
class Entry:
    """An explanation of one item, in memory or in a file.

    Attributes
    ----------
    key : str
        Digest of the question: probe, model and settings.
    index : int
        Its place among the items, from 0.
    label : str or int
        The row's label in a table, otherwise its place.
    row : dict or None
        For tables: the item by column.
    source : Explanation, or (Path, int)
        The explanation, or the file that holds it and where its line begins.
    earlier : bool
        Whether an earlier run had explained it.
    """

    key: str
    index: int
    label: str | int
    row: Json | None
    source: Explanation | tuple[Path, int] = field(repr=False)
    earlier: bool = False

    def load(self) -> Explanation:
        """Read the explanation.

        Raises
        ------
        StoreError
            If the file that held it is gone, or holds something else now.
        """
        if isinstance(self.source, Explanation):
            return self.source
        try:
            return Explanation.from_data(json.loads(self.line())["explanation"])
        except (ValueError, KeyError, RecursionError) as error:
            raise StoreError(
                f"Line {_number(*self.source)} of {self.source[0]}, of {self.label!r}, is damaged ({error}). {_AGAIN}"
            ) from error

    def sound(self) -> bool:
        """Return whether the explanation can be read; a warning in the log says why not."""
        try:
            self.load()
        except StoreError as error:
            log.warning("%s", error)
            return False
        return True

    def line(self) -> bytes:
        """Return the line that stands for the entry in a file.

        Raises
        ------
        StoreError
            As :meth:`load` does.
        """
        if not isinstance(self.source, Explanation):
            path, start = self.source
            try:
                with path.open("rb") as file:
                    file.seek(start)
                    line = file.readline()
            except OSError as error:
                raise StoreError(f"The explanations in {path} cannot be read: {error}. {_AGAIN}") from error
            complete = _COMPLETE.match(line)
            if complete is None or complete[1].decode() != self.key:
                raise StoreError(f"The file of explanations {path} has changed since {self.label!r} was read. {_AGAIN}")
            return line
        head = {"key": self.key, "index": self.index, "label": self.label, "row": self.row}
        text = json.dumps(head, ensure_ascii=False)[:-1]
        return f'{text}, "explanation": {self.source.to_json()}, "end": "{self.key}"}}\n'.encode()


@dataclass(frozen=True)
class Head:
    """A line with an explanation, without that."""

    key: str
    index: int
    label: str | int
    row: Json | None


@dataclass(frozen=True)
class FailedHead:
    """A line with a failure."""

    key: str
    index: int
    label: str | int
    error: str


class JsonlFile:
    """A file of explanations that one process appends to.

    Parameters
    ----------
    path : str or Path
        A file, or a folder: the file is then ``explanations.jsonl`` in it. Made when something is written.

    Raises
    ------
    InputError
        If the path cannot be one.
    """

    def __init__(self, path: str | Path):
        if not isinstance(path, (str, Path)) or not str(path) or "\0" in str(path):
            raise InputError("output", "be a path", path)
        self.path = Path(path).expanduser()
        if self.path.is_dir() or not self.path.suffix:
            self.path = self.path / _NAME

    def check(self) -> None:
        """See that explanations can be added: the file is called so and is new, empty or one of ours; make its folder.

        Raises
        ------
        InputError
        """
        if self.path.suffix != ".jsonl":
            raise InputError("output", "end in .jsonl, or be a folder", str(self.path))
        self.make_folder()
        try:
            with self.path.open("rb") as file:
                first = file.readline(len(_START) + 65)
        except FileNotFoundError:
            self._try()
            return
        except OSError as error:
            raise InputError("output", f"be a file that can be read and added to ({error})", str(self.path)) from error
        head = first.removesuffix(b"\n")
        # a first line that was cut off is ours all the same
        ours = _START.startswith(head[: len(_START)]) and re.fullmatch(_KEY, head[len(_START) :])
        if first and not (head and ours):
            rule = "name a new file or one of explanations; this one holds something else"
            raise InputError("output", rule, str(self.path))
        self._try()

    def _try(self) -> None:
        """Check that something could be added, before anything is asked; leaves no file behind that was not there."""
        there = self.path.exists()
        try:
            with self.path.open("ab"):
                pass
            if not there:
                self.path.unlink()
        except OSError as error:
            raise InputError("output", f"be a file that can be added to ({error})", str(self.path)) from error

    def make_folder(self) -> None:
        """Make the folder that the file is to lie in.

        Raises
        ------
        InputError
            If it cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError("output", f"be a file or folder that can be made ({error})", str(self.path)) from error

    def entries(self) -> Iterator[Entry]:
        """Yield complete lines that hold an explanation, in the order of the file; torn lines are passed over."""
        for start, head in self._heads():
            if isinstance(head, Head):
                yield Entry(head.key, head.index, head.label, head.row, (self.path, start))

    def failures(self) -> Iterator[tuple[str, Failure]]:
        """Yield complete lines that hold a failure, with their keys."""
        for _, head in self._heads():
            if not isinstance(head, Head):
                yield head.key, Failure(head.index, head.label, head.error)

    def _heads(self) -> Iterator[tuple[int, Head | FailedHead]]:
        """Yield where every complete line begins, and all of it but the explanation; others are passed over."""
        if not self.path.exists():
            return
        start = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
                if _COMPLETE.match(line) and (head := _head(line, f"line {number} of {self.path}")) is not None:
                    yield start, head
                start += len(line)

    def add(self, entry: Entry) -> Entry:
        """Append an explanation; what is returned no longer holds it in memory."""
        return Entry(entry.key, entry.index, entry.label, entry.row, (self.path, self._append(entry.line())))

    def fail(self, key: str, failure: Failure) -> None:
        """Append a failure."""
        self._append(failed_line(key, failure))

    def _append(self, line: bytes) -> int:
        try:
            with self.path.open("ab+") as file:
                end = file.seek(0, 2)
                if end:
                    file.seek(-1, 2)
                    if file.read(1) != b"\n":  # the last writer was cut off
                        file.seek(0, 2)
                        file.write(b"\n")
                        end += 1
                file.write(line)
                file.flush()
        except OSError as error:
            raise StoreError(
                f"The explanations cannot be written to {self.path}: {error}. Earlier ones are kept."
            ) from error
        return end


def failed_line(key: str, failure: Failure) -> bytes:
    """Write a failure as a line of a file."""
    data = {"key": key, "index": failure.index, "label": failure.label, "error": failure.error, "end": key}
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


def _number(path: Path, start: int) -> int:
    """Return the number, from 1, of the line that begins at a byte of a file; 0 if the file is gone."""
    try:
        with path.open("rb") as file:
            return 1 + sum(part.count(b"\n") for part in iter(lambda: file.read(min(start - file.tell(), 2**20)), b""))
    except OSError:
        return 0


def _head(line: bytes, where: str) -> Head | FailedHead | None:
    """Return all of a line but the explanation; None, and a warning in the log, if it is damaged."""
    try:
        data = json.loads(line)
        explained = data.pop("explanation", None) is not None
        fields: Head | FailedHead = read(Head if explained else FailedHead, data)
    except (ValueError, RecursionError) as error:
        log.warning("%s is damaged and passed over: %s", where, error)
        return None
    return fields
