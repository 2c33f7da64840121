"""What questions would cost on GPUs: the arithmetic, what counts, and bad input."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest

from probes import Cost, InputError, TextProbe
from probes.asking.cost import Forecast, Projection, project
from probes.model import Identity, Model
from surrogates import estimate

# exact: products and quotients of numbers that a float holds exactly

#: 150 questions of 400 tokens are left, and 50 are known to the model that was asked, but to no other
FORECAST = Forecast(questions=200, known=50, calls=9, tokens=60_000)


def test_the_formula() -> None:
    forecast = project(FORECAST, 70e9, throughput=2000.0, gpus=4)
    assert forecast == Projection(200, 80_000, 70e9, 2000.0, 4)
    assert forecast.tokens_per_question == 400.0
    assert forecast.flop == 2 * 70e9 * 80_000
    assert forecast.seconds == 10.0
    assert forecast.gpu_hours == pytest.approx(4 * forecast.seconds / 3600)


def test_what_is_all_known_has_no_length_to_go_by() -> None:
    with pytest.raises(InputError, match="leave a question whose tokens can be counted"):
        project(Forecast(questions=300, known=300, calls=0, tokens=0), throughput=2000.0)


def test_hours_do_not_depend_on_the_number_of_gpus_and_grow_with_tokens() -> None:
    one, eight = (project(FORECAST, throughput=500.0, gpus=gpus) for gpus in (1, 8))
    assert one.gpu_hours == eight.gpu_hours and one.seconds == 8 * eight.seconds
    twice = project(Forecast(200, 50, 9, 120_000), throughput=500.0)
    assert twice.gpu_hours == 2 * one.gpu_hours


def test_operations_a_second_stand_for_a_throughput() -> None:
    forecast = project(FORECAST, 7e9, flops=1e15, utilisation=0.35)
    assert forecast.throughput == pytest.approx(1e15 * 0.35 / 14e9)
    assert forecast.seconds * forecast.throughput == pytest.approx(forecast.tokens)
    # with operations a second given, time is operations over operations a second, whatever the size
    assert forecast.seconds == pytest.approx(forecast.flop / (1e15 * 0.35))
    assert project(FORECAST, 70e9, flops=1e15).seconds == pytest.approx(10 * project(FORECAST, 7e9, flops=1e15).seconds)


def test_what_was_paid_and_what_it_would_cost_agree() -> None:
    paid = Cost(calls=9, rows=200, tokens=80_000, seconds=3.0)
    assert project(paid, throughput=2000.0) == FORECAST.project(throughput=2000.0)


def test_the_number_is_in_the_text() -> None:
    text = str(FORECAST.project(70e9, throughput=2000.0, gpus=2))
    for part in (
        "200 questions of 400 tokens",
        "70 billion parameters",
        "11.2 PFLOP",
        "0.0111 GPU-hours",
        "20 s",
        "2 GPUs",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({}, "throughput"),
        ({"throughput": 0}, "throughput"),
        ({"throughput": math.nan}, "throughput"),
        ({"throughput": math.inf}, "throughput"),
        ({"throughput": "2000"}, "throughput"),
        ({"throughput": 2000, "flops": 1e15}, "throughput"),
        ({"throughput": 2000, "parameters": -1}, "parameters"),
        ({"throughput": 2000, "parameters": True}, "parameters"),
        ({"throughput": 2000, "gpus": 0}, "gpus"),
        ({"throughput": 2000, "gpus": 1.5}, "gpus"),
        ({"flops": 0}, "flops"),
        ({"flops": 1e15, "utilisation": 1.2}, "utilisation"),
        ({"flops": 1e15, "utilisation": 0}, "utilisation"),
    ],
)
def test_bad_numbers(bad: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError) as caught:
        project(FORECAST, **bad)
    assert caught.value.parameter == named


def test_questions_without_tokens_cannot_be_projected() -> None:
    with pytest.raises(InputError, match="hold tokens"):
        project(Forecast(questions=10, known=0, calls=1, tokens=0), throughput=2000.0)


class Reader(Model):
    """A model whose every word is a token."""

    size_unit = "tokens"
    compared = False

    def __init__(self, known: bool):
        self.known = known

    def identity(self) -> Identity:
        return Identity("reader", self.known)

    def sizes(self, inputs: Any) -> np.ndarray:
        return np.array([1 + len(text.split()) for text in inputs])

    def __call__(self, inputs: Any) -> list[float]:
        return [float(len(text)) for text in inputs]


def test_a_forecast_of_a_real_probe_counts_every_token_once() -> None:
    forecast = estimate(Reader(known=True), TextProbe("one two three four"), budget=64, trial=0, store=None)
    projected = forecast.project(1e9, throughput=100.0)
    # all 16 subsets of four words, and one token more for each: 16 · 1 + 16 · 2
    assert (projected.questions, projected.tokens, projected.tokens_per_question) == (16, 48, 3.0)
    assert projected.seconds == pytest.approx(0.48)


def test_questions_asked_twice_have_tokens_as_well() -> None:
    reader, probe = Reader(known=False), TextProbe("one two three four")
    forecast = estimate(reader, probe, budget=64, trial=0, store=None)
    assert forecast.questions > 16
    assert forecast.project(throughput=1.0).tokens_per_question == pytest.approx(3.0, rel=0.02)


class Server(Reader):
    """A model that counts tokens once they are paid."""

    size_unit = "rows"
    used = 0

    def __call__(self, inputs: Any) -> list[float]:
        time.sleep(0.01 * len(inputs))
        self.used += 7 * len(inputs)
        return super().__call__(inputs)


def test_time_is_forecast_of_a_model_that_does_not_say_how_long_its_inputs_are() -> None:
    forecast = estimate(Server(known=True), TextProbe("one two three four"), budget=64, trial=2, store=None)
    assert forecast.questions - forecast.known == 14 and forecast.seconds is not None
    assert forecast.seconds >= 0.01 * 14


def test_time_of_a_server_is_forecast_for_requests_one_after_another_and_at_a_time() -> None:
    forecast = Forecast(questions=65, known=1, calls=64, tokens=0, seconds=32.0, at_once=16)
    assert "about 32 s one after another, 2 s if 16 at a time are as fast as one" in str(forecast)
    server = Server(known=True)
    server.at_once = 8
    assert estimate(server, TextProbe("one two three four"), budget=64, trial=2, store=None).at_once == 8
