"""compare_rows(further=): rows are made up to find where rules end."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd
import pytest

from probes import CallableModel, InputError, SpendCapError
from surrogates import compare_rows


def table(n=240, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.normal(0, 1, n)
    return pd.DataFrame(
        {
            "width": size.round(3),
            "height": (size + 0.05 * rng.normal(0, 1, n)).round(3),
            "age": rng.integers(18, 80, n),
            "job": rng.choice(["clerk", "cook", "nurse", "smith"], n),
            "share": np.where(rng.random(n) < 0.3, np.nan, rng.random(n).round(3)),
        }
    )


class Asked:
    """A number that moves by one where a region holds, and the rows that it was asked."""

    def __init__(self, region=None):
        self.region, self.rows = region, []

    def __call__(self, rows):
        self.rows += [rows]
        return np.zeros(len(rows)) if self.region is None else np.asarray(self.region(rows), dtype=float)


def compared(region, rows=None, **options):
    after = Asked(region)
    options = {"further": 200, "store": None, "progress": False} | options
    return compare_rows(Asked(), after, table() if rows is None else rows, margin=0.5, **options), after


def test_either_of_two_levels_is_still_two_rules():
    rows = table().assign(town=np.random.default_rng(1).choice(list("abcdef"), 240))
    d, _ = compared(lambda X: X["town"].isin(["a", "b"]), rows)
    assert sorted(d.rules["rule"]) == ["town is a", "town is b"]


@pytest.mark.parametrize(
    ("region", "rule"),
    [
        (lambda X: (X["height"] > 0.7) & (X["age"] <= 60), ["height", "age"]),
        (lambda X: (X["age"] > 40) & (X["job"] == "cook"), ["age", "job is cook"]),
        (lambda X: (X["width"] < -0.3) & (X["job"] != "smith"), ["width", "job is not smith"]),
        (lambda X: X["share"].isna() & (X["age"] > 30), ["age", "share is missing"]),
        (lambda X: X["share"].notna() & (X["age"] > 50) & (X["width"] > 0), ["width", "age", "share is known"]),
        (lambda X: X["age"].between(35, 50), ["34 < age ≤ 50"]),
    ],
)
def test_a_conjunction_is_found_in_the_columns_that_it_is_about(region, rule):
    d, _ = compared(region)
    said = d.rules["rule"].tolist()
    assert len(said) == 1 and said[0].count(" and ") == len(rule) - 1
    assert all(part in said[0] for part in rule)
    # rows that it was neither found in nor tested on
    fresh = table(4000, 1)
    inside = np.asarray(region(fresh), dtype=bool)
    assert (d.predict(fresh) & inside).sum() >= 0.95 * (d.predict(fresh) | inside).sum()


def test_columns_that_vary_together_are_told_apart():
    missed, right = [], []
    for seed in range(6):
        rows = table(120, seed)
        for further, names in ((0, missed), (200, right)):
            d, _ = compared(lambda X: X["height"] > 0.4, rows, further=further, random_state=seed)
            names.append(d.rules["rule"].str.contains("width").any())
    assert any(missed) and not any(right)


def test_what_rows_alone_do_not_show_is_found():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(size=(60, 8)).round(3), columns=list("abcdefgh"))

    def region(X):
        return (X["a"] > 0) != (X["b"] > 0)

    plain, _ = compared(region, rows, further=0)
    d, _ = compared(region, rows)
    assert plain.together["f1"].max() < 0.9 or plain.rules.empty
    assert len(d.rules) == 2
    fresh = pd.DataFrame(rng.normal(size=(2000, 8)), columns=list("abcdefgh"))
    assert (d.predict(fresh) == region(fresh)).mean() > 0.95


@pytest.mark.parametrize("further", [1, 7, 40, 200])
def test_no_more_rows_are_asked_than_said_and_all_are_counted(further):
    plain, first = compared(lambda X: (X["height"] > 0.7) & (X["age"] <= 60), further=0)
    d, after = compared(lambda X: (X["height"] > 0.7) & (X["age"] <= 60), further=further)
    more = sum(map(len, after.rows)) - sum(map(len, first.rows))
    assert 0 <= more <= further and d.cost["rows"] - plain.cost["rows"] == 2 * more
    assert [str(more) in note for note in d.notes if "one cell of another" in note] == [True] * (more > 0)


def test_made_up_rows_have_the_cells_and_types_of_the_table_and_one_cell_of_another_row():
    rows = table()
    _, after = compared(lambda X: (X["height"] > 0.7) & (X["age"] <= 60), rows)
    written = [batch.fillna(-1).astype(str).to_numpy() for batch in [rows, *after.rows]]
    known, asked = written[0], np.concatenate(written[1:])
    assert all((batch.dtypes == rows.dtypes).all() for batch in after.rows)  # exact: types
    apart = (known[None] != asked[:, None]).sum(axis=2).min(axis=1)
    assert set(apart.tolist()) == {0, 1}  # exact: counts
    assert all(set(asked[:, j]) == set(known[:, j]) for j in range(len(rows.columns)))  # exact: texts


def test_rows_that_were_come_upon_test_nothing():
    rows = pd.DataFrame([(a, b) for a in range(12) for b in range(12)], columns=["a", "b"])
    d, _ = compared(lambda X: (X["a"] > 6) & (X["b"] > 4), rows)
    plain, _ = compared(lambda X: (X["a"] > 6) & (X["b"] > 4), rows, further=0)
    moved = (d.rows["part"] != plain.rows["part"]).to_numpy()
    assert moved.any() and (d.rows.loc[moved, "part"] == "discovery").all()  # exact: texts
    # whole rows of a grid are another one of it: none was asked anew
    assert d.cost["rows"] == plain.cost["rows"]  # exact: counts
    # exact: counts
    assert d.rules["rows"].sum() == ((d.rows["part"] == "test") & (d.rows["rule"] > 0)).sum()


def test_differences_by_chance_are_called_supported_no_more_often_than_said():
    def luck(X, seed):
        cells = X.fillna(-1).astype(str).agg(" ".join, axis=1)
        return cells.map(lambda text: blake2b(f"{seed} {text}".encode()).digest()[0] < 40)

    supported = [
        (compared(lambda X, seed=seed: luck(X, seed), table(100, seed))[0].rules["verdict"] == "supported").any()
        for seed in range(40)
    ]
    assert sum(supported) <= 4  # 5% of 40, and one standard error and a half


def test_where_a_model_gives_no_answer_it_is_not_said_to_differ():
    rows = table()
    known = set(rows["height"].astype(str) + rows["age"].astype(str))

    class Fallible(CallableModel):
        fallible = True

    def after(X):
        inside = ((X["height"] > 0.7) & (X["age"] <= 60)).astype(float)
        return inside.where((X["height"].astype(str) + X["age"].astype(str)).isin(known), np.nan)

    model = Fallible(after, "after")
    d = compare_rows(Asked(), model, rows, margin=0.5, further=50, store=None, progress=False)
    assert np.isfinite(d.rows["after"]).all() and len(d.rules) == 1


def test_a_model_that_fails_on_a_made_up_row_ends_the_search_and_no_more():
    rows = table()
    known = set(rows["height"].astype(str) + rows["age"].astype(str))

    def after(X):
        if not (X["height"].astype(str) + X["age"].astype(str)).isin(known).all():
            raise ValueError("no such person")
        return ((X["height"] > 0.7) & (X["age"] <= 60)).to_numpy(dtype=float)

    d = compare_rows(Asked(), after, rows, margin=0.5, further=50, store=None, progress=False)
    plain = compare_rows(Asked(), after, rows, margin=0.5, store=None, progress=False)
    assert d.rules.equals(plain.rules) and len(d.rules) == 1
    assert any("no such person" in note and "further=" in note for note in d.notes)


def test_a_spent_cap_ends_the_run_also_where_rows_are_made_up():
    rows = table()
    known = set(rows["height"].astype(str) + rows["age"].astype(str))

    class Capped(CallableModel):
        def __call__(self, inputs):
            if not (inputs["height"].astype(str) + inputs["age"].astype(str)).isin(known).all():
                raise SpendCapError("spent")
            return super().__call__(inputs)

    after = Capped(lambda X: ((X["height"] > 0.7) & (X["age"] <= 60)).to_numpy(dtype=float), "after")
    with pytest.raises(SpendCapError):
        compare_rows(Asked(), after, rows, margin=0.5, further=50, store=None, progress=False)


def test_arrays_are_asked_as_arrays_and_each_output_has_its_own_rows():
    X = np.random.default_rng(0).normal(size=(200, 4)).round(3)

    def after(Z):
        assert isinstance(Z, np.ndarray)
        return np.column_stack([Z[:, 0] > 0.5, (Z[:, 1] > 0) & (Z[:, 2] > 0)]).astype(float)

    def before(Z):
        return np.zeros((len(Z), 2))

    d = compare_rows(before, after, X, target="all", margin=0.5, further=60, store=None, progress=False)
    found = [sorted(part.split()[0] for part in " and ".join(o.rules["rule"]).split(" and ")) for o in (d, *d.others)]
    assert found == [["x0"], ["x1", "x2"]]


def test_the_same_comparison_again_asks_nothing(tmp_path):
    def again():
        models = [CallableModel(Asked(r), name) for name, r in (("a", None), ("b", lambda X: X["height"] > 0.7))]
        return compare_rows(*models, table(), margin=0.5, further=50, store=tmp_path / "s.db", progress=False)

    first, second = again(), again()
    assert second.rules.equals(first.rules) and second.cost["rows"] == 0 < first.cost["rows"]  # exact: counts


def reviews(n=120, seed=0):
    rng = np.random.default_rng(seed)
    words = ["film", "story", "was", "good", "bad", "dull", "long", "very", "and", "of"]
    return [
        " ".join([*rng.choice(words, rng.integers(3, 9)), *(["Free", "Refund"] if rng.random() < 0.3 else [])])
        for _ in range(n)
    ]


@pytest.mark.parametrize("chats", [False, True])
@pytest.mark.parametrize("word", ["free", "refund"])
def test_words_that_always_go_together_are_told_apart(word, chats):
    rows = [[{"role": "user", "content": text}] if chats else text for text in reviews()]
    seen = []

    def model(extra):
        def answer(batch):
            texts = [text if isinstance(text, str) else text[0]["content"] for text in batch]
            seen.extend(texts)
            return [extra * (word in text.lower().split()) for text in texts]

        return answer

    d = compare_rows(model(0.0), model(1.0), rows, margin=0.5, further=60, store=None, progress=False)
    assert d.rules["rule"].tolist() == [f"contains “{word}”"]
    assert any("without one of their words" in note for note in d.notes)


def test_a_text_of_one_word_is_not_asked_without_it():
    rows = [f"word{i % 7}" for i in range(7)] + [f"text{i} of word{i % 7}" for i in range(60)]
    d = compare_rows(
        lambda batch: [0.0 for _ in batch],
        lambda batch: [1.0 * ("word3" in text.split()) + 0 / len(text) for text in batch],
        rows,
        margin=0.5,
        further=40,
        store=None,
        progress=False,
    )
    assert d.rules["rule"].tolist() == ["contains “word3”"]


@pytest.mark.parametrize(
    ("rows", "options", "match"),
    [
        (reviews(), {"by": table(120)[["age"]]}, "further must be 0 where rules are about by="),
        (table(), {"by": table()[["age"]]}, "further must be 0 where rules are about by="),
        (table(), {"further": -1}, "further must be a non-negative integer"),
        (table(), {"further": 1.5}, "further must be a non-negative integer"),
        (table(), {"further": True}, "further must be a non-negative integer"),
    ],
)
def test_bad_input_is_refused_before_a_question(rows, options, match):
    before = Asked()
    with pytest.raises(InputError, match=match):
        compare_rows(before, Asked(), rows, **{"further": 20, "store": None} | options)
    assert not before.rows
