"""compare_cases(): statements about what changed, tested on entities that nothing was chosen by."""

from __future__ import annotations

import numpy as np
import pytest

from probes import CallableModel, Case, Model, Store, TemplateProbe, changes, measure
from probes.behaviours.registry import behaviour
from probes.errors import InputError, ModelError
from probes.model import Identity
from surrogates import CaseDifference, Scope, Statement, compare_cases
from surrogates.difference.arms import is_right, sign_flip, unrelated_text

FAMILIES = {"a": "{mood} {name} {place}", "b": "{name} is {mood} {place}", "c": "Is {name} {mood} {place}?"}
FACTORS = {"mood": {"glad": "glad", "sad": "sad"}, "place": {"here": "here", "there": "there"}}


def probe(entities=24):
    people = {f"n{i}": {"name": f"n{i:02}"} for i in range(entities)}
    return TemplateProbe(FAMILIES, FACTORS, people, target="yes")


def noise(text, seed, size=1.0):
    return size * np.random.default_rng([seed, *text.encode()]).normal()


def scorer(shift=lambda text: 0.0, seed=0, name="scorer"):
    """A model of texts that varies between entities, with a shift of ours and noise of its own."""
    return CallableModel(
        lambda texts: [noise(t[:99], 7) + shift(t) + noise(t, seed + 100, 0.2) for t in texts], f"{name} {seed}"
    )


def compared(after, entities=24, before=None, **options):
    options = {"metric": "output", "store": None, "progress": False} | options
    return compare_cases(before or scorer(), after, probe(entities), **options)


def test_a_planted_change_is_found_with_its_size_and_place():
    planted = scorer(lambda t: 2.0 * ("sad" in t and "there" in t), seed=1, name="other")
    d = compared(planted)
    found = d.statements[d.statements["verdict"] == "supported"]
    assert found["words"].str.contains("mood is sad and place is there").any()
    row = found[found["words"].str.contains("mood is sad and place is there")].iloc[0]
    assert row["low"] < 2.0 < row["high"] and row["high"] - row["low"] < 0.5
    assert d.leaves.iloc[0]["rule"] == "mood is sad and place is there"
    assert d.leaves.iloc[0]["low"] < 2.0 < d.leaves.iloc[0]["high"]
    assert d.leaves["share"].sum() == pytest.approx(1.0)
    scores = d.surrogates.set_index("surrogate")["r2"]
    assert scores["4 leaves"] > 0.8 and d.surrogates.set_index("surrogate")["terms"]["4 leaves"] <= 4
    assert scores["tree"] > 0.8 > scores["linear"] and (d.surrogates["permuted"] < 0.3).all()
    assert d.verdict.startswith("On average output changed by +0.")
    assert not d.equivalent


def test_numbers_are_differences_case_by_case():
    d = compared(scorer(lambda t: 1.0 * ("sad" in t), seed=1))
    np.testing.assert_allclose(d.cases["change"], d.cases["after"] - d.cases["before"])
    texts = d.cases["prompt"].tolist()
    np.testing.assert_allclose(d.cases["before"], np.asarray(scorer()(texts)).ravel())
    first = d.arms.iloc[0]
    by_entity = d.cases.groupby("entity")["change"].mean()
    assert first["entities"] == len(by_entity) == 24 and first["cases"] == len(d.cases)
    assert first["change"] == pytest.approx(by_entity.mean())
    assert first["after"] - first["before"] == pytest.approx(first["change"])
    assert d.statements.loc[0, "effect"] == pytest.approx(first["change"])
    assert set(d.cases["part"]) <= {"discovery", "entities", "cells", "families", "rest"} and len(d.cases) == 288


def test_models_that_differ_by_noise_alone_have_no_supported_statement_more_often_than_said():
    """Six pairs, a family of tests each: more than two false ones are as likely as one in five hundred."""
    false = [
        (compared(scorer(seed=2 * s + 1), 20, scorer(seed=2 * s)).statements["verdict"] == "supported").any()
        for s in range(6)
    ]
    assert sum(false) <= 2


def test_the_same_model_is_equivalent_and_a_change_within_the_margin_is_said_to_be():
    same = compared(scorer(seed=1), before=scorer(seed=2), margin=0.5, find=False)
    assert same.equivalent and same.verdict.startswith("On average output is the same within ±0.5:")
    small = compared(scorer(lambda t: 0.3, seed=1), before=scorer(seed=2), margin=1.0, find=False)
    assert small.equivalent and "within ±1 of no change" in small.verdict
    itself = compared(scorer())
    assert itself.arms.loc[0, "change"] == 0  # exact: it is a number less itself
    assert itself.equivalent
    assert (itself.statements["verdict"] != "supported").all() and not len(itself.flips)


def test_claims_of_ones_own_are_about_the_change():
    claim = Statement.contrast(Scope.of(mood="sad"), Scope.of(mood="glad"), min_effect=0.5)
    level = Statement.level(Scope.of(mood="sad"))
    d = compared(scorer(lambda t: 1.0 * ("sad" in t), seed=1), statements=[claim, level], find=False)
    assert d.statements["verdict"].tolist() == ["supported"] * 3  # exact: words
    assert d.statements["effect"].to_numpy() == pytest.approx([0.5, 1.0, 1.0], abs=0.1)
    assert "above 0" in d.statements.loc[2, "words"]  # compared with no change, not with chance
    assert not len(d.leaves) and not len(d.surrogates)


def test_treated_entities_are_a_factor():
    who = [f"n{i}" for i in range(0, 24, 2)]
    treated = scorer(lambda t: 3.0 * any(f"n{int(w[1:]):02}" in t and "sad" in t for w in who), seed=1)
    d = compared(treated, treated=who)
    best = d.leaves.iloc[0]
    assert best["rule"] == "mood is sad and treated is yes" and best["low"] < 3.0 < best["high"]
    assert set(d.cases.loc[d.cases["treated"] == "yes", "entity"]) == set(who)
    assert d.cases.loc[d.cases["treated"] == "no", "change"].mean() == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("opening", ["Is", "n"])
def test_the_mean_is_that_of_all_cases_whichever_are_held_out(opening):
    """A family or a cell that is held out counts as much as any other."""
    planted, before = scorer(lambda t: 3.0 * t.startswith(opening), seed=1), scorer()
    d = compared(planted, before=before)
    texts = [c.prompt for c in probe().cases]
    truth = float(np.mean(np.ravel(planted(texts)) - np.ravel(before(texts))))
    first = d.arms.iloc[0]
    assert first["change"] == pytest.approx(truth) and first["low"] < truth < first["high"]
    assert d.statements.loc[0, "effect"] == pytest.approx(truth) == pytest.approx(d.entry.baselines["value"])


def unbalanced(big=100):
    """Thirty entities, of which the first has many cases."""
    cases = [
        Case(f"{m} e{i:02} {k}", " yes", (" no",), (("m", m), ("template", "one")), f"e{i:02}", "one")
        for i in range(30)
        for k in range(big if i == 0 else 1)
        for m in "xy"
    ]
    return TemplateProbe.from_cases(cases)


def test_every_entity_has_the_same_weight_in_the_mean_its_direction_and_the_flips():
    after = scorer(lambda t: -1.0 if " e00 " in t else 1.0, seed=1)
    d = compare_cases(scorer(), after, unbalanced(), metric="output", find=False, store=None, progress=False,
                      statements=Statement.level(reference=0.0))  # fmt: skip
    assert d.statements["verdict"].tolist() == ["supported"] * 2  # exact: words
    assert d.verdict.startswith("On average output changed by +0.9")
    wrong = Answers("wrong", lambda p: "e00" in p or "e01" in p)
    d = compare_cases(Answers("right", lambda p: False), wrong, unbalanced(), controls=0, store=Store(),
                      find=False, progress=False)  # fmt: skip
    first = d.arms.iloc[0]
    assert first["net"] == pytest.approx(-2 / 30) and first["to_wrong"] == pytest.approx(2 / 30)
    assert first["net_low"] <= first["net"] <= first["net_high"] and first["right_before"] == pytest.approx(1.0)


def test_gains_and_losses_of_shares_are_judged_alike_and_numbers_have_no_floor():
    good, bad = Answers("good", lambda p: False), Answers("bad", lambda p: "sad" in p)
    options = {"metric": "exact_match", "store": Store(), "progress": False, "controls": 0, "unrelated": []}
    one, other = (compare_cases(*pair, answering(), **options, most=1) for pair in ((good, bad), (bad, good)))
    for a, b in zip(one.entry.statements, other.entry.statements, strict=True):
        assert a["verdict"] == b["verdict"] and a["effect"] == pytest.approx(-b["effect"])
        assert (a["low"], a["high"]) == pytest.approx((-b["high"], -b["low"])) and -2 <= a["low"] <= a["high"] <= 2
    assert -1 <= one.statements.loc[0, "low"] <= one.statements.loc[0, "high"] <= 1
    constant = compared(
        CallableModel(lambda t: [2.0] * len(t), "two"), before=CallableModel(lambda t: [1.0] * len(t), "one")
    )
    assert constant.statements.loc[0, ["low", "high"]].tolist() == pytest.approx([1.0, 1.0])
    assert np.isnan(constant.margin) and not constant.equivalent
    assert any("margin= gives one" in note for note in constant.notes)


def test_answers_that_could_not_be_wrong_are_not_called_right():
    people = {f"n{i}": {"name": f"n{i:02}"} for i in range(12)}
    free = TemplateProbe(FAMILIES, FACTORS, people, target=" yes")
    d = compare_cases(Answers("a", lambda p: False), Answers("b", lambda p: True), free, metric="log_prob", find=False,
                      store=Store(), progress=False)  # fmt: skip
    assert np.isnan(d.arms.loc[0, ["right_before", "right_after", "to_wrong", "net"]].astype(float)).all()
    assert not len(d.flips)


class Answers(Model):
    """Prefers the answer of its choice in every case, by a table of texts."""

    outputs = ("log-prob", "tokens", "greedy")
    unit = "nats"
    prompt_free = True

    def __init__(self, name, wrong, size=1.0):
        self.name, self.wrong, self.size = name, wrong, size

    def identity(self):
        return Identity(self.name, True)

    def __call__(self, inputs):
        rows = []
        for prompt, answer in inputs:
            good = (answer != " no") == (not self.wrong(str(prompt)))
            rows.append([-1.0 if good else -1.0 - self.size, 1.0, float(good)])
        return np.array(rows)

    def control(self, random_state=0):
        return Answers(f"{self.name} control {random_state}", lambda prompt: False)


def answering(entities=12):
    people = {f"n{i}": {"name": f"n{i:02}"} for i in range(entities)}
    return TemplateProbe(FAMILIES, FACTORS, people, target=" yes", foils=[" no"])


def test_flips_go_both_ways_beside_controls_and_other_probes():
    before = Answers("before", lambda p: "n00" in p or "n01" in p)
    after = Answers("after", lambda p: "n00" in p or "sad" in p)
    prompted = Answers("prompted", lambda p: "there" in p)
    d = compare_cases(
        before, after, answering(), arms={"a prompt": prompted}, off_target=[answering(6), "greater-than"],
        store=Store(), progress=False, margin=0.1, find=False,
    )  # fmt: skip
    arms = d.arms.set_index("arm")
    assert arms.index.tolist() == [
        "after", "random control", "a prompt", "off target: probe 1", "off target: greater-than", "unrelated text"
    ]  # fmt: skip
    said, right = d.cases, d.cases["said_after"] == " yes"
    was = said["said_before"] == " yes"
    assert arms.loc["after", "to_wrong"] == pytest.approx((was & ~right).mean())
    assert arms.loc["after", "to_right"] == pytest.approx((~was & right).mean()) and (~was & right).any()
    assert arms.loc["after", "net"] == pytest.approx(right.mean() - was.mean())
    assert arms.loc["after", "net_low"] < arms.loc["after", "net"] < arms.loc["after", "net_high"]
    assert arms.loc["random control", "to_wrong"] == 0 and arms.loc["random control", "to_right"] > 0
    assert arms.loc["after", "kl"] > 0 and arms.loc["unrelated text", "unit"] == "nats per token"
    assert len(d.flips) == (said["right_before"] != said["right_after"]).sum() == (was != right).sum()
    assert not any("off_target" in note for note in d.notes)
    without = compare_cases(
        before, after, answering(), controls=0, unrelated=[], store=Store(), progress=False, find=False
    )
    assert without.arms["arm"].tolist() == ["after"] and any("off_target=" in note for note in without.notes)
    # what the control, the prompt, the other probes and twelve texts cost is part of the cost
    alone = without.entry.cost["rows"]
    assert d.entry.cost["rows"] > 2 * alone + 2 * 12 + 1000


def test_answers_that_all_stayed_are_no_proof_that_none_changes_in_the_table_as_in_statements():
    models = Answers("before", lambda p: False), Answers("after", lambda p: False, 2.0)
    d = compare_cases(*models, answering(), metric="exact_match", controls=0, store=Store(), progress=False, find=False)
    first, said = d.arms.iloc[0], d.statements.iloc[0]
    assert first["change"] == pytest.approx(0) and first["high"] == pytest.approx(said["high"]) == -first["low"]
    assert 0.1 < first["high"] < 3 / 12 + 0.05 and first["net_high"] == pytest.approx(first["high"])
    assert f"changed on average is open: 0 share [−{first['high']:.3f}, {first['high']:.3f}]" in d.verdict


def test_the_page_says_where_bars_have_a_scale_of_their_own(tmp_path):
    two = Answers("before", lambda p: "n00" in p), Answers("after", lambda p: "sad" in p)
    said = []
    for unrelated in (None, []):
        d = compare_cases(*two, answering(), controls=0, unrelated=unrelated, store=Store(), progress=False, find=False)
        page = d.report(tmp_path / "d.html").read_text(encoding="utf-8")
        said.append("Bars of another unit have a scale of their own." in page)
    assert said == [True, False]


def test_every_view_and_the_file(tmp_path):
    d = compared(scorer(lambda t: 2.0 * ("sad" in t), seed=1), names=("old <b>", "new"), name="moods & places")
    again = CaseDifference.from_json(d.to_json(tmp_path / "d.json"))
    assert again.to_json() == d.to_json() and again.verdict == d.verdict
    text = str(d)
    assert "Verdict: On average output changed by" in text and "R² on held-out entities" in text
    assert "supported  change of output is" in text and " new\n" in text
    assert ": change of output, " in text and "(output)" not in text
    page = d.report(tmp_path / "d.html").read_text(encoding="utf-8")
    assert "old &lt;b&gt;" in page and "old <b>" not in page
    for words in ("Beside what it is compared with", "Where the change is", "mood is sad", "On average output changed"):
        assert words in page
    assert "old <b> to new" in d.plot().get_xlabel()
    predicted = d.entry.prediction.predict({"mood": "sad", "place": "here", "template": "a"})
    assert predicted["value"] == pytest.approx(2.0, abs=0.3)
    broken = d.to_json().replace('"margin"', '"margins"')
    with pytest.raises(InputError, match=r"^source must be whole difference over cases by to_json"):
        CaseDifference.from_json(broken)


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"names": ("a", "a")}, "names"),
        ({"margin": 0}, "margin"),
        ({"margin": True}, "margin"),
        ({"arms": ["x"]}, "arms"),
        ({"arms": {"random control": len}}, "arms"),
        ({"off_target": "facts"}, "off_target"),
        ({"off_target": {"facts": "facts"}}, "off_target"),
        ({"off_target": [3]}, "off_target"),
        ({"off_target": ["what"]}, "behaviour"),
        ({"unrelated": "a text"}, "unrelated"),
        ({"unrelated": [""]}, "unrelated"),
        ({"treated": "n1"}, "treated"),
        ({"treated": ["nobody"]}, "treated"),
        ({"treated": []}, "treated"),
        ({"by": "colour"}, "by"),
        ({"metric": "kl"}, "metric"),
        ({"statements": 3}, "statements"),
        ({"random_state": -1}, "random_state"),
        ({"by": 3}, "by"),
        ({"names": ("a ", "a")}, "names"),
        ({"arms": {"after": scorer()}}, "arms"),
        ({"off_target": ["facts", "facts"]}, "off_target"),
        ({"off_target": ["facts"]}, "metric"),
        ({"arms": {"x": Answers("x", lambda p: False)}}, "metric"),
    ],
)
def test_bad_input_is_refused_before_a_question(options, parameter):
    asked = []
    model = CallableModel(lambda texts: asked.append(len(texts)) or [0.0] * len(texts), "model")
    with pytest.raises(InputError, match=f"^{parameter} must"):
        compared(model, before=model, **options)
    assert not asked


def test_factors_named_like_columns_are_refused():
    people = {f"n{i}": {"name": f"n{i}"} for i in range(12)}
    odd = TemplateProbe({"a": "{name} {before}"}, {"before": ["glad", "sad"]}, people, target="yes")
    with pytest.raises(InputError, match="probe must have no factors named before"):
        compare_cases(scorer(), scorer(seed=1), odd, metric="output", store=None)


def test_a_failing_second_model_is_named_and_nothing_is_lost():
    def fails(texts):
        raise RuntimeError("no")

    store = Store()
    with pytest.raises(ModelError) as caught:
        compared(CallableModel(fails, "broken"), store=store)
    assert any("after was compared" in note for note in caught.value.__notes__)
    assert len(store) > 0


def test_models_that_are_taken_for_each_other_are_noticed():
    d = compared(CallableModel(lambda texts: [1.0] * len(texts), "scorer 0"), store=Store(), find=False)
    assert any("Both models have the identity" in note for note in d.notes)
    d = compared(
        scorer(seed=1),
        store=Store(),
        find=False,
        arms={"x": CallableModel(lambda texts: [1.0] * len(texts), "scorer 0")},
    )
    assert any("Both models have the identity" in note for note in d.notes)


def test_signs_are_flipped_exactly_for_few_entities_and_at_random_for_many():
    rng = np.random.default_rng(0)
    values = rng.normal(size=9) + 0.4
    signs = np.array(np.meshgrid(*[[-1, 1]] * 9)).reshape(9, -1).T
    truth = np.mean(np.abs(signs @ values) >= abs(values.sum()) - 1e-12)
    assert sign_flip(values) == pytest.approx(truth)
    null = [sign_flip(np.random.default_rng(s).normal(size=20)) for s in range(200)]
    assert 0.01 < np.mean(np.array(null) < 0.05) < 0.1
    assert sign_flip(rng.normal(size=40) + 2) == pytest.approx(1e-4)


def test_changes_pair_the_cases_that_both_answered():
    cases = probe(6).cases
    first, second = (measure(scorer(seed=s), cases, "output", store=Store(), progress=False) for s in (0, 1))
    moved = changes(first, second)
    np.testing.assert_allclose(moved.frame["value"], second.frame["value"] - first.frame["value"])
    assert moved.metric.name == "change of output"
    assert (moved.frame["chance"] == 0).all()  # exact: it is set
    fewer = changes(first, measure(scorer(seed=1), cases[3:], "output", store=Store(), progress=False))
    assert len(fewer.frame) == len(cases) - 3 and fewer.unanswered == 3
    assert is_right(first, cases) is None
    with pytest.raises(InputError, match="other must be measured on the same cases"):
        changes(first, measure(scorer(), answering(3).cases, "output", store=Store(), progress=False))


def test_text_that_cannot_be_scored_alone_has_no_row():
    assert unrelated_text(scorer(), scorer(seed=1), ["a text"], Store(), False) is None


def test_a_built_in_probe_by_name_is_its_cases():
    made = behaviour("greater-than")
    before, after = Answers("one", lambda p: "in" in p), Answers("two", lambda p: False)
    d = compare_cases(before, after, made.probe, metric=made.metric, store=Store(), progress=False, unrelated=[])
    assert d.entry.metric == f"change of {made.metric}" and len(d.cases) <= len(made.probe)
