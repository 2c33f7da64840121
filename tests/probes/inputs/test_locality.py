"""LocalGaussian: numbers vary around the instance."""

import numpy as np
import pandas as pd
import pytest

from probes import Background, InputError, LocalGaussian, TabularProbe, sample
from surrogates import explain
from tests.helpers.mixed_table import instance_and_background

# exact: values of the user's table are handed through


def test_local_gaussian_varies_numbers_and_replaces_the_rest():
    row, background = instance_and_background()
    probe = TabularProbe(row, background, law=LocalGaussian(0.5, replicates=3))
    by_name = {f.name: f for f in probe.features}
    real = {name for name, f in by_name.items() if f.kind == "real"}
    assert {"age", "weight", "children", "small"} <= real
    assert not real & {"smoker", "city", "grade", "insured", "day", "instant", "length", "visits", "score"}
    assert by_name["age"].loc == row["age"]
    assert by_name["age"].scale == pytest.approx(0.5 * background["age"].std())
    design = sample(probe.features, 400, np.random.default_rng(0))
    frame = probe.render(design.Z)
    assert len(frame) == 3 * len(design)
    j = [f.name for f in probe.features].index("age")
    np.testing.assert_array_equal(frame["age"].to_numpy().reshape(-1, 3), np.repeat(design.Z[:, [j]], 3, axis=1))
    assert design.sampled[:, j].mean() == pytest.approx(row["age"], abs=5 * by_name["age"].scale / np.sqrt(350))
    assert design.sampled[:, j].std() == pytest.approx(by_name["age"].scale, rel=0.2)
    for name in background.columns:
        if name not in real:
            assert frame[name].dtype == background[name].dtype


def test_local_gaussian_with_numbers_only_needs_one_input_a_row():
    background = pd.DataFrame({"a": [1.0, 2.0, 3.0], "n": [1, 5, 9], "k": pd.array([1, None, 2], dtype="Int64")})
    probe = TabularProbe({"a": 2.0, "n": 5, "k": 1}, background, law=LocalGaussian(1.0))
    assert probe.replicates == 1
    assert [f.kind for f in probe.features] == ["real"] * 3
    frame = probe.render(np.array([[2.25, 4.5, 1.0]]))
    assert frame.to_numpy().tolist() == [[2.25, 4, 1]]  # whole numbers stay on their support
    np.testing.assert_array_equal(probe.instance, [2.0, 5.0, 1.0])
    assert (probe.reference < probe.instance).all()


def test_local_gaussian_keeps_constant_and_missing_columns_binary():
    background = pd.DataFrame({"a": [1.0, 2.0], "same": [3.0, 3.0], "gone": [1.0, 2.0]})
    probe = TabularProbe({"a": 1.0, "same": 3.0, "gone": np.nan}, background, law=LocalGaussian(1.0))
    assert [f.kind for f in probe.features] == ["real", "binary", "binary"]
    assert any("same" in note for note in probe.notes)


def test_width_is_part_of_the_question():
    row, background = instance_and_background()
    digests = {
        TabularProbe(row, background, law=law).digest for law in (Background(), LocalGaussian(1.0), LocalGaussian(0.5))
    }
    assert len(digests) == 3
    assert "0.5" in TabularProbe(row, background, law=LocalGaussian(0.5)).view()["law"]


@pytest.mark.parametrize("width", [0, -1.0, np.nan, np.inf, "wide", None])
def test_bad_width(width):
    with pytest.raises(InputError, match="width must be a positive number"):
        LocalGaussian(width)


@pytest.mark.parametrize("replicates", [0, -2, 2.5, "ten", None])
def test_bad_replicates(replicates):
    with pytest.raises(InputError, match="replicates must be a positive integer"):
        Background(replicates)
    with pytest.raises(InputError, match="replicates must be a positive integer"):
        LocalGaussian(1.0, replicates)


def test_groups_with_local_gaussian_are_refused():
    background = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [3.0, 4.0]})
    with pytest.raises(InputError, match="groups must be left out with LocalGaussian"):
        TabularProbe(background.iloc[0], background, law=LocalGaussian(1.0), groups={"g": ["a", "b"]})


def test_whole_numbers_and_flags_stay_on_their_support():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"rooms": rng.integers(1, 6, 50), "flag": np.arange(50.0) % 2, "area": rng.normal(size=50)})
    probe = TabularProbe({"rooms": 5, "flag": 1.0, "area": 0.0}, frame, law=LocalGaussian(1.0))
    assert [f.kind for f in probe.features] == ["real", "binary", "real"]
    asked = probe.render(sample(probe.features, 100, np.random.default_rng(1)).Z)
    assert set(asked["rooms"]) == {1, 2, 3, 4, 5} and asked["rooms"].dtype == frame["rooms"].dtype
    assert set(asked["flag"]) == {0.0, 1.0} and asked["area"].nunique() > 50
    assert any("rooms: drawn as whole numbers" in note for note in probe.notes)
    assert any("flag: 0 or 1" in note for note in probe.notes)
    array = TabularProbe(np.array([5, 1]), rng.integers(1, 6, (50, 2)), law=LocalGaussian(1.0))
    assert not (array.render(sample(array.features, 40, np.random.default_rng(1)).Z) % 1).any()


def test_whole_numbers_that_are_floats_stay_whole_and_within_their_range():
    rng = np.random.default_rng(0)
    numbers = {"a": rng.normal(size=200), "k": rng.integers(0, 20, 200) * 1.0, "s": rng.choice([-1.0, 1.0], 200)}
    rows = pd.DataFrame(numbers)
    rows.loc[:9, "k"] = np.nan
    for background in (rows, rows.to_numpy()):
        seen = []

        def model(table, seen=seen):
            values = np.asarray(table, dtype=float)
            seen.append(values)
            return values[:, 0] + np.nan_to_num(values[:, 1])

        row = background.iloc[50] if background is rows else background[50]
        explain(model, row, background=background, law=LocalGaussian(0.5), budget=60, store=None)
        asked = np.concatenate(seen)
        k = asked[:, 1][np.isfinite(asked[:, 1])]
        assert (k % 1 == 0).all() and k.min() >= 0 and k.max() <= 19 and len(np.unique(k)) > 2
        assert np.isin(asked[:, 2], [-1.0, 1.0]).all() and len(np.unique(asked[:, 0])) > 20
