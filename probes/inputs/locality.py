"""Laws of locality: how far around an instance a real feature is varied. The only distances in the library.

A law is declared, never hidden: it is part of the question, shown in every report, and fidelity is with respect to it.
Rows are drawn from the law and fitted without further weights (GLIME, Tan et al. 2023), so its width means one thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from probes.errors import integer, number

__all__ = ["Background", "LocalGaussian"]


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
