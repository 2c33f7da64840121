"""Laws of locality: how far around an instance a row is varied, and what absent features become.

A law is declared, never hidden: it is part of the question, shown in every report, and fidelity is with respect to it.
Rows are drawn from the law and fitted without further weights (GLIME, Tan et al. 2023), so its width means one thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from probes.errors import InputError, integer, number

__all__ = ["CONDITIONAL", "Background", "Conditional", "Law", "LocalGaussian"]

#: how :class:`Conditional` may choose rows, and what is said of the rows it takes
CONDITIONAL = {
    "nearest": "nearest to this one in the columns that are kept",
    "forest": "that fewest splits of a forest set apart from this one, on the columns that are kept",
}


@dataclass(frozen=True)
class Background:
    """An absent feature takes its value from background rows; present and absent are equally likely.

    Parameters
    ----------
    replicates : int, default 10
        Background rows that stand in for absent features; the same ones for every question, answers averaged.
    """

    replicates: int = 10

    def __post_init__(self) -> None:
        integer("replicates", self.replicates, least=1)

    def __str__(self) -> str:
        return "each feature kept or replaced by background rows, with equal probability"


@dataclass(frozen=True)
class Conditional:
    """An absent feature takes its value from background rows that fit what is present; both are equally likely.

    :class:`Background` exchanges one column whatever the others hold, which of correlated columns makes rows that never
    occur. Here rows are chosen for every question anew, by the columns that are kept: an estimate of
    E[f(X) | X_S = x_S], of which effects share what correlated columns have in common. See
    :mod:`probes.inputs.conditional_rows` for how rows are chosen.

    Parameters
    ----------
    by : {"nearest", "forest"}, default "nearest"
        What fits: rows that are near in the columns kept, or rows that few splits on these set apart, of trees that
        predict some columns from the others.
    replicates : int, default 10
        Background rows for every question, answers averaged; at most one for ten rows of the background.

    Raises
    ------
    InputError

    Examples
    --------
    >>> print(Conditional())
    each feature kept or replaced, with equal probability, by background rows nearest to this one in the columns that
    are kept
    """

    by: str = "nearest"
    replicates: int = 10

    def __post_init__(self) -> None:
        if self.by not in CONDITIONAL:
            raise InputError("by", f"be one of {', '.join(CONDITIONAL)}", self.by)
        integer("replicates", self.replicates, least=1)

    def __str__(self) -> str:
        return f"each feature kept or replaced, with equal probability, by background rows {CONDITIONAL[self.by]}"


@dataclass(frozen=True)
class LocalGaussian:
    """Numeric features are drawn from normal laws around the instance; others are kept or replaced.

    Parameters
    ----------
    width : float
        Standard deviation of each law, as a multiple of the feature's standard deviation in the background. There is
        no default: what "near" means is the user's to say.
    replicates : int, default 10
        Background rows for the features that are not numeric (one if there are none).
    """

    width: float
    replicates: int = 10

    def __post_init__(self) -> None:
        number("width", self.width, low=0, open_low=True)
        integer("replicates", self.replicates, least=1)

    def __str__(self) -> str:
        return f"numeric features drawn around the instance, {self.width:g} background standard deviations wide"


#: whatever TabularProbe takes as a law
Law: TypeAlias = Background | Conditional | LocalGaussian
