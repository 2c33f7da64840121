"""probes asks; it never fits.

A :class:`Probe` names the region of a model's input-output map that somebody cares about, a :class:`Design` holds the
questions, :func:`ask` puts them to a :class:`Model` and returns :class:`Answers`. That is the whole flow of this
package: Model and Probe → Design → ask → Answers. What is made of the answers is the business of ``surrogates``, which
imports this package and is never imported by it.

Importing it loads neither torch nor transformers: adapters import them when an object of theirs is passed in.
"""

from probes.case import Case, Split, hold_out
from probes.completion import complete
from probes.context import ContextProbe
from probes.cost import Cost, Forecast, Projection, project
from probes.design import Design, cube, sample
from probes.errors import InputError, IomapError, MissingExtra, ModelError, SpendCapError, StoreError, UnavailableError
from probes.locality import Background, LocalGaussian
from probes.mask import MaskProbe
from probes.measure import Measured, divergence, flips, measure
from probes.metrics import METRICS, Metric
from probes.model import Generator, Identity, Model
from probes.models import as_model
from probes.models.callable import CallableModel
from probes.models.causal_lm import CausalLM
from probes.models.classifier import TextClassifier
from probes.models.endpoint import Endpoint
from probes.models.estimator import EstimatorModel
from probes.models.scalarisers import Contains, Custom, Exact, FirstToken, Overlap, Scalariser, Similar
from probes.models.text_function import TextFunction
from probes.models.workers import Workers, distribute
from probes.probe import Feature, Probe
from probes.query import Answers, ask
from probes.store import Store, open_store
from probes.tabular import TabularProbe
from probes.target import Target
from probes.template import Family, TemplateProbe
from probes.text import TextProbe

__all__ = [
    "METRICS",
    "Answers",
    "Background",
    "CallableModel",
    "Case",
    "CausalLM",
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
    "FirstToken",
    "Forecast",
    "Generator",
    "Identity",
    "InputError",
    "IomapError",
    "LocalGaussian",
    "MaskProbe",
    "Measured",
    "Metric",
    "MissingExtra",
    "Model",
    "ModelError",
    "Overlap",
    "Probe",
    "Projection",
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
    "UnavailableError",
    "Workers",
    "as_model",
    "ask",
    "complete",
    "cube",
    "distribute",
    "divergence",
    "flips",
    "hold_out",
    "measure",
    "open_store",
    "project",
    "sample",
]
