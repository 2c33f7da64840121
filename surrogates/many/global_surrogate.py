"""One readable model of a model over the rows of a table, fitted to the model's own answers for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import clone

from probes.design import Design
from probes.errors import InputError
from probes.probe import Feature
from probes.rounding import counted, given
from surrogates.families.registry import as_family
from surrogates.judging.cross_fit import cross_fit
from surrogates.judging.fidelity import Fidelity, fidelity
from surrogates.judging.problem import Problem
from surrogates.local.explanation import PER_OUTPUT, Explanation
from surrogates.many.columns import Column, columns_of, encoded
from surrogates.results.plain import MAY_LACK, Columns, Damaged
from surrogates.results.result import SavedResult
from surrogates.surrogate import Surrogate
from surrogates.terms import describe

__all__ = ["GlobalSurrogate", "check_rows", "numbers", "over"]

#: fewest rows to fit and judge by
LEAST = 20
#: columns of a row that is shown, those that terms are about first
_NAMED = 6


@dataclass(frozen=True)
class GlobalSurrogate(SavedResult):
    """A readable model of a model over rows of a table.

    Attributes
    ----------
    surrogate : Surrogate
        Fitted to all rows.
    fidelity : Fidelity
        Held-out agreement with the model over rows like these.
    columns : tuple of Column
        What each feature says of a row.
    middles : dict of str to float
        What stands in for a missing number.
    output, unit : str
        The number that is modelled.
    model : str
        Whose it is; empty in files of before.
    asked : DataFrame
        Up to five of the rows: ``why`` it is one of them, ``row`` in words, the ``model``'s number, and that of the
        ``surrogate`` fitted without it; empty in files of earlier versions.
    """

    kind: ClassVar[str] = "global surrogate"
    named: ClassVar[str] = "a global surrogate"

    surrogate: Surrogate
    fidelity: Fidelity
    columns: tuple[Column, ...] = field(repr=False)
    middles: dict[str, float] = field(repr=False)
    output: str
    unit: str
    model: str = field(default="", metadata=MAY_LACK)
    asked: Annotated[pd.DataFrame, Columns("why row", "model surrogate")] = field(
        default_factory=pd.DataFrame, repr=False, metadata=MAY_LACK
    )

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features that terms are about."""
        return tuple(column.feature for column in self.columns)

    @property
    def terms(self) -> pd.DataFrame:
        """``term`` in words and its ``weight``, heaviest first."""
        weight = np.ravel(self.surrogate.coef_)
        table = pd.DataFrame({"term": [describe(t, self.features) for t in self.surrogate.terms_], "weight": weight})
        return table.iloc[np.argsort(-np.abs(weight), kind="stable")].reset_index(drop=True)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the surrogate's number for rows of a table, ``(n,)``."""
        return self.surrogate.predict(encoded(frame, self.columns, self.middles, "frame"))

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        numeric = {column.name for column in self.columns if column.kind in ("number", "date")}
        sizes = {
            "surrogate.n_features": (self.surrogate.n_features_in_, len(self.columns)),
            "surrogate.coef": (self.surrogate.coef_.ndim, 1),
            "middles": (set(self.middles), numeric),
            "fidelity.outputs": (self.fidelity.outputs, (self.output,)),
            "fidelity.observed": (self.fidelity.observed.shape, (self.fidelity.rows, 1)),
            "fidelity.predicted": (self.fidelity.predicted.shape, (self.fidelity.rows, 1)),
        }
        sizes |= {f"fidelity.{name}": (len(getattr(self.fidelity, name)), 1) for name in PER_OUTPUT}
        for where, (size, due) in sizes.items():
            if size != due:
                raise Damaged(where, f"agree with the rest ({due})", size)


def over(
    rows: Sequence[Mapping[str, Any]],
    y: np.ndarray,
    output: str,
    unit: str,
    family: str | Surrogate = "tree",
    model: str = "",
) -> GlobalSurrogate:
    """Fit one surrogate to a model's answers for rows of a table.

    Parameters
    ----------
    rows : sequence of n mappings
        Values by column.
    y : ndarray ``(n, 1)``
        The model's number for each.
    output, unit : str
        Its name and unit.
    family : str or Surrogate, default "tree"
        As for :func:`~surrogates.explain`; always fitted to the answers alone.
    model : str, default ""
        What the model is called.

    Returns
    -------
    GlobalSurrogate
        With held-out fidelity by cross-fitting. It is for rows drawn like these.

    Raises
    ------
    InputError
    """
    check_rows(rows)
    columns, middles, _ = columns_of(frame := pd.DataFrame(rows))
    Z = encoded(frame, columns, middles)
    if (different := len(np.unique(Z, axis=0))) < LEAST:
        raise InputError("surrogate", f"be asked of at least {LEAST} different rows", f"{different} different rows")
    if family == "auto":
        raise InputError("family", "be one family: nothing is compared here", family)
    chosen = as_family(family)
    chosen.set_params(proxy=None)
    if len(rows) < chosen.least:
        raise InputError(
            "surrogate", f"be asked of at least {chosen.least} rows with this family", counted(len(rows), "row")
        )
    fitted = clone(chosen).fit(Z, y[:, 0])
    # a row answers for itself here: there is no instance among them, and no effect is claimed to stand out
    problem = Problem(Design(Z, 0), y, (output,), tuple(column.feature for column in columns), 0)
    judged = fidelity(fitted, problem, cross_fit(chosen, problem, control=True), (0,), (0,))
    terms = [j for term in fitted.terms_ for j in term.features]
    used = list(dict.fromkeys(columns[j].name for j in terms))
    return GlobalSurrogate(fitted, judged, columns, middles, output, unit, model, _asked(frame, used, judged))


def _asked(frame: pd.DataFrame, used: Sequence[str], judged: Fidelity) -> pd.DataFrame:
    """Choose up to five rows to show: the median miss and the worst, the lowest and the highest answer, the first."""
    real, guess = judged.observed[:, 0], judged.predicted[:, 0]
    off = np.abs(real - guess)
    order = np.argsort(off, kind="stable")
    places = (
        (int(order[-1]), "the worst miss"),
        (int(order[len(order) // 2]), "a typical miss"),
        (int(real.argmax()), "the highest answer"),
        (int(real.argmin()), "the lowest answer"),
        (0, "the first row"),
    )
    chosen: dict[int, str] = {}
    for i, why in places:
        chosen.setdefault(i, why)
    names = [*used, *(str(name) for name in frame.columns if str(name) not in used)][:_NAMED]
    rows = [(why, _row_in_words(frame.iloc[i], names), real[i], guess[i]) for i, why in chosen.items()]
    return pd.DataFrame(rows, columns=["why", "row", "model", "surrogate"])


def _row_in_words(row: pd.Series, names: Sequence[str]) -> str:
    values = {str(name): value for name, value in row.items()}
    said = [f"{name} = {_written(values[name])}" for name in names]
    more = len(values) - len(said)
    return "; ".join([*said, f"{more} more"] if more > 0 else said)


def _written(value: object) -> str:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return given(float(value)) if is_number else str(value)  # type: ignore[arg-type]


def check_rows(rows: Sequence[Mapping[str, Any] | None]) -> None:
    """Check that there are rows of a table, and enough of them, before anything is read or fitted.

    Raises
    ------
    InputError
    """
    if not rows or any(row is None for row in rows):
        raise InputError("surrogate", "be asked of explanations of rows of a table", counted(len(rows), "item"))
    if len(rows) < LEAST:
        raise InputError("surrogate", f"be asked of at least {LEAST} rows", counted(len(rows), "row"))


def numbers(explanations: Iterable[Explanation], output: str | None) -> tuple[np.ndarray, str, str]:
    """Take the model's number for every explained instance, its name and unit.

    Parameters
    ----------
    explanations : iterable of n Explanation
    output : str or None
        One of the model's outputs. None takes the number explained, where that is the same for all, else the last
        output.

    Returns
    -------
    y : ndarray ``(n, 1)``
    output, unit : str

    Raises
    ------
    InputError
        If they are of several models, or there is no such output.
    """
    targets, raw, explained = [], [], []
    models = dict[str, None]()
    for explanation in explanations:
        models[explanation.answers.model] = None
        targets.append(explanation.target)
        raw.append(explanation.answers.y[0])
        explained.append(explanation.y[0])
    if len(models) > 1:
        raise InputError("surrogate", "be asked of explanations of one model", list(models))
    names, unit = explanation.answers.outputs, explanation.answers.unit
    target = targets[0]
    if target.function is not None:
        raw, names, unit = explained, target.outputs, target.unit
    same = len(set(targets)) == 1 and len(target.outputs) == 1
    if same and output in (None, target.outputs[0]):
        return np.array(explained), target.outputs[0], target.unit
    chosen = names[-1] if output is None else output
    if chosen not in names:
        raise InputError("output", f"be one of {', '.join(map(repr, names))}", output)
    return np.array(raw)[:, [names.index(chosen)]], chosen, unit
