"""A fitted surrogate as plain data and back, still able to predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogates.families.registry import KINDS, settings_from_json, settings_to_json
from surrogates.link import Link
from surrogates.results.plain import READERS, Damaged, Json, plain, read
from surrogates.results.term_data import check_terms
from surrogates.surrogate import FixedTerms, Surrogate
from surrogates.terms import Term

__all__ = ["SavedSurrogate"]

#: greatest integer that a parameter of a family may be
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class SavedSurrogate:
    """A fitted surrogate without its code.

    Attributes
    ----------
    family : str or None
        Name of the family in ``KINDS``; None for a family of the user's.
    settings : dict
        Its parameters.
    terms : tuple of t terms
    coef : ndarray ``(t,)`` or ``(k, t)``
    intercept : float, or ndarray ``(k,)``
    n_features : int
    links : tuple of k Link
    """

    family: str | None
    settings: Json
    terms: tuple[Term, ...]
    coef: np.ndarray
    intercept: float | np.ndarray
    n_features: int
    links: tuple[Link, ...]

    @classmethod
    def of(cls, surrogate: Surrogate) -> SavedSurrogate:
        """Take what predicts from a fitted surrogate."""
        family = next((name for name, kind in KINDS.items() if type(surrogate) is kind), None)
        settings = settings_to_json(surrogate) if family else {}
        terms, coef = tuple(surrogate.terms_), np.asarray(surrogate.coef_)
        links = surrogate.links_ or (Link(),) * len(np.atleast_2d(coef))
        return cls(family, settings, terms, coef, surrogate.intercept_, int(surrogate.n_features_in_), links)

    def check(self, where: str) -> None:
        """Check that the family is known and that the numbers fit the terms.

        Raises
        ------
        Damaged
        """
        if self.family is not None and self.family not in KINDS:
            raise Damaged(f"{where}.family", f"be one of {', '.join(KINDS)}, or null", self.family)
        check_terms(self.terms, self.n_features, f"{where}.terms")
        leading = np.shape(self.intercept)
        finite = np.isfinite(np.append(self.coef, self.intercept)).all()
        if self.coef.shape != (*leading, len(self.terms)) or not finite:
            raise Damaged(f"{where}.coef", f"have a finite weight for each of {len(self.terms)} terms", self.coef.shape)

        if large := [v for v in self.settings.values() if isinstance(v, int) and abs(v) > _LARGEST]:
            raise Damaged(f"{where}.settings", f"hold integers up to {_LARGEST}", large[0])
        if len(self.links) != len(np.atleast_2d(self.coef)):
            raise Damaged(f"{where}.links", "have a link for every output", len(self.links))

    def restored(self) -> Surrogate:
        """Make the fitted surrogate."""
        made: Any = FixedTerms() if self.family is None else KINDS[self.family](**settings_from_json(self.settings))
        made.check()
        made.terms_, made.coef_ = list(self.terms), self.coef
        made.intercept_, made.n_features_in_, made.links_ = self.intercept, self.n_features, self.links
        return made


@plain.register(Surrogate)
def _(surrogate: Surrogate) -> Json:
    return plain(SavedSurrogate.of(surrogate))


def _surrogate(data: object, where: str) -> Surrogate:
    saved: SavedSurrogate = read(SavedSurrogate, data, where)
    saved.check(where)
    try:
        return saved.restored()
    except (TypeError, ValueError, AttributeError) as error:  # parameters that its family does not have
        raise Damaged(f"{where}.settings", f"be parameters of {saved.family} ({error})", saved.settings) from error


READERS[Surrogate] = _surrogate
