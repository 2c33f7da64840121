"""What plots show: labels, bars, intervals and limits, as read from the Axes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from probes import MaskProbe
from probes.errors import InputError
from surrogates import explain
from surrogates.report.plots.drawing import MUTED, NEGATIVE, POSITIVE
from surrogates.report.plots.tree_plot import Branch, Leaf, grown
from surrogates.terms import Box
from tests.helpers.plot_examples import example, options

pytestmark = pytest.mark.xdist_group("plots")  # what the module makes once is made in one process


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def widths(ax):
    return [patch.get_width() for patch in ax.patches]


def colour_of(patch):
    return matplotlib.colors.to_hex(patch.get_facecolor()).upper()


def refused(ex):
    return replace(ex, fidelity=replace(ex.fidelity, misses=(True,)))


def test_bars_are_the_effects_with_their_intervals_strongest_on_top():
    ex = example("linear")
    ax = ex.plot(max_features=4)
    table = ex.attributions.head(4)
    np.testing.assert_allclose(widths(ax), table["attribution"])
    spans = [np.sort(path.vertices[:, 0]) for path in ax.collections[0].get_paths()]
    np.testing.assert_allclose(spans, table[["low", "high"]])
    assert ax.patches[0].get_y() > ax.patches[1].get_y()


def test_words_are_quoted_and_the_second_of_a_kind_is_numbered():
    ex = example("linear")
    shown = labels(ex.plot(max_features=40))
    assert {"“good” (1st, in “not good at all …”)", "“funny,”"} <= set(shown) and len(shown) == len(ex.features)
    assert any(name.startswith("“good” (2nd, in ") for name in shown)


def test_what_raises_is_blue_to_the_right_and_what_lowers_vermilion_to_the_left():
    ax = example("linear").plot(max_features=40)
    for bar in ax.patches:
        assert colour_of(bar) == (POSITIVE if bar.get_width() >= 0 else NEGATIVE)


@pytest.mark.parametrize("kind", ["attributions", "waterfall"])
def test_bars_that_a_verdict_says_not_to_use_are_grey(kind):
    ax = refused(example("linear")).plot(kind)
    assert {colour_of(bar) for bar in ax.patches} == {MUTED}


@pytest.mark.parametrize(("name", "kind"), [("linear", "predictions"), ("pairs", "network"), ("tree", "tree")])
def test_points_and_lines_that_a_verdict_says_not_to_use_are_grey(name, kind):
    ax = refused(example(name)).plot(kind)
    drawn = {matplotlib.colors.to_hex(c).upper() for art in ax.collections for c in art.get_facecolor()}
    drawn |= {matplotlib.colors.to_hex(line.get_color()).upper() for line in ax.lines}
    assert not drawn & {POSITIVE, NEGATIVE} and MUTED in drawn


def test_of_many_features_it_says_how_many_are_shown():
    assert "4 of 10 features" in example("linear").plot(max_features=4).get_xlabel()
    assert "features" not in example("linear").plot(max_features=40).get_xlabel()


def test_forty_features_are_legible():
    names = [f"a column with a long name, number {i}" for i in range(40)]
    ex = explain(lambda Z: Z @ np.linspace(1, -1, 40), MaskProbe(names), budget=120, store=None)
    ax = ex.plot(max_features=40)
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert len(boxes) == 40 and ax.get_yticklabels()[0].get_fontsize() >= 9
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(boxes))


def test_in_a_small_place_letters_are_smaller_rather_than_on_each_other():
    _, ax = plt.subplots(figsize=(6, 2.4))
    example("linear").plot(ax=ax, max_features=40)
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(boxes))


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="max_features must be at least 1"):
        example("linear").plot("waterfall", max_features=0)


@pytest.mark.parametrize("wrong", ["3", 2.5, None, True])
def test_a_number_of_rows_that_is_no_integer_is_refused(wrong):
    with pytest.raises(InputError, match="max_features must be an integer"):
        example("linear").plot(max_features=wrong)


@pytest.mark.parametrize("name", ["linear", "values"])
def test_a_waterfall_goes_from_the_reference_to_the_instance(name):
    result = example(name)
    ax = result.plot("waterfall")
    if name == "values":
        start, end = result.base[0], result.base[0] + result.values[0].sum()
    else:
        start, end = result.predict([[0.0] * 10, [1.0] * 10])
    ends = ax.collections[-1].get_offsets()[:, 0]
    np.testing.assert_allclose(ends, [start, end])
    np.testing.assert_allclose(ends[0] + sum(widths(ax)), ends[1])


def test_a_waterfall_says_what_the_model_says_beside_its_surrogate():
    ax = example("linear").plot("waterfall")
    assert any("(the model: " in text.get_text() for text in ax.texts)


def test_steps_that_lower_are_hatched_for_a_print_in_grey():
    ax = example("linear").plot("waterfall")
    assert {bool(bar.get_hatch()) == (bar.get_width() < 0) for bar in ax.patches} == {True}
    assert any(bar.get_hatch() for bar in ax.patches)


def test_features_whose_labels_are_cut_alike_keep_their_own_steps():
    names = [f"{'a sentence that is long enough to be cut in every label of a plot' * 2} {i}" for i in range(4)]
    ex = explain(lambda Z: Z @ np.array([4.0, 3.0, 2.0, 1.0]), MaskProbe(names), store=None)
    ax = ex.plot("waterfall")
    assert len(set(labels(ax)[1:-1])) == 1
    np.testing.assert_allclose(widths(ax), [4.0, 3.0, 2.0, 1.0])


def test_steps_beyond_the_limit_are_one():
    ax = example("values").plot("waterfall", max_features=3)
    assert len(ax.patches) == 3 and labels(ax)[3] == "8 others"


def test_the_strip_holds_every_word_in_order_and_numbers_of_clear_effects_alone():
    ex = example("linear")
    ax = ex.plot("text")
    words = [t.get_text() for t in ax.texts if t.get_fontsize() == 11.0]  # exact: a size that was set
    assert " ".join(words).replace(" ,", ",") == "not good at all but funny, and funny is good"
    numbers = [t for t in ax.texts if t.get_fontsize() == 7.5]  # exact: a size that was set
    table = ex.attributions
    assert len(numbers) == int(((table["low"] > 0) | (table["high"] < 0)).sum())


def test_a_long_text_is_broken_into_lines_within_the_axes():
    words = " ".join(f"word{i}" for i in range(60))
    ex = explain(lambda texts: [float("word3 " in t) for t in texts], words, budget=100, store=None)
    ax = ex.plot("text")
    ax.figure.draw_without_rendering()
    right = max(t.get_window_extent().x1 for t in ax.texts if t.get_fontsize() == 11.0)  # exact: a size that was set
    assert right <= ax.get_window_extent().x1 + 3 and len({t.get_position()[1] for t in ax.texts}) > 5


def test_a_network_draws_the_pair_that_interacts_most_widest_and_dashed_if_negative():
    ax = example("pairs").plot("network")
    widest = max(ax.lines, key=lambda line: line.get_linewidth())
    assert widest is ax.lines[-1]
    shown = {t.get_text() for t in ax.texts}
    assert "“not”" in shown and any(name.startswith("“good” (1st") for name in shown)
    styles = {matplotlib.colors.to_hex(line.get_color()).upper(): line.get_linestyle() for line in ax.lines}
    assert styles[POSITIVE] == "-" and styles[NEGATIVE] == "--"


def test_a_tree_shows_each_leaf_with_its_value_and_answers():
    ex = example("tree")
    ax = ex.plot("tree")
    design = ex.answers.design
    said = np.unique(ex.predict(design.judged).round(9))
    shares = [t.get_text() for t in ax.texts if t.get_text().endswith("%")]
    assert len(shares) == len(ex.surrogate.terms_) >= len(said) > 2
    dots = sum(len(c.get_offsets()) for c in ax.collections) - len(shares)
    assert dots == len(design.judged)


def test_the_path_of_the_instance_is_drawn_strongly_to_one_leaf():
    ax = example("tree").plot("tree")
    strong = [line for line in ax.lines if line.get_linewidth() > 2]
    assert sum(line.get_xdata()[-1] >= 2 for line in strong) >= 1
    assert len(strong) < len(ax.lines)


def test_leaves_grow_into_the_tree_that_they_are_of():
    inf = np.inf
    boxes = [Box(((0, -inf, 0.5),)), Box(((0, 0.5, inf), (1, -inf, 2.0))), Box(((0, 0.5, inf), (1, 2.0, inf)))]
    root = grown(boxes, np.array([1.0, 2.0, 3.0]), np.array([[1.0, 5.0]]), np.array([9.0]))
    assert isinstance(root, Branch) and (root.feature, root.below) == (0, root.below)
    assert isinstance(root.below, Leaf) and isinstance(root.above, Branch)
    assert root.above.threshold == pytest.approx(2.0) and root.above.above.answers.tolist() == pytest.approx([9.0])


def test_boxes_of_no_tree_are_refused():
    inf = np.inf
    boxes = [Box(((0, -inf, 0.5), (1, 0.5, inf))), Box(((0, 0.5, inf), (1, -inf, 0.5)))]
    crossed = [*boxes, Box(((0, 0.2, inf), (1, 0.2, inf)))]
    with pytest.raises(ValueError, match="no leaves of one tree"):
        grown(crossed, np.ones(3), np.empty((0, 2)), np.empty(0))


def test_shapes_are_those_of_the_terms_on_one_scale():
    ex = example("shapes")
    ax = ex.plot("shapes")
    assert {small.get_title() for small in ax.child_axes} <= {"age", "income", "debt", "children"}
    assert len({small.get_ylim() for small in ax.child_axes}) == 1
    first = ax.child_axes[0]
    line = max((drawn for drawn in first.lines if len(drawn.get_xdata()) > 100), key=lambda d: d.get_linewidth())
    x, y = line.get_data()
    rows = np.tile([f.loc for f in ex.features], (len(x), 1))
    rows[:, [f.name for f in ex.features].index(first.get_title())] = x
    said = ex.predict(rows)
    np.testing.assert_allclose(y - y[0], said - said[0], atol=1e-9)


def test_a_curve_shows_each_size_with_its_interval():
    ex, curve = example("pairs"), options("pairs", "fidelity")["curve"]
    ax = ex.plot("fidelity", curve=curve)
    np.testing.assert_allclose(ax.lines[0].get_data(), curve[["answers", "r2"]].to_numpy().T)
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(curve["r2_low"].min()) and band.max() == pytest.approx(curve["r2_high"].max())
    assert ax.get_ylim()[1] == pytest.approx(1.03)
    with pytest.raises(InputError, match="curve must be what explanation"):
        ex.plot("fidelity", curve=curve[["r2"]])


def test_a_beeswarm_has_a_point_for_every_input_and_no_two_on_each_other():
    many = example("set")
    ax = many.plot("beeswarm")
    points = np.concatenate([c.get_offsets() for c in ax.collections])
    assert len(points) == len(many) * len(labels(ax))
    top = points[points[:, 1] > len(labels(ax)) - 1.5]
    np.testing.assert_allclose(
        np.sort(top[:, 0]), np.sort(many.frame.loc[many.frame["feature"] == labels(ax)[0], "attribution"])
    )
    assert len(np.unique(points.round(6), axis=0)) == len(points)


def test_importance_and_beeswarm_name_the_same_features_in_the_same_order():
    assert labels(example("set").plot("beeswarm")) == labels(example("set").plot("importance"))


def test_a_forest_shows_effects_with_intervals_and_verdicts_by_shape_and_word():
    card = example("card")
    ax = card.plot()
    rows = [s for s in card.entries[0].statements if np.isfinite(s["effect"])]
    points = [c for c in ax.collections if isinstance(c, PathCollection)]
    np.testing.assert_allclose([c.get_offsets()[0][0] for c in points], [s["effect"] for s in rows])
    assert all(f"({s['verdict']})" in label for s, label in zip(rows, labels(ax), strict=True))


def test_a_difference_shows_both_effects_beside_each_change():
    change = example("change")
    ax = change.plot(max_features=5)
    np.testing.assert_allclose(widths(ax), change.attributions["change"].head(5))
    beside = [t.get_text() for t in ax.texts if " → " in t.get_text() and t.get_gid() != "caption"]
    assert len(beside) == 6 and beside[0] == "before → after"


def test_predictions_are_the_held_out_answers():
    ex = example("linear")
    points = ex.plot("predictions").collections[0].get_offsets()
    np.testing.assert_allclose(points, np.column_stack([ex.fidelity.predicted[:, 0], ex.fidelity.observed[:, 0]]))


def test_an_anchor_shows_both_shares_and_the_one_asked_for():
    rule = example("anchor")
    ax = rule.plot()
    np.testing.assert_allclose(widths(ax), [rule.precision, rule.unconditional])
    assert ax.lines[-1].get_xdata()[0] == pytest.approx(rule.asked) and ax.get_xlim() == pytest.approx((0, 1.02))


def test_in_a_small_place_a_text_is_smaller_and_stays_within():
    words = " ".join(f"word{i}" for i in range(60))
    ex = explain(lambda texts: [float("word3 " in t) for t in texts], words, budget=100, store=None)
    _, (ax, other) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    ex.plot("text", ax=ax)
    ex.plot("predictions", ax=other)
    ax.figure.draw_without_rendering()
    shown = [t for t in ax.texts if t.get_text().startswith("word")]
    assert shown[0].get_fontsize() < 11
    assert max(t.get_window_extent().x1 for t in shown) <= other.get_window_extent().x0
