"""Tiny networks as safetensors: made once for the golden files, then only read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from golden_models import CONTEXT, FOLDER, TEXT

WORDS = (
    "capital city said when did question context open : ? . , ! "
    "museum Paris France Rome Oslo Lima Madrid Havana Italy Norway Peru Spain Cuba When Question Context"
)


def _vocabulary(specials):
    words = [*specials, *WORDS.split(), *TEXT.replace(",", " ").replace("!", " ").split()]
    words += [*CONTEXT.replace(".", " ").split(), "it", "in", "of", "rained"]
    return {word: i for i, word in enumerate(dict.fromkeys(words))}


def _tokenizer(specials, unknown, **names):
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(_vocabulary(specials), unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=unknown, **names)


def _filled(network, scale):
    """Weights from numpy, in steps of 1/64: they do not hang on torch's own numbers."""
    import torch

    rng = np.random.default_rng(3)
    with torch.no_grad():
        for _, weight in sorted(network.named_parameters()):
            drawn = np.round(rng.normal(0, scale, tuple(weight.shape)) * 64) / 64
            weight.copy_(torch.tensor(drawn, dtype=torch.float32))
    return network.eval()


def _saved(network, tokenizer, folder: Path):
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for path in folder.glob("*.json"):  # one line each
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False) + "\n", "utf-8")


def make_classifier(folder: Path = FOLDER / "classifier"):
    import transformers

    tokenizer = _tokenizer(["[PAD]", "[UNK]"], "[UNK]", pad_token="[PAD]", model_max_length=32)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=32, num_labels=3, id2label={0: "negative", 1: "neutral", 2: "positive"},
    )  # fmt: skip
    _saved(_filled(transformers.BertForSequenceClassification(config), 0.8), tokenizer, folder)


def make_lm(folder: Path = FOLDER / "lm"):
    import transformers

    specials = ["<unk>", "<pad>", "</s>"]
    tokenizer = _tokenizer(specials, "<unk>", pad_token="<pad>", eos_token="</s>", model_max_length=64)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64, bos_token_id=None, eos_token_id=2, pad_token_id=1,
    )  # fmt: skip
    _saved(_filled(transformers.LlamaForCausalLM(config), 0.6), tokenizer, folder)
