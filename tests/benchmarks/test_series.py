"""The benchmark of time series: what is planted is the largest effect, and rivals are given the same stretches."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality import series
from benchmarks.rivals.series_rivals import DEFAULTS
from benchmarks.tasks.counted_game import Game
from benchmarks.tasks.task import Task
from probes import cube


@pytest.mark.parametrize("kind", ["stretch", "channel", "band"])
def test_a_planted_cause_has_the_largest_effect(kind: str) -> None:
    probe, model, cause = series.planted(kind, 101)
    Z = cube(len(probe.features)).astype(float)
    y = model(probe.render(Z))
    effects = np.abs([y[Z[:, i] > 0].mean() - y[Z[:, i] < 1].mean() for i in range(Z.shape[1])])
    assert {int(effects.argmax())} == cause and effects.max() > 1.2 * np.sort(effects)[-2]


def test_a_planted_pair_acts_together() -> None:
    probe, model, cause = series.planted("pair", 101)
    one, other = sorted(cause)
    rows = np.zeros((4, len(probe.features)))
    rows[1:3, one], rows[2:, other] = 1, 1
    nothing, first, both, second = model(probe.render(rows))
    assert abs(both - first - second + nothing) > 0.5


def test_ablation_learns_a_sum() -> None:
    pytest.importorskip("captum")
    rival, budget = DEFAULTS["FeatureAblation (captum)"]
    weights = np.array([3.0, -1.0, 0.5, 2.0, 0.0, 1.5])
    game = Game(Task("sum_0", 6, lambda Z: Z @ weights + 2.0))
    Z = cube(6).astype(float)
    np.testing.assert_allclose(rival.fit(game, budget(6), 0).predict(Z), Z @ weights + 2.0, atol=1e-6)
    assert game.calls <= budget(6)
