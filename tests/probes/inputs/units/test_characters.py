"""Characters: what readers take for one stays together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import TextProbe
from probes.inputs.units.characters import characters, clusters

#: one character each, to a reader
ONE = {
    "combining accent": "e\u0301",
    "two marks": "a\u0323\u0307",
    "family": "👨\u200d👩\u200d👧",
    "skin tone": "👍🏽",
    "flag": "🇫🇷",
    "keycap": "1\ufe0f\u20e3",
    "heart": "❤\ufe0f",
    "Hangul letters": "\u1112\u1161\u11ab",
    "Hangul syllable": "한",
    "Devanagari conjunct": "क्ष",
    "Thai vowel above": "ที่",
    "Tamil": "நி",
    "line end": "\r\n",
    "Khmer conjunct": "ខ្មែ",
}


LETTERS = list("ae \u0301\u200d🙂👩🏽🇫🇩\u1112\u1161\u11ab한กำ\r\n")
PARTS = st.sampled_from([*ONE.values(), *LETTERS])


@pytest.mark.parametrize("name", ONE)
def test_what_readers_take_for_one_is_one(name):
    assert clusters(ONE[name]) == [(0, len(ONE[name]))]


@pytest.mark.parametrize(
    ("text", "count"), [("🇫🇷🇩🇪", 2), ("ab", 2), ("각하", 2), ("\n\r", 2), ("e\u0301e", 2), ("\u200da", 2)]
)
def test_neighbours_stay_apart(text, count):
    assert len(clusters(text)) == count


@settings(max_examples=300, deadline=None)
@given(text=st.lists(PARTS, max_size=12).map("".join))
def test_clusters_are_those_of_the_regex_package(text):
    regex = pytest.importorskip("regex")
    assert clusters(text) == [m.span() for m in regex.finditer(r"\X", text)]


def test_white_space_is_no_feature():
    assert characters(" a\u00a0b\n") == [(1, 2), (3, 4)]


def test_a_removed_character_leaves_the_words_apart():
    probe = TextProbe("ab cd", "character")
    Z = np.array([[1, 0, 1, 1], [1, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]])
    assert probe.render(Z) == ["a cd", "ab d", "a d", "cd", "ab"]


def test_many_flags_are_pairs():
    assert clusters("🇫" * 2001) == [*((i, i + 2) for i in range(0, 2000, 2)), (2000, 2001)]
