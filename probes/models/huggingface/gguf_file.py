"""GGUF files: unpacked once into the user's cache folder, as safetensors."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from probes.errors import InputError, ModelError, require
from probes.store.paths import cache_folder

__all__ = ["unpacked"]


def unpacked(file: Path, dtype: str) -> Path:
    """Return the folder of a safetensors copy of a GGUF file, made in the cache folder on first use.

    Parameters
    ----------
    file : Path
    dtype : str
        Name of the torch type that weights are unpacked to.

    Raises
    ------
    InputError
        If there is no such file.
    MissingExtra
        Without the ``transformers`` extra.
    ModelError
        If the copy cannot be kept.
    """
    transformers = require("transformers", "GGUF files")
    require("gguf", "GGUF files")
    require("accelerate", "GGUF files")
    if not file.is_file():
        raise InputError("gguf_file", "name a file that exists", str(file))
    with file.open("rb") as handle:
        mark = hashlib.file_digest(handle, "sha256").hexdigest()[:16]
    target = cache_folder() / "models" / f"{file.stem}-{mark}-{dtype}"
    if (target / "config.json").exists():
        return target
    packed = transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=dtype)
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    config = packed.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=packed.dtype)
    model.load_state_dict(packed.state_dict())
    model.tie_weights()
    staging = target.with_name(f"{target.name}.part-{os.getpid()}")
    staging.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(staging)
    model.save_pretrained(staging)
    try:
        staging.rename(target)
    except OSError as error:  # another process was quicker
        if not (target / "config.json").exists():
            raise ModelError(f"Could not keep the unpacked model at {target}: {error}") from error
    return target
