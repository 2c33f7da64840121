"""Hints: fits begin with numbers about single features where answers follow these, and ignore them elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from probes import MaskProbe
from probes.design import Design
from surrogates import AdditiveSurrogate, CubeProxy, InteractionSurrogate, Link, SparseLinear, TreeSurrogate
from surrogates.judging.analysis import analyse
from surrogates.judging.attribution import average_effects
from surrogates.judging.hints import fit_each, fit_to, hint_note
from surrogates.judging.problem import Problem

D, ROWS = 40, 30
SUMS = [SparseLinear(), SparseLinear(link="auto"), AdditiveSurrogate(), InteractionSurrogate(proxy=CubeProxy())]


def effects_and_rows(seed, rows=ROWS):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=D), rng.integers(0, 2, (rows, D)).astype(float)


def while_absent(values, Z):
    """The same numbers in every row, told of what is absent."""
    return np.where(Z < 0.5, values, np.nan)


def error(fitted, effects):
    return np.sqrt(((average_effects(fitted, MaskProbe(D).features)[0] - effects) ** 2).mean())


@pytest.mark.parametrize("family", SUMS, ids=repr)
def test_known_effects_are_found_with_half_the_error_where_hints_tell_of_them(family):
    plain, hinted = [], []
    for seed in range(5):
        rng, effects, Z = effects_and_rows(seed)
        told = while_absent(7 - 3 * (effects + rng.normal(0, 0.3, D)), Z)  # in another unit, of the other sign
        plain.append(error(clone(family).fit(Z, Z @ effects), effects))
        hinted.append(error(fit_to(family, Z, Z @ effects, told), effects))
    assert np.mean(hinted) < np.mean(plain) / 2


@pytest.mark.parametrize("family", SUMS, ids=repr)
def test_effects_that_are_the_hints_are_exact(family):
    _, effects, Z = effects_and_rows(0)
    fitted = fit_to(family, Z, Z @ (effects - effects.mean()) + 2, while_absent(effects, Z))
    assert error(fitted, effects - effects.mean()) < 1e-6


@pytest.mark.parametrize("family", [*SUMS, TreeSurrogate()], ids=repr)
def test_hints_that_answers_do_not_follow_change_nothing(family):
    rng, effects, Z = effects_and_rows(1)
    y = Z @ effects
    for hints in (np.full(Z.shape, np.nan), np.full(Z.shape, 0.1), while_absent(rng.normal(size=D), Z)):
        fitted, plain = fit_to(family, Z, y, hints), clone(family).fit(Z, y)
        assert fitted.terms_ == plain.terms_
        np.testing.assert_array_equal(fitted.coef_, plain.coef_)  # exact: the same fit


def test_hints_without_meaning_cost_nothing_on_average():
    plain, hinted = [], []
    for seed in range(40):
        rng, effects, Z = effects_and_rows(seed)
        plain.append(error(SparseLinear().fit(Z, Z @ effects), effects))
        hinted.append(error(fit_to(SparseLinear(), Z, Z @ effects, while_absent(rng.normal(size=D), Z)), effects))
    assert np.mean(hinted) < 1.01 * np.mean(plain)


def test_one_feature_whose_effect_is_the_reverse_of_its_hint_keeps_its_sign():
    signs = []
    for seed in range(10):
        rng, hints, Z = effects_and_rows(seed, 60)
        effects = hints.copy()
        effects[0], hints[0] = 6.0, -2.0  # the worst by what is told of it, and worth most
        fitted = fit_to(SparseLinear(), Z, Z @ effects, while_absent(hints + rng.normal(0, 0.3, D), Z))
        signs.append(average_effects(fitted, MaskProbe(D).features)[0, 0] > 0)
    assert all(signs)


def test_trees_and_sums_through_a_curve_that_is_asked_for_take_no_hints():
    _, effects, Z = effects_and_rows(2)
    y = 1 / (1 + np.exp(-Z @ effects))
    for family in (TreeSurrogate(), SparseLinear(link=Link("logistic", 0.0, 1.0)), SparseLinear(link="logistic")):
        fitted, plain = fit_to(family, Z, y, while_absent(effects, Z)), clone(family).fit(Z, y)
        np.testing.assert_array_equal(fitted.coef_, plain.coef_)  # exact: the same fit
        assert fitted.links_ == plain.links_


@pytest.mark.parametrize("family", [SparseLinear(6), InteractionSurrogate(6, proxy=CubeProxy())], ids=repr)
def test_no_more_terms_are_kept_than_a_family_may_have(family):
    _, effects, Z = effects_and_rows(3)
    effects -= effects.mean()
    fitted = fit_to(family, Z, Z @ effects, while_absent(effects, Z))
    assert len(fitted.terms_) == 6 and fitted.get_params() == clone(family).get_params() | {"proxy": fitted.proxy}
    shown = average_effects(fitted, MaskProbe(D).features)[0]
    kept = np.flatnonzero(shown)
    np.testing.assert_allclose(shown[kept], effects[kept], atol=1e-6)
    assert fitted.predict(Z).mean() == pytest.approx((Z @ effects).mean())


def test_several_outputs_each_follow_hints_as_far_as_they_do():
    rng, effects, Z = effects_and_rows(4)
    hints = while_absent(effects - effects.mean(), Z)
    y = np.column_stack([Z @ (effects - effects.mean()), rng.normal(size=ROWS)])
    several = fit_to(SparseLinear(), Z, y, hints)
    for j, column in enumerate(y.T):
        alone = fit_to(SparseLinear(), Z, column, hints)
        np.testing.assert_allclose(several.predict(Z)[:, j], alone.predict(Z), atol=1e-9)
        assert alone.coef_.ndim == 1
    assert several.coef_.shape == (2, len(several.terms_))


def test_the_fit_to_some_rows_takes_the_hints_of_these_alone():
    rng, effects, Z = effects_and_rows(5)
    hints, some = while_absent(effects, Z) + rng.normal(0, 1, Z.shape), np.arange(20)
    other = hints.copy()
    other[20:] = rng.normal(size=other[20:].shape)
    for told in (hints, other):
        (fitted,) = fit_each(SparseLinear(), Z, (Z @ effects)[:, None], [some], told)
        alone = fit_to(SparseLinear(), Z[some], (Z @ effects)[some, None], hints[some])
        np.testing.assert_array_equal(fitted.predict(Z), alone.predict(Z))  # exact: the same fit


def test_hints_that_give_the_answer_of_their_row_away_flatter_no_judgement():
    scores = []
    for seed in range(20):
        rng, _, Z = effects_and_rows(seed, 42)
        y = rng.normal(size=(42, 1))  # nothing to find
        problem = Problem(Design(Z, 2), y, ("y",), MaskProbe(D).features, seed, hints=while_absent(y, Z))
        judged = analyse(SparseLinear(), problem).fidelity
        scores.append((judged.r2[0], judged.permuted[0]))
    assert np.mean(scores, axis=0).max() < 0.02


@pytest.mark.parametrize("family", [SparseLinear(3), InteractionSurrogate(3)], ids=repr)
def test_several_outputs_keep_as_many_terms_each_as_one_alone(family):
    rng, effects, Z = effects_and_rows(6, 60)
    hints = while_absent(effects + rng.normal(0, 0.3, D), Z)
    y = Z @ np.column_stack([effects, rng.normal(size=D), effects[::-1]])
    several, alone = fit_to(family, Z, y, hints), fit_to(family, Z, y[:, 0], hints)
    assert len(alone.terms_) == 3 and (np.count_nonzero(several.coef_, axis=1) <= 3).all()
    np.testing.assert_allclose(several.predict(Z)[:, 0], alone.predict(Z), atol=1e-9)


def test_a_feature_has_one_main_effect_whatever_it_is_centred_on():
    rng, effects, Z = effects_and_rows(7, 60)
    told = while_absent(effects[:8] + rng.normal(0, 0.3, 8), Z[:, :8])
    y = Z[:, :8] @ effects[:8]
    fitted = fit_to(InteractionSurrogate(), Z[:, :8], y, told)
    main = [term.features for term in fitted.terms_ if len(term.features) == 1]
    assert len(set(main)) == len(main)
    assert fitted.predict(Z[:, :8]).mean() == pytest.approx(y.mean())


def test_it_is_said_where_surrogates_begin_with_hints():
    rng, effects, Z = effects_and_rows(8, 60)
    y = np.column_stack([Z @ effects, rng.normal(size=60)])
    problem = Problem(Design(Z, 0), y, ("a", "b"), MaskProbe(D).features, 0, hints=while_absent(effects, Z))
    both, one, other = (problem, *(replace(problem, y=y[:, [j]], outputs=(name,)) for j, name in enumerate("ab")))
    said = [hint_note(SparseLinear(), each) for each in (both, one, other, replace(one, hints=None))]
    assert [note[0].split(" with ")[0] if note else "" for note in said] == [
        "The surrogates of 1 of 2 outputs begin",
        "The surrogate begins",
        "",
        "",
    ]
    assert not hint_note(TreeSurrogate(), one)
    assert analyse(SparseLinear(), one).notes == said[1]
