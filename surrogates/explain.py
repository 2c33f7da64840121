"""explain(): the front door. Composition only: probe → design → ask → fit → judge → Explanation."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.design import Design, independent, sample
from probes.errors import InputError
from probes.probe import Probe
from probes.query import Answers, Cost, Forecast, Interrupted
from probes.store import Store
from surrogates.analysis import Analysis, compare_families
from surrogates.base import Surrogate
from surrogates.betting import evidence
from surrogates.explanation import Explanation, library_version
from surrogates.families import Auto, candidates, settings_to_json
from surrogates.fidelity import PERMUTED, Fidelity
from surrogates.inquiry import Inquiry, as_seed
from surrogates.stopping import Certificate, Certified, Until, looks

__all__ = ["estimate", "explain"]


def explain(
    model: object,
    probe: Probe | str | pd.Series | pd.DataFrame | Mapping[str, Any],
    family: str | Surrogate | Auto = "linear",
    *,
    budget: int | None = None,
    until: Until | Certified | None = None,
    design: str = "uniform",
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

    Notes
    -----
    Ctrl-C while the model is asked returns the explanation by what was answered so far (whole parts of the design, so
    that it is a fair sample), with a warning; all answers stay in the store.

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
    seed = as_seed(random_state)
    families, penalty = candidates(family)
    if until is not None and not isinstance(until, (Until, Certified)):
        raise InputError("until", "be Width(...), StableOrder(...), Certified(...) or None", until)
    inquiry = Inquiry(model, probe, background, target, store, progress)
    region = inquiry.probe
    if isinstance(until, Certified) and inquiry.fallible:
        raise InputError("until", "be Width or StableOrder for a model that may leave questions unanswered", until)
    rng = np.random.default_rng(seed)
    questions = sample(region.features, inquiry.rows(budget), rng, design)
    _check_budget(families, questions, inquiry)
    if isinstance(until, Certified) and not questions.exact:
        if questions.block:
            raise InputError("design", 'be "uniform" with until=Certified(...), which needs independent rows', design)
        drawn = independent(region.features, len(questions.sampled), rng)
        questions = replace(questions, Z=np.vstack([questions.Z[: questions.fixed], drawn]), population=np.inf)

    def study(answers: Answers, control: bool = True) -> tuple[Analysis, pd.DataFrame]:
        y = inquiry.y(answers)
        assert inquiry.number is not None
        outputs = inquiry.number.outputs
        return compare_families(families, penalty, answers.design, y, outputs, region.features, seed, control)

    found = _course(inquiry, questions, until, study, max(family.least for family in families.values()))
    answers, analysis = found.answers, found.analysis
    y = inquiry.y(answers)
    assert inquiry.number is not None
    return Explanation(
        surrogate=analysis.surrogate,
        fidelity=replace(analysis.fidelity, ceiling=inquiry.ceiling(y)),
        attributions=analysis.attributions,
        features=region.features,
        target=inquiry.number,
        answers=answers,
        view=region.view(),
        answer=inquiry.answer if inquiry.generative else None,
        warnings=(*found.notes, *_warnings(inquiry, answers, y, analysis.fidelity)),
        comparison=found.comparison,
        certificate=found.certificate,
        provenance=_provenance(answers, analysis.surrogate, region, seed, budget, design, found.stopped),
    )


def estimate(
    model: object,
    probe: Probe | str | pd.Series | pd.DataFrame | Mapping[str, Any],
    *,
    family: str | Surrogate | Auto = "linear",
    budget: int | None = None,
    design: str = "uniform",
    target: Any = None,
    background: pd.DataFrame | np.ndarray | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: Store | str | Path | None = "default",
    trial: int = 2,
) -> Forecast:
    """What :func:`explain` would cost with the same arguments, before it is paid.

    Parameters
    ----------
    model, probe, family, budget, design, target, background, random_state, store
        As for :func:`explain`, and checked likewise.
    trial : int, default 2
        Questions that are asked now, to time the model; their answers are kept. With 0 none is asked (but a language
        model without a given answer writes one), and there is no estimate of time.

    Returns
    -------
    Forecast
        Questions, those known already, calls, tokens, seconds.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> print(estimate(lambda Z: Z.sum(axis=1), MaskProbe(20), budget=1000, trial=0, store=None))
    1,000 questions to ask in 11 calls (0 known already)
    """
    if not isinstance(trial, Integral) or trial < 0:
        raise InputError("trial", "be an integer of at least 0", trial)
    families, _ = candidates(family)
    inquiry = Inquiry(model, probe, background, target, store, False)
    rng = np.random.default_rng(as_seed(random_state))
    questions = sample(inquiry.probe.features, inquiry.rows(budget), rng, design)
    _check_budget(families, questions, inquiry)
    return inquiry.forecast(questions, int(trial))


def _check_budget(families: dict[str, Surrogate], design: Design, inquiry: Inquiry) -> None:
    """Whether every family gets the answers it needs, before any is paid for."""
    for name, family in families.items():
        if not design.exact and len(design.judged) < family.least:
            rows = len(design) - len(design.judged) + family.least
            raise InputError(
                "budget",
                f"be at least {rows * inquiry.probe.replicates + inquiry.spare} for family {name!r}, which needs "
                f"{family.least} sampled answers to be fitted and judged by cross-fitting, or cover every question",
                f"{len(design.judged)} sampled answers",
            )


_Study = Callable[..., tuple[Analysis, pd.DataFrame]]
_Ask = Callable[[int], Answers]


@dataclass(frozen=True)
class _Course:
    """How the asking went."""

    answers: Answers
    analysis: Analysis
    comparison: pd.DataFrame
    stopped: str = ""
    certificate: Certificate | None = None
    notes: tuple[str, ...] = ()


def _course(inquiry: Inquiry, design: Design, until: Until | Certified | None, study: _Study, least: int) -> _Course:
    """Ask the design, or as much of it as `until` and the user allow, but `least` judged rows."""
    cost = Cost()

    def ask(rows: int) -> Answers:
        nonlocal cost
        answers = inquiry.ask(design.head(rows))
        cost += answers.cost
        return replace(answers, cost=cost)

    try:
        if until is None:
            return _everything(design, study, ask)
        if design.exact:
            return _settled(_everything(design, study, ask), until)
        return (
            _looking(design, until, study, ask)
            if isinstance(until, Until)
            else _proving(inquiry, design, until, study, ask)
        )
    except Interrupted as stop:
        answers_ = stop.answers
        if answers_ is None or len(answers_.design.judged) < least:
            raise
        answers_ = replace(answers_, cost=cost + answers_.cost)
        note = f"Interrupted: it rests on the first {len(answers_.design)} of {len(design)} questions."
        return replace(_everything(design, study, lambda _: answers_), stopped="interrupted", notes=(note,))


def _everything(design: Design, study: _Study, ask: _Ask) -> _Course:
    answers = ask(len(design))
    analysis, comparison = study(answers)
    return _Course(answers, analysis, comparison)


def _settled(course: _Course, until: Until | Certified) -> _Course:
    """Every possible question was asked: there was no rule to stop by, and R² is what it is."""
    notes = []
    worst = float(np.nanmin(course.analysis.fidelity.r2, initial=1.0))
    if isinstance(until, Certified) and course.analysis.fidelity.exact and worst < until.r2:
        notes.append(f"Every possible question was asked: R² is exactly {worst:.2f}, below the {until.r2:g} asked for.")
    return replace(course, stopped="every possible question was asked", notes=tuple(notes))


def _looking(design: Design, until: Until, study: _Study, ask: _Ask) -> _Course:
    history: list[pd.DataFrame] = []
    for rows in looks(design):
        answers = ask(rows)
        history.append(study(answers, control=False)[0].attributions)
        if reason := until.met(history):
            analysis, comparison = study(answers)
            return _Course(answers, analysis, comparison, reason)
    last = _everything(design, study, ask)
    reason = until.met([*history, last.analysis.attributions]) or ""
    notes = () if reason else ("The budget was spent before the rule to stop was met.",)
    return replace(last, stopped=reason, notes=notes)


def _proving(inquiry: Inquiry, design: Design, until: Certified, study: _Study, ask: _Ask) -> _Course:
    for k, (fitted, end) in enumerate(until.freezes(design), 1):
        answers = ask(fitted)
        surrogate = study(answers, control=False)[0].surrogate
        clip = until.clip * inquiry.y(answers)[design.fixed :].std(axis=0)
        for rows in np.unique(np.linspace(fitted, end, 9).astype(int))[1:]:
            tested = ask(int(rows))
            y = inquiry.y(tested)[fitted:]
            predicted = surrogate.predict(design.Z[fitted:rows]).reshape(len(y), -1)
            columns = zip(y.T, predicted.T, clip, strict=True)
            if (clip > 0).all() and all(
                evidence(a, b, until.r2, c).max(initial=0.0) >= 1 / until.alpha(k) for a, b, c in columns
            ):
                proof = Certificate(until.r2, until.confidence, fitted, int(rows) - fitted, tuple(clip.tolist()))
                analysis, comparison = study(answers)
                return _Course(tested, analysis, comparison, f"R² of at least {until.r2:g} is certified", proof)
    note = f"R² of at least {until.r2:g} could not be certified within the budget."
    return replace(_everything(design, study, ask), notes=(note,))


def _warnings(inquiry: Inquiry, answers: Answers, y: np.ndarray, judged: Fidelity) -> tuple[str, ...]:
    notes = list(inquiry.probe.notes)
    if inquiry.noisy:
        most = ", ".join(f"{value:.2f}" for value in inquiry.ceiling(y))
        notes.append(
            "The model answers the same question differently each time: by questions asked twice, its noise leaves "
            f"an R² of about {most} for a perfect surrogate."
        )
    if inquiry.unanswered:
        notes.append(
            f"{inquiry.unanswered} questions were not answered and are left out; if what was asked decides about that, "
            "the rest is no fair sample."
        )
    for j in np.flatnonzero(judged.misses):
        notes.append(
            f"For this input the model says {y[0, j]:.4g} ({judged.outputs[j]}), far from anything the sample led to "
            "expect: an effect that needs many features together is out of sight of random removal."
        )
    m, d = len(answers.design.sampled), len(inquiry.probe.features)
    if not answers.design.exact and m < 2 * d:
        notes.append(
            f"{m} sampled answers for {d} features is few: effects that are left out may be real. Raise budget."
        )
    if any(p > PERMUTED for p in judged.permuted):
        notes.append("The method found structure in shuffled answers, so its fidelity is not to be believed.")
    if (np.ptp(y, axis=0) == 0).any():
        notes.append("The model's answer never changed.")
    return tuple(notes)


def _provenance(
    answers: Answers, surrogate: Surrogate, region: Probe, seed: int, budget: int | None, design: str, stopped: str
) -> dict[str, Any]:
    return {
        "model": answers.model,
        "probe": f"{type(region).__name__} {region.digest[:16]}",
        "design": f"{design} {answers.design.digest[:16]}",
        "questions": len(answers.design),
        "replicates": region.replicates,
        "budget": None if budget is None else int(budget),
        "stopped": stopped,
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
