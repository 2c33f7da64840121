"""The head sentence of anchors, Shapley values, differences and sets; truth is by hand."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd

from probes import MaskProbe
from surrogates import anchor, compare, explain_many, shapley_values


def head_of(result, tmp_path):
    page = result.report(tmp_path / "page.html").read_text()
    markup = re.search(r'<p class="lead">(.*?)</p>', page, re.DOTALL).group(1)
    assert page.index('class="lead"') < page.index("<h2>")
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def test_an_anchor_says_what_settles_the_answer(tmp_path):
    """The answer is 1 where x0 and x1 are present: under the rule always, without it in one of four variations."""
    said = head_of(anchor(lambda Z: Z[:, 0] * Z[:, 1], MaskProbe(["a", "b", "c"]), store=None), tmp_path)
    assert said.startswith("The model said 1. Whenever a is present and b is present: ")
    assert "in 100% of those asked (exactly); without that rule, in 25%." in said
    assert "All 8 possible questions were asked; " in said
    assert said.endswith("; the rule holds in 25% of all variations.")


def test_a_rule_that_is_not_proved_is_not_named(tmp_path):
    result = anchor(lambda Z: (Z.sum(axis=1) > 11).astype(float), MaskProbe(16), precision=0.999, budget=70, store=None)
    assert not result.proved
    said = head_of(result, tmp_path)
    assert said.startswith("No rule is proved: none reached a precision of 99.9% within the budget. The model said ")
    assert "Whenever" not in said


def test_shapley_values_say_both_ends_and_the_largest(tmp_path):
    said = head_of(shapley_values(lambda Z: 3 * Z[:, 1] - Z[:, 0] + 5, MaskProbe(["a", "b"]), store=None), tmp_path)
    assert said.startswith("The model said 7 for this input, and 5 with every feature absent. ")
    assert "“b” has the largest value that is clear: +3." in said
    assert said.endswith("possible questions were asked, so these values are exact.")


def test_a_difference_says_what_either_model_said(tmp_path):
    change = compare(lambda Z: Z[:, 0], lambda Z: Z[:, 0] + 2 * Z[:, 1], MaskProbe(5), store=None)
    said = head_of(change, tmp_path)
    before, after = change.names
    assert said.startswith(f"For this input “{before}” said 1 and “{after}” said 3. ")
    assert "this explanation of the change reproduces them with R² 1.00" in said


def test_a_change_that_is_not_explained_says_so_first(tmp_path):
    def noise(Z):
        return np.sin(1e6 * (Z @ np.arange(1, 13) ** 2.3))

    change = compare(lambda Z: Z[:, 0], lambda Z: Z[:, 0] + noise(Z), MaskProbe(12), budget=128, store=None)
    assert change.change.fidelity.refused(change=True) == (True,)
    assert re.match(r"Do not (use|rely on) this explanation of the change", head_of(change, tmp_path))


def test_a_set_says_how_many_may_be_used(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.standard_normal(24), "b": rng.standard_normal(24)})
    many = explain_many(lambda frame: frame["a"].to_numpy(), rows, background=rows, background_rows=6, store=None)
    assert "No verdict is against using one of them." in many.report(tmp_path / "page.html").read_text()
