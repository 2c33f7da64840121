"""TabularProbe: which columns of a row a model's answer depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from probes.digests import digest_rows
from probes.errors import InputError, integer
from probes.inputs.background_rows import drawn_rows
from probes.inputs.column_numbers import is_moment, typed
from probes.inputs.conditional_rows import ConditionalBackground, conditional_notes
from probes.inputs.locality import Background, Conditional, Law, LocalGaussian
from probes.inputs.table_columns import (
    between_laws,
    collinear_notes,
    correlated_pairs,
    correlations,
    first_cells,
    holds_flags,
    integer_columns,
    same_as_first,
    same_numbers,
    shown,
    spread_of,
    summaries,
    typical_row,
    unseen_notes,
)
from probes.inputs.table_rows import Row, background_frame, grouped_columns, ignored_columns, instance_frame
from probes.probe import Feature, Probe, Replication, at_least_two, rows_used
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
    law : Background, Conditional or LocalGaussian, optional
        What is varied and how far. By default :class:`~probes.inputs.locality.Background`.
    groups : dict of str to list of str, optional
        Columns that are kept or replaced together as one feature; columns not named stay features of their own.
    feature_names : sequence of str, optional
        Names for the columns of an array.
    ignore : sequence of str, optional
        Columns of the row or the background that the model does not take, such as an id or what it predicts.
    random_state : int, default 0
        Chooses the background rows when there are more than are used.
    background_rows : int, optional
        How many of them are used, in place of the law's ``replicates``. By default ten, and up to ten more of the rows
        that hold a rare value of a column; see :mod:`probes.inputs.background_rows`. With Conditional, how many for
        every question.

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
        law: Law | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        feature_names: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        random_state: int = 0,
        background_rows: int | None = None,
    ):
        self.law = Background() if law is None else law
        random_state = integer("random_state", random_state, least=0)
        self._rows = None if background_rows is None else integer("background_rows", background_rows, least=1)
        if groups is not None and not isinstance(groups, Mapping):
            raise InputError("groups", "be a dict of feature names and lists of columns", groups)
        if not isinstance(self.law, Law):
            raise InputError("law", "be Background(replicates), Conditional(by) or LocalGaussian(width)", law)
        self.as_array = not isinstance(background, pd.DataFrame)
        frame = background_frame(background, feature_names)
        self._given, self._ignored = frame.columns, ignored_columns(ignore, row, frame)
        if self._ignored:
            frame = frame.drop(columns=[c for c in self._ignored if c in frame.columns])
        instance = instance_frame(row, frame, self._ignored, self._given)
        self._grouped = grouped_columns(groups, frame.columns)
        self._group_names = set(groups or ())
        width = self.law.width if isinstance(self.law, LocalGaussian) else None
        if width is not None and groups:
            raise InputError(
                "groups", "be left out with LocalGaussian, which varies every numeric column alone", groups
            )
        self._frame, self._seed = frame, random_state
        flags = [c for c in frame.columns if width is not None and holds_flags(frame[c])]
        dates = [str(c) for c in frame.columns if width is not None and is_moment(frame[c])]
        self._spread = (
            {c: 0.0 if c in flags else spread_of(frame[c]) for c in frame.columns} if width is not None else {}
        )
        self._integers = integer_columns(background, frame) if width is not None else {}
        self._flags = tuple(
            f"{', '.join(map(str, names))}: {what}, kept or replaced by background rows."
            for names, what in ((flags, "0 or 1"), (dates, "dates or durations"))
            if names
        )
        self._background_text = summaries(frame)
        self._columns = [[frame.columns.get_loc(c) for c in columns] for columns in self._grouped.values()]
        names, correlation = correlations(frame, list(self._grouped.items()))
        self._collinear = collinear_notes(names, correlation)
        self._pairs = correlated_pairs(names, correlation)
        self._set_law(self.law)
        self._set_instance(instance, row)

    def _set_law(self, law: Law) -> None:
        """Take a law that keeps or replaces columns, and split the background where it goes by the columns kept."""
        self.law, self._split, self.correlated = law, None, self._pairs
        self._drawn: dict[tuple[bool, ...], tuple[np.ndarray, Replication | None]] = {}
        if isinstance(law, Conditional):
            rows = law.replicates if self._rows is None else self._rows
            self._split, self.correlated = ConditionalBackground.of(self._frame, law, rows, self._seed), ()
        if not isinstance(law, LocalGaussian):
            self.between_variants = between_laws(self._pairs, bool(self._collinear))

    def at(self, row: Row) -> TabularProbe:
        """Make the same probe of another row; background, law and groups are reused, not computed again.

        Raises
        ------
        InputError
            As for a new probe.
        """
        other = copy(self)
        other._set_instance(instance_frame(row, self._frame, self._ignored, self._given), row)
        return other

    @property
    def row(self) -> dict[str, Any]:
        """The instance by column, as the model sees it."""
        return dict(zip(map(str, self._pool.columns), first_cells(self._pool), strict=True))

    @property
    def columns(self) -> list[Any]:
        """The columns that the model sees, in their order."""
        return list(self._frame.columns)

    @property
    def chosen(self) -> np.ndarray:
        """Positions ``(R,)`` in the background of the rows that are used."""
        return self._chosen

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

        if self._split is not None:
            self._set_split(self._split, instance)
            return
        self._real = tuple(f.kind == "real" for f in features)
        if self._real not in self._drawn:
            self._drawn[self._real] = self._draw_rows()
        chosen, self.replication = self._drawn[self._real]
        self.replicates = len(chosen)
        # position 0 is the instance, then the replicates
        self._pool = pd.concat([instance, frame.iloc[chosen]], ignore_index=True)
        self._chosen, self._mark = chosen, _digest(self._pool)
        drawn = self.replication
        sampled = () if drawn is None else (rows_used(len(chosen), drawn.population),)
        names = self._rounded()
        rounded = (f"{', '.join(names)}: drawn as whole numbers within the background's range.",) if names else ()
        self.notes = (
            *(*sampled, *self._constants(), *rounded, *self._flags, *self._collinear),
            *unseen_notes(frame, instance),
        )

    def _set_split(self, split: ConditionalBackground, instance: pd.DataFrame) -> None:
        """Let every question choose its background rows, one of each part of the background."""
        self._real, self._fit = (False,) * len(self.features), split.at(instance)
        rows, N = len(split.parts), split.population
        drawn = Replication(np.zeros(rows, dtype=int), np.array([N]), np.empty(0))
        self.replicates = rows
        self.replication = replace(drawn, quantiles=np.full(len(self.features), drawn.student)) if rows < N else None
        self._pool = pd.concat([instance, split.frame], ignore_index=True)
        self._chosen = np.array([part[0] for part in split.parts])
        self._mark = _digest_of_all(self._pool, self._seed)
        unseen = unseen_notes(self._frame, instance)
        self.notes = (*conditional_notes(self._fit, split, self._owners(), self._seed), *self._constants(), *unseen)

    def _draw_rows(self) -> tuple[np.ndarray, Replication | None]:
        """The background rows that are used, and how they were drawn."""
        columns = [[] if real else members for real, members in zip(self._real, self._columns, strict=True)]
        if all(self._real):
            return np.sort(np.random.default_rng(self._seed).permutation(len(self._frame))[:1]), None
        rows = self.law.replicates
        if self._rows is not None:
            return drawn_rows(self._frame, columns, self._rows, self._rows // 2, self._seed)
        more = rows if rows == Background().replicates else 0
        return drawn_rows(self._frame, columns, rows, more, self._seed, added=True)

    def _constants(self) -> tuple[str, ...]:
        """Return notes on features that no background row changes; what the rows used alone cannot is unknown."""
        drawn, same = self.replication, same_as_first(self._pool)
        still = [j for j, f in enumerate(self.features) if f.kind == "binary" and same[self._columns[j]].all()]
        unseen: list[int] = []
        if drawn is not None and still:
            rows = pd.concat([self._pool.iloc[:1], self._frame], ignore_index=True)
            unseen = [j for j in still if not same_as_first(rows.iloc[:, self._columns[j]]).all()]
            self.replication = drawn.without(unseen)
        return tuple(
            f"{self.features[j].name}: all background rows hold the instance's value, so its effect is zero by design."
            for j in still
            if j not in unseen
        )

    def _rounded(self) -> list[str]:
        """Names of the features that are drawn as whole numbers."""
        by_column = zip(self.features, self._grouped.values(), strict=True)
        return [
            f.name for f, columns in by_column if f.kind == "real" and columns[0] in self._integers and not f.loc % 1
        ]

    def render(self, Z: np.ndarray) -> pd.DataFrame | np.ndarray:
        Z = np.asarray(Z, dtype=float)
        if all(f.kind == "binary" for f in self.features) and same_numbers(self._pool):
            return self._rendered_at_once(Z)
        replicate = self._stand_ins(Z)
        columns: dict[int, Any] = {}
        for j, feature in enumerate(self.features):
            if feature.kind == "real":
                position = self._columns[j][0]
                drawn = self._on_support(self._pool.columns[position], Z[:, j], feature.loc)
                columns[position] = drawn.repeat(self.replicates).reset_index(drop=True)
                continue
            source = np.where(Z[:, j, None] > 0.5, 0, replicate).ravel()
            for position in self._columns[j]:
                columns[position] = self._pool.iloc[:, position].take(source).reset_index(drop=True)
        if self.as_array:
            return np.column_stack([np.asarray(columns[i], dtype=float) for i in range(self._pool.shape[1])])
        return pd.DataFrame({name: columns[i] for i, name in enumerate(self._pool.columns)}, columns=self._pool.columns)

    def _on_support(self, column: Any, values: np.ndarray, instance: float) -> pd.Series:
        """Round numbers ``(m,)`` drawn for a column of whole numbers, and keep them within its range."""
        drawn = pd.Series(values)
        if column not in self._integers or instance % 1:
            return typed(drawn, self._frame[column].dtype)
        low, high, step, dtype = self._integers[column]
        if step > 1 and instance in (low, high):
            return (low + step * ((drawn - low) / step).round()).clip(low, high).astype(dtype)
        return drawn.round().clip(min(low, instance), max(high, instance)).astype(dtype)

    def _rendered_at_once(self, Z: np.ndarray) -> pd.DataFrame | np.ndarray:
        """Render where all columns hold numbers of one type: a single choice between instance and replicates."""
        pool = self._pool.to_numpy()
        rows = np.where(Z[:, None, self._owners()] > 0.5, pool[0], pool[self._stand_ins(Z)]).reshape(-1, pool.shape[1])
        return rows.astype(float) if self.as_array else pd.DataFrame(rows, columns=self._pool.columns)

    def _stand_ins(self, Z: np.ndarray) -> np.ndarray:
        """Rows of the pool that stand in for absent features of rows ``(m, d)``: ``(m, R)``, or ``(1, R)`` for all."""
        if self._split is None:
            return np.arange(1, self.replicates + 1)[None]
        return 1 + self._fit.chosen(Z[:, self._owners()] > 0.5)

    def variants(self) -> dict[str, Probe]:
        """Return probes with other background rows, and with the one row of medians and most frequent values.

        Where columns are correlated above .8, also one that replaces absent features conditionally, or for a
        conditional law one that does not.
        """
        if all(f.kind == "real" for f in self.features):
            return {}
        if isinstance(self.law, Conditional):
            other: dict[str, Probe] = {"other parts of the background": self._under(self.law, self._seed + 1)}
            marginal = self._under(Background(self.replicates), self._seed)
            return other | ({"any background rows (marginal)": marginal} if self.between_variants else {})
        rest = np.setdiff1d(np.arange(len(self._frame)), self._chosen)
        rest = np.random.default_rng([self._seed, 1]).permutation(rest)
        rows = {
            "other background rows": self._frame.iloc[rest[: self.replicates]],
            "typical row": typical_row(self._frame),
        }
        probes: dict[str, Probe] = {name: self._with(part) for name, part in rows.items() if len(part)}
        if self.replication is not None and (others := probes.get("other background rows")) is not None:
            others.replication = self.replication.other(others.replicates)
        if self.between_variants and isinstance(self.law, Background):
            conditional = Conditional(replicates=self.law.replicates)
            probes["rows that fit the columns kept (conditional)"] = self._under(conditional, self._seed)
        return probes

    def _under(self, law: Law, seed: int) -> TabularProbe:
        """The same probe under another law that keeps or replaces columns."""
        other = copy(self)
        other._seed = seed
        other._set_law(law)
        other._set_instance(self._pool.iloc[:1].copy(), self._pool.iloc[0])
        return other

    def _with(self, rows: pd.DataFrame) -> Probe:
        other = copy(self)
        other._pool = pd.concat([self._pool.iloc[:1], rows], ignore_index=True)
        other._mark = _digest(other._pool)
        other.replicates, other.replication = len(rows), None
        return other

    def typical(self) -> pd.DataFrame | np.ndarray:
        return self._frame.to_numpy(dtype=float) if self.as_array else self._frame

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """Bring attributions back onto the columns of the background, see :meth:`Probe.scatter`; grouped columns share.

        Examples
        --------
        >>> background = pd.DataFrame([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], columns=["a", "b", "c"])
        >>> probe = TabularProbe(background.iloc[0], background, groups={"ac": ["a", "c"]})
        >>> probe.scatter([0.5, 2.0])
        array([0.25, 2.  , 0.25])
        """
        return self._shared(values, self._owners())

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
        law, drawn = str(self.law), self.replication
        return {
            "kind": "table",
            "rows": rows,
            "law": f"{law}, as whole numbers where the background has them" if self._rounded() else law,
            "array": self.as_array,
            "pool": self._mark if drawn is None or len(drawn.sizes) == 1 else f"{self._mark} {drawn.sizes.tolist()}",
        }


def _digest_of_all(pool: pd.DataFrame, seed: int) -> str:
    """Digest all rows of a pool, and the seed that parts them."""
    return hashlib.sha256(b"".join([*digest_rows(pool), str(seed).encode()])).hexdigest()


def _digest(pool: pd.DataFrame) -> str:
    """Digest the rows that a probe uses, eight hexadecimal digits a row."""
    return "".join(d.hex()[:8] for d in digest_rows(pool))
