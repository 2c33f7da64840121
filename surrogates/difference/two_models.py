"""What is checked of any two models that are compared: their names, and whether they are told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature

import numpy as np

from probes.asking.answers import same_names
from probes.cases.case import Case, shown
from probes.errors import InputError, ModelError
from probes.model import Generator, Model
from probes.models.adapt import ModelLike, as_model
from probes.rounding import counted
from surrogates.results.plain import Json, plain

__all__ = ["alike", "check_known", "check_names", "check_same", "check_tokens", "model_of", "said_of", "settings_of"]


def model_of(given: ModelLike, parameter: str) -> Model | Generator:
    """Turn one of two models into one; errors call it by the parameter that it was given as.

    Raises
    ------
    InputError
    """
    try:
        return as_model(given)
    except InputError as error:
        if error.parameter != "model":
            raise
        raise InputError(parameter, error.rule, given) from error


def check_names(names: Sequence[str]) -> None:
    """Refuse names that do not tell two models apart.

    Raises
    ------
    InputError
    """
    pair = [] if isinstance(names, str) or not isinstance(names, Sequence) else [*names]
    if len(pair) != 2 or not all(isinstance(n, str) and n.strip() for n in pair) or pair[0].strip() == pair[1].strip():
        raise InputError("names", "be two different texts", names)


def check_known(model: object, other: object) -> None:
    """Refuse models of which it is known, before a question, that they do not compare.

    Parameters
    ----------
    model, other : object

    Raises
    ------
    InputError
    """
    if isinstance(model, Generator) != isinstance(other, Generator):
        kinds = ["continues text" if isinstance(m, Generator) else "does not" for m in (model, other)]
        raise InputError("after", "be a model of the same kind as the first", f"the first {kinds[0]}, this {kinds[1]}")
    before, after = getattr(model, "outputs", None), getattr(other, "outputs", None)
    if isinstance(model, Generator) or before is None or after is None:
        return
    check_same(before, before if same_names(before, after) else after, model.unit, other.unit)  # type: ignore[attr-defined]


def check_same(before: Sequence[str], after: Sequence[str], unit: str, other: str) -> None:
    """Refuse outputs that differ in name or unit; of a language model they are the tokens of the answer.

    Raises
    ------
    InputError
    """
    if tuple(before) != tuple(after):
        pairs = enumerate(zip(before, after, strict=False))
        at = next((i for i, pair in pairs if pair[0] != pair[1]), None)
        rule = f"have the {counted(len(before), 'output')} of the first, in their order"
        if before != after and _unspaced(before) == _unspaced(after):
            rule = f"split the answer into the {counted(len(before), 'token')} of the first"
        if at is None:
            raise InputError("after", rule, counted(len(after), "output"))
        raise InputError("after", f"{rule}; number {at + 1} there is {before[at]!r}", after[at])
    if unit != other:
        raise InputError("after", f"answer in the unit of the first, {unit}", other)


def check_tokens(first: object, second: object, cases: Sequence[Case]) -> None:
    """Refuse two scorers of answers that split them into other tokens, by the first case that shows it.

    Raises
    ------
    InputError
    """
    splits = [getattr(scorer, "ids", None) for scorer in (first, second)]
    if None in splits:
        return
    for case in cases:
        for answer in (case.target, *case.also, *case.foils):
            one, other = (list(ids((case.prompt, answer))[1]) for ids in splits if ids is not None)
            if one != other:
                rule = f"split answers into the tokens of the first; {answer!r} after {shown(case.prompt)!r}"
                raise InputError("after", f"{rule} is {one} there", other)


def _unspaced(tokens: Sequence[str]) -> str:
    return "".join("".join(tokens).split())


def alike(before: object, after: object, identities: tuple[str, str]) -> list[str]:
    """Warn of two objects under one identity: the second was given the answers of the first."""
    if identities[0] != identities[1] or before is after:
        return []
    return [
        f"Both models have the identity {identities[0][:60]!r}, under which answers are kept, so that one is taken for "
        "the other. If they are not the same, give them different names."
    ]


def settings_of(call: Callable[..., object], given: Mapping[str, object]) -> Json:
    """Return what a function was given beside its defaults, as plain data; an object is only said to be one."""
    defaults = {name: parameter.default for name, parameter in signature(call).parameters.items()}
    kinds = (str, int, float, list, tuple, np.generic)
    kept: Json = {name: plain(value) if isinstance(value, kinds) else {"type": type(value).__name__}
                  for name, value in given.items() if value is not defaults[name]}  # fmt: skip
    return {name: value for name, value in kept.items() if value != defaults[name]}


@contextmanager
def said_of(name: str) -> Iterator[None]:
    """Let errors of a model say that a second one was asked as well."""
    try:
        yield
    except ModelError as error:
        error.add_note(f"(while {name} was compared)")
        raise
