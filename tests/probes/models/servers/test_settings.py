"""Settings of a server: what is part of the identity, and what each value refuses."""

from __future__ import annotations

import pickle

import pytest

from probes import InputError
from probes.models.servers.messages import Arrival
from probes.models.servers.server import Server
from probes.models.servers.settings import Address, Limits, Sampling
from probes.models.servers.spent import Spent
from probes.outputs.reply import Unread

URL = "http://127.0.0.1:8000/v1"


def server(**sampling) -> Server:
    return Server(Address(URL, "m"), "chat", Sampling(**sampling), Limits())


def test_an_identity_holds_the_sampling_and_no_limit():
    assert server().identity() == Server(Address(f"{URL}/", "m"), "chat", Sampling(), Limits(in_flight=3)).identity()
    for sampling in ({"temperature": 0.5}, {"seed": 1}, {"parameters": {"top_p": 0.5}}):
        assert server(**sampling).identity() != server().identity()


def test_a_temperature_stays_as_it_was_written_in_the_identity():
    assert server(temperature=0).identity() != server(temperature=0.0).identity()
    assert type(server(temperature=0).sampling.temperature) is int


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Limits(in_flight=0), "in_flight must be a positive integer; got 0"),
        (lambda: Limits(retries=-1), "retries must be a non-negative integer; got -1"),
        (lambda: Limits(max_calls=True), "max_calls must be a positive integer; got True"),
        (lambda: Limits(timeout=float("inf")), "timeout must be a positive number; got inf"),
        (lambda: Sampling(temperature=-0.1), "temperature must be a non-negative number; got -0.1"),
        (lambda: Sampling(seed=1.5), "seed must be an integer; got 1.5"),
        (lambda: Sampling(parameters={"prompt": "x"}), "parameters must leave out what is set otherwise"),
        (
            lambda: Sampling(parameters={"logit_bias": {}}).check_unsteered(),
            "parameters must hold nothing that changes",
        ),
        (lambda: Address("ftp://h", "m"), "base_url must be a URL"),
    ],
)
def test_a_value_out_of_its_rule_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_request_holds_settings_and_leaves_out_what_is_none():
    body = server(seed=3, parameters={"max_tokens": None}).reply_request("hi", 5).body
    assert body["messages"] == [{"role": "user", "content": "hi"}]
    assert body["extra_body"] == {"temperature": 0.0, "seed": 3}  # exact: settings as they were given


def test_a_server_travels_without_its_connections():
    copy = pickle.loads(pickle.dumps(server(seed=3)))
    assert copy.identity() == server(seed=3).identity()


def test_an_arrival_without_json_says_why():
    assert Arrival({"a": 1}).content() == {"a": 1}
    with pytest.raises(Unread, match="HTTP 500"):
        Arrival(None, reason="HTTP 500").content()


def test_what_was_spent_sets_the_largest_request_aside_for_each_in_flight():
    spent = Spent(max_tokens=100)
    spent.count(30)
    assert spent.fits(1) and not spent.fits(2)
