"""The verdict: one sentence on what held-out numbers allow a reader to rely on."""

from __future__ import annotations

import numpy as np

__all__ = ["PERMUTED", "refuses", "verdict"]

#: held-out R² on shuffled answers above which a method is not to be believed
PERMUTED = 0.1
#: shares of effects that background rows may leave open where sizes are trusted, and where they are approximate
ROWS = (0.1, 0.5)

_MORE_ROWS = (
    "the replacements used leave them open. Use more (background_rows=, of an infill samples=), or read its terms."
)


def verdict(
    r2: float,
    low: float,
    permuted: float,
    clear: int,
    ordered: int,
    misses: bool,
    background: float = 0.0,
    change: bool = False,
    exact: bool = False,
) -> str:
    """Say in one sentence what may be relied on; the lower end of the interval decides, never the estimate alone.

    Parameters
    ----------
    r2, low : float
        Held-out R², and the lower end of its 95% interval.
    permuted : float
        Held-out R² on shuffled answers; NaN if there is none.
    clear, ordered : int
        How many effects differ from zero, and how many leading places in their order are certain.
    misses : bool
        Whether the surrogate is far off at the instance.
    background : float
        How far the choice of background rows leaves the sizes of effects open, as a share of them. Where none differs
        from zero, of those that would if every row were used; 0 if none would.
    change : bool
        Whether the numbers are changes from one model to another.
    exact : bool
        Whether every possible question was asked, so that no more can be.
    """
    if np.isnan(r2) and not misses:
        same = "the change is the same for" if change else "the model gave the same answer to"
        return f"Nothing to fit: {same} every sampled question."
    if misses:
        here = "the change" if change else "the model's answer"
        return f"Do not use it for this input: {here} here is far from what the surrogate says."
    if r2 <= 0:
        return "Do not use it: on questions it had not seen it predicts no better than a constant."
    if low <= 0:
        return "Do not rely on it: with this few answers it may predict no better than a constant."
    if np.isfinite(permuted) and permuted > PERMUTED and low <= permuted:
        return "Do not use it: the same method does as well on shuffled answers."
    if clear == 0:
        level = "well" if low >= 0.7 else "in part" if low >= 0.4 else "weakly"
        what = "change" if change else "model"
        advice = _MORE_ROWS if background > 0 else "read its terms, not single effects."
        return f"It predicts the {what} {level}, but no single effect stands out: {advice}"
    if low < 0.4:
        advice = "try another family" if exact else "ask more or try another family"
        return f"Weak: trust the {_top('sign', clear)}, neither order nor sizes; {advice}."
    if low >= 0.7 and background > ROWS[1]:
        return f"{_trusted(clear, ordered)}, not the sizes: the replacements used leave them open."
    sized = low >= 0.9 and background <= ROWS[0]
    return _trusted(clear, ordered) + (
        ", and the sizes." if sized else "; the sizes are approximate." if low >= 0.7 else ", not the sizes."
    )


def refuses(words: str) -> bool:
    """Whether a verdict says that nothing may be read from the explanation."""
    return words.startswith("Do not ")


def _trusted(clear: int, ordered: int) -> str:
    """Return which effects stand out, of at least one."""
    if clear == 1:
        return "Trust that one effect stands out"
    if ordered > 1:
        return f"Trust the order of the top {ordered}"
    return f"Trust that the top {clear} matter" + (" and which is first" if ordered == 1 else "")


def _top(what: str, count: int) -> str:
    return f"{what} of the top effect" if count == 1 else f"{what}s of the top {count}"
