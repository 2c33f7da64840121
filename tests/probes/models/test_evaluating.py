"""A user's network is asked in evaluation mode, and comes back in the mode that each of its parts was in."""

from __future__ import annotations

import threading
from copy import deepcopy

import numpy as np
import pytest

from probes import (
    CausalLM,
    Encoder,
    ExtractiveQA,
    ImageClassifier,
    MaskedFill,
    MaskedLM,
    ModelError,
    TextClassifier,
    TokenClassifier,
    ablate,
    activations,
    patch,
    steer,
)
from probes.models.evaluating import evaluating
from probes.models.huggingface.seq2seq import Seq2SeqLM
from probes.models.torch_module import TorchModule
from surrogates import explain
from tests.helpers.vit_processor import vit_processor
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_causal_lm import gpt2, llama, word_tokenizer  # noqa: E402
from tests.helpers.tiny_text_networks import bart, bert, tokenizer  # noqa: E402

ROW = np.array([[1.0, -1.0, 2.0, 0.5]])
IMAGE = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
TEXT, PROMPT = "a man sleeps in the old house", "the cat sat on the"


def table():
    torch.manual_seed(0)
    parts = torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
    return torch.nn.Sequential(*parts)


def images():
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = transformers.ViTConfig(image_size=16, patch_size=8, num_labels=3, hidden_dropout_prob=0.5, **shape)
    return transformers.ViTForImageClassification(config)


def processor():
    return vit_processor(16)


def decoder():
    return gpt2(len(word_tokenizer()))


def asked(model, inputs):
    return model(inputs)


def scored(model, inputs):
    return model.scoring(" mat", inputs[0])(inputs)


#: of each kind: the network, the model that it becomes, inputs, and how they are asked
KINDS = {
    "rows": (table, TorchModule, ROW, asked),
    "images": (images, lambda network: ImageClassifier(network, processor()), [IMAGE], asked),
    "texts": (bert, lambda network: TextClassifier(network, tokenizer()), [TEXT], asked),
    "tokens": (
        lambda: bert("ForTokenClassification"),
        lambda network: TokenClassifier(network, tokenizer()),
        [TEXT],
        asked,
    ),
    "spans": (
        lambda: bert("ForQuestionAnswering"),
        lambda network: ExtractiveQA(network, tokenizer()),
        [("the museum", TEXT)],
        lambda model, pairs: model.scoring("old house", pairs[0])(pairs),
    ),
    "masks": (
        lambda: bert("ForMaskedLM"),
        lambda network: MaskedLM(network, tokenizer()),
        ["a man [MASK] in the house"],
        lambda model, texts: model.words("sleeps", "rests")(texts),
    ),
    "fills": (
        lambda: bert("ForMaskedLM"),
        lambda network: MaskedFill(network, tokenizer()),
        ["a man [MASK]"],
        lambda model, texts: np.array([len(model(texts, [1])[0])]),
    ),
    "vectors": (lambda: bert("Model"), lambda network: Encoder(network, tokenizer()), [TEXT], asked),
    "continuations": (decoder, lambda network: CausalLM(network, word_tokenizer()), [PROMPT], scored),
    "padded continuations": (
        decoder,
        lambda network: CausalLM(network, word_tokenizer(), share_prefixes=False),
        [PROMPT],
        scored,
    ),
    "pairs": (
        decoder,
        lambda network: CausalLM(network, word_tokenizer()),
        [(PROMPT, " mat")],
        lambda lm, pairs: lm.pairs()(pairs),
    ),
    "written text": (
        decoder,
        lambda network: CausalLM(network, word_tokenizer()),
        [PROMPT],
        lambda lm, prompts: np.array([hash(lm.generate(prompts[0], 4))]),
    ),
    "sources": (bart, lambda network: Seq2SeqLM(network, tokenizer()), [TEXT], scored),
}


def mixed(network):
    """Train a network, but for every third of its parts."""
    network.train()
    for part in [*network.modules()][1::3]:
        part.training = False
    return network


def modes(network):
    return [part.training for part in network.modules()]


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_comes_back_in_its_mode_and_answers_are_those_of_evaluation(kind):
    make, adapt, inputs, ask = KINDS[kind]
    network = mixed(make())
    before, expected = modes(network), ask(adapt(deepcopy(network).eval()), inputs)
    model = adapt(network)
    np.testing.assert_allclose(ask(model, inputs), expected, atol=1e-5)
    assert modes(network) == before
    if (direct := getattr(model, "direct", None)) and direct() is not None:
        direct()(inputs)
        assert modes(network) == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "fills"])
def test_identities_do_not_depend_on_the_mode(kind):
    make, adapt, _, _ = KINDS[kind]
    network = make()
    known = adapt(network.eval()).identity()
    assert adapt(mixed(network)).identity() == known


def interventions(kind):
    make, adapt, inputs, ask = KINDS[kind]
    network = mixed(make())
    module = next(name for name, part in network.named_modules() if type(part).__name__ in ("Linear", "Conv1D"))
    return network, adapt(network), module, inputs, ask


@pytest.mark.parametrize("kind", ["rows", "images", "texts", "continuations", "sources"])
def test_interventions_leave_every_part_in_its_mode(kind):
    network, model, module, inputs, ask = interventions(kind)
    before = modes(network)
    seen = activations(model, inputs, module)
    made = [
        steer(model, module, np.ones(seen.shape[-1]), 2.0),
        ablate(model, module),
        patch(model, module, inputs[0]),
    ]
    made.append(made[0].control())
    for changed in made:
        assert np.isfinite(ask(changed, inputs)).all()
    assert modes(network) == before


def test_pipelines_are_asked_in_evaluation_mode_too():
    pipeline = transformers.pipeline("text-classification", model=bert(hidden_dropout_prob=0.5), tokenizer=tokenizer())
    mixed(pipeline.model)
    before = modes(pipeline.model)
    ex = explain(pipeline, TEXT, store=None)
    assert modes(pipeline.model) == before
    assert not any("differently" in note or "alone" in note for note in ex.warnings)


class _Counted(torch.nn.Module):
    """Raises at the n-th forward."""

    def __init__(self, error, at=3):
        super().__init__()
        self.inner, self.error, self.left = table(), error, at

    def forward(self, rows):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.inner(rows)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no")])
def test_what_ends_a_run_leaves_every_part_in_its_mode(error):
    network = mixed(_Counted(error))
    before = modes(network)
    with pytest.raises((KeyboardInterrupt, ModelError)):
        explain(network, ROW[0], background=np.zeros((1, 4)), store=None)
    assert network.left == 0
    assert modes(network) == before


def test_ctrl_c_between_two_answers_of_a_language_model_leaves_every_part_in_its_mode():
    network = mixed(llama(len(word_tokenizer())))
    before, model = modes(network), CausalLM(network, word_tokenizer())
    answers = model.scoring(" mat", PROMPT).answers([PROMPT, "the dog sat on the"])
    next(answers)
    assert modes(network) == before


def test_of_threads_that_ask_one_network_the_last_gives_the_modes_back():
    network = mixed(table())
    before, inside, go = modes(network), threading.Event(), threading.Event()

    def long():
        with evaluating(network):
            inside.set()
            go.wait(20)
            seen.append(modes(network))

    seen = []
    thread = threading.Thread(target=long)
    thread.start()
    assert inside.wait(20)
    with evaluating(network):
        pass
    go.set()
    thread.join(20)
    assert seen == [[False] * len(before)]
    assert modes(network) == before


class _Cached(torch.nn.Module):
    """Has a number ready in evaluation mode alone, as attention biases of LeViT are."""

    def __init__(self):
        super().__init__()
        self.weight, self.ready = torch.nn.Parameter(torch.ones(1)), None

    def train(self, mode=True):
        super().train(mode)
        self.ready = None if mode else 2 * self.weight.detach()
        return self

    def forward(self, rows):
        return rows.sum(1, keepdim=True) * (2 * self.weight if self.training else self.ready)


@pytest.mark.parametrize("whole", [True, False])
def test_a_part_that_does_more_in_train_does_it_on_the_way_back(whole):
    network = torch.nn.Sequential(_Cached())
    network.training = whole
    for _ in range(2):
        with torch.no_grad():
            network[0].weight.add_(1)
        expected = 2 * network[0].weight.item() * ROW.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(TorchModule(network)(ROW), expected)
        assert network[0].ready is None and network[0].training and network.training == whole


def test_two_networks_that_share_a_part_are_both_asked_in_evaluation_mode_by_threads():
    shared = torch.nn.Dropout(0.5)
    one, other = (mixed(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4), shared)) for _ in range(2))
    before, inside, go = [modes(one), modes(other)], threading.Event(), threading.Event()

    def first():
        with evaluating(one):
            inside.set()
            go.wait(20)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    with evaluating(other):
        go.set()
        thread.join(20)
        assert modes(one)[:3] == before[0][:3]
        assert not any(modes(other))
    assert [modes(one), modes(other)] == before


@pytest.mark.parametrize("refused", [True, False])
def test_a_part_whose_train_raises_leaves_all_in_their_modes(refused):
    class Fixed(torch.nn.Linear):
        def train(self, mode=True):
            if mode == refused:
                raise RuntimeError("fixed")
            return super().train(mode)

    network = torch.nn.Sequential(torch.nn.Dropout(), Fixed(4, 4), torch.nn.Dropout())
    network[0].training = False
    before = modes(network)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="fixed"), evaluating(network):
            pass
        assert modes(network) == before


def scripted(network):
    return torch.jit.script(network)


def traced(network):
    return torch.jit.trace(network.eval(), torch.ones(2, 4))


def frozen(network):
    return torch.jit.freeze(torch.jit.script(network.eval()))


def exported(network):
    rows = {0: torch.export.Dim.DYNAMIC}
    return torch.export.export(network.eval(), (torch.ones(4, 4),), dynamic_shapes=(rows,)).module()


def compiled(network):
    return torch.compile(network, backend="eager")


@pytest.mark.parametrize("made", [scripted, traced, frozen, exported, compiled, torch.nn.DataParallel])
def test_compiled_and_wrapped_networks_are_asked_as_the_network_is(made):
    network = mixed(table())
    expected = explain(deepcopy(network), ROW[0], background=np.zeros((1, 4)), store=None)
    asked = made(network)
    before = modes(asked) if made is not frozen else None
    found = explain(asked, ROW[0], background=np.zeros((1, 4)), store=None)
    np.testing.assert_allclose(found.y, expected.y, atol=1e-6)
    assert before is None or modes(asked) == before


def test_gradients_flow_after_a_network_was_asked():
    network = table().train()
    TorchModule(network)(ROW)
    network(torch.ones(4, 4)).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())
