"""How well models that were trained without a group of records predict that group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any
from uuid import uuid4

import joblib
import numpy as np
import pandas as pd

from probes.asking.answers import Answers
from probes.cases.training_model import TrainingModel, right_label
from probes.errors import ModelError
from probes.model import Identity
from probes.sampling.cube import uniform

__all__ = ["TrainingByGroup", "halves", "hints", "left_out", "named", "own_judge"]


class TrainingByGroup(TrainingModel):
    """Rows of absent and present groups → the numbers of `evaluate`, then how well each group's records are predicted.

    Parameters
    ----------
    judge : callable
        Of the trained model, and records (and labels): a number.
    given : bool
        Whether it is a function of the user, which nobody can fingerprint.
    names : tuple of str
        Of the groups.
    *told
        What a TrainingModel is made of.
    """

    def __init__(self, judge: Callable[..., float], given: bool, names: tuple[str, ...], *told: Any):
        self.judge, self.given, self.names = judge, given, named(names)
        code = _code(judge) if given else None
        # a judge that cannot be told from others is like none: its answers are not kept beyond this run
        self._told_apart = not given or code is not None
        self._judged_by = (code or uuid4().hex,) if given else () if judge in _SHARES else ("explained",)
        super().__init__(*told)
        first = () if self.evaluate is None else self.outputs
        self.outputs = None if first is None else (*first, *self.names)

    def marks(self) -> tuple[Any, ...]:
        return (*super().marks(), "by group", self.names, *self._judged_by)

    def identity(self) -> Identity:
        known = super().identity()
        return known if self._told_apart else known._replace(persistent=False)

    def fixed(self) -> bool:
        return not self.given and (self.evaluate is None or super().fixed())

    def untrained(self) -> np.ndarray:
        first = super().untrained()
        width = len(self.outputs or (*self.names, "of evaluate"))
        return np.repeat(first, width) if len(first) == 1 else first

    def judged(self, trained: Any) -> Any:
        first = np.empty(0) if self.evaluate is None else np.atleast_1d(super().judged(trained))
        each = [_single(self.judge(trained, *self.records(group))) for group in self.groups]
        if self.outputs is None:
            self.outputs = (*(f"output {j}" for j in range(len(first))), *self.names)
        return np.append(first, each)


def _single(value: Any) -> float:
    """Return the one number that a function of the user is to return; raises ModelError."""
    if np.size(value) != 1:
        raise ModelError(f"evaluate_group must return one number; it returned {np.size(value)}.")
    return float(np.reshape(value, ()))


def named(groups: Sequence[str]) -> tuple[str, ...]:
    """Return names of the outputs that say how well the records of each group are predicted."""
    return tuple(f"records of {group}" for group in groups)


def hints(answers: Answers, groups: Sequence[str]) -> np.ndarray | None:
    """Return what each row says of each group, ``(n, d)``: how well its records are predicted by a model without them.

    NaN where they are present, or there are no records at all; None of answers that do not say it.
    """
    names = named(groups)
    if answers.outputs[-len(names) :] != names:
        return None
    absent = (answers.design.Z < 0.5) & (answers.design.Z > 0.5).any(axis=1, keepdims=True)
    return np.where(absent, answers.y[:, -len(names) :], np.nan)


def own_judge(train: Any, y: np.ndarray | None) -> Callable[..., float] | None:
    """Return what an estimator is judged by on records with labels; None where there is no label to predict."""
    if y is None or not hasattr(train, "fit"):
        return None
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(train):
        if y.ndim > 1:
            return None
        return right_label if hasattr(train, "predict_proba") else _share_right
    if not is_regressor(train):
        return None
    try:
        return partial(_explained, y.astype(float).var(axis=0))
    except (TypeError, ValueError):  # labels that no regressor learns
        return None


def _share_right(trained: Any, X: Any, y: np.ndarray) -> float:
    return float(np.mean(np.asarray(trained.predict(X)) == y))


#: judges whose numbers are shares of labels
_SHARES = (right_label, _share_right)


def _explained(variance: np.ndarray, trained: Any, X: Any, y: np.ndarray) -> float:
    """1 / (1 + e), e the mean squared error in variances of the labels: 1 of right predictions, 1/2 of their mean.

    Bounded, for a mean over trainings: squared errors of the few that fail would be nearly all of it.
    """
    errors = (np.asarray(trained.predict(X), dtype=float).reshape(y.shape) - y) ** 2
    return 1 / (1 + float(np.mean(errors / np.where(variance > 0, variance, 1.0))))


def _code(value: Any, depth: int = 8) -> str | None:
    """Return what tells a function from others of its name: its code, its defaults, and what it encloses.

    None where some of that cannot be told from something else: it cannot be pickled, or encloses itself.
    """
    if isinstance(value, partial):
        parts: list[Any] = [value.func, *value.args, *sorted(value.keywords.items())]
    elif isinstance(value, MethodType):
        parts = [value.__func__, value.__self__]
    elif isinstance(value, FunctionType):
        try:
            enclosed = [cell.cell_contents for cell in value.__closure__ or ()]
        except ValueError:  # assigned later, as the probe that a function judges for
            return None
        parts = [value.__code__, value.__defaults__, value.__kwdefaults__, *enclosed]
    elif isinstance(value, CodeType):
        parts = [value.co_code, value.co_names, *value.co_consts]
    else:
        try:
            return str(joblib.hash(value))
        except Exception:  # noqa: BLE001 - whatever a user's object raises when it is pickled
            return None
    codes = [_code(part, depth - 1) for part in parts] if depth else [None]
    return None if None in codes else str(joblib.hash(codes))


def halves(d: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draw pairs of a row and its complement, none of them empty: every feature is absent from half of the rows.

    Parameters
    ----------
    d : int
        Features, two at least.
    rows : int
        The most rows; a last single one is not drawn.
    rng : numpy.random.Generator

    Examples
    --------
    >>> halves(2, 7, np.random.default_rng(0))
    array([[1., 0.],
           [0., 1.]])
    """
    pairs = min(rows // 2, 2 ** (d - 1) - 1)
    one = np.column_stack([uniform(d - 1, pairs, rng, but=np.zeros((1, d - 1))), np.zeros(pairs)])
    return np.stack([one, 1 - one], axis=1).reshape(-1, d)


def left_out(names: Sequence[str], Z: np.ndarray, y: np.ndarray, shares: bool = False) -> pd.DataFrame:
    """Average numbers ``(n, d)`` of d groups over the rows ``(n, d)`` that lack the group, with 95% intervals.

    Lowest first. Rows without any group say nothing of data, and rows of NaN were not answered. Intervals are
    Student's, of `shares` between 0 and 1 around their log-odds: near a bound they are skewed, and so are these.
    """
    from scipy.special import expit, logit
    from scipy.stats import t  # here: scipy.stats takes half the time of importing this package

    known = (Z > 0.5).any(axis=1) & ~np.isnan(y).any(axis=1)
    absent = (Z[known] < 0.5).astype(float)
    count = absent.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (absent * y[known]).sum(axis=0) / count
        variance = (absent * (y[known] - mean) ** 2).sum(axis=0) / (count - 1)
        half = t.ppf(0.975, count - 1) * np.sqrt(variance / count)
        low, high = mean - half, mean + half
        if shares:
            wide = half / (mean * (1 - mean))
            inside = (mean > 0) & (mean < 1)
            low, high = (np.where(inside, expit(logit(mean) + side), mean + 0 * half) for side in (-wide, wide))
    table = {"feature": list(names), "mean": mean, "low": low, "high": high}
    return pd.DataFrame({**table, "trainings": count.astype(int)}).sort_values("mean", kind="stable", ignore_index=True)
