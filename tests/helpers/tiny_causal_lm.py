"""Language models of a few thousand weights, made in memory."""

from probes import CausalLM
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

WORDS = [
    "the",
    "museum",
    "opened",
    "in",
    "1969",
    "it",
    "rained",
    "entry",
    "is",
    "free",
    "when",
    "did",
    "question",
    "context",
    "paris",
    "of",
    "france",
    "capital",
    "a",
    "b",
    "c",
]


PROMPTS = [
    "the museum opened in 1969",
    "the museum opened in paris it rained",
    "the",
    "it rained it rained it rained it rained it rained it rained entry is free",
    "the museum",
    "capital of france is",
]


CHAT = (
    "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def word_tokenizer(template=CHAT):
    specials = ["<unk>", "<pad>", "</s>", "<user>", "<system>", "<assistant>"]
    vocabulary = {word: i for i, word in enumerate([*specials, *dict.fromkeys(WORDS), ":", "?", "."])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="</s>",
        extra_special_tokens=["<user>", "<system>", "<assistant>"],
    )
    made.chat_template = template
    return made


def byte_tokenizer():
    alphabet = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(alphabet, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["</s>"])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>")


def llama(vocabulary, seed=0, **changes):
    torch.manual_seed(seed)
    settings = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "initializer_range": 0.4,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**settings, **changes})).eval()


def gpt2(vocabulary):
    """GPT-2 of two layers, random weights."""
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=vocabulary, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.4, pad_token_id=1
    )
    return transformers.GPT2LMHeadModel(config).eval()


def lm_of(kind="llama", **options):
    """A language model of either kind, with the tokenizer of whole words."""
    tokenizer = word_tokenizer()
    return CausalLM((llama if kind == "llama" else gpt2)(len(tokenizer)), tokenizer, **options)
