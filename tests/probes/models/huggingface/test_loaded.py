"""A LoadedLM is all that maps made from a language model need: no CausalLM stands behind it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from probes import CausalLM, InputError  # noqa: E402
from probes.models.huggingface.continuation import Continuation  # noqa: E402
from probes.models.huggingface.continuation_pairs import Pairs  # noqa: E402
from probes.models.huggingface.loaded import LoadedLM  # noqa: E402

WORDS = {word: i for i, word in enumerate(["<s>", "a", "b", "c", "d"])}


def parts(begin: str | None = "<s>"):
    torch.manual_seed(0)
    rules = Tokenizer(models.WordLevel(WORDS, unk_token="<s>"))
    rules.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=rules, bos_token=begin)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.LlamaConfig(vocab_size=len(WORDS), max_position_embeddings=8, **size)
    return transformers.LlamaForCausalLM(config), tokenizer


def test_maps_of_a_loaded_model_are_those_of_the_language_model():
    module, tokenizer = parts()
    loaded, lm = LoadedLM(module, tokenizer), CausalLM(module, tokenizer)
    assert loaded.identity() == lm.identity()
    prompts = ["a b", "a c"]
    score, same_score = Continuation(loaded, " d", loaded.answer_ids("a b", " d")), lm.scoring(" d", "a b")
    assert score.identity() == same_score.identity() and score.digests(prompts) == same_score.digests(prompts)
    np.testing.assert_allclose(score(prompts), same_score(prompts), atol=1e-5)
    pairs, same_pairs = Pairs(loaded), lm.pairs()
    asked = [("a b", " d"), ("a", " c d")]
    assert pairs.identity() == same_pairs.identity() and pairs.digests(asked) == same_pairs.digests(asked)
    np.testing.assert_allclose(pairs(asked), same_pairs(asked), atol=1e-5)


def test_pieces_of_an_answer_join_to_the_answer():
    loaded = LoadedLM(*parts())
    assert "".join(loaded.pieces([1, 2, 3])) == "a b c"


def test_an_empty_prompt_needs_a_token_to_begin_with():
    assert LoadedLM(*parts()).encode("") == [0]
    bare = LoadedLM(*parts(begin=None))
    assert not bare.can_begin
    with pytest.raises(InputError, match="prompt must hold some text"):
        bare.encode("")


def test_a_window_is_checked_by_the_longest_row():
    loaded = LoadedLM(*parts())
    loaded.check_window(np.array([3, 8]))
    with pytest.raises(InputError, match="fit the model's window of 8 tokens; got '9 tokens'"):
        loaded.check_window(np.array([3, 9]))
