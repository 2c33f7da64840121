"""One rule names features on pages, in printed texts and in figures."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import pytest

from probes import ContextProbe, MaskProbe, TextProbe
from surrogates import explain, shapley_values
from surrogates.report.names import named
from surrogates.report.text import shown_terms

TEXT = "the end of the film, the best of it"
SECOND = "“the” (2nd, in “… end of the film, the …”)"


def count(texts):
    return [2.0 * ("best" in text) - text.count("the") + ("of the film" in text) for text in texts]


def names_of(probe):
    return named(probe.features, probe.view())


def test_words_are_quoted_and_one_that_recurs_has_its_place():
    names = names_of(TextProbe(TEXT))
    assert names["end"] == "“end”" and names["the (2)"] == SECOND
    assert names["the"] == "“the” (1st, in “the end of …”)"
    assert names["of (2)"] == "“of” (2nd, in “… the best of it”)"
    assert len(set(names.values())) == len(names)


def test_a_long_piece_that_recurs_has_its_number_alone():
    probe = TextProbe(
        "The museum opened in a small town. It rained. The museum opened in a small town.", unit="sentence"
    )
    assert list(names_of(probe).values())[::2] == [
        "“The museum opened in a small town.” (1st)",
        "“The museum opened in a small town.” (2nd)",
    ]


def test_a_number_in_brackets_that_is_part_of_the_text_is_no_second_word():
    names = names_of(TextProbe("one (2) one two"))
    assert names["(2)"] == "“(2)”" and names["one (2)"] == "“one” (2nd, in “one (2) one two”)"


def test_columns_and_coordinates_stand_as_they_are():
    probe = MaskProbe(["age", "the", "of"])
    assert names_of(probe) == {"age": "age", "the": "the", "of": "of"}


def test_titles_of_documents_are_quoted():
    probe = ContextProbe({"First": "One. Two.", "Second": "Three. Four."}, "Which?", unit="document")
    assert names_of(probe) == {"First": "“First”", "Second": "“Second”"}


@pytest.fixture(scope="module")
def explained():
    return explain(count, TextProbe(TEXT), store=None)


def test_page_print_and_figure_say_the_same_name(explained, tmp_path):
    page = explained.report(tmp_path / "page.html").read_text()
    table = page.split("Average effects on")[1].split("</table>")[0]
    assert f"<td>{SECOND}</td>" in page and "<td>“best”</td>" in table
    assert "“the” (2nd" in str(explained) and "“best”" in str(explained)
    axes = explained.plot()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    plt.close(axes.figure)
    assert SECOND in labels and "“best”" in labels
    assert not re.search(r"\bthe \(2\)", page + str(explained))


def test_so_do_shapley_values(tmp_path):
    values = shapley_values(count, TextProbe(TEXT), budget=64, store=None)
    page = values.report(tmp_path / "page.html").read_text()
    axes = values.plot()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    plt.close(axes.figure)
    assert SECOND in labels and "“the” (2nd" in str(values) and f"<td>{SECOND}</td>" in page


def test_terms_are_written_with_the_names_that_are_shown(explained):
    assert "“best”" in set(shown_terms(explained)["term"])
    assert "best" in set(explained.terms["term"])  # data keep the names of features
