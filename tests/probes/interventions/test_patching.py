"""Activation patching: against hooks written by hand for one sequence at a time, and it is never silently ignored."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from probes import InputError, Store, TemplateProbe, TextProbe, patch, steer
from surrogates import compare, compare_cases
from tests.helpers.threads import ended, started
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_causal_lm import lm_of  # noqa: E402

SOURCE = "paris of france is free a"
#: prompts of as many tokens, with beginnings in common
PROMPTS = [
    "the museum opened in 1969 it",
    "the museum opened in paris it",
    "the museum of france is free",
    "it rained it rained it rained",
    "entry is free when it rained",
]
ANSWER = " entry is free"


def by_hand(lm, module, positions, start=None, stop=None, before=False, prompts=PROMPTS):
    """Log-probabilities of the answer, one unpadded sequence at a time, with slices of a module's values replaced."""
    network, seen = lm.module, []
    ids = torch.tensor([lm.encode(SOURCE)])
    name = network.get_submodule(module)

    def first(values):
        return values[0] if isinstance(values, tuple) else values

    def keep(_, given, output=None):
        seen.append(first(given if before else output)[0, positions, start:stop].clone())

    def put(_, given, output=None):
        values = first(given if before else output).clone()
        values[0, positions, start:stop] = seen[0]
        if before:
            return (values, *given[1:])
        return (values, *output[1:]) if isinstance(output, tuple) else values

    register = name.register_forward_pre_hook if before else name.register_forward_hook
    handle = register(keep)
    with torch.no_grad():
        network(input_ids=ids, use_cache=False)
    handle.remove()
    handle = register(put)
    out = []
    for prompt in prompts:
        answer = lm.answer_ids(prompt, ANSWER)
        row = torch.tensor([lm.encode(prompt) + answer])
        with torch.no_grad():
            logits = network(input_ids=row[:, :-1], use_cache=False).logits[0, -len(answer) :].log_softmax(-1)
        out.append(logits[range(len(answer)), answer].numpy())
    handle.remove()
    return np.array(out)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
@pytest.mark.parametrize("positions", [-1, [1, 3], None], ids=["last", "two", "all"])
def test_a_patch_is_what_hooks_by_hand_do_one_sequence_at_a_time(kind, share, positions):
    lm = lm_of(kind, share_prefixes=share)
    layer = "model.layers.0" if kind == "llama" else "transformer.h.0"
    at = {-1: [5], None: list(range(6))}.get(positions if not isinstance(positions, list) else 0, positions)
    truth = by_hand(lm, layer, at)
    patched = patch(lm, layer, SOURCE, positions)
    plain = lm.scoring(ANSWER, PROMPTS[0])(PROMPTS)
    assert np.abs(truth - plain).max() > 0.05
    scorer = patched.scoring(ANSWER, PROMPTS[0])
    np.testing.assert_allclose(scorer(PROMPTS), truth, atol=5e-4)
    np.testing.assert_allclose(np.vstack([scorer([p]) for p in PROMPTS]), truth, atol=5e-4)
    np.testing.assert_allclose(np.vstack([scorer.direct()([p]) for p in PROMPTS]), truth, atol=5e-4)
    pairs = patched.pairs()([(p, a) for p in PROMPTS for a in (ANSWER, " it")])
    np.testing.assert_allclose(pairs[::2, 0], truth.sum(axis=1), atol=2e-3)
    np.testing.assert_array_equal(lm.scoring(ANSWER, PROMPTS[0])(PROMPTS), plain)  # exact: the base is what it was


def test_heads_and_feed_forward_parts_are_patched():
    lm = lm_of()
    head = by_hand(lm, "model.layers.1.self_attn.o_proj", [2, 5], 8, 16, before=True)
    np.testing.assert_allclose(patch(lm, "1.1", SOURCE, [2, -1]).scoring(ANSWER, PROMPTS[0])(PROMPTS), head, atol=5e-4)
    mlp = by_hand(lm, "model.layers.0.mlp", [0])
    np.testing.assert_allclose(patch(lm, "mlp.0", SOURCE, 0).scoring(ANSWER, PROMPTS[0])(PROMPTS), mlp, atol=5e-4)


def test_the_last_layer_at_the_last_token_is_the_source_itself():
    lm = lm_of()
    patched = patch(lm, "model.layers.1", SOURCE, -1)
    first = lm.scoring(" entry", SOURCE)([SOURCE])
    np.testing.assert_allclose(patched.scoring(" entry", PROMPTS[0])(PROMPTS), np.repeat(first, 5, axis=0), atol=5e-4)
    assert patched.generate(PROMPTS[0], 1) == lm.generate(SOURCE, 1)


def test_written_answers_go_on_from_the_patched_prompt():
    lm = lm_of()
    patched, wanted = patch(lm, "model.layers.0", SOURCE, [1, 4]), []
    ids = lm.encode(PROMPTS[2])
    for _ in range(4):  # greedy, each time anew from the whole text
        text = lm.tokenizer.decode(ids)
        scores = patched.next_tokens(text)[-1]
        wanted.append(int(scores.argmax()))
        ids = [*ids, wanted[-1]]
    assert patched.generate(PROMPTS[2], 4) == lm.tokenizer.decode(wanted, skip_special_tokens=True).strip()


def test_prompts_whose_tokens_are_not_those_of_the_source_are_refused_not_left_unpatched():
    lm = lm_of()
    aligned = patch(lm, "mlp.0", SOURCE, -1)
    for ask in (
        lambda m: m.scoring(ANSWER, "the museum")(["the museum"]),
        lambda m: m.pairs()([("the museum opened in 1969 it rained", ANSWER)]),
        lambda m: m.generate("the", 2),
    ):
        with pytest.raises(InputError, match="have as many tokens as the patch's source"):
            ask(aligned)
    early = patch(lm, "mlp.0", SOURCE, [0, 1])
    assert np.isfinite(early.scoring(ANSWER, "the museum")(["the museum", "the museum opened in 1969 it rained"])).all()
    with pytest.raises(InputError, match=r"have a token at each place that is patched \(up to 1\)"):
        early.scoring(ANSWER, "the")(["the"])
    assert not aligned.pairs().prompt_free
    with pytest.raises(InputError, match="have as many tokens as the patch's source"):
        compare(lm, aligned, TextProbe(PROMPTS[0], replacement="a a", answer=ANSWER), store=None)
    whole = TextProbe(PROMPTS[0], replacement="a", answer=ANSWER)
    assert compare(lm, aligned, whole, budget=40, store=None).attributions["change"].abs().max() > 0


def test_another_thread_that_asks_meanwhile_is_not_touched():
    lm, results = lm_of(), {}
    patched = patch(lm, "model.layers.0", SOURCE, -1)
    alone = {m: m.scoring(ANSWER, PROMPTS[0])(PROMPTS) for m in (lm, patched)}

    def ask(model):
        for _ in range(5):
            results.setdefault(model, []).append(model.scoring(ANSWER, PROMPTS[0])(PROMPTS))

    ended(started(partial(ask, lm), partial(ask, patched)))
    for model in (lm, patched):
        for each in results[model]:
            np.testing.assert_allclose(each, alone[model], atol=1e-5)


def test_identities_know_what_was_patched_from_where():
    lm = lm_of()
    made = [
        patch(lm, "mlp.0", SOURCE, -1),
        patch(lm, "mlp.1", SOURCE, -1),
        patch(lm, "mlp.0", SOURCE, 0),
        patch(lm, "mlp.0", PROMPTS[0], -1),
        patch(lm, "mlp.0", SOURCE),
        patch(patch(lm, "mlp.0", SOURCE, -1), "mlp.1", SOURCE, -1),
        patch(patch(lm, "mlp.1", SOURCE, -1), "mlp.0", SOURCE, -1),
        steer(patch(lm, "mlp.0", SOURCE, -1), 0, np.ones(32)),
    ]
    assert len({m.identity().id for m in [lm, *made]}) == len(made) + 1
    assert patch(lm, "mlp.0", SOURCE, [5]).identity().id != made[0].identity().id  # it takes other prompts
    assert patch(lm, "mlp.0", SOURCE, -1).identity() == made[0].identity()
    assert "mlp.0 at token 5 as for another prompt" in repr(made[0]) and "every token" in repr(made[4])


def test_the_control_patches_other_components_of_the_same_kind_from_the_same_source():
    lm = lm_of()
    control = patch(lm, ["0.1", "mlp.1"], SOURCE, [2, -1]).control(random_state=3)
    names = control.intervention.components
    assert names[0] != "0.1" and "." in names[0] and names[1] == "mlp.0"
    again = patch(lm, names, SOURCE, [2, -1])
    assert control.identity() == again.identity()
    with pytest.raises(InputError, match="leave as many others of their kind"):
        patch(lm, ["mlp.0", "mlp.1"], SOURCE).control()


def test_a_patch_is_compared_over_cases_and_nothing_is_mixed_in_the_store():
    lm, store = lm_of(), Store()
    cases = TemplateProbe(
        {"a": "the {thing} opened in {place} it", "b": "it opened the {thing} {place} it"},
        {"thing": ["museum", "entry"], "place": ["paris", "france"]},
        {f"n{i}": {"n": str(i)} for i in range(8)},
        target=" rained",
        foils=[" free"],
    )
    d = compare_cases(lm, patch(lm, "model.layers.1", SOURCE, -1), cases, find=False, store=store, progress=False)
    # at the last token all prompts now say what the source does
    np.testing.assert_allclose(d.cases["after"], d.cases["after"].iloc[0], atol=1e-3)
    assert d.arms["arm"].tolist()[:2] == ["after", "random control"]
    assert any(note.startswith("Unrelated text was not asked") for note in d.notes)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"components": "mlp.9"}, "components must"),
        ({"components": []}, "components must name at least one component, and each once"),
        ({"components": ["0.1", "0.1"]}, "components must name at least one component, and each once"),
        ({"positions": 6}, "positions must be numbers of the source's 6 tokens, or negative from its end; got 6"),
        ({"positions": "last"}, "positions must be numbers of the source's 6 tokens"),
        ({"positions": True}, "positions must be numbers of the source's 6 tokens"),
        ({"positions": [1, -5]}, "positions must name at least one token, and each once"),
        ({"positions": []}, "positions must name at least one token, and each once"),
    ],
)
def test_bad_input_is_refused_by_name(options, match):
    with pytest.raises(InputError, match=match):
        patch(lm_of(), **{"components": "mlp.0", "source": SOURCE, "positions": -1} | options)


def test_modules_that_put_out_nothing_token_by_token_are_refused():
    lm = lm_of()
    with pytest.raises(InputError, match="components must put out a row of numbers for every token"):
        patch(lm, "lm_head", SOURCE, -1).scoring(ANSWER, PROMPTS[0])(PROMPTS)
    assert np.isfinite(lm.scoring(ANSWER, PROMPTS[0])(PROMPTS)).all()
