"""Segmenters that are installed: words of Thai, Lao, Chinese and Japanese."""

from __future__ import annotations

import numpy as np
import pytest

from probes import MissingExtra, TextProbe
from probes.inputs.units.segmenters import SEGMENTERS

WORDS = {
    "pythainlp": ("ฉันรักภาษาไทย ไม่ดีเลย", "รัก"),
    "laonlp": ("ຂ້ອຍຮັກພາສາລາວ", "ຮັກ"),
    "jieba": ("我来到北京清华大学", "北京"),
    "janome": ("映画は面白くなかった", "映画"),
}


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_segmenter_finds_words(name):
    pytest.importorskip(name)
    text, word = WORDS[name]
    probe = TextProbe(text, name)
    assert word in [f.name for f in probe.features]
    assert probe.render(np.ones((1, len(probe.features)))) == [text]


@pytest.mark.parametrize("name", SEGMENTERS)
def test_one_that_is_not_installed_says_which_extra_brings_it(name, monkeypatch):
    import sys

    from probes.inputs.units.segmenters import loaded

    loaded.cache_clear()
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"iomap\[segmenters\]"):
        TextProbe(WORDS[name][0], name)
    loaded.cache_clear()
