"""shapley_values(), as a user meets it."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from probes import CallableModel, InputError, LocalGaussian, MaskProbe, ModelError, Store, TabularProbe, as_model, cube
from probes.design import paired
from surrogates import explain, indices, shapley_values


def game(Z):
    return 3 * Z[:, 1] + Z[:, 0] * Z[:, 2] - 2 * Z[:, 3] * Z[:, 4] * Z[:, 5]


def test_every_question_asked_is_exact_and_says_so():
    result = shapley_values(game, MaskProbe(7), budget=200, store=None)
    np.testing.assert_allclose(result.values, indices(game(cube(7))).values, atol=1e-12)
    assert result.exact and set(result.table["exact"]) == {"for the model"} and not result.se.any()
    assert result.cost["rows"] == 2**7 + 6  # some questions twice, to see whether the model repeats itself
    assert "exact: every question was asked" in str(result)


def test_values_add_up_and_are_close_with_few_questions():
    result = shapley_values(game, MaskProbe(14), budget=200, store=None)
    truth = np.zeros(14)
    truth[[1, 0, 2]], truth[[3, 4, 5]] = [3, 0.5, 0.5], -2 / 3
    np.testing.assert_allclose(result.values[0], truth, atol=0.1)
    assert result.values.sum() == pytest.approx(2.0, abs=1e-9)
    assert not result.exact and (result.table["low"] <= result.table["high"]).all()
    assert result.cost["rows"] <= 200


def test_the_first_half_is_drawn_and_the_rest_chosen():
    asked = []
    shapley_values(lambda Z: asked.append(Z.copy()) or game(Z), MaskProbe(14), budget=200, random_state=5, store=None)
    rows = list(dict.fromkeys(tuple(row) for row in np.vstack(asked)))
    drawn = {tuple(row) for row in paired(14, 97, np.random.default_rng(5))}
    assert drawn <= set(rows) and len(rows) == 194  # six more were asked twice
    active = np.array([row[:6] for row in rows if row not in drawn])
    assert len(np.unique(active, axis=0)) > 20  # what the game does not hear of may be as it likes


def test_a_noisy_model_is_never_exact():
    rng = np.random.default_rng(0)
    result = shapley_values(lambda Z: game(Z) + rng.standard_normal(len(Z)), MaskProbe(7), budget=200, store=None)
    assert not result.exact and set(result.table["exact"]) == {"no"}


def test_classes_tables_and_the_store():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    store, probe = Store(), TabularProbe(X.loc[17], X)
    result = shapley_values(forest, probe, budget=1000, target="all", store=store)
    assert result.values.shape == (2, 30) and result.outputs == ("0", "1")
    np.testing.assert_allclose(result.values[0], -result.values[1], atol=1e-6)
    np.testing.assert_allclose(
        result.values[1].sum(), forest.predict_proba(X.loc[[17]])[0, 1] - result.base[1], atol=1e-9
    )
    again = shapley_values(forest, probe, budget=1000, target="all", store=store)
    assert again.cost["rows"] == 0
    np.testing.assert_allclose(again.values, result.values, rtol=1e-10, atol=1e-12)


def test_real_features_go_from_the_reference_to_the_instance():
    X = np.random.default_rng(0).standard_normal((100, 4))
    probe = TabularProbe(np.zeros(4), X, law=LocalGaussian(1.0))
    result = shapley_values(as_model(lambda Z: 2 * Z[:, 2]), probe, budget=40, store=None)
    np.testing.assert_allclose(result.values[0], [0, 0, 2 * probe.features[2].scale, 0], atol=1e-9)


@pytest.mark.xdist_group("shap")
def test_to_shap_adds_up():
    pytest.importorskip("shap")
    shap_values = shapley_values(game, MaskProbe(14), budget=200, store=None).to_shap()
    assert shap_values.values.shape == (14,) and shap_values.base_values == pytest.approx(0.0, abs=1e-12)
    assert shap_values.values.sum() == pytest.approx(2.0)
    assert explain(game, MaskProbe(14), budget=60, store=None).to_shap().values.shape == (14,)


def test_too_small_a_budget_costs_nothing():
    asked = []
    with pytest.raises(InputError) as caught:
        shapley_values(lambda Z: asked.append(1) or game(Z), MaskProbe(14), budget=9, store=None)
    assert caught.value.parameter == "budget" and not asked


def test_ctrl_c_leaves_the_values_of_the_answers_so_far(pressed):
    finished = 0
    for patience in range(1, 260, 37):
        impatient, asked = pressed(lambda Z: 3 * Z[:, 1] + Z[:, 0] * Z[:, 2], patience)
        try:
            result = shapley_values(impatient, MaskProbe(16), budget=250, store=None)
        except KeyboardInterrupt:
            continue
        finished += 1
        assert result.table.iloc[0]["features"] == "x1" and not result.exact
        assert result.values.sum() == pytest.approx(4.0, abs=1e-6)
        assert result.warnings[-1].startswith("Interrupted: it rests on ") or len(asked) >= 250
    assert finished >= 2


def test_too_few_pairs_without_ctrl_c_are_an_error_of_the_model():
    class Shy(CallableModel):
        fallible = True
        reason = "It says nothing about most."

    def shy(Z):
        y = Z.sum(axis=1)
        y[(Z.sum(axis=1) < 8) & (Z.sum(axis=1) > 0)] = np.nan
        return y

    with pytest.raises(ModelError, match="answered together with their complements"):
        shapley_values(Shy(shy, "shy"), MaskProbe(16), budget=60, store=None)


def test_a_sum_of_more_features_than_there_could_be_pairs_is_found():
    weights = np.random.default_rng(0).normal(size=80)
    found = shapley_values(lambda Z: Z @ weights, MaskProbe(80), budget=128, store=None, progress=False)
    np.testing.assert_allclose(found.values[0], weights, atol=1e-3)
    assert found.cost["rows"] <= 128 and not found.exact


def test_many_features_that_are_noisy_are_never_exact():
    rng = np.random.default_rng(0)

    def noisy(Z):
        return Z[:, 0] + rng.normal(size=len(Z))

    found = shapley_values(noisy, MaskProbe(70), budget=100, store=None, progress=False)
    assert not found.exact and any("differently each time" in note for note in found.warnings)
