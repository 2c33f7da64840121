"""measure(): put cases to a model and return one number for each. Asks, never fits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask import ask
from probes.asking.cost import Cost
from probes.asking.generate import completions
from probes.cases.case import Case, shown
from probes.cases.class_answers import ClassAnswers, chooses
from probes.cases.measured import Measured
from probes.cases.metrics import METRICS, Metric, Scores, as_metric
from probes.cases.questions import Questions
from probes.errors import InputError, ModelError
from probes.model import Generator, Model
from probes.models.adapt import as_model
from probes.models.huggingface.classifier import TextClassifier
from probes.rounding import counted
from probes.store.store import Store, open_store

__all__ = ["answerer", "check_measurable", "measure"]

#: what scores single answers
_ANSWERS = "gives log-probabilities of answers, as a language model or a classifier with one right class does"


def answerer(model: object) -> Model | Generator:
    """Return what answers cases: a scorer of pairs where there is one, else the model itself.

    That of a language model scores continuations, that of a text classifier the names of its classes.
    """
    adopted = as_model(model)
    if isinstance(adopted, Generator):
        return adopted.pairs() or adopted
    if isinstance(adopted, TextClassifier) and chooses(adopted):
        return ClassAnswers(adopted)
    return adopted


def measure(
    model: object,
    cases: Sequence[Case],
    metric: str | Metric = "logit_difference",
    *,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
    max_new_tokens: int = 12,
    unconditional: bool = False,
) -> Measured:
    """Measure a metric of a model on cases.

    Parameters
    ----------
    model : object
        A language model, also a sequence-to-sequence one; a text classifier, whose answers are its classes; or any
        model of texts, for the metric ``output``.
    cases : sequence of Case, or TemplateProbe
    metric : str or Metric
    store : Store, path or None, default "default"
        Every answer is written here before it is used: by default the store of your cache folder; None keeps them for
        this call alone.
    progress : bool, optional
    max_new_tokens : int
        Length limit of a text-only model's answer.
    unconditional : bool, default False
        Whether to score the answers without their prompts as well, where the model can: a baseline for what answers
        are worth by themselves.

    Raises
    ------
    InputError
        If there are no cases, the model cannot answer the metric, or a case has too few foils or one that shares its
        first token with the target; the message shows the prompt.
    ModelError
        If the model fails.
    """
    number = as_metric(metric)
    cases = getattr(cases, "cases", cases)
    if not isinstance(cases, Sequence) or isinstance(cases, str):
        raise InputError("cases", "be a list of Case objects, or a TemplateProbe", cases)
    if not cases:
        raise InputError("cases", "hold at least one case", cases)
    if others := [c for c in cases if not isinstance(c, Case)]:
        raise InputError("cases", "be Case objects, such as a TemplateProbe holds", others[0])
    asked = answerer(model)
    check_measurable(asked, cases, number)
    memory = open_store(store)
    if isinstance(asked, Generator):
        return _written(asked, cases, number, memory, max_new_tokens)
    if number.name == "output":
        return _output(asked, cases, number, memory, progress)
    free = getattr(asked, "prompt_free", False)
    return _scored(asked, cases, number, memory, progress, free and (unconditional or number.alone))


def check_measurable(asked: Model | Generator, cases: Sequence[Case], metric: Metric) -> None:
    """Refuse what can be refused of measuring cases of a model before a question is asked.

    Raises
    ------
    InputError
    """
    _check_metric(asked, metric)
    _check_foils(cases, metric)
    if isinstance(asked, ClassAnswers):
        asked.check_answers(cases)


def _check_metric(asked: Model | Generator, metric: Metric) -> None:
    """Refuse a metric that a model cannot answer at all; costs nothing."""
    rule = ""
    if metric.made_by:
        raise InputError("metric", f"be made by {metric.made_by}, because it compares two measurements", metric.name)
    if isinstance(asked, Generator):
        if not metric.text:
            possible = ", ".join(m.name for m in METRICS.values() if m.text and not m.made_by)
            taken = f"of this one what it writes is taken, which answers {possible}"
            rule = f"{metric.name} needs log-probabilities, and {taken}"
    elif (asked.outputs == ("log-prob", "tokens", "greedy")) == (metric.name == "output"):
        needs = "scores texts itself, with one number" if metric.name == "output" else _ANSWERS
        other = "" if metric.name == "output" else "; metric='output' takes the number that any other function returns"
        rule = f"{metric.name} needs one that {needs}{other}"
    elif metric.alone and not getattr(asked, "prompt_free", False):
        rule = f"{metric.name} needs answers scored without a prompt"
    if rule:
        raise InputError("metric", f"suit the model: {rule}", type(asked).__name__)


def _check_foils(cases: Sequence[Case], metric: Metric) -> None:
    for case in cases:
        if len(case.foils) < metric.foils:
            rule = f"be at least {metric.foils} for {metric.name} (prompt {shown(case.prompt)!r})"
            raise InputError("foils", rule, case.foils)


def _frame(cases: Sequence[Case], value: Any, chance: Any, answer: Sequence[str]) -> pd.DataFrame:
    rows = [{"case_id": c.case_id, "entity": c.entity, **dict(c.levels), "template": c.template} for c in cases]
    frame = pd.DataFrame(rows)
    texts = {"prompt": [c.prompt for c in cases], "target": [c.target for c in cases], "answer": list(answer)}
    return frame.assign(value=value, chance=chance, **texts)


def _scored(
    asked: Model, cases: Sequence[Case], metric: Metric, store: Store, progress: bool | None, unconditional: bool
) -> Measured:
    pairs = [(c.prompt, option) for c in cases for option in c.options]
    if metric.first_token:
        _check_first_tokens(asked, cases)
    questions = Questions(pairs)
    answers = ask(asked, questions, questions.design, store, progress)
    alone, cost = _alone(asked, cases, store, progress) if unconditional else ({}, Cost())
    stops = np.cumsum([len(c.options) for c in cases])
    parts = np.split(answers.y, stops[:-1])
    free = [np.stack([alone[option] for option in c.options]) if alone else None for c in cases]
    kept = _answered(
        cases,
        [
            not np.isnan(part).any() and not (bare is not None and np.isnan(bare).any())
            for part, bare in zip(parts, free, strict=True)
        ],
    )
    scores = [_scores_of(parts[i], cases[i], free[i]) for i in kept]
    best = [cases[i].options[int(np.argmax(s.total))] for i, s in zip(kept, scores, strict=True)]
    chosen = [cases[i] for i in kept]
    frame = _frame(chosen, [metric(s) for s in scores], [metric.chance(s) for s in scores], best)
    bare = [_scores_of(part, cases[i], part) for i in kept if (part := free[i]) is not None]
    if bare:
        frame[["unconditional", "unconditional_chance"]] = [(metric(s), metric.chance(s)) for s in bare]
    totals = tuple(s.total for s in scores)
    missing = len(cases) - len(kept)
    return Measured(frame, metric, answers.model, answers.cost + cost, totals, missing, asked.neighbours)


def _scores_of(part: np.ndarray, case: Case, alone: np.ndarray | None) -> Scores:
    right = 1 + len(case.also)
    return Scores(part[:, 0], part[:, 1], part[:, 2], right, None if alone is None else alone[:, 0])


def _alone(
    asked: Model, cases: Sequence[Case], store: Store, progress: bool | None
) -> tuple[dict[str, np.ndarray], Cost]:
    """Score every distinct answer without a prompt."""
    options = list(dict.fromkeys(option for c in cases for option in c.options))
    questions = Questions([("", option) for option in options])
    answers = ask(asked, questions, questions.design, store, progress)
    return dict(zip(options, answers.y, strict=True)), answers.cost


def _answered(cases: Sequence[Case], there: Sequence[bool]) -> list[int]:
    """Return the numbers of the cases that were answered.

    Raises
    ------
    ModelError
        If there are none.
    """
    kept = [i for i, answered in enumerate(there) if answered]
    if not kept:
        raise ModelError(f"The model answered none of {counted(len(cases), 'case')}.")
    return kept


def _check_first_tokens(asked: Any, cases: Sequence[Case]) -> None:
    if not hasattr(asked, "ids"):
        return
    asked.read([(case.prompt, option) for case in cases for option in case.options])
    for case in cases:
        first = {option: asked.ids((case.prompt, option))[1][0] for option in case.options}
        right = {first[option] for option in (case.target, *case.also)}
        for foil in case.foils:
            if first[foil] in right:
                rule = (
                    f"differ from {case.target!r} in its first token for the prompt {shown(case.prompt)!r}, or the "
                    "metric be one of whole answers, such as metric='margin' or metric='log_prob'"
                )
                raise InputError("foil", rule, foil)


def _output(asked: Model, cases: Sequence[Case], metric: Metric, store: Store, progress: bool | None) -> Measured:
    questions = Questions([c.prompt for c in cases])
    answers = ask(asked, questions, questions.design, store, progress)
    if answers.y.shape[1] != 1:
        raise InputError("model", "return one number for a text", f"{answers.y.shape[1]} outputs")
    kept = _answered(cases, (~answers.missing).tolist())
    frame = _frame([cases[i] for i in kept], answers.y[kept, 0], 0.0, [""] * len(kept))
    missing = len(cases) - len(kept)
    return Measured(frame, metric, answers.model, answers.cost, (), missing, asked.neighbours)


def _written(asked: Generator, cases: Sequence[Case], metric: Metric, store: Store, max_new_tokens: int) -> Measured:
    """Measure metrics of generated text alone; the chance level is how often a foil is written instead."""
    written, cost, _ = completions(asked, [case.prompt for case in cases], max_new_tokens, store)
    kept = _answered(cases, [text is not None for text in written])
    values, chances, texts = [], [], []
    for case, text in ((cases[i], written[i] or "") for i in kept):
        hits = [_begins(text, option) for option in case.options]
        values.append(float(any(hits[: 1 + len(case.also)])))
        chances.append(float(np.mean(hits)))
        texts.append(text)
    frame = _frame([cases[i] for i in kept], values, chances, texts)
    return Measured(frame, metric, asked.identity().id, cost, unanswered=len(cases) - len(kept))


def _begins(text: str, answer: str) -> bool:
    """Return whether a text begins with an answer as whole words, case aside."""
    text, answer = text.strip().casefold(), answer.strip().casefold()
    return text.startswith(answer) and not text[len(answer) : len(answer) + 1].isalnum()
