"""A network's model with something done to its activations while it answers; the network itself stays as it is.

:func:`intervened` makes it: a model of the base's kind, which reads and answers as the base does, over the same network
seen through hooks. Interventions on an intervened model come after those that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np

from probes.errors import InputError, ModelError, integer
from probes.interventions.intervention import Intervention, hooked
from probes.interventions.made_up import Fed
from probes.interventions.prompting import Prompted
from probes.model import Identity
from probes.models.adapt import as_model
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.encoder import Encoder
from probes.models.huggingface.image_classifier import ImageClassifier
from probes.models.huggingface.masked_lm import MaskedLM
from probes.models.huggingface.question_answering import ExtractiveQA
from probes.models.huggingface.seq2seq import Seq2SeqLM
from probes.models.huggingface.token_classifier import TokenClassifier
from probes.models.torch_module import TorchModule

__all__ = ["Intervened", "Scoped", "fed_of", "intervened", "is_listed", "language_model", "network_model"]


class Scoped:
    """A model that, as a context manager, is itself, and cannot be asked after the block."""

    module: Any

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.module = _Closed(repr(self))


class _Closed:
    """Stands in for the network once the block of a context manager is over."""

    def __init__(self, words: str):
        self.words = words

    def __getattr__(self, name: str) -> Any:
        raise InputError("model", "be asked inside its with block", self.words)


class Intervened(Scoped):
    """A model under an intervention, of the same kind as its base. Ask it as any other; the base stays what it is.

    As a context manager it is itself, and cannot be asked after the block.

    Parameters
    ----------
    base : Model or Generator
        Intervened itself, perhaps: then this intervention comes after those it has.
    intervention : Intervention

    Attributes
    ----------
    base : Model or Generator
    intervention : Intervention
    """

    def __init__(self, base: Any, intervention: Intervention):
        module = hooked(base.module, intervention)
        for _ in intervention.hooks(module.network):  # what cannot be done to this network is refused now
            pass
        vars(self).update(vars(base))  # it reads and answers as the base does
        self.module, self.base, self.intervention = module, base, intervention

    def __repr__(self) -> str:
        base = repr(self.base) if isinstance(self.base, Scoped) else type(self.base).__name__
        return f"{base} {self.intervention.words}"

    def check_prompt(self, ids: Sequence[int]) -> None:
        """Refuse an input, by its token ids, that the interventions cannot be done to.

        Raises
        ------
        InputError
        """
        for intervention in self.module.interventions:
            intervention.check_prompt(ids)

    def identity(self) -> Identity:
        base = self.base.identity()
        return Identity(f"{base.id}+{self.intervention.kind}:{self.intervention.digest[:32]}", base.persistent)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Any:
        """Do the same to the network with the entries of every weight tensor permuted."""
        other = self.base.randomised(rng, inputs)
        return None if other is None else intervened(other, self.intervention)

    def control(self, random_state: int = 0) -> Intervened:
        """Make the base's control: an intervention of the same size drawn at random."""
        rng = np.random.default_rng(integer("random_state", random_state, least=0))
        *others, own = self.module.interventions
        return intervened(self.base, own.control(rng, self.module.network, others))


class _IntervenedLM(Intervened, CausalLM):
    """A causal language model under an intervention."""

    @property
    def can_begin(self) -> bool:
        return super().can_begin and all(intervention.any_prompt for intervention in self.module.interventions)


class _IntervenedSeq2SeqLM(Intervened, Seq2SeqLM):
    """A sequence-to-sequence model under an intervention: what its encoder is fed is checked."""


class _Reading(Intervened):
    """A model whose network reads whole texts, under an intervention: what the network is fed is checked."""

    def __init__(self, base: Any, intervention: Intervention):
        super().__init__(base, intervention)
        self.reader = copy(base.reader)
        self.reader.check = self.check_prompt
        self.pipeline: Any = None  # it would ask the base


class _IntervenedClassifier(_Reading, TextClassifier):
    """A sequence classifier under an intervention."""


class _IntervenedTokenClassifier(_Reading, TokenClassifier):
    """A token classifier under an intervention."""


class _IntervenedQA(_Reading, ExtractiveQA):
    """An extractive question-answering model under an intervention."""


class _IntervenedMaskedLM(_Reading, MaskedLM):
    """A masked language model under an intervention."""


class _IntervenedEncoder(_Reading, Encoder):
    """An encoder under an intervention."""


class _IntervenedImageClassifier(Intervened, ImageClassifier):
    """An image classifier under an intervention."""

    def __init__(self, base: Any, intervention: Intervention):
        super().__init__(base, intervention)
        self.pipeline: Any = None  # it would ask the base


class _IntervenedModule(Intervened, TorchModule):
    """A torch module over arrays under an intervention."""

    def __init__(self, base: Any, intervention: Intervention):
        super().__init__(base, intervention)
        self.function = self.answering()  # that of the base asks the base
        self.function.__name__ = base.function.__name__

    def __call__(self, inputs: Any) -> np.ndarray:
        try:
            return super().__call__(inputs)
        except ModelError as error:
            if isinstance(error.__cause__, InputError):  # the intervention cannot be done: the network is none to blame
                raise error.__cause__ from None
            raise


#: what becomes of each kind of model
_KINDS: dict[type, type[Intervened]] = {
    CausalLM: _IntervenedLM,
    Seq2SeqLM: _IntervenedSeq2SeqLM,
    TextClassifier: _IntervenedClassifier,
    TokenClassifier: _IntervenedTokenClassifier,
    ExtractiveQA: _IntervenedQA,
    MaskedLM: _IntervenedMaskedLM,
    Encoder: _IntervenedEncoder,
    ImageClassifier: _IntervenedImageClassifier,
    TorchModule: _IntervenedModule,
}


def intervened(base: Any, intervention: Intervention) -> Intervened:
    """Make a model of the base's kind under an intervention.

    Parameters
    ----------
    base : object
        Of :func:`network_model`.
    intervention : Intervention

    Raises
    ------
    InputError
        If it cannot be done to the base's network.
    """
    return next(made for kind, made in _KINDS.items() if isinstance(base, kind))(base, intervention)


def network_model(model: Any) -> Any:
    """Return a model whose network interventions can be done to, whatever form it comes in.

    Raises
    ------
    InputError
        For anything else: nothing can be done to activations that are not here.
    """
    adopted = model if isinstance(model, Encoder) else as_model(model)
    if isinstance(adopted, Prompted):
        raise InputError("model", "have its activations changed before its prompts", repr(adopted))
    if not isinstance(adopted, tuple(_KINDS)):
        rule = (
            "be a causal language model, or a classifier, question answerer, masked language model or Encoder, of "
            "transformers in memory; or a sequence-to-sequence model of it, or a torch module over images or rows"
        )
        raise InputError("model", rule, model)
    if isinstance(adopted, TorchModule) and any("Conv1d" in type(part).__name__ for part in adopted.module.modules()):
        rule = "have no convolutions over time, of which it is not known where the numbers of one step stand"
        raise InputError("model", rule, model)
    return adopted


def language_model(model: Any) -> CausalLM:
    """Return a causal language model of transformers, whatever form it comes in.

    Raises
    ------
    InputError
        For anything else.
    """
    adopted = as_model(model)
    if not isinstance(adopted, CausalLM):
        raise InputError("model", "be a causal language model of transformers in memory", model)
    return adopted


def fed_of(model: Any, inputs: Sequence[Any], parameter: str = "inputs") -> list[Fed]:
    """Return what the network of a model is fed for each input alone.

    Parameters
    ----------
    model : object
        Of :func:`network_model`.
    inputs : sequence
        Prompts of a language model; texts, pairs of texts, images or rows of others.
    parameter : str
        What errors call images and rows.

    Raises
    ------
    InputError
        For an input that the model does not read, or that is too long for it.
    """
    import torch

    if isinstance(model, ImageClassifier):
        return [Fed((), {}, (_encoded(model, [image], "images that the model reads", parameter),)) for image in inputs]
    if isinstance(model, TorchModule):
        rows = _encoded(model, inputs, "rows of finite numbers, one below the other", parameter)
        return [Fed((), {}, (row[None],)) for row in rows]
    device = model.module.device
    if not isinstance(model, (CausalLM, Seq2SeqLM)):
        model.reader.sizes(inputs, "model")
        return [Fed(tuple(row.ids), model.reader.padded([row])) for row in model.reader.rows(inputs)]
    ids = [model.encode(prompt) for prompt in inputs]
    model.check_window(np.array([len(row) for row in ids]))
    options: dict[str, Any] = {"use_cache": False}
    if isinstance(model, Seq2SeqLM):  # the decoder is about to begin an answer
        options["decoder_input_ids"] = torch.tensor([model.before()], device=device)
    return [Fed(tuple(row), {"input_ids": torch.tensor([row], device=device), **options}) for row in ids]


def is_listed(model: Any, inputs: Any) -> bool:
    """Return whether inputs are several: a list of them, or an array whose first axis they are."""
    if isinstance(inputs, (list, tuple)):
        return True
    axes = {ImageClassifier: (4,), TorchModule: (2, 3, 4)}
    several = next((n for kind, n in axes.items() if isinstance(model, kind)), ())
    return getattr(inputs, "ndim", 0) in several


def _encoded(model: Any, inputs: Any, what: str, parameter: str) -> Any:
    """Return images, or rows, as the network reads them; `what` says what they must be.

    Raises
    ------
    InputError
    """
    import torch

    try:
        tensor = model.encoded(inputs)
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(parameter, f"be {what}", inputs) from error
    if tensor.ndim < 2 or not torch.isfinite(tensor).all():
        raise InputError(parameter, f"be {what}", inputs)
    return tensor
