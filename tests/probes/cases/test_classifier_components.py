"""ComponentProbe on a text classifier: against the network ablated one question at a time."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Case, ComponentProbe, InputError, ablate, cube, screen
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.token_classifier import TokenClassifier
from surrogates import check, explain
from tests.helpers.when_used import when_used

when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_text_networks import bert, namer, tokenizer  # noqa: E402

CASES = [
    Case("a man sleeps", "LABEL_0", ("LABEL_1",)),
    Case("the museum opened in paris", "LABEL_2", ("LABEL_0", "LABEL_1")),
    Case("anna met bob in the old house near the river", "LABEL_1", ("LABEL_2",)),
]
NAMES = ["0.1", "1.0", "mlp.0", "bert.encoder.layer.1.attention"]


def model_of(**changes):
    return TextClassifier(bert(num_labels=3, **changes), tokenizer())


def by_hand(model, absent, by):
    """The mean difference of the target's logit and the highest foil's, each text alone."""
    names = list(dict.fromkeys([*absent, *NAMES])) if by == "resample" else absent
    network = ablate(model, names, by, reference=[c.prompt for c in CASES] if by != "zero" else ()) if absent else model
    numbers = []
    for case in CASES:
        logits = dict(zip(model.outputs, network([case.prompt])[0], strict=True))
        numbers.append(logits[case.target] - max(logits[foil] for foil in case.foils))
    return float(np.mean(numbers))


@pytest.mark.parametrize("by", ["mean", "zero"])
def test_every_row_is_the_network_ablated_by_itself(by):
    model = model_of()
    asked = ComponentProbe(CASES, NAMES, by).asked_of(model)
    Z = cube(4)
    truth = [by_hand(model, [n for n, on in zip(NAMES, z, strict=True) if not on], by) for z in Z]
    assert np.ptp(truth) > 0.1
    np.testing.assert_allclose(asked(Z)[:, 0], truth, atol=5e-4)
    asked.batch = 3
    np.testing.assert_allclose(asked(Z)[:, 0], truth, atol=5e-4)
    alone = [asked.direct()(Z[i : i + 1])[0, 0] for i in (0, 5, 15)]
    np.testing.assert_allclose(alone, np.take(truth, [0, 5, 15]), atol=5e-4)


def test_an_explanation_of_heads_and_feed_forward_parts_is_exact_and_checked():
    model = model_of()
    before, probe = model([CASES[0].prompt]), ComponentProbe(CASES, NAMES, "zero")
    ex = explain(model, probe, "interactions", store=None)
    truth = np.array([by_hand(model, [n for n, on in zip(NAMES, z, strict=True) if not on], "zero") for z in cube(4)])
    for row in ex.attributions.itertuples():
        on = cube(4)[:, NAMES.index(row.feature)] == 1
        assert row.attribution == pytest.approx(truth[on].mean() - truth[~on].mean(), abs=1e-3)
    assert ex.target.outputs == ("logit_difference",) and ex.target.unit == "nats a case"
    assert {f.name for f in check(ex, model, probe, store=None).checks} >= {"randomised", "removal"}
    np.testing.assert_array_equal(model([CASES[0].prompt]), before)  # exact: the base is as it was


def test_a_pipeline_is_asked_in_the_logits_of_its_network():
    pipeline = transformers.pipeline("text-classification", model=bert(num_labels=3), tokenizer=tokenizer())
    ex = explain(pipeline, ComponentProbe(CASES, NAMES, "zero"), store=None)
    assert ex.y[0, 0] == pytest.approx(by_hand(model_of(), [], "zero"), abs=1e-3)


def test_accuracy_is_the_share_of_cases_whose_class_is_decided_for():
    model, Z = model_of(), cube(2)
    asked = ComponentProbe(CASES, NAMES[:2], "zero", metric="exact_match").asked_of(model)
    for z, value in zip(Z, asked(Z)[:, 0], strict=True):
        absent = [n for n, on in zip(NAMES[:2], z, strict=True) if not on]
        network = ablate(model, absent) if absent else model
        right = [model.outputs[int(network([c.prompt])[0].argmax())] == c.target for c in CASES]
        assert value == pytest.approx(np.mean(right))


def test_screening_names_those_whose_ablation_alone_changes_most():
    model = model_of()
    alone = {n: abs(by_hand(model, [n], "zero") - by_hand(model, [], "zero")) for n in ("0.0", "0.1", "1.1", "mlp.1")}
    assert screen(model, CASES, 2, components=list(alone), by="zero") == sorted(alone, key=alone.get, reverse=True)[:2]
    assert len(screen(model, CASES)) == 6  # all there are


@pytest.mark.parametrize(
    ("model", "cases", "match"),
    [
        (
            model_of,
            [Case("a man", "LABEL_7", ("LABEL_0",))],
            "cases must have classes of the model as answers",
        ),
        (model_of, [Case("a man", "LABEL_0", ("LABEL_0",))], "foil must be no right answer"),
        (model_of, [Case("a man " * 30, "LABEL_1", ("LABEL_0",))], "text must fit the classifier's window"),
        (lambda: model_of(problem_type="multi_label_classification"), CASES, "model must have classes that exclude"),
        (lambda: TokenClassifier(namer(), tokenizer()), CASES, "model must be a causal language model .* or a text"),
    ],
    ids=["class", "foil", "long", "labels", "tokens"],
)
def test_what_no_class_answers_is_refused(model, cases, match):
    with pytest.raises(InputError, match=match):
        explain(model(), ComponentProbe(cases, NAMES, "zero"), store=None)
