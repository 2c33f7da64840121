"""The CaseDifference: what changed from one model to another over the cases of a template probe, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from probes.rounding import between, in_unit, rounded, signed
from surrogates.difference.arms import BESIDE, NUMBERS
from surrogates.results.plain import MAY_LACK, Columns, Damaged, Json
from surrogates.results.result import SavedResult
from surrogates.statements.entry import Entry

__all__ = ["CaseDifference"]

#: level of the tests
ALPHA = 0.05


def _no_controls() -> pd.DataFrame:
    return pd.DataFrame(columns=["claim", *BESIDE.split()])


@dataclass(frozen=True)
class CaseDifference(SavedResult):
    """Two models asked the same cases, statements about what changed, and what it is to be compared with.

    Attributes
    ----------
    entry : Entry
        Statements about the change, as on a behaviour card: the first is about its mean over all cases, yours are
        tested on all cases, found ones on entities that nothing was chosen by; p-values are adjusted for all of them.
        It predicts the change of single cases.
    arms : DataFrame
        One row an arm, of means in which every entity has the same weight: ``arm, unit, cases, entities, before, after,
        change, low, high, p, right_before, right_after, to_right, to_wrong, net, net_low, net_high, kl, draws``. The
        second model comes first; then its random controls, models of your own, probes that the change is not about, and
        unrelated text. ``p`` is of a sign-flip test by entity; for random controls, of which there are ``draws``,
        interval and p are over entities and draws. ``to_right`` and ``to_wrong`` are the shares of cases
        whose answer became right and wrong, ``net`` their difference; ``kl`` is KL(M‖M′) over the listed answers (of
        all tokens for unrelated text), in nats.
    cases : DataFrame
        One row a case: ``case_id, entity, template``, its factors, ``part``, ``prompt, target``, what both answered
        (``said_before``, ``said_after``), whether that is right (1, 0, or NaN where no wrong answer could be given) and
        their numbers ``before, after, change``. The part of cases that neither found nor tested statements is ``rest``.
    surrogates : DataFrame
        ``surrogate, terms, r2, permuted``: how well surrogates of the change over the factors predict held-out
        entities, against a constant and against the same fitted to shuffled changes.
    leaves : DataFrame
        ``rule, change, low, high, entities, share``: a tree of at most four leaves, grown on the cases of the
        discovery; its changes are those of the held-out cases.
    margin : float
        Mean change, in the unit of the metric, up to which the two are called equivalent; NaN where nobody knows.
    p_equivalent : float
        Of the two one-sided tests that the mean change is within the margin.
    names, models : (str, str)
        What the two are called, and their identities.
    frozen : str
        SHA-256 of the statements before a test case was asked.
    notes : tuple of str
    controls : DataFrame
        One row a statement, if there are random controls: ``claim, control, control_low, control_high, spread, beyond,
        beyond_low, beyond_high, p_beyond``. The effect that an average control has on the same cases, with a 95%
        interval over entities and draws, and the standard deviation of the effects of single ones (``spread``); what
        the statement's effect is less that (``beyond``), with an interval that covers what one more control may do, and
        the p-value of that there is nothing beyond, adjusted for all statements (Holm).
    settings : dict
        What :func:`~surrogates.compare_cases` was given, of what can be written; empty in files of earlier versions.
    """

    kind: ClassVar[str] = "case difference"
    named: ClassVar[str] = "a difference over cases"

    entry: Entry
    arms: Annotated[pd.DataFrame, Columns("arm unit", NUMBERS)]
    cases: Annotated[
        pd.DataFrame,
        Columns(
            "case_id entity template part prompt target said_before said_after",
            "before after change right_before right_after",
        ),
    ]
    surrogates: Annotated[pd.DataFrame, Columns("surrogate", "terms r2 permuted")]
    leaves: Annotated[pd.DataFrame, Columns("rule", "change low high entities share")]
    margin: float
    p_equivalent: float
    names: tuple[str, str] = ("before", "after")
    models: tuple[str, str] = ("", "")
    frozen: str = ""
    notes: tuple[str, ...] = ()
    controls: Annotated[pd.DataFrame, Columns("claim", BESIDE)] = field(default_factory=_no_controls)
    settings: Json = field(default_factory=dict, metadata=MAY_LACK, repr=False)

    @property
    def statements(self) -> pd.DataFrame:
        """One row a statement: ``words, verdict, effect, low, high, entities, coverage, precision, p, reason``.

        Where there are random controls, with the columns of ``controls``.
        """
        names = ["words", "verdict", "effect", "low", "high", "entities", "coverage", "precision", "p", "reason"]
        table = pd.DataFrame([{n: s[n] for n in names} for s in self.entry.statements], columns=names)  # type: ignore[literal-required]
        return table.join(self.controls.drop(columns="claim")) if len(self.controls) else table

    @property
    def equivalent(self) -> bool:
        """Whether the mean change is within the margin, at 95%."""
        return bool(self.p_equivalent < ALPHA)

    @property
    def flips(self) -> pd.DataFrame:
        """Cases whose answer became right or wrong: rows of ``cases``, the largest changes first."""
        right = self.cases[["right_before", "right_after"]].to_numpy(dtype=float)
        moved = self.cases[np.isfinite(right).all(axis=1) & (right[:, 0] != right[:, 1])]
        return moved.sort_values("change", key=np.abs, ascending=False, ignore_index=True)

    @property
    def verdict(self) -> str:
        """What may be said of the mean over all cases, in one sentence."""
        first, unit = self.arms.iloc[0], self.entry.unit
        size = f"{in_unit(signed(first['change']), unit)} {between(first['low'], first['high'])}"
        metric = self.entry.metric.removeprefix("change of ").replace("_", " ")
        mean = self.entry.statements[0]
        if mean["verdict"] == "supported":
            small = f", within ±{in_unit(rounded(self.margin), unit)} of no change" if self.equivalent else ""
            return f"On average {metric} changed by {size}{small}{self._beyond()}."
        if self.equivalent:
            return f"On average {metric} is the same within ±{in_unit(rounded(self.margin), unit)}: {size}."
        reason = f" ({mean['reason']})" if mean["reason"] else ""
        return f"Whether {metric} changed on average is open: {size}{reason}."

    def _beyond(self) -> str:
        """Say of the mean change whether a random control may change as much; empty where there are none."""
        if not len(self.controls):
            return ""
        row, count = self.controls.iloc[0], int(self.arms["draws"].max())
        told = f"{signed(row['control'])} {between(row['control_low'], row['control_high'])}"
        if count == 1:
            return f"; a random control of its size changed it by {told}"
        if row["p_beyond"] < ALPHA and row["beyond"] * self.arms.iloc[0]["change"] > 0:
            return f", beyond what random controls of its size do ({count} drawn, on average {told})"
        return f"; a random control of its size may do as much ({count} drawn, on average {told})"

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        if not len(self.arms):
            raise Damaged("arms", "have a row", 0)
        if not self.entry.statements:
            raise Damaged("entry.statements", "hold the mean change", 0)
        if len(self.controls) not in (0, len(self.entry.statements)):
            raise Damaged("controls", "have a row for every statement", len(self.controls))
        numbers = self.cases[["before", "after", "change"]].to_numpy(dtype=float)
        largest = np.abs(numbers).max() if numbers.size else 0.0
        if not (np.abs(numbers[:, 1] - numbers[:, 0] - numbers[:, 2]) <= 1e-9 * largest).all():
            raise Damaged("cases.change", "be what before and after differ by", "other numbers")
