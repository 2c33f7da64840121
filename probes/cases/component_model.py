"""A network's model as a map from which of its components are present to what it answers on average.

Many rows are computed in one forward: the same cases or inputs once for every row, each with the components of its row
ablated. What answers are, and how they are scored, says one file for each kind of model.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from probes.cases.case import Case
from probes.cases.metrics import Metric, Scores
from probes.digests import digest_rows
from probes.errors import InputError
from probes.interventions.ablation import Ablation, Place, ablate, place_of
from probes.interventions.channels import changed_first, on_channels
from probes.interventions.intervened import intervened
from probes.interventions.intervention import Intervention, hooked
from probes.interventions.network_modules import module_named
from probes.model import Identity, Model
from probes.models.huggingface.weights import is_half

__all__ = ["CaseComponents", "ComponentModel", "Scored", "Setup"]

#: what a model says of one answer: its log-probability, its tokens, and whether it is the likeliest
Scored: TypeAlias = tuple[float, int, float]


@dataclass(frozen=True)
class Setup:
    """What is measured, and how components are ablated.

    Attributes
    ----------
    cases : tuple of Case
        Empty where there are inputs.
    components : tuple of str
    by : str
    prompts : sequence of prompts or inputs
        What values are taken from.
    metric : Metric
    random_state : int
    inputs : sequence of images or rows, or None
    """

    cases: tuple[Case, ...]
    components: tuple[str, ...]
    by: str
    prompts: Any
    metric: Metric
    random_state: int
    inputs: Any = None

    @property
    def digest(self) -> str:
        """SHA-256 of all that."""
        asked: tuple[Any, ...]
        if self.inputs is None:
            asked = [case.case_id for case in self.cases], self.metric.name, self.by, self.prompts, self.random_state
        else:
            asked = *map(digest_rows, (self.inputs, self.prompts)), self.by, self.random_state
        return hashlib.sha256(repr((self.components, asked)).encode()).hexdigest()


class ComponentModel(Model):
    """Rows of 0 (ablated) and 1 (present) → numbers, averaged over what the model is asked.

    Parameters
    ----------
    base : object
        The model; its ``module`` is the network.
    setup : Setup
    """

    def __init__(self, base: Any, setup: Setup):
        self.base, self.setup = base, setup
        reference = () if setup.by == "zero" else setup.prompts
        try:
            made = ablate(base, setup.components, setup.by, reference=reference, random_state=setup.random_state)
        except InputError as error:
            if error.parameter == "reference" and setup.prompts is setup.inputs:  # none was given
                raise InputError("cases", error.rule, setup.inputs) from error
            raise
        self._ablation: Ablation = made.intervention  # type: ignore[assignment]
        self.places = [place_of(base.module, name) for name in setup.components]
        self.half = base.half if setup.inputs is not None else is_half(base.module)

    @abstractmethod
    def numbers(self, Z: np.ndarray) -> np.ndarray:
        """Return the average numbers ``(m, K)`` for rows ``(m, d)``, all at once."""

    @abstractmethod
    def numbers_alone(self, base: Any) -> np.ndarray:
        """Return the average numbers ``(K,)`` of a model of the base's kind, asked in the plainest way."""

    def identity(self) -> Identity:
        base = self.base.identity()
        mark = hashlib.sha256(f"{self.setup.digest}{self._ablation.digest}".encode()).hexdigest()[:32]
        return Identity(f"{base.id}:components:{mark}", base.persistent)

    def direct(self) -> Callable[[Any], Any]:
        """Return the numbers of the ablated model, all that it is asked read alone."""
        return lambda rows: self._alone(np.asarray(rows)[0])[None]

    def randomised(self, rng: np.random.Generator, inputs: Any) -> ComponentModel:
        """Do the same to the network with the entries of every weight tensor permuted."""
        return type(self)(self.base.randomised(rng, None), self.setup)

    def __call__(self, inputs: Any) -> np.ndarray:
        Z = np.asarray(inputs, dtype=float)
        return np.concatenate([self.numbers(Z[i : i + self.batch]) for i in range(0, len(Z), self.batch)])

    def masking(self, Z: np.ndarray, copies: int) -> Intervention:
        """Return the ablation of each row's components in so many copies of the row, side by side."""
        return _Masked(self._ablation, tuple(self.places), np.repeat(Z < 0.5, copies, axis=0))

    def _alone(self, row: np.ndarray) -> np.ndarray:
        absent = [j for j in range(len(self.places)) if row[j] < 0.5]
        names = tuple(self._ablation.components[j] for j in absent)
        values = tuple(self._ablation.values[j] for j in absent)
        changed = intervened(self.base, Ablation(names, values, self._ablation.by)) if absent else self.base
        return self.numbers_alone(changed)


class CaseComponents(ComponentModel):
    """Rows → a metric, averaged over cases; parameters as of :class:`ComponentModel`."""

    def __init__(self, base: Any, setup: Setup):
        super().__init__(base, setup)
        # in plain "nats" models answer with the log-probabilities of tokens
        self.unit = "nats a case" if setup.metric.unit == "nats" else setup.metric.unit
        self.outputs = (setup.metric.name,)

    @abstractmethod
    def scored(self, Z: np.ndarray) -> list[list[Scored]]:
        """Score the answers of all cases in turn, for each row of ``(m, d)``, all rows at once."""

    @abstractmethod
    def scored_alone(self, base: Any) -> list[Scored]:
        """Score the answers of all cases in turn with a model of the base's kind, in the plainest way."""

    def numbers(self, Z: np.ndarray) -> np.ndarray:
        return np.array([[self._averaged(row)] for row in self.scored(Z)])

    def numbers_alone(self, base: Any) -> np.ndarray:
        return np.array([self._averaged(self.scored_alone(base))])

    def masked(self, Z: np.ndarray, copies: int) -> Any:
        """Return the network with the components of each row ablated in so many copies of the row, side by side."""
        return hooked(self.base.module, self.masking(Z, copies))

    def _averaged(self, scored: Sequence[Scored]) -> float:
        """Return the mean of the metric over cases."""
        numbers, start = [], 0
        for case in self.setup.cases:
            part = np.array(scored[start : start + len(case.options)])
            numbers.append(self.setup.metric(Scores(part[:, 0], part[:, 1], part[:, 2], 1 + len(case.also))))
            start += len(case.options)
        return float(np.mean(numbers))


@dataclass(frozen=True, eq=False)
class _Masked(Intervention):
    """An ablation of other components in every row of a batch.

    Attributes
    ----------
    ablation : Ablation
    places : tuple of Place
        Of its components.
    absent : ndarray of bool ``(batch, d)``
    """

    ablation: Ablation
    places: tuple[Place, ...]
    absent: np.ndarray

    kind = "masked"
    words = "with components ablated row by row"

    @property
    def content(self) -> Sequence[Any]:
        return (*self.ablation.content, self.absent.astype(float))

    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        for module, before in dict.fromkeys((place.module, place.before) for place in self.places):
            here = [j for j, place in enumerate(self.places) if (place.module, place.before) == (module, before)]
            yield module_named(network, module), self._hiding(here, before), before

    def _hiding(self, components: Sequence[int], before: bool) -> Callable[..., Any]:
        """Return the hook that puts the values of absent components in their places, in a copy."""
        import torch

        def hide(tensor: Any) -> Any:
            hidden = torch.zeros((len(self.absent), tensor.shape[-1]), dtype=torch.bool, device=tensor.device)
            fixed = torch.zeros(tensor.shape[-1], dtype=tensor.dtype, device=tensor.device)
            for j in components:
                part = slice(self.places[j].start, self.places[j].stop)
                hidden[self.absent[:, j], part] = True
                fixed[part] = torch.as_tensor(self.ablation.values[j], dtype=tensor.dtype, device=tensor.device)
            # some networks put the tokens, or the windows, of all inputs below each other
            hidden = hidden.repeat_interleave(len(tensor) // len(hidden), dim=0)
            return torch.where(hidden.reshape(len(hidden), *[1] * (tensor.ndim - 2), -1), fixed, tensor)

        return changed_first(lambda tensor: on_channels(tensor, hide), before)

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Intervention:
        return self
