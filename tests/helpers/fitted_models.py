"""Models of a diabetes table and of texts."""

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

X, Y = load_diabetes(return_X_y=True, as_frame=True)


MODEL = LinearRegression().fit(X, Y)


TREE = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, Y)


WEIGHTS = {"good": 2.0, "bad": -3.0, "not": -0.5}


def words(texts):
    return [sum(WEIGHTS.get(word, 0.0) for word in text.split()) for text in texts]


class Counting:
    """A model of texts that counts the texts it was asked."""

    def __init__(self, wrong="poison"):
        self.asked, self.calls, self.wrong = [], 0, wrong

    def __call__(self, texts):
        self.calls += 1
        if any(self.wrong in text for text in texts):
            raise RuntimeError(f"cannot read {self.wrong}")
        self.asked += texts
        return words(texts)


TEXTS = [
    f"it was {word} to see {i} and {other}" for i, (word, other) in enumerate([("good", "bad"), ("bad", "not")] * 3)
]


def same(first, second):
    pd.testing.assert_frame_equal(first.attributions, second.attributions)
    np.testing.assert_array_equal(first.answers.y, second.answers.y)  # exact: the same questions get the same answers
    # exact: the same questions get the same answers
    np.testing.assert_array_equal(first.answers.design.Z, second.answers.design.Z)
    # the same weights to the last bit; what is summed up of many predictions at once may differ by rounding
    # exact: outputs are fitted each by itself
    np.testing.assert_array_equal(first.surrogate.coef_, second.surrogate.coef_)
    assert first.surrogate.terms_ == second.surrogate.terms_
    pd.testing.assert_frame_equal(first.fidelity.table, second.fidelity.table, rtol=1e-9)
    assert first.warnings == second.warnings
    assert first.target == second.target
