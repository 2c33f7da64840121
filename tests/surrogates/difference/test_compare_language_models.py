"""compare() of language models and classifiers of transformers."""

from __future__ import annotations

import numpy as np
import pytest

from probes import CausalLM, InputError, TextProbe
from surrogates import compare
from tests.helpers.tiny_causal_lm import byte_tokenizer, llama, word_tokenizer

TEXT = "the museum opened in 1969 it rained"


def test_two_checkpoints_are_asked_for_the_answer_of_the_first(few_folds):
    tokenizer = word_tokenizer()
    one, two = (CausalLM(llama(len(tokenizer), seed), tokenizer) for seed in (0, 1))
    d = compare(one, two, TextProbe(TEXT, answer=" entry is free"), budget=60, store=None)
    assert d.before.answer == d.after.answer == " entry is free" and d.change.answer is None
    for model, side in ((one, d.before), (two, d.after)):
        scorer = model.scoring(" entry is free", TEXT)
        assert side.y[0, 0] == pytest.approx(float(np.mean(scorer([TEXT])[0])), abs=1e-4)
    np.testing.assert_allclose(d.change.y, d.after.y - d.before.y, atol=1e-9)
    assert "Answer:  entry is free" in str(d)


def test_tokenizers_that_differ_are_refused_with_the_first_token_that_does():
    words, letters = word_tokenizer(), byte_tokenizer()
    one, two = CausalLM(llama(len(words)), words), CausalLM(llama(len(letters), max_position_embeddings=512), letters)
    with pytest.raises(InputError, match=r"after must have the 3 outputs of the first, .*number 1 there is"):
        compare(one, two, TextProbe(TEXT, answer=" entry is free"), budget=60, store=None)


def test_a_model_that_writes_and_one_that_does_not_are_refused():
    tokenizer = word_tokenizer()
    lm = CausalLM(llama(len(tokenizer)), tokenizer)
    with pytest.raises(InputError, match="after must be a model of the same kind as the first"):
        compare(lm, lambda texts: [len(t) for t in texts], TEXT, store=None)
    with pytest.raises(InputError, match="after must be a model of the same kind as the first"):
        compare(lambda texts: [len(t) for t in texts], lm, TEXT, store=None)
