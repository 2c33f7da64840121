"""ChatProbe: what messages become, with which parts present and absent, and which chats are refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from probes import ChatProbe, InputError, Occurrences

CALL = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Bonn"}'}}
SYSTEM = {"role": "system", "content": "Be brief. Be kind."}
EXAMPLE = [{"role": "user", "content": "Is 7 prime?"}, {"role": "assistant", "content": "Yes."}]
QUESTION = {"role": "user", "content": "How warm is it?"}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "a", "name": "weather", "content": "It is 12 degrees. It rains."}
CHAT = [SYSTEM, *EXAMPLE, QUESTION, CALLING, RESULT]
AS_ASKED = [SYSTEM, *EXAMPLE, QUESTION, {**CALLING, "content": ""}, RESULT]


def names(probe):
    return [feature.name for feature in probe.features]


def without(probe, *gone):
    """The messages asked without some features, by name."""
    row = np.array([[name not in gone for name in names(probe)]], dtype=float)
    [prompt] = probe.render(row)
    return prompt


def test_with_everything_present_the_messages_come_back():
    for units in (None, "turn", "sentence", "word", "paragraph", "part", "example", {"tool": "word", 1: "example"}):
        probe = ChatProbe(CHAT, units) if units != "example" else ChatProbe([SYSTEM, *EXAMPLE * 2, QUESTION], units)
        whole = AS_ASKED if units != "example" else [SYSTEM, *EXAMPLE * 2, QUESTION]
        assert probe.render(probe.instance[None]) == [whole]


def test_pairs_are_messages_too():
    pairs = [("system", "Be brief."), ("user", "When did it open?")]
    chat = [{"role": role, "content": text} for role, text in pairs]
    assert ChatProbe(pairs).digest == ChatProbe(chat).digest


def test_by_default_examples_are_whole_and_the_last_question_is_finest():
    assert names(ChatProbe(CHAT)) == [
        *("Be brief.", "Be kind.", "user: Is 7 prime? assistant: Yes."),
        *("How", "warm", "is", "it?", "It is 12 degrees.", "It rains."),
    ]


def test_by_default_a_last_question_of_several_sentences_is_cut_into_them():
    assert names(ChatProbe([("user", "It rains. How warm is it?")])) == ["It rains.", "How warm is it?"]


def test_by_default_a_long_message_is_cut_into_paragraphs():
    paragraphs = ["One. " * 15 + "End.", "Two. " * 15 + "End."]
    probe = ChatProbe([("system", "\n\n".join(paragraphs)), ("user", "Which?")])
    assert names(probe) == [*paragraphs, "Which?"]


def test_what_a_dict_of_units_does_not_name_stays():
    probe = ChatProbe(CHAT, {"tool": "sentence"})
    assert names(probe) == ["It is 12 degrees.", "It rains."]
    assert without(probe, *names(probe)) == [*AS_ASKED[:-1], {**RESULT, "content": ""}]
    assert probe.notes[0] == "Messages that stay in every question: 0 (system), 1 (user), 2 (assistant), 3 (user), " \
        "4 (assistant)."  # fmt: skip


def test_a_number_goes_before_a_role_and_may_count_from_the_end():
    probe = ChatProbe([SYSTEM, *EXAMPLE, QUESTION], {"user": "turn", -1: "word"})
    assert names(probe) == ["user: Is 7 prime?", "How", "warm", "is", "it?"]


def test_an_example_goes_with_its_reply():
    probe = ChatProbe(CHAT)
    assert without(probe, "user: Is 7 prime? assistant: Yes.") == [SYSTEM, *AS_ASKED[3:]]


def test_a_tool_call_that_is_a_turn_goes_with_its_result():
    probe = ChatProbe(CHAT, {"assistant": "turn", "system": "turn"})
    assert names(probe)[-1] == 'assistant: weather({"town": "Bonn"}) tool (weather): It is 12 degrees. It rains.'
    probe = ChatProbe([*CHAT, ("user", "So?")], {4: "turn", 0: "turn"})
    assert without(probe, names(probe)[-1]) == [*AS_ASKED[:4], {"role": "user", "content": "So?"}]


def test_a_result_whose_call_stays_is_empty_when_it_is_absent():
    probe = ChatProbe(CHAT, {"tool": "turn", "system": "turn"})
    assert without(probe, "tool (weather): It is 12 degrees. It rains.")[-1] == {**RESULT, "content": ""}
    assert "A tool result that is left out stays as an empty message, because its call is there." in probe.notes


def test_a_message_of_which_nothing_is_left_goes():
    assert without(ChatProbe(CHAT), "Be brief.", "Be kind.")[0] == EXAMPLE[0]


def test_the_last_question_stays_empty():
    probe = ChatProbe([SYSTEM, QUESTION])
    assert without(probe, *names(probe)) == [{"role": "user", "content": ""}]


@pytest.mark.parametrize("replacement", ["…", ""])
def test_with_a_replacement_every_turn_stays(replacement):
    probe = ChatProbe([SYSTEM, *EXAMPLE, QUESTION], "turn", replacement=replacement)
    gone = without(probe, *names(probe))
    assert gone == [{"role": role, "content": replacement} for role in ("system", "user", "assistant", "user")]


def test_a_prefill_stays_by_default_and_can_be_taken_apart():
    chat = [SYSTEM, QUESTION, {"role": "assistant", "content": "It is about"}]
    assert "It" not in names(ChatProbe(chat))
    probe = ChatProbe(chat, {"assistant": "word"})
    assert without(probe, "It", "is")[-1] == {"role": "assistant", "content": "about"}
    assert without(probe, *names(probe)) == [SYSTEM, QUESTION]


def test_text_parts_of_a_content_are_features():
    parts = [{"type": "text", "text": text} for text in ("Passage one.", "Passage two.\n\nMore.", "Which?")]
    probe = ChatProbe([{"role": "user", "content": parts}])
    assert names(probe) == ["Passage one.", "Passage two. More.", "Which?"]
    assert without(probe, "Passage one.")[0]["content"] == "Passage two.\n\nMore.\nWhich?"


def test_spans_of_a_message_are_features_and_the_rest_of_it_stays():
    probe = ChatProbe([("user", "Red or blue? Say one.")], {0: [(0, 3), (7, 11)]})
    assert names(probe) == ["Red", "blue"]
    assert without(probe, "Red", "blue")[0]["content"] == "or ? Say one."


def test_spans_and_numbers_may_come_from_numpy():
    probe = ChatProbe([("user", "Red or blue?")], {np.int64(0): np.array([[0, 3], [7, 11]])})
    assert names(probe) == ["Red", "blue"]


def test_occurrences_within_a_message_are_one_feature():
    probe = ChatProbe([("system", "Be kind."), ("user", "bad, bad film")], {"system": "turn", "user": Occurrences()})
    assert names(probe) == ["system: Be kind.", "bad", "film"]
    assert without(probe, "bad")[-1]["content"] == ", film"
    np.testing.assert_allclose(probe.scatter([1.0, 2.0, 5.0]), [1, 1, 1, 5])


def test_a_question_between_a_system_prompt_and_a_tool_call_stays_empty():
    probe = ChatProbe(CHAT)
    assert without(probe, *names(probe)) == [{**QUESTION, "content": ""}, AS_ASKED[4], {**RESULT, "content": ""}]


def test_a_tool_that_returned_nothing_is_no_feature():
    calls = {**CALLING, "tool_calls": [CALL, {**CALL, "id": "b"}]}
    nothing = {"role": "tool", "tool_call_id": "b", "content": ""}
    probe = ChatProbe([QUESTION, calls, RESULT, nothing], {"user": "turn", "tool": "turn"})
    assert names(probe) == ["user: How warm is it?", "tool (weather): It is 12 degrees. It rains."]
    assert without(probe, names(probe)[1])[-1] == nothing


def test_no_two_rows_are_the_same_chat():
    probe = ChatProbe(CHAT[:4], {"system": "sentence", "user": "example", -1: "turn"})
    rows = np.array([*product((0, 1), repeat=len(probe.features))])
    assert len({repr(prompt) for prompt in probe.render(rows)}) == len(rows)


def test_chats_that_are_asked_differently_have_different_digests():
    other_id = [*CHAT[:4], {**CALLING, "tool_calls": [{**CALL, "id": "b"}]}, {**RESULT, "tool_call_id": "b"}]
    probes = [
        ChatProbe(CHAT),
        ChatProbe(CHAT, replacement="…"),
        ChatProbe(CHAT, "turn"),
        ChatProbe(CHAT, "sentence"),
        ChatProbe([{**SYSTEM, "role": "developer"}, *CHAT[1:]]),
        ChatProbe(other_id),
    ]
    assert len({probe.digest for probe in probes}) == len(probes)


def test_the_view_is_a_conversation_with_roles_as_titles():
    blocks = ChatProbe(CHAT).view()["blocks"]
    assert [block["title"] for block in blocks] == ["system", "example", "user", "assistant", "tool (weather)"]
    assert blocks[1]["pieces"] == ["user: Is 7 prime?\nassistant: Yes."]
    assert blocks[3]["glue"] == ['weather({"town": "Bonn"})']


BAD = {
    "no messages": ([], {}, r"^messages must be a list of messages"),
    "a text": ("How warm is it?", {}, r"^messages must be a list of messages"),
    "an unknown role": ([("user", "a b"), {"role": "critic", "content": "c"}], {}, r"^messages\[1\]\['role'\] must be"),
    "an empty message": ([SYSTEM, ("user", " ")], {}, r"^messages\[1\] must hold some text"),
    "no content": ([SYSTEM, {"role": "user"}], {}, r"^messages\[1\] must hold a text as the content"),
    "an image": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], {}, r"no image_url",
    ),
    "a call that is none": ([QUESTION, {**CALLING, "tool_calls": [{"name": "f"}]}], {}, r"\['tool_calls'\] must be"),
    "a result without its call": ([QUESTION, RESULT], {}, r"^messages\[1\] must answer a tool call"),
    "a call at the end": ([QUESTION, CALLING], {}, r"end with what the tool call returned"),
    "the model alone": ([("assistant", "a b c")], {}, r"hold a message to the model"),
    "an unknown unit": (CHAT, {"unit": "turns"}, r"^unit must be one of fixed, turn, example"),
    "an unknown unit of a role": (CHAT, {"unit": {"tool": "x"}}, r"^unit\['tool'\] must be one of fixed"),
    "a role that is not there": (CHAT[:2], {"unit": {"tool": "word"}}, r"unit must name messages.*got 'tool'"),
    "a number beyond": (CHAT, {"unit": {6: "word"}}, r"unit must name messages.*0 to 5.*got 6"),
    "a number twice": (CHAT, {"unit": {5: "word", -1: "turn"}}, r"unit must name messages, each once"),
    "a truth value": (CHAT, {"unit": {True: "word"}}, r"unit must name messages"),
    "no example": (CHAT, {"unit": {3: "example"}}, r"^unit\[3\] must be a message of the user that has a reply"),
    "a part of an example": (CHAT, {"unit": {1: "example", 2: "word"}}, r"^unit\[2\] must be left out: message 2"),
    "all fixed": (CHAT, {"unit": {"user": "fixed"}}, r"^unit must hold at least two features"),
    "an id that is none": ([QUESTION, {**RESULT, "tool_call_id": ["a"]}], {}, r"^messages\[1\] must answer"),
    "half a character": ([QUESTION, ("user", "a \ud83d b")], {}, r"^messages\[1\] must hold text that can be written"),
    "nothing named": (CHAT, {"unit": {}}, r"^unit must hold at least two features.*got \{\}"),
    "one feature": ([("user", "Hello")], {}, r"^messages must hold at least two features"),
    "spans beyond": ([("user", "a b")], {"unit": {0: [(0, 9)]}}, r"^spans must be in order"),
    "a replacement that is no text": (CHAT, {"replacement": 3}, r"^replacement must be a string"),
    "a replacement that changes nothing": ([("user", "a a")], {"replacement": "a"}, r"^replacement must change the"),
    "tokens without a tokenizer": (CHAT, {"unit": "token"}, r"^tokenizer must be given"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_chat_or_no_unit_is_refused_in_words(case):
    messages, settings, words = BAD[case]
    with pytest.raises(InputError, match=words):
        ChatProbe(messages, **settings)


def test_a_feature_that_holds_its_replacement_is_named():
    probe = ChatProbe([SYSTEM, *EXAMPLE, ("user", "a b")], {-1: "word"}, replacement="a")
    assert "a: what stands in is the same text, so the effect is zero by design." in probe.notes


def test_no_other_way_to_remove_is_tried_where_it_changes_nothing():
    assert not ChatProbe([("user", "… …")]).variants()
