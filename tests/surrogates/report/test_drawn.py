"""The surrogate drawn: values of trees, rules, pairs, shapes and curves, from the answers that they rest on."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from probes import LocalGaussian, MaskProbe, TabularProbe, TextProbe
from surrogates import (
    AdditiveSurrogate,
    InteractionSurrogate,
    Link,
    Product,
    RuleSurrogate,
    SparseLinear,
    TreeSurrogate,
    explain,
)
from surrogates.report.parts.by_terms import FidelityByTerms
from surrogates.report.parts.drawn import drawn_parts
from surrogates.report.parts.link_curve import LinkCurve
from surrogates.report.parts.pairs import Pairs, pair_marks
from surrogates.report.parts.rule_cards import RuleCards
from surrogates.report.parts.shapes import Shapes
from surrogates.report.parts.tree import DrawnTree
from tests.helpers.checkout import ROOT

REVIEW = "not a bad film and the cast is great"


def review(texts):
    """Needs both words of "not bad", and "great" by itself."""
    return [2.0 * ("not" in t and "bad" in t) - ("bad" in t) + 0.5 * ("great" in t) for t in texts]


def explained(family, **options):
    return explain(review, TextProbe(REVIEW), family, budget=128, store=None, **options)


def one(ex, kind):
    return next(part for part in drawn_parts(ex) if isinstance(part, kind))


def branches_of(branch):
    yield branch
    for below in branch.below:
        yield from branches_of(below)


# --- trees


@pytest.fixture(scope="module")
def tree():
    return explained(TreeSurrogate())


def test_the_leaves_of_a_tree_hold_its_values_and_every_question_once(tree):
    part = one(tree, DrawnTree)
    ends = [branch for branch in branches_of(part.root) if branch.values]
    assert part.leaves == len(ends) == len(tree.surrogate.terms_)
    assert sum(branch.count for branch in ends) == part.asked == len(np.unique(tree.answers.design.Z, axis=0))
    values = sorted(float(branch.values[0].replace("−", "-")) for branch in ends)
    np.testing.assert_allclose(values, np.sort(tree.surrogate.coef_), atol=0.01)


def test_the_way_of_this_input_comes_first_and_ends_at_its_prediction(tree):
    part, words = one(tree, DrawnTree), []
    node = part.root
    while node.below:
        assert [below.here for below in node.below] == [True, False]
        node = node.below[0]
        words.append(node.words)
    assert all(text.endswith(" left in") for text in words) and node.values == (part.value,)
    assert float(part.value) == pytest.approx(float(tree.predict(tree.answers.design.Z[:1])[0]), abs=0.01)


def test_conditions_of_a_text_are_in_words(tree):
    words = {branch.words for branch in branches_of(one(tree, DrawnTree).root) if branch.words}
    assert {"“bad” left in", "“bad” removed"} <= words


def deep():
    return explain(
        lambda Z: Z @ 2.0 ** np.arange(12), MaskProbe(12), TreeSurrogate(max_leaves=256, min_leaf=0.0), store=None
    )


def test_a_deep_tree_is_folded_and_its_size_is_bounded():
    ex = deep()
    part = one(ex, DrawnTree)
    html = part.draw()
    assert part.leaves > 100 and "not drawn" in html and "<details>" in html
    assert len([b for b in branches_of(part.root) if b.values]) <= 64 + 12
    assert len(html) < 60_000
    assert not any(b.folded for b in branches_of(part.root) if b.here)


def test_a_tree_of_real_numbers_has_its_bounds_in_words():
    rows = np.random.default_rng(0).normal(size=(50, 2))
    probe = TabularProbe(rows[0], rows, law=LocalGaussian(1.0), feature_names=["age", "dose"])
    ex = explain(lambda Z: (Z[:, 0] > 0.3) * 1.0, probe, TreeSurrogate(), store=None)
    words = [branch.words for branch in branches_of(one(ex, DrawnTree).root) if branch.words]
    assert any(re.fullmatch(r"age ≤ −?[\d.]+", text) for text in words)


def test_several_outputs_share_a_tree():
    ex = explain(lambda Z: Z[:, :4] * [1, 2, 3, 4], MaskProbe(5), TreeSurrogate(), target="all", store=None)
    part = one(ex, DrawnTree)
    assert len(part.outputs) == 3 and part.more == 1
    assert all(len(b.values) == 3 for b in branches_of(part.root) if b.values)
    assert "(1 more in the table of terms)" in part.draw()


# --- rules


@pytest.fixture(scope="module")
def rules():
    return explained("rules")


def test_a_card_says_how_often_its_rule_held_and_what_the_model_answered(rules):
    part = one(rules, RuleCards)
    distinct, first = np.unique(rules.answers.design.Z, axis=0, return_index=True)
    order = np.argsort(-np.abs(rules.surrogate.coef_), kind="stable")
    for card, i in zip((*part.rows, *part.folded), order, strict=True):
        holds = rules.surrogate.terms_[i](distinct) > 0
        assert card.count == holds.sum() and len(card.conditions) == len(rules.surrogate.terms_[i].conditions)
        assert card.here == bool(rules.surrogate.terms_[i](rules.answers.design.Z[:1])[0])
        there = float(card.effects[0].there.replace("−", "-"))
        assert there == pytest.approx(rules.y[first][holds, 0].mean(), abs=0.01)
        assert card.sign == ("up" if rules.surrogate.coef_[i] > 0 else "down")


def test_start_and_the_cards_that_hold_make_the_prediction():
    ex = explained(RuleSurrogate())
    part = one(ex, RuleCards)
    here = [card for card in (*part.rows, *part.folded) if card.here]
    assert len(here) == part.holding
    numbers = [part.start, *(card.effects[0].effect for card in here)]
    total = sum(float(number.replace("−", "-")) for number in numbers)
    assert total == pytest.approx(float(ex.predict(ex.answers.design.Z[:1])[0]), abs=0.03)


def test_cards_are_written_as_if_and_then(rules):
    html = re.sub(r"<[^>]+>", "", one(rules, RuleCards).draw())
    assert re.search(r"IF “\w+” (left in|removed)", html) and "THEN" in html
    assert "Holds for this input." in html or "Does not hold for this input." in html
    assert "no intervals" in html


# --- pairs


@pytest.fixture(scope="module")
def pairs():
    return explained(InteractionSurrogate())


def test_a_pair_has_a_number_in_the_list_and_at_both_words(pairs, tmp_path):
    part, marks = one(pairs, Pairs), pair_marks(pairs)
    strongest = part.arcs[0]
    assert {strongest.first, strongest.second} == {"“not”", "“bad”"} and strongest.number == 1
    assert float(strongest.weight) == pytest.approx(2.0, abs=0.3) and strongest.sign == "up"
    assert marks["not"][0] == marks["bad"][0] == 1
    page = pairs.report(tmp_path / "page.html").read_text()
    shaded = page.split("What it depends on")[1].split("</section>")[0]
    assert re.search(r'>not<sup class="pair">1\b', shaded)
    assert re.search(r'>bad<sup class="pair">1\b', shaded)
    assert '<li class="up" value="1">' in page


def test_terms_of_three_features_are_listed():
    ex = explain(lambda Z: 4 * Z[:, 0] * Z[:, 1] * Z[:, 2], MaskProbe(4), "interactions", store=None)
    part = one(ex, Pairs)
    assert [row.names for row in part.wider] == [("x0", "x1", "x2")]
    assert float(part.wider[0].weight) == pytest.approx(max(ex.surrogate.coef_), abs=0.01)
    assert len(part.arcs) == 3 and "of more than two features: 1 more" in part.draw()


def test_at_most_nine_pairs_have_numbers():
    rng = np.random.default_rng(0)
    products = [Product((i, j), (0.5, 0.5)) for i in range(7) for j in range(i)]
    ex = explain(lambda Z: Z.sum(axis=1), MaskProbe(7), SparseLinear(), store=None)
    fitted = InteractionSurrogate().fit(ex.answers.design.Z, ex.y[:, 0])
    fitted.terms_, fitted.coef_ = products, rng.normal(size=21)
    part = one(replace(ex, surrogate=fitted), Pairs)
    assert [arc.number for arc in part.arcs] == [*range(1, 10)] and len(part.others) == 12
    sizes = [abs(float(arc.weight.replace("−", "-"))) for arc in part.arcs]
    assert sizes == sorted(sizes, reverse=True)


def test_a_cell_of_a_notebook_has_no_numbers_without_their_list(pairs):
    short = pairs._repr_html_().partition("the whole report")[0]
    assert "not</mark>" in short and "<sup" not in short


# --- shapes


@pytest.fixture(scope="module")
def shapes():
    rows = np.random.default_rng(1).normal(size=(60, 3)) * [1, 10, 1] + [0, 40, 0]
    probe = TabularProbe(rows[0], rows, law=LocalGaussian(1.0), feature_names=["dose", "age", "idle"])
    return explain(lambda Z: 3.0 * (Z[:, 1] > 42) + Z[:, 0], probe, "additive", store=None)


def test_a_shape_goes_through_this_inputs_point_at_what_it_adds(shapes):
    part = one(shapes, Shapes)
    shape = next(row for row in (*part.rows, *part.folded) if row.feature == "age")
    assert float(shape.here) == pytest.approx(shapes.features[1].loc, rel=1e-4)
    points = [tuple(map(float, point.split())) for point in shape.path[1:].split("L")]
    left, top = float(shape.spot.left), float(shape.spot.top)
    before = max((p for p in points if p[0] <= left + 0.1), key=lambda p: p[0])
    assert min(abs(p[1] - top) for p in points if abs(p[0] - before[0]) < 0.2) < 0.5
    ends = float(shape.low), float(shape.high)
    Z = shapes.answers.design.Z[:, 1]
    np.testing.assert_allclose(ends, [Z.min(), Z.max()], rtol=0.01)


def test_the_step_of_a_shape_is_as_high_as_the_models(shapes):
    part = one(shapes, Shapes)
    shape = next(row for row in part.rows if row.feature == "age")
    tops = [float(point.split()[1]) for point in shape.path[1:].split("L")]
    low, high = (float(v.replace("−", "-")) for v in (part.bottom, part.top))
    assert (max(tops) - min(tops)) / 100 * (high - low) == pytest.approx(3.0, abs=0.4)


def test_features_that_are_there_or_not_have_a_step_between_both(tmp_path):
    ex = explained(AdditiveSurrogate())
    part = one(ex, Shapes)
    assert {(row.low, row.high, row.here) for row in part.rows} == {("removed", "left in", "left in")}
    assert "could not be drawn" not in ex.report(tmp_path / "page.html").read_text()


# --- the curve


def test_the_curve_has_this_input_and_every_answer_on_it():
    ex = explain(
        lambda Z: 1 / (1 + np.exp(2 - Z @ [4, 2, 1, 1, 1])),
        MaskProbe(5),
        SparseLinear(link=Link("logistic", 0.0, 1.0)),
        target=None,
        store=None,
    )
    part = one(ex, LinkCurve)
    assert part.curve == "logistic between 0 and 1" and part.asked == part.shown == len(ex.y)
    assert float(part.sum) == pytest.approx(7.0, abs=0.05)
    assert part.model == part.said and part.spot == part.real
    heights = [float(point.split()[1]) for point in part.path[1:].split("L")]
    assert heights == sorted(heights, reverse=True)  # places are measured from the top
    assert len(re.findall("M", part.answers)) <= len(np.unique(ex.answers.design.Z, axis=0))


def test_a_learned_curve_is_drawn_through_its_points():
    ex = explain(
        lambda Z: np.sqrt(np.maximum(Z @ [4, 2, 1, 1, 1, 0.5] - 2, 0)),
        MaskProbe(6),
        SparseLinear(link="learned"),
        store=None,
    )
    part = one(ex, LinkCurve)
    (link,) = ex.surrogate.links_
    assert part.curve == str(link) and part.knots.count("M") > 3
    heights = [float(point.split()[1]) for point in part.path[1:].split("L")]
    assert heights == sorted(heights, reverse=True)


def test_a_plain_sum_has_no_curve_and_a_linear_one_no_other_drawing():
    assert drawn_parts(explain(lambda Z: Z[:, 0], MaskProbe(4), SparseLinear(), store=None)) == []


def test_many_answers_are_thinned_out():
    ex = explain(
        lambda Z: 1 / (1 + np.exp(-Z.sum(axis=1) + 6)),
        MaskProbe(12),
        SparseLinear(link="logistic"),
        budget=1500,
        store=None,
    )
    part = one(ex, LinkCurve)
    assert part.shown == 400 and "400 of" in part.draw() and len(part.answers) < 8000


# --- what more terms are worth


def test_the_page_says_what_more_terms_are_worth():
    ex = explain(lambda Z: Z @ [8.0, 4.0, 2.0, 1.0, 0.5, 0.1], MaskProbe(6), store=None)
    part = FidelityByTerms.of(ex, 0)
    assert [row.terms for row in part.rows] == [1, 2, 4, 6]
    assert (
        part.gain
        == "All 6 terms reach R² 1.00. The strongest 4 reach 0.997: the rest adds little. Reading 1 alone costs 0.25."
    )
    misses = [float(row.miss) for row in part.rows]
    np.testing.assert_allclose(misses[0], np.sqrt(4**2 + 2**2 + 1 + 0.25 + 0.01) / 2, rtol=0.01)
    assert misses == sorted(misses, reverse=True)


def test_noise_is_not_said_to_be_predicted_by_more_terms():
    ex = explain(lambda Z: np.sin(1e6 * (Z @ np.arange(1, 13) ** 2.3)), MaskProbe(12), "rules", budget=80, store=None)
    part = FidelityByTerms.of(ex, 0)
    assert part.gain.startswith("No number of terms surely predicts better than a constant") and part.muted


def test_a_pair_of_another_output_is_not_drawn():
    def two(Z):
        return np.column_stack([Z[:, 0] * Z[:, 1], Z[:, 2] * Z[:, 3]])

    ex = explain(two, MaskProbe(5), "interactions", target="all", store=None)
    first, second = (part for part in drawn_parts(ex) if isinstance(part, Pairs))
    assert [(arc.first, arc.second) for arc in (*first.arcs, *second.arcs)] == [("x0", "x1"), ("x2", "x3")]
    assert {arc.number for arc in (*first.arcs, *second.arcs)} == {1, 2}


def test_what_was_not_measured_is_not_drawn():
    ex = explain(lambda Z: Z @ [2.0, 1.0, 0.5], MaskProbe(3), store=None)
    assert FidelityByTerms.of(replace(ex, fidelity=replace(ex.fidelity, by_terms=())), 0) is None
    assert FidelityByTerms.of(explain(lambda Z: Z[:, 0], MaskProbe(3), store=None), 0) is None


@pytest.mark.parametrize(
    "name", ["tree", "tree-direct", "rules", "interactions", "additive", "own-family", "real", "auto"]
)
def test_what_an_older_version_saved_is_drawn(name, tmp_path):
    from surrogates import Explanation

    ex = Explanation.from_json(ROOT / "tests" / "golden" / "1" / f"{name}.json")
    page = ex.report(tmp_path / "page.html").read_text()
    assert "could not be drawn" not in page and "What more" not in page
    if name.startswith("tree"):
        assert "The surrogate: a tree" in page
