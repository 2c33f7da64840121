"""Indices of a model or its surrogate as a table: whose they are, for whom they are exact, and how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone

from probes.asking.answers import Answers
from probes.errors import InputError
from probes.probe import Feature
from surrogates.judging.cross_fit import cross_fit
from surrogates.judging.problem import Problem
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.distillation import fitted_once
from surrogates.shapley.indices import Indices, indices
from surrogates.shapley.quadrature import check_kind
from surrogates.surrogate import FixedTerms, Surrogate

__all__ = ["Estimated", "for_these", "index_table", "model_values", "tabulate"]

#: standard errors to either side of a 95% interval
_NORMAL = 1.959964
#: what the numbers are exact for
_EXACT = {"model": "for the model", "surrogate": "for the surrogate", "proxy": "no"}
#: where background rows are a sample of all; where absent text was drawn anew
_ROWS_USED, _DRAWS_USED = "for the model, with the background rows used", "for the model, with the draws used"
#: before the sum of the surrogate passes through its curve
ON_LINE = "for the surrogate, on the line of its curve"


@dataclass(frozen=True)
class Estimated:
    """What indices are computed from.

    Attributes
    ----------
    surrogate : Surrogate
        Fitted to all sampled answers.
    answers : Answers
    y : ndarray ``(n, k)``
        The explained number of every answer.
    features : tuple of d features
    outputs : tuple of k str
    seed : int
        Of the cross-fit.
    sampled : str, default ""
        Where what stands for absent values is a sample: what exact numbers are exact for, see :func:`for_these`.
    """

    surrogate: Surrogate
    answers: Answers
    y: np.ndarray
    features: tuple[Feature, ...]
    outputs: tuple[str, ...]
    seed: int
    sampled: str = ""


def index_table(
    known: Estimated, kind: str = "shapley", order: int = 1, of: str | None = None, unit: str = "answers"
) -> pd.DataFrame:
    """Compute indices of the instance against the reference, strongest first.

    Parameters
    ----------
    known : Estimated
    kind, order
        See :func:`~surrogates.shapley.indices.indices`.
    of : {"model", "surrogate", "proxy"}, optional
        By default "model" where every question that the index needs was asked (all there are; the leave-one-out rows,
        which most designs hold), else "surrogate".
    unit : {"answers", "link"}, default "answers"
        "link": of the surrogate's sum, before it passes through a curve; see :func:`~surrogates.indices`.

    Returns
    -------
    DataFrame
        One row an output and set of features: ``output``; ``features``, "a × b" for an interaction; ``index`` in the
        unit of the target; ``se``, ``low`` and ``high``, its standard error and 95% interval; ``exact``, "for the
        model", "for the model, with the background rows used" (or "the draws used"), where these are a sample, "for
        the surrogate" or "no"; ``source``, the `of` that was used.

    Raises
    ------
    InputError
        If there is no such index, or no such source for these answers.

    Notes
    -----
    What the standard error covers depends on the source.

    *model*: 0, nothing is estimated.

    *surrogate*: the jackknife over the folds of the cross-fit, which is how much the index would move with other
    questions of the same number (0 if all were asked), and how far it is sampled. It does not cover what no surrogate
    of this family can say, however many questions it learns from: look at the fidelity for that, or at
    ``attributions``, whose intervals hold for the model. NaN for a family of one's own read from a file, which cannot
    be fitted again.

    *proxy*: the posterior standard deviation, for the model itself as far as it is like a draw from the prior.
    """
    check_kind(kind, order)
    design = known.answers.design
    binary = all(f.kind == "binary" for f in known.features)
    alone = kind == "leave-one-out" and design.leave_one_out and not known.answers.noisy
    complete = binary and (design.exact or alone)
    on_line = unit == "link"
    source = ("model" if complete and not on_line else "surrogate") if of is None else of
    if unit not in ("answers", "link") or (on_line and source != "surrogate"):
        raise InputError("unit", 'be "answers", or "link" for the surrogate', unit)
    if source not in _EXACT:
        raise InputError("of", f"be one of {', '.join(_EXACT)}, or None", of)
    if source == "model" and not complete:
        raise InputError("of", 'be "surrogate" or "proxy" unless every question that the index needs was asked', of)
    if source == "proxy" and not binary:
        raise InputError("of", "be another source than the proxy, which takes present/absent features alone", of)
    factor = _NORMAL
    if source == "model":
        estimated = indices(_table(known), kind, order) if design.exact else _left_out(known)
    elif source == "proxy":
        estimated = indices(_proxy(known), kind, order)
    else:
        estimated, factor = _of_surrogate(known, kind, order, unit)
    exact = known.sampled if source == "model" and known.sampled else _exactly(estimated, source)
    table = tabulate(estimated, known.features, known.outputs, source, exact, factor)
    if on_line:
        curved = [name for name, link in zip(known.outputs, known.surrogate.links_, strict=False) if link.curved]
        table.loc[table["output"].isin(curved), "exact"] = ON_LINE
    return table


def for_these(view: Mapping[str, Any]) -> str:
    """Say what exact numbers are exact for, where a sample of rows, or of draws, stands for absent values."""
    return _DRAWS_USED if view["kind"] == "text" else _ROWS_USED


def _exactly(estimated: Indices, source: str) -> str:
    """Say for whom indices are exact; for nobody where a surrogate's were sampled."""
    return _EXACT["proxy"] if source == "surrogate" and estimated.sampled else _EXACT[source]


def model_values(known: Estimated) -> tuple[np.ndarray, np.ndarray]:
    """Compute Shapley values of the model, from its answers: exact where every question was asked, else the proxy's.

    Returns
    -------
    values : ndarray ``(k, d)``
        They add up to the answer for the instance minus that for the reference.
    shared : ndarray ``(k,)``
        The part of that difference which the proxy's values left over; every feature has one d-th of it.

    Raises
    ------
    InputError
        For features that are not present or absent.
    """
    if any(f.kind != "binary" for f in known.features):
        rule = "be asked of present/absent features; under a real-valued law use shapley_values(model, probe)"
        raise InputError("Shapley values of the model", rule, "features with a real-valued law")
    estimated = indices(_table(known) if known.answers.design.exact else _proxy(known)).values
    shared = known.y[0] - known.y[1] - estimated.sum(axis=1)
    return estimated + shared[:, None] / estimated.shape[1], shared


def _table(known: Estimated) -> np.ndarray:
    """Return all answers ``(2ᵈ, k)``, bit j of the row number being feature j."""
    design = known.answers.design
    table = np.empty((len(design.sampled), len(known.outputs)))
    table[(design.sampled @ (1 << np.arange(design.Z.shape[1]))).astype(int)] = known.y[design.fixed :]
    return table


def _left_out(known: Estimated) -> Indices:
    """Compute the model's leave-one-out indices, from the rows of the design that were asked for them."""
    y, d = known.y, len(known.features)
    values = (y[0] - y[2 : 2 + d]).T
    return Indices("leave-one-out", [(i,) for i in range(d)], values, np.zeros_like(values))


def _proxy(known: Estimated) -> CubeProxy:
    """Fit the surrogate's proxy, or one with default settings, to every answer, fixed rows included."""
    given = known.surrogate.proxy
    proxy = clone(given).set_params(link="identity") if isinstance(given, CubeProxy) else CubeProxy()
    Z, first = np.unique(known.answers.design.Z, axis=0, return_index=True)
    return fitted_once(proxy, Z, known.y[first], np.ones(len(Z)))


def _of_surrogate(known: Estimated, kind: str, order: int, unit: str) -> tuple[Indices, float]:
    """Return indices with jackknife standard errors, and how many of them a 95% interval takes to either side."""
    x, reference = (np.array([getattr(f, n) for f in known.features]) for n in ("instance", "reference"))
    surrogate, design = known.surrogate, known.answers.design
    estimated = indices(surrogate, kind, order, instance=x, reference=reference, unit=unit)
    if design.exact:
        return estimated, _NORMAL
    if isinstance(surrogate, FixedTerms):
        return replace(estimated, se=np.full(estimated.values.shape, np.nan)), np.nan
    crossed = cross_fit(surrogate, Problem.of(known.answers, known.y, known.outputs, known.features, known.seed))
    folds = np.zeros((len(crossed.fits), *estimated.values.shape))
    place = {subset: j for j, subset in enumerate(estimated.subsets)}
    for values, (fitted, _) in zip(folds, crossed.fits, strict=True):
        one = indices(fitted, kind, order, instance=x, reference=reference, unit=unit)
        shared = [(j, place[subset]) for j, subset in enumerate(one.subsets) if subset in place]
        values[:, [to for _, to in shared]] = one.values[:, [j for j, _ in shared]]
    se = np.sqrt((len(folds) - 1) * folds.var(axis=0) + estimated.se**2)
    return replace(estimated, se=se), float(stats.t.ppf(0.975, len(folds) - 1))


def tabulate(
    estimated: Indices,
    features: Sequence[Feature],
    outputs: Sequence[str],
    source: str,
    exact: str,
    factor: float = _NORMAL,
) -> pd.DataFrame:
    """Return indices as the data frame that :func:`index_table` describes.

    Parameters
    ----------
    estimated : Indices
    features : sequence of d features
    outputs : sequence of k str
    source, exact : str
        Columns of their own.
    factor : float, default 1.96
        Standard errors to either side of an interval.

    Examples
    --------
    >>> found = indices(np.array([0.0, 1.0, 2.0, 5.0]), order=2)
    >>> table = tabulate(found, [Feature("not"), Feature("bad")], ["score"], "model", "for the model")
    >>> table[["features", "index", "se"]]
        features  index   se
    0        bad    3.0  0.0
    1        not    2.0  0.0
    2  not × bad    2.0  0.0
    """
    names = [" × ".join(features[i].name for i in subset) for subset in estimated.subsets]
    frames = []
    for output, value, se in zip(outputs, estimated.values, estimated.se, strict=True):
        columns = {"index": value, "se": se, "low": value - factor * se, "high": value + factor * se}
        frame = pd.DataFrame({"output": output, "features": names, **columns, "exact": exact, "source": source})
        frames.append(frame.iloc[np.argsort(-np.abs(value).round(12), kind="stable")])
    return pd.concat(frames, ignore_index=True)
