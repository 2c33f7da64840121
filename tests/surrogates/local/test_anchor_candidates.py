"""What a search for an anchor computes by itself, in counts: predictions of the proxy, never time."""

from __future__ import annotations

import numpy as np

from probes import MaskProbe
from surrogates import anchor
from surrogates.proxy.cube_proxy import CubeProxy


def test_a_search_predicts_all_features_of_a_rule_at_once(monkeypatch):
    predicted, predict = [], CubeProxy.predict

    def counting(self, Z, return_std=False):
        predicted.append(len(Z))
        return predict(self, Z, return_std)

    monkeypatch.setattr(CubeProxy, "predict", counting)
    rule = anchor(lambda Z: np.sin(Z @ np.arange(1, 21)), MaskProbe(20), budget=96, max_length=4, store=None)
    assert not rule.proved
    assert len(predicted) < 100  # one for each of at most 8 rules of a length that are grown, and for each candidate
