"""Endpoint: the numbers that replies are turned into."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from probes import (
    Endpoint,
    FirstToken,
    ModelError,
    Similar,
    Store,
    TemplateProbe,
    TextProbe,
    ask,
    measure,
)
from surrogates import explain
from tests.helpers.fake_server import KEY, TEXT, chat, completions, count, design, prompt_of, words
from tests.helpers.when_used import when_used

when_used("openai")


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
    np.testing.assert_array_equal(answers.missing, design(12).Z[:, 2] == 0)  # exact: booleans
    assert "log-probabilities cannot be read" in model.reason
    lists = {"tokens": ["Yes"], "token_logprobs": ["x"], "top_logprobs": [None]}
    server = serve(lambda n, body: {"choices": [{"text": "Yes", "logprobs": lists}]})
    model = Endpoint(server.url, "m", api="completions").reading(FirstToken(("Yes", "No")))
    assert np.isnan(model(["a"])).all() and "'x' is no number" in model.reason


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_scalariser_without_a_number_is_told(serve, nothing):
    model = Endpoint(serve().url, "m").reading(lambda text: nothing if len(text.split()) < 8 else 1.0)
    answers = ask(model, TextProbe(TEXT), design(4), Store())
    np.testing.assert_array_equal(answers.missing, [False, True, True, True])  # exact: booleans
    assert model.reason.startswith("the scalariser gave no number for the text 'x x")
    with pytest.raises(ModelError, match="the scalariser gave no number"):
        ask(Endpoint(serve().url, "m").reading(lambda text: nothing), TextProbe(TEXT), design(4), Store())


@pytest.mark.parametrize(
    ("reply", "words"),
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
def test_texts_that_are_not_embedded_are_an_error_and_a_missing_similarity(serve, reply, words):
    lm = Endpoint(serve(lambda n, body: reply).url, "embedder")
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
    measured = measure(Endpoint(server.url, "m"), probe.cases, "exact_match", store=store)
    assert measured.unanswered == 1 and sorted(measured.frame["entity"]) == ["France", "Spain"]
    assert len(store) == 2 and measured.cost.calls == 3
    scored = Endpoint(serve(reply=completions("right")).url, "m", api="completions")
    assert measure(scored, probe.cases, "log_prob", store=Store()).frame["value"].lt(0).all()
