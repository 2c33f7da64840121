"""Endpoint: servers that turn everything away, die midway or fail on some questions."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from probes import (
    Endpoint,
    Store,
    UnavailableError,
)
from surrogates import check, explain, explain_many
from tests.helpers.checkout import ROOT
from tests.helpers.fake_server import KEY, TEXT, TEXTS, chat, count, prompt_of, put, truth
from tests.helpers.when_used import when_used

when_used("openai")


# exact: answers are counts of words


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


def test_an_address_without_its_version_is_told_to_have_one(serve):
    server = serve(lambda n, _: (404, {}, {"detail": "Not Found"}))
    with pytest.raises(UnavailableError, match="has no /chat/completions: base_url mostly ends in /v1"):
        explain(Endpoint(server.url.removesuffix("/v1"), "m").reading(count), TEXTS[0], budget=40, store=None)


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


DYING = """
import os, time
from tests.helpers.fake_server import Server
server = Server(lambda number, body: os._exit(1) if number == 30 else None)
print(server.url, flush=True)
time.sleep(100)
"""


def test_a_server_that_dies_midway_ends_the_run_once_it_stayed_away():
    command = [sys.executable, "-c", DYING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
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
    result = explain_many(Endpoint(server.url, "m", retries=0).reading(count), TEXTS, budget=60, store=None)
    assert {0, 1, 3, 4, 5} <= set(result.labels)


def test_an_item_whose_instance_is_refused_costs_one_question(serve):
    # after a group has failed its items are asked alone; what was refused is not built upon
    server = serve(lambda n, body: chat("", finish_reason="content_filter") if prompt_of(body) == TEXTS[0] else None)
    result = explain_many(Endpoint(server.url, "m").reading(count), TEXTS[:2], budget=40, store=None)
    assert result.labels == [1] and "did not answer the instance itself" in result.failures[0].error
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
    assert all("turns requests away" in finding.sentence for finding in checked.checks)
    assert len(server.seen) == before + 1


def test_the_command_shows_what_is_finished_when_a_run_ends_early(serve, monkeypatch, capsys):
    import surrogates.many.settings as many
    from surrogates.cli.main import main

    monkeypatch.setattr(many, "WINDOW_OF_REMOTE", 20)  # an item at a time
    Path("t.txt").write_text("\n".join(TEXTS))
    server = serve(lambda n, body: (401, {}, "expired") if n >= 60 else None)
    arguments = ["explain-many", "t.txt", "-m", f"endpoint:m@{server.url}", "--budget", "40", "--json", "all.jsonl"]
    monkeypatch.setattr(sys, "argv", ["iomap", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    shown = capsys.readouterr()
    assert left.value.code == 1 and "1 explanation, interrupted before the rest" in shown.out
    assert (
        "turns requests away: HTTP 401: expired. 1 item explained (all.jsonl); answers so far are in the" in shown.err
    )


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
