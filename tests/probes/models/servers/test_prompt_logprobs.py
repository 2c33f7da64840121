"""Log-probabilities of a given answer, from servers that count differently."""

from __future__ import annotations

import numpy as np
import pytest

from probes import (
    Endpoint,
    ModelError,
)
from surrogates import explain
from tests.helpers.fake_server import completions, token_texts, true_logprob
from tests.helpers.when_used import when_used

when_used("openai")


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
    assert got[:, 1].tolist() == [2, 1, 1]  # exact: counts of tokens
    if style != "vllm":
        assert got[:, 2].tolist() == [0, 0, 1]  # exact: counts of tokens


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
