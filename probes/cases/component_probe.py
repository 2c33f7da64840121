"""ComponentProbe: which heads, feed-forward parts or modules a model's answers come from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from probes.cases.case import Case, shown
from probes.cases.classifier_components import ClassifierComponents
from probes.cases.component_model import ComponentModel, Setup
from probes.cases.input_components import InputComponents
from probes.cases.lm_components import LMComponents
from probes.cases.metrics import Metric, as_metric
from probes.cases.source_components import SourceComponents
from probes.errors import InputError, integer
from probes.inputs.mask import MaskProbe
from probes.interventions.ablation import components_of
from probes.model import Generator, Model, Prompt
from probes.models.adapt import as_model
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.image_classifier import ImageClassifier
from probes.models.huggingface.seq2seq import Seq2SeqLM
from probes.models.torch_module import TorchModule
from probes.progress import Bar
from probes.rounding import counted
from probes.views import CubeView

__all__ = ["ComponentProbe", "screen"]


class ComponentProbe(MaskProbe):
    """Components of a model, present or ablated, while it answers cases; the answer is a metric of the cases.

    Explain a language model or a text classifier of transformers with it, ``explain(lm, ComponentProbe(…))``, or an
    image classifier or torch module over rows, whose own outputs for some inputs are the answer. Features are the
    components; those that are not named stay as they are.

    Parameters
    ----------
    cases : Case, sequence of Case, or TemplateProbe; images or rows
        What the model answers; their numbers are averaged, and a case that repeats counts once. A classifier's answers
        are the names of its classes: ``Case("a fine film", "positive", ("negative",))``. Of an image classifier a list
        of images, of a torch module an array or table of rows: averaged are its outputs, of which ``target=`` chooses;
        of logits the log-odds.
    components : sequence of str
        Heads as ``"14.3"`` (layer, head), feed-forward parts as ``"mlp.14"``, or full names of modules, two at least;
        see :func:`screen`. Of a sequence-to-sequence model these are the encoder's; see :func:`components_of`.
    by : {"mean", "zero", "resample"}, default "mean"
        What stands in place of an absent component at every token: what it puts out on average over all tokens of
        `reference`, nothing, or what one of these tokens, drawn by `random_state` for each component in turn, has. A
        decoder is about to begin an answer to them.
    reference : sequence of prompts, images or rows, optional
        By default the prompts of the cases, or the inputs.
    metric : str or Metric, default "logit_difference"
        Of cases; left out for images and rows.
    random_state : int, default 0

    Raises
    ------
    InputError

    Examples
    --------
    >>> probe = ComponentProbe(Case("Mary and John met. John thanked", " Mary", (" John",)), ["9.6", "9.9", "mlp.3"])
    >>> [feature.name for feature in probe.features]
    ['9.6', '9.9', 'mlp.3']
    """

    def __init__(
        self,
        cases: Any,
        components: Sequence[str],
        by: str = "mean",
        *,
        reference: Sequence[Prompt] | None = None,
        metric: str | Metric = "logit_difference",
        random_state: int = 0,
    ):
        if isinstance(components, str) or not isinstance(components, Sequence):
            raise InputError("components", "be a list of names of components", components)
        try:
            super().__init__(list(components))
        except InputError as error:
            raise InputError("components", error.rule.replace("features", "components"), components) from error
        inputs = cases if _are_inputs(cases) else None
        if inputs is not None and metric != "logit_difference":
            raise InputError("metric", "be left out for images and rows, of whose outputs target= chooses", metric)
        if inputs is not None and not len(inputs):
            raise InputError("cases", "hold at least one image or row", cases)
        several, number = () if inputs is not None else _cases(cases), as_metric(metric)
        if number.alone or number.made_by or number.name == "output":
            raise InputError("metric", "be one of single answers after their prompts", number.name)
        for case in several:
            if len(case.foils) < number.foils:
                raise InputError(
                    "cases", f"have at least {counted(number.foils, 'foil')} each for {number.name}", case.prompt
                )
        if by not in ("zero", "mean", "resample"):
            raise InputError("by", 'be "mean", "zero" or "resample"', by)
        if by == "zero" and reference is not None:
            raise InputError("reference", 'be left out for "zero"', reference)
        if reference is not None and (isinstance(reference, str) or not len(reference)):
            raise InputError("reference", "be a list of prompts", reference)
        seed = integer("random_state", random_state, least=0)
        names = tuple(feature.name for feature in self.features)
        if inputs is not None:
            prompts = inputs if reference is None else reference
            said = f"All numbers are averages over {counted(len(inputs), 'input')}."
        else:
            prompts = tuple(case.prompt for case in several) if reference is None else tuple(reference)
            said = _answered(several)
        self.setup = Setup(several, names, by, prompts, number, seed, inputs)
        kind, heads = ("prompt", _first_head(names)) if inputs is None else ("input", "")
        self.notes = (f"{_ablated(by, counted(len(prompts), kind))}{heads}", said)

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the components."""
        return self.setup.components

    def view(self) -> CubeView:
        return {**super().view(), "whole": "with all components", "nothing": "with all of them ablated"}

    @property
    def digest(self) -> str:
        """SHA-256 of the components, the cases and how components are ablated."""
        return hashlib.sha256(f"{super().digest}{self.setup.digest}".encode()).hexdigest()

    def asked_of(self, model: Model | Generator) -> ComponentModel:
        """Return the map from rows of present components to the metric, of a model.

        Raises
        ------
        InputError
            For a model whose components are not known, components that it has not, or cases that are not its kind's.
        """
        inner = getattr(model, "model", None)  # of one that workers answer for
        kinds = Generator, TextClassifier, ImageClassifier, TorchModule
        adopted = as_model(inner if isinstance(inner, kinds) else model)
        if isinstance(adopted, (ImageClassifier, TorchModule)):
            if self.setup.inputs is None:
                raise InputError("cases", "be images or rows for this model, not Case objects", adopted)
            return InputComponents(adopted, self.setup)
        if self.setup.inputs is not None:
            raise InputError("cases", "be Case objects, but for image classifiers and torch modules", adopted)
        if isinstance(adopted, CausalLM):
            return LMComponents(adopted, self.setup)
        if isinstance(adopted, TextClassifier):
            return ClassifierComponents(adopted, self.setup)
        if isinstance(adopted, Seq2SeqLM):
            return SourceComponents(adopted, self.setup)
        rule = "be a causal language model of transformers in memory, or a text classifier, or a Seq2SeqLM"
        rule += "; or an image classifier, or a torch module over rows"
        raise InputError("model", rule, model)


def screen(
    model: Any,
    cases: Any,
    most: int | None = None,
    *,
    components: Sequence[str] | None = None,
    by: str = "mean",
    reference: Sequence[Any] | None = None,
    metric: str | Metric = "logit_difference",
    random_state: int = 0,
    progress: bool | None = None,
) -> list[str]:
    """Name the components whose ablation alone changes a metric most, the most important first.

    Parameters
    ----------
    model : CausalLM, Seq2SeqLM, TextClassifier, ImageClassifier or TorchModule, or what becomes one
    cases, by, reference, metric, random_state
        As of :class:`ComponentProbe`.
    most : int, optional
        How many; by default 12, or all where there are fewer.
    components : sequence of str, optional
        Which to try; by default all heads and feed-forward parts.
    progress : bool, optional
        Whether to show a progress bar; by default on a terminal only.

    Raises
    ------
    InputError

    Notes
    -----
    One evaluation of the cases for each component and one for the whole model; of several outputs the one that changes
    most counts. What only shows where another component
    is gone as well is not seen.
    """
    names = components_of(model) if components is None else components
    asked = cases if _are_inputs(cases) else _cases(cases)
    probe = ComponentProbe(asked, names, by, reference=reference, metric=metric, random_state=random_state)
    count = min(12, len(probe.components)) if most is None else integer("most", most, least=1)
    if count > len(probe.components):
        raise InputError("most", f"be at most the {len(probe.components)} components there are", most)
    d = len(probe.components)
    asking, rows = probe.asked_of(model), np.vstack([np.ones(d), 1 - np.eye(d)])
    answers = []
    with Bar(len(rows), "asking", "row", progress) as bar:
        for part in np.split(rows, range(asking.batch, len(rows), asking.batch)):
            answers.append(asking(part))
            bar.update(len(part))
    y = np.vstack(answers)
    order = np.argsort(-np.abs(y[1:] - y[0]).max(axis=1), kind="stable")
    return [probe.components[j] for j in order[:count]]


def _ablated(by: str, prompts: str) -> str:
    """Say what stands in place of an absent component."""
    tokens = f"the tokens of {prompts}"
    said = {"zero": "nothing", "mean": f"its mean over {tokens}", "resample": f"its value at one of {tokens}"}
    return f"At every token an absent component puts out {said[by]}."


def _first_head(components: Sequence[str]) -> str:
    """Say how heads are named, if there is one."""
    head = next((name.split(".") for name in components if re.fullmatch(r"\d+\.\d+", name)), None)
    return f" {'.'.join(head)} is head {head[1]} of layer {head[0]}, counted from 0." if head else ""


def _answered(cases: Sequence[Case]) -> str:
    """Say what is asked, by the first case."""
    first = cases[0]
    case = f"'{shown(first.prompt)}' with the answer '{first.target}'"
    return f"All numbers are averages over {len(cases)} cases, such as {case}." if len(cases) > 1 else f"Asked: {case}."


def _are_inputs(cases: Any) -> bool:
    """Return whether cases are images or rows: an array, a table, or a list of what is neither a case nor a text."""
    if hasattr(cases, "ndim"):
        return True
    if not isinstance(cases, (list, tuple)) or not cases:
        return False
    arrays = ("ndim", "__array_interface__")  # numpy's, tensors, images of Pillow
    return all(isinstance(one, (list, tuple)) or any(hasattr(one, name) for name in arrays) for one in cases)


def _cases(cases: Any) -> tuple[Case, ...]:
    """Return cases one by one, each once.

    Raises
    ------
    InputError
    """
    several = [cases] if isinstance(cases, Case) else getattr(cases, "cases", cases)
    found = tuple(several) if isinstance(several, Iterable) and not isinstance(several, str) else ()
    if not found or not all(isinstance(case, Case) for case in found):
        raise InputError("cases", "be Case objects, one at least, or a TemplateProbe", cases)
    return tuple(dict.fromkeys(found))
