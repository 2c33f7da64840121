"""A study of a function that follows a planted rule."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np

from probes import CallableModel, TemplateProbe
from surrogates import generalise

FACTORS = {"order": {"ab": "ab", "ba": "ba"}, "tone": {"calm": "calm", "loud": "loud"}}


FAMILIES = {f"f{i}": f"{i} {{name}} {{order}} {{tone}}" for i in range(4)}


@cache
def probe(entities=24):
    return TemplateProbe(FAMILIES, FACTORS, {f"e{i}": {"name": f"n{i}"} for i in range(entities)}, target="x")


@cache
def noise(text):
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()[:8])).normal()


def rule(text, size=3.0):
    """The planted map: larger when the order is ab and the tone is loud; an effect of the entity; noise."""
    return size * ("ab loud" in text) + noise(text.split()[1]) + noise(text)


class Counted:
    """The same, counting what it is asked."""

    def __init__(self, function=rule):
        self.asked = []
        self.model = CallableModel(self.answer, "counted")
        self.function = function

    def answer(self, texts):
        self.asked += texts
        return [self.function(t) for t in texts]


def study(function=rule, **options):
    options = {"metric": "output", "store": None, "progress": False, **options}
    return generalise(lambda texts: [function(t) for t in texts], probe(options.pop("entities", 24)), **options)
