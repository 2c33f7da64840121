"""Sentences in many scripts, paragraphs and lines."""

from __future__ import annotations

import numpy as np
import pytest

from probes import TextProbe
from probes.inputs.units.registry import cut_text


def cut(text, unit):
    return [text[a:b] for a, b in cut_text(text, unit).spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी है। अच्छा॥ ठीक", ["हिन्दी है।", "अच्छा॥", "ठीक"]),
        ("هل أنت هنا؟ نعم. حسنا", ["هل أنت هنا؟", "نعم.", "حسنا"]),
        ("یہ اچھا ہے۔ وہ نہیں", ["یہ اچھا ہے۔", "وہ نہیں"]),
        ("ខ្ញុំទៅ។ គាត់មក៕ ចប់", ["ខ្ញុំទៅ។", "គាត់មក៕", "ចប់"]),
        ("သူသွားသည်။ ငါလာသည်။", ["သူသွားသည်။", "ငါလာသည်။"]),
        ("いい。「はい。」本当！？そう", ["いい。", "「はい。」", "本当！？", "そう"]),
        ("What?! No... Wait… yes", ["What?!", "No...", "Wait…", "yes"]),
        ("He said “Go.” Then left.", ["He said “Go.”", "Then left."]),
        ("It costs 3.50. Dr. No paid.", ["It costs 3.50.", "Dr. No paid."]),
        ("Buy:\n- milk\n- bread", ["Buy:", "- milk", "- bread"]),
        ("1. Mix it.\n2. Bake it. Wait.\n10) Eat", ["1. Mix it.", "2. Bake it.", "Wait.", "10) Eat"]),
        ("• one\n• two", ["• one", "• two"]),
        ("He was born in\n1969. Then he left.", ["He was born in\n1969.", "Then he left."]),
        ("She has 12. He has 3.", ["She has 12.", "He has 3."]),
        ("ฉันชอบหนัง มันดี", ["ฉันชอบหนัง", "มันดี"]),
    ],
)
def test_sentences(text, expected):
    assert cut(text, "sentence") == expected


def test_sentences_of_thai_have_a_note():
    assert "no sign ends a sentence" in TextProbe("ฉันชอบหนัง มันดี", "sentence").notes[0]


def test_paragraphs_are_cut_at_empty_lines():
    assert cut("One\ntwo.\n \n\nThree.\n", "paragraph") == ["One\ntwo.", "Three."]


def test_lines_keep_what_they_begin_with():
    text = "def f():\n    a = 1\n\n    return a\n"
    probe = TextProbe(text, "line")
    assert probe.render(np.array([[1, 0, 1], [1, 1, 0]])) == ["def f():\n\n    return a\n", "def f():\n    a = 1\n"]
