"""Endpoint: the key is sent and shown nowhere; what names an endpoint and what cannot."""

from __future__ import annotations

import json
import logging
import math
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from probes import (
    Contains,
    Endpoint,
    Exact,
    FirstToken,
    InputError,
    ModelError,
    TextProbe,
    UnavailableError,
)
from surrogates import explain
from tests.helpers.fake_server import KEY, chat, count, prompt_of, put
from tests.helpers.when_used import when_used

when_used("openai")


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
