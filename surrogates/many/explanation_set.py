"""The ExplanationSet: many explanations of one model, as data."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.errors import InputError
from surrogates.local.explanation import Explanation
from surrogates.many.jsonl_file import Entry, Failure, Shelf, failed_line
from surrogates.many.mean_effects import mean_effects, picks
from surrogates.report.text import cost_line
from surrogates.results.files import written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from surrogates.many.global_surrogate import GlobalSurrogate
    from surrogates.surrogate import Surrogate

__all__ = ["ExplanationSet"]

log = logging.getLogger(__name__)

_SHOWN = 10


@dataclass(frozen=True)
class ExplanationSet(Sequence[Explanation]):
    """Explanations of one model for many inputs, in the order of the inputs.

    A sequence of :class:`~surrogates.Explanation`; those that were streamed to a file are read when they are wanted.

    Attributes
    ----------
    entries : tuple of Entry
    failures : tuple of Failure
        Items that could not be explained, and why.
    interrupted : bool
        Whether Ctrl-C or an error ended the run before all items were done.
    """

    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...] = ()
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Explanation: ...

    @overload
    def __getitem__(self, index: slice) -> ExplanationSet: ...

    def __getitem__(self, index: int | slice) -> Explanation | ExplanationSet:
        if isinstance(index, slice):
            return ExplanationSet(self.entries[index])
        return self.entries[index].load()

    def __iter__(self) -> Iterator[Explanation]:
        return (entry.load() for entry in self.entries)

    @property
    def labels(self) -> list[str | int]:
        """The items' labels: of rows in a table, otherwise their places."""
        return [entry.label for entry in self.entries]

    @cached_property
    def _read(self) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Cost, Cost], tuple[str, ...], np.ndarray]:
        """All that is shown of the whole set, from one reading of it."""
        effects, fits, units = [], [], Counter[str]()
        cost, taken = [Cost(), Cost()], set[str]()  # of this run, of earlier ones
        models = dict[str, None]()
        for entry in self.entries:
            label, explanation = entry.label, entry.load()
            if explanation.answer is None:  # each answer that a language model wrote makes another map
                models[explanation.answers.model] = None
            table = explanation.attributions.copy()
            table.insert(0, "item", label)
            effects.append(table)
            judged = explanation.fidelity
            part = judged.table.reset_index()
            part.insert(0, "item", label)
            fits.append(part.assign(rows=judged.rows, exact=judged.exact, verdict=list(judged.verdicts)))
            if entry.key not in taken:  # two items may be one question
                cost[entry.earlier] += Cost(**explanation.provenance["cost"])
            taken |= {entry.key} if entry.earlier else set()
            units[explanation.target.unit] += 1
        if not effects:
            names = ["item", "output", "feature", "value", "attribution", "low", "high", "surrogate"]
            return (
                pd.DataFrame(columns=names),
                pd.DataFrame(columns=["item", "output", "r2"]),
                (Cost(), Cost()),
                (),
                np.empty(0),
            )
        if len(models) > 1:
            log.warning("explanations of %d models are taken together: %s", len(models), ", ".join(models))
        fidelity = pd.concat(fits, ignore_index=True)
        return (
            pd.concat(effects, ignore_index=True),
            fidelity,
            (cost[0], cost[1]),
            tuple(units),
            fidelity["r2"].dropna().to_numpy(),
        )

    @property
    def frame(self) -> pd.DataFrame:
        """``item, output, feature, value, attribution, low, high, surrogate``: one row an item, output and feature."""
        return self._read[0]

    @property
    def fidelity(self) -> pd.DataFrame:
        """One row an item and output: ``item, output, r2, r2_low, r2_high, rank, …, rows, exact, verdict``."""
        return self._read[1]

    @property
    def cost(self) -> Cost:
        """What the answers to all these explanations cost together, whichever run paid for them."""
        return self._read[2][0] + self._read[2][1]

    @property
    def cost_before(self) -> Cost:
        """The part of it that earlier runs had paid, for explanations that were in the file already."""
        return self._read[2][1]

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the numbers explained."""
        return self._read[3]

    def summary(self, random_state: int = 0) -> pd.DataFrame:
        """Mean |attribution| of every feature with 95% intervals, see `mean_effects`.

        Where every item explains one number (the class that the model gives it, say), these are taken together; else
        every output stands alone.
        """
        frame = self.frame
        several = bool(len(frame)) and frame.groupby("item")["output"].nunique().max() > 1
        outputs = frame["output"].unique()
        if not several and len(outputs) > 1:
            frame = frame.assign(output="the one explained")
        return mean_effects(frame, random_state)

    def pick(self, k: int = 5) -> ExplanationSet:
        """The k explanations that together show most of what matters, the most telling first; see :meth:`picks`."""
        by_label = {entry.label: entry for entry in self.entries}
        return ExplanationSet(tuple(by_label[label] for label in self.picks(k)["item"]))

    def picks(self, k: int = 5) -> pd.DataFrame:
        """``item, gain, covered`` of a submodular pick; see :func:`surrogates.many.mean_effects.picks`."""
        return picks(self.frame, k)

    def surrogate(self, family: str | Surrogate = "tree", output: str | None = None) -> GlobalSurrogate:
        """One readable model of the model over these rows of a table.

        It is fitted to the model's answers for the rows themselves, which are known already.

        Raises
        ------
        InputError
            If the items are no rows of a table, there are too few, or the output is not one of the model's.
        """
        from surrogates.many.global_surrogate import over

        return over(self, family, output)

    def to_jsonl(self, path: str | Path) -> Path:
        """Write one JSON line an explanation or failure; an older file is replaced as a whole.

        Raises
        ------
        InputError
            If the file cannot be written.
        StoreError
            If the file that holds the explanations so far is gone.
        """
        shelf = Shelf(path)
        shelf.make_folder()
        target = shelf.path.resolve()
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with beside.open("wb") as file:  # the older file may be what explanations are read from
                file.writelines(entry.line() for entry in self.entries)
                for failure in self.failures:
                    file.write(failed_line(hashlib.sha256(repr(failure).encode()).hexdigest(), failure))
            beside.replace(target)
        except OSError as error:
            raise InputError("path", f"be a file that can be written ({error})", str(target)) from error
        finally:
            beside.unlink(missing_ok=True)
        return shelf.path

    @classmethod
    def from_jsonl(cls, path: str | Path) -> ExplanationSet:
        """Read what :meth:`to_jsonl` or ``explain_many(..., output=path)`` wrote, in the order of the file.

        Explanations are read when they are wanted. Several runs may have written to one file; a warning in the log says
        if they explained one item in several ways, with another budget or family, say, because then it counts as often.
        If they asked several models, another one says so when the whole is looked at.

        Raises
        ------
        InputError
            If there is no such file, or it holds something else.
        """
        shelf = Shelf(path)
        if not shelf.path.is_file():
            raise InputError("path", "be a file of explanations", str(path))
        found = {(entry.key, entry.label): entry for entry in shelf.entries()}
        keys = {entry.key for entry in found.values()}
        done = {(entry.index, entry.label) for entry in found.values()}
        failed = {k: f for k, f in shelf.failures() if k not in keys and (f.index, f.label) not in done}
        if not found and not failed and shelf.path.stat().st_size:
            raise InputError("path", "be a file of explanations, one JSON line each", str(path))
        labels = Counter(entry.label for entry in found.values())
        if repeated := [label for label, count in labels.items() if count > 1]:
            log.warning("%s: %d items were explained in several ways, such as %r", path, len(repeated), repeated[0])
        return cls(tuple(found.values()), tuple(failed.values()))

    def plot(self, ax: Axes | None = None, *, output: str | None = None, max_features: int = 15) -> Axes:
        """Mean |attribution| of every feature with intervals; returns the Axes."""
        from surrogates.report.figures import importance_plot

        return importance_plot(self.summary(), self.units, ax, output=output, max_features=max_features)

    def report(self, path: str | Path, picked: int = 3) -> Path:
        """Write one self-contained HTML page: the whole, its fidelity, and the `picked` most telling explanations."""
        from surrogates.report.explanation_set import page

        return written(path, page(self, picked))

    def cost_lines(self) -> list[str]:
        """What was spent, in words: by this run and, where it took up an earlier one, before."""
        now, before = (cost_line(dict(vars(cost))) for cost in self._read[2])
        taken = sum(entry.earlier for entry in self.entries)
        return [f"This run: {now}", f"Before, for the {taken} that were finished already: {before}"] if taken else [now]

    def _repr_html_(self) -> str:
        table = self.summary().head(_SHOWN).to_html(index=False, float_format=lambda v: f"{v:.3g}") if len(self) else ""
        return f"<p>{escape(self._told())}</p>{table}"

    def _told(self) -> str:
        parts = [f"{len(self)} explanations"]
        if self.failures:
            parts.append(f"{len(self.failures)} failed")
        if self.interrupted:
            parts.append("interrupted before the rest")
        return ", ".join(parts)

    def __str__(self) -> str:
        lines = [self._told()]
        scores = self._read[4]
        if len(scores):
            low, middle, high = np.quantile(scores, (0.1, 0.5, 0.9))
            fair = float((scores >= 0.7).mean())
            lines.append(
                f"Held-out R²: median {middle:.2f}, from {scores.min():.2f} to {scores.max():.2f} "
                f"(80% between {low:.2f} and {high:.2f}); at least 0.70 for {fair:.0%}"
            )
        if len(self):
            table = self.summary()
            shown = table.head(_SHOWN)
            lines += ["", f"{'mean |effect|':>13}  {'95% interval':^19}  ({', '.join(self.units)})"]
            many = table["output"].nunique() > 1
            for row in shown.itertuples():
                interval = f"[{row.low:.3g}, {row.high:.3g}]" if np.isfinite(row.low) else ""
                name = f"{row.feature} → {row.output}" if many else row.feature
                lines.append(f"{row.importance:>13.3g}  {interval:^19}  {name}")
            if len(table) > _SHOWN:
                lines.append(f"{'':13}  {'':19}  … and {len(table) - _SHOWN} more in .summary()")
            lines += ["", *self.cost_lines()]
        lines += [f"Failed: {failure}" for failure in self.failures[:_SHOWN]]
        return "\n".join(lines)
