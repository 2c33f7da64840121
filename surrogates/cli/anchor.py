"""``iomap anchor``: a rule that settles one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from probes.models.adapt import ModelLike
from probes.probe import Probe
from surrogates.cli.app import app
from surrogates.cli.input_kinds import REGIONS, about
from surrogates.cli.inputs import Options, shown
from surrogates.local.anchor_search import anchor

__all__ = ["anchoring"]

anchoring = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Find a rule that settles one answer of a model, whatever happens to the rest.",
)
app.add_typer(anchoring, name="anchor", short_help="Find a rule that settles one answer of a model.")


@dataclass(kw_only=True)
class Anchoring(Options):
    """Options of a search for an anchor."""

    precision: Annotated[float, typer.Option(help="Share of the same answers to prove under the rule.")] = 0.95
    confidence: Annotated[float, typer.Option(help="The proof is wrong in at most the rest of runs.")] = 0.95
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Answers that differ by at most this are the same; default: the same class, else nearer to "
            "this answer than to that without any feature."
        ),
    ] = None
    max_length: Annotated[int, typer.Option(help="The most conditions.")] = 6


def _anchor(model: ModelLike, probe: Probe, common: Anchoring) -> None:
    rule = anchor(
        model,
        probe,
        precision=common.precision,
        confidence=common.confidence,
        same=common.tolerance,
        max_length=common.max_length,
        **common.asking(),
    )
    shown(rule, common)


about(anchoring, _anchor, dict.fromkeys(REGIONS, Anchoring), "settle an answer.")
