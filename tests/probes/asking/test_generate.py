"""Generated answers are kept."""

import numpy as np
import pytest

from probes import (
    CallableModel,
    ContextProbe,
    Cost,
    Generator,
    Identity,
    ModelError,
    Store,
    complete,
)


class Parrot(Generator):
    """Repeats the question; a text model without weights."""

    def __init__(self, reply=None, persistent=True):
        self.reply, self.persistent, self.calls = reply, persistent, 0

    def identity(self):
        return Identity("parrot", self.persistent)

    def generate(self, prompt, max_new_tokens):
        self.calls += 1
        return self.reply if self.reply is not None else prompt[-1][1][:max_new_tokens]

    def scoring(self, answer, prompt):
        return CallableModel(lambda chats: [chat[-1][1].count(answer) for chat in chats], unit="nats")


PROMPT = ContextProbe("It rained. It opened in 1969.", "When?").render(np.ones((1, 2)))[0]


def test_a_generated_answer_is_kept():
    store, parrot = Store(), Parrot()
    text, cost = complete(parrot, PROMPT, 12, store)
    assert (text, cost.rows) == (PROMPT[-1][1][:12], 1)
    again, cost = complete(parrot, PROMPT, 12, store)
    assert (again, cost) == (text, Cost(reused=1))
    complete(parrot, PROMPT, 13, store)
    complete(parrot, (("system", "s"), *PROMPT), 12, store)
    assert parrot.calls == 3


def test_an_unidentified_generator_is_not_remembered():
    store, parrot = Store(), Parrot(persistent=False)
    complete(parrot, PROMPT, 12, store)
    complete(parrot, PROMPT, 12, store)
    assert parrot.calls == 2
    assert len(store) == 0


@pytest.mark.parametrize("reply", ["", " \n"])
def test_an_empty_generated_answer_is_an_error_and_not_kept(reply):
    store = Store()
    with pytest.raises(ModelError, match="answer="):
        complete(Parrot(reply), PROMPT, 12, store)
    assert len(store) == 0


@pytest.mark.parametrize(("prompt", "said"), [("When did it open?", True), (PROMPT, False)])
def test_who_asks_a_chat_model_a_plain_text_is_told_how_a_chat_is_asked(prompt, said):
    with pytest.raises(ModelError) as caught:
        complete(Parrot(""), prompt, 12, Store())
    assert ("or ask a chat model as [{" in str(caught.value)) is said
