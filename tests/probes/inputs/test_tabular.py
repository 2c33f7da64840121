"""TabularProbe: rows of every type, kept or replaced, with the types the model knows."""

import json

import numpy as np
import pandas as pd
import pytest

from probes import Background, InputError, LocalGaussian, Store, TabularProbe, as_model, ask, sample
from probes.inputs.adapt import RowSettings, as_probe
from surrogates import explain_many
from tests.helpers.mixed_table import cells, instance_and_background, mixed_frame

# exact: values of the user's table are handed through


def test_types_are_those_of_the_background():
    row, background = instance_and_background()
    probe = TabularProbe(row, background)
    rng = np.random.default_rng(1)
    for Z in (np.ones((2, 13)), np.zeros((3, 13)), rng.integers(0, 2, (9, 13))):
        frame = probe.render(Z)
        pd.testing.assert_series_equal(frame.dtypes, background.dtypes)
        assert len(frame) == len(Z) * probe.replicates
    grades = probe.render(np.ones((1, 13)))["grade"]
    assert list(grades.cat.categories) == ["low", "mid", "high"]
    assert grades.cat.ordered


@pytest.mark.parametrize("values", [["x", "y", "z"], ["x", None, 3], [1, 2, 3], [True, False, np.nan]], ids=repr)
def test_a_column_of_objects_stays_one(values):
    background = pd.DataFrame({"o": pd.Series(values, dtype=object), "a": [1.0, 2.0, 3.0]})
    for instance in ("x", 3, None):
        frame = TabularProbe({"o": instance, "a": 0.0}, background).render(np.array([[1, 1], [0, 1], [0, 0]]))
        assert frame["o"].dtype == object
        shown = [None if pd.isna(v) else v for v in frame["o"]]
        assert shown == [instance] * 3 + [None if pd.isna(v) else v for v in values] * 2


def test_present_is_the_instance_and_absent_is_the_background():
    row, background = instance_and_background()
    probe = TabularProbe(row, background, law=Background(5))
    present, none = probe.render(np.ones((1, 13))), probe.render(np.zeros((1, 13)))
    instance = cells(pd.DataFrame([row]))[0]
    assert cells(present) == [instance] * 5
    rows = cells(background)
    assert all(line in rows for line in cells(none))
    assert len({str(line) for line in cells(none)}) == 5


def test_background_rows_are_shared_by_all_masks_and_columns():
    row, background = instance_and_background()
    background = background.assign(number=np.arange(len(background), dtype=float))
    probe = TabularProbe({**row.to_dict(), "number": -1.0}, background, law=Background(4))
    used = cells(probe.render(np.zeros((1, 14))))
    instance = cells(probe.render(np.ones((1, 14))))[0]
    Z = np.random.default_rng(3).integers(0, 2, (20, 14))
    asked = cells(probe.render(Z))
    for i, mask in enumerate(Z):
        for r in range(4):
            expected = [instance[j] if mask[j] else used[r][j] for j in range(14)]
            assert asked[4 * i + r] == expected


def test_same_seed_same_rows_and_another_seed_other_rows():
    row, background = instance_and_background()
    zeros = np.zeros((1, 13))
    first, again, other = (TabularProbe(row, background, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.render(zeros), again.render(zeros))
    assert first.digest == again.digest != other.digest
    assert not first.render(zeros).equals(other.render(zeros))


def test_fewer_background_rows_than_replicates():
    probe = TabularProbe({"a": 1.0, "b": 2.0}, pd.DataFrame({"a": [5.0, 6.0], "b": [7.0, 8.0]}))
    assert probe.replicates == 2
    assert probe.render(np.array([[1, 0]])).to_numpy().tolist() == [[1.0, 7.0], [1.0, 8.0]]


def test_neither_row_nor_background_is_changed():
    row, background = instance_and_background()
    before_row, before = row.copy(), background.copy()
    probe = TabularProbe(row, background)
    frame = probe.render(np.zeros((2, 13)))
    frame.loc[:, "age"] = -1.0
    pd.testing.assert_frame_equal(background, before)
    pd.testing.assert_series_equal(row, before_row)
    assert (probe.render(np.zeros((2, 13)))["age"] != -1).all()


def test_column_order_is_the_backgrounds():
    background = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "c": [3, 4]})
    probe = TabularProbe({"c": 9, "a": 0.0, "b": "z"}, background)
    assert list(probe.render(np.ones((1, 3))).columns) == ["a", "b", "c"]
    assert [f.name for f in probe.features] == ["a", "b", "c"]


@pytest.mark.parametrize("form", ["series", "frame", "dict"])
def test_forms_of_a_row(form):
    frame = mixed_frame()
    row = {"series": frame.iloc[3], "frame": frame.iloc[[3]], "dict": frame.iloc[3].to_dict()}[form]
    rendered = TabularProbe(row, frame).render(np.ones((1, 13))).iloc[[0]]
    pd.testing.assert_frame_equal(rendered, frame.iloc[[3]].reset_index(drop=True))


def test_large_integers_of_a_one_row_frame_stay_exact():
    background = pd.DataFrame({"id": [2**60 + 1, 2**60 + 3], "x": [0.5, 1.5]})
    rendered = TabularProbe(background.iloc[[0]], background).render(np.ones((1, 2)))
    assert rendered["id"].iloc[0] == 2**60 + 1


def test_groups_are_kept_or_replaced_together():
    background = pd.DataFrame({"lat": [1.0, 2.0], "size": [3.0, 4.0], "lon": [5.0, 6.0]})
    probe = TabularProbe({"lat": 0.0, "size": 0.0, "lon": 0.0}, background, groups={"place": ["lat", "lon"]})
    assert [f.name for f in probe.features] == ["place", "size"]
    assert probe.features[0].value == "lat=0, lon=0"
    assert probe.render(np.array([[0, 1], [1, 0]])).to_numpy().tolist() == [
        [1.0, 0.0, 5.0],
        [2.0, 0.0, 6.0],
        [0.0, 3.0, 0.0],
        [0.0, 4.0, 0.0],
    ]


def test_a_group_named_like_another_column_does_not_swallow_it():
    background = pd.DataFrame({"age": [1.0, 2.0], "height": [3.0, 4.0], "weight": [5.0, 6.0], "x": [1.0, 2.0]})
    row = {"age": 0.0, "height": 0.0, "weight": 0.0, "x": 0.0}
    try:
        probe = TabularProbe(row, background, groups={"age": ["height", "weight"]})
    except InputError as error:
        assert "groups" in error.parameter
    else:
        assert len(probe.features) == 3


def test_columns_whose_names_read_alike_stay_apart():
    background = pd.DataFrame([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], columns=[1, "1", "b"])
    try:
        probe = TabularProbe({1: 0.0, "1": 0.0, "b": 0.0}, background)
    except InputError:
        return
    assert len(probe.features) == 3


@pytest.mark.parametrize(
    ("groups", "received"),
    [
        ({"g": ["nope"]}, "'nope'"),
        ({"g": ["a", "b"], "h": ["b"]}, "'b'"),
        ({"g": "ab"}, "'ab'"),
        ({"g": []}, "[]"),
    ],
)
def test_bad_groups(groups, received):
    background = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0]})
    with pytest.raises(InputError, match=r"groups\['.'\] must") as caught:
        TabularProbe({"a": 0.0, "b": 0.0, "c": 0.0}, background, groups=groups)
    assert received in str(caught.value)


def test_one_group_of_everything_is_refused():
    background = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.raises(InputError, match="at least two features"):
        TabularProbe({"a": 0.0, "b": 0.0}, background, groups={"all": ["a", "b"]})


def test_arrays_in_arrays_out():
    background = np.arange(12.0).reshape(4, 3)
    probe = TabularProbe([100, 200, 300], background)
    rendered = probe.render(np.array([[1, 0, 1], [1, 1, 1]]))
    assert isinstance(rendered, np.ndarray)
    assert rendered.dtype == float
    assert rendered.tolist() == [[100, b, 300] for b in (1, 4, 7, 10)] + [[100, 200, 300]] * 4
    assert [f.name for f in probe.features] == ["x0", "x1", "x2"]


def test_arrays_with_names_missing_values_and_groups():
    background = np.array([[np.nan, 1, 2], [3, 4, 5]])
    probe = TabularProbe(np.array([np.nan, 0, 0]), background, feature_names=["a", "b", "c"], groups={"bc": ["b", "c"]})
    assert [f.name for f in probe.features] == ["a", "bc"]
    assert probe.features[0].value == "missing"
    np.testing.assert_array_equal(probe.render(np.array([[1, 0]])), [[np.nan, 1, 2], [np.nan, 4, 5]])


def test_collinear_columns_are_noted_unless_they_are_replaced_together():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(50, 3)), columns=list("abc"))
    rows["twice"] = 5 - 2 * rows["a"]
    rows.loc[3, "b"] = np.nan
    probe = TabularProbe(rows.iloc[0], rows, law=Background(50))
    assert len(probe.notes) == 1 and probe.notes[0].startswith("a and twice go together in the background")
    assert not TabularProbe(rows.iloc[0], rows, law=Background(50), groups={"both": ["a", "twice"]}).notes
    assert not TabularProbe(rows.iloc[0, :3], rows.iloc[:, :3], law=Background(50)).notes


def test_a_column_that_cannot_change_is_noted():
    background = pd.DataFrame({"a": [1.0, 1.0], "b": [1.0, 2.0], "c": [np.nan, np.nan]})
    notes = TabularProbe({"a": 1.0, "b": 1.0, "c": np.nan}, background).notes
    assert [note.split(":")[0] for note in notes] == ["a", "c"]


def test_a_column_with_missing_values_in_the_background_does_change():
    background = pd.DataFrame({"a": pd.array([3, None, 3], dtype="Int64"), "b": [1.0, 2.0, 3.0]})
    assert TabularProbe({"a": 3, "b": 0.0}, background).notes == ()


def test_view_is_plain_data():
    row, background = instance_and_background()
    for law in (Background(), LocalGaussian(0.3)):
        view = json.loads(json.dumps(TabularProbe(row, background, law=law).view()))
        assert [line["name"] for line in view["rows"]] == list(background.columns)
        assert all(line["value"] and line["background"] for line in view["rows"])


def test_digest_depends_on_instance_background_and_groups():
    background = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0]})
    row = {"a": 0.0, "b": 0.0, "c": 0.0}
    variants = [
        TabularProbe(row, background),
        TabularProbe({**row, "a": 1e-9}, background),
        TabularProbe(row, background + 1e-9),
        TabularProbe(row, background, groups={"ab": ["a", "b"]}),
        TabularProbe(row, background, law=Background(1)),
    ]
    assert len({probe.digest for probe in variants}) == len(variants)


def test_a_frame_and_an_array_of_one_content_are_different_questions():
    background = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    framed = TabularProbe({"a": 0.0, "b": 0.0}, background)
    plain = TabularProbe([0.0, 0.0], background.to_numpy(), feature_names=["a", "b"])
    assert framed.digest != plain.digest


def test_the_whole_way_through_a_pipeline():
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = mixed_frame()[["age", "children", "city", "smoker"]]
    y = (frame["age"] + 5 * (frame["city"] == "Rome") > 40).astype(int)
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough"), LogisticRegression(max_iter=2000)
    ).fit(frame, y)
    probe = TabularProbe(frame.iloc[0], frame, law=Background(6))
    design = sample(probe.features, 64, np.random.default_rng(0))
    answers = ask(as_model(model), probe, design, Store())
    expected = model.predict_proba(probe.render(design.Z)).reshape(len(design), 6, 2).mean(axis=1)
    np.testing.assert_allclose(answers.y, expected, atol=1e-12)
    assert answers.outputs == ("0", "1")


def test_masked_cells_are_refused():
    table = np.arange(12.0).reshape(4, 3)
    masked = np.ma.masked_array(table, table == 1)
    for row, background in ((masked[0], table), (masked[:1], table), (table[0], masked)):
        with pytest.raises(InputError, match="must hold no masked cells"):
            TabularProbe(row, background)
        with pytest.raises(InputError, match="must hold no masked cells"):
            as_probe(row, RowSettings(background))
    assert TabularProbe(masked[1], table).row == TabularProbe(table[1], table).row


def test_a_background_of_the_row_alone_is_said_for_that_row():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    same, other = explain_many(lambda rows: rows["a"], frame, background=frame.iloc[[0]], store=None)
    assert sum("zero by design" in note for note in same.warnings) == 2
    assert not any("zero by design" in note for note in other.warnings)
