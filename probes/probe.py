"""The Probe: the region of a model's input-output map that is asked about.

A probe names its features and turns rows of a design into inputs. It is the only thing that knows the modality; from
here on there are only rows ``Z`` and answers ``y``. A new modality is one file with one subclass.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from probes.errors import InputError
from probes.views import View

__all__ = ["Feature", "Probe"]


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


class Probe(ABC):
    """A region of an input-output map: coordinates z, and the map h from them to model inputs.

    With x the input that is explained, f the model and z′ the coordinates of the instance,

        x = h(z′),    y(z) = (1/R) Σᵣ f(hᵣ(z)),    r = 1, …, R,

    where :meth:`render` is h, ``replicates`` is R, and every hᵣ(z′) is x. Surrogates approximate y(z) around z′;
    :meth:`scatter` brings what they attribute to coordinates back onto the parts of x.

    Attributes
    ----------
    features : tuple of Feature
        The d coordinates of a row of ``Z``.
    replicates : int
        Inputs per row of ``Z``; their answers are averaged.
    answer : str or None
        For language models: the continuation to explain; None has the model generate it.
    max_new_tokens : int
        Length limit of a generated answer.
    notes : tuple of str
        What the user should know about the region, in words.
    """

    features: tuple[Feature, ...]
    replicates: int = 1
    answer: str | None = None
    max_new_tokens: int = 64
    notes: tuple[str, ...] = ()

    @abstractmethod
    def render(self, Z: np.ndarray) -> Any:
        """Map rows ``(m, d)`` to ``m · replicates`` model inputs, the replicates of a row side by side."""

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

    def _attributions(self, values: np.ndarray) -> np.ndarray:
        """Check attributions: a new float array ``(d,)`` or ``(k, d)``."""
        array = np.array(values, dtype=float)
        d = len(self.features)
        if array.ndim not in (1, 2) or array.shape[-1] != d:
            raise InputError("values", f"hold one number for each feature, shape ({d},) or (k, {d})", values)
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
