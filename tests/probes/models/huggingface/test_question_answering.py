"""ExtractiveQA: the probability of a span of the context, wherever it stands."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import InputError, PairProbe, as_model  # noqa: E402
from probes.models.huggingface.question_answering import ExtractiveQA  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.helpers.tiny_text_networks import bert, tokenizer  # noqa: E402

QUESTION, CONTEXT = "when did it open", "the museum opened in paris and it is free"


@pytest.fixture(scope="module")
def qa():
    return ExtractiveQA(bert("ForQuestionAnswering"), tokenizer())


def spans(qa, context):
    """Text and probability of every span of a context, by brute force over pairs of its tokens."""
    encoded = tokenizer()(QUESTION, context, return_tensors="pt")
    offsets = tokenizer()(QUESTION, context, return_offsets_mapping=True)["offset_mapping"]
    own = [i for i, side in enumerate(encoded.sequence_ids(0)) if side == 1]
    with torch.inference_mode():
        out = qa.module(**encoded)
    start, end = (x[0, own].double().softmax(-1).numpy() for x in (out.start_logits, out.end_logits))
    return [
        (context[offsets[a][0] : offsets[b][1]], start[i] * end[j])
        for i, a in enumerate(own)
        for j, b in enumerate(own)
        if i <= j
    ]


@pytest.mark.parametrize("context", [CONTEXT, "in paris in paris", "paris"])
def test_the_probability_of_a_text_is_the_sum_over_its_places(qa, context):
    expected = sum(p for text, p in spans(qa, context) if text == "paris")
    np.testing.assert_allclose(qa.scoring("paris", (QUESTION, context))([(QUESTION, context)]), [[expected]], rtol=1e-4)


def test_its_own_answer_is_the_likeliest_span(qa):
    best, _ = max(spans(qa, CONTEXT), key=lambda span: span[1])
    assert qa.generate((QUESTION, CONTEXT), 64) == best


def test_an_answer_is_no_longer_than_is_allowed(qa):
    answer = qa.generate((QUESTION, CONTEXT), 1)
    assert len(tokenizer()(answer, add_special_tokens=False)["input_ids"]) == 1


def test_pairs_of_a_batch_are_answered_as_each_alone(qa):
    pairs = [(QUESTION, CONTEXT), ("when", "paris"), (QUESTION, "no such place"), (QUESTION, "")]
    scorer = qa.scoring("paris", pairs[0])
    np.testing.assert_allclose(scorer(pairs), np.vstack([scorer([p]) for p in pairs]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scorer(pairs)[2:], 0, atol=1e-12)


def test_a_plain_pair_or_dict_is_explained(qa):
    for given in ((QUESTION, CONTEXT), {"question": QUESTION, "context": CONTEXT}):
        ex = explain(qa, given, budget=64, store=None)
        assert [b["title"] for b in ex.view["blocks"]] == ["question", "context"]
        assert ex.answer == qa.generate((QUESTION, CONTEXT), 64)


def test_log_odds_need_the_answer_in_every_context(qa):
    spans = (None, [(0, 3), (4, 10), (11, 17)])
    probe = PairProbe(QUESTION, CONTEXT, "second", spans=spans, answer="paris")
    ex = explain(qa, probe, target="log-odds", store=None)
    p = ex.answers.y[:, 0]
    np.testing.assert_allclose(ex.y[:, 0], np.log(p / (1 - p)))


def test_an_answer_that_the_context_does_not_hold_is_refused(qa):
    with pytest.raises(InputError, match="answer must be a part of the context, letter by letter; got 'rome'"):
        explain(qa, (QUESTION, CONTEXT), answer="rome", store=None)


def test_an_answer_inside_a_token_is_refused_with_what_the_token_makes(qa):
    with pytest.raises(InputError, match=r"begin and end where tokens of the context do.* they make 'museum'"):
        explain(qa, (QUESTION, CONTEXT), answer="muse", store=None)


def test_an_answer_counts_only_where_it_is_made_of_full_tokens(qa):
    context = "it opened in a free fre place"  # "fre" is no word of the vocabulary, and falls into letters
    expected = sum(p for text, p in spans(qa, context) if text == "fre")
    scorer = qa.scoring("fre", (QUESTION, context))
    np.testing.assert_allclose(scorer([(QUESTION, context)]), [[expected]], rtol=1e-4)
    np.testing.assert_allclose(scorer([(QUESTION, "a free place")]), 0, atol=1e-12)


def test_the_object_itself_counts_the_same_places(qa):
    scorer = qa.scoring("fre", (QUESTION, "fre"))
    pair = (QUESTION, "it opened in a free fre place")
    np.testing.assert_allclose(scorer.direct()([pair]), scorer([pair]), rtol=1e-4)


def test_anything_but_a_pair_is_refused(qa):
    with pytest.raises(InputError, match=r"PairProbe\(question, context\)"):
        explain(qa, "the museum opened in paris", answer="paris", store=None)


def test_a_slow_tokenizer_is_refused():
    class Slow:
        is_fast = False

    with pytest.raises(InputError, match="be a fast one"):
        ExtractiveQA(bert("ForQuestionAnswering"), Slow())


def test_a_network_with_its_tokenizer_is_found():
    assert isinstance(as_model((bert("ForQuestionAnswering"), tokenizer())), ExtractiveQA)
