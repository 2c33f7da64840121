"""partial_dependence(): what a model answers as one column changes and all else stays."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from probes.asking.answers import Answers
from probes.asking.question import Question
from probes.asking.session import Session, StoreLike
from probes.cases.questions import Questions
from probes.design import Design, random_seed
from probes.errors import InputError, integer
from probes.inputs.column_numbers import numbers_of
from probes.inputs.table_columns import shown
from probes.inputs.table_rows import Row, background_frame, fitted, ignored_columns, instance_frame
from probes.models.adapt import ModelLike
from probes.outputs.target import Target, TargetLike, is_function, resolve
from probes.rounding import counted
from surrogates.judging.notes import one_by_one
from surrogates.local.dependence import Dependence
from surrogates.results.provenance import cost_data, provenance

__all__ = ["partial_dependence"]


def partial_dependence(
    model: ModelLike,
    feature: Hashable,
    *,
    background: pd.DataFrame | np.ndarray,
    row: Row | None = None,
    grid: int | Sequence[Any] = 20,
    rows: int = 50,
    target: TargetLike = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> Dependence:
    """Compute how a model's answer depends on one column: its mean over background rows, and every row's own curve.

    Parameters
    ----------
    model, feature_names, ignore, random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`.
    feature : str
        A column of the background.
    background : DataFrame ``(N, p)``, or numeric array ``(N, p)``
    row : Series, one-row DataFrame, dict, or array ``(p,)``, optional
        A row whose own curve is added.
    grid : int or sequence, default 20
        How many values the column takes, at most, of those that the background holds; or the values themselves.
    rows : int, default 50
        Background rows that are used, drawn at random; all if there are no more.
    target : str, int or callable, optional
        The number answered: by default the only output, or the last of two.

    Returns
    -------
    Dependence
        Of ``rows`` times ``grid`` questions; the curves and their mean are from the same answers.

    Raises
    ------
    InputError
        For a parameter that breaks its rule.

    Notes
    -----
    Friedman (2001); individual curves are those of Goldstein et al. (2015). Where the column goes together with others,
    many of these rows never occur, see :class:`probes.Conditional`.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 2.0, 3.0]})
    >>> partial_dependence(lambda rows: rows["a"] * rows["b"], "a", background=X, store=None).table
      value  place  mean  low  high
    0     0    0.0   0.0  0.0   0.0
    1     1    1.0   2.0  2.0   2.0
    2     2    2.0   4.0  4.0   4.0
    """
    count, seed = integer("rows", rows, least=2), random_seed(random_state)
    frame = background_frame(background, feature_names)
    given, ignored = frame.columns, ignored_columns(ignore, row, frame)
    frame = frame.drop(columns=[c for c in ignored if c in frame.columns])
    if not isinstance(feature, Hashable) or feature not in frame.columns:
        raise InputError("feature", f"be a column of the background: {', '.join(map(str, frame.columns))}", feature)
    if len(frame) < 2:
        raise InputError("background", "hold at least two rows, whose answers are averaged", len(frame))
    values = _grid(frame[feature], grid)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(frame))[:count])
    parts = [frame.iloc[chosen]]
    if row is not None:
        parts.append(instance_frame(row, frame, ignored, given))
    asked = _asked(pd.concat(parts, ignore_index=True), feature, values)
    inputs = asked.to_numpy(dtype=float) if not isinstance(background, pd.DataFrame) else asked
    session = Session(Question.of(model, Questions(inputs), None, target), None, store, progress)
    design = Design(np.arange(len(asked), dtype=float)[:, None], 0)
    if len((first := session.instance(design)).y):  # a wrong target is seen before all else is asked
        _target(first, target)
    reply = session.ask(design)
    chosen_target = _target(reply.answers, target)
    curves, lost = _curves(reply.answers, chosen_target, len(asked) // len(values), len(values))
    own = curves[-1] if row is not None else np.zeros(0)
    return _result(session, feature, values, curves[: len(chosen)], own, len(frame), chosen_target, lost, row, seed)


def _grid(column: pd.Series, grid: int | Sequence[Any]) -> pd.Series:
    """The values that the column takes, of its type."""
    if not isinstance(grid, (int, np.integer)) or isinstance(grid, bool):
        if isinstance(grid, str) or not isinstance(grid, (Sequence, np.ndarray, pd.Series)) or not len(grid):
            raise InputError("grid", "be a number of values, or a list of them", grid)
        cells = [fitted("grid", value, column.dtype) for value in grid]
        if any(cell.dtype != column.dtype for cell in cells):
            raise InputError("grid", f"hold values of the column's type {column.dtype}", list(grid))
        return pd.concat(cells, ignore_index=True)
    most, known = integer("grid", int(grid), least=2), column.dropna()
    if not len(known):
        raise InputError("feature", "be a column that is not missing throughout", column.name)
    if numbers_of(column) is None:
        counts = known.value_counts()
        return pd.Series(counts.index[counts > 0][:most]).astype(column.dtype)  # a category may have no rows
    spread = known.sort_values(kind="stable").reset_index(drop=True)
    spread = spread[~spread.duplicated()].reset_index(drop=True)
    return spread.iloc[np.unique(np.linspace(0, len(spread) - 1, most).round().astype(int))].reset_index(drop=True)


def _asked(rows: pd.DataFrame, feature: Hashable, values: pd.Series) -> pd.DataFrame:
    """Every row with every value, ``(n · G, p)``."""
    n, G = len(rows), len(values)
    asked = rows.iloc[np.repeat(np.arange(n), G)].reset_index(drop=True)
    taken = values.take(np.tile(np.arange(G), n)).reset_index(drop=True)
    return pd.DataFrame({c: taken if c == feature else asked[c] for c in asked.columns}, columns=asked.columns)


def _target(answers: Answers, target: TargetLike) -> Target:
    """The number that is answered."""
    K = len(answers.outputs)
    if is_function(target):
        return Target.of_function(target, answers.y)  # type: ignore[arg-type]
    if target is None and K > 2:
        raise InputError("target", f"be one of the outputs {', '.join(answers.outputs)}", target)
    made = resolve(K - 1 if target is None else target, answers.outputs, answers.unit, answers.y[0])
    if len(made.outputs) > 1:
        raise InputError("target", "name one output", made.outputs)
    return made


def _curves(answers: Answers, target: Target, n: int, G: int) -> tuple[np.ndarray, int]:
    """Answers ``(n, G)``, and how many rows were not answered throughout; these are NaN."""
    flat = np.full(n * G, np.nan)
    flat[answers.design.Z[:, 0].astype(int)] = target(answers.y)[:, 0]
    curves = flat.reshape(n, G)
    return curves, int(np.isnan(curves).any(axis=1).sum())


def _result(
    session: Session,
    feature: Hashable,
    values: pd.Series,
    curves: np.ndarray,
    own: np.ndarray,
    population: int,
    target: Target,
    lost: int,
    row: Row | None,
    seed: int,
) -> Dependence:
    whole = curves[np.isfinite(curves).all(axis=1)]
    if len(whole) < 2:
        raise InputError("model", "answer at least two rows for every value", len(whole))
    n, mean = len(whole), whole.mean(axis=0)
    half = stdtrit(n - 1, 0.975) * whole.std(axis=0, ddof=1) * np.sqrt(max(1 - n / population, 0.0) / n)
    places = numbers_of(values)
    notes = list[str]()
    if n < population:
        notes.append(f"Intervals are for the mean over all {population} background rows, of which {n} were used.")
    if lost:
        notes.append(f"Left out, not answered for every value: {counted(lost, 'row')}.")
    if session.noisy:
        notes.append("The model answers the same question differently each time; intervals do not cover that.")
    if why := session.scorer.neighbours:
        notes.append(one_by_one(why))
    spent = provenance(session.question.probe, session.identity.id, len(curves) * len(values), None, seed, session.cost)
    return Dependence(
        feature=str(feature),
        output=target.outputs[0],
        unit=target.unit,
        table=pd.DataFrame(
            {
                "value": [shown(value) for value in values],
                "place": np.full(len(values), np.nan) if places is None else places,
                "mean": mean,
                "low": mean - half,
                "high": mean + half,
            }
        ),
        curves=whole,
        instance=own,
        held=_held(row, feature),
        population=population,
        warnings=tuple(notes),
        cost=cost_data(session.cost),
        provenance=spent,
    )


def _held(row: Row | None, feature: Hashable) -> str:
    """What the row holds in the column, where it names its columns."""
    if isinstance(row, pd.DataFrame):
        return shown(row[feature].iloc[0])
    return shown(row[feature]) if isinstance(row, (pd.Series, dict)) else ""
