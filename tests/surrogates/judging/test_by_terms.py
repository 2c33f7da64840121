"""Held-out R² by how many terms are read."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import surrogates.judging.fidelity as judged
from probes import MaskProbe
from surrogates import Explanation, SparseLinear, TreeSurrogate, explain, explain_many
from surrogates.judging.agreement import r2

FAMILIES = ("linear", "interactions", "tree", "rules", "additive")
WEIGHTS = np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25])


def mixed(Z):
    return 2 * Z[:, 0] - Z[:, 1] * Z[:, 2] + 0.5 * Z[:, 3] + np.sin(1e4 * (Z @ np.arange(1, 13) ** 1.7)) * 0.2


@pytest.fixture(scope="module", params=FAMILIES)
def explained(request):
    return explain(mixed, MaskProbe(12), request.param, budget=100, store=None)


def test_with_all_terms_it_is_the_fidelity_itself(explained):
    f, by = explained.fidelity, explained.fidelity.by_terms[0]
    assert by.terms[-1] == len(explained.surrogate.terms_)
    np.testing.assert_allclose(
        [by.r2[-1], by.r2_low[-1], by.r2_high[-1]], [f.r2[0], f.r2_low[0], f.r2_high[0]], atol=1e-9
    )


def test_numbers_of_terms_double_and_every_r2_lies_in_its_interval(explained):
    by = explained.fidelity.by_terms[0]
    first = 2 if explained.surrogate.partitions else 1
    assert list(by.terms[:-1]) == [first * 2**i for i in range(len(by.terms) - 1)] and by.terms[-2] < by.terms[-1]
    assert all(low <= score <= high for low, score, high in zip(by.r2_low, by.r2, by.r2_high, strict=True))


def test_more_terms_predict_more_of_a_sum():
    by = explain(lambda Z: Z @ WEIGHTS, MaskProbe(6), budget=40, store=None).fidelity.by_terms[0]
    assert by.terms == (1, 2, 4, 6)
    shares = np.cumsum(WEIGHTS**2) / (WEIGHTS**2).sum()
    np.testing.assert_allclose(by.r2, shares[[0, 1, 3, 5]], atol=0.12)
    assert list(by.r2) == sorted(by.r2)


def test_where_every_question_was_asked_it_is_exact():
    f = explain(lambda Z: Z @ WEIGHTS, MaskProbe(6), store=None).fidelity
    by, shares = f.by_terms[0], np.cumsum(WEIGHTS**2) / (WEIGHTS**2).sum()
    assert f.exact and by.r2 == by.r2_low == by.r2_high
    np.testing.assert_allclose(by.r2, shares[[0, 1, 3, 5]], atol=1e-6)


def test_in_noise_no_number_of_terms_predicts_anything():
    ex = explain(lambda Z: np.sin(1e6 * (Z @ np.arange(1, 21) ** 2.3)), MaskProbe(20), "tree", budget=128, store=None)
    by = ex.fidelity.by_terms[0]
    assert r2(ex.y, ex.predict(ex.answers.design.Z)[:, None])[0] > max(by.r2) + 0.02  # of answers that it has seen
    assert max(by.r2) < 0.05


def test_a_tree_of_fewer_leaves_is_judged_in_the_unit_of_the_model():
    ex = explain(lambda Z: 100.0 * (Z[:, 0] + Z[:, 1] * Z[:, 2]), MaskProbe(10), "tree", budget=120, store=None)
    by = ex.fidelity.by_terms[0]
    assert by.terms[0] == 2 and by.r2[0] == pytest.approx(0.57, abs=0.12) and by.r2[-1] > 0.95


def test_outputs_are_judged_one_by_one_by_what_each_needs():
    def two(Z):
        return np.column_stack([3 * Z[:, 0], Z @ np.arange(1, 9)])

    by = explain(two, MaskProbe(8), target="all", budget=80, store=None).fidelity.by_terms
    assert [one.terms for one in by] == [(1,), (1, 2, 4, 8)]
    assert by[0].r2[0] == pytest.approx(1.0)


def test_inputs_that_are_fitted_together_are_judged_as_alone():
    def model(texts):
        return [float("good" in t) - 0.5 * ("bad" in t) + 0.1 * len(t.split()) for t in texts]

    texts = ["a good plot and bad end here", "the bad film was really not good"]
    alone = [explain(model, text, budget=64, store=None).fidelity.by_terms[0] for text in texts]
    together = [ex.fidelity.by_terms[0] for ex in explain_many(model, texts, budget=64, store=None)]
    for one, other in zip(alone, together, strict=True):
        assert one.terms == other.terms
        np.testing.assert_allclose(one.r2, other.r2, atol=1e-9)


def test_it_is_kept_in_a_file_and_a_file_without_it_still_loads(tmp_path):
    ex = explain(mixed, MaskProbe(12), budget=60, store=None)
    again = Explanation.from_json(ex.to_json())
    assert again.fidelity.by_terms == ex.fidelity.by_terms
    data = json.loads(ex.to_json())
    del data["fidelity"]["by_terms"]
    assert Explanation.from_json(json.dumps(data)).fidelity.by_terms == ()


def test_a_damaged_one_is_refused():
    ex = explain(mixed, MaskProbe(12), budget=60, store=None)
    cut = replace(ex.fidelity.by_terms[0], r2=ex.fidelity.by_terms[0].r2[:-1])
    data = json.loads(replace(ex, fidelity=replace(ex.fidelity, by_terms=(cut,))).to_json())
    with pytest.raises(ValueError, match="by_terms"):
        Explanation.from_json(json.dumps(data))


def test_it_cuts_surrogates_that_are_there_and_fits_none(monkeypatch):
    measure, within, fitted = judged.by_terms, [False], {True: 0, False: 0}

    def counted(fit):
        def fit_counted(self, *arguments, **options):
            fitted[within[0]] += 1
            return fit(self, *arguments, **options)

        return fit_counted

    def watched(*arguments):
        within[0] = True
        try:
            return measure(*arguments)
        finally:
            within[0] = False

    for name in ("fit", "fit_each"):
        monkeypatch.setattr(SparseLinear, name, counted(getattr(SparseLinear, name)))
    monkeypatch.setattr(judged, "by_terms", watched)
    assert explain(mixed, MaskProbe(12), budget=60, store=None).fidelity.by_terms
    assert fitted[False] > 1 and fitted[True] == 0


def test_a_tree_that_nobody_reads_is_not_cut():
    tree = TreeSurrogate(max_leaves=200, min_leaf=0.0)
    ex = explain(lambda Z: Z @ 1.3 ** np.arange(9), MaskProbe(9), tree, store=None)
    assert len(ex.surrogate.terms_) > 128 and ex.fidelity.by_terms == ()
