"""Effects on any run of tokens, without a new fit: those of a span's own explanation, within what intervals say."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Generator, InputError, MaskProbe, Model, TextProbe
from probes.model import Identity
from surrogates import explain

WORDS = "a1 b2 c3 d4 e5 f6 g7 h8"


class Scores(Model):
    """Log-probs of four tokens: sums of words, a pair of them, and all of these together."""

    unit, outputs = "nats", (" one", " two", " pair", " all")

    def __init__(self, words):
        self.words = words.split()

    def identity(self):
        return Identity("scores", True)

    def __call__(self, texts):
        there = np.array([[word in text.split() for word in self.words] for text in texts], dtype=float)
        one, two = there @ np.arange(1, there.shape[1] + 1), -2 * there[:, 0]
        pair = 3 * there[:, 1] * there[:, 2]
        return np.column_stack([one, two, pair, np.tanh(one / 9 + two + pair)]) - 40


class Writer(Generator):
    def __init__(self, words):
        self.words = words

    def identity(self):
        return Identity("writer", True)

    def generate(self, prompt, max_new_tokens):
        return " one two pair all"

    def scoring(self, answer, prompt):
        return Scores(self.words)


@pytest.fixture(scope="module")
def sampled():
    return explain(Writer(WORDS), TextProbe(WORDS), budget=90, store=None)


def by_feature(table):
    return table.set_index("feature")[["attribution", "low", "high"]].astype(float).sort_index()


def test_where_every_question_was_asked_they_are_those_of_the_spans_own_explanation():
    few = " ".join(WORDS.split()[:4])
    ex = explain(Writer(few), TextProbe(few), budget=100, store=None)
    assert ex.answers.design.exact
    ends = np.cumsum([0, *map(len, ex.answers.outputs)])
    for first, stop in ((0, 1), (1, 3), (0, 4)):
        own = ex.attribute((int(ends[first]), int(ends[stop]))).attributions
        np.testing.assert_allclose(
            by_feature(ex.by_token.table(first, stop)), by_feature(own), rtol=1e-9, atol=1e-9 * np.abs(ex.y).max()
        )


def test_of_a_sample_they_agree_with_the_spans_own_explanation_within_both_intervals(sampled):
    for first, stop in ((0, 1), (1, 2), (2, 3), (0, 4)):
        ends = np.cumsum([0, *map(len, sampled.answers.outputs)])
        own = by_feature(sampled.attribute((int(ends[first]), int(ends[stop]))).attributions)
        here = by_feature(sampled.by_token.table(first, stop))
        apart = np.abs(own["attribution"] - here["attribution"])
        room = (own["high"] - own["low"] + here["high"] - here["low"]) / 2
        assert (apart <= room + 0.01).all()


def test_what_adds_up_is_found_without_error(sampled):
    effects, half = sampled.by_token.of(0, 1)
    np.testing.assert_allclose(effects, np.arange(1, 9), atol=0.01)
    assert (half < 0.01).all()


def test_effects_on_a_run_of_tokens_are_the_mean_of_theirs(sampled):
    each = [sampled.by_token.of(t, t + 1)[0] for t in range(4)]
    np.testing.assert_allclose(sampled.by_token.of(0, 4)[0], np.mean(each, axis=0), atol=1e-9)


def test_intervals_cover_the_true_effects_of_most_samples():
    there = np.array([[i >> j & 1 for j in range(8)] for i in range(256)], dtype=float)
    texts = [" ".join(w for w, yes in zip(WORDS.split(), row, strict=True) if yes) for row in there]
    true = 2 / 256 * (2 * there - 1).T @ Scores(WORDS)(texts)[:, 2:4].mean(axis=1)
    held = []
    for seed in range(12):
        ex = explain(Writer(WORDS), TextProbe(WORDS), budget=60, random_state=seed, store=None)
        effects, half = ex.by_token.of(2, 4)
        held.append(np.abs(effects - true) <= half + 1e-12)
    assert np.mean(held) >= 0.85


def test_other_tokens_than_the_answers_are_refused(sampled):
    for first, stop in ((0, 5), (2, 2), (-1, 2)):
        with pytest.raises(InputError, match="tokens must be a range within 0 and 4"):
            sampled.by_token.of(first, stop)


def test_without_an_answer_there_are_none():
    assert explain(lambda Z: Z[:, 0], MaskProbe(4), store=None).by_token is None
