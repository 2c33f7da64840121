"""A folder, or a network with its tokenizer, as a model."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import CausalLM, InputError, TextClassifier, as_model  # noqa: E402
from surrogates import explain, explain_many  # noqa: E402
from tests.helpers.tiny_causal_lm import llama  # noqa: E402

GOLDEN = Path(__file__).parents[3] / "golden" / "1"
CLASSIFIER, LM = GOLDEN / "classifier", GOLDEN / "lm"
TEXTS = ["The plot is good", "not very good but the actors"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def copied(tmp_path):
    """Copies a folder, to be changed."""

    def copy(folder, without=(), **settings):
        for file in folder.iterdir():
            if file.name not in without:
                (tmp_path / file.name).write_bytes(file.read_bytes())
        config = tmp_path / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), **settings}))
        return tmp_path

    return copy


@pytest.mark.parametrize("form", [str, Path])
def test_a_folder_is_the_classifier_in_it(form):
    model = as_model(form(CLASSIFIER))
    assert isinstance(model, TextClassifier)
    np.testing.assert_allclose(model(TEXTS), TextClassifier.from_pretrained(CLASSIFIER)(TEXTS), atol=1e-6)
    assert as_model(form(CLASSIFIER), "mine").identity().id == "classifier:mine"


def test_a_folder_is_the_language_model_in_it():
    model = as_model(str(LM))
    assert isinstance(model, CausalLM)
    assert model.identity() == CausalLM.from_pretrained(LM).identity()
    assert as_model(LM, "mine").identity().id == "lm:mine"


def test_a_folder_is_explained_as_what_it_holds():
    loaded, text = TextClassifier.from_pretrained(CLASSIFIER), TEXTS[0]
    found = [explain(model, text, store=None, progress=False) for model in (loaded, str(CLASSIFIER))]
    assert found[0].answers.model == found[1].answers.model
    [many] = explain_many(CLASSIFIER, [text], store=None, progress=False)
    np.testing.assert_allclose(many.y, found[0].y, atol=1e-6)
    assert explain(LM, "the museum", answer=" Paris", store=None, progress=False).answer == " Paris"


def test_a_network_with_its_tokenizer_is_a_model(tokenizer, network):
    model = as_model((network, tokenizer), "pair")
    assert isinstance(model, CausalLM) and model.tokenizer is tokenizer and model.name == "pair"
    loaded = TextClassifier.from_pretrained(CLASSIFIER)
    pair = (loaded.module, loaded.tokenizer)
    assert as_model(pair).identity() == loaded.identity()
    found = [explain(model, TEXTS[0], store=None, progress=False).y for model in (loaded, pair)]
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
    [many] = explain_many(pair, TEXTS[:1], store=None, progress=False)
    np.testing.assert_allclose(many.y, found[0], atol=1e-6)


def test_a_pair_in_the_wrong_order_is_refused(tokenizer, network):
    for pair in ((tokenizer, network), (network, None), (network, "tokenizer"), (tokenizer, tokenizer)):
        with pytest.raises(InputError, match=r"^model must be \(model, tokenizer\), in this order"):
            as_model(pair)


def test_a_network_of_another_kind_with_its_tokenizer_names_the_way_out(tokenizer):
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    encoder = transformers.BertModel(transformers.BertConfig(vocab_size=40, **shape))
    with pytest.raises(InputError, match=r"^model must have a head .* BertModel has none. similarity"):
        as_model((encoder, tokenizer))


def test_a_name_is_never_looked_up():
    for name in ("gpt2", "./no-folder", Path("no-folder")):
        with pytest.raises(InputError, match=r"^model must .*there is no such folder, and no name is looked up"):
            as_model(name)
        with pytest.raises(InputError, match=r"^model must .*there is no such folder"):
            explain(name, "one two three", store=None)


def test_weights_in_a_pickle_are_not_read(copied):
    folder = copied(CLASSIFIER, without=["model.safetensors"])
    torch.save({"a": torch.zeros(1)}, folder / "pytorch_model.bin")
    with pytest.raises(
        InputError, match=r"^model must be a folder or file with a model that can be loaded \(.*safetensors"
    ):
        as_model(folder)


def test_damaged_files_are_one_error(copied, tmp_path):
    folder = copied(CLASSIFIER)
    for name in ("model.safetensors", "tokenizer.json"):
        before = (folder / name).read_bytes()
        for content in (before[:500], b"", b"\x00" * 64):
            (folder / name).write_bytes(content)
            with pytest.raises(InputError, match=r"^model must be a folder or file with a model that can be loaded"):
                as_model(folder)
        (folder / name).write_bytes(before)
    (tmp_path / "lm.gguf").write_bytes(b"no such thing")
    with pytest.raises(InputError, match=r"^model must be a folder or file with a model that can be loaded"):
        as_model(tmp_path / "lm.gguf")


@pytest.mark.parametrize("kind", ["BertForSequenceClassification", "Mine"])
def test_code_in_a_folder_is_not_run(copied, kind):
    mapped = {f"Auto{what}": f"code.{kind}" for what in ("Config", "ModelForSequenceClassification", "Tokenizer")}
    folder = copied(CLASSIFIER, auto_map=mapped, architectures=[kind])
    (folder / "code.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    settings = folder / "tokenizer_config.json"
    settings.write_text(
        json.dumps({**json.loads(settings.read_text()), "auto_map": {"AutoTokenizer": ["code.T", None]}})
    )
    try:
        as_model(folder)
    except InputError as error:
        assert kind == "Mine" or "trust_remote_code" in str(error)
    else:
        assert kind != "Mine"
    assert not (folder / "ran").exists()


def test_a_folder_of_something_else_says_what_it_holds(copied, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(
        InputError, match=r"^model must be a folder with a model of transformers, which has a config.json"
    ):
        as_model(empty)
    folder = copied(CLASSIFIER, architectures=["BertForPreTraining"])
    with pytest.raises(InputError, match=r"^model must hold a sequence classifier, .*BertForPreTraining"):
        as_model(folder)
    for text in ("[" * 200_000, "[]", '{"a": ' * 100_000, "\udcff"):
        (folder / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(InputError, match=r"^model must be a folder with a model of transformers"):
            as_model(folder)


@pytest.mark.parametrize(
    "named",
    [
        {"attn_implementation": "somebody/kernel"},
        {"_attn_implementation": {"": "somebody/kernel"}},
        {"text_config": {"experts_implementation": "somebody/kernel@main:f"}},
    ],
)
def test_code_of_a_hub_that_a_configuration_names_is_not_fetched(copied, named):
    folder = copied(CLASSIFIER, **named)
    with pytest.raises(InputError, match=r"^model must be a folder whose config.json names no code of a hub"):
        as_model(folder)
    with pytest.raises(InputError, match=r"^path must be a folder whose config.json names no code of a hub"):
        TextClassifier.from_pretrained(folder)


@pytest.mark.parametrize(("kind", "folder"), [(TextClassifier, LM), (CausalLM, CLASSIFIER)])
def test_a_head_that_is_not_there_is_not_made_up(kind, folder):
    with pytest.raises(InputError, match=r"^path must hold all weights of a \w+, also "):
        kind.from_pretrained(folder)


def test_weights_that_are_tied_are_all_there(tmp_path, tokenizer):
    network = llama(len(tokenizer), tie_word_embeddings=True)
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = as_model(tmp_path)
    ids = torch.tensor([[3, 4, 5]])
    torch.testing.assert_close(loaded.module(ids).logits, network(ids).logits)


def test_a_classifier_reads_no_chat():
    chat = [{"role": "system", "content": "The plot"}, {"role": "user", "content": "is not very good"}]
    with pytest.raises(
        InputError, match=r"^text must be a text or a pair of texts: this model reads neither chats nor rows"
    ):
        explain(CLASSIFIER, chat, store=None)
