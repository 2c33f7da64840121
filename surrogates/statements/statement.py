"""Statements: claims about what a model does in general, frozen before they are tested."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from probes.cases.case import RESERVED
from probes.errors import InputError
from probes.rounding import in_unit, rounded
from surrogates.statements.entity_effects import Effect, effect, shares
from surrogates.statements.scope import Levels, Scope, as_scope

__all__ = ["Statement"]


@dataclass(frozen=True)
class Statement:
    """A claim about an effect Σₖ wₖ mₖ, where mₖ is the mean of the metric over a set of cases.

    Parameters
    ----------
    parts : tuple of (weight, Scope)
        One part compares a set's mean with `reference`; two are a contrast; four an interaction.
    sign : {1, -1}
        The direction claimed.
    min_effect : float
        Directional: the effect claimed is larger than this. Equivalence: its size is smaller than this.
    kind : {"directional", "equivalence"}
    reference : float or "chance"
        What a single part is compared with.
    every : str, optional
        A factor in each level of which the claim must hold.
    text : str
        The claim in words; made from the parts where empty.
    of_control : float, optional
        Equivalence only: `min_effect` as a share of the positive control's effect, which replaces it.
    otherwise : bool
        Whether the second part is every case outside the first.

    Examples
    --------
    >>> s = Statement.contrast(Scope.of(direction="forward"), Scope.of(direction="reverse"))
    >>> s.claim("margin", "nats")
    'margin is higher when direction is forward than when direction is reverse'
    """

    parts: tuple[tuple[float, Scope], ...]
    sign: int = 1
    min_effect: float = 0.0
    kind: Literal["directional", "equivalence"] = "directional"
    reference: float | str = "chance"
    every: str | None = None
    text: str = ""
    of_control: float | None = None
    otherwise: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("directional", "equivalence"):
            raise InputError("kind", "be directional or equivalence", self.kind)
        if self.sign not in (1, -1):
            raise InputError("sign", "be 1 or -1", self.sign)
        if len(self.parts) not in (1, 2, 4):
            raise InputError("parts", "be one set, two (a contrast) or four (an interaction)", self.parts)
        if self.reference != "chance":
            if not isinstance(self.reference, Real) or not np.isfinite(self.reference):
                raise InputError("reference", 'be a finite number or "chance"', self.reference)
            object.__setattr__(self, "reference", float(self.reference))
        if (
            not isinstance(self.min_effect, Real)
            or not self.min_effect >= 0
            or (self.kind == "equivalence" and not (self.min_effect or self.of_control))
        ):
            raise InputError("min_effect", "be at least 0, and above 0 for an equivalence", self.min_effect)

    @classmethod
    def level(cls, scope: Scope | Levels | None = None, **options: Any) -> Statement:
        """Claim about the mean in a scope, against chance or a number; a scope may be a dict of factor to levels."""
        return cls(((1.0, as_scope(scope or {})),), **options)

    @classmethod
    def contrast(cls, scope: Scope | Levels, against: Scope | Levels | None = None, **options: Any) -> Statement:
        """Claim about the mean in a scope against the mean in another, by default over all other cases."""
        scope, other = as_scope(scope), as_scope(scope if against is None else against)
        if against is not None and other == scope:
            raise InputError("against", "be another set of cases than the first", str(other))
        return cls(((1.0, scope), (-1.0, other)), otherwise=against is None, **options)

    @classmethod
    def interaction(
        cls, a: tuple[Scope | Levels, Scope | Levels], b: tuple[Scope | Levels, Scope | Levels], **options: Any
    ) -> Statement:
        """Claim about how much larger the contrast ``a[0]`` − ``a[1]`` is in ``b[0]`` than in ``b[1]``."""
        a, b = ((as_scope(x), as_scope(y)) for x, y in (a, b))
        parts = ((1.0, a[0].and_(b[0])), (-1.0, a[1].and_(b[0])), (-1.0, a[0].and_(b[1])), (1.0, a[1].and_(b[1])))
        text = f"the effect of {a[0]} (against {a[1]}) is larger when {b[0]} than when {b[1]}"
        return cls(parts, **{"text": text, **options})

    @property
    def subject(self) -> str:
        """SHA-256 of the effect that the claim is about; its sign, size and words do not matter."""
        parts = [(w, [(f, sorted(v)) for f, v in scope.conditions]) for w, scope in self.parts]
        effect_of = [parts, self.kind, self.reference, self.every, self.otherwise]
        return hashlib.sha256(json.dumps(effect_of, sort_keys=True).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """SHA-256 of the claim, which is frozen before the test."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def claim(self, metric: str, unit: str) -> str:
        """Put the claim in words."""
        if self.text:
            return self.text
        first, more = self.parts[0][1], "higher" if self.sign > 0 else "lower"
        where = "" if not first.conditions else f" when {first}"
        size = in_unit(rounded(self.min_effect), unit)
        least = f" by more than {size}" if self.min_effect and self.kind == "directional" else ""
        near = f"within ±{size} of " if self.min_effect else "close to "
        if len(self.parts) == 1:
            base = "chance" if self.reference == "chance" else _level(float(self.reference), unit)
            if self.kind == "equivalence":
                return f"{metric}{where} is {near}{base}"
            every = f", for every {self.every}" if self.every else ""
            return f"{metric}{where} is {'above' if self.sign > 0 else 'below'} {base}{least}{every}"
        other = "otherwise" if self.otherwise else f"when {self.parts[1][1]}"
        if self.kind == "equivalence":
            return f"{metric}{where} is {near}what it is {other}"
        return f"{metric} is {more}{where} than {other}{least}"

    def check(self, factors: Mapping[str, Sequence[str]]) -> None:
        """Check that every factor and level of the claim is among these.

        Raises
        ------
        InputError
        """
        if self.every is not None and self.every not in factors:
            raise InputError("every", f"name a factor among {', '.join(factors)}", self.every)
        for _, scope in self.parts:
            for factor, levels in scope.conditions:
                if factor not in factors:
                    raise InputError("scope", f"name factors among {', '.join(factors)}", factor)
                if unknown := [v for v in levels if v not in factors[factor]]:
                    raise InputError("scope", f"name levels of {factor} ({', '.join(factors[factor])})", unknown)

    def masks(self, frame: pd.DataFrame) -> list[tuple[float, np.ndarray]]:
        """Return the sets of cases, boolean ``(n,)``, with their weights."""
        sets = [(w, scope.holds(frame)) for w, scope in self.parts]
        if self.otherwise:
            sets[1] = (sets[1][0], ~sets[0][1])
        return sets

    def numbers(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the numbers that are averaged, ``(n,)``: the metric, for a single part less its reference."""
        y = frame["value"].to_numpy(dtype=float)
        if len(self.parts) > 1:
            return y
        return y - (frame["chance"].to_numpy(dtype=float) if self.reference == "chance" else float(self.reference))

    def strata(self, frame: pd.DataFrame) -> np.ndarray | None:
        """Number the cases ``(n,)`` by their levels of factors that the claim does not name; None for a single part."""
        named = {f for _, scope in self.parts for f, _ in scope.conditions}
        rest = [c for c in frame.columns if c not in RESERVED and c not in named]
        if len(self.parts) == 1 or not rest:
            return None
        number = np.zeros(len(frame), dtype=int)
        for factor in rest:  # a missing level, -1, is one of its levels
            code, known = pd.factorize(frame[factor].to_numpy(dtype=object, na_value=np.nan))
            number = np.unique(number * (len(known) + 1) + code, return_inverse=True)[1].reshape(-1)
        return number

    def estimate(self, frame: pd.DataFrame) -> Effect | None:
        """Estimate the effect on a table of cases; None where a set is empty."""
        masks, entity = self.masks(frame), frame["entity"].to_numpy()
        estimated = effect(self.numbers(frame), entity, masks, self.strata(frame))
        values = frame["value"].to_numpy(dtype=float)
        inside = values[np.any([m for _, m in masks], axis=0)]
        of_change = "shares" in frame.columns
        shares_at_all = bool(frame["shares"].all()) if of_change else inside.min() >= 0 and inside.max() <= 1
        if estimated is None or not shares_at_all:
            return estimated
        # shares: nothing but hits is no proof that misses do not exist: about 3 in n of them may (the rule of three)
        ends = (-1.0, 0.0, 1.0) if of_change else (0.0, 1.0)
        settled = [(w, m) for w, m in masks if (values[m] == values[m][0]).all() and values[m][0] in ends]
        floor = sum((w * 1.5 / len(set(entity[m]))) ** 2 for w, m in settled)
        return replace(estimated, error=float(np.sqrt(estimated.error**2 + floor)))

    def apart(self, frame: pd.DataFrame) -> float:
        """Compute the effect on cases as they are, whatever their levels of factors that the claim does not name."""
        y = self.numbers(frame)
        return float(sum(weight * y[mask].mean() for weight, mask in self.masks(frame) if mask.any()))

    def gaps(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Estimate the effect from each single case of the first set.

        A case is compared with the cases of the other sets that share its entity and its levels of all factors that
        the claim does not name; where there are none, with other entities at these levels, then with its entity at
        others.

        Returns
        -------
        gap : ndarray ``(n,)``
        inside : ndarray of bool ``(n,)``
            The cases of the first set that the effect rests on.
        """
        (first, *others) = self.masks(frame)
        gap = first[0] * self.numbers(frame)
        if not others:
            return gap, first[1]
        strata = self.strata(frame)
        number = np.zeros(len(frame), dtype=int) if strata is None else strata
        side = pd.DataFrame({"entity": frame["entity"].to_numpy(), "stratum": number})
        for weight, mask in others:
            y = pd.Series(np.where(mask, frame["value"].to_numpy(dtype=float), np.nan))
            peers = y.groupby([side["entity"], side["stratum"]]).transform("mean")
            for key in ("stratum", "entity"):
                peers = peers.fillna(y.groupby(side[key]).transform("mean"))
            gap += weight * peers.fillna(y.mean()).to_numpy(dtype=float)
        who = np.unique(side["entity"], return_inverse=True)[1].reshape(-1)
        weighed = shares(who, [first[1], *(mask for _, mask in others)], strata)
        return gap, first[1] if weighed is None else weighed[0] > 0


def _level(value: float, unit: str) -> str:
    """Write the number that a mean is compared with; zero is zero in every unit."""
    return in_unit(rounded(value), unit) if value else "0"
