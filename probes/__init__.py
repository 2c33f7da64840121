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
from probes.inputs.chat import ChatProbe
from probes.inputs.context import ContextProbe
from probes.inputs.document import DocumentProbe
from probes.inputs.fields import FieldsProbe, PairProbe
from probes.inputs.image import ImageProbe
from probes.inputs.locality import Background, Conditional, LocalGaussian
from probes.inputs.mask import MaskProbe
from probes.inputs.mixed import MixedProbe
from probes.inputs.replacement import Infill, mask_token
from probes.inputs.series import SeriesProbe
from probes.inputs.tabular import TabularProbe
from probes.inputs.text import TextProbe
from probes.inputs.units.html_text import Html
from probes.inputs.units.registry import Occurrences
from probes.interventions.ablation import ablate, components_of
from probes.interventions.intervened import Intervened
from probes.interventions.patching import patch
from probes.interventions.prompting import with_prompt
from probes.interventions.reweighted import Reweighted, quantise
from probes.interventions.steering import activations, contrast, steer
from probes.interventions.training import Finetuned, finetune, lora
from probes.interventions.windowed import Windowed
from probes.model import Generator, Identity, Model
from probes.models.adapt import as_model
from probes.models.estimator import EstimatorModel
from probes.models.forecasters import Forecaster
from probes.models.functions import CallableModel
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.encoder import Encoder
from probes.models.huggingface.image_classifier import ImageClassifier
from probes.models.huggingface.masked_fill import MaskedFill
from probes.models.huggingface.masked_lm import MaskedLM
from probes.models.huggingface.question_answering import ExtractiveQA
from probes.models.huggingface.seq2seq import Seq2SeqLM
from probes.models.huggingface.similarity import similarity
from probes.models.huggingface.token_classifier import TokenClassifier
from probes.models.huggingface.zero_shot import ZeroShot
from probes.models.servers.endpoint import Endpoint
from probes.models.survival import SurvivalModel
from probes.models.text_function import TextFunction
from probes.outputs.first_token import FirstToken
from probes.outputs.scalariser import Scalariser
from probes.outputs.target import Target
from probes.outputs.text_scorers import Contains, Custom, Exact, Overlap, Similar
from probes.outputs.threshold import Above
from probes.parallel.workers import Workers, distribute
from probes.probe import Feature, Probe
from probes.store.store import Store, open_store

__all__ = [
    "METRICS",
    "Above",
    "Answers",
    "Background",
    "CallableModel",
    "Case",
    "CausalLM",
    "ChatProbe",
    "ComponentProbe",
    "Conditional",
    "Contains",
    "ContextProbe",
    "Cost",
    "Custom",
    "Design",
    "DocumentProbe",
    "Encoder",
    "Endpoint",
    "EstimatorModel",
    "Exact",
    "ExtractiveQA",
    "Family",
    "Feature",
    "FieldsProbe",
    "Finetuned",
    "FirstToken",
    "Forecast",
    "Forecaster",
    "Generator",
    "Html",
    "Identity",
    "ImageClassifier",
    "ImageProbe",
    "Infill",
    "InputError",
    "Intervened",
    "IomapError",
    "LocalGaussian",
    "MaskProbe",
    "MaskedFill",
    "MaskedLM",
    "Measured",
    "Metric",
    "MissingExtra",
    "MixedProbe",
    "Model",
    "ModelError",
    "Occurrences",
    "Overlap",
    "PairProbe",
    "Probe",
    "Projection",
    "Reweighted",
    "Scalariser",
    "Seq2SeqLM",
    "SeriesProbe",
    "Similar",
    "SpendCapError",
    "Split",
    "Store",
    "StoreError",
    "SurvivalModel",
    "TabularProbe",
    "Target",
    "TemplateProbe",
    "TextClassifier",
    "TextFunction",
    "TextProbe",
    "TokenClassifier",
    "TrainingProbe",
    "UnavailableError",
    "Windowed",
    "Workers",
    "ZeroShot",
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
    "mask_token",
    "measure",
    "open_store",
    "patch",
    "project",
    "quantise",
    "sample",
    "screen",
    "similarity",
    "steer",
    "with_prompt",
]
