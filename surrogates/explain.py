"""explain(): the front door. Composition only: probe → design → ask → fit → judge → Explanation."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from inspect import signature
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.context import ContextProbe
from probes.design import MINIMUM, sample
from probes.errors import InputError
from probes.model import Generator
from probes.models import as_model
from probes.probe import Probe
from probes.query import Answers, Cost, ask, complete, repeats_itself
from probes.store import Store, open_store
from probes.tabular import TabularProbe
from probes.target import Target, custom, resolve
from probes.text import TextProbe
from surrogates.analysis import compare_families
from surrogates.base import Surrogate
from surrogates.explanation import Explanation, library_version
from surrogates.families import Auto, candidates, settings_to_json
from surrogates.fidelity import Fidelity

__all__ = ["as_probe", "explain"]

QUESTIONS = 256


def explain(
    model: object,
    probe: Probe | str | pd.Series | pd.DataFrame | Mapping[str, Any],
    family: str | Surrogate | Auto = "linear",
    *,
    budget: int | None = None,
    target: Any = None,
    background: pd.DataFrame | np.ndarray | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
) -> Explanation:
    """Explain what a model does around one input.

    Parameters
    ----------
    model : object
        Anything :func:`probes.as_model` takes: a scikit-learn estimator, a transformers classifier, pipeline or causal
        language model, any callable.
    probe : Probe, str, Series, one-row DataFrame, or dict
        The region asked about. A string becomes a :class:`~probes.TextProbe`; a row with `background` a
        :class:`~probes.TabularProbe`; a dict with ``context`` and ``question`` a :class:`~probes.ContextProbe`.
    family : {"linear", "interactions", "tree", "rules", "additive", "auto"}, Surrogate or Auto, default "linear"
        The kind of readable model. "interactions", "tree" and "rules" learn from a proxy (two stages, more fidelity
        from each answer); pass ``TreeSurrogate()`` itself for a tree fitted to the answers alone. "auto" compares
        linear, interactions and tree on one set of answers, see :class:`~surrogates.families.Auto`.
    budget : int, optional
        The most inputs the model may be asked, a generated answer included. By default 256 questions, times the
        probe's replicates. When it covers every possible question all are asked and the result is exact.
    target : optional
        What to explain: an output's name or number, a list of them, ``"all"``, a :class:`~probes.Target`, or a
        function of the raw outputs ``(n, K)``. For a language model with a :class:`~probes.TextProbe`, the
        continuation. By default the class a classifier gives the instance, the mean token log-probability of a
        language model's answer, every output of anything else.
    background : DataFrame or array, optional
        For a row given without a probe.
    random_state : int, Generator or None, default 0
        The same seed asks the same questions. None draws a fresh one (kept in the provenance).
    store : Store, path, None or "default"
        Where answers are kept: by default one file in the user's cache folder, or ``IOMAP_STORE``; None keeps them in
        memory for this call.
    progress : bool, optional
        Whether to show a progress bar; by default on a terminal only.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        For a parameter that breaks its rule, before any question is asked.
    ModelError
        If the model fails or answers with something that cannot be explained. Earlier answers stay in the store.
    StoreError
        If answers cannot be kept.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> ex = explain(lambda Z: 2 * Z[:, 0] - Z[:, 3], MaskProbe(5), store=None)
    >>> ex.attributions[["feature", "attribution"]].head(2)
      feature  attribution
    0      x0          2.0
    1      x3         -1.0
    >>> ex.fidelity.verdict
    'Trust the order of the top 2, and the sizes.'
    """
    seed = _seed(random_state)
    families, penalty = candidates(family)
    region = as_probe(probe, background)
    asked = as_model(model)
    generating = isinstance(asked, Generator)
    wanted = (
        region.answer if region.answer is not None else (target if generating and isinstance(target, str) else None)
    )
    # what nobody can fingerprint may not repeat itself: the instance is asked twice
    unsure = not isinstance(asked, Generator) and not asked.identity().persistent
    spare = int(generating and wanted is None) + region.replicates * unsure
    rows = _questions(budget, region.replicates, spare, len(region.features))
    design = sample(region.features, rows, np.random.default_rng(seed))
    memory = open_store(store)

    cost = Cost()
    answer = None
    if isinstance(asked, Generator):
        prompt = region.render(design.Z[:1])[0]
        if wanted is None:
            answer, cost = complete(asked, prompt, region.max_new_tokens, memory)
        else:
            answer, target = wanted, None if isinstance(target, str) else target
        asked = asked.scoring(answer, prompt)

    if asked.outputs is not None and not callable(target):
        resolve(target, asked.outputs, asked.unit, np.zeros(len(asked.outputs)))  # a wrong name costs no call
    answers = ask(asked, region, design, memory, progress)
    answers = replace(answers, cost=answers.cost + cost)
    noisy = unsure and not repeats_itself(asked, region, answers)
    if noisy:
        design = replace(design, population=np.inf)  # nothing is exact
        answers = replace(answers, design=design)
    if callable(target) and not isinstance(target, Target):
        y = custom(target, answers.y)
        label = getattr(target, "__name__", "target")
        names = (label,) if y.shape[1] == 1 else tuple(f"{label} {j}" for j in range(y.shape[1]))
        answers = replace(answers, y=y, outputs=names, unit="target")
        target = "all"
    number = resolve(target, answers.outputs, answers.unit, answers.y[0])
    y = number(answers.y)
    analysis, comparison = compare_families(families, penalty, design, y, number.outputs, region.features, seed)
    return Explanation(
        surrogate=analysis.surrogate,
        fidelity=analysis.fidelity,
        attributions=analysis.attributions,
        features=region.features,
        target=number,
        answers=answers,
        view=region.view(),
        answer=answer,
        warnings=_warnings(region, answers, y, analysis.fidelity, noisy),
        comparison=comparison,
        provenance=_provenance(answers, analysis.surrogate, region, seed, budget),
    )


def as_probe(probe: Any, background: pd.DataFrame | np.ndarray | None = None) -> Probe:
    """The probe a user means by a plain string, row or dict.

    Raises
    ------
    InputError
        If it is none of these, or a row comes without background.
    """
    if isinstance(probe, Probe):
        if background is not None:
            raise InputError("background", "be given to the probe itself, or with a plain row", background)
        return probe
    if background is not None:
        return TabularProbe(probe, background)
    if isinstance(probe, str):
        return TextProbe(probe)
    if isinstance(probe, Mapping) and {"context", "question"} <= set(probe):
        known = signature(ContextProbe).parameters
        if odd := [key for key in probe if key not in known]:
            raise InputError("probe", f"be a dict with keys of ContextProbe ({', '.join(known)})", odd)
        return ContextProbe(**probe)
    if isinstance(probe, (pd.Series, pd.DataFrame, Mapping, np.ndarray)):
        raise InputError("background", "come with a table row: the rows that absent values are replaced from", None)
    raise InputError(
        "probe", "be a probe, a text, a table row with background=, or a dict with context and question", probe
    )


def _seed(random_state: int | np.random.Generator | None) -> int:
    if random_state is None or isinstance(random_state, np.random.Generator):
        return int(np.random.default_rng(random_state).integers(2**31))
    if not isinstance(random_state, Integral) or random_state < 0:
        raise InputError("random_state", "be a non-negative integer, a numpy Generator or None", random_state)
    return int(random_state)


def _questions(budget: int | None, replicates: int, spare: int, d: int) -> int:
    """Rows that a budget of model inputs allows."""
    if budget is None:
        return QUESTIONS
    if not isinstance(budget, Integral) or isinstance(budget, bool) or budget < 1:
        raise InputError("budget", "be a positive integer", budget)
    rows = (int(budget) - spare) // replicates
    least = min(MINIMUM + 2, 2**d)
    if rows < least:
        each = f" of {replicates} model inputs each" if replicates > 1 else ""
        extra = f", and {spare} more" if spare else ""
        raise InputError("budget", f"be at least {least * replicates + spare} ({least} questions{each}{extra})", budget)
    return rows


def _warnings(region: Probe, answers: Answers, y: np.ndarray, judged: Fidelity, noisy: bool) -> tuple[str, ...]:
    notes = list(region.notes)
    if noisy:
        notes.append("The model answers the same question differently each time: no surrogate can reach R² 1.")
    for j in np.flatnonzero(judged.misses):
        notes.append(
            f"For this input the model says {y[0, j]:.4g} ({judged.outputs[j]}), far from anything the sample led to "
            "expect: an effect that needs many features together is out of sight of random removal."
        )
    m, d = len(answers.design.sampled), len(region.features)
    if not answers.design.exact and m < 2 * d:
        notes.append(
            f"{m} sampled answers for {d} features is few: effects that are left out may be real. Raise budget."
        )
    if any(p > 0.1 for p in judged.permuted):
        notes.append("The method found structure in shuffled answers, so its fidelity is not to be believed.")
    if (np.ptp(y, axis=0) == 0).any():
        notes.append("The model's answer never changed.")
    return tuple(notes)


def _provenance(answers: Answers, surrogate: Surrogate, region: Probe, seed: int, budget: int | None) -> dict[str, Any]:
    return {
        "model": answers.model,
        "probe": f"{type(region).__name__} {region.digest[:16]}",
        "design": answers.design.digest[:16],
        "questions": len(answers.design),
        "replicates": region.replicates,
        "budget": None if budget is None else int(budget),
        "family": type(surrogate).__name__,
        "settings": settings_to_json(surrogate),
        "random_state": seed,
        "cost": asdict(answers.cost),
        "versions": {
            "iomap": library_version(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "scikit-learn", "pandas")},
        },
    }
