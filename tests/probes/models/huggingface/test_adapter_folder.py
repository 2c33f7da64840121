"""A folder with a low-rank adapter: what peft computes, and hostile folders are refused unread."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
peft = when_used("peft")

from probes import CausalLM, InputError, as_model  # noqa: E402

BASE = Path(__file__).parents[3] / "golden" / "1" / "lm"
PROMPTS = ["the museum opened in", "entry is"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A base in a folder, an adapter beside it, and what peft's own model of the two says."""
    top = tmp_path_factory.mktemp("adapter")
    shutil.copytree(BASE, top / "base")
    lm = CausalLM.from_pretrained(top / "base")
    config = peft.LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    torch.manual_seed(0)
    adapted = peft.get_peft_model(lm.module, config)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.normal_(std=0.3)
    adapted.save_pretrained(top / "adapter")
    wanted = [adapted(input_ids=torch.tensor([lm.encode(p)])).logits[0, -1].detach().numpy() for p in PROMPTS]
    return top, wanted


@pytest.fixture
def folder(saved, tmp_path):
    shutil.copytree(saved[0] / "base", tmp_path / "base")
    shutil.copytree(saved[0] / "adapter", tmp_path / "adapter")
    return tmp_path / "adapter"


def rewrite(folder, **settings):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


@pytest.mark.parametrize("named", ["base", "../base", None], ids=["beside", "relative", "absolute"])
def test_an_adapter_is_added_to_its_base_as_peft_does(saved, folder, named):
    rewrite(folder, base_model_name_or_path=named or str(saved[0] / "base"))
    lm = as_model(str(folder))
    assert isinstance(lm, CausalLM) and not any("lora" in name for name, _ in lm.module.named_parameters())
    for prompt, wanted in zip(PROMPTS, saved[1], strict=True):
        found = lm.module(input_ids=torch.tensor([lm.encode(prompt)])).logits[0, -1].detach().numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert lm.identity().persistent and lm.identity() != CausalLM.from_pretrained(saved[0] / "base").identity()
    assert as_model(folder, "mine").identity().id == "lm:mine"


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"base_model_name_or_path": "gpt2"}, "have a base that is a folder here"),
        ({"base_model_name_or_path": None}, "have a base that is a folder here"),
        ({"base_model_name_or_path": 3}, "have a base that is a folder here"),
        ({"peft_type": "PROMPT_TUNING"}, "LoRA adapter of a causal language model; got \"'PROMPT_TUNING'"),
        ({"task_type": "SEQ_CLS"}, "LoRA adapter of a causal language model"),
        ({"target_modules": ["(a+)+$"]}, "whose target_modules is plain names or numbers"),
        ({"target_modules": "(a+)+$"}, "whose target_modules is plain names or numbers"),
        ({"rank_pattern": {"(a+)+$": 1}}, "whose rank_pattern is plain names or numbers"),
        ({"r": "8"}, "whose r is plain names or numbers"),
        ({"r": True}, "whose r is plain names or numbers"),
        ({"r": 3}, "model must"),
        ({"target_modules": ["nothing_proj"]}, "model must"),
    ],
)
def test_hostile_and_foreign_adapters_are_refused(folder, settings, match):
    rewrite(folder, **({"base_model_name_or_path": "base"} | settings))
    with pytest.raises(InputError, match=match):
        as_model(folder)


def test_no_code_of_an_adapter_is_run_and_no_pickle_read(folder, tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit('run')")
    rewrite(
        folder,
        base_model_name_or_path="base",
        megatron_config={"a": 1},
        megatron_core="evil",
        auto_mapping={"base_model_class": "X", "parent_library": "evil"},
    )
    assert isinstance(as_model(folder), CausalLM)
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(InputError, match=r"be a folder with adapter_model.safetensors beside adapter_config.json"):
        as_model(folder)
    (folder / "adapter_config.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"be a folder with a readable adapter_config.json"):
        as_model(folder)
