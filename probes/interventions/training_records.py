"""Records to train on: pairs of prompt and completion, or texts, as token ids; some of them held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.model import Prompt, is_chat
from probes.models.huggingface.causal_lm import CausalLM

__all__ = ["Record", "read_records", "split"]

#: token ids of a prompt, and of what is learnt after it
Record = tuple[list[int], list[int]]


def split(
    read: Callable[[str, Any], list[Any]], records: Any, held_out: float | Sequence[Any], seed: int
) -> tuple[list[Any], list[Any]]:
    """Return the records to train on and those held out, as `read` makes them of records and what these are called.

    Raises
    ------
    InputError
    """
    known = read("records", records)
    if isinstance(held_out, Sequence):
        return known, read("held_out", held_out)
    if isinstance(held_out, bool) or not isinstance(held_out, Real) or not 0 <= float(held_out) < 1:
        raise InputError("held_out", "be a share from 0 to below 1, or records", held_out)
    count = max(round(float(held_out) * len(known)), 1) if held_out else 0
    order = np.random.default_rng([seed, 11]).permutation(len(known))
    if count >= len(known):
        raise InputError("records", "be enough for some to be held out; or give held_out=0", len(known))
    return [known[i] for i in sorted(order[count:])], [known[i] for i in sorted(order[:count])]


def read_records(lm: CausalLM, parameter: str, records: Any) -> list[Record]:
    """Return prompts and completions as token ids.

    Raises
    ------
    InputError
    """
    if isinstance(records, (str, Mapping)) or not isinstance(records, Sequence) or not len(records):
        raise InputError(parameter, "be a list of at least one record", records)
    read = [_tokens(lm, parameter, record) for record in records]
    lm.check_window(np.array([len(prompt) + len(completion) for prompt, completion in read]))
    return read


def _tokens(lm: CausalLM, parameter: str, record: Any) -> Record:
    """Return token ids of a prompt and of what is learnt after it."""
    prompt: Prompt
    if isinstance(record, str):
        ids = lm.encode(record)
        if len(ids) < 2:
            raise InputError(parameter, "hold texts of at least two tokens", record)
        return ids[:1], ids[1:]
    if isinstance(record, Mapping):
        if not {"prompt", "completion"} <= set(record):
            raise InputError(parameter, "be mappings with prompt and completion, pairs of these, or texts", record)
        prompt, completion = record["prompt"], record["completion"]
    elif isinstance(record, (tuple, list)) and len(record) == 2 and not is_chat(record):
        prompt, completion = record
    else:
        raise InputError(parameter, "be pairs of prompt and completion, mappings with these, or texts", record)
    if not (isinstance(prompt, str) or is_chat(prompt)) or not isinstance(completion, str) or not completion:
        raise InputError(parameter, "hold prompts (texts or chats) and completions, which are not empty", record)
    return lm.encode(prompt), lm.answer_ids(prompt, completion)
