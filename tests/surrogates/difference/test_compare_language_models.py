"""compare() of language models and classifiers of transformers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import CausalLM, InputError, TemplateProbe, TextProbe
from surrogates import compare, compare_cases, compare_rows
from tests.helpers.when_used import when_used

when_used("torch")
when_used("transformers")
from tests.helpers.tiny_causal_lm import byte_tokenizer, llama, word_tokenizer  # noqa: E402

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
    assert "Answer: “entry is free" in str(d)


def test_tokenizers_that_differ_are_refused_with_the_first_token_that_does():
    words, letters = word_tokenizer(), byte_tokenizer()
    one, two = CausalLM(llama(len(words)), words), CausalLM(llama(len(letters), max_position_embeddings=512), letters)
    with pytest.raises(
        InputError, match=r"after must split the answer into the 3 tokens of the first; number 1 there is"
    ):
        compare(one, two, TextProbe(TEXT, answer=" entry is free"), budget=60, store=None)
    with pytest.raises(
        InputError, match=r"after must split the answer into the \d+ tokens of the first; number 1 there"
    ):
        compare(two, one, TextProbe(TEXT, answer=" entry is free"), budget=60, store=None)


def test_tokenizers_that_differ_over_cases_are_refused_with_the_first_case():
    words, letters = word_tokenizer(), byte_tokenizer()
    one, two = CausalLM(llama(len(words)), words), CausalLM(llama(len(letters), max_position_embeddings=512), letters)
    entities = {
        f"n{i}": {"name": name} for i, name in enumerate(["museum", "france", "a", "is", "the", "rome", "it", "in"])
    }
    probe = TemplateProbe({"a": "{kind} {name} is"}, {"kind": ["the", "a"]}, entities, target=" free")
    with pytest.raises(
        InputError, match=r"after must split answers into the tokens of the first; ' free' after 'the museum is'"
    ):
        compare_cases(one, two, probe, metric="log_prob", store=None)
    # what is said to be right or wrong hangs on no token
    assert compare_cases(one, two, probe, metric="exact_match", store=None, unrelated=[]).arms.loc[0, "change"] == 0


def test_a_model_that_writes_and_one_that_does_not_are_refused():
    tokenizer = word_tokenizer()
    lm = CausalLM(llama(len(tokenizer)), tokenizer)
    with pytest.raises(InputError, match="after must be a model of the same kind as the first"):
        compare(lm, lambda texts: [len(t) for t in texts], TEXT, store=None)
    with pytest.raises(InputError, match="after must be a model of the same kind as the first"):
        compare(lambda texts: [len(t) for t in texts], lm, TEXT, store=None)


def test_where_language_models_choose_differently_is_found_among_prompts():
    tokenizer = word_tokenizer()
    lm = CausalLM(llama(len(tokenizer)), tokenizer)
    words = ["museum", "entry", "france", "capital", "a"]
    prompts = [f"{a} {b} {c} is" for a in words for b in words for c in words if len({a, b, c}) == 3]
    d = compare_rows(lm, lm, prompts, choices=[" free", " the"], store=None, progress=False)
    assert not d.rows["differs"].any() and d.cost["rows"] <= 4 * len(prompts)
    score = {choice: lm.scoring(choice, prompts[0])([prompts[0]]).sum() for choice in (" free", " the")}
    p = 1 / (1 + np.exp(score[" free"] - score[" the"]))
    assert d.number == " the" and d.rows.loc[0, "before"] == pytest.approx(p, abs=1e-4)
    with pytest.raises(InputError, match="choices must be the answers that a language model chooses from"):
        compare_rows(lm, lm, prompts, store=None)
    with pytest.raises(InputError, match="choices must be two different answers or more"):
        compare_rows(lm, lm, prompts, choices=["a", "a"], store=None)
    with pytest.raises(InputError, match="rows must be prompts for a language model"):
        compare_rows(lm, lm, pd.DataFrame({"a": range(50)}), choices=["a", "b"], store=None)
    with pytest.raises(InputError, match="after must be a model of the same kind as the first"):
        compare_rows(lm, lambda texts: [len(t) for t in texts], prompts, choices=["a", "b"], store=None)


def test_prompts_without_one_of_their_words_are_asked_for_the_same_choices():
    tokenizer = word_tokenizer()
    one, two = (CausalLM(llama(len(tokenizer), seed), tokenizer) for seed in (0, 1))
    words = ["museum", "entry", "france", "capital", "a"]
    prompts = [f"{a} {b} {c} is" for a in words for b in words for c in words if len({a, b, c}) == 3]
    choices = [" free", " the"]
    plain, d = (
        compare_rows(one, two, prompts, choices=choices, further=further, store=None, progress=False)
        for further in (0, 30)
    )
    assert d.rows["differs"].any() and 0 < d.cost["rows"] - plain.cost["rows"] <= 2 * 2 * 30
    np.testing.assert_allclose(d.rows["after"], plain.rows["after"], atol=1e-6)
