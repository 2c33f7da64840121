"""When to stop asking: rules for ``explain(..., until=...)``.

A rule owns the design, says after how many rows it looks at the answers, and decides each time whether they are enough.

:class:`Until` looks at what is known after 48, 72, 108, … questions and says when that is
enough. Looking often is paid for in
honesty: intervals and orders at the moment of stopping are a little too sure of themselves, because the moment was
chosen by them. Only :class:`Certified` is immune: its statement holds at whatever moment it is made.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from probes.asking.question import Question
from probes.asking.session import Reply
from probes.design import Design, independent, sample
from probes.errors import InputError, integer, number
from probes.probe import Feature
from probes.rounding import given
from surrogates.judging.notes import UNMET, uncertified
from surrogates.local.certificate import Certificate
from surrogates.local.rule import EXACT, OneLook, Outcome, Rule, Study, Watch
from surrogates.numerics.sequential_tests import r2_wealth
from surrogates.surrogate import Surrogate

__all__ = ["Certificate", "Certified", "StableOrder", "Until", "Width"]

_FIRST, _GROWTH = 48, 1.5


class Until(Rule):
    """A rule that says when enough is known, by the attributions at looks after 48, 72, 108, … rows."""

    @abstractmethod
    def met(self, looks: list[pd.DataFrame]) -> str | None:
        """Say why to stop, in words, or None.

        Parameters
        ----------
        looks : list of DataFrame
            Attributions at every look so far, the latest last.
        """

    def watch(self, design: Design) -> Watch:
        """Look ever more rarely; at all answers where they are every possible one."""
        return OneLook(design, EXACT) if design.exact else _Attributions(design, self)


class _Attributions(Watch):
    """Attributions at every look, until a rule is met by them."""

    def __init__(self, design: Design, rule: Until):
        super().__init__(design)
        self.rule, self.last = rule, False
        self.history: list[pd.DataFrame] = []

    def looks(self) -> Iterator[int]:
        rows = max(_FIRST, self.questions.fixed + self.questions.block + 10)
        while rows < len(self.questions):
            yield rows
            rows = int(rows * _GROWTH)
        self.last = True
        yield len(self.questions)

    def done(self, reply: Reply, study: Study) -> Outcome | None:
        analysis, comparison = study(reply, self.last)
        self.history.append(analysis.attributions)
        reason = self.rule.met(self.history)
        if self.last:
            return Outcome(reply, analysis, comparison, reason or "", notes=() if reason else (UNMET,))
        return Outcome(reply, *study(reply, True), reason) if reason else None


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
        number("half_width", self.half_width, low=0, open_low=True)
        integer("top", self.top, least=1)

    def met(self, looks: list[pd.DataFrame]) -> str | None:
        widest = max(
            float((part["high"] - part["low"]).iloc[: self.top].max()) / 2
            for _, part in looks[-1].groupby("output", sort=False)
        )
        shown = min(self.top, looks[-1]["feature"].nunique())
        what = f"the {shown} strongest attributions are" if shown > 1 else "the strongest attribution is"
        return f"{what} known to ±{given(self.half_width)}" if widest <= self.half_width else None


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
        integer("top", self.top, least=1)
        integer("times", self.times, least=2)

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
class Certified(Rule):
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
        number("clip", self.clip, low=0, open_low=True)
        for name in ("r2", "confidence"):
            number(name, getattr(self, name), low=0, high=1, open_high=True)

    def check(self, question: Question) -> None:
        """Refuse a model that may leave questions unanswered: what is left is no independent sample."""
        if question.fallible:
            raise InputError("until", "be Width or StableOrder for a model that may leave questions unanswered", self)

    def design(self, features: Sequence[Feature], rows: int, rng: np.random.Generator, method: str) -> Design:
        """Draw independent rows, which may repeat: the test needs them."""
        drawn = sample(features, rows, rng, method)
        if drawn.exact:
            return drawn
        if drawn.block:
            raise InputError("design", 'be "uniform" with until=Certified(...), which needs independent rows', method)
        fresh = independent(features, len(drawn.sampled), rng)
        return replace(drawn, Z=np.vstack([drawn.Z[: drawn.fixed], fresh]), population=np.inf)

    def watch(self, design: Design) -> Watch:
        """Freeze and test by turns; where every possible question is asked, R² is what it is."""
        return OneLook(design, EXACT, self.r2) if design.exact else _Betting(design, self)

    def freezes(self, design: Design) -> Iterator[tuple[int, int]]:
        """Return (rows fitted, rows asked when the test ends), one a try: quarters of the budget, then halves."""
        start = max(design.fixed + design.block + 20, len(design) // 4)
        while start < len(design):
            stop = min(len(design), 2 * start)
            yield start, stop if len(design) - stop >= 20 else len(design)
            start = stop if len(design) - stop >= 20 else len(design)

    def alpha(self, k: int) -> float:
        """Return the error probability of the k-th try, from 1."""
        return (1 - self.confidence) * 6 / (np.pi * k) ** 2


class _Betting(Watch):
    """A surrogate is frozen, then bets are laid on fresh answers; a try that does not win is followed by the next."""

    def __init__(self, design: Design, rule: Certified):
        super().__init__(design)
        self.rule, self.tries, self.last = rule, 0, False
        self.frozen: tuple[Reply, Surrogate, np.ndarray] | None = None

    def looks(self) -> Iterator[int]:
        for fitted, end in self.rule.freezes(self.questions):
            self.tries, self.frozen = self.tries + 1, None
            yield fitted
            yield from np.unique(np.linspace(fitted, end, 9).astype(int))[1:].tolist()
        self.last = True
        yield len(self.questions)

    def done(self, reply: Reply, study: Study) -> Outcome | None:
        if self.last:
            return Outcome(reply, *study(reply, True), notes=(uncertified(self.rule.r2),))
        if self.frozen is None:
            clip = self.rule.clip * reply.y[self.questions.fixed :].std(axis=0)
            self.frozen = reply, study(reply, False)[0].surrogate, clip
            return None
        basis, surrogate, clip = self.frozen
        fitted = len(basis.design)
        if not self._won(surrogate, reply, fitted, clip):
            return None
        rule = self.rule
        proof = Certificate(rule.r2, rule.confidence, fitted, len(reply.design) - fitted, tuple(clip.tolist()))
        return Outcome(reply, *study(basis, True), f"R² of at least {given(rule.r2)} is certified", proof)

    def _won(self, surrogate: Surrogate, reply: Reply, fitted: int, clip: np.ndarray) -> bool:
        """Return whether every output that varies has won its bets on the rows after the fitted ones."""
        y = reply.y[fitted:]
        predicted = surrogate.predict(reply.design.Z[fitted:]).reshape(len(y), -1)
        columns = [c for c in zip(y.T, predicted.T, clip, strict=True) if c[2] > 0]  # a constant is no evidence
        enough = 1 / self.rule.alpha(self.tries)
        return bool(columns) and all(r2_wealth(a, b, self.rule.r2, c).max(initial=0.0) >= enough for a, b, c in columns)
