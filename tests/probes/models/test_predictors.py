"""Objects that predict: boosters, objects of their protocol, methods of estimators, torch modules."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from probes import SeriesProbe, TabularProbe, as_model
from surrogates import explain

X, Y = load_iris(return_X_y=True)


class Booster:
    """What ``lightgbm.Booster`` offers: it is not callable and has no ``fit``."""

    def __init__(self, weights):
        self.weights = np.asarray(weights, dtype=float)

    def predict(self, data):
        return np.asarray(data) @ self.weights

    def model_to_string(self):
        return repr(self.weights.tolist())


class Proba(Booster):
    classes_ = np.array(["no", "yes"])

    def predict_proba(self, data):
        p = 1 / (1 + np.exp(-self.predict(data)))
        return np.column_stack([1 - p, p])


def test_an_object_that_predicts_is_a_model_with_a_fingerprint():
    model = as_model(Booster([1, 0, 0, -1]))
    np.testing.assert_allclose(model(X)[:, 0], X[:, 0] - X[:, 3])
    assert model.identity() == as_model(Booster([1, 0, 0, -1])).identity() != as_model(Booster([1, 0, 0, 1])).identity()
    assert model.identity().persistent
    ex = explain(Booster([1, 0, 0, -1]), TabularProbe(X[0], X), budget=200, store=None)
    assert len(ex.attributions) == 4


def test_probabilities_have_the_names_of_their_classes():
    model = as_model(Proba([1, 0, 0, -1]))
    assert (model.unit, model.outputs) == ("probability", ("no", "yes"))


def test_a_method_is_its_estimator():
    fitted = LogisticRegression(max_iter=500).fit(X, Y)
    assert as_model(fitted.predict_proba).identity() == as_model(fitted).identity()
    assert as_model(fitted.predict_proba).outputs == ("0", "1", "2")
    assert as_model(fitted.decision_function).unit == "margin"
    assert as_model(Proba([1, 0, 0, 1]).predict).identity() != as_model(Proba([1, 0, 0, 1])).identity()


def test_several_targets_and_sparse_and_narrow_answers():
    forest = RandomForestClassifier(3, random_state=0).fit(X, np.column_stack([Y > 0, Y > 1]))
    model = as_model(forest)
    np.testing.assert_allclose(model(X), np.hstack(forest.predict_proba(X)))
    assert model.outputs == tuple(f"target {i} = {c}" for i in range(2) for c in forest.classes_[i])
    assert as_model(lambda Z: sparse.csr_matrix(Z[:, :2]))(X).shape == (150, 2)
    assert as_model(lambda Z: Z[:, :1])(X).shape == (150, 1)


def test_a_torch_module_over_arrays():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.5), torch.nn.Linear(3, 2))
    model = as_model(module)
    with torch.inference_mode():
        expected = module.eval()(torch.tensor(X, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(model(X), expected, rtol=1e-6)
    assert model.identity().persistent


def test_a_series_that_is_a_tensor_is_asked_as_tensors_of_its_type():
    torch = pytest.importorskip("torch")
    x = torch.tensor(np.random.default_rng(0).standard_normal((3, 60)).cumsum(axis=1), dtype=torch.float32)
    probe = SeriesProbe(x)
    asked = probe.render(np.ones((2, 10)))
    assert asked.dtype == torch.float32 and torch.equal(asked[1], x)
    ex = explain(lambda batch: batch[:, 0, 6:12].mean(dim=1), probe, budget=60, store=None)
    assert ex.attributions.loc[0, "feature"] == "steps 6–11"


def test_a_network_over_channels_and_time_answers_series():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layers = torch.nn.Conv1d(3, 4, 5), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten()
    x = np.random.default_rng(0).standard_normal((3, 60))
    ex = explain(torch.nn.Sequential(*layers), SeriesProbe(x, 4), target=0, store=None)
    assert ex.fidelity.r2[0] > 0.9
