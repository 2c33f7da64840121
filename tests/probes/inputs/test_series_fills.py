import numpy as np
import pandas as pd
import pytest

from probes import InputError, SeriesProbe
from surrogates import explain

WAVE = np.sin(np.arange(60) / 3) + np.arange(60) / 30


@pytest.mark.parametrize("split", [{"segments": 3}, {"bands": 3}], ids=str)
def test_intervals_of_effects_cover_which_noise_was_drawn(split):
    def model(series):
        return series[:, 40:].mean(axis=1)

    true = explain(model, SeriesProbe(WAVE, **split, fill="noise", background_rows=1000), store=None).attributions
    true = true.set_index("feature")["attribution"]
    feature = true.abs().idxmax()
    held = 0
    for seed in range(20):
        found = explain(model, SeriesProbe(WAVE, **split, fill="noise", random_state=seed), store=None).attributions
        row = found.set_index("feature").loc[feature]
        held += row["low"] <= true[feature] <= row["high"]
    assert held >= 16


def test_one_draw_of_noise_is_said_to_leave_its_choice_out_of_intervals():
    probe = SeriesProbe(WAVE, fill="noise", background_rows=1)
    assert probe.replication is None and "intervals leave out that choice" in probe.notes[0]


def test_a_fill_with_other_columns_is_refused():
    x = pd.DataFrame({"heart": WAVE, "breath": -WAVE})
    with pytest.raises(InputError, match=r"fill must have the columns of x.*got.*'pulse'"):
        SeriesProbe(x, 3, fill=[x.rename(columns={"heart": "pulse"}) + 1])


@pytest.mark.parametrize(
    "index",
    [
        [0.0, 1.0, 4.0, 5.0],
        pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-06"]),
        pd.PeriodIndex(["2024-01", "2024-02", "2024-05", "2024-06"], freq="M"),
    ],
    ids=["number", "date", "month"],
)
def test_lines_are_straight_in_time_where_steps_are_not_even(index):
    series = pd.Series([0.0, 7.0, 9.0, 5.0], index)
    (between,) = SeriesProbe(series, [1, 3], fill="neighbours").render(np.array([[1, 0, 1]]))
    (through,) = SeriesProbe(series, [3], fill="linear").render(np.array([[0, 1]]))
    assert np.allclose(between, [0, 1, 4, 5])
    assert np.allclose(through, [0, 2.25, 9, 5])


def test_months_that_are_left_out_are_seen_by_bands():
    months = pd.PeriodIndex(
        ["2024-01", "2024-02", "2024-05", *pd.period_range("2024-06", periods=9, freq="M")], freq="M"
    )
    with pytest.raises(InputError, match="times must be evenly spaced"):
        SeriesProbe(pd.Series(WAVE[:12], months), bands=2)
