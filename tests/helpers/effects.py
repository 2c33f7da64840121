"""What an explanation says, as a dictionary."""

from __future__ import annotations

from surrogates import Explanation


def effects(ex: Explanation, output: str | None = None) -> dict[str, float]:
    """Return the attribution of each feature; of one output if there are several."""
    table = ex.attributions if output is None else ex.attributions[ex.attributions["output"] == output]
    return dict(zip(table["feature"], table["attribution"], strict=True))
