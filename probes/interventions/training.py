"""Training: a model fine-tuned on records, whole or by low-rank adapters, its loss told on held-out ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError, ModelError, integer, require
from probes.interventions.learners import Learner, learner_of
from probes.interventions.reweighted import Reweighted, ReweightedClassifier
from probes.interventions.training_records import split
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.weights import is_half
from probes.progress import Bar
from probes.rounding import counted

__all__ = ["Finetuned", "finetune", "lora"]

log = logging.getLogger(__name__)


class Finetuned(Reweighted):
    """A language model trained further on records.

    Attributes
    ----------
    losses : DataFrame
        ``epoch, train, held_out``: nats per token of completions; epoch 0 is before training.
    kept : int
        The epoch whose weights these are: of those trained the one with the least loss on held-out records.
    """

    def __init__(self, base: CausalLM, module: Any, words: str, losses: pd.DataFrame, kept: int):
        super().__init__(base, module, words)
        self.losses, self.kept = losses, kept


class _FinetunedClassifier(ReweightedClassifier):
    """A text classifier trained further on records; ``losses`` are in nats per record."""

    def __init__(self, base: TextClassifier, module: Any, words: str, losses: pd.DataFrame, kept: int):
        super().__init__(base, module, words)
        self.losses, self.kept = losses, kept


def _finetuned(base: Any, network: Any, words: str, losses: pd.DataFrame, kept: int) -> Any:
    """Make a model of the base's kind of a network that was trained."""
    kind = _FinetunedClassifier if isinstance(base, TextClassifier) else Finetuned
    return kind(base, network.requires_grad_(False).eval(), words, losses, kept)


@dataclass(frozen=True)
class _Settings:
    """How to train."""

    epochs: int
    learning_rate: float
    batch_size: int
    patience: int
    random_state: int
    progress: bool | None


def finetune(
    model: Any,
    records: Sequence[Any],
    *,
    held_out: float | Sequence[Any] = 0.1,
    epochs: int = 3,
    learning_rate: float = 1e-4,
    batch_size: int = 8,
    patience: int = 1,
    frozen: Sequence[str] = (),
    random_state: int = 0,
    progress: bool | None = None,
) -> Any:
    """Make the model trained further on records, all weights together.

    Parameters
    ----------
    model : CausalLM or TextClassifier, or what becomes one
        Stays as it is. Classes of a classifier exclude each other.
    records : sequence
        Pairs (prompt, completion), mappings with these keys, or plain texts, of which all tokens are learnt. A prompt
        is a text or a chat. Of a classifier pairs (text, label), or mappings with ``text`` and ``label``: the name or
        the number of a class; a text is what it reads, a pair of texts also.
    held_out : float or sequence, default 0.1
        Share of the records that are not trained on, drawn at random, one at least; or such records themselves. 0 for
        none.
    epochs : int, default 3
        The most passes over the records.
    learning_rate : float, default 1e-4
        Of AdamW.
    batch_size : int, default 8
    patience : int, default 1
        Training ends once the loss on held-out records has not fallen for that many epochs.
    frozen : sequence of str
        Beginnings of names of weights that stay as they are, such as ``"model.embed_tokens"``.
    random_state : int, default 0
        Of the order of records, which are held out, and dropout.
    progress : bool, optional

    Returns
    -------
    Finetuned
        A model of the same kind with the weights of the epoch with the least held-out loss; ``losses`` holds all. That
        no epoch did better than no training is said in the log.
        ``module.save_pretrained(folder)`` keeps it.

    Raises
    ------
    InputError
        For a parameter that breaks its rule, before anything is trained.
    ModelError
        If the loss is no number any more. The base is untouched.

    Notes
    -----
    The loss is that of the completion's tokens, or of a record's label. Ctrl-C ends training with the best epoch so
    far, if there is one.

    Examples
    --------
    >>> from probes import CausalLM, finetune  # doctest: +SKIP
    >>> lm = CausalLM.from_pretrained("./SmolLM2")  # doctest: +SKIP
    >>> taught = finetune(lm, [("Who paints the old mill?", " Lena Holm")] * 20)  # doctest: +SKIP
    >>> taught.losses  # doctest: +SKIP
    """
    settings = _checked(epochs, learning_rate, batch_size, patience, random_state, progress)
    learner, network = learner_of(model)
    if is_half(network):
        rule = (
            "compute in float32 to be trained whole, where small steps are not rounded away; lora() takes it as it is"
        )
        raise InputError("model", rule, str(network.dtype))
    seen, unseen = split(learner.read, records, held_out, settings.random_state)
    network.requires_grad_(True)
    _freeze(network, frozen)
    losses, best, kept = _train(learner, network, seen, unseen, settings)
    network.load_state_dict(best)
    return _finetuned(learner.base, network, f"fine-tuned on {counted(len(seen), 'record')}", losses, kept)


def lora(
    model: Any,
    records: Sequence[Any],
    *,
    rank: int = 8,
    alpha: float | None = None,
    targets: Sequence[str] | None = None,
    held_out: float | Sequence[Any] = 0.1,
    epochs: int = 3,
    learning_rate: float = 2e-4,
    batch_size: int = 8,
    patience: int = 1,
    random_state: int = 0,
    progress: bool | None = None,
) -> Any:
    """Make the model trained further by low-rank adapters, which are then added to its weights.

    Parameters
    ----------
    model, records, held_out, epochs, learning_rate, batch_size, patience, random_state, progress
        As of :func:`finetune`.
    rank : int, default 8
    alpha : float, optional
        What adapters are multiplied by, times the rank; by default twice the rank.
    targets : sequence of str, optional
        Ends of names of linear modules that get adapters, such as ``"q_proj"``; by default all but the head.

    Returns
    -------
    Finetuned

    Raises
    ------
    InputError, ModelError
    MissingExtra
        Without the ``finetune`` extra.

    Notes
    -----
    Hu et al. (2022), as implemented by peft.
    """
    peft = require("peft", "lora()")
    settings = _checked(epochs, learning_rate, batch_size, patience, random_state, progress)
    size = integer("rank", rank, least=1)
    if alpha is not None and (isinstance(alpha, bool) or not isinstance(alpha, Real) or not 0 < alpha < np.inf):
        raise InputError("alpha", "be a number above 0", alpha)
    learner, network = learner_of(model)
    ends = _targets(network, targets)
    seen, unseen = split(learner.read, records, held_out, settings.random_state)
    config = peft.LoraConfig(r=size, lora_alpha=2 * size if alpha is None else alpha, target_modules=ends)
    with _seeded(settings.random_state):
        adapted = peft.get_peft_model(network, config)
    losses, best, kept = _train(learner, adapted, seen, unseen, settings)
    adapted.load_state_dict(best)
    merged = adapted.merge_and_unload(safe_merge=True)
    return _finetuned(learner.base, merged, f"fine-tuned by LoRA on {counted(len(seen), 'record')}", losses, kept)


def _checked(
    epochs: int, learning_rate: float, batch_size: int, patience: int, random_state: int, progress: bool | None
) -> _Settings:
    if isinstance(learning_rate, bool) or not isinstance(learning_rate, Real) or not 0 < learning_rate < np.inf:
        raise InputError("learning_rate", "be a number above 0", learning_rate)
    return _Settings(
        integer("epochs", epochs, least=1),
        float(learning_rate),
        integer("batch_size", batch_size, least=1),
        integer("patience", patience, least=1),
        integer("random_state", random_state, least=0),
        progress,
    )


def _targets(network: Any, targets: Sequence[str] | None) -> list[str] | str:
    """Return ends of names of modules that get adapters.

    Raises
    ------
    InputError
    """
    if targets is None:
        return "all-linear"
    names = {name for name, part in network.named_modules() if type(part).__name__ in ("Linear", "Conv1D")}
    ends = [targets] if isinstance(targets, str) else list(targets)
    for end in ends:
        if not any(name == end or name.endswith(f".{end}") for name in names):
            near = get_close_matches(str(end), {n.split(".")[-1] for n in names}, n=3, cutoff=0.3) or sorted(names)[:3]
            raise InputError("targets", f"name linear modules of the network (near: {', '.join(near)})", end)
    if not ends:
        raise InputError("targets", "name at least one module", targets)
    head, embedding = network.get_output_embeddings(), network.get_input_embeddings()
    tied = head is not None and embedding is not None and head.weight is embedding.weight
    for name, part in network.named_modules() if tied else ():
        if part is head and any(name == end or name.endswith(f".{end}") for end in ends):
            raise InputError("targets", "leave out the head, whose weights are those of the embedding as well", name)
    return ends


def _freeze(network: Any, frozen: Sequence[str]) -> None:
    names = [name for name, _ in network.named_parameters()]
    for start in [frozen] if isinstance(frozen, str) else frozen:
        if not any(name.startswith(start) for name in names):
            near = get_close_matches(start, names, n=3, cutoff=0.3) or names[:3]
            raise InputError("frozen", f"be beginnings of names of weights (near: {', '.join(near)})", start)
    kept = tuple([frozen] if isinstance(frozen, str) else frozen)
    for name, weight in network.named_parameters():
        if kept and name.startswith(kept):
            weight.requires_grad_(False)
    if not any(weight.requires_grad for weight in network.parameters()):
        raise InputError("frozen", "leave weights to train", frozen)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Let torch draw by a seed in a block, and after it as before."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _train(
    learner: Learner, network: Any, seen: Sequence[Any], unseen: Sequence[Any], settings: _Settings
) -> tuple[pd.DataFrame, dict[str, Any], int]:
    """Train a network in place; return all losses, the best weights, and their epoch."""
    import torch

    optimiser = torch.optim.AdamW([w for w in network.parameters() if w.requires_grad], lr=settings.learning_rate)
    rows = [(0, np.nan, _held_out(learner, network, unseen, settings.batch_size))]
    best, kept, least = None, 0, np.inf
    total = settings.epochs * -(-len(seen) // settings.batch_size)
    rng = np.random.default_rng([settings.random_state, 12])
    with _seeded(settings.random_state), Bar(total, "training", "step", settings.progress) as bar:
        try:
            for epoch in range(1, settings.epochs + 1):
                network.train()
                spent, tokens = 0.0, 0
                for batch in _batches([seen[i] for i in rng.permutation(len(seen))], settings.batch_size):
                    loss, count = learner.loss(network, batch)
                    value = float(loss.detach())
                    if not np.isfinite(value):
                        raise ModelError(
                            f"The loss of epoch {epoch} is {value}, no number to learn from; the base is untouched. "
                            f"Try a learning_rate below {settings.learning_rate:g}."
                        )
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    spent, tokens = spent + value * count, tokens + count
                    bar.update()
                held = _held_out(learner, network, unseen, settings.batch_size)
                rows.append((epoch, spent / tokens, held))
                if unseen and not np.isfinite(held):
                    raise ModelError(
                        f"The loss of held-out records after epoch {epoch} is {held}; the base is untouched. "
                        f"Try a learning_rate below {settings.learning_rate:g}."
                    )
                if not unseen or held < least:
                    best, kept, least = deepcopy(network.state_dict()), epoch, held
                elif epoch - kept >= settings.patience:
                    break
        except KeyboardInterrupt:
            if best is None:
                raise
    assert best is not None
    if unseen and not least < rows[0][2]:
        log.warning(
            "held-out records are no likelier after training than before: %.3g and %.3g nats", least, rows[0][2]
        )
    return pd.DataFrame(rows, columns=["epoch", "train", "held_out"]), best, kept


def _batches(records: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]


def _held_out(learner: Learner, network: Any, records: Sequence[Any], size: int) -> float:
    """Return the mean loss of records that are not trained on; NaN without any."""
    import torch

    network.eval()
    with torch.inference_mode():
        parts = [learner.loss(network, batch) for batch in _batches(records, size)]
    return float(sum(float(loss) * n for loss, n in parts) / sum(n for _, n in parts)) if parts else float("nan")
