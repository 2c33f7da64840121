"""A folder that holds a model of transformers or an adapter of one, or a GGUF file: loaded from there, never fetched.

Only safetensors are read, no pickle, and no code that lies in the folder is run. What is no folder is no model: a name
is never looked up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.errors import InputError, IomapError, require
from probes.model import Generator, Model
from probes.models.huggingface.adapter_folder import ADAPTER, with_adapter
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.weights import configuration

__all__ = ["adopt"]

#: place among the adapters: lower ones are tried first
PLACE = 40


def adopt(model: object, name: str | None, batched: bool) -> Model | Generator | None:
    """Adopt an existing folder with a sequence classifier or a causal language model, or a GGUF file.

    Raises
    ------
    InputError
        For a folder that holds something else.
    """
    path = Path(model).expanduser() if isinstance(model, (str, Path)) and str(model).strip() else None
    if path is None or not (path.is_dir() or (path.suffix == ".gguf" and path.is_file())):
        return None
    try:
        if (path / ADAPTER).is_file():
            return with_adapter(path, name)
        if path.is_file() or _kind(path) == "language model":
            return CausalLM.from_pretrained(path, name=name)
        loaded = TextClassifier.from_pretrained(path)
    except IomapError:
        raise
    except Exception as error:  # files may be damaged in any way, and each kind has errors of its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            "model", f"be a folder or file with a model that can be loaded ({reason})", str(model)
        ) from error
    loaded.name = name
    return loaded


def _kind(folder: Path) -> str:
    """Say what a folder holds, by the class that its configuration names."""
    require("transformers", "a folder with a model")
    from transformers.models.auto import modeling_auto as known

    named = configuration(folder, "model").get("architectures")
    named = named if isinstance(named, list) else []
    kinds: dict[str, Any] = {
        "classifier": known.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        "language model": known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    }
    for kind, names in kinds.items():
        if set(map(str, named)) & set(map(str, names.values())):
            return kind
    raise InputError(
        "model", f"hold a sequence classifier or a causal language model, not {named or 'no name'}", str(folder)
    )
