"""Ask the rows from which a model's own indices are estimated, and gather what every such result says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.asking.answers import Interrupted
from probes.asking.session import Reply, Session
from probes.design import PAIRS, Design, corners
from probes.errors import InputError, ModelError
from probes.rounding import counted
from surrogates.judging.notes import one_by_one
from surrogates.results.provenance import cost_data, provenance
from surrogates.shapley.index_table import for_these, tabulate
from surrogates.shapley.indices import Indices

__all__ = ["LEAST", "IndexAnswers", "check_rows", "design_of", "present"]

#: fewest questions: the endpoints and five pairs
LEAST = 2 + 2 * PAIRS
#: said of models that answer differently each time
_NOISY = (
    "The model answers the same question differently each time; the answers for the instance and the reference are "
    "taken as they came, and intervals do not know of their noise."
)


@dataclass(frozen=True)
class IndexAnswers:
    """Answers that indices are estimated from.

    Attributes
    ----------
    Z : ndarray of 0/1 ``(m, d)``
        Which features were present; all of them in the first row, none in the second.
    y : ndarray ``(m, k)``
        The number explained.
    asked : int
        Questions of the design, answered or not.
    exact : bool
        Whether they are all there are, and were answered by a model that repeats itself.
    session : Session
    reply : Reply
    notes : tuple of str
        What to say of them.
    """

    Z: np.ndarray
    y: np.ndarray
    asked: int
    exact: bool
    session: Session
    reply: Reply
    notes: tuple[str, ...]

    @classmethod
    def ask(
        cls, session: Session, first: Design, second: Callable[[Reply], Design] | None = None, paired: bool = False
    ) -> IndexAnswers:
        """Ask a design, then the one that follows from its answers, if any; on Ctrl-C what was answered is used.

        Parameters
        ----------
        session : Session
        first : Design
        second : callable, optional
            Makes the entire design, the first rows included.
        paired : bool, default False
            Whether rows count only together with their complements.

        Raises
        ------
        ModelError
            If too few questions were answered.
        KeyboardInterrupt
            If it was interrupted before enough were; they are in the store.
        """
        region, rows = session.question.probe, session.allowance.rows
        design, notes, stopped = first, list(region.notes), False
        try:
            reply = session.ask(first)
            if second is not None:
                design = second(reply)
                reply = session.ask(design)
        except Interrupted as stop:
            if stop.answers is None:
                raise
            reply, stopped = session.reply(stop.answers), True
            due = len(first) if second is None else rows // 2 * 2
            notes.append(f"Interrupted: it rests on {len(reply.design)} of {due} questions.")
        Z, y = present(session, reply, paired)
        if len(Z) < min(LEAST, len(design)):
            if stopped:
                raise KeyboardInterrupt
            together = " together with their complements" if paired else ""
            said = f"Only {len(Z)} of {len(design)} questions were answered{together}."
            raise ModelError(f"{said} {reply.answers.reason}".rstrip())
        if reply.answers.neighbours:
            notes.append(one_by_one(reply.answers.neighbours))
        if session.noisy:
            notes.append(_NOISY)
        exact = len(Z) == len(design) == corners(len(region.features)) and not session.noisy
        return cls(Z, y, len(design), exact, session, reply, tuple(notes))

    def fields(self, estimate: Indices, source: str, budget: int | None, seed: int) -> dict[str, Any]:
        """Return the fields of a :class:`~surrogates.local.model_indices.ModelIndices` by name."""
        region, reply, question = self.session.question.probe, self.reply, self.session.question
        whom = "no" if not self.exact else "for the model" if region.replication is None else for_these(region.view())
        return {
            "table": tabulate(estimate, region.features, reply.target.outputs, source, whom),
            "values": estimate.values,
            "se": estimate.se,
            "base": self.y[1],
            "features": region.features,
            "outputs": reply.target.outputs,
            "unit": reply.target.unit,
            "exact": self.exact,
            "cost": cost_data(reply.answers.cost),
            "warnings": self.notes,
            "view": dict(region.view()),
            "answer": self.session.answer if question.generative else None,
            "provenance": provenance(region, reply.answers.model, self.asked, budget, seed, reply.answers.cost),
        }


def check_rows(d: int, rows: int) -> None:
    """Check that so many questions about d features are enough.

    Raises
    ------
    InputError
    """
    if rows < LEAST and rows < 2**d:
        raise InputError("budget", f"allow {LEAST} questions, five pairs and the endpoints", counted(rows, "question"))


def design_of(session: Session, Z: np.ndarray) -> Design:
    """Return the questions of rows of 0/1, the endpoints first."""
    region = session.question.probe
    rows = np.where(Z > 0.5, region.instance, region.reference)
    return Design(rows, 2, population=corners(len(region.features)))


def present(session: Session, reply: Reply, paired: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of 0/1 that were answered, and answers; where paired, those whose complements were answered too."""
    on, kept = session.question.probe.instance == reply.design.Z, np.ones(len(reply.design), dtype=bool)
    if paired:
        rows = {row.tobytes() for row in on}
        kept = np.array([(~row).tobytes() in rows for row in on])
    return on[kept].astype(float), reply.y[kept]
