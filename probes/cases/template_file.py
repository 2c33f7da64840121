"""Template probes written in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.cases.template_family import OPTIONS, Family
from probes.cases.yaml_file import read_yaml
from probes.errors import InputError

__all__ = ["read_template"]

_KEYS = ("families", "factors", "entities", "corruptions", "crossing", "first_words", "random_state", *OPTIONS)


def read_template(source: str | Path) -> dict[str, Any]:
    """Read the parameters of a :class:`~probes.cases.template.TemplateProbe` from a YAML file or text.

    Raises
    ------
    MissingExtra
        Without the ``yaml`` extra.
    InputError
        For a file that cannot be read, text that is no YAML mapping, or a key that is no parameter.
    """
    data = read_yaml(source)
    if not isinstance(data, dict) or not isinstance(data.get("families"), (dict, str)):
        rule = "be a YAML mapping with families: a template, or a mapping of names to templates"
        raise InputError("source", rule, data)
    if unknown := [k for k in data if k not in _KEYS]:
        raise InputError("source", f"use only the keys {', '.join(_KEYS)}", unknown)
    if isinstance(data["families"], str):
        data["families"] = {"plain": data["families"]}
    for k, v in data["families"].items():
        if isinstance(v, dict) and ("template" not in v or set(v) - {"template", "only", "slots"}):
            rule = "have a template, and besides only the keys only and slots"
            raise InputError(f"family {k!r}", rule, sorted(v))
    families = {str(k): Family(**v) if isinstance(v, dict) else Family(v) for k, v in data.pop("families").items()}
    rest: dict[str, Any] = {k: () if v is None and k in ("foils", "also") else v for k, v in data.items()}
    return {"families": families, **rest}
