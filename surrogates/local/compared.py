"""Two explanations of one input compared: the sizes of their effects, and which turned or changed beyond doubt."""

from __future__ import annotations

import numpy as np

from surrogates.judging.analysis import Analysis

__all__ = ["resized_features", "size_of", "turned_features"]


def size_of(one: Analysis, other: Analysis) -> float:
    """How many times the effects of one explanation those of another are, by least squares."""
    a, b = (x.attributions.set_index(["output", "feature"])["attribution"] for x in (one, other))
    return float((a * b.loc[a.index]).sum() / (a**2).sum()) if (a**2).sum() > 0 else 1.0


def resized_features(one: Analysis, other: Analysis) -> list[str]:
    """Features whose effects, not small in both, differ by a quarter and more than the intervals of both allow.

    Only where both intervals cover the choice of background rows: another reference is another question.
    """
    if one.background is None or other.background is None:
        return []
    merged = one.attributions.merge(other.attributions, on=["output", "feature"], suffixes=("", "_other"))
    a, b = merged["attribution"], merged["attribution_other"]
    apart = (merged["low"] > merged["high_other"]) | (merged["high"] < merged["low_other"])
    large = np.maximum(a.abs(), b.abs()) >= 0.2 * a.abs().max()
    return merged.loc[apart & large & ((a - b).abs() > 0.25 * np.maximum(a.abs(), b.abs())), "feature"].tolist()


def turned_features(one: Analysis, other: Analysis) -> list[str]:
    """Features whose effects are clear and not small in both, with opposite signs."""
    merged = one.attributions.merge(other.attributions, on=["output", "feature"], suffixes=("", "_other"))
    clear = np.ones(len(merged), dtype=bool)
    for end in ("", "_other"):
        size = merged[f"attribution{end}"].abs()
        clear &= ((merged[f"low{end}"] > 0) | (merged[f"high{end}"] < 0)) & (size >= 0.1 * size.max())
    return merged.loc[clear & (merged["attribution"] * merged["attribution_other"] < 0), "feature"].tolist()
