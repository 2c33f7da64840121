"""The table of plots: which kinds there are, of which results, and how one is made and drawn.

A file ``*_plot.py`` in this folder defines a kind: a dataclass of what is drawn, and a function that computes it from a
result. It is found by its name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from probes.errors import InputError
from surrogates.report.plots.caption import add_caption, caption_of
from surrogates.report.plots.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KINDS", "Plot", "Unfit", "at_least_one", "draw_into", "drawn", "kinds_of", "load", "plotted"]

#: by the name of a kind: the results that it is of, each with what computes the plot
KINDS: dict[str, dict[type, Callable[..., Plot]]] = {}
#: what is drawn of a type of result where nobody names a kind
_FIRST: dict[type, str] = {}

Maker = TypeVar("Maker", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Base of all plots: what is drawn, computed already.

    Attributes
    ----------
    muted : bool
        Whether a verdict says not to use what is drawn.
    """

    muted: bool = False

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches of a figure of its own."""
        return 7.0, 4.0

    def draw(self, ax: Axes) -> None:
        """Draw into Axes."""
        raise NotImplementedError


class Unfit(Exception):
    """A kind of plot does not fit a result: what it needs, and what there is."""


def plotted(kind: str, *results: type, first: bool = False) -> Callable[[Maker], Maker]:
    """Register what computes a kind of plot of some results; `first` is the one drawn by default."""

    def register(maker: Maker) -> Maker:
        for result in results:
            KINDS.setdefault(kind, {})[result] = maker
            if first:
                _FIRST[result] = kind
        return maker

    return register


def load() -> None:
    """Load every kind."""
    for path in sorted(Path(__file__).parent.glob("*_plot.py")):
        import_module(f"{__package__}.{path.stem}")


def kinds_of(result: object) -> list[str]:
    """Return the kinds there are of a result, the one drawn by default first."""
    first = _FIRST.get(type(result))
    return sorted((kind for kind, results in KINDS.items() if type(result) in results), key=lambda k: (k != first, k))


def drawn(result: Any, kind: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a result into Axes, new ones by default, with the line below that says how far to trust it.

    Raises
    ------
    InputError
        For a kind that there is not, or that does not fit this result, or an option that the kind does not take.
    """
    kinds = kinds_of(result)
    if not kinds:
        raise TypeError(f"there is no plot of {type(result).__name__}")
    name = kinds[0] if kind is None else kind
    table = f"be one of {', '.join(map(repr, kinds))}, the plots of {type(result).__name__}"
    if name not in kinds:
        others = ", ".join(sorted(of.__name__ for of in KINDS.get(str(name), {})))
        raise InputError("kind", f"{table} ({name!r} is of {others})" if others else table, kind)
    maker = KINDS[str(name)][type(result)]
    known = [*inspect.signature(maker).parameters][1:]
    if wrong := sorted(set(options) - set(known)):
        takes = f"takes {', '.join(known)}" if known else "takes none"
        raise InputError("plot", f"get options of the kind {name!r}, which {takes}", ", ".join(wrong))
    try:
        plot = maker(result, **options)
    except Unfit as lack:
        raise InputError("kind", f"{table}, and fit it: {name!r} needs {lack.args[0]}", lack.args[1]) from None
    if ax is None:
        ax = new_axes(*plot.size)
    plot.draw(ax)
    add_caption(ax, caption_of(result, options.get("output", options.get("behaviour"))))
    return ax


def draw_into(plot: Plot, ax: Axes) -> None:
    """Draw a plot alone, where the line below it stands elsewhere."""
    plot.draw(ax)


def at_least_one(max_features: int) -> int:
    """Check how many rows are wanted.

    Raises
    ------
    InputError
    """
    if not isinstance(max_features, Integral) or isinstance(max_features, bool):
        raise InputError("max_features", "be an integer", max_features)
    if max_features < 1:
        raise InputError("max_features", "be at least 1", max_features)
    return max_features
