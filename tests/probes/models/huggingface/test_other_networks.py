"""Networks that cannot be explained as they are get a refusal that names the way out; a broken package harms nobody."""

import sys
import types

import pytest

from probes import InputError, as_model

SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def networks():
    transformers = pytest.importorskip("transformers")
    bert = transformers.BertConfig(vocab_size=20, **SHAPE)
    return {
        "similarity": transformers.BertModel(bert),
        "AutoModelForSequenceClassification": transformers.BertForPreTraining(bert),
    }


@pytest.mark.parametrize("way_out", ["similarity", "AutoModelForSequenceClassification"])
def test_other_networks_are_refused_with_the_way_out(way_out):
    pytest.importorskip("torch")
    with pytest.raises(InputError, match=way_out):
        as_model(networks()[way_out])


def test_a_plain_function_survives_a_broken_package_beside_transformers(monkeypatch):
    class Broken(types.ModuleType):
        def __getattr__(self, name):
            raise RuntimeError(f"Failed to import transformers.pipelines: No module named {name!r}")

    monkeypatch.setitem(sys.modules, "transformers", Broken("transformers"))
    assert as_model(lambda texts: [len(t) for t in texts])(["abc"]).shape == (1, 1)
