"""ContextProbe: sources of a prompt, present or absent."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import ContextProbe, InputError

TEXT = "It rained. The museum opened in 1969. Entry is free."


def names(probe):
    return [feature.name for feature in probe.features]


def user(probe, *row):
    """The user's turn for one row; all ones when none is given."""
    return probe.render(np.array([row or [1] * len(probe.features)]))[0][-1][1]


def test_one_document_is_cut_into_sentences():
    probe = ContextProbe(TEXT, "When?")
    assert names(probe) == ["It rained.", "The museum opened in 1969.", "Entry is free."]
    assert user(probe) == f"Context: {TEXT}\n\nQuestion: When?"
    assert user(probe, 1, 0, 1) == "Context: It rained. Entry is free.\n\nQuestion: When?"
    assert user(probe, 0, 0, 0) == "Context: \n\nQuestion: When?"


def test_passages():
    probe = ContextProbe("First line\nstill first.\n\nSecond.\n \n\nThird.", "q?", unit="passage")
    assert names(probe) == ["First line still first.", "Second.", "Third."]
    assert user(probe, 1, 0, 1) == "Context: First line\nstill first.\n\nThird.\n\nQuestion: q?"
    assert user(probe) == "Context: First line\nstill first.\n\nSecond.\n \n\nThird.\n\nQuestion: q?"


def test_titled_documents_are_the_sources():
    probe = ContextProbe({"Museum": "It opened in 1969. It is big.", "Zoo": "It opened in 1901."}, "q?")
    assert names(probe) == ["Museum", "Zoo"]
    assert user(probe) == "Context: Museum\nIt opened in 1969. It is big.\n\nZoo\nIt opened in 1901.\n\nQuestion: q?"
    assert user(probe, 0, 1) == "Context: Zoo\nIt opened in 1901.\n\nQuestion: q?"


def test_untitled_documents_are_named_by_their_texts():
    probe = ContextProbe(["It opened in 1969.", "The zoo is old.", "It opened in 1969."], "q?")
    assert names(probe) == ["It opened in 1969.", "The zoo is old.", "It opened in 1969. (2)"]
    assert user(probe, 1, 1, 0) == "Context: It opened in 1969.\n\nThe zoo is old.\n\nQuestion: q?"


def test_a_document_without_title_among_titled_ones_is_named_by_its_text():
    assert names(ContextProbe({"Zoo": "Old and grey.", "": "It opened in 1969."}, "q?")) == [
        "Zoo",
        "It opened in 1969.",
    ]


def test_sentences_of_several_documents():
    probe = ContextProbe({"A": "One. Two.", "B": "Three. Two."}, "q?", unit="sentence")
    assert names(probe) == ["One.", "Two.", "Three.", "Two. (2)"]
    assert user(probe, 0, 1, 1, 0) == "Context: A\nTwo.\n\nB\nThree.\n\nQuestion: q?"
    # a document without a single source left takes its title along
    assert user(probe, 1, 1, 0, 0) == "Context: A\nOne. Two.\n\nQuestion: q?"


def test_system_prompt_is_always_there():
    probe = ContextProbe(TEXT, "When?", system="Be brief.")
    for prompt in probe.render(np.array([[1, 1, 1], [0, 0, 0]])):
        assert [role for role, _ in prompt] == ["system", "user"]
        assert prompt[0][1] == "Be brief."
    assert [role for role, _ in ContextProbe(TEXT, "When?").render(np.ones((1, 3)))[0]] == ["user"]


def test_a_question_may_follow_other_turns_of_a_chat():
    before = [("user", "Hello."), {"role": "assistant", "content": "Hello, {context}!"}]
    probe = ContextProbe(TEXT, [*before, {"role": "user", "content": "When?"}], system="S")
    all_present, none_present = probe.render(np.array([[1, 1, 1], [0, 0, 0]]))
    fixed = (("system", "S"), ("user", "Hello."), ("assistant", "Hello, {context}!"))
    assert all_present == (*fixed, ContextProbe(TEXT, "When?").render(np.ones((1, 3)))[0][0])
    assert none_present[:3] == fixed
    assert [names(probe), probe.question] == [names(ContextProbe(TEXT, "When?")), "When?"]
    assert probe.digest not in {ContextProbe(TEXT, "When?", system="S").digest, ContextProbe(TEXT, "When?").digest}
    (removed,) = probe.variants().values()
    assert removed.render(np.zeros((1, 3)))[0][:3] == fixed


def test_a_system_prompt_is_the_same_in_the_chat_and_beside_it():
    beside = ContextProbe(TEXT, "When?", system="S")
    within = ContextProbe(TEXT, [("system", "S"), ("user", "When?")])
    assert within.digest == beside.digest
    assert within.render(np.ones((1, 3))) == beside.render(np.ones((1, 3)))


def test_braces_in_the_users_text_stay():
    text = "Use {question} here. Set {context} = {0} {}. Done {{x}}."
    probe = ContextProbe(text, "What is {context}?", template="{question}\n---\n{context}\n{other}")
    assert user(probe) == f"What is {{context}}?\n---\n{text}\n{{other}}"


def test_backslashes_in_the_users_text_stay():
    probe = ContextProbe(r"Path C:\1\g<0>. And \n too.", r"Which \1?")
    assert user(probe) == "Context: Path C:\\1\\g<0>. And \\n too.\n\nQuestion: Which \\1?"


@settings(max_examples=60, deadline=None)
@given(
    documents=st.lists(st.text(max_size=30).filter(str.strip), min_size=2, max_size=4),
    question=st.text(min_size=1).filter(str.strip),
)
def test_everything_present_holds_every_document_exactly(documents, question):
    probe = ContextProbe(documents, question, template="{context}|{question}")
    assert user(probe) == "\n\n".join(documents) + "|" + question
    assert len(set(names(probe))) == len(documents)
    assert all(name.strip() for name in names(probe))


def test_prompts_are_hashable_and_deterministic():
    probe = ContextProbe(TEXT, "When?", system="S")
    Z = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 1]])
    first, second, third = probe.render(Z)
    assert hash(first) == hash(second)
    assert first == second != third


def test_a_template_of_ones_own():
    probe = ContextProbe(TEXT, "When?", template="{question} Use: {context} Again: {question}")
    assert user(probe, 0, 0, 1) == "When? Use: Entry is free. Again: When?"


def test_digest_covers_question_system_template_and_titles():
    variants = [
        ContextProbe(TEXT, "When?"),
        ContextProbe(TEXT, "Why?"),
        ContextProbe(TEXT, "When?", system="S"),
        ContextProbe(TEXT, "When?", template="{context} {question}"),
        ContextProbe({"A": "x y.", "B": "z."}, "When?"),
        ContextProbe({"A": "x y.", "C": "z."}, "When?"),
    ]
    assert len({probe.digest for probe in variants}) == len(variants)


def test_view_is_plain_data_with_running_offsets():
    probe = ContextProbe({"A": "One. Two.", "B": "Three."}, "q?", unit="sentence", system="S")
    view = json.loads(json.dumps(probe.view()))
    assert [(b["title"], b["offset"], b["pieces"]) for b in view["blocks"]] == [
        ("A", 0, ["One.", "Two."]),
        ("B", 2, ["Three."]),
    ]
    assert view["question"] == "q?"


@pytest.mark.parametrize(
    ("change", "parameter", "rule", "received"),
    [
        ({"context": ""}, "context", "non-empty texts", "''"),
        ({"context": []}, "context", "hold some text", "[]"),
        ({"context": {}}, "context", "hold some text", "{}"),
        ({"context": ["a b", " "]}, "context", "non-empty texts", "' '"),
        ({"context": ["a b", 3]}, "context", "non-empty texts", "3"),
        ({"context": {1: "a b", "1": "c d"}}, "context", "titles that differ as texts", "[1, '1']"),
        ({"context": 5}, "context", "be a text", "5"),
        ({"context": None}, "context", "be a text", "None"),
        ({"context": "One sentence only."}, "context", "at least two features", "One sentence only."),
        ({"question": " "}, "question", "non-empty", "' '"),
        ({"question": None}, "question", "non-empty", "None"),
        ({"unit": "letter"}, "unit", "word, bare word, sentence", "'letter'"),
        ({"template": "{context}"}, "template", "{question}", "'{context}'"),
        ({"template": "{question}"}, "template", "{context}", "'{question}'"),
        ({"template": None}, "template", "hold {context} and {question}", "None"),
        ({"system": 3}, "system", "be a string", "3"),
        ({"question": [("user", "q"), ("assistant", "a")]}, "question", "end with the user's message", "assistant"),
        ({"question": [("user", " ")]}, "question", "be a non-empty string", "user"),
        ({"question": [("system", "a"), ("user", "q")], "system": "b"}, "system", "be given once", "b"),
        ({"question": [("system", "a"), ("system", "b"), ("user", "q")]}, "system", "be given once", "a"),
        ({"answer": ""}, "answer", "non-empty", "''"),
        ({"answer": 1969}, "answer", "non-empty", "1969"),
        ({"max_new_tokens": 0}, "max_new_tokens", "positive integer", "0"),
        ({"max_new_tokens": 1.5}, "max_new_tokens", "positive integer", "1.5"),
    ],
)
def test_errors(change, parameter, rule, received):
    with pytest.raises(InputError) as caught:
        ContextProbe(**{"context": TEXT, "question": "When?", **change})
    message = str(caught.value)
    assert caught.value.parameter == parameter
    assert message.startswith(f"{parameter} must ")
    assert rule in message
    assert received in message
