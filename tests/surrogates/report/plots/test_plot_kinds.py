"""The table of plots: every kind has a file and an example, draws where it is told, and says how far to trust it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import surrogates.report.plots as plots
import surrogates.report.views  # noqa: F401 - loads every kind
from probes.errors import InputError
from surrogates.report.plots.caption import caption_of
from surrogates.report.plots.kinds import KINDS, kinds_of
from tests.helpers.plot_examples import EXAMPLES, example, options

# what the module makes once is made in one process
pytestmark = pytest.mark.xdist_group("plots")

#: what is drawn where nobody names a kind
FIRST = {
    "Explanation": "attributions",
    "ShapleyValues": "attributions",
    "PairwiseInteractions": "attributions",
    "Anchor": "precision",
    "Counterfactuals": "changes",
    "Dependence": "dependence",
    "Difference": "difference",
    "ExplanationSet": "importance",
    "GlobalSurrogate": "predictions",
    "Study": "statements",
    "Card": "statements",
    "CardDifference": "statements",
    "VectorShare": "statements",
    "CaseDifference": "statements",
    "RowDifference": "rules",
}


def texts(ax):
    return [text.get_text() for text in ax.figure.findobj(plt.Text)]


def caption(ax):
    (found,) = (text for text in ax.texts if text.get_gid() == "caption")
    return " ".join(found.get_text().split())


def test_every_file_of_a_kind_registers_one():
    files = {path.stem for path in Path(plots.__file__).parent.glob("*_plot.py")}
    makers = {maker.__module__.rpartition(".")[2] for of in KINDS.values() for maker in of.values()}
    assert files == makers
    assert all(hasattr(import_module(f"{plots.__name__}.{name}"), "__all__") for name in files)


def test_every_kind_of_every_result_has_an_example():
    assert {(type(example(name)), kind) for name, kind in EXAMPLES} == {(t, k) for k, of in KINDS.items() for t in of}


def test_what_is_drawn_by_default_is_what_was_before():
    drawn = {type(example(name)).__name__: kinds_of(example(name))[0] for name, _ in EXAMPLES}
    assert drawn == FIRST


@pytest.mark.parametrize(("name", "kind"), EXAMPLES)
def test_it_draws_into_given_axes_and_nowhere_else(name, kind):
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 5), layout="constrained")
    assert example(name).plot(kind, ax=right, **options(name, kind)) is right
    assert right.has_data() or right.child_axes or right.texts
    assert not left.has_data() and not left.texts and figure.axes == [left, right]
    assert plt.get_fignums() == [figure.number]
    figure.draw_without_rendering()


@pytest.mark.parametrize(("name", "kind"), EXAMPLES)
def test_the_line_below_holds_model_fit_and_verdict(name, kind):
    result = example(name)
    said, shown = caption_of(result), caption(result.plot(kind, **options(name, kind)))
    assert said.fit and (said.verdict or name in ("rows", "steps")) and said.model
    assert all(part in shown for part in (said.fit, said.verdict))
    assert shown.startswith(said.model[:20])


@pytest.mark.parametrize(("name", "kind"), EXAMPLES)
def test_nothing_is_cut_at_the_edge_of_a_figure_of_its_own(name, kind):
    ax = example(name).plot(kind, **options(name, kind))
    ax.figure.draw_without_rendering()
    box, (width, height) = ax.figure.get_tightbbox(), ax.figure.get_size_inches()
    assert min(box.x0, box.y0) > -0.03 and box.x1 < width + 0.03 and box.y1 < height + 0.03


@pytest.mark.parametrize(("name", "kind"), [e for e in EXAMPLES if e[0] not in ("set", "study")])
def test_a_result_from_a_file_is_drawn_alike_so_no_model_is_asked(name, kind):
    result = example(name)
    again = type(result).from_json(result.to_json())
    assert texts(again.plot(kind, **options(name, kind))) == texts(result.plot(kind, **options(name, kind)))


def test_axes_in_the_place_of_the_kind_are_drawn_into():
    _, ax = plt.subplots()
    assert example("linear").plot(ax, max_features=3) is ax
    assert len(ax.patches) == 3


def test_a_wrong_kind_lists_those_there_are():
    with pytest.raises(InputError, match=r"kind must be one of 'attributions', 'families', .* got 'bars'"):
        example("linear").plot("bars")


def test_a_kind_of_other_results_says_whose_it_is():
    with pytest.raises(InputError, match="'beeswarm' is of ExplanationSet"):
        example("linear").plot("beeswarm")


@pytest.mark.parametrize(
    ("name", "kind", "needs"),
    [
        ("linear", "tree", 'a tree with more than one leaf, as family="tree"'),
        ("linear", "network", "a surrogate in which features interact"),
        ("linear", "families", "families that were compared"),
        ("linear", "fidelity", r"what explanation.fidelity_curve\(\) computes"),
        ("linear", "shapes", "a surrogate with terms of single real-valued features"),
        ("shapes", "text", "a text; got \"an input of the kind 'table'\""),
        ("rows", "shapes", "a surrogate with terms of single real-valued features"),
    ],
)
def test_a_kind_that_does_not_fit_says_what_it_needs(name, kind, needs):
    with pytest.raises(InputError, match=f"'{kind}' needs {needs}"):
        example(name).plot(kind)


def test_an_option_that_a_kind_does_not_take_is_refused():
    with pytest.raises(InputError, match="'predictions', which takes output; got 'max_features'"):
        example("linear").plot("predictions", max_features=3)
    with pytest.raises(InputError, match="'fidelities', which takes none"):
        example("set").plot("fidelities", output="output")


@pytest.mark.parametrize("kind", ["attributions", "text", "waterfall", "predictions"])
def test_an_output_that_is_not_there_is_refused(kind):
    with pytest.raises(InputError, match="output must be one of 'output'; got 'no'"):
        example("linear").plot(kind, output="no")
