"""Every row of docs/situations.md names a thread and a test that is there, and every such test has a row."""

from __future__ import annotations

import ast
import re

from tests.helpers.checkout import ROOT

PAGE = (ROOT / "docs" / "situations.md").read_text(encoding="utf-8")
FOLDER = ROOT / "tests" / "situations"
ROW = re.compile(r"^\| (?P<thread>\[.+?\)) \| (?P<wanted>.+?) \| (?P<now>.+?) \| `(?P<test>\w+)` \|$")
THREAD = re.compile(r"\[([\w.-]+/[\w.-]+)#(\d+)\]\(https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)\)")


def rows(section):
    """The rows of a section, without its head."""
    return [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| thread")]


def sections():
    """The file that each section names, with the section's rows."""
    for section in PAGE.split("\n## ")[1:]:
        [file] = re.findall(r"\]\(\.\./tests/situations/(test_\w+\.py)\)", section)
        yield file, rows(section)


def named_in(file):
    """The tests of a file, by name."""
    tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def test_every_row_says_what_was_wanted_and_what_happens():
    lines = [line for _, part in sections() for line in part]
    assert len(lines) >= 60
    assert [line for line in lines if ROW.match(line) is None] == []


def test_every_row_names_one_thread_and_none_stands_twice():
    found = [THREAD.fullmatch(ROW.match(line)["thread"]) for _, part in sections() for line in part]
    assert all(match and match.group(1, 2) == match.group(3, 4) for match in found)
    threads = [match.group(1, 2) for match in found]
    assert sorted(thread for thread in threads if threads.count(thread) > 1) == []


def test_every_row_has_its_test_and_every_test_its_row():
    assert {file: sorted(ROW.match(line)["test"] for line in part) for file, part in sections()} == {
        path.name: sorted(named_in(path.name)) for path in FOLDER.glob("test_*.py")
    }
