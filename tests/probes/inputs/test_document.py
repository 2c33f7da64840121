"""DocumentProbe: a long input in parts of mixed size, split where a search wants to see more."""

from __future__ import annotations

import numpy as np
import pytest

from probes import ContextProbe, DocumentProbe, InputError, LocalGaussian, MaskProbe, TabularProbe, TextProbe

BOOK = "\n\n".join(
    f"# Chapter {c}\n\n" + "\n\n".join(" ".join(f"Line {c} {p} {s} is here." for s in range(4)) for p in range(3))
    for c in range(20)
)


def test_with_everything_there_the_text_comes_back_character_by_character():
    probe = DocumentProbe(BOOK)
    assert probe.render(probe.instance[None]) == [BOOK]


def test_a_part_is_absent_as_a_whole():
    probe = DocumentProbe("It rained. It poured.\n\nThe sun shone. Birds sang.", first=2)
    assert probe.render(np.array([[0, 1]])) == ["The sun shone. Birds sang."]


def test_a_text_is_split_at_headings_then_paragraphs_then_sentences_then_words():
    probe = DocumentProbe(BOOK, first=20, fan=20)
    section = probe.levels[0]
    paragraphs = probe.split([0])  # the first is the heading
    sentences = paragraphs.split([1])
    words = sentences.split([1])
    assert [section, paragraphs.levels[1], sentences.levels[1], words.levels[1]] == [
        "section", "paragraph", "sentence", "word",
    ]  # fmt: skip


def test_a_row_of_a_cut_is_the_same_input_on_every_finer_one():
    coarse = DocumentProbe(BOOK, first=8)
    finer = coarse.split([2, 5]).split([3])
    rows = np.random.default_rng(0).integers(0, 2, (6, len(coarse.features)))
    assert finer.render(coarse.onto(finer, rows)) == coarse.render(rows)


def test_parts_cover_every_unit_once_after_any_splits():
    probe, rng = DocumentProbe(BOOK), np.random.default_rng(1)
    for _ in range(12):
        probe = probe.split(rng.choice(len(probe.features), 2, replace=False).tolist())
        edges = [edge for run in probe.runs for edge in run]
        assert edges[0] == 0 and edges[-1] == len(probe.units.features) and edges[1:-1:2] == edges[2::2]


def test_no_part_is_split_into_more_than_the_fan():
    text = " ".join(f"Sentence {i} ends." for i in range(500))
    probe = DocumentProbe(text, first=4, fan=5)
    assert len(probe.split([0]).features) - len(probe.features) + 1 <= 5


def test_passages_of_a_prompt_join_across_documents_and_keep_their_text():
    context = ContextProbe([f"Passage {i}." for i in range(40)], "Which?", unit="document")
    probe = DocumentProbe(context, first=4)
    assert probe.render(probe.instance[None]) == context.render(context.instance[None])
    shown = "".join(b["glue"][0] + "".join(b["pieces"]) for b in probe.view()["blocks"])
    assert all(f"Passage {i}." in shown for i in range(40))


def test_a_cut_is_made_again_from_its_runs():
    probe = DocumentProbe(BOOK).split([3])
    assert DocumentProbe(BOOK, runs=probe.runs).digest == probe.digest


def test_two_cuts_have_two_digests():
    probe = DocumentProbe(BOOK)
    assert probe.digest != probe.split([0]).digest


@pytest.mark.parametrize("runs", [[(0, 3)], [(0, 2), (3, 240)], [(2, 3), (0, 2)], "ab", [(0, 1), (1, 1)]])
def test_runs_that_do_not_cover_the_document_are_refused(runs):
    with pytest.raises(InputError, match="runs must"):
        DocumentProbe(BOOK, runs=runs)


def test_a_part_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="numbers of features"):
        DocumentProbe(BOOK).split([999])


def test_features_that_are_no_parts_of_a_whole_are_refused():
    X = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(InputError, match="present or absent"):
        DocumentProbe(TabularProbe(X[0], X, law=LocalGaussian(0.5)))


def test_other_ways_to_remove_keep_the_cut():
    probe = DocumentProbe(TextProbe(BOOK)).split([1])
    (other,) = probe.variants().values()
    assert [f.name for f in other.features] == [f.name for f in probe.features]
    assert "…" in other.render(probe.reference[None])[0]


def test_units_of_what_is_no_text_are_grouped_by_number():
    assert DocumentProbe(MaskProbe(100), first=4).levels == ("25 features",) * 4
