"""A saved file with a number that cannot be is refused, with its place."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from probes import CallableModel, InputError, MaskProbe
from surrogates import Explanation, ShapleyValues, VectorShare, explain, shapley_values
from surrogates.results.possible import impossible
from surrogates.results.provenance import no_cost

MODEL = CallableModel(lambda Z: Z[:, 0] + Z[:, 1] * Z[:, 2] - Z[:, 3], "model")


@pytest.fixture(scope="module")
def saved():
    return {
        Explanation: explain(MODEL, MaskProbe(4), store=None).to_json(),
        ShapleyValues: shapley_values(MODEL, MaskProbe(4), store=None).to_json(),
    }


IMPOSSIBLE = [
    (Explanation, ("fidelity", "r2"), 1.5, "fidelity.r2 must be at most 1; got 1.5"),
    (Explanation, ("fidelity", "rank"), -2.0, "fidelity.rank must lie between -1 and 1"),
    (Explanation, ("fidelity", "r2_low"), 1.0, "fidelity.r2_low must be at most r2_high"),
    (Explanation, ("attributions", "low"), 9.0, "attributions.low must be at most high"),
    (Explanation, ("fidelity", "clear"), -1, "fidelity.clear must be 0 or more"),
    (ShapleyValues, ("table", "se"), -0.1, "table.se must be 0 or more"),
    (ShapleyValues, ("se",), -0.1, "se must be 0 or more"),
    (ShapleyValues, ("cost", "rows"), -1, "cost.rows must be 0 or more"),
    (ShapleyValues, ("provenance", "questions"), -1, "provenance.questions must be 0 or more"),
]


@pytest.mark.parametrize(("kind", "path", "number", "said"), IMPOSSIBLE, ids=[".".join(p) for _, p, _, _ in IMPOSSIBLE])
def test_an_impossible_number_is_refused_with_its_place(saved, kind, path, number, said):
    data = json.loads(saved[kind])
    *outer, last = path
    place = data
    for name in outer:
        place = place[name]
    if path == ("fidelity", "r2_low"):
        place["r2_high"][0] = 0.5
    inner = place[last]
    while isinstance(inner, list) and isinstance(inner[0], list):
        inner = inner[0]
    if isinstance(inner, list):
        inner[0] = number
    else:
        place[last] = number
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        kind.from_json(json.dumps(data))


def test_what_is_not_known_is_possible(saved):
    data = json.loads(saved[Explanation])
    data["fidelity"]["r2"][0] = data["fidelity"]["r2_low"][0] = None
    assert Explanation.from_json(json.dumps(data)).fidelity.r2 == pytest.approx((float("nan"),), nan_ok=True)


def test_a_share_of_a_change_may_be_negative_beside_a_count_of_entities():
    ends = {"low": -1.0, "high": 0.2, "control_low": -0.2, "control_high": 1.1, "beyond_low": -2.0, "beyond_high": 0.1}
    saved = VectorShare(
        1, 1.0, -0.5, control=-0.1, beyond=-0.4, controls=8, entities=6, **ends, vector=np.ones(2), settings={},
        scan=pd.DataFrame({"layer": [1], "scale": [1.0], "share": [-0.3]}), models=("a", "b"), cost=no_cost(),
    )  # fmt: skip
    assert VectorShare.from_json(saved.to_json()).share == pytest.approx(-0.5)


def test_texts_that_look_like_numbers_are_none():
    assert impossible({"inputs": ["-1", "2"], "tokens": ("-5",)}) is None
