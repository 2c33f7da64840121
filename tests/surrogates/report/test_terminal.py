"""Text in a terminal: its width, the sign of each bar without colour, what was asked, colours where they are wanted."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, MaskProbe, as_model
from surrogates import compare, explain, shapley_values
from surrogates.report import terminal
from surrogates.report.terminal import coloured, signed_bar, width

LONG = "an unusually long name of a feature that would not fit into any line of a terminal, whatever it is"


class Screen:
    """Stands for a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """A terminal of 100 columns."""
    monkeypatch.setattr(terminal, "sys", SimpleNamespace(stdout=Screen()))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal.shutil, "get_terminal_size", lambda fallback: os.terminal_size((100, 24)))


def words(texts):
    return [2.0 * ("good" in t) - 1.0 * ("not" in t) for t in texts]


@pytest.fixture(scope="module")
def ex():
    return explain(words, "not good at all", store=None)


def bars(text):
    return {line[45:].strip(): line[30:43] for line in text.split("\n") if len(line) > 43 and line[36] == "│"}


def test_bars_show_their_sign_by_their_side(ex):
    shown = bars(str(ex))
    assert shown["“good”"] == "      │██████"
    assert shown["“not”"] == "   ███│      "
    assert shown["“at”"] == "      │      "


def test_bars_of_what_is_not_to_be_used_are_faint():
    assert signed_bar(1.0, 1.0, muted=True) == "      │░░░░░░"


def test_the_input_and_the_answer_stand_before_the_effects(ex):
    text = str(ex)
    assert text.index("Input: “not good at all”") < text.index("Model: 1 for this input") < text.index("effect")


def test_a_row_shows_its_values_and_how_many_more_there_are():
    rows = pd.DataFrame(np.arange(600.0).reshape(20, 30), columns=[f"column {i}" for i in range(30)])
    ex = explain(lambda r: r["column 0"].to_numpy(), rows.iloc[3], background=rows, budget=400, store=None)
    lines = str(ex).split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("Input: column 0 = 90"))
    said = " ".join(line.strip() for line in lines[start : start + 2])
    count = said.count(" = ")
    assert said.endswith(f"and {30 - count} more") and 3 < count < 30


def test_a_question_and_an_answer_stand_in_quotes():
    chats = as_model(lambda chats: [float("1969" in c[-1][1]) for c in chats])
    ex = explain(chats, ContextProbe("It was a hall. It opened in 1969.", "When?", unit="sentence"), store=None)
    assert "Question: “When?”" in str(ex)


def test_names_that_begin_alike_are_told_apart_where_they_end():
    names = [f"{LONG[:40]} that ends with {end}" for end in ("one", "two")]
    shown = bars(str(explain(lambda Z: Z @ [2, 1, 0], MaskProbe([*names, "another"]), store=None)))
    assert list(shown) == ["…one", "…two", "another"]


def test_without_a_terminal_a_line_has_eighty_letters_at_most(ex):
    many = explain(lambda Z: Z @ np.linspace(1, -1, 12), MaskProbe([f"{LONG} {i}" for i in range(12)]), store=None)
    change = compare(words, lambda texts: [2 * a for a in words(texts)], "not good at all", store=None)
    for result in (ex, many, change, shapley_values(words, "not good at all", store=None)):
        assert max(map(len, str(result).split("\n"))) <= width() == 80


def test_in_a_terminal_lines_are_as_wide_as_it_is(ex, screen):
    assert width() == 100
    lengths = [len(line) for line in str(ex).split("\n")]
    assert 80 < max(lengths) <= 100


def test_colours_are_those_of_the_signs_in_a_terminal_alone(ex, screen, monkeypatch):
    shown = coloured("  ██│      \n    │██▌   \nVerdict: Do not use it.")
    assert shown == "  \x1b[33m██\x1b[0m│      \n    │\x1b[34m██▌\x1b[0m   \n\x1b[1mVerdict: Do not use it.\x1b[0m"
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert coloured("██│") == "██│"


def test_text_that_is_kept_has_no_codes_of_a_terminal(ex, screen):
    assert "\x1b" not in str(ex)


def test_text_that_goes_elsewhere_has_no_colour():
    assert coloured("██│") == "██│"
