"""Endpoint: redirects are refused calls, replies are read up to a limit, and masked keys are hidden."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest

from probes import Contains, Endpoint, ModelError, SpendCapError, Store, UnavailableError
from probes.models.servers.api_key import hidden, without_key
from tests.helpers.fake_server import KEY, chat, put
from tests.helpers.when_used import when_used

when_used("openai")


STATUSES = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("status", STATUSES)
def test_a_prompt_is_not_sent_on_to_another_host(serve, status):
    other = serve()
    first = serve(lambda n, body: (status, {"location": f"{other.url}/chat/completions"}, ""))
    store = Store()
    with pytest.raises(ModelError, match=f"HTTP {status}: a redirect to http://127.0.0.1:{other.server_address[1]},"):
        put(Endpoint(first.url, "m"), rows=1, store=store)
    assert (len(first.seen), len(other.seen), len(store)) == (1, 0, 0)


def test_redirects_do_not_pass_the_cap_on_calls(serve):
    server = serve(lambda n, body: (307, {"location": "/v1/chat/completions"}, "") if n else None)
    lm = Endpoint(server.url, "m", max_calls=6, in_flight=2)
    with pytest.raises(SpendCapError):
        put(lm)
    assert len(server.seen) == lm.spent.calls == 6 and lm.spent.retries == 0


@pytest.mark.parametrize("status", STATUSES)
def test_embeddings_are_not_redirected(serve, status):
    other = serve(reply=lambda body: {"data": [{"index": 0, "embedding": [1.0, 2.0]}]})
    first = serve(lambda n, body: (status, {"location": f"{other.url}/embeddings"}, ""))
    with pytest.raises(ModelError, match=f"HTTP {status}: a redirect"):
        Endpoint(first.url, "m").embed(["a"])
    assert (len(first.seen), len(other.seen)) == (1, 0)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (f"https://me:{KEY}@example.org/v1?token={KEY}", "https://example.org,"),
        ("https://me:pass-word@example.org:444/v1?token=pass-word#pass-word", "https://example.org:444,"),
        ("http://[::1", "an address that cannot be read"),
        (f"https://{KEY}.example.org/", "https://[key].example.org,"),
    ],
)
def test_the_target_of_a_redirect_is_named_without_credentials(serve, location, shown):
    server = serve(lambda n, body: (302, {"location": location}, f"<a href='{location}'>moved</a>"))
    with pytest.raises(ModelError) as caught:
        put(Endpoint(server.url, "m"))
    assert f"a redirect to {shown}" in str(caught.value)
    assert "pass-word" not in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize("status", [200, 500])
def test_a_small_reply_that_unpacks_to_400_mb_is_not_unpacked(serve, status):
    packer = zlib.compressobj(wbits=31)  # with the head of a gzip file
    head = packer.compress(json.dumps(chat("x")).encode()[:-1]) + packer.flush(zlib.Z_FULL_FLUSH)
    # after a full flush each MiB of spaces is packed into the same bytes
    bomb = head + 400 * (packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)) + packer.compress(b"}")
    assert len(bomb + packer.flush()) < 2**20
    server = serve(lambda n, body: (status, {"content-encoding": "gzip"}, bomb))
    lm = Endpoint(server.url, "m")
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match="the reply is longer than 16 MiB"):
            put(lm, rows=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 2**20 and len(server.seen) == 1


def test_a_long_plain_reply_is_no_answer_either(serve):
    server = serve(lambda n, body: json.dumps(chat("x")) + " " * (17 * 2**20))
    with pytest.raises(ModelError, match="the reply is longer than 16 MiB"):
        put(Endpoint(server.url, "m"), rows=1)


def test_a_packed_reply_is_read(serve):
    packed = gzip.compress(json.dumps(chat("It is Paris.")).encode())
    server = serve(lambda n, body: (200, {"content-encoding": "gzip"}, packed))
    assert Endpoint(server.url, "m").generate("a", 5) == "It is Paris."


SECRET = "sk-abQ7x19Kd02LmNw3yz"


@pytest.mark.parametrize(
    "shown",
    [
        "sk-ab…yz", "sk-ab***yz", "sk-ab*****************", "sk-abQ7x1...w3yz", "...Nw3yz", "****w3yz", "sk-abXXXXyz",
        "sk-ab[...]yz", "sk-ab<redacted>yz", "sk-ab••••yz", r"sk-ab\u2022\u2022yz", r"sk-ab\u2026yz",
        "sk-ab--------3yz", "sk-ab&hellip;yz", "sk-ab_____yz",
    ],
)  # fmt: skip
def test_a_key_that_is_echoed_partly_masked_is_hidden(serve, monkeypatch, shown):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    server = serve(lambda n, body: (401, {}, f"Incorrect API key provided: {shown}. Find yours at /keys"))
    with pytest.raises(UnavailableError) as caught:
        put(Endpoint(server.url, "m"))
    assert "provided: [key]. Find yours at /keys" in str(caught.value)


def test_a_masked_key_in_a_reply_reaches_no_store(serve, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    lm = Endpoint(serve(lambda n, body: chat("Your key is sk-ab***yz.")).url, "m")
    assert lm.generate("a", 5) == "Your key is [key]."
    assert lm.reading(Contains("[key]"))(["a"])[0, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    ["Ask... and wait", "2 ** 3", "a sk… of y", "the to***en", "...", "wait…", "x..yz", "ask-***", "***", "a…b…c"],
)
def test_words_beside_dots_and_stars_stay(text):
    assert hidden(text, SECRET) == text


def test_words_of_an_answer_that_begin_a_key_stay():
    assert without_key("the token… is token-…", "token-abc123") == "the token… is token-…"
