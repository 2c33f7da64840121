"""CrossEncoderModel: what an object's predict returns for pairs, as it is."""

from types import SimpleNamespace

import numpy as np
import pytest

from probes import InputError, ModelError, PairProbe, TextProbe, as_model
from surrogates import explain


class Reranker:
    """Scores a passage by the words that it shares with the query."""

    def predict(self, sentences, batch_size=32, show_progress_bar=None):
        assert show_progress_bar is False and all(isinstance(pair, list) for pair in sentences)
        return np.array([float(len(set(a.split()) & set(b.split()))) for a, b in sentences])

    def rank(self, query, documents):
        return []


class Three(Reranker):
    num_labels = 3

    config = SimpleNamespace(id2label={0: "contradiction", 1: "entailment", 2: "neutral"})

    def predict(self, sentences):
        return np.array([[len(a), len(b), 1.0] for a, b in sentences])


def test_a_plain_pair_is_a_query_and_a_passage():
    ex = explain(Reranker(), ("old house", "an old house here"), store=None)
    assert [b["title"] for b in ex.view["blocks"]] == ["query", "passage"]
    assert {"query: house", "passage: house"} <= set(ex.attributions["feature"].head(4))
    assert ex.answers.y[0, 0] == 2  # exact: words are counted


def test_several_outputs_have_their_labels():
    model = as_model(Three())
    assert model.outputs == ("contradiction", "entailment", "neutral")
    np.testing.assert_allclose(model([("ab", "c")]), [[2.0, 1.0, 1.0]])


def test_with_a_name_answers_are_kept_and_two_are_asked_again():
    assert as_model(Reranker(), "v1").identity() == as_model(Reranker(), "v1").identity()
    assert as_model(Reranker(), "v1").vouched and not as_model(Reranker()).identity().persistent


def test_a_text_is_refused():
    with pytest.raises(InputError, match=r"PairProbe\(query, passage\)"):
        explain(Reranker(), TextProbe("old house"), store=None)


def test_an_error_of_the_object_names_it():
    class Broken(Three):
        def predict(self, sentences):
            raise ValueError("no model")

    with pytest.raises(ModelError, match=r"Broken.predict raised ValueError: 'no model'"):
        explain(Broken(), PairProbe("a b", "c"), store=None)
