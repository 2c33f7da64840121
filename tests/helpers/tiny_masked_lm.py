"""A masked language model of a few thousand weights, trained in memory on sentences of a small grammar."""

from __future__ import annotations

from functools import cache

import numpy as np

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tokenizers import Tokenizer, models, pre_tokenizers, processors  # noqa: E402

SUBJECTS, VERBS, GOOD, BAD = ("film", "plot", "cast"), ("is", "was"), ("fine", "warm"), ("dull", "cold")
#: what goes with each verb: "is" with praise, "was" with blame
SAID = {"is": GOOD, "was": BAD}


def sentence(rng: np.random.Generator) -> str:
    verb = str(rng.choice(VERBS))
    return f"the {rng.choice(SUBJECTS)} {verb} {rng.choice(SAID[verb])}"


def tokenizer():
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", *SUBJECTS, *VERBS, *GOOD, *BAD, "s", "##s", "##ly"]
    made = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, mask_token="[MASK]", **names)


@cache
def masked_lm():
    """Return the model and its tokenizer: after training it knows which adjectives go with a verb."""
    reads, rng = tokenizer(), np.random.default_rng(0)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.1}
    config = transformers.BertConfig(
        vocab_size=len(reads), max_position_embeddings=24, pad_token_id=0, **shape, **still
    )
    network = transformers.BertForMaskedLM(config)
    optimiser = torch.optim.Adam(network.parameters(), lr=4e-3)
    for _ in range(90):
        ids = reads([sentence(rng) for _ in range(32)], return_tensors="pt")["input_ids"]
        hidden = torch.tensor(rng.random(ids.shape) < 0.3) & (ids > 4)
        labels = torch.where(hidden, ids, torch.tensor(-100))
        network(input_ids=ids.masked_fill(hidden, 4), labels=labels).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return network.eval(), reads
