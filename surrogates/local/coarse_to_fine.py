"""explain_document(): a long input from coarse to fine, splitting only what matters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from probes.asking.question import Question
from probes.asking.session import Session, StoreLike
from probes.design import MINIMUM, Design, corners, random_seed, uniform
from probes.errors import InputError
from probes.inputs.adapt import ProbeLike
from probes.inputs.document import DocumentProbe
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from probes.progress import Bar
from surrogates.families.registry import FamilyLike, candidates
from surrogates.local.explain import explain, until_enough
from surrogates.local.explanation import Explanation
from surrogates.local.part_search import PartSearch
from surrogates.local.plan import Plan
from surrogates.local.rule import Rule, as_rule
from surrogates.local.search_rows import FIXED
from surrogates.local.stopping import Certified

__all__ = ["explain_document"]

#: share of the questions that are kept for judging, and rows that every search needs
JUDGED, SEARCHED = 0.25, 8


def explain_document(
    model: ModelLike,
    document: ProbeLike,
    family: FamilyLike = "linear",
    *,
    budget: int | None = None,
    until: Rule | None = None,
    target: TargetLike = None,
    answer: str | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> Explanation:
    """Explain what a model makes of a long input: sections first, of which those that matter are split.

    Up to three quarters of the questions search: which few parts keep the answer with nothing else there, what could
    stand in for each of them, and which parts have large effects. The rest is drawn anew on the parts that were
    reached, and judges. See :mod:`surrogates.local.part_search`.

    Parameters
    ----------
    model : object
        As for :func:`explain`.
    document : Probe, str, chat or dict
        A text is taken apart down to words; a dict with ``context`` and ``question``, or a
        :class:`~probes.ContextProbe`, down to its sources. Pass a :class:`~probes.DocumentProbe` to choose how many
        parts there are to begin with.
    family : {"linear", "interactions", "tree", "rules", "additive", "auto"}, Surrogate or Auto, default "linear"
    budget : int, optional
        The most inputs the model may be asked, as for :func:`explain`; by default 256 questions.
    until : Width or StableOrder, optional
        Stop judging sooner, as for :func:`explain`. The search ends by itself.
    target, answer, random_state, store, progress
        As for :func:`explain`.

    Returns
    -------
    Explanation
        Its features are parts of mixed size. The effect of a part that was not split is that of the part as a whole,
        and its interval holds for that: it says nothing of what is inside, where effects may cancel. ``zoom`` has what
        was found and split. Of an input with so few units that the budget covers every question, this is
        :func:`explain`.

    Raises
    ------
    InputError
        For a parameter that breaks its rule, before any question is asked.
    ModelError, StoreError
        As of :func:`explain`.
    Interrupted
        On Ctrl-C during the search. Answers so far are in the store: the same call goes on from there.

    Notes
    -----
    Rows of the search were chosen by answers, so the surrogate is fitted to them and never judged by them. Ctrl-C after
    the search returns the explanation by what was answered so far, with a warning.

    Examples
    --------
    >>> text = "\\n\\n".join(f"Chapter {i}\\n\\n" + "It rained again. " * 9 + f"Day {i} was wet." for i in range(40))
    >>> text = text.replace("Day 17 was wet", "The museum opened")
    >>> ex = explain_document(lambda texts: [float("museum" in t) for t in texts], text, budget=120, store=None)
    >>> ex.zoom.found[["part", "level", "change"]].round(2).to_numpy().tolist()
    [['The museum opened.', 'sentence', 1.0]]
    """
    seed = random_seed(random_state)
    candidates(family)
    rule = as_rule(until)
    if isinstance(rule, Certified):
        raise InputError("until", "be Width(...) or StableOrder(...): what a search chose is no independent row", until)
    probe = document if isinstance(document, DocumentProbe) else DocumentProbe(document)
    units = len(probe.units.features)
    session = Session(Question.of(model, probe, None, target, answer), budget, store, progress)
    rows = session.allowance.rows
    if corners(units) <= rows:
        return explain(
            model, probe.units, family, budget=budget, until=until, target=target, answer=answer, random_state=seed,
            store=store, progress=progress,
        )  # fmt: skip
    families, penalty = candidates(family)
    judged = max(round(rows * JUDGED), MINIMUM, *(one.least for one in families.values()))
    if rows - judged < SEARCHED:
        least = session.allowance.budget_for(session.question, judged + SEARCHED)
        raise InputError("budget", f"be at least {least} for a search, and rows to judge by", budget)
    rng = np.random.default_rng(seed)
    with Bar(rows - judged, "searching", "row", progress) as bar:
        session.progress = False
        search = PartSearch(session, rows - judged, bar, rows, rng)
        zoom = search.run()
    session, (Z, d) = search.session, (search.Z, len(zoom.runs))
    session.progress = progress
    fresh = uniform(d, int(min(rows - zoom.asked, corners(d) - len(Z))), rng, but=Z)
    design = Design(np.vstack([Z, fresh]), FIXED, population=corners(d), block=len(Z) - FIXED)
    plan = Plan(session, families, penalty, design, seed, budget, "coarse to fine", rule=rule)
    return replace(plan.explanation(until_enough(plan)), zoom=zoom)
