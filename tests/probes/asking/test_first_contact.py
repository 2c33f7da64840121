"""First contact: other answers than the user's object gives are refused; batches that matter are not made."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from probes import CallableModel, EstimatorModel, MaskProbe, ModelError, Store, TabularProbe, ask, sample
from surrogates import anchor, estimate, explain, explain_many, shapley_values

PROBE = MaskProbe(6)


class Noting:
    """A function of rows that keeps how many it was asked at a time."""

    def __init__(self, function):
        self.function, self.sizes = function, []

    def __call__(self, Z):
        self.sizes.append(len(Z))
        return self.function(Z)


def plain(Z):
    return 2 * Z[:, 0] - Z[:, 3]


def padded(Z):
    """What a wrong padding does: rows with less in them than the fullest of their batch answer something else."""
    return plain(Z) + 0.5 * (Z.sum(axis=1).max() - Z.sum(axis=1))


def test_four_inputs_are_asked_alone_and_together_and_count_beside_the_budget():
    function = Noting(plain)
    ex = explain(CallableModel(function, "m"), PROBE, budget=40, store=None)
    assert function.sizes == [1, 1, 1, 1, 4, 35, 2]  # two again: its name alone says that it repeats itself
    cost = ex.answers.cost
    assert (cost.calls, cost.rows, cost.checks) == (7, 39, 6)
    assert not any("batch" in text for text in ex.warnings)


def test_a_model_is_met_once():
    store, function = Store(), Noting(plain)
    explain(CallableModel(function, "m"), PROBE, budget=40, store=store)
    del function.sizes[:]
    explain(CallableModel(function, "m"), PROBE, budget=40, store=store)
    assert function.sizes == []
    explain(CallableModel(function, "m"), PROBE, budget=40, random_state=1, store=store)
    assert len(function.sizes) == 2 and function.sizes[1] == 2  # what is new, two of it again, and no second contact


def test_a_run_whose_answers_are_known_meets_nobody():
    """As with a store of version 0.1.0, which does not say whom it met."""
    store = Store()
    model = CallableModel(plain, "m")
    model.compared = False
    explain(model, PROBE, budget=40, store=store)
    function = Noting(plain)
    explain(CallableModel(function, "m"), PROBE, budget=40, store=store)
    assert function.sizes == []


@pytest.mark.parametrize("known", [False, True])
def test_answers_that_depend_on_a_batch_are_asked_one_by_one_and_it_is_said(known):
    store = Store()
    if known:
        explain(CallableModel(padded, "m"), PROBE, budget=40, store=store)
    function = Noting(padded)
    ex = explain(CallableModel(function, "m"), PROBE, budget=40, random_state=int(known), store=store)
    assert set(function.sizes) == ({1} if known else {1, 4})
    np.testing.assert_allclose(ex.answers.y[:, 0], plain(ex.answers.design.Z))
    [note] = [text for text in ex.warnings if "batch" in text]
    assert "depend on what else is in a batch: for one input 0 alone and 3 in a batch of 4." in note


def test_it_is_said_of_anchors_shapley_values_and_many_inputs():
    said = "depend on what else is in a batch"
    assert any(said in w for w in shapley_values(CallableModel(padded), PROBE, store=None).warnings)
    assert any(said in w for w in anchor(CallableModel(padded), PROBE, store=None).warnings)
    words = CallableModel(lambda texts: [float(max(map(len, texts))) for texts in [texts] for _ in texts])
    several = explain_many(words, ["a bb ccc", "dd ee f ggg"], budget=20, store=None)
    assert all(any(said in w for w in explanation.warnings) for explanation in several)
    np.testing.assert_allclose(several[0].answers.y[:2, 0], [len("a bb ccc"), 0])


def test_a_thousandth_of_the_range_and_rounding_are_no_difference():
    function = Noting(lambda Z: plain(Z) + 0.0005 * (len(Z) > 1))
    assert not explain(CallableModel(function), PROBE, store=None).answers.neighbours
    function = Noting(lambda Z: 1e6 + Z[:, 0] * 0 + 0.5 * (len(Z) > 1))
    assert not explain(CallableModel(function), PROBE, store=None).answers.neighbours


def test_noise_is_no_difference():
    rng = np.random.default_rng(0)
    wrong = [
        bool(explain(lambda Z: plain(Z) + rng.normal(size=len(Z)), PROBE, store=None).answers.neighbours)
        for _ in range(10)
    ]
    assert sum(wrong) <= 1


class Stubborn(EstimatorModel):
    """An adapter that ignores the data it was given but for the first column."""

    def __call__(self, inputs):
        changed = inputs.copy()
        changed.iloc[:, 1:] = 0.0
        return super().__call__(changed)


def iris():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return LogisticRegression(max_iter=500).fit(X, y), X


def test_an_adapter_that_answers_otherwise_than_the_object_is_refused_with_both_numbers():
    fitted, X = iris()
    store = Store()
    probe = TabularProbe(X.iloc[100], X)
    here = X.iloc[[100]]
    wrong, right = Stubborn(fitted)(here), fitted.predict_proba(here)
    with pytest.raises(ModelError, match="does not answer as the object") as caught:
        explain(Stubborn(fitted), probe, store=store)
    shown = [float(word.strip("(),.")) for word in str(caught.value).split("gives ")[1].split() if word[0].isdigit()]
    j = int(np.argmin(np.abs(wrong[0] - shown[0])))
    np.testing.assert_allclose(shown[:2], [wrong[0, j], right[0, j]], rtol=1e-4)
    assert str(X.iloc[100, 0]) in str(caught.value)
    assert len(store) == 0


def test_an_estimator_is_its_own_witness():
    fitted, X = iris()
    ex = explain(fitted, TabularProbe(X.iloc[100], X), budget=200, store=None)
    # alone, in a batch, and four times by the estimator itself; four of these are the design's
    assert ex.answers.cost.checks == 8


@pytest.mark.parametrize("trial", [0, 2])
def test_an_estimate_shows_first_contact(trial):
    function = Noting(plain)
    expected = estimate(CallableModel(function, "m"), PROBE, budget=40, trial=trial, store=(store := Store()))
    before = len(function.sizes)
    cost = explain(CallableModel(function, "m"), PROBE, budget=40, store=store).answers.cost
    assert (expected.checks, expected.calls) == (cost.checks, cost.calls) == (6 + trial, len(function.sizes) - before)
    assert f"{6 + trial} inputs more to check the model" in str(expected)
    assert estimate(CallableModel(function, "m"), PROBE, budget=40, store=store).checks == 0


def test_a_function_of_one_input_has_no_batch():
    sizes = []
    explain(CallableModel(lambda z: sizes.append(1) or float(z[0]), "m", batched=False), PROBE, budget=40, store=None)
    assert len(sizes) == 39 + 2  # two again: its name alone says that it repeats itself


def test_answers_alone_are_the_designs():
    store = Store()
    design = sample(PROBE.features, 30, np.random.default_rng(0))
    answers = ask(CallableModel(padded, "m"), PROBE, design, store)
    np.testing.assert_allclose(answers.y[:, 0], plain(design.Z))


class Half(CallableModel):
    """A model in half precision, which answers a little otherwise than its object."""

    half = True

    def __init__(self, apart):
        super().__init__(plain, "half")
        self.apart = apart

    def direct(self):
        return lambda Z: (plain(Z) + self.apart)[:, None]


def test_what_half_precision_rounds_is_no_other_answer():
    assert explain(Half(0.1), PROBE, budget=40, store=None).fidelity.r2[0] > 0.9
    with pytest.raises(ModelError, match="does not answer as the object"):
        explain(Half(0.5), PROBE, budget=40, store=None)
