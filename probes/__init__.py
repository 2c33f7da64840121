"""probes asks; it never fits.

A :class:`Probe` names the region of a model's input-output map that somebody cares about, a :class:`Design` holds the
questions, :func:`ask` puts them to a :class:`Model` and returns :class:`Answers`. That is the whole flow of this
package: Model and Probe → Design → ask → Answers. What is made of the answers is the business of ``surrogates``, which
imports this package and is never imported by it.

Importing it loads neither torch nor transformers: adapters import them when an object of theirs is passed in.
"""

from probes.asking.answers import Answers
from probes.asking.ask import ask
from probes.asking.cost import Cost, Forecast, Projection, project
from probes.asking.generate import complete
from probes.cases.case import Case
from probes.cases.component_probe import ComponentProbe, screen
from probes.cases.hold_out import Split, hold_out
from probes.cases.measure import measure
from probes.cases.measured import Measured
from probes.cases.metrics import METRICS, Metric
from probes.cases.paired_measures import changes, divergence, flips
from probes.cases.template import Family, TemplateProbe
from probes.cases.training_probe import TrainingProbe
from probes.design import Design, cube, sample
from probes.errors import InputError, IomapError, MissingExtra, ModelError, SpendCapError, StoreError, UnavailableError
from probes.inputs.context import ContextProbe
from probes.inputs.locality import Background, LocalGaussian
from probes.inputs.mask import MaskProbe
from probes.inputs.mixed import MixedProbe
from probes.inputs.tabular import TabularProbe
from probes.inputs.text import TextProbe
from probes.interventions.ablation import ablate, components_of
from probes.interventions.intervened import Intervened, activations
from probes.interventions.patching import patch
from probes.interventions.prompting import with_prompt
from probes.interventions.reweighted import Reweighted, quantise
from probes.interventions.steering import contrast, steer
from probes.interventions.training import Finetuned, finetune, lora
from probes.model import Generator, Identity, Model
from probes.models.adapt import as_model
from probes.models.estimator import EstimatorModel
from probes.models.functions import CallableModel
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.servers.endpoint import Endpoint
from probes.models.text_function import TextFunction
from probes.outputs.first_token import FirstToken
from probes.outputs.scalariser import Scalariser
from probes.outputs.target import Target
from probes.outputs.text_scorers import Contains, Custom, Exact, Overlap, Similar
from probes.parallel.workers import Workers, distribute
from probes.probe import Feature, Probe
from probes.store.store import Store, open_store

__all__ = [
    "METRICS",
    "Answers",
    "Background",
    "CallableModel",
    "Case",
    "CausalLM",
    "ComponentProbe",
    "Contains",
    "ContextProbe",
    "Cost",
    "Custom",
    "Design",
    "Endpoint",
    "EstimatorModel",
    "Exact",
    "Family",
    "Feature",
    "Finetuned",
    "FirstToken",
    "Forecast",
    "Generator",
    "Identity",
    "InputError",
    "Intervened",
    "IomapError",
    "LocalGaussian",
    "MaskProbe",
    "Measured",
    "Metric",
    "MissingExtra",
    "MixedProbe",
    "Model",
    "ModelError",
    "Overlap",
    "Probe",
    "Projection",
    "Reweighted",
    "Scalariser",
    "Similar",
    "SpendCapError",
    "Split",
    "Store",
    "StoreError",
    "TabularProbe",
    "Target",
    "TemplateProbe",
    "TextClassifier",
    "TextFunction",
    "TextProbe",
    "TrainingProbe",
    "UnavailableError",
    "Workers",
    "ablate",
    "activations",
    "as_model",
    "ask",
    "changes",
    "complete",
    "components_of",
    "contrast",
    "cube",
    "distribute",
    "divergence",
    "finetune",
    "flips",
    "hold_out",
    "lora",
    "measure",
    "open_store",
    "patch",
    "project",
    "quantise",
    "sample",
    "screen",
    "steer",
    "with_prompt",
]
