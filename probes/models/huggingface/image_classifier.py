"""Image classifiers: torch modules with the user's preprocessing, and those of transformers with their processor."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, require
from probes.inputs.image_form import is_pillow
from probes.model import Identity, Model
from probes.models.evaluating import evaluating
from probes.models.huggingface.pipelines import FUNCTIONS, unit_of, usual_function
from probes.models.huggingface.weights import (
    fingerprint,
    is_half,
    load_network,
    load_processor,
    of_transformers,
    on_device,
    shuffled,
)

__all__ = ["ImageClassifier", "adopt", "of_network"]

#: units that a module's outputs may have
_UNITS = ("logit", "log-odds", "probability", "margin", "output")
#: how far probabilities may be from adding up to 1
_ROUNDING = 1e-3


class ImageClassifier(Model):
    """A torch module that classifies images: images → one number per class.

    Parameters
    ----------
    model : torch.nn.Module
        Takes a batch ``(n, C, H, W)`` and returns ``(n, K)`` numbers, or an object that has them as ``logits``.
    preprocess : callable, optional
        Of a network of transformers its image processor. Of another module a function from one image, in the form
        that the probe has it in, to a tensor ``(C, H, W)``; None where images are such tensors already.
    name : str, optional
        Identifies network and preprocessing beyond this run. Without it the weights do where the module and all of its
        parts are of torch's or transformers' own classes, and the preprocessing is None or an image processor.
    outputs : sequence of str, optional
        Names of the classes; by default those of a transformers configuration.
    unit : {"logit", "log-odds", "probability", "margin", "output"}, optional
        What the numbers are. By default what the configuration of a transformers model says, else logits, of which
        the log-odds of the top class are explained. "log-odds": one logistic for each label; "margin": scores, of
        which the top class's is explained as it is; "output": anything, all of which are explained.
    function : {"softmax", "sigmoid", "none"}, optional
        What a pipeline around a transformers model applies to its logits; as for :class:`~probes.TextClassifier`.

    Raises
    ------
    InputError
        If the model is no torch module, or another parameter breaks its rule.

    Notes
    -----
    The module is asked in evaluation mode, without gradients, in batches of 32 on the device where it lies; afterwards
    each of its parts is in the mode that it was in.
    """

    def __init__(
        self,
        model: Any,
        preprocess: Callable[[Any], Any] | None = None,
        name: str | None = None,
        *,
        outputs: Sequence[str] | None = None,
        unit: str | None = None,
        function: str | None = None,
    ):
        if not hasattr(model, "named_parameters") or isinstance(model, type):
            raise InputError("model", "be a torch module; a function from images to numbers is a model itself", model)
        if preprocess is not None and not callable(preprocess):
            raise InputError("preprocess", "be a function of an image, an image processor, or None", preprocess)
        if unit is not None and unit not in _UNITS:
            raise InputError("unit", f"be one of {', '.join(_UNITS)}, or None", unit)
        if function is not None and function not in FUNCTIONS:
            raise InputError("function", f"be one of {', '.join(FUNCTIONS)}, or None", function)
        self.module, self.preprocess, self.name, self.function = model, preprocess, name, function
        #: the pipeline that the classifier was taken from
        self.pipeline: Any = None
        self.processor: Any = preprocess if of_transformers(preprocess) is not None else None
        config = getattr(model, "config", None) if of_transformers(model) is not None else None
        self.unit = unit or ("logit" if config is None else unit_of(config, function))
        self.outputs = _names(outputs, config)
        first = next(model.parameters(), None)
        self.half = first is not None and is_half(first)
        self.batch, self._run = 32, uuid.uuid4().hex

    @classmethod
    def from_pretrained(cls, path: str | Path, dtype: str = "float32", device: str = "cpu") -> ImageClassifier:
        """Load a network of transformers and its image processor from a folder or a hub name (safetensors only)."""
        kind = require("transformers", "ImageClassifier").AutoModelForImageClassification
        return cls(on_device(load_network(kind, path, dtype=dtype), device), load_processor(path))

    def identity(self) -> Identity:
        changed = f":{self.function}" if self._overridden else ""
        if self.name:
            return Identity(f"image classifier:{self.name}{changed}", True)
        known = fingerprint(self.module)
        if self.processor is not None:
            settings = json.dumps(self.processor.to_dict(), sort_keys=True, default=str)
            changed += f":{hashlib.sha256(settings.encode()).hexdigest()}"
        lasting = known.persistent and (self.preprocess is None or self.processor is not None)
        # nobody can tell what a function computes in the next run
        return Identity(f"image classifier:{known.id if lasting else self._run}{changed}", lasting)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> ImageClassifier:
        """Return the same network with the entries of every weight tensor permuted."""
        name, module = self.name and f"{self.name} randomised", shuffled(self.module, rng)
        names, function = self.outputs, self.function
        return ImageClassifier(module, self.preprocess, name, outputs=names, unit=self.unit, function=function)

    def direct(self) -> Callable[[Any], Any]:
        """Return the pipeline's scores of one image; without a pipeline, the module's numbers for it alone."""
        return self._alone if self.pipeline is None else self._scores

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        return values if self.pipeline is None or self._overridden else FUNCTIONS[self.function or "none"](values)

    def _scores(self, images: Any) -> np.ndarray:
        with evaluating(self.module):
            shown = self.pipeline(images[0], top_k=len(self.outputs or ()))
        scores = {entry["label"]: entry["score"] for entry in shown}
        return np.array([[scores[name] for name in self.outputs or ()]])

    def _alone(self, images: Any) -> np.ndarray:
        import torch

        with evaluating(self.module) as module:
            if self.processor is None:
                tensor = images[0] if self.preprocess is None else self.preprocess(images[0])
                values = module(self._placed(torch.as_tensor(tensor)[None]))
            else:
                encoded = self.processor(images=images[0], return_tensors="pt")
                values = module(self._placed(encoded["pixel_values"]))
        return self._applied(_tensor_of(values).float().cpu().numpy())

    @property
    def _overridden(self) -> bool:
        """Whether outputs are what `function` makes of logits."""
        return self.function is not None and self.function != usual_function(self.module.config)

    def _applied(self, logits: np.ndarray) -> np.ndarray:
        return FUNCTIONS[self.function](logits) if self.function is not None and self._overridden else logits

    def __call__(self, inputs: Any) -> np.ndarray:
        return self.of_encoded(self.encoded(inputs))

    def of_encoded(self, tensor: Any) -> np.ndarray:
        """Answer images that are read: a tensor of :meth:`encoded`."""
        with evaluating(self.module) as module:
            values = _tensor_of(module(tensor)).float().cpu().numpy()
        self._check(values, len(tensor))
        return self._applied(values)

    def encoded(self, images: Any) -> Any:
        """Return the tensor ``(n, C, H, W)`` that the module reads, on its device.

        Raises
        ------
        InputError
            For images that are not in the form that it needs.
        """
        return self._placed(self._read(images))

    def _read(self, images: Any) -> Any:
        import torch

        if self.processor is not None:
            rows = [self._readable(image) for image in images]
            return self.processor(images=rows, return_tensors="pt")["pixel_values"]
        if self.preprocess is None:
            if not all(isinstance(image, torch.Tensor) for image in images[:1]):
                rule = "be given: it turns one image into a tensor (C, H, W); else the probe's image is such a tensor"
                raise InputError("preprocess", rule, None)
            return images if isinstance(images, torch.Tensor) else torch.stack(images)
        rows = [torch.as_tensor(self.preprocess(image)) for image in images]
        if wrong := [tuple(row.shape) for row in rows if row.ndim != 3]:
            raise InputError("preprocess", "return one tensor (C, H, W) an image", wrong[0])
        return torch.stack(rows)

    def _readable(self, image: Any) -> Any:
        """Return an image as the image processor reads it; a pipeline converts those of Pillow to RGB first.

        Raises
        ------
        InputError
            For another mode of Pillow, or floats that would be divided by 255 once more.
        """
        if is_pillow(image):
            if self.pipeline is not None:
                return image.convert("RGB")
            if image.mode != "RGB" and getattr(self.module.config, "num_channels", 0) == 3:
                raise InputError("image", "be what this network reads: image.convert('RGB')", f"mode {image.mode}")
        elif getattr(self.processor, "do_rescale", False) and "float" in str(image.dtype):
            rule = "hold bytes or be an image of Pillow, because this model's image processor divides by 255"
            raise InputError("image", rule, f"type {image.dtype}")
        return image

    def _placed(self, batch: Any) -> Any:
        """Return a tensor of the type and on the device of the weights."""
        first = next(self.module.parameters(), None)
        return batch if first is None else batch.to(device=first.device, dtype=first.dtype)

    def _check(self, values: np.ndarray, n: int) -> None:
        """Refuse probabilities that are taken for logits: the log-odds made of them would be wrong."""
        if values.ndim != 2 or len(values) != n:
            raise ModelError(f"The module must return one row of numbers an image, shape ({n}, K); got {values.shape}.")
        shares = values.shape[1] > 1 and values.min() >= 0 and np.allclose(values.sum(axis=1), 1, atol=_ROUNDING)
        if self.unit == "logit" and shares:
            raise ModelError("The module returns probabilities, not logits: ImageClassifier(…, unit='probability').")


def _names(outputs: Sequence[str] | None, config: Any) -> tuple[str, ...] | None:
    """Return the names of the classes, if anybody says them."""
    if outputs is None:
        if config is None:
            return None
        labels = config.id2label or {}
        return tuple(str(labels.get(i, i)) for i in range(config.num_labels))
    if isinstance(outputs, str) or not isinstance(outputs, Sequence) or not outputs:
        raise InputError("outputs", "be a list of names, one for each class", outputs)
    return tuple(map(str, outputs))


def _tensor_of(values: Any) -> Any:
    """Return the numbers in what a module returns."""
    values = getattr(values, "logits", values)
    if not hasattr(values, "float"):
        raise ModelError(f"The module must return a tensor (n, K) or have it as logits; got a {type(values).__name__}.")
    return values


#: place among the adapters: before that of texts, which refuses other pipelines
PLACE = 15


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt a transformers image-classification pipeline, or an image classifier whose processor lies beside it."""
    transformers = of_transformers(model)
    if transformers is None:
        return None
    if isinstance(model, transformers.Pipeline):
        # by its name: a broken package of vision must not keep texts from being explained
        ours = any(kind.__name__ == "ImageClassificationPipeline" for kind in type(model).__mro__)
        return _of_pipeline(model, name) if ours else None
    return of_network(model, None, name) if isinstance(model, transformers.PreTrainedModel) else None


def of_network(network: Any, processor: Any = None, name: str | None = None) -> ImageClassifier | None:
    """Adopt an image classifier of transformers with its processor, or with the one beside its weights; else None.

    Raises
    ------
    InputError
        If no processor lies there.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING as KNOWN

    kinds: Any = KNOWN.get(type(network.config), None)
    if kinds is None or not isinstance(network, kinds):
        return None
    if processor is None:
        path = network.config.name_or_path
        try:
            processor = load_processor(path)
        except (OSError, ValueError) as error:
            rule = f"have an image processor beside it at {path!r}; else pass (model, processor)"
            raise InputError("model", rule, type(network).__name__) from error
    return ImageClassifier(network, processor, name)


def _of_pipeline(pipeline: Any, name: str | None) -> ImageClassifier:
    """Adopt a pipeline with the function that it applies to logits."""
    asked = pipeline._postprocess_params.get("function_to_apply")
    function = usual_function(pipeline.model.config) if asked is None else str(getattr(asked, "value", asked))
    classifier = ImageClassifier(pipeline.model, pipeline.image_processor, name, function=function)
    if len(set(classifier.outputs or ())) == pipeline.model.config.num_labels:  # scores have their labels' names
        classifier.pipeline = pipeline
    return classifier
