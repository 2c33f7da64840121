"""Endpoint against a real server on loopback that misbehaves on request: patience, caps, secrecy, what is kept."""

from __future__ import annotations

import json
import logging
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from joblib import parallel_config

pytest.importorskip("openai")

from probes import (
    Contains,
    Custom,
    Design,
    Endpoint,
    Exact,
    FirstToken,
    InputError,
    ModelError,
    Overlap,
    Similar,
    SpendCapError,
    Store,
    TemplateProbe,
    TextProbe,
    UnavailableError,
    ask,
    complete,
    cube,
    distribute,
    measure,
)
from surrogates import check, explain, explain_many

KEY = "sk-test-0123456789-very-secret"
TEXT = "alpha beta gamma delta epsilon zeta eta theta"


class Server(ThreadingHTTPServer):
    """Speaks the protocol; `behave(number, body)` may return what to do instead of answering well.

    A number is slept first; a tuple is (status, headers, body); a dict or str is the body of a 200.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behave=None, reply=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave = behave or (lambda number, body: None)
        self.reply = reply or words
        self.lock = threading.Lock()
        self.seen, self.times, self.keys, self.now, self.peak, self.cut = [], [], [], 0, 0, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        with self.lock:
            self.cut += 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with server.lock:
            server.seen.append(body)
            server.times.append(time.monotonic())
            server.keys.append(self.headers.get("authorization"))
            number = len(server.seen) - 1
            server.now += 1
            server.peak = max(server.peak, server.now)
        try:
            status, headers, told = 200, {}, server.behave(number, body)
            if isinstance(told, float):
                time.sleep(told)
                told = None
            if isinstance(told, tuple):
                status, headers, told = told
            told = server.reply(body) if told is None else told
            data = (told if isinstance(told, str) else json.dumps(told)).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        finally:
            with server.lock:
                server.now -= 1

    def log_message(self, *args):
        pass


def chat(text, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}
    return {"object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 10}}


def prompt_of(body):
    return body["messages"][-1]["content"] if "messages" in body else body["prompt"]


def words(body):
    """The truth: as many x as words of the prompt."""
    return chat("x " * len(prompt_of(body).split()))


@pytest.fixture
def serve():
    made = []

    def start(behave=None, reply=None):
        made.append(Server(behave, reply))
        return made[-1]

    yield start
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


count = Custom(lambda text: len(text.split()), "words", ("length",), "length-v1")


def design(rows):
    return Design(cube(8)[::-1][:rows], 0)


def put(endpoint, rows=24, store=None, scores=count):
    return ask(endpoint.reading(scores), TextProbe(TEXT), design(rows), Store() if store is None else store)


def truth(rows=24):
    return design(rows).Z.sum(axis=1)


# --- asking


def test_answers_are_right_and_no_more_than_in_flight_are_asked_at_a_time(serve):
    server = serve(lambda number, body: 0.2)
    lm = Endpoint(server.url, "m", in_flight=5)
    answers = put(lm, 40)
    np.testing.assert_array_equal(answers.y[:, 0], truth(40))
    assert server.peak == 5 and len(server.seen) == 40
    assert answers.unit == "words" and answers.outputs == ("length",)
    assert (answers.cost.calls, answers.cost.rows, answers.cost.tokens) == (40, 40, 400)
    assert (lm.spent.calls, lm.spent.tokens, lm.spent.retries) == (40, 400, 0)
    assert server.keys == [f"Bearer {KEY}"] * 40


def test_settings_reach_the_server_and_can_be_left_out(serve):
    server = serve()
    lm = Endpoint(
        server.url,
        "m",
        seed=7,
        temperature=0.5,
        parameters={"max_tokens": None, "max_completion_tokens": 9, "user": "u"},
    )
    lm.generate([("system", "Be brief."), ("user", "one two")], 5)
    assert server.seen[0] == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one two"}],
        "temperature": 0.5,
        "seed": 7,
        "max_completion_tokens": 9,
        "user": "u",
    }


def test_rate_limits_are_waited_out_by_every_request(serve):
    server = serve(
        lambda number, body: (429, {"retry-after": "0.6"}, {"error": {"message": "slow"}}) if number == 3 else 0.1
    )
    answers = put(Endpoint(server.url, "m", in_flight=4))
    np.testing.assert_array_equal(answers.y[:, 0], truth())
    assert len(server.seen) == 25
    later = [t - server.times[3] for t in server.times[4:]]
    # those on their way already may still arrive; nobody sets out before the time is up
    assert sum(gap < 0.6 for gap in later) <= 3
    assert len(later) == 21


def test_backoff_grows_and_differs(serve):
    server = serve(lambda number, body: (503, {}, "busy") if number < 3 else None)
    lm = Endpoint(server.url, "m")
    assert lm.generate("one two", 5) == "x x"
    gaps = np.diff(server.times)
    assert len(gaps) == 3 and lm.spent.calls == 4 and lm.spent.retries == 3
    for attempt, gap in enumerate(gaps):
        assert 0.25 * 2**attempt <= gap


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, {}, "broken"), "HTTP 500: broken"),
        ("<html>not JSON</html>", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        (2.5, "no answer within 1 s"),
    ],
    ids=["500", "html", "list", "time-out"],
)
def test_failures_are_tried_again_then_missing_and_never_kept(serve, answer, words):
    bad = "gamma"
    healed = threading.Event()
    server = serve(lambda n, body: answer if bad not in prompt_of(body) and not healed.is_set() else None)
    lm = Endpoint(server.url, "m", retries=1, timeout=1.0, in_flight=8)
    store = Store()
    model = lm.reading(count)
    answers = ask(model, TextProbe(TEXT), design(12), store)
    lost = design(12).Z[:, 2] == 0
    assert 0 < lost.sum() < 12
    np.testing.assert_array_equal(answers.missing, lost)
    np.testing.assert_array_equal(answers.y[~lost, 0], truth(12)[~lost])
    assert len(server.seen) == (~lost).sum() + 2 * lost.sum()
    assert words in model.reason and "2 attempts" in model.reason
    # a later run asks those again, and only those
    healed.set()
    before = len(server.seen)
    again = ask(lm.reading(count), TextProbe(TEXT), design(12), store)
    np.testing.assert_array_equal(again.y[:, 0], truth(12))
    assert len(server.seen) - before == lost.sum()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (chat("", finish_reason="content_filter"), "content filter"),
        (chat(None, message={"role": "assistant", "content": None, "refusal": "I cannot help."}), "I cannot help"),
        ({"choices": []}, "no choice"),
        (chat(None), "no text"),
        ((400, {}, {"error": {"message": "context too long"}}), "context too long"),
    ],
    ids=["filter", "refusal", "nothing", "no text", "400"],
)
def test_refusals_are_missing_without_another_try(serve, told, words):
    server = serve(lambda n, body: told if "gamma" not in prompt_of(body) else None)
    lm = Endpoint(server.url, "m")
    model = lm.reading(count)
    store = Store()
    answers = ask(model, TextProbe(TEXT), design(24), store)
    lost = design(24).Z[:, 2] == 0
    np.testing.assert_array_equal(answers.missing, lost)
    assert lm.spent.retries == 0 and words in model.reason
    kept = len(store)
    with pytest.raises(ModelError, match=words):
        complete(lm, "alpha", 5, store)
    assert len(store) == kept


def test_an_explanation_leaves_out_what_was_refused(serve):
    server = serve(lambda n, body: chat("", finish_reason="content_filter") if n % 9 == 4 else None)
    ex = explain(Endpoint(server.url, "m").reading(count), TEXT, budget=120, store=None)
    assert ex.fidelity.r2[0] > 0.99
    np.testing.assert_allclose(ex.attributions["attribution"], 1.0, atol=0.05)


def test_noise_is_measured_and_shown_as_the_ceiling(serve):
    rng, lock = np.random.default_rng(0), threading.Lock()

    def noisy(body):
        with lock:
            return chat("x " * (len(prompt_of(body).split()) + int(rng.integers(0, 6))))

    ex = explain(Endpoint(serve(reply=noisy).url, "m").reading(count), TEXT, budget=200, store=None)
    assert "ceiling" in str(ex).lower() or "noise" in str(ex).lower()
    quiet = explain(Endpoint(serve().url, "m").reading(count), TEXT, budget=120, store=None)
    assert quiet.fidelity.r2[0] > ex.fidelity.r2[0]


# --- caps, stops, resuming


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
        found = explain_many(Endpoint(server.url, "m").reading(count), TEXTS, budget=40, store=store, n_jobs=2)
    assert len(found) == len(TEXTS) and found.cost.tokens == 10 * found.cost.rows > 0


def test_an_endpoint_is_asked_here_whatever_the_workers(serve):
    server = serve()
    with distribute(Endpoint(server.url, "m", max_calls=99), 2) as workers:
        answers = ask(workers.scoring("x x", "a b"), TextProbe(TEXT), design(60), Store())
    assert len(answers.y) == 60 and workers.used == 10 * len(server.seen)


def test_at_the_cap_what_is_finished_is_handed_over(serve):
    texts = [f"{TEXT} {i}" for i in range(10)]
    lm = Endpoint(serve().url, "m", max_calls=400)
    with pytest.raises(SpendCapError) as caught:
        explain_many(lm.reading(count), texts, budget=80, store=Store())
    assert 4 <= len(caught.value.finished) < 10


def test_tokens_that_a_server_does_not_count_are_estimated(serve):
    for usage in (0, -50, None, "many"):
        server = serve(reply=lambda body, usage=usage: {**words(body), "usage": {"total_tokens": usage}})
        lm = Endpoint(server.url, "m", max_tokens=400)
        with pytest.raises(SpendCapError):
            put(lm, 200)
        assert 0 < lm.spent.tokens <= 400


def test_a_key_given_as_the_name_of_its_variable_is_not_shown(serve):
    server = serve(lambda n, body: (401, {}, "who are you"))
    with pytest.raises(InputError, match="key_variable must be the name") as caught:
        Endpoint(server.url, "m", key_variable=KEY)
    assert KEY not in str(caught.value)
    with pytest.raises(UnavailableError) as caught:
        put(Endpoint(server.url, "m", key_variable="abcdef0123456789"))
    assert "abcdef0123456789" not in str(caught.value)
    with pytest.raises(UnavailableError, match="MY_KEY is not set"):
        put(Endpoint(server.url, "m", key_variable="MY_KEY"))


def test_why_an_item_failed_is_told(serve):
    refusing = serve(lambda n, body: (400, {}, "too long: 4096 tokens at most") if "\n" in prompt_of(body) else None)
    found = explain_many(Endpoint(refusing.url, "m").reading(count), [TEXT, f"new\n{TEXT}"], budget=60, store=None)
    assert len(found) == 1 and "4096 tokens at most" in found.failures[0].error


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
    ask(lm.reading(count), TextProbe({TEXT!r}), Design(cube(8)[::-1][:200], 0), Store({str(path)!r}))
except KeyboardInterrupt as stop:
    print("stopped", type(stop).__name__, flush=True)
lm.close()
print("closed", flush=True)
"""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    deadline = time.monotonic() + 60
    while len(server.seen) < 13 and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert out.split() == [b"stopped", b"Interrupted", b"closed"], err.decode()
    assert err == b""
    asked = len(server.seen)
    kept = len(Store(path))
    assert asked - 8 <= kept < asked < 40
    answers = put(Endpoint(server.url, "m"), 200, Store(path))
    np.testing.assert_array_equal(answers.y[:, 0], truth(200))
    assert len(server.seen) - asked == 200 - (kept if kept < 200 else 0) or answers.cost.reused in (kept, kept - 1)


def test_a_wrong_key_or_model_stops_at_once(serve):
    for status, words in ((401, "turns requests away"), (404, "turns requests away")):
        server = serve(lambda n, body, s=status: (s, {}, {"error": {"message": f"you sent {KEY}"}}))
        with pytest.raises(ModelError, match=words) as caught:
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


# --- many inputs, and a server that goes away

TEXTS = [f"{TEXT} {word}" for word in ("one", "two", "three", "four", "five", "six")]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": "wrong key"}}),
        (403, "no"),
        (404, {"error": {"message": "no such model"}}),
        (400, {"error": {"message": "no such model", "code": "model_not_found"}}),
    ],
)
def test_what_concerns_every_item_ends_a_run_at_the_first_question(serve, status, body):
    server = serve(lambda n, _: (status, {}, body))
    with pytest.raises(UnavailableError, match="turns requests away") as caught:
        explain_many(Endpoint(server.url, "m").reading(count), TEXTS, budget=40, store=None)
    assert len(server.seen) == 1 and len(caught.value.finished) == 0


def test_nobody_there_is_found_out_once_and_not_for_every_item():
    lm = Endpoint("http://127.0.0.1:9/v1", "m")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        explain_many(lm.reading(count), TEXTS, budget=40, store=None)
    assert lm.spent.calls == 3


def test_a_server_that_fails_from_the_first_question_on_is_given_up(serve):
    server = serve(lambda n, body: (500, {}, "no memory"))
    with pytest.raises(UnavailableError, match="answers nothing: HTTP 500: no memory"):
        explain_many(Endpoint(server.url, "m", retries=0).reading(count), TEXTS, budget=40, store=None)
    assert len(server.seen) == 3


def test_a_cap_ends_a_run_with_what_is_finished_and_a_higher_one_goes_on(serve, tmp_path, monkeypatch):
    import surrogates.many.explain_many as many

    monkeypatch.setattr(many, "_WINDOW_OF_REMOTE", 40)  # an item at a time
    server, store, file = serve(), Store(tmp_path / "a.sqlite"), tmp_path / "all.jsonl"
    options = {"budget": 40, "store": store, "output": file}
    with pytest.raises(SpendCapError, match="cap of 100 calls") as caught:
        explain_many(Endpoint(server.url, "m", max_calls=100).reading(count), TEXTS, **options)
    assert caught.value.finished.labels == [0, 1] and caught.value.finished.interrupted
    assert f"2 items explained ({file}); answers so far are in the store" in caught.value.__notes__[0]
    paid, kept = len(server.seen), len(store)
    assert paid == 100
    whole = explain_many(Endpoint(server.url, "m").reading(count), TEXTS, **options)
    assert whole.labels == [0, 1, 2, 3, 4, 5] and not whole.failures
    asked = [prompt_of(body) for body in server.seen]
    assert kept > 60 and len(set(asked)) + 6 * 8 >= len(asked)  # nothing twice but what is repeated to see the noise


DYING = """
import os, runpy, sys, time
server = runpy.run_path(sys.argv[1])["Server"](lambda number, body: os._exit(1) if number == 30 else None)
print(server.url, flush=True)
time.sleep(100)
"""


def test_a_server_that_dies_midway_ends_the_run_once_it_stayed_away():
    command, root = [sys.executable, "-c", DYING, __file__], Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        store = Store()
        lm = Endpoint(process.stdout.readline().strip(), "m", retries=2, in_flight=4)
        with pytest.raises(UnavailableError, match=r"does not answer any more: no connection.*3 attempts.*run again"):
            explain_many(lm.reading(count), TEXTS, budget=40, store=store)
    assert process.returncode == 1
    assert lm.spent.calls <= 50 and len(store) >= 26


def test_a_gateway_whose_server_is_gone_is_given_up_after_some_questions(serve):
    server = serve(lambda n, body: (502, {}, "bad gateway") if n >= 50 else None)
    lm = Endpoint(server.url, "m", retries=0, in_flight=4)
    with pytest.raises(UnavailableError, match="does not answer any more: HTTP 502: bad gateway"):
        explain_many(lm.reading(count), TEXTS, budget=60, store=None)
    assert 50 + 16 <= len(server.seen) <= 50 + 16 + 2 * 4


def test_questions_that_a_server_fails_on_do_not_end_the_run(serve):
    server = serve(lambda n, body: (500, {}, "crashed") if "three" in prompt_of(body) else None)
    found = explain_many(Endpoint(server.url, "m", retries=0).reading(count), TEXTS, budget=60, store=None)
    assert {0, 1, 3, 4, 5} <= set(found.labels)


def test_an_item_whose_instance_is_refused_costs_one_question(serve):
    # after a group has failed its items are asked alone; what was refused is not built upon
    server = serve(lambda n, body: chat("", finish_reason="content_filter") if prompt_of(body) == TEXTS[0] else None)
    found = explain_many(Endpoint(server.url, "m").reading(count), TEXTS[:2], budget=40, store=None)
    assert found.labels == [1] and "did not answer the instance itself" in found.failures[0].error
    assert sum(prompt_of(body).endswith("one") for body in server.seen) == 1


def test_checks_of_a_server_that_is_gone_are_not_tried_one_by_one(serve):
    ended = threading.Event()
    server = serve(lambda n, body: (401, {}, "expired") if ended.is_set() else None)
    model = Endpoint(server.url, "m").reading(count)
    explanation = explain(model, TEXT, budget=60, store=None)
    ended.set()
    before = len(server.seen)
    checked = check(explanation, model, TEXT, ["fresh", "stability"], store=None)
    assert [finding.passed for finding in checked.checks] == [None, None]
    assert all("turns requests away" in finding.told for finding in checked.checks)
    assert len(server.seen) == before + 1


def test_the_command_shows_what_is_finished_when_a_run_ends_early(serve, monkeypatch, capsys):
    import surrogates.many.explain_many as many
    from surrogates.cli.main import main

    monkeypatch.setattr(many, "_WINDOW_OF_REMOTE", 20)  # an item at a time
    Path("t.txt").write_text("\n".join(TEXTS))
    server = serve(lambda n, body: (401, {}, "expired") if n >= 60 else None)
    arguments = ["explain-many", "t.txt", "-m", f"endpoint:m@{server.url}", "--budget", "40", "--json", "all.jsonl"]
    monkeypatch.setattr(sys, "argv", ["iomap", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    assert left.value.code == 1 and "1 explanations, interrupted before the rest" in told.out
    assert "turns requests away: HTTP 401: expired. 1 item explained (all.jsonl); answers so far are in the" in told.err


def test_it_works_inside_a_running_event_loop(serve):
    import asyncio

    lm = Endpoint(serve().url, "m")

    async def cell():
        return put(lm).y[:, 0]

    np.testing.assert_array_equal(asyncio.run(cell()), truth())


def test_closing_ends_the_thread_and_pickling_leaves_it_behind(serve):
    lm = Endpoint(serve().url, "m")
    lm.generate("one", 3)
    names = [t.name for t in threading.enumerate()]
    assert names.count("iomap-endpoint") >= 1
    data = pickle.dumps(lm)
    assert KEY.encode() not in data
    threads = {t for t in threading.enumerate() if t.name == "iomap-endpoint"}
    lm.close()
    assert any(not t.is_alive() for t in threads)
    assert pickle.loads(data).generate("one two", 3) == "x x" == lm.generate("one two", 3)


# --- identity and secrecy


def test_identity_holds_what_can_change_an_answer_and_nothing_else():
    def of(**options):
        return Endpoint(options.pop("url", "http://h/v1"), options.pop("model", "m"), **options).identity()

    same = [of(), of(in_flight=3), of(timeout=5), of(max_calls=4), of(url="http://h/v1/"), of(key_variable="X")]
    assert len(set(same)) == 1 and same[0].persistent
    others = [of(model="n"), of(url="http://g/v1"), of(temperature=1), of(seed=1), of(parameters={"top_p": 0.5})]
    others += [
        of(api="completions"),
        of(name="n"),
        of(parameters={"grammar": "a"}),
        of(parameters={"logit_bias": {"1": 2}}),
    ]
    others += [of(name="n", parameters={"logit_bias": {"1": 2}})]
    assert len({*same, *others}) == len(others) + 1
    assert of(name="n") == of(name="n", url="http://elsewhere/v1")
    lm = Endpoint("http://h/v1", "m")
    marks = {lm.reading(s).identity().id for s in (Contains("a"), Contains("b"), Exact("a"), count, FirstToken(("a",)))}
    assert len(marks) == 5
    assert lm.reading(count).identity().persistent and not lm.reading(len).identity().persistent


@pytest.mark.parametrize(
    "url", [f"http://me:{KEY}@h/v1", f"http://{KEY}@h/v1", f"http://h/v1?api_key={KEY}", f"http://h/{KEY}"]
)
def test_a_key_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(InputError) as caught:
        Endpoint(url, "m")
    assert KEY not in str(caught.value) and re.search("must (not hold|hold no)", str(caught.value))


def test_the_key_is_nowhere(serve, tmp_path, caplog):
    """The server repeats it in replies and in errors; it must reach no store, log, error, report or JSON."""
    caplog.set_level(logging.DEBUG)

    def leaking(n, body):
        if n % 7 == 3:
            return (500, {}, {"error": {"message": f"bad key {KEY}"}})
        return chat(f"{KEY} " * len(prompt_of(body).split()))

    server = serve(leaking)
    path = tmp_path / "kept.sqlite"
    lm = Endpoint(server.url, "m", retries=0)
    ex = explain(lm, TextProbe("alpha beta gamma delta epsilon"), store=path)
    page, saved = ex.report("page.html"), ex.to_json("saved.json")
    model = lm.reading(count)
    list(model.answers(["a"] * 8))
    texts = [str(ex), repr(ex.provenance), model.reason, repr(lm), repr(lm.__dict__), caplog.text, str(ex.answer)]
    texts += [Path(page).read_text(encoding="utf-8"), str(saved), Path("saved.json").read_text(encoding="utf-8")]
    assert "[key]" in ex.answer and "bad key [key]" in model.reason
    assert server.keys[0] == f"Bearer {KEY}"
    assert not [t[:80] for t in texts if KEY in t]
    files = list(tmp_path.rglob("*"))
    assert path in files
    assert not [f for f in files if f.is_file() and KEY.encode() in f.read_bytes()]


def test_the_traceback_of_an_error_holds_no_key(serve):
    import traceback

    server = serve(lambda n, body: (401, {}, f"wrong key {KEY}"))
    try:
        put(Endpoint(server.url, "m"))
    except ModelError as error:
        assert KEY not in "".join(traceback.format_exception(error))
        chain = error
        while chain is not None:
            assert KEY not in repr(vars(chain))
            chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    else:
        raise AssertionError


@pytest.mark.parametrize("secret", ["sk-verysecret-12345\n", '  sk-"very\\\\secret\\', "sk-/<&>'%-12345", "\\" * 9])
def test_an_odd_key_is_sent_stripped_and_hidden_however_it_is_escaped(serve, monkeypatch, secret):
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    key = secret.strip()
    unicode = "".join(f"\\u{ord(c):04X}" for c in key)
    forms = [key, repr(key), repr(key.encode()), json.dumps(key), json.dumps(json.dumps(key)), f'"{unicode}"']
    forms += [
        json.dumps({"error": {"message": f"you sent {key}"}}),
        quote(key, safe=""),
        json.dumps(key).replace("/", r"\/"),
    ]
    for form in forms:
        server = serve(lambda n, body, form=form: (401, {}, form))
        with pytest.raises(ModelError, match=re.escape("[key]")) as caught:
            put(Endpoint(server.url, "m"))
        assert key not in str(caught.value) and not any(f in str(caught.value) for f in forms)
        assert server.keys == [f"Bearer {key}"]
    escaped = json.dumps(chat("SAID")).replace("SAID", unicode)
    assert Endpoint(serve(lambda n, body: escaped).url, "m").generate("a", 5) == "[key]"
    assert (
        Endpoint(serve(lambda n, body: chat(f"It is {json.dumps(key)}.")).url, "m").generate("a", 5) == 'It is "[key]".'
    )
    with pytest.raises(InputError, match="not hold the key"):
        Endpoint(f"http://h/{quote(key, safe='')}", "m")


@pytest.mark.parametrize(
    "secret", ["sk-very secret-12345", "sk-very\nsecret-12345", "sk-v\u00e9rysecret", "sk-very\x7fsecret"]
)
def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(serve, monkeypatch, secret):
    server = serve()
    before = Endpoint(server.url, "m", key_variable="MY_KEY")
    monkeypatch.setenv("MY_KEY", secret)
    for attempt in (lambda: Endpoint(server.url, "m", key_variable="MY_KEY"), lambda: before.generate("a", 5)):
        with pytest.raises(InputError, match="MY_KEY") as caught:
            attempt()
        assert "very" not in str(caught.value) and "sk-" not in str(caught.value)
    assert not server.seen


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api": "chats"}, "api must be one of chat, completions"),
        ({"in_flight": 0}, "in_flight must"),
        ({"retries": -1}, "retries must"),
        ({"max_calls": 0}, "max_calls must"),
        ({"max_tokens": 1.5}, "max_tokens must"),
        ({"timeout": 0}, "timeout must"),
        ({"temperature": -1}, "temperature must"),
        ({"scores": "echo"}, 'come with api="completions"'),
        ({"scores": "echoes", "api": "completions"}, "scores must be one of echo"),
        ({"scores": 3}, "scores must be"),
        ({"name": " "}, "name must"),
        ({"timeout": "3"}, "timeout must"),
        ({"timeout": None}, "timeout must"),
        ({"timeout": math.inf}, "timeout must"),
        ({"temperature": "a"}, "temperature must"),
        ({"temperature": math.nan}, "temperature must"),
        ({"max_calls": True}, "max_calls must"),
        ({"retries": False}, "retries must"),
        ({"seed": "a"}, "seed must"),
        ({"seed": True}, "seed must"),
        ({"parameters": "x"}, "parameters must be a dict"),
        ({"parameters": {1: 2}}, "parameters must be a dict"),
        ({"parameters": {"model": "n"}}, "parameters must leave out what is set otherwise; got a value for 'model'"),
        ({"parameters": {"messages": None}}, "got a value for 'messages'"),
        ({"parameters": {"stream": True}}, "got a value for 'stream'"),
        ({"parameters": {"max_tokens": 3}}, "parameters must hold None for what is set otherwise"),
        ({"parameters": {"stop": object()}}, "parameters must hold what JSON can hold"),
        ({"parameters": {"top_p": math.nan}}, "parameters must hold what JSON can hold"),
        (
            {"api": "completions", "parameters": {"logit_bias": {"7": 5}}},
            "log-probabilities of an answer are read; got a value for 'logit_bias'",
        ),
        (
            {"api": "completions", "parameters": {"grammar": "root ::= a"}},
            "log-probabilities of an answer are read; got a value for 'grammar'",
        ),
        (
            {"api": "completions", "parameters": {"guided_regex": "a+"}},
            "log-probabilities of an answer are read; got a value for 'guided_regex'",
        ),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_sent(options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        Endpoint("http://127.0.0.1:9/v1", "m", **options)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://h/v1",
        "127.0.0.1:8000",
        "http://[::1/v1",
        "http://h:99999/v1",
        "http://h:x/v1",
        "http://h:0",
        "http://h\n",
    ],
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(InputError, match=r"^base_url must"):
        Endpoint(url, "m")
    with pytest.raises(InputError, match=r"^base_url must") as caught:
        Endpoint(f"http://me:pass-word@[::1/{url}", "m")
    assert "pass-word" not in str(caught.value)


# --- what numbers are made of


def test_the_default_for_text_is_the_overlap_with_the_models_own_answer(serve):
    server = serve(reply=lambda body: chat(" ".join(f"said-{w}" for w in prompt_of(body).split())))
    ex = explain(Endpoint(server.url, "m"), "alpha beta gamma delta", store=None)
    assert ex.answer == "said-alpha said-beta said-gamma said-delta"
    assert ex.target.outputs == ("overlap with the answer",) and ex.target.unit == "F1 of words"
    assert (ex.attributions["attribution"] > 0).all()


def test_similarity_by_the_servers_own_embeddings(serve):
    def reply(body):
        if "input" not in body:
            return words(body)
        data = [{"index": i, "embedding": [t.count("x"), 3.0]} for i, t in enumerate(body["input"])]
        return {"data": data[::-1], "usage": {"total_tokens": 4}}

    server = serve(reply=reply)
    encoder = Endpoint(server.url, "embedder")
    lm = Endpoint(server.url, "m", scores=Similar(encoder.embed))
    model = lm.scoring("x x x", TEXT)
    assert model.identity().persistent
    [[full], [less]] = model(["a b c", "a"])
    assert full == pytest.approx(1.0) and less == pytest.approx((3 + 9) / math.sqrt((1 + 9) * (9 + 9)))


def first_token(body):
    """Yes and No by the number of words, and a No that falls out of the list."""
    n = len(prompt_of(body).split())
    p = {"Yes": 0.1 * n, " no": 0.05, "Perhaps": 0.04}
    top = [{"token": k, "logprob": math.log(v)} for k, v in p.items() if v > 0.04 or k == "Perhaps"]
    token = {"token": "Yes", "logprob": top[0]["logprob"], "top_logprobs": top[: body["top_logprobs"]]}
    return chat("Yes", logprobs={"content": [token]})


def test_log_odds_of_the_first_token(serve):
    server = serve(reply=first_token)
    lm = Endpoint(server.url, "m")
    model = lm.reading(FirstToken(("Yes", "No")))
    got = model(["a b", "a b c d"])
    np.testing.assert_allclose(got[:, 0], np.log([0.2 / 0.05, 0.4 / 0.05]))
    np.testing.assert_allclose(got[:, 1], -got[:, 0])
    assert server.seen[0]["max_tokens"] == 1 and server.seen[0]["top_logprobs"] == 20
    # "No" is not listed: it can be no likelier than the least likely token that is
    [[bound, _]] = lm.reading(FirstToken(("Yes", "No"), top=1))(["a b"])
    assert bound == pytest.approx(np.log(0.2 / 0.2))
    assert np.isnan(lm.reading(FirstToken(("Maybe", "Never")))(["a b"])).all()
    ex = explain(lm.reading(FirstToken(("Yes", "No"))), "alpha beta gamma delta", store=None)
    assert ex.target.outputs == ("Yes",) and ex.target.unit == "log-odds"
    with pytest.raises(ModelError, match="no log-probabilities of generated tokens"):
        Endpoint(serve().url, "m").reading(FirstToken(("Yes", "No")))(["a"])


@pytest.mark.parametrize(
    "content",
    [
        [{"token": "Yes", "logprob": "x"}],
        [{"token": "Yes", "logprob": math.nan}],
        [{"token": "Yes", "logprob": -1, "top_logprobs": [{"token": "No"}]}],
        [{"token": "Yes", "logprob": -1, "top_logprobs": 3}],
        [{"token": 5, "logprob": -1}],
        ["Yes"],
    ],
)
def test_log_probs_that_are_no_numbers_are_missing(serve, content):
    def behave(n, body):
        return chat("Yes", logprobs={"content": content}) if "gamma" not in prompt_of(body) else None

    model = Endpoint(serve(behave, first_token).url, "m").reading(FirstToken(("Yes", "No")))
    answers = ask(model, TextProbe(TEXT), design(12), Store())
    np.testing.assert_array_equal(answers.missing, design(12).Z[:, 2] == 0)
    assert "log-probabilities cannot be read" in model.reason
    lists = {"tokens": ["Yes"], "token_logprobs": ["x"], "top_logprobs": [None]}
    server = serve(lambda n, body: {"choices": [{"text": "Yes", "logprobs": lists}]})
    model = Endpoint(server.url, "m", api="completions").reading(FirstToken(("Yes", "No")))
    assert np.isnan(model(["a"])).all() and "'x' is no number" in model.reason


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_scalariser_without_a_number_is_told(serve, nothing):
    model = Endpoint(serve().url, "m").reading(lambda text: nothing if len(text.split()) < 8 else 1.0)
    answers = ask(model, TextProbe(TEXT), design(4), Store())
    np.testing.assert_array_equal(answers.missing, [False, True, True, True])
    assert model.reason.startswith("the scalariser gave no number for the text 'x x")
    with pytest.raises(ModelError, match="the scalariser gave no number"):
        ask(Endpoint(serve().url, "m").reading(lambda text: nothing), TextProbe(TEXT), design(4), Store())


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((400, {}, "too long"), "HTTP 400: too long"),
        ({"error": "no such model"}, "no such model"),
        ({"data": [{"embedding": [1.0]}]}, r"2 vectors .* shape \(1, 1\) came"),
        ({"data": [{"embedding": [1.0, 2.0]}, {"embedding": [1.0]}]}, "sent no vectors"),
        ({"data": [{"embedding": [math.nan]}, {"embedding": [1.0]}]}, "finite"),
        ({"data": ["a", "b"]}, "sent no vectors"),
        ({"data": 3}, "sent no vectors"),
    ],
)
def test_texts_that_are_not_embedded_are_an_error_and_a_missing_similarity(serve, told, words):
    lm = Endpoint(serve(lambda n, body: told).url, "embedder")
    with pytest.raises(ModelError, match=words):
        lm.embed(["a", "b"])
    model = Endpoint(serve().url, "m").reading(Similar(lm.embed, "x"))
    assert np.isnan(model(["a b"])).all() and re.search(words, model.reason)


def test_a_request_that_cannot_be_made_tells_why_without_the_key(serve):
    server = serve()
    lm = Endpoint(server.url, "m", api="completions", template=lambda chat: type(KEY, (), {})())
    with pytest.raises(ModelError, match=r"could not be made: TypeError: .*\[key\]") as caught:
        lm.reading(count)([[("user", "a")], [("user", "b")]])
    assert "ExceptionGroup" not in str(caught.value) and KEY not in str(caught.value) and not server.seen
    lm = Endpoint(server.url, "m", api="completions", template=lambda chat: f"{KEY} \ud800")
    with pytest.raises(ModelError, match="could not be made: UnicodeEncodeError"):
        lm.generate([("user", "a")], 5)
    assert Endpoint(server.url, "m").generate("a", 5) == "x"


# --- log-probabilities of a given answer, from servers that count differently


def token_texts(text):
    return re.findall(r" ?\S+|\s", text)


def true_logprob(before, token):
    """A made-up language model: depends on everything before and on the token."""
    return -0.3 - (sum(map(ord, before)) * 31 + sum(map(ord, token)) * 17) % 97 / 20


def completions(style):
    """A server of completions: echo right; displaced by one; llama.cpp's way; vLLM's own parameter."""

    def reply(body):
        prompt = body["prompt"]
        if "grammar" in body:
            wrote = token_texts(json.loads(body["grammar"].removeprefix("root ::= ")))
        else:
            wrote = [" so", " it", " goes", " on", " and", " on"][: body["max_tokens"]]
        given = token_texts(prompt) if body.get("echo") else []
        tokens = [*given, *wrote]
        starts = ["".join(tokens[:i]) if given else prompt + "".join(tokens[:i]) for i in range(len(tokens))]
        values = [true_logprob(b, t) for b, t in zip(starts, tokens, strict=True)]
        tops = [{t: v, "?": v + (0.0 if "so" in t else 0.1)} for t, v in zip(tokens, values, strict=True)]
        if given and style == "displaced":
            values, tops = [*values[1:], -1.0], [*tops[1:], {}]
        if given and style == "llama":
            right = values
            values = [true_logprob(b + t, t) for b, t in zip(starts, tokens, strict=True)][:-1]
            tops = [{t: v, n: r} for t, v, n, r in zip(tokens, values, tokens[1:], right[1:], strict=False)]
            tokens = tokens[:-1]
        if given and style == "rubbish":
            values = [v - 3 for v in values]
        if given:
            values[0] = None
        choice = {"text": "".join(tokens), "finish_reason": "length"}
        if style != "none" and body.get("logprobs"):
            choice["logprobs"] = {"tokens": tokens, "token_logprobs": values, "top_logprobs": tops}
        if "prompt_logprobs" in body and style == "vllm":
            all_ = token_texts(prompt)
            where = ["".join(all_[:i]) for i in range(len(all_))]
            told = [
                {str(i): {"logprob": true_logprob(b, t), "rank": 1 + i % 2, "decoded_token": t}}
                for i, (b, t) in enumerate(zip(where, all_, strict=True))
            ]
            choice["prompt_logprobs"] = [None, *told[1:]]
        return {"choices": [choice], "usage": {"total_tokens": 10}}

    return reply


def expected(prompt, answer):
    values, before = [], prompt
    for token in token_texts(answer):
        values.append(true_logprob(before, token))
        before += token
    return values


@pytest.mark.parametrize(
    ("style", "scores"),
    [("right", "echo"), ("displaced", "echo"), ("llama", "echo"), ("vllm", "prompt_logprobs"), ("none-echo", "forced")],
)
def test_log_probs_of_an_answer_wherever_they_stand(serve, style, scores):
    lm = Endpoint(serve(reply=completions(style)).url, "m", api="completions", scores=scores)
    prompts = ["The hall was old.", "It rained.", "The museum opened in 1969, they say."]
    model = lm.scoring(" It opened in 1969.", prompts[0])
    np.testing.assert_allclose(model(prompts), [expected(p, " It opened in 1969.") for p in prompts])
    assert model.outputs == (" It", " opened", " in", " 1969.") and model.unit == "nats"
    pairs = lm.pairs()
    got = pairs([("It rained.", " It opened."), ("The hall", " was"), ((("user", "Hi."),), "so")])
    np.testing.assert_allclose(
        got[:, 0], [sum(expected("It rained.", " It opened.")), *expected("The hall", " was"), *expected("Hi.\n", "so")]
    )
    assert got[:, 1].tolist() == [2, 1, 1]
    if style != "vllm":
        assert got[:, 2].tolist() == [0, 0, 1]


@pytest.mark.parametrize(("style", "words"), [("rubbish", "agree with none"), ("none", "sends no log-probabilities")])
def test_log_probs_that_cannot_be_trusted_are_refused(serve, style, words):
    lm = Endpoint(serve(reply=completions(style)).url, "m", api="completions")
    with pytest.raises(ModelError, match=words):
        lm.scoring(" It opened.", "x")(["The hall was old."])


def test_an_answer_inside_a_token_is_missing(serve):
    lm = Endpoint(serve(reply=completions("right")).url, "m", api="completions")
    model = lm.scoring("ened in 1969.", "x")
    assert np.isnan(model(["The museum op"])).all() and "border" in model.reason


def test_explaining_an_answer_by_log_probs_and_a_template(serve):
    server = serve(reply=completions("right"))
    lm = Endpoint(server.url, "m", api="completions", template=lambda chat: "".join(f"<{r}> {c}\n" for r, c in chat))
    probe = {
        "context": "It rained. The museum opened in 1969. Entry is free.",
        "question": "When?",
        "answer": "It opened",
    }
    ex = explain(lm, probe, store=None)
    assert server.seen[0]["prompt"].startswith("<user> Context: It rained.")
    assert [o.strip() for o in ex.answers.outputs] == ["It", "opened"]
    assert len(ex.fidelity.r2) == 1


def test_cases_that_were_not_answered_are_left_out(serve):
    def behave(n, body):
        return chat("", finish_reason="content_filter") if "Italy" in prompt_of(body) else None

    cities = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid"}
    server = serve(behave, lambda body: chat("It is Paris."))
    probe = TemplateProbe(
        {"plain": "Capital of {land}?"},
        None,
        {k: {"land": k, "city": v} for k, v in cities.items()},
        target=" {city}",
        foils=1,
    )
    store = Store()
    told = measure(Endpoint(server.url, "m"), probe.cases, "exact_match", store=store)
    assert told.unanswered == 1 and sorted(told.frame["entity"]) == ["France", "Spain"]
    assert len(store) == 2 and told.cost.calls == 3
    scored = Endpoint(serve(reply=completions("right")).url, "m", api="completions")
    assert measure(scored, probe.cases, "log_prob", store=Store()).frame["value"].lt(0).all()


def test_overlap_exact_contains():
    from probes.outputs.reply import Reply

    def number(scalariser, text):
        [value] = scalariser.about("The museum opened in 1969.")(Reply(text))
        return value

    assert number(Overlap(), "the museum opened in 1969") == 1 and number(Overlap(), "nothing of this") == 0
    assert 0 < number(Overlap(), "It opened in 1969") < 1
    assert (
        number(Exact(), " The museum\nopened in 1969") == 1
        and number(Exact(case=True), "the museum opened in 1969.") == 0
    )
    assert number(Contains("1969"), "In 1969!") == 1 and number(Contains("1969"), "In 19690") == 0


def test_the_command_asks_a_server_and_repeats_no_secret(serve):
    server = serve(reply=lambda body: chat(" ".join(f"said-{w}" for w in prompt_of(body).split())))
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def iomap(*arguments):
        code = "from surrogates.cli.main import main; main()"
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=env)

    done = iomap("explain", "text", "alpha beta gamma delta", "-m", f"endpoint:org/m@{server.url}", "--store", "none")
    assert done.returncode == 0, done.stderr
    assert "Answer: said-alpha" in done.stdout and server.seen[0]["model"] == "org/m"
    wrong = iomap("explain", "text", "alpha beta", "-m", f"endpoint:m@https://me:{KEY}@example.org/v1")
    assert wrong.returncode == 2 and "must not hold the key" in wrong.stderr
    assert KEY not in wrong.stderr + wrong.stdout + done.stderr + done.stdout


def test_parts_are_whole_rounds_after_the_first_question():
    from probes.asking.batching import parts_of

    for n, at_once in ((1000, 16), (300, 5), (64, 16), (10, 3)):
        ends = parts_of(Design(np.zeros((n, 1)), 2), at_once)
        assert ends[0] == 0 and ends[-1] == n and sorted(set(ends)) == ends
        sizes = np.diff([1, *ends[1:-1]])
        assert (sizes % at_once == 0).all()
