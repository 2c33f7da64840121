"""The ``iomap`` application, to which every command adds itself, and the options of all of them."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from surrogates.results.provenance import library_version
from surrogates.visible import isolated

__all__ = ["Visible", "app"]

_ORDER = (
    *("explain", "explain-many", "compare", "anchor", "counterfactuals", "shapley", "interactions"),
    *("behave", "cards", "report", "store"),
)


class Visible(logging.Formatter):
    """Writes what is logged so that nothing in it is unseen: names and answers of others stand in warnings too."""

    def format(self, record: logging.LogRecord) -> str:
        return isolated(super().format(record))


class _InOrder(TyperGroup):
    """Lists the commands in the order in which they are met."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=lambda name: (*_ORDER, name).index(name))


app = typer.Typer(
    cls=_InOrder,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Explain what a model does: ask it, fit a small readable surrogate, say how far that can be trusted.

Examples:

\b
  iomap explain text "Not bad at all, oddly moving" --model ./my-classifier -o why.html
  iomap explain text @review.txt --model mypackage.scores:sentiment
  iomap explain text "When did it open?" --chat before.json --model ./my-lm --answer "In 1969."
  iomap explain tabular people.csv --row 17 --drop income --model mypackage.models:forest --family tree
  iomap explain tabular people.csv --row 17 --group place=city,zip --background-rows 100 --model mypackage.models:forest
  iomap explain context report.txt --question "When did it open?" --model SmolLM2.gguf --budget 64 -o why.html
  iomap explain context report.txt --question "When did it open?" --model SmolLM2.gguf --estimate
  iomap explain text "Not bad at all" --model ./my-classifier --until r2=0.8 --check fresh,removal
  iomap explain-many people.csv --rows 0:200 --model mypackage.models:forest --jobs 2 --json all.jsonl -o all.html
  iomap compare text "Not bad at all, oddly moving" --model ./my-classifier --to ./fine-tuned -o change.html
  iomap compare ./my-model ./fine-tuned --probe facts -o change.html
  iomap anchor text "Not bad at all, oddly moving" --model ./my-classifier --precision 0.9 -o rule.html
  iomap counterfactuals people.csv --row 17 --drop income --model mypackage.models:forest --desired granted -o near.html
  iomap shapley tabular people.csv --row 17 --drop income --model mypackage.models:forest -o values.html
  iomap interactions text "Not bad at all, oddly moving" --model ./my-classifier --budget 512 -o pairs.html
  iomap report why.json -o why.html
  iomap behave SmolLM2.gguf --probes indirect-object,greater-than -o card.html
  iomap cards before.json after.json -o cards.html
  iomap store stats
  iomap explain context report.txt --question "When?" --model endpoint:my-model@http://127.0.0.1:8000/v1

A server that speaks OpenAI's protocol is endpoint:MODEL@URL (chats; text alone) or completions:MODEL@URL (log-probs of
the answer). Its key comes from the environment variable OPENAI_API_KEY.
""",
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done.")] = False,
) -> None:
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(Visible("%(name)s: %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[handler])
    if version:
        typer.echo(f"iomap {library_version()}")
        raise typer.Exit
