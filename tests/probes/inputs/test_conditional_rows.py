"""Conditional replacement: rows that fit the columns that are kept."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from probes import Background, Conditional, TabularProbe
from probes.errors import InputError
from surrogates import check, explain, shapley_values

RNG = np.random.default_rng(0)
RHO = 0.8
SIGMA = np.full((3, 3), RHO) + (1 - RHO) * np.eye(3)
CHOLESKY = np.linalg.cholesky(SIGMA)
WEIGHTS = np.array([1.0, -0.5, 0.0])
GAUSSIAN = pd.DataFrame(RNG.normal(size=(8000, 3)) @ CHOLESKY.T, columns=list("abc"))
ROW = pd.Series([0.9, -0.3, 0.5], index=list("abc"))


def linear(X):
    return X.to_numpy() @ WEIGHTS


def conditional_mean(kept, x):
    """The model's mean given the columns kept, in closed form."""
    s, a = np.flatnonzero(kept), np.flatnonzero(~kept)
    filled = np.array(x, dtype=float)
    filled[a] = SIGMA[np.ix_(a, s)] @ np.linalg.solve(SIGMA[np.ix_(s, s)], filled[s]) if len(s) else 0.0
    return WEIGHTS @ filled


def true_effects(x):
    values = {z: conditional_mean(np.array(z, dtype=bool), x) for z in product((0, 1), repeat=3)}
    return np.array([sum((2 * z[j] - 1) * v for z, v in values.items()) / 4 for j in range(3)])


def effects(ex):
    return ex.attributions.set_index("feature").loc[list("abc")]


def said_distance(probe):
    return float(probe.notes[0].split("differ from this one by ")[1].split()[0])


@pytest.mark.parametrize(("by", "within"), [("nearest", 0.05), ("forest", 0.15)])
def test_effects_on_a_correlated_gaussian_are_the_conditional_ones(by, within):
    ex = explain(linear, ROW, background=GAUSSIAN, law=Conditional(by, 100), store=None)
    found, truth = effects(ex)["attribution"].to_numpy(), true_effects(ROW)
    assert np.abs(found - truth).max() < within
    marginal = explain(linear, ROW, background=GAUSSIAN, law=Background(100), store=None)
    assert np.abs(effects(marginal)["attribution"].to_numpy() - truth).max() > 0.2


def test_a_column_that_the_model_ignores_has_a_conditional_effect():
    # c says nothing to the model but much about a and b
    row = pd.Series([1.5, 1.5, 1.5], index=list("abc"))
    assert true_effects(row)[2] > 0.1
    ex = explain(linear, row, background=GAUSSIAN, law=Conditional(replicates=50), store=None)
    assert effects(ex)["attribution"]["c"] == pytest.approx(true_effects(row)[2], abs=0.1)


def test_intervals_cover_the_effects_of_other_backgrounds():
    """Truth: the mean of the same estimate over many backgrounds of the same law."""
    rng, estimates, covered = np.random.default_rng(5), [], []
    for seed in range(120):
        rows = pd.DataFrame(rng.normal(size=(400, 3)) @ CHOLESKY.T, columns=list("abc"))
        probe = TabularProbe(ROW, rows, law=Conditional(), random_state=seed)
        Z = np.array(list(product((0, 1), repeat=3)))
        # (rows of the background, features): the average effect for every part of the background
        each = linear(probe.render(Z)).reshape(8, -1)
        by_part = ((2 * Z - 1).T @ each / 4).T
        estimates.append(by_part.mean(axis=0))
        half = probe.replication.quantiles * np.sqrt((probe.replication.factor(by_part) ** 2).sum(axis=0))
        covered.append(half)
    errors = np.abs(np.array(estimates) - np.mean(estimates, axis=0))
    assert 0.90 <= (errors <= np.array(covered)).mean() <= 0.99


def test_an_explanation_has_the_intervals_of_its_parts():
    ex = explain(linear, ROW, background=GAUSSIAN[:400], law=Conditional(), store=None)
    assert ex.background.rows == 10 and ex.background.population == 400
    assert (effects(ex)["low"] < effects(ex)["high"]).all()


@pytest.mark.parametrize("by", ["nearest", "forest"])
def test_a_column_that_goes_with_nothing_leaves_the_others_as_they_are(by):
    a, noise, free = np.random.default_rng(3).normal(size=(3, 8000))
    bent = pd.DataFrame({"a": a, "b": a**2 + 0.05 * noise, "c": free})
    probe = TabularProbe(pd.Series([1.5, 2.25, 0.0], index=list("abc")), bent, law=Conditional(by, 100))
    assert probe.render(np.array([[0, 0, 1]]))["b"].mean() == pytest.approx(1.0, abs=0.3)
    assert probe.render(np.array([[1, 0, 0]]))["b"].mean() == pytest.approx(2.25, abs=0.15)


def test_dependence_that_is_not_linear_is_followed():
    x = RNG.uniform(-2, 2, 3000)
    frame = pd.DataFrame({"x": x, "square": x**2 + RNG.normal(0, 0.1, 3000)})
    for by in ("nearest", "forest"):
        probe = TabularProbe({"x": 1.5, "square": 2.25}, frame, law=Conditional(by))
        taken = probe.render(np.array([[1, 0]]))["square"]
        assert taken.mean() == pytest.approx(2.25, abs=0.3), by


def test_rows_that_hold_the_kept_category_stand_in():
    city = RNG.choice(["Rome", "Bonn", "Oslo"], 600)
    frame = pd.DataFrame({"city": pd.Categorical(city), "south": city == "Rome", "x": RNG.normal(size=600)})
    for by in ("nearest", "forest"):
        probe = TabularProbe({"city": "Rome", "south": True, "x": 0.0}, frame, law=Conditional(by))
        assert probe.render(np.array([[1, 0, 0]]))["south"].all(), by
        assert not probe.render(np.array([[0, 0, 0]]))["south"].all(), by


def test_missing_values_are_near_missing_values():
    known = RNG.random(500) < 0.7
    frame = pd.DataFrame({"x": np.where(known, RNG.normal(size=500), np.nan), "y": np.where(known, 1.0, 9.0)})
    for by in ("nearest", "forest"):
        probe = TabularProbe({"x": np.nan, "y": 9.0}, frame, law=Conditional(by))
        assert (probe.render(np.array([[1, 0]]))["y"] == 9.0).all(), by  # exact: values of the background


def test_the_same_seed_asks_the_same_rows_and_another_seed_others():
    Z = np.array([[1, 0, 0], [0, 1, 1]])
    for by in ("nearest", "forest"):
        one, same, other = (
            TabularProbe(ROW, GAUSSIAN[:300], law=Conditional(by), random_state=seed) for seed in (0, 0, 1)
        )
        pd.testing.assert_frame_equal(one.render(Z), same.render(Z))
        assert one.digest == same.digest and one.digest != other.digest
        assert not one.render(Z).equals(other.render(Z))
    assert one.digest != TabularProbe(ROW, GAUSSIAN[:300], law=Conditional()).digest
    assert one.digest != TabularProbe(ROW, GAUSSIAN[:301], law=Conditional("forest")).digest


def test_another_row_of_the_same_probe_is_as_if_made_anew():
    for by in ("nearest", "forest"):
        law, Z = Conditional(by), np.array([[1, 0, 1]])
        moved = TabularProbe(ROW, GAUSSIAN[:200], law=law).at(GAUSSIAN.iloc[7])
        pd.testing.assert_frame_equal(
            moved.render(Z), TabularProbe(GAUSSIAN.iloc[7], GAUSSIAN[:200], law=law).render(Z)
        )


def test_groups_are_kept_and_replaced_together():
    probe = TabularProbe(ROW, GAUSSIAN[:300], law=Conditional(), groups={"ab": ["a", "b"]})
    rows = probe.render(np.array([[0, 1]]))
    whole = {tuple(row) for row in GAUSSIAN[["a", "b"]].to_numpy()[:300]}
    assert {tuple(row) for row in rows[["a", "b"]].to_numpy()} <= whole


def test_a_short_background_gives_fewer_rows_and_says_so():
    probe = TabularProbe(ROW, GAUSSIAN[:35], law=Conditional())
    assert probe.replicates == 3
    assert "10 or more rows a part allow no more" in probe.notes[0]
    alone = TabularProbe(ROW, GAUSSIAN[:8], law=Conditional())
    assert alone.replicates == 1 and "by the one of 8 background rows nearest to this one" in alone.notes[0]
    assert "Intervals of effects do not cover that choice" in alone.notes[0]


def test_shapley_values_are_said_to_be_for_the_rows_used_alone():
    found = shapley_values(lambda rows: rows["a"], ROW, background=GAUSSIAN[:200], law=Conditional(), store=None)
    assert any("Shapley values are for these rows alone" in note for note in found.warnings)


def test_the_note_measures_rows_for_columns_that_are_kept_together():
    a, noise = RNG.normal(size=(2, 400))
    opposite = pd.DataFrame({"a": a, "b": -a + 0.1 * noise, "c": noise})
    never = pd.Series([2.0, 2.0, 0.0], index=list("abc"))  # each occurs, both together do not
    apart = TabularProbe(never, opposite, law=Conditional())
    together = TabularProbe(never, opposite, law=Conditional(), groups={"ab": ["a", "b"]})
    assert said_distance(apart) < 1.0 < said_distance(together)


def test_the_note_measures_how_near_the_rows_are():
    near = TabularProbe(ROW, GAUSSIAN, law=Conditional())
    far = TabularProbe(pd.Series([9.0, 9.0, 9.0], index=list("abc")), GAUSSIAN, law=Conditional())
    assert said_distance(near) < 0.5 < 4 < said_distance(far)


def test_where_columns_are_correlated_a_check_compares_both_ways():
    row = pd.Series([2.0, 2.0, 2.0], index=list("abc"))
    ex = explain(linear, row, background=GAUSSIAN, store=None)
    (finding,) = check(ex, linear, row, "removal", background=GAUSSIAN, store=None).checks
    assert "rows that fit the columns kept (conditional): effects agree" in finding.sentence
    assert "Correlated above 0.8: " in finding.sentence and finding.passed is False
    law = Conditional()
    ex = explain(linear, row, background=GAUSSIAN, law=law, store=None)
    (finding,) = check(ex, linear, row, "removal", background=GAUSSIAN, law=law, store=None).checks
    assert "any background rows (marginal): effects agree" in finding.sentence


def test_without_correlation_only_one_way_is_checked():
    frame = pd.DataFrame(RNG.normal(size=(300, 3)), columns=list("abc"))
    assert len(TabularProbe(ROW, frame).variants()) == 2
    assert list(TabularProbe(ROW, frame, law=Conditional()).variants()) == ["other parts of the background"]


def test_shapley_values_are_those_of_the_conditional_game():
    probe = TabularProbe(ROW, GAUSSIAN, law=Conditional(replicates=100))
    found = shapley_values(linear, probe, store=None)
    values = found.table.set_index("features").loc[list("abc"), "index"].to_numpy(dtype=float)
    v = {z: conditional_mean(np.array(z, dtype=bool), ROW) for z in product((0, 1), repeat=3)}
    truth = [
        sum(
            (1 / 3 if sum(z) in (1, 3) else 1 / 6) * (v[z] - v[tuple(0 if i == j else b for i, b in enumerate(z))])
            for z in v
            if z[j]
        )
        for j in range(3)
    ]
    np.testing.assert_allclose(values, truth, atol=0.1)


def test_arrays_are_replaced_conditionally_too():
    ex = explain(
        lambda A: A @ WEIGHTS,
        ROW.to_numpy(),
        background=GAUSSIAN.to_numpy(),
        law=Conditional(replicates=50),
        store=None,
    )
    assert ex.attributions["attribution"].notna().all()


@pytest.mark.parametrize("wrong", [{"by": "closest"}, {"replicates": 0}])
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Conditional(**wrong)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_columns_without_information_and_infinite_values_are_taken():
    frame = pd.DataFrame(
        {"same": 1.0, "missing": np.nan, "x": [np.inf, *RNG.normal(size=59)], "y": RNG.normal(size=60)}
    )
    for by in ("nearest", "forest"):
        ex = explain(lambda rows: rows["y"], frame.iloc[5], background=frame, law=Conditional(by), store=None)
        assert ex.attributions["attribution"].notna().all(), by
