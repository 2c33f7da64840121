"""TabularProbe: rows of every type, kept or replaced, with the types the model knows."""

import json

import numpy as np
import pandas as pd
import pytest

from probes import Background, InputError, LocalGaussian, Store, TabularProbe, as_model, ask, sample

N = 30


def mixed_frame():
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N), unit="D")
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, N),
            "weight": rng.normal(70, 9, N).astype(np.float32),
            "children": rng.integers(0, 5, N),
            "small": rng.integers(0, 9, N).astype(np.uint8),
            "smoker": rng.random(N) < 0.5,
            "city": rng.choice(["Bonn", "Rome", "Oslo"], N),
            "grade": pd.Categorical(rng.choice(["low", "mid", "high"], N), ["low", "mid", "high"], ordered=True),
            "visits": pd.array([None if i % 7 == 0 else i for i in range(N)], dtype="Int64"),
            "score": pd.array([None if i % 5 == 0 else i / 2 for i in range(N)], dtype="Float64"),
            "insured": pd.array([None if i % 6 == 0 else i % 2 == 0 for i in range(N)], dtype="boolean"),
            "day": days,
            "instant": days.tz_localize("Europe/Rome"),
            "length": pd.to_timedelta(np.arange(N), unit="h"),
        }
    )


def instance_and_background():
    frame = mixed_frame()
    return frame.iloc[0], frame.iloc[1:].reset_index(drop=True)


def cells(frame):
    """Comparable values of a frame; every missing value is None."""
    return [[None if pd.isna(v) else v for v in row] for row in frame.astype(object).to_numpy()]


# --- rendering


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
    whole, none = probe.render(np.ones((1, 13))), probe.render(np.zeros((1, 13)))
    instance = cells(pd.DataFrame([row]))[0]
    assert cells(whole) == [instance] * 5
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


# --- values


MISSING = [np.nan, None, pd.NA]


@pytest.mark.parametrize("missing", MISSING, ids=["NaN", "None", "NA"])
@pytest.mark.parametrize(
    "column", ["age", "weight", "city", "grade", "visits", "score", "insured", "day", "instant", "length"]
)
def test_missing_value_in_a_column_that_can_hold_one(column, missing):
    row, background = instance_and_background()
    probe = TabularProbe({**row.to_dict(), column: missing}, background)
    frame = probe.render(np.ones((1, 13)))
    assert frame[column].isna().all()
    pd.testing.assert_series_equal(frame.dtypes, background.dtypes)
    feature = next(f for f in probe.features if f.name == column)
    assert feature.value == "missing"


@pytest.mark.parametrize("missing", MISSING, ids=["NaN", "None", "NA"])
@pytest.mark.parametrize("column", ["children", "small"])
def test_missing_value_in_a_column_of_integers_is_kept_as_missing(column, missing):
    row, background = instance_and_background()
    probe = TabularProbe({**row.to_dict(), column: missing}, background)
    assert probe.render(np.ones((1, 13)))[column].isna().all()


@pytest.mark.parametrize("missing", MISSING, ids=["NaN", "None", "NA"])
def test_missing_value_in_a_boolean_column_is_never_taken_for_true_or_false(missing):
    row, background = instance_and_background()
    try:
        probe = TabularProbe({**row.to_dict(), "smoker": missing}, background)
    except InputError as error:
        assert "smoker" in str(error)
    else:
        assert probe.render(np.ones((1, 13)))["smoker"].isna().all()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("children", 2.5),
        ("children", "many"),
        ("children", 2**70),
        ("small", 300),
        ("small", -1),
        ("smoker", "no"),
        ("smoker", 0.5),
        ("smoker", 7),
        ("age", "old"),
        ("day", "someday"),
        ("insured", "perhaps"),
    ],
)
def test_a_value_is_rendered_as_it_is_or_refused(column, value):
    """Never cut, wrapped or read as something else: 2.5 children are not 2, -1 is not 255, "no" is not True."""
    row, background = instance_and_background()
    try:
        probe = TabularProbe({**row.to_dict(), column: value}, background)
    except InputError as error:
        assert column in error.parameter
        assert "must" in str(error)
    else:
        assert (probe.render(np.ones((1, 13)))[column] == value).all()


def test_a_fraction_in_a_nullable_column_of_integers_stays():
    row, background = instance_and_background()
    probe = TabularProbe({**row.to_dict(), "visits": 2.5}, background)
    assert (probe.render(np.ones((1, 13)))["visits"] == 2.5).all()


def test_missing_values_in_the_background_are_passed_on():
    background = pd.DataFrame({"a": [np.nan, 1.0, np.nan], "b": pd.array([1, None, 3], dtype="Int64")})
    frame = TabularProbe({"a": 5.0, "b": 9}, background).render(np.zeros((1, 2)))
    assert frame["a"].isna().tolist() == [True, False, True]
    assert frame["b"].isna().tolist() == [False, True, False]


def test_booleans_stay_booleans():
    background = pd.DataFrame({"a": [True, False], "b": [1.0, 2.0]})
    frame = TabularProbe({"a": np.True_, "b": 0.0}, background).render(np.array([[1, 1], [0, 0]]))
    assert frame["a"].tolist() == [True, True, True, False]
    assert frame["a"].dtype == bool


def test_dates_written_as_text_are_read():
    row, background = instance_and_background()
    frame = TabularProbe({**row.to_dict(), "day": "2023-05-06"}, background).render(np.ones((1, 13)))
    assert frame["day"].iloc[0] == pd.Timestamp("2023-05-06")
    assert frame["day"].dtype == background["day"].dtype


# --- groups


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


# --- arrays


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


# --- LocalGaussian


def test_local_gaussian_varies_numbers_and_replaces_the_rest():
    row, background = instance_and_background()
    probe = TabularProbe(row, background, law=LocalGaussian(0.5, replicates=3))
    by_name = {f.name: f for f in probe.features}
    real = {name for name, f in by_name.items() if f.kind == "real"}
    assert {"age", "weight", "children", "small"} <= real
    assert not real & {"smoker", "city", "grade", "insured", "day", "instant", "length", "visits", "score"}
    assert by_name["age"].loc == row["age"]
    assert by_name["age"].scale == pytest.approx(0.5 * background["age"].std())
    design = sample(probe.features, 400, np.random.default_rng(0))
    frame = probe.render(design.Z)
    assert len(frame) == 3 * len(design)
    j = [f.name for f in probe.features].index("age")
    np.testing.assert_array_equal(frame["age"].to_numpy().reshape(-1, 3), np.repeat(design.Z[:, [j]], 3, axis=1))
    assert design.sampled[:, j].mean() == pytest.approx(row["age"], abs=5 * by_name["age"].scale / np.sqrt(350))
    assert design.sampled[:, j].std() == pytest.approx(by_name["age"].scale, rel=0.2)
    for name in background.columns:
        if name not in real:
            assert frame[name].dtype == background[name].dtype


def test_local_gaussian_with_numbers_only_needs_one_input_a_row():
    background = pd.DataFrame({"a": [1.0, 2.0, 3.0], "n": [1, 5, 9], "k": pd.array([1, None, 2], dtype="Int64")})
    probe = TabularProbe({"a": 2.0, "n": 5, "k": 1}, background, law=LocalGaussian(1.0))
    assert probe.replicates == 1
    assert [f.kind for f in probe.features] == ["real"] * 3
    frame = probe.render(np.array([[2.25, 4.5, 1.0]]))
    assert frame.to_numpy().tolist() == [[2.25, 4.5, 1.0]]
    np.testing.assert_array_equal(probe.instance, [2.0, 5.0, 1.0])
    assert (probe.reference < probe.instance).all()


def test_local_gaussian_keeps_constant_and_missing_columns_binary():
    background = pd.DataFrame({"a": [1.0, 2.0], "same": [3.0, 3.0], "gone": [1.0, 2.0]})
    probe = TabularProbe({"a": 1.0, "same": 3.0, "gone": np.nan}, background, law=LocalGaussian(1.0))
    assert [f.kind for f in probe.features] == ["real", "binary", "binary"]
    assert any("same" in note for note in probe.notes)


def test_width_is_part_of_the_question():
    row, background = instance_and_background()
    digests = {
        TabularProbe(row, background, law=law).digest for law in (Background(), LocalGaussian(1.0), LocalGaussian(0.5))
    }
    assert len(digests) == 3
    assert "0.5" in TabularProbe(row, background, law=LocalGaussian(0.5)).view()["law"]


@pytest.mark.parametrize("width", [0, -1.0, np.nan, np.inf, "wide", None])
def test_bad_width(width):
    with pytest.raises(InputError, match="width must be a positive number"):
        LocalGaussian(width)


@pytest.mark.parametrize("replicates", [0, -2, 2.5, "ten", None])
def test_bad_replicates(replicates):
    with pytest.raises(InputError, match="replicates must be a positive integer"):
        Background(replicates)
    with pytest.raises(InputError, match="replicates must be a positive integer"):
        LocalGaussian(1.0, replicates)


# --- notes, view, identity


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


# --- errors


FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
COLOURS = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["red", "blue"])})


@pytest.mark.parametrize(
    ("row", "background", "options", "parameter", "rule", "received"),
    [
        ({"a": 1, "b": "x"}, [[1, "x"], [2, "y"]], {}, "background", "be a DataFrame when columns hold", "[[1, 'x']"),
        ({"a": 1, "b": "x"}, FRAME.to_numpy(), {}, "background", "be a DataFrame when columns hold", "shape (2, 2)"),
        ({"a": 1, "b": "x"}, None, {}, "background", "be a DataFrame", "None"),
        ([1, 2], np.ones(4), {}, "background", "two-dimensional", "shape (4,)"),
        ([1, 2], np.ones((0, 2)), {}, "background", "at least one row", "shape (0, 2)"),
        ({"a": 1, "b": "x"}, FRAME.iloc[:0], {}, "background", "at least one row", "shape (0, 2)"),
        ([1, 2], pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), {}, "background", "not repeat", "['a', 'a']"),
        ({"a": 1, "c": 2}, FRAME, {}, "row", "only one of the two: b, c", "{'a': 1, 'c': 2}"),
        ({"a": 1}, FRAME, {}, "row", "only one of the two: b", "{'a': 1}"),
        ({"a": 1, "b": "x", "z": 0}, FRAME, {}, "row", "only one of the two: z", "'z'"),
        (FRAME, FRAME, {}, "row", "be a single row", "DataFrame of shape (2, 2)"),
        (FRAME.iloc[:0], FRAME, {}, "row", "be a single row", "DataFrame of shape (0, 2)"),
        ([1, 2, 3], np.ones((4, 2)), {}, "row", "hold 2 values", "[1, 2, 3]"),
        (np.ones((2, 2)), np.ones((4, 2)), {}, "row", "hold 2 values", "shape (2, 2)"),
        ("ab", np.ones((4, 2)), {}, "row", "hold 2 values", "'ab'"),
        ({"a": 1, "b": "green"}, COLOURS, {}, "row['b']", "be one of the column's categories", "'green'"),
        ({"a": 1, "b": ["red"]}, COLOURS, {}, "row['b']", "be one of the column's categories", "['red']"),
        ({"a": "one", "b": "x"}, FRAME, {}, "row['a']", "fit the column's type float64", "'one'"),
        ([1, "two"], np.ones((4, 2)), {}, "row['x1']", "fit the column's type float64", "'two'"),
        ([1, 2], np.ones((4, 2)), {"feature_names": ["a"]}, "feature_names", "name all 2 columns", "['a']"),
        ({"a": 1, "b": "x"}, FRAME, {"law": 0.5}, "law", "Background(replicates) or LocalGaussian(width)", "0.5"),
        ({"a": 1, "b": "x"}, FRAME, {"law": LocalGaussian}, "law", "LocalGaussian(width)", "LocalGaussian"),
        ({"a": 1}, FRAME[["a"]], {}, "row", "at least two features", "{'a': 1}"),
    ],
)
def test_errors(row, background, options, parameter, rule, received):
    with pytest.raises(InputError) as caught:
        TabularProbe(row, background, **options)
    message = str(caught.value)
    assert caught.value.parameter == parameter
    assert rule in message
    assert received in message


def test_groups_with_local_gaussian_are_refused():
    background = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [3.0, 4.0]})
    with pytest.raises(InputError, match="groups must be left out with LocalGaussian"):
        TabularProbe(background.iloc[0], background, law=LocalGaussian(1.0), groups={"g": ["a", "b"]})
