"""``iomap anchor`` and ``iomap shapley``: a rule that settles one answer, and its Shapley values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from probes.probe import Probe
from surrogates.anchors import anchor
from surrogates.cli import app
from surrogates.cli_input import REGIONS, Options, about, shown
from surrogates.values import shapley_values

__all__ = ["anchoring", "valuing"]

anchoring = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Find a rule that settles one answer of a model, whatever happens to the rest.",
)
valuing = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The model's own Shapley values of one answer, with intervals."
)
app.add_typer(anchoring, name="anchor")
app.add_typer(valuing, name="shapley")


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


def _anchor(model: Any, probe: Probe, common: Anchoring) -> None:
    found = anchor(
        model,
        probe,
        precision=common.precision,
        confidence=common.confidence,
        same=common.tolerance,
        max_length=common.max_length,
        **common.asking(),
    )
    shown(found, common)


def _shapley(model: Any, probe: Probe, common: Options) -> None:
    shown(shapley_values(model, probe, **common.asking()), common)


about(anchoring, _anchor, dict.fromkeys(REGIONS, Anchoring), "settle an answer.")
about(valuing, _shapley, dict.fromkeys(REGIONS, Options), "an answer is made of, as Shapley values.")
