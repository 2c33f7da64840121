"""A language model of forty words that scores pairs, made in memory."""

from __future__ import annotations

from probes import CausalLM
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

WORDS = [f"w{i}" for i in range(40)]


def tiny(kind="llama"):
    vocabulary = {word: i for i, word in enumerate(["<unk>", "</s>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
    torch.manual_seed(3)
    if kind == "gpt2":
        config = transformers.GPT2Config(vocab_size=len(vocabulary), n_positions=64, n_embd=16, n_layer=2, n_head=2)
        return CausalLM(transformers.GPT2LMHeadModel(config).eval(), made)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    shape |= {"vocab_size": len(vocabulary), "num_key_value_heads": 2, "initializer_range": 0.4}
    if kind == "mistral":
        config = transformers.MistralConfig(**shape, sliding_window=3)
        return CausalLM(transformers.MistralForCausalLM(config).eval(), made)
    config = transformers.LlamaConfig(**shape, max_position_embeddings=64)
    return CausalLM(transformers.LlamaForCausalLM(config).eval(), made)
