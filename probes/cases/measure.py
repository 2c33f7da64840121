"""measure(): put cases to a model and return one number for each. Asks, never fits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask import Cost, ask
from probes.asking.generate import completions
from probes.cases.case import RESERVED, Case, shown
from probes.cases.metrics import METRICS, Metric, Scores, as_metric, kl
from probes.design import Design
from probes.errors import InputError, ModelError
from probes.model import Generator, Model
from probes.models.adapt import as_model
from probes.probe import Feature, Probe
from probes.store.store import Store

__all__ = ["Measured", "Questions", "answerer", "divergence", "flips", "measure"]


class Questions(Probe):
    """A list of inputs as a probe: its one coordinate is the number of the input.

    Parameters
    ----------
    inputs : sequence
    """

    def __init__(self, inputs: Sequence[Any]):
        self.inputs = inputs
        self.features = (Feature("number", "real"),)

    def render(self, Z: np.ndarray) -> Any:
        return [self.inputs[int(i)] for i in np.asarray(Z)[:, 0]]

    def view(self) -> dict[str, Any]:
        return {"kind": "list", "inputs": [repr(i) for i in self.inputs]}

    @property
    def design(self) -> Design:
        """Every input once."""
        return Design(np.arange(len(self.inputs), dtype=float)[:, None], 0)


@dataclass(frozen=True)
class Measured:
    """Numbers for cases.

    Attributes
    ----------
    frame : DataFrame
        One row a case: ``case_id, entity, template``, its factors, ``value``, ``chance``, ``prompt``, ``target``,
        ``answer`` (the likeliest of the listed answers, or the text that was written). Where answers were scored
        without a prompt also ``unconditional``, the same metric of the answers alone, and ``unconditional_chance``.
    metric : Metric
    model : str
        Identity of the model.
    cost : Cost
    scores : tuple of ndarray
        Log-probabilities of each case's answers, where they were scored.
    unanswered : int
        Cases that a fallible model did not answer; they are left out.
    """

    frame: pd.DataFrame
    metric: Metric
    model: str
    cost: Cost = field(default_factory=Cost)
    scores: tuple[np.ndarray, ...] = ()
    unanswered: int = 0


def flips(measured: Measured, baseline: Mapping[str, str]) -> Measured:
    """Whether a change of factors changes the answer: each case beside its like at the baseline.

    Parameters
    ----------
    measured : Measured
        With the likeliest of the listed answers, or the text that was written, in the column ``answer``.
    baseline : dict of factor to level
        What each case is compared with: the case of the same entity with these levels and else its own.

    Returns
    -------
    Measured
        ``value`` is 1 where the answers differ, else 0; ``chance`` how often answers to different entities differ.
        Cases at the baseline, and those whose like was not asked, are left out.

    Raises
    ------
    InputError
        For an unknown factor or level, numbers in place of answers, or no pair of cases.
    """
    frame = measured.frame
    factors = [c for c in frame.columns if c not in (*RESERVED, *baseline)]
    for factor, level in baseline.items():
        if factor not in frame.columns or level not in set(frame[factor]):
            known = [c for c in frame.columns if c not in RESERVED]
            raise InputError("baseline", f"name factors and levels of the cases ({', '.join(known)})", {factor: level})
    if measured.metric.name == "output":
        raise InputError("measured", "hold answers, which numbers alone are not", measured.metric.name)
    here = np.all([frame[f] == v for f, v in baseline.items()], axis=0)
    key = ["entity", *factors]
    frame = frame.assign(said=frame["answer"].map(_plain))
    before = frame[here].drop_duplicates(key).set_index(key)["said"].rename("before")
    pairs = frame[~here].drop(columns=[c for c in frame.columns if c.startswith("unconditional")]).join(before, on=key)
    pairs = pairs[pairs["before"].notna()]
    if not len(pairs):
        raise InputError("baseline", "leave cases to compare with their likes", baseline)
    shares = before.value_counts(normalize=True).to_numpy()
    value = (pairs["said"] != pairs["before"]).astype(float)
    pairs = pairs.drop(columns=["before", "said"]).assign(value=value, chance=float(1 - shares @ shares))
    return replace(measured, frame=pairs.reset_index(drop=True), metric=METRICS["flip"], cost=Cost(), scores=())


def _plain(text: str) -> str:
    """A text's words, whatever their case and what stands between them."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def divergence(base: Measured, other: Measured) -> Measured:
    """KL(M‖M′) of what two models say about the same cases, over the listed answers of each.

    Parameters
    ----------
    base, other : Measured
        Of M and M′, with the scores of every answer.

    Returns
    -------
    Measured
        ``value`` in nats; ``chance`` is what it is on average when M′ gives its probabilities to the answers in turn.

    Raises
    ------
    InputError
        If the cases differ, or answers were not scored.
    """
    if base.frame["case_id"].tolist() != other.frame["case_id"].tolist():
        raise InputError("other", "be measured on the same cases", f"{len(other.frame)} others")
    if not base.scores or not other.scores:
        raise InputError("base and other", "hold scores of answers, which text alone does not give", base.metric.name)
    values, chances = [], []
    for p, q in zip(base.scores, other.scores, strict=True):
        each = kl(np.stack([p] * len(p)), np.stack([np.roll(q, k) for k in range(len(q))]))
        values.append(each[0])
        chances.append(each.mean())
    kept = [c for c in base.frame.columns if not c.startswith("unconditional")]
    frame = base.frame[kept].assign(value=values, chance=chances)
    return Measured(frame, METRICS["kl"], f"{base.model} against {other.model}", base.cost + other.cost)


def answerer(model: object) -> Model | Generator:
    """What answers cases for a model: the scorer of a language model that gives log-probabilities, else itself."""
    adopted = as_model(model)
    if isinstance(adopted, Generator):
        return adopted.pairs() or adopted
    return adopted


def measure(
    model: object,
    cases: Sequence[Case],
    metric: str | Metric = "logit_difference",
    *,
    store: Store,
    progress: bool | None = None,
    max_new_tokens: int = 12,
    unconditional: bool = False,
) -> Measured:
    """Measure a metric of a model on cases.

    Parameters
    ----------
    model : object
        A language model; or any model of texts, for the metric ``output``.
    cases : sequence of Case, or TemplateProbe
    metric : str or Metric
    store : Store
        Every answer is written here before it is used.
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
    if not len(cases):
        raise InputError("cases", "hold at least one case", cases)
    if odd := [c for c in cases if not isinstance(c, Case)]:
        raise InputError("cases", "be Case objects, such as a TemplateProbe holds", odd[0])
    asked = answerer(model)
    _check_metric(asked, number)
    _check_foils(cases, number)
    if isinstance(asked, Generator):
        return _written(asked, cases, number, store, max_new_tokens)
    if number.name == "output":
        return _output(asked, cases, number, store, progress)
    free = getattr(asked, "prompt_free", False)
    return _scored(asked, cases, number, store, progress, free and (unconditional or number.alone))


def _check_metric(asked: Model | Generator, metric: Metric) -> None:
    """Whether a model can answer a metric at all; costs nothing."""
    rule = ""
    if metric.made_by:
        raise InputError("metric", f"be made by {metric.made_by}, because it compares two measurements", metric.name)
    if isinstance(asked, Generator):
        if not metric.text:
            possible = ", ".join(m.name for m in METRICS.values() if m.text and not m.made_by)
            rule = f"{metric.name} needs log-probabilities, and this one only writes text, which answers {possible}"
    elif (asked.outputs == ("log-prob", "tokens", "greedy")) == (metric.name == "output"):
        needs = "scores texts itself" if metric.name == "output" else "gives log-probabilities of answers"
        rule = f"{metric.name} needs one that {needs}"
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
    told = {"prompt": [c.prompt for c in cases], "target": [c.target for c in cases], "answer": list(answer)}
    return frame.assign(value=value, chance=chance, **told)


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
    lost = [
        np.isnan(part).any() or any(np.isnan(alone[o]).any() for o in c.options if alone)
        for part, c in zip(parts, cases, strict=True)
    ]
    kept = _answered(cases, [not gone for gone in lost])
    values, chances, best, totals = [], [], [], []
    priors: list[tuple[float, float]] = []
    for case, part in ((cases[i], parts[i]) for i in kept):
        free = np.stack([alone[option] for option in case.options]) if alone else None
        scores = _scores(part, case, free)
        values.append(metric(scores))
        chances.append(metric.chance(scores))
        best.append(case.options[int(np.argmax(scores.total))])
        totals.append(scores.total)
        if free is not None:
            bare = _scores(free, case, free)
            priors.append((metric(bare), metric.chance(bare)))
    frame = _frame([cases[i] for i in kept], values, chances, best)
    if priors:
        frame[["unconditional", "unconditional_chance"]] = priors
    return Measured(frame, metric, answers.model, answers.cost + cost, tuple(totals), len(cases) - len(kept))


def _scores(part: np.ndarray, case: Case, alone: np.ndarray | None) -> Scores:
    right = 1 + len(case.also)
    return Scores(part[:, 0], part[:, 1], part[:, 2], right, None if alone is None else alone[:, 0])


def _alone(
    asked: Model, cases: Sequence[Case], store: Store, progress: bool | None
) -> tuple[dict[str, np.ndarray], Cost]:
    """Scores of every distinct answer without a prompt."""
    options = list(dict.fromkeys(option for c in cases for option in c.options))
    questions = Questions([("", option) for option in options])
    answers = ask(asked, questions, questions.design, store, progress)
    return dict(zip(options, answers.y, strict=True)), answers.cost


def _answered(cases: Sequence[Case], there: Sequence[bool]) -> list[int]:
    """Numbers of the cases that were answered."""
    kept = [i for i, answered in enumerate(there) if answered]
    if not kept:
        raise ModelError(f"The model answered none of {len(cases)} cases.")
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
                rule = f"differ from {case.target!r} in its first token for the prompt {shown(case.prompt)!r}"
                raise InputError("foil", rule, foil)


def _output(asked: Model, cases: Sequence[Case], metric: Metric, store: Store, progress: bool | None) -> Measured:
    questions = Questions([c.prompt for c in cases])
    answers = ask(asked, questions, questions.design, store, progress)
    if answers.y.shape[1] != 1:
        raise InputError("model", "return one number for a text", f"{answers.y.shape[1]} outputs")
    kept = _answered(cases, (~answers.missing).tolist())
    frame = _frame([cases[i] for i in kept], answers.y[kept, 0], 0.0, [""] * len(kept))
    return Measured(frame, metric, answers.model, answers.cost, unanswered=len(cases) - len(kept))


def _written(asked: Generator, cases: Sequence[Case], metric: Metric, store: Store, max_new_tokens: int) -> Measured:
    """Metrics of generated text alone; the chance level is how often a foil is written instead."""
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
    """Whether a text begins with an answer as whole words, case aside."""
    text, answer = text.strip().casefold(), answer.strip().casefold()
    return text.startswith(answer) and not text[len(answer) : len(answer) + 1].isalnum()
