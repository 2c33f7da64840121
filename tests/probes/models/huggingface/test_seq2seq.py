"""Seq2SeqLM: teacher-forced log-probabilities, generation, and what begins an answer."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import InputError, TextProbe, as_model  # noqa: E402
from probes.interventions.steering import contrast  # noqa: E402
from probes.models.huggingface.seq2seq import Seq2SeqLM  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.helpers.tiny_text_networks import bart, t5, target_tokenizer, tokenizer  # noqa: E402

SOURCES = ["anna met bob in rome", "a", "the museum opened in paris and it is free", ""]


def models():
    return {"t5": Seq2SeqLM(t5(), target_tokenizer()), "bart": Seq2SeqLM(bart(), tokenizer())}


def step_by_step(lm, source, answer_ids, before):
    """Log-probabilities of an answer, each token by a forward of its own, as a decoder would choose it."""
    ids, fed, found = torch.tensor([lm.tokenizer(source)["input_ids"]]), list(before), []
    for token in answer_ids:
        with torch.inference_mode():
            logits = lm.module(input_ids=ids, decoder_input_ids=torch.tensor([fed])).logits[0, -1].double()
        found.append(logits.log_softmax(-1)[token].item())
        fed.append(token)
    return found


@pytest.mark.parametrize(("kind", "before"), [("t5", [0]), ("bart", [3, 2])])
def test_scores_of_a_padded_batch_are_those_of_one_token_after_the_other(kind, before):
    lm = models()[kind]
    scorer = lm.scoring("the museum opened", SOURCES[0])
    expected = [step_by_step(lm, source, scorer.answer_ids, before) for source in SOURCES]
    np.testing.assert_allclose(scorer(SOURCES), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_what_it_writes_is_the_likeliest_token_at_every_step(kind):
    lm = models()[kind]
    text = lm.generate(SOURCES[0], 4)
    ids, fed = torch.tensor([lm.tokenizer(SOURCES[0])["input_ids"]]), lm.before()
    for _ in range(4):
        with torch.inference_mode():
            fed.append(int(lm.module(input_ids=ids, decoder_input_ids=torch.tensor([fed])).logits[0, -1].argmax()))
    kept = lm.tokenizer.decode(fed[len(lm.before()) :], skip_special_tokens=True)
    assert kept.startswith(text) and text


def test_tokens_of_the_answer_join_to_it_and_end_nowhere_else():
    for lm in models().values():
        scorer = lm.scoring("it is free", SOURCES[0])
        assert "".join(scorer.outputs).replace(" ", "") == "itisfree"


def test_without_a_forced_token_the_tokenizers_own_beginning_is_given():
    lm = Seq2SeqLM(bart(forced=None), tokenizer())
    assert lm.before() == [3, 2]


def test_an_answer_is_explained_token_by_token():
    ex = explain((t5(), target_tokenizer()), "anna met bob", answer="it is free", store=None)
    assert ex.by_token is not None and len(ex.by_token.tokens) == 3
    whole = ex.by_token.of(0, 3)[0]
    np.testing.assert_allclose(np.mean([ex.by_token.of(i, i + 1)[0] for i in range(3)], axis=0), whole, atol=1e-6)


def test_it_writes_its_own_answer_where_none_is_given():
    lm = Seq2SeqLM(t5(), target_tokenizer())
    ex = explain(lm, TextProbe("anna met bob", max_new_tokens=3), store=None)
    assert ex.answer == lm.generate("anna met bob", 3)


def test_an_encoder_that_copies_is_explained_by_what_is_copied():
    """Trained until one word is what it writes, wherever it stands."""
    words = ["house", "river", "museum", "rome"]
    network, made = t5(), target_tokenizer()
    sources = [text.format(word) for text in ("a {} in paris", "{} a in paris", "in a {} paris") for word in words]
    fed = made(sources, return_tensors="pt")
    labels = made(words * 3, return_tensors="pt")["input_ids"]
    network = transformers.T5ForConditionalGeneration(
        transformers.T5Config(**{**network.config.to_dict(), "initializer_factor": 1.0})
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        network(input_ids=fed["input_ids"], labels=labels).loss.backward()
        optimiser.step()
    lm = Seq2SeqLM(network, made)
    assert lm.generate("a museum in paris", 4) == "museum"
    ex = explain(lm, "a museum in paris", store=None)
    assert ex.attributions.loc[0, "feature"] == "museum"


def test_a_folder_holds_one(tmp_path):
    t5().save_pretrained(tmp_path), target_tokenizer().save_pretrained(tmp_path)
    found, made = as_model(tmp_path), Seq2SeqLM(t5(), target_tokenizer())
    answers = [lm.scoring("it is free", "a")(SOURCES[:2]) for lm in (found, made)]
    np.testing.assert_allclose(*answers, rtol=1e-5)


def test_a_decoder_without_a_start_is_refused():
    network = t5()
    network.config.decoder_start_token_id = network.generation_config.decoder_start_token_id = None
    with pytest.raises(InputError, match="decoder_start_token_id"):
        as_model((network, target_tokenizer()))


def test_a_contrast_at_a_layer_is_that_of_its_encoder():
    network = t5()
    states = [
        network.encoder(**target_tokenizer()(text, return_tensors="pt"), output_hidden_states=True).hidden_states[1]
        for text in ("a man", "the house")
    ]
    truth = (states[0] - states[1])[0].mean(dim=0).detach().numpy()
    made = contrast((network, target_tokenizer()), ["a man"], ["the house"], layer=0)
    np.testing.assert_allclose(made, truth, rtol=1e-4, atol=1e-4)
