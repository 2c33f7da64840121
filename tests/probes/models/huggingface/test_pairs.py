"""Classifiers of pairs: two texts are joined, typed and cut as the user's own pipeline does it."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from scipy.special import softmax  # noqa: E402

from probes import InputError, PairProbe, TextClassifier, TextProbe, as_model  # noqa: E402
from probes.models.huggingface.weights import token_digests  # noqa: E402
from surrogates import explain, explain_many  # noqa: E402
from tests.helpers.tiny_text_networks import bert, entailment, tokenizer  # noqa: E402

PAIRS = [
    ("a man sleeps", "nobody rests near the river"),
    ("a man sleeps in the old house", "it is free"),
    ("", "it is free"),
    ("a man sleeps", ""),
    ("", ""),
]
NAMES = ("contradiction", "neutral", "entailment")


def pipeline(**settings):
    return transformers.TextClassificationPipeline(model=entailment(), tokenizer=tokenizer(), **settings)


def shown(pipe, pairs):
    """The scores that the user's own calls give, pair by pair."""
    rows = [{e["label"]: e["score"] for e in pipe({"text": a, "text_pair": b}, top_k=None)} for a, b in pairs]
    return np.array([[row[name] for name in NAMES] for row in rows])


def test_pairs_are_scored_in_a_batch_as_the_pipeline_scores_each():
    pipe = pipeline()
    np.testing.assert_allclose(softmax(as_model(pipe)(PAIRS), axis=1), shown(pipe, PAIRS), atol=1e-5)


@pytest.mark.parametrize("truncation", ["longest_first", "only_first", "only_second"])
def test_pairs_are_cut_as_the_pipeline_cuts_them(truncation):
    pipe = pipeline(truncation=truncation, max_length=11)
    long = [("a man sleeps in the old house", "nobody rests near the river")]
    assert len(tokenizer()(*long[0])["input_ids"]) > 11
    np.testing.assert_allclose(softmax(as_model(pipe)(long), axis=1), shown(pipe, long), atol=1e-5)


def test_a_network_that_ignores_types_of_tokens_would_answer_differently():
    model = as_model((entailment(), tokenizer()))
    [row] = model.reader.rows(PAIRS[:1])
    untyped = model._logits([row._replace(types=[])], 0)
    assert np.abs(untyped - model(PAIRS[:1])).max() > 1e-3


def test_the_order_of_a_pair_counts():
    model = as_model((entailment(), tokenizer()))
    first, second = model([PAIRS[0], PAIRS[0][::-1]])
    assert np.abs(first - second).max() > 1e-3
    assert len(set(model.digests([PAIRS[0], PAIRS[0][::-1], "a man sleeps"]))) == 3


def test_a_pair_is_no_text_that_has_its_tokens():
    made = tokenizer()
    typed, plain = TextClassifier(entailment(), made), TextClassifier(entailment(), made)
    joined = "a man[SEP]it is"
    assert typed.reader.rows([("a man", "it is")])[0].ids == plain.reader.rows([joined])[0].ids
    assert typed.digests([("a man", "it is")]) != plain.digests([joined])


def test_a_plain_pair_is_explained_where_labels_are_of_entailment():
    pipe = pipeline()
    ex = explain(pipe, ("a man sleeps", "it is free"), store=None)
    assert ex.features[0].name == "premise: a" and ex.view["blocks"][1]["title"] == "hypothesis"
    assert ex.target.outputs[0] == NAMES[int(np.argmax(shown(pipe, [("a man sleeps", "it is free")])))]


def test_names_of_both_make_a_pair_of_a_dict():
    ex = explain(pipeline(), {"hypothesis": "it is free", "premise": "a man"}, store=None)
    assert [block["title"] for block in ex.view["blocks"]] == ["premise", "hypothesis"]


def test_a_list_of_plain_pairs_is_several_inputs():
    found = explain_many(pipeline(), [("a man", "it is"), ("the house", "it opened")], store=None, progress=False)
    assert [ex.view["blocks"][1]["glue"][0] for ex in found] == ["", ""] and len(found) == 2


def test_a_plain_pair_of_another_classifier_is_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"PairProbe\(first, second\) makes one of a pair"):
        explain((bert(num_labels=3), tokenizer()), ("a man sleeps", "it is free"), store=None)


def test_a_reranker_with_one_output_is_explained_in_its_own_number():
    network = bert(num_labels=1)
    ex = explain((network, tokenizer()), PairProbe("when did it open", "it is free", "second"), store=None)
    with torch.inference_mode():
        own = network(**tokenizer()("when did it open", "it is free", return_tensors="pt")).logits.item()
    np.testing.assert_allclose(ex.answers.y[0, 0], own, rtol=1e-4)


def test_a_pair_beyond_the_window_is_refused():
    with pytest.raises(InputError, match="fit the classifier's window of 48 tokens"):
        explain((entailment(), tokenizer()), PairProbe("a man " * 30, "it is free", "second"), store=None)


def test_a_single_text_keeps_the_digest_that_it_had():
    model = as_model((bert(), tokenizer()))
    assert model.digests(["a man sleeps"]) == token_digests([tokenizer()("a man sleeps")["input_ids"]])


def test_a_planted_rule_is_found_by_a_network_that_learnt_it():
    """Trained on parts of one pair until it says whether "sleeps" is in the premise and "nobody" in the hypothesis."""
    network = bert(num_labels=2, initializer_range=0.1)
    probe = PairProbe("a man sleeps near rome", "nobody rests in rome")
    pairs = probe.render(np.random.default_rng(0).integers(0, 2, (96, len(probe.features))))
    pairs = [pair for pair in pairs if all(pair)]
    fed = tokenizer()(*map(list, zip(*pairs, strict=True)), padding=True, return_tensors="pt")
    labels = torch.tensor([int("sleeps" in a and "nobody" in b) for a, b in pairs])
    optimiser = torch.optim.Adam(network.parameters(), lr=0.005)
    for _ in range(50):
        optimiser.zero_grad()
        network(**fed, labels=labels).loss.backward()
        optimiser.step()
    ex = explain((network, tokenizer()), probe, target=1, budget=128, store=None)
    assert set(ex.attributions["feature"].head(2)) == {"first: sleeps", "second: nobody"}


def test_a_text_alone_still_is_one():
    ex = explain((entailment(), tokenizer()), TextProbe("a man sleeps"), store=None)
    assert len(ex.features) == 3
