"""compare_rows() over several outputs: a difference each, their p-values adjusted together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import CallableModel, InputError
from surrogates import RowDifference, compare_rows
from surrogates.statements.entity_effects import holm

NAMES = ["cat", "dog", "fox"]


def people(n=400):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.integers(18, 80, n), "job": rng.choice(["clerk", "nurse", "cook"], n)})


def shares(X, first=0.0, second=0.0):
    """Probabilities of three classes; of the clerks and the old some move from one class to another."""
    age = X["age"].to_numpy() / 400
    cat = 0.3 + age + first * (X["job"] == "clerk").to_numpy()
    dog = 0.2 - age / 2 + second * (X["age"] > 60).to_numpy()
    return pd.DataFrame({"cat": cat, "dog": dog, "fox": 1 - cat - dog})


def before(X):
    return shares(X)


def after(X):
    return shares(X, 0.15, -0.05)


def compared(target, rows=None, **options):
    rows = people() if rows is None else rows
    return compare_rows(before, after, rows, target=target, store=None, progress=False, **options)


@pytest.fixture(scope="module")
def every():
    return compared("all")


def test_every_output_has_the_difference_that_it_has_alone_but_for_the_adjustment(every):
    assert [*every.outputs] == NAMES and every.number == "cat" and len(every.others) == 2
    alone = {name: compared(name) for name in NAMES}
    for name, d in every.outputs.items():
        pd.testing.assert_frame_equal(d.rows, alone[name].rows)
        pd.testing.assert_frame_equal(d.leaves, alone[name].leaves)
        one, other = (found.rules.drop(columns=["p", "verdict"]) for found in (d, alone[name]))
        pd.testing.assert_frame_equal(one, other)
    assert every.outputs["cat"].rules.loc[0, "rule"] == "job is clerk"
    assert every.outputs["dog"].rules.loc[0, "rule"].startswith("age > 6")


def test_p_values_are_adjusted_for_the_rules_of_all_outputs():
    # one rule each, whose p-value alone is the unadjusted one
    alone = [compared(name, most=1).rules["p"].iloc[0] for name in NAMES]
    together = [d.rules["p"].iloc[0] for d in compared("all", most=1).outputs.values()]
    np.testing.assert_allclose(together, holm(np.array(alone)))
    assert together != alone


def test_some_outputs_are_compared_in_the_order_given():
    d = compared(["fox", 0])
    assert [*d.outputs] == ["fox", "cat"]
    by_function = compared(lambda raw: raw[:, :2] ** 2)
    assert len(by_function.outputs) == 2


def test_several_numbers_without_a_target_are_all_compared():
    d = compare_rows(
        lambda X: pd.DataFrame({"a": X["age"], "b": X["age"] * 2.0}),
        lambda X: pd.DataFrame({"a": X["age"], "b": X["age"] + 200.0 * (X["job"] == "cook")}),
        people(), store=None, progress=False,
    )  # fmt: skip
    assert [*d.outputs] == ["a", "b"]
    assert not d.outputs["a"].rows["differs"].any()


def test_a_file_holds_all_of_it(every, tmp_path):
    again = RowDifference.from_json(every.to_json())
    assert [*again.outputs] == NAMES
    for one, other in zip(every.outputs.values(), again.outputs.values(), strict=True):
        pd.testing.assert_frame_equal(one.rules, other.rules)
    np.testing.assert_array_equal(again.predict(people()), every.predict(people()))  # exact: truth values


def test_predictions_have_a_column_for_each_output(every):
    X = people()
    held = every.predict(X)
    assert held.shape == (len(X), 3)
    np.testing.assert_array_equal(held[:, 0], (X["job"] == "clerk").to_numpy())  # exact: truth values


def test_page_text_and_plot_show_every_output(every, tmp_path):
    page = every.report(tmp_path / "where.html").read_text(encoding="utf-8")
    assert page.count("<li>For ") == 3
    assert "could not be drawn" not in page and 'class="switch"' in page
    text = str(every)
    for name in NAMES:
        assert f"Output {name}" in text and f"For {name}, “before” and “after” differ" in every.verdict
    pytest.importorskip("matplotlib")
    assert every.plot("rules", output="dog") is not None
    with pytest.raises(InputError, match="output"):
        every.plot("rules", output="cow")


def test_what_is_no_output_is_refused_after_the_first_rows():
    for target in ("cow", ["cat", "cow"], ["cat", "cat"], []):
        with pytest.raises(InputError, match="target must"):
            compared(target)


def test_outputs_of_one_name_are_numbered():
    same = CallableModel(lambda X: shares(X).to_numpy(), "twice", outputs=("cat", "cat", "fox"), unit="probability")
    d = compare_rows(same, same, people(), target="all", store=None, progress=False)
    assert [*d.outputs] == ["cat", "cat (2)", "fox"]
