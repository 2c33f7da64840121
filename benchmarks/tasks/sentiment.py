"""A fine-tuned MiniLM on review sentences of 19 to 27 words: log-odds of "positive", absent words removed."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.run.record import Skipped
from benchmarks.tasks.material import shared
from benchmarks.tasks.task import Task, through_store
from probes import Target, TextClassifier, TextProbe

__all__ = ["drawn", "load", "log_odds", "model", "names", "sentences"]

SEED = 0
WORDS = range(19, 28)


def names(instances: int) -> list[str]:
    """Sentences, positive and negative in turns."""
    sentences(instances), model()
    return [f"sentiment_{j:02d}" for j in range(instances)]


def load(name: str) -> Task:
    """The task of a name that :func:`names` lists."""
    j = int(name.rsplit("_", 1)[1])
    return log_odds(name, sentences(j + 1)[j])


def log_odds(name: str, sentence: str) -> Task:
    """The task of a sentence."""
    probe = TextProbe(sentence)
    number = Target("log_odds", (1,), ("positive",), "log-odds")
    return Task(name, len(probe.features), through_store(model(), probe, number))


def sentences(count: int) -> tuple[str, ...]:
    """Sentences of 19 to 27 words, positive and negative in turns; the same first ones for every `count`."""
    return drawn(count, WORDS, SEED)


@lru_cache(maxsize=8)
def drawn(count: int, words: range, seed: int) -> tuple[str, ...]:
    """Sentences of so many words drawn from both files in turns; the first ones are the same for every `count`.

    Raises
    ------
    Skipped
        Where the files are not at hand.
    """
    folder = shared() / "data" / "sentiment" / "sentence_polarity"
    chosen = []
    for label in ("pos", "neg"):
        path = folder / f"rt-polarity.{label}"
        if not path.exists():
            raise Skipped(f"no {path} (set IOMAP_DATA to the folder that holds sentiment/)")
        lines = [line.strip() for line in path.read_text(encoding="latin-1").splitlines()]
        fitting = [line for line in lines if len(line.split()) > 2 and len(TextProbe(line).features) in words]
        chosen.append([fitting[i] for i in np.random.default_rng(seed).permutation(len(fitting))])
    return tuple(chosen[j % 2][j // 2] for j in range(count))


@lru_cache(maxsize=1)
def model() -> TextClassifier:
    folder = shared() / "models" / "sentiment-minilm"
    if not (folder / "model.safetensors").exists():
        raise Skipped(f"no model in {folder}")
    loaded = TextClassifier.from_pretrained(folder)
    # the file's digest names the weights once, instead of at every question
    return TextClassifier(
        loaded.module, loaded.tokenizer, name=f"{folder.name} {_digest(folder / 'model.safetensors')}"
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
