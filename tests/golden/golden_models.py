"""Models and probes of the golden files. Public names only, so that they outlive every move of the library's modules.

Weights are dyadic fractions: sums of them are exact on every machine, so that answers never differ in a last digit.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd

from probes import (
    Background,
    CallableModel,
    ContextProbe,
    Identity,
    LocalGaussian,
    MaskProbe,
    Model,
    TabularProbe,
    TemplateProbe,
    TextFunction,
    TextProbe,
    as_model,
)
from surrogates import Product, Surrogate

HERE = Path(__file__).parent
FOLDER = HERE / "1"
TEXT = "The plot is not very good, but the actors are great and I loved it!"
SHORT = "Not a bad film and the actors are great"
CONTEXT = "The museum opened in 1969. It rained. Entry is free. The capital of France is Paris."
#: texts of which two cannot be explained
BAD = ["Not bad at all", "x", "a bomb in here", "so dull and bad"]
#: texts of the file that was interrupted; Ctrl-C came after so many rows, in the second lot of questions
TEXTS = [
    "Not bad at all for them",
    "so dull and bad it hurt",
    "A great film that I loved",
    "I loved it all so much",
    "not great or good or bad",
    "very very dull and so long",
    "they loved not a bad line",
    "good bad dull great not very",
    "The film was great and dull",
    "Great cast and a bad plot",
]
PATIENCE = 240
WORTH = {"not": -0.5, "very": 0.25, "good,": 1.0, "great": 1.5, "loved": 2.0, "bad": -1.5, "dull": -1.0, "good": 1.0}


# --- functions


def additive(Z):
    return 2 * Z[:, 0] - Z[:, 3] + 0.5 * Z[:, 1]


def product(Z):
    return 2 * Z[:, 0] - Z[:, 3] + 1.5 * Z[:, 1] * Z[:, 2]


def conjunction(Z):
    return Z[:, 1] * Z[:, 4] + 0.125 * Z[:, 2]


def three_numbers(Z):
    return np.column_stack([additive(Z), product(Z), -additive(Z)])


def two_numbers(Z):
    return three_numbers(Z)[:, :2]


def sentiment(texts):
    return [_mood(text) for text in texts]


def _mood(text):
    words = text.lower().rstrip("!").split()
    total = sum(WORTH.get(word, 0.0) for word in words)
    return -0.5 * total if "not" in words else total


def explosive(texts):
    """Fails on some texts."""
    if any("bomb" in text for text in texts):
        raise ValueError("it went off")
    return sentiment(texts)


def risk(frame):
    """Rows of the table → a number."""
    return cost(frame) + frame["member"].to_numpy(float)


def cost(frame):
    age, income = frame["age"].to_numpy(dtype=float), frame["income"].to_numpy(dtype=float)
    city = np.array([{"Bonn": 0.0, "Rome": 1.0, "Oslo": 2.0}[str(c)] for c in frame["city"]])
    return age / 16 + np.where(np.isnan(income), 4.0, income / 1024) * (1 + city)


def curve(rows):
    return rows[:, 0] ** 2 / 4 + rows[:, 1] - 0.5 * rows[:, 2]


def difference(raw):
    """A target: a function of the raw outputs."""
    return raw[:, 1] - raw[:, 0]


# --- models


def named(function, **options):
    """A function that is remembered beyond a run; its batches take what it is called with."""
    return as_model(function, name=f"golden-{function.__name__}-v1", **options)


class Counted(CallableModel):
    """Counts what it is asked; presses Ctrl-C when its patience ends."""

    def __init__(self, function, patience=None):
        super().__init__(function, name=f"golden-{function.__name__}-v1")
        self.patience, self.rows = patience, 0

    def __call__(self, inputs):
        if self.patience is not None and self.rows >= self.patience:
            raise KeyboardInterrupt
        self.rows += len(inputs)
        return super().__call__(inputs)


class Hasty(Counted):
    """The same, asked a few items at a time."""

    remote = True


class Shy(CallableModel):
    """Leaves some rows without an answer."""

    fallible = True
    reason = "It was shy."

    def __init__(self):
        super().__init__(additive, name="golden-shy-v1")

    def __call__(self, inputs):
        inside = (inputs.sum(axis=1) > 0) & (inputs.sum(axis=1) < inputs.shape[1])
        return np.where((inside & (inputs[:, 4:7].sum(axis=1) == 0))[:, None], np.nan, super().__call__(inputs))


class Noisy:
    """A function that answers the same question differently."""

    def __init__(self):
        self.rng = np.random.default_rng(5)

    def __call__(self, Z):
        return product(Z) + self.rng.integers(-2, 3, len(Z)) / 8


class Pairwise(Model):
    """Scores pairs of prompt and answer by a rule: copies the year's digit or raises it."""

    outputs = ("log-prob", "tokens", "greedy")
    unit = "nats"

    def identity(self):
        return Identity("golden-pairwise-v1", True)

    def __call__(self, inputs):
        return np.array([[self._score(*pair), 1.0, 0.0] for pair in inputs])

    def _score(self, prompt, answer):
        years = [w.strip(".;,") for w in prompt.split() if len(w.strip(".;,")) == 4 and w.strip(".;,").isdigit()]
        wobble = (sum(map(ord, prompt + answer)) % 16 - 8) / 64
        if not years or not answer.strip().isdigit():
            return wobble - 1.0
        return (2.0 if int(answer) >= int(years[0][2]) else -2.0) + wobble


class FirstTwo(Surrogate):
    """A family of one's own: the first two features, in no table of families."""

    def __init__(self, proxy=None):
        self.proxy = proxy

    def _fit(self, Z, y, weight):
        terms = [Product((0,)), Product((1,))]
        A = np.column_stack([term(Z) for term in terms] + [np.ones(len(Z))])
        root = np.sqrt(weight)[:, None]
        solution = np.linalg.lstsq(A * root, y * root, rcond=None)[0]
        return terms, solution[:2].T, solution[2]


def writer():
    """A function that writes: what it read last."""
    return TextFunction(_last, name="golden-writer-v1")


def _last(prompt):
    text = prompt if isinstance(prompt, str) else prompt[-1][1]
    kept = [word for word in text.split() if word[:1].isupper() or word[:1].isdigit()]
    return " ".join(kept[-4:]) or "nothing"


# --- probes


def table(rows=12):
    """Numbers, categories, booleans, missing values; types that every version of pandas calls the same."""
    cities = pd.Categorical(["Bonn", "Rome", "Oslo"] * (rows // 3), categories=["Bonn", "Oslo", "Rome"])
    income = [1024.0 * (i % 5) if i % 4 else np.nan for i in range(rows)]
    ages = [20.0 + 4 * (i % 7) for i in range(rows)]
    return pd.DataFrame({"age": ages, "city": cities, "income": income, "member": [i % 2 == 0 for i in range(rows)]})


def row():
    return {"age": 60.0, "city": "Oslo", "income": 8192.0, "member": True}


def table_probe(**options):
    return TabularProbe(row(), table(), **options)


def near_probe():
    """Real features; standard deviations are exact."""
    spread = np.array([-2.0, -2.0, 0.0, 2.0, 2.0])
    rows = np.column_stack([spread, spread[::-1], 2 * np.roll(spread, 1)])
    return TabularProbe(np.array([1.0, 0.5, -2.0]), rows, law=LocalGaussian(0.5), feature_names=["a", "b", "c"])


def mixed_probe():
    """Real and binary features at once."""
    part = table()[["age", "city", "member"]].assign(age=[16.0, 16.0, 32.0, 48.0, 48.0, 32.0] * 2)
    one = {"age": 40.0, "city": "Rome", "member": False}
    return TabularProbe(one, part, law=LocalGaussian(1.0, replicates=3))


def mixed(frame):
    city = np.array([{"Bonn": 0.0, "Rome": 1.0, "Oslo": 2.0}[str(c)] for c in frame["city"]])
    return np.floor(frame["age"].to_numpy(dtype=float) / 8) + city + 2 * frame["member"].to_numpy(dtype=float)


def wordings():
    praise = ["good", "great", "loved", "fine", "superb", "lovely", "happy", "funny", "smart", "clever", "rich", "nice"]
    return TemplateProbe(
        {"was": "The film was {not}{very}{word}", "find": "I find it {not}{very}{word}", "all": "So {not}{very}{word}"},
        {
            "negated": {"no": {"not": ""}, "yes": {"not": "not "}},
            "degree": {"plain": {"very": ""}, "very": {"very": "very "}},
        },
        {word: {"word": word} for word in praise},
        target="x",
    )


def moods(texts):
    """Every word of praise has a worth of its own."""
    return [(-1 if " not " in f" {t} " else 1) * (1 + len(t.split()[-1]) / 8) + 0.5 * ("very" in t) for t in texts]


def capitals():
    places = {"France": "Paris", "Italy": "Rome", "Norway": "Oslo", "Peru": "Lima", "Spain": "Madrid", "Cuba": "Havana"}
    return TemplateProbe(
        {"plain": "{ask} of {country} is", "said": "It is said : {ask} of {country} is"},
        {"ask": {"capital": {"ask": "capital"}, "city": {"ask": "city"}}},
        [{"country": country, "city": city} for country, city in places.items()],
        target=" {city}",
        foils=1,
    )


def short_text(answer=None):
    return TextProbe("it rained in Paris", answer=answer)


def abc():
    """A model whose outputs have names."""
    return CallableModel(three_numbers, name="golden-abc-v1", outputs=("a", "b", "c"))


def context_probe(**options):
    return ContextProbe(CONTEXT, "When did the museum open?", **{"max_new_tokens": 4, **options})


def background_of_four():
    return table_probe(law=Background(4))


def names_probe():
    return MaskProbe(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"])


# --- a server


class Server(ThreadingHTTPServer):
    """Speaks the protocol of chats on 127.0.0.1; counts what it is asked."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.asked += 1
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        content = _last(body["messages"][-1]["content"])
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        message = {"object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 10}}
        data = json.dumps(message).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass
