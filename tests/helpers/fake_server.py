"""A server on loopback that speaks OpenAI's protocol and misbehaves on request."""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from probes import (
    Custom,
    Design,
    Store,
    TextProbe,
    ask,
    cube,
)

KEY = "sk-test-0123456789-very-secret"
TEXT = "alpha beta gamma delta epsilon zeta eta theta"


class Server(ThreadingHTTPServer):
    """Speaks the protocol; `behave(number, body)` may return what to do instead of answering well.

    A number is slept first; a tuple is (status, headers, body); a dict, str or bytes is the body of a 200.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behave=None, reply=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave = behave or (lambda number, body: None)
        self.reply = reply or words
        self.lock = threading.Lock()
        self.seen, self.times, self.keys, self.now, self.peak, self.cut = [], [], [], 0, 0, 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()  # seconds to its end

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        with self.lock:
            self.cut += 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with server.lock:
            server.seen.append(body)
            server.times.append(time.monotonic())
            server.keys.append(self.headers.get("authorization"))
            number = len(server.seen) - 1
            server.now += 1
            server.peak = max(server.peak, server.now)
        try:
            status, headers, sent = 200, {}, server.behave(number, body)
            if isinstance(sent, float):
                time.sleep(sent)
                sent = None
            if isinstance(sent, tuple):
                status, headers, sent = sent
            sent = server.reply(body) if sent is None else sent
            data = sent if isinstance(sent, bytes) else (sent if isinstance(sent, str) else json.dumps(sent)).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        finally:
            with server.lock:
                server.now -= 1

    def log_message(self, *args):
        pass


def chat(text, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}
    return {"object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 10}}


def prompt_of(body):
    return body["messages"][-1]["content"] if "messages" in body else body["prompt"]


def words(body):
    """The truth: as many x as words of the prompt."""
    return chat("x " * len(prompt_of(body).split()))


count = Custom(lambda text: len(text.split()), "words", ("length",), "length-v1")


def design(rows):
    return Design(cube(8)[::-1][:rows], 0)


def put(endpoint, rows=24, store=None, scores=count):
    return ask(endpoint.reading(scores), TextProbe(TEXT), design(rows), Store() if store is None else store)


def truth(rows=24):
    return design(rows).Z.sum(axis=1)


# --- many inputs, and a server that goes away

TEXTS = [f"{TEXT} {word}" for word in ("one", "two", "three", "four", "five", "six")]


def token_texts(text):
    return re.findall(r" ?\S+|\s", text)


def true_logprob(before, token):
    """A made-up language model: depends on everything before and on the token."""
    return -0.3 - (sum(map(ord, before)) * 31 + sum(map(ord, token)) * 17) % 97 / 20


def completions(style):
    """A server of completions: echo right; displaced by one; llama.cpp's way; vLLM's own parameter."""

    def reply(body):
        prompt = body["prompt"]
        if "grammar" in body:
            wrote = token_texts(json.loads(body["grammar"].removeprefix("root ::= ")))
        else:
            wrote = [" so", " it", " goes", " on", " and", " on"][: body["max_tokens"]]
        given = token_texts(prompt) if body.get("echo") else []
        tokens = [*given, *wrote]
        starts = ["".join(tokens[:i]) if given else prompt + "".join(tokens[:i]) for i in range(len(tokens))]
        values = [true_logprob(b, t) for b, t in zip(starts, tokens, strict=True)]
        tops = [{t: v, "?": v + (0.0 if "so" in t else 0.1)} for t, v in zip(tokens, values, strict=True)]
        if given and style == "displaced":
            values, tops = [*values[1:], -1.0], [*tops[1:], {}]
        if given and style == "llama":
            right = values
            values = [true_logprob(b + t, t) for b, t in zip(starts, tokens, strict=True)][:-1]
            tops = [{t: v, n: r} for t, v, n, r in zip(tokens, values, tokens[1:], right[1:], strict=False)]
            tokens = tokens[:-1]
        if given and style == "rubbish":
            values = [v - 3 for v in values]
        if given:
            values[0] = None
        choice = {"text": "".join(tokens), "finish_reason": "length"}
        if style != "none" and body.get("logprobs"):
            choice["logprobs"] = {"tokens": tokens, "token_logprobs": values, "top_logprobs": tops}
        if "prompt_logprobs" in body and style == "vllm":
            all_ = token_texts(prompt)
            where = ["".join(all_[:i]) for i in range(len(all_))]
            logprobs = [
                {str(i): {"logprob": true_logprob(b, t), "rank": 1 + i % 2, "decoded_token": t}}
                for i, (b, t) in enumerate(zip(where, all_, strict=True))
            ]
            choice["prompt_logprobs"] = [None, *logprobs[1:]]
        return {"choices": [choice], "usage": {"total_tokens": 10}}

    return reply
