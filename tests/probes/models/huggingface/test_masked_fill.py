"""MaskedFill: words drawn from a masked language model that was trained on a grammar of its own."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from probes import Infill, InputError, MaskedFill, ModelError, TextProbe, mask_token
from tests.helpers.when_used import when_used

when_used("torch")
from tests.helpers.tiny_masked_lm import BAD, GOOD, SUBJECTS, masked_lm  # noqa: E402


@pytest.fixture(scope="module")
def fill():
    return MaskedFill(*masked_lm())


def last_words(fill, text, draws=60):
    return Counter(filled.split()[-1] for filled in fill([text] * draws, range(draws)))


def test_what_is_drawn_is_likely_beside_what_is_present(fill):
    praise, blame = last_words(fill, "the film is [MASK]"), last_words(fill, "the film was [MASK]")
    assert sum(praise[word] for word in GOOD) >= 48
    assert sum(blame[word] for word in BAD) >= 48


def test_what_is_drawn_first_is_given_to_what_is_drawn_next(fill):
    one_by_one = MaskedFill(fill.module, fill.tokenizer, steps=2)
    drawn = one_by_one(["the film [MASK] [MASK]"] * 60, range(60))
    fits = [("is" in text.split()) == (text.split()[-1] in GOOD) for text in drawn]
    assert sum(fits) >= 45


def test_a_batch_fills_as_one_by_one(fill):
    texts = ["the [MASK] is [MASK]", "the film [MASK] warm", "[MASK] [MASK] [MASK] dull"] * 6
    assert fill(texts, range(18)) == [fill([text], [seed])[0] for seed, text in enumerate(texts)]


def test_the_seed_decides(fill):
    text = "the [MASK] is fine"
    assert fill([text] * 2, [7, 7])[0] == fill([text], [7])[0]
    assert {filled.split()[1] for filled in fill([text] * 40, range(40))} >= set(SUBJECTS)


def test_all_that_is_present_stays_character_by_character(fill):
    probe = TextProbe("  The films,\tis (fine)!\n", "bare word", replacement=Infill(fill, samples=3))
    for row in np.random.default_rng(0).integers(0, 2, (12, 4)):
        for text in probe.render(row[None]):
            assert text.startswith("  ") and ",\t" in text and " (" in text and text.endswith(")!\n")
            assert "[MASK]" not in text and "##" not in text


def test_a_piece_of_several_tokens_leaves_a_gap_of_as_many(fill):
    assert fill.mask("films") == "[MASK][MASK]" and fill.mask("film") == "[MASK]"


def test_the_name_changes_with_the_weights(fill):
    import torch

    first, weight = fill.name, fill.module.bert.embeddings.word_embeddings.weight
    with torch.no_grad():
        weight[5] += 1
        other = MaskedFill(fill.module, fill.tokenizer).name
        weight[5] -= 1
    assert first.startswith("BertForMaskedLM:") and first != other


def test_a_text_beyond_the_window_is_refused_with_both_numbers(fill):
    with pytest.raises(ModelError, match="reads 24 tokens, and a text to fill has 42"):
        fill(["[MASK] " * 40], [0])


def test_a_model_without_a_masked_head_is_refused(fill):
    with pytest.raises(InputError, match="model must be a masked language model"):
        MaskedFill(fill.module.bert, fill.tokenizer)


def test_a_tokenizer_without_a_mask_token_is_refused(fill, tokenizer):
    with pytest.raises(InputError, match="tokenizer must have a mask token"):
        MaskedFill(fill.module, tokenizer)


def test_it_loads_what_was_saved(fill, tmp_path):
    fill.module.save_pretrained(tmp_path)
    fill.tokenizer.save_pretrained(tmp_path)
    loaded = MaskedFill.from_pretrained(str(tmp_path))
    assert loaded(["the film is [MASK]"], [3]) == fill(["the film is [MASK]"], [3])


def test_the_mask_token_of_a_tokenizer(fill):
    assert mask_token(fill.tokenizer) == mask_token(fill) == "[MASK]"
