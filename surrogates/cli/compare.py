"""``iomap compare``: what changed from one model to another, around one input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from probes.inputs.tabular import TabularProbe
from probes.model import Generator
from probes.models.adapt import ModelLike, as_model
from probes.probe import Probe
from surrogates.cli.app import app
from surrogates.cli.inputs import REGIONS, Options, about, load, shown
from surrogates.difference.compare import compare
from surrogates.families.registry import FAMILIES

__all__ = ["comparing"]

comparing = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What changed from one model (--model) to another (--to)."
)
app.add_typer(comparing, name="compare")


@dataclass(kw_only=True)
class TwoModels(Options):
    """Options of a comparison."""

    to: Annotated[str, typer.Option("--to", help="The other model, named as --model is: a release, a fine-tune.")]
    family: Annotated[str, typer.Option(help=f"Readable model of the change: {', '.join(FAMILIES)} or auto.")] = (
        "linear"
    )


def _compare(model: ModelLike, probe: Probe, common: TwoModels) -> None:
    words = "lm" if isinstance(as_model(model), Generator) else "classifier"
    other = load(common.to, None if isinstance(probe, TabularProbe) else words, "--to")
    names = (common.model, common.to) if common.model != common.to else ("before", "after")
    shown(compare(model, other, probe, common.family, names=names, **common.asking()), common)


about(comparing, _compare, dict.fromkeys(REGIONS, TwoModels), "matter more or less to another model.")
