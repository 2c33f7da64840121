"""When to stop asking: rules for ``explain(..., until=...)``.

A rule looks at what is known after 48, 72, 108, … questions and says when that is enough. Looking often is paid for in
honesty: intervals and orders at the moment of stopping are a little too sure of themselves, because the moment was
chosen by them. Only :class:`Certified` is immune: its statement holds at whatever moment it is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from probes.design import Design
from probes.errors import InputError

__all__ = ["Certificate", "Certified", "StableOrder", "Until", "Width"]

_FIRST, _GROWTH = 48, 1.5


class Until(ABC):
    """A rule that says when enough is known."""

    @abstractmethod
    def met(self, looks: list[pd.DataFrame]) -> str | None:
        """Why to stop, in words, or None.

        Parameters
        ----------
        looks : list of DataFrame
            Attributions at every look so far, the latest last.
        """


def looks(design: Design) -> Iterator[int]:
    """Row numbers after which a rule looks, the last one aside: each half as many again as the one before."""
    rows = max(_FIRST, design.fixed + design.block + 10)
    while rows < len(design):
        yield rows
        rows = int(rows * _GROWTH)


@dataclass(frozen=True)
class Width(Until):
    """Stop when the leading attributions are known well enough.

    Parameters
    ----------
    half_width : float
        Largest half-width of their 95% intervals, in the unit of the target.
    top : int, default 3
        How many attributions, strongest first, of every output.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> from surrogates import Width, explain
    >>> f = lambda Z: Z[:, 0] + 0.1 * Z[:, 1] * Z[:, 2]
    >>> ex = explain(f, MaskProbe(12), budget=1000, until=Width(0.02), store=None)
    >>> len(ex.answers.design) < 100, ex.provenance["stopped"]
    (True, 'the 3 strongest attributions are known to ±0.02')
    """

    half_width: float
    top: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.half_width, Real) or not 0 < self.half_width < np.inf:
            raise InputError("half_width", "be a positive number", self.half_width)
        _check_top(self.top)

    def met(self, looks: list[pd.DataFrame]) -> str | None:
        widest = max(
            float((part["high"] - part["low"]).iloc[: self.top].max()) / 2
            for _, part in looks[-1].groupby("output", sort=False)
        )
        shown = min(self.top, looks[-1]["feature"].nunique())
        what = f"the {shown} strongest attributions are" if shown > 1 else "the strongest attribution is"
        return f"{what} known to ±{self.half_width:g}" if widest <= self.half_width else None


@dataclass(frozen=True)
class StableOrder(Until):
    """Stop when the strongest features have been the same, in the same order, at several looks in a row.

    Parameters
    ----------
    top : int, default 3
    times : int, default 3
    """

    top: int = 3
    times: int = 3

    def __post_init__(self) -> None:
        _check_top(self.top)
        if not isinstance(self.times, Integral) or self.times < 2:
            raise InputError("times", "be an integer of at least 2", self.times)

    def met(self, looks: list[pd.DataFrame]) -> str | None:
        orders = {
            tuple(tuple(part["feature"].iloc[: self.top]) for _, part in look.groupby("output", sort=False))
            for look in looks[-self.times :]
        }
        if len(looks) < self.times or len(orders) > 1:
            return None
        shown = min(self.top, looks[-1]["feature"].nunique())
        return f"the order of the {shown} strongest attributions was the same at {self.times} looks in a row"


@dataclass(frozen=True)
class Certified:
    """Stop when a frozen surrogate has proved its fidelity on fresh questions.

    The surrogate is fitted to the answers so far and frozen; from then on fresh independent questions test it, one pair
    after the other, by betting against "R² is less than `r2`" (a test martingale; Ville's inequality makes the
    certificate valid at whatever moment it is reached). If half of the budget's remainder has not settled it, the
    surrogate is fitted again to all answers, and tested again with a smaller error probability (6 α / π² k² for the
    k-th).

    Parameters
    ----------
    r2 : float, default 0.8
        The fidelity to prove, over the declared law.
    confidence : float, default 0.95
    clip : float, default 1.0
        Errors beyond this many standard deviations of the answers count as that many. Without a limit nothing could be
        proved, a single rare error may be as large as it likes; a higher one takes more questions.

    Notes
    -----
    Waudby-Smith and Ramdas (2024), betting with predictable plug-in stakes. For a target ρ it tests the mean of
    (1 − ρ)(y − y′)²/2 − (e² + e′²)/2 over pairs of fresh rows, which is positive exactly if R² exceeds ρ. A question is
    asked once: for a model that answers it differently each time the certificate is for the answers as recorded.
    """

    r2: float = 0.8
    confidence: float = 0.95
    clip: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.clip, Real) or not 0 < self.clip < np.inf:
            raise InputError("clip", "be a positive number of standard deviations", self.clip)
        for name in ("r2", "confidence"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not 0 <= value < 1:
                raise InputError(name, "be a number from 0 to below 1", value)

    def freezes(self, design: Design) -> Iterator[tuple[int, int]]:
        """(rows fitted, rows asked when the test ends), one a try: quarters of the budget, then halves."""
        start = max(design.fixed + design.block + 20, len(design) // 4)
        while start < len(design):
            stop = min(len(design), 2 * start)
            yield start, stop if len(design) - stop >= 20 else len(design)
            start = stop if len(design) - stop >= 20 else len(design)

    def alpha(self, k: int) -> float:
        """Error probability of the k-th try, from 1."""
        return (1 - self.confidence) * 6 / (np.pi * k) ** 2


@dataclass(frozen=True)
class Certificate:
    """Proof of a surrogate's fidelity.

    Attributes
    ----------
    r2 : float
        R² is at least this, over the declared law, errors clipped at `clip`.
    confidence : float
        The statement is wrong in at most this share's complement of runs.
    fitted : int
        Rows the surrogate was fitted to, before the test began.
    rows : int
        Fresh answers that it was tested on.
    clip : tuple of float
        Per output, the size beyond which an error counts as this, in the unit of the target.
    """

    r2: float
    confidence: float
    fitted: int
    rows: int
    clip: tuple[float, ...]

    def __str__(self) -> str:
        clip = ", ".join(f"{value:.3g}" for value in self.clip)
        return (
            f"Certified: R² is at least {self.r2:g}, with {self.confidence:.0%} confidence, "
            f"on {self.rows} fresh answers (errors beyond {clip} counted as that)."
        )

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "clip": list(self.clip)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Certificate:
        """The certificate that :meth:`to_json` wrote."""
        return cls(**{**data, "clip": tuple(data["clip"])})


def _check_top(top: object) -> None:
    if not isinstance(top, Integral) or isinstance(top, bool) or top < 1:
        raise InputError("top", "be a positive integer", top)
