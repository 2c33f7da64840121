"""A network whose weights change while it is asked is refused; answers of two states are never mixed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from probes import Case, CausalLM, InputError, ModelError, Store, TextProbe, measure
from probes.asking.taken import Taken
from probes.models.torch_module import TorchModule
from probes.models.weight_states import WeightState
from surrogates import explain
from tests.helpers.when_used import when_used

torch = when_used("torch")
from tests.helpers.tiny_causal_lm import llama, word_tokenizer  # noqa: E402

ROW, BACKGROUND = np.array([1.0, -1.0, 2.0, 0.5]), np.zeros((1, 4))


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 1))


def step(module):
    """One step of an optimiser, in training mode."""
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    module.train()
    module(torch.randn(6, 4)).square().sum().backward()
    optimiser.step()


def replaced(module):
    module[0].weight = torch.nn.Parameter(module[0].weight.detach() + 1)


def swapped(module):
    module[0].weight.data = module[0].weight.detach() + 1


def averaged(module):
    module[1].running_mean.add_(1)


def loaded(module):
    module.load_state_dict({name: value + 1 for name, value in module.state_dict().items()})


@pytest.mark.parametrize("change", [step, replaced, swapped, averaged, loaded])
def test_a_change_of_weights_is_seen(change):
    module = network()
    taken = Taken.of(TorchModule(module))
    TorchModule(module)(ROW[None])
    taken.check()
    change(module)
    with pytest.raises(ModelError, match="weights of Sequential changed while it was asked") as error:
        taken.check()
    assert ("writes to this buffer" in str(error.value)) == (change is averaged)


def test_weights_made_in_inference_mode_are_told_by_their_places():
    with torch.inference_mode():
        module = network()
    assert not WeightState.of(module).changed


def test_a_buffer_that_the_network_writes_to_is_named():
    class Counting(torch.nn.Linear):
        def __init__(self, persistent):
            super().__init__(4, 1)
            self.register_buffer("asked", torch.zeros(1), persistent=persistent)

        def forward(self, rows):
            self.asked += 1
            return super().forward(rows)

    module = torch.nn.Sequential(Counting(True))
    with pytest.raises(ModelError, match=r"at 0\.asked: .*writes to this buffer") as error:
        explain(module, ROW, background=BACKGROUND, store=None)
    line = re.search(r"module\..*persistent=False\)", str(error.value)).group()
    exec(line, {"module": module})  # as the error says
    assert np.isfinite(explain(module, ROW, background=BACKGROUND, store=None).y).all()
    ex = explain(torch.nn.Sequential(Counting(False)), ROW, background=BACKGROUND, store=None)
    assert np.isfinite(ex.y).all()


def test_compiled_networks_are_watched_too():
    module = torch.jit.script(network())
    taken = Taken.of(TorchModule(module))
    TorchModule(module)(ROW[None])
    taken.check()
    step(module)
    with pytest.raises(ModelError, match="changed while it was asked"):
        taken.check()


def test_weights_that_are_not_made_yet_are_asked_for():
    module = torch.nn.Sequential(torch.nn.LazyLinear(1))
    with pytest.raises(InputError, match=r"0\.weight is not made"):
        explain(module, ROW, background=BACKGROUND, store=None)


def test_a_step_while_a_run_asks_is_refused_and_leaves_no_answer_of_the_new_weights():
    module, store = network(), Store()
    asked = TorchModule(module)
    plain, calls = asked.function, []

    def interrupted(rows):
        calls.append(len(rows))
        if len(calls) == 3:
            step(module)
        return plain(rows)

    interrupted.__name__ = plain.__name__
    asked.function = interrupted
    with pytest.raises(ModelError, match="weights of Sequential changed"):
        explain(asked, ROW, background=BACKGROUND, store=store)
    asked.function = plain
    again = explain(asked, ROW, background=BACKGROUND, store=store)
    fresh = explain(asked, ROW, background=BACKGROUND, store=None)
    np.testing.assert_allclose(again.y, fresh.y, rtol=1e-6)


def test_a_step_between_two_runs_is_another_model():
    module, store = network(), Store()
    first = explain(module, ROW, background=BACKGROUND, store=store)
    step(module)
    second = explain(module, ROW, background=BACKGROUND, store=store)
    assert second.answers.model != first.answers.model
    with torch.no_grad():
        truth = module.eval()(torch.tensor(ROW[None]).float()).item()
    assert second.y[0, 0] == pytest.approx(truth, abs=1e-6)


def test_a_scorer_of_pairs_is_renewed_after_a_change():
    lm, store = CausalLM(llama(len(word_tokenizer())), word_tokenizer()), Store()
    scorer, cases = lm.pairs(), [Case("the cat sat on the", " mat", (" dog",))]
    known = scorer.identity()
    before = measure(scorer, cases, "log_prob", store=store).frame["value"][0]
    assert scorer.identity() == known
    with torch.no_grad():
        lm.module.lm_head.weight.mul_(1.5)
    assert scorer.identity() != known
    after = measure(scorer, cases, "log_prob", store=store).frame["value"][0]
    prompt, answer = scorer.ids((cases[0].prompt, " mat"))
    assert after == pytest.approx(lm.log_probs(prompt, answer).sum(), abs=1e-4) != pytest.approx(before, abs=1e-3)


def test_a_language_model_that_is_trained_while_it_is_asked_is_refused():
    lm = CausalLM(llama(len(word_tokenizer())), word_tokenizer())
    plain, calls = lm.check_prompt, []

    def trained(ids):
        calls.append(ids)
        if len(calls) == 4:
            with torch.no_grad():
                lm.module.lm_head.weight.mul_(1.5)
        plain(ids)

    lm.check_prompt = trained
    with pytest.raises(ModelError, match="weights of LlamaForCausalLM changed"):
        explain(lm, TextProbe("the cat sat on the", answer=" mat"), store=None)
