"""compare_cases(): what changed from one model to another over the cases of a template probe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.behaviours.base import Behaviour
from probes.behaviours.registry import behaviour
from probes.cases.case import RESERVED, Case
from probes.cases.hold_out import Split
from probes.cases.measure import answerer, check_measurable, measure
from probes.cases.measured import Measured
from probes.cases.metrics import Metric, as_metric
from probes.cases.paired_measures import changes
from probes.cases.template import TemplateProbe
from probes.errors import InputError, integer
from probes.model import Generator, Model
from probes.models.adapt import ModelLike, as_model
from probes.rounding import counted
from probes.store.store import Store, open_store
from surrogates.difference.arms import BESIDE, UNRELATED, arm, is_right, table_of, unrelated_text
from surrogates.difference.case_difference import CaseDifference
from surrogates.difference.random_controls import CONTROL, RandomControls, drawn
from surrogates.difference.two_models import alike, check_names, check_tokens, model_of, said_of, settings_of
from surrogates.families.tree import TreeSurrogate
from surrogates.results.plain import Json
from surrogates.statements.claim_test import run_claim_test
from surrogates.statements.entity_effects import FEWEST_ENTITIES, effect
from surrogates.statements.entry import Entry
from surrogates.statements.factor_coding import Coding
from surrogates.statements.factor_fidelity import scored
from surrogates.statements.inquiry import Inquiry
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study

__all__ = ["compare_cases"]

#: margin of equivalence, in standard deviations of the first model's cases
_MARGIN = 0.1
#: columns of the table of cases that a factor cannot be named like
_COLUMNS = ("before", "after", "change", "said_before", "said_after", "right_before", "right_after")
#: leaves of the tree that says where a change is
_LEAVES = 4


def compare_cases(
    before: ModelLike,
    after: ModelLike,
    probe: TemplateProbe,
    by: str | Sequence[str] | None = None,
    groups: str | Callable[[Case], str] | None = None,
    *,
    names: tuple[str, str] = ("before", "after"),
    metric: str | Metric = "logit_difference",
    statements: Statement | Sequence[Statement] = (),
    find: bool = True,
    treated: Sequence[str] | None = None,
    margin: float | None = None,
    controls: int = 8,
    arms: Mapping[str, ModelLike] | None = None,
    off_target: Sequence[str | Behaviour | TemplateProbe] = (),
    unrelated: Sequence[str] | None = None,
    split: Split | None = None,
    most: int = 4,
    random_state: int = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
    name: str = "",
) -> CaseDifference:
    """Find statements about what changed from one model to another on half of the entities, and test them on the rest.

    Both are asked the same cases; a case's number is the metric of the second model less that of the first.

    Parameters
    ----------
    before, after : object
        Two language models, two text classifiers of transformers, whose answers are the names of their classes, or two
        models of texts for the metric ``output``: a model and its fine-tune, a model and itself steered, ablated or
        with another prompt.
    probe : TemplateProbe
    by, groups, metric, statements, find, split, most
        As of :func:`~surrogates.statements.generalise.generalise`. Claims compare with no change, not with chance.
        Without `find` the mean and your claims are tested on all cases.
    names : (str, str), default ("before", "after")
        What the two are called in reports.
    treated : sequence of str, optional
        Entities that the change was made for: whether a case is about one of them is then a factor, ``treated``.
    margin : float, optional
        Mean change, in the unit of the metric, up to which the two are called equivalent; by default a tenth of the
        standard deviation of the first model's cases.
    controls : int, default 8
        How many controls of the same size, each drawn at random, are asked as well, where the second model has them
        (interventions do); 0 for none. Each answers all cases once more. Intervals cover the draw, which takes five or
        more to be of use; of a single one they are over entities alone.
    arms : dict of str to model, optional
        More models to compare with the first on the same cases, such as one with a prompt that asks for the change.
    off_target : sequence of (str, Behaviour or TemplateProbe), optional
        Probes that the change is not about; a name stands for a built-in behaviour. Each is measured by its own metric,
        a TemplateProbe by `metric`.
    unrelated : sequence of str, optional
        Texts that the change is not about, by default twelve plain sentences; an empty list for none.
    random_state : int, default 0
    store : Store, path, None or "default"
    progress : bool, optional
    name : str

    Returns
    -------
    CaseDifference

    Raises
    ------
    InputError
        For a parameter that breaks its rule, before a question is asked.
    ModelError
        If a model fails. Earlier answers stay in the store.

    Notes
    -----
    The mean change, your statements and the found ones are one family of tests (Holm). Tests count entities, not cases.

    Examples
    --------
    >>> probe = TemplateProbe(
    ...     {"a": "{mood} {name}", "b": "{name} is {mood}", "c": "Is {name} {mood}?"},
    ...     {"mood": ["calm", "glad", "sad"]},
    ...     {f"n{i}": {"name": "x" * i} for i in range(1, 25)},
    ...     target="yes",
    ... )
    >>> d = compare_cases(lambda texts: [len(t) * 0.1 for t in texts],
    ...                   lambda texts: [len(t) * 0.1 + ("sad" in t) for t in texts],
    ...                   probe, metric="output", store=None)
    >>> d.statements.loc[1, "words"]
    'change of output is higher when mood is sad than otherwise by more than 0.25: +1 [1, 1], 12 entities'
    """
    check_names(names)
    number = as_metric(metric)
    first, second = model_of(before, "before"), model_of(after, "after")
    inquiry = Inquiry.of(
        probe, by, groups, number, statements, find, None, split, most, random_state, treated, of_change=True
    )
    others = _others(arms)
    random = drawn(second, integer("controls", controls, least=0), random_state)
    control = next(random, None)
    _check_margin(margin)
    texts = _texts(unrelated)
    battery = _battery(off_target, number)
    labels = [names[1], *([CONTROL] if control is not None else []), *others, *battery]
    _check_labels([*labels, *(["unrelated text"] if texts else [])])
    if taken := [f for f in inquiry.levels if f in _COLUMNS]:
        raise InputError("probe", f"have no factors named {', '.join(_COLUMNS)}", taken)
    models = {names[0]: answerer(first), names[1]: answerer(second)}
    beside = {label: answerer(model) for label, model in others.items()}
    for model in (*models.values(), *beside.values(), *([answerer(control)] if control is not None else [])):
        check_measurable(model, inquiry.cases, number)
    for cases, one in battery.values():
        for model in models.values():
            check_measurable(model, cases, one)
    if not number.text:
        check_tokens(models[names[0]], models[names[1]], inquiry.cases)
    asking = _Asking(open_store(store), number, progress)

    def changed(cases: Sequence[Case]) -> Measured:
        base = asking.measured(models[names[0]], cases)
        with said_of(names[1]):
            return changes(base, asking.measured(models[names[1]], cases))

    study = inquiry.study(changed, name)
    asked = inquiry.cases
    sides = [asking.everything(model, asked) for model in models.values()]
    rows = [arm(names[1], sides[0], sides[1], asked, random_state)]
    notes, spent = [*study.notes, *alike(before, after, (sides[0].model, sides[1].model))], study.cost
    table = pd.DataFrame(columns=["claim", *BESIDE.split()])
    if control is not None:
        with said_of(CONTROL):
            draws = [asking.everything(answerer(each), asked) for each in chain([control], random)]
        population = RandomControls.of(sides[0], sides[1], draws)
        test = study.frame["part"].isin(["entities", "cells", "families"])
        table = population.beside(study.statements, set(study.frame.loc[test, "case_id"]))
        rows.append(population.arm(asked))
        spent += population.cost
        notes += _of_draws(len(draws), controls)
    for label, model in beside.items():
        with said_of(label):
            other = asking.everything(model, asked)
        rows.append(arm(label, sides[0], other, asked, random_state))
        spent += other.cost
        for side, given in zip(sides, (before, after), strict=True):
            notes += alike(given, (arms or {}).get(label), (side.model, other.model))
    for label, (cases, one) in battery.items():
        pair = [replace(asking, metric=one).everything(model, cases) for model in models.values()]
        rows.append(arm(label, pair[0], pair[1], cases, random_state))
        spent += pair[0].cost + pair[1].cost
    if (plain := unrelated_text(first, second, texts, asking.store, progress)) is not None:
        rows.append(plain[0])
        spent += plain[1]
    elif texts and isinstance(first, Generator):
        notes.append("Unrelated text was not asked: not both models score text without a prompt.")
    size = float(margin) if margin is not None else _MARGIN * float(sides[0].frame["value"].std())
    if not size > 0:
        size = float("nan")
        notes.append(
            "The first model's cases do not vary, so that no margin of equivalence follows: margin= gives one."
        )
    moved = changes(*sides)
    changed_cases = _cases(sides, moved.frame, study, asked)
    leaves, scores = _leaves(study, inquiry.factors, random_state)
    if not off_target:
        notes.append("No probes that the change is not about were asked: off_target= names some.")
    return CaseDifference(
        _entry(study, name, len(changed_cases), spent),
        table_of(rows),
        changed_cases,
        scores,
        leaves,
        size,
        _p_equivalent(moved, size),
        (names[0], names[1]),
        (sides[0].model, sides[1].model),
        study.frozen,
        tuple(notes),
        table,
        _settings(number, {"find": find, "margin": margin, "controls": controls, "most": most, "name": name}, treated)
        | {"random_state": random_state},
    )


def _settings(metric: Metric, given: Mapping[str, object], treated: Sequence[str] | None) -> Json:
    """Return what was given and can be written; a metric of the user's stands under its name."""
    told = {**given, "metric": metric.name, "treated": None if treated is None else sorted(map(str, treated))}
    return settings_of(compare_cases, told)


@dataclass(frozen=True)
class _Asking:
    """What is measured, and where answers are kept."""

    store: Store
    metric: Metric
    progress: bool | None

    def measured(self, model: Model | Generator, cases: Sequence[Case]) -> Measured:
        """Measure cases."""
        return measure(model, cases, self.metric, store=self.store, progress=self.progress, unconditional=True)

    def everything(self, model: Model | Generator, cases: Sequence[Case]) -> Measured:
        """Measure all cases at once; what was asked before comes from the store."""
        return measure(model, cases, self.metric, store=self.store, progress=self.progress)


def _others(arms: Mapping[str, ModelLike] | None) -> dict[str, Any]:
    """Return the user's models beside the two."""
    if arms is not None and (not isinstance(arms, Mapping) or not all(isinstance(k, str) and k.strip() for k in arms)):
        raise InputError("arms", "be a mapping of names to models", arms)
    if CONTROL in (arms or {}):
        raise InputError("arms", f"have other names than {CONTROL!r}, which are drawn", [*(arms or {})])
    return {name: as_model(model) for name, model in (arms or {}).items()}


def _of_draws(found: int, wanted: int) -> list[str]:
    """Say that there are too few controls for an interval to be of much use."""
    are = "is" if found == 1 else "are"
    there = f"There {are} only {counted(found, 'different control')}. " if found < wanted else ""
    if found == 1:
        return [f"{there}The interval of one control is over entities: another draw may do something else."]
    return [there.strip()] if there else []


def _check_labels(labels: Sequence[str]) -> None:
    """Refuse arms that have one name."""
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise InputError("arms", "have names that tell them apart", twice)


def _check_margin(margin: float | None) -> None:
    if margin is None:
        return
    if isinstance(margin, bool) or not isinstance(margin, Real) or not 0 < margin < float("inf"):
        raise InputError("margin", "be a number above 0, in the unit of the metric", margin)


def _texts(unrelated: Sequence[str] | None) -> Sequence[str]:
    if unrelated is None:
        return UNRELATED
    if isinstance(unrelated, str) or not isinstance(unrelated, Iterable):
        raise InputError("unrelated", "be a list of texts", unrelated)
    texts = list(unrelated)
    if wrong := [t for t in texts if not isinstance(t, str) or not t.strip()]:
        raise InputError("unrelated", "hold texts with at least one word", wrong[0])
    return texts


def _battery(
    off_target: Sequence[str | Behaviour | TemplateProbe], metric: Metric
) -> dict[str, tuple[Sequence[Case], Metric]]:
    """Cases and metric of each probe that the change is not about, by name."""
    if isinstance(off_target, (str, Mapping, TemplateProbe, Behaviour)) or not isinstance(off_target, Iterable):
        raise InputError("off_target", "be a list of probes, or of names of built-in behaviours", off_target)
    out: dict[str, tuple[Sequence[Case], Metric]] = {}
    for i, one in enumerate(off_target):
        made = behaviour(one) if isinstance(one, str) else one
        if not isinstance(made, (Behaviour, TemplateProbe)):
            raise InputError("off_target", "hold probes, or names of built-in behaviours", made)
        label = f"off target: {made.name if isinstance(made, Behaviour) else f'probe {i + 1}'}"
        if label in out:
            raise InputError("off_target", "name each probe once", label)
        own = isinstance(made, Behaviour)
        out[label] = (made.probe.cases, as_metric(made.metric)) if own else (made.cases, metric)  # type: ignore[union-attr]
    return out


def _entry(study: Study, name: str, cases: int, spent: Cost) -> Entry:
    """Return the study as an entry, whose only baseline is no change; with what everything beside it cost as well."""
    entry = study.entry(name or "What changed", name or "change")
    return replace(entry, baselines={"value": entry.statements[0]["effect"]}, cases=cases, cost=asdict(spent))


def _cases(sides: Sequence[Measured], both: pd.DataFrame, study: Study, cases: Sequence[Case]) -> pd.DataFrame:
    """Put both models' numbers side by side, a row a case."""
    keys = both["case_id"]
    part = study.frame.drop_duplicates("case_id").set_index("case_id")["part"].to_dict()
    prompts = [p if isinstance(p, str) else " | ".join(f"{r}: {c}" for r, c in p) for p in both["prompt"]]
    columns = {"prompt": prompts, "part": [part.get(key, "rest") for key in keys]}
    for measured, when in zip(sides, ("before", "after"), strict=True):
        side = measured.frame.assign(right=np.nan)
        right = is_right(measured, cases)
        if right is not None:
            side["right"] = right.astype(float)
        side = side.drop_duplicates("case_id").set_index("case_id").loc[keys]
        columns |= {f"said_{when}": side["answer"].to_numpy(), f"right_{when}": side["right"].to_numpy()}
        columns[when] = side["value"].to_numpy(dtype=float)
    kept = [c for c in both.columns if c not in (*RESERVED, *_COLUMNS) or c in ("case_id", "entity", "target")]
    return both[kept].assign(**columns, change=both["value"].to_numpy(dtype=float))


def _leaves(study: Study, factors: Sequence[str], random_state: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Grow a small tree on the discovery cases: its leaves with the changes of the test cases, and all R² there."""
    frame, columns = study.frame, ["rule", "change", "low", "high", "entities", "share"]
    seen, test = frame[frame["part"] == "discovery"], frame[frame["part"].isin(["entities", "cells"])]
    few = not len(test) or seen["entity"].nunique() < FEWEST_ENTITIES
    coding = None if few else Coding.of(seen, factors)
    if coding is None or not coding.columns or np.ptp(seen["value"].to_numpy(dtype=float)) == 0:
        return pd.DataFrame(columns=columns), study.fidelity
    tree = TreeSurrogate(max_leaves=_LEAVES, random_state=random_state)
    scores = pd.concat([study.fidelity, scored(f"{_LEAVES} leaves", tree, coding, seen, test, random_state)])
    Z, y, entity = coding(test), test["value"].to_numpy(dtype=float), test["entity"].to_numpy()
    rows = []
    for term in tree.terms_:
        inside, scope = term(Z) > 0.5, coding.scope(term)
        e = effect(y, entity, [(1.0, inside)])
        if e is not None:
            rows.append((str(scope or Scope()), e.value, *e.interval(), e.entities, float(inside.mean())))
    rows.sort(key=lambda row: -abs(row[1]))
    return pd.DataFrame(rows, columns=columns), scores.reset_index(drop=True)


def _p_equivalent(moved: Measured, margin: float) -> float:
    """Test whether the mean change over all cases is within the margin (two one-sided tests)."""
    if not margin > 0:
        return float("nan")
    return run_claim_test(Statement.level(reference=0.0, kind="equivalence", min_effect=margin), moved.frame).p_for
