"""Batches for a server are whole rounds of what it answers at a time."""

from __future__ import annotations

import numpy as np

from probes import (
    Design,
)
from tests.helpers.when_used import when_used

when_used("openai")


def test_parts_are_whole_rounds_after_the_first_question():
    from probes.asking.batching import parts_of

    for n, at_once in ((1000, 16), (300, 5), (64, 16), (10, 3)):
        ends = parts_of(Design(np.zeros((n, 1)), 2), at_once)
        assert ends[0] == 0 and ends[-1] == n and sorted(set(ends)) == ends
        sizes = np.diff([1, *ends[1:-1]])
        assert (sizes % at_once == 0).all()  # exact: whole numbers
