"""one_vector(): a change that is one vector is found to be that, and one that is not is not."""

from __future__ import annotations

import numpy as np
import pytest

from probes import InputError, Store, TemplateProbe, measure, steer
from surrogates import VectorShare, one_vector
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_causal_lm import llama, lm_of, word_tokenizer  # noqa: E402

WORDS = ["the", "museum", "opened", "in", "1969", "it", "rained", "entry", "is", "free", "when", "did"]


def probe():
    people = {w: {"who": w} for w in WORDS}
    factors = {"place": ["paris", "france"], "what": ["capital", "question"]}
    return TemplateProbe("{who} of {place} is {what}", factors, people, target=" free", foils=[" rained"])


def test_a_steered_model_is_one_vector_of_its_layer_and_scale(tmp_path):
    lm, store = lm_of(), Store()
    vector = np.random.default_rng(3).normal(size=32)
    found = one_vector(lm, steer(lm, 1, 2 * vector), probe(), [0, 1], (0.5, 1.0), store=store, progress=False)
    assert found.layer == 1 and found.scale == pytest.approx(1.0) and found.share > 0.99
    np.testing.assert_allclose(found.vector, 2 * vector, atol=1e-3)
    assert found.low - 1e-9 <= found.share <= found.high + 1e-9 and found.entities == 6
    assert found.controls == 8 and found.control_low <= found.control <= found.control_high
    assert found.beyond == pytest.approx(found.share - found.control) and found.beyond_low > 0
    assert set(found.scan["layer"]) == {1}  # layer 0 puts out the same in both
    assert "Steering by one vector at layer 1 (times 1) makes 100% [" in " ".join(str(found).split())
    page = found.report(tmp_path / "page.html").read_text("utf-8")
    assert "makes 100% [" in page and "one_vector(before, after, probe, metric=" in page
    assert VectorShare.from_json(found.to_json()).to_json() == found.to_json()
    assert list(found.claims["verdict"]) == ["supported", "inconclusive", "supported"] and found.cost["rows"] > 0
    again = one_vector(lm, steer(lm, 1, 2 * vector), probe(), [0, 1], (0.5, 1.0), store=store, progress=False)
    assert again.share == pytest.approx(found.share) and again.scan.equals(found.scan)


def test_another_network_is_no_vector_and_the_share_is_that_of_its_definition():
    lm = lm_of()
    other = type(lm)(llama(len(lm.tokenizer), seed=5), lm.tokenizer)
    found = one_vector(lm, other, probe(), [1], (1.0,), store=None, progress=False)
    assert found.share < 0.7
    held = list(probe().cases)
    store = Store()
    base, after, steered = (
        measure(m, held, store=store, progress=False).frame.set_index("case_id")["value"]
        for m in (lm, other, steer(lm, 1, found.vector, 1.0))
    )
    every = 1 - ((after - steered) ** 2).sum() / ((after - base) ** 2).sum()
    seen = found.scan.loc[0, "share"]
    assert min(seen, found.share) - 0.02 <= every <= max(seen, found.share) + 0.02


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"layers": [7]}, "layers must be a list of numbers from 0 to 1"),
        ({"controls": 1}, "controls must be an integer of at least 2"),
        ({"layers": []}, "layers must be a list of numbers"),
        ({"scales": ()}, "scales must be a list of finite numbers, none of them 0"),
        ({"scales": (0.0,)}, "scales must be a list of finite numbers, none of them 0"),
        ({"random_state": -1}, "random_state must be"),
    ],
)
def test_bad_input_is_refused(options, match):
    lm = lm_of()
    with pytest.raises(InputError, match=match):
        one_vector(lm, steer(lm, 1, np.ones(32)), probe(), store=None, progress=False, **options)


def test_few_entities_are_refused_and_cases_are_taken():
    lm = lm_of()
    cases = probe().cases
    with pytest.raises(InputError, match="probe must have at least 6 entities"):
        one_vector(lm, steer(lm, 1, np.ones(32)), cases[:4], store=None, progress=False)
    found = one_vector(lm, steer(lm, 1, np.ones(32)), cases, [1], (1.0,), store=None, progress=False)
    assert found.share > 0.99


def test_models_that_answer_alike_or_are_built_otherwise_are_refused():
    lm = lm_of()
    with pytest.raises(InputError, match="after must answer otherwise than before"):
        one_vector(lm, lm, probe(), store=None, progress=False)
    with pytest.raises(InputError, match="model must be a causal language model"):
        one_vector(lambda texts: [1.0 for _ in texts], lm, probe(), store=None, progress=False)
    wide = type(lm)(llama(len(lm.tokenizer), hidden_size=64), word_tokenizer())
    with pytest.raises(InputError, match="after must have 32 activations at layer"):
        one_vector(lm, wide, probe(), store=None, progress=False)
