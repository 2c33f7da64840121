"""The kernel of the proxy, and its hyperparameters by maximum a posteriori: how likely the answers are under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas, cho_factor, lapack, solve_triangular
from scipy.optimize import minimize

from surrogates.numerics.merged_rows import Rows

__all__ = ["Kernel", "Objective", "condition", "negative_log_likelihood", "optimise"]

#: log c, l, s and noise variance of answers with unit variance: prior mean and sd, then bounds of the search
SCALES_MEAN, SCALES_SD = np.log([0.1, 0.5, 1.0, 0.2]), np.array([1.5, 1.5, 1.5, 0.7])
SCALES_BOUNDS = [(-12.0, 5.0), (-12.0, 5.0), (-8.0, 6.0), (float(np.log(1e-6)), 2.0)]
#: prior mean of sum theta, prior sd of the mean of log theta, bounds of log theta
THETA_TOTAL, THETA_SD, THETA_BOUNDS = 2.0, 3.0, (-14.0, 5.0)
JITTER, MAX_ITER = 1e-9, 60


@dataclass(frozen=True)
class Kernel:
    """The hyperparameters, as variances of standardised answers; ``theta`` has shape (n,)."""

    constant: float
    linear: float
    product: float
    noise: float
    theta: np.ndarray

    @classmethod
    def from_log(cls, p: np.ndarray) -> Kernel:
        constant, linear, product, noise = np.exp(p[:4]).tolist()
        return cls(constant, linear, product, noise, np.exp(p[4:]))

    def __call__(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """Return the covariance (m, m2) between rows of -1/+1, without noise."""
        return self.constant + self.linear / X.shape[1] * (X @ X2.T) + self.product_part(X, X2)

    def product_part(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """Return what the product kernel adds to the covariance, (m, m2)."""
        part = X @ (X2 * (self.theta / 2)).T
        part -= (X**2 @ self.theta / 4)[:, None]
        part -= X2**2 @ self.theta / 4
        np.exp(np.minimum(part, 0.0, out=part), out=part)
        part *= self.product
        return part

    def sd(self, X: np.ndarray, cross: np.ndarray, factor: tuple[np.ndarray, bool]) -> np.ndarray:
        """Compute standard deviations (m,) of the function at rows, given their covariance `cross` with known ones."""
        prior = self.constant + self.linear * (X**2).mean(axis=1) + self.product
        # k K⁻¹ k' = |L⁻¹ k'|²: half of a solution; the Fortran-ordered transpose is not copied before
        white = blas.dtrsm(1.0, factor[0], cross.T, lower=1)
        white *= white
        return np.sqrt(np.maximum(prior - white.sum(axis=0), 0.0))

    def without(self, i: int) -> Kernel:
        """Return the covariance if feature i did nothing."""
        n = len(self.theta)
        return Kernel(self.constant, self.linear * (n - 1) / n, self.product, self.noise, np.delete(self.theta, i))

    def spectrum(self, member: np.ndarray) -> np.ndarray:
        """Compute eigenvalues (..., n + 1) of subsets, 0/1 rows (..., n), each with feature i added; last, as it is."""
        log_rho = np.append(np.log(np.tanh(self.theta / 2)), 0.0)
        order = member.sum(axis=-1, keepdims=True) + (np.arange(len(log_rho)) < len(self.theta))
        logs = np.log1p(np.exp(-self.theta)).sum() - len(self.theta) * np.log(2) + (member @ log_rho[:-1])[..., None]
        scale = self.linear / len(self.theta)
        return self.product * np.exp(logs + log_rho) + scale * (order == 1) + self.constant * (order == 0)


def negative_log_likelihood(kernel: Kernel, rows: Rows) -> float:
    """Compute −log p of the answers behind merged rows, up to a constant; see :class:`Objective`."""
    rows = rows.varying()
    X, k = 2 * rows.Z - 1, rows.y.shape[1]
    factor, _ = condition(kernel, X, rows.weight)
    white = solve_triangular(factor, rows.y, lower=True)
    spare = k * (rows.weight - 1).sum() * np.log(kernel.noise) + rows.scatter.sum() / kernel.noise
    return float(k * np.log(np.diag(factor)).sum() + 0.5 * np.vdot(white, white) + 0.5 * spare)


class Objective:
    """Negative log posterior of the log hyperparameters and its gradient, in O(g^3 + g^2 n).

    A row's likelihood is raised to the power of its weight. What that leaves besides the density of the merged answers
    (noise alone, within groups of equal rows) enters through ``spare`` and ``within``.
    """

    def __init__(self, rows: Rows, shrinkage: float):
        self.X, self.y, self.shrinkage = 2 * rows.Z - 1, rows.y, shrinkage
        self.X2, self.inverse_weight = self.X**2, 1 / rows.weight
        g, n = self.X.shape
        self.linear = self.X @ self.X.T / n
        self.spare, self.within = rows.y.shape[1] * (rows.weight - 1).sum(), rows.scatter.sum()
        self.mean_theta = float(np.log(THETA_TOTAL / n))
        self.start = np.append(SCALES_MEAN, np.full(n, self.mean_theta))
        self._product, self._work, self._full = np.empty((3, g, g))  # new memory costs more than what is done in it

    def __call__(self, p: np.ndarray) -> tuple[float, np.ndarray]:
        (c, linear, s, noise), theta, k = np.exp(p[:4]), np.exp(p[4:]), self.y.shape[1]
        product, K, M, gradient = self._product, self._work, self._full, np.zeros_like(p)
        scaled = self.X * np.sqrt(theta / 2)
        np.matmul(scaled, scaled.T, out=product)  # a matrix by its transpose: half the work
        half = product.diagonal() / 2
        product -= half[:, None]
        product -= half
        np.exp(product, out=product)
        product *= s
        np.multiply(self.linear, linear, out=K)
        K += product
        K += c
        K.flat[:: len(K) + 1] += noise * self.inverse_weight + JITTER
        # K is symmetric, so its transpose is the Fortran-ordered array that LAPACK overwrites without a copy
        factor, failed = lapack.dpotrf(K.T, lower=1, overwrite_a=1, clean=1)
        if failed:
            return 1e12, gradient
        value = k * np.log(factor.diagonal()).sum() + 0.5 * self.spare * np.log(noise) + 0.5 * self.within / noise
        inverse = lapack.dpotri(factor, lower=1, overwrite_c=1)[0]  # one triangle; the other stays zero
        np.add(inverse, inverse.T, out=M)
        M.flat[:: len(M) + 1] /= 2
        alpha = M @ self.y
        value += 0.5 * np.vdot(alpha, self.y)
        # d value / d log h = tr(M dK/d log h) / 2 with M = k K^-1 - alpha alpha'
        if k > 1:
            M *= k
        M -= np.matmul(alpha, alpha.T, out=K)
        gradient[0] = 0.5 * c * M.sum()
        gradient[1] = 0.5 * linear * np.vdot(M, self.linear)
        gradient[3] = 0.5 * (noise * (M.diagonal() @ self.inverse_weight) + self.spare - self.within / noise)
        M *= product
        rowsum = M.sum(axis=1)
        gradient[2] = 0.5 * rowsum.sum()
        # sum_ab M_ab (x_ai - x_bi)^2 / 4 for all i at once
        gradient[4:] = -0.25 * theta * (rowsum @ self.X2 - np.einsum("ai,ai->i", self.X, M @ self.X))
        z, mean = (p[:4] - SCALES_MEAN) / SCALES_SD, p[4:].mean()
        z_mean, deviation = (mean - self.mean_theta) / THETA_SD, p[4:] - mean
        gradient[:4] += z / SCALES_SD
        gradient[4:] += z_mean / THETA_SD / len(deviation) + self.shrinkage * deviation
        return float(value + 0.5 * (z @ z + z_mean**2 + self.shrinkage * deviation @ deviation)), gradient


def optimise(rows: Rows, shrinkage: float, start: np.ndarray | None = None, gtol: float = 1e-2) -> np.ndarray:
    """Find the log hyperparameters (4 + n,) at the maximum a posteriori, to a gradient of `gtol`."""
    objective, bounds = Objective(rows.varying(), shrinkage), [*SCALES_BOUNDS, *[THETA_BOUNDS] * rows.Z.shape[1]]
    start, options = objective.start if start is None else start, {"maxiter": MAX_ITER, "ftol": 1e-7, "gtol": gtol}
    return minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def condition(kernel: Kernel, X: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the Cholesky factor of the covariance of the training rows, with as much jitter as rounding asks for."""
    K, jitter = kernel(X, X), JITTER
    while True:
        try:
            return cho_factor(K + np.diag(kernel.noise / weight + jitter), lower=True)
        except np.linalg.LinAlgError:
            jitter *= 100
