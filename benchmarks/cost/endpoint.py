"""How much of what a server sustains an Endpoint gets out of it, and what 100 questions to a real one take.

The server answers after a fixed time, a fixed number of requests at once; the rest wait. What it sustains is measured
by a plain load loop over as many connections of its own (no client library, no parsing). Then the same questions go
through ``ask``: the openai client, the design in parts, every answer written to the store before the next.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.run.record import Skipped, show
from probes import Custom, Design, Endpoint, Store, TextProbe, ask, cube

__all__ = ["report", "run", "serve"]

IN_FLIGHT = 16
#: seconds that an answer takes
SERVICE = (1.0, 0.2)
TARGET = 0.9
_REPLY = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x x x"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
}
TEXT = " ".join(f"word{i}" for i in range(12))


async def _serve(port: int, service: float, parallel: int) -> None:
    """Answer every request after `service` seconds, `parallel` at once."""
    slots = asyncio.Semaphore(parallel)
    data = json.dumps(_REPLY).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                lines = request.decode("latin-1").lower().split("\r\n")
                length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
                await reader.readexactly(length)
                async with slots:
                    await asyncio.sleep(service)
                writer.write(head + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def serve() -> None:
    """Entry point of the server's own process: seconds of service, requests at once."""
    asyncio.run(_serve(0, float(sys.argv[1]), int(sys.argv[2])))


async def _load(port: int, requests: int, connections: int) -> float:
    """Answers per second of a plain loop over connections."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": TEXT}], "max_tokens": 64}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    left = iter(range(requests))

    async def loop() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(head + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            size = next(int(x.split(b":")[1]) for x in answer.lower().split(b"\r\n") if x.startswith(b"content-length"))
            await reader.readexactly(size)
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(loop() for _ in range(connections)))
    return requests / (time.perf_counter() - start)


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Ratio of the rates, alternating, and seconds for 100 questions to ``transformers serve``."""
    questions, repeats = (128, 1) if quick else (1024, 2)
    rows = []
    for service in (0.2,) if quick else SERVICE:
        command = [sys.executable, "-c", "from benchmarks.cost.endpoint import serve; serve()"]
        command += [str(service), str(IN_FLIGHT)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True)
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            pairs = [(asyncio.run(_load(port, questions, IN_FLIGHT)), _asked(port, questions)) for _ in range(repeats)]
        finally:
            process.kill()
        server, ours = median(a for a, _ in pairs), median(b for _, b in pairs)
        ratio = median(b / a for a, b in pairs)
        measured = {"service_seconds": service, "server_per_second": server, "ask_per_second": ours, "ratio": ratio}
        rows.append({**measured, "ratios": [b / a for a, b in pairs]})
    return {
        "settings": {
            "questions": questions,
            "repeats": repeats,
            "in_flight": IN_FLIGHT,
            "server_at_once": IN_FLIGHT,
            "target_ratio": TARGET,
        },
        "throughput": rows,
        "real": _real(10 if quick else 100),
    }


def _asked(port: int, questions: int) -> float:
    """Answers per second of ``ask`` into a new store on disk."""
    lm = Endpoint(f"http://127.0.0.1:{port}/v1", "m", in_flight=IN_FLIGHT)
    model = lm.reading(Custom(lambda text: len(text.split()), "words", ("length",), "length"))
    design = Design(cube(12)[:questions], 0)
    lm.generate(TEXT, 1)  # imports the client, opens the first connection
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "answers.sqlite")
        start = time.perf_counter()
        answers = ask(model, TextProbe(TEXT), design, store, progress=False)
        seconds = time.perf_counter() - start
        store.close()
    assert not answers.missing.any(), (model.reason, lm.spent)
    lm.close()
    return questions / seconds


def _real(questions: int) -> dict[str, Any] | None:
    """Seconds that questions to SmolLM2 behind ``transformers serve`` take, eight tokens each."""
    try:
        from benchmarks.tasks.material import language_model_file
        from probes.models.huggingface.gguf_file import unpacked

        folder = unpacked(language_model_file(), "bfloat16")
    except Skipped as reason:
        print(f"transformers serve: skipped, {reason}")
        return None
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder), "--host", "127.0.0.1"]
    port = 8791
    process = subprocess.Popen(
        [*command, "--port", str(port), "--dtype", "bfloat16"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        lm = Endpoint(f"http://127.0.0.1:{port}/v1", str(folder), in_flight=IN_FLIGHT, reply_tokens=8, timeout=300)
        _wait(port, process)
        lm.generate(TEXT, 1)
        start = time.perf_counter()
        design = Design(cube(12)[::-1][:questions], 0)
        answers = ask(lm.scoring("word", TEXT), TextProbe(TEXT), design, Store(), progress=False)
        return {
            "questions": questions,
            "reply_tokens": 8,
            "seconds": time.perf_counter() - start,
            "unanswered": int(answers.missing.sum()),
            "tokens": lm.spent.tokens,
        }
    finally:
        process.kill()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    import urllib.request

    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.3)
    raise Skipped("transformers serve did not start")


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    settings = result["settings"]
    show(
        f"{settings['questions']} questions, {settings['in_flight']} in flight, as many served at once, "
        f"median of {settings['repeats']} (target ratio {settings['target_ratio']})",
        [{k: v for k, v in row.items() if k != "ratios"} for row in result["throughput"]],
    )
    if (real := result["real"]) is not None:
        print(f"transformers serve: {real['questions']} questions in {real['seconds']:.1f} s")
