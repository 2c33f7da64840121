"""A language model whose words come from known sentences, with noise of its own: hostile strings in every place."""

from __future__ import annotations

import numpy as np

from probes import ContextProbe, Generator, Model
from probes.model import Identity
from surrogates import explain

ANSWER = ["The ", "Harbour ", "Museum ", "opened ", "in ", "19", "69", ", ", "</script>", "<!--", "\u2028\u202e", "."]
DOCUMENT = (
    "The Harbour Museum stands on the quay. Trawlers unloaded <b>there</b>. The museum opened in 1969. "
    "The cafe is </script><script>alert(1)</script> small. Entry is free on Sunday. "
    "Ferries \u202eleave. It rains a lot."
)


class Scores(Model):
    """The name comes from one sentence, the year from another and more so where it rains; a little noise of words."""

    unit, outputs = "nats", tuple(ANSWER)

    def identity(self):
        return Identity("museum scores", True)

    def __call__(self, chats):
        texts = [" ".join(content for _, content in chat) for chat in chats]
        name, year, rain = (np.array([w in text for text in texts], dtype=float) for w in ("Harbour", "1969", "rains"))
        noise = np.array([np.sin([len(text) * (t + 1.7) for t in range(len(ANSWER))]) for text in texts])
        scores = -2 + 0.2 * noise
        scores[:, 1] += 4 * name
        scores[:, 2] += 2 * name
        scores[:, 5:7] += (2 * year * (1 + rain))[:, None]
        return scores


class Writer(Generator):
    def identity(self):
        return Identity("museum writer", True)

    def generate(self, prompt, max_new_tokens):
        return "".join(ANSWER)

    def scoring(self, answer, prompt):
        return Scores()


def museum():
    """Explain where its answer comes from."""
    return explain(
        Writer(), ContextProbe(DOCUMENT, question="When <did> it open?", unit="sentence"), budget=48, store=None
    )
