"""A folder that holds a model of transformers or an adapter of one, or a GGUF file: loaded from there, never fetched.

Only safetensors are read, no pickle, and no code that lies in the folder is run. What is no folder is no model: a name
is never looked up.
"""

from __future__ import annotations

from pathlib import Path

from probes.errors import InputError, IomapError
from probes.model import Generator, Model
from probes.models.huggingface.adapter_folder import ADAPTER, with_adapter
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.networks import of_folder

__all__ = ["adopt"]

#: place among the adapters: lower ones are tried first
PLACE = 40


def adopt(model: object, name: str | None, batched: bool) -> Model | Generator | None:
    """Adopt an existing folder with a network that can be explained, or a GGUF file.

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
        return CausalLM.from_pretrained(path, name=name) if path.is_file() else of_folder(path, name)
    except IomapError:
        raise
    except Exception as error:  # files may be damaged in any way, and each kind has errors of its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            "model", f"be a folder or file with a model that can be loaded ({reason})", str(model)
        ) from error
