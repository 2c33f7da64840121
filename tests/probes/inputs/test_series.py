"""SeriesProbe: parts of a series, in the user's own form, and what stands in for them."""

from __future__ import annotations

import re
import sys

import numpy as np
import pandas as pd
import pytest

from probes import InputError, MissingExtra, SeriesProbe
from probes.digests import digest_rows
from surrogates import check, explain

# exact: values of the user's series are handed through

RNG = np.random.default_rng(0)
WAVE = RNG.standard_normal(60).cumsum()
WAVES = RNG.standard_normal((3, 60)).cumsum(axis=1)
DAYS = pd.date_range("2024-03-01", periods=60)
QUIET = {"store": None, "progress": False}


def names(probe):
    return [f.name for f in probe.features]


def all_present(probe):
    return probe.render(np.ones((1, len(probe.features))))


#: the same values in every form, and what a batch of them is
FORMS = {
    "array": WAVE,
    "single precision": WAVE.astype(np.float32),
    "list": WAVE.tolist(),
    "channels, time": WAVES,
    "time, channels": WAVES.T.astype(np.float32),
    "one channel": WAVE[None],
    "series": pd.Series(WAVE, DAYS, name="load"),
    "row of a table": pd.Series(WAVE, [f"t{i}" for i in range(60)]),
    "frame": pd.DataFrame(WAVES.T, DAYS, columns=["a", "b", "c"]),
    "nullable": pd.Series(WAVE, DAYS).astype("Float64"),
}


@pytest.mark.parametrize("bands", [None, 3])
@pytest.mark.parametrize("form", FORMS)
def test_with_all_parts_present_the_model_is_asked_the_series_bit_for_bit(form, bands):
    x = FORMS[form]
    probe = SeriesProbe(x, bands=bands)
    asked = all_present(probe)
    if isinstance(x, pd.DataFrame):
        pd.testing.assert_frame_equal(asked[0], x, check_exact=True)
    elif form == "row of a table":
        pd.testing.assert_frame_equal(asked, x.to_frame().T, check_exact=True)
    elif isinstance(x, pd.Series):
        pd.testing.assert_series_equal(asked[0], x, check_exact=True)
    else:
        assert asked.shape == (1, *np.shape(x)) and asked.dtype == np.asarray(x).dtype
        np.testing.assert_array_equal(asked[0], np.asarray(x))


@pytest.mark.parametrize("form", ["series", "frame", "row of a table", "nullable"])
def test_absent_parts_are_replaced_in_the_form_of_the_user(form):
    x = FORMS[form]
    row = np.ones((1, 10))
    row[0, 2] = 0
    asked = SeriesProbe(x).render(row)
    got = asked.iloc[0] if isinstance(asked, pd.DataFrame) else asked[0]
    wanted = x.copy()
    wanted.iloc[12:18] = x.mean()
    same = pd.testing.assert_frame_equal if isinstance(x, pd.DataFrame) else pd.testing.assert_series_equal
    same(got, wanted, check_names=False)


def test_whole_numbers_become_floats():
    assert all_present(SeriesProbe([1, 5, 2, 7], 2)).dtype == float


def test_channels_can_be_features_alone():
    probe = SeriesProbe(WAVES, 1, channels="apart", names=["x", "y", "z"])
    assert names(probe) == ["x", "y", "z"]
    asked = probe.render(np.array([[1, 0, 1]]))[0]
    np.testing.assert_allclose(asked, [WAVES[0], np.full(60, WAVES[1].mean()), WAVES[2]])


def test_stretches_of_single_channels_are_named_by_both():
    probe = SeriesProbe(WAVES, 2, channels="apart", names=["x", "y", "z"], times=10)
    assert names(probe) == [f"{c}, {s}" for c in "xyz" for s in ("0–3 s", "3–6 s")]


@pytest.mark.parametrize(
    ("shape", "more", "time_first"),
    [
        ((5, 40), {}, False),
        ((40, 5), {}, True),
        ((12, 20), {"names": [f"lead {i}" for i in range(12)]}, False),
        ((12, 20), {"names": [f"lead {i}" for i in range(20)]}, True),
        ((12, 20), {"times": np.arange(12)}, True),
        ((12, 20), {"layout": "tc"}, True),
    ],
)
def test_axes_are_told_apart_by_layout_names_times_or_length(shape, more, time_first):
    probe = SeriesProbe(np.random.default_rng(1).standard_normal(shape), 2, **more)
    assert probe.form.time_first == time_first


def test_axes_that_cannot_be_told_apart_are_refused_with_the_shape():
    with pytest.raises(InputError, match=r'layout must be given, "ct" .* ndarray of shape \(12, 20\)'):
        SeriesProbe(np.random.default_rng(1).standard_normal((12, 20)))


@pytest.mark.parametrize(
    ("index", "named"),
    [
        (DAYS, "2024-03-01 … 2024-03-30"),
        (pd.date_range("2024-03-01", periods=60, freq="h"), "2024-03-01 00:00 … 2024-03-02 05:00"),
        (pd.date_range("2024-03-01", periods=60, freq="s", tz="Europe/Rome"), "2024-03-01 00:00:00 … 00:00:29"),
        (pd.period_range("2020-01", periods=60, freq="M"), "2020-01 … 2022-06"),
        (pd.timedelta_range("0s", periods=60, freq="s"), "0–29 s"),
        (np.linspace(-1, 4.9, 60), "−1 … 1.9"),
        (1_700_000_000 + np.arange(60), "1700000000–1700000029"),
        (DAYS.date, "2024-03-01 … 2024-03-30"),
    ],
)
def test_stretches_are_named_by_the_users_own_times(index, named):
    assert names(SeriesProbe(pd.Series(WAVE, index), 2))[0] == named


def test_cut_points_may_be_steps_times_or_seconds():
    days = SeriesProbe(pd.Series(WAVE, DAYS), ["2024-03-11", pd.Timestamp("2024-04-01")])
    assert list(days.edges) == [0, 10, 31, 60]
    assert list(SeriesProbe(WAVE, [0, 7, 60]).edges) == [0, 7, 60]
    assert list(SeriesProbe(WAVE, [0.7, 3.0], times=10).edges) == [0, 7, 30, 60]


def test_equal_stretches_cover_the_series_and_differ_by_a_step_at_most():
    edges = SeriesProbe(WAVE, 7).edges
    assert edges[0] == 0 and edges[-1] == 60 and set(np.diff(edges)) <= {8, 9}


def test_changes_are_found_where_the_series_changes():
    pytest.importorskip("ruptures")
    x = np.repeat(np.arange(10) % 2 * 5.0, [4, 9, 5, 12, 7, 6, 8, 11, 5, 13]) + 0.05 * RNG.standard_normal(80)
    found = SeriesProbe(x, "changes").edges
    np.testing.assert_array_equal(found, [0, *np.cumsum([4, 9, 5, 12, 7, 6, 8, 11, 5, 13])])


def test_changes_of_a_long_series_are_found_in_bins():
    pytest.importorskip("ruptures")
    x = np.repeat(np.arange(10) % 2 * 5.0, 2000) + RNG.standard_normal(20_000)
    assert np.abs(SeriesProbe(x, "changes").edges - np.arange(0, 20_001, 2000)).max() <= 20


def test_three_steps_are_too_few_for_changes():
    pytest.importorskip("ruptures")
    with pytest.raises(InputError, match="x must have at least 4 steps"):
        SeriesProbe([1.0, 1.0, 5.0], "changes")


def test_without_ruptures_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(MissingExtra, match=r"pip install 'iomap\[series\]'"):
        SeriesProbe(WAVE, "changes")


@pytest.mark.parametrize(
    ("x", "options", "said"),
    [
        (3.0, {}, "x must be one series"),
        ("load.csv", {}, "x must be one series"),
        (np.zeros((2, 3, 40)), {}, r"x\[0\] is the first of a batch; got ndarray of shape \(2, 3, 40\)"),
        ([], {}, "x must be one series"),
        ([1.0], {}, "x must have at least two steps"),
        (pd.DataFrame([WAVE]), {}, r"a row of a table of series is X.iloc\[i\]"),
        (["a", "b"], {}, "must hold numbers alone"),
        ([[1.0, 2.0], [1.0]], {}, "all series equally long"),
        (np.array([1.0, np.inf, 2.0]), {}, "x must hold finite numbers"),
        (np.array([np.nan, np.nan]), {}, "x must hold a number in every channel"),
        (np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), {}, "no masked cells"),
        (np.full(20, 3.0), {}, "what stands in for absent parts is what they hold already"),
        (WAVE, {"segments": 61}, "segments must be at most the number of steps, 60"),
        (WAVE, {"segments": 1}, "segments must hold at least two features"),
        (WAVE, {"segments": 0}, "segments must be a positive integer"),
        (WAVE, {"segments": 2.5}, "segments must be a positive integer"),
        (WAVE, {"segments": "equal"}, 'a list of cut points, or "changes"'),
        (WAVE, {"segments": [30, 20]}, "cut points within the series of 60 steps"),
        (WAVE, {"segments": [70]}, "cut points within the series of 60 steps"),
        (pd.Series(WAVE, DAYS), {"segments": ["2020-01-01"]}, "times as those of the series, within it"),
        (pd.Series(WAVE, DAYS), {"segments": ["2030-01-01"]}, "times as those of the series, within it"),
        (pd.Series(WAVE, DAYS), {"segments": [pd.NaT]}, "times as those of the series, within it"),
        (pd.Series(WAVE, pd.MultiIndex.from_product([range(6), range(10)])), {}, "x must have one time for each"),
        (WAVE, {"segments": [1.5]}, "step numbers, or times as those of the series"),
        (pd.Series(WAVE, DAYS), {"segments": ["yesterday week"]}, "step numbers, or times as those"),
        (WAVE, {"channels": "both"}, 'channels must be "together" or "apart"'),
        (WAVE, {"layout": "ct"}, "layout must be left out for a series of one dimension"),
        (WAVES, {"layout": "xy"}, 'layout must be "ct"'),
        (WAVES, {"names": ["a", "b"]}, "names must name each of 3 channels"),
        (WAVES, {"names": ["a", "a", "b"]}, "all differently"),
        (pd.DataFrame(np.c_[WAVE, WAVE], columns=["a", "a"]), {}, "all differently"),
        (WAVE, {"times": [1, 2, 3]}, "times must have one time for each of 60 steps"),
        (WAVE, {"times": 0}, "times must be a positive number"),
        (WAVE, {"times": np.zeros((60, 2))}, "times must be a sampling rate, or one time for each step"),
        (WAVE, {"times": np.array(-1.0)}, "times must be a positive number"),
        (np.array([1e308, 1e308, 1e308, -1e308]), {}, "numbers of which a mean can be taken"),
        (WAVE, {"times": "daily"}, "times must be a sampling rate, or one time for each step"),
        (pd.Series(WAVE, DAYS[::-1]), {}, "x must have times that rise: sort it by its index"),
        (pd.Series(WAVE, [DAYS[0]] * 60), {}, "x must have a time for each step, and none twice"),
        (WAVE, {"fill": "zero"}, "fill must be one of 'mean', 'linear', 'neighbours', 'noise', a number"),
        (WAVE, {"fill": np.nan}, "fill must be a finite number"),
        (WAVE, {"fill": True}, "fill must be one series"),
        (WAVE, {"fill": np.zeros((5, 59))}, r"series of the shape of x, \(60,\)"),
        (WAVE, {"fill": lambda x: x[:10]}, r"series of the shape of x, \(60,\)"),
        (WAVE, {"fill": lambda x: x.nothing}, "be a function of the series .AttributeError"),
        (WAVE, {"background_rows": 5}, "background_rows must come with a background"),
        (WAVE, {"fill": "noise", "background_rows": 0}, "background_rows must be a positive integer"),
        (WAVE, {"random_state": -1}, "random_state must be a non-negative integer"),
        (WAVE, {"bands": 1}, "bands must be an integer of at least 2"),
        (WAVE, {"bands": 1000}, "bands must be at most 5 for 60 steps, so that each band holds a frequency; or give"),
        (WAVE[:4], {"bands": 2}, "bands must be edges, or pairs of them: 4 steps are too few"),
        (WAVE, {"fill": np.full((3, 60), np.nan)}, "fill must hold a number in every channel"),
        (WAVE, {"fill": lambda x: x * np.nan}, "fill must hold a number in every channel"),
        (WAVE, {"bands": [(0.1, 0.2)]}, "bands must hold at least two features"),
        (WAVE, {"bands": [(0.1, 0.3), (0.2, 0.4)]}, "in order and apart from each other"),
        (WAVE, {"bands": [(0.1, 0.2), (0.6, 0.7)]}, "frequencies from 0 to 0.5"),
        (WAVE, {"bands": [(0.101, 0.105), (0.2, 0.3)]}, "be as wide as the step between frequencies, 0.0166667"),
        (WAVE, {"bands": ["low", "high"]}, "bands must be pairs"),
        (WAVE, {"bands": 3, "segments": 4}, "segments must be left out with bands"),
        (WAVE, {"bands": 3, "fill": "neighbours"}, "have no place in time"),
        (np.where(np.arange(60) == 3, np.nan, WAVE), {"bands": 3}, "no missing values with bands"),
        (WAVE, {"bands": 3, "times": np.arange(60) ** 2}, "evenly spaced with bands"),
    ],
)
def test_what_is_no_series_or_no_way_to_take_it_apart_is_refused(x, options, said):
    with pytest.raises(InputError, match=said):
        SeriesProbe(x, **options)


def test_a_straight_line_runs_through_each_absent_stretch():
    asked = SeriesProbe(WAVE, [10, 25], fill="linear").render(np.array([[1, 0, 1]]))[0]
    np.testing.assert_allclose(asked, np.r_[WAVE[:10], np.linspace(WAVE[10], WAVE[24], 15), WAVE[25:]])


def test_neighbours_are_joined_by_lines_in_time():
    times = np.sort(RNG.uniform(0, 9, 60))
    probe = SeriesProbe(WAVE, 6, fill="neighbours", times=times)
    rows = RNG.integers(0, 2, (20, 6))
    rows[:, 3] = 1
    for row, asked in zip(rows, probe.render(rows), strict=True):
        kept = np.repeat(row, 10) > 0
        np.testing.assert_allclose(asked, np.where(kept, WAVE, np.interp(times, times[kept], WAVE[kept])))


def test_where_nothing_is_kept_neighbours_are_the_mean():
    asked = SeriesProbe(WAVE, fill="neighbours").render(np.zeros((1, 10)))[0]
    np.testing.assert_allclose(asked, WAVE.mean())


def test_noise_has_the_mean_and_deviation_of_the_channel_and_says_how_many_draws():
    probe = SeriesProbe(WAVE, fill="noise", background_rows=200, random_state=3)
    gone = probe.render(np.zeros((1, 10)))
    assert gone.shape == (200, 60) and "200 draws of noise" in probe.notes[0]
    assert abs(gone.mean() - WAVE.mean()) < 0.1 and abs(gone.std() / WAVE.std() - 1) < 0.05
    again = SeriesProbe(WAVE, fill="noise", background_rows=200, random_state=3)
    assert digest_rows(again.render(np.zeros((1, 10)))) == digest_rows(gone) and again.digest == probe.digest


def test_a_function_makes_the_series_that_values_are_taken_from():
    x = pd.Series(WAVE, DAYS)
    probe = SeriesProbe(x, 3, fill=lambda s: s.rolling(5, min_periods=1).mean())
    asked = probe.render(np.array([[1, 0, 1]]))[0]
    np.testing.assert_allclose(asked[20:40], x.rolling(5, min_periods=1).mean()[20:40])


def test_other_series_stand_in_and_intervals_cover_which():
    others = RNG.standard_normal((80, 60)) + np.linspace(-3, 3, 80)[:, None]
    probe = SeriesProbe(WAVE, 6, fill=others, background_rows=12)
    assert probe.replicates == 12 and probe.replication.population == 80
    np.testing.assert_allclose(probe.render(np.zeros((1, 6))), others[probe.chosen])
    ex = explain(lambda batch: batch[:, :10].sum(axis=1) / 20, probe, budget=64 * 12, **QUIET)
    row = ex.attributions.loc[0]
    exact = (WAVE[:10].sum() - others[:, :10].sum(axis=1).mean()) / 20
    assert row["feature"] == "steps 0–9" and row["low"] < exact < row["high"]
    assert ex.background is not None and any("12 of 80" in note for note in ex.warnings)


def test_a_band_that_is_taken_out_is_gone_and_all_else_stays():
    t = np.arange(200) / 100
    slow, fast = np.sin(2 * np.pi * 2 * t), 0.5 * np.cos(2 * np.pi * 20 * t)
    probe = SeriesProbe(3 + slow + fast, bands=[(1, 5), (10, 30)], times=100)
    assert names(probe) == ["1–5 Hz", "10–30 Hz"]
    asked = probe.render(np.array([[0, 1], [1, 0], [0, 0]]))
    np.testing.assert_allclose(asked, [3 + fast, 3 + slow, np.full(200, 3.0)], atol=1e-12)


def test_bands_may_be_rising_edges_and_of_single_channels():
    probe = SeriesProbe(WAVES, bands=[0, 0.1, 0.5], channels="apart", names=["x", "y", "z"])
    assert names(probe)[:2] == ["x, 0–0.1 cycles a step", "x, 0.1–0.5 cycles a step"]
    asked = probe.render(np.array([[0, 0, 1, 1, 1, 1]]))[0]
    np.testing.assert_allclose(asked[0], WAVES[0].mean())
    np.testing.assert_array_equal(asked[1:], WAVES[1:])


def test_monthly_times_are_even():
    x = pd.Series(WAVE, pd.date_range("2020-01-01", periods=60, freq="MS"))
    assert len(SeriesProbe(x, bands=3).features) == 3


def test_missing_values_stay_where_present_and_are_said():
    x = np.where(np.arange(60) % 9 == 0, np.nan, WAVE)
    probe = SeriesProbe(x, 3)
    asked = probe.render(np.array([[1, 1, 1], [0, 1, 1]]))
    np.testing.assert_array_equal(asked[0], x)
    assert np.isfinite(asked[1, :20]).all() and np.isnan(asked[1, 27])
    assert "7 of 60 values are missing" in probe.notes[0]


def test_a_constant_channel_is_said_to_have_no_effect():
    probe = SeriesProbe(np.stack([WAVE, np.ones(60)]), 1, channels="apart", names=["load", "flag"])
    assert probe.notes == ("flag: what stands in holds the same values, so the effect is zero by design.",)


@pytest.mark.parametrize("fill", ["mean", "linear", "neighbours", "noise", 0.0])
@pytest.mark.parametrize("shape", ["flat", "channels"])
def test_a_row_is_rendered_alike_whatever_stands_beside_it(fill, shape):
    probe = SeriesProbe(WAVE if shape == "flat" else WAVES, 4, fill=fill)
    rows = RNG.integers(0, 2, (9, 4))
    alone = [digest_rows(probe.render(row[None])) for row in rows]
    assert [d for part in alone for d in part] == digest_rows(probe.render(rows))


def test_scatter_keeps_sums_in_the_shape_of_the_series():
    probe = SeriesProbe(WAVES.T, 7, channels="apart")
    values = RNG.standard_normal((2, 21))
    back = probe.scatter(values)
    assert back.shape == (2, 60, 3)
    np.testing.assert_allclose(back.sum(axis=(1, 2)), values.sum(axis=1))
    np.testing.assert_allclose(back[0, : probe.edges[1], 1].sum(), values[0, 7])


def test_scatter_shares_a_band_among_all_steps():
    back = SeriesProbe(WAVE, bands=3).scatter([6.0, 0.0, 0.0])
    np.testing.assert_allclose(back, np.full(60, 0.1))


@pytest.mark.parametrize(
    "other",
    [
        SeriesProbe(WAVE + 1e-12),
        SeriesProbe(WAVE, 9),
        SeriesProbe(WAVE, fill="linear"),
        SeriesProbe(WAVE, fill=0.0),
        SeriesProbe(WAVE, times=10),
        SeriesProbe(WAVE.astype(np.float32)),
        SeriesProbe(pd.Series(WAVE)),
        SeriesProbe(WAVE[None]),
    ],
)
def test_probes_that_ask_other_questions_have_other_digests(other):
    assert other.digest != SeriesProbe(WAVE).digest


def test_a_series_by_its_index_is_another_input_than_at_other_times():
    now, later = pd.Series(WAVE, DAYS), pd.Series(WAVE, DAYS + pd.Timedelta("1D"))
    assert len(set(digest_rows([now, later, now.rename("other"), now.to_frame()]))) == 4
    assert digest_rows([now]) == digest_rows([now.copy()])


def test_other_ways_to_take_parts_away_are_compared():
    x = np.r_[np.zeros(30), 2 * np.sin(np.arange(30))]
    probe = SeriesProbe(x, 8)
    assert set(probe.variants()) == {
        "interpolated between what is kept",
        "replaced by noise with the channel's mean and standard deviation",
    }
    loud = lambda batch: np.abs(batch[:, 30:]).mean(axis=1)  # noqa: E731
    ex = check(explain(loud, probe, budget=120, **QUIET), loud, probe, ("removal",), **QUIET)
    assert ex.checks[0].passed is not None and "replaced by noise" in ex.checks[0].sentence


def test_of_a_background_other_series_are_another_way():
    probe = SeriesProbe(WAVE, fill=RNG.standard_normal((50, 60)))
    other = probe.variants()["other background series"]
    assert not set(other.chosen) & set(probe.chosen)
    assert other.digest != probe.digest and probe.typical().shape == (50, 60)


def test_the_background_of_a_row_is_a_table_taken_by_name():
    table = pd.DataFrame(RNG.standard_normal((30, 8)), columns=[f"t{i}" for i in range(8)])
    probe = SeriesProbe(table.iloc[3], 4, fill=table[table.columns[::-1]], background_rows=30)
    np.testing.assert_allclose(probe.render(np.zeros((1, 4))).to_numpy(), table.to_numpy())


@pytest.mark.parametrize("points", [2, 3, 5, 9])
def test_a_short_series_has_a_stretch_a_step(points):
    assert len(SeriesProbe(WAVE[:points]).features) == points


@pytest.mark.parametrize("length", [5, 8, 9, 60, 128, 129, 130])
def test_as_many_bands_are_taken_as_each_hold_a_frequency(length):
    x = np.random.default_rng(0).standard_normal(length)

    def taken(count):
        try:
            return len(SeriesProbe(x, bands=count).features)
        except InputError as error:
            return int(re.search(r"at most (\d+) for", str(error))[1])

    counts = [taken(count) for count in range(2, 12)]
    assert counts == [min(count, counts[-1]) for count in range(2, 12)]
