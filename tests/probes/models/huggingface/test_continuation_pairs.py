"""Scores of pairs are those of one plain forward each."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Case, InputError, Store, measure
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_pair_lm import WORDS, tiny  # noqa: E402


def by_hand(lm, prompt, answer):
    """Log-probability, tokens and greedy agreement from one plain forward."""
    start, following = lm.encode(prompt), lm.answer_ids(prompt, answer)
    with torch.inference_mode():
        logits = lm.module(torch.tensor([start + following])).logits[0].log_softmax(-1)
    at = range(len(start) - 1, len(start) + len(following) - 1)
    total = sum(float(logits[i, t]) for i, t in zip(at, following, strict=True))
    return total, len(following), float(all(int(logits[i].argmax()) == t for i, t in zip(at, following, strict=True)))


def pairs_of(rng, n=60):
    def text(k):
        return " ".join(rng.choice(WORDS[:6], k))

    return [(text(rng.integers(1, 9)), " " + text(rng.integers(1, 5))) for _ in range(n)]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mistral"])
def test_scores_are_those_of_one_plain_forward_each(kind, monkeypatch):
    lm = tiny(kind)
    pairs = pairs_of(np.random.default_rng(0))
    pairs += [(first, f" {second}") for first in WORDS[:12] for second in WORDS[::2]]
    truth = np.array([by_hand(lm, *pair) for pair in pairs])
    assert 0 < truth[:, 2].sum() < 60
    scorer = lm.pairs()
    assert np.allclose(scorer(pairs), truth, atol=1e-4)
    assert scorer._tree is (kind != "mistral")
    monkeypatch.setattr("probes.models.huggingface.token_tree.NODES", 7)
    assert np.allclose(scorer(pairs), truth, atol=1e-4)
    scorer._tree = False
    assert np.allclose(scorer(pairs), truth, atol=1e-4)


def test_a_pair_longer_than_the_window_is_refused():
    with pytest.raises(InputError, match="window of 64 tokens"):
        lm = tiny()
        measure(lm, [Case("w1 " * 70, " w2")], "log_prob", store=Store())
