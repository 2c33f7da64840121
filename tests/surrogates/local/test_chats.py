"""Conversations explained: effects by brute force, any phrase of the answer, many chats, rules and pages."""

from __future__ import annotations

import numpy as np
import pytest

from probes import CallableModel, CausalLM, ChatProbe, Store, cube
from surrogates import Explanation, anchor, explain, explain_many, shapley_values
from surrogates.local.checks import check
from tests.helpers.example_probes import CHAT
from tests.helpers.when_used import when_used

ASKED = {"store": None, "progress": False}
LM_CHAT = [
    {"role": "system", "content": "the museum is free."},
    {"role": "user", "content": "is it free"},
    {"role": "assistant", "content": "it is"},
    {"role": "user", "content": "when did it rained"},
]


def rainy(chats):
    """Twice the result on rain, less a half for each message beyond four: nothing else matters."""
    return [2.0 * ("It rains." in chat[-1]["content"]) - 0.5 * max(len(chat) - 4, 0) for chat in chats]


def lm():
    when_used("torch")
    from tests.helpers.tiny_causal_lm import lm_of

    return lm_of()


def test_effects_are_those_of_all_questions():
    probe = ChatProbe(CHAT)
    ex = explain(rainy, probe, "interactions", budget=1024, **ASKED)
    Z = cube(len(probe.features))
    y = np.array(rainy(probe.render(Z)))
    truth = {f.name: y[Z[:, i] == 1].mean() - y[Z[:, i] == 0].mean() for i, f in enumerate(probe.features)}
    effects = ex.attributions.set_index("feature")["attribution"]
    np.testing.assert_allclose(effects[list(truth)], list(truth.values()), atol=1e-9)
    assert effects.index[0] == "It rains."


def test_any_part_of_the_answer_is_attributed_from_the_same_answers():
    ex = explain(lm(), LM_CHAT, answer=" free in paris", budget=64, **ASKED)
    part = ex.attribute(" paris")
    last = list(ex.answers.outputs).index(ex.answers.outputs[-1])
    np.testing.assert_allclose(part.y[:, 0], ex.answers.y[:, last], atol=1e-12)
    effects, _ = ex.by_token.of(0, 1)
    Z = cube(len(ex.features))
    scorer = lm().scoring(" free in paris", ChatProbe(LM_CHAT).render(np.ones((1, Z.shape[1])))[0])
    y = scorer(ChatProbe(LM_CHAT).render(Z))[:, 0]
    truth = [y[Z[:, i] == 1].mean() - y[Z[:, i] == 0].mean() for i in range(Z.shape[1])]
    np.testing.assert_allclose(effects, truth, atol=1e-4)


def test_several_chats_are_explained_each_as_alone():
    chats = [LM_CHAT, [*LM_CHAT[:1], {"role": "user", "content": "is it free in paris"}]]
    model = lm()
    many = explain_many(model, chats, answer=" free", budget=64, **ASKED)
    assert not many.failures
    for chat, ex in zip(chats, many, strict=True):
        alone = explain(model, chat, answer=" free", budget=64, **ASKED)
        assert ex.answers.design.digest == alone.answers.design.digest
        np.testing.assert_allclose(ex.answers.y, alone.answers.y, atol=1e-5)
    assert "is it free in paris" in many.report("many.html").read_text(encoding="utf-8")


def test_one_chat_that_cannot_be_read_keeps_no_other_from_being_explained():
    many = explain_many(rainy, [CHAT, [{"role": "critic", "content": "a b"}, CHAT[1]]], budget=64, **ASKED)
    assert len(many) == 1 and "be one of system" in many.failures[0].error


def test_rules_and_values_of_chats():
    rule = anchor(rainy, ChatProbe(CHAT), same=0.9, budget=512, **ASKED)
    assert "It rains." in rule.words
    values = shapley_values(rainy, ChatProbe(CHAT), budget=512, **ASKED)
    assert values.features[int(np.abs(values.values).argmax())].name == "It rains."


def test_removal_is_compared_with_replacement():
    probe = ChatProbe(CHAT, "turn")
    ex = check(explain(rainy, probe, budget=64, **ASKED), rainy, probe, ["removal"], store=None)
    assert [c.name for c in ex.checks] == ["removal"]


def test_a_saved_explanation_of_a_chat_comes_back_with_its_conversation():
    ex = explain(rainy, ChatProbe(CHAT), budget=64, **ASKED)
    back = Explanation.from_json(ex.to_json())
    assert back.view == ex.view and str(back) == str(ex)


def test_a_page_shows_turns_by_role_and_strikes_out_those_that_were_left_out():
    chat = [{**message} for message in CHAT]
    chat[0]["content"] = "Be <b>brief</b>. Be \u202ekind."
    page = explain(rainy, ChatProbe(chat), budget=64, **ASKED).report("chat.html").read_text(encoding="utf-8")
    for title in ("system", "example", "user", "assistant", "tool"):
        assert f"<b>{title}</b>" in page
    assert "<del>user: Is 7 prime?\nassistant: Yes." in page
    assert "Be &lt;b&gt;brief&lt;/b&gt;." in page and "\u202e" not in page
    assert "could not be drawn" not in page


def test_the_same_chat_is_asked_once():
    model = CallableModel(rainy, "rainy")
    store = Store()
    explain(model, CHAT, budget=64, store=store, progress=False)
    again = explain(model, ChatProbe(CHAT), budget=64, store=store, progress=False)
    assert again.provenance["cost"]["rows"] == 0


@pytest.mark.parametrize("share", [True, False])
def test_a_chat_has_the_same_keys_however_it_is_written(share):
    model = CausalLM(lm().module, lm().tokenizer, share_prefixes=share)
    pairs = [(message["role"], message["content"]) for message in LM_CHAT]
    asked = ChatProbe(LM_CHAT).render(np.ones((1, 6)))[0]
    scorer = model.scoring(" free", asked)
    assert scorer.digests([asked]) == scorer.digests([pairs]) == scorer.digests([tuple(pairs)])
