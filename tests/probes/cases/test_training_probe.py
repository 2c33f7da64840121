"""TrainingProbe: effects of groups of training data, against every model trained by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from probes import InputError, ModelError, Store, TrainingProbe, cube
from surrogates import compare, explain


def table(n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    return X, (X["a"] - X["b"] + 0.5 * rng.normal(size=n) > 0).to_numpy().astype(int)


X, Y = table()
NEW, TRUTH = table(200, 1)
GROUPS = np.arange(120) % 5


def by_hand(estimator, z, X=X, y=Y, groups=GROUPS):
    rows = np.isin(groups, np.flatnonzero(z))
    return clone(estimator).fit(X[rows], y[rows]).score(NEW, TRUTH)


def test_every_set_of_groups_is_trained_and_scored():
    probe = TrainingProbe(LogisticRegression(), X, Y, GROUPS, (NEW, TRUTH))
    Z = cube(5)
    found = probe.model(Z)[:, 0]
    for z, value in zip(Z[1:], found[1:], strict=True):
        assert value == pytest.approx(by_hand(LogisticRegression(), z))
    # without any record the more frequent label is known, and nothing else
    assert found[0] == pytest.approx(np.mean((Y.mean() > 0.5) == TRUTH))
    ex = explain(probe.model, probe, store=None)
    banzhaf = [found[Z[:, j] == 1].mean() - found[Z[:, j] == 0].mean() for j in range(5)]
    effects = ex.attributions.set_index("feature")["attribution"]
    for j, value in enumerate(banzhaf):
        assert effects[str(j)] == pytest.approx(value, abs=1e-9)
    assert any(
        "5 groups of 24 training records, of 120 in all. Each question trains anew" in note
        for note in (*ex.warnings, *probe.notes)
    )


def test_the_probability_of_the_right_label_is_an_answer():
    probe = TrainingProbe(LogisticRegression(), X, Y, GROUPS, (NEW, TRUTH), metric="right_label")
    for z in cube(5)[1:]:
        rows = np.isin(GROUPS, np.flatnonzero(z))
        shares = LogisticRegression().fit(X[rows], Y[rows]).predict_proba(NEW)
        np.testing.assert_allclose(probe.model(z[None]), [[np.where(TRUTH == 1, shares[:, 1], shares[:, 0]).mean()]])
    assert probe.model.outputs == ("probability of the right label",)
    scored = TrainingProbe(LogisticRegression(), X, Y, GROUPS, (NEW, TRUTH))
    assert probe.model.identity() != scored.model.identity()
    # a label that no record present has gets none of the probability
    alone = TrainingProbe(KNeighborsClassifier(3), X, Y, Y, (NEW, TRUTH), metric="right_label")
    np.testing.assert_allclose(alone.model(np.array([[1.0, 0.0]])), [[(Y[0] == TRUTH).mean()]])


def test_mislabelled_groups_are_those_of_the_lowest_effects():
    groups = np.arange(120) % 20
    wrong = np.isin(groups, [3, 11])
    probe = TrainingProbe(
        LogisticRegression(),
        X,
        np.where(wrong, 1 - Y, Y),
        groups,
        lambda m: m.predict_proba(NEW)[range(200), TRUTH].mean(),
    )
    ex = explain(probe.model, probe, budget=150, store=None)
    effects = ex.attributions.sort_values("attribution")
    assert set(effects["feature"][:2]) == {"3", "11"} and (effects["high"][:2] < 0).all()


def test_arrays_lists_functions_and_several_numbers():
    arrays = TrainingProbe(Ridge(), X.to_numpy(), Y * 1.0, GROUPS, (NEW.to_numpy(), TRUTH * 1.0))
    z = np.array([[1.0, 0, 1, 1, 0]])
    rows = np.isin(GROUPS, [0, 2, 3])
    assert arrays.model(z)[0, 0] == pytest.approx(Ridge().fit(X[rows].to_numpy(), Y[rows]).score(NEW.to_numpy(), TRUTH))
    records = [("good film", 1), ("bad film", 0), ("good plot", 1), ("bad plot", 0)]
    counts = TrainingProbe(
        lambda some: {word: sum(label for text, label in some if word in text) for word in ("good", "film")},
        records,
        groups=[0, 1, 0, 1],
        evaluate=lambda model: [model["good"], model["film"]],
        nothing=[0, 0],
    )
    np.testing.assert_allclose(counts.model(cube(2)), [[0, 0], [2, 1], [0, 0], [2, 1]])
    ex = explain(counts.model, counts, target="output 1", store=None)
    assert ex.attributions.set_index("feature")["attribution"]["0"] == pytest.approx(1.0)


def test_groups_by_number_and_by_name():
    probe = TrainingProbe(Ridge(), X, Y, 7, (NEW, TRUTH))
    again, other = (
        TrainingProbe(Ridge(), X, Y, 7, (NEW, TRUTH)),
        TrainingProbe(Ridge(), X, Y, 7, (NEW, TRUTH), random_state=1),
    )
    assert probe.digest == again.digest != other.digest and len(probe.features) == 7
    named = TrainingProbe(Ridge(), X, Y, {"first": range(30), "second": range(30, 60)}, (NEW, TRUTH))
    assert [f.name for f in named.features] == ["first", "second"]
    rest = Ridge().fit(X[60:], Y[60:]).score(NEW, TRUTH)  # rows of no group are always there
    assert named.model(np.zeros((1, 2)))[0, 0] == pytest.approx(rest)


def test_labels_of_a_series_belong_to_the_rows_that_its_index_names():
    labels = pd.Series(GROUPS, index=X.index)
    mixed = TrainingProbe(LogisticRegression(), X, Y, labels.sample(frac=1, random_state=0), (NEW, TRUTH))
    plain = TrainingProbe(LogisticRegression(), X, Y, labels, (NEW, TRUTH))
    np.testing.assert_allclose(mixed.model(cube(5)), plain.model(cube(5)))
    with pytest.raises(InputError, match="groups must have the index of X, as a Series"):
        TrainingProbe(LogisticRegression(), X, Y, labels.set_axis(labels.index + 1), (NEW, TRUTH))


def test_sets_that_training_fails_on_are_left_out_and_counted():
    order = np.argsort(Y, kind="stable")  # groups of one label alone: some sets hold one class
    probe = TrainingProbe(LogisticRegression(), X.iloc[order], Y[order], np.repeat(range(6), 20), (NEW, TRUTH))
    ex = explain(probe.model, probe, store=None)
    assert any("questions were not answered" in note for note in ex.warnings)
    assert len(ex.y) < 64

    def broken(*_):
        raise RuntimeError("no")

    with pytest.raises(ModelError, match="training on 120 records raised RuntimeError"):
        probe = TrainingProbe(broken, X, Y, GROUPS, lambda model: 1.0, nothing=0.0)
        explain(probe.model, probe, store=None)
    endless = TrainingProbe(Ridge(), X, Y, GROUPS, lambda model: np.nan)
    with pytest.raises(ModelError, match="no number, for a model trained on"):
        explain(endless.model, endless, store=None)


def test_sets_whose_metric_is_no_number_are_left_out_and_counted():
    order = np.argsort(Y, kind="stable")  # groups of one label alone: some sets hold one class

    def share(model):
        return np.nan if model is None else float(np.mean(model.predict(NEW) == TRUTH))

    def train(records, labels):
        return LogisticRegression().fit(records, labels) if len(set(labels)) > 1 else None

    probe = TrainingProbe(train, X.iloc[order], Y[order], np.repeat(range(6), 20), share, nothing=0.5)
    ex = explain(probe.model, probe, store=None)
    assert len(ex.y) < 64 and np.isfinite(ex.y).all()
    assert any("questions were not answered" in note for note in ex.warnings), ex.warnings


def test_trainings_are_kept_like_answers_and_told_apart():
    store = Store()

    def asked(**options):
        given = {
            "train": DecisionTreeClassifier(random_state=0),
            "X": X,
            "y": Y,
            "groups": GROUPS,
            "evaluate": (NEW, TRUTH),
        }
        probe = TrainingProbe(**given | options)
        return explain(probe.model, probe, store=store).provenance["cost"]["rows"]

    assert asked() >= 32 and asked() == 0
    for other in (
        {"train": DecisionTreeClassifier(max_depth=2, random_state=0)},
        {"y": 1 - Y},
        {"groups": np.arange(120) % 6},
        {"evaluate": (NEW, 1 - TRUTH)},
        {"X": X + 1e-9},
        {"nothing": 0.5},
    ):
        assert asked(**other) >= 32
    by_function = {"evaluate": lambda model: model.score(NEW, TRUTH)}
    assert asked(**by_function) >= 32 and asked(**by_function) >= 32
    assert asked(**by_function, name="tree") >= 32 and asked(**by_function, name="tree") == 0


def test_chance_in_training_is_seen():
    rng = np.random.default_rng(0)
    probe = TrainingProbe(Ridge(), X, Y, GROUPS, lambda model: model.score(NEW, TRUTH) + rng.normal())
    assert any("differently" in note for note in explain(probe.model, probe, store=None).warnings)
    assert not TrainingProbe(DecisionTreeClassifier(), X, Y, GROUPS, (NEW, TRUTH)).model.steady
    assert TrainingProbe(DecisionTreeClassifier(random_state=1), X, Y, GROUPS, (NEW, TRUTH)).model.steady


def without(j, Z):
    """Right labels' mean probability in group j by every model that was trained on a row without it."""
    inside, found = j == GROUPS, []
    for z in Z[(Z[:, j] < 0.5) & Z.any(axis=1)]:
        rows = np.isin(GROUPS, np.flatnonzero(z))
        shares = LogisticRegression().fit(X[rows], Y[rows]).predict_proba(X[inside])
        found.append(np.where(Y[inside] == 1, shares[:, 1], shares[:, 0]).mean())
    return np.array(found)


def test_a_group_is_predicted_by_the_models_that_were_trained_without_it():
    probe = TrainingProbe(LogisticRegression(), X, Y, GROUPS)
    table = probe.out_of_bag(30, store=None).set_index("feature")  # all halves there are
    assert table["mean"].is_monotonic_increasing and (table["trainings"] == 15).all()  # exact: counts
    for j in range(5):
        found = without(j, cube(5)[:-1])
        mean, half = found.mean(), 2.1447867 * found.std(ddof=1) / np.sqrt(15)  # Student's t of 14
        odds = mean / (1 - mean) * np.exp(np.array([-half, half]) / mean / (1 - mean))
        assert table.loc[str(j), ["mean", "low", "high"]].tolist() == pytest.approx([mean, *odds / (1 + odds)])
    pair = probe.out_of_bag(3, store=None)
    assert (pair["trainings"] == 1).all() and pair[["low", "high"]].isna().all(axis=None)  # exact: counts


def test_what_explain_asked_of_groups_is_not_trained_again():
    probe = TrainingProbe(LogisticRegression(), X, Y, GROUPS, (NEW, TRUTH), metric="right_label")
    ex = explain(probe.by_group, probe, target=0, store=None)
    alone = explain(probe.model, probe, store=None)
    np.testing.assert_allclose(ex.attributions["attribution"], alone.attributions["attribution"])
    table = probe.out_of_bag(ex.answers).set_index("feature")
    assert table.loc["2", "mean"] == pytest.approx(without(2, ex.answers.design.Z).mean())
    with pytest.raises(InputError, match="trainings must be a number, or answers of this probe's by_group"):
        probe.out_of_bag(alone.answers)
    with pytest.raises(InputError, match="trainings must be a number, or answers of this probe's by_group"):
        TrainingProbe(LogisticRegression(), X, Y, 5).out_of_bag(ex.answers)
    with pytest.raises(InputError, match="trainings must be a number, or answers of this probe's by_group"):
        TrainingProbe(LogisticRegression(), X, 1 - Y, GROUPS).out_of_bag(ex.answers)


def test_more_trainings_go_on_from_fewer_and_functions_say_how_a_group_is_judged():
    store, trained = Store(), []

    def train(records, labels):
        trained.append(len(records))
        return np.mean(labels)

    def far(mean, records, labels):
        return -abs(np.mean(labels) - mean)

    given = {"train": train, "X": X, "y": Y * 1.0, "groups": 10, "name": "means"}
    probe = TrainingProbe(**given, evaluate=lambda mean: [mean, mean**2], evaluate_group=far, nothing=[0.0, 0.0])
    few = probe.out_of_bag(8, store=store)
    assert len(trained) == 8 and (few["trainings"] == 4).all()  # exact: counts
    more = probe.out_of_bag(20, store=store)
    assert len(trained) == 20 and (more["trainings"] == 10).all()  # exact: counts
    assert probe.by_group.outputs[:3] == ("output 0", "output 1", "records of group 0")
    with pytest.raises(InputError, match="evaluate_group must be given, where no classifier or regressor"):
        TrainingProbe(**given, evaluate=float).out_of_bag(8)
    for estimator, labels in ((Ridge(), Y * 1.0), (LinearSVC(random_state=0), Y)):
        two = TrainingProbe(estimator, X, labels, {"a": range(60), "b": range(60, 120)}).out_of_bag(store=None)
        answer = clone(estimator).fit(X[60:], labels[60:]).predict(X[:60])
        own = np.mean(answer == Y[:60])
        if isinstance(estimator, Ridge):
            own = 1 / (1 + np.mean((answer - labels[:60]) ** 2) / Y.var())
        assert two.set_index("feature").loc["a", "mean"] == pytest.approx(own)


def test_labels_in_a_column_are_those_in_a_row_and_several_of_a_record_want_a_judge_of_their_own():
    forest, tree = RandomForestRegressor(3, random_state=0), DecisionTreeClassifier(random_state=0)
    for estimator in (forest, tree, LinearSVC(random_state=0)):
        row, column = (TrainingProbe(estimator, X, y, GROUPS).out_of_bag(8, store=None) for y in (Y, Y[:, None]))
        pd.testing.assert_frame_equal(row, column)
    given = TrainingProbe(tree, X, Y, GROUPS, (NEW, TRUTH[:, None]), metric="right_label").model(np.ones((1, 5)))
    assert given == TrainingProbe(tree, X, Y, GROUPS, (NEW, TRUTH), metric="right_label").model(np.ones((1, 5)))
    with pytest.raises(InputError, match="evaluate must be a function of the trained model"):
        TrainingProbe(tree, X, np.column_stack([Y, Y]), GROUPS)


def test_a_number_for_no_record_serves_all_outputs_and_a_judge_returns_one():
    given = {"train": lambda records, y: y.mean(), "X": X, "y": Y, "groups": GROUPS}
    two = TrainingProbe(**given, evaluate=lambda m: [m, 1 - m], evaluate_group=lambda m, *records: m, nothing=0.5)
    assert two.by_group(np.array([[1.0, 1, 1, 1, 1], [0, 0, 0, 0, 0]]))[1].tolist() == pytest.approx([0.5] * 7)
    with pytest.raises(ModelError, match="evaluate_group must return one number; it returned 24"):
        TrainingProbe(**given, evaluate_group=lambda m, records, y: y).out_of_bag(4, store=None)


def test_two_ways_to_train_are_compared_set_by_set():
    one, other = (TrainingProbe(Ridge(alpha), X, Y * 1.0, GROUPS, (NEW, TRUTH * 1.0)) for alpha in (1.0, 100.0))
    d = compare(one.model, other.model, one, store=None)
    effects = [explain(p.model, p, store=None).attributions.set_index("feature")["attribution"] for p in (one, other)]
    for row in d.attributions.itertuples():
        assert row.change == pytest.approx(effects[1][row.feature] - effects[0][row.feature], abs=1e-6)


def test_a_series_is_taken_by_place_and_columns_by_name():
    shuffled = pd.Series([f"t{i}" for i in range(8)], index=range(8)[::-1])
    seen = []

    def train(records, labels):
        seen.append(list(zip(records, labels, strict=True)))

    TrainingProbe(train, shuffled, list("abcdefgh"), 4, lambda model: 1.0).model(np.ones((1, 4)))
    assert seen[0] == [(f"t{i}", letter) for i, letter in enumerate("abcdefgh")]
    estimator = make_pipeline(ColumnTransformer([("one", "passthrough", ["a"])]), KNeighborsClassifier())
    exchanged = NEW.rename(columns={"a": "b", "b": "a"})
    one, other = (TrainingProbe(estimator, X, Y, GROUPS, (rows, TRUTH)) for rows in (NEW, exchanged))
    assert one.model.identity().persistent and one.model.identity() != other.model.identity()
    words = X.assign(word=np.resize(["u", "v"], 120)).round(1)
    coded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), KNeighborsClassifier())
    assert 0 < TrainingProbe(coded, words, Y, GROUPS, (words, Y)).model(np.ones((1, 5)))[0, 0] <= 1


def test_long_records_are_told_apart():
    records = [np.arange(2000.0) * (i + 1) for i in range(20)]
    changed = [np.where((np.arange(2000) > 500) & (np.arange(2000) < 1500), -7.0, row) for row in records]
    labels = np.arange(20.0)
    names = [
        TrainingProbe(KNeighborsClassifier(), r, labels, 4, (records, labels)).model.identity()
        for r in (records, changed)
    ]
    assert names[0].persistent and names[0] != names[1]


def test_a_model_of_other_groups_and_an_unknown_rule_of_scoring_are_refused():
    others = (GROUPS + np.arange(120) // 60) % 5
    one, other = (TrainingProbe(Ridge(), X, Y, groups, (NEW, TRUTH)) for groups in (GROUPS, others))
    with pytest.raises(InputError, match="model must be the model of this probe, or of one with the same groups"):
        explain(other.model, one, store=None)
    with pytest.raises(InputError, match="model must be the model of this probe"):
        compare(one.model, other.model, one, store=None)
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, scoring="neg_mean_squared_error", cv=2)
    with pytest.raises(InputError, match="nothing must be given, because this estimator scores by a rule of its own"):
        TrainingProbe(search, X, Y, GROUPS, (NEW, TRUTH))


def test_a_set_that_lacks_a_class_is_left_out_and_a_dummy_that_cannot_answer_says_what_to_do():
    three = np.where(GROUPS == 0, 2, Y)  # group 0 holds the third class alone
    probe = TrainingProbe(LogisticRegression(), X, three, GROUPS, lambda m: m.predict_proba(NEW[:1])[0])
    ex = explain(probe.model, probe, store=None)
    assert any("questions were not answered" in note for note in ex.warnings) and ex.answers.y.shape[1] == 3
    probe = TrainingProbe(LogisticRegression(), X, Y, GROUPS, lambda m: m.coef_[0, 0])
    with pytest.raises(ModelError, match="nothing= gives the answer where no record is present"):
        explain(probe.model, probe, store=None)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"train": 3}, "train must be an estimator of scikit-learn, or a function of records"),
        ({"train": Ridge}, "train must be an estimator of scikit-learn, or a function of records"),
        ({"X": X.iloc[:1]}, "X must be a table or a list of at least two records"),
        ({"y": Y[:5]}, "y must have one value for each of the 120 records"),
        ({"groups": 1}, "groups must be between 2 and the 120 records"),
        ({"groups": [0] * 5}, "groups must have one label for each of the 120 records"),
        ({"groups": [0] * 120}, "features must hold at least two features"),
        ({"groups": {"a": [0], "b": [200]}}, r"groups\['b'\] must hold numbers of rows from 0 to 119"),
        ({"groups": {"a": [0, 1], "b": [1]}}, "groups must hold no row twice"),
        ({"groups": {"a": [], "b": [1]}}, r"groups\['a'\] must hold numbers of rows"),
        ({"evaluate": None, "y": None}, "evaluate must be a function of the trained model, or a pair of rows"),
        (
            {"train": lambda X, y: None, "evaluate": (NEW, TRUTH)},
            "evaluate must be a function of the trained",
        ),
        ({"evaluate_group": 3}, "evaluate_group must be a function of the trained model and records"),
        ({"nothing": np.nan}, "nothing must be a number"),
        ({"nothing": "a"}, "nothing must be a number"),
        ({"groups": {"a": np.arange(120) < 60, "b": [100]}}, r"groups\['a'\] must hold numbers of rows"),
        ({"groups": {"a": [0.9], "b": [100]}}, r"groups\['a'\] must hold numbers of rows"),
        ({"groups": {1: [0], "1": [2], "b": [3]}}, "groups must have names that do not read alike"),
        ({"groups": [1, 2, None] * 40}, "groups must have labels, none of them missing"),
        ({"groups": [1, "1"] * 60}, "groups must have labels, none of them missing, that do not read alike"),
        ({"X": csr_array(X.to_numpy())}, "X must be dense"),
        ({"random_state": -1}, "random_state must be"),
    ],
)
def test_bad_input_is_refused_before_training(options, match):
    given = {"train": Ridge(), "X": X, "y": Y, "groups": GROUPS, "evaluate": (NEW, TRUTH)} | options
    with pytest.raises(InputError, match=match):
        TrainingProbe(**given)
