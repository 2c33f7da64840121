"""explain_document(): sections, sentences, words; what is found, split and judged."""

from __future__ import annotations

import numpy as np
import pytest

from probes import CallableModel, ContextProbe, DocumentProbe, Identity, InputError, MaskProbe, Model, Store, TextProbe
from probes.asking.answers import Interrupted
from surrogates import Certified, Explanation, Width, check, explain_document
from tests.helpers.command import iomap

WORDS = np.array([f"{a}{b}" for a in ("har", "mel", "tor", "sil") for b in ("den", "wick", "ford", "ley", "by")])


def book(seed: int, chapters: int = 12) -> str:
    rng = np.random.default_rng(seed)
    return "\n\n".join(
        f"Chapter {c}\n\n"
        + "\n\n".join(" ".join(" ".join(rng.choice(WORDS, 8)).capitalize() + "." for _ in range(5)) for _ in range(4))
        for c in range(chapters)
    )


def planted(seed: int, *sentences: str) -> str:
    """A book in which sentences stand in place of others."""
    pieces = book(seed).split(". ")
    for sentence, place in zip(sentences, np.random.default_rng(seed).choice(len(pieces), len(sentences)), strict=True):
        pieces[place] = f"{pieces[place].split('.')[0]}. {sentence.rstrip('.')}"
    return ". ".join(pieces)


def holds(*texts: str):
    return lambda batch: [float(any(text in one for text in texts)) for one in batch]


def test_a_decisive_sentence_is_found_in_most_books():
    found = 0
    for seed in range(12):
        ex = explain_document(holds("lease ends"), planted(seed, "The lease ends now."), budget=100, store=None)
        found += list(ex.zoom.found["part"]) == ["The lease ends now."]
    assert found >= 11


def test_its_words_that_matter_are_found():
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), budget=120, store=None)
    assert set(ex.zoom.words["word"]) == {"lease", "ends"}


def test_both_places_of_a_fact_are_found_where_leaving_out_either_changes_nothing():
    text = planted(5, "The lease ends now.", "It is over.")
    ex = explain_document(holds("lease ends", "is over"), text, budget=150, store=None)
    assert set(ex.zoom.found["part"]) == {"The lease ends now.", "It is over."}


def test_two_facts_that_are_worth_nothing_alone_are_found_together():
    text = planted(8, "The lease ends now.", "It is over.")
    ex = explain_document(
        lambda b: [float("lease ends" in t and "is over" in t) for t in b], text, budget=150, store=None
    )
    assert set(ex.zoom.found["part"]) == {"The lease ends now.", "It is over."}
    assert set(ex.zoom.found["group"]) == {0}
    assert set(ex.zoom.found["how"]) == {"keeps the answer, together with 1 other"}


def test_of_several_outputs_each_change_is_of_the_first():
    ex = explain_document(lambda Z: Z[:, [7, 400]] * [1.0, 2.0], MaskProbe(500), budget=200, target="all", store=None)
    changes = dict(zip(ex.zoom.found["part"], ex.zoom.found["change"], strict=True))
    assert changes == pytest.approx({"x7": 1.0, "x400": 0.0})
    assert "without it 0 output of output 0" in " ".join(str(ex).split())


def test_of_several_outputs_each_share_is_said_to_be_of_all(tmp_path):
    ex = explain_document(lambda Z: Z[:, [7, 400]] * [1.0, 2.0], MaskProbe(500), budget=200, target="all", store=None)
    assert "80% of what the document does to all outputs" in " ".join(str(ex).split())
    assert "of what the document does to all outputs</th>" in ex.report(tmp_path / "page.html").read_text("utf-8")


def test_a_part_that_keeps_some_of_the_answer_is_not_said_to_keep_it():
    ex = explain_document(lambda Z: 3 * Z[:, 7] + 2 * Z[:, 400], MaskProbe(500), budget=200, store=None)
    assert ex.zoom.found["how"][0] == "keeps half of the answer or more alone"


def with_distractors(groups, worth, misleading):
    """A sum of facts, each told in several places; other places mislead as long as a fact lacks."""

    def score(Z):
        facts = np.array([Z[:, group].max(axis=1) for group in groups])
        return np.array(worth) @ facts - 0.015 * Z[:, misleading].sum(axis=1) * (facts.min(axis=0) == 0)

    return score


def test_two_facts_are_found_in_all_five_places_although_either_alone_falls_short_of_half():
    for seed in range(3):
        places = np.random.default_rng([seed, 9]).choice(200, 15, replace=False)
        score = with_distractors([places[:3], places[3:5]], [0.5, 0.5], places[5:])
        ex = explain_document(score, MaskProbe(200), budget=100, store=None)
        assert set(ex.zoom.found["start"]) == set(places[:5])


def test_five_facts_told_once_are_the_five_largest_effects():
    for seed in range(2):
        places = np.random.default_rng([seed, 9]).choice(200, 15, replace=False)
        score = with_distractors(places[:5, None], [0.25, 0.22, 0.2, 0.18, 0.15], places[5:])
        ex = explain_document(score, MaskProbe(200), budget=100, store=None)
        assert set(ex.attributions["feature"].head(5)) == {f"x{i}" for i in places[:5]}


def test_parts_that_add_up_but_are_told_again_are_found_in_every_place():
    score = with_distractors([[20, 150], [70, 190], [110, 10]], [0.34, 0.33, 0.33], [])
    ex = explain_document(score, MaskProbe(200), budget=140, store=None)
    assert set(ex.zoom.found["start"]) == {20, 150, 70, 190, 110, 10}


def test_effects_that_cancel_overall_are_found_by_their_weights():
    worth = np.zeros(300)
    worth[[40, 41, 200]] = 2.0, -1.0, -1.0
    ex = explain_document(lambda Z: Z @ worth, MaskProbe(300), budget=300, store=None)
    assert {"x40", "x41", "x200"} <= {f.name for f in ex.features}


def of_units(count: int, worth: dict[int, float]):
    """A sum of a few units, and a little that no sum has."""
    weights = np.zeros(count)
    weights[list(worth)] = list(worth.values())
    return lambda Z: Z @ weights + 0.02 * np.sin(Z @ np.arange(count))


def test_units_that_cancel_within_a_part_are_found_where_questions_are_left():
    ex = explain_document(of_units(1000, {40: 1.0, 41: -1.0, 700: 2.0}), MaskProbe(1000), budget=700, store=None)
    assert {"x40", "x41"} <= set(ex.attributions["feature"].head(ex.fidelity.clear[0]))


def test_parts_of_which_pieces_cancel_are_split_although_units_are_too_many_for_rows_of_all():
    ex = explain_document(of_units(3000, {2850: 1.0, 2990: -1.0, 30: 2.0}), MaskProbe(3000), budget=400, store=None)
    part = {unit: run for run in ex.zoom.runs for unit in (2850, 2990) if run[0] <= unit < run[1]}
    assert part[2850] != part[2990] and "a piece of it has a clear effect" in set(ex.zoom.splits["why"])


def test_what_was_looked_for_inside_of_parts_is_said():
    ex = explain_document(of_units(1000, {700: 2.0}), MaskProbe(1000), budget=700, store=None)
    assert ex.zoom.stopped.startswith("no part that could be split had a clear effect, nor had one of ")


def test_many_small_effects_that_add_up_are_left_to_rows_of_all_units():
    worth = np.linspace(0.5, 1.5, 60)
    ex = explain_document(lambda Z: Z @ worth, MaskProbe(60), budget=200, store=None)
    assert len(ex.features) == 60 and ex.fidelity.r2[0] > 0.9


def test_what_adds_to_the_first_set_comes_without_sentences_that_do_nothing():
    weights = {"alpha": 4.0, "beta": 3.0, "gamma": 2.0, "delta": -3.0}
    text = planted(2, *(f"The {word} is here." for word in weights))
    ex = explain_document(
        lambda b: [sum(w for word, w in weights.items() if word in t) for t in b], text, budget=400, store=None
    )
    assert "together" not in " ".join(ex.zoom.found["how"])


def test_judged_rows_are_drawn_after_the_last_split_and_are_no_rows_of_the_search():
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), budget=120, store=None)
    design = ex.answers.design
    searched = {row.tobytes() for row in design.Z[: design.fixed + design.block]}
    assert not searched & {row.tobytes() for row in design.judged}
    assert 20 <= ex.fidelity.rows == len(design.judged) <= 120 - ex.zoom.asked


def test_fidelity_of_an_unpredictable_model_is_not_flattered_by_the_search():
    def noise(Z):
        return [np.random.default_rng(np.packbits(row.astype(bool)).tolist()).standard_normal() for row in Z]

    ex = explain_document(noise, MaskProbe(120), budget=200, store=None)
    assert ex.fidelity.r2[0] < 0.2


def test_intervals_of_parts_that_were_not_split_hold_for_the_part_as_a_whole():
    worth = np.random.default_rng(0).normal(0, 0.1, 400)
    worth[7] = 5.0

    def rough(Z):  # what single rows are off by averages out over the cube
        off = [np.random.default_rng(np.packbits(row.astype(bool)).tolist()).standard_normal() for row in Z]
        return Z @ worth + 0.5 * np.array(off)

    inside = missed = 0
    for seed in range(6):
        ex = explain_document(rough, MaskProbe(400), budget=150, random_state=seed, store=None)
        effects = ex.attributions.set_index("feature")
        for feature, (start, stop) in zip(ex.features, ex.zoom.runs, strict=True):
            low, high = effects.loc[feature.name, ["low", "high"]]
            hit = low <= worth[start:stop].sum() <= high
            inside, missed = inside + hit, missed + (not hit)
    assert inside / (inside + missed) > 0.88


def test_the_budget_is_kept():
    asked: list[str] = []

    def score(texts):
        asked.extend(texts)
        return holds("lease ends")(texts)

    model = CallableModel(score, "counted")
    model.compared = False
    ex = explain_document(model, planted(1, "The lease ends now."), budget=80, store=None)
    assert ex.provenance["cost"]["rows"] <= 80 and len(set(asked)) <= 80


def test_the_same_seed_asks_nothing_twice():
    store, model, text = Store(), CallableModel(holds("lease ends"), "known"), planted(1, "The lease ends now.")
    first, second = (explain_document(model, text, budget=80, store=store) for _ in range(2))
    assert second.provenance["cost"]["rows"] == 0
    assert second.answers.design.digest == first.answers.design.digest


def test_an_interrupted_search_keeps_what_was_paid_for():
    store, text, calls = Store(), planted(1, "The lease ends now."), []

    def score(texts):
        calls.extend(texts)
        if len(calls) == 12:
            raise KeyboardInterrupt
        return holds("lease ends")(texts)

    with pytest.raises(Interrupted):
        explain_document(CallableModel(score, "stopped"), text, budget=80, store=store)
    before = len(calls)
    ex = explain_document(CallableModel(score, "stopped"), text, budget=80, store=store)
    assert list(ex.zoom.found["part"]) == ["The lease ends now."]
    assert ex.answers.cost.reused >= before - 8


def test_a_document_of_few_units_is_asked_in_full():
    ex = explain_document(lambda texts: [float("bad" in t) for t in texts], "not bad at all", store=None)
    assert ex.zoom is None and ex.fidelity.exact


def test_passages_of_a_prompt_are_units():
    passages = [f"Shelf {i} holds maps." for i in range(80)]
    passages[33] = "The fair opens in May."
    probe = ContextProbe(passages, "When is the fair?", unit="document")
    ex = explain_document(lambda prompts: [float("in May" in str(p)) for p in prompts], probe, budget=80, store=None)
    assert list(ex.zoom.found["part"]) == ["The fair opens in May."]


def test_it_is_saved_and_read():
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), budget=100, store=None)
    back = Explanation.from_json(ex.to_json())
    assert back.zoom.runs == ex.zoom.runs and str(back) == str(ex)
    assert list(back.zoom.found["part"]) == ["The lease ends now."]


def test_a_page_says_what_was_found_and_folds_what_is_long():
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), budget=100, store=None)
    page = ex.report("document.html").read_text(encoding="utf-8")
    assert "How the document was taken apart" in page and '<details class="long">' in page
    assert "could not be drawn" not in page


def test_a_page_counts_questions_about_pieces_that_are_no_parts_in_the_end():
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), budget=300, store=None)
    page = ex.report("document.html").read_text(encoding="utf-8")
    assert f"{ex.zoom.asked + ex.fidelity.rows} variations were asked" in page


def test_text_says_what_was_found():
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), budget=100, store=None)
    assert "Found: “The lease ends now.” keeps the answer alone" in " ".join(str(ex).split())


def test_text_says_how_many_parts_were_left_whole():
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), budget=100, store=None)
    left = sum(stop - start > 1 for start, stop in ex.zoom.runs) - len(ex.zoom.found)
    said = f"Left whole: {left} of {len(ex.features)} parts; effects inside one may cancel"
    assert said in " ".join(str(ex).split())


def test_a_constant_model_is_said_to_be_constant():
    ex = explain_document(lambda texts: [1.0] * len(texts), book(0), budget=80, store=None)
    assert ex.zoom.found.empty and "never changed" in " ".join(ex.warnings)


def test_of_a_constant_model_no_part_is_said_to_add_anything():
    ex = explain_document(lambda texts: [1.0] * len(texts), book(0), budget=80, store=None)
    assert "singled out: see the effects of the parts Left whole" in " ".join(str(ex).split())


def test_questions_that_a_model_leaves_unanswered_are_left_out():
    text = planted(3, "The lease ends now.")

    class Refusing(Model):
        outputs, fallible = ("score",), True

        def identity(self):
            return Identity("refusing", True)

        def __call__(self, texts):
            refused = [len(t) % 7 == 3 and t not in ("", text) for t in texts]
            return np.where(refused, np.nan, holds("lease ends")(texts))[:, None]

    ex = explain_document(Refusing(), text, budget=120, store=None)
    assert np.isfinite(ex.y).all() and any("were not answered" in w for w in ex.warnings)


def test_a_part_without_which_a_model_does_not_answer_is_found_all_the_same():
    text = planted(8, "The lease ends now.", "It is over.")

    class Both(Model):
        outputs, fallible = ("score",), True

        def identity(self):
            return Identity("both", True)

        def __call__(self, texts):
            held = [("lease ends" in t, "is over" in t) for t in texts]
            one = [a != b and len(t) < 60 for (a, b), t in zip(held, texts, strict=True)]
            return np.where(one, np.nan, [float(a and b) for a, b in held])[:, None]

    ex = explain_document(Both(), text, budget=150, store=None)
    assert set(ex.zoom.found["part"]) == {"The lease ends now.", "It is over."}
    assert "together with 1 other; without it not answered" in " ".join(str(ex).split())
    assert str(Explanation.from_json(ex.to_json())) == str(ex)


def test_several_outputs_are_searched_together():
    text = planted(5, "The lease ends now.", "It is over.")
    ex = explain_document(
        lambda b: [[float("lease ends" in t), float("is over" in t)] for t in b],
        text,
        budget=150,
        target="all",
        store=None,
    )
    assert set(ex.zoom.found["part"]) == {"The lease ends now.", "It is over."}


@pytest.mark.parametrize(("budget", "rule"), [(10, "budget must"), (0, "budget must"), ("many", "budget must")])
def test_a_budget_that_is_too_small_is_refused_before_anything_is_asked(budget, rule):
    def never(texts):
        raise AssertionError

    with pytest.raises(InputError, match=rule):
        explain_document(never, book(0), budget=budget, store=None)


def test_a_probe_of_a_document_begins_with_its_own_cut():
    probe = DocumentProbe(TextProbe(planted(3, "The lease ends now.")), first=4)
    ex = explain_document(holds("lease ends"), probe, budget=100, store=None)
    assert ex.zoom.splits["asked"].iloc[0] <= 8


def test_the_command_line_takes_a_file_apart(tmp_path, monkeypatch):
    (tmp_path / "book.txt").write_text(planted(3, "The lease ends now."), encoding="utf-8")
    (tmp_path / "leases.py").write_text("def score(texts):\n    return [float('lease ends' in t) for t in texts]\n")
    monkeypatch.chdir(tmp_path)
    done = iomap(
        "explain", "text", "@book.txt", "-m", "leases:score", "--coarse-to-fine", "--budget", "100", "--store", "none"
    )
    assert done.returncode == 0, done.stderr
    assert "Found: “The lease ends now.”" in done.stdout


def test_the_command_line_refuses_what_does_not_go_with_it():
    done = iomap("explain", "text", "some words here", "-m", "json:loads", "--coarse-to-fine", "--design", "sobol")
    assert done.returncode != 0 and "--coarse-to-fine must come without" in done.stderr
    assert "got '--design'" in done.stderr


def test_a_check_asks_about_the_parts_that_were_reached():
    model, text = CallableModel(holds("lease ends"), "leases"), planted(3, "The lease ends now.")
    ex = explain_document(model, text, budget=120, store=None)
    assert check(ex, model, text, ("fresh",), store=None).checks[0].passed


def test_another_document_is_not_checked():
    model = CallableModel(holds("lease ends"), "leases")
    ex = explain_document(model, planted(3, "The lease ends now."), budget=120, store=None)
    with pytest.raises(InputError, match="document must have the 1,940 units"):
        check(ex, model, "The lease ends now, says she", ("fresh",), store=None)


def test_what_moves_another_output_stands_in_for_nothing():
    text = planted(5, "The lease ends now.", "It is over.", "He has gone.")

    def two_outputs(batch):
        return [("lease ends" in t, 0.5 * ("is over" in t) + 0.5 * ("has gone" in t)) for t in batch]

    ex = explain_document(two_outputs, text, budget=300, target="all", store=None)
    assert "The lease ends now." in set(ex.zoom.found["part"])
    assert not ex.zoom.found["how"].str.contains("in place of “The lease").any()


def test_of_several_outputs_what_moves_the_same_ones_stands_in():
    text = planted(5, "The lease ends now.", "It is over.")
    ex = explain_document(
        lambda b: [(float("lease ends" in t or "is over" in t), 0.0) for t in b],
        text,
        budget=300,
        target="all",
        store=None,
    )
    assert ex.zoom.found["how"].str.contains("in place of").sum() == 1


def test_judging_stops_when_attributions_are_known():
    made = {"budget": 400, "store": None}
    full = explain_document(holds("lease ends"), planted(3, "The lease ends now."), **made)
    ex = explain_document(holds("lease ends"), planted(3, "The lease ends now."), until=Width(0.5), **made)
    assert len(ex.answers.design) < len(full.answers.design) and "are known to ±0.5" in ex.provenance["stopped"]
    assert ex.zoom.asked == full.zoom.asked


@pytest.mark.parametrize("until", [Certified(), 0.1], ids=["certified", "number"])
def test_a_rule_that_suits_no_search_is_refused_before_anything_is_asked(until):
    asked = []
    with pytest.raises(InputError, match="until must be Width"):
        explain_document(asked.append, planted(3, "The lease ends now."), until=until, store=None)
    assert not asked
