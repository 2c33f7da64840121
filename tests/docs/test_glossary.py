"""The words that pages explain are those of GLOSSARY.md."""

from __future__ import annotations

import re

import pytest

from surrogates.report.words import WORDS
from tests.helpers.checkout import ROOT


@pytest.mark.parametrize("word", WORDS)
def test_a_page_explains_a_word_as_the_glossary_does(word):
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|", (ROOT / "GLOSSARY.md").read_text("utf-8"), re.MULTILINE))
    assert rows.get(word) == WORDS[word], f"write in GLOSSARY.md: | {word} | {WORDS[word]} |"
