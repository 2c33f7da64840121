"""compare_rows(): where two models differ among rows of a table, texts or prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask_batch import Run
from probes.cases.questions import Questions
from probes.design import random_seed
from probes.errors import InputError, ModelError, UnavailableError, integer
from probes.model import Generator
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from probes.rounding import alone, counted
from probes.store.store import Store, open_store
from surrogates.difference.answered_rows import (
    Answered,
    Told,
    begun,
    both_answered,
    choices_of,
    of_unit,
    scorer_of,
    told_apart,
)
from surrogates.difference.asked_rows import FEWEST, AskedRows, in_full, taken
from surrogates.difference.grouped_rows import exchanged, half_of, numbered
from surrogates.difference.made_up_rows import BothAsked, MadeUp
from surrogates.difference.region_search import find_rules
from surrogates.difference.row_difference import RowDifference
from surrogates.difference.row_tests import judged, leaves_of, rules_of, surrogates_of, together_of
from surrogates.difference.rule_ends import sharpened
from surrogates.difference.two_models import alike, check_known, check_names, model_of, settings_of
from surrogates.many.columns import Rows, columns_of, dates_in, encoded

__all__ = ["compare_rows"]

#: share of the rows that find rules; where groups are what counts, half of them are kept to test
_FINDING = 2 / 3
#: rows below which it is said that they are few
_FEW = 200
#: groups below which it is said that they are few
_FEW_GROUPS = 30
#: most levels of a column that rules may name
_LEVELS = 50


def compare_rows(
    before: ModelLike,
    after: ModelLike,
    rows: Any,
    by: pd.DataFrame | None = None,
    groups: Sequence[Any] | None = None,
    *,
    names: tuple[str, str] = ("before", "after"),
    target: TargetLike = None,
    margin: float | None = None,
    choices: Sequence[str] | None = None,
    most: int = 5,
    length: int = 3,
    further: int = 0,
    feature_names: Sequence[str] | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
) -> RowDifference:
    """Find where two models differ on most of the rows, as short rules and a small tree, and test that on the rest.

    Parameters
    ----------
    before, after : object
        Anything :func:`probes.as_model` takes, twice: two releases of a classifier, a language model and its fine-tune.
        They must have the same outputs, in name and unit; the order is the first's.
    rows : DataFrame, array or sequence of texts or chats
        At least 40 inputs, which stand for the inputs that statements are to hold for; one that repeats counts once.
        Rules are about the columns of a table, or about words of texts and how many they have.
    by : DataFrame, optional
        Properties of each input, one row an input, that rules are about instead: length, source, topic.
    groups : sequence of n labels, optional
        What rows belong to that resemble each other: a customer, a document, a template. Each finds rules or tests
        them, and tests and intervals count groups, at least ten. A Series belongs to the rows of a DataFrame that its
        index names. An input that repeats is of the group it is in first.
    names : (str, str), default ("before", "after")
        What the two are called in reports.
    target : str, int or callable, optional
        The number compared, as of :func:`~surrogates.local.explain.explain`. By default classifiers differ where they
        decide differently; then changes are of the probability (log-odds, margin) of the last of two classes, and of
        the first model's decision where there are more. Of several outputs ("all", a list) each has a difference of
        its own; p-values are adjusted for all of them.
    margin : float, optional
        What the number, or each of several, must move by for the models to differ. By default a tenth of the standard
        deviation of the first model's answers, where decisions are not what is compared.
    choices : sequence of str, optional
        Answers that language models choose from: each prompt's decision is the likeliest of them as a whole.
    most, length : int, default 5 and 3
        The most rules, and the most conditions in one.
    further : int, default 0
        Rows that both models are asked at most besides, to find where rules end: those where the two differ, with one
        cell of another row, or without one word. Each of several outputs may ask as many. With fewer than four for each
        column (two for each word) not all of them are looked at.
    feature_names : sequence of str, optional
        Names of the columns of an array.
    random_state : int, Generator or None, default 0
        Draws which rows find rules.
    store : Store, path, None or "default"
    progress : bool, optional

    Returns
    -------
    RowDifference

    Raises
    ------
    InputError
        For a parameter that breaks its rule, before a question is asked; for a `target` that is no output, or models
        whose outputs differ, after the first rows.
    ModelError
        If a model fails on a row that was given. Earlier answers stay in the store.

    Notes
    -----
    Two thirds of the rows find rules (half, where groups are counted), the others test them. Rules are found by beam
    search for the F1 of their union, their number chosen by cross-validation within the rows that find them. Rows
    that `further` comes upon find rules and test none. Without
    `groups` rows are taken as independent draws: where several belong to one person or document, too many rules are
    supported, and intervals are too narrow.

    Examples
    --------
    >>> table = pd.DataFrame({"age": np.arange(400) % 80, "income": np.arange(400) % 7})
    >>> old = lambda X: (X["income"] > 3) * 1.0
    >>> new = lambda X: (X["income"] > 3) * 1.0 + ((X["age"] > 60) & (X["income"] <= 3))
    >>> d = compare_rows(old, new, table, store=None)
    >>> d.rules[["rule", "verdict"]].values.tolist()
    [['age > 60 and income ≤ 3', 'supported']]
    """
    check_names(names)
    _check_sizes(most, length, further, margin)
    seed = random_seed(random_state)
    first, second = model_of(before, "before"), model_of(after, "after")
    check_known(first, second)
    asked = AskedRows.of(rows, by, feature_names, groups)
    if further and by is not None:
        raise InputError("further", "be 0 where rules are about by=, and not about what models are given", further)
    memory = open_store(store)
    runs = Run(), Run()
    one, other = _answers(first, second, asked.inputs, choices, target, memory, progress, names, runs)
    notes = [*asked.notes, *alike(before, after, (one.model, other.model))]
    if lost := int((~(there := one.answered & other.answered)).sum()):
        notes.append(f"Not answered by both models, and left out: {lost} of {len(there)} rows.")
    if there.sum() < FEWEST:
        raise InputError("rows", f"be at least {FEWEST} that both models answer", int(there.sum()))
    one, other = one.only(there), other.only(there)
    notes += of_unit(one, other)
    told = told_apart(one, other, target, margin)
    notes += [] if margin is not None else _of_margin(told, names[0])
    notes += _of_wavering(told, names)
    if (count := int(there.sum())) < _FEW:
        notes.append(f"{count} rows are few: two thirds of them find rules, a third tests these.")
    kept = [asked.shown[i] for i in np.flatnonzero(there)]
    belong = None
    if asked.groups is not None:
        belong = np.array(asked.groups, dtype=object)[there]
        notes.append(_of_groups(len(numbered(belong, len(belong))[1])))
    search = _Search(names, most, length, seed)
    described = asked.features(there)
    asks = [
        partial(Answered.more, model, known, choices, memory, run)
        for model, known, run in zip((first, second), (one, other), runs, strict=True)
    ]
    sides = BothAsked(asks, isinstance(asked.inputs, np.ndarray), target)
    made_up = [MadeUp(partial(sides.differ, k, number.margin), further) for k, number in enumerate(told)]
    each = [
        _difference(number, described, kept, (one, other), search, belong, notes, more)
        for number, more in zip(told, made_up, strict=True)
    ]
    each = [replace(d, rules=rules) for d, rules in zip(each, judged([d.rules for d in each]), strict=True)]
    given = {"target": target, "margin": margin, "choices": choices if choices is None else [*choices]}
    given |= {
        "most": most,
        "length": length,
        "further": further,
        "feature_names": feature_names if feature_names is None else [*feature_names],
    }
    settings = settings_of(compare_rows, given) | {"random_state": seed}
    cost = asdict(one.cost + other.cost + sides.cost)
    each = [replace(d, settings=settings, feature_names=asked.feature_names, cost=cost) for d in each]
    return replace(each[0], others=tuple(each[1:]))


def _of_margin(told: Sequence[Told], name: str) -> list[str]:
    """Say what numbers must differ by, where nobody set it."""
    least = [f"{alone(number.margin)} for {number.number}" for number in told if not np.isnan(number.margin)]
    if not least:
        return []
    which = alone(told[0].margin) if len(told) == 1 else ", ".join(least)
    return [
        "A row differs where the number moves by more than a tenth of the standard deviation of the answers of "
        f"“{name}”, {which}; margin= sets another."
    ]


def _of_wavering(told: Sequence[Told], names: tuple[str, str]) -> list[str]:
    """Say how often either model differs from itself; of several numbers, in that where it does so most."""
    notes = []
    for k, name in enumerate(names):
        times, twice = max((number.wavering[k] for number in told), default=(0, 0))
        if times:
            notes.append(
                f"{name} answers the same row differently each time: it differs from itself in {times} of {twice} rows "
                "asked twice. Where the two differ includes that."
            )
    return notes


def _of_further(count: int, table: bool) -> str:
    """Say how many rows were made up."""
    return (
        f"Both models were asked {counted(count, 'row')} more, to find where rules end: those where the two differ, "
        f"{'with one cell of another' if table else 'without one of their words'}. All shares are of the rows given."
    )


def _of_groups(count: int) -> str:
    """Say that groups are counted."""
    few = f"{count} groups are few" if count < _FEW_GROUPS else f"Rows belong to {count} groups"
    return f"{few}: each finds rules or tests them, and intervals and tests count groups."


@dataclass(frozen=True)
class _Search:
    """What is looked for, and what the two are called."""

    names: tuple[str, str]
    most: int
    length: int
    random_state: int


def _check_sizes(most: int, length: int, further: int, margin: float | None) -> None:
    for name, value in (("most", most), ("length", length)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise InputError(name, "be a whole number above 0", value)
    integer("further", further, least=0)
    if margin is not None and (isinstance(margin, bool) or not isinstance(margin, Real) or not 0 <= margin < np.inf):
        raise InputError("margin", "be a number of at least 0, in the unit of what is compared", margin)


def _answers(
    first: Any,
    second: Any,
    inputs: Any,
    choices: Sequence[str] | None,
    target: TargetLike,
    store: Store,
    progress: bool | None,
    names: tuple[str, str],
    runs: tuple[Run, Run],
) -> tuple[Answered, Answered]:
    """Ask both models about all inputs."""
    if isinstance(first, Generator):
        chosen = choices_of(choices)
        if isinstance(inputs, (pd.DataFrame, np.ndarray)):
            raise InputError("rows", "be prompts for a language model, with by= for a table of what they are", inputs)
        ask_one = [
            partial(Answered.choosing, scorer_of(m), inputs, chosen, store, progress, run)
            for m, run in zip((first, second), runs, strict=True)
        ]
    else:
        if choices is not None:
            raise InputError("choices", "be left out: this model does not continue text", choices)
        questions = Questions(inputs)
        design = questions.design
        spent = begun((first, second), questions, design, target, store, runs, names[1])
        ask_one = [
            partial(Answered.of, m, questions, design, store, progress, run, cost)
            for m, run, cost in zip((first, second), runs, spent, strict=True)
        ]
    return both_answered(ask_one[0](), ask_one[1], names[1])


def _difference(
    told: Told,
    described: Rows,
    shown: Sequence[str],
    sides: tuple[Answered, Answered],
    search: _Search,
    belong: np.ndarray | None,
    notes: Sequence[str],
    made_up: MadeUp,
) -> RowDifference:
    """Find where they differ on some of the rows, test it on the others, and put it together."""
    n, change, names, random_state = len(shown), told.after - told.before, search.names, search.random_state
    rng = np.random.default_rng([random_state, 1])
    group = None if belong is None else numbered(belong, n)[0]
    finding = rng.permutation(n) < int(_FINDING * n) if group is None else half_of(group, rng)
    some = taken(described, np.flatnonzero(finding))
    columns, middles, left_out = columns_of(some, told.differs[finding], _LEVELS, dates_in(described))
    # rules are about what is known: neither h > 3 nor h ≤ 3 holds where h is missing
    Z, filled = encoded(described, columns, {}), encoded(described, columns, middles)
    binary = [column.binary for column in columns]
    limits = search.most, search.length, random_state
    regions = find_rules(Z[finding], told.differs[finding], binary, *limits, None if group is None else group[finding])
    if made_up.left:
        try:
            regions = sharpened(regions, some, Z[finding], told.differs[finding], columns, made_up, *limits)
        except UnavailableError:
            raise
        except ModelError as error:  # a model may refuse a row that nobody has
            notes = [
                *notes,
                f"{error} It was one of the rows that further= makes up: rules are those found without it.",
            ]
    if made_up.asked:
        asked = [text for batch in made_up.asked for text in in_full(batch)]
        finding = finding | np.isin(in_full(described), asked)
        notes = [*notes, _of_further(len(asked), isinstance(some, pd.DataFrame))]
    seen, held = (
        (Z[finding], told.differs[finding], change[finding]),
        (Z[~finding], told.differs[~finding], change[~finding]),
    )
    of_finding, of_rest = (None, None) if group is None else (group[finding], group[~finding])
    again = np.random.default_rng([random_state, 2])
    shuffled = again.permutation(int(finding.sum())) if of_finding is None else exchanged(of_finding, again)
    chance = find_rules(Z[finding], told.differs[finding][shuffled], binary, *limits, of_finding)
    first = np.zeros(n)
    for k, rule in reversed(list(enumerate(regions, start=1))):
        first[rule(Z) > 0] = k
    said = told.said or (np.full(n, ""), np.full(n, ""))
    table = pd.DataFrame(
        {
            "input": list(shown),
            "part": np.where(finding, "discovery", "test"),
            "before": told.before,
            "after": told.after,
            "change": change,
            "said_before": list(map(str, said[0])),
            "said_after": list(map(str, said[1])),
            "differs": told.differs.astype(float),
            "rule": first,
        }
    )
    if belong is not None:
        table["group"] = belong
    return RowDifference(
        rules_of(regions, columns, *held, of_rest, random_state),
        together_of(regions, chance, *held[:2], of_rest),
        leaves_of(columns, (filled[finding], *seen[1:]), (filled[~finding], *held[1:]), random_state, of_rest),
        surrogates_of(regions, chance, seen, held, (filled[finding], filled[~finding]), shuffled, random_state),
        table,
        tuple(regions),
        columns,
        middles,
        told.number,
        told.unit,
        told.margin,
        (names[0], names[1]),
        (sides[0].model, sides[1].model),
        {},
        (*notes, *left_out),
    )
