"""TabularProbe: which columns of a row a model's answer depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from probes.errors import InputError, integer
from probes.inputs.locality import Background, LocalGaussian
from probes.inputs.table_rows import Row, background_frame, instance_frame
from probes.probe import Feature, Probe, at_least_two
from probes.views import TableRow, TableView

__all__ = ["TabularProbe"]


class TabularProbe(Probe):
    """A row of a table against a background.

    Parameters
    ----------
    row : Series, one-row DataFrame, dict, or array ``(p,)``
        The instance.
    background : DataFrame ``(N, p)``, or numeric array ``(N, p)``
        What absent values are replaced from. Numeric, categorical, boolean and missing values are all allowed in a
        DataFrame; its column types are what the model will see (but numbers drawn by
        LocalGaussian are floats). With an array the model is asked with arrays.
    law : Background or LocalGaussian, optional
        What is varied and how far. By default :class:`~probes.inputs.locality.Background`.
    groups : dict of str to list of str, optional
        Columns that are kept or replaced together as one feature; columns not named stay features of their own.
    feature_names : sequence of str, optional
        Names for the columns of an array.
    random_state : int, default 0
        Chooses the background rows when there are more than the law's ``replicates``.

    Raises
    ------
    InputError
        If columns differ, a value does not fit its column's type, a category is unknown, or fewer than two features
        remain.

    Examples
    --------
    >>> background = pd.DataFrame({"age": [20.0, 40.0], "city": ["Bonn", "Rome"]})
    >>> probe = TabularProbe({"age": 30.0, "city": "Bonn"}, background)
    >>> probe.render(np.array([[1, 0]]))
        age  city
    0  30.0  Bonn
    1  30.0  Rome
    """

    def __init__(
        self,
        row: Row,
        background: pd.DataFrame | np.ndarray,
        *,
        law: Background | LocalGaussian | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        feature_names: Sequence[str] | None = None,
        random_state: int = 0,
    ):
        self.law = Background() if law is None else law
        random_state = integer("random_state", random_state, least=0)
        if groups is not None and not isinstance(groups, Mapping):
            raise InputError("groups", "be a dict of feature names and lists of columns", groups)
        if not isinstance(self.law, (Background, LocalGaussian)):
            raise InputError("law", "be Background(replicates) or LocalGaussian(width)", law)
        self.as_array = not isinstance(background, pd.DataFrame)
        frame = background_frame(background, feature_names)
        instance = instance_frame(row, frame)
        self._grouped = _groups(groups, frame.columns)
        self._whole = set(groups or ())
        width = self.law.width if isinstance(self.law, LocalGaussian) else None
        if width is not None and groups:
            raise InputError(
                "groups", "be left out with LocalGaussian, which varies every numeric column alone", groups
            )
        self._frame, self._seed = frame, random_state
        self._spread = {c: _spread(frame[c]) for c in frame.columns} if width is not None else {}
        self._background_text = [_summary(frame[c]) for c in frame.columns]
        self._columns = [[frame.columns.get_loc(c) for c in columns] for columns in self._grouped.values()]
        self._collinear = _collinear(frame, list(self._grouped.items()))
        self._settle(instance, row)

    def at(self, row: Row) -> TabularProbe:
        """The same probe of another row: background, law and groups are taken over, and not worked out again.

        Raises
        ------
        InputError
            As for a new probe.
        """
        other = copy(self)
        other._settle(instance_frame(row, self._frame), row)
        return other

    @property
    def row(self) -> dict[str, Any]:
        """The instance by column, as the model sees it."""
        return dict(zip(map(str, self._pool.columns), _cells(self._pool), strict=True))

    def _settle(self, instance: pd.DataFrame, row: Row) -> None:
        """Make the features of an instance, and choose its background rows."""
        frame, cells = self._frame, _cells(instance)
        width = self.law.width if isinstance(self.law, LocalGaussian) else None
        features = []
        for (name, columns), positions in zip(self._grouped.items(), self._columns, strict=True):
            value = cells[positions[0]]
            named = zip(columns, positions, strict=True)
            shown = ", ".join(f"{c}={_show(cells[i])}" for c, i in named) if name in self._whole else _show(value)
            spread = 0.0 if width is None or pd.isna(value) else self._spread[columns[0]]
            if width is not None and spread > 0:
                features.append(Feature(name, "real", shown, float(value), width * spread))
            else:
                features.append(Feature(name, "binary", shown))
        self.features = at_least_two(features, "row", row)

        mixed = any(f.kind == "binary" for f in features)
        self.replicates = min(self.law.replicates, len(frame)) if mixed else 1
        chosen = np.sort(np.random.default_rng(self._seed).permutation(len(frame))[: self.replicates])
        # position 0 is the instance, then the replicates
        self._pool = pd.concat([instance, frame.iloc[chosen]], ignore_index=True)
        self._chosen, self._mark = chosen, _digest(self._pool)
        partial = self.replicates < len(frame) and mixed
        sampled = f"All numbers are for the {self.replicates} background rows used, of {len(frame)}."
        self.notes = (*((sampled,) if partial else ()), *self._constants(), *self._collinear)

    def _constants(self) -> tuple[str, ...]:
        """Features that the background rows cannot change."""
        pool = self._pool
        if _plain(pool):
            values = pool.to_numpy()
            same = (values == values[0]).all(axis=0) | np.isnan(values).all(axis=0)
        else:
            same = np.array([_constant(pool.iloc[:, j]) for j in range(pool.shape[1])])
        return tuple(
            f"{f.name}: all background rows used hold the instance's value, so its effect is zero by design."
            for f, positions in zip(self.features, self._columns, strict=True)
            if f.kind == "binary" and same[positions].all()
        )

    def render(self, Z: np.ndarray) -> pd.DataFrame | np.ndarray:
        Z = np.asarray(Z, dtype=float)
        if all(f.kind == "binary" for f in self.features) and _plain(self._pool):
            return self._rendered_at_once(Z)
        replicate = np.arange(1, self.replicates + 1)
        columns: dict[int, Any] = {}
        for j, feature in enumerate(self.features):
            if feature.kind == "real":
                columns[self._columns[j][0]] = pd.Series(np.repeat(Z[:, j], self.replicates))
                continue
            source = np.where(Z[:, j, None] > 0.5, 0, replicate).ravel()
            for position in self._columns[j]:
                columns[position] = self._pool.iloc[:, position].take(source).reset_index(drop=True)
        if self.as_array:
            return np.column_stack([np.asarray(columns[i], dtype=float) for i in range(self._pool.shape[1])])
        return pd.DataFrame({name: columns[i] for i, name in enumerate(self._pool.columns)}, columns=self._pool.columns)

    def _rendered_at_once(self, Z: np.ndarray) -> pd.DataFrame | np.ndarray:
        """The same where all columns hold numbers of one type: a single choice between instance and replicates."""
        pool = self._pool.to_numpy()
        rows = np.where(Z[:, None, self._owners()] > 0.5, pool[0], pool[1:]).reshape(-1, pool.shape[1])
        return rows.astype(float) if self.as_array else pd.DataFrame(rows, columns=self._pool.columns)

    def variants(self) -> dict[str, Probe]:
        """Other background rows, and the one row of medians and most frequent values."""
        if all(f.kind == "real" for f in self.features):
            return {}
        rest = np.setdiff1d(np.arange(len(self._frame)), self._chosen)
        rest = np.random.default_rng([self._seed, 1]).permutation(rest)
        rows = {
            "other background rows": self._frame.iloc[rest[: self.replicates]],
            "typical row": _typical(self._frame),
        }
        return {name: self._with(part) for name, part in rows.items() if len(part)}

    def _with(self, rows: pd.DataFrame) -> Probe:
        other = copy(self)
        other._pool = pd.concat([self._pool.iloc[:1], rows], ignore_index=True)
        other._mark = _digest(other._pool)
        other.replicates = len(rows)
        return other

    def typical(self) -> pd.DataFrame | np.ndarray:
        return self._frame.to_numpy(dtype=float) if self.as_array else self._frame

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """Bring attributions of features back onto the columns of the background; grouped columns share equally.

        Parameters
        ----------
        values : array-like ``(d,)`` or ``(k, d)``

        Returns
        -------
        ndarray ``(p,)`` or ``(k, p)``

        Raises
        ------
        InputError
            For another shape.

        Examples
        --------
        >>> background = pd.DataFrame([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], columns=["a", "b", "c"])
        >>> probe = TabularProbe(background.iloc[0], background, groups={"ac": ["a", "c"]})
        >>> probe.scatter([0.5, 2.0])
        array([0.25, 2.  , 0.25])
        """
        owner = self._owners()
        return (self._attributions(values) / np.bincount(owner))[..., owner]

    def _owners(self) -> np.ndarray:
        """The feature that each column belongs to, ``(p,)``."""
        owner = np.empty(self._pool.shape[1], dtype=int)
        for j, positions in enumerate(self._columns):
            owner[positions] = j
        return owner

    def view(self) -> TableView:
        rows: list[TableRow] = [
            {
                "name": f.name,
                "value": f.value,
                "background": "; ".join(self._background_text[i] for i in positions),
            }
            for f, positions in zip(self.features, self._columns, strict=True)
        ]
        return {
            "kind": "table",
            "rows": rows,
            "law": str(self.law),
            "array": self.as_array,
            "pool": self._mark,
        }


#: correlation from which columns count as collinear; rows it takes to see that, and rows that are looked at
_COLLINEAR, _FEWEST, _MOST = 0.999, 10, 10_000


def _plain(frame: pd.DataFrame) -> bool:
    """Whether all columns hold plain numbers of one type."""
    kinds = set(frame.dtypes)
    return len(kinds) == 1 and isinstance(kind := kinds.pop(), np.dtype) and kind.kind in "iuf"


def _cells(frame: pd.DataFrame) -> list[Any]:
    """The values of the first row, each as its column has it."""
    if _plain(frame):
        return list(frame.to_numpy()[0])
    return [frame.iloc[0, j] for j in range(frame.shape[1])]


def _spread(column: pd.Series) -> float:
    """Standard deviation of a numeric column; 0 for anything else, and where there is none."""
    if not is_numeric_dtype(column) or is_bool_dtype(column):
        return 0.0
    spread = float(column.astype(float).std())
    return spread if np.isfinite(spread) else 0.0


def _collinear(frame: pd.DataFrame, grouped: list[tuple[str, Sequence[Any]]]) -> tuple[str, ...]:
    """Notes on features that are replaced apart though their columns go together in the background."""
    columns = [(name, c) for name, members in grouped for c in members]
    columns = [(name, c) for name, c in columns if is_numeric_dtype(frame[c]) and not is_bool_dtype(frame[c])]
    if len(columns) < 2 or len(frame) < _FEWEST:
        return ()
    values = frame[[c for _, c in columns]].iloc[:_MOST].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(values)
    middle = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    values = np.where(known, values - middle, 0.0)
    values /= np.maximum(np.abs(values).max(axis=0), 1e-300)
    size = np.sqrt((values**2).sum(axis=0))
    unit = values / np.where(size > 0, size, 1.0)
    alike = np.abs(unit.T @ unit) >= _COLLINEAR
    notes, told = [], set[str]()
    for i, (name, _) in enumerate(columns):
        others = dict.fromkeys(columns[j][0] for j in np.flatnonzero(alike[i]) if columns[j][0] != name)
        if others and name not in told:
            told |= {name, *others}
            notes.append(
                f"{name} and {', '.join(others)} go together in the background but are changed one by one: that makes "
                "rows unlike the data, on which effects may cancel out. With groups= they are replaced together."
            )
    return tuple(notes)


def _typical(frame: pd.DataFrame) -> pd.DataFrame:
    """One row: medians of numbers, the most frequent of everything else; types as in the table."""
    values = {}
    for name, column in frame.items():
        if is_numeric_dtype(column) and not is_bool_dtype(column) and column.notna().any():
            middle = column.sort_values(kind="stable").dropna()
            values[name] = middle.iloc[[len(middle) // 2]].to_numpy()
        else:
            values[name] = column.mode(dropna=False).iloc[[0]].array
    return pd.DataFrame({n: pd.Series(v, dtype=frame[n].dtype) for n, v in values.items()}, columns=frame.columns)


def _digest(pool: pd.DataFrame) -> str:
    from probes.digests import digest_rows

    return "".join(d.hex()[:8] for d in digest_rows(pool))


def _groups(groups: Mapping[str, Sequence[str]] | None, columns: pd.Index) -> dict[str, list[Any]]:
    """Feature name → its columns, in the order of the table."""
    owner: dict[Any, str] = {}
    for name, members in (groups or {}).items():
        if isinstance(members, str) or not len(members):
            raise InputError(f"groups[{name!r}]", "be a list of column names", members)
        for column in members:
            if column not in columns or column in owner:
                raise InputError(f"groups[{name!r}]", "name columns of the background, each in one group only", column)
            owner[column] = name
    out: dict[str, list[Any]] = {}
    for column in columns:
        name = str(owner.get(column, column))
        if name in out and not (column in owner and out[name][0] in owner):
            raise InputError("groups" if groups else "background", "give every feature a name of its own", name)
        out.setdefault(name, []).append(column)
    return out


def _show(value: Any) -> str:
    if not isinstance(value, (str, bool, np.bool_)) and pd.isna(value):
        return "missing"
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)


def _summary(column: pd.Series) -> str:
    """One line on a background column: its middle and spread, or its commonest values."""
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        values = column.dropna().astype(float)
        return f"mean {values.mean():.4g}, sd {values.std(ddof=0):.3g}" if len(values) else "all missing"
    shares = column.value_counts(normalize=True, dropna=False).head(3)
    return ", ".join(f"{_show(v)} {share:.0%}" for v, share in shares.items())


def _constant(column: pd.Series) -> bool:
    first = column.iloc[0]
    return bool(column.isna().all()) if pd.isna(first) else bool((column == first).fillna(False).all())
