"""A language model as a map from which of its components are present to a metric of the cases that it answers.

Many rows are computed in one forward: the same cases once for every row, each with the components of its row ablated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.cases.case import Case
from probes.cases.metrics import Metric, Scores
from probes.interventions.ablation import Ablation, Place, ablate, place_of
from probes.interventions.intervened import Intervened, Intervention, hooked, language_model, module_named
from probes.model import Identity, Model, Prompt
from probes.models.huggingface.weights import is_half

__all__ = ["ComponentModel", "Setup"]

#: numbers that logits of one forward may have
_LOGITS = 2**25


@dataclass(frozen=True)
class Setup:
    """What is measured, and how components are ablated.

    Attributes
    ----------
    cases : tuple of Case
    components : tuple of str
    by : str
    prompts : tuple of prompts
        What values are taken from.
    metric : Metric
    random_state : int
    """

    cases: tuple[Case, ...]
    components: tuple[str, ...]
    by: str
    prompts: tuple[Prompt, ...]
    metric: Metric
    random_state: int

    @property
    def digest(self) -> str:
        """SHA-256 of all that."""
        asked = [case.case_id for case in self.cases], self.metric.name, self.by, self.prompts, self.random_state
        return hashlib.sha256(repr((self.components, asked)).encode()).hexdigest()


class ComponentModel(Model):
    """Rows of 0 (ablated) and 1 (present) → a metric, averaged over cases.

    Parameters
    ----------
    model : CausalLM, or what becomes one
    setup : Setup
    """

    def __init__(self, model: Any, setup: Setup):
        self.lm, self.setup = language_model(model), setup
        reference = () if setup.by == "zero" else setup.prompts
        made = ablate(self.lm, setup.components, setup.by, reference=reference, random_state=setup.random_state)
        self._ablation: Ablation = made.intervention  # type: ignore[assignment]
        self.places = [place_of(self.lm.module, name) for name in setup.components]
        # in plain "nats" models answer with the log-probabilities of tokens
        self.unit = "nats a case" if setup.metric.unit == "nats" else setup.metric.unit
        self.outputs = (setup.metric.name,)
        self.half = is_half(self.lm.module)
        self._rows, self._pairs = _laid_out(self.lm, setup.cases)
        self.lm.check_window(np.array([len(row) for row in self._rows]))
        each = len(self._rows) * max(map(len, self._rows))
        wanted = len({place for _, start, answer in self._pairs for place in range(start, start + len(answer))})
        vocabulary = int(self.lm.module.config.vocab_size)
        most = _LOGITS // (len(self._rows) * wanted * vocabulary)
        self.batch = max(1, min(self.lm.batch_tokens // each, most))

    def identity(self) -> Identity:
        lm = self.lm.identity()
        mark = hashlib.sha256(f"{self.setup.digest}{self._ablation.digest}".encode()).hexdigest()[:32]
        return Identity(f"{lm.id}:components:{mark}", lm.persistent)

    def direct(self) -> Callable[[Any], Any]:
        """Return the metric of the ablated model, each case and answer read alone."""
        return lambda rows: np.array([[self._alone(np.asarray(rows)[0])]])

    def randomised(self, rng: np.random.Generator, inputs: Any) -> ComponentModel:
        """Do the same to the network with the entries of every weight tensor permuted."""
        return ComponentModel(self.lm.randomised(rng, None), self.setup)

    def __call__(self, inputs: Any) -> np.ndarray:
        Z = np.asarray(inputs, dtype=float)
        parts = [self._together(Z[i : i + self.batch]) for i in range(0, len(Z), self.batch)]
        return np.concatenate(parts)[:, None] if parts else np.empty((0, 1))

    def _together(self, Z: np.ndarray) -> np.ndarray:
        """Answer rows ``(m, d)`` in one forward, ``(m,)``."""
        import torch

        module, count, width = self.lm.module, len(self._rows), max(map(len, self._rows))
        ids = torch.zeros((count, width), dtype=torch.long)
        seen = torch.zeros_like(ids)
        for i, row in enumerate(self._rows):
            ids[i, : len(row)], seen[i, : len(row)] = torch.tensor(row), 1
        wanted = sorted({place for _, start, answer in self._pairs for place in range(start, start + len(answer))})
        masked = _Masked(self._ablation, tuple(self.places), np.repeat(Z < 0.5, count, axis=0))
        with torch.inference_mode():
            out = hooked(module, masked).eval()(
                input_ids=ids.repeat(len(Z), 1).to(module.device),
                attention_mask=seen.repeat(len(Z), 1).to(module.device),
                logits_to_keep=torch.tensor(wanted, device=module.device),
                use_cache=False,
            )
            logits = out.logits.float()
            scores, best = logits.log_softmax(-1).cpu().numpy().astype(float), logits.argmax(-1).cpu().numpy()
        at = {place: j for j, place in enumerate(wanted)}
        scores = scores.reshape(len(Z), count, len(wanted), -1)
        best = best.reshape(len(Z), count, len(wanted))

        def told(r: int, pair: tuple[int, int, tuple[int, ...]]) -> tuple[float, int, float]:
            i, start, answer = pair
            steps = [at[start + k] for k in range(len(answer))]
            return (
                float(scores[r, i, steps, answer].sum()),
                len(answer),
                float((best[r, i, steps] == np.array(answer)).all()),
            )

        return np.array([_averaged(self.setup, [told(r, pair) for pair in self._pairs]) for r in range(len(Z))])

    def _alone(self, row: np.ndarray) -> float:
        absent = [j for j in range(len(self.places)) if row[j] < 0.5]
        names = tuple(self._ablation.components[j] for j in absent)
        values = tuple(self._ablation.values[j] for j in absent)
        lm = Intervened(self.lm, Ablation(names, values, self._ablation.by)) if absent else self.lm
        scorer = lm.pairs()
        pairs = [scorer([(case.prompt, option)])[0] for case in self.setup.cases for option in case.options]
        plain = [lm.log_probs(*scorer.ids((case.prompt, o))).sum() for case in self.setup.cases for o in case.options]
        told = [(total, int(tokens), greedy) for total, (_, tokens, greedy) in zip(plain, pairs, strict=True)]
        return _averaged(self.setup, told)


def _laid_out(lm: Any, cases: Sequence[Case]) -> tuple[list[list[int]], list[tuple[int, int, tuple[int, ...]]]]:
    """Return distinct rows of tokens, and for each case and answer its row, where it is predicted, and its tokens."""
    scorer, rows, pairs = lm.pairs(), dict[tuple[int, ...], int](), []
    for case in cases:
        for option in case.options:
            prompt, answer = scorer.ids((case.prompt, option))
            row = rows.setdefault((*prompt, *answer[:-1]), len(rows))
            pairs.append((row, len(prompt) - 1, tuple(answer)))
    return [list(row) for row in rows], pairs


def _averaged(setup: Setup, told: Sequence[tuple[float, int, float]]) -> float:
    """Return the mean of the metric over cases, of (log-prob, tokens, greedy) for each of their answers in turn."""
    numbers, start = [], 0
    for case in setup.cases:
        part = np.array(told[start : start + len(case.options)])
        numbers.append(setup.metric(Scores(part[:, 0], part[:, 1], part[:, 2], 1 + len(case.also))))
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
            hidden = torch.zeros((len(self.absent), 1, tensor.shape[-1]), dtype=torch.bool, device=tensor.device)
            fixed = torch.zeros(tensor.shape[-1], dtype=tensor.dtype, device=tensor.device)
            for j in components:
                part = slice(self.places[j].start, self.places[j].stop)
                hidden[self.absent[:, j], 0, part] = True
                fixed[part] = torch.as_tensor(self.ablation.values[j], dtype=tensor.dtype, device=tensor.device)
            return torch.where(hidden, fixed, tensor)

        if before:
            return lambda _, given: (hide(given[0]), *given[1:])
        return lambda _, __, output: (hide(output[0]), *output[1:]) if isinstance(output, tuple) else hide(output)

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Intervention:
        return self
