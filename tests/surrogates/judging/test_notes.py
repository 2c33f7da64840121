"""Warnings about the numbers explained."""

import logging
import re

import numpy as np
import pandas as pd
import pytest

from probes import MaskProbe, TabularProbe, TextFunction
from surrogates import Link, SparseLinear, explain, explain_many


def cluster(Z):
    return Z[:, 0] + 2 * Z[:, 1]


@pytest.mark.parametrize("values", [cluster, lambda Z: 1 - 2 * Z[:, 0]], ids=["numbers of clusters", "±1"])
def test_a_function_that_returns_a_few_whole_numbers_is_taken_for_one_of_labels(values, caplog):
    with caplog.at_level(logging.WARNING):
        ex = explain(values, MaskProbe(5), store=None)
    assert sum("labels of classes" in warning for warning in ex.warnings) == 1
    assert "labels of classes" in caplog.text and "-" not in caplog.messages[-1]  # a minus sign is none


def test_a_budget_that_would_ask_all_but_for_what_else_it_pays_for_says_so():
    lm, text = TextFunction(lambda prompt: " ".join(prompt.split()[::-1])), "one two three four five six"
    (note,) = [w for w in explain(lm, text, budget=64, store=None).warnings if "not all 64" in w]
    assert "pays for the model's own answer too" in note
    enough = int(re.search(r"budget=(\d+)", note).group(1))
    assert enough == 65
    for budget, exact in ((enough, True), (enough - 1, False)):
        ex = explain(lm, text, budget=budget, store=None)
        assert (len(ex.fidelity.observed) == 64) == exact and any("not all 64" in w for w in ex.warnings) != exact


def test_many_explanations_warn_of_labels_once(caplog):
    with caplog.at_level(logging.WARNING):
        found = explain_many(cluster, [MaskProbe(5), MaskProbe(6)], store=None)
    assert caplog.text.count("labels of classes") == 1
    assert all(any("labels of classes" in note for note in ex.warnings) for ex in found)


@pytest.mark.parametrize(
    "values",
    [
        lambda Z: Z[:, 0],
        lambda Z: Z[:, 0] / 2 + Z[:, 1],
        lambda Z: Z @ np.array([1, 20, 30, 40, 50]),
        lambda Z: Z[:, 0] - 2 * Z[:, 1],
        lambda Z: 5 * Z[:, 0] + 10 * Z[:, 1],
    ],
    ids=["a frequency", "fractions", "many numbers", "scores down to −2", "points in steps of five"],
)
def test_quantities_are_not_taken_for_labels(values):
    assert not any("labels of classes" in warning for warning in explain(values, MaskProbe(5), store=None).warnings)


@pytest.mark.parametrize("count", [6, 60], ids=["all rows", "a sample"])
def test_labels_that_are_averaged_over_background_rows_are_still_seen(count):
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(count, 3)), columns=list("abc"))
    ex = explain(lambda d: (d.a > 0).astype(int) + (d.b > 0), TabularProbe(rows.iloc[0], rows), budget=99, store=None)
    assert any("whole numbers (0, 1, 2)" in warning for warning in ex.warnings)
    ex = explain(lambda d: (d.a > 0) + 0.5 * d.b, TabularProbe(rows.iloc[0], rows), budget=99, store=None)
    assert not any("whole numbers" in warning for warning in ex.warnings)


@pytest.mark.parametrize(("high", "count"), [(3.1, 0), (3.01 - 1e-8, 0), (2.5, 1)])
def test_answers_beyond_the_bounds_of_a_link_are_named(high, count):
    family = SparseLinear(link=Link("logistic", -0.5, high))
    ex = explain(lambda Z: Z[:, 0] + 2 * Z[:, 1] + 0.01 * Z[:, 2], MaskProbe(5), family=family, store=None)
    assert sum("beyond the bounds" in w and "give bounds that hold" in w for w in ex.warnings) == count


def test_who_let_the_bounds_be_chosen_is_not_told_to_have_them_chosen():
    def bent(Z):
        return np.tanh(Z @ np.linspace(-1, 2, 8)) + 0.3 * Z.all(axis=1)

    ex = explain(bent, MaskProbe(8), budget=80, store=None)
    (note,) = [w for w in ex.warnings if "beyond the bounds" in w]
    assert note.endswith("where no prediction does.")


@pytest.mark.parametrize(
    ("high", "said"), [(-5.0, "All answers of output lie where its"), (-1.0, r"of the answers of output lie where its")]
)
def test_answers_where_a_curve_is_nearly_flat_are_told_in_plain_words(high, said):
    def rare(Z):
        return 1 / (1 + np.exp(7 - (7 + high) * Z[:, 0] - 0.1 * Z[:, 1]))

    ex = explain(rare, MaskProbe(5), family=SparseLinear(link=Link("logistic", 0.0, 1.0)), store=None)
    (note,) = [w for w in ex.warnings if "nearly flat" in w]
    assert re.search(said, note) and "100%" not in note


def test_one_answer_beyond_a_bound_is_one():
    family, most = SparseLinear(link=Link("logistic", -0.5, 2.4)), np.array([1, 0, 1, 1, 1])
    ex = explain(
        lambda Z: 2 * Z[:, 0] + 0.5 * (np.abs(most - Z).sum(axis=1) < 0.5), MaskProbe(5), family=family, store=None
    )
    assert any(w.startswith("1 of 34 answers of output lies beyond the bounds") for w in ex.warnings)


@pytest.mark.parametrize(("other", "count"), [("logistic", 0), ("identity", 1)])
def test_predictions_that_no_longer_add_up_to_one_are_named_and_no_others(other, count):
    def shares(Z):
        first = 1 / (1 + np.exp(3 - 4 * Z[:, 0] - 2 * Z[:, 1] - Z[:, 2]))
        return np.column_stack([first, 1 - first])

    ex = explain(shares, MaskProbe(5), family=SparseLinear(link=("logistic", other)), store=None)
    assert sum("add up to 1" in warning for warning in ex.warnings) == count


def test_answers_that_vary_by_rounding_alone_have_neither_r2_nor_effects():
    def mean_of(Z):
        return 1.0 + 200 * np.finfo(float).eps * Z[:, 0]

    ex = explain(mean_of, MaskProbe(6), store=None)
    assert np.isnan(ex.fidelity.r2[0]) and not ex.attributions["attribution"].any()


def test_what_an_iterated_fit_leaves_is_no_effect():
    ex = explain(
        lambda Z: 2 * Z[:, 0] - Z[:, 3] + 1.5 * Z[:, 1] * Z[:, 2], MaskProbe(10), "tree", budget=150, store=None
    )
    sizes = np.abs([*ex.attributions["attribution"], *np.ravel(ex.surrogate.coef_)])
    assert not ((sizes > 0) & (sizes < 1e-6 * np.ptp(ex.y))).any()
