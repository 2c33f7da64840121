"""The wheel holds the command and both packages with their templates alone; the source distribution all pages."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers.checkout import ROOT
from tests.packaging import contents
from tests.packaging.first_example import first_example

pytestmark = pytest.mark.xdist_group("distributions")  # what the module makes once is made in one process

BUILD = """
import sys
from setuptools import build_meta

out = sys.argv[1]  # building changes the arguments
build_meta.build_wheel(out)
build_meta.build_sdist(out)
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Both distributions, built from a copy of the checkout without network."""
    installed = importlib.util.find_spec
    if not (installed("setuptools") and (installed("wheel") or installed("setuptools.command.bdist_wheel"))):
        pytest.skip("no setuptools that builds wheels is installed; `make wheel` checks the same")
    copy, out = tmp_path_factory.mktemp("copy") / "iomap", tmp_path_factory.mktemp("dist")
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", "*.egg-info", "build", "dist", ".*_cache", "trials"
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    env = {**os.environ, "PYTHONPATH": ""}
    command = [sys.executable, "-c", BUILD, str(out)]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def test_the_wheel_holds_both_packages_and_the_command_and_nothing_else(dist):
    (wheel,) = dist.glob("*.whl")
    files = contents.wheel_files(wheel)
    assert contents.wheel_faults(files, ROOT) == []
    assert {"probes/py.typed", "surrogates/py.typed"} <= files
    assert any(name.endswith(".css") for name in files)
    assert any(name.endswith("/licenses/LICENSE") for name in files)


def test_the_source_distribution_holds_pages_and_tests(dist):
    (sdist,) = dist.glob("*.tar.gz")
    files = contents.sdist_files(sdist)
    assert contents.sdist_faults(files, ROOT) == []
    assert not [name for name in files if "__pycache__" in name]


def test_a_missing_template_and_a_stray_file_are_seen():
    files = contents.package_files(ROOT)
    template = next(name for name in sorted(files) if name.endswith(".html"))
    faults = contents.wheel_faults(files - {template} | {"tests/test_x.py"}, ROOT)
    assert faults == [f"missing: {template}", "not part of a package: tests/test_x.py"]
    assert "missing: README.md" in contents.sdist_faults(files, ROOT)


def test_the_first_example_of_the_readme_is_the_one_that_is_run():
    example = first_example((ROOT / "README.md").read_text(encoding="utf-8"))
    assert "ex = explain(forest" in example
    assert "vader" not in example
