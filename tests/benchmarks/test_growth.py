"""How cost grows: counting is honest, everybody asks as much, and exponents are those of the law they were made by."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cost.growth import CONTENDERS, Counted, bag_of_words, fits, once, pairs, power_law, projections
from benchmarks.run.growth_figure import draw_growth
from benchmarks.run.publish import fill
from benchmarks.run.record import write


@pytest.mark.parametrize("axis", ["features", "words"])
@pytest.mark.parametrize("contender", CONTENDERS)
def test_everybody_asks_what_it_is_given(contender: str, axis: str) -> None:
    if find_spec(CONTENDERS[contender]) is None:  # importing some of them downloads things
        pytest.skip(f"{CONTENDERS[contender]} is not installed")
    asked = once(contender, axis, 12, 64, seed=0).calls
    compared = 4 if contender.startswith("iomap") else 0  # what first contact asks again
    assert 58 <= asked <= 64 + compared


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.7])
def test_the_exponent_of_a_power_law_is_found_whatever_the_small_half_does(exponent: float) -> None:
    x = np.array([64, 128, 256, 512, 1024, 2048])
    y = 3.0 * x**exponent
    y[:3] = y[3]  # a constant cost hides growth where little is asked
    fitted = power_law(x[::-1], y[::-1])  # in any order
    assert fitted is not None
    assert fitted[0] == pytest.approx(exponent) and fitted[1] < 1e-6


def test_the_standard_error_covers_the_exponent() -> None:
    rng, x = np.random.default_rng(0), np.geomspace(10, 1000, 20)
    fitted = [power_law(x, x**1.5 * np.exp(0.2 * rng.normal(size=20))) for _ in range(400)]
    misses = np.mean([abs(law[0] - 1.5) > 2.306 * law[1] for law in fitted if law is not None])  # 10 points: t with 8
    assert len(fitted) == 400 and 0.02 < misses < 0.09


def test_two_points_or_zeros_have_no_exponent() -> None:
    assert power_law([1, 2], [1.0, 2.0]) is None
    assert power_law([1, 2, 3], [1.0, 0.0, 2.0]) is None


def test_the_models_own_time_and_rendering_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "thread_time", lambda: clock[0])

    def answer(inputs: list[str]) -> np.ndarray:
        clock[0] += 2
        return np.zeros(len(inputs))

    def render(rows: np.ndarray) -> list[str]:
        clock[0] += 20
        return [""] * len(rows)

    model = Counted(3, answer, render)
    model(np.ones((5, 3)))
    assert model.calls == 5 and model.seconds == 2


def test_models_are_what_they_say() -> None:
    game, Z = pairs(6), np.eye(6)
    nothing, single = game(np.zeros((1, 6)))[0], game(Z)
    assert nothing == pytest.approx(0.0, abs=1e-12)
    joint = np.array([[game((Z[i] + Z[j])[None])[0] - single[i] - single[j] for j in range(6)] for i in range(6)])
    assert (np.abs(np.triu(joint, 1)) > 1e-9).sum() == 3  # every feature in one pair
    words, score = bag_of_words(5)
    alone = np.concatenate([score([word]) for word in words])
    assert score([" ".join(words[::2])])[0] == pytest.approx(alone[::2].sum())  # no neighbours, nothing halved
    assert score([" ".join(words[:2])])[0] == pytest.approx(alone[0] + alone[1] / 2)


def test_results_become_a_table_a_figure_and_gpu_hours(tmp_path: Path) -> None:
    rows = [
        {"axis": axis, "contender": name, "x": x, "seconds": c * x**2, "per_thousand": c * x, "memory_mib": 0.5 * c * x}
        for axis in ("questions", "words")
        for name, c in (("iomap linear", 2.0), ("KernelExplainer (shap)", 0.01))
        for x in (8, 16, 32, 64)
    ]
    write("growth", {"rows": rows, "growth": fits(rows), "projection": projections()}, tmp_path)
    text = fill(
        "".join(f"<!-- benchmark:{n} -->\n<!-- /benchmark:{n} -->\n" for n in ("growth", "projection")), tmp_path
    )
    assert "| questions | iomap linear | 8 | 64 | 16 | 1.3e+02 | 2.00 ± .00 | 64 | 1.00 ± .00 |" in text
    assert "| words | KernelExplainer (shap) | 8 | 64 | 0.08 | 0.64 | 2.00 ± .00 | < 1 | – |" in text
    assert "| 256 | 500 | 1.79e+16 | 0.0124 | 12.4 |" in text
    assert draw_growth(rows, tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
