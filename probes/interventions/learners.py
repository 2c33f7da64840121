"""What is learnt from records: continuations by a language model, classes by a text classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral
from typing import Any

from probes.errors import InputError
from probes.interventions.reweighted import unchanged
from probes.interventions.training_records import Record, read_records
from probes.models.adapt import as_model
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.pipelines import usual_function
from probes.models.huggingface.reading import Row, network_pad

__all__ = ["ClassLearner", "Learner", "TokenLearner", "learner_of"]

#: a label that the loss leaves out
_UNSEEN = -100


class TokenLearner:
    """Learns completions after their prompts; losses are in nats per token of completions."""

    def __init__(self, base: CausalLM):
        self.base = base

    def read(self, parameter: str, records: Any) -> list[Record]:
        """Return records as token ids.

        Raises
        ------
        InputError
        """
        return read_records(self.base, parameter, records)

    def loss(self, network: Any, batch: Sequence[Record]) -> tuple[Any, int]:
        """Return the mean loss of a batch in nats per completion token, and how many there are."""
        import torch

        width = max(len(prompt) + len(completion) for prompt, completion in batch)
        ids = torch.zeros((len(batch), width), dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, _UNSEEN)
        for i, (prompt, completion) in enumerate(batch):
            row = torch.tensor([*prompt, *completion])
            ids[i, : len(row)], mask[i, : len(row)] = row, 1
            labels[i, len(prompt) : len(row)] = row[len(prompt) :]
        device = next(network.parameters()).device
        logits = network(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False).logits[:, :-1]
        following = labels[:, 1:].to(device)
        loss = torch.nn.functional.cross_entropy(
            logits.float().reshape(-1, logits.shape[-1]), following.reshape(-1), ignore_index=_UNSEEN
        )
        return loss, int((following != _UNSEEN).sum())


class ClassLearner:
    """Learns the classes of texts; losses are in nats per record.

    Raises
    ------
    InputError
        For a classifier whose classes do not exclude each other, or that cannot be padded.
    """

    def __init__(self, base: TextClassifier):
        config = base.module.config
        if config.num_labels < 2 or usual_function(config) != "softmax":
            found = f"labels scored by {usual_function(config)}: {config.num_labels}"
            raise InputError("model", "have classes that exclude each other, so that one is learnt", found)
        if network_pad(config) is None:
            raise InputError("model", "have a pad_token_id in its configuration, to be trained in batches", config)
        self.base = base

    def read(self, parameter: str, records: Any) -> list[tuple[Row, int]]:
        """Return records as what is fed and the number of the class.

        Raises
        ------
        InputError
        """
        if isinstance(records, (str, Mapping)) or not isinstance(records, Sequence) or not len(records):
            raise InputError(parameter, "be a list of at least one record", records)
        texts, classes = zip(*(self._of(parameter, record) for record in records), strict=True)
        self.base.sizes(texts)
        return list(zip(self.base.reader.rows(texts), classes, strict=True))

    def _of(self, parameter: str, record: Any) -> tuple[Any, int]:
        """Return the text and the number of the class of a record."""
        if isinstance(record, Mapping) and {"text", "label"} <= set(record):
            record = record["text"], record["label"]
        if isinstance(record, (str, Mapping)) or not isinstance(record, Sequence) or len(record) != 2:
            raise InputError(parameter, "be pairs of text and label, or mappings with these", record)
        text, label = record
        classes = self.base.outputs or ()
        if isinstance(label, str) and label in classes:
            return text, classes.index(label)
        if isinstance(label, Integral) and not isinstance(label, bool) and 0 <= int(label) < len(classes):
            return text, int(label)
        near = get_close_matches(str(label), classes, n=3, cutoff=0) or list(classes)[:3]
        raise InputError(parameter, f"have classes of the model as labels, such as {', '.join(near)}", label)

    def loss(self, network: Any, batch: Sequence[tuple[Row, int]]) -> tuple[Any, int]:
        """Return the mean loss of a batch in nats per record, and how many there are."""
        import torch

        logits = network(**self.base.reader.padded([row for row, _ in batch])).logits.float()
        right = torch.tensor([number for _, number in batch], device=logits.device)
        return torch.nn.functional.cross_entropy(logits, right), len(batch)


Learner = TokenLearner | ClassLearner


def learner_of(model: Any) -> tuple[Learner, Any]:
    """Return what learns for a language model or a text classifier, and a copy of its network to change.

    Raises
    ------
    InputError
    """
    base, network = unchanged(as_model(model))
    return ClassLearner(base) if isinstance(base, TextClassifier) else TokenLearner(base), network
