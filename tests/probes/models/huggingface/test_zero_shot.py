"""ZeroShot: labels of the user's, scored as the zero-shot pipeline scores them."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from scipy.special import expit, softmax  # noqa: E402

from probes import Above, InputError, TextProbe, as_model  # noqa: E402
from probes.models.huggingface.zero_shot import ZeroShot  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.helpers.tiny_text_networks import bert, entailment, tokenizer  # noqa: E402

TEXTS = ["anna met bob in rome", "it is free", "nobody rests near the river in the old house"]
LABELS = ["house", "river", "free"]


def pipeline(**settings):
    return transformers.ZeroShotClassificationPipeline(model=entailment(), tokenizer=tokenizer(), **settings)


def shown(labels, **settings):
    """The scores that the user's own calls give, in the order of the labels."""
    rows = [pipeline()(text, labels, **settings) for text in TEXTS]
    return np.array([[dict(zip(r["labels"], r["scores"], strict=True))[label] for label in labels] for r in rows])


@pytest.mark.parametrize("template", ["This example is {}.", "it is about {}"])
def test_labels_of_which_one_holds_have_the_pipelines_scores(template):
    model = as_model(pipeline(candidate_labels=LABELS, hypothesis_template=template))
    expected = shown(LABELS, hypothesis_template=template)
    np.testing.assert_allclose(softmax(model(TEXTS), axis=1), expected, atol=1e-5)
    assert (model.outputs, model.unit) == (tuple(LABELS), "logit")


@pytest.mark.parametrize("labels", [LABELS, ["house"]])
def test_labels_that_may_all_hold_have_the_pipelines_scores(labels):
    model = as_model(pipeline(candidate_labels=labels, multi_label=True))
    np.testing.assert_allclose(expit(model(TEXTS)), shown(labels, multi_label=True), atol=1e-5)


def test_labels_may_be_given_with_the_pipeline():
    np.testing.assert_allclose(
        ZeroShot(pipeline(), LABELS)(TEXTS), as_model(pipeline(candidate_labels=LABELS))(TEXTS), atol=1e-6
    )


def test_the_default_target_is_the_label_that_the_pipeline_puts_first():
    ex = explain(pipeline(candidate_labels=LABELS), "it is free", store=None)
    assert ex.target.outputs == (pipeline()("it is free", LABELS)["labels"][0],)


def test_all_labels_above_a_threshold_are_explained_together():
    scores = shown(LABELS, multi_label=True)[1]
    least = float(np.median(scores))
    ex = explain(pipeline(candidate_labels=LABELS, multi_label=True), "it is free", target=Above(least), store=None)
    assert ex.target.outputs == tuple(np.array(LABELS)[scores > least])


def test_each_question_pays_for_a_pair_a_label():
    model = ZeroShot(pipeline(), LABELS)
    pairs = [len(tokenizer()(TEXTS[0], f"This example is {label}.")["input_ids"]) for label in LABELS]
    assert model.sizes(TEXTS[:1]).tolist() == [sum(pairs)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: as_model(pipeline()), r"^model must be a zero-shot pipeline made with candidate_labels"),
        (lambda: ZeroShot(pipeline(), "house"), r"^labels must be a list of texts"),
        (lambda: ZeroShot(pipeline(), []), r"^labels must be a list of texts"),
        (lambda: ZeroShot(pipeline(), ["a", "a"]), r"^labels must differ"),
        (lambda: ZeroShot(pipeline(), LABELS, "no place"), r"^template must hold {}"),
        (lambda: ZeroShot((bert(num_labels=3), tokenizer()), LABELS), r"^model must be a classifier of entailment"),
        (lambda: ZeroShot(lambda pairs: pairs, LABELS), r"^model must be a classifier of entailment"),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_identities_hold_the_labels_and_the_template():
    made = [ZeroShot(pipeline(), LABELS), ZeroShot(pipeline(), LABELS[:2]), ZeroShot(pipeline(), LABELS, "is it {}?")]
    assert len({model.identity().id for model in made}) == 3
    probe = TextProbe("it is free")
    assert len(set(made[0].digests(probe.render(np.eye(3))))) == 3
