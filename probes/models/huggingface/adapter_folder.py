"""A folder that holds a low-rank adapter of a language model: read as data, and added to the weights of its base.

Nothing of what the folder says is run or looked up: of its configuration the plain settings of LoRA are taken, its
weights are safetensors, and its base must be a folder on this machine.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from probes.errors import InputError, require
from probes.models.huggingface.causal_lm import CausalLM

__all__ = ["ADAPTER", "with_adapter"]

#: file that says what an adapter is, and the one with its weights
ADAPTER, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
#: bytes of a configuration
_LONGEST = 2**20
#: settings that are taken as they are, with what they may be
_TAKEN: dict[str, tuple[type, ...]] = {
    "r": (int,),
    "lora_alpha": (int, float),
    "lora_dropout": (int, float),
    "fan_in_fan_out": (bool,),
    "use_rslora": (bool,),
    "use_dora": (bool,),
    "bias": (str,),
}
#: lists of names of modules, and tables by such names
_NAMES, _TABLES = ("target_modules", "modules_to_save"), ("rank_pattern", "alpha_pattern")
#: a name of a module: peft takes more for a pattern to search by
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def with_adapter(folder: Path, name: str | None = None) -> CausalLM:
    """Load a language model with the adapter in a folder added to its weights.

    Parameters
    ----------
    folder : Path
        As peft writes it: ``adapter_config.json``, ``adapter_model.safetensors``.
    name : str, optional

    Raises
    ------
    InputError
        For another kind of adapter, one without safetensors, or one whose base is no folder here.
    MissingExtra
        Without the ``finetune`` extra.
    """
    peft = require("peft", "a folder with an adapter")
    settings, base = _read(folder)
    if not (folder / _WEIGHTS).is_file():
        raise InputError("model", f"be a folder with {_WEIGHTS} beside {ADAPTER}", str(folder))
    from safetensors.torch import load_file

    lm = CausalLM.from_pretrained(base)
    adapted = peft.get_peft_model(lm.module, peft.LoraConfig(**settings))
    told = peft.set_peft_model_state_dict(adapted, load_file(folder / _WEIGHTS))
    if told.unexpected_keys or any("lora_" in key for key in told.missing_keys):
        wrong = [*told.unexpected_keys, *(key for key in told.missing_keys if "lora_" in key)]
        raise InputError("model", f"be an adapter of its base {base}, weight by weight", wrong[0])
    return CausalLM(adapted.merge_and_unload(safe_merge=True).eval(), lm.tokenizer, name)


def _read(folder: Path) -> tuple[dict[str, Any], Path]:
    """Read the settings of LoRA, and the folder of the base.

    Raises
    ------
    InputError
    """
    try:
        with (folder / ADAPTER).open("rb") as file:
            given = json.loads(file.read(_LONGEST))
        if not isinstance(given, dict):
            raise ValueError("no object")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("model", f"be a folder with a readable {ADAPTER}", str(folder)) from error
    if given.get("peft_type") != "LORA" or given.get("task_type") not in ("CAUSAL_LM", None):
        found = f"{given.get('peft_type')!r} for {given.get('task_type')!r}"
        raise InputError("model", "be a folder with a LoRA adapter of a causal language model", found)
    settings = {}
    for key, kinds in _TAKEN.items():
        if given.get(key) is not None:
            if type(given[key]) not in kinds:
                raise _unknown(key, given[key])
            settings[key] = given[key]
    for key in _NAMES:
        names = given.get(key)
        if names is not None and names != "all-linear":
            if not isinstance(names, list) or not all(isinstance(n, str) and _NAME.fullmatch(n) for n in names):
                raise _unknown(key, names)
            settings[key] = names
        elif names is not None:
            settings[key] = names
    for key in _TABLES:
        table = given.get(key) or {}
        sound = isinstance(table, dict) and all(
            _NAME.fullmatch(k) and isinstance(v, (int, float)) for k, v in table.items()
        )
        if not sound:
            raise _unknown(key, table)
        settings[key] = table
    return settings, _base(folder, given.get("base_model_name_or_path"))


def _unknown(key: str, value: Any) -> InputError:
    return InputError("model", f"have an {ADAPTER} whose {key} is plain names or numbers", value)


def _base(folder: Path, named: Any) -> Path:
    """Return the folder of the base: as it is named, or beside the adapter."""
    if isinstance(named, str) and named.strip():
        for place in (Path(named).expanduser(), folder / named, folder.parent / named):
            if (place / "config.json").is_file():
                return place
    rule = f"have a base that is a folder here: put its path into base_model_name_or_path of {ADAPTER}"
    raise InputError("model", rule, named)
