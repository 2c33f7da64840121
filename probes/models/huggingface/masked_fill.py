"""MaskedFill: gaps of texts filled with words drawn from a masked language model, for :class:`~probes.Infill`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, describe, integer, number, require
from probes.models.evaluating import evaluating
from probes.models.huggingface.weights import fingerprint, load_network, load_tokenizer

__all__ = ["MaskedFill"]


class MaskedFill:
    """Draws what may stand in the gaps of a text from a transformers masked language model, given the rest.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a masked-language-modelling head.
    tokenizer : transformers.PreTrainedTokenizerBase
        With a mask token.
    steps : int, optional
        Passes of the model in which the gaps of a text are filled, in random order: what is drawn in one is given in
        the next. By default 4; as many as there are gaps draw each one given all others before it.
    temperature : float, default 1.0
        Log-probabilities are divided by it before drawing.
    batch_size : int, default 32
        Texts that the model reads at once.

    Raises
    ------
    InputError
        For a model without such a head, or a tokenizer without a mask token.
    MissingExtra
        Without torch and transformers.

    Notes
    -----
    A gap has as many tokens as the piece that left it. At the beginning of a word only tokens that begin one are drawn,
    within it any but special ones, so that everything outside the gaps stays as it is, character by character. Draws
    depend on seed and text alone, as far as the model's numbers do.
    """

    def __init__(self, model: Any, tokenizer: Any, *, steps: int = 4, temperature: float = 1.0, batch_size: int = 32):
        require("torch", "MaskedFill")
        if tokenizer is None or not getattr(tokenizer, "mask_token", None):
            raise InputError("tokenizer", "have a mask token: MaskedFill(model, tokenizer)", tokenizer)
        head = type(model).__name__
        if not hasattr(model, "get_output_embeddings") or model.get_output_embeddings() is None or "Causal" in head:
            raise InputError("model", "be a masked language model, such as BertForMaskedLM", head)
        self.module, self.tokenizer = model, tokenizer
        self.steps = integer("steps", steps, least=1)
        self.temperature = number("temperature", temperature, low=0, open_low=True)
        self.batch_size = integer("batch_size", batch_size, least=1)

    @classmethod
    def from_pretrained(cls, model: str, **options: Any) -> MaskedFill:
        """Load a model by its folder or hub name, safetensors alone; options are those of the class.

        Raises
        ------
        InputError
            If it cannot be loaded.
        """
        transformers = require("transformers", "MaskedFill")
        return cls(load_network(transformers.AutoModelForMaskedLM, model), load_tokenizer(model), **options)

    @cached_property
    def name(self) -> str:
        """Class and fingerprint of the model, and how it is drawn from."""
        drawn = f"{self.steps} steps" + (f", temperature {self.temperature:g}" if self.temperature != 1 else "")
        return f"{type(self.module).__name__}:{fingerprint(self.module).id.split(':')[-1][:8]} in {drawn}"

    def mask(self, piece: str) -> str:
        """Return the mask token, as often as a piece has tokens."""
        ids = self.tokenizer(piece, add_special_tokens=False)["input_ids"]
        return str(self.tokenizer.mask_token) * max(len(ids), 1)

    def __call__(self, texts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """Fill every gap of texts.

        Parameters
        ----------
        texts : sequence of n str
            With mask tokens.
        seeds : sequence of n int

        Returns
        -------
        list of n str

        Raises
        ------
        ModelError
            If a text is longer than the model reads.
        """
        filled = []
        for at in range(0, len(texts), self.batch_size):
            filled += self._filled(texts[at : at + self.batch_size], seeds[at : at + self.batch_size])
        return filled

    def _filled(self, texts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """Fill the gaps of a batch."""

        mask, batch = self.tokenizer.mask_token_id, self._encoded(texts)
        ids, randoms = batch["input_ids"], [np.random.default_rng(seed) for seed in seeds]
        gaps = [np.flatnonzero(row == mask) for row in ids.cpu().numpy()]
        inner = [_within_words(text, self.tokenizer.mask_token) for text in texts]
        for text, places, within in zip(texts, gaps, inner, strict=True):
            if len(places) != len(within):
                said = f"The tokenizer reads {len(places)} mask tokens where there are {len(within)}"
                raise ModelError(f"{said} in {describe(text)}.")
        # gaps in random order, in as many parts as there are passes
        orders = [rng.permutation(len(places)) for rng, places in zip(randoms, gaps, strict=True)]
        parts = [np.array_split(order, self.steps) for order in orders]
        for step in range(self.steps):
            if not any(len(part[step]) for part in parts):
                continue
            with evaluating(self.module) as module:
                logits = module(**batch).logits
            for row, part in enumerate(parts):
                for k in part[step]:
                    place = int(gaps[row][k])
                    ids[row, place] = self._drawn(logits[row, place], inner[row][k], randoms[row])
        return [self._written(text, ids[row, gaps[row]].tolist()) for row, text in enumerate(texts)]

    def _encoded(self, texts: Sequence[str]) -> Any:
        batch = self.tokenizer(list(texts), return_tensors="pt", padding=True).to(self.module.device)
        window = getattr(self.module.config, "max_position_embeddings", None)
        if window is not None and batch["input_ids"].shape[1] > window:
            longest = batch["input_ids"].shape[1]
            raise ModelError(f"The masked model reads {window} tokens, and a text to fill has {longest}: shorten it.")
        return batch

    def _drawn(self, logits: Any, within: bool, rng: np.random.Generator) -> int:
        """Draw a token by the logits ``(V,)`` of its place, by the inverse of the distribution function."""
        begins, special = self._kinds
        scores = logits.double().cpu().numpy()[: len(begins)] / self.temperature
        scores = np.where(special if within else special | ~begins, -np.inf, scores)
        shares = np.cumsum(np.exp(scores - scores.max()))
        return int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))

    @cached_property
    def _kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each token begins a word, and whether it is special (or nothing that can be read): ``(V,)`` each."""
        tokens = self.tokenizer.convert_ids_to_tokens(list(range(len(self.tokenizer))))
        spaced = [token.startswith(("Ġ", "▁")) for token in tokens]
        begins = np.array(spaced if any(spaced) else [not token.startswith("##") for token in tokens])
        special = np.zeros(len(tokens), dtype=bool)
        special[[i for i in self.tokenizer.all_special_ids if i < len(tokens)]] = True
        special |= np.array([not token.strip("Ġ▁ ") or token.startswith("[unused") for token in tokens])
        if not (begins & ~special).any():
            begins[:] = True
        return begins, special

    def _written(self, text: str, ids: Sequence[int]) -> str:
        """Put drawn tokens in the place of the mask tokens; side by side they are decoded together."""
        first, *rest = text.split(self.tokenizer.mask_token)
        written, run = [first], list[int]()
        for i, (token, after) in enumerate(zip(ids, rest, strict=True)):
            run.append(token)
            if after or i == len(ids) - 1:
                drawn = str(self.tokenizer.decode(run, clean_up_tokenization_spaces=False))
                written += [drawn.strip().removeprefix("##"), after]
                run = []
        return "".join(written)


def _within_words(text: str, mask: str) -> list[bool]:
    """Return for every gap whether it goes on with what stands right before it.

    Examples
    --------
    >>> _within_words("a[M][M] b (c[M]", "[M]")
    [True, True, True]
    >>> _within_words("[M][M] ([M]", "[M]")
    [False, True, False]
    """
    before = text.split(mask)[:-1]
    return [(i > 0 and not part) or part[-1:].isalnum() for i, part in enumerate(before)]
