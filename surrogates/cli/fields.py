"""Fields on the command line: a JSON object of names and texts, and what is taken apart of them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from probes.errors import InputError
from probes.inputs.fields import FieldsProbe, PairProbe
from probes.model import Generator, Model
from surrogates.cli.texts import units_of

__all__ = ["Fixed", "Pair", "Units", "fields_probe", "object_of"]

Units = Annotated[str, typer.Option("--unit", help="What a feature is: word or sentence; NAME=UNIT,… for each field.")]
Fixed = Annotated[str, typer.Option(help="Names of fields that stay as they are, by commas.")]
Pair = Annotated[bool, typer.Option("--pair", help="Hand two fields over as a pair of texts, in their order.")]


def object_of(text: str, name: str = "FIELDS") -> dict[str, Any]:
    """Read a JSON object; `name` is what errors call it.

    Raises
    ------
    InputError
    """
    try:
        made = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(name, "be a JSON object of names and texts; @FILE reads it from a file", text) from error
    if not isinstance(made, dict):
        raise InputError(name, "be a JSON object of names and texts", text)
    return made


def fields_probe(
    fields: dict[str, Any],
    model: Model | Generator,
    unit: str = "word",
    fixed: str = "",
    pair: bool = False,
    **settings: Any,
) -> FieldsProbe:
    """Make the probe of fields; of a pair if that is said, or if the model reads nothing else.

    Raises
    ------
    InputError
    """
    units: Any = units_of(unit)
    settings["tokenizer"] = getattr(model, "tokenizer", None)
    kept = [name.strip() for name in fixed.split(",") if name.strip()]
    if not pair and (model.fields is None or settings.get("template") is not None):
        return FieldsProbe(fields, units, fixed=kept, **settings)
    if settings.pop("template", None) is not None:
        raise InputError("--template", "come without --pair", True)
    if len(fields) != 2:
        raise InputError("FIELDS", "hold two texts, because the model reads pairs", list(fields))
    if unknown := [name for name in kept if name not in fields]:
        raise InputError("--fixed", f"name some of {', '.join(fields)}", unknown)
    one, two = fields
    side = "both" if not kept else "first" if kept == [two] else "second"
    each = (units.get(one, "word"), units.get(two, "word")) if isinstance(units, dict) else units
    if len(kept) == 2:
        raise InputError("--fixed", "leave one of the two to be taken apart", fixed)
    return PairProbe(fields[one], fields[two], side, each, names=(one, two), **settings)
