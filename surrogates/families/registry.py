"""The families by name. A new family is one file, and one line in :data:`KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, clone

from probes.errors import InputError
from surrogates.families.additive import AdditiveSurrogate
from surrogates.families.interactions import InteractionSurrogate
from surrogates.families.linear import SparseLinear
from surrogates.families.rules import RuleSurrogate
from surrogates.families.tree import TreeSurrogate
from surrogates.link import Link
from surrogates.offer import LinkLike
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.stacked_proxy import StackedProxy
from surrogates.results.plain import Json, plain, read
from surrogates.surrogate import CurvedSurrogate, Surrogate

__all__ = [
    "FAMILIES",
    "KINDS",
    "PROXIES",
    "Auto",
    "FamilyLike",
    "as_family",
    "candidates",
    "settings_from_json",
    "settings_to_json",
]

#: every family, by the name that explain() takes and explanations are saved under
KINDS: dict[str, type[Surrogate]] = {
    "linear": SparseLinear,
    "interactions": InteractionSurrogate,
    "tree": TreeSurrogate,
    "rules": RuleSurrogate,
    "additive": AdditiveSurrogate,
}

#: every proxy, by the name that explanations are saved under
PROXIES: dict[str, type[BaseEstimator]] = {"CubeProxy": CubeProxy, "StackedProxy": StackedProxy}


def _by_name(kind: type[Surrogate]) -> Surrogate:
    """Return a family with its default settings, with a proxy if it learns from one, and through a curve if need be."""
    given: dict[str, Any] = {"proxy": CubeProxy()} if kind.distilled else {}
    if issubclass(kind, CurvedSurrogate):
        return kind(**given, link="auto")
    return kind(proxy=CubeProxy(link="auto")) if given else kind()


#: what a name means in explain(): main effects are fitted to the answers, the others learn from a proxy; where answers
#: saturate, sums pass through a curve
FAMILIES: dict[str, Callable[[], Surrogate]] = {name: partial(_by_name, kind) for name, kind in KINDS.items()}


@dataclass(frozen=True)
class Auto:
    """Argmax over families of mean held-out R² − penalty · terms: held-out fidelity chooses the family.

    All are fitted to one set of answers.

    Parameters
    ----------
    families : tuple of str or Surrogate, default ("linear", "interactions", "tree")
    penalty : float, default 0.002
        R² that one more term, or bound or point of a curve, must earn.
    """

    families: tuple[str | Surrogate, ...] = ("linear", "interactions", "tree")
    penalty: float = 0.002

    def __post_init__(self) -> None:
        if not isinstance(self.penalty, Real) or isinstance(self.penalty, bool) or not 0 <= self.penalty < np.inf:
            raise InputError("penalty", "be a finite number of at least 0", self.penalty)
        if isinstance(self.families, str) or not len(self.families):
            raise InputError("families", "be a tuple of names or surrogates", self.families)
        for family in self.families:
            as_family(family)
        if len(set(map(_name, self.families))) < len(self.families):
            raise InputError("families", "name each family once", self.families)


#: whatever explain() takes as family
FamilyLike: TypeAlias = str | Surrogate | Auto


def candidates(family: FamilyLike) -> tuple[dict[str, Surrogate], float]:
    """Return the unfitted surrogates to compare, by name, and the penalty for a term; one unless `family` is auto."""
    if isinstance(family, str) and family == "auto":
        family = Auto()
    if isinstance(family, Auto):
        return {_name(f): as_family(f) for f in family.families}, family.penalty
    return {_name(family): as_family(family)}, 0.0


def _name(family: str | Surrogate) -> str:
    return family if isinstance(family, str) else repr(family)


def as_family(family: str | Surrogate) -> Surrogate:
    """Convert a `family` argument, a name of the table or a surrogate with its settings, to an unfitted surrogate.

    Raises
    ------
    InputError

    Examples
    --------
    >>> as_family("tree")
    TreeSurrogate(proxy=CubeProxy(link='auto'))
    """
    if isinstance(family, Surrogate):
        family.check()
        return clone(family)
    if isinstance(family, str) and family in FAMILIES:
        return FAMILIES[family]()
    rule = f"be one of {', '.join(FAMILIES)}, auto, or a surrogate such as SparseLinear(max_terms=5)"
    table = "; a table is given as background=" if hasattr(family, "shape") else ""
    raise InputError("family", f"{rule}{table}", family)


def settings_to_json(surrogate: Surrogate) -> Json:
    """Return a surrogate's parameters as plain data; its proxy as the proxy's name and parameters."""
    settings = _plain_settings(surrogate)
    proxy = settings.get("proxy")
    known = next((name for name, kind in PROXIES.items() if type(proxy) is kind), None)
    parameters = _plain_settings(proxy) if known else {}
    return settings | {"proxy": None if proxy is None else {known or repr(proxy): parameters}}


@plain.register(Link)
def _(link: Link) -> Json:
    points = {"knots": list(link.knots), "values": list(link.values)} if link.kind == "learned" else {}
    return {"kind": link.kind, "low": link.low, "high": link.high, **points}  # others are in files as they were


def _plain_settings(estimator: BaseEstimator) -> Json:
    given = estimator.get_params(deep=False).items()
    settings = {k: v.item() if isinstance(v, np.generic) else v for k, v in given}
    link = settings.pop("link", "identity")
    return settings | ({} if link == "identity" else {"link": plain(link)})  # files without a link are as they were


def settings_from_json(settings: Json) -> Json:
    """Return the parameters that :func:`settings_to_json` wrote; a proxy of the user's comes back as none."""
    settings = _with_link(settings)
    if settings.get("proxy"):
        ((name, parameters),) = settings["proxy"].items()
        return settings | {"proxy": PROXIES[name](**_with_link(parameters)) if name in PROXIES else None}
    return settings


def _with_link(settings: Json) -> Json:
    """Return settings with the link, or the links of several outputs, that plain data say."""
    given = settings.get("link", "identity")
    if isinstance(given, list):
        return settings | {"link": tuple(_link(one) for one in given)}
    return settings | {"link": _link(given)} if "link" in settings else settings


def _link(data: Any) -> LinkLike:
    link: LinkLike = data if isinstance(data, str) else read(Link, data, "link")
    return link
