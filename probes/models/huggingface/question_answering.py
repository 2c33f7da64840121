"""ExtractiveQA: a network that marks the answer to a question in a text (SQuAD), as a map from pairs to numbers.

With log-probabilities log s(i) and log e(j) of start and end, each a softmax over the tokens of the context, a span
(i, j) has the probability s(i) · e(j). That of a text is the sum over all places where the context holds it from the
beginning of one token to the end of another: what begins or ends inside a token the network cannot mark.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax

from probes.errors import InputError, describe
from probes.model import Generator, Identity, Model
from probes.models.evaluating import evaluating
from probes.models.huggingface.reading import Reader, Row, as_text_or_pair
from probes.models.huggingface.weights import (
    fingerprint,
    is_half,
    is_kind,
    load_network,
    load_tokenizer,
    on_device,
    shuffled,
    tokenizer_of,
)

__all__ = ["AnswerSpan", "ExtractiveQA", "adopt", "of_network"]

Pair = tuple[str, str]


class ExtractiveQA(Generator):
    """An extractive question-answering model of transformers: pairs (question, context) → a span of the context.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a question-answering head.
    tokenizer : transformers.PreTrainedTokenizerFast
    name : str, optional
        Replaces the fingerprint of the weights as the identity.
    longest : int, default 15
        The most tokens of a span that it gives as its own answer.

    Raises
    ------
    InputError
        Without a fast tokenizer, which says where in a text a token lies.
    """

    fields = ("question", "context")

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None, *, longest: int = 15):
        if not getattr(tokenizer, "is_fast", False):
            raise InputError("tokenizer", "come with a question-answering model, and be a fast one", tokenizer)
        self.module, self.tokenizer, self.name, self.longest = model, tokenizer, name, longest
        self.reader = Reader(self.module, tokenizer)

    @classmethod
    def from_pretrained(cls, path: Any, dtype: str = "float32", device: str = "cpu") -> ExtractiveQA:
        """Load model and tokenizer from a folder or a hub name (safetensors only, no remote code)."""
        from transformers import AutoModelForQuestionAnswering as Auto

        return cls(on_device(load_network(Auto, path, dtype=dtype), device), load_tokenizer(path))

    def identity(self) -> Identity:
        return Identity(f"qa:{self.name}", True) if self.name else fingerprint(self.module)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> ExtractiveQA:
        """Return the same network with the entries of every weight tensor permuted."""
        name = self.name and f"{self.name} randomised"
        return ExtractiveQA(shuffled(self.module, rng), self.tokenizer, name, longest=self.longest)

    def generate(self, prompt: Pair, max_new_tokens: int) -> str:
        """Return the text of the likeliest span."""
        question, context = pair_of(prompt)
        [row] = self.reader.rows([(question, context)])
        self.used += len(row.ids)
        start, end = self.logits([row])[0]
        places = self.places((question, context))
        scores = {
            (i, j): start[i] + end[j]
            for n, (i, _, _) in enumerate(places)
            for j, _, _ in places[n : n + min(self.longest, max_new_tokens)]
        }
        if not scores:
            raise InputError("context", "hold some text", prompt)
        first, last = max(scores, key=lambda span: scores[span])
        at = {i: (a, b) for i, a, b in places}
        return context[at[first][0] : at[last][1]]

    def places(self, pair: Pair) -> list[tuple[int, int, int]]:
        """Return the tokens of the context: number in the row, first and last + 1 character."""
        encoded = self.tokenizer(*pair, return_offsets_mapping=True)
        sides, offsets = encoded.sequence_ids(0), encoded["offset_mapping"]
        return [(i, a, b) for i, (side, (a, b)) in enumerate(zip(sides, offsets, strict=True)) if side == 1]

    def logits(self, rows: Sequence[Row]) -> np.ndarray:
        """Return the logits ``(n, 2, tokens)`` of start and end for a padded batch."""
        import torch

        with evaluating(self.module) as module:
            out = module(**self.reader.padded(rows))
            return torch.stack([out.start_logits, out.end_logits], 1).float().cpu().numpy()

    def scoring(self, answer: str, prompt: Pair) -> AnswerSpan:
        """Return the map from pairs to the probability of an answer.

        Raises
        ------
        InputError
            For an answer that the context of `prompt` does not hold, or only inside tokens: its probability is 0
            whatever is asked.
        """
        pair, scorer = pair_of(prompt), AnswerSpan(self, answer)
        if scorer.answer not in pair[1]:
            raise InputError("answer", "be a part of the context, letter by letter", answer)
        if not any(scorer.spans(pair[1], places := self.places(pair))):
            rule = "begin and end where tokens of the context do, or the model cannot give it"
            raise InputError("answer", f"{rule}; around it they make {_around(pair[1], places, scorer.answer)}", answer)
        return scorer


class AnswerSpan(Model):
    """Pairs (question, context) → the probability that a text is the answer; 0 where no tokens of the context make it.

    The log-odds of it (target ``"log-odds"``) need the text in every context.

    Parameters
    ----------
    qa : ExtractiveQA
    answer : str
        Compared letter by letter.
    """

    unit = "probability"
    size_unit = "tokens"
    fields = ("question", "context")

    def __init__(self, qa: ExtractiveQA, answer: str):
        self.qa, self.answer, self.half = qa, answer.strip(), is_half(qa.module)
        self.outputs = (f"probability of {self.answer}",)

    def identity(self) -> Identity:
        known = self.qa.identity()
        mark = hashlib.sha256(self.answer.encode()).hexdigest()[:16]
        return Identity(f"{known.id}:span:{mark}", known.persistent)

    def met_as(self, identity: Identity) -> str:
        """Name the network: every answer is scored alike."""
        return identity.id.rpartition(":")[0]

    def sizes(self, inputs: Sequence[Pair]) -> np.ndarray:
        return self.qa.reader.sizes(list(map(pair_of, inputs)), "model")

    def digests(self, inputs: Sequence[Pair]) -> list[bytes]:
        return self.qa.reader.digests(list(map(pair_of, inputs)))

    def __call__(self, inputs: Sequence[Pair]) -> np.ndarray:
        pairs = list(map(pair_of, inputs))
        return np.array(
            [
                [self._probability(pair, both)]
                for pair, both in zip(pairs, self.qa.logits(self.qa.reader.rows(pairs)), strict=True)
            ]
        )

    def _probability(self, pair: Pair, logits: np.ndarray) -> float:
        """Add up the probabilities of the answer's places, by logits ``(2, tokens)``."""
        places = self.qa.places(pair)
        if not places:
            return 0.0
        start, end = log_softmax(logits[:, [i for i, _, _ in places]].astype(float), axis=1)
        return float(sum(np.exp(start[i] + end[j]) for i, j in self.spans(pair[1], places)))

    def spans(self, context: str, places: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
        """Yield the first and the last token, among those of the context, of each place where they make the answer."""
        for inside in _touching(context, places, self.answer):
            if _text_of(context, places, inside) == self.answer:
                yield inside[0], inside[-1]

    def direct(self) -> Callable[[Sequence[Pair]], Any]:
        """Return the product of two softmaxes of one unpadded pair, at the characters of the answer."""
        return self._of_one

    def _of_one(self, pairs: Sequence[Pair]) -> np.ndarray:
        question, context = pair_of(pairs[0])
        encoded = self.qa.tokenizer(question, context, return_tensors="pt")
        with evaluating(self.qa.module) as module:
            out = module(**encoded.to(self.qa.module.device))
        own = [i for i, side in enumerate(encoded.sequence_ids(0)) if side == 1]
        total, place = 0.0, context.find(self.answer)
        if own:
            both = (out.start_logits, out.end_logits)
            start, end = (dict(zip(own, softmax(x[0, own].double().cpu().numpy()), strict=True)) for x in both)
        while place >= 0:
            one, last = (encoded.char_to_token(0, at, 1) for at in (place, place + len(self.answer) - 1))
            if one in own and last in own:  # else the network does not read it
                made = context[encoded.token_to_chars(0, one).start : encoded.token_to_chars(0, last).end]
                total += float(start[one] * end[last]) * (made.strip() == self.answer)
            place = context.find(self.answer, place + 1)
        return np.array([[total]])


def _touching(context: str, places: Sequence[tuple[int, int, int]], text: str) -> Iterator[list[int]]:
    """Yield, for each place where a context holds a text, the tokens that hold some of it."""
    for found in re.finditer(f"(?={re.escape(text)})", context):
        first, stop = found.start(), found.start() + len(text)
        if inside := [n for n, (_, a, b) in enumerate(places) if a < stop and b > first]:
            yield inside


def _text_of(context: str, places: Sequence[tuple[int, int, int]], tokens: Sequence[int]) -> str:
    """Return what tokens make that lie side by side, without white space around it."""
    return context[places[tokens[0]][1] : places[tokens[-1]][2]].strip()


def _around(context: str, places: Sequence[tuple[int, int, int]], text: str) -> str:
    """Say what the tokens make that a text lies inside of."""
    made = dict.fromkeys(_text_of(context, places, inside) for inside in _touching(context, places, text))
    return " or ".join(map(describe, made)) or "nothing that is read"


def pair_of(value: Any) -> Pair:
    """Return a question and its context.

    Raises
    ------
    InputError
        For anything but a pair of texts, or a mapping of both names.
    """
    if isinstance(value, dict) and set(value) == {"question", "context"}:
        value = (value["question"], value["context"])
    pair = as_text_or_pair(value, "a pair (question, context)")
    if isinstance(pair, str):
        raise InputError("text", "be a pair: PairProbe(question, context) makes inputs of this model", value)
    return pair


#: place among the adapters: lower ones are tried first
PLACE = 24


def adopt(model: object, name: str | None, batched: bool) -> ExtractiveQA | None:
    """Adopt an extractive question-answering model of transformers."""
    return of_network(model, None, name)


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> ExtractiveQA | None:
    """Adopt a question-answering model with its tokenizer, or with the one beside its weights; else None."""
    if not is_kind(network, "MODEL_FOR_QUESTION_ANSWERING_MAPPING"):
        return None
    return ExtractiveQA(network, tokenizer_of(network) if tokenizer is None else tokenizer, name)
