"""A language model that writes: how it continues a prompt, and what fixes the text that it writes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from probes.model import Generator, Prompt, continues
from probes.models.evaluating import evaluating
from probes.models.huggingface.loaded import LoadedLM
from probes.models.huggingface.weights import token_digests

__all__ = ["Writer"]


class Writer(LoadedLM, Generator):
    """A language model of transformers that writes text, greedily; parameters as of :class:`LoadedLM`."""

    #: most tokens of an answer, whatever a probe allows; of a pipeline that has a limit
    longest: int | None = None

    def generation(self, prompt: Prompt, max_new_tokens: int) -> bytes:
        max_new_tokens = min(max_new_tokens, self.longest or max_new_tokens)
        config = self.module.generation_config.to_diff_dict()
        config.pop("transformers_version", None)
        settings = json.dumps([max_new_tokens, config], sort_keys=True, default=str).encode()
        return hashlib.sha256(settings + token_digests([self.encode(prompt)])[0]).digest()

    def generate(self, prompt: Prompt, max_new_tokens: int) -> str:
        import torch

        max_new_tokens = min(max_new_tokens, self.longest or max_new_tokens)
        ids = torch.tensor([self.encode(prompt)], device=self.module.device)
        config = self.module.generation_config
        end = config.eos_token_id if config.eos_token_id is not None else self.tokenizer.eos_token_id
        pad = end[0] if isinstance(end, list) else end
        with evaluating(self.module) as module:
            out = module.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max_new_tokens,
                do_sample=False,
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=pad,
            )
        self.used += out.shape[1]
        text = self.tokenizer.decode(self._written(out, ids), skip_special_tokens=True)
        # a leading space is part of the first token where a text goes on; after a chat template there is none
        return text.rstrip() if continues(prompt) else text.strip()

    def _written(self, out: Any, ids: Any) -> Any:
        """Return the tokens that were written, of all that generation returned for a prompt ``(1, n)``."""
        return out[0, ids.shape[1] :]
