"""``iomap interactions``: the interaction indices of all pairs of features of one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from probes.models.adapt import ModelLike
from probes.probe import Probe
from surrogates.cli.app import app
from surrogates.cli.input_kinds import REGIONS, about
from surrogates.cli.inputs import Options, shown
from surrogates.local.pairwise_estimate import pairwise_interactions
from surrogates.shapley.pairwise_indices import KINDS

__all__ = ["interacting"]

interacting = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The model's own interaction indices of all pairs of features of one answer, with intervals.",
)
app.add_typer(interacting, name="interactions", short_help="Estimate the interactions of all pairs of features.")


@dataclass(kw_only=True)
class Interacting(Options):
    """Options of pairwise interactions."""

    index: Annotated[str, typer.Option(help=f"Which index: {', '.join(KINDS)}.")] = "k-sii"


def _interactions(model: ModelLike, probe: Probe, common: Interacting) -> None:
    shown(pairwise_interactions(model, probe, common.index, **common.asking()), common)


about(interacting, _interactions, dict.fromkeys(REGIONS, Interacting), "change each other's effect, pair by pair.")
