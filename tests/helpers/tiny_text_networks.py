"""Small networks of every head over one vocabulary of words, made in memory, with a tokenizer that joins pairs."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors  # noqa: E402

_SENTENCES = (
    "a man sleeps in the old house nobody rests near the river the museum opened in paris anna met bob in rome "
    "it is free and warm when did it open"
)
WORDS = sorted(set(_SENTENCES.split()))
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}


@cache
def tokenizer() -> Any:
    """WordPiece with the words of a few sentences; others fall into letters."""
    specials, letters = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "abcdefghijklmnopqrstuvwxyz"
    pieces = [*specials, *letters, *(f"##{letter}" for letter in letters), *WORDS]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, mask_token="[MASK]", model_max_length=48, **names
    )
    fast.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return fast


def bert(head: str = "ForSequenceClassification", seed: int = 0, **changes: Any) -> Any:
    """A BERT with random weights and this head."""
    torch.manual_seed(seed)
    settings = {"vocab_size": len(tokenizer()), "max_position_embeddings": 64, "initializer_range": 0.5, **SHAPE}
    config = transformers.BertConfig(**{**settings, **changes})
    return getattr(transformers, f"Bert{head}")(config).eval()


def entailment(seed: int = 0) -> Any:
    """A classifier of pairs with the labels of entailment."""
    network = bert(seed=seed, num_labels=3)
    network.config.id2label = {0: "contradiction", 1: "neutral", 2: "entailment"}
    network.config.label2id = {"contradiction": 0, "neutral": 1, "entailment": 2}
    return network


def namer(seed: int = 0) -> Any:
    """A token classifier of persons and places."""
    network = bert("ForTokenClassification", seed, num_labels=5)
    network.config.id2label = dict(enumerate(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]))
    return network


@cache
def target_tokenizer() -> Any:
    """Words with an end of sequence, as T5 has it."""
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def t5(seed: int = 0) -> Any:
    """A T5 with random weights."""
    torch.manual_seed(seed)
    config = transformers.T5Config(
        vocab_size=len(target_tokenizer()),
        d_model=32,
        d_kv=16,
        d_ff=48,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
        dropout_rate=0.0,
        initializer_factor=3.0,
        tie_word_embeddings=False,
    )
    return transformers.T5ForConditionalGeneration(config).eval()


def bart(seed: int = 0, forced: int | None = 2) -> Any:
    """A BART with random weights, whose answers begin with the token that begins texts."""
    torch.manual_seed(seed)
    shape = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2}
    shape |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
    settings = {"vocab_size": len(tokenizer()), "max_position_embeddings": 64, "init_std": 0.5, **shape}
    ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3}
    network = transformers.BartForConditionalGeneration(transformers.BartConfig(**{**settings, **ids})).eval()
    network.generation_config.forced_eos_token_id = None
    network.generation_config.forced_bos_token_id = forced
    return network
