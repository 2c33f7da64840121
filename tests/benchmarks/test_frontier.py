"""The frontier: rivals on given rows, as they are and through the link; gains; instances nothing was chosen on."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.frontier import LINKED, SHOWN, gains
from benchmarks.rivals.given_rows import FITS, Given, fitted
from benchmarks.rivals.served import Interpreter
from benchmarks.rivals.shapiq_games import SETUPS
from benchmarks.rivals.through_link import available, predicted
from benchmarks.run.record import Skipped
from benchmarks.tasks import sentiment, shipped, unseen
from benchmarks.tasks.counted_game import r2, uniform


def saturating(Z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-6 * Z[:, 0] - 5 * Z[:, 1] + 4 * Z[:, 2] + 3))


def test_a_rival_through_the_link_learns_a_sum_that_saturates() -> None:
    Z, new = uniform(10, 120, 0), uniform(10, 1000, 1)
    found = predicted("Lasso-CV", Z, saturating(Z), 0, new, seed=0)
    plain, linked = (r2(saturating(new), found[name]) for name in ("plain", "linked"))
    assert found["curved"] and linked > plain + 0.05
    straight = predicted("Lasso-CV", Z, Z @ np.arange(10.0), 0, new, seed=0)
    assert not straight["curved"]
    np.testing.assert_array_equal(straight["plain"], straight["linked"])  # exact: one array under two names


def test_rows_that_were_chosen_are_held_out_of_no_fit() -> None:
    Z = np.vstack([np.ones(6), np.zeros(6), uniform(6, 30, 0)])
    y = Z @ np.arange(6.0)
    fold = np.r_[-1, -1, np.arange(30) % 5]
    parts = np.tile(y, (1, 5, 1))
    found = fitted("pairwise Lasso-CV", 0, Z, y[None], parts, fold, Z[:4])
    assert np.isnan(found["held"][0, :2]).all() and np.isfinite(found["held"][0, 2:]).all()
    np.testing.assert_allclose(found["new"][0], y[:4], atol=0.1)


def test_a_sampler_of_given_rows_weighs_them_as_a_sample_of_the_cube() -> None:
    given = Given(np.vstack([np.ones(5), np.zeros(5), uniform(5, 20, 0)]), ends=2)
    assert np.exp(given.log_sampling_adjustment_weights[2:]).sum() == pytest.approx(2**5)
    assert not given.coalitions_matrix[given.empty_coalition_index].any()


def test_another_interpreter_fits_what_this_one_does_and_says_what_failed() -> None:
    there = Interpreter(Path(sys.executable), "benchmarks.rivals.given_rows")
    Z = uniform(6, 30, 0)
    asked = {"seed": 0, "Z": Z, "lines": (Z @ np.arange(6.0))[None], "fold": np.full(30, -1), "Z_new": Z[:4]}
    asked["parts"] = np.empty((1, 0, 30))
    here = fitted("Lasso-CV", **asked)
    np.testing.assert_allclose(there(rival="Lasso-CV", **asked)["new"], here["new"])
    with pytest.raises(RuntimeError, match="KeyError: 'nobody'"):
        there(rival="nobody", **asked)


@pytest.mark.parametrize("kind", SETUPS)
def test_games_of_shapiqs_benchmark_answer_rows_of_their_players(kind: str) -> None:
    try:
        task = shipped.game(f"{kind}_00")
    except Skipped as reason:
        pytest.skip(str(reason))
    rows = uniform(task.n, 40, 0)
    assert task.answer(rows).std() > 0
    np.testing.assert_array_equal(task.answer(rows[::-1]), task.answer(rows)[::-1])  # exact: a row is asked once


@pytest.mark.parametrize("rival", [name for name in FITS if "(" in name])
def test_rivals_of_another_interpreter_learn_an_easy_sum(rival: str) -> None:
    if not available(rival):
        pytest.skip("no interpreter that has it (IOMAP_SHAPIQ)")
    Z = np.vstack([np.ones(8), np.zeros(8), uniform(8, 150, 0)])
    found = predicted(rival, Z, Z @ np.arange(8.0), 2, Z[2:], seed=0)
    assert r2(Z[2:] @ np.arange(8.0), found["plain"]) > 0.5


def test_gains_are_paired_by_instance_and_design_with_the_best_rival_without_the_link() -> None:
    level = {SHOWN: 0.9, "iomap linear": 0.84, "a": 0.85, "b": 0.5, "a" + LINKED: 0.95, "b" + LINKED: 0.5}
    rows = [
        {"split": "unseen", "kind": "k", "budget": 64, "name": f"k_{j}", "seed": s, "contender": c, "r2": v + s / 100}
        for c, v in level.items()
        for j in range(4)
        for s in range(1 if c.startswith("a") else 2)
    ]
    shown, linear = gains(pd.DataFrame(rows))
    assert shown["rival"] == "a" and shown["mean"] == pytest.approx(0.05) and shown["own"] == pytest.approx(0.9)
    assert shown["closed"] == pytest.approx(1 / 3) and shown["reached"] is True
    assert shown["linked"] == "a" and shown["over"] == pytest.approx(-0.05)
    assert linear["reached"] is False


def test_unseen_tables_are_probabilities_that_vary_and_the_same_when_loaded_again() -> None:
    rows = uniform(14, 100, 0)
    answers = unseen.load("table_14_01").answer(rows)
    assert answers.min() >= 0 and answers.max() <= 1 and answers.std() > 0.02
    unseen.table.cache_clear()
    np.testing.assert_array_equal(unseen.load("table_14_01").answer(rows), answers)  # exact: one seed, one model


def test_unseen_sentences_have_fourteen_words_and_none_that_was_looked_at() -> None:
    try:
        drawn = sentiment.drawn(10, range(14, 15), unseen.SEED)
    except Skipped as reason:
        pytest.skip(str(reason))
    assert {len(sentence.split()) for sentence in drawn} <= {13, 14, 15}
    assert not set(drawn) & set(sentiment.sentences(20))
