"""Chats of a language model: pairs, mappings and contents in parts are one prompt, wherever it is taken."""

import numpy as np
import pytest

from probes import CausalLM, InputError
from tests.helpers.when_used import when_used

when_used("torch")
PAIRS = (("system", "the museum"), ("user", "when did it rained"))
FORMS = {
    "pairs": PAIRS,
    "mappings": [{"role": role, "content": content} for role, content in PAIRS],
    "parts": [{"role": role, "content": [{"type": "text", "text": content}]} for role, content in PAIRS],
}
OTHER = [{"role": "user", "content": "capital of france"}]


@pytest.fixture(params=["template", "no template"])
def lm(request, network, tokenizer):
    from tests.helpers.tiny_causal_lm import CHAT, word_tokenizer

    return CausalLM(network, word_tokenizer(CHAT if request.param == "template" else None))


@pytest.mark.parametrize("form", FORMS)
def test_a_chat_is_read_alike_in_every_form(lm, form):
    chat = FORMS[form]
    assert "when did it rained" in lm.text(chat) and "content" not in lm.text(chat)
    assert lm.text(chat) == lm.text(PAIRS)
    assert lm.generate(chat, 4) == lm.generate(PAIRS, 4)
    assert lm.generation(chat, 4) == lm.generation(PAIRS, 4)
    model = lm.scoring(" free", chat)
    assert model.digests([chat, OTHER])[0] == lm.scoring(" free", PAIRS).digests([PAIRS])[0]
    alone = [float(lm.scoring(" free", PAIRS)([p])[0, 0]) for p in (PAIRS, OTHER)]
    np.testing.assert_allclose(model([chat, OTHER])[:, 0], alone, atol=1e-5)
    assert abs(alone[0] - alone[1]) > 1e-3
    pairs = lm.pairs()
    np.testing.assert_allclose(pairs([(chat, " free")]), pairs([(PAIRS, " free")]), atol=1e-6)
    assert pairs.digests([(chat, " free")]) == pairs.digests([(PAIRS, " free")])
    assert pairs.sizes([(chat, " free")]) == pairs.sizes([(PAIRS, " free")])


def test_parts_that_are_no_text_are_refused_by_name(lm):
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]
    with pytest.raises(InputError, match="no image_url"):
        lm.text(image)
    with pytest.raises(InputError, match="no image_url"):
        lm.scoring(" free", PAIRS)([image])
