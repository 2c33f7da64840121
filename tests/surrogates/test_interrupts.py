"""Ctrl-C at random moments: no paid answer is lost, and the next call works."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from probes import MaskProbe, Model, Store, TemplateProbe
from probes.behaviours.base import Behaviour, Claim
from probes.model import Identity
from surrogates import anchor, behave, explain, explain_many, generalise, shapley_values

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends SIGINT"),
]

MOMENTS = 5
ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 4)), columns=list("abcd"))


class Scorer(Model):
    """Likes late years and long prompts; remembers what it was paid for."""

    outputs = ("log-prob", "tokens", "greedy")
    unit = "nats"
    batch = 16
    compared = False

    def __init__(self):
        self.paid = []

    def identity(self):
        return Identity("scorer", True)

    def __call__(self, inputs):
        values = np.array([[len(str(a)) / 9 + len(str(p)) % 3 / 10, 1.0, 0.0] for p, a in inputs])
        self.paid.extend(inputs)
        return values


class Rows(Model):
    """Numbers of rows; remembers what it was paid for."""

    outputs = ("y",)
    batch = 16
    compared = False

    def __init__(self):
        self.paid = []

    def identity(self):
        return Identity("rows", True)

    def __call__(self, inputs):
        Z = np.asarray(inputs, dtype=float)
        self.paid.extend(map(tuple, Z))
        return Z[:, 0] - 2.5 * Z[:, 1] + Z[:, 2] * Z[:, 3]


TEMPLATES = TemplateProbe(
    {f"f{i}": f"{i}: {{name}} {{mood}} to drink " for i in range(4)},
    {"mood": {"glad": "likes", "sad": "hates"}},
    {name: {"name": name, "drink": drink} for name, drink in zip("ABCDEF", "tuvwxy", strict=True)},
    target="{drink}",
    foils=1,
)
MOODS = Behaviour(
    "moods",
    "Moods",
    TEMPLATES,
    "logit_difference",
    Claim("the drink follows a liking", {"mood": "glad"}),
    (Claim("the drink follows a dislike", {"mood": "sad"}),),
)

CALLS = {
    "explain": (Rows, lambda model, store: explain(model, MaskProbe(9), budget=128, store=store)),
    "explain_many": (
        Rows,
        lambda model, store: explain_many(
            model, ROWS[:3], background=ROWS[:4], budget=100, store=store, progress=False
        ),
    ),
    "anchor": (Rows, lambda model, store: anchor(model, MaskProbe(9), budget=200, store=store)),
    "shapley_values": (Rows, lambda model, store: shapley_values(model, MaskProbe(9), budget=128, store=store)),
    "generalise": (Scorer, lambda model, store: generalise(model, TEMPLATES, store=store, progress=False)),
    "behave": (Scorer, lambda model, store: behave(model, [MOODS], store=store, progress=False)),
}


@contextmanager
def interrupted_after(seconds):
    """SIGINT once, so many seconds from now."""
    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_at_random_moments_loses_no_answer(tmp_path, name):
    kind, call = CALLS[name]
    rng, model = np.random.default_rng(len(name)), kind()
    call(model, Store())
    start, alone = time.monotonic(), len(set(model.paid))
    call(kind(), Store())
    seconds = time.monotonic() - start
    for moment in range(MOMENTS):
        model, store = kind(), Store(tmp_path / f"{moment}.sqlite")
        try:
            with interrupted_after(rng.uniform(0, seconds)):
                call(model, store)
        except KeyboardInterrupt:
            pass
        other = sqlite3.connect(store.path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # no writer is locked out
        other.execute("ROLLBACK")
        other.close()
        call(model, store)
        assert len(model.paid) - len(set(model.paid)) <= model.batch and len(set(model.paid)) == alone
        store.close()


def test_answers_in_hand_are_kept_when_ctrl_c_comes_before_they_are_written(tmp_path, monkeypatch):
    model, store, pressed = Rows(), Store(tmp_path / "a.sqlite"), []
    put_rows = store.put_rows

    def interrupted(*given):
        if len(model.paid) > 30 and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        put_rows(*given)

    monkeypatch.setattr(store, "put_rows", interrupted)
    explain(model, MaskProbe(9), budget=128, store=store)
    explain(model, MaskProbe(9), budget=128, store=store)
    assert pressed and len(model.paid) == len(set(model.paid))
