"""Metrics: the scores of a case's answers → one number, with its unit and its chance level.

A metric is a small pure function of the log-probabilities of the right and the wrong answers. Chance is what the same
function gives on average when each of the answers in turn is called the right one, so it is computed for every case and
takes account of how likely the answers are by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax, logsumexp

from probes.errors import InputError

__all__ = ["CHANGE", "METRICS", "Metric", "Scores", "as_metric", "bounds_of", "kl"]


#: what the name of a change of a metric begins with
CHANGE = "change of "


@dataclass(frozen=True)
class Scores:
    """What a model says about the answers of one case, right ones first.

    Parameters
    ----------
    total : ndarray ``(a,)``
        Log-probability (nats) of each answer.
    tokens : ndarray ``(a,)``
        Number of its tokens.
    greedy : ndarray ``(a,)``
        1 where every token is the most likely one, else 0.
    right : int
        How many are right.
    alone : ndarray ``(a,)``, optional
        Log-probability (nats) of each answer without the prompt.
    """

    total: np.ndarray
    tokens: np.ndarray
    greedy: np.ndarray
    right: int = 1
    alone: np.ndarray | None = None

    def turned(self, i: int) -> Scores:
        """Return these scores with answer i alone called right."""
        order = [i, *(j for j in range(len(self.total)) if j != i)]
        alone = None if self.alone is None else self.alone[order]
        return Scores(self.total[order], self.tokens[order], self.greedy[order], alone=alone)


def exact_match(s: Scores) -> float:
    """Return 1 if greedy decoding writes a right answer."""
    return float(s.greedy[: s.right].max())


def log_prob(s: Scores) -> float:
    """Return the log-probability of the right answers together."""
    return float(logsumexp(s.total[: s.right]))


def token_log_prob(s: Scores) -> float:
    """Return the log-probability of the target per token."""
    return float(s.total[0] / s.tokens[0])


def gain(s: Scores) -> float:
    """Return the log-probability of the right answers together, less what they have without the prompt."""
    if s.alone is None:
        raise InputError("metric", "be another than gain where answers are not scored without the prompt", s)
    return log_prob(s) - float(logsumexp(s.alone[: s.right]))


def margin(s: Scores) -> float:
    """Return the log-probability of the target over the mean of the foils."""
    return float(s.total[0] - s.total[s.right :].mean())


def auc(s: Scores) -> float:
    """Return the share of the foils that are less likely than the target, ties counted half."""
    gap = s.total[0] - s.total[s.right :]
    return float(np.mean((gap > 0) + 0.5 * (gap == 0)))


def logit_difference(s: Scores) -> float:
    """Subtract the likeliest foil's log-probability from the target's; for one token the difference of logits."""
    return float(s.total[0] - s.total[s.right :].max())


def mass_contrast(s: Scores) -> float:
    """Return P(right) − P(wrong) as a share of the probability that all listed answers have."""
    share = np.exp(log_softmax(s.total))
    return float(share[: s.right].sum() - share[s.right :].sum())


def mass(s: Scores) -> float:
    """Return the probability of the right answers, of the mass that the listed answers have."""
    return float(np.exp(log_softmax(s.total))[: s.right].sum())


def _exchanged(function: Callable[[Scores], float], s: Scores) -> float:
    return float(np.mean([function(s.turned(i)) for i in range(len(s.total))]))


def _even_contrast(s: Scores) -> float:
    """Return the mass contrast of a model that gives all listed answers the same probability."""
    return 2 * s.right / len(s.total) - 1


def _even_share(s: Scores) -> float:
    """Return the mass of the right answers in a model that gives all listed answers the same probability."""
    return s.right / len(s.total)


@dataclass(frozen=True)
class Metric:
    """A number for a case.

    Parameters
    ----------
    name : str
    unit : str
    function : callable
        :class:`Scores` → float.
    foils : int
        The fewest foils it needs.
    text : bool
        Whether generated text alone can answer it.
    first_token : bool
        Whether foils must differ from the target in their first token.
    alone : bool
        Whether it needs the answers scored without the prompt as well.
    chance_of : callable, optional
        :class:`Scores` → its chance level; by default `function` averaged over which answer is called right.
    bounds : (float, float), optional
        The least and the most that it can be.
    made_by : str
        The function that makes it, where it takes two measurements.

    Examples
    --------
    >>> s = Scores(np.log([0.6, 0.3, 0.1]), np.ones(3), np.array([1.0, 0.0, 0.0]))
    >>> round(METRICS["mass_contrast"](s), 3), METRICS["auc"].chance(s)
    (0.2, 0.5)
    """

    name: str
    unit: str
    function: Callable[[Scores], float]
    foils: int = 0
    text: bool = False
    first_token: bool = False
    alone: bool = False
    chance_of: Callable[[Scores], float] | None = None
    bounds: tuple[float, float] | None = None
    made_by: str = ""

    def __call__(self, scores: Scores) -> float:
        return self.function(scores)

    def chance(self, scores: Scores) -> float:
        """Return the metric's chance level in this case."""
        return self.chance_of(scores) if self.chance_of else _exchanged(self.function, scores)


def _two(s: Scores) -> float:
    raise InputError("metric", "be another where single cases are measured: this one compares two", s)


def _raw(s: Scores) -> float:
    raise InputError("metric", "be another than output where answers are scored: it is the model's own number", s)


#: every metric by name; ``output`` is the number that a model of texts returns by itself
METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("exact_match", "share", exact_match, text=True, bounds=(0.0, 1.0)),
        Metric("log_prob", "nats", log_prob),
        Metric("token_log_prob", "nats per token", token_log_prob),
        Metric("gain", "nats", gain, alone=True),
        Metric("margin", "nats", margin, foils=10),
        Metric("auc", "share", auc, foils=1, bounds=(0.0, 1.0)),
        Metric("logit_difference", "nats", logit_difference, foils=1, first_token=True),
        Metric(
            "mass_contrast",
            "probability",
            mass_contrast,
            foils=1,
            first_token=True,
            chance_of=_even_contrast,
            bounds=(-1.0, 1.0),
        ),
        Metric("mass", "probability", mass, foils=1, first_token=True, chance_of=_even_share, bounds=(0.0, 1.0)),
        Metric("flip", "share", _two, bounds=(0.0, 1.0), made_by="probes.flips"),
        Metric("kl", "nats", _two, made_by="probes.divergence"),
        Metric("output", "output", _raw),
    )
}


def as_metric(metric: Any) -> Metric:
    """Convert an argument to a metric: a name of the table, or a :class:`Metric`.

    Raises
    ------
    InputError
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str) and metric in METRICS:
        return METRICS[metric]
    raise InputError("metric", f"be one of {', '.join(METRICS)}, or a Metric", metric)


def bounds_of(name: str, unit: str) -> tuple[float, float]:
    """Return the least and the most that a metric can be, known by its name and unit; infinite where nothing is known.

    Examples
    --------
    >>> bounds_of("mass_contrast", "probability"), bounds_of("output", "probability"), bounds_of("gain", "nats")
    ((-1.0, 1.0), (0.0, 1.0), (-inf, inf))
    """
    known = METRICS[name].bounds if name in METRICS else None
    share = name == "output" and unit in ("probability", "share")
    return known or ((0.0, 1.0) if share else (-np.inf, np.inf))


def kl(base: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compute KL(M‖M′) in nats of distributions given as log-probabilities or logits ``(…, V)``; shape ``(…,)``.

    Both are normalised over the last axis, so it can be the vocabulary or the listed answers of a case.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> kl(np.log([0.5, 0.5]), np.log([0.5, 0.5])).round(6) + 0, kl(np.array([0.0, 0.0]), np.array([1.0, 0.0])).round(3)
    (np.float64(0.0), np.float64(0.12))
    """
    p, q = np.asarray(base, dtype=float), np.asarray(other, dtype=float)
    if p.shape != q.shape or p.ndim < 1:
        raise InputError("other", f"have the shape of the base, {p.shape}", q)
    p, q = log_softmax(p, axis=-1), log_softmax(q, axis=-1)
    with np.errstate(invalid="ignore"):  # what is impossible to both adds nothing
        return np.sum(np.where(np.exp(p) > 0, np.exp(p) * (p - q), 0.0), axis=-1)
