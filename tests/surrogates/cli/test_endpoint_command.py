"""The command line with a model behind a server."""

from __future__ import annotations

import pytest

from tests.helpers.command import iomap
from tests.helpers.fake_server import KEY, chat, prompt_of
from tests.helpers.when_used import when_used

when_used("openai")


@pytest.mark.usefixtures("key")
def test_the_command_asks_a_server_and_repeats_no_secret(serve):
    server = serve(reply=lambda body: chat(" ".join(f"said-{w}" for w in prompt_of(body).split())))
    done = iomap("explain", "text", "alpha beta gamma delta", "-m", f"endpoint:org/m@{server.url}", "--store", "none")
    assert done.returncode == 0, done.stderr
    assert "Answer: “said-alpha" in done.stdout and server.seen[0]["model"] == "org/m"
    wrong = iomap("explain", "text", "alpha beta", "-m", f"endpoint:m@https://me:{KEY}@example.org/v1")
    assert wrong.returncode == 2 and "must not hold the key" in wrong.stderr
    assert KEY not in wrong.stderr + wrong.stdout + done.stderr + done.stdout


def test_a_server_without_an_address_is_said_to_lack_one():
    wrong = iomap("explain", "text", "alpha beta", "-m", "completions:m@localhost:8000")
    assert wrong.returncode == 2 and "completions:MODEL@URL" in wrong.stderr
