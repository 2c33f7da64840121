"""MaskedLM: words in the place of a mask."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import InputError, TextProbe, as_model  # noqa: E402
from probes.models.huggingface.masked_lm import MaskedLM  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.helpers.tiny_text_networks import bert, tokenizer  # noqa: E402

TEXTS = ["a man [MASK] in the old house", "[MASK]", "it is [MASK] and warm near the river"]


@pytest.fixture(scope="module")
def lm():
    return MaskedLM(bert("ForMaskedLM"), tokenizer())


def at_masks(lm, text, ids):
    """Log-probabilities of tokens at the masks of one text, by the network itself."""
    encoded = tokenizer()(text, return_tensors="pt")
    places = (encoded["input_ids"][0] == tokenizer().mask_token_id).nonzero()[:, 0]
    with torch.inference_mode():
        logs = lm.module(**encoded).logits[0].log_softmax(-1)
    return [logs[place, i].item() for place, i in zip(places, ids, strict=True)]


def test_a_word_of_one_token_has_the_networks_log_probability(lm):
    [word_id] = lm.word_ids("house")
    expected = [at_masks(lm, text, [word_id]) for text in TEXTS]
    np.testing.assert_allclose(lm.scoring("house", TEXTS[0])(TEXTS), expected, rtol=1e-4, atol=1e-5)


def test_a_word_of_several_tokens_widens_the_mask(lm):
    ids = lm.word_ids("homes")
    assert len(ids) > 1
    wide = [text.replace("[MASK]", "[MASK]" * len(ids)) for text in TEXTS]
    expected = [at_masks(lm, text, ids) for text in wide]
    np.testing.assert_allclose(lm.scoring("homes", TEXTS[0])(TEXTS), expected, rtol=1e-4, atol=1e-5)


def test_tokens_of_an_answer_join_to_it(lm):
    answer = lm.tokenizer.decode(lm.word_ids("old homes"))
    assert "".join(lm.scoring("old homes", TEXTS[0]).outputs) == answer == "old homes"


def test_words_of_any_length_are_outputs_beside_each_other(lm):
    both = lm.words("house", "homes")
    assert both.outputs == ("house", "homes")
    alone = [lm.scoring(word, TEXTS[0])(TEXTS).sum(axis=1) for word in both.outputs]
    np.testing.assert_allclose(both(TEXTS), np.transpose(alone), rtol=1e-4, atol=1e-5)


def test_its_own_answer_is_what_the_pipeline_puts_first(lm):
    pipe = transformers.FillMaskPipeline(model=lm.module, tokenizer=tokenizer())
    assert lm.generate(TEXTS[0], 5) == pipe(TEXTS[0])[0]["token_str"]


def test_targets_of_a_pipeline_are_the_words_that_are_scored():
    pipe = transformers.FillMaskPipeline(model=bert("ForMaskedLM"), tokenizer=tokenizer(), targets=["in", "the"])
    model = as_model(pipe)
    shown = {entry["token_str"]: np.log(entry["score"]) for entry in pipe(TEXTS[0])}
    np.testing.assert_allclose(model(TEXTS[:1])[0], [shown[word] for word in model.outputs], rtol=1e-4)


def test_the_mask_of_a_plain_text_is_no_feature(lm):
    ex = explain(lm, "a man [MASK] here", answer="in", store=None)
    assert [f.name for f in ex.features] == ["a", "man", "here"]


def test_contrasts_of_words_are_functions_of_the_outputs(lm):
    probe = TextProbe("a man [MASK]", spans=[(0, 1), (2, 5)])
    ex = explain(lm.words("in", "the"), probe, target=lambda raw: raw[:, 0] - raw[:, 1], store=None)
    np.testing.assert_allclose(ex.y[:, 0], ex.answers.y @ [1, -1], rtol=1e-6)


@pytest.mark.parametrize("text", ["a man", "a [MASK] and a [MASK]"])
def test_a_text_without_one_mask_is_refused(lm, text):
    with pytest.raises(InputError, match=r"^text must hold one \[MASK\] in every input"):
        explain(lm, TextProbe(text), answer="in", store=None)


@pytest.mark.parametrize("words", [(), ("in", "in"), ("in", " "), (3,)])
def test_words_are_several_texts(lm, words):
    with pytest.raises(InputError, match=r"^words must be several different words"):
        lm.words(*words)


def test_a_word_that_the_vocabulary_lacks_is_refused(lm):
    with pytest.raises(InputError, match=r"^answer must be words that the model's vocabulary holds"):
        lm.scoring("žluťoučký", TEXTS[0])


def test_words_of_one_network_meet_it_once(lm):
    first, second = lm.words("in", "the"), lm.scoring("in", TEXTS[0])
    assert first.identity() != second.identity()
    assert first.met_as(first.identity()) == second.met_as(second.identity())


def test_for_several_words_too_the_mask_of_a_plain_text_is_no_feature(lm):
    ex = explain(lm.words("house", "river"), TEXTS[2], target=lambda raw: raw[:, 0] - raw[:, 1], store=None)
    assert "[MASK]" not in set(ex.attributions["feature"]) and len(ex.features) == 7
