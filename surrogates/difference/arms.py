"""Arms of a comparison: how far cases moved from one model to another, and to models that it is to be compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask import ask
from probes.asking.cost import Cost
from probes.cases.case import Case
from probes.cases.measure import answerer
from probes.cases.measured import Measured
from probes.cases.metrics import kl
from probes.cases.paired_measures import changes, divergence
from probes.cases.questions import Questions
from probes.model import Generator
from probes.store.store import Store
from surrogates.statements.entity_effects import Effect
from surrogates.statements.statement import Statement

__all__ = ["BESIDE", "NUMBERS", "UNRELATED", "arm", "is_right", "sign_flip", "table_of", "unrelated_text"]

#: columns of numbers of the table of arms
NUMBERS = (
    "cases entities before after change low high p right_before right_after to_right to_wrong net net_low net_high kl "
    "draws"
)
#: columns of numbers of the table of what controls do where statements say something
BESIDE = "control control_low control_high spread beyond beyond_low beyond_high p_beyond"
#: plain texts that no probe is about
UNRELATED = (
    "The bakery on the corner opens at six, and by seven the first loaves are gone.",
    "Water boils at a lower temperature on a mountain because the air presses on it less.",
    "She put the letter in a drawer and did not think of it again until the spring.",
    "To change a tyre, loosen the nuts before you lift the car, and tighten them crosswise at the end.",
    "The committee will meet on the second Tuesday of each month, in the room next to the library.",
    "Most of the rain in this valley falls between November and March.",
    "A list keeps its items in order; a set does not, and holds each of them once.",
    "When the music stopped, everybody looked for a chair.",
    "The old bridge was built of granite from a quarry some ten miles up the river.",
    "Prices rose by a third that year, while wages hardly moved.",
    "He counted the coins twice, wrote the sum on a piece of paper and locked the box.",
    "Bees find their way back by the position of the sun, even under a cloudy sky.",
)
#: entities up to which all patterns of signs are tried, and random ones beyond
_EXACT, _PATTERNS = 12, 9999


def sign_flip(values: np.ndarray, random_state: int = 0) -> float:
    """Compute the two-sided p-value of "the mean is 0" for n entities, by flipping their signs.

    Notes
    -----
    All 2ⁿ patterns of signs for up to 12 entities, 9,999 random ones beyond, the observed one counted (Phipson and
    Smyth 2010).

    Examples
    --------
    >>> sign_flip(np.array([1.0, 2.0, 3.0, 4.0, 5.0])), sign_flip(np.array([1.0, -1.0]))
    (0.0625, 1.0)
    """
    n = len(values)
    if n <= _EXACT:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    else:
        drawn = np.random.default_rng([random_state, 11]).integers(2, size=(_PATTERNS, n))
        signs = np.vstack([np.ones(n), 1.0 - 2.0 * drawn])
    sums, least = np.abs(signs @ values), abs(values.sum())
    return float(np.mean(sums >= least - 1e-9 * np.abs(values).sum()))


def is_right(measured: Measured, cases: Sequence[Case]) -> np.ndarray | None:
    """Say whether each answer is one of the right ones, ``(n,)``; None where no wrong one could have been given."""
    if measured.metric.name == "output":
        return None
    if measured.metric.name == "exact_match":
        return measured.frame["value"].to_numpy(dtype=float) > 0.5
    if not any(c.foils for c in cases):
        return None
    right = {c.case_id: {c.target, *c.also} for c in cases}
    pairs = zip(measured.frame["case_id"], measured.frame["answer"], strict=True)
    return np.array([answer in right[case_id] for case_id, answer in pairs])


def arm(name: str, base: Measured, other: Measured, cases: Sequence[Case], random_state: int = 0) -> dict[str, Any]:
    """Summarise how the cases moved from one model to another: a row of the table of arms."""
    frame = changes(base, other).frame
    entity = frame["entity"].to_numpy()
    row = _moved(name, base.metric.unit, frame, random_state)
    ids = set(frame["case_id"])
    sides = [m.frame[m.frame["case_id"].isin(ids)].reset_index(drop=True) for m in (base, other)]
    for side, part in zip(("before", "after"), sides, strict=True):
        row[side] = _mean(part["value"].to_numpy(dtype=float), entity)
    right = [is_right(Measured(part, m.metric, m.model), cases) for part, m in zip(sides, (base, other), strict=True)]
    if right[0] is not None and right[1] is not None:
        before, after = right[0].astype(float), right[1].astype(float)
        row |= _flips(before, after, entity)
    if base.scores and other.scores and base.frame["case_id"].tolist() == other.frame["case_id"].tolist():
        row["kl"] = _mean(divergence(base, other).frame["value"].to_numpy(dtype=float), entity)
    return row


def _moved(name: str, unit: str, frame: pd.DataFrame, random_state: int = 0) -> dict[str, Any]:
    """Summarise changes of cases: a row with their mean, its interval and p-value, all else unknown.

    `frame` has the columns ``value, entity, shares`` of :func:`~probes.cases.paired_measures.changes`.
    """
    y = frame["value"].to_numpy(dtype=float)
    mean, (low, high) = _mean_change(frame)
    by_entity = frame.groupby("entity", sort=True)["value"].mean().to_numpy(dtype=float)
    return {
        **dict.fromkeys(NUMBERS.split(), np.nan),
        "arm": name,
        "unit": unit,
        "cases": len(y),
        "entities": len(by_entity),
        "change": float(mean.value if mean else y.mean()),
        "low": low,
        "high": high,
        "p": sign_flip(by_entity, random_state),
    }


def _flips(before: np.ndarray, after: np.ndarray, entity: np.ndarray) -> dict[str, float]:
    """Count answers that became right and wrong, and their net with its interval over entities, as shares of cases."""
    _, (low, high) = _mean_change(pd.DataFrame({"value": after - before, "entity": entity, "shares": True}))
    return {
        "right_before": _mean(before, entity),
        "right_after": _mean(after, entity),
        "to_right": _mean((after > 0) & (before == 0), entity),
        "to_wrong": _mean((before > 0) & (after == 0), entity),
        "net": _mean(after - before, entity),
        "net_low": low,
        "net_high": high,
    }


def _mean_change(frame: pd.DataFrame) -> tuple[Effect | None, tuple[float, float]]:
    """Estimate the mean change as a statement does, with its interval, cut to what a change of shares can be."""
    mean = Statement.level(reference=0.0).estimate(frame)
    low, high = mean.interval() if mean else (np.nan, np.nan)
    return mean, (max(low, -1.0), min(high, 1.0)) if frame["shares"].all() else (low, high)


def _mean(values: np.ndarray, entity: np.ndarray) -> float:
    """Average over cases such that every entity has the same weight, as in all effects."""
    return float(pd.Series(values.astype(float)).groupby(entity).mean().mean())


def unrelated_text(
    before: Any, after: Any, texts: Sequence[str], store: Store, progress: bool | None
) -> tuple[dict[str, Any], Cost] | None:
    """Measure what the change does to text that it is not about, in nats per token; None where models cannot tell.

    With what that cost. The change of the texts' log-probability, and where both models give the probabilities of all
    tokens, KL(M‖M′).
    """
    scorers = [answerer(m) for m in (before, after)]
    if not texts or any(isinstance(s, Generator) or not getattr(s, "prompt_free", False) for s in scorers):
        return None
    questions = Questions([("", text) for text in texts])
    per_token, spent = [], Cost()
    for scorer in scorers:
        assert not isinstance(scorer, Generator)
        answers = ask(scorer, questions, questions.design, store, progress)
        per_token.append(answers.y[:, 0] / answers.y[:, 1])
        spent += answers.cost
    entities = [str(i) for i in range(len(texts))]
    moved = pd.DataFrame({"value": per_token[1] - per_token[0], "entity": entities, "shares": False})
    row = _moved("unrelated text", "nats per token", moved)
    row |= {"before": float(per_token[0].mean()), "after": float(per_token[1].mean())}
    tells: list[Callable[[str], np.ndarray] | None] = [getattr(m, "next_tokens", None) for m in (before, after)]
    if tells[0] is not None and tells[1] is not None:
        each = [(tells[0](text), tells[1](text)) for text in texts]
        if all(p.shape == q.shape for p, q in each):
            row["kl"] = float(np.mean([kl(p, q).mean() for p, q in each]))
    return row, spent


def table_of(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Make the table of arms."""
    return pd.DataFrame(rows, columns=["arm", "unit", *NUMBERS.split()])
