"""A causal language model in memory: its network, its tokenizer, how it reads prompts, and its identity.

What scores or changes a language model takes this and nothing more, so that it needs to know neither how the model was
loaded nor which other maps are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from probes.errors import InputError, integer
from probes.model import Chat, Identity, Prompt, as_prompt, messages_of
from probes.models.evaluating import evaluating
from probes.models.huggingface.chat_template import checked_options, reading_notes, rendered
from probes.models.huggingface.prefix_sharing import can_forget
from probes.models.huggingface.weights import fingerprint, pieces

__all__ = ["LoadedLM"]


class LoadedLM:
    """A transformers causal language model with its tokenizer.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a language-modelling head.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its chat template, where it has one, renders chats.
    name : str, optional
        Replaces the fingerprint of the weights as the identity.
    batch_tokens : int, default 4096
        The most tokens in one padded batch, rows times the longest row.
    share_prefixes : bool, optional
        Whether to compute shared prefixes once. By default on a CPU only; never for models whose cache cannot be cut
        back (sliding windows, recurrent states).
    template_options : mapping, optional
        What the chat template is given besides messages, such as ``{"tools": [...]}``.

    Attributes
    ----------
    module : transformers.PreTrainedModel
        `model`, which answers in evaluation mode and is left in the mode that it is in.

    Raises
    ------
    InputError
        Without a tokenizer, or for a batch of no tokens.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str | None = None,
        *,
        batch_tokens: int = 4096,
        share_prefixes: bool | None = None,
        template_options: Mapping[str, Any] | None = None,
    ):
        if tokenizer is None:
            raise InputError("tokenizer", "come with a language model: CausalLM(model, tokenizer)", tokenizer)
        self.batch_tokens = integer("batch_tokens", batch_tokens, least=1)
        self.module = model
        self.tokenizer = tokenizer
        self.name = name
        self.template_options = checked_options(template_options)
        self.share_prefixes = model.device.type == "cpu" if share_prefixes is None else share_prefixes
        if self.share_prefixes and not can_forget(model.config):
            self.share_prefixes = False

    def identity(self) -> Identity:
        return Identity(f"lm:{self.name}", True) if self.name else fingerprint(self.module)

    @property
    def can_begin(self) -> bool:
        """Whether the tokenizer has a token to begin (or end) texts with, so that an empty prompt can be scored."""
        return (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id) != (None, None)

    def text(self, prompt: Prompt) -> str:
        """Render a prompt as the model reads it: chats with the tokenizer's template."""
        chat = as_prompt(prompt)
        if isinstance(chat, str):
            return chat
        if self.tokenizer.chat_template is None:
            return "\n\n".join(content for _, content in messages_of(chat)) + "\n"
        return rendered(self.tokenizer, chat, self.template_options)

    def reading_notes(self, prompts: Sequence[Prompt]) -> tuple[str, ...]:
        """Render prompts, and say what their template leaves out or adds; see :class:`probes.model.Generator`."""
        for prompt in prompts:
            self.encode(prompt)
        chats: list[Chat] = [chat for chat in map(as_prompt, prompts) if not isinstance(chat, str)]
        if not chats:
            return ()
        if self.tokenizer.chat_template is None:
            return ("The tokenizer has no chat template: messages are joined by empty lines, without their roles.",)
        notes = reading_notes(self.tokenizer, chats, self.template_options)
        text = rendered(self.tokenizer, chats[0], self.template_options)
        added = self._first and self.tokenizer(text, add_special_tokens=False)["input_ids"][:1] != self._first
        token = self.tokenizer.bos_token
        put = f"The template writes no {token}, with which this tokenizer begins texts: it is put first."
        return (*notes, put) if added else notes

    def templated(self, prompt: Prompt) -> bool:
        """Return whether a prompt is rendered by a template, which brings its own special tokens."""
        return not isinstance(prompt, str) and self.tokenizer.chat_template is not None

    @cached_property
    def _first(self) -> list[int]:
        """The token that the tokenizer begins every text with; none where it does not."""
        ids = self.tokenizer("a")["input_ids"][:1]
        return ids if ids == [self.tokenizer.bos_token_id] else []

    def tokens(self, texts: list[str], templated: bool) -> list[list[int]]:
        """Return the token ids of rendered texts, with exactly one token that begins texts where there is one.

        A template may write it, or leave it to the tokenizer.

        Raises
        ------
        InputError
            For a text that begins with two.
        """
        rows = self.tokenizer(texts, add_special_tokens=not templated)["input_ids"] if texts else []
        first = self._first
        rows = [ids if not templated or ids[:1] == first else first + ids for ids in rows] if first else rows
        for text, ids in zip(texts, rows, strict=True):
            if ids[:2] == [self.tokenizer.bos_token_id] * 2:
                token = self.tokenizer.bos_token
                rule = f"begin with one {token}, not two: pass the messages of a chat, not its rendered text"
                raise InputError("prompt", rule, text)
        return rows

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the token ids of a prompt; for an empty one, the token that begins (or ends) texts.

        Raises
        ------
        InputError
            For an empty prompt, where the tokenizer has no such token.
        """
        ids = self._ids(self.text(prompt), prompt)
        if not ids and not self.can_begin:
            rule = "hold some text, because this tokenizer has no token to begin with: give the probe a replacement"
            raise InputError("prompt", rule, prompt)
        start = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        ids = ids or [next(i for i in start if i is not None)]
        self.check_prompt(ids)
        return ids

    def check_prompt(self, ids: Sequence[int]) -> None:
        """Refuse a prompt, by its token ids, that this model does not take: here none.

        Raises
        ------
        InputError
        """

    def answer_ids(self, prompt: Prompt, answer: str) -> list[int]:
        """Return the token ids of `answer` as they follow `prompt`, or alone where the border falls inside a token."""
        alone = self._ids(self.text(prompt), prompt)
        joint = self._ids(self.text(prompt) + answer, prompt)
        if joint[: len(alone)] == alone and len(joint) > len(alone):
            return joint[len(alone) :]
        return self.tokenizer(answer, add_special_tokens=False)["input_ids"]

    def log_probs(self, prompt_ids: Sequence[int], answer_ids: Sequence[int]) -> np.ndarray:
        """Return the log-probability (nats) ``(m,)`` of each of m answer tokens, by a plain forward of one sequence."""
        import torch

        m = len(answer_ids)
        ids = torch.tensor([[*prompt_ids, *answer_ids[:-1]]], device=self.module.device)
        with evaluating(self.module) as module:
            logits = module(input_ids=ids, logits_to_keep=m).logits[0, -m:].float()
            return logits.log_softmax(-1)[range(m), list(answer_ids)].cpu().numpy().astype(float)

    def next_tokens(self, text: str) -> np.ndarray:
        """Return log-probabilities (nats) ``(n, vocabulary)`` of the token after each of the n tokens of a text."""
        import torch

        ids = self.encode(text)
        self.check_window(np.array([len(ids)]))
        with evaluating(self.module) as module:
            logits = module(input_ids=torch.tensor([ids], device=self.module.device)).logits[0].float()
            return logits.log_softmax(-1).cpu().numpy()

    def check_window(self, sizes: np.ndarray) -> None:
        """Refuse inputs of more tokens, `sizes` ``(n,)``, than the model has positions.

        Raises
        ------
        InputError
        """
        limit = getattr(self.module.config, "max_position_embeddings", None)
        if limit is not None and len(sizes) and sizes.max() > limit:
            raise InputError("prompt and answer", f"fit the model's window of {limit} tokens", f"{sizes.max()} tokens")

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Return the text of each token such that the pieces joined are the decoded text."""
        return pieces(self.tokenizer, ids)

    def _ids(self, text: str, prompt: Prompt) -> list[int]:
        """Return token ids of `text`, which renders `prompt` or begins so."""
        return self.tokens([text], self.templated(prompt))[0]
