"""MixedProbe: one explanation over columns, texts, images and whatever else a model takes together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from probes.deferred import Deferred, ready, take
from probes.errors import InputError, describe
from probes.inputs.tabular import TabularProbe
from probes.probe import Feature, Probe, Replication
from probes.rounding import counted
from probes.views import MixedView

__all__ = ["MixedProbe"]

#: makes a batch of model inputs of the batches of its parts, by name
Combine: TypeAlias = Callable[[dict[str, Any]], Any]


class MixedProbe(Probe):
    """An input of several parts, such as a row of a table with a text and a picture, each with a probe of its own.

    Parameters
    ----------
    parts : dict of str to Probe
        The probe of each part by its name. At most one of them may stand for a sample of background rows or be asked
        several times a question.
    combine : callable, optional
        Makes a batch of model inputs of the parts' batches, a dict by name of batches of one length. By default, where
        a part is a row of a data frame, a data frame of its columns with one column for each other part, named as the
        part is; else a list of dicts, one for each input.
    columns : sequence of str, optional
        The order of the columns, where a data frame is made; by default that of `parts`.

    Raises
    ------
    InputError
        For fewer than two parts, anything but probes of inputs, two parts with background rows, columns that differ
        from those there are.

    Examples
    --------
    >>> from probes import TabularProbe, TextProbe
    >>> people = pd.DataFrame({"age": [20.0, 40.0], "city": ["Bonn", "Rome"]})
    >>> parts = {"row": TabularProbe(people.iloc[0], people), "note": TextProbe("pays late")}
    >>> probe = MixedProbe(parts, columns=["note", "age", "city"])
    >>> [f.name for f in probe.features]
    ['age', 'city', 'pays', 'late']
    >>> probe.render(np.array([[0, 1, 1, 0]]))
       note   age  city
    0  pays  20.0  Bonn
    1  pays  40.0  Bonn
    """

    def __init__(
        self, parts: Mapping[str, Probe], *, combine: Combine | None = None, columns: Sequence[str] | None = None
    ):
        self.parts = _checked(parts)
        if combine is not None and not callable(combine):
            raise InputError("combine", "be a function of a dict of batches", combine)
        self.combine = combine
        self._columns = self._ordered(columns)
        self._bounds = np.cumsum([0, *(len(part.features) for part in self.parts.values())])
        self.features = self._features()
        drawn = self._replicated()
        if drawn is not None:
            part = self.parts[drawn]
            self.replicates = part.replicates
            self.replication = None if part.replication is None else self._widened(drawn, part.replication)
        self.notes = tuple(note for part in self.parts.values() for note in part.notes)
        self.correlated = tuple(
            (self._name(name, a), self._name(name, b), r)
            for name, part in self.parts.items()
            for a, b, r in part.correlated
        )

    def render(self, Z: np.ndarray) -> Any:
        Z = np.asarray(Z, dtype=float)
        batches = {
            name: _repeated(part.render(Z[:, start:stop]), self.replicates // part.replicates)
            for (name, part), start, stop in zip(self.parts.items(), self._bounds, self._bounds[1:], strict=False)
        }
        waiting = [batch for batch in batches.values() if isinstance(batch, Deferred)]
        if not waiting:
            return self._joined(batches)

        def make(index: np.ndarray) -> Any:
            return self._joined({name: ready(take(batch, index)) for name, batch in batches.items()})

        made = "mixed", *(batch.form for batch in waiting)
        return Deferred(make, np.arange(len(Z) * self.replicates), min(batch.at_once for batch in waiting), made)

    def _joined(self, batches: dict[str, Any]) -> Any:
        """Make a batch of inputs of the batches of all parts."""
        if self.combine is not None:
            return self._combined(self.combine, batches)
        if self._columns is None:
            return [dict(zip(batches, cells, strict=True)) for cells in zip(*batches.values(), strict=True)]
        return self._frame(batches)

    def _combined(self, combine: Combine, batches: dict[str, Any]) -> Any:
        """Let the user's function make a batch.

        Raises
        ------
        InputError
            If it raises, or makes another number of inputs.
        """
        count = len(next(iter(batches.values())))
        try:
            made = combine(batches)
        except Exception as error:
            said = f"{type(error).__name__}: {describe(str(error), 200)}"
            rule = f"make a batch of inputs of the batches of the parts; it raised {said}"
            raise InputError("combine", rule, combine) from error
        try:
            fits = not isinstance(made, (str, Mapping)) and len(made) == count
        except TypeError:  # nothing that can be counted
            fits = False
        if not fits:
            raise InputError("combine", f"return a batch of {counted(count, 'input')}, as many as each part has", made)
        return made

    def _frame(self, batches: dict[str, Any]) -> pd.DataFrame:
        """Join batches as columns."""
        frames = [b if isinstance(b, pd.DataFrame) else _column(name, b) for name, b in batches.items()]
        return pd.concat(frames, axis=1)[self._columns]

    def variants(self) -> dict[str, Probe]:
        """Return probes in which one part is taken away in another way."""
        drawn = self._replicated()
        return {
            f"{name}: {way}": MixedProbe({**self.parts, name: other}, combine=self.combine, columns=self._columns)
            for name, part in self.parts.items()
            for way, other in part.variants().items()
            if drawn in (None, name) or not _drawn(other)  # two parts that are drawn cannot be told apart
        }

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """Bring attributions back onto words, columns, pixels, see :meth:`Probe.scatter`, in the order of `parts`."""
        array = self._attributions(values)
        slices = zip(self.parts.values(), self._bounds, self._bounds[1:], strict=False)
        scattered = [part.scatter(array[..., start:stop]) for part, start, stop in slices]
        return np.concatenate([s.reshape(*array.shape[:-1], -1) for s in scattered], axis=-1)

    def view(self) -> MixedView:
        made = self._columns if self.combine is None else getattr(self.combine, "__qualname__", "a function")
        return {
            "kind": "mixed",
            "joined": made if made is None or isinstance(made, str) else [str(c) for c in made],
            "parts": [
                {"title": name, "offset": int(start), "features": [f.name for f in part.features], "view": part.view()}
                for (name, part), start in zip(self.parts.items(), self._bounds, strict=False)
            ],
        }

    def _features(self) -> tuple[Feature, ...]:
        """Return the features of all parts; a name that two parts have is preceded by its part's."""
        return tuple(
            replace(feature, name=self._name(part, feature.name))
            for part, probe in self.parts.items()
            for feature in probe.features
        )

    def _name(self, part: str, name: str) -> str:
        """Return what a feature of a part is called here."""
        others = (probe for other, probe in self.parts.items() if other != part)
        return f"{part}: {name}" if any(f.name == name for probe in others for f in probe.features) else name

    def _replicated(self) -> str | None:
        """Return the part that is asked several times a question, or is drawn from a population.

        Raises
        ------
        InputError
            If there are several.
        """
        several = [name for name, part in self.parts.items() if _drawn(part)]
        if len(several) > 1:
            rule = "have one part at most with background rows or several fills: give the others one row, or one fill"
            raise InputError("parts", rule, several)
        return several[0] if several else None

    def _widened(self, drawn: str, known: Replication) -> Replication:
        """Return the replication of a part for the features of all parts.

        What a word of a text does may depend on any column of the row that it stands beside, so that its quantile is
        the largest of all columns.
        """
        start = int(self._bounds[list(self.parts).index(drawn)])
        own = range(start, start + len(known.quantiles))
        finite = known.quantiles[np.isfinite(known.quantiles)]
        quantiles = np.full(len(self.features), finite.max() if len(finite) else known.student)
        quantiles[list(own)] = known.quantiles
        bent = known.bent

        def seen(feature: int, effects: np.ndarray) -> float:
            """Ask the part, for a feature of another part for each of its columns."""
            assert bent is not None
            return bent(feature - start, effects) if feature in own else max(bent(i, effects) for i in range(len(own)))

        return replace(known, quantiles=quantiles, bent=None if bent is None else seen)

    def _ordered(self, columns: Sequence[str] | None) -> list[Any] | None:
        """Return the columns of the data frame that is made; None where none is.

        Raises
        ------
        InputError
        """
        tables = {name: p for name, p in self.parts.items() if isinstance(p, TabularProbe) and not p.as_array}
        if self.combine is not None or not tables:
            if columns is not None:
                raise InputError("columns", "come with a row of a data frame, and without combine=", columns)
            return None
        there = [c for name in self.parts for c in (tables[name].columns if name in tables else [name])]
        if len(set(there)) < len(there):
            raise InputError("parts", "make columns with names that differ", sorted(map(str, there)))
        if columns is None:
            return there
        given = [] if isinstance(columns, str) else list(columns)
        if len(given) != len(there) or set(given) != set(there):
            raise InputError("columns", f"order these columns: {', '.join(map(str, there))}", columns)
        return given


def _checked(parts: Any) -> dict[str, Probe]:
    """Refuse what is no dict of two or more probes of inputs.

    Raises
    ------
    InputError
    """
    if not isinstance(parts, Mapping) or not all(isinstance(name, str) and name.strip() for name in parts):
        raise InputError("parts", "be a dict of names and probes", parts)
    if len(parts) < 2:
        raise InputError("parts", "hold at least two parts; one is explained by its own probe", parts)
    for name, part in parts.items():
        if not isinstance(part, Probe):
            raise InputError(f"parts[{name!r}]", "be a probe, such as TextProbe(text)", part)
        if isinstance(part, MixedProbe) or type(part).asked_of is not Probe.asked_of:
            raise InputError(f"parts[{name!r}]", "be the probe of an input", part)
        if part.answer is not None:
            raise InputError(f"parts[{name!r}]", "be without answer=", part.answer)
    return dict(parts)


def _drawn(part: Probe) -> bool:
    """Return whether a part is asked several times a question, or is drawn from a population."""
    return part.replicates > 1 or part.replication is not None


def _repeated(batch: Any, times: int) -> Any:
    """Return a batch with each of its inputs as often as given, side by side."""
    return batch if times == 1 else take(batch, np.repeat(np.arange(len(batch)), times))


def _column(name: str, batch: Any) -> pd.DataFrame:
    """Return a batch as a column, each of its cells one input."""
    if all(isinstance(cell, str) for cell in batch):
        return pd.DataFrame({name: batch})
    cells = np.empty(len(batch), dtype=object)
    for i, cell in enumerate(batch):
        cells[i] = cell
    return pd.DataFrame({name: cells})
