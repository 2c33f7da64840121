"""PairwiseInteractions: a model's indices of features and of pairs, with standard errors, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from probes.errors import InputError, MissingExtra
from surrogates.local.model_indices import ModelIndices
from surrogates.results.plain import Damaged
from surrogates.results.result import SavedResult

__all__ = ["INDEX_NAMES", "PairwiseInteractions"]

#: what an index is called, and what shapiq calls it
INDEX_NAMES = {
    "k-sii": ("k-SII", "k-SII"),
    "shapley": ("Shapley interaction index", "SII"),
    "banzhaf": ("Banzhaf interaction index", "BII"),
}


@dataclass(frozen=True, kw_only=True)
class PairwiseInteractions(ModelIndices, SavedResult):
    """Indices of single features and of pairs, of the instance against the reference.

    Attributes
    ----------
    table : DataFrame
        ``output, features, index, se, low, high, exact, source``, strongest first; "a × b" for a pair.
    subsets : tuple of t tuples of int
        Feature numbers: every feature, then pairs. A pair that is missing is zero.
    values, se : ndarray ``(k, t)``
        In the order of the subsets, in the unit of the answers. Of k-SII all, of "shapley" the single features' add up
        to the model's answer for the instance minus that for the reference.
    base : ndarray ``(k,)``
        The model's answer for the reference.
    here : ndarray ``(k,)``
        That for the instance.
    index : {"k-sii", "shapley", "banzhaf"}
    features : tuple of d Feature
    outputs : tuple of k str
    unit : str
    exact : bool
        Whether every row of the cube was asked.
    cost : dict
        As of :class:`~probes.asking.cost.Cost`.
    warnings : tuple of str
    view : dict
        What the instance looks like.
    answer : str or None
        For language models: the continuation that is explained.
    provenance : dict
        Versions, seed, model identity, cost.
    """

    kind: ClassVar[str] = "pairwise interactions"
    named: ClassVar[str] = "pairwise interactions"

    subsets: tuple[tuple[int, ...], ...]
    here: np.ndarray
    index: str

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        if self.index not in INDEX_NAMES:
            raise Damaged("index", f"be one of {', '.join(INDEX_NAMES)}", self.index)
        d = len(self.features)
        self.check_shapes(len(self.subsets))
        if self.here.shape != self.base.shape:
            raise Damaged("here", f"have the shape {self.base.shape}", self.here.shape)
        pairs = self.subsets[d:]
        known = all(len(s) == 2 and 0 <= s[0] < s[1] < d for s in pairs) and len(set(pairs)) == len(pairs)
        if not known or self.subsets[:d] != tuple((i,) for i in range(d)):
            raise Damaged("subsets", "be every feature, then pairs, each once", [*self.subsets])

    def matrix(self, output: str | None = None) -> pd.DataFrame:
        """Return the indices of one output, ``(d, d)`` and symmetric: pairs, and on the diagonal single features.

        Raises
        ------
        InputError
            If there is no such output.
        """
        names, values = [f.name for f in self.features], np.zeros((len(self.features),) * 2)
        for subset, value in zip(self.subsets, self.values[self._number(output)], strict=True):
            values[subset[0], subset[-1]] = values[subset[-1], subset[0]] = value
        return pd.DataFrame(values, names, names)

    def to_shapiq(self, output: str | None = None) -> Any:
        """Make a ``shapiq.InteractionValues`` of one output, the first by default, for shapiq's plots.

        Raises
        ------
        InputError
            If there is no such output.
        MissingExtra
            Without shapiq.
        """
        j = self._number(output)
        try:
            import shapiq
        except ImportError as error:
            raise MissingExtra("to_shapiq() needs shapiq, which is not installed: pip install shapiq") from error
        base, empty = float(self.base[j]), self.index == "k-sii"  # of the other two the empty set's is another number
        values: dict[tuple[int, ...], float] = {(): base} if empty else {}
        return shapiq.InteractionValues(
            values | dict(zip(self.subsets, self.values[j].tolist(), strict=True)),
            index=INDEX_NAMES[self.index][1],
            max_order=2,
            min_order=0 if empty else 1,
            n_players=len(self.features),
            estimated=not self.exact,
            estimation_budget=int(self.provenance.get("questions", 0)),
            baseline_value=base,
        )

    def _number(self, output: str | None) -> int:
        """Return the number of an output by name, of the first one by default."""
        if output is None:
            return 0
        if output not in self.outputs:
            raise InputError("output", f"be one of {', '.join(self.outputs)}", output)
        return self.outputs.index(output)
