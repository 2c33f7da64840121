"""The Probe: the region of a model's input-output map that is asked about.

A probe names its features and turns rows of a design into inputs. It is the only thing that knows the modality; from
here on there are only rows ``Z`` and answers ``y``. A new modality is one file with one subclass.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.special import stdtrit

from probes.errors import InputError
from probes.views import View

__all__ = ["Feature", "Probe", "Replication"]


@dataclass(frozen=True)
class Feature:
    """One coordinate of the region.

    Parameters
    ----------
    name : str
        As shown to the user.
    kind : {"binary", "real"}
        Present (1) or absent (0), each with probability one half; or a real number, normal around `loc`.
    value : str
        What the instance holds here, as text; empty where the name says it.
    loc, scale : float
        Mean and standard deviation of the declared law, in the feature's own unit.

    Examples
    --------
    >>> Feature("age", "real", value="44", loc=44.0, scale=3.0).instance
    44.0
    """

    name: str
    kind: Literal["binary", "real"] = "binary"
    value: str = ""
    loc: float = 0.5
    scale: float = 0.5

    @property
    def instance(self) -> float:
        """The coordinate of the instance itself."""
        return 1.0 if self.kind == "binary" else self.loc

    @property
    def reference(self) -> float:
        """The coordinate that effects are measured from: absent, or one standard deviation below the instance."""
        return 0.0 if self.kind == "binary" else self.loc - self.scale


@dataclass(frozen=True, eq=False)
class Replication:
    """How the replicates of a probe were drawn, at random from each stratum of a finite population they stand for.

    Attributes
    ----------
    stratum : ndarray of int ``(R,)``
        The stratum of each replicate.
    sizes : ndarray of int ``(H,)``
        Members of the population in each stratum.
    quantiles : ndarray ``(d,)``
        Standard errors that 95% of the estimates of a feature's effect are within, as far as the population alone can
        say; infinite where R replicates are too few to say.
    bent : callable, optional
        The same number for one feature, by its number and the deviations ``(R,)`` of its effect for each replicate.

    Examples
    --------
    >>> Replication(np.array([0, 0, 1]), np.array([9, 1]), np.full(2, 4.3)).weights
    array([0.45, 0.45, 0.1 ])
    """

    stratum: np.ndarray
    sizes: np.ndarray
    quantiles: np.ndarray
    bent: Callable[[int, np.ndarray], float] | None = None

    @classmethod
    def endless(cls, replicates: int, features: int) -> Replication | None:
        """Replicates drawn from as good as infinitely many, such as noise; None for a single one.

        Examples
        --------
        >>> Replication.endless(4, 2).quantiles.round(2)
        array([3.18, 3.18])
        """
        if replicates == 1:
            return None
        drawn = cls(np.zeros(replicates, dtype=int), np.array([10**9]), np.empty(0))
        return replace(drawn, quantiles=np.full(features, drawn.student))

    @property
    def population(self) -> int:
        """Members of the population."""
        return int(self.sizes.sum())

    @property
    def df(self) -> int:
        """Degrees of freedom of a variance between replicates: those of the stratum that stands for most."""
        return max(int((self.stratum == np.argmax(self.sizes)).sum()) - 1, 1)

    @property
    def student(self) -> float:
        """The 97.5% quantile of Student's t with these degrees of freedom."""
        return float(stdtrit(self.df, 0.975))

    @property
    def weights(self) -> np.ndarray:
        """The share ``(R,)`` of the population that each replicate stands for."""
        return (self.sizes / np.bincount(self.stratum))[self.stratum] / self.sizes.sum()

    def other(self, rows: int) -> Replication:
        """As many rows as given, drawn from the same population as one stratum."""
        return replace(self, stratum=np.zeros(rows, dtype=int), sizes=np.array([self.population]), bent=None)

    def without(self, features: Sequence[int]) -> Replication:
        """The same, of which some features more, by number, nothing is known."""
        quantiles = self.quantiles.copy()
        quantiles[list(features)] = np.inf
        return replace(self, quantiles=quantiles)

    def seen(self, effects: np.ndarray) -> Replication:
        """The same, with quantiles for effects ``(R, k, d)`` of the replicates: the largest of the k outputs."""
        if self.bent is None or not np.isfinite(effects).all():
            return self
        bent = [max(self.bent(i, column) for column in effects[:, :, i].T) for i in range(effects.shape[2])]
        return replace(self, quantiles=np.maximum(self.quantiles, bent))

    def factor(self, values: np.ndarray) -> np.ndarray:
        """Scale deviations of values ``(R, …)`` so that their squares add up to the variance of the weighted mean.

        Notes
        -----
        Σₕ Wₕ² (1 − nₕ / Nₕ) sₕ² / nₕ, stratified sampling without replacement (Cochran 1977, 5.6); NaN where a
        stratum is known from one of several members.
        """
        out = np.zeros(values.shape)
        for h, size in enumerate(self.sizes):
            members = self.stratum == h
            n = int(members.sum())
            if n < size:
                share = size / self.sizes.sum() * np.sqrt((1 - n / size) / n)
                part = values[members] - values[members].mean(axis=0)
                out[members] = share * part / np.sqrt(n - 1) if n > 1 else np.nan
        return out


class Probe(ABC):
    """A region of an input-output map: coordinates z, and the map h from them to model inputs.

    With x the input that is explained, f the model and z′ the coordinates of the instance,

        x = h(z′),    y(z) = Σᵣ wᵣ f(hᵣ(z)),    r = 1, …, R,

    where :meth:`render` is h, ``replicates`` is R, the weights wᵣ add up to 1, and every hᵣ(z′) is x. Surrogates
    approximate y(z) around z′; :meth:`scatter` brings what they attribute to coordinates back onto the parts of x.

    Attributes
    ----------
    features : tuple of Feature
        The d coordinates of a row of ``Z``.
    replicates : int
        Inputs per row of ``Z``; their answers are averaged.
    replication : Replication or None
        How they were drawn, where they are a sample; None if they are all there are. Without one weights are equal.
    answer : str or None
        For language models: the continuation to explain; None has the model generate it.
    max_new_tokens : int
        Length limit of a generated answer.
    notes : tuple of str
        What the user should know about the region, in words.
    correlated : tuple of (str, str, float)
        Features that are changed one by one though they are strongly correlated, and their correlation.
    between_variants : str
        What it means if :meth:`variants` differ, in words; empty where that needs no saying.
    """

    features: tuple[Feature, ...]
    replicates: int = 1
    replication: Replication | None = None
    answer: str | None = None
    max_new_tokens: int = 64
    notes: tuple[str, ...] = ()
    correlated: tuple[tuple[str, str, float], ...] = ()
    between_variants: str = ""

    @abstractmethod
    def render(self, Z: np.ndarray) -> Any:
        """Map rows ``(m, d)`` to ``m · replicates`` model inputs, the replicates of a row side by side."""

    def asked_of(self, model: Any) -> Any:
        """Return what answers the rendered inputs, of the model that a user explains: by default that itself."""
        return model

    def read_by(self, model: Any) -> Probe:
        """Return this probe with what the user should know of how `model` reads its inputs; by default as it is.

        Raises
        ------
        InputError
            Before anything is asked, if the model cannot read some of them.
        """
        return self

    @abstractmethod
    def view(self) -> View:
        """Describe the instance for a report: plain JSON data with a ``"kind"``, see :mod:`probes.views`."""

    def variants(self) -> dict[str, Probe]:
        """Return probes that take the same features away in other ways, by name; for checks. None by default."""
        return {}

    def typical(self) -> Any:
        """Return inputs that the model may be expected to meet, such as background rows; None where there are none."""
        return None

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """Bring attributions of features back onto the parts of the input.

        Parts are what the instance is made of: pieces of a text, columns of a table, coordinates of the cube. A
        feature of several parts is shared equally among them, so that sums are kept.

        Parameters
        ----------
        values : array-like ``(d,)`` or ``(k, d)``
            Attributions of the d features, of one output or of k.

        Returns
        -------
        ndarray ``(p,)`` or ``(k, p)``
            Attributions of the p parts in the order of the input; by default there is one part for each feature.

        Raises
        ------
        InputError
            For another shape.
        """
        return self._attributions(values)

    def _shared(self, values: np.ndarray, owner: np.ndarray) -> np.ndarray:
        """Share attributions ``(…, d)`` equally among parts, whose features are given ``(p,)``: ``(…, p)``."""
        shared: np.ndarray = (self._attributions(values) / np.bincount(owner))[..., owner]
        return shared

    def _attributions(self, values: np.ndarray) -> np.ndarray:
        """Check attributions: a new float array ``(d,)`` or ``(k, d)``."""
        d = len(self.features)
        rule = f"hold one number for each feature, shape ({d},) or (k, {d})"
        try:
            array = np.array(values, dtype=float)
        except (TypeError, ValueError) as error:
            raise InputError("values", rule, values) from error
        if array.ndim not in (1, 2) or array.shape[-1] != d:
            raise InputError("values", rule, values)
        return array

    @property
    def instance(self) -> np.ndarray:
        """The instance itself as a row ``(d,)``."""
        return np.array([f.instance for f in self.features])

    @property
    def reference(self) -> np.ndarray:
        """The row ``(d,)`` that attributions are measured from."""
        return np.array([f.reference for f in self.features])

    @property
    def digest(self) -> str:
        """SHA-256 of features and view: two probes with one digest ask the same questions."""
        content = {"features": [vars(f) for f in self.features], "view": self.view(), "replicates": self.replicates}
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.features)} features)"


def rows_used(used: int, population: int) -> str:
    """Say that numbers are for some background rows.

    Examples
    --------
    >>> rows_used(10, 569)
    'All numbers are for the 10 background rows used, of 569.'
    """
    return f"All numbers are for the {used} background rows used, of {population}."


def unique_names(names: list[str]) -> list[str]:
    """Make feature names distinct: the second "the" becomes "the (2)".

    Examples
    --------
    >>> unique_names(["the", "cat", "the"])
    ['the', 'cat', 'the (2)']
    """
    seen: dict[str, int] = {}
    taken = set(names)
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        label = name
        while seen[name] > 1 and (label == name or label in taken):
            label = f"{name} ({seen[name]})"
            if label in taken:
                seen[name] += 1
        taken.add(label)
        out.append(label)
    return out


def at_least_two(features: list[Feature], what: str, received: object) -> tuple[Feature, ...]:
    """Refuse fewer than two features: a single one cannot be compared with anything.

    Raises
    ------
    InputError
    """
    if len(features) < 2:
        raise InputError(what, f"hold at least two features to compare; it has {len(features)}", received)
    return tuple(features)
