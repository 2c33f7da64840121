"""Endpoint: caps on calls and tokens, and runs that are stopped and taken up again."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
from joblib import parallel_config

from probes import (
    Endpoint,
    ModelError,
    SpendCapError,
    Store,
    TextProbe,
    ask,
    distribute,
)
from surrogates import explain_many
from tests.helpers.fake_server import KEY, TEXT, TEXTS, count, design, prompt_of, put, truth, words
from tests.helpers.processes import Process
from tests.helpers.when_used import when_used

when_used("openai")


# exact: answers are counts of words


def test_the_cap_on_calls_is_exact_and_what_came_is_kept(serve):
    server = serve()
    store = Store()
    lm = Endpoint(server.url, "m", max_calls=20)
    with pytest.raises(SpendCapError, match="cap of 20 calls"):
        put(lm, 60, store)
    assert len(server.seen) == 20 == lm.spent.calls
    answers = put(Endpoint(server.url, "m", max_calls=200, in_flight=3, timeout=9), 60, store)
    np.testing.assert_array_equal(answers.y[:, 0], truth(60))
    assert len(server.seen) == 60 and answers.cost.reused == 20


@pytest.mark.parametrize("engine", ["loky", "threading"])
def test_workers_share_the_cap_and_the_requests_in_flight(serve, engine):
    server = serve(lambda n, body: 0.01)
    lm = Endpoint(server.url, "m", max_calls=100, in_flight=3)
    store = Store()
    with parallel_config(engine), pytest.raises(SpendCapError) as caught:
        explain_many(lm.reading(count), TEXTS, budget=40, store=store, n_jobs=2)
    assert len(server.seen) == 100 == lm.spent.calls and server.peak <= 3
    assert len(store) > 80 and caught.value.finished.interrupted
    with parallel_config(engine):
        result = explain_many(Endpoint(server.url, "m").reading(count), TEXTS, budget=40, store=store, n_jobs=2)
    assert len(result) == len(TEXTS) and result.cost.tokens == 10 * result.cost.rows > 0


def test_an_endpoint_is_asked_here_whatever_the_workers(serve):
    server = serve()
    with distribute(Endpoint(server.url, "m", max_calls=99), 2) as workers:
        answers = ask(workers.scoring("x x", "a b"), TextProbe(TEXT), design(60), Store())
    assert len(answers.y) == 60 and workers.used == 10 * len(server.seen)


def test_at_the_cap_what_is_finished_is_handed_over(serve):
    texts = [f"{TEXT} {i}" for i in range(10)]
    lm = Endpoint(serve().url, "m", max_calls=200)
    with pytest.raises(SpendCapError) as caught:
        explain_many(lm.reading(count), texts, budget=40, store=Store())
    assert 4 <= len(caught.value.finished) < 10


def test_tokens_that_a_server_does_not_count_are_estimated(serve):
    for usage in (0, -50, None, "many"):
        server = serve(reply=lambda body, usage=usage: {**words(body), "usage": {"total_tokens": usage}})
        lm = Endpoint(server.url, "m", max_tokens=400)
        with pytest.raises(SpendCapError):
            put(lm, 200)
        assert 0 < lm.spent.tokens <= 400


def test_why_an_item_failed_is_told(serve):
    refusing = serve(lambda n, body: (400, {}, "too long: 4096 tokens at most") if "\n" in prompt_of(body) else None)
    result = explain_many(Endpoint(refusing.url, "m").reading(count), [TEXT, f"new\n{TEXT}"], budget=60, store=None)
    assert len(result) == 1 and "4096 tokens at most" in result.failures[0].error


def test_every_attempt_counts_against_the_cap(serve):
    server = serve(lambda n, body: (429, {"retry-after-ms": "1"}, "no") if n else None)
    lm = Endpoint(server.url, "m", max_calls=7, in_flight=2)
    with pytest.raises(SpendCapError):
        put(lm, 30)
    assert len(server.seen) == 7


def test_the_cap_on_tokens_is_not_passed(serve):
    server = serve(lambda n, body: 0.01)
    store = Store()
    lm = Endpoint(server.url, "m", max_tokens=205)
    with pytest.raises(SpendCapError, match="cap of 205 tokens"):
        put(lm, 60, store)
    assert lm.spent.tokens == 200 and len(server.seen) == 20
    put(Endpoint(server.url, "m"), 60, store)
    assert len(server.seen) == 60


def test_tokens_are_estimated_where_the_server_does_not_count(serve):
    def silent(body):
        return {"choices": words(body)["choices"]}

    lm = Endpoint(serve(reply=silent).url, "m")
    lm.generate("one two three", 5)
    assert 10 < lm.spent.tokens < 200


@pytest.mark.xdist_group("forks")
def test_a_run_stopped_by_ctrl_c_cancels_what_is_in_flight_and_resumes(serve, tmp_path):
    server = serve(lambda n, body: 0.1)
    path = tmp_path / "answers.sqlite"
    code = f"""
import signal
from probes import Custom, Design, Endpoint, Store, TextProbe, ask, cube
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job begins with Ctrl-C ignored
count = Custom(lambda text: len(text.split()), "words", ("length",), "length-v1")
lm = Endpoint({server.url!r}, "m", in_flight=4)
try:
    ask(lm.reading(count), TextProbe({TEXT!r}), Design(cube(8)[::-1][:80], 0), Store({str(path)!r}))
except KeyboardInterrupt as stop:
    print("stopped", type(stop).__name__, flush=True)
lm.close()
print("closed", flush=True)
"""
    child = Process(code)
    deadline = time.monotonic() + 60
    while len(server.seen) < 13 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert out.split() == ["stopped", "Interrupted", "closed"], err
    assert err == ""
    asked = len(server.seen)
    kept = len(Store(path))
    assert asked - 8 <= kept < asked < 40
    answers = put(Endpoint(server.url, "m"), 80, Store(path))
    np.testing.assert_array_equal(answers.y[:, 0], truth(80))
    assert len(server.seen) - asked == 80 - (kept if kept < 80 else 0) or answers.cost.reused in (kept, kept - 1)


def test_a_wrong_key_or_model_stops_at_once(serve):
    for status, said in ((401, "turns requests away"), (404, "turns requests away")):
        server = serve(lambda n, body, s=status: (s, {}, {"error": {"message": f"you sent {KEY}"}}))
        with pytest.raises(ModelError, match=said) as caught:
            put(Endpoint(server.url, "m"))
        assert len(server.seen) == 1 and KEY not in str(caught.value)


def test_an_exhausted_account_is_no_rate_limit(serve):
    server = serve(lambda n, body: (429, {}, {"error": {"message": "quota", "code": "insufficient_quota"}}))
    with pytest.raises(ModelError, match="quota"):
        put(Endpoint(server.url, "m"))
    assert len(server.seen) == 1


def test_a_server_that_asks_for_an_hour_is_not_waited_for(serve):
    server = serve(lambda n, body: (429, {"retry-after": "3600"}, "later"))
    with pytest.raises(ModelError, match="wait 3600 s"):
        put(Endpoint(server.url, "m"))


def test_nobody_there():
    with pytest.raises(ModelError, match="no connection"):
        put(Endpoint("http://127.0.0.1:9/v1", "m"))


def test_a_cap_ends_a_run_with_what_is_finished_and_a_higher_one_goes_on(serve, tmp_path, monkeypatch):
    import surrogates.many.settings as many

    monkeypatch.setattr(many, "WINDOW_OF_REMOTE", 40)  # an item at a time
    server, store, file = serve(), Store(tmp_path / "a.sqlite"), tmp_path / "all.jsonl"
    options = {"budget": 40, "store": store, "output": file}
    with pytest.raises(SpendCapError, match="cap of 100 calls") as caught:
        explain_many(Endpoint(server.url, "m", max_calls=100).reading(count), TEXTS, **options)
    assert caught.value.finished.labels == [0, 1] and caught.value.finished.interrupted
    assert f"2 items explained ({file}); answers so far are in the store" in caught.value.__notes__[0]
    paid, kept = len(server.seen), len(store)
    assert paid == 100
    complete = explain_many(Endpoint(server.url, "m").reading(count), TEXTS, **options)
    assert complete.labels == [0, 1, 2, 3, 4, 5] and not complete.failures
    asked = [prompt_of(body) for body in server.seen]
    assert kept > 60 and len(set(asked)) + 6 * 8 >= len(asked)  # nothing twice but what is repeated to see the noise
