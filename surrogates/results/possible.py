"""Numbers that cannot be, found by the names under which results keep them: a negative error, R² above 1."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["impossible"]

#: bounds, with the rule in words; names of the numbers that have them
_MOST_ONE, _RANK = (-np.inf, 1.0, "be at most 1"), (-1.0, 1.0, "lie between -1 and 1")
_SHARE, _SIZE = (0.0, 1.0, "lie between 0 and 1"), (0.0, np.inf, "be 0 or more")
_BOUNDS = {
    **dict.fromkeys(("r2", "r2_low", "r2_high", "constant", "leave_one_out", "permuted", "ceiling"), _MOST_ONE),
    **dict.fromkeys(("rank", "rank_low", "rank_high"), _RANK),
    **dict.fromkeys(("precision", "coverage", "recall", "f1", "jaccard", "confidence", "p"), _SHARE),
    **dict.fromkeys(("se", "distance", "clip", "seconds"), _SIZE),
    **dict.fromkeys(("rows", "population", "inputs", "entities", "terms", "clear", "ordered"), _SIZE),
    **dict.fromkeys(("low", "high"), (-np.inf, np.inf, "be a number")),
    **dict.fromkeys(("asked", "questions", "replicates", "calls", "tokens", "reused", "checks"), _SIZE),
}
#: a share of things that are counted beside it lies between 0 and 1; one of an effect, as what controls do, need not
_COUNTED, _OF_AN_EFFECT = {"rows", "inputs", "entities"}, {"control"}
#: names of the ends of intervals
_INTERVALS = (("low", "high"), ("r2_low", "r2_high"), ("rank_low", "rank_high"))
#: what sums and quotients may be off by
_ROUNDING = 1e-9


def impossible(values: Mapping[str, object]) -> tuple[str, str, object] | None:
    """Return the first number that cannot be: its name, the rule that it breaks, and the number; None if all can be.

    Parameters
    ----------
    values : mapping of names to numbers, sequences or arrays of them, or anything else, which is passed over

    Examples
    --------
    >>> impossible({"r2": (0.4, 1.2), "rows": 40})
    ('r2', 'be at most 1', 1.2)
    >>> impossible({"low": 0.1, "high": [0.3]}) is None
    True
    """
    counted = _COUNTED & values.keys() and not _OF_AN_EFFECT & values.keys()
    bounds = _BOUNDS | {"share": _SHARE} if counted else _BOUNDS
    known = [name for name in values if name in bounds]
    numbers = {name: array for name in known if (array := _numbers(values[name])) is not None}
    for name, array in numbers.items():
        least, most, rule = bounds[name]
        wrong = array[(array < least - _ROUNDING) | (array > most + _ROUNDING)]  # what is not known is NaN
        if len(wrong):
            return name, rule, float(wrong[0])
    for low, high in _INTERVALS:
        if low in numbers and high in numbers and numbers[low].shape == numbers[high].shape:
            size = np.fmax(np.abs(numbers[low]), np.abs(numbers[high]))
            wrong = numbers[low][numbers[low] > numbers[high] + _ROUNDING * size]
            if len(wrong):
                return low, f"be at most {high}", float(wrong[0])
    return None


def _numbers(value: object) -> np.ndarray | None:
    """Return numbers as a flat array; None for what is something else, also for texts that look like numbers."""
    if isinstance(value, (int, float, list, tuple, np.ndarray)):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array.astype(float).ravel() if array.dtype.kind in "biuf" else None
    return None
