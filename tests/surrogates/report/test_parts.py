"""Every part draws whatever strings it holds, harmlessly; one that fails degrades alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import surrogates.report.views  # noqa: F401 - loads every part
from surrogates.report.page import Contents, contents, page
from surrogates.report.part import Note, Part, bar, level
from surrogates.results.result import Result

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}{% raw %}"
#: turns what follows around, ends isolates, clears a terminal, has no width, and letters from right to left
TURNING = "ok\u202e99.0\u2066\u2069\x1b[2J\u200bא1 ב"
OURS = [kind for kind in Part.__subclasses__() if kind.__module__.startswith("surrogates.")]
PARTS = sorted(OURS, key=lambda kind: kind.__name__)


def example(kind: Any, full: bool, name: str = "", text: str = EVIL, inside: tuple[Any, ...] = ()) -> Any:
    """A value of a declared type: every text hostile; lists and what is optional there, or not; no type in itself."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Part:
        return Note(text=text)
    if kind is str:
        return "data:image/svg+xml;base64,AAAA" if name == "picture" else text
    if kind in (int, bool):
        return kind(full)
    if origin in (Union, UnionType):
        return example(arguments[0], full, name, text, inside) if full or NoneType not in arguments else None
    if origin is tuple:
        several = 2 * (full and arguments[0] not in inside)
        inner = arguments[:1] * several if arguments[1:] == (...,) else arguments
        return tuple(example(each, full, name, text, inside) for each in inner)
    if is_dataclass(kind):
        hints, inside = get_type_hints(kind), (*inside, kind)
        return kind(**{f.name: example(hints[f.name], full, f.name, text, inside) for f in fields(kind)})
    return {"verdict": text, "words": text} if full else {}


@dataclass
class Shown(Result):
    parts: list[Part]


@contents.register
def _(result: Shown) -> Contents:
    return Contents(EVIL, result.parts)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_a_part_escapes_all_it_holds(kind, full, harmless):
    part = example(kind, full)
    html = page(Shown([part]))
    harmless(html)
    assert "could not be drawn" not in html
    assert EVIL not in html and "&lt;script&gt;" in html
    for rule in kind.style:
        assert rule in html


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_in_a_part_nothing_is_unseen_or_turned_around(kind):
    html = page(Shown([example(kind, True, text=TURNING)]))
    assert not {"\u202e", "\u2066", "\x1b", "\u200b"} & set(html)
    assert "ok⟨U+202E⟩99.0⟨U+2066⟩⟨U+2069⟩⟨U+001B⟩[2J⟨U+200B⟩" in html
    assert html.count("\u2068") == html.count("\u2069")  # what is opened here is closed here
    assert "could not be drawn" not in html


def test_a_style_is_written_once():
    parts = [example(kind, True) for kind in PARTS] * 2
    html = page(Shown(parts))
    for rule in {rule for kind in PARTS for rule in kind.style}:
        assert html.count(rule) == 1


def test_a_part_that_cannot_be_drawn_degrades_alone(caplog):
    @dataclass(frozen=True, kw_only=True)
    class Broken(Part):
        template = "verdict.html"

    html = page(Shown([Broken(title="Broken"), example(PARTS[0], True)]))
    assert html.count("This part could not be drawn") == 1 and "Broken" in caplog.text


def test_a_script_is_allowed_by_its_hash_alone():
    @dataclass(frozen=True, kw_only=True)
    class Moving(Part):
        template = "note.html"
        script = "document.title = 'moved'"
        text: str = ""

    html = page(Shown([Moving(), Moving()]))
    assert html.count("<script>document.title = 'moved'</script>") == 1 and "script-src &#39;sha256-" not in html
    assert "script-src 'sha256-" in html


def test_levels_and_bars():
    nan = float("nan")
    assert [level(v) for v in (nan, 0, 0.1, 0.4, 0.7)] == ["poor", "poor", "weak", "fair", "good"]
    assert bar(1.0, 0.5, 9.0, 2.0).span == "37.50"


RUNNING = (
    "</script></style><img src=x onerror=document.title='run'><svg onload=document.title='run'>\" onfocus='alert()"
)


def test_in_a_browser_no_string_of_any_part_runs(visit, tmp_path):
    """Parts that are nothing without a script compute with their data: results with such strings are tested there."""
    parts = [example(kind, True, text=RUNNING) for kind in PARTS if not kind.page_only]
    (tmp_path / "page.html").write_text(page(Shown(parts)), "utf-8")
    view = visit(tmp_path / "page.html")
    view.evaluate("document.querySelectorAll('[tabindex], button, input').forEach(one => one.focus())")
    assert view.title() != "run" and view.locator("img[src=x], svg[onload]").count() == 0
    # coordinates are strings too, which are computed: as such they are no numbers, which the console says
    visit.seen = [said for said in visit.seen if not re.match(r"said Error: <\w+> attribute \w+: Expected", said)]
