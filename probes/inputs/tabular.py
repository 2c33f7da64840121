"""TabularProbe: which columns of a row a model's answer depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import pandas as pd

from probes.digests import digest_rows
from probes.errors import InputError, integer
from probes.inputs.locality import Background, LocalGaussian
from probes.inputs.table_columns import (
    collinear_notes,
    first_cells,
    is_constant,
    same_numbers,
    shown,
    spread_of,
    summary_of,
    typical_row,
)
from probes.inputs.table_rows import Row, background_frame, grouped_columns, instance_frame
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
        self._grouped = grouped_columns(groups, frame.columns)
        self._group_names = set(groups or ())
        width = self.law.width if isinstance(self.law, LocalGaussian) else None
        if width is not None and groups:
            raise InputError(
                "groups", "be left out with LocalGaussian, which varies every numeric column alone", groups
            )
        self._frame, self._seed = frame, random_state
        self._spread = {c: spread_of(frame[c]) for c in frame.columns} if width is not None else {}
        self._background_text = [summary_of(frame[c]) for c in frame.columns]
        self._columns = [[frame.columns.get_loc(c) for c in columns] for columns in self._grouped.values()]
        self._collinear = collinear_notes(frame, list(self._grouped.items()))
        self._set_instance(instance, row)

    def at(self, row: Row) -> TabularProbe:
        """Make the same probe of another row; background, law and groups are reused, not computed again.

        Raises
        ------
        InputError
            As for a new probe.
        """
        other = copy(self)
        other._set_instance(instance_frame(row, self._frame), row)
        return other

    @property
    def row(self) -> dict[str, Any]:
        """The instance by column, as the model sees it."""
        return dict(zip(map(str, self._pool.columns), first_cells(self._pool), strict=True))

    def _set_instance(self, instance: pd.DataFrame, row: Row) -> None:
        """Make the features of an instance, and choose its background rows."""
        frame, cells = self._frame, first_cells(instance)
        width = self.law.width if isinstance(self.law, LocalGaussian) else None
        features = []
        for (name, columns), positions in zip(self._grouped.items(), self._columns, strict=True):
            value = cells[positions[0]]
            named = zip(columns, positions, strict=True)
            text = ", ".join(f"{c}={shown(cells[i])}" for c, i in named) if name in self._group_names else shown(value)
            spread = 0.0 if width is None or pd.isna(value) else self._spread[columns[0]]
            if width is not None and spread > 0:
                features.append(Feature(name, "real", text, float(value), width * spread))
            else:
                features.append(Feature(name, "binary", text))
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
        """Return notes on features that the background rows cannot change."""
        pool = self._pool
        if same_numbers(pool):
            values = pool.to_numpy()
            same = (values == values[0]).all(axis=0) | np.isnan(values).all(axis=0)
        else:
            same = np.array([is_constant(pool.iloc[:, j]) for j in range(pool.shape[1])])
        return tuple(
            f"{f.name}: all background rows used hold the instance's value, so its effect is zero by design."
            for f, positions in zip(self.features, self._columns, strict=True)
            if f.kind == "binary" and same[positions].all()
        )

    def render(self, Z: np.ndarray) -> pd.DataFrame | np.ndarray:
        Z = np.asarray(Z, dtype=float)
        if all(f.kind == "binary" for f in self.features) and same_numbers(self._pool):
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
        """Render where all columns hold numbers of one type: a single choice between instance and replicates."""
        pool = self._pool.to_numpy()
        rows = np.where(Z[:, None, self._owners()] > 0.5, pool[0], pool[1:]).reshape(-1, pool.shape[1])
        return rows.astype(float) if self.as_array else pd.DataFrame(rows, columns=self._pool.columns)

    def variants(self) -> dict[str, Probe]:
        """Return probes with other background rows, and with the one row of medians and most frequent values."""
        if all(f.kind == "real" for f in self.features):
            return {}
        rest = np.setdiff1d(np.arange(len(self._frame)), self._chosen)
        rest = np.random.default_rng([self._seed, 1]).permutation(rest)
        rows = {
            "other background rows": self._frame.iloc[rest[: self.replicates]],
            "typical row": typical_row(self._frame),
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
        """Return the feature that each column belongs to, ``(p,)``."""
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


def _digest(pool: pd.DataFrame) -> str:
    """Digest the rows that a probe uses, eight hexadecimal digits a row."""
    return "".join(d.hex()[:8] for d in digest_rows(pool))
