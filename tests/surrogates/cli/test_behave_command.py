"""The command that writes a card of a small language model."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.command import iomap

SMALL = """
import torch, transformers
from tokenizers import Tokenizer, models, pre_tokenizers, decoders
from probes import CausalLM
alphabet = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
inner = Tokenizer(models.BPE(alphabet, []))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner)
torch.manual_seed(0)
config = transformers.LlamaConfig(vocab_size=len(alphabet), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                                  num_attention_heads=2, num_key_value_heads=2, bos_token_id=None, eos_token_id=None)
small = CausalLM(transformers.LlamaForCausalLM(config), tokenizer)
"""


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_the_command_writes_a_card():
    Path("small.py").write_text(SMALL)
    done = iomap("behave", "small:small", "--probes", "greater-than", "-o", "card.html", "--json", "card.json")
    assert done.returncode == 0, done.stderr
    assert "Numeric comparison" in done.stdout
    assert json.loads(Path("card.json").read_text())["kind"] == "card"
    both = iomap("behave", "small:small", "--probes", "greater-than", "--against", "card.json", "-o", "b.html", "-q")
    assert both.returncode == 0, both.stderr
    assert "Side by side" in Path("b.html").read_text()
    again = iomap("report", "card.json", "-o", "again.html")
    assert again.returncode == 0, again.stderr
    assert "Numeric comparison" in Path("again.html").read_text()
    for more in (["--probes", "pronoun", "-o", "x.html"], ["--probes", "greater-than"]):
        useless = iomap("behave", "small:small", *more, "--against", "card.json")
        assert useless.returncode == 2
        assert "--against must" in useless.stderr
    Path("writer.py").write_text("def answer(prompt):\n    return 'In 1969.'\n")
    unnamed = iomap("behave", "writer:answer", "--probes", "greater-than")
    assert unnamed.returncode == 2 and "TextFunction(f) is for a function f from a prompt to a text" in unnamed.stderr
    bad = iomap("behave", "small:small", "--probes", "greater")
    assert bad.returncode == 2
    assert "behaviour must be one of" in bad.stderr


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_a_folder_that_holds_a_classifier_is_tested_by_what_its_classes_answer():
    from tests.helpers.tiny_text_networks import bert, tokenizer

    bert(num_labels=2).save_pretrained("c")
    tokenizer().save_pretrained("c")
    done = iomap("behave", "c", "--probes", "facts", "--store", "none")
    assert done.returncode == 2 and "a text classifier answers with its classes" in done.stderr
