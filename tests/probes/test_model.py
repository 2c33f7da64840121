"""Prompts: a chat is the same chat as pairs, as mappings, and with its contents in parts."""

import pytest

from probes import Case, InputError
from probes.model import as_prompt

PAIRS = (("system", "be brief"), ("user", "when did it open"))


@pytest.mark.parametrize(
    "chat",
    [
        PAIRS,
        [list(pair) for pair in PAIRS],
        [{"role": role, "content": content} for role, content in PAIRS],
        [{"role": role, "content": [{"type": "text", "text": content}]} for role, content in PAIRS],
        [{"content": content, "role": role, "name": None} for role, content in PAIRS],
        [PAIRS[0], {"role": "user", "content": PAIRS[1][1]}],
    ],
)
def test_all_forms_of_a_chat_are_pairs_of_role_and_content(chat):
    assert as_prompt(chat) == PAIRS
    assert Case(chat, " 1969").case_id == Case(PAIRS, " 1969").case_id


def test_texts_stay_and_text_parts_are_joined_by_line_ends():
    assert as_prompt("role") == "role"
    assert as_prompt([("user", ["a", {"type": "text", "text": "b"}])]) == (("user", "a\nb"),)


@pytest.mark.parametrize(
    ("chat", "said"),
    [
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "no image_url"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_audio"}]}], "no input_audio"),
        ([{"role": "user", "content": [3]}], "no int"),
        ([{"role": "user", "content": "a", "name": {1, 2}}], "written as JSON"),
        ([{"role": "assistant", "content": None}], "a text as the content"),
        ([{"role": "assistant", "content": []}], "a text as the content"),
        ([{"content": "a"}], "be a text, or messages"),
        ({"role": "user", "content": "a"}, "be a text, or messages"),
        (["user", "a"], "be a text, or messages"),
        ([("user", "a", "b")], "be a text, or messages"),
        ([("user", "a", "[1]")], "be a text, or messages"),
        ([], "be a text, or messages"),
        (3, "be a text, or messages"),
    ],
)
def test_what_is_no_chat_of_texts_is_refused_by_name(chat, said):
    with pytest.raises(InputError, match=f"prompt must .*{said}"):
        as_prompt(chat)
