"""The ExplanationSet: many explanations of one model, as data."""

from __future__ import annotations

import hashlib
import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.errors import InputError
from probes.rounding import counted
from surrogates.local.explanation import Explanation
from surrogates.many.global_surrogate import GlobalSurrogate, check_rows, numbers, over
from surrogates.many.jsonl_file import Entry, Failure, JsonlFile, failed_line
from surrogates.many.mean_effects import mean_effects, picks
from surrogates.results.files import written
from surrogates.results.provenance import cost_line
from surrogates.results.result import Result, page_of
from surrogates.results.shap_values import shap_explanation
from surrogates.surrogate import Surrogate

__all__ = ["ExplanationSet"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExplanationSet(Result, Sequence[Explanation]):
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
    def scores(self) -> np.ndarray:
        """Held-out R² of every explanation and output, those that are not defined aside."""
        return self._read[4]

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the numbers explained."""
        return self._read[3]

    def to_shap(self) -> Any:
        """Make a ``shap.Explanation`` of all items, for shap's beeswarm, heatmap and scatter plots.

        Values are ``(n, d)``, or ``(n, d, k)`` for k outputs, one row an item; see :meth:`Explanation.to_shap`. Where
        items explain different outputs a ``UserWarning`` says so.

        Raises
        ------
        InputError
            If there are no items, or they do not have the same features and number of outputs.
        MissingExtra
            Without the ``shap`` extra.
        """
        items = list(self)
        shapes = {(tuple(f.name for f in ex.features), len(ex.target.outputs)) for ex in items}
        if len(shapes) != 1:
            rule = "be explanations with the same features and number of outputs, such as rows of one table"
            raise InputError("to_shap", rule, f"{counted(len(items), 'explanation')} of {len(shapes)} kinds")
        values, base = np.array([ex.model_values() for ex in items]), np.array([ex.y[1] for ex in items])
        if len(explained := sorted({", ".join(ex.target.outputs) for ex in items})) > 1:
            warnings.warn(
                f"Rows explain different outputs ({'; '.join(explained[:5])}), each that of its item: values of "
                'different rows are not to be compared. explain_many(..., target="all") has all outputs of each row.',
                stacklevel=2,
            )
        return shap_explanation(values, base, [ex.features for ex in items], items[0].target.outputs)

    def summary(self, random_state: int = 0) -> pd.DataFrame:
        """Compute the mean size of the attributions of every feature with 95% intervals, see `mean_effects`.

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
        """Pick the k explanations that show most of what matters, the most telling first; see :meth:`picks`."""
        by_label = {entry.label: entry for entry in self.entries}
        return ExplanationSet(tuple(by_label[label] for label in self.picks(k)["item"]))

    def picks(self, k: int = 5) -> pd.DataFrame:
        """Return ``item, gain, covered`` of a submodular pick; see :func:`surrogates.many.mean_effects.picks`."""
        return picks(self.frame, k)

    def surrogate(self, family: str | Surrogate = "tree", output: str | None = None) -> GlobalSurrogate:
        """Fit one readable model of the model over these rows of a table.

        It is fitted to the model's answers for the rows themselves, which are known already.

        Raises
        ------
        InputError
            If the items are no rows of a table, there are too few, or the output is not one of the model's.
        """
        rows = [entry.row for entry in self.entries]
        check_rows(rows)
        y, name, unit = numbers(self, output)
        model = self[0].provenance.get("model", "")
        return over([row for row in rows if row is not None], y, name, unit, family, model)

    def to_jsonl(self, path: str | Path) -> Path:
        """Write one JSON line an explanation or failure; an older file is replaced as a whole.

        Raises
        ------
        InputError
            If the file cannot be written.
        StoreError
            If the file that holds the explanations so far is gone.
        """
        file = JsonlFile(path)
        file.make_folder()
        target = file.path.resolve()
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with beside.open("wb") as lines:  # the older file may be what explanations are read from
                lines.writelines(entry.line() for entry in self.entries)
                for failure in self.failures:
                    lines.write(failed_line(hashlib.sha256(repr(failure).encode()).hexdigest(), failure))
            beside.replace(target)
        except OSError as error:
            raise InputError("path", f"be a file that can be written ({error})", str(target)) from error
        finally:
            beside.unlink(missing_ok=True)
        return file.path

    @classmethod
    def from_jsonl(cls, path: str | Path) -> ExplanationSet:
        """Read what :meth:`to_jsonl` or ``explain_many(..., output=path)`` wrote, in the order of the file.

        Explanations are kept in the file until they are wanted. A damaged line, or one that holds no explanation, is
        passed over, with a warning in the log that names it. Several runs may have written to one file; a warning in
        the log says if they explained one item in several ways, with another budget or family, say, because then it
        counts as often. If they asked several models, another one says so when the whole is looked at.

        Raises
        ------
        InputError
            If there is no such file, or it holds something else.
        """
        file = JsonlFile(path)
        if not file.path.is_file():
            raise InputError("path", "be a file of explanations", str(path))
        finished = {(entry.key, entry.label): entry for entry in file.entries() if entry.sound()}
        keys = {entry.key for entry in finished.values()}
        done = {(entry.index, entry.label) for entry in finished.values()}
        failed = {k: f for k, f in file.failures() if k not in keys and (f.index, f.label) not in done}
        if not finished and not failed and file.path.stat().st_size:
            raise InputError("path", "be a file of explanations, one JSON line each", str(path))
        labels = Counter(entry.label for entry in finished.values())
        if repeated := [label for label, count in labels.items() if count > 1]:
            log.warning("%s: %d items were explained in several ways, such as %r", path, len(repeated), repeated[0])
        return cls(tuple(finished.values()), tuple(failed.values()))

    def report(self, path: str | Path, picked: int = 3) -> Path:
        """Write one self-contained HTML page: an index of all items, what matters over all, the explanations folded.

        Parameters
        ----------
        path : str or Path
            A file, which holds as many explanations as a page of ordinary size does and says what it leaves out; or a
            folder (one that there is, or a name without a suffix): a page for every item and ``index.html``, which
            links to them.
        picked : int, default 3
            How many of the most telling items are marked, and come first where there is not room for all.

        Returns
        -------
        Path
            Of the page, or of ``index.html``.

        Raises
        ------
        InputError
            If a file cannot be written.
        """
        if not isinstance(path, (str, Path)) or not str(path):
            raise InputError("path", "be the path of a file or a folder", path)
        folder = Path(path).expanduser()
        if folder.suffix and not folder.is_dir():
            return written(path, page_of(self, picked=picked))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise InputError("path", f"be a folder that can be made ({error})", str(path)) from error
        digits = len(str(len(self)))
        for i, explanation in enumerate(self, start=1):
            written(folder / f"item-{i:0{digits}}.html", page_of(explanation))
        return written(folder / "index.html", page_of(self, picked=picked, digits=digits))

    def cost_lines(self) -> list[str]:
        """Say what was spent: by this run and, where it took up an earlier one, before."""
        now, before = (cost_line(cost) for cost in self._read[2])
        taken = sum(entry.earlier for entry in self.entries)
        return [f"This run: {now}", f"Before, for the {taken} that were finished already: {before}"] if taken else [now]
