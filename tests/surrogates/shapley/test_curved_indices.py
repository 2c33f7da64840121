"""Indices through a curve: sampled ones against the table of all predictions, efficiency, and the scale of the line."""

from __future__ import annotations

import numpy as np
import pytest

from probes import InputError, cube
from surrogates import CubeProxy
from surrogates.link import IDENTITY, Link
from surrogates.shapley import indices as module
from surrogates.shapley.indices import indices
from surrogates.surrogate import FixedTerms
from surrogates.terms import Box, Product

D = 6


@pytest.fixture
def surrogate():
    rng = np.random.default_rng(0)
    made = FixedTerms()
    # the last feature is in no term
    made.terms_ = [*(Product((i,)) for i in range(D - 1)), Product((0, 2)), Box(((1, 0.5, np.inf), (3, -np.inf, 0.5)))]
    made.coef_, made.intercept_ = rng.normal(size=(2, D + 1)) * 1.5, np.array([0.2, 0.0])
    made.links_, made.n_features_in_ = (Link("logistic", -1.0, 2.0), IDENTITY), D
    return made


KINDS = [
    ("shapley", 1),
    ("shapley", 2),
    ("k-sii", 2),
    ("banzhaf", 2),
    ("leave-one-out", 1),
    ("faith-shapley", 2),
    ("faith-banzhaf", 2),
]


def all_of(found, order):
    values = dict(zip(found.subsets, found.values.T, strict=True))
    table = indices(np.zeros(2**D), "shapley", order).subsets
    return np.array([values.get(subset, np.zeros(2)) for subset in table]).T


@pytest.mark.parametrize(("kind", "order"), KINDS)
def test_they_are_those_of_the_table_of_all_predictions(surrogate, kind, order):
    expected = indices(surrogate.predict(cube(D)), kind, order)
    np.testing.assert_allclose(all_of(indices(surrogate, kind, order), order), expected.values, atol=1e-10)


@pytest.mark.parametrize(("kind", "order"), KINDS)
def test_sampled_ones_are_as_close_as_they_say_and_shapley_values_add_up(surrogate, kind, order, monkeypatch):
    exact = indices(surrogate, kind, order)
    monkeypatch.setattr(module, "ENUMERATED", 2)
    found = indices(surrogate, kind, order)
    off = found.values - exact.values if found.subsets == exact.subsets else None
    assert off is not None
    assert (np.abs(off) <= 5 * found.se + 1e-9).all()
    assert kind == "leave-one-out" or found.se[0].any()
    if (kind, order) == ("shapley", 1):
        ends = surrogate.predict(np.vstack([np.ones(D), np.zeros(D)]))
        np.testing.assert_allclose(found.values.sum(axis=1), ends[0] - ends[1], atol=1e-10)


def test_on_the_line_they_have_a_closed_form(surrogate):
    line = FixedTerms()
    line.terms_, line.coef_, line.intercept_ = surrogate.terms_, surrogate.coef_, surrogate.intercept_
    line.links_, line.n_features_in_ = (IDENTITY, IDENTITY), D
    on_line = indices(surrogate, "shapley", 2, unit="link")
    np.testing.assert_allclose(on_line.values, indices(line, "shapley", 2).values)
    # features that add up on the line interact in the answers
    place = indices(surrogate, "shapley", 2).subsets.index((0, 1))
    assert (0, 1) not in on_line.subsets and abs(indices(surrogate, "shapley", 2).values[0, place]) > 0.01


def test_what_has_no_closed_form_is_refused():
    rows = cube(4)
    proxy = CubeProxy(4.0, link=Link("logistic", -1.0, 2.0)).fit(rows, rows[:, 0] * 0.5)
    with pytest.raises(InputError, match="unit='link'"):
        indices(proxy)
    assert indices(proxy, unit="link").values.shape == (1, 4)
    with pytest.raises(InputError, match="unit"):
        indices(proxy, unit="nats")


def test_too_many_sets_to_sample_are_refused():
    made = FixedTerms()
    made.terms_, made.coef_, made.intercept_ = [Product((i,)) for i in range(90)], np.ones((1, 90)), np.zeros(1)
    made.links_, made.n_features_in_ = (Link("logistic", 0.0, 1.0),), 90
    with pytest.raises(InputError, match="closed form"):
        indices(made, "shapley", 3)
