"""``iomap shapley``: the Shapley values of one answer."""

from __future__ import annotations

import typer

from probes.models.adapt import ModelLike
from probes.probe import Probe
from surrogates.cli.app import app
from surrogates.cli.input_kinds import REGIONS, about
from surrogates.cli.inputs import Options, shown
from surrogates.local.shapley_estimate import shapley_values

__all__ = ["valuing"]

valuing = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The model's own Shapley values of one answer, with intervals."
)
app.add_typer(valuing, name="shapley", short_help="Estimate Shapley values of one answer.")


def _shapley(model: ModelLike, probe: Probe, common: Options) -> None:
    shown(shapley_values(model, probe, **common.asking()), common)


about(valuing, _shapley, dict.fromkeys(REGIONS, Options), "an answer is made of, as Shapley values.")
