"""Endpoint: on request, answers alone are compared with those of requests in flight together."""

from __future__ import annotations

import random
import time

import pytest

from probes import Endpoint, InputError, SpendCapError, Store, TextProbe
from surrogates import estimate, explain, explain_many
from tests.helpers.fake_server import TEXT, TEXTS, chat, count, prompt_of
from tests.helpers.when_used import when_used

when_used("openai")


SAID = "depend on what else is in a batch"


def crowded(server, body):
    """Reply with five words too many while another request is in flight."""
    time.sleep(0.02)
    return chat("x " * (len(prompt_of(body).split()) + 5 * (server.peak_now() > 1)))


@pytest.fixture
def batching(serve):
    """A server whose answers depend on what else is in flight."""
    server = serve(reply=lambda body: crowded(server, body))
    server.peak_now = lambda: server.now
    return server


def test_by_default_a_server_is_asked_nothing_besides(serve):
    server = serve()
    cost = explain(Endpoint(server.url, "m").reading(count), TextProbe(TEXT), budget=40, store=None).answers.cost
    assert cost.checks == 0 and len(server.seen) == cost.rows


def test_a_good_server_costs_four_calls_more_as_forecast_and_is_met_once(serve):
    server, store = serve(), Store()
    lm = Endpoint(server.url, "m", first_contact=True)
    expected = estimate(lm.reading(count), TextProbe(TEXT), budget=40, trial=0, store=store)
    assert not server.seen
    ex = explain(lm.reading(count), TextProbe(TEXT), budget=40, store=store)
    assert expected.checks == ex.answers.cost.checks == 4
    assert len(server.seen) == lm.spent.calls == expected.questions + 4
    assert not any(SAID in text for text in ex.warnings)
    other = explain(lm.reading(count), TextProbe(f"{TEXT} eta"), budget=40, store=store)
    assert other.answers.cost.checks == 0


def test_answers_that_depend_on_what_is_in_flight_are_asked_one_at_a_time_and_it_is_said(batching):
    lm = Endpoint(batching.url, "m", first_contact=True, in_flight=4)
    ex = explain(lm.reading(count), TextProbe(TEXT), budget=40, store=(store := Store()))
    assert [text for text in ex.warnings if SAID in text]
    assert ex.answers.y[0, 0] == pytest.approx(8) and ex.fidelity.r2[0] > 0.99
    assert ex.answers.y[:, 0] == pytest.approx(ex.answers.design.Z.sum(axis=1))
    batching.peak = 0
    plain = Endpoint(batching.url, "m", in_flight=4)  # what was seen is remembered
    later = explain_many(plain.reading(count), TEXTS[:2], budget=30, store=store)
    assert batching.peak == 1 and all(any(SAID in w for w in one.warnings) for one in later)


def test_the_check_counts_against_the_cap(serve):
    server = serve()
    lm = Endpoint(server.url, "m", first_contact=True, max_calls=6)
    with pytest.raises(SpendCapError, match="cap of 6 calls"):
        explain(lm.reading(count), TextProbe(TEXT), budget=40, store=(store := Store()))
    assert len(server.seen) == 6 and len(store) >= 4


def test_noise_and_lost_answers_are_no_dependence_on_a_batch(serve):
    rng = random.Random(0)
    for seed in range(5):
        noisy = serve(reply=lambda body: chat("x " * (len(prompt_of(body).split()) + rng.choice((0, 0, 3)))))
        ex = explain(
            Endpoint(noisy.url, f"m{seed}", first_contact=True).reading(count), TextProbe(TEXT), budget=24, store=None
        )
        assert not any(SAID in text for text in ex.warnings)
    lost = serve(lambda n, body: (400, {}, "too busy") if n in (5, 6) else None)
    ex = explain(Endpoint(lost.url, "m", first_contact=True).reading(count), TextProbe(TEXT), budget=24, store=None)
    assert not any(SAID in text for text in ex.warnings) and ex.answers.cost.checks == 4


def test_it_is_asked_for_by_true_or_false():
    with pytest.raises(InputError, match="first_contact must be True or False; got 'yes'"):
        Endpoint("http://127.0.0.1:9/v1", "m", first_contact="yes")
