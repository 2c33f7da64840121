"""Tests check what is right, benchmarks how long it takes: no test measures seconds."""

from __future__ import annotations

import ast

import pytest

from tests.helpers.checkout import ROOT

#: clocks that measure work; a test that waits, or interrupts at a moment, reads time.monotonic
CLOCKS = {"perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "thread_time_ns"}


def clocks(code):
    """Names of such clocks that code reads."""
    return {node.attr for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute)} & CLOCKS | {
        name.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom) for name in node.names
    } & CLOCKS


def test_no_test_reads_a_clock():
    read = {path: clocks(path.read_text("utf-8")) for path in sorted((ROOT / "tests").rglob("*.py"))}
    assert len(read) > 200 and {str(path): found for path, found in read.items() if found} == {}


@pytest.mark.parametrize("code", ["import time\ntime.perf_counter()", "from time import process_time"])
def test_reading_one_would_be_seen(code):
    assert clocks(code)
