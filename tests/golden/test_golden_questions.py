"""The same arguments ask the same questions as in version 0.1.0: designs, probes, identities, keys of the store."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version

import golden_asking as asking
import golden_models as m
import pytest


def installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


EXPECTED = json.loads((m.FOLDER / "expected-questions.json").read_text("utf-8"))["questions"]


def test_every_run_is_tested():
    assert list(asking.RUNS) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_run_asks_the_questions_it_asked(name):
    expected = EXPECTED[name]
    for package, then in expected.get("versions", {}).items():
        if installed(package) != then:
            pytest.skip(f"its questions hold the version of {package}: {then} then, {installed(package)} now")
    if "language model" in name:
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
    actual = json.loads(json.dumps(asking.recorded(name)))
    for part in expected:  # what differs first is what explains the rest
        assert actual[part] == expected[part], part
    assert actual.keys() == expected.keys()
