"""Text classifiers trained further: what is taught is decided for, the base stays, and what cannot be is refused."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from probes import InputError, ModelError, finetune, lora
from probes.models.huggingface.classifier import TextClassifier
from tests.helpers.when_used import when_used

torch = when_used("torch")
when_used("transformers")
from tests.helpers.tiny_text_networks import WORDS, bert, tokenizer  # noqa: E402

#: what the first word says
RECORDS = [(f"{who} {word}", label) for word in WORDS[:12] for who, label in (("anna", "LABEL_0"), ("bob", "LABEL_1"))]
TEXTS = [f"{who} {word}" for word in WORDS[12:20] for who in ("anna", "bob")]
TRAINED = {
    "whole": lambda model, **options: finetune(
        model, RECORDS, **{"epochs": 8, "learning_rate": 3e-3, "patience": 8, **options}
    ),
    "lora": lambda model, **options: lora(
        model, RECORDS, **{"epochs": 12, "learning_rate": 1e-2, "patience": 12, **options}
    ),
}


def classifier(**changes):
    options = {"num_labels": 3, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, **changes}
    return TextClassifier(bert(initializer_range=0.1, **options), tokenizer())


@pytest.mark.parametrize("how", TRAINED)
def test_what_is_taught_is_decided_for_and_the_base_is_bit_identical(how):
    pytest.importorskip("peft")
    model = classifier()
    before, identity = model(TEXTS), model.identity()
    taught = TRAINED[how](model)
    truth = np.tile([0, 1], 8)
    assert (taught(TEXTS).argmax(axis=1) == truth).mean() >= 0.8 > (before.argmax(axis=1) == truth).mean()
    assert isinstance(taught, TextClassifier) and taught.outputs == model.outputs
    np.testing.assert_array_equal(model(TEXTS), before)  # exact: bit-identical is what is promised
    assert model.identity() == identity != taught.identity() and taught.identity().persistent


@pytest.mark.parametrize("how", TRAINED)
def test_the_loss_of_held_out_records_is_that_of_their_labels(how):
    pytest.importorskip("peft")
    model, held_out = classifier(), [("anna met", "LABEL_0"), {"text": "bob", "label": 2}]
    taught = TRAINED[how](model, held_out=held_out, epochs=2)
    rows = taught.losses.set_index("epoch")["held_out"]
    for made, epoch in ((model, 0), (taught, taught.kept)):
        logits = torch.tensor(np.asarray(made(["anna met", "bob"])))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2]))
        assert rows[epoch] == pytest.approx(float(loss), abs=1e-4)
    assert rows[taught.kept] == pytest.approx(rows[1:].min())


def test_a_seed_decides_and_another_trains_otherwise():
    one, same, other = (finetune(classifier(), RECORDS, epochs=1, random_state=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(one(TEXTS), same(TEXTS))  # exact: the same computation
    assert np.abs(one(TEXTS) - other(TEXTS)).max() > 1e-6


def test_frozen_weights_stay():
    model = classifier()
    taught = finetune(model, RECORDS, epochs=1, frozen="bert.embeddings")
    moved = {
        name
        for (name, now), weight in zip(taught.module.named_parameters(), model.module.parameters(), strict=True)
        if not torch.equal(now, weight)
    }
    assert moved and not any(name.startswith("bert.embeddings") for name in moved)


def test_pairs_of_texts_are_learnt_as_they_are_read():
    model = classifier()
    records = [(("a man", word), "LABEL_1" if i % 2 else "LABEL_0") for i, word in enumerate(WORDS[:8])] * 3
    taught = finetune(model, records, epochs=1, held_out=0)
    loss = torch.nn.functional.cross_entropy(
        torch.tensor(np.asarray(model([text for text, _ in records]))), torch.tensor([0, 1] * 12)
    )
    first = finetune(model, records, epochs=1, held_out=0, batch_size=24, learning_rate=1e-9)
    assert first.losses["train"].iloc[-1] == pytest.approx(float(loss), abs=1e-4)
    assert np.abs(taught([("a man", "anna")]) - model([("a man", "anna")])).max() > 1e-6


def test_a_control_moves_each_weight_as_far():
    model = classifier()
    taught = finetune(model, RECORDS, epochs=1)
    sizes = [
        [float((a - b).detach().norm()) for a, b in zip(m.module.parameters(), model.module.parameters(), strict=True)]
        for m in (taught, taught.control(2))
    ]
    np.testing.assert_allclose(sizes[1], sizes[0], rtol=1e-3, atol=1e-7)


def test_a_loss_that_is_no_number_ends_training_and_leaves_the_base():
    model = classifier()
    weights = deepcopy(model.module.state_dict())
    with pytest.raises(ModelError, match="no number to learn from; the base is untouched"):
        finetune(model, RECORDS, learning_rate=1e30, epochs=8)
    assert all(torch.equal(now, weights[name]) for name, now in model.module.state_dict().items())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: finetune(classifier(), []), "records must be a list of at least one record"),
        (lambda: finetune(classifier(), ["anna"]), "records must be pairs of text and label"),
        (
            lambda: finetune(classifier(), [("anna", "good")] * 4),
            "records must have classes of the model as labels",
        ),
        (lambda: finetune(classifier(), [("anna", 3)] * 4), "records must have classes of the model as labels"),
        (lambda: finetune(classifier(), [(3, 0)] * 4), "text must be a text or a pair of texts"),
        (lambda: finetune(classifier(), [("a " * 60, 0)] * 4), "text must fit the classifier's window of 48 tokens"),
        (
            lambda: finetune(classifier(problem_type="multi_label_classification"), RECORDS),
            "model must have classes that exclude each other",
        ),
        (lambda: lora(classifier(), RECORDS, targets=["querry"]), r"targets must name linear modules .*near: query"),
        (lambda: finetune(classifier(), RECORDS, held_out=[("anna", "no")]), "held_out must have classes"),
    ],
)
def test_what_cannot_be_learnt_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
