"""The examples in CONTRIBUTING.md are applied to a copy of the code, and tests are run there.

The tests are those of the examples, and those that go through all things of a kind, restricted to the examples' things.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from tests.helpers.checkout import ROOT

pytestmark = pytest.mark.xdist_group("contributing")  # what the module makes once is made in one process

PAGE = ROOT / "CONTRIBUTING.md"
#: a file: its path alone on a line, then its text
FILE = re.compile(r"^`([\w/]+\.\w+)`\n\n```(?:python|html)\n(.*?)^```", re.DOTALL | re.MULTILINE)
DIFF = re.compile(r"^```diff\n--- (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: tests that go through all things of a kind
LISTS = (
    "tests/architecture/test_import_order.py",
    "tests/contracts/test_adapters.py",
    "tests/contracts/test_combinations.py",
    "tests/contracts/test_contracts.py",
    "tests/surrogates/shapley/test_indices.py",
    "tests/probes/behaviours/test_behaviours.py",
    "tests/surrogates/report/test_parts.py",
)
#: those of them that are about all things at once
AT_ONCE = (
    "every_kind",
    "every_module",
    "no_module",
    "every_adapter",
    "adapters_are_tried",
    "every_index",
    "every_claim",
    "every_behaviour",
)
#: pytest without plugins, in a process that ends without taking apart what it holds, which takes seconds
RUN = "import os, pytest, sys; code = pytest.main(sys.argv[1:]); sys.stdout.flush(); os._exit(code)"
SUBJECTS = ("a probe", "a family", "an adapter", "an index", "a behaviour", "a report part")


def files(text: str) -> dict[str, str]:
    return dict(FILE.findall(text))


def edits(text: str) -> list[tuple[str, str, str]]:
    """Path, lines before and lines after, of each hunk."""
    changes = []
    for path, hunks in DIFF.findall(text):
        for hunk in hunks.split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            changes.append((path, before, after))
    return changes


def edited(text: str, path: str, before: str, after: str) -> str:
    assert text.count(before) == 1, (
        f"CONTRIBUTING.md edits lines that {path} holds {text.count(before)} times:\n{before}"
    )
    return text.replace(before, after)


TEXT = PAGE.read_text(encoding="utf-8")
TESTS = sorted(path for path in files(TEXT) if path.startswith("tests/"))
MODULES = [path for path in files(TEXT) if path.endswith(".py")]
EDITED = sorted({path for path, _, _ in edits(TEXT) if path.endswith(".py")})
#: what occurs in the names of all tests about an example: lines, ridge, …
NAMES = [path.removesuffix(".py").rpartition("/test_")[2] for path in TESTS]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of packages, tests and pages with all examples applied."""
    folder = tmp_path_factory.mktemp("contributing")
    for part in ("probes", "surrogates", "tests", "docs"):
        # with what is compiled, but for what others are writing; and for tests, which keep the names of their files
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc.*", "*-pytest-*"))
    for name in ("conftest.py", "README.md"):
        shutil.copy(ROOT / name, folder)
    for path, before, after in edits(TEXT):
        target = folder / path
        target.write_text(edited(target.read_text(encoding="utf-8"), path, before, after), encoding="utf-8")
    for path, text in files(TEXT).items():
        target = folder / path
        assert not (ROOT / path).exists(), f"{path} exists already: give the example another name"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def outcome(copy):
    """What was reported for each file of tests, and the output of the run."""
    command = ["-c", RUN, "-q", "-p", "no:unraisableexception", "-p", "no:cacheprovider", "--import-mode=importlib"]
    command += ["--doctest-modules", "--rootdir", str(copy), "-c", os.devnull, "-o", "junit_family=xunit1"]
    command += ["--junitxml", str(copy / "report.xml"), "-k", " or ".join([*NAMES, *AT_ONCE]), *MODULES, *LISTS]
    env = {**os.environ, "PYTHONPATH": str(copy), "IOMAP_STORE": str(copy / "answers.sqlite"), "MPLBACKEND": "agg"}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run([sys.executable, *command], cwd=copy, env=env, capture_output=True, text=True, timeout=400)
    seen: dict[str, list[str]] = {}
    if (copy / "report.xml").exists():
        for case in ElementTree.parse(copy / "report.xml").iter("testcase"):
            failed = any(child.tag in ("failure", "error", "skipped") for child in case)
            seen.setdefault(case.get("file", ""), []).append("failed" if failed else "passed")
    return seen, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*TESTS, *LISTS])
def test_an_example_works_as_it_stands(outcome, path):
    seen, output = outcome
    assert seen.get(path) and set(seen[path]) == {"passed"}, output[-6000:]


def test_every_kind_of_thing_has_an_example_with_a_test():
    sections = dict(zip(*[iter(re.split(r"^## Add (.+)\n", TEXT, flags=re.MULTILINE)[1:])] * 2, strict=True))
    assert tuple(sections) == SUBJECTS
    for subject, section in sections.items():
        tests = [path for path in files(section) if path.startswith("tests/")]
        assert len(tests) == 1, f"Add {subject} shows {tests}"


def test_an_edit_that_no_longer_applies_is_seen():
    with pytest.raises(AssertionError, match="holds 0 times"):
        edited("a\nb\n", "x.py", "c\n", "d\n")


@pytest.mark.parametrize("task", [["check"], ["format", "--diff"]], ids=["lint", "format"])
def test_examples_keep_the_style(copy, task):
    pytest.importorskip("ruff")
    command = [sys.executable, "-m", "ruff", *task, "--config", str(ROOT / "ruff.toml"), *MODULES, *EDITED]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
