"""complete(): answers that a language model writes itself, each asked once and kept before it is used."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any

from probes.asking.cost import Cost
from probes.asking.taken import Taken
from probes.errors import ModelError
from probes.model import Generator
from probes.store.store import Store

__all__ = ["complete", "completions"]


def complete(model: Generator, prompt: Any, max_new_tokens: int, store: Store) -> tuple[str, Cost]:
    """Generate the model's answer to a prompt, or take it from the store if it was generated before.

    Raises
    ------
    ModelError
        If there is no answer, or an empty one.
    """
    [text], cost, reason = completions(model, [prompt], max_new_tokens, store)
    if text is None or not text.strip():
        why = "with nothing" if text is not None else f"not at all: {reason}"
        chat = ', or ask a chat model as [{"role": "user", "content": …}]' if isinstance(prompt, str) else ""
        raise ModelError(f"The model answered the full prompt {why}; pass the answer to explain as answer={chat}.")
    return text, cost


def completions(
    model: Generator, prompts: Sequence[Any], max_new_tokens: int, store: Store
) -> tuple[list[str | None], Cost, str]:
    """Generate the model's answers to prompts, each asked once and kept before it is used.

    Returns
    -------
    texts : list of str or None
        None where a fallible model did not answer.
    cost : Cost
    reason : str
        Why the last of those was not answered.
    """
    taken = Taken.of(model)
    identity = taken.identity
    memory = store if identity.persistent else Store()
    head = f"{identity.id}:generate:".encode()
    keys = [hashlib.sha256(head + model.generation(prompt, max_new_tokens)).digest() for prompt in prompts]
    known: dict[bytes, str | None] = {k: v for k, v in memory.get(keys).items() if isinstance(v, str)}
    cost, reason = Cost(reused=len(known)), ""
    todo = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in known}
    order, start, before = list(todo), time.perf_counter(), model.used
    for i, text, why in model.generations(list(todo.values()), max_new_tokens):
        key = order[i]
        taken.check()
        if text is not None and text.strip():
            memory.put({key: text}, identity.id)
        known[key], reason = text, why or reason
        cost.calls, cost.rows, cost.tokens = cost.calls + 1, cost.rows + 1, model.used - before
    cost.seconds = time.perf_counter() - start if todo else 0.0
    return [known[key] for key in keys], cost, reason
