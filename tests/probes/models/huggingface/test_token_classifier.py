"""TokenClassifier: the probability of each type of entity, of a text and of one word."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import InputError, PairProbe, as_model  # noqa: E402
from surrogates import explain, explain_many  # noqa: E402
from tests.helpers.tiny_text_networks import namer, tokenizer  # noqa: E402

TEXTS = ["anna met bob in rome", "it is free", "bob", ""]


def pipeline(**settings):
    return transformers.TokenClassificationPipeline(model=namer(), tokenizer=tokenizer(), **settings)


def shares(text, word=None):
    """Probabilities of O, PER and LOC for each word of a text, by the network itself."""
    encoded = tokenizer()(text, return_tensors="pt")
    with torch.inference_mode():
        p = namer()(**encoded).logits[0].double().softmax(-1).numpy()[1:-1]
    return np.column_stack([p[:, 0], p[:, 1] + p[:, 2], p[:, 3] + p[:, 4]])


def test_of_a_text_each_type_has_its_surest_word():
    p = shares(TEXTS[0])
    expected = [p[:, 0].min(), p[:, 1].max(), p[:, 2].max()]
    model = as_model(pipeline())
    assert model.outputs == ("O", "PER", "LOC")
    np.testing.assert_allclose(model(TEXTS)[0], expected, rtol=1e-4)


def test_of_one_word_the_types_are_its_own():
    np.testing.assert_allclose(as_model(pipeline()).at("bob")(TEXTS)[0], shares(TEXTS[0])[2], rtol=1e-4)


def test_where_the_word_is_not_there_is_no_entity():
    np.testing.assert_allclose(as_model(pipeline()).at("bob")([TEXTS[1], "bobby", ""]), [[1, 0, 0]] * 3)


def test_the_surest_label_is_the_one_that_the_pipeline_shows():
    [first, *_] = pipeline(aggregation_strategy="simple", ignore_labels=[])(TEXTS[2])
    model = as_model(pipeline()).at("bob")
    best = model.outputs[int(np.argmax(model(TEXTS[2:3])[0]))]
    assert best == first["entity_group"]


def test_one_entity_is_explained_by_the_words_around_it():
    ex = explain(as_model(pipeline()).at("bob"), TEXTS[0], target="LOC", store=None)
    np.testing.assert_allclose(ex.answers.y.sum(axis=1), 1, atol=1e-6)
    assert ex.target.outputs == ("LOC",) and len(ex.features) == 5


def test_words_have_identities_of_their_own_and_one_first_contact():
    model = as_model(pipeline())
    one, other = model.at("bob"), model.at("anna")
    assert len({m.identity().id for m in (model, one, other)}) == 3
    assert one.met_as(one.identity()) == other.met_as(other.identity())
    assert model.word is None


@pytest.mark.parametrize("text", ["it is free in town", "bobby met anna"])
def test_a_word_that_the_text_lacks_is_refused_before_the_network_is_asked(text):
    model = as_model(pipeline()).at("bob")
    calls = []
    hook = model.module.register_forward_hook(lambda *_: calls.append(1))
    with pytest.raises(InputError, match="look at a word that the text holds by itself, not at 'bob'"):
        explain(model, text, store=None)
    hook.remove()
    assert not calls


def test_of_many_texts_those_without_the_word_are_failures():
    found = explain_many(as_model(pipeline()).at("bob"), [TEXTS[0], "it is free in town"], store=None)
    assert [failure.index for failure in found.failures] == [1]


@pytest.mark.parametrize("word", ["", "  ", None, 3])
def test_a_word_is_a_text(word):
    with pytest.raises(InputError, match=r"^word must be a text"):
        as_model(pipeline()).at(word)


def test_pairs_are_refused():
    with pytest.raises(InputError, match="a token classifier reads neither pairs nor chats"):
        explain(pipeline(), PairProbe("anna met", "bob"), store=None)


def test_a_pipeline_that_cuts_texts_into_pieces_is_refused():
    with pytest.raises(InputError, match="that reads a text in one piece"):
        as_model(pipeline(aggregation_strategy="simple", stride=4))
