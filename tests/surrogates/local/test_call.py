"""How explain reaches the model, and what its arguments mean."""

from __future__ import annotations

import inspect
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from probes import Generator, Identity, InputError, MaskProbe, Model, TabularProbe, TextProbe
from surrogates import Certified, Width, estimate, explain

#: module frames seen inside the user's model
SEEN: list[list[str]] = []


def note() -> None:
    names, frame = [], sys._getframe(1)
    while frame is not None:
        names.append(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    end = names.index("surrogates.local.explain")
    inside = [name for name in names[: end + 1] if name.split(".")[0] in ("probes", "surrogates")]
    SEEN.append([name for i, name in enumerate(inside) if i == 0 or name != inside[i - 1]])


def function(Z):
    note()
    return 2 * Z[:, 0] - Z[:, 1]


class Estimator(RegressorMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        note()
        return np.asarray(X)[:, 0]


@pytest.mark.parametrize("until", [None, Width(0.1), Certified(0.5)])
@pytest.mark.parametrize("kind", ["function", "estimator"])
def test_the_model_is_five_hops_away(kind, until):
    SEEN.clear()
    X = np.random.default_rng(0).normal(size=(60, 12))
    model = function if kind == "function" else Estimator().fit(X)
    probe = MaskProbe(12) if kind == "function" else TabularProbe(X[0], X)
    budget = 200 * probe.replicates
    explain(model, probe, until=until, budget=budget, store=None, progress=False)
    assert SEEN
    # as many hops as modules: the last one is into the user's own; first contact, once a model, lies between two
    for inside in SEEN:
        assert len(inside) - ("probes.asking.first_contact" in inside) <= 5, inside
    assert min(map(len, SEEN)) <= 5


def test_estimate_takes_what_explain_takes():
    one, other = (inspect.signature(f).parameters for f in (explain, estimate))
    assert list(one) == list(other)[: len(one)]
    assert all(other[name].kind == p.kind and other[name].default == p.default for name, p in one.items())
    call = {"until": Width(0.1), "progress": False, "budget": 100, "store": None}
    by_place = estimate(function_of_all, MaskProbe(12), "interactions", **call, trial=0)
    assert by_place == estimate(function_of_all, MaskProbe(12), family="interactions", **call, trial=0)


def function_of_all(Z):
    return Z.sum(axis=1)


class Scorer(Model):
    unit, outputs = "nats", ("a",)

    def __init__(self, answer):
        self.answer = answer

    def identity(self):
        return Identity(f"scorer of {self.answer}", True)

    def __call__(self, inputs):
        return np.array([[-1.0 - len(text)] for text in inputs])


class Writer(Generator):
    def identity(self):
        return Identity("writer", True)

    def generate(self, prompt, max_new_tokens):
        return "written"

    def scoring(self, answer, prompt):
        return Scorer(answer)


PROBE = TextProbe("one two three four five")


def test_the_answer_of_a_language_model_is_named():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ex = explain(Writer(), PROBE, answer=" yes", store=None)
        assert ex.answer == " yes"
        assert explain(Writer(), PROBE, store=None).answer == "written"
        assert explain(Writer(), PROBE, answer=" yes", target="log-odds", store=None).target.unit == "log-odds"


def test_an_answer_given_as_target_still_works_and_says_what_to_write():
    with pytest.warns(DeprecationWarning, match=r"write answer=' yes'") as caught:
        assert explain(Writer(), PROBE, target=" yes", store=None).answer == " yes"
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("model", "probe", "options", "parameter"),
    [
        (function_of_all, MaskProbe(4), {"answer": "x"}, "answer"),
        (Writer(), PROBE, {"answer": "x", "target": "y"}, "target"),
        (Writer(), TextProbe("one two three four five", answer="z"), {"answer": "x"}, "answer"),
        (Writer(), PROBE, {"answer": " "}, "answer"),
    ],
)
def test_answers_that_contradict_are_refused(model, probe, options, parameter):
    with pytest.raises(InputError) as caught:
        explain(model, probe, store=None, **options)
    assert caught.value.parameter == parameter
