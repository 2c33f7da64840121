"""What torch models share: the fingerprint of their weights and of the tokens they see."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, require
from probes.model import Identity
from probes.models.weight_states import WeightState, note

__all__ = [
    "as_released",
    "configuration",
    "fingerprint",
    "is_half",
    "is_kind",
    "load_network",
    "load_processor",
    "load_tokenizer",
    "of_transformers",
    "on_device",
    "pieces",
    "shuffled",
    "token_digests",
    "tokenizer_of",
]


_LONGEST = 2**22  # bytes of a configuration


def of_transformers(model: object) -> Any:
    """Return the transformers package if an object is of a class of it, or derived from one; else None.

    The package is not looked at otherwise: a broken optional package beside it makes its names raise.
    """
    origins = {getattr(kind, "__module__", "").split(".")[0] for kind in type(model).__mro__}
    return sys.modules.get("transformers") if "transformers" in origins else None


def is_kind(network: Any, mapping: str) -> bool:
    """Return whether an object is a network of transformers that one of its tables lists for its configuration.

    Parameters
    ----------
    network : object
    mapping : str
        Name of the table, such as ``"MODEL_FOR_MASKED_LM_MAPPING"``.
    """
    transformers = of_transformers(network)
    if transformers is None or not isinstance(network, transformers.PreTrainedModel):
        return False
    from transformers.models.auto import modeling_auto

    kinds: Any = getattr(modeling_auto, mapping).get(type(network.config), ())
    return isinstance(network, kinds)


def is_half(module: Any) -> bool:
    """Whether a torch module computes in 16-bit numbers (or fewer)."""
    dtype = getattr(module, "dtype", None)
    return dtype is not None and dtype.itemsize < 4


def fingerprint(module: Any) -> Identity:
    """Identify a torch module as it is now: SHA-256 of its weights, buffers and configuration.

    Forward hooks, patched methods and code outside torch and transformers change the map without changing a weight, so
    a module that has them is identified for this run only. Computed afresh at every call, because weights may be
    changed in place: about a second per gigabyte.

    Parameters
    ----------
    module : torch.nn.Module

    Raises
    ------
    InputError
        For one whose weights are not made yet.
    """
    import torch

    if lazy := [name for name, weight in module.named_parameters() if torch.nn.parameter.is_lazy(weight)]:
        rule = f"have its weights, as after a first call; {lazy[0]} is not made"
        raise InputError("model", rule, type(module).__name__)
    note(WeightState.of(module))

    def digest(item: tuple[str, Any]) -> bytes:
        key, tensor = item
        data = tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy()
        head = f"{key} {tensor.dtype} {tuple(tensor.shape)} ".encode()
        return hashlib.sha256(hashlib.sha256(memoryview(data)).digest() + head).digest()

    named = [*module.named_parameters(), *module.named_buffers()]
    tensors = {(t.data_ptr(), t.shape, t.stride(), t.dtype): (key, t) for key, t in named}
    total = hashlib.sha256()
    with ThreadPoolExecutor() as pool:
        for part in pool.map(digest, tensors.values()):
            total.update(part)
    config = getattr(module, "config", None)
    if config is not None:
        known = {k: v for k, v in config.to_dict().items() if not k.startswith("_") and k != "transformers_version"}
        total.update(json.dumps(known, sort_keys=True, default=str).encode())
    for key, part in module.named_modules():
        plain = {k: v for k, v in vars(part).items() if isinstance(v, (int, float, str, tuple, type(None)))}
        for name in ("training", "name_or_path"):  # answers are given in evaluation mode, wherever the files lie
            plain.pop(name, None)
        total.update(f"{key} {type(part).__module__}.{type(part).__qualname__} {sorted(plain.items())!r}".encode())
    total.update(repr(module).encode())
    released = all(as_released(part) for part in module.modules())
    suffix = "" if released else f":changed-{uuid.uuid4().hex}"
    return Identity(f"{type(module).__name__}:{total.hexdigest()}{suffix}", released)


def as_released(part: Any) -> bool:
    """Return whether a module computes what its released class and its weights say.

    It has no hooks, no patched forward, no user code, is not compiled from such, and packs no weights where they are
    not seen.
    """
    *within, _ = type(part).__module__.split(".")
    released = within[:1] in (["torch"], ["transformers"]) and not {"jit", "quantized"}.intersection(within)
    return released and not (part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part))


def configuration(folder: Path, parameter: str = "path") -> dict[str, Any]:
    """Read the configuration of the network in a folder.

    Raises
    ------
    InputError
        If there is none, or it names code of a hub, which transformers would fetch and run.
    """
    try:
        with (folder / "config.json").open("rb") as file:
            config = json.loads(file.read(_LONGEST))
            if not isinstance(config, dict):
                raise ValueError("no object")
            fetched = _names_code(config)
    except (OSError, ValueError, RecursionError) as error:
        rule = "be a folder with a model of transformers, which has a config.json"
        if (folder / "adapter_config.json").is_file():
            rule += "; as_model(folder) adds an adapter to its base"
        raise InputError(parameter, rule, str(folder)) from error
    if fetched:
        raise InputError(parameter, "be a folder whose config.json names no code of a hub", str(folder))
    return config


def _names_code(config: Any) -> bool:
    """Return whether a kernel of a hub is named somewhere in a configuration."""
    if not isinstance(config, dict):
        return False
    kernels = (value for key, value in config.items() if key.endswith("_implementation"))
    return any("/" in json.dumps(value) for value in kernels) or any(map(_names_code, config.values()))


def load_network(auto: Any, path: str | Path, **options: Any) -> Any:
    """Load a network with all of its weights: safetensors only, no remote code; from a folder nothing else is read.

    Parameters
    ----------
    auto : type
        One of transformers' ``AutoModelFor…``.
    path : str or Path
        A folder, or a name of the hub where there is no such folder.
    **options
        Passed on.

    Raises
    ------
    InputError
        If weights are missing: transformers would draw them at random, and answers would be those of no model. If the
        configuration names code of a hub.
    """
    if Path(path).is_dir():
        configuration(Path(path))
    network, report = auto.from_pretrained(
        path, **_safe(path), use_safetensors=True, output_loading_info=True, **options
    )
    named = dict(network.named_parameters(remove_duplicate=False))
    lost = {key for key in report["missing_keys"] if key in named}
    there = {weight.data_ptr() for key, weight in named.items() if key not in lost}  # tied weights stand in files once
    if missing := sorted(key for key in lost if named[key].data_ptr() not in there):
        raise InputError("path", f"hold all weights of a {type(network).__name__}, also {missing[0]}", str(path))
    return network


def load_processor(path: str | Path) -> Any:
    """Load an image processor, without remote code; from a folder nothing else is read."""
    processors = require("transformers", "an image processor")
    return processors.AutoImageProcessor.from_pretrained(path, **_safe(path))


def load_tokenizer(path: str | Path) -> Any:
    """Load a tokenizer, without remote code; from a folder nothing else is read."""
    import transformers

    return transformers.AutoTokenizer.from_pretrained(path, **_safe(path))


def _safe(path: str | Path) -> dict[str, bool]:
    return {"trust_remote_code": False, "local_files_only": Path(path).is_dir()}


def on_device(module: Any, device: str) -> Any:
    """Move a module to a device.

    Raises
    ------
    InputError
        If torch has no such device here.
    """
    try:
        return module.to(device)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError("device", f"be one that torch has here ({reason})", device) from error


def shuffled(module: Any, rng: np.random.Generator) -> Any:
    """Copy a torch module and permute the entries of every weight tensor: same architecture, nothing learnt."""
    import torch

    other = deepcopy(module).eval()
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    with torch.no_grad():
        for weight in other.parameters():
            order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
            weight.copy_(weight.reshape(-1)[order].reshape(weight.shape))
    return other


def pieces(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """Return the text of each token such that the pieces joined are the decoded text."""
    decode = tokenizer.decode
    ends = [len(decode(ids[: i + 1], clean_up_tokenization_spaces=False).rstrip("\ufffd")) for i in range(len(ids))]
    text = decode(ids, clean_up_tokenization_spaces=False)
    return [text[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def token_digests(rows: Iterable[Sequence[int]]) -> list[bytes]:
    """Return the SHA-256 of token rows: what the network sees, whatever tokenizer or template made it."""
    return [hashlib.sha256(array("q", row).tobytes()).digest() for row in rows]


def tokenizer_of(model: Any) -> Any:
    """Load the tokenizer that lies beside a transformers model's weights.

    Raises
    ------
    InputError
        If there is none: a model alone does not say how it reads text.
    """
    path = model.config.name_or_path
    try:
        return load_tokenizer(path)
    except (OSError, ValueError) as error:
        kind = type(model).__name__
        beside = f"have a tokenizer beside it at {path!r}, or " if path else ""
        rule = f"{beside}come with its tokenizer as (model, tokenizer); else pass a function from texts to numbers"
        raise InputError("model", rule, kind) from error
