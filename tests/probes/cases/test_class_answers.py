"""Cases answered by a text classifier: its classes as answers, against its logits by hand."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Case, InputError, Store, TemplateProbe, measure, steer
from probes.cases.measure import answerer
from probes.models.huggingface.classifier import TextClassifier
from surrogates import compare_cases, generalise
from tests.helpers.when_used import when_used

when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_text_networks import WORDS, bert, tokenizer  # noqa: E402

PROBE = TemplateProbe(
    {"in": "{who} sleeps in the {what}", "near": "{who} rests near the {what}", "the": "the {what} {who} opened"},
    {"what": ["house", "river", "museum"]},
    {name: {"who": name} for name in WORDS[:14]},
    target="LABEL_0",
    foils=["LABEL_2", "LABEL_1"],
)


def classifier(seed=0, **changes):
    return TextClassifier(bert(seed=seed, num_labels=3, **changes), tokenizer())


def logits_of(model, cases):
    return np.vstack([model([case.prompt]) for case in cases])


def by_hand(model, metric):
    z = logits_of(model, PROBE.cases)
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    p = np.exp(log_p)
    return {
        "exact_match": (z.argmax(axis=1) == 0) * 1.0,
        "log_prob": log_p[:, 0],
        "logit_difference": z[:, 0] - z[:, 1:].max(axis=1),
        "mass": p[:, 0],
    }[metric]


@pytest.mark.parametrize("metric", ["exact_match", "log_prob", "logit_difference", "mass"])
def test_every_metric_of_single_answers_is_that_of_the_logits(metric):
    model = classifier()
    measured = measure(model, PROBE, metric, store=Store())
    np.testing.assert_allclose(measured.frame["value"], by_hand(model, metric), atol=5e-4)
    assert measured.frame["value"].nunique() > 1


def test_a_pipeline_measures_as_its_network():
    pipeline = transformers.pipeline("text-classification", model=bert(num_labels=3), tokenizer=tokenizer())
    measured = measure(pipeline, PROBE, "log_prob", store=Store())
    np.testing.assert_allclose(measured.frame["value"], by_hand(classifier(), "log_prob"), atol=5e-4)


def test_the_mean_change_from_a_classifier_to_its_steered_self_is_that_of_its_logits():
    model = classifier()
    steered = steer(model, 1, np.random.default_rng(0).normal(size=32), 2.0)
    store = Store()
    d = compare_cases(model, steered, PROBE, store=store, find=False, controls=2)
    moved = by_hand(steered, "logit_difference") - by_hand(model, "logit_difference")
    assert len(d.arms) == 2  # with its random controls
    np.testing.assert_allclose(d.cases["change"], moved, atol=1e-3)
    right = [int(model([case.prompt]).argmax()) == 0 for case in PROBE.cases]
    assert d.cases["right_before"].astype(bool).tolist() == right


def test_statements_are_found_about_a_classifier_by_its_own_number():
    study = generalise(classifier(), PROBE, metric="log_prob", store=None)
    assert study.metric.unit == "nats"
    truth = dict(zip((case.case_id for case in PROBE.cases), by_hand(classifier(), "log_prob"), strict=True))
    np.testing.assert_allclose(study.frame["value"], [truth[i] for i in study.frame["case_id"]], atol=5e-4)


@pytest.mark.parametrize(
    ("model", "cases", "metric", "match"),
    [
        (classifier, [Case("a man", "good", ("LABEL_1",))], "log_prob", "cases must have classes of the model as"),
        (classifier, [Case("a man", "LABEL_0", (" LABEL_0",))], "log_prob", "foil must be no right answer"),
        (classifier, PROBE, "output", "metric must suit the model: output needs one that scores texts itself"),
        (classifier, PROBE, "gain", "metric must suit the model: gain needs answers scored without a prompt"),
        (
            lambda: classifier(problem_type="multi_label_classification"),
            PROBE,
            "log_prob",
            "metric must suit the model: log_prob needs one that .* with one right class",
        ),
        (classifier, [Case("a " * 60, "LABEL_0")], "log_prob", "text must fit the classifier's window"),
        (lambda: lambda texts: [0.0 for _ in texts], PROBE, "log_prob", "metric='output' takes the number that any"),
    ],
    ids=["class", "foil", "output", "gain", "labels", "long", "function"],
)
def test_what_means_nothing_is_refused_in_words(model, cases, metric, match):
    with pytest.raises(InputError, match=match):
        measure(model(), cases, metric, store=Store())


def test_answers_of_a_changed_classifier_are_kept_apart():
    model = classifier()
    made = [answerer(each).identity() for each in (model, steer(model, 0, np.ones(32)), classifier(seed=1))]
    assert len({identity.id for identity in made}) == 3 and all(identity.persistent for identity in made)
