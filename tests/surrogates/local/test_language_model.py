"""A real language model, end to end: which sentence an answer comes from."""

from __future__ import annotations

import numpy as np
import pytest

from probes import ContextProbe, InputError, TextProbe, distribute
from surrogates import Explanation, explain

DOCUMENT = "The hall was built as a fish market. The museum opened in 1969. Entry is free on Sundays."


@pytest.fixture
def lm(smollm2):
    return smollm2


def test_the_right_sentence_is_found_kept_and_asked_once(lm):
    probe = ContextProbe(DOCUMENT, "When did the museum open?", answer="The museum opened in 1969.")
    ex = explain(lm, probe, budget=8)
    assert ex.attributions.loc[0, "feature"] == "The museum opened in 1969."
    assert ex.target.unit == "nats"
    assert "".join(ex.answers.outputs) == ex.answer == "The museum opened in 1969."
    cost = ex.provenance["cost"]
    assert cost["rows"] == 8
    assert cost["tokens"] > 8 * 40

    again = explain(lm, probe, budget=8)
    assert again.provenance["cost"]["rows"] == 0
    np.testing.assert_array_equal(again.y, ex.y)  # exact: answers come from the store bit for bit

    # spans of the answer, from what is known already, also after a round trip through a file
    for source in (ex, Explanation.from_json(ex.to_json())):
        year = source.attribute("1969")
        assert year.provenance["cost"] == ex.provenance["cost"]
        assert year.attributions.loc[0, "feature"] == "The museum opened in 1969."
        start = ex.answer.index("1969")
        np.testing.assert_allclose(year.y, source.attribute((start, start + 4)).y, rtol=1e-12)
    answered = ex.attribute(ex.answer)
    np.testing.assert_allclose(answered.y, ex.y)
    for wrong in ("1970", "", (3, 3), (0, 999)):
        with pytest.raises(InputError, match=r"^span must"):
            ex.attribute(wrong)
    assert "could not be drawn" not in ex.report("lm.html").read_text()


def test_a_generated_answer_counts_towards_the_budget_and_is_kept(lm):
    probe = ContextProbe("The sky is green. Grass is pink.", "What colour is the sky?", max_new_tokens=3)
    first = explain(lm, probe, budget=5)
    assert first.answer
    assert first.provenance["cost"]["rows"] == 5  # one generation, four questions
    second = explain(lm, probe, budget=5)
    assert second.answer == first.answer
    assert second.provenance["cost"]["rows"] == 0


def test_plain_text_prompts_and_a_given_continuation(lm):
    ex = explain(lm, TextProbe("capital of France is"), answer=" Paris", budget=16)
    assert ex.answer == " Paris"
    assert ex.attributions.loc[0, "feature"] in ("France", "capital")


@pytest.mark.slow
def test_two_processes_with_the_model_sent_once_say_what_one_says(lm):
    probe = ContextProbe(DOCUMENT, "When did the museum open?")
    Z = np.vstack([np.ones(3, dtype=int), np.eye(3, dtype=int), 1 - np.eye(3, dtype=int)])
    prompts = probe.render(Z)
    with distribute(lm, 2) as workers:
        for answer in ("The museum opened in 1969.", "In 1969."):
            scorer = workers.scoring(answer, prompts[0])
            scores = scorer(prompts)
            alone = lm.scoring(answer, prompts[0])
            np.testing.assert_allclose(scores, alone(prompts), atol=2e-4)  # batches are cut otherwise
            assert scorer.outputs == alone.outputs and scorer.identity() == alone.identity()
        assert 1 <= len(workers.shipments) <= 2 and set(workers.shipments.values()) == {1}
