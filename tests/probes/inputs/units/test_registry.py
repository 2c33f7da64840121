"""Units by name, pattern, function and occurrence: what is cut is put together again; what cannot be is refused."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes import ContextProbe, InputError, Occurrences, TextProbe
from probes.inputs.text_segments import Segments
from probes.inputs.units.registry import UNITS, cut_text
from probes.inputs.units.segmenters import SEGMENTERS

NAMED = [name for name in UNITS if name not in SEGMENTERS]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PARTS = st.sampled_from(["a", "No.", "3.5", "你", "。", "ไม่", "ខ្មែ", "👩", " ", "\n", "\n\n", "\t", "\r\n", "# ", "- ",
                         "| a |", "|---|", "```", "> ", "<p>", "</p>", "&amp;", "\u0301", "\u200d", "\ud800", "\x00",
                         "\u2028"])  # fmt: skip
ANY = st.one_of(st.text(max_size=40), st.lists(PARTS, max_size=20).map("".join)).filter(str.strip)


@pytest.mark.parametrize("unit", NAMED)
@QUICK
@given(text=ANY)
def test_pieces_and_glue_rebuild_any_text(unit, text):
    cut = cut_text(text, unit)
    segments = Segments.of(text, cut.spans, cut.even)
    assert segments.render(np.ones(len(cut.spans), dtype=bool), None) == text
    assert segments.render(np.ones(len(cut.spans), dtype=bool), "[MASK]") == text


@pytest.mark.parametrize("unit", NAMED)
@QUICK
@given(text=ANY, seed=st.integers(0, 99))
def test_what_is_left_are_the_pieces_that_stay_and_the_glue(unit, text, seed):
    cut = cut_text(text, unit)
    assert all(a < b for a, b in cut.spans) and all(a[1] <= b[0] for a, b in pairwise(cut.spans))
    segments = Segments.of(text, cut.spans, cut.even)
    here = np.random.default_rng(seed).integers(0, 2, len(cut.spans)).astype(bool)
    kept = "".join(
        glue + (piece if yes else "")
        for glue, piece, yes in zip(segments.glue, (*segments.pieces, ""), (*here, True), strict=True)
    )
    assert "".join(segments.render(here, None).split()) == "".join(kept.split())


def test_occurrences_go_by_name_too():
    text = "Bad, bad film"
    assert TextProbe(text, "occurrences").digest == TextProbe(text, Occurrences()).digest


def test_every_match_of_a_pattern_is_a_feature():
    probe = TextProbe("call 555 or 777 now", re.compile(r"\d+"))
    assert [f.name for f in probe.features] == ["555", "777"]
    assert probe.render(np.array([[0, 1]])) == ["call or 777 now"]


def test_a_function_returns_spans_or_parts():
    text = "one,two"
    parts, spans = TextProbe(text, lambda t: t.split(",")), TextProbe(text, lambda _: [(0, 3), (4, 7)])
    assert [f.name for f in parts.features] == [f.name for f in spans.features] == ["one", "two"]


@pytest.mark.parametrize(
    ("unit", "rule"),
    [
        (lambda _: [(0, 3), (2, 5)], "not overlap"),
        (lambda _: [(0, 3), (4, 99)], "lie within the text of 7 characters"),
        (lambda _: ["two", "one"], "in their order"),
        (lambda _: ["One", "two"], "parts of the text as they are"),
        (lambda _: "one", "return a list"),
        (lambda _: None, "return a list"),
        (lambda _: [1, 2], "pairs of integers"),
        (lambda t: t.nothing, "cut the text (AttributeError"),
        (re.compile(rb"o"), "not of bytes"),
        ("wrod", "be one of character, word"),
        (str, "be one of character, word"),
        (5, "be one of character, word"),
    ],
)
def test_a_unit_that_cannot_cut_is_refused(unit, rule):
    with pytest.raises(InputError, match=re.escape(rule)) as caught:
        TextProbe("one,two", unit)
    assert caught.value.parameter == "unit"


def test_a_pattern_that_matches_once_leaves_too_few_features():
    with pytest.raises(InputError, match="at least two features to compare; it has 1"):
        TextProbe("call 555", re.compile(r"\d+"))


# --- all occurrences as one feature


def test_all_occurrences_come_and_go_together():
    probe = TextProbe("Bad, bad film. It was bad!", Occurrences())
    assert [f.name for f in probe.features] == ["Bad", "film", "It", "was"]
    assert probe.render(np.array([[0, 1, 1, 1], [1, 0, 1, 1]])) == [", film. It was !", "Bad, bad . It was bad!"]


def test_capitals_may_tell_occurrences_apart():
    assert len(TextProbe("Bad, bad film, bad", Occurrences(fold=False)).features) == 3


def test_letters_with_marks_are_the_same_however_they_are_written():
    assert len(TextProbe("e\u0301t\u00e9 \u00e9te\u0301 hiver", Occurrences()).features) == 2


def test_attributions_are_shared_by_occurrences_and_their_sum_is_kept():
    probe = TextProbe("bad, bad film", Occurrences())
    np.testing.assert_allclose(probe.scatter([[3.0, 1.0], [-1.0, 0.0]]), [[1.5, 1.5, 1.0], [-0.5, -0.5, 0.0]])


def test_occurrences_in_several_documents_are_one_feature():
    probe = ContextProbe(["Rain fell.", "The rain stopped."], "When?", unit=Occurrences())
    assert [f.name for f in probe.features] == ["Rain", "fell", "The", "stopped"]
    assert probe.render(np.array([[0, 1, 1, 1]]))[0][0][1] == "Context: fell.\n\nThe stopped.\n\nQuestion: When?"
    assert [block["features"] for block in probe.view()["blocks"][1:]] == [[2, 0, 3]]


def test_occurrences_of_what_a_pattern_matches():
    probe = TextProbe("Ann met Bob. Ann left Eve.", Occurrences(re.compile("Ann|Bob|Eve")))
    assert [f.name for f in probe.features] == ["Ann", "Bob", "Eve"]


def test_occurrences_of_occurrences_are_refused():
    with pytest.raises(InputError, match="unit must be what occurs"):
        Occurrences(Occurrences())


def test_a_document_without_a_piece_stays():
    probe = ContextProbe(["Call 555 or 777.", "No number."], "Which?", unit=re.compile(r"\d+"))
    assert "No number." in probe.render(np.zeros((1, 2)))[0][0][1]


@pytest.mark.parametrize("unit", NAMED)
def test_prompts_and_explanations_take_the_same_units(unit):
    from probes.inputs.adapt import as_probe

    text = "# One\n<p>First here.</p>\n\n# Two\n<p>Second there.</p>\n"
    context = ContextProbe(text, "Which?", unit=unit)
    assert len(context.features) == len(as_probe({"text": text, "unit": unit}).features)
