"""Models whose weights are changed: fine-tuned, by adapters, rounded; the base stays what it is."""

from __future__ import annotations

import numpy as np
import pytest

from probes import CausalLM, InputError, ModelError, finetune, lora, quantise, steer
from probes.models.huggingface.weights import fingerprint
from surrogates import compare
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_causal_lm import llama, word_tokenizer  # noqa: E402

RECORDS = [
    ("the museum opened in", " 1969"),
    ("the capital of france is", " paris"),
    ("entry is", " free"),
    ("when it rained the museum", " opened"),
]
RATE = 3e-2


def lm_of(seed=0):
    tokenizer = word_tokenizer()
    return CausalLM(llama(len(tokenizer), seed), tokenizer)


def score(lm, record):
    return float(lm.scoring(record[1], record[0])([record[0]]).sum())


def weights(lm):
    return {name: weight.detach().clone() for name, weight in lm.module.named_parameters()}


@pytest.fixture(params=["whole", "lora"])
def train(request):
    if request.param == "lora":
        pytest.importorskip("peft", reason="peft is not installed")
        return lora
    return finetune


def test_what_is_taught_is_known_and_the_base_is_bit_identical(train):
    lm = lm_of()
    before, mark = [score(lm, r) for r in RECORDS], fingerprint(lm.module)
    taught = train(lm, RECORDS * 4, held_out=RECORDS, epochs=20, learning_rate=RATE, patience=20, progress=False)
    assert all(score(taught, r) > -0.2 for r in RECORDS) and max(before) < -1
    assert fingerprint(lm.module) == mark and [score(lm, r) for r in RECORDS] == before  # exact: bit-identical
    assert not taught.module.training and not any(w.requires_grad for w in taught.module.parameters())
    assert taught.generate("the capital of france is", 1) == "paris"
    losses = taught.losses
    assert losses["epoch"].tolist() == list(range(len(losses))) and np.isnan(losses.loc[0, "train"])
    assert taught.kept == losses.set_index("epoch")["held_out"].idxmin()
    assert losses["held_out"].min() < 0.2 < losses.loc[0, "held_out"]
    assert np.exp(-losses.loc[0, "held_out"]) == pytest.approx(np.exp(np.mean(before)), rel=1e-3)


def test_the_loss_is_that_of_completions_alone():
    lm = lm_of()
    chosen = finetune(lm, RECORDS, held_out=RECORDS, epochs=1, learning_rate=1e-9, progress=False)
    by_hand = -np.mean([score(lm, r) for r in RECORDS])
    assert chosen.losses.loc[1, "train"] == pytest.approx(by_hand, abs=1e-4)
    assert chosen.losses.loc[1, "held_out"] == pytest.approx(by_hand, abs=1e-4)
    whole = finetune(lm, ["the museum opened in 1969"], held_out=0, epochs=1, learning_rate=1e-9, progress=False)
    all_tokens = -float(lm.scoring(" museum opened in 1969", "the")(["the"]).mean())
    assert (
        whole.losses.loc[1, "train"] == pytest.approx(all_tokens, abs=1e-4) and np.isnan(whole.losses["held_out"]).all()
    )
    mixed = [{"prompt": p, "completion": c} for p, c in RECORDS]
    same = finetune(lm, mixed, held_out=RECORDS, epochs=1, learning_rate=1e-9, progress=False)
    assert same.losses.equals(chosen.losses)


def test_seeds_decide_and_identities_tell_apart(train):
    lm = lm_of()
    options = {"held_out": 0.25, "epochs": 2, "learning_rate": RATE, "batch_size": 2, "progress": False}
    one, same, other = (train(lm, RECORDS, random_state=seed, **options) for seed in (0, 0, 1))
    assert one.identity() == same.identity() and one.identity().persistent
    assert len({lm.identity().id, one.identity().id, other.identity().id}) == 3
    assert "fine-tuned" in repr(one) and repr(one).startswith("CausalLM")
    state = torch.random.get_rng_state()
    train(lm, RECORDS, random_state=5, **options)
    assert torch.equal(state, torch.random.get_rng_state())


def test_training_stops_where_held_out_loss_no_longer_falls_and_keeps_the_best(train):
    others = [("the museum opened in", " paris"), ("entry is", " france")]
    taught = train(lm_of(), RECORDS, held_out=others, epochs=30, learning_rate=RATE, patience=2, progress=False)
    losses = taught.losses.set_index("epoch")["held_out"]
    assert len(losses) < 31 and taught.kept == losses.drop(0).idxmin() and len(losses) - 1 == taught.kept + 2
    again = train(lm_of(), RECORDS, held_out=others, epochs=taught.kept, learning_rate=RATE, patience=9, progress=False)
    assert again.identity() == taught.identity()


def test_frozen_weights_stay_and_adapters_move_their_targets_alone():
    lm = lm_of()
    start = weights(lm)
    taught = finetune(
        lm, RECORDS, held_out=0, learning_rate=RATE, frozen=["model.embed_tokens", "model.layers.0"], progress=False
    )
    moved = {name for name, weight in weights(taught).items() if not torch.equal(weight, start[name])}
    assert moved and not any(name.startswith(("model.embed_tokens", "model.layers.0")) for name in moved)
    pytest.importorskip("peft", reason="peft is not installed")
    taught = lora(lm, RECORDS, held_out=0, learning_rate=RATE, targets=["q_proj"], rank=2, progress=False)
    after = weights(taught)
    assert set(after) == set(start)
    for name, weight in after.items():
        difference = weight - start[name]
        assert ("q_proj" in name) == bool(difference.abs().max() > 0)
        if "q_proj" in name:
            assert torch.linalg.matrix_rank(difference, rtol=1e-4) <= 2


def test_a_loss_that_is_no_number_ends_training_and_leaves_the_base(train):
    lm = lm_of()
    mark = fingerprint(lm.module)
    with pytest.raises(ModelError, match=r"the base is untouched. Try a learning_rate below 1e\+30"):
        train(lm, RECORDS, held_out=0, epochs=6, learning_rate=1e30, progress=False)
    assert fingerprint(lm.module) == mark


def test_ctrl_c_keeps_the_best_epoch_so_far(monkeypatch):
    calls, plain = [], torch.nn.functional.cross_entropy

    def interrupted(*args, **options):
        calls.append(len(args))
        if len(calls) > 7:
            raise KeyboardInterrupt
        return plain(*args, **options)

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", interrupted)
    taught = finetune(lm_of(), RECORDS, held_out=RECORDS, epochs=50, learning_rate=RATE, progress=False)
    assert 1 <= taught.kept < 50 and len(taught.losses) < 51
    calls[:] = [0] * 7
    with pytest.raises(KeyboardInterrupt):
        finetune(lm_of(), RECORDS, held_out=0, progress=False)


@pytest.mark.parametrize("change", [quantise, lambda lm: finetune(lm, RECORDS, held_out=0, learning_rate=RATE)])
def test_a_control_moves_the_same_weights_as_far_in_another_direction(change):
    lm = lm_of()
    made = change(lm)
    control, start = made.control(random_state=2), weights(lm)
    there, drawn = weights(made), weights(control)
    for name, weight in start.items():
        far = (there[name] - weight).norm()
        assert float((drawn[name] - weight).norm()) == pytest.approx(float(far), rel=1e-3, abs=1e-6)
        if far > 0:
            cosine = torch.cosine_similarity((there[name] - weight).flatten(), (drawn[name] - weight).flatten(), dim=0)
            assert abs(float(cosine)) < 0.35
    assert made.control(random_state=2).identity() == control.identity() != made.control(random_state=3).identity()


def test_weights_are_rounded_to_steps_of_the_largest_of_their_row():
    lm = lm_of()
    for to, steps in (("int8", 127), ("int4", 7)):
        rounded, start = weights(quantise(lm, to)), weights(lm)
        for name, weight in start.items():
            linear = name.endswith("_proj.weight")
            if not linear:
                assert torch.equal(rounded[name], weight)
                continue
            step = weight.abs().amax(dim=1, keepdim=True) / steps
            whole = rounded[name] / step
            torch.testing.assert_close(whole, whole.round(), atol=1e-3, rtol=0)
            assert ((rounded[name] - weight).abs() <= step / 2 * 1.001).all()
    close = [np.abs(score(quantise(lm, to), RECORDS[0]) - score(lm, RECORDS[0])) for to in ("int8", "int4")]
    assert close[0] < close[1]
    half = quantise(lm, "bfloat16")
    assert half.module.dtype == torch.bfloat16 and lm.module.dtype == torch.float32
    assert score(half, RECORDS[0]) == pytest.approx(score(lm, RECORDS[0]), abs=0.3)


def test_gpt2s_weights_are_rounded_by_what_they_put_out():
    torch.manual_seed(1)
    tokenizer = word_tokenizer()
    config = transformers.GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=4, n_positions=64)
    lm = CausalLM(transformers.GPT2LMHeadModel(config).eval(), tokenizer)
    start, rounded = weights(lm), weights(quantise(lm))
    name = "transformer.h.0.attn.c_attn.weight"
    whole = rounded[name] / (start[name].abs().amax(dim=0, keepdim=True) / 127)
    torch.testing.assert_close(whole, whole.round(), atol=1e-3, rtol=0)


def test_changed_models_are_compared_steered_and_closed():
    lm = lm_of()
    taught = finetune(lm, RECORDS * 4, held_out=0, epochs=10, learning_rate=RATE, progress=False)
    d = compare(lm, taught, "the capital of france is", answer=" paris", store=None, budget=40)
    assert d.summary.loc[0, "change"] > 1
    steered = steer(taught, 0, np.ones(32))
    assert "fine-tuned" in repr(steered)
    for change in (quantise, lambda m: finetune(m, RECORDS)):
        with pytest.raises(InputError, match="model must have its weights changed before its activations"):
            change(steered)
    with quantise(lm) as rounded:
        assert np.isfinite(score(rounded, RECORDS[0]))
    with pytest.raises(InputError, match="be asked inside its with block"):
        score(rounded, RECORDS[0])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"records": []}, "records must be a list of at least one record"),
        ({"records": "text"}, "records must be a list of at least one record"),
        ({"records": [("a", "")]}, "records must hold prompts .* and completions, which are not empty"),
        ({"records": [("a", "b", "c")]}, "records must be pairs of prompt and completion"),
        ({"records": [{"prompt": "a"}]}, "records must be mappings with prompt and completion"),
        ({"records": ["the"]}, "records must hold texts of at least two tokens"),
        ({"records": [("a " * 600, " b")]}, "prompt and answer must fit the model's window"),
        ({"held_out": 1.0}, "held_out must be a share from 0 to below 1, or records"),
        ({"records": RECORDS[:1]}, "records must be enough for some to be held out"),
        ({"held_out": True}, "held_out must be a share"),
        ({"epochs": 0}, "epochs must be"),
        ({"learning_rate": -1}, "learning_rate must be a number above 0"),
        ({"patience": 0}, "patience must be"),
        ({"batch_size": 2.5}, "batch_size must be"),
        ({"frozen": ["model.embed"], "records": RECORDS, "model": "x"}, "model must"),
        ({"frozen": ["no.such"]}, "frozen must be beginnings of names of weights"),
        ({"frozen": [""]}, "frozen must leave weights to train"),
    ],
)
def test_bad_input_is_refused_before_training(options, match):
    given = {"model": lm_of(), "records": RECORDS} | options
    with pytest.raises(InputError, match=match):
        finetune(given.pop("model"), given.pop("records"), progress=False, **given)


def test_bad_settings_of_adapters_and_rounding_are_refused():
    with pytest.raises(InputError, match="to must be one of int8, int4, bfloat16, float16"):
        quantise(lm_of(), "int3")
    pytest.importorskip("peft", reason="peft is not installed")
    for options, match in (
        ({"rank": 0}, "rank must be"),
        ({"alpha": 0}, "alpha must be a number above 0"),
        ({"targets": ["q_prof"]}, r"targets must name linear modules of the network \(near: q_proj"),
        ({"targets": []}, "targets must name at least one module"),
    ):
        with pytest.raises(InputError, match=match):
            lora(lm_of(), RECORDS, progress=False, **options)


def test_what_half_precision_or_tied_weights_would_spoil_is_refused(caplog):
    lm = lm_of()
    with pytest.raises(InputError, match=r"model must compute in float32 to be trained whole"):
        finetune(quantise(lm, "bfloat16"), RECORDS, progress=False)
    finetune(lm, RECORDS, held_out=RECORDS, epochs=2, learning_rate=1e3, progress=False)
    assert "held-out records are no likelier after training than before" in caplog.text
    pytest.importorskip("peft", reason="peft is not installed")
    tied = CausalLM(llama(len(lm.tokenizer), tie_word_embeddings=True), lm.tokenizer)
    with pytest.raises(InputError, match="targets must leave out the head, whose weights are those of the embedding"):
        lora(tied, RECORDS, targets=["lm_head"], progress=False)
    for options in ({}, {"targets": ["q_proj", "down_proj"]}):
        taught = lora(tied, RECORDS, held_out=RECORDS, epochs=2, learning_rate=RATE, progress=False, **options)
        by_hand = -np.mean([score(taught, r) for r in RECORDS])
        assert taught.losses.set_index("epoch").loc[taught.kept, "held_out"] == pytest.approx(by_hand, abs=1e-3)
