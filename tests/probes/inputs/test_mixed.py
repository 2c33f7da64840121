"""Mixed inputs: what each part gets, how they are joined, and that one explanation covers all of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from probes import ImageProbe, InputError, LocalGaussian, MaskProbe, MixedProbe, SeriesProbe, TabularProbe, TextProbe
from probes.deferred import ready
from probes.digests import digest_rows
from surrogates import Explanation, anchor, explain, shapley_values
from tests.helpers.cheap_families import cheap

RNG = np.random.default_rng(0)
PEOPLE = pd.DataFrame({"age": RNG.integers(20, 70, 60).astype(float), "income": RNG.normal(50, 9, 60).round(2)})
ROW = TabularProbe(PEOPLE.iloc[0], PEOPLE, background_rows=7)
NOTE = TextProbe("pays late and late again")
MIXED = MixedProbe({"row": ROW, "note": NOTE})


def test_the_row_of_ones_is_the_input_itself_for_every_background_row():
    frame = MIXED.render(MIXED.instance[None])
    assert len(frame) == MIXED.replicates == 7
    assert frame["note"].unique().tolist() == ["pays late and late again"]
    assert len(frame[["age", "income"]].drop_duplicates()) == 1


def test_each_part_is_rendered_by_its_own_probe():
    Z = np.array([[1, 0, 1, 1, 1, 0, 1]], dtype=float)
    frame = MIXED.render(Z)
    pd.testing.assert_frame_equal(frame[["age", "income"]], ROW.render(Z[:, :2]))
    assert set(frame["note"]) == set(NOTE.render(Z[:, 2:]))


def test_columns_come_in_the_order_that_is_asked_for():
    probe = MixedProbe({"row": ROW, "note": NOTE}, columns=["income", "note", "age"])
    assert list(probe.render(probe.instance[None])) == ["income", "note", "age"]


def test_without_a_data_frame_the_model_gets_a_dict():
    probe = MixedProbe({"title": TextProbe("two words"), "switches": MaskProbe(2)})
    first, second = probe.render(np.array([[1, 1, 1, 1], [0, 1, 0, 1]]))
    assert [first["title"], second["title"]] == ["two words", "words"]
    np.testing.assert_allclose(second["switches"], [0.0, 1.0])


def test_a_dict_with_an_array_has_a_digest_of_all_its_parts():
    one, other = {"a": np.array([1.0, 2.0]), "b": "x"}, {"a": np.array([1.0, 3.0]), "b": "x"}
    first, second, again = digest_rows([one, other, dict(reversed(one.items()))])
    assert first == again
    assert first != second


def test_a_function_may_join_the_parts():
    probe = MixedProbe(
        {"title": TextProbe("two words"), "body": TextProbe("some more words")},
        combine=lambda parts: [f"{t} | {b}" for t, b in zip(parts["title"], parts["body"], strict=True)],
    )
    assert probe.render(np.array([[1, 0, 1, 1, 0]])) == ["two | some more"]


def brightness(inputs):
    return [one["photo"].mean() / 255 + ("bright" in one["caption"]) for one in inputs]


def test_an_image_stands_beside_its_caption(tmp_path):
    photo = np.full((8, 8, 3), 250, np.uint8)
    photo[:4] = 40
    parts = {"photo": ImageProbe(photo, "grid", n_segments=4, fill=0), "caption": TextProbe("a bright sky")}
    ex = explain(brightness, parts, budget=200, store=None)
    effects = ex.attributions.set_index("feature")["attribution"]
    assert effects["bright"] == pytest.approx(1.0)
    assert effects.filter(like="bottom left").item() == pytest.approx(250 / 255 / 4)
    page = ex.report(tmp_path / "photo.html").read_text()
    assert "could not be drawn" not in page
    assert "What it depends on: photo" in page


def test_a_row_with_an_image_is_a_data_frame_with_a_column_of_images():
    photo = np.full((8, 8, 3), 250, np.uint8)
    parts = {"row": ROW, "photo": ImageProbe(photo, "grid", n_segments=4, fill=0)}
    probe = MixedProbe(parts)
    frame = ready(probe.render(np.array([[1, 0, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]])))
    assert list(frame) == ["age", "income", "photo"]
    assert [cell.mean() for cell in frame["photo"]] == pytest.approx([250.0] * 7 + [0.0] * 7)
    ex = explain(lambda rows: [cell.mean() for cell in rows["photo"]] + rows["age"], probe, budget=500, store=None)
    assert ex.fidelity.r2[0] > 0.99


def test_a_name_of_two_parts_is_preceded_by_its_part():
    probe = MixedProbe({"row": ROW, "note": TextProbe("age matters")})
    assert [f.name for f in probe.features] == ["row: age", "income", "note: age", "matters"]


def test_effects_of_a_sum_over_parts_are_exact():
    data = PEOPLE.assign(note=["late" if a > 40 else "fine" for a in PEOPLE["age"]])
    encoder = ColumnTransformer([("words", CountVectorizer(), "note")], remainder="passthrough")
    y = 3 * (data["note"] == "late") + data["age"] / 10
    model = make_pipeline(encoder, LinearRegression()).fit(data, y)
    row = TabularProbe(PEOPLE.iloc[1], PEOPLE, background_rows=60)
    probe = MixedProbe({"note": TextProbe("fine late fine"), "row": row}, columns=list(data))
    ex = explain(model, probe, budget=40 * 60, store=None)
    effects = ex.attributions.set_index("feature")["attribution"]
    weights = dict(zip(encoder.get_feature_names_out(), model[-1].coef_, strict=True))
    assert effects["late"] == pytest.approx(weights["words__late"], abs=1e-6)
    expected = weights["remainder__age"] * (PEOPLE["age"].iloc[1] - PEOPLE["age"].mean())
    assert effects["age"] == pytest.approx(expected, abs=1e-6)


def model(frame):
    late = frame["note"].str.count("late")
    return late + (frame["age"] / 50) * (1 + late)


def test_intervals_of_words_cover_the_background_rows():
    everyone = PEOPLE["age"] / 50
    hits, words = [], TextProbe("pays late always")
    for seed in range(40):
        row = TabularProbe(PEOPLE.iloc[0], PEOPLE, background_rows=8, random_state=seed)
        mixed = MixedProbe({"row": row, "note": words})
        ex = explain(model, mixed, cheap("interactions"), budget=32 * 8, store=None)
        late = ex.attributions.set_index("feature").loc["late"]
        # the word's average effect: 1 + the mean of age / 50 over the row and the background, half and half
        truth = 1 + 0.5 * (everyone.iloc[0] + everyone.mean())
        hits.append(late["low"] <= truth <= late["high"])
    assert np.mean(hits) >= 0.85


def test_page_and_text_show_each_part_under_its_name(tmp_path):
    ex = explain(model, MIXED, budget=300, store=None)
    page = ex.report(tmp_path / "mixed.html").read_text()
    assert "could not be drawn" not in page
    assert "What it depends on: note" in page
    assert "Input (note): “pays late and late again”" in str(ex)
    assert "“late” (2nd" in str(ex)


def test_the_law_of_a_row_is_said_of_that_part_alone(tmp_path):
    page = explain(model, MIXED, budget=300, store=None).report(tmp_path / "mixed.html").read_text()
    assert "Of row: the region asked about: each feature kept or replaced by background rows" in page


def test_a_saved_explanation_draws_the_same_text():
    ex = explain(model, MIXED, budget=300, store=None)
    assert str(Explanation.from_json(ex.to_json())) == str(ex)


def test_anchors_and_shapley_values_take_mixed_inputs():
    rule = anchor(lambda frame: (model(frame) > 2).astype(float), MIXED, budget=3000, store=None)
    assert "late” (2nd, in “… late and late again”) left in" in str(rule)
    values = shapley_values(model, MIXED, budget=2000, store=None)
    whole = float(model(MIXED.render(MIXED.instance[None])).mean())
    assert values.values.sum() == pytest.approx(whole - values.base[0])


def test_a_dict_of_probes_is_a_mixed_input():
    ex = explain(model, {"row": ROW, "note": NOTE}, budget=300, store=None)
    assert ex.view["kind"] == "mixed"


def test_other_ways_to_take_a_part_away_are_variants():
    assert set(MIXED.variants()) == {"row: other background rows", "row: typical row", "note: replaced by '…'"}


def test_variants_that_would_draw_two_parts_are_left_out():
    series = SeriesProbe(np.arange(20.0) ** 2, 4)
    ways = MixedProbe({"row": ROW, "series": series}).variants()
    assert "series: interpolated between what is kept" in ways and not any("noise" in way for way in ways)


@pytest.mark.parametrize(
    ("combine", "said"),
    [
        (lambda parts: 1 / 0, "combine must make a batch .* ZeroDivisionError"),
        (lambda parts: parts["a"][:1], "combine must return a batch of 2 inputs"),
        (lambda parts: None, "combine must return a batch of 2 inputs.* got None"),
        (lambda parts: parts, "combine must return a batch of 2 inputs"),
    ],
)
def test_a_function_that_does_not_join_the_parts_is_refused_in_words(combine, said):
    probe = MixedProbe({"a": NOTE, "b": NOTE}, combine=combine)
    with pytest.raises(InputError, match=said):
        probe.render(np.ones((2, len(probe.features))))


def test_scatter_goes_by_the_order_of_the_parts():
    swapped = MixedProbe({"note": NOTE, "row": ROW})
    np.testing.assert_allclose(swapped.scatter(np.arange(7.0)), np.arange(7.0))


def test_scatter_keeps_sums():
    values = np.arange(7.0)
    assert MIXED.scatter(values).sum() == pytest.approx(values.sum())


@pytest.mark.parametrize(
    ("parts", "settings", "said"),
    [
        ({"note": NOTE}, {}, "at least two parts"),
        ([NOTE, NOTE], {}, "dict of names and probes"),
        ({"note": NOTE, "age": 44}, {}, "be a probe"),
        ({"row": ROW, "other": ROW}, {"combine": len}, "one part at most"),
        ({"row": ROW, "age": NOTE}, {}, "names that differ"),
        ({"row": ROW, "note": NOTE}, {"columns": ["age", "note"]}, "order these columns"),
        ({"row": ROW, "note": NOTE}, {"combine": "frame"}, "be a function"),
        ({"a": NOTE, "b": NOTE}, {"columns": ["a", "b"]}, "row of a data frame"),
        ({"row": ROW, "inner": MIXED}, {}, "probe of an input"),
        ({"a": NOTE, "b": TextProbe("who knows", answer=" me")}, {}, "without answer"),
    ],
)
def test_bad_parts_are_refused_before_anything_is_asked(parts, settings, said):
    with pytest.raises(InputError, match=said):
        MixedProbe(parts, **settings)


def test_real_features_stand_beside_words():
    row = TabularProbe(PEOPLE.iloc[0], PEOPLE, law=LocalGaussian(0.5))
    ex = explain(model, MixedProbe({"row": row, "note": NOTE}), budget=200, store=None)
    assert {f.kind for f in ex.features} == {"real", "binary"}
