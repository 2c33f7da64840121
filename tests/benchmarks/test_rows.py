"""The benchmark of rows of tables: what is planted matters most, and everybody is judged by the same answers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from benchmarks.quality import rows
from benchmarks.rivals.row_rivals import RIVALS
from probes.inputs.tabular import TabularProbe


def test_the_planted_columns_act_together_only() -> None:
    values, row, background, cause = rows.planted(101)
    a, b = sorted(cause)
    there = np.repeat(background.mean(axis=0)[None], 4, axis=0)
    for one, (first, second) in zip(there, product((0, 1), repeat=2), strict=True):
        one[a], one[b] = row[a] if first else -1.0, row[b] if second else -1.0
    nothing, only_b, only_a, both = values(there)
    assert both - only_a - only_b + nothing > 0.8 * (both - nothing) > 0.5


def test_the_model_does_not_read_the_copies_of_the_cause() -> None:
    values, row, background, cause = rows.planted(101)
    correlation = np.abs(np.corrcoef(background.T)) - np.eye(len(row))
    for j in cause:
        copy = int(correlation[j].argmax())
        assert correlation[j, copy] > 0.8 and copy not in cause
        changed = row.copy()
        changed[copy] += 5
        np.testing.assert_allclose(values(changed[None]), values(row[None]))


@pytest.mark.parametrize("name", list(RIVALS))
def test_a_rival_of_rows_learns_a_sum(name: str) -> None:
    pytest.importorskip(name.split()[0])
    rng = np.random.default_rng(3)
    X, weights = rng.normal(size=(100, 5)), np.array([2.0, -1.0, 0.5, 0.0, 1.0])
    probe = TabularProbe(X[0], X, background_rows=100)
    told = RIVALS[name][0](lambda batch: np.asarray(batch) @ weights, probe, X, 0)
    game = told.own(np.random.default_rng(4))
    shown = np.asarray(probe.render(game.Z)).reshape(len(game.Z), -1, 5).mean(axis=1)
    truth = (game.rows if game.rows is not None else shown) @ weights
    correlation = np.corrcoef(truth, game.predicted)[0, 1]
    assert correlation > (0.6 if name == "lime" else 0.9999)  # a sum over quartiles is not one over numbers
