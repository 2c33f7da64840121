"""ComponentProbe on a sequence-to-sequence model: against the network ablated one question at a time."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Case, ComponentProbe, ablate, cube, screen
from probes.models.huggingface.seq2seq import Seq2SeqLM
from surrogates import explain
from tests.helpers.when_used import when_used

when_used("torch")
from tests.helpers.tiny_text_networks import WORDS, bart, t5, target_tokenizer, tokenizer  # noqa: E402

CASES = [
    Case("a man sleeps", "the old house", ("bob",)),
    Case("the museum opened in paris", "anna", ("near the river", "rome")),
]
NAMES = ["0.1", "mlp.1", "cross.1.0", "decoder.mlp.0"]
MODELS = {"t5": lambda: Seq2SeqLM(t5(), target_tokenizer()), "bart": lambda: Seq2SeqLM(bart(), tokenizer())}


def by_hand(model, absent, by):
    """The mean difference of the first tokens' log-probabilities as the metric has it, by the model's own scorer."""
    prompts = [case.prompt for case in CASES]
    changed = ablate(model, absent, by, reference=prompts if by != "zero" else ()) if absent else model
    numbers = []
    for case in CASES:
        total = [float(changed.scoring(option, case.prompt)([case.prompt]).sum()) for option in case.options]
        numbers.append(total[0])
    return float(np.mean(numbers))


@pytest.mark.parametrize("by", ["mean", "zero"])
@pytest.mark.parametrize("kind", MODELS)
def test_every_row_is_the_network_ablated_by_itself(kind, by):
    model, Z = MODELS[kind](), cube(4)
    asked = ComponentProbe(CASES, NAMES, by, metric="log_prob").asked_of(model)
    truth = [by_hand(model, [n for n, on in zip(NAMES, z, strict=True) if not on], by) for z in Z]
    assert np.ptp(truth) > 0.1
    np.testing.assert_allclose(asked(Z)[:, 0], truth, rtol=3e-5, atol=5e-4)
    alone = [asked.direct()(Z[i : i + 1])[0, 0] for i in (0, 5, 15)]
    np.testing.assert_allclose(alone, np.take(truth, [0, 5, 15]), rtol=3e-5, atol=5e-4)


def test_an_explanation_names_the_parts_of_both_stacks_and_leaves_the_base():
    model = MODELS["bart"]()
    before = model.scoring("anna", "a man")(["a man"])
    ex = explain(model, ComponentProbe(CASES, NAMES, "zero", metric="log_prob"), store=None)
    assert sorted(ex.attributions["feature"]) == sorted(NAMES)
    assert ex.y[0, 0] == pytest.approx(by_hand(model, [], "zero"), abs=1e-3)
    np.testing.assert_array_equal(model.scoring("anna", "a man")(["a man"]), before)  # exact: the base is as it was


def test_whether_an_answer_is_written_is_what_the_first_forward_writes():
    model = MODELS["t5"]()
    words = {case.prompt: model.generate(case.prompt, 1) for case in CASES}
    assert set(words.values()) <= set(WORDS)
    for wrong in ([], [CASES[1].prompt]):
        cases = [Case(p, "museum" if p in wrong else word, ("bob",)) for p, word in words.items()]
        asked = ComponentProbe(cases, NAMES, "zero", metric="exact_match").asked_of(model)
        assert asked(np.ones((1, 4)))[0, 0] == pytest.approx(1 - len(wrong) / 2)


def test_screening_tries_the_parts_of_both_stacks():
    assert set(screen(MODELS["t5"](), CASES[:1], 16, metric="log_prob")) >= {"cross.0.0", "decoder.1.1", "mlp.0"}
