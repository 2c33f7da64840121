"""A table with a column of every type that a background may have, some with missing values."""

from __future__ import annotations

import numpy as np
import pandas as pd

ROWS = 30


def mixed_frame():
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS), unit="D")
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, ROWS),
            "weight": rng.normal(70, 9, ROWS).astype(np.float32),
            "children": rng.integers(0, 5, ROWS),
            "small": rng.integers(0, 9, ROWS).astype(np.uint8),
            "smoker": rng.random(ROWS) < 0.5,
            "city": rng.choice(["Bonn", "Rome", "Oslo"], ROWS),
            "grade": pd.Categorical(rng.choice(["low", "mid", "high"], ROWS), ["low", "mid", "high"], ordered=True),
            "visits": pd.array([None if i % 7 == 0 else i for i in range(ROWS)], dtype="Int64"),
            "score": pd.array([None if i % 5 == 0 else i / 2 for i in range(ROWS)], dtype="Float64"),
            "insured": pd.array([None if i % 6 == 0 else i % 2 == 0 for i in range(ROWS)], dtype="boolean"),
            "day": days,
            "instant": days.tz_localize("Europe/Rome"),
            "length": pd.to_timedelta(np.arange(ROWS), unit="h"),
        }
    )


def instance_and_background():
    frame = mixed_frame()
    return frame.iloc[0], frame.iloc[1:].reset_index(drop=True)


def cells(frame):
    """Comparable values of a frame; every missing value is None."""
    return [[None if pd.isna(v) else v for v in row] for row in frame.astype(object).to_numpy()]
