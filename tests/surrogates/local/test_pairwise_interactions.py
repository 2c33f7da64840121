"""pairwise_interactions(), as a user meets it."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from probes import CallableModel, InputError, MaskProbe, ModelError, Store, TextProbe
from probes.errors import MissingExtra
from surrogates import PairwiseInteractions, pairwise_interactions, shapley_values

QUIET = {"store": None, "progress": False}


def game(Z):
    return 3 * Z[:, 1] + 2 * Z[:, 0] * Z[:, 2] + 1


@pytest.fixture(scope="module")
def found():
    return pairwise_interactions(game, MaskProbe(10), budget=80, **QUIET)


def test_every_question_asked_is_exact_and_says_so():
    result = pairwise_interactions(game, MaskProbe(4), **QUIET)
    assert result.exact and set(result.table["exact"]) == {"for the model"} and not result.se.any()
    np.testing.assert_allclose(result.matrix().to_numpy()[:3, :3], [[0, 0, 2], [0, 3, 0], [2, 0, 0]], atol=1e-12)
    assert "exact: every question was asked" in str(result)


def test_features_and_pairs_add_up_to_the_difference(found):
    assert found.values.sum() == pytest.approx(found.here[0] - found.base[0], abs=1e-9)
    assert found.base[0] == pytest.approx(1) and found.here[0] == pytest.approx(6)
    assert not found.exact and found.cost["rows"] <= 80


def test_the_strongest_of_both_come_first(found):
    assert found.table["features"].tolist()[:2] == ["x1", "x0 × x2"]
    np.testing.assert_allclose(found.table["index"][:2], [3, 2], atol=0.05)


def test_shapley_values_beside_pairs_are_those_of_the_model():
    pairs = pairwise_interactions(game, MaskProbe(6), "shapley", budget=100, **QUIET)
    np.testing.assert_allclose(pairs.values[:, :6], shapley_values(game, MaskProbe(6), budget=100, **QUIET).values)


@pytest.mark.parametrize(("index", "spread"), [("shapley", True), ("k-sii", True), ("banzhaf", False)])
def test_sizes_of_questions_are_spread_as_the_index_weighs_them(index, spread):
    asked = []
    pairwise_interactions(lambda Z: asked.append(Z.copy()) or game(Z), MaskProbe(16), index, budget=150, **QUIET)
    sizes = np.bincount(np.vstack(asked).sum(axis=1).astype(int), minlength=17)[1:-1]
    assert (sizes.min() >= 8) == spread


def test_the_same_seed_asks_the_same_questions_which_the_store_has():
    store, model = Store(), CallableModel(game, "game")
    first = pairwise_interactions(model, MaskProbe(10), budget=60, store=store, progress=False)
    again = pairwise_interactions(model, MaskProbe(10), budget=60, store=store, progress=False)
    assert again.cost["rows"] == 0 and first.cost["rows"] > 0
    np.testing.assert_allclose(again.values, first.values)


def test_it_is_saved_and_read_again(found, tmp_path):
    found.to_json(tmp_path / "pairs.json")
    again = PairwiseInteractions.from_json(tmp_path / "pairs.json")
    assert str(again) == str(found) and again.subsets == found.subsets


@pytest.mark.parametrize("wrong", ["[8, 99]", "[8, 8]", "[9, 8]", "[7, 9]"])
def test_a_file_whose_sets_are_no_pairs_or_no_other_ones_is_damaged(found, wrong):
    text = found.to_json().replace("[8, 9]", wrong)
    with pytest.raises(InputError, match="subsets must be every feature, then pairs"):
        PairwiseInteractions.from_json(text)


def test_rows_of_tables_and_several_outputs():
    rows = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) % 3, "c": np.arange(20.0) % 2})
    both = CallableModel(lambda X: np.column_stack([X["a"] * X["b"], X["c"]]), "both", outputs=("product", "c"))
    result = pairwise_interactions(both, rows.iloc[17], background=rows, **QUIET)
    assert result.outputs == ("product", "c")
    assert abs(result.matrix("product").loc["a", "b"]) > 1 > abs(result.matrix("c").loc["a", "b"])


def test_shapiq_gets_every_value(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "shapiq", SimpleNamespace(InteractionValues=lambda values, **rest: (values, rest)))
    values, rest = found.to_shapiq()
    assert values[()] == rest["baseline_value"] == pytest.approx(1)
    assert values[0, 2] == pytest.approx(2, abs=0.05)
    assert rest["index"] == "k-SII" and rest["n_players"] == 10 and rest["estimated"]
    assert rest["min_order"] == 0 and len(values) == 1 + 10 + 45


def test_without_shapiq_it_says_what_is_missing(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "shapiq", None)
    with pytest.raises(MissingExtra, match="pip install shapiq"):
        found.to_shapiq()


def asks_nothing(*_):
    raise AssertionError("it was asked")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pairwise_interactions(asks_nothing, MaskProbe(9), "sii", **QUIET), "index must be one of"),
        (lambda: pairwise_interactions(asks_nothing, MaskProbe(1), **QUIET), "features must hold at least two"),
        (lambda: pairwise_interactions(asks_nothing, TextProbe("one"), **QUIET), "text must hold at least two"),
        (lambda: pairwise_interactions(asks_nothing, MaskProbe(9), budget=8, **QUIET), "budget must be at least"),
        (lambda: pairwise_interactions(asks_nothing, MaskProbe(9), budget="many", **QUIET), "budget must"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(call, said):
    with pytest.raises(InputError, match=f"^{said}"):
        call()


def test_an_unknown_output_is_refused_by_name(found):
    with pytest.raises(InputError, match=r"^output must be one of output; got 'other'"):
        found.matrix("other")


def test_a_noisy_model_is_never_exact_and_it_is_said():
    rng = np.random.default_rng(0)
    result = pairwise_interactions(lambda Z: game(Z) + rng.standard_normal(len(Z)), MaskProbe(5), **QUIET)
    assert not result.exact and set(result.table["exact"]) == {"no"}
    assert any("differently each time" in note for note in result.warnings)


def test_too_few_answers_are_an_error():
    def broken(Z):
        return np.where(Z.sum(axis=1) % 16 == 0, 1.0, np.nan)

    with pytest.raises(ModelError):
        pairwise_interactions(broken, MaskProbe(16), budget=60, **QUIET)


def test_strings_of_users_are_escaped(tmp_path):
    text = "<script>alert(1)</script> is not <b>good</b>"
    page = pairwise_interactions(lambda ts: [float("not" in t and "good" in t) for t in ts], text, **QUIET)
    html = page.report(tmp_path / "page.html").read_text("utf-8")
    assert "<script>alert(1)" not in html and "&lt;b&gt;good" in html


def test_a_page_of_banzhaf_indices_does_not_say_that_they_add_up(tmp_path):
    found = pairwise_interactions(game, MaskProbe(4), "banzhaf", **QUIET)
    html = found.report(tmp_path / "page.html").read_text("utf-8")
    assert "need not add up to the model" in html


def test_one_of_several_outputs_named_alone_asks_nothing_new():
    def two(Z):
        return pd.DataFrame({"smooth": game(Z), "rough": np.sin(99 * (Z @ np.arange(1, 11)))})

    store = Store()
    model = CallableModel(two, "two")
    pairwise_interactions(model, MaskProbe(10), budget=80, target="all", store=store)
    assert pairwise_interactions(model, MaskProbe(10), budget=80, target="smooth", store=store).cost["rows"] == 0
