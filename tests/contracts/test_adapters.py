"""Promises of Model, for an example of every adapter: shape, identity, digests, batches, order."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from probes import Model, as_model
from probes.model import Generator
from probes.models.adapt import ADAPTERS
from tests.helpers.vit_processor import vit_processor

TEXTS = ["not bad at all", "a good film", "the film was so bad", "good", "not a good film at all"]


def classifier() -> tuple[Any, list[str]]:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    networks = importlib.import_module("tests.helpers.tiny_pair_lm")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    config = transformers.BertConfig(vocab_size=42, max_position_embeddings=32, num_labels=3, **shape)
    network = transformers.BertForSequenceClassification(config).eval()
    tokenizer = networks.tiny().tokenizer
    tokenizer.pad_token = "</s>"
    return transformers.TextClassificationPipeline(model=network, tokenizer=tokenizer), ["w1 w2", "w3", "w4 w5 w6 w1"]


def causal_lm() -> tuple[Any, list[str]]:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model = importlib.import_module("tests.helpers.tiny_pair_lm").tiny()
    pipeline = transformers.TextGenerationPipeline(model=model.module, tokenizer=model.tokenizer)
    return pipeline, ["w1 w2 w3", "w1 w2", "w4", "w1 w2 w5 w6"]


def image_classifier() -> tuple[Any, Any]:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.ViTConfig(image_size=16, patch_size=8, num_labels=3, **shape)
    network = transformers.ViTForImageClassification(config).eval()
    processor = vit_processor(16)
    images = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    pipeline = transformers.ImageClassificationPipeline(model=network, image_processor=processor)
    return pipeline, [Image.fromarray(image) for image in images]


def with_tokenizer() -> tuple[Any, list[str]]:
    pipeline, texts = classifier()
    return (pipeline.model, pipeline.tokenizer), texts


def folder() -> tuple[Any, list[str]]:
    pytest.importorskip("transformers")
    texts = ["The plot is good", "not very good", "The actors", "when did the museum open ?"]
    return Path(__file__).parent.parent / "golden" / "1" / "classifier", texts


def text_network(kind: str) -> tuple[Any, list[Any]]:
    """A small network of a kind with its tokenizer, and texts or pairs for it."""
    pytest.importorskip("torch"), pytest.importorskip("transformers")
    made = importlib.import_module("tests.helpers.tiny_text_networks")
    tokenizer, texts = made.tokenizer(), ["anna met bob in rome", "it is free", "the museum opened", "a man"]
    pairs = [("when did it open", "the museum opened in paris"), ("a man", "a man in rome"), ("when", "it is free")]
    return {
        "seq2seq": lambda: (in_folder(made.t5(), made.target_tokenizer()), texts),
        "question_answering": lambda: (in_folder(made.bert("ForQuestionAnswering"), tokenizer), pairs),
        "masked_lm": lambda: (
            transformers().FillMaskPipeline(model=made.bert("ForMaskedLM"), tokenizer=tokenizer),
            [f"{text} [MASK]" for text in texts],
        ),
        "token_classifier": lambda: (
            transformers().TokenClassificationPipeline(model=made.namer(), tokenizer=tokenizer),
            texts,
        ),
        "zero_shot": lambda: (
            transformers().ZeroShotClassificationPipeline(
                model=made.entailment(), tokenizer=tokenizer, candidate_labels=["house", "free"]
            ),
            texts,
        ),
        "similarity": lambda: (
            importlib.import_module("probes.models.huggingface.encoder").Encoder(made.bert("Model"), tokenizer),
            pairs,
        ),
    }[kind]()


def transformers() -> Any:
    return importlib.import_module("transformers")


def in_folder(network: Any, tokenizer: Any) -> Any:
    """The network, with its tokenizer beside its weights in a folder."""
    folder = tempfile.mkdtemp()
    network.save_pretrained(folder), tokenizer.save_pretrained(folder)
    return type(network).from_pretrained(folder)


class Reranker:
    """What rerankers offer: ``predict`` of pairs, and ``rank``."""

    def predict(self, pairs: Any, show_progress_bar: bool = True) -> Any:
        return np.array([len(set(a.split()) & set(b.split())) for a, b in pairs], dtype=float)

    def rank(self, query: str, passages: list[str]) -> Any:
        return np.argsort(-self.predict([(query, passage) for passage in passages]))


def cross_encoder() -> tuple[Any, list[Any]]:
    return Reranker(), [("a b", "b c"), ("a", "b"), ("a b c", "c b a")]


def estimator() -> tuple[Any, Any]:
    X, y = load_iris(return_X_y=True, as_frame=True)
    return LogisticRegression(max_iter=500).fit(X, y), X.iloc[[0, 60, 120, 3, 149]]


class Booster:
    """What boosters offer: ``predict``, and a text that fixes it."""

    def predict(self, data: Any) -> Any:
        return np.asarray(data)[:, :2].sum(axis=1)

    def model_to_string(self) -> str:
        return "the sum of two columns"


def predictors() -> tuple[Any, Any]:
    return Booster(), load_iris(return_X_y=True, as_frame=True)[0].iloc[[0, 60, 120, 3, 149]]


def torch_module() -> tuple[Any, Any]:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    rows = load_iris(return_X_y=True, as_frame=True)[0].iloc[[0, 60, 120, 3, 149]]
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)), rows


class Results:
    """What results of statsmodels offer: the history is replaced, then continued."""

    def __init__(self, history: Any = ()):
        self.history = history

    def apply(self, history: Any) -> Results:
        return Results(history)

    def forecast(self, steps: int) -> Any:
        return np.repeat(np.mean(self.history), steps)


def forecasters() -> tuple[Any, Any]:
    return Results(), np.arange(20.0).reshape(4, 5)


def functions() -> tuple[Any, list[str]]:
    return (lambda texts: [[len(text), text.count("o")] for text in texts]), TEXTS


#: an example of what each adapter adopts, and inputs for it
EXAMPLES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "probes.models.estimator": estimator,
    "probes.models.huggingface.classifier": classifier,
    "probes.models.huggingface.causal_lm": causal_lm,
    "probes.models.huggingface.image_classifier": image_classifier,
    "probes.models.huggingface.with_tokenizer": with_tokenizer,
    "probes.models.huggingface.folder": folder,
    **{
        f"probes.models.huggingface.{kind}": partial(text_network, kind)
        for kind in ("seq2seq", "question_answering", "masked_lm", "token_classifier", "zero_shot", "similarity")
    },
    "probes.models.cross_encoder": cross_encoder,
    "probes.models.predictors": predictors,
    "probes.models.torch_module": torch_module,
    "probes.models.forecasters": forecasters,
    "probes.models.functions": functions,
}
NAMES = [adapter.__name__ for adapter in ADAPTERS]
#: adapters that compute something beside the user's object, so that first contact must compare the two
COMPARED = {"probes.models.estimator", *(name for name in EXAMPLES if name.startswith("probes.models.huggingface."))}


def test_every_adapter_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(NAMES), "EXAMPLES of this file needs one example of every adapter"


def test_adapters_are_tried_in_this_order() -> None:
    kept = ["estimator", "classifier", "causal_lm", "predictors", "functions"]
    assert [name.rpartition(".")[2] for name in NAMES if name.rpartition(".")[2] in kept] == kept
    assert NAMES[-1] == "probes.models.functions"


def answer_of(name: str) -> str:
    """An answer that the vocabulary of an example holds."""
    return "w7 w8" if name.endswith(("causal_lm", "folder", "with_tokenizer")) else "paris"


def rows(inputs: Any, where: Any) -> Any:
    return inputs.iloc[where] if hasattr(inputs, "iloc") else [inputs[i] for i in where]


@pytest.fixture(params=EXAMPLES, scope="module")
def example(request: pytest.FixtureRequest) -> tuple[str, Model, Any]:
    made, inputs = EXAMPLES[request.param]()
    adopted = as_model(made, "example")
    if isinstance(adopted, Generator):
        adopted = adopted.scoring(answer_of(request.param), inputs[0])
    return request.param, adopted, inputs


def test_its_own_adapter_adopts_it(example: tuple[str, Model, Any]) -> None:
    name, _, _ = example
    made, _ = EXAMPLES[name]()
    first = next(adapter for adapter in ADAPTERS if adapter.adopt(made, None, True) is not None)
    assert first.__name__ == name


def test_answers_are_one_finite_row_an_input(example: tuple[str, Model, Any]) -> None:
    _, model, inputs = example
    answers = np.asarray(model(inputs), dtype=float)
    assert answers.ndim == 2 and len(answers) == len(inputs) and np.isfinite(answers).all()
    assert model.outputs is None or len(model.outputs) == answers.shape[1]


def test_the_identity_does_not_change_by_answering(example: tuple[str, Model, Any]) -> None:
    _, model, inputs = example
    before = model.identity()
    model(inputs)
    assert model.identity() == before and before.persistent and before.id


def test_two_adoptions_of_one_map_have_one_identity(example: tuple[str, Model, Any]) -> None:
    name, model, inputs = example
    again = as_model(EXAMPLES[name]()[0], "example")
    other = again.scoring(answer_of(name), inputs[0]) if isinstance(again, Generator) else again
    assert other.identity() == model.identity()


def test_digests_tell_inputs_apart_whatever_stands_beside_them(example: tuple[str, Model, Any]) -> None:
    _, model, inputs = example
    digests = model.digests(inputs)
    assert len(set(digests)) == len(inputs) and {len(digest) for digest in digests} == {32}
    assert [model.digests(rows(inputs, [i]))[0] for i in range(len(inputs))] == digests


def test_a_batch_is_answered_as_its_inputs_are_one_by_one(example: tuple[str, Model, Any]) -> None:
    _, model, inputs = example
    alone = np.vstack([model(rows(inputs, [i])) for i in range(len(inputs))])
    np.testing.assert_allclose(model(inputs), alone, rtol=1e-4, atol=1e-5)


def test_each_input_is_answered_as_the_object_itself_answers_it(example: tuple[str, Model, Any]) -> None:
    name, model, inputs = example
    direct = model.direct()
    assert direct is not None or name not in COMPARED
    if direct is not None:
        shown = np.vstack([np.asarray(direct(rows(inputs, [i]))) for i in range(len(inputs))])
        np.testing.assert_allclose(model.as_direct(np.asarray(model(inputs))), shown, rtol=1e-4, atol=1e-5)


def test_answers_follow_their_inputs_in_any_order(example: tuple[str, Model, Any]) -> None:
    _, model, inputs = example
    order = np.asarray(model.order(inputs))
    assert sorted(order.tolist()) == list(range(len(inputs)))
    np.testing.assert_allclose(model(rows(inputs, order)), np.asarray(model(inputs))[order], rtol=1e-4, atol=1e-5)
    assert len(model.sizes(inputs)) == len(inputs)


def test_answers_that_come_one_after_the_other_cover_every_input_once(example: tuple[str, Model, Any]) -> None:
    _, model, inputs = example
    at_once = np.asarray(model(inputs))
    seen: list[int] = []
    for where, values in model.answers(inputs):
        np.testing.assert_allclose(np.asarray(values), at_once[where], rtol=1e-4, atol=1e-5)
        seen += np.asarray(where).tolist()
    assert sorted(seen) == list(range(len(inputs)))
