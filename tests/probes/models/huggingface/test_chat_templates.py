"""Chats through a model's own template: one token to begin with, a prefill, and what templates do not know."""

from __future__ import annotations

import json

import numpy as np
import pytest

from probes import CausalLM, ChatProbe, InputError
from surrogates import compare, explain
from tests.helpers.when_used import when_used

when_used("torch")
#: templates: one that writes the first token, one that has its own system prompt, one that demands turns by turns
PLAIN = "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}" \
    "{% if add_generation_prompt %}<assistant>{% endif %}"  # fmt: skip
WITH_FIRST = "<s>" + PLAIN
OWN_SYSTEM = "{% if messages[0].role != 'system' %}<system> a b {% endif %}" + PLAIN
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + PLAIN
SILENT = PLAIN.replace("<{{ m.role }}> {{ m.content }} ", "{% if m.role != 'system' %}<{{ m.role }}> {{ m.content }} {% endif %}")  # fmt: skip # noqa: E501
IN_TURNS = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}" + PLAIN
)
CALLS = (
    "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% for c in m.tool_calls or [] %}"
    "{{ c.function.name }} {{ c.function.arguments.town }} {% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
CHAT = [("system", "the museum"), ("user", "when did it rained")]
LONGER = [("user", "is it free"), ("assistant", "it is"), ("user", "when did it rained")]


def lm_with(template, begins=False, **options):
    """A small model whose tokenizer has a first token, which it puts before plain texts or does not."""
    from tokenizers.processors import TemplateProcessing

    from tests.helpers.tiny_causal_lm import llama, word_tokenizer

    tokenizer = word_tokenizer(template)
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    if begins:
        first = ("<s>", tokenizer.bos_token_id)
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[first])
    return CausalLM(llama(len(tokenizer)), tokenizer, **options)


@pytest.mark.parametrize("begins", [True, False], ids=["tokenizer begins texts", "tokenizer does not"])
@pytest.mark.parametrize("template", [PLAIN, WITH_FIRST], ids=["template writes none", "template writes it"])
def test_a_chat_begins_with_exactly_one_first_token_where_the_model_has_it(template, begins):
    lm = lm_with(template, begins)
    ids, first = lm.encode(CHAT), lm.tokenizer.bos_token_id
    expected = begins or template == WITH_FIRST
    assert ids.count(first) == expected and (ids[0] == first) == expected
    assert lm.pairs().ids((tuple(CHAT), " free"))[0] == ids


def test_a_first_token_that_the_template_does_not_write_is_said():
    note = "The template writes no <s>, with which this tokenizer begins texts: it is put first."
    assert note in lm_with(PLAIN, begins=True).reading_notes([CHAT])
    assert lm_with(WITH_FIRST, begins=True).reading_notes([CHAT]) == ()


def test_two_first_tokens_are_refused_before_anything_is_asked():
    lm = lm_with(WITH_FIRST, begins=True)
    rendered = lm.text(CHAT)
    with pytest.raises(InputError, match="begin with one <s>, not two: pass the messages of a chat"):
        explain(lm, rendered, answer=" free", store=None)
    with pytest.raises(InputError, match="begin with one <s>, not two"):
        lm.pairs().ids((rendered, " free"))
    twice = lm_with("<s><s>" + PLAIN)
    with pytest.raises(InputError, match=r"^messages must begin with one <s>, not two"):
        explain(twice, ChatProbe(CHAT), answer=" free", store=None)


def test_a_chat_that_ends_with_the_models_message_is_continued():
    lm = lm_with(PLAIN)
    assert lm.text([*CHAT, ("assistant", "it is")]) == "<system> the museum <user> when did it rained <assistant> it is"
    assert lm.text(CHAT).endswith("<assistant>")


def test_a_prefill_is_scored_as_the_text_that_goes_on():
    lm = lm_with(PLAIN)
    chat, text = [*CHAT, ("assistant", "it is")], lm.text([*CHAT, ("assistant", "it is")])
    ids = lm.tokenizer(text + " free")["input_ids"]
    expected = lm.next_tokens(text)[-1][ids[-1]]
    np.testing.assert_allclose(lm.scoring(" free", chat)([chat]), [[expected]], atol=1e-5)


def test_the_templates_own_system_prompt_is_said():
    ex = explain(lm_with(OWN_SYSTEM), ChatProbe(CHAT), answer=" free", budget=16, store=None)
    assert any("the model's template writes its own: “a b”" in note for note in ex.warnings)
    kept = explain(lm_with(OWN_SYSTEM), ChatProbe(CHAT, replacement=""), answer=" free", budget=16, store=None)
    assert not any("writes its own" in note for note in kept.warnings)


def test_a_template_without_system_prompts_refuses_in_its_words():
    with pytest.raises(InputError, match=r"^messages must be a chat that the model's template renders.*no system role"):
        explain(lm_with(NO_SYSTEM), CHAT, answer=" free", store=None)


def test_a_system_prompt_that_a_template_drops_is_refused():
    with pytest.raises(InputError, match=r"it leaves out the content of message 0 \(system\)"):
        explain(lm_with(SILENT), CHAT, answer=" free", store=None)


def test_tool_calls_that_a_template_drops_are_refused_and_others_are_rendered_with_their_arguments():
    call = {"id": "a", "type": "function", "function": {"name": "entry", "arguments": json.dumps({"town": "paris"})}}
    chat = [
        {"role": "user", "content": "when did it rained"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "the museum is free"},
    ]
    with pytest.raises(InputError, match=r"it leaves out a tool call of message 1 \(assistant\)"):
        explain(lm_with(PLAIN), chat, answer=" free", store=None)
    lm = lm_with(CALLS)
    assert "<assistant>  entry paris <tool> the museum is free <assistant>" in lm.text(chat)
    assert len(explain(lm, chat, answer=" free", budget=16, store=None).features) == 5


def test_turns_that_must_alternate_are_refused_with_the_ways_out():
    lm = lm_with(IN_TURNS)
    with pytest.raises(InputError, match=r"roles must alternate.*This is the chat without 'assistant: it is'.*example"):
        explain(lm, ChatProbe(LONGER, "turn"), answer=" free", store=None)
    for probe in (ChatProbe(LONGER, "turn", replacement="…"), ChatProbe(LONGER)):
        assert explain(lm, probe, answer=" free", budget=16, store=None).fidelity.rows


def test_the_other_model_of_a_comparison_must_read_the_chat_too():
    with pytest.raises(InputError, match="roles must alternate"):
        compare(lm_with(PLAIN), lm_with(IN_TURNS), ChatProbe(LONGER, "turn"), answer=" free", budget=16, store=None)


def test_template_options_reach_the_template():
    lm = lm_with("{% for t in tools or [] %}{{ t.function.name }} {% endfor %}" + PLAIN,
                 template_options={"tools": [{"type": "function", "function": {"name": "entry"}}]})  # fmt: skip
    assert lm.text(CHAT).startswith("entry <system>")
    with pytest.raises(InputError, match=r"template_options must leave tokenize out"):
        lm_with(PLAIN, template_options={"tokenize": True})


def test_without_a_template_roles_are_lost_and_that_is_said():
    ex = explain(lm_with(None), CHAT, answer=" free", budget=16, store=None)
    assert any("has no chat template" in note for note in ex.warnings)


@pytest.fixture(params=[None, "turn"])
def rows(request):
    """A model that shares prefixes, the map that scores an answer, and chats in the order in which they are asked."""
    lm = lm_with(WITH_FIRST, begins=True, share_prefixes=True)
    probe = ChatProbe([("system", "the museum. it is free."), *LONGER], request.param)
    prompts = probe.render(np.random.default_rng(0).integers(0, 2, (24, len(probe.features))))
    scorer = lm.scoring(" free in paris", prompts[0])
    return lm, scorer, [prompts[i] for i in scorer.order(prompts)]


def test_shared_prefixes_of_chats_give_the_numbers_of_plain_forwards(rows):
    lm, scorer, prompts = rows
    plain = np.vstack([lm.log_probs(lm.encode(prompt), scorer.answer_ids) for prompt in prompts])
    np.testing.assert_allclose(scorer(prompts), plain, atol=1e-4)


def test_what_chats_begin_with_alike_is_read_once(rows):
    lm, scorer, prompts = rows
    read = []
    scorer(prompts[:1])  # the first use compares two ways of reading
    hook = lm.module.register_forward_pre_hook(
        lambda _, args, options: read.append(options["input_ids"].numel()), with_kwargs=True
    )
    try:
        scorer(prompts)
    finally:
        hook.remove()
    assert sum(read) < 0.7 * scorer.sizes(prompts).sum()
