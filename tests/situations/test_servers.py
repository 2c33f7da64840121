"""Situations of docs/situations.md: models behind a server."""

from __future__ import annotations

import math

import numpy as np
import pytest

from probes import Contains, Endpoint, FirstToken, ModelError, SpendCapError, Store, TextProbe, UnavailableError
from surrogates import explain
from tests.helpers.effects import effects
from tests.helpers.fake_server import chat, completions, prompt_of, true_logprob
from tests.helpers.when_used import when_used

when_used("openai")


TEXT = "alpha beta gamma delta"
#: the first word always stays: servers send no log-probability for a token that nothing stands before
WORDS = [(6, 10), (11, 16), (17, 22)]


@pytest.fixture(autouse=True)
def _key(key):
    """Sets a key."""


def yes_or_no(body):
    """A chat that says Yes if beta is there."""
    return chat("Yes" if "beta" in prompt_of(body) else "No")


def test_a_rate_limit_is_waited_out(serve):
    limited = (429, {"retry-after": "0.05"}, {"error": {"message": "slow down"}})
    server = serve(lambda number, body: limited if number in (2, 3) else None, yes_or_no)
    lm = Endpoint(server.url, "m", scores=Contains("Yes"))
    ex = explain(lm, TextProbe(TEXT, answer="Yes"), store=None)
    assert effects(ex)["beta"] == pytest.approx(1.0)
    assert lm.spent.retries == 2
    assert server.times[-1] - server.times[2] >= 0.05


def test_what_was_answered_before_a_stop_is_not_asked_again(serve):
    server, store = serve(reply=yes_or_no), Store()
    with pytest.raises(SpendCapError):
        explain(
            Endpoint(server.url, "m", scores=Contains("Yes"), max_calls=6), TextProbe(TEXT, answer="Yes"), store=store
        )
    asked = len(server.seen)
    ex = explain(Endpoint(server.url, "m", scores=Contains("Yes")), TextProbe(TEXT, answer="Yes"), store=store)
    assert asked == 6
    assert ex.answers.cost.reused > 0
    undisturbed = serve(reply=yes_or_no)
    explain(Endpoint(undisturbed.url, "m", scores=Contains("Yes")), TextProbe(TEXT, answer="Yes"), store=None)
    assert len(server.seen) == len(undisturbed.seen)
    assert effects(ex)["beta"] == pytest.approx(1.0)


def test_a_chat_without_log_probabilities_is_explained_by_its_text(serve):
    server = serve(reply=lambda body: chat(f"you said {prompt_of(body)}"))
    ex = explain(Endpoint(server.url, "m"), TextProbe(TEXT), store=None)
    assert ex.target.unit == "F1 of words"
    assert min(effects(ex).values()) > 0


def test_a_chat_that_lists_its_first_token_has_log_odds(serve):
    def reply(body):
        likely = 0.9 if "beta" in prompt_of(body) else 0.2
        top = [{"token": t, "logprob": math.log(p)} for t, p in (("Yes", likely), ("No", 1 - likely))]
        return chat("Yes", logprobs={"content": [{**top[0], "top_logprobs": top}]})

    ex = explain(Endpoint(serve(reply=reply).url, "m").reading(FirstToken(("Yes", "No"))), TEXT, store=None)
    assert ex.target.unit == "log-odds"
    assert effects(ex)["beta"] == pytest.approx(math.log(9) - math.log(0.25), abs=1e-6)


def test_completions_give_the_log_probabilities_of_a_given_answer(serve):
    lm = Endpoint(serve(reply=completions("right")).url, "m", api="completions")
    ex = explain(lm, TextProbe(TEXT, spans=WORDS, answer=" epsilon zeta"), store=None)
    assert ex.target.unit == "nats"
    expected = [true_logprob(TEXT, " epsilon"), true_logprob(f"{TEXT} epsilon", " zeta")]
    np.testing.assert_allclose(ex.answers.y[0], expected)


@pytest.mark.parametrize("style", ["none", "rubbish"])
def test_a_server_without_a_true_echo_is_refused_not_scored_as_zero(serve, style):
    lm = Endpoint(serve(reply=completions(style)).url, "m", api="completions")
    with pytest.raises(ModelError, match="log-prob"):
        explain(lm, TextProbe(TEXT, spans=WORDS, answer=" epsilon zeta"), store=None)


def test_vllms_own_parameter_gives_them_too(serve):
    lm = Endpoint(serve(reply=completions("vllm")).url, "m", api="completions", scores="prompt_logprobs")
    ex = explain(lm, TextProbe(TEXT, spans=WORDS, answer=" epsilon zeta"), store=None)
    expected = [true_logprob(TEXT, " epsilon"), true_logprob(f"{TEXT} epsilon", " zeta")]
    np.testing.assert_allclose(ex.answers.y[0], expected)


def test_a_key_that_is_not_set_is_named(serve, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    server = serve(lambda number, body: (401, {}, {"error": {"message": "who are you?"}}))
    with pytest.raises(UnavailableError, match="No key was sent: OPENAI_API_KEY is not set"):
        explain(Endpoint(server.url, "m"), TextProbe(TEXT), store=None)
    assert len(server.seen) == 1
    keyless = Endpoint(serve(reply=yes_or_no).url, "m", scores=Contains("Yes"))
    assert effects(explain(keyless, TextProbe(TEXT, answer="Yes"), store=None))["beta"] == pytest.approx(1.0)
