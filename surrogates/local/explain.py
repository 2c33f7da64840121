"""explain(): the front door. Composition only: probe → design → ask → fit → judge → Explanation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask import Answers, Cost, Forecast, Interrupted
from probes.asking.session import Inquiry, as_seed
from probes.design import Design, independent
from probes.errors import InputError
from probes.probe import Probe
from probes.store.store import Store
from surrogates.families.registry import Auto, candidates
from surrogates.judging.analysis import Analysis
from surrogates.judging.notes import UNMET, below, uncertified
from surrogates.local.explanation import Explanation
from surrogates.local.plan import Plan
from surrogates.local.stopping import Certificate, Certified, Until, looks
from surrogates.numerics.sequential_tests import r2_wealth
from surrogates.surrogate import Surrogate

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
        linear, interactions and tree on one set of answers, see :class:`~surrogates.families.registry.Auto`.
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
    Ctrl-C while the model is asked returns the explanation by all that was answered so far, with a warning; all answers
    stay in the store. Answers that came in an order which goes by what is in the questions, such as longest first, are
    no fair sample: the surrogate is fitted to them, but fidelity and attributions are judged by the others alone.

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
    candidates(family)
    if until is not None and not isinstance(until, (Until, Certified)):
        raise InputError("until", "be Width(...), StableOrder(...), Certified(...) or None", until)
    inquiry = Inquiry(model, probe, background, target, store, progress)
    if isinstance(until, Certified) and inquiry.fallible:
        raise InputError("until", "be Width or StableOrder for a model that may leave questions unanswered", until)
    rng = np.random.default_rng(seed)
    plan = Plan.of(inquiry, family, budget, design, seed, rng)
    questions = plan.questions
    if isinstance(until, Certified) and not questions.exact:
        if questions.block:
            raise InputError("design", 'be "uniform" with until=Certified(...), which needs independent rows', design)
        drawn = independent(inquiry.probe.features, len(questions.sampled), rng)
        questions = replace(questions, Z=np.vstack([questions.Z[: questions.fixed], drawn]), population=np.inf)
    found = _course(inquiry, questions, until, plan.study, plan.least)
    return plan.explanation(
        found.answers, found.analysis, found.comparison, found.stopped, found.certificate, found.notes
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
    candidates(family)
    inquiry = Inquiry(model, probe, background, target, store, False)
    plan = Plan.of(inquiry, family, budget, design, as_seed(random_state))
    return inquiry.forecast(plan.questions, int(trial))


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
        note = f"Interrupted: it rests on {len(answers_.design)} of {len(design)} questions."
        if late := answers_.design.block - design.block:
            note += (
                f" {late} of them came in an order that goes by what is in them: they are fitted to, and judge nothing."
            )
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
        notes.append(below(until.r2, worst))
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
    notes = () if reason else (UNMET,)
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
            columns = [c for c in zip(y.T, predicted.T, clip, strict=True) if c[2] > 0]  # a constant is no evidence
            if columns and all(
                r2_wealth(a, b, until.r2, c).max(initial=0.0) >= 1 / until.alpha(k) for a, b, c in columns
            ):
                proof = Certificate(until.r2, until.confidence, fitted, int(rows) - fitted, tuple(clip.tolist()))
                analysis, comparison = study(answers)
                return _Course(tested, analysis, comparison, f"R² of at least {until.r2:g} is certified", proof)
    return replace(_everything(design, study, ask), notes=(uncertified(until.r2),))
