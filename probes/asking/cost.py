"""What asking costs, what it would, and what it would on other machines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

from probes.errors import InputError
from probes.rounding import counted, rounded

__all__ = ["Cost", "Forecast", "Projection", "project"]

#: of a matrix product, one multiplication and one addition for every weight and token
_FLOP = 2


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
    checks : int
        Inputs answered besides these on first contact, to compare answers alone, in a batch and of the user's own
        object (see :mod:`probes.asking.first_contact`); `calls`, `tokens` and `seconds` include them.
    """

    calls: int = 0
    rows: int = 0
    reused: int = 0
    tokens: int = 0
    seconds: float = 0.0
    checks: int = 0

    def add(self, other: Cost) -> None:
        """Add another cost to this one, in place."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*(a - b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


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
        Time inside the model, from a trial, one input after another; None without one.
    checks : int
        Inputs asked besides on first contact; `calls` and `tokens` include them.
    at_once : int
        Requests that a server is sent at a time: if it answers them as fast as one, the time is so many times less.
    """

    questions: int
    known: int
    calls: int
    tokens: int
    seconds: float | None = None
    checks: int = 0
    at_once: int = 1

    def __str__(self) -> str:
        tokens = f", {counted(self.tokens, 'token')}" if self.tokens else ""
        asked = self.questions - self.known
        time_ = "" if self.seconds is None else f", about {rounded(self.seconds)} s"
        if self.seconds is not None and (fast := min(self.at_once, asked)) > 1:
            time_ += f" one after another, {rounded(self.seconds / fast)} s if {fast} at a time are as fast as one"
        checks = f", {counted(self.checks, 'input')} more to check the model" if self.checks else ""
        calls = f"{counted(asked, 'question')} to ask in {counted(self.calls, 'call')}"
        return f"{calls}{checks}{tokens}{time_} ({self.known:,} known already)"

    def project(
        self,
        parameters: float = 70e9,
        *,
        throughput: float | None = None,
        flops: float | None = None,
        utilisation: float = 0.4,
        gpus: int = 1,
    ) -> Projection:
        """Project what all questions would cost through another model on GPUs; see :func:`project`."""
        return project(self, parameters, throughput=throughput, flops=flops, utilisation=utilisation, gpus=gpus)


@dataclass(frozen=True)
class Projection:
    """What questions cost on GPUs.

    Attributes
    ----------
    questions : int
        Inputs to be answered.
    tokens : int
        Of all of them together.
    parameters : float
        Of the model that answers, those that a token passes through.
    throughput : float
        Tokens a second and GPU.
    gpus : int
    """

    questions: int
    tokens: int
    parameters: float
    throughput: float
    gpus: int = 1

    @property
    def tokens_per_question(self) -> float:
        """Mean tokens of a question; 0 without questions."""
        return self.tokens / self.questions if self.questions else 0.0

    @property
    def flop(self) -> float:
        """Floating-point operations of one forward pass over all tokens: 2 · parameters · tokens."""
        return _FLOP * self.parameters * self.tokens

    @property
    def gpu_hours(self) -> float:
        """tokens / throughput / 3600, the same for any number of GPUs."""
        return self.tokens / self.throughput / 3600

    @property
    def seconds(self) -> float:
        """Time until the last answer, with all GPUs busy."""
        return self.tokens / self.throughput / self.gpus

    def __str__(self) -> str:
        fleet, each = (f"{self.gpus:,} GPUs", " each") if self.gpus > 1 else ("one GPU", "")
        return (
            f"{self.questions:,} questions of {rounded(self.tokens_per_question)} tokens through "
            f"{rounded(self.parameters / 1e9)} billion parameters: {rounded(self.flop / 1e15)} PFLOP, "
            f"{rounded(self.gpu_hours)} GPU-hours ({rounded(self.seconds)} s on {fleet} at "
            f"{rounded(self.throughput)} tokens/s{each})"
        )


def project(
    asked: Cost | Forecast,
    parameters: float = 70e9,
    *,
    throughput: float | None = None,
    flops: float | None = None,
    utilisation: float = 0.4,
    gpus: int = 1,
) -> Projection:
    """Project what the same questions would cost through a model of another size.

    Parameters
    ----------
    asked : Cost or Forecast
        What was paid, or all questions of a forecast: of those whose answers are known already, another model knows
        none. They are taken to be as long as the others.
    parameters : float, default 70e9
        Of the model, those that a token passes through (of a mixture of experts the active ones).
    throughput : float, optional
        Tokens that one GPU reads a second, as measured. Either this or `flops`.
    flops : float, optional
        Floating-point operations that one GPU does a second at most; throughput is then
        ``flops · utilisation / (2 · parameters)``.
    utilisation : float, default 0.4
        Share of `flops` that is reached.
    gpus : int, default 1

    Returns
    -------
    Projection

    Raises
    ------
    InputError
        For numbers that are not positive, both or neither of `throughput` and `flops`, or questions without tokens.

    Notes
    -----
    A forward pass takes about two operations for every parameter and token (Kaplan et al. 2020, section 2.1); what
    attention adds with the length of a prompt is left out. Every token is counted as if it were read anew:
    prompts that share a prefix may cost less. Tokens are those of the tokenizer that counted them.

    Examples
    --------
    >>> told = project(Forecast(questions=256, known=64, calls=8, tokens=96_000), throughput=2000)
    >>> print(told)
    256 questions of 500 tokens through 70 billion parameters: 17.9 PFLOP, 0.0178 GPU-hours (64 s on one GPU at ...)
    >>> round(project(Cost(rows=256, tokens=128_000), 70e9, flops=1e15, utilisation=0.28, gpus=4).seconds, 3)
    16.0
    """
    questions, counted = (
        (asked.rows, asked.rows) if isinstance(asked, Cost) else (asked.questions, asked.questions - asked.known)
    )
    if questions and not counted:
        raise InputError("asked", "leave a question whose tokens can be counted: estimate with store=None", str(asked))
    if questions and not asked.tokens:
        raise InputError("asked", "hold tokens: only models of text count them", str(asked))
    tokens = round(asked.tokens * questions / max(counted, 1))
    named = {"throughput": throughput} if flops is None else {"flops": flops, "utilisation": utilisation}
    for name, value in {"parameters": parameters, **named}.items():
        if name == "throughput" and value is None:
            raise InputError("throughput", "be given, or flops in its place", None)
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
            raise InputError(name, "be a positive number", value)
    if utilisation > 1:
        raise InputError("utilisation", "be at most 1", utilisation)
    if flops is not None:
        if throughput is not None:
            raise InputError("throughput", "be left out where flops is given", throughput)
        throughput = flops * utilisation / (_FLOP * parameters)
    if isinstance(gpus, bool) or not isinstance(gpus, Integral) or gpus < 1:
        raise InputError("gpus", "be a positive integer", gpus)
    assert throughput is not None
    return Projection(questions, tokens, float(parameters), float(throughput), int(gpus))
