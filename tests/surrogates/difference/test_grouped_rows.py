"""compare_rows(groups=): rows that belong together are in one half, and tests count what they belong to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from probes import CallableModel, InputError
from surrogates import RowDifference, compare_rows
from surrogates.difference.grouped_rows import exchanged, half_of, mean_interval, p_exchanged, share_interval
from surrogates.statements.entity_effects import wilson

CUSTOMERS, EACH = 40, 12


def drawn(rng, unequal=False, count=CUSTOMERS):
    """Rows of customers: who they are, where a rule holds and where models differ, both by customer."""
    sizes = rng.integers(1, 2 * EACH, count) if unequal else np.full(count, EACH)
    who = np.repeat(np.arange(count), sizes)
    inside = (rng.random(count) < 0.3)[who] ^ (rng.random(len(who)) < 0.02)
    marked = (rng.random(count) < 0.3)[who] ^ (rng.random(len(who)) < 0.02)
    return who, inside, marked


@pytest.mark.parametrize("unequal", [False, True])
def test_chance_is_not_called_a_difference_where_rows_resemble_each_other(unequal, monkeypatch):
    """Of 150 true nulls 5% may be rejected: 14 or more are as likely as one in fifty. Fisher's test rejects a third.

    With any number of exchanges a p-value is true; fewer are as many steps of it.
    """
    monkeypatch.setattr("surrogates.difference.grouped_rows._EXCHANGES", 199)
    rng, grouped, fisher = np.random.default_rng(0), 0, 0
    for _ in range(150):
        who, inside, marked = drawn(rng, unequal)
        table = [[(side & marked).sum(), (side & ~marked).sum()] for side in (inside, ~inside)]
        fisher += stats.fisher_exact(table, alternative="greater").pvalue < 0.05
        grouped += p_exchanged(inside, marked, who) < 0.05
    assert grouped <= 13 and fisher >= 30


def test_a_difference_between_groups_and_one_within_them_are_found():
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(CUSTOMERS), EACH)
    between = (np.arange(CUSTOMERS) % 4 == 0)[who]
    assert p_exchanged(between, between ^ (rng.random(len(who)) < 0.1), who) < 0.01
    within = np.arange(len(who)) % 3 == 0
    assert p_exchanged(within, within & (rng.random(len(who)) < 0.5), who) < 0.01
    assert p_exchanged(np.zeros(len(who), dtype=bool), within, who) == 1.0  # exact: nothing is inside


def test_groups_are_exchanged_as_a_whole():
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(6), [5, 5, 5, 3, 3, 1])
    for _ in range(20):
        source = exchanged(who, rng)
        pairs = {(a, b) for a, b in zip(who, who[source], strict=True)}
        assert len(pairs) == 6 == len({b for _, b in pairs})  # one group to one group
        for group in range(3):
            assert len(set(source[who == group])) == min(5, (who == who[source][who == group][0]).sum())
        half = half_of(who, rng)
        assert 0 < half.sum() <= 11 and all(len(set(half[who == g])) == 1 for g in range(6))


def test_intervals_are_as_wide_as_groups_make_them():
    """The share among all customers is 30%: of 200 intervals 95% hold it, of those of single rows far fewer."""
    rng, held = np.random.default_rng(0), []
    for _ in range(200):
        who, _, marked = drawn(rng)
        truth = 0.3 * 0.98 + 0.7 * 0.02
        ends = [share_interval(marked, who), wilson(marked.mean(), len(marked)), mean_interval(marked * 1.0, who)]
        held.append([low <= truth <= high for low, high in ends])
    grouped, single, means = np.mean(held, axis=0)
    assert grouped >= 0.92 and means >= 0.9 and single < 0.7
    each = np.arange(40)
    values = rng.normal(size=40)
    reach = stats.t.ppf(0.975, 39) * values.std(ddof=1) / np.sqrt(40)
    assert mean_interval(values) == pytest.approx((values.mean() - reach, values.mean() + reach))
    assert mean_interval(values, each) == pytest.approx(mean_interval(values))


def table(seed, count=CUSTOMERS):
    rng = np.random.default_rng(seed)
    people = pd.DataFrame({"plan": rng.choice(list("abcd"), count), "age": rng.integers(18, 80, count)})
    frame = people.loc[np.repeat(np.arange(count), EACH)].reset_index(drop=True)
    frame["visit"] = np.tile(np.arange(EACH), count) + 100 * np.repeat(np.arange(count), EACH)
    return frame, np.repeat([f"customer {i}" for i in range(count)], EACH)


def models(moved):
    before = CallableModel(lambda X: np.sin(X["visit"].to_numpy() * 1.0), "before")
    after = CallableModel(lambda X: np.sin(X["visit"].to_numpy() * 1.0) + 5.0 * moved(X), "after")
    return before, after


def test_customers_that_changed_by_chance_make_no_supported_rule():
    options = {"store": None, "progress": False, "margin": 1.0}
    with_groups = without = 0
    for seed in range(10):
        rows, who = table(seed)
        changed = np.random.default_rng([seed, 9]).random(CUSTOMERS) < 0.3
        pair = models(lambda X, changed=changed: changed[X["visit"].to_numpy() // 100])
        by = rows[["plan", "age"]]
        with_groups += (compare_rows(*pair, rows, by, who, **options).rules["verdict"] == "supported").any()
        without += (compare_rows(*pair, rows, by, **options).rules["verdict"] == "supported").any()
    assert with_groups <= 2 < 8 <= without


def test_a_rule_about_customers_is_found_and_each_is_in_one_half(tmp_path):
    rows, who = table(0, 60)
    d = compare_rows(*models(lambda X: X["plan"] == "b"), rows, groups=who, store=None, progress=False, margin=1.0)
    assert d.rules[["rule", "verdict"]].to_numpy().tolist() == [["plan is b", "supported"]]
    assert d.rows["group"].tolist() == who.tolist()
    assert (d.rows.groupby("group")["part"].nunique() == 1).all()  # exact: counts
    low, high = d.rules.loc[0, ["low", "high"]]
    test = d.rows[(d.rows["part"] == "test") & (d.rows["rule"] > 0)]
    assert (low, high) == pytest.approx(wilson(1.0, test["group"].nunique()))
    assert d.differ[1:] == pytest.approx(share_interval(d.rows["differs"].to_numpy() > 0, who))
    assert any("Rows belong to 60 groups" in note for note in d.notes)
    again = RowDifference.from_json(d.to_json(tmp_path / "d.json"))
    assert again.to_json() == d.to_json() and again.differ == pytest.approx(d.differ) and str(again) == str(d)
    assert "Rows belong to 60 groups" in d.report(tmp_path / "d.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ("customer", "be a label for each of the 480 inputs"),
        (["a", "b"], "2 labels"),
        ([None] * 480, "0 labels"),
        (["a", "b", "c"] * 160, "be at least 10 different ones"),
        (3, "be a label for each"),
    ],
)
def test_groups_that_are_none_are_refused_before_a_question(groups, words):
    asked = []
    model = CallableModel(lambda X: asked.append(len(X)) or np.zeros(len(X)), "model")
    with pytest.raises(InputError, match=rf"^groups must .*{words}"):
        compare_rows(model, model, table(0)[0], groups=groups, store=None, progress=False)
    assert not asked
