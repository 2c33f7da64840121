"""Pipelines: the model explained is what the pipeline computes, with its own settings."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from scipy.special import expit, logit, softmax  # noqa: E402

from probes import InputError, TextClassifier, TextProbe, as_model  # noqa: E402
from probes.outputs.target import resolve  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.probes.models.huggingface.test_classifier import TEXTS, bert, word_tokenizer  # noqa: E402

LONG = "good film good film not bad at all so bad so bad the film was bad bad bad bad"


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer()


def made(network, tokenizer, **settings):
    return transformers.pipeline("text-classification", model=network, tokenizer=tokenizer, **settings)


def shown(pipeline, texts, labels):
    """The scores of every label, in the order of the labels, as the user's own call gives them, text by text."""
    rows = [{e["label"]: e["score"] for e in pipeline(text, top_k=None)} for text in texts]
    return np.array([[row[label] for label in labels] for row in rows])


def test_words_beyond_a_pipelines_cut_have_no_effect(tokenizer):
    network = bert()
    pipeline = made(network, tokenizer, truncation=True, max_length=6)
    model = as_model(pipeline)
    np.testing.assert_allclose(softmax(model([LONG]), axis=1), shown(pipeline, [LONG], model.outputs), atol=1e-5)
    probe = TextProbe(LONG, replacement="so")
    Z = np.random.default_rng(0).integers(0, 2, (8, len(probe.features)))
    Z[:, :4] = 1
    assert np.ptp(model(probe.render(Z)), axis=0).max() < 1e-5
    ex = explain(pipeline, probe, budget=64, store=None)
    assert ex.target.outputs == (pipeline(LONG)[0]["label"],)


def test_a_text_is_cut_where_the_tokenizer_ends_unless_a_pipeline_does_not_cut(tokenizer):
    text = " ".join(["good"] * 40)
    cutting = made(bert(), tokenizer, truncation=True)
    np.testing.assert_allclose(
        softmax(as_model(cutting)([text]), axis=1), shown(cutting, [text], as_model(cutting).outputs), atol=1e-5
    )
    assert as_model(cutting).sizes([text]) == [24]
    with pytest.raises(InputError, match="fit the classifier's window of 24 tokens"):
        as_model(made(bert(), tokenizer)).sizes([text])


@pytest.mark.parametrize("function", ["sigmoid", "softmax", "none"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"problem_type": "multi_label_classification"}, {"problem_type": "regression"}, {"num_labels": 1}],
    ids=["classes", "labels", "regression", "one output"],
)
def test_scores_are_those_of_the_function_that_a_pipeline_applies(tokenizer, function, changes):
    pipeline = made(bert(**changes), tokenizer, function_to_apply=function)
    model = as_model(pipeline)
    inverse = {"logit": lambda raw: softmax(raw, axis=1), "log-odds": expit}
    scores = inverse.get(model.unit, np.asarray)(model(TEXTS))
    np.testing.assert_allclose(scores, shown(pipeline, TEXTS, model.outputs), atol=1e-5)


def test_a_function_that_was_chosen_gives_its_own_scores_under_its_own_identity(tokenizer):
    network = bert()
    pipeline = made(network, tokenizer, function_to_apply="sigmoid")
    model, usual = as_model(pipeline), as_model(made(network, tokenizer))
    assert model.unit == "probability"
    np.testing.assert_allclose(model(TEXTS), shown(pipeline, TEXTS, model.outputs), atol=1e-5)
    assert model.identity().id != usual.identity().id
    assert as_model(pipeline, "v1").identity().id != as_model(made(network, tokenizer), "v1").identity().id


def test_the_function_that_is_usual_keeps_logits_and_stored_answers(tokenizer):
    network = bert()
    plain = TextClassifier(network, tokenizer)
    for settings in ({}, {"function_to_apply": "softmax"}, {"truncation": True}, {"top_k": None}, {"padding": True}):
        model = as_model(made(network, tokenizer, **settings))
        assert (model.unit, model.identity()) == ("logit", plain.identity())
        assert model.digests(TEXTS) == plain.digests(TEXTS)


@pytest.mark.parametrize("settings", [{"top_k": 1}, {"top_k": None}, {"top_k": 2}, {"padding": "longest"}])
def test_what_a_pipeline_shows_changes_nothing(tokenizer, settings):
    pipeline = made(bert(), tokenizer, **settings)
    model = as_model(pipeline)
    np.testing.assert_allclose(softmax(model(TEXTS), axis=1), shown(pipeline, TEXTS, model.outputs), atol=1e-5)


def test_the_target_is_the_label_that_a_pipeline_with_independent_labels_shows(tokenizer):
    pipeline = made(bert(problem_type="multi_label_classification"), tokenizer)
    model = as_model(pipeline)
    raw = model(TEXTS)
    target = resolve(None, model.outputs, model.unit, raw[0])
    best = pipeline(TEXTS[0])[0]
    assert (target.outputs[0], target.unit) == (best["label"], "log-odds")
    np.testing.assert_allclose(target(raw)[0, 0], logit(best["score"]), atol=1e-4)


def test_several_numbers_that_are_no_classes_are_explained_as_they_are(tokenizer):
    model = as_model(made(bert(problem_type="regression"), tokenizer))
    raw = model(TEXTS)
    target = resolve("neutral", model.outputs, model.unit, raw[0])
    np.testing.assert_allclose(target(raw)[:, 0], raw[:, 1], atol=1e-6)


def test_padding_to_a_fixed_length_is_what_the_pipeline_does(tokenizer):
    pipeline = made(bert(), tokenizer, padding="max_length", max_length=12, truncation=True)
    model = as_model(pipeline)
    np.testing.assert_allclose(model(TEXTS), shown(pipeline, TEXTS, model.outputs), atol=1e-5)


def test_a_pipeline_class_of_ones_own_is_asked_itself(tokenizer):
    class Shouting(transformers.TextClassificationPipeline):
        def preprocess(self, inputs, **options):
            return super().preprocess(f"{inputs} not bad", **options)

    pipeline = Shouting(model=bert(), tokenizer=tokenizer)
    model = as_model(pipeline)
    np.testing.assert_allclose(model(TEXTS), shown(pipeline, TEXTS, model.outputs), atol=1e-5)
    assert (model.unit, model.outputs) == ("probability", ("negative", "neutral", "positive"))
    assert not model.identity().persistent


def test_a_function_that_is_none_of_them_is_refused(tokenizer):
    with pytest.raises(InputError, match="function must be one of softmax, sigmoid, none"):
        TextClassifier(bert(), tokenizer, function="tanh")
