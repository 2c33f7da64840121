"""A tokenizer of words and a small Llama."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def tokenizer():
    from tests.helpers.tiny_causal_lm import word_tokenizer

    return word_tokenizer()


@pytest.fixture
def network(tokenizer):
    from tests.helpers.tiny_causal_lm import llama

    return llama(len(tokenizer))
