"""Out of bag: intervals that cover, several processes, and answers that are kept for the judge that gave them."""

from __future__ import annotations

from functools import cache, partial
from threading import Lock

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression

from probes import InputError, Store, TrainingProbe
from probes.asking.ask import ask
from probes.cases.out_of_bag import halves, left_out
from probes.design import Design

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 3))
Y = (X[:, 0] > 0).astype(int)
GROUPS = np.arange(96) % 6


class Solved(RegressorMixin, BaseEstimator):
    """Least squares without a penalty: of few records some fits are far off."""

    def fit(self, X, y):
        self.coef_ = np.linalg.lstsq(X, y, rcond=None)[0]
        return self

    def predict(self, X):
        return X @ self.coef_


def least_squares(seed):
    rng = np.random.default_rng([seed, 5])
    rows = rng.normal(size=(96, 10))
    return TrainingProbe(Solved(), rows, rows @ rng.normal(size=10) + rng.normal(size=96), np.arange(96) % 12)


@cache
def mean_over_many(seed):
    """The mean over all trainings, estimated by hundreds."""
    Z = halves(12, 600, np.random.default_rng([seed, 6]))
    return np.nanmean(np.where(Z < 0.5, least_squares(seed).by_group(Z), np.nan), axis=0)


def covered(seed, trainings):
    table = least_squares(seed).out_of_bag(trainings, random_state=seed, store=None).set_index("feature")
    truth = enumerate(mean_over_many(seed))
    return [table["low"][str(k)] <= value <= table["high"][str(k)] for k, value in truth]


@pytest.mark.parametrize(("trainings", "share"), [(8, 0.87), (16, 0.9), (64, 0.9)])
def test_intervals_of_least_squares_on_few_records_cover_the_mean_over_all_trainings(trainings, share):
    assert np.mean([covered(seed, trainings) for seed in range(16)]) >= share  # of 192 intervals, often together


def test_intervals_of_shares_near_a_bound_cover_their_mean():
    Z = np.tile([[1.0], [0.0]], (8, 401))
    Z[:, -1] = 1 - Z[:, -1]  # no row lacks all
    shares = np.random.default_rng(7).beta(4, 0.4, size=(16, 401))
    told = left_out([str(k) for k in range(401)], Z, shares, shares=True)
    plain = left_out([str(k) for k in range(401)], Z, shares)
    truth = 4 / 4.4
    held, before = (np.mean((table["low"] <= truth) & (truth <= table["high"])) for table in (told, plain))
    assert held >= 0.9 and held > before + 0.02
    assert told["high"].max() < 1 < plain["high"].max()  # shares are no more than 1
    certain = left_out(["a", "b"], np.eye(2)[[0, 1] * 3], np.tile([1.0, 0.0], (6, 1)), shares=True)
    assert certain[["low", "high"]].to_numpy().tolist() == [[0.0, 0.0], [1.0, 1.0]]  # exact: nothing varies
    once = left_out(["a", "b"], np.eye(2), np.full((2, 2), 0.5), shares=True)
    assert once[["low", "high"]].isna().all(axis=None)


def test_a_regressor_is_judged_by_its_squared_error_in_variances_of_the_labels():
    probe = least_squares(0)
    rows, labels, groups = probe.model.X, probe.model.y, np.arange(96) % 12
    (z,) = halves(12, 2, np.random.default_rng(0))[:1]
    inside = np.isin(groups, np.flatnonzero(z))
    away = (Solved().fit(rows[inside], labels[inside]).predict(rows) - labels) ** 2 / labels.var()
    expected = [1 / (1 + away[groups == k].mean()) for k in range(12)]
    assert probe.by_group(z[None])[0].tolist() == pytest.approx(expected)
    two = TrainingProbe(Solved(), rows, np.column_stack([labels, 1000 * labels]), groups)
    assert two.by_group(z[None])[0].tolist() == pytest.approx(expected)  # whatever the unit of an output
    with pytest.raises(InputError, match="evaluate must be a function of the trained model"):
        TrainingProbe(Solved(), rows, np.resize(["a", "b"], 96), groups)


def test_several_processes_train_what_one_does():
    probe, store = TrainingProbe(LogisticRegression(), X, Y, GROUPS), Store()
    one = probe.out_of_bag(12, store=None)
    assert probe.out_of_bag(12, store=store, n_jobs=2).equals(one)
    assert probe.out_of_bag(12, store=store).equals(one)  # kept under the same key
    with pytest.raises(InputError, match="n_jobs must be a number of workers"):
        probe.out_of_bag(12, store=None, n_jobs=0)
    by_function = TrainingProbe(mean_of, X, Y, GROUPS, level, evaluate_group=near)
    assert by_function.out_of_bag(8, store=None, n_jobs=2).equals(by_function.out_of_bag(8, store=None))


def mean_of(records, y):
    return float(y.mean())


def level(model):
    return [model, 1 - model]


def near(model, records, y):
    return 1 - abs(model - float(y.mean()))


class Times:
    def __init__(self, factor):
        self.factor = factor

    def near(self, model, records, y):
        return self.factor * near(model, records, y)


def test_answers_of_one_name_are_kept_for_the_way_groups_were_judged():
    store = Store()

    def lowest(judge):
        probe = TrainingProbe(mean_of, X, Y, GROUPS, evaluate_group=judge, name="mean")
        return probe.out_of_bag(8, store=store)["mean"].tolist()

    def within(bound):
        return lambda model, records, y: float(abs(model - y.mean()) < bound)

    assert lowest(near) != lowest(lambda model, records, y: 2 * near(model, records, y))
    assert lowest(within(0.0)) == [0.0] * 6 and lowest(within(2.0)) == [1.0] * 6  # exact: zeros and ones
    scaled = [partial(lambda k, model, records, y: k * near(model, records, y), k) for k in (1.0, 3.0)]
    assert lowest(scaled[0]) == lowest(near) and lowest(scaled[1]) == pytest.approx([3 * v for v in lowest(near)])
    assert lowest(Times(2.0).near) == pytest.approx([2 * v for v in lowest(Times(1.0).near)])

    def again(model, records, y):
        return 0.5 if records is None else again(model, None, y)

    assert lowest(again) == [0.5] * 6  # exact: the same number

    def of_all(model, records, y):
        return near(model, records, y) / len(probe.features)

    probe = TrainingProbe(mean_of, X, Y, GROUPS, evaluate_group=of_all, name="mean")  # which of_all will know
    assert probe.out_of_bag(8, store=store)["mean"].tolist() == pytest.approx([v / 6 for v in lowest(near)])
    assert lowest(near) == TrainingProbe(mean_of, X, Y, GROUPS, evaluate_group=near).out_of_bag(8)["mean"].tolist()


@pytest.mark.parametrize("kind", ["cannot be pickled", "encloses itself", "known later"])
def test_answers_of_a_judge_that_cannot_be_told_from_others_are_not_kept(kind):
    store = Store()

    def lowest(factor):
        def plain(model, records, y):
            return factor * near(model, records, y)

        if kind == "cannot be pickled":
            held = Times(factor)
            held.lock = Lock()
            judge = lambda model, records, y: held.factor * near(model, records, y)  # noqa: E731
        elif kind == "encloses itself":
            judge = lambda model, records, y: plain(model, records, y) if judge else 0.0  # noqa: E731
        else:
            judge = lambda model, records, y: plain(model, records, y) + 0 * len(probe.features)  # noqa: E731
        probe = TrainingProbe(mean_of, X, Y, GROUPS, evaluate_group=judge, name="mean")
        assert not probe.by_group.identity().persistent
        return probe.out_of_bag(8, store=store)["mean"].tolist()

    assert lowest(2.0) == pytest.approx([2 * value for value in lowest(1.0)])


def test_the_same_judge_under_the_same_name_trains_once():
    trained, store = [], Store()

    def train(records, y):
        trained.append(len(y))
        return float(y.mean())

    for _ in range(2):
        probe = TrainingProbe(train, X, Y, GROUPS, evaluate_group=lambda model, records, y: -model, name="mean")
        probe.out_of_bag(8, store=store)
    assert len(trained) == 8
    other = TrainingProbe(train, X, Y, GROUPS, evaluate_group=near, name="mean")
    with pytest.raises(InputError, match="trainings must be a number, or answers of this probe's by_group"):
        other.out_of_bag(_answers(probe, store))


def _answers(probe, store):
    return ask(probe.by_group, probe, Design(halves(6, 8, np.random.default_rng([0, 17])), 0), store, False)
