"""Situations of docs/situations.md: anchors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import MaskProbe
from surrogates import anchor
from tests.helpers.counting_models import Counting

TABLE = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 4)), columns=["a", "b", "c", "d"])


def test_an_empty_anchor_says_always():
    rule = anchor(lambda Z: 10 + 0.1 * Z[:, 0], MaskProbe(8), same=1.0, store=None)
    assert rule.words == "always"
    assert rule.coverage == pytest.approx(1.0)
    assert rule.precision == pytest.approx(1.0)
    assert rule.unconditional == pytest.approx(1.0)


def test_a_rare_answer_has_an_anchor_of_what_makes_it():
    rare = anchor(lambda Z: (Z[:, :3].sum(axis=1) > 2) * 1.0, MaskProbe(10), store=None)
    assert rare.words == "x0 present and x1 present and x2 present"
    assert rare.unconditional < 0.3
    assert rare.proved


def test_an_anchor_that_is_not_proved_says_so():
    parity = anchor(lambda Z: Z.sum(axis=1) % 2, MaskProbe(13), budget=96, max_length=2, store=None)
    assert not parity.proved
    assert parity.low < parity.asked
    assert str(parity).endswith("The precision asked for was not proved within the budget.")
    page = parity.report("rule.html").read_text(encoding="utf-8")
    assert "The precision asked for, 95%, was not proved within the budget." in page


def test_a_search_ends_at_its_budget():
    model = Counting(lambda Z: np.sin(Z @ np.arange(1, 291)))
    rule = anchor(model, MaskProbe(290), budget=80, max_length=2, store=None)
    assert model.rows <= 80 + 8
    assert rule.rows <= 80


def test_the_length_of_an_anchor_is_bounded():
    rule = anchor(lambda Z: (Z.sum(axis=1) > 9) * 1.0, MaskProbe(10), max_length=3, budget=100, store=None)
    assert len(rule.rule.conditions) <= 3
    assert not rule.proved


def test_numbers_need_no_bins():
    row = TABLE.iloc[[TABLE["a"].argmax()]]
    rule = anchor(lambda d: (d["a"] > 1.0) * 1.0, row, background=TABLE, precision=0.9, store=None)
    assert rule.words.startswith("a")
    assert " and " not in rule.words
    assert rule.precision == pytest.approx(1.0)


def test_the_precision_of_a_rule_of_ones_own_is_not_offered():
    with pytest.raises(TypeError, match="rule"):
        anchor(lambda Z: Z[:, 0], MaskProbe(4), rule="x0 present", store=None)


def test_precision_is_proved_with_a_stated_confidence():
    rule = anchor(lambda Z: (Z[:, 0] * Z[:, 1] + 0.001 * Z[:, 2] > 0.5) * 1.0, MaskProbe(9), precision=0.9, store=None)
    Z = np.array(np.meshgrid(*[[0, 1]] * 9)).reshape(9, -1).T
    held = Z[(Z[:, 0] == 1) & (Z[:, 1] == 1)]
    assert rule.words == "x0 present and x1 present"
    assert rule.coverage == pytest.approx(len(held) / len(Z))
    assert 0.9 <= rule.low <= rule.precision <= 1.0


def test_several_labels_count_as_the_same_by_a_function():
    def labels(Z):
        return np.column_stack([Z[:, 0], Z[:, 1], 1 - Z[:, 2] * Z[:, 3]])

    rule = anchor(labels, MaskProbe(6), same=lambda y: (y[:, 0] > 0.5) & (y[:, 1] > 0.5), store=None)
    assert rule.words == "x0 present and x1 present"
