"""explain(): probe → design → ask → fit → judge → Explanation, in one loop; every step is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from probes.asking.answers import Interrupted
from probes.asking.cost import Forecast
from probes.asking.question import Question
from probes.asking.session import Session, StoreLike
from probes.design import random_seed
from probes.errors import integer
from probes.inputs.adapt import ProbeLike, RowSettings
from probes.inputs.locality import Law
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from surrogates.families.registry import FamilyLike, candidates
from surrogates.local.explanation import Explanation
from surrogates.local.plan import Plan
from surrogates.local.rule import Outcome, Rule, as_rule

__all__ = ["estimate", "explain"]


def explain(
    model: ModelLike,
    probe: ProbeLike,
    family: FamilyLike = "linear",
    *,
    budget: int | None = None,
    until: Rule | None = None,
    design: str = "uniform",
    target: TargetLike = None,
    answer: str | None = None,
    background: pd.DataFrame | np.ndarray | None = None,
    background_rows: int | None = None,
    law: Law | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> Explanation:
    """Explain what a model does around one input.

    Parameters
    ----------
    model : object
        Anything :func:`probes.as_model` takes: a scikit-learn estimator, a transformers classifier, pipeline or causal
        language model, any callable.
    probe : Probe, str, chat, Series, one-row DataFrame, or dict
        The region asked about. A string, or a chat (a list of messages), becomes a :class:`~probes.TextProbe`; a row
        with `background` a :class:`~probes.TabularProbe`; a dict with ``context`` and ``question`` a
        :class:`~probes.ContextProbe`.
    family : {"linear", "interactions", "tree", "rules", "additive", "auto"}, Surrogate or Auto, default "linear"
        The kind of readable model. "interactions", "tree" and "rules" learn from a proxy (two stages, more fidelity
        from each answer); pass ``TreeSurrogate()`` itself for a tree fitted to the answers alone. "auto" compares
        linear, interactions and tree on one set of answers, see :class:`~surrogates.families.registry.Auto`.
    budget : int, optional
        The most inputs the model may be asked, a generated answer included and first contact aside (at most eight
        inputs, once a model; of a function that only a name says is steady, two questions more are asked twice). By
        default 256 questions, times the probe's replicates. When it covers every possible question all are asked and
        the result is exact.
    until : Width, StableOrder or Certified, optional
        Stop before the budget is spent, as soon as this is reached.
    design : {"uniform", "fold-over", "sobol"}, default "uniform"
        How questions are drawn; see :func:`probes.design.sample`.
    target : optional
        What to explain: an output's name or number, a list of them, ``"all"``, a :class:`~probes.Target`, or a
        function of the raw outputs ``(n, K)``. By default the class a classifier gives the instance, the mean token
        log-probability of a language model's answer, every output of anything else.
    answer : str, optional
        For a language model: the continuation whose log-probability is explained, if the probe does not hold it. By
        default the model writes it.
    background : DataFrame or array, optional
        For a row given without a probe.
    background_rows : int, optional
        How many rows of it stand for all, see :class:`~probes.TabularProbe`. Intervals of attributions cover the choice
        of rows; more of them, each asked every question, make intervals narrower.
    law : Background or LocalGaussian, optional
        For a row: what is varied and how far, see :class:`~probes.TabularProbe`.
    groups : dict of str to list of str, optional
        For a row: columns that are kept or replaced together as one feature.
    feature_names : sequence of str, optional
        For a row of an array: names for its columns.
    ignore : sequence of str, optional
        For a row: columns of it or of its background that the model does not take, such as an id or the target.
    random_state : int, Generator or None, default 0
        The same seed asks the same questions, of the same background rows. None draws a fresh one (kept in the
        provenance).
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
    rule = as_rule(until)
    seed = random_seed(random_state)
    candidates(family)
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    question = Question.of(model, probe, row, target, answer)
    session = Session(question, budget, store, progress)
    plan = Plan.of(session, family, budget, design, seed, rule)
    return plan.explanation(until_enough(plan))


def until_enough(plan: Plan) -> Outcome:
    """Ask the questions of a plan until its rule has enough; on Ctrl-C, return what was answered so far."""
    watch = plan.rule.watch(plan.questions)
    try:
        for rows in watch.looks():
            reply = plan.session.ask(plan.questions.head(rows))
            outcome = watch.done(reply, plan.study)
            if outcome is not None:
                return outcome
    except Interrupted as stop:
        return plan.interrupted(stop)
    raise RuntimeError(f"{type(plan.rule).__name__} came to no outcome after its last look")


def estimate(
    model: ModelLike,
    probe: ProbeLike,
    family: FamilyLike = "linear",
    *,
    budget: int | None = None,
    until: Rule | None = None,
    design: str = "uniform",
    target: TargetLike = None,
    answer: str | None = None,
    background: pd.DataFrame | np.ndarray | None = None,
    background_rows: int | None = None,
    law: Law | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
    trial: int = 2,
) -> Forecast:
    """Estimate what :func:`explain` would cost with the same arguments, before it is paid.

    Parameters
    ----------
    model, probe, family, budget, until, design, target, answer
        As for :func:`explain`, and checked likewise; `until` may stop sooner than is forecast.
    background, background_rows, law, groups, feature_names, ignore, random_state, store, progress
        As for :func:`explain`.
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
    1,000 questions to ask in 15 calls, 4 inputs more to check the model (0 known already)
    """
    trial, rule = integer("trial", trial, least=0), as_rule(until)
    seed = random_seed(random_state)
    candidates(family)
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    question = Question.of(model, probe, row, target, answer)
    session = Session(question, budget, store, progress)
    plan = Plan.of(session, family, budget, design, seed, rule)
    return session.forecast(plan.questions, trial)
