"""Families and the process through a link: known curves are found, none where there is none, in any unit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from probes import InputError, MaskProbe, cube
from surrogates import (
    AdditiveSurrogate,
    CubeProxy,
    Explanation,
    InteractionSurrogate,
    Link,
    RuleSurrogate,
    SparseLinear,
    TreeSurrogate,
    explain,
)
from surrogates.link import IDENTITY
from surrogates.results.plain import plain, read

D = 10
RNG = np.random.default_rng(0)
Z = cube(D)
WEIGHTS = np.array([3.0, -2.5, 2.0, -1.5, 1.0, 1.0, -0.5, 0.5, 0.0, 0.0])
SATURATED = expit(Z @ WEIGHTS - 1.5)
SUM = Z @ WEIGHTS
#: flat in the middle and steep at both ends, as no known curve is
BENT = (SUM - 1.5) * np.abs(SUM - 1.5)
TRAIN = RNG.permutation(2**D)[:120]
TEST = np.setdiff1d(np.arange(2**D), TRAIN)
CURVED = [
    SparseLinear(),
    AdditiveSurrogate(),
    InteractionSurrogate(),
    InteractionSurrogate(proxy=CubeProxy(4.0)),
    CubeProxy(4.0),
]


def through(estimator, link):
    return type(estimator)(**{**estimator.get_params(deep=False), "link": link})


def held_out(estimator, y):
    """The fitted estimator, and R² on rows that it was not fitted to."""
    fitted = estimator.fit(Z[TRAIN], y[TRAIN])
    return fitted, fitted.score(Z[TEST], y[TEST])


@pytest.mark.parametrize("estimator", CURVED, ids=str)
def test_a_saturated_sum_is_found_to_be_one(estimator):
    _, without = held_out(estimator, SATURATED)
    fitted, r2 = held_out(through(estimator, "auto"), SATURATED)
    assert fitted.links_[0].kind == "logistic"
    assert r2 > 0.96
    # what is left over is a third at most
    assert 1 - r2 < (1 - without) / 3


@pytest.mark.parametrize("estimator", [*CURVED, RuleSurrogate(n_trees=5)], ids=str)
def test_where_a_plain_sum_is_right_the_identity_stays(estimator):
    _, without = held_out(estimator, SUM)
    fitted, r2 = held_out(through(estimator, "auto"), SUM)
    assert fitted.links_ == (IDENTITY,)
    np.testing.assert_allclose(r2, without, atol=0.005)


@pytest.mark.parametrize("estimator", CURVED, ids=str)
def test_a_curve_of_another_shape_is_learned(estimator):
    _, known = held_out(through(estimator, "auto"), BENT)
    fitted, r2 = held_out(through(estimator, "learned"), BENT)
    (link,) = fitted.links_
    assert link.kind == "learned" and r2 > 0.96
    # what is left over is two thirds at most
    assert 1 - r2 < (1 - known) * 2 / 3
    slopes = link.slope(link.line(np.array([-4.0, 0.0, 4.0])))
    assert slopes[1] < slopes[0] / 2 and slopes[1] < slopes[2] / 2


@pytest.mark.parametrize("estimator", CURVED, ids=str)
def test_where_a_plain_sum_is_right_no_curve_is_learned(estimator):
    fitted, r2 = held_out(through(estimator, "learned"), SUM)
    assert fitted.links_ == (IDENTITY,) and r2 > 0.999


@pytest.mark.parametrize("estimator", CURVED, ids=str)
def test_where_a_logistic_curve_is_right_learning_one_costs_nothing(estimator):
    assert held_out(through(estimator, "learned"), SATURATED)[1] > 0.995


def test_a_gain_of_a_single_answer_is_no_reason_to_learn_a_curve():
    y = SUM.copy()
    y[TRAIN[SUM[TRAIN].argmax()]] += 40.0
    assert SparseLinear(link="learned").fit(Z[TRAIN], y[TRAIN]).links_[0].kind != "learned"


@pytest.mark.parametrize("estimator", [CURVED[0], CURVED[4]], ids=str)
def test_answers_that_are_all_one_number_get_no_learned_curve(estimator):
    fitted = through(estimator, "learned").fit(Z[TRAIN], np.full(len(TRAIN), 3.0))
    assert fitted.links_ == (IDENTITY,)
    np.testing.assert_allclose(fitted.predict(Z), 3.0)


@pytest.mark.parametrize("estimator", CURVED, ids=str)
def test_few_answers_get_no_learned_curve(estimator):
    assert through(estimator, "learned").fit(Z[TRAIN[:19]], BENT[TRAIN[:19]]).links_[0].kind != "learned"


def test_sums_through_a_learned_curve_are_counted_in_their_standard_deviations():
    fitted = SparseLinear(link="learned").fit(Z[TRAIN], BENT[TRAIN])
    sums = fitted.links_[0].line(fitted.predict(Z[TRAIN]))
    np.testing.assert_allclose([sums.mean(), sums.std()], [0.0, 1.0], atol=1e-9)


def test_noise_gets_no_curve_more_often_than_not():
    curves = 0
    for seed in range(20):
        y = np.random.default_rng(seed).normal(size=100)
        curves += SparseLinear(link="auto").fit(Z[TRAIN[:100]], y).links_[0].curved
    assert curves <= 6


@pytest.mark.parametrize("estimator", CURVED, ids=str)
@pytest.mark.parametrize("link", ["auto", "log", "learned"])
def test_the_unit_of_the_answers_means_nothing_where_they_have_no_bounds_of_their_own(estimator, link):
    y = 2.0 + (BENT / 72 if link == "learned" else SATURATED)
    one = through(estimator, link).fit(Z[TRAIN], y[TRAIN]).predict(Z[TEST])
    other = through(estimator, link).fit(Z[TRAIN], 250.0 * y[TRAIN] - 40.0).predict(Z[TEST])
    np.testing.assert_allclose(other, 250.0 * one - 40.0, atol=0.3)


@pytest.mark.parametrize("estimator", [CURVED[0], CURVED[4]], ids=str)
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_probabilities_and_scores_go_through_their_own_bounds_though_no_answer_is_near_one(estimator, low):
    share = expit(3 * SUM - 3)
    y = low + (1 - low) * share
    fitted = through(estimator, "auto").fit(Z[TRAIN], y[TRAIN])
    percent = through(estimator, "auto").fit(Z[TRAIN], 100 * y[TRAIN])
    np.testing.assert_allclose([fitted.links_[0].low, fitted.links_[0].high], [low, 1.0])
    missed = [((f.predict(Z[TEST]) / unit - y[TEST]) ** 2).sum() for f, unit in ((fitted, 1), (percent, 100))]
    assert missed[0] < 0.5 * missed[1]


def test_known_bounds_are_kept_in_the_unit_of_the_answers():
    link = Link("logistic", -40.0, 210.0)
    fitted = SparseLinear(link=link).fit(Z[TRAIN], 250.0 * SATURATED[TRAIN] - 40.0)
    (kept,) = fitted.links_
    np.testing.assert_allclose([kept.low, kept.high], [-40.0, 210.0])
    weights = np.zeros(D)
    weights[[term.features[0] for term in fitted.terms_]] = fitted.coef_
    np.testing.assert_allclose(weights, WEIGHTS, atol=0.02)
    assert abs(fitted.intercept_ + 1.5) < 0.02


def test_answers_at_the_bound_of_a_logarithm_do_not_spoil_it():
    counts = np.round(np.exp(Z @ WEIGHTS - 1.5))
    assert (counts == 0).any()
    fitted, r2 = held_out(SparseLinear(link=Link("log", low=0.0)), counts)
    assert r2 > 0.85
    assert np.abs(fitted.coef_).max() < 10


def test_bounds_that_answers_cannot_be_measured_by_are_refused():
    with pytest.raises(InputError, match=r"unit of the answers.*0 and 1×10⁻²⁰"):
        SparseLinear(link=Link("logistic", 0.0, 1e-20)).fit(Z[TRAIN], 1.0 + SATURATED[TRAIN])


@pytest.mark.parametrize("estimator", CURVED, ids=str)
@pytest.mark.parametrize(
    ("link", "y", "kind"),
    [("auto", SATURATED, "logistic"), (("learned", "identity"), BENT, "learned")],
    ids=["auto", "learned"],
)
def test_each_output_has_a_curve_of_its_own(estimator, link, y, kind):
    both = np.column_stack([y, SUM])
    fitted, r2 = held_out(through(estimator, link), both)
    assert [one.kind for one in fitted.links_] == [kind, "identity"]
    assert r2 > 0.96
    if hasattr(fitted, "part"):
        part = fitted.part(slice(0, 1))
        assert part.links_ == fitted.links_[:1]
        np.testing.assert_allclose(part.predict(Z), fitted.predict(Z)[:, 0])


@pytest.mark.parametrize(("link", "y"), [("auto", SATURATED), ("learned", BENT)], ids=["auto", "learned"])
def test_a_weight_is_a_repetition(link, y):
    rows = TRAIN[:80]
    weight = np.random.default_rng(1).integers(0, 3, 80)
    repeated = np.repeat(rows, weight)
    one = SparseLinear(link=link).fit(Z[rows], y[rows], weight)
    other = SparseLinear(link=link).fit(Z[repeated], y[repeated])
    np.testing.assert_allclose(one.predict(Z), other.predict(Z), atol=1e-8)


def test_repeated_noisy_answers_scatter_on_the_line_as_their_slope_says():
    rng = np.random.default_rng(2)
    rows = np.repeat(TRAIN, 3)
    noisy = SATURATED[rows] + 0.03 * rng.normal(size=len(rows))
    fitted = CubeProxy(4.0, link=Link("logistic", -0.2, 1.2)).fit(Z[rows], noisy)
    assert fitted.score(Z[TEST], SATURATED[TEST]) > 0.98


@pytest.mark.parametrize(
    "family",
    [
        SparseLinear(link="auto"),
        SparseLinear(link="learned"),
        InteractionSurrogate(proxy=CubeProxy(4.0), link="auto"),
        InteractionSurrogate(proxy=CubeProxy(4.0, link="learned"), link=Link("learned", knots=(-2, 2), values=(0, 1))),
        TreeSurrogate(proxy=CubeProxy(4.0, link=Link("logistic", -0.1, 1.1))),
    ],
    ids=str,
)
def test_an_explanation_keeps_its_curve_in_a_file(family):
    ex = explain(
        lambda rows: expit(np.asarray(rows) @ WEIGHTS - 1.5),
        MaskProbe(D),
        budget=90,
        family=family,
        store=None,
        progress=False,
    )
    again = Explanation.from_json(ex.to_json())
    assert again.surrogate.links_ == ex.surrogate.links_
    np.testing.assert_allclose(again.predict(Z), ex.predict(Z))
    assert repr(again.surrogate) == repr(ex.surrogate)


def test_in_files_known_curves_are_what_they_were():
    assert plain(Link("logistic", 0.0, 1.0)) == {"kind": "logistic", "low": 0.0, "high": 1.0}  # exact: given numbers


def test_a_learned_curve_comes_back_from_plain_data():
    link = Link("learned", knots=(-1.0, 0.5), values=(2.0, 3.0))
    assert read(Link, plain(link)) == link


@pytest.mark.parametrize("wrong", ["probit", 3, None, ("auto", "none")])
@pytest.mark.parametrize("estimator", CURVED, ids=str)
def test_what_is_no_link_is_refused(estimator, wrong):
    with pytest.raises(InputError, match="link"):
        through(estimator, wrong).fit(Z[TRAIN], SATURATED[TRAIN])
