"""Metrics by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from probes import METRICS, Case, InputError, Metric, Store, measure
from probes.cases.metrics import Scores, kl
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_pair_lm import tiny  # noqa: E402


def by_hand(lm, prompt, answer):
    """Log-probability, tokens and greedy agreement from one plain forward."""
    start, following = lm.encode(prompt), lm.answer_ids(prompt, answer)
    with torch.inference_mode():
        logits = lm.module(torch.tensor([start + following])).logits[0].log_softmax(-1)
    at = range(len(start) - 1, len(start) + len(following) - 1)
    total = sum(float(logits[i, t]) for i, t in zip(at, following, strict=True))
    return total, len(following), float(all(int(logits[i].argmax()) == t for i, t in zip(at, following, strict=True)))


LP = Scores(np.log([0.5, 0.25, 0.15, 0.1]), np.array([1.0, 2, 1, 1]), np.array([1.0, 0, 0, 0]))


def test_metrics_by_hand():
    assert METRICS["exact_match"](LP) == 1
    assert METRICS["log_prob"](LP) == pytest.approx(np.log(0.5))
    assert METRICS["token_log_prob"](LP.turned(1)) == pytest.approx(np.log(0.25) / 2)
    assert METRICS["margin"](LP) == pytest.approx(np.log(0.5) - np.log([0.25, 0.15, 0.1]).mean())
    assert METRICS["auc"](LP) == 1
    assert METRICS["auc"](LP.turned(2)) == pytest.approx(1 / 3)
    assert METRICS["logit_difference"](LP) == pytest.approx(np.log(2))
    assert METRICS["mass_contrast"](LP) == pytest.approx(0)
    two = Scores(LP.total, LP.tokens, LP.greedy, right=2)
    assert METRICS["mass_contrast"](two) == pytest.approx(0.5)
    assert METRICS["mass_contrast"].chance(two) == pytest.approx(0)
    assert METRICS["log_prob"](two) == pytest.approx(np.log(0.75))
    assert METRICS["auc"](Scores(np.zeros(3), np.ones(3), np.zeros(3))) == pytest.approx(0.5)


def test_chance_is_the_mean_over_who_is_called_right():
    for name in ("margin", "auc", "logit_difference", "exact_match"):
        metric = METRICS[name]
        orders = [Scores(LP.total[list(p)], LP.tokens[list(p)], LP.greedy[list(p)]) for p in permutations(range(4))]
        assert metric.chance(LP) == pytest.approx(np.mean([metric(s) for s in orders]))
    assert METRICS["margin"].chance(LP) == pytest.approx(0)
    assert METRICS["auc"].chance(LP) == pytest.approx(0.5)


def test_kl():
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    assert kl(np.log(p), np.log(q)) == pytest.approx(np.sum(p * np.log(p / q)))
    assert kl(np.log(p) + 3, np.log(q) - 2) == pytest.approx(np.sum(p * np.log(p / q)))
    np.testing.assert_allclose(kl(np.zeros((2, 3)), np.zeros((2, 3))), [0, 0], atol=1e-12)
    with pytest.raises(InputError, match="shape"):
        kl(np.zeros(2), np.zeros(3))


def test_a_metric_of_ones_own():
    odds = Metric("odds", "nats", lambda s: float(s.total[0] - np.log1p(-np.exp(s.total[0]))))
    lm = tiny()
    value = measure(lm, [Case("w1", " w2")], odds, store=Store()).frame["value"][0]
    p = np.exp(by_hand(lm, "w1", " w2")[0])
    assert value == pytest.approx(np.log(p / (1 - p)), abs=1e-4)


def test_mass_is_a_share_with_its_chance():
    s = Scores(np.log([0.3, 0.2, 0.4, 0.1]), np.ones(4), np.zeros(4), right=2)
    assert METRICS["mass"](s) == pytest.approx(0.5) and METRICS["mass"].chance(s) == pytest.approx(0.5)
    assert METRICS["mass"](s) == pytest.approx((METRICS["mass_contrast"](s) + 1) / 2)
