"""Answers of a text classifier: the names of its classes, which it scores as a language model scores continuations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax

from probes.cases.case import Case, shown
from probes.errors import InputError
from probes.model import Identity, Model
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.pipelines import usual_function

__all__ = ["ClassAnswers", "check_classes", "chooses", "class_number"]


def chooses(classifier: TextClassifier) -> bool:
    """Return whether a classifier has classes that exclude each other, so that one of them is the answer."""
    config = classifier.module.config
    return config.num_labels > 1 and usual_function(config) == "softmax" and classifier.unit == "logit"


def class_number(classes: Sequence[str], answer: str) -> int:
    """Return the number of the class that an answer names; in capitals or not, where that is one class alone.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    if answer.strip() in classes:
        return classes.index(answer.strip())
    alike = [j for j, name in enumerate(classes) if name.casefold() == answer.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    near = get_close_matches(answer.strip(), classes, n=3, cutoff=0) or list(classes)[:3]
    raise InputError("cases", f"have classes of the model as answers, such as {', '.join(near)}", answer)


def check_classes(classes: Sequence[str], cases: Sequence[Case]) -> None:
    """Refuse cases whose answers are no classes, or right and wrong at once.

    Raises
    ------
    InputError
    """
    number = {option: class_number(classes, option) for case in cases for option in case.options}
    for case in cases:
        right = {number[option] for option in (case.target, *case.also)}
        if both := [foil for foil in case.foils if number[foil] in right]:
            raise InputError("foil", f"be no right answer, for the prompt {shown(case.prompt)!r}", both[0])


class ClassAnswers(Model):
    """The map (text, class) → ``log-prob`` (nats), ``tokens`` (one), ``greedy`` (whether it is decided for).

    Parameters
    ----------
    base : TextClassifier
        Its classes exclude each other.
    """

    unit = "nats"
    outputs = ("log-prob", "tokens", "greedy")

    def __init__(self, base: TextClassifier):
        self.base, self.batch, self.size_unit, self.half = base, base.batch, base.size_unit, base.half

    def identity(self) -> Identity:
        base = self.base.identity()
        return Identity(f"{base.id}:classes", base.persistent)

    def check_answers(self, cases: Sequence[Case]) -> None:
        """Refuse cases whose answers are no classes, or right and wrong at once.

        Raises
        ------
        InputError
        """
        check_classes(self.base.outputs or (), cases)

    def __call__(self, inputs: Sequence[tuple[Any, str]]) -> np.ndarray:
        texts = list(dict.fromkeys(text for text, _ in inputs))
        logits = np.asarray(self.base(texts), dtype=float)
        scores = dict(zip(texts, log_softmax(logits, axis=1), strict=True))
        rows = []
        for text, answer in inputs:
            number = class_number(self.base.outputs or (), answer)
            rows.append((scores[text][number], 1.0, float(number == scores[text].argmax())))
        return np.array(rows)

    def direct(self) -> Callable[[Any], Any]:
        """Return the probability of one class of one text, of the classifier asked directly."""
        own = self.base.direct()

        def probability(pairs: Sequence[tuple[Any, str]]) -> np.ndarray:
            [values] = np.asarray(own([pairs[0][0]]), dtype=float)
            shares = values if self.base.pipeline is not None else softmax(values)
            return np.array([[shares[class_number(self.base.outputs or (), pairs[0][1])]]])

        return probability

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        return np.exp(values[:, :1])

    def sizes(self, inputs: Sequence[tuple[Any, str]]) -> np.ndarray:
        return self.base.sizes([text for text, _ in inputs])

    def digests(self, inputs: Sequence[tuple[Any, str]]) -> list[bytes]:
        texts = self.base.digests([text for text, _ in inputs])
        names = [answer.strip().encode() for _, answer in inputs]
        return [hashlib.sha256(text + name).digest() for text, name in zip(texts, names, strict=True)]
