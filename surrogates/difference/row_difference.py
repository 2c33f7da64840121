"""The RowDifference: where two models differ among rows of a table or texts, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.table_rows import background_frame
from probes.rounding import between, percent, rounded, score
from surrogates.difference.grouped_rows import share_interval
from surrogates.difference.region_search import united
from surrogates.many.columns import Column, Rows, encoded
from surrogates.results.plain import MAY_LACK, Columns, Damaged, Json
from surrogates.results.result import SavedResult
from surrogates.terms import Box

__all__ = ["RowDifference"]


#: R² on held-out rows from which the tree says where, though no rule does
_TELLS = 0.4


@dataclass(frozen=True)
class RowDifference(SavedResult):
    """Two models asked the same rows, and rules that say where they differ, tested on rows that found none of them.

    Attributes
    ----------
    rules : DataFrame
        One row a rule, the most useful first: ``rule, rows, share, precision, low, high, elsewhere, recall, change, p,
        verdict``. All numbers are of held-out rows: how many it holds for and their share, the share of them where the
        models differ (`precision`) with its 95% interval, that share in all other rows (`elsewhere`), the share of the
        rows where they differ that it holds for (`recall`), the mean change, and the p-value of Fisher's exact test
        that they differ more often than elsewhere (where rows belong to groups, of exchanging these at random),
        adjusted for all rules (Holm). The verdict is "supported",
        "inconclusive", or "not testable" where it holds for no held-out row.
    together : DataFrame
        ``rules, precision, recall, f1, low, high, jaccard``: the first 1, 2, … rules taken together, on held-out rows,
        with the 95% interval of F1 over the choice of these; ``shuffled`` is the F1 of rules found the same way where
        differences were shuffled among rows.
    leaves : DataFrame
        ``rule, rows, share, differ, change, low, high``: a small tree of the change, grown on the rows that found the
        rules; numbers of held-out rows.
    surrogates : DataFrame
        ``surrogate, terms, r2, permuted``: how well surrogates of the change predict held-out rows, against a constant
        and against the same fitted to shuffled changes.
    rows : DataFrame
        One row an input: ``input, part`` (``discovery`` or ``test``), ``before, after, change, said_before, said_after,
        differs, rule`` (number of the first rule that holds, 0 for none), and ``group`` where rows belong to groups.
    regions : tuple of Box
        The rules as conditions on features.
    columns : tuple of Column
        What each feature says of an input.
    middles : dict of str to float
        What stands in for a missing number in `surrogates` and `leaves`; rules about a number do not hold there.
    number, unit : str
        What is compared, and its unit.
    margin : float
        What numbers must differ by; NaN where decisions are compared.
    names, models : (str, str)
        What the two are called, and their identities.
    cost : dict
        Of both models.
    notes : tuple of str
    settings : dict
        What :func:`~surrogates.compare_rows` was given, of what can be written; empty in files of earlier versions.
    feature_names : tuple of str
        Of the columns of an array that was compared; empty where it was none, and in files of earlier versions.
    others : tuple of RowDifference
        Of several outputs those after the first, which the other attributes are about; see :attr:`outputs`. P-values
        are adjusted for the rules of all.
    """

    kind: ClassVar[str] = "row difference"
    named: ClassVar[str] = "a difference over rows"

    rules: Annotated[pd.DataFrame, Columns("rule verdict", "rows share precision low high elsewhere recall change p")]
    together: Annotated[pd.DataFrame, Columns("", "rules precision recall f1 low high jaccard shuffled")]
    leaves: Annotated[pd.DataFrame, Columns("rule", "rows share differ change low high")]
    surrogates: Annotated[pd.DataFrame, Columns("surrogate", "terms r2 permuted")]
    rows: Annotated[pd.DataFrame, Columns("input part said_before said_after", "before after change differs rule")] = (
        field(repr=False)
    )
    regions: tuple[Box, ...] = field(repr=False)
    columns: tuple[Column, ...] = field(repr=False)
    middles: dict[str, float] = field(repr=False)
    number: str
    unit: str
    margin: float
    names: tuple[str, str] = ("before", "after")
    models: tuple[str, str] = ("", "")
    cost: Json = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    settings: Json = field(default_factory=dict, metadata=MAY_LACK, repr=False)
    feature_names: tuple[str, ...] = field(default=(), metadata=MAY_LACK, repr=False)
    others: tuple[RowDifference, ...] = field(default=(), metadata=MAY_LACK, repr=False)

    @property
    def outputs(self) -> dict[str, RowDifference]:
        """The difference of each output that was compared, by its name."""
        return {d.number: d for d in (replace(self, others=()), *self.others)}

    @property
    def differ(self) -> tuple[float, float, float]:
        """Share of all rows where the two differ, with its 95% interval (Wilson); it counts groups if there are any."""
        differs = self.rows["differs"].to_numpy(dtype=float) > 0
        groups = self.rows["group"].to_numpy() if "group" in self.rows else None
        return (float(differs.mean()), *share_interval(differs, groups))

    @property
    def flips(self) -> pd.DataFrame:
        """What the two decide for: ``before, after, rows, share``, the most frequent first; empty for numbers."""
        said = self.rows[self.rows["said_before"] != ""]
        counted = (
            said.groupby(["said_before", "said_after"], sort=True).size().sort_values(ascending=False, kind="stable")
        )
        table = counted.rename_axis(["before", "after"]).rename("rows").reset_index()
        return table.assign(share=table["rows"] / max(len(said), 1))

    @property
    def differences(self) -> pd.DataFrame:
        """Rows where the two differ: of ``rows``, the largest changes first."""
        moved = self.rows[self.rows["differs"] > 0]
        return moved.sort_values("change", key=np.abs, ascending=False, kind="stable", ignore_index=True)

    @property
    def verdict(self) -> str:
        """What may be said, in one or two sentences; of several outputs for each."""
        if self.others:
            return " ".join(self.verdicts)
        share, low, high = self.differ
        first, second = (f"“{name}”" for name in self.names)
        how = "decide differently for" if np.isnan(self.margin) else f"differ by more than {rounded(self.margin)} in"
        said = f"{first} and {second} {how} {percent(share)} of the rows {between(low, high, percent)}"
        held = self.rules[self.rules["verdict"] == "supported"]
        if not self.rows["differs"].any():
            return f"{said}."
        if not len(self.rules):
            tree = self.surrogates.loc[self.surrogates["surrogate"] == "tree", "r2"].max()
            where = f"; the tree of the change does (R² {score(tree)})" if tree >= _TELLS else ""
            return f"{said}; no rule was found that says where{where}."
        if not len(held):
            return f"{said}; where was not confirmed on held-out rows."
        whole = self.together.iloc[-1]
        found, there = "One rule holds", "it holds"
        if len(self.rules) > 1:
            found, there = f"{len(self.rules)} rules together hold", "one of them holds"
        return (
            f"{said}. {found} for {percent(whole['recall'])} of these; where {there}, the two differ in "
            f"{percent(whole['precision'])}."
        )

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The verdict on each output."""
        if not self.others:
            return (self.verdict,)
        return tuple(f"For {name}, {d.verdict}" for name, d in self.outputs.items())

    def predict(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Return for which rows like those compared the rules say that the two differ, ``(n,)`` of bool.

        Of several outputs ``(n, K)``, a column each. An array has the columns of the array that was compared.

        Raises
        ------
        InputError
        """
        if self.others:
            return np.column_stack([d.predict(rows) for d in self.outputs.values()])
        if isinstance(rows, np.ndarray) and self.feature_names:
            if rows.ndim == 2 and rows.shape[1] != len(self.feature_names):
                raise InputError("rows", f"have the columns {', '.join(self.feature_names)}", rows)
            rows = background_frame(rows, self.feature_names, "rows")
        return united(self.regions, encoded(rows, self.columns, {}))

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        for other in self.others:
            other.check_consistent()
        if named := [d.number for d in self.others if len(d.rows) != len(self.rows) or d.others]:
            raise Damaged("others", "be about the same rows", named)
        if not len(self.rows):
            raise Damaged("rows", "have a row", 0)
        if len(self.regions) != len(self.rules) or len(self.together) != len(self.rules):
            raise Damaged("regions", "be as many as there are rules", len(self.regions))
        numbers = {column.name for column in self.columns if column.kind in ("number", "date")}
        if set(self.middles) != numbers:
            raise Damaged("middles", "be those of the columns of numbers", sorted(self.middles))
        if wrong := [j for box in self.regions for j in box.features if not 0 <= j < len(self.columns)]:
            raise Damaged("regions", f"be about features from 0 to {len(self.columns) - 1}", wrong)
