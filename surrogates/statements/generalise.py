"""generalise(): what is generally true of a model. Composition only: split → ask → discover → freeze → ask → test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from probes.cases.case import Case
from probes.cases.hold_out import Split
from probes.cases.measure import answerer, measure
from probes.cases.metrics import Metric, as_metric
from probes.cases.template import TemplateProbe
from probes.store.store import Store, open_store
from surrogates.statements.inquiry import Inquiry
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study

__all__ = ["generalise"]


def generalise(
    model: object,
    probe: TemplateProbe,
    by: str | Sequence[str] | None = None,
    groups: str | Callable[[Case], str] | None = None,
    *,
    metric: str | Metric = "logit_difference",
    statements: Statement | Sequence[Statement] = (),
    find: bool = True,
    control: Statement | None = None,
    split: Split | None = None,
    most: int = 4,
    random_state: int = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
    name: str = "",
) -> Study:
    """Find statements about a model on half of the entities and test them on the others.

    Parameters
    ----------
    model : object
        A language model; a text classifier of transformers, whose answers are the names of its classes; or a model of
        texts for the metric ``output``.
    probe : TemplateProbe
    by : str or sequence of str, optional
        The factors that statements should be about; by default all.
    groups : str or callable, optional
        Cases of one group depend on each other: a factor, or a function of a case; by default its entity.
    metric : str or Metric
    statements : Statement, or sequence of Statement
        Claims of your own. They are frozen before anything is asked, so every case tests them.
    find : bool, default True
        Whether to look for statements as well.
    control : Statement, optional
        The positive control; if it is not supported, nothing is testable. By default the model must beat chance
        somewhere: over all cases, or those of a level of some factor, whichever split they are in.
    split : Split, optional
        Which cases are for discovery and which for the test; by default :func:`probes.hold_out`.
    most : int, default 4
        The most statements to find.
    random_state : int, default 0
    store : Store, path, None or "default"
    progress : bool, optional
    name : str

    Returns
    -------
    Study

    Raises
    ------
    InputError
        For an unknown factor, entities in both splits, a metric that the model cannot answer.

    Examples
    --------
    >>> probe = TemplateProbe(
    ...     {"a": "{mood} {name}", "b": "{name} is {mood}", "c": "Is {name} {mood}?"},
    ...     {"mood": {"glad": "glad", "sad": "sad"}},
    ...     {f"n{i}": {"name": "x" * i} for i in range(1, 25)},
    ...     target="yes",
    ... )
    >>> study = generalise(lambda texts: [t.count("glad") * 3 + len(t) * 0.1 for t in texts], probe, metric="output",
    ...                    store=None)
    >>> study.table.loc[0, "words"]
    'output is higher when mood is glad than otherwise by more than 0.775: +3.1 [3.1, 3.1], 12 entities'
    """
    number, asked = as_metric(metric), answerer(model)
    inquiry = Inquiry.of(probe, by, groups, number, statements, find, control, split, most, random_state)
    memory = open_store(store)
    return inquiry.study(
        lambda cases: measure(asked, cases, number, store=memory, progress=progress, unconditional=True), name
    )
