"""The Walsh (Fourier) spectrum of a fitted process: f(z) = Σ_S coef_S ∏_{i∈S} (2 zᵢ − 1), in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from surrogates.proxy.kernel import Kernel

__all__ = ["Process", "coefficients", "largest"]


@dataclass(frozen=True)
class Process:
    """The posterior of standardised answers, and its share among those that are averaged.

    ``features`` (d,) entered; rows ``X`` (g, d) of -1/+1; ``factor`` is the Cholesky factor of their covariance with
    noise, ``alpha`` (g, k) its inverse times the answers; ``mean`` and ``scale`` (k,) are their level
    and unit; ``binary``: all rows are 0/1.
    """

    kernel: Kernel
    features: np.ndarray
    X: np.ndarray
    factor: tuple[np.ndarray, bool]
    alpha: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    binary: bool
    share: float

    def rest(self, X: np.ndarray) -> np.ndarray:
        """Compute what constant and linear part of the kernel add to standardised answers, (m, k)."""
        linear = self.kernel.linear / X.shape[1] * (self.X.T @ self.alpha)
        return self.kernel.constant * self.alpha.sum(axis=0) + X @ linear


def coefficients(process: Process, member: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute posterior means and covariance of Walsh coefficients.

    With K the covariance of the answers and χ_S the character of S at the training rows, the prior covariance of the
    coefficient of S with the answers is λ_S χ_S for its eigenvalue λ_S; so its mean is λ_S χ_S' K⁻¹ y.

    Parameters
    ----------
    process : Process
        Fitted to rows of 0/1.
    member : ndarray of 0/1 ``(t, d)``
        Row for each set of features.
    prior : ndarray ``(t,)``
        Eigenvalues of the kernel at the sets.

    Returns
    -------
    coef : ndarray ``(k, t)``
        In the unit of the answers, the mean of the answers aside.
    cov : ndarray ``(t, t)``
        Of standardised answers.
    """
    cross = np.where((process.X < 0) @ member.T % 2 == 1, -prior, prior)
    coef = process.scale[:, None] * (process.alpha.T @ cross)
    return coef, np.diag(prior) - cross.T @ cho_solve(process.factor, cross)


def averaged(
    processes: Sequence[Process], means: Sequence[np.ndarray], spreads: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Average posteriors of numbers: means ``(k, t)`` and covariances ``(k, t, t)``, or variances ``(k, t)``.

    Of several posteriors the variance is the mean one and that of their means (Hoeting and others 1999).
    """
    share = [process.share for process in processes]
    mean = np.einsum("p,pkt->kt", share, means)
    apart = np.stack(means) - mean
    between = "p,pkt,pkt->kt" if spreads[0].ndim == 2 else "p,pks,pkt->kst"
    return mean, np.tensordot(share, np.stack(spreads), 1) + np.einsum(between, share, apart, apart)


def largest(processes: Sequence[Process], n_terms: int, max_order: int) -> list[tuple[int, ...]]:
    """Return sets with the largest coefficients of the average, as numbers of the features that entered.

    All singles and pairs compete; of each order from two on, the ``2 n_terms`` largest are extended by every feature.
    """
    d, size_of, rows = processes[0].X.shape[1], dict[tuple[int, ...], float](), processes[0].X
    parents: list[tuple[int, ...]] = [()]
    for order in range(1, min(max_order, d) + 1):
        member = np.array([np.bincount(np.array(s, dtype=int), minlength=d) for s in parents])
        character = np.where((rows < 0) @ member.T % 2 == 1, -1.0, 1.0)
        prior = [process.share * process.kernel.spectrum(member)[:, :-1] for process in processes]
        power = np.zeros((len(parents), d))
        for output in range(processes[0].alpha.shape[1]):
            each = [(character * p.alpha[:, [output]]).T @ rows * s for p, s in zip(processes, prior, strict=True)]
            power += sum(each, np.zeros(1)) ** 2
        size = np.where(member > 0, -1.0, np.sqrt(power))
        # a set comes up once from each of its parts: so many hold the 2 n_terms largest
        first = np.argsort(-size, axis=None, kind="stable")[: d if order == 1 else 2 * n_terms * order]
        places = np.column_stack(np.unravel_index(first, size.shape)).tolist()
        level = {tuple(sorted((*parents[r], i))): size[r, i] for r, i in places if i not in parents[r]}
        size_of |= level
        parents = sorted(level, key=lambda s: -level[s])[: d if order == 1 else 2 * n_terms]
    return sorted(size_of, key=lambda s: -size_of[s])[:n_terms]
