"""PiecesProbe: what probes of texts share, once a text is cut into pieces that are present or absent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from copy import copy
from typing import NotRequired, TypedDict

import numpy as np

from probes.errors import InputError
from probes.inputs.replacement import (
    UNCHANGING,
    Infill,
    Replacement,
    checked_replacement,
    removal,
    stand_in,
    unchanged,
)
from probes.inputs.text_segments import Segments
from probes.inputs.units.cut import Cut, first_names, numbered
from probes.probe import Feature, Probe, at_least_two, unique_names
from probes.views import Block

__all__ = ["PiecesProbe", "Removal", "block_view"]

#: what stands in for removed text when another way to remove is tried
_MARK = "…"


class Removal(TypedDict):
    """What a view says of absent text."""

    removal: str
    drawn: NotRequired[str | list[str]]
    nothing: NotRequired[str]


class PiecesProbe(Probe):
    """Texts in pieces, each of a feature, that stay where it is present and are replaced where it is not.

    Attributes
    ----------
    documents : list of Segments
    owners : list of ndarray of int
        For each text the feature of each of its pieces.
    unit : str
        What a piece is called.
    replacement : str, function, Infill or None
    """

    documents: list[Segments]
    owners: list[np.ndarray]
    unit: str
    replacement: Replacement

    def _take_apart(
        self, texts: Sequence[str], cuts: Sequence[Cut], names: Sequence[str], what: str, received: object
    ) -> None:
        """Set pieces and features of cut texts; `names` are those of all pieces, one text after the other.

        Raises
        ------
        InputError
            For fewer than two features of `what`, or half a character in a text: no result could hold it.
        """
        for text in texts:
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InputError(what, f"hold text that can be written as UTF-8 ({error.reason})", text) from error
        self.documents = [Segments.of(text, cut.spans, cut.even) for text, cut in zip(texts, cuts, strict=True)]
        self.owners = [np.array(owner, dtype=int) for owner in numbered(cuts)]
        firsts = first_names(names, np.concatenate(self.owners).tolist())
        self.features = at_least_two([Feature(name) for name in unique_names(firsts)], what, received)
        self._cut_notes = tuple(dict.fromkeys(note for cut in cuts for note in cut.notes))

    def replace(self, replacement: Replacement) -> None:
        """Put something else in the place of absent text.

        Raises
        ------
        InputError
            If it cannot stand there, or a text holds what marks the gaps of an infill.
        """
        self.replacement = checked_replacement(replacement)
        self.replicates, self.replication, self.notes = 1, None, self._cut_notes
        if isinstance(replacement, Infill):
            replacement.check(self.documents)
            self.replicates, self.replication = replacement.samples, replacement.replication(len(self.features))
            self.notes = (*self._cut_notes, replacement.note)
        elif replacement is not None:
            self.notes = (*self._cut_notes, *self._unchanged(replacement))

    def _unchanged(self, replacement: Replacement) -> tuple[str, ...]:
        """Say which features hold already what stands in for them.

        Raises
        ------
        InputError
            If all of them do.
        """
        stands, changed = stand_in(replacement), set[int]()
        for text, owner in zip(self.documents, self.owners, strict=True):
            for piece, j in zip(text.pieces, owner.tolist(), strict=True):
                if j not in changed and piece != (stands(piece) if callable(stands) else stands):
                    changed.add(j)
        same = [feature.name for j, feature in enumerate(self.features) if j not in changed]
        if len(same) == len(self.features):
            raise InputError("replacement", UNCHANGING, replacement)
        return (unchanged(same),) if same else ()

    def _rendered(self, number: int, Z: np.ndarray) -> list[str]:
        """Render a text, by its number, for rows ``(m, d)``: m · replicates texts, those of a row side by side."""
        present, stands = np.asarray(Z)[:, self.owners[number]] > 0.5, stand_in(self.replacement)
        texts = [self.documents[number].render(row, stands) for row in present]
        return (
            self.replacement.rows(texts, np.asarray(present.all(axis=1)))
            if isinstance(self.replacement, Infill)
            else texts
        )

    def _said(self) -> Removal:
        """Describe for a view how absent text is treated.

        What a function makes of pieces is part of it, and a digest of what an infill makes of the reference, because
        two of them may have one name.
        """
        said: Removal = {"removal": removal(self.replacement)}
        if isinstance(self.replacement, Infill):
            written = [self._rendered(number, self.reference[None]) for number in range(len(self.documents))]
            said["drawn"] = hashlib.sha256(json.dumps(written).encode()).hexdigest()[:16]
            said["nothing"] = "with every feature drawn anew"
        elif callable(self.replacement):
            stands = stand_in(self.replacement)
            pieces = [piece for text in self.documents for piece in text.pieces]
            said["drawn"] = [stands(piece) if callable(stands) else "" for piece in pieces]
            said["nothing"] = "with every feature rewritten"
        return said

    def variants(self) -> dict[str, Probe]:
        """Return the probe that removes absent text where this one replaces it; that puts a mark where it removes."""
        other = copy(self)
        try:
            other.replace(_MARK if self.replacement is None else None)
        except InputError:  # the mark is all that the text holds
            return {}
        return {removal(other.replacement): other}

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """Bring attributions back onto the pieces of the texts, see :meth:`Probe.scatter`; pieces of one feature share.

        Examples
        --------
        >>> from probes import Occurrences, TextProbe
        >>> TextProbe("bad, bad film", Occurrences()).scatter([2.0, 5.0])
        array([1., 1., 5.])
        """
        return self._shared(values, np.concatenate(self.owners))


def block_view(title: str, segments: Segments, owner: Sequence[int] | np.ndarray = ()) -> Block:
    """Describe a text for a report, with the feature of each piece where they do not count up."""
    features = [int(i) for i in owner]
    offset = features[0] if features else 0
    block: Block = {"title": title, "pieces": list(segments.pieces), "glue": list(segments.glue), "offset": offset}
    if features != list(range(offset, offset + len(features))):
        block["features"] = features
    return block
