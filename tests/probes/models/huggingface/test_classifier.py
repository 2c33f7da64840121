"""TextClassifier: texts → class logits, whatever the batch."""

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from scipy.special import logit, softmax  # noqa: E402
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

from probes import Design, InputError, IomapError, Store, TextClassifier, TextProbe, as_model, ask, cube  # noqa: E402
from probes.asking.ask_batch import Run  # noqa: E402
from probes.outputs.target import resolve  # noqa: E402
from tests.helpers.checkout import SHARED  # noqa: E402

TEXTS = ["not bad at all", "bad", "a good film", "", "the film was not good not good at all", "good"]


def word_tokenizer(limit=24):
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *dict.fromkeys(["not", "bad", "at", "all", "a", "good", "film", "the", "was", "so"]),
    ]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=limit,
    )  # fmt: skip


def bert(seed=0, **changes):
    torch.manual_seed(seed)
    settings = {
        "vocab_size": 20,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 32,
        "num_labels": 3,
        "initializer_range": 0.8,
    }
    network = transformers.BertForSequenceClassification(transformers.BertConfig(**{**settings, **changes})).eval()
    names = ["negative", "neutral", "positive"]
    network.config.id2label = dict(enumerate(names[: network.num_labels]))
    return network


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer()


@pytest.fixture
def network():
    return bert()


def one_by_one(network, tokenizer, texts):
    with torch.inference_mode():
        return np.vstack([network(**tokenizer(text, return_tensors="pt")).logits.numpy() for text in texts])


def test_logits_are_those_of_each_text_alone(network, tokenizer):
    model = TextClassifier(network, tokenizer)
    expected = one_by_one(network, tokenizer, TEXTS)
    np.testing.assert_allclose(model(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(model(TEXTS[::-1]), expected[::-1], atol=1e-5)
    assert model.outputs == ("negative", "neutral", "positive")
    assert model.unit == "logit"
    assert expected.std(axis=0).min() > 0.01


@pytest.mark.parametrize("batch", [1, 9, 50, 4096])
def test_batches_never_change_answers(network, tokenizer, batch):
    model = TextClassifier(network, tokenizer)
    model.batch = batch
    probe = TextProbe("the film was not good")
    answers = ask(model, probe, Design(cube(5), 0), Store(), run=Run(met=True))
    np.testing.assert_allclose(answers.y, one_by_one(network, tokenizer, probe.render(cube(5))), atol=1e-5)
    assert answers.cost.rows == 32
    assert answers.cost.tokens == sum(2 + int(row.sum()) for row in cube(5))


def test_texts_that_read_alike_to_the_model_are_asked_once(network, tokenizer):
    model = TextClassifier(network, tokenizer)
    asked = []
    hook = network.register_forward_pre_hook(lambda _, a, k: asked.append(len(k["input_ids"])), with_kwargs=True)
    digests = model.digests(["Good  film", "good film", "film good"])
    hook.remove()
    assert digests[0] == digests[1] != digests[2]
    probe = TextProbe("good Good good film")
    answers = ask(model, probe, Design(cube(4), 0), Store())
    assert answers.cost.rows == 8
    assert asked == []


def test_the_target_is_the_log_odds_of_the_instances_class(network, tokenizer):
    model = TextClassifier(network, tokenizer)
    raw = model(TEXTS)
    target = resolve(None, model.outputs, model.unit, raw[0])
    p = softmax(raw.astype(float), axis=1)
    best = int(p[0].argmax())
    assert target.outputs == (model.outputs[best],)
    assert target.unit == "log-odds"
    np.testing.assert_allclose(target(raw)[:, 0], logit(p[:, best]), atol=1e-5)
    named = resolve("positive", model.outputs, model.unit, raw[0])
    np.testing.assert_allclose(named(raw)[:, 0], logit(p[:, 2]), atol=1e-5)


def test_independent_labels_are_not_made_to_compete(tokenizer):
    """With several labels at once each has a logistic of its own, so its log-odds are its logit."""
    network = bert(problem_type="multi_label_classification")
    model = TextClassifier(network, tokenizer)
    raw = model(TEXTS)
    target = resolve("positive", model.outputs, model.unit, raw[0])
    np.testing.assert_allclose(target(raw)[:, 0], raw[:, 2], atol=1e-6)


def test_a_single_number_is_no_class(tokenizer):
    network = bert(num_labels=1, problem_type="regression")
    model = TextClassifier(network, tokenizer)
    raw = model(TEXTS)
    assert raw.shape == (6, 1)
    target = resolve(None, model.outputs, model.unit, raw[0])
    np.testing.assert_array_equal(target(raw), raw)  # exact: the identity changes nothing
    assert model.unit == "output"


def test_training_mode_does_not_make_answers_random(network, tokenizer):
    network.train()
    model = TextClassifier(network, tokenizer)
    np.testing.assert_allclose(model(TEXTS), model(TEXTS), atol=1e-6)


def test_a_text_beyond_the_window_is_refused(network, tokenizer):
    model = TextClassifier(network, tokenizer)
    assert model.limit == 24
    text = " ".join(["good"] * 23)
    with pytest.raises(InputError, match=r"window of 24 tokens \(Windowed reads longer ones\); got '25 tokens'"):
        ask(model, TextProbe(text), Design(np.ones((1, 23)), 1), Store())
    wide = TextClassifier(network, word_tokenizer(limit=10**30))
    assert wide.limit == 32


def test_identity_follows_weights_hooks_and_settings(network, tokenizer):
    model = TextClassifier(network, tokenizer)
    before = model.identity()
    assert before.persistent
    assert TextClassifier(bert(), tokenizer).identity() == before
    with torch.no_grad():
        network.bert.embeddings.LayerNorm.bias[0] += 1e-4
    assert model.identity().id != before.id
    hooked = bert()
    handle = hooked.bert.encoder.register_forward_hook(lambda *a: None)
    assert not TextClassifier(hooked, tokenizer).identity().persistent
    handle.remove()
    assert TextClassifier(hooked, tokenizer).identity() == before
    assert TextClassifier(bert(layer_norm_eps=1e-3), tokenizer).identity().id != before.id
    assert TextClassifier(network, tokenizer, "v1").identity() == TextClassifier(hooked, tokenizer, "v1").identity()


def test_a_missing_tokenizer_is_refused_in_words(network):
    with pytest.raises(InputError, match="tokenizer must come with a transformers model"):
        TextClassifier(network, None)
    with pytest.raises(InputError, match=r"^model must come with its tokenizer as \(model, tokenizer\)"):
        as_model(network)


def test_a_tokenizer_without_padding_is_no_obstacle_or_refused_in_words(network):
    bare = word_tokenizer()
    bare.pad_token = None
    try:
        got = TextClassifier(network, bare)(TEXTS)
    except IomapError as error:
        assert "pad" in str(error)
    else:
        np.testing.assert_allclose(got, one_by_one(network, word_tokenizer(), TEXTS), atol=1e-5)


def test_a_saved_model_and_its_pipeline_are_recognised(network, tokenizer, tmp_path):
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    model = as_model(loaded)
    assert isinstance(model, TextClassifier)
    expected = one_by_one(network, tokenizer, TEXTS)
    np.testing.assert_allclose(model(TEXTS), expected, atol=1e-5)
    pipeline = as_model(transformers.pipeline("text-classification", model=loaded, tokenizer=tokenizer))
    assert isinstance(pipeline, TextClassifier)
    np.testing.assert_allclose(pipeline(TEXTS), expected, atol=1e-5)
    assert pipeline.outputs == ("negative", "neutral", "positive")
    assert pipeline.identity() == model.identity() == TextClassifier.from_pretrained(str(tmp_path)).identity()


def test_other_pipelines_are_refused(network, tokenizer):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    other = transformers.BertModel(transformers.BertConfig(vocab_size=20, **sizes))
    pipeline = transformers.pipeline("feature-extraction", model=other, tokenizer=tokenizer)
    with pytest.raises(InputError, match=r"or text-generation, or a function .*; got 'feature-extraction'"):
        as_model(pipeline)


# --- a real model


@pytest.fixture(scope="module")
def sentiment():
    folder = SHARED / "models" / "sentiment-minilm"
    if not (folder / "model.safetensors").exists():
        pytest.skip(f"there is no fine-tuned sentiment model at {folder}")
    return folder


def test_a_real_classifier(sentiment):
    network = transformers.AutoModelForSequenceClassification.from_pretrained(sentiment, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(sentiment)
    model = as_model(network)
    assert isinstance(model, TextClassifier)
    assert len(model.outputs) == network.config.num_labels
    probe = TextProbe("not a bad film")
    expected = one_by_one(network, tokenizer, probe.render(cube(4)))
    results = []
    for batch in (1, 64, 4096):
        model.batch = batch
        results.append(ask(model, probe, Design(cube(4), 0), Store()))
        np.testing.assert_allclose(results[-1].y, expected, atol=1e-4)
    pipeline = as_model(transformers.pipeline("text-classification", model=network, tokenizer=tokenizer))
    np.testing.assert_allclose(pipeline(probe.render(cube(4)[:8])), expected[:8], atol=1e-4)
    assert pipeline.identity() == model.identity()
    assert results[0].model == results[1].model
    raw = model(["a wonderful film", "a terrible film"])
    first, second = (resolve(None, model.outputs, model.unit, row) for row in raw)
    assert first.columns != second.columns
    assert first(raw)[0, 0] > 2 > -2 > first(raw)[1, 0]


def test_a_real_classifier_is_loaded_in_full_precision(sentiment):
    """In half precision a text's answer depends on what it is padded with, so batches would change answers."""
    model = TextClassifier.from_pretrained(str(sentiment))
    texts = TextProbe("not a bad film").render(cube(4))
    np.testing.assert_allclose(model(texts), np.vstack([model([text]) for text in texts]), atol=1e-4)


def test_no_text_is_tokenised_twice(tokenizer):
    class Noting:
        def __init__(self, inside):
            self.inside, self.seen = inside, []

        def __call__(self, texts, **options):
            self.seen.extend(texts)
            return self.inside(texts, **options)

        def __getattr__(self, name):
            return getattr(self.inside, name)

    noting = Noting(tokenizer)
    probe = TextProbe("the film was not so good not bad at all")
    answers = ask(TextClassifier(bert(), noting), probe, Design(cube(10)[:200], 0), Store(), run=Run(met=True))
    assert len(answers.y) == 200 and len(noting.seen) == len(set(noting.seen))


def test_a_device_that_is_not_there_is_refused(tmp_path, tokenizer):
    bert().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert TextClassifier.from_pretrained(tmp_path, device="cpu").module.device.type == "cpu"
    with pytest.raises(InputError, match="device must be one that torch has here"):
        TextClassifier.from_pretrained(tmp_path, device="cuda:99")
