"""Features of rows that stand for themselves: columns of a table, and words of a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from probes.errors import InputError
from probes.model import Prompt, messages_of
from probes.probe import Feature
from surrogates.results.plain import Json, plain
from surrogates.terms import Box

__all__ = ["Column", "Rows", "columns_of", "encoded", "in_words", "words_in"]

#: rows of a table, or texts (chats)
Rows: TypeAlias = pd.DataFrame | Sequence[Prompt]

#: most levels of a column that is not numeric; the rarer ones count as other
_LEVELS = 12
#: most words of texts; the least and the largest share of the texts that one may be in, and the fewest texts
_WORDS, _RARE, _COMMON, _FEWEST = 400, 0.005, 0.98, 4

_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Column:
    """A feature of a row: a column's number, whether it has a level, or whether it is missing; or a word of a text.

    Attributes
    ----------
    name : str
        Of the column; the word.
    kind : {"number", "level", "missing", "word", "length"}
        "word" is whether a text has it, "length" how many words a text has.
    level : str, bool, int, float or None
        For a level, which.
    """

    name: str
    kind: Literal["number", "level", "missing", "word", "length"]
    level: str | bool | int | float | None = None

    @property
    def binary(self) -> bool:
        """Whether it is 0 or 1."""
        return self.kind not in ("number", "length")

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
        if np.isinf(low):
            return f"{self.name} ≤ {high:.4g}"
        return f"{self.name} > {low:.4g}" if np.isinf(high) else f"{low:.4g} < {self.name} ≤ {high:.4g}"


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


def _joined(text: Prompt) -> str:
    return text if isinstance(text, str) else "\n".join(content for _, content in messages_of(text))


def columns_of(rows: Rows) -> tuple[tuple[Column, ...], dict[str, float]]:
    """Make features of rows, and what stands in for missing numbers.

    Of a table: numbers as they are, 0/1 for every level of anything else and for "missing". Of texts: their length and
    words that are in some but not in all.
    """
    if isinstance(rows, pd.DataFrame):
        return _of_table(rows)
    seen = Counter(word for text in rows for word in words_in(text))
    fewest, most = max(_FEWEST, _RARE * len(rows)), _COMMON * len(rows)
    words = [word for word, times in seen.most_common() if fewest <= times <= most][:_WORDS]
    return (Column("number of words", "length"), *(Column(word, "word") for word in words)), {}


def _of_table(frame: pd.DataFrame) -> tuple[tuple[Column, ...], dict[str, float]]:
    columns: list[Column] = []
    middles = {}
    for label, values in frame.items():
        name, gone = str(label), values.isna()
        if is_numeric_dtype(values) and not is_bool_dtype(values) and not gone.all():
            columns.append(Column(name, "number"))
            middles[name] = float(values.median())
        else:
            levels = values.dropna().value_counts().index[:_LEVELS].tolist()
            used = _one_of(levels) if len(levels) == 2 and not gone.any() else levels
            columns += [Column(name, "level", level) for level in used]
        if gone.any() and not gone.all():
            columns.append(Column(name, "missing"))
    return tuple(columns), middles


def _one_of(levels: Sequence[Any]) -> list[Any]:
    """Choose which of two levels is told: the true one, else the more frequent first."""
    return [level for level in levels if level is True] or list(levels[:1])


def encoded(rows: Rows, columns: Sequence[Column], middles: Mapping[str, float], parameter: str = "rows") -> np.ndarray:
    """Convert rows to features, ``(n, c)``; errors call them `parameter`.

    Raises
    ------
    InputError
        If they lack a column.
    """
    if not isinstance(rows, pd.DataFrame):
        return _of_texts(rows, columns)
    if lacking := sorted({column.name for column in columns} - set(map(str, rows.columns))):
        raise InputError(parameter, f"have the columns {', '.join(lacking)}", list(rows.columns))
    out = []
    for column in columns:
        values: Any = rows[column.name]
        if column.kind == "number":
            out.append(values.astype(float).fillna(middles[column.name]).to_numpy())
        elif column.kind == "missing":
            out.append(values.isna().to_numpy(dtype=float))
        else:
            out.append((values == column.level).fillna(False).to_numpy(dtype=float))
    return np.column_stack(out) if out else np.empty((len(rows), 0))


def _of_texts(texts: Sequence[Prompt], columns: Sequence[Column]) -> np.ndarray:
    words = {column.name: j for j, column in enumerate(columns) if column.kind == "word"}
    lengths = [j for j, column in enumerate(columns) if column.kind == "length"]
    Z = np.zeros((len(texts), len(columns)))
    for i, text in enumerate(texts):
        Z[i, [words[word] for word in words_in(text) if word in words]] = 1.0
        Z[i, lengths] = len(_WORD.findall(_joined(text)))
    return Z
