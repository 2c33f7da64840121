"""Numbers made of texts."""

from __future__ import annotations

from probes import (
    Contains,
    Exact,
    Overlap,
)
from tests.helpers.when_used import when_used

when_used("openai")


def test_overlap_exact_contains():
    from probes.outputs.reply import Reply

    def number(scalariser, text):
        [value] = scalariser.about("The museum opened in 1969.")(Reply(text))
        return value

    assert number(Overlap(), "the museum opened in 1969") == 1 and number(Overlap(), "nothing of this") == 0
    assert 0 < number(Overlap(), "It opened in 1969") < 1
    assert (
        number(Exact(), " The museum\nopened in 1969") == 1
        and number(Exact(case=True), "the museum opened in 1969.") == 0
    )
    assert number(Contains("1969"), "In 1969!") == 1 and number(Contains("1969"), "In 19690") == 0
