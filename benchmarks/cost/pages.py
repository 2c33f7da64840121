"""How large pages are, and how long they take to make, to open in Chromium, and to answer a reader."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.run.record import Skipped, show
from probes import ContextProbe, Generator, Model, TabularProbe, TextProbe
from probes.model import Identity
from surrogates import explain
from surrogates.results.result import Result

__all__ = ["TABLE", "report", "run"]

#: columns of the table in docs/benchmarks/cost.md
TABLE = {
    "page": "page",
    "kilobytes": "kB",
    "making": "s to make",
    "opening": "s to open",
    "answering": "s to answer a click",
    "small": "at most 500 kB",
    "fast": "open in 1 s",
}
#: kilobytes of an ordinary page, and seconds to open the largest
LARGEST, SLOWEST = 500, 1.0
OPENED = 5


class Writer(Generator):
    """A language model of so many tokens, each of which depends on one or two sentences."""

    def __init__(self, sentences: int, tokens: int):
        self.sentences, self.tokens = sentences, tokens

    def identity(self) -> Identity:
        return Identity(f"writer {self.sentences} {self.tokens}", True)

    def generate(self, prompt: Any, max_new_tokens: int) -> str:
        return "".join(f"Word{t} " for t in range(self.tokens))

    def scoring(self, answer: str, prompt: Any) -> Model:
        return Scores(self.sentences, self.tokens)


class Scores(Model):
    """Log-probabilities of the writer's tokens."""

    unit = "nats"

    def __init__(self, sentences: int, tokens: int):
        self.sentences = sentences
        self.outputs: tuple[str, ...] = tuple(f"Word{t} " for t in range(tokens))
        self.weights = np.random.default_rng(0).standard_normal((sentences, tokens)) * (
            np.random.default_rng(1).random((sentences, tokens)) < 3 / sentences
        )

    def identity(self) -> Identity:
        return Identity(f"scores {self.sentences} {self.weights.shape[1]}", True)

    def __call__(self, inputs: Any) -> np.ndarray:
        texts = [" ".join(content for _, content in chat) for chat in inputs]
        there = np.array([[f"sentence {s} " in text for s in range(self.sentences)] for text in texts], dtype=float)
        return there @ self.weights - 4


def results(quick: bool) -> Iterator[tuple[str, Result]]:
    """Explain what ordinary pages are of, and the largest that is promised."""
    for sentences, tokens, budget in [(12, 30, 64)] if quick else [(12, 30, 64), (40, 120, 128), (200, 500, 128)]:
        document = " ".join(f"This is sentence {s} of a document that says a little." for s in range(sentences))
        probe = ContextProbe(document, question="What is it about?", unit="sentence")
        name = f"an answer of {tokens} tokens from {sentences} sentences, {budget} questions"
        yield name, explain(Writer(sentences, tokens), probe, budget=budget, store=None)
    words = np.random.default_rng(0).choice(["good", "bad", "film", "plot", "long", "not"], 40 if quick else 200)

    def three(texts: Any) -> pd.DataFrame:
        return pd.DataFrame({w: [float(t.split().count(w)) for t in texts] for w in ("good", "bad", "not")})

    text = TextProbe(" ".join(words))
    yield (
        f"a text of {len(words)} words, 3 outputs, 256 questions",
        explain(three, text, target="all", budget=256, store=None),
    )
    rows = pd.DataFrame(np.random.default_rng(0).standard_normal((300, 30)), columns=[f"column {i}" for i in range(30)])
    columns = TabularProbe(rows.iloc[0], background=rows)
    yield (
        "a row of 30 columns, tree, 256 questions",
        explain(lambda X: X["column 0"] * X["column 1"] + X["column 2"], columns, "tree", budget=256, store=None),
    )


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Measure each page in turn."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        raise Skipped("chromium and playwright are needed")
    made = list(results(quick))
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, result in made:
            start = time.perf_counter()
            path = result.report(Path(folder) / "page.html")
            making, kilobytes = time.perf_counter() - start, path.stat().st_size / 1000
            opened = [_opened(browser, path) for _ in range(1 if quick else OPENED)]
            opening, answering = (float(np.median(seconds)) for seconds in zip(*opened, strict=True))
            row = {"page": name, "kilobytes": round(kilobytes), "making": making, "opening": opening}
            rows.append({**row, "answering": answering, "small": kilobytes <= LARGEST, "fast": opening < SLOWEST})
        browser.close()
    return {"settings": {"opened": OPENED, "largest": LARGEST, "slowest": SLOWEST}, "rows": rows}


def _opened(browser: Any, path: Path) -> tuple[float, float]:
    """Open a page anew: seconds until it is loaded and painted with all that scripts draw, and of a click's answer."""
    view = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    view.goto(path.as_uri())
    painted = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
    entries = "Math.max(performance.getEntriesByType('navigation')[0].loadEventEnd, "
    opening = view.evaluate(entries + "...performance.getEntriesByType('paint').map(one => one.startTime))")
    click = (
        "(async () => { const start = performance.now(); const all = document.querySelectorAll('.tokens > span');"
        "const one = all.length ? all[all.length - 1] : document.querySelector('.whatif input');"
        f"one.click(); return await {painted} - start; }})()"
    )
    answering = view.evaluate(click)
    view.context.close()
    return opening / 1000, answering / 1000


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Pages", result["rows"])
