"""Html: texts, elements and attributes as features; what is left is valid markup."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import Html, InputError, TextProbe

PAGE = """<!DOCTYPE html>
<html><head><title>A page</title><style>p { color: red }</style>
<script>if (a < b) { document.write("<p>no text</p>") }</script></head>
<body><!-- no <b>text</b> --><h1 class="x">Hello &amp; welcome, <em>you</em></h1>
<ul><li>One<li>Two <b>bold</b></ul><p>First<p>Second
<img src=x alt="A &quot;cat&quot;"><br></p></body></html>
"""


class Tags(HTMLParser):
    """The tags of a page in order."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)

    def handle_endtag(self, tag):
        self.found.append(f"/{tag}")


def names(unit):
    return [f.name for f in TextProbe(PAGE, unit).features]


def test_texts_between_tags_are_features_but_no_scripts_styles_or_comments():
    assert names("html") == ["A page", "Hello & welcome,", "you", "One", "Two", "bold", "First", "Second"]


def test_elements_are_found_with_ends_that_are_left_out():
    assert names(Html(tags=("li", "p", "h1"))) == [
        "<h1> Hello & welcome, you",
        "<li> One",
        "<li> Two bold",
        "<p> First",
        "<p> Second",
    ]


def test_values_of_attributes_are_features_where_they_are_named():
    assert names(Html(attributes=("ALT",)))[-1] == 'alt: A "cat"'


def test_an_element_holds_its_attributes():
    assert names(Html(tags=("p", "li"), attributes=("alt",))) == [
        "<li> One",
        "<li> Two bold",
        "<p> First",
        "<p> Second",
    ]


@pytest.mark.parametrize("unit", ["html", Html(attributes=("alt", "class"))], ids=["texts", "attributes"])
def test_every_tag_stays_whatever_text_is_gone(unit):
    probe = TextProbe(PAGE, unit)
    Z = np.random.default_rng(0).integers(0, 2, (20, len(probe.features)))
    assert {tuple(Tags(page).found) for page in probe.render(Z)} == {tuple(Tags(PAGE).found)}


def test_an_element_that_is_gone_takes_all_its_tags_along():
    probe = TextProbe(PAGE, Html(tags=("h1", "ul")))
    without = Tags(probe.render(np.zeros((1, 2)))[0]).found
    assert without == [tag for tag in Tags(PAGE).found if tag.strip("/") not in ("h1", "em", "ul", "li", "b")]


PARTS = ["<p>", "</p>", "<b", "a", " ", "&amp;", "&", "<!--", "-->", "<script>", "</script>", "<img alt='x'>", "<br/>",
         "\n", "<", ">", "<?x?>", "</", "é", "<li>"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(page=st.lists(st.sampled_from(PARTS), max_size=14))
def test_spans_of_any_markup_are_in_order_and_apart(page):
    text = "".join(page)
    for unit in (Html(), Html(tags=("p", "li")), Html(attributes=("alt",))):
        spans = unit.cut(text).spans
        assert all(a < b for a, b in spans)
        assert list(spans) == sorted(spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("tags", ["li", 5, None, ("",), (1,)])
def test_names_of_tags_are_a_list(tags):
    with pytest.raises(InputError, match="tags must be a list of names"):
        Html(tags=tags)
