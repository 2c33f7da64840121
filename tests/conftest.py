"""What tests of both packages share: servers on loopback and a key for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    """Starts servers that misbehave on request, and closes them after the test."""
    from tests.helpers.fake_server import Server

    made: list[Server] = []

    def start(behave: Any = None, reply: Any = None) -> Server:
        made.append(Server(behave, reply))
        return made[-1]

    yield start
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets a key that no server may find in what is shown."""
    from tests.helpers.fake_server import KEY

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
