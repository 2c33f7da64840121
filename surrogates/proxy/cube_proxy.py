"""The proxy: a Gaussian process over the feature cube, cheap to ask and with its Walsh spectrum in closed form.

A row z holds 0/1 (feature absent/present) and x = 2z - 1. The prior covariance of the model's answers is

    k(z, z') = c + l x.x'/n + s exp(-sum_i theta_i (z_i - z'_i)^2)  (+ noise / weight on the diagonal),

a constant, a linear part and a product kernel with one length-scale per feature. On the cube it is diagonal in the
Walsh basis chi_S(x) = prod_{i in S} x_i, where its eigenvalue at S is

    s prod_i a_i prod_{i in S} rho_i + (l/n if |S| = 1) + (c if S is empty),
    a_i = (1 + exp(-theta_i)) / 2,   rho_i = tanh(theta_i / 2),

so means and covariances of the posterior's Walsh coefficients need only the training rows. The length-scales are a
maximum a posteriori estimate in which the log theta_i are pulled to their common mean: many features, few answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.linalg import cho_solve
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from probes.errors import InputError
from surrogates.link import IDENTITY, Link
from surrogates.numerics.column_units import in_units, units_of
from surrogates.numerics.merged_rows import Rows, collapse
from surrogates.numerics.one_thread import one_thread
from surrogates.offer import Links, check_link, each, learns, named
from surrogates.proxy.averaging import AVERAGED, AVERAGED_OF_MANY, FEWEST, MANY_FEATURES, PlainSum, choose, shares
from surrogates.proxy.distillation import independent_rows
from surrogates.proxy.kernel import Kernel, condition, optimise
from surrogates.proxy.left_out import without_groups
from surrogates.proxy.on_line import OnLine
from surrogates.proxy.screening import screen
from surrogates.proxy.walsh import Process, averaged, coefficients, largest

__all__ = ["CubeProxy"]

#: how much more predictions may vary over free rows than cross-validation explains, in variances of the answers, before
#: a weaker shrinkage is left out: a posterior mean varies as much as it explains; more are peaks where no row has been
SPARE = 0.5
#: free rows on which that is seen
FREE = 1024


def _is_weight(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < np.inf


class CubeProxy(RegressorMixin, BaseEstimator):
    """f ~ GP(0, k), k(z, z') = c + l x·x'/n + s exp(−Σᵢ θᵢ (zᵢ − z'ᵢ)²), x = 2z − 1; a closed-form Walsh spectrum.

    Predicts the posterior mean given rows ``(m, n)`` and answers ``(m,)`` or ``(m, k)``: E[g⁻¹(f)] where answers pass
    through a link g. Of several such processes, and of a plain sum through the link, it predicts an average.

    Parameters
    ----------
    shrinkage : "cv" or float, default "cv"
        How strongly log length-scales are pulled to their mean (a Gaussian prior's precision). Weak (1) suits few
        active features among many, strong (16) few rows or features much alike. "cv" averages processes of 4 and 1,
        and of 4 and .25 where more than 32 features enter, by their errors in cross-validation in which every fold
        fits its own hyperparameters; 1 is left out where its predictions vary by far more than these errors say that
        they explain. Through a curve a plain sum joins them.
    screen_above : int, default 60
        With more features than this, only those enter the process without which the answers would be markedly less
        likely. Up to 400 all enter where that predicts answers left out clearly better, and with fewer than 112
        distinct rows, which cannot say which matter; of more enter there the 8 + rows / 16 most promising ones.
    link : {"identity", "auto", "logistic", "log", "learned"} or Link, or one of these for each output, \
default "identity"
        The curve g that answers pass through, see :class:`~surrogates.Link`; the process is one of g(y). Of a kind
        given by name the bounds are estimated from the answers. "auto" takes a logistic curve where its
        cross-validated error is clearly smaller than that of the identity: between estimated bounds, or 0 and 1 (−1
        and 1) where all answers lie there; "learned" offers beside these the curve that
        a sum of main effects learns.

    Attributes
    ----------
    features_ : array of shape (d,)
        Features that entered; the others have no effect on predictions.
    shares_ : dict of float or str to float
        Share of the process with each shrinkage, and of the "sum"; not negative, adding up to one.
    noise_ : float or array of shape (k,)
        Variance of single answers around the processes, a mean over these, in their unit squared; through a link, on
        its line.
    links_ : tuple of k Link
        The link of each output.
    n_features_in_ : int

    Notes
    -----
    Diffusion kernels on the hypercube: Kondor and Lafferty (2002). Posterior and marginal likelihood: Rasmussen and
    Williams (2006), eq. 2.23, 2.24 and 5.9. Outputs are standardised and share their hyperparameters. Each iteration
    takes O(m^3 + m^2 d), on one BLAS thread. Averages: :mod:`surrogates.proxy.averaging`; their variance is the mean
    one and that of the means (Hoeting and others 1999).

    Examples
    --------
    >>> Z = np.random.default_rng(0).integers(0, 2, (64, 8))
    >>> proxy = CubeProxy().fit(Z, 3.0 * Z[:, 2] + 2.0 * Z[:, 0] * Z[:, 5])
    >>> coef, cov = proxy.walsh([(2,), (0, 5)])
    >>> coef.round(1), cov.shape
    (array([1.5, 0.5]), (2, 2))
    """

    links_: tuple[Link, ...]
    n_features_in_: int
    _sum: PlainSum | None

    def __init__(self, shrinkage: str | float = "cv", screen_above: int = 60, link: Links = "identity"):
        self.shrinkage = shrinkage
        self.screen_above = screen_above
        self.link = link

    def fit(self, Z: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows and answers.

        Parameters
        ----------
        Z : array of shape (m, n)
            Rows of 0/1. Other finite numbers are accepted in any unit, but then there is no Walsh spectrum.
        y : array of shape (m,) or (m, k), in any unit
        sample_weight : array of shape (m,), optional
            A weight of 2 counts like the row asked twice, a weight of 0 like its absence.

        Raises
        ------
        ValueError
            If a constructor parameter breaks its rule (InputError), or an array has the wrong shape or holds NaN.
        """
        if not (self.shrinkage == "cv" or _is_weight(self.shrinkage)):
            raise InputError("shrinkage", 'be "cv" or a finite number that is not negative', self.shrinkage)
        _check_counts(screen_above=self.screen_above)
        check_link(self.link)
        Z, y = validate_data(self, Z, y, multi_output=True, y_numeric=True, dtype=np.float64)
        weight = _check_sample_weight(sample_weight, Z, dtype=np.float64, ensure_non_negative=True)
        y = np.asarray(y, dtype=np.float64)
        self._single, self.features_ = y.ndim == 1, np.arange(Z.shape[1])
        with one_thread():
            rows = collapse(Z, y.reshape(len(y), -1), weight)
            self._units = units_of(rows.Z, rows.weight)
            rows = replace(rows, Z=in_units(rows.Z, self._units))
            if Z.shape[1] > self.screen_above:
                self.features_ = screen(OnLine.of(rows, [[IDENTITY]] * rows.y.shape[1]).rows)
                rows = collapse(rows.Z[:, self.features_], rows.y, rows.weight, rows.scatter)
            self._fit_process(rows)
        return self

    def _fit_process(self, rows: Rows) -> None:
        """Fit a process of each shrinkage, choose links by cross-validation, and shares of what is averaged."""
        several = self.shrinkage == "cv" and len(rows.Z) >= FEWEST
        many = rows.Z.shape[1] > MANY_FEATURES
        usual = AVERAGED_OF_MANY if many else AVERAGED
        strengths = usual if several else (usual[0] if self.shrinkage == "cv" else float(self.shrinkage),)
        links = each(self.link, rows.y.shape[1])
        offered = [named(link, column) for link, column in zip(links, rows.y.T, strict=True)]
        if any(map(learns, links)):
            # a process needs its curve before it is fitted: that of main effects
            learned = PlainSum.fit(rows, links).links
            offered = [list(dict.fromkeys([*some, one])) for some, one in zip(offered, learned, strict=True)]
        if len(rows.Z) < FEWEST:
            offered = [some[:1] for some in offered]
        on_line, missed = OnLine.of(rows, offered), np.empty((len(rows.Z), 1, 0))
        starts: list[np.ndarray | None] = [None] * len(strengths)
        if several or len(on_line.links) > len(offered):
            choice = choose(on_line, rows, strengths)
            on_line, missed, starts = on_line.take(choice.columns), choice.missed, [*choice.starts]
        self._on_line, self.links_ = replace(on_line, rows=on_line.rows.take(np.arange(0))), on_line.links
        self._X, self._binary = 2 * rows.Z - 1, bool(np.isin(rows.Z, (0.0, 1.0)).all())
        fitted = [self._process(on_line.rows, *both) for both in zip(strengths, starts, strict=True)]
        # among many features the weak one is worth its share although it varies: to leave it out lost .03 of R² there
        kept = [j for j, process in enumerate(fitted) if many or not j or self._steady(process, rows, missed[:, j])]
        names: list[float | str] = [strengths[j] for j in kept]
        missed, self._sum = missed[:, kept], None
        if several and on_line.curved:
            self._sum = PlainSum.fit(rows, self.links_)
            missed = np.concatenate([missed, PlainSum.missed(rows, self.links_)[:, None]], axis=1)
            names.append("sum")
        share = shares(missed, rows.weight) if len(names) > 1 else np.ones(1)
        self.shares_ = dict(zip(names, share.tolist(), strict=True))
        self._processes = [replace(fitted[j], share=part) for j, part in zip(kept, share, strict=False)]
        noise = np.average([p.kernel.noise for p in self._processes], weights=_relative(share[: len(kept)]))
        self.noise_ = float(noise * on_line.scale[0] ** 2) if self._single else noise * on_line.scale**2

    def _process(self, rows: Rows, shrinkage: float, start: np.ndarray | None) -> Process:
        """Fit hyperparameters to answers on the line, and condition a process on these."""
        kernel = Kernel.from_log(optimise(rows, shrinkage, start))
        factor = condition(kernel, self._X, rows.weight)
        line = self._on_line
        alpha = cho_solve(factor, rows.y)
        return Process(kernel, self.features_, self._X, factor, alpha, line.mean, line.scale, self._binary, 1.0)

    def _steady(self, process: Process, rows: Rows, missed: np.ndarray) -> bool:
        """Whether predictions vary over the law of the rows by little more than they explain of held-out answers."""
        X, total = 2 * independent_rows(rows.Z, rows.weight, FREE) - 1, rows.weight.sum()
        predicted = self._on_line.answers(process.kernel(X, self._X) @ process.alpha, np.zeros(len(X)))
        squares = rows.weight @ (rows.y - rows.weight @ rows.y / total) ** 2 + rows.scatter.sum(axis=0)
        varies = squares > 0
        if not varies.any():
            return True
        variance = float((predicted.var(axis=0)[varies] * total / squares[varies]).mean())
        return variance <= 1 - rows.weight @ (missed[:, varies] ** 2).mean(axis=1) / total + SPARE

    def predict(self, Z: Any, return_std: bool = False) -> Any:
        """Predict the posterior mean for rows (m, n), of shape (m,) or (m, k), in the unit of the answers.

        With ``return_std``, a pair of the mean and its standard deviation, of equal shape: that of the function,
        without the variance ``noise_`` of single answers around it.
        """
        check_is_fitted(self)
        Z = validate_data(self, Z, reset=False, dtype=np.float64)
        X, line = self.coordinates(Z), self._on_line
        means, variances = [], []
        for process in self._processes:
            cross = process.kernel(X, self._X)
            # u* = k(z, Z) K⁻¹ u  ⇒  f = m + s u*, and through a link its mean over the posterior
            u, needed = cross @ process.alpha, return_std or line.curved
            sd = process.kernel.sd(X, cross, process.factor) if needed else np.zeros(len(X))
            means.append(line.answers(u, sd))
            variances.append(line.deviations(u, sd) ** 2 if return_std else np.zeros(1))
        share = np.array(list(self.shares_.values()))
        if self._sum is not None:
            means.append(self._sum.predict((X + 1) / 2))
        mean = np.tensordot(share, means, 1)
        mean = mean[:, 0] if self._single else mean
        if not return_std:
            return mean
        # a plain sum has no variance of its own
        variance = np.tensordot(_relative(share[: len(variances)]), variances, 1)
        apart = np.stack(means) - np.tensordot(share, means, 1)
        deviation = np.sqrt(variance + np.tensordot(share, apart**2, 1))
        return mean, deviation[:, 0] if self._single else deviation

    def left_out(self, Z: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Predict rows of the fit ``(m, n)`` from all others but those of their group, ``(m, k)``.

        In closed form, at the hyperparameters of all rows. A plain sum keeps the weights of all.

        Parameters
        ----------
        Z : ndarray ``(m, n)``
        groups : ndarray ``(g, s)``
            Row numbers; each row is in one group.
        """
        X, line = self.coordinates(Z), self._on_line
        place = {row.tobytes(): j for j, row in enumerate(self._X)}
        at = np.array([place[row.tobytes()] for row in X])
        means = [line.answers(*without_groups(process, at, groups)) for process in self._processes]
        if self._sum is not None:
            means.append(self._sum.predict((X + 1) / 2))
        return np.tensordot(np.array(list(self.shares_.values())), means, 1)

    def coordinates(self, Z: np.ndarray) -> np.ndarray:
        """Return where rows (m, n) lie for the kernel, (m, d) of the features that entered: −1 and +1 for 0 and 1."""
        return 2 * in_units(Z, self._units)[:, self.features_] - 1

    def states(self) -> list[Process]:
        """Return the fitted processes, for functionals of their average (:mod:`surrogates.proxy.path_integrals`).

        Their shares add up to one, without that of a plain sum.
        """
        check_is_fitted(self)
        share = _relative(np.array([process.share for process in self._processes])).tolist()
        return [replace(process, share=part) for process, part in zip(self._processes, share, strict=True)]

    def walsh(self, subsets: Iterable[Iterable[int]]) -> tuple[np.ndarray, np.ndarray]:
        """Compute Walsh (Fourier) coefficients of the posterior: f(z) = sum_S coef_S prod_{i in S} (2 z_i - 1).

        Through a link they are those of the processes on its line.

        Parameters
        ----------
        subsets : t subsets of the features
            Each an iterable of distinct feature indices; the empty one asks for the mean over the cube.

        Returns
        -------
        coef : array of shape (t,) or (k, t)
            Posterior means, in the unit of the answers.
        cov : array of shape (t, t) or (k, t, t)
            Posterior covariance. Screening is taken as certain: both are zero where a feature was screened out.

        Raises
        ------
        InputError
            If a subset repeats or invents a feature, or the process was fitted to rows other than 0/1.
        """
        check_is_fitted(self)
        if not self._binary:
            raise InputError("Z", "hold only 0 and 1 in fit for a Walsh spectrum", "other numbers")
        groups = [tuple(subset) for subset in subsets]
        full = np.zeros((len(groups), self.n_features_in_))
        for row, group in zip(full, groups, strict=True):
            if len(set(group)) < len(group) or not set(group) <= set(range(self.n_features_in_)):
                raise InputError("subsets", f"hold distinct features from 0 to {self.n_features_in_ - 1}", group)
            row[list(group)] = 1
        member = full[:, self.features_]
        known, states = member.sum(axis=1) == full.sum(axis=1), self.states()
        each = [coefficients(p, member, p.kernel.spectrum(member)[:, -1] * known) for p in states]
        scale = self._on_line.scale[:, None, None] ** 2
        coef, cov = averaged(states, [mean for mean, _ in each], [scale * spread for _, spread in each])
        coef += self._on_line.mean[:, None] * ~full.any(axis=1)  # f = m + s u: m adds to the empty set alone
        return (coef[0], cov[0]) if self._single else (coef, cov)

    def top_walsh(self, n_terms: int, max_order: int = 3) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """Return the largest Walsh coefficients of the posterior mean, the constant aside.

        Parameters
        ----------
        n_terms : int
            The most coefficients.
        max_order : int, default 3
            The most features of one. All singles and pairs compete; of each order from two on, the ``2 n_terms``
            largest are extended by every feature.

        Returns
        -------
        subsets : list of t tuples of int
            Largest root mean square over standardised outputs first.
        coef : array of shape (t,) or (k, t)
        """
        check_is_fitted(self)
        _check_counts(n_terms=n_terms, max_order=max_order)
        best = largest(self.states(), n_terms, max_order)
        subsets = [tuple(self.features_[list(s)].tolist()) for s in best]
        return subsets, self.walsh(subsets)[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _relative(share: np.ndarray) -> np.ndarray:
    """Return shares that add up to one; equal ones where all are zero."""
    return share / share.sum() if share.sum() > 0 else np.full(len(share), 1 / len(share))


def _check_counts(**counts: object) -> None:
    for name, value in counts.items():
        if not isinstance(value, Integral) or value < 1:
            raise InputError(name, "be a positive integer", value)
