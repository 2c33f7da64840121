"""``iomap report``: a saved result as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogates.cli.app import app
from surrogates.cli.inputs import in_a_folder
from surrogates.difference.card_difference import CardDifference
from surrogates.difference.case_difference import CaseDifference
from surrogates.difference.difference import Difference
from surrogates.difference.one_vector import VectorShare
from surrogates.difference.row_difference import RowDifference
from surrogates.local.anchor import Anchor
from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.local.dependence import Dependence
from surrogates.local.explanation import Explanation
from surrogates.local.pairwise_interactions import PairwiseInteractions
from surrogates.local.shapley_values import ShapleyValues
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.results.document import kind_of, parsed
from surrogates.results.result import SavedResult
from surrogates.statements.card import Card

__all__ = ["report"]

_DIFFERENCES = (Difference, CardDifference, CaseDifference, RowDifference, VectorShare)
_VALUES = (ShapleyValues, PairwiseInteractions)
_RESULTS = (Explanation, Anchor, Counterfactuals, Dependence, *_VALUES, GlobalSurrogate, Card, *_DIFFERENCES)
_KINDS: dict[str, type[SavedResult]] = {kind.kind: kind for kind in _RESULTS}


@app.command("report")
def report(
    file: Annotated[
        Path,
        typer.Argument(
            help="What --json or to_json wrote: an explanation, anchor, counterfactuals, a dependence, Shapley values, "
            "interactions, global surrogate, behaviour card or difference; or the .jsonl file of explain-many."
        ),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The page; default: FILE with .html.")] = None,
) -> None:
    """Turn a saved result into an HTML page."""
    target = output or file.with_suffix(".html")
    in_a_folder(target, folders=file.suffix == ".jsonl")
    if file.suffix == ".jsonl":
        ExplanationSet.from_jsonl(file).report(target)
        typer.echo(f"wrote {target}")
        return
    kinds = (
        "an explanation, an anchor, counterfactuals, a dependence, Shapley values, interactions, a global surrogate, "
        "a behaviour card"
    )
    data = parsed(file, f"{kinds} or a difference")
    reader = _KINDS.get(kind_of(data), Explanation)
    reader.from_data(data).report(target)
    typer.echo(f"wrote {target}")
