"""The Certificate: proof of a surrogate's fidelity, as data."""

from __future__ import annotations

from dataclasses import dataclass

from probes.rounding import given, percent, rounded

__all__ = ["Certificate"]


@dataclass(frozen=True)
class Certificate:
    """Proof of a surrogate's fidelity.

    Attributes
    ----------
    r2 : float
        R² is at least this, over the declared law, errors clipped at `clip`.
    confidence : float
        The statement is wrong in at most this share's complement of runs.
    fitted : int
        Rows the surrogate was fitted to, before the test began.
    rows : int
        Fresh answers that it was tested on.
    clip : tuple of float
        Per output, the size beyond which an error counts as this, in the unit of the target.
    """

    r2: float
    confidence: float
    fitted: int
    rows: int
    clip: tuple[float, ...]

    def __str__(self) -> str:
        clip = ", ".join(map(rounded, self.clip))
        return (
            f"Certified: R² is at least {given(self.r2)}, with {percent(self.confidence)} confidence, "
            f"on {self.rows} fresh answers (errors beyond {clip} counted as that)."
        )
