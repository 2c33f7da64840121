"""Endpoint against a real server on loopback: what is sent, what is waited for, what is missing."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from probes import (
    Endpoint,
    InputError,
    ModelError,
    Store,
    TextProbe,
    ask,
    complete,
)
from surrogates import explain
from tests.helpers.fake_server import KEY, TEXT, chat, count, design, prompt_of, put, truth
from tests.helpers.when_used import when_used

when_used("openai")


# exact: answers are counts of words


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
        (9.0, "no answer within 4 s"),
    ],
    ids=["500", "html", "list", "time-out"],
)
def test_failures_are_tried_again_then_missing_and_never_kept(serve, answer, words):
    bad = "gamma"
    healed = threading.Event()
    server = serve(lambda n, body: answer if bad not in prompt_of(body) and not healed.is_set() else None)
    # on a busy machine a good answer takes its time as well
    lm = Endpoint(server.url, "m", retries=1, timeout=4.0 if isinstance(answer, float) else 60.0, in_flight=8)
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
    ("reply", "words"),
    [
        (chat("", finish_reason="content_filter"), "content filter"),
        (chat(None, message={"role": "assistant", "content": None, "refusal": "I cannot help."}), "I cannot help"),
        ({"choices": []}, "no choice"),
        (chat(None), "no text"),
        ((400, {}, {"error": {"message": "context too long"}}), "context too long"),
    ],
    ids=["filter", "refusal", "nothing", "no text", "400"],
)
def test_refusals_are_missing_without_another_try(serve, reply, words):
    server = serve(lambda n, body: reply if "gamma" not in prompt_of(body) else None)
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

    ex = explain(Endpoint(serve(reply=noisy).url, "m").reading(count), TEXT, budget=120, store=None)
    assert "ceiling" in str(ex).lower() or "noise" in str(ex).lower()
    quiet = explain(Endpoint(serve().url, "m").reading(count), TEXT, budget=80, store=None)
    assert quiet.fidelity.r2[0] > ex.fidelity.r2[0]


FORMS = {
    "mappings": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one two"}],
    "parts": [("system", "be brief"), {"role": "user", "content": [{"type": "text", "text": "one two"}]}],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_chat_is_sent_and_kept_alike_in_every_form(serve, form, api):
    pairs = (("system", "be brief"), ("user", "one two"))
    server = serve()
    lm = Endpoint(server.url, "m", api=api, scores=len)
    model = lm.scoring("", pairs)
    for prompt in (FORMS[form], pairs):
        lm.generate(prompt, 5)
        model([prompt])
    first, _, second, _ = server.seen
    assert first == second
    sent = first["messages"][1]["content"] if api == "chat" else first["prompt"].splitlines()[-1]
    assert sent == "one two"
    assert model.digests([FORMS[form]]) == model.digests([pairs])
    assert lm.generation(FORMS[form], 5) == lm.generation(pairs, 5)


def test_an_image_in_a_chat_is_refused_before_anything_is_sent(serve):
    server = serve()
    with pytest.raises(InputError, match="no image_url"):
        Endpoint(server.url, "m").generate([{"role": "user", "content": [{"type": "image_url"}]}], 5)
    assert not server.seen
