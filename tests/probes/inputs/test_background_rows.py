"""Background rows: which stand for all, and how sure an average over them is."""

import numpy as np
import pandas as pd
import pytest

from probes import Background, TabularProbe
from probes.errors import InputError
from probes.inputs.background_rows import drawn_rows
from surrogates import explain

N = 5000
RNG = np.random.default_rng(1)
LEVELS = RNG.normal(size=20)
KINDS = {
    "normal": RNG.normal(size=N),
    "lognormal": RNG.lognormal(size=N),
    "dummy": np.where(RNG.random(N) < 0.05, 1.0, 0.0),
    "category": pd.Categorical(RNG.integers(20, size=N).astype(str), categories=[str(i) for i in range(20)]),
    "mostly zero": np.where(RNG.random(N) < 0.9, 0.0, RNG.lognormal(size=N)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [None, 60])
def test_the_interval_of_an_average_covers_that_of_all_rows(kind, rows):
    column = KINDS[kind]
    values = LEVELS[column.codes] if kind == "category" else column
    values = values + 0.5 * KINDS["normal"] * values.std() * (kind == "dummy")  # not constant among equal values
    frame, covered = pd.DataFrame({"x": column}), []
    for seed in range(200):
        chosen, drawn = drawn_rows(frame, [[0]], rows or 10, (rows or 20) // 2, seed, rows is None)
        error = drawn.weights @ values[chosen] - values.mean()
        covered.append(abs(error) <= drawn.quantiles[0] * np.sqrt((drawn.factor(values[chosen]) ** 2).sum()))
    assert 0.90 <= np.mean(covered) <= 0.995  # 95%, and three standard errors of 200 trials


BENT = {
    "exponential": lambda x: np.exp(1.2 * x),
    "falling": lambda x: np.exp(-x),
    "square": lambda x: (x - 0.3) ** 2,
    "size": np.abs,
    "sum": lambda x: x + 0.0,
}


@pytest.mark.parametrize("kind", BENT)
def test_the_interval_covers_what_a_model_makes_of_a_column(kind):
    """Of a column that is not skewed itself: quantiles go by the effects of the rows used."""
    values, frame = BENT[kind](KINDS["normal"]), pd.DataFrame({"x": KINDS["normal"]})
    before, covered = [], []
    for seed in range(200):
        chosen, drawn = drawn_rows(frame, [[0]], 10, 0, seed)
        effects = values[chosen] - drawn.weights @ values[chosen]
        error = np.abs(drawn.weights @ values[chosen] - values.mean())
        se = np.sqrt((drawn.factor(effects) ** 2).sum())
        for reached, sure in ((before, drawn), (covered, drawn.seen(effects[:, None, None]))):
            reached.append(error <= sure.quantiles[0] * se)
    assert 0.91 <= np.mean(covered) <= 1.0  # 95%, and less than three standard errors of 200 trials
    assert np.mean(covered) == np.mean(before) if kind == "sum" else np.mean(covered) > np.mean(before)


def test_what_has_none_of_the_shapes_changes_no_quantile():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": KINDS["normal"], "y": KINDS["category"], "z": KINDS["dummy"] > 0})
    chosen, drawn = drawn_rows(frame, [[0], [1], [2]], 12, 0, 0)
    noise = rng.normal(size=(len(chosen), 1, 3))
    constant, unknown = np.zeros_like(noise), np.full_like(noise, np.nan)
    bent = np.exp(KINDS["normal"])[chosen][:, None, None] * np.ones(3)
    for effects in (noise, constant, unknown):
        np.testing.assert_allclose(drawn.seen(effects).quantiles, drawn.quantiles)
    got = drawn.seen(bent).quantiles
    assert got[0] > drawn.quantiles[0]
    np.testing.assert_allclose(got[1:], drawn.quantiles[1:])  # words and flags have no shape
    # of several outputs the one with the largest quantile counts
    both = np.concatenate([np.repeat(KINDS["normal"][chosen][:, None, None], 3, axis=2), bent], axis=1)
    np.testing.assert_allclose(drawn.seen(both).quantiles, got)


def test_too_steep_for_the_rows_has_no_interval_and_a_note():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(1000, 2)), columns=["a", "b"])
    ex = explain(lambda X: np.exp(2 * X["a"]) + X["b"], frame.iloc[0], background=frame, random_state=1, store=None)
    rows = ex.attributions.set_index("feature")
    assert rows.loc["a", ["low", "high"]].isna().all() and rows.loc["b", ["low", "high"]].notna().all()
    assert any("No interval for a: 10 background rows are too few" in note for note in ex.warnings)
    more = explain(lambda X: np.exp(2 * X["a"]) + X["b"], frame.iloc[0], background=frame, background_rows=200,
                   random_state=1, store=None)  # fmt: skip
    assert more.attributions["low"].notna().all()


def test_rare_values_are_among_the_rows_and_weigh_what_they_should():
    frame = pd.DataFrame({"x": KINDS["dummy"], "y": KINDS["normal"]})
    for seed in range(20):
        chosen, drawn = drawn_rows(frame, [[0], [1]], 10, 10, seed, added=True)
        assert frame["x"].iloc[chosen].sum() >= 5 and len(chosen) <= 20
        assert drawn.weights @ frame["x"].iloc[chosen] == pytest.approx(frame["x"].mean())
        assert drawn.weights.sum() == pytest.approx(1.0)


def test_the_rows_of_before_are_among_them():
    frame = pd.DataFrame({"x": KINDS["dummy"], "y": KINDS["normal"]})
    before = np.random.default_rng(0).permutation(N)[:10]
    for kinds, count in ((["y"], 10), (["x", "y"], 15)):
        chosen, _ = drawn_rows(frame[kinds], [[i] for i in range(len(kinds))], 10, 10, 0, added=True)
        assert set(before) <= set(chosen) and len(chosen) == count
    assert drawn_rows(frame[:7], [[0], [1]], 10, 10, 0)[1] is None


def test_background_rows_and_an_explicit_law_are_taken_as_they_are():
    frame = pd.DataFrame({"x": KINDS["dummy"], "y": KINDS["normal"]})
    row = {"x": 1.0, "y": 0.0}
    assert TabularProbe(row, frame, background_rows=40).replicates == 40
    assert TabularProbe(row, frame, background_rows=10**6).replicates == N
    assert TabularProbe(row, frame, law=Background(6)).replicates == 6
    assert TabularProbe(row, frame, random_state=1).digest != TabularProbe(row, frame).digest
    with pytest.raises(InputError, match="background_rows must be a positive integer"):
        TabularProbe(row, frame, background_rows=0)


def test_too_rare_for_the_rows_is_said():
    frame = pd.DataFrame({"x": KINDS["dummy"], "y": KINDS["normal"]})
    drawn = TabularProbe({"x": 1.0, "y": 0.0}, frame, law=Background(6)).replication
    assert np.isinf(drawn.quantiles[0]) and np.isfinite(drawn.quantiles[1])


@pytest.mark.filterwarnings("error")
def test_one_background_row_leaves_effects_without_an_interval_and_says_so():
    X = np.random.default_rng(0).normal(size=(60, 3))
    ex = explain(lambda rows: rows @ [1.0, 2.0, 3.0], TabularProbe(X[0], X, background_rows=1), store=None)
    assert any("1 of 60 background rows stands for all" in note for note in ex.warnings)
    assert any("1 background row is too few" in note for note in ex.warnings)
    assert ex.attributions["high"].isna().all()
