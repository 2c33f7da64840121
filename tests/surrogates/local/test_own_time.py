"""What iomap does besides asking: bounded by calls and bytes, which do not depend on the machine."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from probes import TextProbe
from probes.models import estimator
from probes.models.estimator import fingerprint
from surrogates import SparseLinear, Width, explain, explain_many
from surrogates.numerics import path_selection
from surrogates.numerics.wide_selection import most_columns
from tests.helpers.counting import function_calls, peak_bytes


def test_a_fit_to_many_more_features_than_rows_holds_no_gram_matrix():
    Z = np.random.default_rng(0).integers(0, 2, (200, 3000)).astype(float)
    gram = 3000**2 * 8
    assert peak_bytes(lambda: SparseLinear().fit(Z, Z[:, 0] + Z[:, 1])) < gram


def test_selection_by_rows_follows_the_path_of_selection_by_a_gram_matrix(monkeypatch):
    rng = np.random.default_rng(0)
    X, weight = rng.choice([-1.0, 1.0], (100, 500)), rng.integers(1, 3, 100).astype(float)
    y = np.stack([X[:, :5] @ [1, 0.8, 0.5, 0.3, 0.2] + 0.3 * rng.normal(size=100), X[:, :12] @ rng.normal(size=12)])
    X = (X - np.average(X, axis=0, weights=weight)) / X.std(axis=0)
    y = (y - np.average(y, axis=1, weights=weight)[:, None]) / y.std(axis=1, keepdims=True)
    by_rows = path_selection.select(X, y, weight, 5, 0)
    alone = path_selection.select(X, y[:1], weight, 5, 0)
    monkeypatch.setattr(path_selection, "is_wide", lambda n, p: False)
    by_gram = path_selection.select(X, y, weight, 5, 0)
    assert np.array_equal(alone, by_rows[:1])  # exact: an output is worked on by itself
    np.testing.assert_allclose(by_rows, by_gram, atol=1e-3)
    np.testing.assert_allclose(by_rows[1], by_gram[1], atol=1e-12)  # nothing is left where the path ends


def test_a_path_goes_on_as_long_as_its_best_size_grows():
    falling, rising = np.arange(100.0, 0, -1)[:, None], np.arange(100.0)[:, None]
    assert (most_columns(falling), most_columns(rising)) == (99, 8)


def test_a_thousand_columns_take_some_hundred_calls_each():
    X = np.random.default_rng(0).normal(size=(500, 1000))
    calls = function_calls(lambda: explain(lambda A: np.asarray(A)[:, 0], X[0], background=X, store=None))
    assert calls < 700_000


def test_words_are_rendered_at_once():
    text = " ".join(f"w{i % 500}" for i in range(3000))
    calls = function_calls(lambda: explain(lambda ts: [t.count("w7 ") for t in ts], TextProbe(text), store=None))
    assert calls < 400_000


def test_columns_of_mixed_types_take_a_few_times_the_calls_of_numbers():
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(200, 12)), columns=[f"a{i}" for i in range(12)])
    mixed = numbers.assign(
        a0=pd.Categorical(rng.choice(list("abc"), 200)),
        a1=rng.integers(0, 5, 200),
        a2=rng.random(200) < 0.5,
        a3=rng.choice(["x", "yy"], 200),
        a4=rng.choice(["x", "yy", None], 200),
        a5=rng.choice(["p", "q"], 200),
    )

    def calls(table: pd.DataFrame, count: int = 3) -> int:
        rows = table.iloc[:count]
        return function_calls(
            lambda: explain_many(lambda d: d["a11"].to_numpy(), rows, background=table, budget=1600, store=None)
        )

    calls(mixed, 1)  # what is imported late
    most = 3 if int(pd.__version__.partition(".")[0]) >= 3 else 4  # 2.66 with pandas 3.1.1, 3.56 with 2.2.2
    assert calls(mixed) < most * calls(numbers)


def test_a_model_is_fingerprinted_once_a_call_and_anew_at_the_next(monkeypatch):
    seen = []

    def counted(model):
        seen.append(fingerprint(model))
        return seen[-1]

    monkeypatch.setattr(estimator, "fingerprint", counted)
    X = np.random.default_rng(0).normal(size=(200, 12))
    model = LinearRegression().fit(X, X[:, 0])
    for rows in (200, 100):
        model.fit(X[:rows], X[:rows, 0] + X[:rows, 1] ** 2)
        explain(model, X[0], background=X[:5], budget=500, until=Width(1e-9), store=None)
    assert len(seen) == 2
    assert seen[0] != seen[1]


def test_a_prediction_of_plain_numbers_is_not_looked_at_by_all_kinds_of_frames():
    Z = np.random.default_rng(0).integers(0, 2, (100, 8)).astype(float)
    fitted = SparseLinear().fit(Z, Z[:, 0] - Z[:, 3])
    assert function_calls(lambda: fitted.predict(Z)) < 100  # 57; of a list 15,000 with scikit-learn 1.9, 184 with 1.7
