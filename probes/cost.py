"""What asking costs, and what it would."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cost", "Forecast"]


@dataclass
class Cost:
    """What answers cost.

    Attributes
    ----------
    calls : int
        How often the model was called with a batch.
    rows : int
        Inputs that the model answered.
    reused : int
        Distinct inputs whose answers were in the store already.
    tokens : int
        Tokens of the inputs that the model answered; 0 where inputs have no tokens.
    seconds : float
        Time spent inside the model.
    """

    calls: int = 0
    rows: int = 0
    reused: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class Forecast:
    """What it would cost to ask a design.

    Attributes
    ----------
    questions : int
        Distinct inputs.
    known : int
        Those whose answers are in the store already.
    calls : int
        Batches that the rest would be asked in, at least.
    tokens : int
        Tokens of the rest; 0 where inputs have no tokens.
    seconds : float or None
        Time inside the model, from a trial; None without one.
    """

    questions: int
    known: int
    calls: int
    tokens: int
    seconds: float | None = None

    def __str__(self) -> str:
        tokens = f", {self.tokens:,} tokens" if self.tokens else ""
        time_ = "" if self.seconds is None else f", about {self.seconds:.3g} s"
        asked = self.questions - self.known
        return f"{asked:,} questions to ask in {self.calls:,} calls{tokens}{time_} ({self.known:,} known already)"
