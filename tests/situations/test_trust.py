"""Situations of docs/situations.md: runs that differ, and how far an explanation can be trusted."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from probes import MaskProbe
from probes.rounding import between, score
from surrogates import explain
from tests.helpers.effects import effects

TABLE = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 5)), columns=list("abcde"))
ROUGH = np.random.default_rng(1).normal(size=2**10)


def rough(Z):
    """Every row has a value of its own: nothing that could be read."""
    return ROUGH[(Z @ 2 ** np.arange(10)).astype(int)]


def smooth(Z):
    return 2 * Z[:, 0] + Z[:, 1] * Z[:, 2] + 0.3 * Z[:, 7]


def same(first, second):
    pd.testing.assert_frame_equal(first.attributions, second.attributions)
    # exact: the same questions get the same answers
    np.testing.assert_array_equal(first.answers.y, second.answers.y)


@pytest.fixture(scope="module")
def forest():
    return RandomForestRegressor(20, random_state=0).fit(TABLE, TABLE["a"] * 3 + np.sin(TABLE["b"]))


def test_the_same_call_gives_the_same_explanation(forest):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - what others do to the global state is of no consequence
    first = explain(forest, TABLE.iloc[[3]], background=TABLE, budget=300, store=None)
    np.random.seed(2)  # noqa: NPY002
    same(first, explain(forest, TABLE.iloc[[3]], background=TABLE, budget=300, store=None))


def test_no_call_disturbs_the_next():
    alone = explain(smooth, MaskProbe(10), budget=80, store=None)
    explain(smooth, MaskProbe(12), budget=60, random_state=9, store=None)
    same(alone, explain(smooth, MaskProbe(10), budget=80, store=None))


def test_one_seed_settles_everything_there_is_to_draw(forest):
    first, second = (
        explain(forest, TABLE.iloc[[3]], background=TABLE, budget=300, random_state=5, store=None) for _ in range(2)
    )
    same(first, second)
    assert first.provenance["random_state"] == 5


def test_no_seed_draws_a_fresh_one_and_keeps_it():
    first, second = (explain(smooth, MaskProbe(10), budget=80, random_state=None, store=None) for _ in range(2))
    assert first.provenance["random_state"] != second.provenance["random_state"]
    same(first, explain(smooth, MaskProbe(10), budget=80, random_state=first.provenance["random_state"], store=None))


def test_the_global_random_state_is_left_alone():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    explain(smooth, MaskProbe(10), budget=80, store=None)
    assert np.random.random() == pytest.approx(expected)  # noqa: NPY002


def test_other_seeds_agree_within_their_intervals():
    def intervals(seed):
        table = explain(smooth, MaskProbe(10), budget=120, random_state=seed, store=None).attributions
        return table.set_index("feature")[["low", "high"]].sort_index()

    first, second = intervals(0), intervals(1)
    assert ((first["low"] <= second["high"]) & (second["low"] <= first["high"])).all()


def test_every_effect_has_an_interval_that_holds_the_truth():
    table = explain(smooth, MaskProbe(10), budget=120, store=None).attributions.set_index("feature")
    truth = {"x0": 2.0, "x1": 0.5, "x2": 0.5, "x7": 0.3}
    for feature, size in truth.items():
        assert table.loc[feature, "low"] <= size <= table.loc[feature, "high"]
    assert (table["high"] - table["low"]).max() < 0.5


def test_a_poor_fit_is_shown_as_poor():
    ex = explain(rough, MaskProbe(10), budget=150, store=None)
    assert ex.fidelity.r2[0] < 0.3
    assert ex.fidelity.verdict.lower().startswith("do not use it")


def test_a_negative_fit_is_not_hidden():
    found = [explain(rough, MaskProbe(10), budget=60, random_state=seed, store=None) for seed in range(4)]
    assert min(ex.fidelity.r2[0] for ex in found) < 0


def test_the_fit_stands_in_print_page_and_table():
    ex = explain(smooth, MaskProbe(10), budget=120, store=None)
    shown = f"R² {score(ex.fidelity.r2[0])} {between(ex.fidelity.r2_low[0], ex.fidelity.r2_high[0], score)}"
    assert shown in str(ex)
    assert shown in ex.report("page.html").read_text(encoding="utf-8")
    assert ex.fidelity.table["r2"].iloc[0] == pytest.approx(ex.fidelity.r2[0])


def test_a_perfect_fit_is_one_and_shuffled_answers_find_nothing():
    ex = explain(lambda Z: 3 * Z[:, 0] - Z[:, 1], MaskProbe(12), budget=100, store=None)
    assert ex.fidelity.r2[0] == pytest.approx(1.0)
    assert effects(ex)["x0"] == pytest.approx(3.0)
    assert float(np.ravel(ex.fidelity.permuted)[0]) < 0.2  # the same method on shuffled answers finds nothing


def test_the_fit_is_that_on_answers_that_were_not_used():
    ex = explain(rough, MaskProbe(10), budget=200, store=None)
    Z = np.array(np.meshgrid(*[[0, 1]] * 10)).reshape(10, -1).T
    predicted, truth = ex.predict(Z), rough(Z)
    whole = 1 - ((truth - predicted) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert ex.fidelity.r2_low[0] - 0.1 <= whole <= ex.fidelity.r2_high[0] + 0.1


def test_a_noisy_model_is_said_to_be_noisy():
    rng = np.random.default_rng(0)
    ex = explain(lambda Z: Z[:, 0] + 0.3 * rng.normal(size=len(Z)), MaskProbe(5), store=None)
    assert "exact" not in str(ex.fidelity)
    assert "noise" in str(ex.fidelity) + " ".join(ex.warnings)
