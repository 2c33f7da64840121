"""Values as plain data and back: what JSON has, and the types that results declare.

:func:`plain` writes any dataclass by its fields, arrays and tuples as lists, tables by column, what is not finite as
null. :func:`read` is its inverse: it takes the type that a field declares, checks the data against it, and names the
place where they differ. Types that are written in another way register both directions in :data:`READERS` and by
``plain.register``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache, partial, singledispatch
from reprlib import Repr
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.table_columns import shown
from surrogates.results.possible import impossible

__all__ = ["MAY_LACK", "READERS", "Columns", "Damaged", "Json", "plain", "read"]

#: a JSON object
Json: TypeAlias = dict[str, Any]
#: makes a value of plain data and their place
Reader: TypeAlias = Callable[[object, str], Any]
#: types that are read in another way than by their fields: functions of the data and its place
READERS: dict[Any, Reader] = {}
#: metadata of a field of a dataclass that files from before it do not hold: its default stands there
MAY_LACK = {"may lack": True}

_DEEPEST = 60
_DIMENSIONS = 8
_LARGEST = float(np.finfo(float).max)


_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 40


class Damaged(ValueError):
    """Data that are not what a type declares."""

    def __init__(self, where: str, rule: str, received: object):
        shown = _SHORT.repr(received)  # in a time that does not grow with what was received
        super().__init__(f"{where or 'it'} must {rule}; got {shown if len(shown) <= 60 else shown[:57] + '...'}")


class Columns:
    """Names of the columns that a table must have, unless it is empty; goes with ``Annotated[pd.DataFrame, ...]``."""

    def __init__(self, words: str, numbers: str = ""):
        self.words, self.numbers = words.split(), numbers.split()


@singledispatch
def plain(value: object) -> Any:
    """Convert a value to plain data.

    Examples
    --------
    >>> plain({"r2": (np.float64(0.5), np.nan), "rows": np.arange(2)})
    {'r2': [0.5, None], 'rows': [0, 1]}
    """
    if value is None or isinstance(value, (str, int)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.init}
    return repr(value)  # JSON has no word for it


@plain.register
def _(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


@plain.register(datetime)
@plain.register(timedelta)
def _(value: datetime | timedelta) -> str | None:
    return None if pd.isna(value) else shown(value)


@plain.register
def _(value: np.generic) -> Any:
    return plain(pd.Series([value]).iloc[0] if value.dtype.kind in "mM" else value.item())


@plain.register
def _(value: np.ndarray) -> list:
    if value.dtype.kind in "mM":
        return plain(pd.Series(value).tolist())
    clean = value.dtype.kind in "iub" or (value.dtype.kind == "f" and bool(np.isfinite(value).all()))
    return value.tolist() if clean else plain(value.tolist())


@plain.register(list)
@plain.register(tuple)
def _(value: Sequence[object]) -> list:
    return [plain(v) for v in value]


@plain.register
def _(value: Mapping) -> Json:
    return {str(k): plain(v) for k, v in value.items()}


@plain.register
def _(value: pd.DataFrame) -> dict[str, list]:
    return {str(name): plain(column.to_numpy()) for name, column in value.items()}


def read(kind: Any, data: object, where: str = "") -> Any:
    """Convert plain data to a declared type.

    Parameters
    ----------
    kind : type
        A class of the standard types, a dataclass, a TypedDict, an array ``np.ndarray`` of floats, a DataFrame, or what
        :mod:`typing` makes of these.
    data : object
        As :func:`plain` makes it.
    where : str
        What the data are called in errors.

    Raises
    ------
    Damaged
        If the data are not of that type.

    Examples
    --------
    >>> read(tuple[float, ...], [1, None])
    (1.0, nan)
    >>> read(dict[str, int], {"rows": "many"}, "cost")
    Traceback (most recent call last):
    surrogates.results.plain.Damaged: cost.rows must be an integer; got 'many'
    """
    return _reader(kind)(data, where)


@cache
def _reader(kind: Any) -> Reader:
    """Find out once how a type is read; a function of the data and its place."""
    if kind is Any or kind is object:
        return _shallow
    if isinstance(kind, type) and kind in READERS:
        return READERS[kind]
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return partial(_one_of, NoneType in arguments, [_reader(part) for part in arguments if part is not NoneType])
    if origin is Literal:
        return partial(_known, arguments)
    if origin is Annotated:
        return partial(_table, columns=arguments[1]) if arguments[0] is pd.DataFrame else _reader(arguments[0])
    if origin is tuple and arguments[1:] != (...,):
        return partial(_pair, [_reader(part) for part in arguments])
    if origin in (tuple, list, Sequence):
        return partial(_items, list if origin is list else tuple, _reader(arguments[0]))
    if origin in (dict, Mapping):
        return partial(_values, _reader(arguments[1]))
    if is_typeddict(kind):
        return partial(_typed_dict, kind)
    if is_dataclass(kind):
        return partial(_dataclass, kind)
    raise TypeError(f"{kind!r} cannot be read")  # a field declares what nothing above knows


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else str(name)


def _items(made: type, item: Reader, data: object, where: str) -> Any:
    return made([item(v, f"{where}[{i}]") for i, v in enumerate(_list(data, where))])


def _values(value: Reader, data: object, where: str) -> Json:
    return {k: value(v, _inside(where, k)) for k, v in _object(data, where).items()}


@cache
def _fields(kind: Any) -> dict[str, Reader]:
    hints = get_type_hints(kind, include_extras=True)
    return {f.name: _reader(hints[f.name]) for f in fields(kind) if f.init}


@cache
def _required(kind: Any) -> list[str]:
    return [f.name for f in fields(kind) if f.init and not f.metadata.get("may lack")]


def _dataclass(kind: Any, data: object, where: str) -> Any:
    given, known = _object(data, where), _fields(kind)
    _complete(_required(kind), given, where)
    values = {name: reader(given[name], _inside(where, name)) for name, reader in known.items() if name in given}
    _check_possible(values, where)
    try:
        return kind(**values)
    except InputError as error:
        raise Damaged(where, f"be valid ({error})", data) from error


@cache
def _keys(kind: Any) -> tuple[dict[str, Reader], list[str]]:
    """Return how the keys of a TypedDict are read, and which are required."""
    hints = get_type_hints(kind, include_extras=True)
    known = {
        name: _reader(get_args(hint)[0] if get_origin(hint) is NotRequired else hint) for name, hint in hints.items()
    }
    return known, [name for name, hint in hints.items() if get_origin(hint) is not NotRequired]


def _typed_dict(kind: Any, data: object, where: str) -> Json:
    given, (known, required) = _object(data, where), _keys(kind)
    _complete(required, given, where)
    values = {k: known.get(k, _shallow)(v, _inside(where, k)) for k, v in given.items()}
    _check_possible({k: values[k] for k in known if k in values}, where)
    return values


def _check_possible(values: Mapping[str, object], where: str) -> None:
    if wrong := impossible(values):
        name, rule, received = wrong
        raise Damaged(_inside(where, name), rule, received)


def _complete(names: Iterable[str], given: Mapping[str, object], where: str) -> None:
    if lacking := [name for name in names if name not in given]:
        raise Damaged(where, f"have {', '.join(lacking)}", sorted(given)[:5])


def _one_of(optional: bool, kinds: Sequence[Reader], data: object, where: str) -> Any:
    if data is None and optional:
        return None
    for kind in kinds[:-1]:
        try:
            return kind(data, where)
        except Damaged:
            continue
    return kinds[-1](data, where)


def _known(values: Sequence[object], data: object, where: str) -> Any:
    if not any(data == value and type(data) is type(value) for value in values):
        raise Damaged(where, f"be one of {', '.join(map(str, values))}", data)
    return data


def _pair(kinds: Sequence[Reader], data: object, where: str) -> tuple[Any, ...]:
    items = _list(data, where)
    if len(items) != len(kinds):
        raise Damaged(where, f"have {len(kinds)} items", data)
    return tuple(kind(v, f"{where}[{i}]") for i, (kind, v) in enumerate(zip(kinds, items, strict=True)))


def _list(data: object, where: str) -> list[Any]:
    if not isinstance(data, list):
        raise Damaged(where, "be a list", data)
    return data


def _object(data: object, where: str) -> Json:
    if not isinstance(data, dict):
        raise Damaged(where, "be an object", data)
    return data


def _shallow(data: object, where: str, left: int = _DEEPEST) -> Any:
    """Return data of any type, if they are not nested so deeply that writing them would fail."""
    if isinstance(data, (list, dict)):
        if not left:
            raise Damaged(where, f"be nested at most {_DEEPEST} deep", type(data))
        for v in data.values() if isinstance(data, dict) else data:
            _shallow(v, where, left - 1)
    return data


def _float(data: object, where: str) -> float:
    if data is None:
        return math.nan
    if isinstance(data, bool) or not isinstance(data, (int, float)) or not abs(data) <= _LARGEST:
        raise Damaged(where, "be a number", data)
    return float(data)


def _int(data: object, where: str) -> int:
    if isinstance(data, bool) or not isinstance(data, int) or not abs(data) < 2**63:
        raise Damaged(where, "be an integer", data)
    return data


def _array(data: object, where: str) -> np.ndarray:
    if not isinstance(data, list):
        raise Damaged(where, "be a list of numbers", data)
    try:
        array = np.array(data, dtype=object)  # by kind, numpy would give every item the room of the longest text
    except ValueError as error:
        raise Damaged(where, f"be rows of one length ({error})", data) from error
    if array.ndim > _DIMENSIONS:
        raise Damaged(where, f"be nested at most {_DIMENSIONS} deep", data)
    if set(map(type, array.flat)) <= {float} and np.isfinite(floats := array.astype(float)).all():
        return floats
    return np.array([_float(v, where) for v in array.flat], dtype=float).reshape(array.shape)


def _table(data: object, where: str, columns: Columns | None = None) -> pd.DataFrame:
    given = {name: _list(column, _inside(where, name)) for name, column in _object(data, where).items()}
    if len({len(column) for column in given.values()}) > 1:
        raise Damaged(where, "have columns of one length", {name: len(column) for name, column in given.items()})
    if columns is not None and given:
        _complete([*columns.words, *columns.numbers], given, where)
        _ = [_text(v, _inside(where, name)) for name in columns.words for v in given[name]]
        numbers = {n: [_float(v, _inside(where, n)) for v in given[n]] for n in columns.numbers if None in given[n]}
        for name in columns.numbers:
            _array(given[name], _inside(where, name))
        given |= numbers
        _check_possible({n: given[n] for n in columns.numbers}, where)
    try:
        return pd.DataFrame(given)
    except (OverflowError, ValueError) as error:  # a whole number beyond all floats, in some releases
        raise Damaged(where, f"hold what a table can ({error})", data) from error


def _instance(kind: type, rule: str) -> Callable[[object, str], Any]:
    def check(data: object, where: str) -> Any:
        if not isinstance(data, kind):
            raise Damaged(where, rule, data)
        return data

    return check


_text = _instance(str, "be text")
#: types without parts
_SIMPLE: dict[Any, Reader] = {
    float: _float,
    int: _int,
    str: _text,
    bool: _instance(bool, "be true or false"),
    NoneType: _instance(NoneType, "be null"),
    dict: _object,
    np.ndarray: _array,
    pd.DataFrame: _table,
}
