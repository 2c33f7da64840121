"""Markdown: blocks and sections as features, and what is left is Markdown again."""

from __future__ import annotations

import numpy as np
import pytest

from probes import TextProbe
from probes.inputs.units.registry import cut_text

TEXT = """\
# Report

It rained
all day.

## List

- one
  - below one
- two

1. first
2. second

| name | age |
|------|-----|
| Ada  | 36  |
| Bob  | 41  |

```python
# no heading

x = 1
```

> quoted
> twice

Old heading
===========

***

The end.
"""


def blocks(text):
    return [text[a:b] for a, b in cut_text(text, "markdown").spans]


def test_every_kind_of_block_is_a_feature():
    assert blocks(TEXT) == [
        "# Report",
        "It rained\nall day.",
        "## List",
        "- one\n  - below one",
        "- two",
        "1. first",
        "2. second",
        "| Ada  | 36  |",
        "| Bob  | 41  |",
        "```python\n# no heading\n\nx = 1\n```",
        "> quoted\n> twice",
        "Old heading\n===========",
        "The end.",
    ]


def test_sections_are_headings_with_what_stands_below():
    assert [f.name for f in TextProbe(TEXT, "markdown section").features] == ["Report", "List", "Old heading"]


def test_what_comes_before_the_first_heading_is_a_section():
    assert cut_text("Hello\n\n# A\nb\n", "markdown section").names == ("Hello", "A")


@pytest.mark.parametrize("gone", range(13))
def test_without_a_block_the_others_are_found_again(gone):
    markdown_it = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    probe = TextProbe(TEXT, "markdown")
    row = np.ones((1, 13))
    row[0, gone] = 0
    (left,) = probe.render(row)
    kept = [piece for i, piece in enumerate(probe.segments.pieces) if i != gone]
    assert blocks(left) == kept
    kinds = [token.type for token in markdown_it.parse(left)]
    assert kinds.count("fence") == ("```" in left)
    assert kinds.count("tr_open") == 1 + left.count("| Ada") + left.count("| Bob")


def test_without_anything_heads_of_tables_stay_and_a_note_says_so():
    probe = TextProbe(TEXT, "markdown")
    assert probe.render(np.zeros((1, 13)))[0].strip() == "| name | age |\n|------|-----|\n\n***"
    assert any("Heads of tables" in note for note in probe.notes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\nnever closed\n# no heading", ["```\nnever closed\n# no heading"]),
        ("a | b\nno table", ["a | b\nno table"]),
        ("- a\n\n  goes on\n\nnot", ["- a\n\n  goes on", "not"]),
        ("#hash\n# head", ["#hash", "# head"]),
        ("a\r\n\r\nb\r\n", ["a", "b"]),
        ("~~~\n```\n~~~\nafter", ["~~~\n```\n~~~", "after"]),
    ],
)
def test_odd_markdown(text, expected):
    assert blocks(text) == expected
