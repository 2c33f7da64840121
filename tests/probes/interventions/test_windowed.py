"""Windowed: a long text is read in windows, and nothing of it is cut."""

from __future__ import annotations

import numpy as np
import pytest

from probes import InputError, Store, TextProbe, Windowed, ask, sample
from probes.asking.ask_batch import Run
from surrogates import explain

TEXT = "one two three four five six seven eight nine ten"


def lengths(texts):
    return [len(t) for t in texts]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 99])
@pytest.mark.parametrize("stride", [None, 1, 2])
def test_windows_cover_the_text_and_are_no_larger_than_they_may_be(size, stride):
    if stride is not None and stride > size:
        return
    windows = Windowed(lengths, size, stride).windows(TEXT)
    assert set(" ".join(windows).split()) == set(TEXT.split())
    assert max(len(w.split()) for w in windows) <= size


def test_windows_begin_a_stride_apart():
    assert [w.split()[0] for w in Windowed(lengths, 4, 3).windows(TEXT)] == ["one", "four", "seven"]


@pytest.mark.parametrize(
    ("pool", "expected"), [("mean", 23.5), ("max", 24.0), ("first", 23.0), (lambda a: a.sum(axis=0), 47.0)]
)
def test_answers_of_windows_are_pooled(pool, expected):
    assert Windowed(lengths, 5, pool=pool)([TEXT])[0, 0] == pytest.approx(expected)


def test_a_short_text_is_answered_as_by_the_model_itself():
    assert Windowed(lengths, 50)(["a few words"])[0, 0] == 11


def test_a_text_without_words_is_one_window():
    assert Windowed(lengths, 5)(["", "  "]).ravel().tolist() == [0, 2]  # exact: counts


def test_every_setting_is_part_of_the_identity():
    from probes import CallableModel

    model = CallableModel(lengths, "lengths")
    made = [Windowed(model, 5), Windowed(model, 6), Windowed(model, 5, 2), Windowed(model, 5, pool="max")]
    assert len({one.identity().id for one in made}) == 4
    assert all(one.identity().persistent for one in made)


def test_a_pool_of_ones_own_is_remembered_under_a_name_alone():
    from probes import CallableModel

    model = CallableModel(lengths, "lengths")
    assert not Windowed(model, 5, pool=lambda a: a[-1]).identity().persistent
    assert Windowed(model, 5, pool=lambda a: a[-1], name="last-v1").identity().persistent


def test_the_end_of_a_long_text_has_its_effect():
    ex = explain(Windowed(lambda t: [float("ten" in x) for x in t], 3, pool="max"), TEXT, budget=128, store=None)
    assert ex.attributions.loc[0, "feature"] == "ten"


def test_reading_the_first_window_alone_is_said():
    ex = explain(Windowed(lengths, 4, pool="first"), TEXT, budget=64, store=None)
    assert any("the model is asked the first alone" in w for w in ex.warnings)


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"size": 0}, "size"),
        ({"size": None}, "size"),
        ({"size": 4, "stride": 5}, "stride"),
        ({"size": 4, "pool": "median"}, "pool"),
        ({"size": 4, "pool": 3}, "pool"),
        ({"size": 2.5}, "size"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given, parameter):
    with pytest.raises(InputError, match=f"^{parameter} must"):
        Windowed(lengths, **given)


def test_a_pool_of_another_shape_is_refused():
    with pytest.raises(InputError, match="pool must return 1"):
        Windowed(lengths, 4, pool=lambda a: np.zeros(3))([TEXT])


def test_a_chat_is_refused():
    with pytest.raises(InputError, match="text must"):
        Windowed(lengths, 4)([(("user", "hello there"),)])


@pytest.fixture(scope="module")
def classifier():
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    from probes import TextClassifier

    words = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *TEXT.split()])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=8
    )
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=14, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=8, num_labels=2, initializer_range=0.8,
    )  # fmt: skip
    network = transformers.BertForSequenceClassification(config).eval()
    return lambda **options: TextClassifier(network, fast, "tiny", **options)


def test_a_classifier_alone_refuses_a_text_beyond_its_window(classifier):
    with pytest.raises(InputError, match="window of 8 tokens"):
        explain(classifier(), TEXT, store=None)


def test_a_classifier_in_windows_is_explained_and_compared_with_itself(classifier):
    windowed = Windowed(classifier())
    assert windowed.size == 6 and windowed.direct() is not None
    design = sample(TextProbe(TEXT).features, 30, np.random.default_rng(0))
    answers = ask(windowed, TextProbe(TEXT), design, Store(), run=Run())
    assert answers.y.shape == (30, 2) and answers.cost.checks > 0


def test_what_a_tokenizer_cuts_is_said(classifier):
    ex = explain(classifier(encoding={"truncation": True, "max_length": 8}), TEXT, budget=64, store=None)
    assert any("reads 8 of the 12 tokens" in w for w in ex.warnings)


def test_nothing_is_said_of_a_text_that_fits(classifier):
    ex = explain(classifier(encoding={"truncation": True, "max_length": 8}), "one two three", store=None)
    assert not any("tokens of this text" in w for w in ex.warnings)


@pytest.mark.parametrize("inputs", ["one text!", []])
def test_what_is_no_list_of_texts_is_refused(inputs):
    with pytest.raises(InputError, match="inputs must be a list of at least one text"):
        Windowed(lambda texts: [t.count("!") for t in texts], size=4)(inputs)
