"""transformers causal language models: prompts → log-probability of every token of a fixed continuation.

A continuation is scored in one teacher-forced forward per prompt, with logits only where its tokens are predicted, so
memory grows with answer tokens × vocabulary × rows, never with whole sequences.

Two ways of computing the same numbers:

* *Shared prefixes* (the default on a CPU): rows in lexicographic order, on top of the keys and values of what a row has
  in common with the one before it, several rows in one forward where the architecture allows it
  (see :mod:`probes.models.prefixes`).
* *Padded batches* (the default elsewhere): rows of similar length, padded on the left, with explicit positions.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, integer, require
from probes.model import Generator, Identity, Model
from probes.models.huggingface.continuation_pairs import Pairs
from probes.models.huggingface.prefix_sharing import can_forget, shared_logits
from probes.models.huggingface.weights import fingerprint, on_device, shuffled, token_digests, tokenizer_of
from probes.store.store import cache_folder

__all__ = ["CausalLM", "Continuation", "Prompt", "adopt"]

#: A prompt: plain text, or a chat as (role, content) pairs.
Prompt = str | Sequence[tuple[str, str]]


class CausalLM(Generator):
    """A causal language model with its tokenizer.

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
        Whether to compute shared prefixes once (see the module's text). By default on a CPU only; never for models
        whose cache cannot be cut back (sliding windows, recurrent states).
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str | None = None,
        *,
        batch_tokens: int = 4096,
        share_prefixes: bool | None = None,
    ):
        if tokenizer is None:
            raise InputError("tokenizer", "come with a language model: CausalLM(model, tokenizer)", tokenizer)
        self.module = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.batch_tokens = integer("batch_tokens", batch_tokens, least=1)
        self.share_prefixes = model.device.type == "cpu" if share_prefixes is None else share_prefixes
        if self.share_prefixes and not can_forget(model.config):
            self.share_prefixes = False

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        gguf_file: str | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        **options: Any,
    ) -> CausalLM:
        """Load a model from a folder, a hub name or a GGUF file (safetensors or GGUF only, no remote code).

        Parameters
        ----------
        path : str or Path
            Folder or hub name; or the path of a ``.gguf`` file itself.
        gguf_file : str, optional
            Name of the GGUF file inside `path`.
        dtype : {"float32", "bfloat16", "float16"}, default "float32"
        device : str, default "cpu"
        **options
            Passed to :class:`CausalLM`.

        Raises
        ------
        MissingExtra
            Without the ``transformers`` extra.

        Notes
        -----
        A GGUF file is unpacked once into the user's cache folder as safetensors (unpacking takes about half a minute
        for 135 million parameters, loading the copy about a second).
        """
        transformers = require("transformers", "CausalLM")
        if dtype not in ("float32", "bfloat16", "float16"):
            raise InputError("dtype", "be one of float32, bfloat16, float16", dtype)
        path = Path(path) if Path(path).exists() else str(path)
        if isinstance(path, Path) and path.suffix == ".gguf":
            path, gguf_file = path.parent, path.name
        if gguf_file is not None:
            path = _unpacked(Path(path) / gguf_file, dtype)
        model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=dtype, use_safetensors=True)
        model = on_device(model, device)
        return cls(model, transformers.AutoTokenizer.from_pretrained(path), **options)

    def identity(self) -> Identity:
        return Identity(f"lm:{self.name}", True) if self.name else fingerprint(self.module)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> CausalLM:
        """The same network with the entries of every weight tensor permuted."""
        name = self.name and f"{self.name} randomised"
        return CausalLM(shuffled(self.module, rng), self.tokenizer, name, batch_tokens=self.batch_tokens)

    def text(self, prompt: Prompt) -> str:
        """The prompt as the model reads it: chats rendered with the tokenizer's template."""
        if isinstance(prompt, str):
            return prompt
        if self.tokenizer.chat_template is None:
            return "\n\n".join(content for _, content in prompt) + "\n"
        messages = [{"role": role, "content": content} for role, content in prompt]
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a prompt; an empty one is the token that begins (or ends) texts."""
        ids = self._ids(self.text(prompt), prompt)
        start = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        if not ids and start == (None, None):
            raise InputError("prompt", "hold some text, because this tokenizer has no token to begin with", prompt)
        return ids or [next(i for i in start if i is not None)]

    def _ids(self, text: str, prompt: Prompt) -> list[int]:
        """Token ids of `text`, which renders `prompt` or begins so."""
        return self.tokens([text], self.templated(prompt))[0]

    def templated(self, prompt: Prompt) -> bool:
        """Whether a prompt is rendered by a template, which brings its own special tokens."""
        return not isinstance(prompt, str) and self.tokenizer.chat_template is not None

    def tokens(self, texts: list[str], templated: bool) -> list[list[int]]:
        """Token ids of rendered texts."""
        return self.tokenizer(texts, add_special_tokens=not templated)["input_ids"] if texts else []

    def answer_ids(self, prompt: Prompt, answer: str) -> list[int]:
        """Token ids of `answer` as they follow `prompt`, or by themselves where the border falls inside a token."""
        alone = self._ids(self.text(prompt), prompt)
        joint = self._ids(self.text(prompt) + answer, prompt)
        if joint[: len(alone)] == alone and len(joint) > len(alone):
            return joint[len(alone) :]
        return self.tokenizer(answer, add_special_tokens=False)["input_ids"]

    def generation(self, prompt: Prompt, max_new_tokens: int) -> bytes:
        config = self.module.generation_config.to_diff_dict()
        config.pop("transformers_version", None)
        settings = json.dumps([max_new_tokens, config], sort_keys=True, default=str).encode()
        return hashlib.sha256(settings + token_digests([self.encode(prompt)])[0]).digest()

    def generate(self, prompt: Prompt, max_new_tokens: int) -> str:
        import torch

        ids = torch.tensor([self.encode(prompt)], device=self.module.device)
        config = self.module.generation_config
        end = config.eos_token_id if config.eos_token_id is not None else self.tokenizer.eos_token_id
        pad = end[0] if isinstance(end, list) else end
        with torch.inference_mode():
            out = self.module.generate(
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
        text = self.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        # after plain text the leading space is part of the first token; after a chat template there is none
        return text.rstrip() if isinstance(prompt, str) else text.strip()

    def scoring(self, answer: str, prompt: Prompt) -> Continuation:
        return Continuation(self, answer, self.answer_ids(prompt, answer))

    def pairs(self) -> Pairs:
        return Pairs(self)


class Continuation(Model):
    """Prompts → log-probability in nats of every token of one fixed continuation.

    Parameters
    ----------
    lm : CausalLM
    answer : str
    answer_ids : list of int
        Its tokens; ``outputs`` are their texts.
    """

    unit = "nats"
    size_unit = "tokens"

    def __init__(self, lm: CausalLM, answer: str, answer_ids: list[int]):
        if not answer_ids:
            raise InputError("answer", "hold at least one token", answer)
        self.lm = lm
        self.answer = answer
        self.answer_ids = answer_ids
        self.outputs = tuple(_pieces(lm.tokenizer, answer_ids))
        # rows on top of shared prefixes need no batches: the longer they run on, the more they share
        self.batch = sys.maxsize if lm.share_prefixes else lm.batch_tokens
        self._encoded: dict[Any, list[int]] = {}

    def identity(self) -> Identity:
        whole = self.lm.identity()
        mark = hashlib.sha256(repr(self.answer_ids).encode()).hexdigest()[:16]
        return Identity(f"{whole.id}:score:{mark}", whole.persistent)

    def rows(self, inputs: Sequence[Prompt]) -> list[list[int]]:
        """Token ids that are fed for each prompt: the prompt and all answer tokens but the last."""
        keys = [p if isinstance(p, str) else tuple(map(tuple, p)) for p in inputs]
        for key, prompt in zip(keys, inputs, strict=True):
            if key not in self._encoded:
                self._encoded[key] = self.lm.encode(prompt) + self.answer_ids[:-1]
        return [self._encoded[key] for key in keys]

    def sizes(self, inputs: Sequence[Prompt]) -> np.ndarray:
        sizes = np.array([len(row) for row in self.rows(inputs)], dtype=int)
        limit = getattr(self.lm.module.config, "max_position_embeddings", None)
        if limit is not None and len(sizes) and sizes.max() > limit:
            raise InputError("prompt and answer", f"fit the model's window of {limit} tokens", f"{sizes.max()} tokens")
        return sizes

    def digests(self, inputs: Sequence[Prompt]) -> list[bytes]:
        return token_digests(self.rows(inputs))

    def order(self, inputs: Sequence[Prompt]) -> np.ndarray:
        if not self.lm.share_prefixes:
            return super().order(inputs)
        rows = self.rows(inputs)
        return np.array(sorted(range(len(rows)), key=rows.__getitem__), dtype=int)

    def __call__(self, inputs: Sequence[Prompt]) -> np.ndarray:
        if self.lm.share_prefixes:
            return np.vstack([values for _, values in self.answers(inputs)])
        self.lm.module.eval()
        return self._score_padded(self.rows(inputs))

    def answers(self, inputs: Sequence[Prompt]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All at once if padded; row by row on top of shared prefixes."""
        if not self.lm.share_prefixes:
            yield from super().answers(inputs)
            return
        self.lm.module.eval()
        found = shared_logits(self.lm.module, self.rows(inputs), len(self.answer_ids))
        for i, logits in enumerate(found):
            yield np.array([i]), self._log_probs(logits)

    def _log_probs(self, logits: Any) -> np.ndarray:
        """Logits ``(rows, answer tokens, vocabulary)`` → log-probabilities ``(rows, answer tokens)``."""
        import torch

        targets = torch.tensor(self.answer_ids, device=logits.device).expand(logits.shape[0], -1)
        logits = logits.float()
        chosen = logits.gather(-1, targets[..., None])[..., 0]
        return (chosen - logits.logsumexp(-1)).cpu().numpy().astype(float)

    def _score_padded(self, rows: list[list[int]]) -> np.ndarray:
        import torch

        width = max(map(len, rows))
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, width - len(row) :] = torch.tensor(row)
            mask[i, width - len(row) :] = 1
        device = self.lm.module.device
        with torch.inference_mode():
            out = self.lm.module(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0).to(device),
                logits_to_keep=len(self.answer_ids),
                use_cache=False,
            )
            return self._log_probs(out.logits)


def _pieces(tokenizer: Any, ids: list[int]) -> list[str]:
    """Text of each token such that the pieces joined are the decoded whole."""
    ends = [
        len(tokenizer.decode(ids[: i + 1], clean_up_tokenization_spaces=False).rstrip("\ufffd"))
        for i in range(len(ids))
    ]
    text = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    starts = [0, *ends[:-1]]
    return [text[a:b] for a, b in zip(starts, ends, strict=True)]


def _unpacked(file: Path, dtype: str) -> Path:
    """A safetensors copy of a GGUF file in the cache folder, made on first use."""
    transformers = require("transformers", "GGUF files")
    require("gguf", "GGUF files")
    require("accelerate", "GGUF files")
    if not file.is_file():
        raise InputError("gguf_file", "name a file that exists", str(file))
    with file.open("rb") as handle:
        mark = hashlib.file_digest(handle, "sha256").hexdigest()[:16]
    target = cache_folder() / "models" / f"{file.stem}-{mark}-{dtype}"
    if (target / "config.json").exists():
        return target
    packed = transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=dtype)
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    config = packed.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=packed.dtype)
    model.load_state_dict(packed.state_dict())
    model.tie_weights()
    staging = target.with_name(f"{target.name}.part-{os.getpid()}")
    staging.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(staging)
    model.save_pretrained(staging)
    try:
        staging.rename(target)
    except OSError as error:  # another process was quicker
        if not (target / "config.json").exists():
            raise ModelError(f"Could not keep the unpacked model at {target}: {error}") from error
    return target


def adopt(model: object, name: str | None, batched: bool) -> Generator | None:
    """A transformers causal language model or text-generation pipeline."""
    transformers = sys.modules.get("transformers")
    if transformers is None:
        return None
    if isinstance(model, transformers.TextGenerationPipeline):
        return CausalLM(model.model, model.tokenizer, name)
    if isinstance(model, transformers.PreTrainedModel):
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

        kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(model.config), None)
        if kind is not None and isinstance(model, kind):
            return CausalLM(model, tokenizer_of(model), name)
    return None
