"""A Gaussian process for the odd part of a game, which is all that Shapley and Banzhaf values depend on.

Let x be a row of −1/+1 and −x its complement. The odd part g(x) = (f(x) − f(−x)) / 2 is answered by a pair of rows, and
if f has the prior covariance k of :mod:`surrogates.proxy.cube_proxy`, g has (k(x, x') − k(x, −x')) / 2: half the rows,
and length-scales that the even part, which does not share them, has no influence on.

The noise of a pair of s and n − s features is in proportion to s (n − s), and none is left to the endpoints. Where
all sizes are asked equally often, these are the inverse weights under which Shapley values are a least squares fit with
exact endpoints: in the limit of a strong linear part and no product the posterior mean is leverage-score KernelSHAP
(Musco and Witter 2025), and the answers say how far to move from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack, solve_triangular
from scipy.optimize import minimize

from surrogates.proxy.averaging import SHRINKAGES
from surrogates.proxy.kernel import (
    JITTER,
    MAX_ITER,
    SCALES_BOUNDS,
    SCALES_MEAN,
    SCALES_SD,
    THETA_BOUNDS,
    THETA_SD,
    THETA_TOTAL,
    Kernel,
)
from surrogates.proxy.path_integrals import Subsets, prior_variance, with_rows
from surrogates.shapley.quadrature import rule

__all__ = ["Objective", "OddFit", "OddProcess", "fit_odd"]

#: log l, s and noise variance of odd parts with unit mean square: prior mean and sd; half of s is odd
_MEAN, _SD, _BOUNDS = SCALES_MEAN[1:] + np.log([1.0, 2.0, 1.0]), SCALES_SD[1:], SCALES_BOUNDS[1:]
#: hyperparameters that nothing pulls together: l, s, noise, mean θ
_FREE = 4


@dataclass(frozen=True)
class OddFit:
    """Shapley values of a Gaussian process fitted to odd parts, averaged over strengths of shrinkage.

    Attributes
    ----------
    values, se : ndarray ``(k, n)``
        Shapley values of the posterior mean and their posterior standard deviations. These are scaled by how well the
        process predicts the size of its errors (mean square of the standardised leave-one-out errors; Bachoc 2013), and
        allow for the differences between the strengths.
    left : ndarray ``(g, k)``
        Odd parts minus what the others predict for each (leave-one-out).
    processes : list of OddProcess
        One for each strength.
    scale : ndarray ``(k,)``
        Unit of the odd parts that these were fitted to.
    """

    values: np.ndarray
    se: np.ndarray
    left: np.ndarray
    processes: list[OddProcess]
    scale: np.ndarray

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict odd parts ``(m, k)`` at rows ``(m, n)`` of −1/+1."""
        return self.scale * np.mean([p.covariance(X, p.X) @ p.alpha for p in self.processes], axis=0)


@dataclass(frozen=True)
class OddProcess:
    """The posterior of standardised odd parts.

    Attributes
    ----------
    X : ndarray ``(g, n)`` of −1/+1
        Rows that were answered; the first is all +1.
    kernel : Kernel
    factor : tuple
        Cholesky factor of the covariance of the answers.
    alpha : ndarray ``(g, k)``
        Its inverse times the answers.
    """

    X: np.ndarray
    kernel: Kernel
    factor: tuple[np.ndarray, bool]
    alpha: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray, y: np.ndarray, shrinkage: float, start: np.ndarray | None) -> tuple[Self, np.ndarray]:
        """Fit hyperparameters from a start, and condition on the answers; return the hyperparameters too."""
        objective = Objective(X, y, shrinkage)
        found = objective.optimum(start)
        kernel, factor = objective.condition(found)
        return cls(X, kernel, factor, cho_solve(factor, y)), found

    def covariance(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """Compute the prior covariance ``(m, m2)`` of the odd part at rows of −1/+1."""
        kernel = self.kernel
        return kernel.linear / X.shape[1] * (X @ X2.T) + products(kernel.product, kernel.theta, X, X2)[0]

    def values_with(self, X: np.ndarray) -> np.ndarray:
        """Compute the prior covariance ``(n, m)`` of Shapley values with the odd part at rows ``(m, n)``."""
        quadrature = rule("shapley", 1, X.shape[1])
        return with_rows(self.kernel, X, singles(X.shape[1]), quadrature.nodes, quadrature.weights)

    def noise(self, X: np.ndarray) -> np.ndarray:
        """Compute the variance ``(m,)`` of noise of pairs, zero for the endpoints."""
        return self.kernel.noise * relative_noise(X)


def fit_odd(X: np.ndarray, y: np.ndarray) -> OddFit:
    """Fit to odd parts ``(g, k)`` at rows ``(g, n)`` of −1/+1, one of each pair; the first row is all +1; g above 5."""
    # u = y / s with s² the mean square: an odd part has mean 0
    scale = np.sqrt((y**2).mean(axis=0))
    y = y / np.where(scale > 0, scale, 1.0)
    quadrature = rule("shapley", 1, X.shape[1])
    values, variances, left, processes, start = [], [], [], [], None
    for shrinkage in SHRINKAGES:
        process, start = OddProcess.fit(X, y, shrinkage, start)
        cross = process.values_with(X)
        known = solve_triangular(process.factor[0], cross.T, lower=True)
        prior = prior_variance(process.kernel, singles(X.shape[1]), quadrature.nodes, quadrature.weights)
        posterior = np.maximum(prior - np.einsum("gi,gi->i", known, known), 0.0)
        precision = np.diag(cho_solve(process.factor, np.eye(len(X))))[:, None]
        surprise = (process.alpha**2 / precision)[1:].sum(axis=0) / (len(X) - 1 - _FREE)
        values.append((cross @ process.alpha).T)
        variances.append(surprise[:, None] * posterior)
        left.append(process.alpha / precision)
        processes.append(process)
    variance = np.mean(variances, axis=0) + np.var(values, axis=0)
    size = scale[:, None]
    # values, standard errors and errors of y = s u are s times those of u
    values, se = size * np.mean(values, axis=0), size * np.sqrt(variance)
    return OddFit(values, se, scale * np.mean(left, axis=0), processes, scale)


def singles(n: int) -> Subsets:
    """Return the sets of one of n features."""
    return [(i,) for i in range(n)]


def relative_noise(X: np.ndarray) -> np.ndarray:
    """Return the noise of pairs ``(g,)`` relative to that of the largest: in proportion to s (n − s)."""
    n, size = X.shape[1], (X > 0).sum(axis=1)
    return 4 * size * (n - size) / n**2


def products(product: float, theta: np.ndarray, X: np.ndarray, X2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return half the product kernel at x, x' minus half of it at x, −x'; and their sum."""
    exponent, half = (X * (theta / 2)) @ X2.T, theta.sum() / 2
    near, far = (product / 2 * np.exp(np.minimum(e - half, 0.0)) for e in (exponent, -exponent))
    return near - far, near + far


class Objective:
    """Negative log posterior of log l, s, noise and θ, and its gradient, in O(g³ + g² n)."""

    def __init__(self, X: np.ndarray, y: np.ndarray, shrinkage: float):
        n = X.shape[1]
        self.X, self.y, self.shrinkage = X, y, shrinkage
        self.noise = relative_noise(X)
        self.linear = X @ X.T / n
        self.mean_theta = float(np.log(THETA_TOTAL / n))

    def optimum(self, start: np.ndarray | None) -> np.ndarray:
        """Find the log hyperparameters (3 + n,) at the maximum a posteriori."""
        n = self.X.shape[1]
        start = np.append(_MEAN, np.full(n, self.mean_theta)) if start is None else start
        options = {"maxiter": MAX_ITER, "ftol": 1e-7, "gtol": 1e-2}
        bounds = [*_BOUNDS, *[THETA_BOUNDS] * n]
        return minimize(self, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x

    def condition(self, p: np.ndarray) -> tuple[Kernel, tuple[np.ndarray, bool]]:
        """Return the proxy's kernel with these hyperparameters, and the Cholesky factor of the answers' covariance."""
        (linear, product, noise), jitter = np.exp(p[:3]).tolist(), JITTER
        minus, _ = products(product, np.exp(p[3:]), self.X, self.X)
        while True:
            K = linear * self.linear + minus + np.diag(noise * self.noise + jitter)
            try:
                return Kernel(0.0, linear, product, noise, np.exp(p[3:])), cho_factor(K, lower=True)
            except np.linalg.LinAlgError:
                jitter *= 100

    def __call__(self, p: np.ndarray) -> tuple[float, np.ndarray]:
        (linear, product, noise), theta, k = np.exp(p[:3]), np.exp(p[3:]), self.y.shape[1]
        minus, plus = products(product, theta, self.X, self.X)
        K, gradient = linear * self.linear, np.zeros_like(p)
        K += minus
        K.flat[:: len(K) + 1] += noise * self.noise + JITTER
        # K is symmetric, so its transpose is the Fortran-ordered array that LAPACK overwrites without a copy
        factor, failed = lapack.dpotrf(K.T, lower=1, overwrite_a=1, clean=1)
        if failed:
            return 1e12, gradient
        logs = np.log(factor.diagonal()).sum()
        inverse = lapack.dpotri(factor, lower=1, overwrite_c=1)[0]  # one triangle; the other stays zero
        M = inverse + inverse.T
        M.flat[:: len(M) + 1] /= 2
        alpha = M @ self.y
        value = k * logs + 0.5 * np.vdot(alpha, self.y)
        # d value / d log h = tr(M dK/d log h) / 2 with M = k K⁻¹ − α α'
        M *= k
        M -= alpha @ alpha.T
        total = np.vdot(M, minus)
        gradient[:3] = 0.5 * np.array([linear * np.vdot(M, self.linear), total, noise * (np.diag(M) @ self.noise)])
        M *= plus
        gradient[3:] = 0.25 * theta * (np.einsum("ai,ai->i", self.X, M @ self.X) - total)
        z, mean = (p[:3] - _MEAN) / _SD, p[3:].mean()
        z_mean, deviation = (mean - self.mean_theta) / THETA_SD, p[3:] - mean
        gradient[:3] += z / _SD
        gradient[3:] += z_mean / THETA_SD / len(deviation) + self.shrinkage * deviation
        return float(value + 0.5 * (z @ z + z_mean**2 + self.shrinkage * deviation @ deviation)), gradient
