"""Features of rows that stand for themselves: columns of a table, and words of a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_timedelta64_dtype

from probes.errors import InputError
from probes.model import Prompt, as_prompt
from probes.probe import Feature
from surrogates.results.plain import Json, plain
from surrogates.terms import Box

__all__ = ["LEVELS", "Column", "Rows", "columns_of", "dates_in", "encoded", "in_words", "without_word", "words_in"]

#: rows of a table, or texts (chats)
Rows: TypeAlias = pd.DataFrame | Sequence[Prompt]

#: most levels of a column that is not numeric; the others count as other
LEVELS = 12
#: most words of texts; the least and the largest share of the texts that one may be in, and the fewest texts
_WORDS, _RARE, _COMMON, _FEWEST = 400, 0.005, 0.98, 4
#: nanoseconds of a day
_DAY = 86_400_000_000_000
#: a date as text
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d|$)")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Column:
    """A feature of a row: a column's number, whether it has a level, or whether it is missing; or a word of a text.

    Attributes
    ----------
    name : str
        Of the column; the word.
    kind : {"number", "date", "level", "missing", "word", "length"}
        A "date" is in days since 1970; "word" is whether a text has it, "length" how many words a text has.
    level : str, bool, int, float or None
        For a level, which.
    """

    name: str
    kind: Literal["number", "date", "level", "missing", "word", "length"]
    level: str | bool | int | float | None = None

    @property
    def binary(self) -> bool:
        """Whether it is 0 or 1."""
        return self.kind not in ("number", "date", "length")

    @property
    def feature(self) -> Feature:
        """What terms are about."""
        if not self.binary:
            return Feature(self.name, "real")
        if self.kind == "word":
            return Feature(self.name)
        return Feature(f"{self.name} missing" if self.kind == "missing" else f"{self.name} = {self.level}")

    def said(self, low: float, high: float) -> str:
        """Put the condition low < value ≤ high in words.

        Examples
        --------
        >>> Column("job", "level", "clerk").said(-np.inf, 0.5), Column("age", "number").said(40, np.inf)
        ('job is not clerk', 'age > 40')
        """
        if self.kind == "missing":
            return f"{self.name} is {'missing' if high >= 1 else 'known'}"
        if self.kind == "level":
            return f"{self.name} is {'' if high >= 1 else 'not '}{self.level}"
        if self.kind == "word":
            return f"{'contains' if high >= 1 else 'does not contain'} “{self.name}”"
        below, above = (self._written(value) for value in (high, low))
        if np.isinf(low):
            return f"{self.name} ≤ {below}"
        return f"{self.name} > {above}" if np.isinf(high) else f"{above} < {self.name} ≤ {below}"

    def _written(self, value: float) -> str:
        """Write a cut in full: rounded it would lie elsewhere."""
        if self.kind == "date" and np.isfinite(value):
            moment = pd.Timestamp(round(value * _DAY))
            return moment.isoformat(" ") if moment != moment.normalize() else moment.date().isoformat()
        return f"{value:.15g}"


@plain.register
def _(column: Column) -> Json:
    level = plain(column.level)
    if level is not None and not isinstance(column.level, (str, bool, int, float, np.generic)):
        raise InputError("columns", "have levels of text, numbers or truth values to be saved", column.level)
    return {"name": column.name, "kind": column.kind, "level": level}


def in_words(box: Box, columns: Sequence[Column]) -> str:
    """Put a conjunction about columns in words."""
    return " and ".join(columns[j].said(low, high) for j, low, high in box.conditions) or "always"


def words_in(text: Prompt) -> set[str]:
    """Return the words of a text or a chat, in lower case.

    Examples
    --------
    >>> sorted(words_in("Don't stop, don't."))
    ["don't", 'stop']
    """
    return set(_WORD.findall(_joined(text).casefold()))


def without_word(text: Prompt, word: str) -> Prompt:
    """Leave out a word of a text or a chat, wherever it stands.

    Examples
    --------
    >>> without_word("So good! So very good.", "so")
    'good! very good.'
    """

    def left(words: str) -> str:
        kept = _WORD.sub(lambda found: "" if found.group().casefold() == word else found.group(), words)
        return re.sub(r"[^\S\n]{2,}", " ", kept).strip()

    if isinstance(text, str):
        return left(text)
    pairs = zip(text, as_prompt(text), strict=True)
    return [
        {**given, "content": left(content)} if isinstance(given, Mapping) else (role, left(content), *more)
        for given, (role, content, *more) in pairs
    ]


def _joined(text: Prompt) -> str:
    return text if isinstance(text, str) else "\n".join(message[1] for message in as_prompt(text))


def columns_of(
    rows: Rows, marked: np.ndarray | None = None, levels: int = LEVELS, dates: Collection[str] | None = None
) -> tuple[tuple[Column, ...], dict[str, float], tuple[str, ...]]:
    """Make features of rows.

    Of a table: numbers and dates as they are, 0/1 for levels of anything else and for "missing". Of texts: their length
    and words that are in some but not in all.

    Parameters
    ----------
    rows : DataFrame or sequence of n texts or chats
    marked : ndarray of bool ``(n,)``, optional
        Where there are too many levels or words, those are kept that tell these rows best from the others; by default
        the most frequent ones.
    levels : int
        Most levels of a column.
    dates : names of columns, optional
        Which columns of texts are dates, where `rows` are some of those that will be encoded; by default those that
        hold nothing else.

    Returns
    -------
    columns : tuple of Column
    middles : dict of str to float
        What stands in for a missing number.
    notes : tuple of str
        What was left out.
    """
    if isinstance(rows, pd.DataFrame):
        return _of_table(rows, marked, levels, dates)
    each = [words_in(text) for text in rows]
    seen = Counter(word for words in each for word in words)
    fewest, most = max(_FEWEST, _RARE * len(rows)), _COMMON * len(rows)
    words = [word for word, times in seen.most_common() if fewest <= times <= most]
    if marked is not None and len(words) > _WORDS:
        inside = Counter(word for words_, mark in zip(each, marked, strict=True) if mark for word in words_)
        words.sort(key=lambda word: -_told(inside[word], seen[word], int(marked.sum()), len(rows)))
    notes = (f"In no rule: {len(words) - _WORDS} of {len(words)} words.",) if len(words) > _WORDS else ()
    columns = Column("number of words", "length"), *(Column(word, "word") for word in words[:_WORDS])
    return columns, {}, notes


def _told(both: int, times: int, marked: int, rows: int) -> float:
    """Return how far a share of rows lies from the share of marked rows in them, in standard errors."""
    share = marked / rows
    return abs(both - share * times) / np.sqrt(times)


def _of_table(
    frame: pd.DataFrame, marked: np.ndarray | None, most: int, dates: Collection[str] | None
) -> tuple[tuple[Column, ...], dict[str, float], tuple[str, ...]]:
    columns: list[Column] = []
    middles, notes = {}, []
    for label, given in frame.items():
        name = str(label)
        given = _as_dates(given) if dates is None or name in dates else given
        values = _plain_cells(given)
        gone = values.isna()
        if is_numeric_dtype(values) and not is_bool_dtype(values) and not gone.all():
            kind: Literal["number", "date"] = "date" if _is_date(given) else "number"
            columns.append(Column(name, kind))
            middles[name] = float(values.median())
        else:
            known = values.dropna()
            counts = _counted(known)
            ranked = list(counts)
            if marked is not None and len(ranked) > most:
                inside = _counted(known[marked[~gone.to_numpy()]])
                sizes = int(marked.sum()), len(frame)
                ranked.sort(key=lambda level: -_told(inside.get(level, 0), counts[level], *sizes))
            levels = [level for _, level in ranked]
            if len(levels) > most:
                notes.append(f"Counted as other: {len(levels) - most} of {len(levels)} levels of {name}.")
            used = _one_of(levels) if len(levels) == 2 and not gone.any() else levels[:most]
            columns += [Column(name, "level", level) for level in used]
        if gone.any() and not gone.all():
            columns.append(Column(name, "missing"))
    return tuple(columns), middles, tuple(notes)


def _counted(values: pd.Series) -> dict[tuple[bool, Any], int]:
    """Count (whether it is a truth value, level), the most frequent first: 1 and True are two levels."""
    truth = values.map(_is_truth).astype(bool)
    counted = [
        ((flag, level), int(times))
        for flag in (True, False)
        for level, times in values[truth == flag].value_counts().items()
    ]
    return dict(sorted(counted, key=lambda pair: -pair[1]))


def _is_truth(cell: Any) -> bool:
    return isinstance(cell, (bool, np.bool_))


def dates_in(rows: Rows) -> set[str]:
    """Return the names of the columns that are dates, of a type or as texts in every row."""
    columns = rows.items() if isinstance(rows, pd.DataFrame) else ()
    return {str(name) for name, values in columns if _is_date(_as_dates(values))}


def _as_dates(values: pd.Series) -> pd.Series:
    """Return a column of dates as such where they are texts, as in CSV files: 2024-03-01, perhaps with a time."""
    known = values.dropna()
    if not (known.dtype == object or pd.api.types.is_string_dtype(known.dtype)) or not len(known):
        return values
    if not all(isinstance(cell, str) and _DATE.match(cell) for cell in known):
        return values
    try:
        return pd.to_datetime(values, format="ISO8601")
    except ValueError:  # 2024-02-31, or dates of several time zones
        return values


def _is_date(values: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(values.dtype)


def _plain_cells(values: pd.Series) -> pd.Series:
    """Return a column of numbers, texts and truth values: dates and spans of time in days, all else as it reads."""
    if _is_date(values) or is_timedelta64_dtype(values.dtype):
        whole = values.dt.tz_localize(None) if getattr(values.dt, "tz", None) is not None else values
        nanoseconds = whole.astype("datetime64[ns]" if _is_date(values) else "timedelta64[ns]").astype("int64")
        return (nanoseconds / _DAY).where(values.notna())
    if is_numeric_dtype(values) or is_bool_dtype(values):
        return values
    return values.astype(object).map(_plain_cell, na_action="ignore")


def _plain_cell(cell: Any) -> Any:
    return cell if isinstance(cell, (str, bool, int, float, np.generic)) else str(cell)


def _one_of(levels: Sequence[Any]) -> list[Any]:
    """Choose which of two levels is told: the true one, else the more frequent first."""
    return [level for level in levels if level is True] or list(levels[:1])


def encoded(rows: Rows, columns: Sequence[Column], middles: Mapping[str, float], parameter: str = "rows") -> np.ndarray:
    """Convert rows to features, ``(n, c)``; errors call them `parameter`.

    A missing number or date is what `middles` says of its column, NaN where they do not.

    Raises
    ------
    InputError
        If they are of another kind, or lack a column.
    """
    texts = any(column.kind in ("word", "length") for column in columns)
    if texts == isinstance(rows, pd.DataFrame):
        raise InputError(parameter, "be texts" if texts else "be a table, a DataFrame", rows)
    if not isinstance(rows, pd.DataFrame):
        return _of_texts(rows, columns)
    table = rows.set_axis(list(map(str, rows.columns)), axis=1)
    if lacking := sorted({column.name for column in columns} - set(table.columns)):
        raise InputError(parameter, f"have the columns {', '.join(lacking)}", list(rows.columns))
    dates = {column.name for column in columns if column.kind == "date"}
    cells = {
        name: _plain_cells(_as_dates(table[name]) if name in dates else table[name])
        for name in dict.fromkeys(column.name for column in columns)
    }
    out = []
    for column in columns:
        values: Any = cells[column.name]
        if column.kind in ("number", "date"):
            try:
                out.append(values.astype(float).fillna(middles.get(column.name, np.nan)).to_numpy())
            except (TypeError, ValueError) as error:
                rule = f"have {column.kind}s in the column {column.name}"
                raise InputError(parameter, rule, _first_wrong(table[column.name], column.kind)) from error
        elif column.kind == "missing":
            out.append(values.isna().to_numpy(dtype=float))
        else:
            same = (values == column.level).fillna(False).to_numpy(dtype=bool)
            if values.dtype == object:  # 1 and True are two levels
                same = same & np.array([_is_truth(cell) == _is_truth(column.level) for cell in values], dtype=bool)
            out.append(same.astype(float))
    return np.column_stack(out) if out else np.empty((len(rows), 0))


def _first_wrong(values: pd.Series, kind: str) -> Any:
    """Return the first cell that is no date, or no number."""
    known = values.dropna()
    read = (
        pd.to_datetime(known, errors="coerce", format="ISO8601") if kind == "date" else pd.to_numeric(known, "coerce")
    )
    return (known[read.isna()] if read.isna().any() else known).iloc[0]


def _of_texts(texts: Sequence[Prompt], columns: Sequence[Column]) -> np.ndarray:
    words = {column.name: j for j, column in enumerate(columns) if column.kind == "word"}
    lengths = [j for j, column in enumerate(columns) if column.kind == "length"]
    Z = np.zeros((len(texts), len(columns)))
    for i, text in enumerate(texts):
        Z[i, [words[word] for word in words_in(text) if word in words]] = 1.0
        Z[i, lengths] = len(_WORD.findall(_joined(text)))
    return Z
