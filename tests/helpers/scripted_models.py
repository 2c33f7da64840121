"""Models that follow a rule."""

from __future__ import annotations

import numpy as np

from probes import Model, Store
from probes.behaviours.registry import behaviour
from probes.model import Identity
from surrogates.statements.behave import study_of


class Scripted(Model):
    """A scorer of pairs that follows a rule; one token an answer."""

    outputs = ("log-prob", "tokens", "greedy")
    unit = "nats"

    def __init__(self, rule):
        self.rule = rule
        self.rows = 0

    def identity(self):
        return Identity(f"scripted {self.rule.__name__}", True)

    def __call__(self, inputs):
        self.rows += len(inputs)
        return np.array([[self.rule(prompt, answer), 1.0, 0.0] for prompt, answer in inputs])


def wobble(prompt, answer):
    """A little that depends on the content alone."""
    return 0.1 * np.sin(sum(map(ord, str(prompt) + answer)))


def year_of(prompt):
    words = [w.strip(".;,") for w in prompt.split()]
    return int(next(w for w in words if len(w) == 4 and w.isdigit())[2])


def copies_or_raises(prompt, answer):
    return (2.0 if int(answer) >= year_of(prompt) else -2.0) + wobble(prompt, answer)


def obeys(prompt, answer):
    earlier = "started" in prompt or "begun" in prompt
    start, digit = year_of(prompt), int(answer)
    return (2.0 if (digit < start if earlier else digit >= start) else -2.0) + wobble(prompt, answer)


def verdicts(rule, name):
    study = study_of(Scripted(rule), behaviour(name), store=Store(), progress=False)
    return {j.statement.text: j.verdict for j in study.statements}
