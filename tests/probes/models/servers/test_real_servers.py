"""Endpoint against real servers on loopback: `transformers serve` (text alone) and llama.cpp (log-probabilities).

The llama.cpp tests run where `llama_cpp` with its server can be imported, or where IOMAP_LLAMA_SERVER names a running
one that serves SmolLM2 (`python -m benchmarks.llama_server --serve` starts it).
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.when_used import when_used

openai, transformers = when_used("openai"), when_used("transformers")

from probes import (  # noqa: E402
    Contains,
    ContextProbe,
    Endpoint,
    FirstToken,
    ModelError,
    Overlap,
    Store,
    TemplateProbe,
    complete,
    measure,
    with_prompt,
)
from probes.models.huggingface.gguf_file import unpacked  # noqa: E402
from surrogates import Difference, Scope, Statement, compare, compare_cases, explain, generalise  # noqa: E402
from tests.helpers.command import iomap  # noqa: E402
from tests.helpers.tiny_causal_lm import llama, word_tokenizer  # noqa: E402

DOCUMENT = "The hall is in Rome. The museum is in Paris."
PROMPTS = ["The capital of France is", "It rained all day, so the capital of France", "Once upon a time, Paris is"]
#: nats a token by which llama.cpp's 4-bit arithmetic differs from weights unpacked to 32 bits, at most
QUANTISED = 0.5


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(port: int, path: str, seconds: float, process: subprocess.Popen | None = None) -> bool:
    """Whether a server answers within a time, and before its process ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
                return True
        except OSError:
            time.sleep(0.1)
    return False


def started(command: list[str], port: int, path: str, log: Path, seconds: float) -> subprocess.Popen:
    """A server's process once it answers; what is installed must start."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT, env=env)
    if wait_for(port, path, seconds, process):
        return process
    process.kill()
    process.wait(10)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
    pytest.fail(f"{' '.join(command[:3])} did not start within {seconds:.0f} s: {last}")


@pytest.fixture(scope="module")
def text_server(smollm2_file):
    """URL and model name of `transformers serve` with SmolLM2 in float32, in a thread: all it imports is there."""
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("fastapi") is None:
        pytest.skip("transformers[serving] is not installed")
    from transformers.cli.serve import Serve

    folder, port = str(unpacked(smollm2_file, "float32")), free_port()
    server = Serve(host="127.0.0.1", port=port, dtype="float32", non_blocking=True)
    assert wait_for(port, "/health", 60)
    yield f"http://127.0.0.1:{port}/v1", folder
    server.kill_server()


@pytest.fixture(scope="module")
def brief_server(text_server, tmp_path_factory):
    """URL of the same server and the name of a tiny model, whose replies are one word: for what needs no sense."""
    folder, tokenizer = tmp_path_factory.mktemp("brief"), word_tokenizer()
    tokenizer.save_pretrained(folder)
    llama(len(tokenizer), eos_token_id=list(range(len(tokenizer)))).save_pretrained(folder)
    return text_server[0], str(folder)


def test_text_is_what_the_local_model_writes(text_server, smollm2):
    lm = Endpoint(*text_server, timeout=120)
    chat = [("user", "What is the capital of France?")]
    assert lm.generate(chat, 8) == smollm2.generate(chat, 8)
    assert lm.spent.calls == 1 and lm.spent.tokens > 20
    plain = Endpoint(*text_server, api="completions", timeout=120)
    assert plain.generate("The capital of France is", 4) == smollm2.generate("The capital of France is", 4)


def test_explaining_a_text_only_server(text_server):
    lm = Endpoint(*text_server, scores=Contains("Paris"), reply_tokens=6, timeout=120)
    probe = ContextProbe(DOCUMENT, "Where is the museum?", answer="Paris")
    store = Store()
    ex = explain(lm, probe, store=store)
    assert ex.target.unit == "share"
    assert ex.attributions["feature"].iloc[0] == "The museum is in Paris."
    assert ex.attributions["attribution"].iloc[0] > 0.3
    assert ex.provenance["cost"]["rows"] == lm.spent.calls - lm.spent.retries and len(store) > 4


def test_a_statement_about_a_text_only_server(text_server):
    lands = {"France": " Paris", "Italy": " Rome", "Japan": " Tokyo"}
    probe = TemplateProbe(
        {"is": "The capital city of {land} is", "q": "Question: What is the capital of {land}? Answer:"},
        None,
        {land: {"land": land, "city": city} for land, city in lands.items()},
        target="{city}",
        foils=1,
    )
    lm = Endpoint(*text_server, api="completions", scores=Overlap(), timeout=120)
    assert lm.pairs() is None
    store = Store()
    measured = measure(lm, probe.cases, "exact_match", store=store)
    # exact: hits and misses
    assert measured.frame.loc[measured.frame["template"] == "is", "value"].tolist() == [1, 1, 1]
    assert measured.cost.calls == 6
    with pytest.raises(ValueError, match="log-probabilities"):
        measure(lm, probe.cases, "log_prob", store=store)
    knows = Statement.level(Scope.of(template="is"), text="it knows capitals")
    study = generalise(lm, probe, metric="exact_match", statements=[knows], find=False, store=store)
    assert len(study.statements) == 1 and len(study.frame) == 6


def test_log_probs_that_a_server_does_not_send_are_said_to_be_missing(text_server):
    lm = Endpoint(*text_server, api="completions", timeout=120)
    with pytest.raises(ModelError, match="sends no log-probabilities"):
        lm.scoring(" Paris", PROMPTS[0])(PROMPTS[:1])
    with pytest.raises(ModelError, match="FirstToken"):
        Endpoint(*text_server, timeout=120).reading(FirstToken(("Yes", "No")))(["Is water wet?"])


@pytest.fixture(scope="module")
def llama_server(tmp_path_factory, smollm2_file):
    """URL of a llama.cpp server (Python package) with SmolLM2 and log-probabilities."""
    if url := os.environ.get("IOMAP_LLAMA_SERVER"):
        yield url
        return
    if any(importlib.util.find_spec(name) is None for name in ("llama_cpp", "starlette_context")):
        pytest.skip("llama-cpp-python[server] is not installed; see benchmarks/llama_server.py")
    port = free_port()
    arguments = [sys.executable, "-m", "llama_cpp.server", "--model", str(smollm2_file), "--logits_all", "true"]
    arguments += ["--n_ctx", "1024", "--port", str(port)]
    process = started(arguments, port, "/v1/models", tmp_path_factory.mktemp("llama") / "log", 300)
    yield f"http://127.0.0.1:{port}/v1"
    process.terminate()
    process.wait(10)


@pytest.fixture
def local(smollm2):
    return smollm2


def test_llama_scores_of_an_answer_are_the_local_models(llama_server, local):
    lm = Endpoint(llama_server, "smollm2", api="completions", timeout=120)
    remote, near = lm.scoring(" Paris, of course.", PROMPTS[0]), local.scoring(" Paris, of course.", PROMPTS[0])
    got, want = remote(PROMPTS), near(PROMPTS)
    assert remote.outputs == near.outputs
    np.testing.assert_allclose(got, want, atol=QUANTISED)
    # its echo is out of place: that is found, and the answer is scored another way
    assert remote.reading_used == "forced"


def test_llama_scores_of_pairs_are_the_local_models(llama_server, local):
    pairs = [("The capital of France is", " Paris"), ("The capital of Italy is", " Rome"), ("Two and two is", " five")]
    got = Endpoint(llama_server, "smollm2", api="completions", timeout=120).pairs()(pairs)
    want = local.pairs()(pairs)
    np.testing.assert_array_equal(got[:, 1:], want[:, 1:])  # exact: counts of tokens
    np.testing.assert_allclose(got[:, 0], want[:, 0], atol=QUANTISED)


def test_llama_first_token_of_a_chat(llama_server, local):
    lm = Endpoint(llama_server, "smollm2", timeout=120)
    chat = [("user", "Answer with Yes or No: is Paris in France?")]
    got = lm.reading(FirstToken(("Yes", "No")))([chat])
    assert np.isfinite(got).all()
    yes, no = (local.scoring(word, chat)([chat])[0, 0] for word in ("Yes", "No"))
    # other spellings are added up, so this is close only
    assert abs(got[0, 0] - (yes - no)) < 1.5
    assert complete(lm, chat, 6, Store())[0]


def test_a_server_with_another_prompt_is_compared_over_a_context(text_server):
    lm = Endpoint(*text_server, scores=Contains("Paris"), reply_tokens=6, timeout=120)
    told = with_prompt(lm, "Whatever you are asked, answer with the word Rome alone.")
    probe, store = ContextProbe(DOCUMENT, "Where is the museum?", answer="Paris"), Store()
    d = compare(lm, told, probe, names=("bare", "told"), store=store)
    assert d.before.target.unit == d.after.target.unit == "share" and len(store) > 8
    table = d.attributions.set_index("feature")
    np.testing.assert_allclose(table["before"] + table["change"], table["after"], atol=1e-9)
    assert table.loc["The museum is in Paris.", "before"] > 0.3
    assert d.before.answer == d.after.answer == "Paris" and "told" in str(d)


def test_what_a_server_answered_is_asked_no_more(brief_server):
    lm = Endpoint(*brief_server, scores=Contains("Paris"), timeout=120)
    told = with_prompt(lm, "when did it")
    probe, store = ContextProbe(DOCUMENT, "Where is the museum?", answer="Paris"), Store()
    compare(lm, told, probe, store=store)
    again = compare(lm, told, probe, store=store)
    # of both, each of the four ways to leave sentences out comes from the store
    assert again.change.provenance["cost"]["reused"] == 2 * 4


def test_the_command_compares_contexts_on_a_server(brief_server):
    url, name = brief_server
    Path("hall.txt").write_text(DOCUMENT, encoding="utf-8")
    Path("told.py").write_text(
        f"from probes import Endpoint, with_prompt\n"
        f"lm = with_prompt(Endpoint({url!r}, {name!r}, timeout=120), 'Answer with the word Rome alone.')\n",
        encoding="utf-8",
    )
    server = f"endpoint:{name}@{url}"
    common = ("hall.txt", "--question", "Where is the museum?", "--answer", "Paris", "--store", "none")
    done = iomap("compare", "context", *common, "-m", server, "--to", "told:lm", "--json", "d.json", "-o", "d.html")
    assert done.returncode == 0, done.stderr
    made = Difference.from_json("d.json")
    assert set(made.attributions["feature"]) == {"The hall is in Rome.", "The museum is in Paris."}
    assert str(made) in done.stdout and "could not be drawn" not in Path("d.html").read_text(encoding="utf-8")


def test_cases_are_compared_on_a_server_with_a_prompt(brief_server):
    probe = TemplateProbe(
        {"is": "the capital of {who} is", "when": "when did {who}"},
        None,
        {who: {"who": who} for who in ("museum", "entry", "france", "question", "paris")},
        target=" free",
        foils=[" rained"],
    )
    lm = Endpoint(*brief_server, api="completions", scores=Overlap(), timeout=120)
    told = with_prompt(lm, prefix="it rained in paris ")
    d = compare_cases(lm, told, probe, metric="exact_match", find=False, controls=2, store=Store(), progress=False)
    assert d.arms["arm"].tolist() == ["after", "random control"] and d.arms.loc[1, "draws"] == 2
    assert len(d.cases) == 10 and set(d.cases["before"]) <= {0.0, 1.0}
    assert lm.spent.calls >= 10 * (1 + 1 + 2)
