"""Result: what every result can do. It holds data; what draws it is registered by type and loaded when first drawn.

The views are functions dispatched by the type of the result (:func:`functools.singledispatch`). Nothing is registered
before :mod:`surrogates.report` is loaded; the first view that is asked for loads it, here and nowhere else, so that
results do not depend on what draws them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from probes.errors import InputError
from surrogates.results.document import document, fields_of, parsed
from surrogates.results.files import written
from surrogates.results.plain import Damaged, Json, plain, read
from surrogates.visible import isolated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["VIEWS", "Result", "SavedResult", "figure_of", "fragment_of", "page_of", "text_of"]

#: the module that registers every view; by name, so that data import nothing that draws them
VIEWS = "surrogates.report.views"


@singledispatch
def page_of(result: object, **options: Any) -> str:
    """Return a result as one self-contained HTML document."""
    return _registered(page_of, result)(result, **options)


@singledispatch
def fragment_of(result: object) -> str:
    """Return a result as a piece of HTML for notebooks."""
    return _registered(fragment_of, result)(result)


@singledispatch
def text_of(result: object) -> str:
    """Return a result as a few lines of plain text."""
    return _registered(text_of, result)(result)


@singledispatch
def figure_of(result: object, kind: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a kind of plot of a result into matplotlib Axes, new ones by default."""
    return _registered(figure_of, result)(result, kind, ax, **options)


def _registered(view: Any, result: object) -> Callable[..., Any]:
    """Return the function that is registered for the type of a result, after loading all that register one.

    Raises
    ------
    TypeError
        If none is.
    """
    import_module(VIEWS)
    function: Callable[..., Any] = view.dispatch(type(result))
    if function is view.dispatch(object):
        raise TypeError(f"{view.__name__} has nothing registered for {type(result).__name__}")
    return function


class Result:
    """Base of all results: a page, a piece of HTML for notebooks, text and a figure, by what is registered for it."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Have a console show what is printed; a dataclass that has no such method writes all of its fields."""
        super().__init_subclass__(**options)
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = Result.__str__  # type: ignore[assignment, method-assign]

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page; it opens anywhere and loads nothing.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        return written(path, page_of(self))

    def plot(self, kind: str | Axes | None = None, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw a plot into matplotlib Axes, with a line below: model, held-out R² with its interval, verdict.

        Nothing is asked of a model. See :doc:`/docs/plots` for all kinds and their options.

        Parameters
        ----------
        kind : str, optional
            Which plot; by default the first of the type's. Any other word is an error that lists them. Axes in its
            place are drawn into.
        ax : Axes, optional
            Where to draw, and nowhere else; a new figure of a fitting size by default.
        **options
            Of the kind: ``output`` (which of several, the first by default), ``max_features`` and others.

        Returns
        -------
        Axes

        Raises
        ------
        InputError
            For a kind that there is not, or that does not fit this result, for Axes that are none, and for an option or
            an output that there is not.
        """
        if kind is not None and not isinstance(kind, str):
            if not hasattr(kind, "transAxes"):
                raise InputError("kind", "be the name of a plot, or Axes to draw into", kind)
            kind, ax = None, kind
        if ax is not None and not hasattr(ax, "transAxes"):
            raise InputError("ax", "be Axes of matplotlib", ax)
        return figure_of(self, kind, ax, **options)

    def _repr_html_(self) -> str:
        return fragment_of(self)

    def __str__(self) -> str:
        return isolated(text_of(self))


class SavedResult(Result):
    """Base of results that are one JSON document: a dataclass, whose fields are what is saved.

    Attributes
    ----------
    kind : str
        What the head of its JSON calls it.
    named : str
        The same with its article, for errors.
    """

    kind: ClassVar[str] = ""
    named: ClassVar[str] = ""

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the JSON text of the result, written to `path` if given. Includes the instance.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        text = document(self.kind, plain(self))
        if path is not None:
            written(path, text)
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> Self:
        """Read what :meth:`to_json` wrote, in this version or an earlier one.

        Parameters
        ----------
        source : str or Path
            A path, or the JSON text itself.

        Raises
        ------
        InputError
            If it is no result of this kind, damaged, or written by a newer version.
        """
        return cls.from_data(parsed(source, cls.named))

    @classmethod
    def from_data(cls, data: Json) -> Self:
        """Read a result from the object that its JSON text holds.

        Raises
        ------
        InputError
            As :meth:`from_json` does.
        """
        try:
            result: Self = read(cls, fields_of(data, cls.kind, cls.named))
            result.check_consistent()
        except Damaged as error:
            rule = f"be whole {cls.named.removeprefix('an ').removeprefix('a ')} by to_json ({error})"
            raise InputError("source", rule, sorted(map(str, data))[:5]) from error
        return result

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
