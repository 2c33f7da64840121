"""Words: with their punctuation, without it, and in scripts that put no space between them."""

from __future__ import annotations

import pytest

from probes import TextProbe
from probes.inputs.units.words import bare_words, cut_words


def bare(text):
    return [text[a:b] for a, b in bare_words(text).spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not bad, at all!", ["Not", "bad", "at", "all"]),
        ("Don't pay 3.50 or 1,000 (yet)", ["Don't", "pay", "3.50", "or", "1,000", "yet"]),
        ("state-of-the-art", ["state", "of", "the", "art"]),
        ("l’homme, U.S. snake_case", ["l’homme", "U.S", "snake_case"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("אבגד, מילה", ["אבגד", "מילה"]),
        ("great 👍🏽!!!", ["great", "👍🏽"]),
        ("日本 ok", ["日", "本", "ok"]),
        ("“quoted” — end…", ["quoted", "end"]),
        ("e\u0301te\u0301.", ["e\u0301te\u0301"]),
        ("!?…", []),
    ],
)
def test_bare_words_leave_punctuation_out(text, expected):
    assert bare(text) == expected


#: three words or more each, of scripts without spaces between words
UNSPACED = {
    "Thai": "ฉันไม่ชอบหนัง",
    "Lao": "ຂ້ອຍຮັກພາສາລາວ",
    "Khmer": "ខ្ញុំស្រឡាញ់ភាសាខ្មែរ",
    "Burmese": "ငါမြန်မာစာကိုချစ်တယ်",
    "Tibetan": "བོད་སྐད་ཡག་པོ་འདུག",
    "Japanese": "映画は面白くない",
    "Chinese": "今天天气不好",
}


@pytest.mark.parametrize("script", UNSPACED)
@pytest.mark.parametrize("unit", ["word", "bare word"])
def test_scripts_without_spaces_are_no_single_feature(script, unit):
    assert len(TextProbe(UNSPACED[script], unit).features) >= 3


@pytest.mark.parametrize("script", UNSPACED)
def test_what_stands_for_words_is_said(script):
    (note,) = TextProbe(UNSPACED[script]).notes
    assert script in note and "segmenter" in note


def test_english_has_no_note():
    assert TextProbe("not bad at all").notes == ()


def test_scripts_may_be_mixed_in_a_word():
    text = "iPhoneรุ่นใหม่"
    assert [text[a:b] for a, b in cut_words(text).spans][:2] == ["iPhone", "รุ่"]
