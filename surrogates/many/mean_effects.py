"""What many explanations say together: mean effects with intervals, and which few of them stand for all."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from probes.errors import InputError

__all__ = ["mean_effects", "picks", "seldom_clear"]

_DRAWS = 2000
#: draws that are held in memory at a time, times items
_AT_ONCE = 1_000_000


def mean_effects(frame: pd.DataFrame, random_state: int = 0) -> pd.DataFrame:
    """Compute the mean |attribution| of every feature over items, with 95% bootstrap intervals over items.

    Parameters
    ----------
    frame : DataFrame
        One row an item, output and feature; see ``ExplanationSet.frame``.
    random_state : int, default 0

    Returns
    -------
    DataFrame
        ``output, feature, items, importance, low, high, mean, raises``, strongest first: mean |attribution| with its
        interval, mean attribution, and the share of items where it is above zero.

    Notes
    -----
    Percentile bootstrap (Efron 1979). Items are what is drawn, so the interval is for inputs like these; a single one
    has none. Where an attribution is uncertain its absolute value is a little too large on average.
    """
    rng = np.random.default_rng(random_state)
    rows = []
    for (output, feature), part in frame.groupby(["output", "feature"], sort=False):
        values = part["attribution"].to_numpy(dtype=float)
        sizes, n = np.abs(values), len(values)
        low = high = np.nan
        if n > 1:
            step = max(1, _AT_ONCE // n)
            counts = [min(step, _DRAWS - start) for start in range(0, _DRAWS, step)]
            means = np.concatenate([sizes[rng.integers(n, size=(count, n))].mean(axis=1) for count in counts])
            low, high = np.quantile(means, (0.025, 0.975))
        rows.append((output, feature, n, sizes.mean(), low, high, values.mean(), (values > 0).mean()))
    names = ["output", "feature", "items", "importance", "low", "high", "mean", "raises"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def seldom_clear(frame: pd.DataFrame) -> list[str]:
    """Return features of several effects whose intervals leave zero out no more often than they would by chance.

    The mean of |attribution| is above zero there whether the feature does anything or not. `frame` is as of
    :func:`mean_effects`; effects of all outputs count together, those without an interval or of exactly zero do not.
    """
    known = frame[frame["low"].notna() & frame["high"].notna() & (frame["attribution"] != 0)]
    clear = (known["low"] > 0) | (known["high"] < 0)
    counted = clear.groupby(known["feature"], sort=False).agg(["sum", "size"])
    chance = (counted["size"] > 1) & (counted["sum"] <= stats.binom.ppf(0.95, counted["size"], 0.05))
    return [str(name) for name in counted.index[chance]]


def picks(frame: pd.DataFrame, k: int) -> pd.DataFrame:
    """Pick the k items that together show most of what matters: greedy submodular pick.

    A feature weighs √Σ|attribution| over items, and is covered by an item where its interval leaves zero out. Each
    step takes the item that adds most weight; the weight covered is at least 1 − 1/e of the most that k items can
    cover.

    Parameters
    ----------
    frame : DataFrame
        See ``ExplanationSet.frame``.
    k : int
        The most items.

    Returns
    -------
    DataFrame
        ``item, gain, covered``: shares of the whole weight, in the order of picking. Fewer than k where nothing is
        left to gain.

    Raises
    ------
    InputError
        If `k` is no positive integer.

    Notes
    -----
    Ribeiro, Singh and Guestrin (2016), algorithm 2; the guarantee is by Nemhauser, Wolsey and Fisher (1978).
    """
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 1:
        raise InputError("k", "be a positive integer", k)
    if frame.empty:
        return pd.DataFrame(columns=["item", "gain", "covered"])
    items = frame["item"].drop_duplicates().to_list()
    kinds, feature = np.unique(frame["output"].astype(str) + "\0" + frame["feature"].astype(str), return_inverse=True)
    item = frame["item"].map({name: i for i, name in enumerate(items)}).to_numpy()
    size = np.abs(frame["attribution"].to_numpy(dtype=float))
    clear = ((frame["low"] > 0) | (frame["high"] < 0)).to_numpy()
    weight = np.sqrt(np.bincount(feature, size, len(kinds)))
    shown = np.zeros((len(items), len(kinds)), dtype=bool)
    shown[item[clear], feature[clear]] = True
    total = weight[shown.any(axis=0)].sum()
    rows, covered = [], np.zeros(len(kinds), dtype=bool)
    for _ in range(min(int(k), len(items))):
        gains = (shown & ~covered) @ weight
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        covered |= shown[best]
        rows.append((items[best], gains[best] / total, weight[covered].sum() / total))
    return pd.DataFrame(rows, columns=["item", "gain", "covered"])
