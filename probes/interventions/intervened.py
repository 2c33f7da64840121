"""A language model with something done to its activations while it answers; the network itself stays as it is.

An :class:`Intervention` is a value: what is done, to which modules. :class:`Intervened` is the language model with it.
Its network is that of the base, seen through hooks that are there only while it computes, in the thread that asks, and
are removed whatever happens. Interventions on an intervened model come after those that it has.
"""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

import numpy as np

from probes.errors import InputError, integer
from probes.model import Identity, Prompt
from probes.models.adapt import as_model
from probes.models.huggingface.causal_lm import CausalLM

__all__ = [
    "Intervened",
    "Intervention",
    "Scoped",
    "activations",
    "hooked",
    "language_model",
    "layer_names",
    "module_named",
    "name_of",
    "watched_rows",
    "widths",
]


class Intervention(ABC):
    """What is done to a network while it computes. A value; ``words`` says what, ``kind`` names the file's subject."""

    kind: str = ""
    #: whether it can be done for every prompt
    any_prompt: bool = True

    @property
    @abstractmethod
    def words(self) -> str:
        """What is done, in a few words."""

    @property
    @abstractmethod
    def content(self) -> Sequence[Any]:
        """All that says what is done, as arrays, numbers and texts; the identity of a model holds their digest."""

    @abstractmethod
    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        """Yield (module, hook, whether it comes before the module's forward) for a network."""

    @abstractmethod
    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Intervention:
        """Draw an intervention of the same size at random, which should not do what this one or `others` before it do.

        Raises
        ------
        InputError
            If there is none.
        """

    def check_prompt(self, ids: Sequence[int]) -> None:  # noqa: B027 - most interventions suit every prompt
        """Refuse a prompt, by its token ids, that this cannot be done to.

        Raises
        ------
        InputError
        """

    @property
    def digest(self) -> str:
        """SHA-256 of the kind and the content."""
        total = hashlib.sha256(self.kind.encode())
        for part in self.content:
            data = part.astype("<f8").tobytes() + repr(part.shape).encode() if isinstance(part, np.ndarray) else b""
            total.update(hashlib.sha256(data or repr(part).encode()).digest())
        return total.hexdigest()

    @contextmanager
    def installed(self, network: Any) -> Iterator[None]:
        """Keep the hooks on a network for a block, for forwards of this thread alone."""
        thread, handles = threading.get_ident(), []

        def mine(hook: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *given: hook(*given) if threading.get_ident() == thread else None

        try:
            for module, hook, before in self.hooks(network):
                register = module.register_forward_pre_hook if before else module.register_forward_hook
                handles.append(register(mine(hook)))
            yield
        finally:
            for handle in handles:
                handle.remove()


class _Hooked:
    """A network that computes under interventions, and is the network itself in all else."""

    def __init__(self, network: Any, interventions: tuple[Intervention, ...]):
        self.network, self.interventions = network, interventions

    def __getattr__(self, name: str) -> Any:
        if name in ("network", "interventions") or name.startswith("__"):  # a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self.network, name)

    def eval(self) -> Self:
        self.network.eval()
        return self

    def __call__(self, *args: Any, **options: Any) -> Any:
        with self._installed():
            return self.network(*args, **options)

    def generate(self, *args: Any, **options: Any) -> Any:
        with self._installed():
            return self.network.generate(*args, **options)

    @contextmanager
    def _installed(self) -> Iterator[None]:
        with ExitStack() as stack:
            for intervention in self.interventions:  # hooks of one module run in the order in which they came
                stack.enter_context(intervention.installed(self.network))
            yield


def hooked(network: Any, intervention: Intervention) -> _Hooked:
    """Return a network under one more intervention, after those it is under."""
    if isinstance(network, _Hooked):
        return _Hooked(network.network, (*network.interventions, intervention))
    return _Hooked(network, (intervention,))


class Scoped:
    """A model that, as a context manager, is itself, and cannot be asked after the block."""

    module: Any

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.module = _Closed(repr(self))


class Intervened(Scoped, CausalLM):
    """A causal language model under an intervention. Ask it as any other; the base stays what it is.

    As a context manager it is itself, and cannot be asked after the block.

    Parameters
    ----------
    base : CausalLM
        Intervened itself, perhaps: then this intervention comes after those it has.
    intervention : Intervention

    Attributes
    ----------
    base : CausalLM
    intervention : Intervention
    """

    def __init__(self, base: CausalLM, intervention: Intervention):
        module = hooked(base.module, intervention)
        for _ in intervention.hooks(module.network):  # what cannot be done to this network is refused now
            pass
        super().__init__(
            module,
            base.tokenizer,
            batch_tokens=base.batch_tokens,
            share_prefixes=base.share_prefixes,
            template_options=base.template_options,
        )
        self.base, self.intervention = base, intervention

    def __repr__(self) -> str:
        base = repr(self.base) if isinstance(self.base, Scoped) else type(self.base).__name__
        return f"{base} {self.intervention.words}"

    @property
    def can_begin(self) -> bool:
        return super().can_begin and all(intervention.any_prompt for intervention in self.module.interventions)

    def check_prompt(self, ids: Sequence[int]) -> None:
        for intervention in self.module.interventions:
            intervention.check_prompt(ids)

    def identity(self) -> Identity:
        base = self.base.identity()
        return Identity(f"{base.id}+{self.intervention.kind}:{self.intervention.digest[:32]}", base.persistent)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> CausalLM:
        """Do the same to the network with the entries of every weight tensor permuted."""
        return Intervened(self.base.randomised(rng, inputs), self.intervention)

    def control(self, random_state: int = 0) -> Intervened:
        """Make the base's control: an intervention of the same size drawn at random."""
        rng = np.random.default_rng(integer("random_state", random_state, least=0))
        *others, own = self.module.interventions
        return Intervened(self.base, own.control(rng, self.module.network, others))


class _Closed:
    """Stands in for the network once the block of a context manager is over."""

    def __init__(self, words: str):
        self.words = words

    def __getattr__(self, name: str) -> Any:
        raise InputError("model", "be asked inside its with block", self.words)


def language_model(model: Any) -> CausalLM:
    """Return a causal language model of transformers, whatever form it comes in.

    Raises
    ------
    InputError
        For anything else: nothing can be done to activations that are not here.
    """
    adopted = as_model(model)
    if not isinstance(adopted, CausalLM):
        raise InputError("model", "be a causal language model of transformers in memory", model)
    return adopted


def layer_names(network: Any) -> list[str]:
    """Return the names of a network's layers, first to last.

    Raises
    ------
    InputError
        If there is no list of as many modules as its configuration has layers.
    """
    import torch

    count = getattr(getattr(network, "config", None), "num_hidden_layers", None)
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count:
            return [f"{name}.{i}" for i in range(count)]
    raise InputError("model", f"have a list of its {count} layers; name modules in full", type(network).__name__)


def name_of(network: Any, where: int | str, parameter: str = "layers") -> str:
    """Return the full name of a layer given by its number (negative from the last), or of a module by its name.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    if isinstance(where, (int, np.integer)) and not isinstance(where, bool):
        layers = layer_names(network)
        if not -len(layers) <= where < len(layers):
            raise InputError(parameter, f"be between 0 and {len(layers) - 1}, or negative from the last", where)
        return layers[int(where)]
    module_named(network, where, parameter)
    return str(where)


def module_named(network: Any, name: Any, parameter: str = "components") -> Any:
    """Return the module of this full name.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    known = dict(network.named_modules())
    if not isinstance(name, str) or not name or name not in known:
        near = get_close_matches(str(name), known, n=3, cutoff=0.3) or [key for key in known if key][:3]
        raise InputError(parameter, f"name modules of the network (near: {', '.join(near)})", name)
    return known[name]


def activations(model: Any, prompts: Sequence[Prompt], where: int | str, position: str = "last") -> np.ndarray:
    """Compute what a layer (or module) puts out for prompts, each read alone, ``(n, width)``.

    Parameters
    ----------
    model : CausalLM, or what becomes one
    prompts : sequence of prompts
    where : int or str
        A layer's number, or the full name of a module.
    position : {"last", "mean"}, default "last"
        At the last token, or on average over all tokens.

    Raises
    ------
    InputError
    """

    if position not in ("last", "mean"):
        raise InputError("position", 'be "last" or "mean"', position)
    if isinstance(prompts, str) or not isinstance(prompts, Sequence) or not len(prompts):
        raise InputError("prompts", "be a list of at least one prompt", prompts)
    lm = language_model(model)
    rows = [lm.encode(prompt) for prompt in prompts]
    lm.check_window(np.array([len(row) for row in rows]))
    [seen] = watched_rows(lm.module, (), rows, [(name_of(lm.module, where), False)], "layers")
    return np.stack([rows[-1] if position == "last" else rows.mean(axis=0) for rows in seen])


def widths(network: Any, places: Sequence[tuple[str, bool]], parameter: str = "components") -> list[int]:
    """Return how many numbers a token modules put out, or take in, seen in a forward of two tokens.

    Raises
    ------
    InputError
        For a module that is not used by itself, or puts out something else.
    """
    return [part[0].shape[-1] for part in watched_rows(_plain(network), (), [[0, 0]], places, parameter)]


def _plain(network: Any) -> Any:
    return network.network if isinstance(network, _Hooked) else network


def watched_rows(
    network: Any,
    interventions: Sequence[Intervention],
    rows: Sequence[Sequence[int]],
    places: Sequence[tuple[str, bool]],
    parameter: str = "components",
) -> list[list[np.ndarray]]:
    """Compute what modules put out, or take in, for every token of rows of tokens, each read alone.

    Parameters
    ----------
    network : transformers.PreTrainedModel
        Under interventions, perhaps; `interventions` are more of them.
    rows : sequence of n token ids
    places : sequence of (str, bool)
        Full names of modules, and whether what they take in is meant.
    parameter : str
        What errors call the modules.

    Returns
    -------
    list of lists of n ndarray ``(tokens, width)``
        For each place.
    """
    import torch

    watch = _Watch(tuple(places), tuple([] for _ in places), parameter)
    watched = network
    for intervention in (*interventions, watch):
        watched = hooked(watched, intervention)
    for row in rows:
        with torch.inference_mode():
            watched.eval()(input_ids=torch.tensor([row], device=watched.device), use_cache=False)
    for (name, _), kept in zip(places, watch.seen, strict=True):
        if len(kept) != len(rows):
            raise InputError(parameter, "name modules that are used once for each input", name)
    return [*watch.seen]


@dataclass(frozen=True, eq=False)
class _Watch(Intervention):
    """Changes nothing, and keeps what it sees after all that was done before it."""

    places: tuple[tuple[str, bool], ...]
    seen: tuple[list[np.ndarray], ...]
    parameter: str = "components"

    kind = "watch"
    words = "watched"
    content = ()

    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        for (name, before), rows in zip(self.places, self.seen, strict=True):

            def keep(_: Any, given: Any, output: Any = None, rows: list[np.ndarray] = rows, name: str = name) -> None:
                out = given if output is None else output
                first = out[0] if isinstance(out, tuple) and out else out
                if not hasattr(first, "float") or first.ndim < 2:
                    raise InputError(self.parameter, "name modules that put out a row of numbers a token", name)
                rows.append(first[0].float().cpu().numpy().astype(float))

            yield module_named(network, name), keep, before

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Intervention:
        return self
