"""compare(): the change between two models, against brute force, one model alone, and what is refused."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from probes import CallableModel, InputError, MaskProbe, Model, ModelError, Store, cube
from probes.model import Identity
from probes.rounding import percent
from surrogates import Difference, SparseLinear, StableOrder, Width, compare, compare_rows, explain
from tests.helpers.cheap_families import cheap


def first(Z):
    return 1 / (1 + np.exp(-(2.0 * Z[:, 0] - Z[:, 1] + 1.5 * Z[:, 2] * Z[:, 3])))


def second(Z):
    return first(Z) + 0.3 * Z[:, 4] - 0.2 * Z[:, 0] * Z[:, 1]


def change(Z):
    return second(Z) - first(Z)


class Counted(Model):
    """A function under a name; remembers the rows that it was asked."""

    outputs = ("output",)
    compared = False

    def __init__(self, function, name, *, outputs=("output",), unit="output", lost=()):
        self.function, self.name, self.asked = function, name, []
        self.outputs, self.unit, self.lost, self.fallible = outputs, unit, lost, bool(lost)

    def identity(self):
        return Identity(self.name, True)

    def __call__(self, Z):
        Z = np.asarray(Z, dtype=float)
        self.asked.extend(map(tuple, Z))
        y = np.asarray(self.function(Z), dtype=float).reshape(len(Z), -1)
        for i, value in self.lost:  # answers to rows with this value of this feature, all others absent, are lost
            y[(Z[:, i] == value) & (Z.sum(axis=1) == 4)] = np.nan
        return y


def effects(d: Difference, column: str = "change") -> pd.Series:
    return d.attributions.set_index("feature")[column].sort_index()


def test_where_every_question_is_asked_the_change_is_known():
    d = compare(first, second, MaskProbe(6), store=None)
    Z = cube(6)
    truth = [change(Z[Z[:, i] == 1]).mean() - change(Z[Z[:, i] == 0]).mean() for i in range(6)]
    np.testing.assert_allclose(effects(d), truth, atol=1e-12)
    np.testing.assert_allclose(effects(d, "after") - effects(d, "before"), truth, atol=1e-12)
    assert (d.attributions["low"] == d.attributions["high"]).all()  # exact: nothing was sampled
    assert d.attributions["feature"].iloc[0] == "x4" and d.change.fidelity.exact
    np.testing.assert_allclose(d.change.y[:2, 0], [change(np.ones((1, 6)))[0], change(np.zeros((1, 6)))[0]])


@pytest.mark.parametrize("family", ["linear", cheap("tree")], ids=["linear", "tree"])
def test_the_change_is_what_explaining_the_difference_of_functions_gives(family, few_folds):
    d = compare(first, second, MaskProbe(12), family, budget=120, random_state=3, store=None)
    alone = explain(change, MaskProbe(12), clone(d.change.surrogate), budget=120, random_state=3, store=None)
    widths = [(a["high"] - a["low"]).mean() for a in (d.attributions, alone.attributions)]
    assert widths[0] < 1.000001 * widths[1]  # measured around the nearer of two predictions
    shown = [e.attributions.set_index("feature")["surrogate"].sort_index() for e in (d.change, alone)]
    np.testing.assert_allclose(*shown, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(d.fidelity.r2, alone.fidelity.r2, rtol=1e-9)
    Z = cube(12)[::7]
    np.testing.assert_allclose(d.change.predict(Z), alone.predict(Z), rtol=1e-9, atol=1e-12)


def test_saturating_models_are_subtracted_with_their_curves():
    def scores(weight):
        return lambda Z: np.tanh(2 * Z[:, 0] + weight * Z[:, 1] - Z[:, 2] + Z[:, 3] - 1)

    old, new, Z = scores(2.0), scores(0.5), cube(12)
    d = compare(old, new, MaskProbe(12), budget=200, store=None)
    own = compare(old, new, MaskProbe(12), SparseLinear(), budget=200, store=None)
    assert d.summary.loc[0, "by_sides"] > 0.95 > d.fidelity.r2[0]
    truth = new(Z) - old(Z)
    errors = d.change.y[d.change.answers.design.fixed :] - (d.after.fidelity.predicted - d.before.fidelity.predicted)
    assert d.summary.loc[0, "by_sides"] == pytest.approx(1 - (errors**2).mean() / truth.var(), abs=0.01)
    table = d.attributions.set_index("feature")
    for i in range(12):
        effect = truth[Z[:, i] == 1].mean() - truth[Z[:, i] == 0].mean()
        assert table.loc[f"x{i}", "change"] == pytest.approx(effect, abs=0.03)
    assert (d.attributions["high"] - d.attributions["low"]).mean() < 0.5 * (
        own.attributions["high"] - own.attributions["low"]
    ).mean()
    after = d.after.attributions.set_index("feature")["attribution"]
    np.testing.assert_allclose(table["after"], after.loc[table.index], atol=1e-12)  # the same around the same curves


def test_both_sides_are_what_explain_says_of_them_and_cost_no_more(few_folds):
    one, two, store = Counted(first, "one"), Counted(second, "two"), Store()
    d = compare(one, two, MaskProbe(12), budget=100, random_state=1, store=store)
    assert len(set(one.asked)) <= 100 and set(one.asked) == set(two.asked)
    for model, side in ((one, d.before), (two, d.after)):
        rows = len(model.asked)
        alone = explain(model, MaskProbe(12), budget=100, random_state=1, store=store)
        assert len(model.asked) == rows  # all of it is in the store
        pd.testing.assert_frame_equal(side.attributions, alone.attributions)
        assert side.fidelity.r2 == alone.fidelity.r2  # exact: the same computation
    assert d.change.provenance["cost"]["rows"] == len(set(one.asked)) + len(set(two.asked))


def test_intervals_of_the_change_hold_the_truth_and_are_narrower_than_those_of_two_explanations(few_folds):
    Z, rng = cube(10), np.random.default_rng(0)
    held, widths, apart = [], [], []
    for seed in range(25):
        w, pairs = rng.normal(size=10), np.triu(rng.normal(size=(10, 10)), 1)
        v, more = 0.2 * rng.normal(size=10), np.triu(0.1 * rng.normal(size=(10, 10)), 1)

        def base(Z, w=w, pairs=pairs):
            return Z @ w + ((Z @ pairs) * Z).sum(axis=1)

        def changed(Z, v=v, more=more, base=base):
            return base(Z) + Z @ v + ((Z @ more) * Z).sum(axis=1)

        d = compare(base, changed, MaskProbe(10), SparseLinear(), budget=90, random_state=seed, store=None)
        table = d.attributions.set_index("feature").loc[[f"x{i}" for i in range(10)]]
        truth = np.array([(changed(Z) - base(Z))[Z[:, i] == 1].mean() * 2 for i in range(10)])
        truth -= 2 * (changed(Z) - base(Z)).mean()
        held += list((table["low"] <= truth) & (truth <= table["high"]))
        widths.append((table["high"] - table["low"]).mean())
        sides = [side.attributions["high"] - side.attributions["low"] for side in (d.before, d.after)]
        apart.append(np.hypot(*[s.mean() for s in sides]))
    assert 0.9 <= np.mean(held) <= 0.99
    assert np.mean(widths) < 0.25 * np.mean(apart)


def test_background_rows_are_in_the_intervals_of_the_change(few_folds):
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400)})
    row = {"a": 3.0, "b": 0.0}
    d = compare(lambda t: t["a"], lambda t: 3 * t["a"] + t["b"], row, SparseLinear(), background=rows, store=None)
    alone = explain(lambda t: 2 * t["a"] + t["b"], row, SparseLinear(), background=rows, store=None)
    pd.testing.assert_frame_equal(d.change.attributions, alone.attributions, rtol=1e-9, atol=1e-9)
    effect = d.attributions.set_index("feature").loc["a"]
    assert effect["low"] < 2 * (3 - rows["a"].mean()) < effect["high"] and effect["high"] - effect["low"] > 0.1
    np.testing.assert_allclose(d.change.background.covariance, alone.background.covariance, rtol=1e-6, atol=1e-12)


def test_models_that_answer_alike_are_said_to():
    d = compare(first, lambda Z: first(Z) + 0.0, MaskProbe(9), store=None, budget=80)
    assert "Both models gave the same output to every question." in d.warnings
    assert d.verdicts == ("Nothing to fit: the change is the same for every sampled question.",)
    assert not d.attributions["change"].any() and not d.summary["typical"].any()
    shifted = compare(first, lambda Z: first(Z) + 0.1, MaskProbe(9), store=None, budget=80)
    assert any("is 0.1 whatever the features are" in w for w in shifted.warnings)
    assert shifted.summary.loc[0, "mean"] == pytest.approx(0.1) and not shifted.attributions["change"].any()
    near = compare(first, lambda Z: first(Z) + 1e-4 * Z[:, 4], MaskProbe(9), store=None, budget=80)
    assert any(w.startswith("Changes of output are small: typically 7") for w in near.warnings)


def test_the_summary_and_the_flips_are_those_of_the_questions_that_judge():
    def classes(shift):
        def answer(Z):
            p = 1 / (1 + np.exp(-(2 * Z[:, 0] - 1 + shift * Z[:, 1])))
            return np.column_stack([p, 1 - p])

        return answer

    one = Counted(classes(0.0), "one", outputs=("yes", "no"), unit="probability")
    two = Counted(classes(-3.0), "two", outputs=("yes", "no"), unit="probability")
    d = compare(one, two, MaskProbe(5), store=None)
    assert d.change.target.outputs == ("yes",)  # the class that the first gives the instance
    Z = cube(5)
    p, q = (classes(shift)(Z)[:, 0] for shift in (0.0, -3.0))
    row = d.summary.iloc[0]
    assert row["mean"] == row["low"] == row["high"] == pytest.approx((q - p).mean())
    assert row["typical"] == pytest.approx(np.sqrt(((q - p) ** 2).mean())) and row["spread"] == pytest.approx(p.std())
    flips = d.flips.set_index(["before", "after"])["inputs"].to_dict()
    names = np.array(["yes", "no"])
    expected = pd.Series(list(zip(names[(p < 0.5) * 1], names[(q < 0.5) * 1], strict=True))).value_counts().to_dict()
    assert flips == expected and sum(flips.values()) == 32
    assert len(compare(first, second, MaskProbe(5), store=None).flips) == 0


def test_a_noisy_model_leaves_a_ceiling_for_the_change(few_folds):
    rng = np.random.default_rng(0)
    one = CallableModel(lambda Z: first(Z) + 0.05 * rng.normal(size=len(Z)))
    two = CallableModel(lambda Z: second(Z) + 0.05 * rng.normal(size=len(Z)))
    d = compare(one, two, MaskProbe(12), budget=200, store=None)
    spread = change(cube(12)).var()
    assert any("answers the same question differently" in w for w in d.warnings)
    assert d.fidelity.ceiling[0] == pytest.approx(spread / (spread + 2 * 0.0025), abs=0.1)
    assert not d.change.fidelity.exact


def test_questions_that_either_leaves_unanswered_are_left_out(few_folds):
    one, two = Counted(first, "one", lost=[(0, 1.0)]), Counted(second, "two", lost=[(1, 1.0)])
    d = compare(one, two, MaskProbe(8), budget=200, store=None)
    Z = d.change.answers.design.Z
    assert not ((Z.sum(axis=1) == 4) & ((Z[:, 0] == 1) | (Z[:, 1] == 1))).any() and len(Z) > 100
    np.testing.assert_allclose(d.change.y[:, 0], change(Z), atol=1e-12)
    assert any("questions were not answered" in w for w in d.warnings)


def test_ctrl_c_while_the_second_is_asked_leaves_what_both_answered(pressed, few_folds):
    impatient, asked = pressed(second, 70)
    one = Counted(first, "one")
    d = compare(one, CallableModel(impatient, "two"), MaskProbe(12), budget=200, store=None)
    assert any(w.startswith("Interrupted: it rests on") for w in d.warnings)
    assert len(d.change.answers.design) <= len(asked) + 8
    np.testing.assert_allclose(d.change.y[:, 0], change(d.change.answers.design.Z), atol=1e-12)
    impatient, _ = pressed(first, 70)
    with pytest.raises(KeyboardInterrupt):
        compare(CallableModel(impatient, "three"), one, MaskProbe(12), budget=200, store=None)


def test_ctrl_c_in_a_later_round_of_the_first_leaves_what_both_answered_before(pressed, few_folds):
    impatient, asked = pressed(first, 150)
    d = compare(
        CallableModel(impatient, "five"),
        Counted(second, "two"),
        MaskProbe(12),
        budget=400,
        until=Width(1e-9),
        store=None,
    )
    assert any(w.startswith("Interrupted: it rests on") for w in d.warnings)
    assert 30 < len(d.change.answers.design) < len(asked) + 8
    np.testing.assert_allclose(d.change.y[:, 0], change(d.change.answers.design.Z), atol=1e-12)


def test_it_stops_as_soon_as_the_change_is_known_well_enough(few_folds):
    d = compare(first, second, MaskProbe(12), budget=400, until=Width(0.05), store=None)
    assert len(d.change.answers.design) < 400
    assert ((d.attributions["high"] - d.attributions["low"]) / 2 <= 0.05).all()
    assert d.before.answers.design.digest == d.after.answers.design.digest == d.change.answers.design.digest


def test_families_by_name_have_no_curve_and_given_ones_are_as_given():
    assert compare(first, second, MaskProbe(5), store=None).change.surrogate.link == "identity"
    tree = compare(first, second, MaskProbe(5), "tree", store=None).change.surrogate
    assert tree.proxy.link == "identity"
    given = compare(first, second, MaskProbe(5), SparseLinear(link="auto"), store=None)
    assert given.change.surrogate.link == "auto"


def test_it_is_saved_and_read_again_and_damage_is_refused(tmp_path):
    d = compare(first, second, MaskProbe(6), names=("old", "new"), store=None)
    again = Difference.from_json(d.to_json(tmp_path / "d.json"))
    pd.testing.assert_frame_equal(again.attributions, d.attributions)
    pd.testing.assert_frame_equal(again.summary, d.summary)
    assert again.names == ("old", "new") and again.to_json() == d.to_json()
    text = d.to_json()
    other = compare(first, second, MaskProbe(5), store=None)
    mixed = replace(d, before=other.before)
    with pytest.raises(InputError, match=r"before\.answers must be to the questions of the change"):
        Difference.from_json(mixed.to_json())
    moved = replace(d, after=d.before)
    with pytest.raises(InputError, match=r"change\.y must be what the two sides differ by"):
        Difference.from_json(moved.to_json())
    with pytest.raises(InputError, match="names must"):
        Difference.from_json(text.replace('"names": ["old", "new"]', '"names": ["old"]'))


def named(outputs, unit="output"):
    return Counted(lambda Z: np.ones((len(Z), len(outputs))) * Z[:, :1], f"{outputs}", outputs=outputs, unit=unit)


@pytest.mark.parametrize(
    "target", [None, "no", "all", lambda raw: raw[:, 0] - raw[:, 1]], ids=["default", "one", "all", "function"]
)
@pytest.mark.parametrize("known", [True, False], ids=["known before", "by an answer"])
def test_outputs_of_the_same_names_in_another_order_are_compared_by_name(target, known):
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 4)), columns=list("abcd"))

    def shares(shift, order, draw):
        def model(X):
            odds = pd.DataFrame({"no": X["a"] + shift, "perhaps": X["b"] * X["c"], "yes": 0.0 * X["a"]})
            odds["no"] += 0.05 * draw.normal(size=len(X))
            return np.exp(odds).div(np.exp(odds).sum(axis=1), axis=0)[list(order)]

        return CallableModel(model, unit="probability", outputs=order if known else None)

    order = ("no", "perhaps", "yes")
    plain, by_name = (
        compare(
            shares(0.0, order, np.random.default_rng(1)),
            shares(1.0, another, np.random.default_rng(2)),
            rows.iloc[0],
            background=rows,
            target=target,
            budget=400,
            store=None,
        )
        for another in (order, ("yes", "no", "perhaps"))
    )
    pd.testing.assert_frame_equal(by_name.attributions, plain.attributions)
    pd.testing.assert_frame_equal(by_name.summary, plain.summary)
    pd.testing.assert_frame_equal(by_name.flips, plain.flips)
    assert by_name.after.fidelity.ceiling == pytest.approx(plain.after.fidelity.ceiling)
    assert by_name.after.answers.outputs == by_name.before.answers.outputs == order


@pytest.mark.parametrize(
    ("before", "after", "given", "words"),
    [
        (
            named(("a", "b")),
            named(("a", "c")),
            {},
            r"after must have the 2 outputs of the first, .*number 2 there is 'b'",
        ),
        (named(("a", "a")), named(("a", "b")), {}, "number 2 there is 'a'"),
        (
            named(("a", "b")),
            named(("a",)),
            {},
            "after must have the 2 outputs of the first, in their order; got '1 output'",
        ),
        (named(("a",)), named(("a",), "nats"), {}, "after must answer in the unit of the first, output"),
        (first, second, {"names": ("a", "a")}, "names must be two different texts"),
        (first, second, {"names": "ab"}, "names must be two different texts"),
        (first, second, {"names": ("a", " ")}, "names must be two different texts"),
        (first, second, {"family": "forest"}, "family must be one of"),
        (first, second, {"until": 3}, "until must"),
        (first, second, {"budget": 11}, "budget must"),
        (first, second, {"random_state": -1}, "random_state must"),
        (first, 7, {}, "after must be a scikit-learn estimator"),
    ],
)
def test_what_does_not_compare_is_refused_before_a_question(before, after, given, words):
    with pytest.raises(InputError, match=words):
        compare(before, after, MaskProbe(12), store=None, **given)
    assert not getattr(before, "asked", []) and not getattr(after, "asked", [])


def test_outputs_that_are_known_by_an_answer_alone_cost_one_question_each():
    asked = []

    def counted(width):
        def answer(Z):
            asked.extend(Z)
            return np.ones((len(Z), width)) * Z[:, :1]

        return answer

    with pytest.raises(InputError, match="after must have the 2 outputs of the first"):
        compare(counted(2), counted(3), MaskProbe(12), store=None)
    assert len(asked) == 2


def test_a_model_that_fails_keeps_what_was_paid_for():
    store, one = Store(), Counted(first, "one")

    def fails(Z):
        if len(Z) > 1:
            raise RuntimeError("broken")
        return second(Z)

    with pytest.raises(ModelError, match="broken"):
        compare(one, CallableModel(fails, "two"), MaskProbe(12), budget=60, store=store)
    paid = len(one.asked)
    compare(one, CallableModel(second, "good"), MaskProbe(12), budget=60, store=store)
    assert len(one.asked) == paid


def test_several_outputs_and_a_function_as_target(few_folds, caplog):
    caplog.set_level(logging.CRITICAL)
    many = [lambda Z, k=k: np.column_stack([first(Z), second(Z) * k]) for k in (1, 2)]
    d = compare(*many, MaskProbe(6), target="all", store=None)
    assert not d.attributions.loc[d.attributions["output"] == "output 0", "change"].any()
    assert "on output 1: " in str(d) and "Both models gave the same output 0" in str(d)

    def total(raw):
        return raw.sum(axis=1)

    summed = compare(*many, MaskProbe(6), target=total, store=None)
    np.testing.assert_allclose(summed.change.y[:, 0], second(summed.change.answers.design.Z), atol=1e-12)
    again = Difference.from_json(summed.to_json())
    assert "Raw answers not kept" not in str(again) and str(again) == str(summed)


def test_text_page_and_figure_name_both_and_lead_with_the_largest_change(harmless, tmp_path):
    d = compare(first, second, MaskProbe(12), cheap("linear"), names=("old <b>", "new $x"), budget=64, store=None)
    text = str(d)
    assert "of the change from old <b> to new $x" in text and text.index("x4") < text.index("x5")
    page = d.report(tmp_path / "d.html").read_text("utf-8")
    harmless(page)
    assert "old &lt;b&gt;" in page and "<b>old" not in page and "could not be drawn" not in page
    ax = d.plot(max_features=4)
    assert len(ax.get_yticklabels()) == 4 and ax.get_yticklabels()[0].get_text() == "x4"
    assert "change from old <b> to new" in ax.get_xlabel()
    widths = [bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(widths, d.attributions["change"].head(4))


def test_stable_order_is_of_the_change(few_folds):
    d = compare(first, second, MaskProbe(10), budget=300, until=StableOrder(top=1), store=None)
    assert d.attributions["feature"].iloc[0] == "x4" and d.change.provenance["stopped"]


def test_decisions_are_counted_over_the_inputs_of_a_table(few_folds):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    one = LogisticRegression().fit(rows, np.where(rows["a"] + rows["b"] > 0, "p", "q"))
    two = LogisticRegression().fit(rows, np.where(rows["a"] - rows["b"] > 0, "p", "q"))
    d = compare(one, two, rows.iloc[0], background=rows, background_rows=40, store=None)
    differ = []
    for kept in product((0, 1), repeat=3):
        inputs = rows.copy()
        for name, keep in zip(rows, kept, strict=True):
            if keep:
                inputs[name] = rows[name].iloc[0]
        differ.append((one.predict(inputs) != two.predict(inputs)).mean())
    flipped = d.flips[d.flips["before"] != d.flips["after"]]
    assert flipped["share"].sum() == pytest.approx(np.mean(differ)) and d.flips["inputs"].sum() == 8 * 40
    assert f"{percent(np.mean(differ))} of the inputs" in str(Difference.from_json(d.to_json()))


def test_the_mean_change_covers_the_choice_of_background_rows(few_folds):
    rows = np.random.default_rng(0).normal(size=(300, 3))
    truth, held = 0.5 * rows[0, 0] + 0.5 * rows[:, 0].mean(), []
    for seed in range(20):
        d = compare(lambda Z: Z[:, 0], lambda Z: 2 * Z[:, 0], rows[0], background=rows, random_state=seed, store=None)
        held.append(d.summary.loc[0, "low"] <= truth <= d.summary.loc[0, "high"])
    assert sum(held) >= 17


def test_two_models_under_one_name_and_failures_of_the_second_are_said():
    store = Store()
    one, two = CallableModel(first, "one name"), CallableModel(second, "one name")
    d = compare(one, two, MaskProbe(8), store=store)
    assert any("Both models have the identity" in w for w in d.warnings)
    same = compare(one, one, MaskProbe(8), store=store)
    assert not any("Both models have the identity" in w for w in same.warnings)
    with pytest.raises(ModelError) as caught:
        compare(first, lambda Z: Z[:, 0] * np.nan, MaskProbe(8), names=("old", "new"), store=None)
    assert caught.value.__notes__ == ["(while new was compared)"]
    with pytest.raises(InputError, match=r"after must have the 2 outputs of the first, .*number 1 there is 'output 0'"):
        compare(lambda Z: Z[:, :2] * 0.5, lambda Z: Z[:, :1] * 0.5, MaskProbe(8), store=None)


def test_what_is_no_model_is_called_by_its_parameter():
    first = lambda Z: Z[:, 0]  # noqa: E731
    with pytest.raises(InputError, match=r"^after must"):
        compare(first, "nothing", MaskProbe(3), store=None)
    rows = pd.DataFrame({"a": range(60)})
    for pair, parameter in (((first, 3), "after"), ((3, first), "before")):
        with pytest.raises(InputError, match=rf"^{parameter} must"):
            compare_rows(*pair, rows, store=None)
