"""Checks: what should not matter does not, what should does, and failing checks are seen to fail."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from probes import ContextProbe, ImageProbe, InputError, MaskProbe, TabularProbe, TextProbe, as_model
from surrogates import CHECKS, Explanation, check, explain
from surrogates.results.result import page_of


def smooth(Z):
    return 3 * Z[:, 0] - 2 * Z[:, 1] + Z[:, 2] + 0.5 * Z[:, 3] * Z[:, 4]


def finding_of(ex, name):
    return next(f for f in ex.checks if f.name == name)


@pytest.fixture(scope="module")
def forest():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return RandomForestClassifier(10, random_state=0).fit(X, y), X


def test_fresh_questions_agree_with_what_was_reported_and_were_not_asked_before():
    asked = []
    model = as_model(lambda Z: asked.extend(map(bytes, Z)) or smooth(Z), name="smooth")
    ex = explain(model, MaskProbe(12), budget=100, store=None)
    before, paid = set(asked), len(asked)
    checked = check(ex, model, MaskProbe(12), "fresh", questions=200, store=None)
    fresh = finding_of(checked, "fresh")
    assert fresh.passed and fresh.cost["rows"] == 200
    new = list(dict.fromkeys(asked[paid:]))  # first contact asks some of them more than once
    assert not before & set(new) and len(new) == 200
    Z = np.frombuffer(b"".join(new)).reshape(-1, 12)
    y = smooth(Z)
    assert fresh.numbers["output: R²"] == pytest.approx(
        1 - ((y - ex.predict(Z)) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    )


def test_fresh_questions_catch_a_fidelity_that_is_too_good():
    ex = explain(lambda Z: smooth(Z) + 3 * (Z[:, 5] != Z[:, 6]), MaskProbe(12), budget=100, store=None)
    boast = replace(ex, fidelity=replace(ex.fidelity, r2=(0.99,), r2_low=(0.98,), r2_high=(0.995,)))
    model = lambda Z: smooth(Z) + 3 * (Z[:, 5] != Z[:, 6])  # noqa: E731
    assert finding_of(check(ex, model, MaskProbe(12), "fresh", store=None), "fresh").passed
    assert finding_of(check(boast, model, MaskProbe(12), "fresh", store=None), "fresh").passed is False


@pytest.mark.parametrize("family", ["interactions", "rules", "tree"])
def test_fresh_questions_agree_with_a_surrogate_that_is_right(family):
    ex = explain(right := lambda Z: Z[:, 0] * Z[:, 1] + Z[:, 2], MaskProbe(8), family, budget=48, store=None)
    assert check(ex, right, MaskProbe(8), ("fresh",)).checks[0].passed


def test_fresh_intervals_cover_the_true_fidelity():
    from probes import cube
    from surrogates.local.checks import fresh_interval

    rng, held = np.random.default_rng(0), 0
    Z = cube(12)
    y = smooth(Z) + rng.standard_normal(len(Z))
    predicted = smooth(Z)
    truth = 1 - ((y - predicted) ** 2).mean() / y.var()
    for _ in range(400):
        rows = rng.integers(0, len(Z), 80)
        low, high = fresh_interval(y[rows, None], predicted[rows, None])
        held += low[0] <= truth <= high[0]
    assert 0.9 <= held / 400 <= 0.99


def test_exact_explanations_have_no_fresh_questions_and_no_other_seeds():
    ex = explain(smooth, MaskProbe(6), budget=80, store=None)
    checked = check(ex, smooth, MaskProbe(6), ("fresh", "stability"), store=None)
    assert [f.passed for f in checked.checks] == [None, None]
    assert all("very possible question was asked" in f.sentence for f in checked.checks)


def test_other_removal_of_words_and_of_table_values(forest):
    vader = SentimentIntensityAnalyzer()
    text = "The plot is not very good, but the actors are great and I loved it!"

    def sentiment(texts):
        return [vader.polarity_scores(t)["compound"] for t in texts]

    probe = TextProbe(text)
    checked = check(explain(sentiment, probe, budget=100, store=None), sentiment, probe, "removal", store=None)
    other = finding_of(checked, "removal")
    assert "replaced by '…'" in other.sentence and other.numbers["replaced by '…': concordance"] > 0.6
    model, X = forest
    table = TabularProbe(X.loc[17], X)
    conditional = "rows that fit the columns kept (conditional)"
    assert set(table.variants()) == {"other background rows", "typical row", conditional}
    ex = explain(model, table, budget=1000, store=None)
    finding = finding_of(check(ex, model, table, "removal", store=None), "removal")
    assert finding.numbers["other background rows: concordance"] > 0.6
    assert "typical row" in finding.sentence


def test_removal_that_matters_is_shown():
    """A model that counts words: deleting shortens the text, a placeholder does not."""

    def length(texts):
        return [len(t.split()) + 3 * ("good" in t) for t in texts]

    probe = TextProbe("a good plain text of nine different words here")
    checked = check(explain(length, probe, budget=64, store=None), length, probe, "removal", store=None)
    assert finding_of(checked, "removal").passed is False


def test_variants_keep_the_features_and_change_the_digest(forest):
    _, X = forest
    for probe in (TextProbe("not bad at all"), ContextProbe("One. Two. Three.", "Q?"), TabularProbe(X.loc[3], X)):
        for other in probe.variants().values():
            assert other.features == probe.features and other.digest != probe.digest
            ones = np.ones((1, len(probe.features)))
            assert len(other.render(ones)) == other.replicates
    assert (
        ContextProbe("One. Two.", "Q?", replacement="…")
        .render(np.array([[0, 1]]))[0][0][1]
        .startswith("Context: … Two.")
    )
    assert MaskProbe(3).variants() == {}


def test_stability_over_seeds():
    ex = explain(smooth, MaskProbe(12), budget=60, store=None)
    steady = finding_of(check(ex, smooth, MaskProbe(12), "stability", questions=60, seeds=4, store=None), "stability")
    assert steady.passed and steady.numbers["concordance"] > 0.9
    assert steady.cost["rows"] > 200

    rng = np.random.default_rng(0)
    table = rng.standard_normal(2**12)

    def random(Z):
        return table[(Z > 0.5) @ (1 << np.arange(12))]

    ex = explain(random, MaskProbe(12), budget=60, store=None)
    shaky = finding_of(check(ex, random, MaskProbe(12), "stability", questions=60, seeds=4, store=None), "stability")
    assert shaky.passed is False and shaky.numbers["concordance"] < 0.4


def test_permuted_answers_cost_nothing():
    ex = explain(smooth, MaskProbe(12), budget=100, store=None)
    finding = finding_of(check(ex, smooth, MaskProbe(12), "permuted", store=None), "permuted")
    assert finding.passed and finding.cost["rows"] == 0
    assert finding.numbers["R²"] == max(ex.fidelity.permuted)


def test_randomised_estimator_is_explained_differently(forest):
    model, X = forest
    probe = TabularProbe(X.loc[17], X)
    ex = explain(model, probe, budget=1000, store=None)
    finding = finding_of(check(ex, model, probe, "randomised", store=None), "randomised")
    assert finding.passed is not None and finding.cost["rows"] > 0
    regression = LinearRegression().fit(X, X["mean radius"] * 2)
    other = as_model(regression).randomised(np.random.default_rng(0), X)
    assert np.abs(other.estimator.coef_).max() < 1000 and other.identity() != as_model(regression).identity()


def test_randomised_opaque_function_is_not_possible():
    ex = explain(smooth, MaskProbe(12), budget=100, store=None)
    assert finding_of(check(ex, smooth, MaskProbe(12), "randomised", store=None), "randomised").passed is None


def test_a_model_of_the_inputs_alone_fails_when_randomised():
    """An estimator whose answer is the same whatever it was taught."""
    from sklearn.base import BaseEstimator, RegressorMixin

    class Stubborn(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            self.n_features_in_ = X.shape[1]
            return self

        def predict(self, X):
            return np.asarray(X, dtype=float) @ np.arange(1, X.shape[1] + 1) ** 2

    X = np.random.default_rng(0).standard_normal((60, 8))
    model, probe = Stubborn().fit(X, X[:, 0]), TabularProbe(np.full(8, 3.0), X)
    ex = explain(as_model(model, name="stubborn"), probe, budget=2000, store=None)
    assert (
        finding_of(check(ex, as_model(model, name="stubborn"), probe, "randomised", store=None), "randomised").passed
        is False
    )


def test_checks_are_kept_shown_and_replaced():
    ex = explain(smooth, MaskProbe(12), budget=100, store=None)
    checked = check(ex, smooth, MaskProbe(12), store=None)
    assert [f.name for f in checked.checks] == ["fresh", "removal", "permuted", "randomised"]
    again = check(checked, smooth, MaskProbe(12), "fresh", questions=30, store=None)
    assert [f.name for f in again.checks] == ["removal", "permuted", "randomised", "fresh"]
    assert Explanation.from_json(checked.to_json()).checks == checked.checks
    assert "Check fresh (passed): On 64 fresh questions" in str(checked)
    html = page_of(checked)
    assert "Checks" in html and "not possible" in html and "fresh questions" in html
    assert ex.checks == ()


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"checks": "freshly"}, "checks"),
        ({"checks": ()}, "checks"),
        ({"questions": 3}, "questions"),
        ({"seeds": 1}, "seeds"),
    ],
)
def test_bad_options(options, parameter):
    ex = explain(smooth, MaskProbe(12), budget=60, store=None)
    asked = []
    with pytest.raises(InputError) as caught:
        check(ex, lambda Z: asked.append(1) or smooth(Z), MaskProbe(12), store=None, **options)
    assert caught.value.parameter == parameter and not asked
    assert set(CHECKS) == {"fresh", "removal", "stability", "permuted", "randomised"}


def test_another_probe_is_refused_and_an_own_target_must_come_again():
    ex = explain(smooth, MaskProbe(12), budget=60, store=None)
    with pytest.raises(InputError, match="the one the explanation was made with"):
        check(ex, smooth, MaskProbe(11), store=None)

    def doubled(raw):
        return 2 * raw

    ex = explain(smooth, MaskProbe(12), budget=60, target=doubled, store=None)
    with pytest.raises(InputError, match="the function that the explanation was made with"):
        check(ex, smooth, MaskProbe(12), store=None)
    assert finding_of(check(ex, smooth, MaskProbe(12), "fresh", target=doubled, store=None), "fresh").passed


def test_another_model_is_refused():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    one, other = (RandomForestClassifier(3, random_state=seed).fit(X, y) for seed in range(2))
    probe = TabularProbe(X.loc[17], X)
    ex = explain(one, probe, budget=500, store=None)
    with pytest.raises(InputError, match="model must be the one the explanation was made with"):
        check(ex, other, probe, store=None)
    ex = explain(smooth, MaskProbe(12), budget=60, store=None)
    with pytest.raises(InputError, match="for the instance it answered"):
        check(ex, lambda Z: -smooth(Z), MaskProbe(12), store=None)
    with pytest.raises(InputError, match="function that the explanation was made with, and only that"):
        check(ex, smooth, MaskProbe(12), target="output", store=None)
    with pytest.raises(InputError, match="explanation must be an Explanation"):
        check(None, smooth, MaskProbe(12))


def test_designs_with_many_fixed_rows_or_a_block():
    def length(texts):
        return [len(t) for t in texts]

    text = " ".join(f"w{i}" for i in range(40))
    ex = explain(length, text, budget=500, store=None)
    assert ex.answers.design.fixed == 42
    assert finding_of(check(ex, length, text, "removal", store=None), "removal").passed is False  # "…" is no shorter
    text = " ".join(f"w{i}" for i in range(20))
    ex = explain(length, text, budget=130, design="fold-over", store=None)
    assert finding_of(check(ex, length, text, "removal", store=None), "removal").passed is False


def test_equal_effects_agree():
    ex = explain(lambda Z: Z.sum(axis=1), MaskProbe(12), budget=100, store=None)
    steady = finding_of(
        check(ex, lambda Z: Z.sum(axis=1), MaskProbe(12), "stability", seeds=3, store=None), "stability"
    )
    assert steady.passed and steady.numbers["concordance"] > 0.95


def test_effects_of_exactly_zero_are_not_shared():
    picture = np.zeros((40, 60))
    picture[:20, :20] = picture[30, 50] = 1.0
    probe = ImageProbe(picture, "grid", n_segments=6, fill=0)

    def answer(batch):  # the mean colour of this pixel's segment is what it was
        return batch[:, 5, 5] + 0.5

    found = check(explain(answer, probe, store=None), answer, probe, "removal", store=None).checks[0]
    assert "0 of the top 1 shared" in found.sentence


def test_the_output_that_disagrees_most_counts():
    def two(texts):
        return np.array([["good" in t, len(t.split()) - 9 * t.count("…")] for t in texts], dtype=float)

    text = "a good plain text of nine different words here"
    ex = explain(two, text, budget=120, target="all", store=None)
    assert finding_of(check(ex, two, text, "removal", store=None), "removal").passed is False


def test_few_features_cannot_be_compared_with_a_randomised_model():
    X = np.random.default_rng(0).standard_normal((60, 3))
    model, probe = LinearRegression().fit(X, X[:, 0]), TabularProbe(np.ones(3), X)
    ex = explain(model, probe, budget=200, store=None)
    assert finding_of(check(ex, model, probe, "randomised", store=None), "randomised").passed is None


def test_a_model_that_fails_in_a_check_costs_that_check_alone():
    def fussy(texts):
        if any("…" in t for t in texts):
            raise RuntimeError("no dots please")
        return [len(t) for t in texts]

    text = "a good plain text of nine different words here"
    checked = check(explain(fussy, text, budget=120, store=None), fussy, text, ("removal", "permuted"), store=None)
    assert [f.passed for f in checked.checks] == [None, True]
    assert "no dots please" in finding_of(checked, "removal").sentence
