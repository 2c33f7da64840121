"""Many inputs: each is what explain says of it, whatever is asked and fitted together."""

import threading

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel

from probes import (
    Background,
    CallableModel,
    Generator,
    Identity,
    InputError,
    MaskProbe,
    Store,
    TabularProbe,
    TextProbe,
    as_model,
)
from surrogates import Auto, ExplanationSet, SparseLinear, explain, explain_many
from surrogates.judging import cross_fit
from surrogates.many import explain_many as module
from tests.helpers.cheap_families import cheap
from tests.helpers.fitted_models import MODEL, TEXTS, TREE, Counting, X, same, words


@pytest.mark.parametrize("family", ["linear", "tree"])
def test_each_is_what_explain_says_of_it(family):
    result = explain_many(TREE, X.iloc[:2], cheap(family), background=X, budget=220, store=None)
    assert result.labels == [0, 1]
    for i, explanation in enumerate(result):
        same(explanation, explain(TREE, TabularProbe(X.iloc[[i]], X), cheap(family), budget=220, store=None))


def test_one_item_costs_what_it_costs_alone():
    several = explain_many(TREE, X.iloc[:1], background=X, budget=300, store=None)
    alone = explain(TREE, TabularProbe(X.iloc[[0]], X), budget=300, store=None)
    assert several.cost.rows == alone.answers.cost.rows


def test_items_are_fitted_together_and_fail_alone(monkeypatch):
    from surrogates.many import window as many

    highest = [ex.y.max() for ex in explain_many(TREE, X.iloc[:6], background=X, budget=160, store=None)]
    limit = float(np.mean(highest))
    together = []
    studied = many.studied
    monkeypatch.setattr(many, "studied", lambda materials: together.append(len(materials)) or studied(materials))

    class Fragile(SparseLinear):
        """A family that cannot fit high answers."""

        separate = True

        def fit(self, Z, y, sample_weight=None):
            if np.max(y) > limit:
                raise ValueError("too much")
            return super().fit(Z, y, sample_weight)

    result = explain_many(TREE, X.iloc[:6], Fragile(), background=X, budget=160, store=None)
    bad = [i for i, value in enumerate(highest) if value > limit]
    assert 0 < len(bad) < 6
    assert [failure.index for failure in result.failures] == bad
    assert all(failure.error == "ValueError: too much" for failure in result.failures)
    assert result.labels == [i for i in range(6) if i not in bad]
    assert together == [6] + [1] * 6
    two = Auto(("linear", cheap("tree")))
    both = explain_many(TREE, X.iloc[:2], two, background=X, budget=220, store=None)
    for i, explanation in enumerate(both):
        alone = explain(TREE, TabularProbe(X.iloc[[i]], X), two, budget=220, store=None)
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
    result = explain_many(TREE, X.iloc[:3], Cautious(), background=X, budget=160, store=None)
    assert not result.failures
    for i, explanation in enumerate(result):
        same(explanation, explain(TREE, TabularProbe(X.iloc[[i]], X), Cautious(), budget=160, store=None))


@pytest.mark.parametrize("law", [Background(3), None])
def test_a_probe_moved_to_another_row_is_the_probe_of_that_row(law):
    first, second = TabularProbe(X.iloc[[0]], X, law=law), TabularProbe(X.iloc[[5]], X, law=law)
    assert first.at(X.iloc[5]).digest == second.digest != first.digest
    Z = np.random.default_rng(0).integers(0, 2, (7, 10))
    pd.testing.assert_frame_equal(first.at(X.iloc[5]).render(Z), second.render(Z))


def test_questions_of_many_are_one_stream_and_none_is_asked_twice():
    model = Counting()
    result = explain_many(CallableModel(model, "w"), [*TEXTS, TEXTS[0]], budget=40, store=None)
    assert len(result) == 7 and not result.failures
    assert len(set(model.asked)) == result.cost.rows == len(model.asked) - result.cost.checks
    assert model.calls == result.cost.calls <= 5 + 2  # first contact, then all the others
    same(result[0], result[6])
    assert result[6].answers.cost.rows == 0


def test_a_bad_item_is_reported_and_the_others_go_on():
    store, model = Store(), Counting()
    items = [TEXTS[0], 3.5, "poison here is not good", "x", TEXTS[1]]
    result = explain_many(CallableModel(model, "w"), items, budget=40, store=store)
    assert [failure.index for failure in result.failures] == [1, 2, 3]
    assert result.labels == [0, 4]
    kinds = [failure.error.split(":")[0] for failure in result.failures]
    assert kinds == ["InputError", "ModelError", "InputError"]
    assert "cannot read poison" in result.failures[1].error
    same(result[1], explain(CallableModel(words, "w"), TEXTS[1], budget=40, store=None))


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
    result = explain_many(MODEL, rows, background=X, budget=160, store=None)
    assert result.labels == [0, 1, 2] and "row label 'a' repeats" in caplog.text
    mixed = explain_many(MODEL, X.iloc[:2].set_axis([1, True]), background=X, budget=160, store=None)
    assert mixed.labels == [0, 1] and len(mixed.pick(2)) <= 2
    caplog.clear()
    named = explain_many(MODEL, X.iloc[:3].set_axis(["ä", "☃ 雪", 7]), background=X, budget=160, store=None)
    assert named.labels == ["ä", "☃ 雪", 7] and "repeats" not in caplog.text


def test_ctrl_c_leaves_what_is_finished_and_the_next_run_asks_only_the_rest(tmp_path):
    class Stopping(Counting):
        def __call__(self, texts):
            if len(self.asked) > 60:
                raise KeyboardInterrupt
            return super().__call__(texts)

    import surrogates.many.settings as many

    store, first = Store(), Stopping()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many, "WINDOW", 30)  # one item at a time
        part = explain_many(CallableModel(first, "w"), TEXTS, budget=30, store=store, output=tmp_path)
    assert part.interrupted and 0 < len(part) < 6
    second = Counting()
    complete = explain_many(CallableModel(second, "w"), TEXTS, budget=30, store=store, output=tmp_path)
    # of what was answered before, two questions at most are asked again: whether the model repeats itself
    assert len(complete) == 6 and len(set(first.asked) & set(second.asked)) <= 2


@pytest.mark.parametrize(
    ("name", "lasts", "said"),
    [
        ("w", True, "answers so far are in the store"),
        ("w", False, "answers so far were kept in memory only"),
        (None, True, "answers so far were kept for this run only: the model has no name"),
    ],
)
def test_ctrl_c_says_where_answers_are(name, lasts, said, tmp_path, caplog):
    class Stopping(Counting):
        def __call__(self, texts):
            if self.asked:
                raise KeyboardInterrupt
            return super().__call__(texts)

    kept = Store(tmp_path / "answers.sqlite") if lasts else None
    assert explain_many(as_model(Stopping(), name=name), TEXTS, budget=30, store=kept).interrupted
    assert f"interrupted; {said}" in caplog.text


def test_two_processes_say_what_one_says(monkeypatch):
    monkeypatch.setattr(module, "STARTING", 0.0)
    monkeypatch.setattr(cross_fit, "FOLDS", 10)  # as in a process
    monkeypatch.setattr(cross_fit, "CONTROL_FOLDS", 5)
    one = explain_many(TREE, X.iloc[:4], background=X, budget=300, store=None)
    two = explain_many(TREE, X.iloc[:4], background=X, budget=300, store=None, n_jobs=2)
    for first, second in zip(one, two, strict=True):
        same(first, second)


def test_a_model_that_cannot_be_sent_is_one_error_and_no_items_fault():
    lock = threading.Lock()
    model = CallableModel(lambda Z: (lock.locked(), Z.sum(axis=1))[1], "locked")
    with pytest.raises(InputError, match="model must be picklable"):
        explain_many(model, [MaskProbe(3), MaskProbe(4)], n_jobs=2, store=None)


def test_two_workers_that_have_little_to_do_are_never_started(monkeypatch):
    started = []
    monkeypatch.setattr(Parallel, "__enter__", lambda self: started.append(self))
    explanations = explain_many(lambda Z: Z[:, 0] + 0.0, [MaskProbe(4), MaskProbe(5)], n_jobs=2, store=None)
    assert len(explanations) == 2
    assert not started


def test_what_was_paid_before_a_bad_item_was_found_is_counted():
    asked = []

    def fails(texts):
        asked.extend(texts)
        if any("horrid" in text for text in texts):
            raise RuntimeError("no")
        return [len(text) for text in texts]

    texts = [*TEXTS, "this one is horrid"]
    result = explain_many(CallableModel(fails, "fails"), texts, budget=30, store=None)
    answered = {text for text in asked if "horrid" not in text}
    assert len(result) == len(TEXTS) and len(result.failures) == 1
    complete = explain_many(CallableModel(lambda texts: [len(t) for t in texts], "good"), TEXTS, budget=30, store=None)
    assert complete.cost.rows <= result.cost.rows <= len(answered)


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
    generated = explain_many(Parrot(), items, budget=30, store=None)
    assert [explanation.answer for explanation in generated] == ["cat", "dog"]
    assert generated.failures[0].index == 1
    same(generated[1], explain(Parrot(), items[2], budget=30, store=None))
    parrot = Parrot()
    given = explain_many(parrot, items, answer="cat", budget=30, store=None)
    assert [explanation.answer for explanation in given] == ["cat"] * 3
    assert parrot.batches[:5] == [1, 1, 1, 1, 4] and len(parrot.batches) == 6


def test_an_empty_run_is_an_empty_set(tmp_path):
    empty = explain_many(MODEL, [], store=None)
    assert len(empty) == 0 and empty.frame.empty and str(empty) == "0 explanations"
    assert "0 explanations" in empty.report(tmp_path / "r.html").read_text()


def test_a_column_of_texts_is_labelled_by_its_index():
    column = pd.Series(TEXTS[:2], index=["first", "ü"])
    result = explain_many(CallableModel(words, "w"), column, budget=40, store=None)
    assert result.labels == ["first", "ü"]
    same(result[1], explain(CallableModel(words, "w"), TEXTS[1], budget=40, store=None))
    with pytest.raises(InputError, match="probes must be several"):
        explain_many(MODEL, X.iloc[0], store=None)


def test_probes_may_be_of_several_kinds():
    result = explain_many(
        CallableModel(lambda rows: [len(str(row)) for row in rows], "length"),
        [TextProbe("one two three"), "four five six seven"],
        store=None,
    )
    assert len(result) == 2
