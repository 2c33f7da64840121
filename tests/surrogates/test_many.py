"""explain_many: what explain says of each, asked as one stream; failures apart, results on disk, nothing twice."""

import json
import os
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from probes import (
    Background,
    CallableModel,
    Generator,
    Identity,
    InputError,
    MaskProbe,
    Store,
    StoreError,
    TabularProbe,
    TextProbe,
    as_model,
)
from surrogates import Auto, Explanation, ExplanationSet, SparseLinear, explain, explain_many
from surrogates.many.jsonl_file import Failure
from surrogates.many.mean_effects import mean_effects, picks

X, Y = load_diabetes(return_X_y=True, as_frame=True)
MODEL = LinearRegression().fit(X, Y)
TREE = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, Y)
WEIGHTS = {"good": 2.0, "bad": -3.0, "not": -0.5}


def words(texts):
    return [sum(WEIGHTS.get(word, 0.0) for word in text.split()) for text in texts]


class Counting:
    """A model of texts that counts the texts it was asked."""

    def __init__(self, wrong="poison"):
        self.asked, self.calls, self.wrong = [], 0, wrong

    def __call__(self, texts):
        self.calls += 1
        if any(self.wrong in text for text in texts):
            raise RuntimeError(f"cannot read {self.wrong}")
        self.asked += texts
        return words(texts)


TEXTS = [
    f"it was {word} to see {i} and {other}" for i, (word, other) in enumerate([("good", "bad"), ("bad", "not")] * 3)
]


def same(first, second):
    pd.testing.assert_frame_equal(first.attributions, second.attributions)
    np.testing.assert_array_equal(first.answers.y, second.answers.y)
    np.testing.assert_array_equal(first.answers.design.Z, second.answers.design.Z)
    # the same weights to the last bit; what is summed up of many predictions at once may differ by rounding
    np.testing.assert_array_equal(first.surrogate.coef_, second.surrogate.coef_)
    assert first.surrogate.terms_ == second.surrogate.terms_
    pd.testing.assert_frame_equal(first.fidelity.table, second.fidelity.table, rtol=1e-9)
    assert first.warnings == second.warnings
    assert first.target == second.target


@pytest.mark.parametrize("family", ["linear", "tree"])
def test_each_is_what_explain_says_of_it(family):
    found = explain_many(TREE, X.iloc[:3], family, background=X, budget=400, store=None)
    assert found.labels == [0, 1, 2]
    for i, explanation in enumerate(found):
        same(explanation, explain(TREE, TabularProbe(X.iloc[[i]], X), family, budget=400, store=None))
    alone = explain_many(TREE, X.iloc[:1], family, background=X, budget=400, store=None)
    assert (
        alone.cost.rows == explain(TREE, TabularProbe(X.iloc[[0]], X), family, budget=400, store=None).answers.cost.rows
    )


def test_items_are_fitted_together_and_fail_alone(monkeypatch):
    from surrogates.many import explain_many as many

    together = []
    studied = many.studied
    monkeypatch.setattr(many, "studied", lambda materials: together.append(len(materials)) or studied(materials))
    highest = [explain(TREE, TabularProbe(X.iloc[[i]], X), budget=400, store=None).y.max() for i in range(6)]
    limit = float(np.mean(highest))

    class Fragile(SparseLinear):
        """A family that cannot fit high answers."""

        separate = True

        def fit(self, Z, y, sample_weight=None):
            if np.max(y) > limit:
                raise ValueError("too much")
            return super().fit(Z, y, sample_weight)

    found = explain_many(TREE, X.iloc[:6], Fragile(), background=X, budget=400, store=None)
    bad = [i for i, value in enumerate(highest) if value > limit]
    assert 0 < len(bad) < 6
    assert [failure.index for failure in found.failures] == bad
    assert all(failure.error == "ValueError: too much" for failure in found.failures)
    assert found.labels == [i for i in range(6) if i not in bad]
    assert together == [6] + [1] * 6
    both = explain_many(TREE, X.iloc[:4], Auto(("linear", "tree")), background=X, budget=400, store=None)
    for i, explanation in enumerate(both):
        alone = explain(TREE, TabularProbe(X.iloc[[i]], X), Auto(("linear", "tree")), budget=400, store=None)
        same(explanation, alone)
        pd.testing.assert_frame_equal(explanation.comparison, alone.comparison, rtol=1e-9)


def test_a_file_holds_the_items_in_their_order_whatever_is_fitted_together(tmp_path):
    probes = [MaskProbe(d) for d in (3, 5, 3, 5, 4)]
    explain_many(lambda Z: Z @ np.arange(Z.shape[1]), probes, output=tmp_path / "found", store=None)
    back = ExplanationSet.from_jsonl(tmp_path / "found")
    assert back.labels == [0, 1, 2, 3, 4]
    assert [explanation.surrogate.n_features_in_ for explanation in back] == [3, 5, 3, 5, 4]


class Cautious(SparseLinear):
    """A family that never says more than it has heard."""

    def fit(self, Z, y, sample_weight=None):
        self.most_ = np.max(y)
        return super().fit(Z, y, sample_weight)

    def predict(self, Z):
        return np.minimum(super().predict(Z), self.most_)


def test_a_family_of_ones_own_is_fitted_to_each_item_alone():
    found = explain_many(TREE, X.iloc[:3], Cautious(), background=X, budget=400, store=None)
    assert not found.failures
    for i, explanation in enumerate(found):
        same(explanation, explain(TREE, TabularProbe(X.iloc[[i]], X), Cautious(), budget=400, store=None))


@pytest.mark.parametrize("law", [Background(3), None])
def test_a_probe_moved_to_another_row_is_the_probe_of_that_row(law):
    first, second = TabularProbe(X.iloc[[0]], X, law=law), TabularProbe(X.iloc[[5]], X, law=law)
    assert first.at(X.iloc[5]).digest == second.digest != first.digest
    Z = np.random.default_rng(0).integers(0, 2, (7, 10))
    pd.testing.assert_frame_equal(first.at(X.iloc[5]).render(Z), second.render(Z))


def test_questions_of_many_are_one_stream_and_none_is_asked_twice():
    model = Counting()
    found = explain_many(CallableModel(model, "w"), [*TEXTS, TEXTS[0]], budget=40, store=None)
    assert len(found) == 7 and not found.failures
    assert len(model.asked) == len(set(model.asked)) == found.cost.rows
    assert model.calls == found.cost.calls <= 3  # the first alone, then all the others
    same(found[0], found[6])
    assert found[6].answers.cost.rows == 0


def test_a_bad_item_is_reported_and_the_others_go_on():
    store, model = Store(), Counting()
    items = [TEXTS[0], 3.5, "poison here is not good", "x", TEXTS[1]]
    found = explain_many(CallableModel(model, "w"), items, budget=40, store=store)
    assert [failure.index for failure in found.failures] == [1, 2, 3]
    assert found.labels == [0, 4]
    kinds = [failure.error.split(":")[0] for failure in found.failures]
    assert kinds == ["InputError", "ModelError", "InputError"]
    assert "cannot read poison" in found.failures[1].error
    same(found[1], explain(CallableModel(words, "w"), TEXTS[1], budget=40, store=None))


def test_a_parameter_that_breaks_its_rule_is_no_item_s_fault():
    for wrong in ({"budget": 0}, {"family": "nonsense"}, {"design": "nonsense"}, {"target": "nonsense"}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            explain_many(CallableModel(words, "w", outputs=("sum",)), TEXTS, store=None, **wrong)
    for probes in ("one text", MaskProbe(3), 7, X.iloc[:2]):
        with pytest.raises(InputError):
            explain_many(MODEL, probes, store=None)


@pytest.mark.parametrize(
    ("background", "words"),
    [
        (X.iloc[:0], "at least one row"),
        (X.drop(columns="bmi"), "only one of them has bmi"),
        (X.assign(extra=1.0), "only one of them has extra"),
        (X.to_numpy()[:, :4], "rows' columns"),
        (X.to_numpy()[0], "two-dimensional"),
        (X.set_axis([*X.columns[:-1], X.columns[0]], axis=1), "do not repeat"),
        ("people.csv", "be a DataFrame"),
    ],
)
def test_a_wrong_background_is_one_error_before_any_call(background, words):
    asked = []

    def model(rows):
        asked.append(len(rows))
        return rows["bmi"]

    for rows in (X.iloc[:5], [X.iloc[0], X.iloc[1]] if "only" not in words and "rows'" not in words else X.iloc[:5]):
        with pytest.raises(InputError, match=f"^background must.*{words}"):
            explain_many(as_model(model, "m"), rows, background=background, store=None)
    with pytest.raises(InputError, match=r"^background must"):
        explain_many(as_model(model, "m"), [X.iloc[0], X.iloc[1]], store=None)
    assert asked == []


def test_labels_that_repeat_become_places_and_a_warning_says_so(caplog):
    rows = X.iloc[:3].set_axis(["a", "b", "a"])
    found = explain_many(MODEL, rows, background=X, budget=160, store=None)
    assert found.labels == [0, 1, 2] and "row label 'a' repeats" in caplog.text
    mixed = explain_many(MODEL, X.iloc[:2].set_axis([1, True]), background=X, budget=160, store=None)
    assert mixed.labels == [0, 1] and len(mixed.pick(2)) <= 2
    caplog.clear()
    named = explain_many(MODEL, X.iloc[:3].set_axis(["ä", "☃ 雪", 7]), background=X, budget=160, store=None)
    assert named.labels == ["ä", "☃ 雪", 7] and "repeats" not in caplog.text


def test_results_are_streamed_resumed_and_read_back(tmp_path):
    file, store = tmp_path / "all.jsonl", Store()
    settings = {"background": X, "budget": 400, "store": store, "output": file}
    first = explain_many(MODEL, X.iloc[:3], **settings)
    assert not isinstance(first.entries[0].source, Explanation)
    written = file.read_bytes()
    assert [json.loads(line)["label"] for line in written.splitlines()] == [0, 1, 2]
    file.write_bytes(written[:-40])  # cut off while the last line was written
    again = explain_many(MODEL, X.iloc[:5], **settings)
    assert again.labels == [0, 1, 2, 3, 4]
    lines = [line for line in file.read_bytes().splitlines() if line.endswith(b'"}')]
    assert len(lines) == 5
    same(first[1], again[1])
    back = ExplanationSet.from_jsonl(file)
    assert back.labels == again.labels
    pd.testing.assert_frame_equal(back.frame, again.frame)
    assert explain_many(MODEL, X.iloc[:5], **settings).labels == again.labels
    assert len(file.read_bytes().splitlines()) == 6  # nothing was done again
    other = explain_many(MODEL, X.iloc[:1], **{**settings, "random_state": 1})
    assert not np.array_equal(other[0].answers.design.Z, again[0].answers.design.Z)
    copy = back[1:3].to_jsonl(tmp_path / "copy.jsonl")
    same(ExplanationSet.from_jsonl(copy)[0], back[1])


def test_a_resumed_run_tells_what_it_spent_itself_and_what_was_spent_before(tmp_path):
    options = {"background": X, "budget": 160, "store": None, "output": tmp_path / "all.jsonl"}
    first = explain_many(TREE, X.iloc[:2], **options)
    assert first.cost_before.rows == 0 and "This run" not in str(first)
    again = explain_many(TREE, X.iloc[[0, 1, 1]], **{**options, "n_jobs": None})
    assert again.cost == again.cost_before == first.cost and first.cost.rows > 200
    assert "This run: 0 inputs asked in 0 calls" in str(again)
    assert f"Before, for the 3 that were finished already: {first.cost.rows:,} inputs" in str(again)
    more = explain_many(TREE, X.iloc[:3], **options)
    fresh = more.cost.rows - more.cost_before.rows
    assert more.cost_before == first.cost and fresh == more[2].answers.cost.rows > 100
    assert f"This run: {fresh:,} inputs" in str(more)
    assert f"This run: {fresh:,} inputs" in more.report(tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    "content",
    [b"id,label\n1,2\n", b'{"key": "me", "value": 3}\n', b"SQLite format 3\0", b"\n", b'{"key": "' + b"z" * 64],
)
def test_a_file_of_something_else_is_not_added_to(content, tmp_path):
    file = tmp_path / "notes.jsonl"
    file.write_bytes(content)
    model = Counting()
    with pytest.raises(InputError, match="output must name a new file or one of explanations"):
        explain_many(CallableModel(model, "w"), TEXTS, budget=40, store=None, output=file)
    assert file.read_bytes() == content and model.asked == []
    for wrong in ("notes.csv", "notes.json", "new.txt", file / "inside.jsonl", 7, "", "a\0.jsonl"):
        with pytest.raises(InputError, match="output must"):
            explain_many(CallableModel(model, "w"), TEXTS, budget=40, store=None, output=wrong)
    assert not (tmp_path / "notes.csv").exists()


def test_a_file_that_was_cut_off_anywhere_is_taken_up(tmp_path):
    file, model = tmp_path / "all.jsonl", CallableModel(words, "w")
    explain_many(model, TEXTS[:1], budget=40, store=None, output=file)
    whole = file.read_bytes()
    for length in (1, 20, 74, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert len(explain_many(model, TEXTS[:1], budget=40, store=None, output=file)) == 1
        assert len(explain_many(model, TEXTS[:1], budget=40, store=None, output=file)) == 1
        assert len(ExplanationSet.from_jsonl(file)) == 1


def test_files_that_are_gone_or_cannot_be_written_are_named(tmp_path):
    file, model = tmp_path / "all.jsonl", CallableModel(words, "w")
    found = explain_many(model, TEXTS[:3], budget=40, store=None, output=file)
    for write in (found.report, found[0].report, found[0].to_json, found.to_jsonl):
        with pytest.raises(InputError, match=r"(path|output) must .*x\.html"):
            write("/proc/none/x.html")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[1:]))
    with pytest.raises(StoreError, match=r"all\.jsonl has changed"):
        found[1]
    file.unlink()
    fresh = ExplanationSet(found.entries)
    for look in (lambda: found[0], lambda: str(fresh), lambda: found.to_jsonl(tmp_path / "b.jsonl")):
        with pytest.raises(StoreError, match=r"all\.jsonl cannot be read.*Run explain_many again"):
            look()


def test_a_full_disk_under_the_explanations_ends_the_run_in_words(tmp_path):
    file, store = tmp_path / "all.jsonl", Store()

    def fills_the_disk(texts):
        if not file.exists():
            file.symlink_to("/dev/full")
        return words(texts)

    with pytest.raises(StoreError, match=r"all\.jsonl: .*No space left"):
        explain_many(CallableModel(fills_the_disk, "w"), TEXTS, budget=40, store=store, output=file)
    assert len(store) > 40


def test_a_file_that_mixes_settings_says_so(tmp_path, caplog):
    file, model = tmp_path / "all.jsonl", CallableModel(words, "w")
    explain_many(model, TEXTS[:2], budget=40, store=None, output=file)
    assert ExplanationSet.from_jsonl(file).labels == [0, 1] and "several ways" not in caplog.text
    explain_many(model, TEXTS[:1], budget=60, store=None, output=file)
    assert ExplanationSet.from_jsonl(file).labels == [0, 1, 0]
    assert "1 items were explained in several ways, such as 0" in caplog.text


def test_ctrl_c_leaves_what_is_finished_and_the_next_run_asks_only_the_rest(tmp_path):
    class Stopping(Counting):
        def __call__(self, texts):
            if len(self.asked) > 60:
                raise KeyboardInterrupt
            return super().__call__(texts)

    import surrogates.many.explain_many as many

    store, first = Store(), Stopping()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many, "_WINDOW", 30)  # one item at a time
        part = explain_many(CallableModel(first, "w"), TEXTS, budget=30, store=store, output=tmp_path)
    assert part.interrupted and 0 < len(part) < 6
    second = Counting()
    whole = explain_many(CallableModel(second, "w"), TEXTS, budget=30, store=store, output=tmp_path)
    assert len(whole) == 6 and not set(first.asked) & set(second.asked)


def test_two_processes_say_what_one_says(tmp_path):
    one = explain_many(TREE, X.iloc[:4], background=X, budget=300, store=None)
    two = explain_many(TREE, X.iloc[:4], background=X, budget=300, store=None, n_jobs=2)
    for first, second in zip(one, two, strict=True):
        same(first, second)


def test_a_model_that_cannot_be_sent_is_one_error_and_no_items_fault():
    lock = threading.Lock()
    model = CallableModel(lambda Z: (lock.locked(), Z.sum(axis=1))[1], "locked")
    with pytest.raises(InputError, match="model must be picklable"):
        explain_many(model, [MaskProbe(3), MaskProbe(4)], n_jobs=2, store=None)


def test_what_was_paid_before_a_bad_item_was_found_is_counted():
    asked = []

    def fails(texts):
        asked.extend(texts)
        if any("horrid" in text for text in texts):
            raise RuntimeError("no")
        return [len(text) for text in texts]

    texts = [*TEXTS, "this one is horrid"]
    found = explain_many(CallableModel(fails, "fails"), texts, budget=30, store=None)
    answered = {text for text in asked if "horrid" not in text}
    assert len(found) == len(TEXTS) and len(found.failures) == 1
    whole = explain_many(CallableModel(lambda texts: [len(t) for t in texts], "good"), TEXTS, budget=30, store=None)
    assert whole.cost.rows <= found.cost.rows <= len(answered)


def test_one_file_of_two_models_says_so(tmp_path, caplog):
    options = {"background": X, "budget": 300, "store": None, "output": tmp_path}
    explain_many(TREE, X.iloc[:12], **options)
    explain_many(LinearRegression().fit(X, X["bmi"]), X.iloc[12:24], **options)
    both = ExplanationSet.from_jsonl(tmp_path)
    assert len(both.summary()) and "2 models" in caplog.text
    with pytest.raises(InputError, match="one model"):
        both.surrogate("tree")


def test_what_failed_first_and_was_explained_later_is_no_failure(tmp_path):
    found = explain_many(TREE, X.iloc[:2], background=X, budget=300, store=None)
    path = ExplanationSet(found.entries[:1], (Failure(1, found.labels[1], "ModelError: no"),)).to_jsonl(tmp_path)
    explain_many(TREE, X.iloc[:2], background=X, budget=300, store=None, output=tmp_path)
    again = ExplanationSet.from_jsonl(path)
    assert len(again) == 2 and not again.failures
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    again[:1].to_jsonl(link)
    assert link.is_symlink() and len(ExplanationSet.from_jsonl(path)) == 1


def test_a_file_written_again_keeps_failures_and_replaces_itself(tmp_path):
    found = explain_many(TREE, X.iloc[:2], background=X, budget=300, store=None)
    found = ExplanationSet(found.entries, (Failure(2, "third", "ModelError: no"),))
    path = found.to_jsonl(tmp_path / "a.jsonl")
    again = ExplanationSet.from_jsonl(path)
    assert again.failures == found.failures
    again.to_jsonl(path)
    assert [*tmp_path.iterdir()] == [path] and len(ExplanationSet.from_jsonl(path)) == len(found)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="for the superuser every folder can be written to")
def test_an_output_that_cannot_be_written_costs_nothing(tmp_path):
    asked = []
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="output"):
        explain_many(lambda Z: asked.append(1) or Z[:, 0], [MaskProbe(3)], store=None, output=tmp_path / "a.jsonl")
    assert not asked


def test_an_output_that_is_a_folder_in_disguise_costs_nothing(tmp_path):
    asked = []
    (tmp_path / "a.jsonl").symlink_to("/proc/none/a.jsonl")
    with pytest.raises(InputError, match="output"):
        explain_many(lambda Z: asked.append(1) or Z[:, 0], [MaskProbe(3)], store=None, output=tmp_path / "a.jsonl")
    assert not asked


class Parrot(Generator):
    """Answers every prompt with its last word; scores an answer by how many of its letters the prompt has."""

    def __init__(self):
        self.batches = []

    def identity(self):
        return Identity("parrot", True)

    def generate(self, prompt, max_new_tokens):
        if "silent" in prompt:
            return ""
        return prompt.split()[-1]

    def scoring(self, answer, prompt):
        def score(texts):
            self.batches.append(len(texts))
            return [sum(letter in text for letter in set(answer)) for text in texts]

        return CallableModel(score, f"parrot {answer}", unit="nats", outputs=("answer",))


def test_a_generator_answers_each_item_and_given_answers_are_asked_together():
    items = ["say it to the cat", "say nothing, silent one", "say it to the dog"]
    own = explain_many(Parrot(), items, budget=30, store=None)
    assert [explanation.answer for explanation in own] == ["cat", "dog"]
    assert own.failures[0].index == 1
    same(own[1], explain(Parrot(), items[2], budget=30, store=None))
    parrot = Parrot()
    given = explain_many(parrot, items, target="cat", budget=30, store=None)
    assert [explanation.answer for explanation in given] == ["cat"] * 3
    assert len(parrot.batches) == 2


def test_an_empty_run_is_an_empty_set(tmp_path):
    empty = explain_many(MODEL, [], store=None)
    assert len(empty) == 0 and empty.frame.empty and str(empty) == "0 explanations"
    assert "0 explanations" in empty.report(tmp_path / "r.html").read_text()


@pytest.fixture(scope="module")
def table():
    return explain_many(MODEL, X.iloc[:60], background=X, budget=160, store=None)


def test_the_summary_is_the_mean_size_with_an_interval_over_items(table):
    summary = table.summary().set_index("feature")
    effects = np.abs(table.frame.pivot(index="item", columns="feature", values="attribution"))
    np.testing.assert_allclose(summary["importance"], effects.mean()[summary.index])
    assert (summary["low"] < summary["importance"]).all() and (summary["importance"] < summary["high"]).all()
    normal = 1.96 * effects.std() / np.sqrt(len(effects))
    np.testing.assert_allclose((summary["high"] - summary["low"]) / 2, normal[summary.index], rtol=0.15)
    pd.testing.assert_frame_equal(table.summary(), table.summary())


def test_the_interval_of_the_mean_holds_the_truth_as_often_as_it_says():
    rng, hits = np.random.default_rng(0), 0
    for trial in range(200):
        effects = rng.exponential(size=40)
        frame = pd.DataFrame({"output": "y", "feature": "a", "attribution": effects})
        row = mean_effects(frame, trial).iloc[0]
        hits += row["low"] <= 1.0 <= row["high"]
    assert 0.88 <= hits / 200 <= 0.98


def made(rows):
    frame = pd.DataFrame(rows, columns=["item", "feature", "attribution"]).assign(output="y")
    return frame.assign(low=frame["attribution"] - 0.1, high=frame["attribution"] + 0.1)


def test_a_pick_covers_at_least_what_greedy_guarantees_and_leaves_out_what_adds_nothing():
    frame = made([("a", "f", 4.0), ("a", "g", 1.0), ("b", "f", 4.0), ("c", "h", 9.0), ("c", "g", 0.05)])
    chosen = picks(frame, 3)
    assert chosen["item"].tolist() == ["a", "c"]  # b adds nothing; g at c is not clear of zero
    assert chosen["covered"].iloc[-1] == pytest.approx(1.0)
    rng = np.random.default_rng(1)
    from itertools import combinations

    for _ in range(20):
        rows = [
            (i, f"f{j}", float(v))
            for i in range(7)
            for j, v in enumerate(rng.exponential(size=6))
            if rng.random() < 0.4
        ]
        frame = made(rows)
        weight = np.sqrt(frame.groupby("feature")["attribution"].sum())
        clear = frame[frame["low"] > 0]
        owned = {i: set(part["feature"]) for i, part in clear.groupby("item")}
        total = weight[sorted(set(clear["feature"]))].sum()
        best = max(weight[sorted(set().union(*pair))].sum() for pair in combinations(owned.values(), 2)) / total
        assert picks(frame, 2)["covered"].iloc[-1] >= (1 - 1 / np.e) * best - 1e-12
    with pytest.raises(InputError, match="k"):
        picks(frame, 0)


def test_a_pick_of_explanations_is_a_set_of_them(table):
    chosen = table.pick(2)
    assert len(chosen) <= 2 and set(chosen.labels) <= set(table.labels)
    assert chosen.labels == table.picks(2)["item"].tolist()


def test_the_global_surrogate_of_a_linear_model_is_that_model(table):
    found = table.surrogate("linear")
    assert found.fidelity.r2[0] > 0.98
    np.testing.assert_allclose(found.predict(X.iloc[100:200]), MODEL.predict(X.iloc[100:200]), atol=12)
    assert found.fidelity.permuted[0] < 0.2
    assert "over 60 rows" in str(found)
    assert set(table.surrogate("tree").terms["term"].str.extract(r"([a-z]\w*) [>≤]")[0]) <= set(X.columns)


def test_the_global_surrogate_knows_categories_and_missing_values():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"city": rng.choice(["Rome", "Bonn", "Oslo"], 80), "age": rng.normal(size=80)})
    frame.loc[frame.index % 7 == 0, "age"] = np.nan

    def score(rows):
        return (rows["city"] == "Rome") * 5.0 + rows["age"].fillna(10.0).to_numpy()

    found = explain_many(as_model(score, "score"), frame, background=frame, budget=40, store=None).surrogate("linear")
    weights = found.terms.set_index("term")["weight"]
    assert weights["city = Rome"] - weights.get("city = Bonn", 0.0) == pytest.approx(5, abs=0.3)
    assert weights["age missing"] == pytest.approx(10, abs=1.0)
    np.testing.assert_allclose(found.predict(frame), score(frame), atol=1.0)


def test_a_global_surrogate_needs_rows_of_a_table(table):
    texts = explain_many(CallableModel(words, "w"), TEXTS, budget=40, store=None)
    with pytest.raises(InputError, match="rows of a table"):
        texts.surrogate()
    with pytest.raises(InputError, match="at least 20"):
        table[:5].surrogate()
    with pytest.raises(InputError, match="output"):
        table.surrogate(output="nonsense")


def test_reports_and_plots_show_the_whole(table, tmp_path):
    page = table.report(tmp_path / "many.html", picked=2).read_text()
    assert "60 explanations" in page and "could not be drawn" not in page and "<script" not in page
    strongest = table.summary()["feature"].iloc[0]
    assert strongest in page and "Held-out R²: median" in page
    axes = table.plot(max_features=4)
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == strongest or len(axes.patches) == 4
    assert "60 explanations" in table._repr_html_() and strongest in str(table)
    hostile = explain_many(CallableModel(words, "w"), ["<script>alert(1)</script> is not good"], budget=20, store=None)
    assert "<script>" not in hostile.report(tmp_path / "h.html").read_text()
    assert os.stat(tmp_path / "many.html").st_size < 400_000


def test_from_jsonl_refuses_what_is_no_file_and_makes_none(tmp_path):
    for wrong in (tmp_path / "none.jsonl", tmp_path / "no" / "folder"):
        with pytest.raises(InputError, match="file of explanations"):
            ExplanationSet.from_jsonl(wrong)
    assert not list(tmp_path.iterdir())


def test_a_column_of_texts_is_labelled_by_its_index():
    column = pd.Series(TEXTS[:2], index=["first", "ü"])
    found = explain_many(CallableModel(words, "w"), column, budget=40, store=None)
    assert found.labels == ["first", "ü"]
    same(found[1], explain(CallableModel(words, "w"), TEXTS[1], budget=40, store=None))
    with pytest.raises(InputError, match="probes must be several"):
        explain_many(MODEL, X.iloc[0], store=None)


def test_probes_may_be_of_several_kinds():
    found = explain_many(
        CallableModel(lambda rows: [len(str(row)) for row in rows], "length"),
        [TextProbe("one two three"), "four five six seven"],
        store=None,
    )
    assert len(found) == 2


def test_a_file_of_several_runs_gives_all_of_them_with_the_labels_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 4)), columns=list("abcd"))
    model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(X, X["a"] * X["b"])
    path = tmp_path / "all.jsonl"
    options = {"background": X, "budget": 160, "store": None, "output": path}
    explain_many(model, X.iloc[:2], **options)
    explain_many(model, X.iloc[2:4], **options)
    assert ExplanationSet.from_jsonl(path).labels == [0, 1, 2, 3]
    named = X.iloc[[1, 0, 0]].set_axis(["x", "y", "z"])
    assert explain_many(model, named, **options).labels == ["x", "y", "z"]
    assert len(path.read_text().splitlines()) == 4


def test_sets_with_nothing_to_pick_or_to_learn_from():
    X = pd.DataFrame(np.tile([1.0, 2.0, 3.0, 4.0], (25, 1)), columns=list("abcd"))
    background = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 4)), columns=list("abcd"))
    model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(background, background["a"])
    assert len(explain_many(model, X.iloc[:0], background=background, budget=160, store=None).pick(3)) == 0
    alike = explain_many(model, X, background=background, budget=160, store=None)
    with pytest.raises(InputError, match="different rows"):
        alike.surrogate("tree")


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "thesis.txt"
    path.write_text("chapter one\n")
    with pytest.raises(InputError, match="be a file of explanations"):
        ExplanationSet.from_jsonl(path)
