"""TextProbe: what is cut, what is put together again, and what is refused."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes import InputError, TextProbe
from probes.inputs.text_segments import Segments, sentences, words
from probes.probe import unique_names

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
ANY_TEXT = st.text(max_size=60)
SPACED = st.lists(
    st.sampled_from(
        [
            "a",
            "No.",
            "3.5",
            "e.g.",
            "你",
            "。",
            "é",
            "👩‍🚀",
            " ",
            "  ",
            "\n",
            "\n\n",
            "\t",
            "\u3000",
            "\x1c",
            "\r\n",
            "!",
        ]
    ),
    max_size=25,
).map("".join)


def names(probe):
    return [feature.name for feature in probe.features]


def cut_sentences(text):
    return [text[a:b] for a, b in sentences(text)]


def everything(probe):
    return probe.render(np.ones((1, len(probe.features))))[0]


# --- cutting and spacing


@pytest.mark.parametrize("cutter", [words, sentences])
@QUICK
@given(text=st.one_of(ANY_TEXT, SPACED))
def test_everything_present_gives_the_text_back(cutter, text):
    spans = cutter(text)
    segments = Segments.of(text, spans)
    assert segments.render(np.ones(len(spans), dtype=bool), None) == text
    assert segments.render(np.ones(len(spans), dtype=bool), "[MASK]") == text


@pytest.mark.parametrize("cutter", [words, sentences])
@QUICK
@given(text=st.one_of(ANY_TEXT, SPACED))
def test_pieces_hold_all_the_text_there_is_and_only_white_space_lies_between(cutter, text):
    spans = cutter(text)
    assert all(a < b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))
    segments = Segments.of(text, spans)
    assert not "".join(segments.glue).strip()
    assert all(piece == piece.strip() and piece for piece in segments.pieces)


@pytest.mark.parametrize("unit", ["word", "sentence"])
@QUICK
@given(text=st.one_of(ANY_TEXT, SPACED))
def test_probe_renders_the_instance_exactly(unit, text):
    try:
        probe = TextProbe(text, unit)
    except InputError:
        assert len({"word": words, "sentence": sentences}[unit](text)) < 2
        return
    assert everything(probe) == text
    assert len(set(names(probe))) == len(probe.features)


@QUICK
@given(text=st.one_of(ANY_TEXT, SPACED), data=st.data())
def test_what_is_present_stays_in_order_and_what_is_absent_goes(text, data):
    spans = words(text)
    present = np.array(data.draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans))), dtype=bool)
    rendered = Segments.of(text, spans).render(present, None)
    kept = [text[a:b] for (a, b), keep in zip(spans, present, strict=True) if keep]
    assert re.sub(r"\s", "", rendered) == "".join(kept)


@QUICK
@given(items=st.lists(st.sampled_from(["a", "a (2)", "a (3)", "a (2) (2)", "b", ""]), max_size=14))
def test_feature_names_never_repeat(items):
    made = unique_names(items)
    assert len(made) == len(items)
    assert len(set(made)) == len(made)


def test_words_are_removed_with_the_space_after_them():
    probe = TextProbe("  not bad,\tat  all\n")
    Z = np.array([[1, 1, 1, 1], [0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]])
    assert probe.render(Z) == [
        "  not bad,\tat  all\n",
        "  bad,\tat  all\n",
        "  not at  all\n",
        "  not bad,\tall\n",
        "  not bad,\tat",
        "",
    ]


def test_words_are_masked_with_spacing_kept():
    probe = TextProbe("not bad,\tat  all\n", replacement="[MASK]")
    assert probe.render(np.array([[1, 0, 1, 0], [0, 0, 0, 0]])) == [
        "not [MASK]\tat  [MASK]\n",
        "[MASK] [MASK]\t[MASK]  [MASK]\n",
    ]


def test_replacement_may_be_empty():
    assert TextProbe("a b c", replacement="").render(np.array([[1, 0, 1]])) == ["a  c"]


def test_white_space_of_the_instance_survives_when_the_last_word_does():
    text = "one \n\n two   three   \n"
    probe = TextProbe(text)
    assert everything(probe) == text
    assert probe.render(np.array([[1, 0, 1]])) == ["one \n\n three   \n"]


def test_repeated_words_are_told_apart():
    assert names(TextProbe("the cat and the dog and the (2)")) == [
        "the",
        "cat",
        "and",
        "the (2)",
        "dog",
        "and (2)",
        "the (3)",
        "(2)",
    ]


def test_sentences():
    text = "Good food.  Slow service!\nWould I go back? Yes."
    probe = TextProbe(text, "sentence")
    assert names(probe) == ["Good food.", "Slow service!", "Would I go back?", "Yes."]
    assert everything(probe) == text
    assert probe.render(np.array([[1, 0, 1, 0]])) == ["Good food.  Would I go back?"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Ada B. Lovelace paid 3.50 pounds. Why? Nobody knows.", 3),
        ("Mr. and Mrs. Smith met Prof. J. R. Doe at St. Mary. They left.", 2),
        ("Many animals, e.g. cats, i.e. felines, sleep. Others do not.", 2),
        ("See Fig. 3 and pp. 4 to 5. It is clear.", 2),
        ("Prices rose approx. 5 percent vs. last year. Wages fell.", 2),
        ("It costs 3.14 dollars. That is cheap.", 2),
        ("Wait... what? Yes!", 3),
        ("He said “Stop.” Then he left.", 2),
        ("First paragraph without a stop\n\nSecond paragraph", 2),
        ("One.Two is not a break. Three is.", 2),
    ],
)
def test_abbreviations_do_not_end_a_sentence(text, expected):
    assert len(cut_sentences(text)) == expected, cut_sentences(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Was it good? No. It was bad.", ["Was it good?", "No.", "It was bad."]),
        ("So did I. Then we left.", ["So did I.", "Then we left."]),
    ],
)
def test_words_that_look_like_abbreviations_can_end_a_sentence(text, expected):
    assert cut_sentences(text) == expected


def test_number_sign_is_an_abbreviation_before_a_number():
    assert cut_sentences("It is No. 5 on the list. Good.") == ["It is No. 5 on the list.", "Good."]


def test_chinese_and_japanese():
    probe = TextProbe("我不喜欢这部电影")
    assert names(probe) == ["我", "不", "喜", "欢", "这", "部", "电", "影"]
    assert probe.render(np.array([[1, 0, 1, 1, 1, 1, 1, 1]])) == ["我喜欢这部电影"]
    assert cut_sentences("你好。再见！「本当？」はい。") == ["你好。", "再见！", "「本当？」", "はい。"]
    mixed = TextProbe("我爱 Python 和AI")
    assert names(mixed) == ["我", "爱", "Python", "和", "AI"]
    assert mixed.render(np.array([[1, 1, 0, 1, 1]])) == ["我爱 和AI"]


def test_emoji_stay_whole():
    text = "great 👩‍🚀👍🏽 show 🇮🇹 !"
    probe = TextProbe(text)
    assert names(probe) == ["great", "👩‍🚀👍🏽", "show", "🇮🇹", "!"]
    assert everything(probe) == text
    assert probe.render(np.array([[1, 0, 1, 1, 1]])) == ["great show 🇮🇹 !"]


def test_korean_and_arabic_are_cut_at_spaces():
    assert len(TextProbe("나는 학교에 간다").features) == 3
    assert len(TextProbe("هذا فيلم جيد").features) == 3


# --- the user's own spans


def test_user_spans_leave_the_rest_alone():
    text = "The film was long, but the cast was superb."
    probe = TextProbe(text, spans=[(4, 8), (13, 17), (36, 42)])
    assert names(probe) == ["film", "long", "superb"]
    assert everything(probe) == text
    assert probe.render(np.array([[0, 1, 1], [1, 1, 0]])) == [
        "The was long, but the cast was superb.",
        "The film was long, but the cast was .",
    ]
    assert probe.view()["unit"] == "span"


def test_words_do_not_grow_together_where_a_piece_in_between_is_removed():
    within = TextProbe("unable to act", spans=[(0, 2), (2, 6), (7, 9), (10, 13)])
    assert within.render(np.array([[1, 0, 1, 1]])) == ["un to act"]
    assert TextProbe("我爱 Python\n").render(np.array([[1, 0, 1]])) == ["我 Python\n"]


def test_adjacent_spans_and_numpy_integers_are_allowed():
    probe = TextProbe("abcdef", spans=np.array([[0, 2], [2, 4]]))
    assert probe.render(np.array([[0, 1], [1, 0], [0, 0]])) == ["cdef", "abef", "ef"]


# --- tokens


@pytest.fixture(scope="module")
def byte_tokenizer():
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(["it is not bad at all"] * 4, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def test_tokens(byte_tokenizer):
    text = "it is not bad at all"
    probe = TextProbe(text, "token", tokenizer=byte_tokenizer)
    assert len(probe.features) == len(byte_tokenizer(text)["input_ids"])
    assert everything(probe) == text


def test_tokens_of_one_character_are_one_feature(byte_tokenizer):
    """A byte-level tokenizer cuts an emoji into several tokens, all with the span of that one character."""
    text = "not 😀 bad 你好"
    probe = TextProbe(text, "token", tokenizer=byte_tokenizer)
    assert everything(probe) == text
    assert sum("😀" in piece for piece in probe.segments.pieces) == 1


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(min_size=2, max_size=20).filter(lambda t: len(t.split()) > 1 and not re.search("[\ud800-\udfff]", t))
)
def test_tokens_give_any_text_back(byte_tokenizer, text):
    assert everything(TextProbe(text, "token", tokenizer=byte_tokenizer)) == text


# --- errors name the parameter, the rule and what was received


@pytest.mark.parametrize(
    ("arguments", "parameter", "rule", "received"),
    [
        ({"text": ""}, "text", "hold some text", "''"),
        ({"text": " \n\t"}, "text", "hold some text", r"\n"),
        ({"text": 7}, "text", "be a string", "7"),
        ({"text": None}, "text", "be a string", "None"),
        ({"text": ["a", "b"]}, "text", "be a string", "['a', 'b']"),
        ({"text": "alone"}, "text", "at least two features", "'alone'"),
        ({"text": "Just one sentence.", "unit": "sentence"}, "text", "at least two features", "Just one"),
        ({"text": "a b c", "unit": "letter"}, "unit", "word, bare word, sentence", "'letter'"),
        ({"text": "a b c", "unit": ["word"]}, "unit", "word, bare word, sentence", "['word']"),
        ({"text": "a b c", "unit": "token"}, "tokenizer", "be given", "None"),
        ({"text": "a b c", "replacement": 3}, "replacement", "be a string", "3"),
        ({"text": "a b c", "spans": [(0, 3), (2, 5)]}, "spans", "not overlap", "(2, 5)"),
        ({"text": "a b c", "spans": [(2, 3), (0, 1)]}, "spans", "in order", "(0, 1)"),
        ({"text": "a b c", "spans": [(0, 1), (4, 6)]}, "spans", "within the text of 5", "(4, 6)"),
        ({"text": "a b c", "spans": [(0, 1), (2, 2)]}, "spans", "be in order", "(2, 2)"),
        ({"text": "a b c", "spans": [(-1, 1), (2, 3)]}, "spans", "lie within", "(-1, 1)"),
        ({"text": "a b c", "spans": [(0, 1), (2, 2.5)]}, "spans", "integers", "(2, 2.5)"),
        ({"text": "a b c", "spans": [(0, 1, 2)]}, "spans", "pairs", "(0, 1, 2)"),
        ({"text": "a b c", "spans": [0, 1]}, "spans", "pairs", "0"),
        ({"text": "a b c", "spans": [(0, 1)]}, "text", "at least two features", "a b c"),
        ({"text": "a b c", "answer": " "}, "answer", "non-empty string", "' '"),
        ({"text": "a b c", "answer": 5}, "answer", "non-empty string", "5"),
        ({"text": "a b c", "max_new_tokens": 0}, "max_new_tokens", "positive integer", "0"),
    ],
)
def test_errors(arguments, parameter, rule, received):
    with pytest.raises(InputError) as caught:
        TextProbe(**arguments)
    message = str(caught.value)
    assert caught.value.parameter == parameter
    assert message.startswith(f"{parameter} must ")
    assert rule in message
    assert received in message


def test_a_long_text_is_shortened_in_the_message():
    with pytest.raises(InputError) as caught:
        TextProbe("x" * 5000)
    assert len(str(caught.value)) < 400


# --- identity of the questions


def test_digest_depends_on_all_that_changes_the_questions():
    text = "Aa bb. Cc dd."
    probes = [
        TextProbe(text),
        TextProbe(text, "sentence"),
        TextProbe(text, replacement="[MASK]"),
        TextProbe(text, replacement="…"),
        TextProbe(text, spans=[(0, 1), (2, 4)]),
        TextProbe("Aa bb.  Cc dd."),
    ]
    assert len({probe.digest for probe in probes}) == len(probes)
    assert TextProbe(text).digest == TextProbe(text).digest


def test_view_is_plain_data_that_holds_the_text():
    import json

    view = json.loads(json.dumps(TextProbe("  a <b> c ").view()))
    block = view["blocks"][0]
    parts = [block["glue"][0], *(x for pair in zip(block["pieces"], block["glue"][1:], strict=True) for x in pair)]
    assert "".join(parts) == "  a <b> c "
