"""Conversations in which it is known what decides: one part of them, of a kind that the seed draws.

Two kinds of tasks. *Planted*: a scorer that is a known function of what the messages hold: one cause of 1, small
effects of all other parts, a pair of parts that count only together, and noise. *Codes*: SmolLM2 is asked for a code
that one sentence of the conversation says, among sentences with other codes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes import ChatProbe
from probes.model import as_prompt

__all__ = ["CAUSES", "Planted", "codes", "planted"]

#: where a cause lies
CAUSES = ("system prompt", "example", "tool result", "question")
#: the largest effect of another part, the effect of a pair, and the standard deviation of the noise
OTHERS, PAIR, NOISE = 0.35, 0.5, 0.15
_THINGS = ("door", "gate", "safe", "boat", "barn", "vault", "tower", "cellar", "garage", "attic", "shed", "hut",
           "lodge", "office", "lift", "mill", "pier", "dock", "yard", "loft", "store", "hall", "crypt",
           "stable")  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A scorer of conversations.

    Attributes
    ----------
    effects : dict of str to float
        What the presence of a text adds.
    pair : (str, str)
        Texts that add :data:`PAIR` together.
    seed : int
        Of the noise: a conversation that is asked again gets the same.
    """

    effects: dict[str, float]
    pair: tuple[str, str]
    seed: int

    def __call__(self, chats: Sequence[Any]) -> list[float]:
        return [self._one("\n".join(message[1] for message in as_prompt(chat))) for chat in chats]

    def _one(self, text: str) -> float:
        signal = sum(effect for part, effect in self.effects.items() if part in text)
        both = PAIR * all(part in text for part in self.pair)
        digest = hashlib.sha256(f"{self.seed} {text}".encode()).digest()
        return signal + both + NOISE * float(np.random.default_rng(int.from_bytes(digest[:8], "little")).normal())


def _sentence(thing: str, code: int) -> str:
    return f"The code of the {thing} is {code}."


def planted(seed: int) -> tuple[ChatProbe, Planted, str]:
    """Return a conversation of 18 parts, what scores it, and the name of the part that decides."""
    rng = np.random.default_rng([seed, 51])
    texts = [_sentence(thing, int(rng.integers(1000, 10000))) for thing in rng.permutation(_THINGS)]
    system, results, asked = texts[:3], [texts[3 + 3 * i : 6 + 3 * i] for i in range(3)], texts[12:14]
    examples = [(f"What about the {thing}?", text) for thing, text in zip("ABCD", texts[14:18], strict=True)]
    calls = [{"id": str(i), "type": "function", "function": {"name": "look_up", "arguments": "{}"}} for i in range(3)]
    messages: list[dict[str, Any]] = [{"role": "system", "content": " ".join(system)}]
    for question, reply in examples:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
    messages += [
        {"role": "user", "content": " ".join(asked)},
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "tool_call_id": str(i), "content": " ".join(some)} for i, some in enumerate(results)),
    ]
    probe = ChatProbe(messages)
    places = {"system prompt": system, "example": [reply for _, reply in examples],
              "tool result": [text for some in results for text in some], "question": asked}  # fmt: skip
    place = places[CAUSES[seed % len(CAUSES)]]
    cause = place[int(rng.integers(len(place)))]
    parts = [text for some in places.values() for text in some]
    effects = {text: 1.0 if text == cause else float(rng.uniform(-OTHERS, OTHERS)) for text in parts}
    others = rng.permutation([text for text in parts if text != cause])
    name = next(feature.name for feature in probe.features if cause in feature.name)
    return probe, Planted(effects, (str(others[0]), str(others[1])), seed), name


def codes(seed: int) -> tuple[ChatProbe, str]:
    """Return a conversation about codes with its answer, and the name of the part that says it."""
    rng = np.random.default_rng([seed, 52])
    things, numbers = rng.permutation(_THINGS)[:7], rng.permutation(np.arange(1000, 10000))[:7]
    said = [_sentence(thing, int(number)) for thing, number in zip(things, numbers, strict=True)]
    at = (0, 2, 4)[seed % 3] + int(rng.integers(2))
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": " ".join(said[:2])},
        {"role": "user", "content": f"Where is the {things[2]}?"},
        {"role": "assistant", "content": f"Behind the house. {said[2]}"},
        {"role": "user", "content": f"Where is the {things[3]}?"},
        {"role": "assistant", "content": f"By the river. {said[3]}"},
        {"role": "user", "content": f"What is the code of the {things[at]}?"},
        {"role": "tool", "content": " ".join(said[4:])},
    ]
    units: dict[str | int, str] = {"system": "sentence", "user": "example", "tool": "sentence", -2: "turn"}
    probe = ChatProbe(messages, units, answer=f"It is {numbers[at]}.")
    return probe, next(feature.name for feature in probe.features if said[at] in feature.name)
